"""The bridge adds up, against counts written by hand over the base."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from data.store import Store
from metrics.headcount_bridge import MEASURES, bridge, reasons
from metrics.period import Period
from metrics.query import Query, run
from metrics.scope import SYSTEM, scope_for
from tests.pages.base import build

NOW = datetime(2026, 3, 20, 4)
WHOLE = dict.fromkeys(MEASURES, 0.0)


def test_the_worked_example_of_the_catalogue() -> None:
    found = bridge(
        {
            **WHOLE,
            "headcount_opening": 800,
            "joiners": 120,
            "leavers": 60,
            "leavers_voluntary": 40,
            "leavers_involuntary": 20,
            "headcount": 860,
        }
    )
    assert found is not None
    assert (found.opening, found.joiners, found.voluntary, found.involuntary, found.unstated, found.closing) == (800, 120, 40, 20, 0, 860)


def test_steps_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="headcount bridge"):
        bridge({**WHOLE, "headcount_opening": 10, "headcount": 11})
    with pytest.raises(ValueError, match="leavers"):
        bridge({**WHOLE, "headcount_opening": 10, "leavers": 1, "leavers_voluntary": 2, "headcount": 9})


def test_what_may_not_be_shown_is_not() -> None:
    assert bridge({**WHOLE, "headcount": None}) is None
    assert bridge({**WHOLE, "headcount": float("nan")}) is None
    found = bridge({**WHOLE, "headcount_opening": 10, "leavers": 3, "leavers_voluntary": None, "leavers_involuntary": None, "headcount": 7})
    assert found is not None
    assert (found.voluntary, found.involuntary, found.leavers, found.unstated) == (None, None, 3, 0)
    assert found.steps == (("joiners", 0), ("left", -3))


def test_transfers_and_leavers_without_a_way_have_their_own_steps() -> None:
    found = bridge(
        {
            "headcount_opening": 10,
            "joiners": 2,
            "transfers_net": -1,
            "leavers": 4,
            "leavers_voluntary": 1,
            "leavers_involuntary": 2,
            "headcount": 7,
        }
    )
    assert found is not None
    assert found.steps == (("joiners", 2), ("transfers", -1), ("voluntary", -1), ("involuntary", -2), ("unstated", -1))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with build(tmp_path_factory.mktemp("bridge") / "s.duckdb", now=NOW) as base:
        yield base


def test_every_site_and_team_of_a_base_adds_up(store: Store) -> None:
    period = Period(date(2026, 2, 10), date(2026, 3, 15))
    for split in ((), ("site",), ("team",), ("modality",)):
        result = run(store, Query(MEASURES, by=split, period=period, total=True), SYSTEM)
        rows = [result.total] if not split else result.exact.to_pylist()
        assert rows
        for row in rows:
            found = bridge(row)
            assert found is not None
            assert found.opening + sum(size for _, size in found.steps) == found.closing
            key, known = ("TRUE", []) if not split else (f"{split[0]} = $key", [row[split[0]]])
            on = "SELECT count(*) FROM presence p JOIN site USING (site_key) JOIN team USING (team_key) WHERE from_date <= $day AND (to_date IS NULL OR to_date > $day) AND " + {
                "site = $key": "site_id = $key", "team = $key": "team_id = $key", "modality = $key": "coalesce(p.modality, '') = $key"}.get(key, "TRUE")  # fmt: skip
            extra = {"key": known[0]} if known else {}
            assert found.opening == store.rows(on, {"day": date(2026, 2, 9), **extra})[0][0]
            assert found.closing == store.rows(on, {"day": date(2026, 3, 15), **extra})[0][0]
    by_site = run(store, Query(MEASURES, by=("site",), period=period), SYSTEM).exact.to_pylist()
    assert sum(row["transfers_net"] for row in by_site) == 0


def test_an_executive_gets_the_bridge_of_a_large_group(store: Store) -> None:
    result = run(store, Query(MEASURES, period=Period(date(2026, 2, 10), date(2026, 3, 15))), scope_for("executive"))
    found = bridge(result.total or {})  # type: ignore[arg-type]
    assert found is not None
    assert found.leavers == 1


def test_reasons_by_frequency_and_the_rest_last() -> None:
    found = reasons(["a", "b", "", "c"], [2, 5, 3, 1], [2, 5, 0, 0], [0, 0, 0, 1], 11)
    assert [(r.name, r.leavers, r.voluntary) for r in found] == [("b", 5, True), ("a", 2, True), ("c", 1, False), ("", 3, None)]


def test_a_small_reason_cannot_be_had_by_subtraction() -> None:
    found = reasons(["a", "b", "c"], [20, 6, 2], [20, 6, None], [0, 0, None], 28)
    assert [(r.name, r.leavers) for r in found] == [("a", 20), ("", 8)]
    assert [(r.name, r.leavers) for r in reasons(["a"], [3], [None], [None], 3)] == [("", 3)]


def test_nan_hides_as_none_does() -> None:
    nan = float("nan")
    assert reasons(["a", "b"], [6, 2], [6, nan], [0, nan], 8) == reasons(["a", "b"], [6, 2], [6, None], [0, None], 8)


def test_a_reason_without_the_flag_is_still_a_reason() -> None:
    assert [(r.name, r.leavers, r.voluntary) for r in reasons(["a"], [6], [0], [0], 6)] == [("a", 6, None)]
