"""The router: who sees what, in which language, at which address, and what a failure looks like."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data import accounts, owner
from data.store import Store
from metrics.reach import reach
from metrics.scope import SYSTEM
from pages.ui import access, ask, text
from pages.ui.text import _, speaking
from tests.pages.conftest import ROOT, Open

EXPECTED = {
    "admin": {"throughput", "quality", "overview", "headcount", "import_files", "trust", "identities", "catalogue"},
    "executive": {"throughput", "quality", "overview", "headcount", "trust", "catalogue"},
    "site_manager": {"throughput", "quality", "headcount", "import_files", "trust", "identities", "catalogue"},
    "hr": {"throughput", "headcount", "trust", "identities", "catalogue"},
    "team_lead": {"throughput", "quality", "catalogue"},
    "annotator": {"catalogue"},
    "reviewer": {"catalogue"},
}
LOCK = ":material/lock:"


def words(at: AppTest) -> str:
    return "\n".join([*(m.value for m in at.markdown), *(c.value for c in at.caption), *(t.value for t in at.title)])


@pytest.mark.parametrize("role", EXPECTED)
def test_the_screens_of_a_role(role: str) -> None:
    assert {s.name for s in access.SCREENS if role in s.roles} == EXPECTED[role]


@pytest.mark.parametrize("persona", access.PERSONAS)
def test_every_screen_as_every_persona(visit: Open, persona: str) -> None:
    at = visit(persona=persona)
    for screen in access.SCREENS:
        at.switch_page(screen.file).run()
        assert not at.exception
        shown = words(at)
        assert not [broken for broken in ("程序出错了", "无法回答", "数据无法打开") if broken in shown], screen.name
        if persona in screen.roles:
            assert [t.value for t in at.title] == [zh(screen.question)]
        else:
            assert f"{LOCK} **无权查看**" in shown
            assert not at.title
            assert not at.metric


def zh(sentence: str) -> str:
    with speaking("zh"):
        return _(sentence)


def test_the_root_leads_to_the_first_screen(visit: Open) -> None:
    assert [t.value for t in visit(persona="executive").title] == [zh(access.screen("overview").question)]
    assert [t.value for t in visit(persona="site_manager").title] == [zh(access.screen("throughput").question)]


def units(store: Store, site: str | None) -> int:
    """Units of the last 28 days, from the log."""
    last = reach(store, SYSTEM).last
    assert last is not None
    found = store.rows(
        "SELECT sum(units) FROM work JOIN site USING (site_key) WHERE action IN (0, 1) AND business_date BETWEEN ? AND ? AND (?::VARCHAR IS NULL OR site_id = ?)",
        [last - timedelta(days=27), last, site, site],
    )
    return round(float(found[0][0]))


def english(n: float) -> str:
    with speaking("en"):
        return text.short(n)


def shown_units(at: AppTest) -> str:
    return next(m.value for m in at.metric if m.label.startswith("Units"))


def test_a_site_manager_sees_one_site_whatever_the_address_says(small: Store, visit: Open) -> None:
    everything, own = units(small, None), units(small, "S1")
    assert own < everything
    whole = visit("site/throughput.py", persona="admin", lang="en")
    assert shown_units(whole) == english(everything)
    for query in ({}, {"site": "S2"}, {"team": "T3"}):
        at = visit("site/throughput.py", persona="site_manager", lang="en", **query)
        assert shown_units(at) == english(own)
        assert "site" not in at.query_params
    assert not [s for s in at.selectbox if s.key == "f_site"]


def test_language_follows_the_address_and_the_switch(visit: Open) -> None:
    at = visit("site/throughput.py", lang="en")
    assert at.title[0].value == access.screen("throughput").question
    at.segmented_control(key="lang_switch").set_value("zh").run()
    assert at.title[0].value == zh(access.screen("throughput").question)
    assert at.query_params["lang"] in ("zh", ["zh"])


def test_language_and_persona_stay_in_the_address(visit: Open) -> None:
    at = visit("site/throughput.py", persona="site_manager", lang="en")
    at.segmented_control(key="lang_switch").set_value("zh").run()
    for screen in ("data/trust.py", "site/quality.py", "exec/overview.py"):  # without filters, with them, not theirs
        at.switch_page(screen)
        at.query_params.clear()  # as the menu's links do
        at.run()
        assert {name: at.query_params[name] for name in ("lang", "persona")} in (
            {"lang": "zh", "persona": "site_manager"},
            {"lang": ["zh"], "persona": ["site_manager"]},
        )


def test_no_english_crumbs_in_chinese(visit: Open) -> None:
    import re

    at = visit("site/throughput.py", persona="site_manager")
    said = [
        *(m.label for m in at.metric),
        *(s.label for s in at.selectbox),
        *(c for d in at.dataframe for c in d.value.columns),
        *(c.value for c in at.caption),
    ]
    plain = [re.sub(r":material/\w+:|UTC\S*|P50|P90|95%|active|v7", "", words) for words in said]
    assert [words for words in plain if re.search(r"[A-Za-z]{2,}", words)] == []


def test_without_a_session_nothing_is_shown(small: Store) -> None:
    small.set_meta("demo", "no")
    at = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=60).run()
    assert not at.exception
    assert LOCK in words(at)
    assert not at.metric


def test_the_role_comes_from_the_account_and_ends_with_the_session(small: Store) -> None:
    small.set_meta("demo", "no")
    accounts.add(small, "lin", accounts.hash_password("a long password"), "site_manager", site="S2")
    sid = accounts.sign_in(small, "lin", "a long password").sid
    assert sid is not None
    at = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=60)
    at.query_params["lang"] = "en"
    at.query_params["persona"] = "admin"
    at.user = {"session": accounts.session_key(sid)}
    at.run()
    assert at.title[0].value == access.screen("throughput").question
    assert shown_units(at) == english(units(small, "S2"))
    assert not [s for s in at.selectbox if s.key == "persona_switch"]
    accounts.set_disabled(small, "lin", True)
    at.run()
    assert LOCK in words(at)
    assert not at.metric


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    st.cache_resource.clear()
    with Store(tmp_path / "empty.duckdb") as store, owner.owning(store):
        store.set_meta("demo", "yes")
        at = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=60).run()
        assert not at.exception
        assert "还没有数据" in words(at)


def test_a_failure_is_one_calm_card_with_a_reference(
    visit: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at = visit("site/throughput.py")

    def fail(*_args: object) -> None:
        raise RuntimeError("secret detail of the inside")

    monkeypatch.setattr("pages.ui.ask.engine.run_together", fail)
    monkeypatch.setattr("pages.ui.ask._answers", ask.Memory(8))
    monkeypatch.setattr("pages.ui.ask._asked", ask.Memory(8))
    at.run()
    assert not at.exception
    shown = words(at)
    assert "程序出错了" in shown
    assert "secret detail" not in shown
    reference = caplog.records[-1].args[0]  # type: ignore[index]
    assert str(reference) in shown


def test_no_screen_opens_without_the_router() -> None:
    """A folder `pages/` beside the main script would be served page by page; a room with `__init__` would shadow `data`."""
    assert not (ROOT / "pages" / "pages").exists()
    assert not [room for room in access.ROOMS if (ROOT / "pages" / room / "__init__.py").exists()]
    for screen in access.SCREENS:
        source = (ROOT / "pages" / screen.file).read_text(encoding="utf-8")
        assert f'screen.open("{screen.name}")' in source
