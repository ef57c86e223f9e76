"""Hourly and daily tables over the log, and what was earned on each day: all additive.

A load appends the totals of its own new rows; dates on which an existing row changed are rebuilt whole, and so is a date
after many small additions. Either way the sums equal a recomputation from the log, which `data.verify` proves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from duckdb import DuckDBPyConnection

from data.codes import ACCEPT, ACTIONS, ANNOTATE, PACE_GAMMA, PACE_ZERO, REJECT, REWORK

FOLD_AFTER = 64  # additions to one date before it is rebuilt whole
AT_ONCE = 1_000_000  # rows of the log, about, that are measured, joined, sorted or rolled up at a time

Dates = set[date | None]  # None stands for the undated rows

# Length of a person's interval in seconds: wall clock where the tool gave a start, else the reported duration before ts.
# An interval that ends before it starts (a clock set back) covers nothing.
LENGTH = "CASE WHEN ts IS NULL THEN NULL WHEN wall_s IS NULL THEN seconds WHEN wall_s >= 0 THEN wall_s END"

_WORK_SUMS = f"""count(*) AS row_count, sum(units) AS unit_count, coalesce(sum(prelabelled_units), 0) AS prelabelled_count,
    count(seconds) AS timed_rows, coalesce(sum(units) FILTER (seconds IS NOT NULL), 0) AS timed_units, coalesce(sum(seconds), 0) AS seconds,
    coalesce(sum(units) FILTER (({LENGTH}) IS NOT NULL), 0) AS merged_units, coalesce(sum(({LENGTH}) - overlap_s), 0) AS merged_s,
    count(*) FILTER (action = {ANNOTATE} AND round > 1) AS repeat_rows, count(*) FILTER (wall_s < 0) AS negative_rows,
    count(*) FILTER (action IN ({ANNOTATE}, {REWORK}) AND repeat_of IS NULL) AS lone_rows"""
_BUCKET = f"""CASE WHEN seconds > 0 THEN ceil(ln(seconds::DOUBLE / units::DOUBLE) / ln({PACE_GAMMA!r}))::SMALLINT
    ELSE ({PACE_ZERO})::SMALLINT END"""
_PACED = f"action IN ({ANNOTATE}, {REWORK}) AND seconds IS NOT NULL AND units > 0"

# One row a table: the select that builds it from rows shaped like the log ({rel}), in the order it is stored.
WORK_ROLLUPS = {
    "work_day": f"""SELECT business_date, worker_key, team_key, site_key, project_key, batch_key, action, round, clock, {_WORK_SUMS}
        FROM {{rel}} GROUP BY ALL ORDER BY business_date, worker_key, project_key""",
    "work_hour": f"""SELECT business_date, hour, worker_key, team_key, site_key, project_key, action, clock, {_WORK_SUMS}
        FROM {{rel}} GROUP BY ALL ORDER BY business_date, hour, worker_key, project_key""",
    "pace_day": f"""SELECT business_date, site_key, project_key, batch_key, action, round, {_BUCKET} AS bucket, count(*) AS row_count
        FROM {{rel}} WHERE {_PACED} GROUP BY ALL ORDER BY business_date, project_key, batch_key, bucket""",
    "pace_group": f"""SELECT business_date, team_key, site_key, project_key, batch_key, action, round, {_BUCKET} AS bucket, count(*) AS row_count
        FROM {{rel}} WHERE {_PACED} GROUP BY ALL ORDER BY business_date, project_key, team_key, batch_key, bucket""",
    "pace_worker": f"""SELECT business_date, worker_key, team_key, site_key, project_key, action, {_BUCKET} AS bucket, count(*) AS row_count
        FROM {{rel}} WHERE {_PACED} GROUP BY ALL ORDER BY business_date, worker_key, project_key, bucket""",
}
_REVIEW_SUMS = f"""count(*) AS verdicts, count(*) FILTER (verdict = {REJECT}) AS rejections, count(*) FILTER (NOT linked) AS unlinked,
    count(*) FILTER (is_first) AS first_rows, count(*) FILTER (is_first AND verdict = {ACCEPT}) AS first_accepts,
    count(*) FILTER (is_last) AS last_rows, count(*) FILTER (is_last AND verdict = {ACCEPT}) AS last_accepts,
    count(*) FILTER (overturned) AS overturned_rows, coalesce(sum(coalesce(inspected_units, work_units)), 0) AS inspected_count,
    coalesce(sum(error_units) FILTER (coalesce(inspected_units, work_units) IS NOT NULL), 0) AS error_count"""
REVIEW_ROLLUPS = {
    "judged_day": f"""SELECT work_date AS business_date, worker_key, team_key, site_key, project_key, batch_key, work_action AS action, round,
        {_REVIEW_SUMS}, count(*) FILTER (once > 0) AS item_rows, count(*) FILTER (once = 2) AS item_rejected_rows
        FROM {{rel}} GROUP BY ALL ORDER BY work_date, worker_key, project_key""",
    "judged_item": f"""SELECT work_date AS business_date, worker_key, team_key, site_key, project_key, batch_key, work_action AS action, round,
        repeat_of, count(*) AS verdicts, count(*) FILTER (verdict = {REJECT}) AS rejections
        FROM {{rel}} WHERE once IS NULL GROUP BY ALL ORDER BY work_date, worker_key, project_key""",
    "review_day": f"""SELECT work_date AS business_date, review_date, worker_key, team_key, site_key, reviewer_key, project_key, batch_key,
        work_action AS action, round, stage, error_type, {_REVIEW_SUMS},
        count(*) FILTER (stage_first) AS stage_first_rows, count(*) FILTER (stage_first AND verdict = {ACCEPT}) AS stage_first_accepts,
        count(*) FILTER (stage_last) AS stage_last_rows, count(*) FILTER (stage_last AND verdict = {ACCEPT}) AS stage_last_accepts,
        count(*) FILTER (repeat_of IS NULL) AS lone_rows, count(*) FILTER (repeat_of IS NULL AND verdict = {REJECT}) AS lone_rejected_rows,
        coalesce(sum(work_units) FILTER (is_last AND verdict = {ACCEPT}), 0) AS passed_units
        FROM {{rel}} GROUP BY ALL ORDER BY work_date, worker_key, project_key""",
}
ROLLUPS = {"work": WORK_ROLLUPS, "review": REVIEW_ROLLUPS}
DATE_COLUMN = {"work": "business_date", "review": "work_date"}

# What was earned, by how it counts. {submitted}, {passed} and {accepted} are selects of (business_date, basis, keys, unit_count).
_KEYS = "worker_key, team_key, site_key, project_key, batch_key, action, round"
SUBMITTED = f"SELECT business_date, 'submit' AS basis, {_KEYS}, sum({{units}}) AS unit_count FROM {{rel}} WHERE {{dates}} GROUP BY ALL"
PASSED = f"""SELECT r.review_date AS business_date, b.basis, {", ".join(f"r.{k}" for k in _KEYS.split(", "))}, sum(r.passed_units) AS unit_count
    FROM {{rel}} AS r LEFT JOIN batch AS g ON g.batch_key = r.batch_key, (VALUES ('pass'), ('accept')) AS b(basis)
    WHERE r.passed_units <> 0 AND (b.basis = 'pass' OR NOT coalesce(g.governed, false)) AND {{dates}} GROUP BY ALL"""
ACCEPTED = f"""SELECT g.accepted_on AS business_date, 'accept' AS basis, {", ".join(f"w.{k}" for k in _KEYS.split(", "))}, sum(w.unit_count) AS unit_count
    FROM work_day AS w JOIN batch AS g ON g.batch_key = w.batch_key WHERE g.governed AND g.accepted_on IS NOT NULL AND {{dates}} GROUP BY ALL"""
# Each unit at the price and rate valid on the day it was earned, the batch's own before the project's; undated rows at the latest.
_VALUED = f"""
WITH earned AS ({{earned}}), dated AS (
    SELECT e.*, coalesce(e.business_date, DATE '9999-12-31') AS on_date, nullif(e.batch_key, 0) AS own_batch, coalesce(g.governed, false) AS governed,
        [{", ".join(f"'{a}'" for a in ACTIONS)}][e.action + 1] AS action_name
    FROM earned AS e LEFT JOIN batch AS g ON g.batch_key = e.batch_key
), {{priced}} rated AS (
    SELECT *, lead(valid_from, 1, DATE 'infinity') OVER (PARTITION BY project_key, batch_key, action ORDER BY valid_from) AS valid_to FROM rate
), valued AS (
    SELECT d.*, {{price}} AS price, {{pay_on}} AS pay_on, {{rate}} AS rate,
        d.basis = 'accept' AND (d.action = {ANNOTATE} OR (d.action = {REWORK} AND NOT d.governed)) AS sold
    FROM dated AS d
    LEFT JOIN (FROM rated WHERE batch_key = 0) AS rg ON rg.project_key = d.project_key AND rg.action = d.action_name
        AND d.on_date >= rg.valid_from AND d.on_date < rg.valid_to
    {{own}}
)
FROM (
    SELECT business_date, basis, {_KEYS}, unit_count,
        CASE WHEN pay_on = basis THEN unit_count * rate ELSE 0 END::DECIMAL(18,6) AS pay,
        CASE WHEN sold THEN coalesce(unit_count * price, 0) ELSE 0 END::DECIMAL(18,6) AS revenue,
        CASE WHEN sold AND price IS NULL THEN unit_count ELSE 0 END AS unpriced_units,
        CASE WHEN basis = 'submit' AND pay_on IS NULL THEN unit_count ELSE 0 END AS unrated_units
    FROM valued
) WHERE pay <> 0 OR revenue <> 0 OR unpriced_units <> 0 OR unrated_units <> 0 ORDER BY business_date, worker_key, project_key"""


_PRICED = """priced AS (
    SELECT *, lead(valid_from, 1, DATE 'infinity') OVER (PARTITION BY project_key, batch_key ORDER BY valid_from) AS valid_to FROM price
), """
_PRICE = """LEFT JOIN (FROM priced WHERE batch_key = 0) AS pg ON pg.project_key = d.project_key AND d.on_date >= pg.valid_from AND d.on_date < pg.valid_to
    """
_OWN_PRICE = """LEFT JOIN (FROM priced WHERE batch_key <> 0) AS pb ON pb.project_key = d.project_key AND pb.batch_key = d.own_batch
        AND d.on_date >= pb.valid_from AND d.on_date < pb.valid_to
    """
_OWN_RATE = """LEFT JOIN (FROM rated WHERE batch_key <> 0) AS rb ON rb.project_key = d.project_key AND rb.batch_key = d.own_batch
        AND rb.action = d.action_name AND d.on_date >= rb.valid_from AND d.on_date < rb.valid_to
    """


@dataclass(slots=True)
class Changes:
    """What a load did to a log: the relation of rows it appended, the dates on which rows it found were changed, and the relations of
    work rows it found of which only the merged seconds changed (by `gained`), or that are no longer alone on their item (`parted` 1)."""

    added: dict[str, str] = field(default_factory=dict)
    shifted: list[str] = field(default_factory=list)
    stale: dict[str, Dates] = field(default_factory=lambda: {"work": set(), "review": set()})
    stale_earned: Dates = field(default_factory=set)


def earned_select(cur: DuckDBPyConnection, *, submitted: str | None = None, passed: str | None = None, accepted: str | None = None) -> str:
    """The select of earn_day from the given parts. Prices and rates of single batches are looked for only where there are any,
    prices at all only where something is sold: what is submitted is not yet."""
    priced, rated = (bool(cur.execute(f"SELECT 1 FROM {table} WHERE batch_key <> 0 LIMIT 1").fetchall()) for table in ("price", "rate"))
    sold = bool(passed or accepted)
    priced &= sold
    return _VALUED.format(
        earned=" UNION ALL ".join(part for part in (submitted, passed, accepted) if part),
        priced=_PRICED if sold else "",
        price="coalesce(pb.amount, pg.amount)" if priced else "pg.amount" if sold else "NULL::DECIMAL(18,6)",
        pay_on="coalesce(rb.pay_on, rg.pay_on)" if rated else "rg.pay_on",
        rate="CASE WHEN rb.pay_on IS NOT NULL THEN rb.amount ELSE rg.amount END" if rated else "rg.amount",
        own=(_PRICE if sold else "") + (_OWN_PRICE if priced else "") + (_OWN_RATE if rated else ""),
    )


def earned_on(cur: DuckDBPyConnection, dates: Dates | None) -> str:
    """The select of earn_day for those dates, or for all, from the roll-ups below it."""
    return earned_select(
        cur,
        submitted=SUBMITTED.format(units="unit_count", rel="work_day", dates=among("business_date", dates)),
        passed=PASSED.format(rel="review_day", dates=among("r.review_date", dates)),
        accepted=ACCEPTED.format(dates=among("g.accepted_on", dates)),
    )


def refresh(cur: DuckDBPyConnection, changes: Changes) -> Dates:
    """Bring every roll-up in line with the logs at the end of a load; the dates on which any of them changed."""
    added: dict[str, Dates] = {}
    for log, tables in ROLLUPS.items():
        column, relation, stale = DATE_COLUMN[log], changes.added.get(log), changes.stale[log]
        shifted = changes.shifted if log == "work" else []
        parts = [f"SELECT {n} AS part, {column}, count(*) FROM {rows} GROUP BY ALL" for n, rows in enumerate((relation, *shifted)) if rows]
        found = cur.execute(" UNION ALL ".join(parts)).fetchall() if parts else []
        arrived = {day: count for part, day, count in found if part == 0}
        dates: Dates = {day for _part, day, _count in found}
        stale |= _overdue(cur, log, dates - stale)
        added[log] = dates - stale
        for rows in shifted:
            _shift(cur, f"(FROM {rows} WHERE {among(column, dates - stale)})")
        if stale:
            for table in tables:
                cur.execute(f"DELETE FROM {table} WHERE {among('business_date', stale)}")
            for some in portions(_counts(cur, f"(FROM {log} WHERE {among(column, stale)})", column)):
                _insert(cur, tables, f"(FROM {log} WHERE {among(column, some)})")
        fresh = {day: count for day, count in arrived.items() if day in added[log]}
        for some in portions(fresh):
            _insert(cur, tables, f"(FROM {relation} WHERE {among(column, some)})" if len(some) < len(arrived) else str(relation))
    return {day for days in (*added.values(), *changes.stale.values()) for day in days} | _refresh_earned(cur, changes, added)


def _counts(cur: DuckDBPyConnection, rows: str, column: str) -> dict[date | None, int]:
    return dict(cur.execute(f"SELECT {column}, count(*) FROM {rows} GROUP BY ALL").fetchall())


def _insert(cur: DuckDBPyConnection, tables: Mapping[str, str], rows: str) -> None:
    for table, select in tables.items():
        cur.execute(f"INSERT INTO {table} BY NAME {select.format(rel=rows)}")


def portions(counts: Mapping[date | None, int]) -> Iterator[list[date | None]]:
    """The dates, in their order and the undated last, as groups of at most AT_ONCE rows; a date with more is a group of its own.

    >>> list(portions({None: 10, date(2026, 3, 2): 600_000, date(2026, 3, 1): 600_000}))
    [[datetime.date(2026, 3, 1)], [datetime.date(2026, 3, 2), None]]
    """
    group, size = list[date | None](), 0
    for day in sorted(counts, key=lambda day: (day is None, day)):
        if group and size + counts[day] > AT_ONCE:
            yield group
            group, size = [], 0
        group.append(day)
        size += counts[day]
    if group:
        yield group


def gather(cur: DuckDBPyConnection, table: str, selects: Iterable[str]) -> None:
    """Make a temporary table of the rows of several selects, each run before the next is asked for.

    Its columns are named: DuckDB 2.0 loses all rows of a table that a select made of no rows when two inserts follow in the same transaction.
    """
    for number, select in enumerate(selects):
        if number == 0:
            columns = ", ".join(f"{name} {kind}" for name, kind, *_ in cur.execute(f"DESCRIBE {select}").fetchall())
            cur.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})")
        cur.execute(f"INSERT INTO {table} {select}")


def _shift(cur: DuckDBPyConnection, rows: str) -> None:
    """Append what these rows gained in merged seconds and lost in loneliness, with zeros beside it, under the keys they are rolled up by."""
    change = {"merged_s": "sum(gained)", "lone_rows": "-sum(parted)"}
    for table in ("work_day", "work_hour"):
        columns = [name for name, *_ in cur.execute(f"DESCRIBE {table}").fetchall()]
        keys, sums = columns[: columns.index("row_count")], columns[columns.index("row_count") :]
        zeros = ", ".join(f"{change.get(name, '0')} AS {name}" for name in sums)
        changed = " OR ".join(f"{sql} <> 0" for sql in change.values())
        cur.execute(f"INSERT INTO {table} BY NAME SELECT {', '.join(keys)}, {zeros} FROM {rows} GROUP BY ALL HAVING {changed}")


def rebuild(cur: DuckDBPyConnection) -> None:
    """Build every roll-up anew from the whole log."""
    for log, tables in ROLLUPS.items():
        for table in tables:
            cur.execute(f"DELETE FROM {table}")
        for some in portions(_counts(cur, log, DATE_COLUMN[log])):
            _insert(cur, tables, f"(FROM {log} WHERE {among(DATE_COLUMN[log], some)})")
    cur.execute("DELETE FROM earn_day")
    cur.execute(f"INSERT INTO earn_day BY NAME {earned_on(cur, None)}")
    cur.execute("DELETE FROM rollup_addition")


def _refresh_earned(cur: DuckDBPyConnection, changes: Changes, added: dict[str, Dates]) -> Dates:
    """Rebuild the stale earning dates; on the others append what the new rows earned by themselves. The dates it looked at."""
    stale = changes.stale_earned | changes.stale["work"]
    submitted = passed = None
    judged: Dates = set()
    if added["work"] - stale:
        submitted = SUBMITTED.format(units="units", rel=changes.added["work"], dates=among("business_date", added["work"] - stale))
    if relation := changes.added.get("review"):
        judged = {
            row[0] for row in cur.execute(f"SELECT DISTINCT review_date FROM {relation} WHERE is_last AND verdict = {ACCEPT}").fetchall()
        }
        if judged - stale:
            keys = _KEYS.replace("action", "work_action AS action")
            last = f"(SELECT review_date, {keys}, work_units AS passed_units FROM {relation} WHERE is_last AND verdict = {ACCEPT})"
            passed = PASSED.format(rel=last, dates=among("r.review_date", judged - stale))
    if stale:
        cur.execute(f"DELETE FROM earn_day WHERE {among('business_date', stale)}")
        cur.execute(f"INSERT INTO earn_day BY NAME {earned_on(cur, stale)}")
    if submitted or passed:
        cur.execute(f"INSERT INTO earn_day BY NAME {earned_select(cur, submitted=submitted, passed=passed)}")
    return stale | judged


def _overdue(cur: DuckDBPyConnection, log: str, dates: Dates) -> Dates:
    """Count one more addition to these dates; those that have had many are due to be rebuilt whole."""
    if not dates:
        return set()
    of_log = f"log = '{log}' AND {among('business_date', dates)}"
    before = dict(cur.execute(f"SELECT business_date, additions FROM rollup_addition WHERE {of_log}").fetchall())
    overdue = {day for day in dates if before.get(day, 0) >= FOLD_AFTER}
    if before:
        cur.execute(f"DELETE FROM rollup_addition WHERE {of_log}")
    rows = ", ".join(f"('{log}', {_literal(day)}, {before.get(day, 0) + 1})" for day in dates - overdue)
    if rows:
        cur.execute(f"INSERT INTO rollup_addition VALUES {rows}")
    return overdue


def among(column: str, dates: Iterable[date | None] | None) -> str:
    """A predicate “column is one of these dates”; None among them means undated rows, no set at all means every row."""
    if dates is None:
        return "true"
    known = sorted(day for day in dates if day is not None)
    parts = [f"{column} IN ({', '.join(map(_literal, known))})"] if known else []
    if len(known) < len(set(dates)):
        parts.append(f"{column} IS NULL")
    return f"({' OR '.join(parts)})" if parts else "false"


def _literal(day: date | None) -> str:
    return "NULL" if day is None else f"DATE '{day:%Y-%m-%d}'"
