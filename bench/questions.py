"""What a question costs: every contract measure by every dimension over the year, from the roll-ups, from the log, and in polars."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import polars as pl

from bench.base import DAYS
from bench.report import Row, load_average, percentile, spent
from data.codes import ACCEPT, ANNOTATE, REJECT, REWORK
from data.store import Store
from metrics import memory
from metrics.compile import Compiler, Span
from metrics.definitions import REGISTRY
from metrics.definitions.views import EMPLOYED, PLACE, PROJECT, REVIEW_LOG_DIMS, dated
from metrics.freshness import freshness
from metrics.model import QueryError, Registry, Table
from metrics.period import Period
from metrics.query import Query, run
from metrics.scope import SYSTEM

LOG_MEMORY = "8GB"
MEASURES = (
    "submissions", "units", "items", "active_workers", "work_hours", "merged_hours", "units_per_hour", "units_per_merged_hour", "seconds_per_unit_p50",
    "seconds_per_unit_p90", "reviewed", "review_coverage", "first_pass_yield", "final_yield", "error_rate", "unit_error_rate", "overturned",
    "rework_rate", "rework_share_hours", "pay", "pay_per_hour", "revenue", "labour_cost", "review_cost", "rework_cost", "overhead", "contribution_margin",
    "margin_rate", "headcount", "average_headcount", "joiners", "leavers", "leavers_voluntary", "turnover_rate", "turnover_rate_cn", "attrition_90d",
)  # fmt: skip
DIMENSIONS = (
    "",
    "day",
    "week",
    "month",
    "hour",
    "site",
    "team",
    "worker",
    "project",
    "client",
    "modality",
    "task_type",
    "batch",
    "action",
    "round",
    "stage",
    "reviewer",
    "error_type",
    "tenure_band",
    "skill_level",
    "tier",
    "contract",
)  # fmt: skip  ("" is the total)


def _when(condition: str, value: str = "1") -> str:
    return f"CASE WHEN {condition} THEN {value} ELSE 0 END"


_VERDICTS = {
    f"{which}_{what}": _when(f"t.{which if which.startswith('stage') else 'is_' + which}{more}")
    for which in ("first", "last", "stage_first", "stage_last")
    for what, more in (("rows", ""), ("accepts", f" AND t.verdict = {ACCEPT}"))
}
_INSPECTED = "coalesce(t.inspected_units, t.work_units)"
_REVIEW_LOG = Table(
    "review", {**REVIEW_LOG_DIMS, "error_type": "coalesce(t.error_type, '')"},
    {"verdicts": "1", "rejected": _when(f"t.verdict = {REJECT}"), "unlinked": _when("NOT t.linked"), "overturned_rows": _when("t.overturned"),
     "lone_rows": _when("t.repeat_of IS NULL"), "lone_rejected_rows": _when(f"t.repeat_of IS NULL AND t.verdict = {REJECT}"),
     "inspected_count": f"coalesce({_INSPECTED}, 0)", "error_count": _when(f"{_INSPECTED} IS NOT NULL", "coalesce(t.error_units, 0)"),
     **{name: sql for name, sql in _VERDICTS.items() if not name.startswith("stage")}},
    date="t.work_date", raw=True, sliced={name.removeprefix("stage_"): sql for name, sql in _VERDICTS.items() if name.startswith("stage")},
)  # fmt: skip
_KEYS = "worker_key, team_key, site_key, project_key, batch_key, action, round"
_EARN_LOG = Table(
    "work",
    {**dated("t.business_date"), **PLACE, **EMPLOYED, **PROJECT, "batch": "t.batch_key", "action": "t.action", "round": "t.round"},
    {"owed": "t.pay", "sold": "t.revenue", "no_price": "0", "no_rate": "0", "earned": "t.unit_count"},
    f"""(FROM (WITH earned AS (
        SELECT business_date, 'submit' AS basis, {_KEYS}, sum(units) AS unit_count FROM work GROUP BY ALL
        UNION ALL
        SELECT r.review_date, b.basis, r.worker_key, r.team_key, r.site_key, r.project_key, r.batch_key, r.work_action, r.round, sum(r.work_units)
        FROM review AS r LEFT JOIN batch AS g USING (batch_key), (VALUES ('pass'), ('accept')) AS b(basis)
        WHERE r.is_last AND r.verdict = {ACCEPT} AND (b.basis = 'pass' OR NOT coalesce(g.governed, false)) GROUP BY ALL
        UNION ALL
        SELECT g.accepted_on, 'accept', w.worker_key, w.team_key, w.site_key, w.project_key, w.batch_key, w.action, w.round, sum(w.units)
        FROM work AS w JOIN batch AS g USING (batch_key) WHERE g.governed AND g.accepted_on IS NOT NULL GROUP BY ALL
    ), named AS (SELECT *, CASE action WHEN 0 THEN 'annotate' WHEN 1 THEN 'rework' WHEN 2 THEN 'review' ELSE 'clean' END AS action_name FROM earned)
    SELECT n.* EXCLUDE (action_name), CASE WHEN r.pay_on = n.basis THEN n.unit_count * r.amount ELSE 0 END AS pay,
        CASE WHEN n.basis = 'accept' AND (n.action = {ANNOTATE} OR (n.action = {REWORK} AND NOT coalesce(g.governed, false)))
            THEN n.unit_count * p.amount ELSE 0 END AS revenue
    FROM named AS n LEFT JOIN batch AS g USING (batch_key)
    ASOF LEFT JOIN price AS p ON p.project_key = n.project_key AND n.business_date >= p.valid_from
    ASOF LEFT JOIN rate AS r ON r.project_key = n.project_key AND r.action = n.action_name AND n.business_date >= r.valid_from)
    WHERE pay <> 0 OR revenue <> 0)""",
    raw=True,
)  # fmt: skip


def log_registry() -> Registry:
    """The same definitions, with only the log to answer from."""
    own = {"review": _REVIEW_LOG, "earn": _EARN_LOG}
    views = dict(REGISTRY.views)
    for name, view in REGISTRY.views.items():
        raw = (own[name],) if name in own else tuple(table for table in view.tables if table.raw)
        views[name] = replace(view, tables=raw or view.tables)
    return replace(REGISTRY, views=views)


LOG = log_registry()
FROM_LOG = {name for name, view in LOG.views.items() if any(table.raw for table in view.tables)}  # people and costs have no log


@dataclass(frozen=True, slots=True)
class Timed:
    """One question. Milliseconds: `whole` as a screen asks it, `sql` its statement alone, `log` the same on the log (None where there is none).

    `table` answered it; `differs` is the largest relative difference between the two answers.
    """

    measure: str
    by: str
    table: str
    rows: int
    whole: float
    sql: float
    cpu: float
    log: float | None
    differs: float | None

    @property
    def name(self) -> str:
        """measure by dimension."""
        return f"{self.measure} by {self.by}" if self.by else f"{self.measure}, total"


def year(store: Store) -> Period:
    """The 365 days up to the last one in the log."""
    last = store.rows("SELECT max(business_date) FROM work_day")[0][0]
    return Period(last - timedelta(days=DAYS - 1), last)


def questions() -> Iterable[tuple[str, str]]:
    """Every valid pair of contract measure and dimension."""
    for name in MEASURES:
        valid = REGISTRY.dims(name)
        yield from ((name, by) for by in DIMENSIONS if not by or by in valid)


def ask(store: Store, measure: str, by: str, repeats: int, on_log: bool, progress: Callable[[str], None]) -> Timed | None:
    """Time one question; None when the facts do not carry it."""
    fresh, period = freshness(store), year(store)
    span = Span(fresh.first_hire, fresh.last)
    query = Query((measure,), by=(by,) if by else (), period=period)
    try:
        statement = Compiler(query, SYSTEM, span).statement()
    except QueryError:
        return None
    whole, sql, cpu = [], [], []
    counted = measure == "items"  # from the log in any case: asked once
    for _ in range(1 if counted else repeats):
        memory.forget(store)
        with spent() as clock:
            answer = run(store, query, SYSTEM).exact
        whole.append(clock.wall * 1000)
        cpu.append(clock.cpu * 1000)
        if not counted:
            with spent() as clock:
                answer = store.query(statement.sql, statement.params)
        sql.append(clock.wall * 1000)
    log, differs = None, None
    views = {part.view for part in REGISTRY.parts(measure)}
    if on_log and not counted and views & FROM_LOG:
        compiled = Compiler(query, SYSTEM, span, LOG).statement()
        with roomy(store), spent() as clock:
            slow = store.query(compiled.sql, compiled.params)
        log = clock.wall * 1000
        differs = difference(answer[measure].to_pylist(), slow[measure].to_pylist()) if measure in answer.column_names else None
    found = Timed(
        measure,
        by,
        "+".join(dict.fromkeys(statement.tables.values())),
        answer.num_rows,
        median(whole),
        median(sql),
        median(cpu),
        log,
        differs,
    )
    progress(f"{found.name}: {found.whole:.0f} ms, log {found.log or 0:.0f} ms")
    return found


@contextmanager
def roomy(store: Store) -> Iterator[None]:
    """Memory for questions on the log: an exact percentile of all rows does not fit into what the server gives."""
    with store.cursor() as cur:
        given = cur.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
        cur.execute(f"SET memory_limit = '{LOG_MEMORY}'")
        try:
            yield
        finally:
            cur.execute(f"SET memory_limit = '{given}'")


def difference(one: list[float | None], other: list[float | None]) -> float:
    """The largest relative difference of two columns; infinite when they have other rows or nulls."""
    if len(one) != len(other) or any((a is None) != (b is None) for a, b in zip(one, other, strict=True)):
        return float("inf")
    pairs = [(float(a), float(b)) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    return max((abs(a - b) / max(abs(a), abs(b), 1e-9) for a, b in pairs), default=0.0)


def measure(store: Store, *, repeats: int, on_log: bool, progress: Callable[[str], None]) -> tuple[list[Row], list[Timed]]:
    """All questions, and what they say about the budget."""
    gc.collect()
    before = load_average()[0]
    every = [found for name, by in questions() if (found := ask(store, name, by, repeats, on_log, progress))]
    few, items = [t for t in every if t.measure != "items"], [t for t in every if t.measure == "items"]
    p95 = percentile([t.whole for t in few], 0.95)
    worst = sorted(few, key=lambda t: -t.whole)[:12]
    rows = [
        Row(
            f"any measure by any dimension, 365 days ({len(few)} questions)", "p95 ≤ 60 ms",
            f"p50 {median(t.whole for t in few):.0f} · p95 {p95:.0f} · most {worst[0].whole:.0f} ms; SQL alone p95 {percentile([t.sql for t in few], 0.95):.0f} ms",
            p95 <= 60,
            {"p95_ms": p95, "over": [t.name for t in few if t.whole > 60], "load_average": [before, load_average()[0]],
             "worst": {t.name: round(t.whole, 1) for t in worst}},
        ),
        Row(
            f"items by any dimension ({len(items)} questions)", "≤ 2 s", f"most {max(t.whole for t in items):,.0f} ms", max(t.whole for t in items) <= 2000,
            {t.name: round(t.whole) for t in items},
        ),
    ]  # fmt: skip
    ratios = [t.log / t.sql for t in few if t.log is not None]
    if ratios:
        wrong = [
            t.name for t in every if t.differs is not None and t.differs > (0.02 if "p50" in t.measure or "p90" in t.measure else 1e-9)
        ]
        rows.append(
            Row(
                f"the same question on the log ({len(ratios)})", "median ≥ 10 ×",
                f"median {median(ratios):.1f} ×, p5 {percentile(ratios, 0.05):.1f} ×; {len(wrong)} answers differ", median(ratios) >= 10 and not wrong,
                {"median": median(ratios), "differ": wrong},
            )
        )  # fmt: skip
    return rows, every


# polars over Parquet -------------------------------------------------------------------------------------------------------
def export(store: Store, folder: Path) -> None:
    """The logs as Parquet files, in the order of the store."""
    with store.cursor() as cur:
        for log, date_column in (("work", "business_date"), ("review", "work_date")):
            target = str(folder / f"{log}.parquet").replace("'", "''")
            cur.execute(f"COPY (FROM {log} ORDER BY {date_column}, worker_key, ts) TO '{target}' (FORMAT parquet)")


def in_polars(store: Store, folder: Path, repeats: int) -> tuple[Row, dict[str, dict[str, float]]]:
    """Six questions in polars over those files and in the product."""
    fresh, period = freshness(store), year(store)
    span = Span(fresh.first_hire, fresh.last)
    found: dict[str, dict[str, float]] = {}
    for (name, by), lazy in _polars(folder, period.start or date.min, period.end or date.max).items():
        query = Query((name,), by=(by,), period=period)
        statement = Compiler(query, SYSTEM, span).statement()
        ours, theirs = [], []
        for _ in range(repeats):
            with spent() as clock:
                answer = store.query(statement.sql, statement.params)
            ours.append(clock.wall * 1000)
        for _ in range(max(1, repeats - 1)):
            with spent() as clock:
                other = lazy.collect()
            theirs.append(clock.wall * 1000)
        mine = sorted(float(x) for x in answer[name].to_pylist() if x is not None)
        same = difference(mine, sorted(float(x) for x in other["value"].to_list() if x is not None))
        found[f"{name} by {by}"] = {"ours_ms": median(ours), "polars_ms": median(theirs), "differs": same}
    ratios = [one["polars_ms"] / one["ours_ms"] for one in found.values()]
    wrong = [name for name, one in found.items() if one["differs"] > (0.02 if "p50" in name else 1e-9)]
    row = Row("the same question in polars over Parquet", "", f"median {median(ratios):.0f} ×, least {min(ratios):.0f} ×; {len(wrong)} answers differ",
              None if not wrong else False, {"questions": found})  # fmt: skip
    return row, found


def _polars(folder: Path, start: date, end: date) -> dict[tuple[str, str], pl.LazyFrame]:
    work = pl.scan_parquet(folder / "work.parquet").filter(pl.col("business_date").is_between(start, end))
    review = pl.scan_parquet(folder / "review.parquet").filter(pl.col("work_date").is_between(start, end))
    submitted = work.filter(pl.col("action").is_in([ANNOTATE, REWORK]))
    timed = submitted.filter(pl.col("seconds").is_not_null())
    pace = pl.col("seconds").cast(pl.Float64) / pl.col("units").cast(pl.Float64)
    week = pl.col("business_date").dt.truncate("1w").alias("week")
    return {
        ("units", "worker"): submitted.group_by("worker_key").agg(pl.col("units").sum().alias("value")),
        ("units_per_hour", "team"): timed.group_by("team_key").agg(
            (pl.col("units").cast(pl.Float64).sum() / (pl.col("seconds").cast(pl.Float64).sum() / 3600)).alias("value")
        ),
        ("work_hours", "hour"): work.group_by("hour").agg((pl.col("seconds").sum().cast(pl.Float64) / 3600).alias("value")),
        ("seconds_per_unit_p50", "project"): timed.filter(pl.col("units") > 0)
        .group_by("project_key")
        .agg(pace.quantile(0.5, "linear").alias("value")),
        ("first_pass_yield", "worker"): review.group_by("worker_key").agg(
            ((pl.col("is_first") & (pl.col("verdict") == ACCEPT)).sum() / pl.col("is_first").sum()).alias("value")
        ),
        ("active_workers", "week"): submitted.group_by(week).agg(pl.col("worker_key").n_unique().alias("value")),
    }
