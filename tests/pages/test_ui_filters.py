"""The filter bar: the address, what holds across screens, reset, and values that are not one's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.proto.Metric_pb2 import Metric as MetricProto

from data.store import Store
from metrics.reach import reach
from metrics.scope import SYSTEM
from pages.ui import text
from pages.ui.text import speaking
from tests.pages.conftest import Open


def test_defaults_leave_the_address_clean(visit: Open) -> None:
    at = visit("site/throughput.py")
    assert set(at.query_params) <= {"lang", "persona"}


def test_a_choice_goes_to_the_address_and_holds_across_screens(visit: Open) -> None:
    at = visit("site/throughput.py")
    at.selectbox(key="f_period").set_value("last_7_days").run()
    at.selectbox(key="f_project").set_value("P2").run()
    assert at.query_params["period"] in ("last_7_days", ["last_7_days"])
    assert at.query_params["project"] in ("P2", ["P2"])
    at.switch_page("exec/overview.py").run()
    assert at.selectbox(key="f_period").value == "last_7_days"
    assert at.selectbox(key="f_project").value == "P2"
    assert at.query_params["project"] in ("P2", ["P2"])


def test_a_choice_holds_over_screens_without_filters(visit: Open) -> None:
    at = visit("site/throughput.py", persona="site_manager", period="last_7_days", project="P2")
    for screen in ("data/trust.py", "data/catalogue.py", "site/throughput.py"):
        at.switch_page(screen)
        at.query_params.clear()  # as the menu's links do
        at.run()
    assert (at.selectbox(key="f_period").value, at.selectbox(key="f_project").value) == ("last_7_days", "P2")
    assert at.query_params["project"] in ("P2", ["P2"])


def test_a_link_reopens_the_same_view(small: Store, visit: Open) -> None:
    last = reach(small, SYSTEM).last
    assert last is not None
    start = (last - timedelta(days=3)).isoformat()
    at = visit("site/throughput.py", period="custom", **{"from": start, "to": last.isoformat()}, team="T2", compare="none")
    assert at.selectbox(key="f_team").value == "T2"
    assert at.selectbox(key="f_compare").value == "none"
    assert [d.isoformat() for d in at.date_input(key="f_dates").value] == [start, last.isoformat()]
    assert all(m.delta == "" for m in at.metric)


def test_nonsense_in_the_address_becomes_the_default(visit: Open) -> None:
    at = visit("site/throughput.py", period="forever", compare="'; DROP TABLE work; --", project="nobody's", **{"from": "x"})
    assert at.selectbox(key="f_period").value == "last_28_days"
    assert at.selectbox(key="f_compare").value == "previous"
    assert at.selectbox(key="f_project").value == ""
    assert set(at.query_params) <= {"lang", "persona"}


def test_reversed_dates_in_the_address_are_swapped(small: Store, visit: Open) -> None:
    last = reach(small, SYSTEM).last
    assert last is not None
    start = (last - timedelta(days=3)).isoformat()
    at = visit("site/throughput.py", period="custom", **{"from": last.isoformat(), "to": start})
    assert [d.isoformat() for d in at.date_input(key="f_dates").value] == [start, last.isoformat()]


@pytest.mark.parametrize(("start", "end"), [("2026-02-30", "2026-03-01"), ("2026-02-01", ""), ("0001-01-01", "0001-01-02"), ("", "")])
@pytest.mark.parametrize(("lang", "sentence"), [("en", "does not name two that exist"), ("zh", "没有两个有效的日期")])
def test_impossible_dates_in_the_address_are_said(visit: Open, lang: str, sentence: str, start: str, end: str) -> None:
    at = visit("site/throughput.py", lang=lang, period="custom", **{"from": start, "to": end})
    assert at.selectbox(key="f_period").value == "last_28_days"
    assert sum(sentence in c.value for c in at.caption) == 1
    at.selectbox(key="f_period").set_value("last_7_days").run()
    assert not any(sentence in c.value for c in at.caption)


def test_reset(visit: Open) -> None:
    at = visit("site/throughput.py", period="yesterday", modality="audio", compare="last_week")
    assert at.selectbox(key="f_modality").value == "audio"
    at.button(key="f_reset_all").click().run()
    assert [at.selectbox(key=k).value for k in ("f_period", "f_modality", "f_compare")] == ["last_28_days", "", "previous"]
    assert set(at.query_params) <= {"lang", "persona"}


def test_teams_follow_the_site(visit: Open) -> None:
    at = visit("site/throughput.py", site="S1", team="T2")
    assert at.selectbox(key="f_team").value == "T2"
    at.selectbox(key="f_site").set_value("S2").run()
    assert [s for s in at.selectbox if s.key == "f_team"] == []
    assert "team" not in at.query_params


def test_the_days_meant_stand_under_the_bar(small: Store, visit: Open) -> None:
    last = reach(small, SYSTEM).last
    assert last is not None
    at = visit("site/throughput.py", lang="en", period="last_7_days")
    with speaking("en"):
        now, before = text.days(last - timedelta(days=6), last), text.days(last - timedelta(days=13), last - timedelta(days=7))
    assert any(c.value.endswith(f"{now}, compared with {before}") for c in at.caption)
    at = visit("site/throughput.py", lang="en", period="all")
    assert [s for s in at.selectbox if s.key == "f_compare"] == []  # there is nothing before it


def test_the_newest_day_is_not_compared_with_a_whole_one(visit: Open) -> None:
    at = visit("site/throughput.py", lang="en", period="today")
    assert any("The newest day may not be finished" in c.value for c in at.caption)
    assert all(not metric.delta for metric in at.metric)


def test_a_day_under_way_is_told_where_it_is_compared_with_whole_ones(small: Store, visit: Open) -> None:
    """Half a day makes a sum look low: that is said above it, and the fall is not coloured as bad. Rates are judged as ever."""
    fresh = reach(small, SYSTEM)
    words = "is not over: sums are compared with whole days"
    at = visit("exec/overview.py", lang="en", period="last_28_days", compare="previous")
    assert any(words in c.value for c in at.caption) == (fresh.last == fresh.today)
    colours = {metric.label: metric.proto.color for metric in at.metric if metric.delta not in ("", "0")}
    assert (colours["Revenue"] == MetricProto.GRAY) == (fresh.last == fresh.today)
    assert colours["Margin rate"] != MetricProto.GRAY
    for other in ({"period": "last_7_days", "compare": "none"}, {"period": "yesterday"}, {"period": "last_month"}):
        assert not any(words in c.value for c in visit("site/throughput.py", lang="en", **other).caption)


def test_who_sees_one_site_is_told_which(visit: Open) -> None:
    assert any("可见范围：" in c.value for c in visit("site/throughput.py", persona="site_manager").sidebar.caption)
    assert not any("可见范围：" in c.value for c in visit("site/throughput.py", persona="hr").sidebar.caption)
