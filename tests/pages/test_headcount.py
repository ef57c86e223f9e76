"""Headcount: 24 people, one of whom left by choice on day 25 of the small base."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from data.owner import owner
from metrics.period import Period, resolve
from metrics.reach import reach
from metrics.scope import SYSTEM
from tests.pages.conftest import Open

SCREEN = "hr/headcount.py"


def period() -> Period:
    return resolve("last_28_days", reach(owner().store, SYSTEM).last)  # type: ignore[arg-type]


def employed(on: date, site: str | None = None) -> int:
    """People employed at the end of a day, counted from the employments."""
    sql = (
        "SELECT count(*) FROM employment e JOIN presence p USING (worker_key, hired) JOIN site USING (site_key) WHERE p.starts_spell"
        " AND e.hired <= $day AND (e.left_on IS NULL OR e.left_on > $day) AND ($site::VARCHAR IS NULL OR site_id = $site)"
    )
    return int(owner().store.rows(sql, {"day": on, "site": site})[0][0])


def cards(at: AppTest) -> dict[str, str]:
    return {m.label: m.value.strip() for m in at.metric}


def said(at: AppTest) -> str:
    return "\n".join(str(e.value) for kind in ("title", "subheader", "markdown", "caption") for e in getattr(at, kind))


@pytest.mark.parametrize(("persona", "site"), [("hr", None), ("executive", None), ("admin", None), ("site_manager", "S1")])
def test_how_many_and_who_left(visit: Open, persona: str, site: str | None) -> None:
    at = visit(SCREEN, persona=persona, lang="en")
    now = period()
    assert now.start is not None
    assert now.end is not None
    found = cards(at)
    assert len(found) == 6
    assert found["Headcount"] == str(employed(now.end, site))
    daily = [employed(now.start + timedelta(days=d), site) for d in range(28)]
    opening, leavers = employed(now.start - timedelta(days=1), site), int(found["Leavers (people)"])
    joiners = int(found["Joiners (people)"])
    assert leavers == 1
    assert opening + joiners - leavers == employed(now.end, site)
    assert found["Turnover (avg.)"] == f"{100 * leavers / (sum(daily) / 28):.1f}%"
    assert found["Turnover (joiners)"] == f"{100 * leavers / (opening + joiners):.1f}%"


@pytest.mark.parametrize("persona", ["team_lead"])
def test_others_do_not_have_it(visit: Open, persona: str) -> None:
    at = visit(SCREEN, persona=persona, lang="en")
    assert not at.metric
    assert not at.dataframe


@pytest.mark.parametrize(("persona", "sees"), [("executive", False), ("hr", True), ("site_manager", True), ("admin", True)])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_names_only_for_those_who_may(visit: Open, persona: str, sees: bool, lang: str) -> None:
    at = visit(SCREEN, persona=persona, lang=lang)
    head = "人员" if lang == "zh" else "Worker"
    found = [d.value for d in at.dataframe if head in d.value.columns]
    assert bool(found) is sees
    if sees:
        assert found[0].iloc[:, 1].tolist() == ["W07"]
    else:
        assert "W07" not in str([d.value.to_dict() for d in at.dataframe])
        assert "员工07" not in said(at)


@pytest.mark.parametrize("site", ["S1", "S2"])
def test_a_site_manager_sees_one_site_whatever_the_address_says(visit: Open, site: str) -> None:
    at = visit(SCREEN, persona="site_manager", lang="en", site=site)
    end = period().end
    assert end is not None
    assert cards(at)["Headcount"] == str(employed(end, "S1"))
    assert not any("Site" in d.value.columns for d in at.dataframe)
    teams = next(d.value for d in at.dataframe if "Team" in d.value.columns)
    assert set(teams["Team"]) == {"Team 1", "Team 2"}


def test_every_row_of_the_table_is_a_bridge(visit: Open) -> None:
    at = visit(SCREEN, persona="hr", lang="en")
    sites = next(d.value for d in at.dataframe if "Site" in d.value.columns)
    assert len(sites) == 2
    for row in sites.to_dict("records"):
        steps = (
            row["Joiners (people)"]
            + row["Net transfers in (people)"]
            - row["Leavers, voluntary (people)"]
            - row["Leavers, involuntary (people)"]
        )
        assert row["Opening headcount (people)"] + steps == row["Headcount (people)"]
    assert sites["Net transfers in (people)"].sum() == 0


def test_the_two_definitions_are_never_in_one_table(visit: Open) -> None:
    at = visit(SCREEN, persona="hr", lang="zh")

    def rates() -> list[str]:
        places = next(d.value for d in at.dataframe if "基地" in d.value.columns)
        return [name for name in places.columns if name.startswith("离职率") and "变化" not in name]

    assert rates() == ["离职率（平均在职口径）"]
    at.segmented_control(key="turnover_definition").set_value("turnover_rate_cn").run()
    assert rates() == ["离职率（期初+入职口径）"]


def test_an_executive_is_not_told_why_a_single_person_left(visit: Open) -> None:
    with owner().store.transaction() as cur:
        cur.execute("UPDATE employment SET leave_reason = '照顾家人' WHERE left_on IS NOT NULL")
        cur.execute("UPDATE presence SET leave_reason = '照顾家人' WHERE ends_spell")
    for persona, told in (("executive", False), ("hr", True)):
        at = visit(SCREEN, persona=persona, lang="zh")
        assert (
            any("照顾家人" in json.loads(chart.proto.spec)["data"][0].get("customdata", ()) for chart in at.get("plotly_chart")) is told
        ), persona
        assert any("照顾家人" in str(d.value.to_dict()) for d in at.dataframe) is told, persona


def test_the_words_of_the_trade_are_said_in_the_language_of_the_reader(visit: Open) -> None:
    with owner().store.transaction() as cur:
        for table, left in (("employment", "left_on IS NOT NULL"), ("presence", "ends_spell")):
            cur.execute(f"UPDATE {table} SET leave_reason = '收入不达预期' WHERE {left}")
    for lang, words in (("en", "Income below expectation"), ("zh", "收入不达预期")):
        at = visit(SCREEN, persona="hr", lang=lang)
        assert any(words in json.loads(chart.proto.spec)["data"][0].get("customdata", ()) for chart in at.get("plotly_chart")), lang


def test_a_period_before_anybody_is_a_designed_state(visit: Open) -> None:
    at = visit(SCREEN, persona="hr", lang="en", period="custom", **{"from": "2001-01-01", "to": "2001-01-07"})
    assert not at.metric
    assert "Nobody was employed" in said(at)
