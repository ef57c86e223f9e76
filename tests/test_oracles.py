"""Real logs, imported with their columns as they are, against numbers computed by somebody else, to the last printed digit.

The sets and the numbers lie outside the project (see README); without them these tests are skipped.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from data import load
from data.store import Store
from metrics.query import Query, run
from metrics.scope import SYSTEM

SHARED = Path(os.environ.get("PIECEWORK_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SETS = {file.stem.removeprefix("dev_"): file for file in sorted((SHARED / "oracles").glob("dev_*.json"))}
pytestmark = pytest.mark.skipif(not SETS, reason=f"the public logs and their oracles are not at {SHARED}")


@pytest.fixture(scope="module", params=SETS or ["none"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, Any]]:
    """One set in a store of its own, and its oracle."""
    store = Store(tmp_path_factory.mktemp("oracle") / "s.duckdb")
    for file in sorted((SHARED / "data" / request.param).glob("*.csv")):
        for report in load.import_file(store, file):
            assert (report.rejected, report.duplicates) == (0, 0)
        for report in load.import_file(store, file):
            assert (report.new, report.updated, report.rejected) == (0, 0, 0)
    return store, json.loads(SETS[request.param].read_text(encoding="utf-8"))


def ask(store: Store, *measures: str, by: tuple[str, ...] = (), exact: bool = False) -> list[dict[str, Any]]:
    table = run(store, Query(measures=measures, by=by, exact=exact), SYSTEM).table
    return table.astype(object).where(table.notna(), None).to_dict("records")


def same(value: float, printed: float) -> None:
    """Equal to as many digits as the oracle prints."""
    digits = -int(Decimal(repr(printed)).as_tuple().exponent)
    assert round(float(value), digits) == printed


def test_totals(case: tuple[Store, dict[str, Any]]) -> None:
    store, oracle = case
    (row,) = ask(store, "submissions", "active_workers", "items", "work_hours", "mean_seconds", "units_per_hour", "repeats")
    assert (row["submissions"], row["active_workers"], row["items"]) == (oracle["events"], oracle["workers"], oracle["items"])
    assert row["repeats"] == oracle["repeat_worker_item"]
    same(row["work_hours"], oracle["duration"]["sum_h"])
    same(row["mean_seconds"], oracle["duration"]["mean_s"])
    same(row["units_per_hour"], oracle["duration"]["units_per_hour_micro"])


def test_percentiles_exact_from_the_log_and_within_one_per_cent_from_the_histogram(case: tuple[Store, dict[str, Any]]) -> None:
    store, oracle = case
    names = {"seconds_per_unit_p50": "median_s", "seconds_per_unit_p10": "p10_s", "seconds_per_unit_p90": "p90_s"}
    (exact,), (fast,) = ask(store, *names, exact=True), ask(store, *names)
    for name, printed in names.items():
        same(exact[name], oracle["duration"][printed])
        assert fast[name] == pytest.approx(exact[name], rel=0.01)


def test_people(case: tuple[Store, dict[str, Any]]) -> None:
    store, oracle = case
    people = {
        r["worker"]: r
        for r in ask(store, "submissions", "units_per_hour", "mean_seconds", "seconds_per_unit_p50", by=("worker",), exact=True)
    }
    assert len(people) == oracle["workers"]
    same(fmean(r["units_per_hour"] for r in people.values() if r["units_per_hour"] is not None), oracle["units_per_hour_macro_workers"])
    same(median(r["units_per_hour"] for r in people.values() if r["units_per_hour"] is not None), oracle["units_per_hour_worker_median"])
    for top in oracle["top5_workers"]:
        row = people[top["worker"]]
        assert row["submissions"] == top["n"]
        same(row["mean_seconds"], top["mean_s"])
        same(row["seconds_per_unit_p50"], top["median_s"])
        same(row["units_per_hour"], top["uph"])
    assert sum(r["submissions"] < 10 for r in people.values()) == oracle["workers_lt10"]


def test_time(case: tuple[Store, dict[str, Any]]) -> None:
    store, oracle = case
    if "first" not in oracle:
        pytest.skip("the set has no timestamps")
    (row,) = ask(store, "merged_hours", "negative_intervals")
    same(row["merged_hours"], oracle["interval_union_h"])
    assert row["negative_intervals"] == oracle["negative_intervals"]
    days = ask(store, "submissions", by=("day",))
    assert len(days) == oracle["active_days_utc"]
    assert max(r["submissions"] for r in days) == oracle["busiest_day"][1]
    hours = {int(r["hour"]): r["submissions"] for r in ask(store, "submissions", by=("hour",))}
    assert [hours.get(hour, 0) for hour in range(24)] == oracle["by_hour_utc"]
    weeks = [r["active_workers"] for r in sorted(ask(store, "active_workers", by=("week",)), key=lambda r: str(r["week"]))]
    assert weeks == list(oracle["active_workers_by_isoweek"].values())
    months = {str(r["month"])[:7]: r["submissions"] for r in ask(store, "submissions", by=("month",))}
    assert months == oracle["events_by_month"]


def test_quality(case: tuple[Store, dict[str, Any]]) -> None:
    store, oracle = case
    if "reviews" not in oracle:
        pytest.skip("the set has no reviews")
    (row,) = ask(store, "reviews", "reviewed", "review_coverage", "final_yield", "first_pass_yield", "rejections")
    assert (row["reviews"], row["reviewed"], row["rejections"]) == (oracle["reviews"], oracle["reviewed_events"], oracle["rejects_any"])
    same(row["review_coverage"], oracle["coverage"])
    same(row["final_yield"], oracle["accept_rate_final"])
    same(row["first_pass_yield"], oracle["first_review_accept_rate"])
    same(row["final_yield_low"], oracle["accept_wilson95"][0])
    same(row["final_yield_high"], oracle["accept_wilson95"][1])
    people = {r["worker"]: r for r in ask(store, "reviewed", "final_yield", by=("worker",))}
    same(fmean(r["final_yield"] for r in people.values()), oracle["worker_accept_macro"])
    same(median(r["final_yield"] for r in people.values()), oracle["worker_accept_median"])
    for worst in oracle["worst5_n>=30"]:
        row = people[worst["worker"]]
        assert row["final_yield_n"] == worst["n"]
        same(row["final_yield"], worst["acc"])
        same(row["final_yield_low"], worst["wilson"][0])
        same(row["final_yield_high"], worst["wilson"][1])
    errors = {r["error_type"]: r["rejections"] for r in ask(store, "rejections", by=("error_type",)) if r["rejections"]}
    assert {kind: errors[kind] for kind in oracle["error_types"]} == oracle["error_types"]


def test_the_export_shape_of_the_crowd_platform_imports_through_its_mapping(tmp_path: Path) -> None:
    oracle = json.loads(SETS["crowdtruth_core"].read_text(encoding="utf-8"))
    with Store(tmp_path / "s.duckdb") as store:
        for file in sorted((SHARED / "data/crowdtruth_core/cf_export_shape").glob("*.csv")):
            (report,) = load.import_file(store, file, mapping="crowdflower")
            assert report.rejected == 0
        (row,) = ask(store, "submissions", "active_workers", "items", "work_hours", "merged_hours")
    assert (row["submissions"], row["active_workers"], row["items"]) == (oracle["events"], oracle["workers"], oracle["items"])
    same(row["work_hours"], oracle["duration"]["sum_h"])
    same(row["merged_hours"], oracle["interval_union_h"])
