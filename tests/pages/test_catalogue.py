"""The catalogue: every measure, found by words, opened by its address, in both languages, by everybody."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from metrics.catalogue import entries, entry
from metrics.definitions import REGISTRY
from tests.pages.conftest import Open

SCREEN = "data/catalogue.py"


def said(at: AppTest) -> str:
    return "\n".join(str(e.value) for kind in ("title", "subheader", "markdown", "caption", "warning") for e in getattr(at, kind))


def listed(at: AppTest) -> list[str]:
    return at.dataframe[0].value.iloc[:, -1].tolist() if at.dataframe else []


@pytest.mark.parametrize("persona", ["executive", "site_manager", "hr", "team_lead", "admin"])
def test_everybody_has_all_of_it(visit: Open, persona: str) -> None:
    at = visit(SCREEN, persona=persona)
    assert listed(at) == [e.measure.name for e in entries()]
    assert not at.code


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", ["first_pass_yield", "turnover_rate_cn", "pay_per_hour", "seconds_per_unit_p50", "attrition_90d", "units"])
def test_a_link_opens_one_definition(visit: Open, name: str, lang: str) -> None:
    at = visit(SCREEN, persona="site_manager", lang=lang, measure=name)
    m, found = REGISTRY.measures[name], entry(name)
    assert found is not None
    words = said(at)
    assert (m.zh if lang == "zh" else m.en) in words
    assert (m.note.zh if lang == "zh" else m.note.en) in words
    published = [source for source in m.source.split("; ") if not source.startswith(("metrics.md", "contract"))]
    assert not published or "; ".join(published) in words.split("\n")
    assert "metrics.md" not in words  # numbers of our own catalogue lead a reader nowhere
    assert at.code[0].value == found.sql
    if m.num:
        assert " ÷ " in words
        assert (found.denominator.zh if lang == "zh" else found.denominator.en) in words
    dims = [text.zh if lang == "zh" else text.en for text in found.dimensions]
    assert " · ".join(dims) in words
    assert bool(re.search("[\u4e00-\u9fff]", at.dataframe[0].value.columns[0])) is (lang == "zh")


def test_search_and_family(visit: Open) -> None:
    at = visit(SCREEN, persona="hr", lang="zh")
    at.text_input(key="catalogue_words").set_value("离职率").run()
    assert listed(at)[:2] == ["turnover_rate", "turnover_rate_cn"]
    at.text_input(key="catalogue_words").set_value("").run()
    at.pills(key="catalogue_family").set_value("quality").run()
    assert listed(at) == [e.measure.name for e in entries() if e.family == "quality"]
    at.text_input(key="catalogue_words").set_value("revenue zzz").run()
    assert listed(at) == []
    assert "没有同时包含这些词的指标" in said(at)


def test_a_wrong_link_says_so(visit: Open) -> None:
    at = visit(SCREEN, persona="hr", lang="en", measure="no_such")
    assert "no_such" in at.warning[0].value
    assert listed(at)


def test_close_leads_back_to_the_list(visit: Open) -> None:
    at = visit(SCREEN, persona="hr", lang="en", measure="units")
    at.button(key="catalogue_close").click().run()
    assert not at.code
    assert "measure" not in at.query_params
