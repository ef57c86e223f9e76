"""What a phone shows in place of a table: rows to read and to tap."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.ui import lists, theme
from tests.pages.base import PEOPLE, PROJECTS
from tests.pages.conftest import Open


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "phone", lambda: True)


def rows(at: AppTest, key: str) -> list[str]:
    """The names on the list that starts with this key."""
    return [b.label for b in at.button if b.key and b.key.startswith(f"{key}_list_row_")]


@pytest.mark.usefixtures("phone")
def test_a_tap_on_a_project_narrows_the_screen(visit: Open) -> None:
    at = visit("site/throughput.py", persona="site_manager", lang="en")
    assert not at.dataframe
    assert {name.replace("\\", "") for name in rows(at, "projects")} <= {names[1] for names in PROJECTS.values()}
    first = rows(at, "projects")[0]
    at.button(key="projects_list_row_0").click().run()
    assert not at.exception
    chosen = at.query_params["project"]
    assert PROJECTS[chosen if isinstance(chosen, str) else chosen[0]][1] == first
    assert rows(at, "projects") == [first]


@pytest.mark.usefixtures("phone")
def test_people_come_ten_to_a_page_with_what_matters(visit: Open) -> None:
    at = visit("site/throughput.py", persona="hr", lang="en")
    assert len(rows(at, "paces_worker")) == lists.ROWS < PEOPLE
    said = [m.value for m in at.markdown]
    assert any(words.startswith(":small[W") and "Band] faster" in words and "95% interval]" in words for words in said)
    at.button(key="paces_worker_list_row_0").click().run()
    assert rows(at, "paces_worker") == []
    assert [s.value for s in at.subheader if s.value.startswith("员工")]


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("screen", ["exec/overview.py", "site/quality.py", "hr/headcount.py", "data/trust.py", "data/catalogue.py"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_table_is_left_on_a_phone(visit: Open, screen: str, lang: str) -> None:
    at = visit(screen, persona="admin", lang=lang)
    assert not at.dataframe
    assert not at.error


@pytest.mark.usefixtures("phone")
def test_a_change_is_green_or_red_by_what_is_better(visit: Open) -> None:
    """Fewer errors are better: a rise is red."""
    said = [m.value for m in visit("site/quality.py", persona="admin", lang="en").markdown]
    moved = [words for words in said if ":gray[Change]" in words and "pp" in words]
    assert moved
    for words in moved:
        assert (":red[" in words) == ("+" in words), words


@pytest.mark.usefixtures("phone")
def test_a_measure_is_opened_from_the_list(visit: Open) -> None:
    at = visit("data/catalogue.py", lang="zh")
    name = at.button(key="catalogue_list_list_row_0").label
    at.button(key="catalogue_list_list_row_0").click().run()
    assert "measure" in at.query_params
    assert name in [s.value for s in at.subheader]
    at.button(key="catalogue_close").click().run()
    assert "measure" not in at.query_params


def test_values_end_at_the_right_however_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The box of a single digit is wider than the digit."""
    drawn: dict[str, str | None] = {}
    monkeypatch.setattr(st, "markdown", lambda words, text_alignment=None, **_how: drawn.update({words: text_alignment}))
    monkeypatch.setattr(st, "caption", lambda words, text_alignment=None, **_how: drawn.update({words: text_alignment}))
    lists.show([lists.Row("a", "0"), lists.Row("b", "1,234", grey=True)], key="short", head="Name", value_head="n")
    assert drawn == {"Name": None, "n": "right", "a": None, "**0**": "right", "b": None, ":gray[1,234]": "right"}


def test_words_of_the_data_are_no_markdown() -> None:
    assert lists.plain("A*b* [c](d) :red[x] $1$") == r"A\*b\* \[c\](d) \:red\[x\] \$1\$"
