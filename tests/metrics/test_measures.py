"""Every measure against a check query written by hand on the log, for several splits and filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from data.store import Store
from metrics.definitions import FAMILIES, REGISTRY
from metrics.intervals import wilson
from metrics.period import ALL, Period
from metrics.query import Query, run
from metrics.scope import SYSTEM
from tests.metrics.base import fill

Key = tuple[object, ...]
Values = dict[Key, object]
MARCH = Period(date(2026, 2, 20), date(2026, 3, 8))
SUB = "action IN ('annotate', 'rework')"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fill(tmp_path_factory.mktemp("base") / "base.duckdb") as found:
        yield found


@dataclass(frozen=True)
class Check:
    """Independent SQL aggregates over flat views of the log, and how they make the measure."""

    parts: tuple[tuple[str, str], ...]
    make: Callable[..., object] = lambda value: value


def over(top: object, bottom: object) -> float | None:
    return float(top) / float(bottom) if top is not None and bottom else None  # type: ignore[arg-type]


def work(sql: str) -> tuple[str, str]:
    return "flat_work", sql


def review(sql: str) -> tuple[str, str]:
    return "flat_review", sql


def earn(sql: str) -> tuple[str, str]:
    return "flat_earn", sql


def hours(column: str, where: str = "true") -> tuple[str, str]:
    return work(f"coalesce(sum({column}) FILTER ({where}), 0)::DOUBLE / 3600")


FIRST_ROWS, FIRST_GOOD = (
    review(f"count(*) FILTER (is_first AND {SUB})"),
    review(f"count(*) FILTER (is_first AND verdict = 'accept' AND {SUB})"),
)
LAST_ROWS, LAST_GOOD = review(f"count(*) FILTER (is_last AND {SUB})"), review(f"count(*) FILTER (is_last AND verdict = 'accept' AND {SUB})")
COUNT, UNITS = work(f"count(*) FILTER ({SUB})"), work(f"coalesce(sum(units) FILTER ({SUB}), 0)")
REVENUE = earn("sum(revenue)")
INSPECTED = "coalesce(inspected_units, work_units)"
MARGIN = (REVENUE, earn("sum(pay)"))
PACES = work(f"list(seconds::DOUBLE / units::DOUBLE) FILTER ({SUB} AND seconds IS NOT NULL AND units > 0)")


def percentile(share: float) -> Callable[[object], object]:
    return lambda paces: float(np.quantile(paces, share)) if paces else None  # type: ignore[call-overload]


CHECKS: dict[str, Check] = {
    "submissions": Check((COUNT,)),
    "units": Check((UNITS,)),
    "items": Check((work(f"count(DISTINCT project || '|' || item_id) FILTER ({SUB})"),)),
    "active_workers": Check((work(f"count(DISTINCT worker) FILTER ({SUB})"),)),
    "units_per_person": Check((UNITS, work(f"count(DISTINCT worker) FILTER ({SUB})")), over),
    "prelabelled_units": Check((work(f"coalesce(sum(prelabelled_units) FILTER ({SUB}), 0)"),)),
    "prelabel_share": Check((work(f"coalesce(sum(prelabelled_units) FILTER ({SUB}), 0)"), UNITS), over),
    "repeats": Check((work("count(*) FILTER (action = 'annotate' AND round > 1)"),)),
    "negative_intervals": Check((work("count(*) FILTER (wall_s < 0)"),)),
    "work_hours": Check((hours("seconds"),)),
    "merged_hours": Check((hours("length - overlap_s"),)),
    "units_per_hour": Check((work(f"sum(units) FILTER ({SUB} AND seconds IS NOT NULL)"), hours("seconds", SUB)), over),
    "units_per_merged_hour": Check((work(f"sum(units) FILTER ({SUB} AND length IS NOT NULL)"), hours("length - overlap_s", SUB)), over),
    "mean_seconds": Check((work(f"sum(seconds) FILTER ({SUB})"), work(f"count(seconds) FILTER ({SUB})")), over),
    "seconds_per_unit_p10": Check((PACES,), percentile(0.1)),
    "seconds_per_unit_p50": Check((PACES,), percentile(0.5)),
    "seconds_per_unit_p90": Check((PACES,), percentile(0.9)),
    "rework_hours": Check((hours("seconds", "action = 'rework'"),)),
    "rework_share_hours": Check((hours("seconds", "action = 'rework'"), hours("seconds")), over),
    "timed_submissions": Check((work(f"count(seconds) FILTER ({SUB})"),)),
    "reviews": Check((review("count(*)"),)),
    "rejections": Check((review("count(*) FILTER (verdict = 'reject')"),)),
    "reviewed": Check((FIRST_ROWS,)),
    "review_coverage": Check((FIRST_ROWS, COUNT), lambda some, every: over(some or 0, every)),
    "first_pass_yield": Check((FIRST_GOOD, FIRST_ROWS), over),
    "final_yield": Check((LAST_GOOD, LAST_ROWS), over),
    "errors": Check((review(f"count(*) FILTER (is_first AND verdict <> 'accept' AND {SUB})"),)),
    "error_rate": Check((review(f"count(*) FILTER (is_first AND verdict <> 'accept' AND {SUB})"), FIRST_ROWS), over),
    "inspected_units": Check((review(f"coalesce(sum({INSPECTED}), 0)"),)),
    "error_units": Check((review(f"coalesce(sum(error_units) FILTER ({INSPECTED} IS NOT NULL), 0)"),)),
    "unit_error_rate": Check(
        (review(f"coalesce(sum(error_units) FILTER ({INSPECTED} IS NOT NULL), 0)"), review(f"coalesce(sum({INSPECTED}), 0)")), over
    ),
    "overturned": Check((review("count(*) FILTER (overturned)"),)),
    "unlinked_reviews": Check((review("count(*) FILTER (NOT linked)"),)),
    "items_inspected": Check((review("count(DISTINCT project || '|' || item_id)"),)),
    "items_sent_back": Check((review("count(DISTINCT project || '|' || item_id) FILTER (verdict = 'reject')"),)),
    "rework_rate": Check(
        (
            review("count(DISTINCT project || '|' || item_id) FILTER (verdict = 'reject')"),
            review("count(DISTINCT project || '|' || item_id)"),
        ),
        over,
    ),
    "revenue": Check((REVENUE,)),
    "pay": Check((earn("sum(pay)"),)),
    "labour_cost": Check((earn("coalesce(sum(pay) FILTER (action = 'annotate' OR action = 'clean'), 0)"),)),
    "review_cost": Check((earn("coalesce(sum(pay) FILTER (action = 'review'), 0)"),)),
    "rework_cost": Check((earn("coalesce(sum(pay) FILTER (action = 'rework'), 0)"),)),
    "direct_cost": Check((earn("sum(pay)"),)),
    "contribution_margin": Check(MARGIN, lambda revenue, pay: (revenue or 0) - (pay or 0)),
    "margin_rate": Check(MARGIN, lambda revenue, pay: over(revenue - pay, revenue) if revenue else None),
    "pay_per_hour": Check((earn("sum(pay)"), hours("seconds")), lambda pay, h: over(pay or 0, h)),
    "unpriced_units": Check((earn("sum(unpriced_units)"),)),
    "unrated_units": Check((earn("sum(unrated_units)"),)),
    "overhead": Check((("flat_cost", "coalesce(sum(amount) FILTER (kind <> 'subsidy'), 0)"),)),
    "subsidy": Check((("flat_cost", "coalesce(sum(amount) FILTER (kind = 'subsidy'), 0)"),)),
}
# A question by stage counts a row once in each stage.
BY_STAGE = {"is_first": "stage_first", "is_last": "stage_last"}
DATES = ("day", "week", "month", "hour")


def expected(store: Store, name: str, by: tuple[str, ...], period: Period, where: dict[str, tuple[str, ...]]) -> Values:
    check = CHECKS[name]
    found: list[dict[Key, object]] = []
    for table, sql in check.parts:
        if "stage" in (*by, *where):
            for column, other in BY_STAGE.items():
                sql = sql.replace(column, other)
        limits = [f"{dim}::VARCHAR IN ({', '.join(repr(value) for value in values)})" for dim, values in where.items()]
        limits += [f"day >= DATE '{period.start}'"] if period.start else []
        limits += [f"day <= DATE '{period.end}'"] if period.end else []
        limits += ["day IS NOT NULL"] if any(dim in DATES for dim in (*by, *where)) else []
        keys = "".join(f"{dim}, " for dim in by)
        query = (
            f"SELECT {keys}{sql} FROM {table} {'WHERE ' + ' AND '.join(limits) if limits else ''} GROUP BY {', '.join(by) if by else '()'}"
        )
        found.append({row[:-1]: row[-1] for row in store.rows(query)})
    every = dict.fromkeys(key for part in found for key in part)
    return {key: check.make(*(part.get(key) for part in found)) for key in every}


def answered(store: Store, query: Query, name: str) -> Values:
    result = run(store, query, SYSTEM)
    return {tuple(row[dim] for dim in query.by): row[name] for row in result.exact.to_pylist()}


def same(name: str, got: Values, want: Values, rel: float = 1e-9) -> None:
    measure = REGISTRY.measures[name]
    nothing = None if measure.num or measure.percentile is not None else 0
    for key in got.keys() | want.keys():
        a, b = got.get(key, nothing), want.get(key, nothing)
        b = nothing if b is None else b
        if isinstance(a, Decimal):
            assert a == Decimal(str(b)), (name, key)
        elif a is None or b is None or isinstance(a, int):
            assert a == b, (name, key)
        else:
            assert a == pytest.approx(b, rel=rel, abs=1e-12), (name, key)


SPLITS: tuple[tuple[str, ...], ...] = (
    (),
    ("week", "site"),
    ("worker",),
    ("client", "month"),
    ("action", "round"),
    ("tenure_band",),
    ("skill_level", "contract"),
)
FILTERS: tuple[dict[str, tuple[str, ...]], ...] = (
    {},
    {"site": ("S1",)},
    {"project": ("P1", "P3"), "action": ("annotate",)},
    {"tier": ("1",), "day": ("2026-03-02", "2026-03-03")},
)
ASKED = [name for name in CHECKS if not name.startswith("seconds_per_unit")]


def carried(name: str, by: tuple[str, ...], where: dict[str, tuple[str, ...]]) -> bool:
    return set(by) | set(where) <= set(REGISTRY.dims(name))


def test_every_measure_has_a_check() -> None:
    people = set(FAMILIES["people"])  # checked day by day in test_people.py
    assert {name for names in FAMILIES.values() for name in names} == set(CHECKS) | people


@pytest.mark.parametrize("name", ASKED)
def test_measure_equals_its_check_query(store: Store, name: str) -> None:
    asked = 0
    for i, by in enumerate(SPLITS):
        for where, period in ((FILTERS[0], (ALL, MARCH)[i % 2]), (FILTERS[1 + i % 3], (MARCH, ALL)[i // 3 % 2])):
            if carried(name, by, where):
                same(name, answered(store, Query((name,), by, period, where), name), expected(store, name, by, period, where))
                asked += 1
    assert asked >= 2


@pytest.mark.parametrize("dim", [name for name in REGISTRY.dimensions if name not in ("channel", "leave_reason")])
def test_every_dimension_splits_as_the_log_says(store: Store, dim: str) -> None:
    for name in ("units", "units_per_hour", "items", "active_workers", "errors", "rework_rate", "pay", "overhead"):
        if carried(name, (dim,), {}):
            same(name, answered(store, Query((name,), (dim,)), name), expected(store, name, (dim,), ALL, {}))


def test_a_question_with_hour_and_batch_is_answered_from_the_log(store: Store) -> None:
    by = ("hour", "batch", "round")
    for name in ("units", "work_hours", "merged_hours", "repeats", "active_workers", "prelabel_share"):
        same(name, answered(store, Query((name,), by), name), expected(store, name, by, ALL, {}))


@pytest.mark.parametrize("name", ["reviewed", "first_pass_yield", "final_yield", "errors", "error_rate", "reviews", "rework_rate"])
def test_by_stage_a_row_counts_once_in_each_stage(store: Store, name: str) -> None:
    for by, where in ((("stage",), {}), (("site", "stage"), {}), ((), {"stage": ("qc1",)}), (("reviewer",), {"stage": ("qc1", "qc2")})):
        same(name, answered(store, Query((name,), by, ALL, where), name), expected(store, name, by, ALL, where))


def test_rates_by_error_type_divide_by_all_reviewed_rows(store: Store) -> None:
    by_type = answered(store, Query(("error_rate",), ("error_type",)), "error_rate")
    errors = expected(store, "errors", ("error_type",), ALL, {})
    reviewed = expected(store, "reviewed", (), ALL, {})[()]
    assert by_type == {key: pytest.approx(count / reviewed) for key, count in errors.items()}  # type: ignore[operator]
    by_site = answered(store, Query(("unit_error_rate",), ("site", "error_type")), "unit_error_rate")
    units, inspected = (
        expected(store, "error_units", ("site", "error_type"), ALL, {}),
        expected(store, "inspected_units", ("site",), ALL, {}),
    )
    assert by_site == {key: pytest.approx(float(count) / float(inspected[key[:1]])) for key, count in units.items()}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["seconds_per_unit_p10", "seconds_per_unit_p50", "seconds_per_unit_p90"])
@pytest.mark.parametrize("by", [(), ("project",), ("site", "week"), ("worker",), ("batch",), ("tenure_band",), ("hour",)])
def test_percentiles_are_exact_from_the_log_and_within_one_percent_from_the_histogram(store: Store, name: str, by: tuple[str, ...]) -> None:
    for where in ({}, {"project": ("P1",)}, {"action": ("annotate",)}):
        want = expected(store, name, by, ALL, where)
        same(name, answered(store, Query((name,), by, ALL, where, exact=True), name), want)
        same(name, answered(store, Query((name,), by, ALL, where), name), want, rel=0.01 + 1e-9)


@pytest.mark.parametrize("name", ["first_pass_yield", "final_yield", "error_rate", "rework_rate"])
def test_rates_of_counts_carry_their_wilson_interval(store: Store, name: str) -> None:
    result = run(store, Query((name,), ("team",), total=True), SYSTEM)
    cases = {
        "rework_rate": expected(store, "items_inspected", (), ALL, {})[()],
        "final_yield": store.rows(f"SELECT {LAST_ROWS[1]} FROM flat_review")[0][0],
    }
    assert result.exact_total is not None
    assert result.exact_total[f"{name}_n"] == cases.get(name, expected(store, "reviewed", (), ALL, {})[()])
    for row in [*result.exact.to_pylist(), result.exact_total]:
        n = row[f"{name}_n"]
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(wilson(round(row[name] * n), n))


def test_totals_are_recomputed_and_several_views_share_their_rows(store: Store) -> None:
    names = ("units", "items", "active_workers", "error_rate", "pay", "seconds_per_unit_p50", "work_hours", "margin_rate")
    query = Query(names, ("project", "month"), MARCH, {"site": ("S1", "S2")}, total=True)
    result = run(store, query, SYSTEM)
    assert result.exact_total is not None
    for name in names:
        rel = 0.01 if name.startswith("seconds") else 1e-9
        where = dict(query.filters)
        same(name, {(): result.exact_total[name]}, expected(store, name, (), MARCH, where), rel)
        same(
            name,
            {(r["project"], r["month"]): r[name] for r in result.exact.to_pylist()},
            expected(store, name, query.by, MARCH, where),
            rel,
        )
    assert result.exact_total["active_workers"] < sum(result.table["active_workers"])


def test_the_comparison_is_the_same_question_of_an_earlier_range(store: Store) -> None:
    week = Period(date(2026, 3, 2), date(2026, 3, 8))
    for kind, start, end in (("previous", date(2026, 2, 23), date(2026, 3, 1)), ("last_week", date(2026, 2, 23), date(2026, 3, 1))):
        result = run(store, Query(("units",), ("site",), week, compare=kind, total=True), SYSTEM)
        assert result.exact_before is not None
        assert result.before_total is not None
        same(
            "units",
            {(r["site"],): r["units"] for r in result.exact_before.to_pylist()},
            expected(store, "units", ("site",), Period(start, end), {}),
        )
        assert result.before_total["units"] == float(expected(store, "units", (), Period(start, end), {})[()])  # type: ignore[arg-type]
