"""Hourly and daily tables over the log, and what was earned on each day: all additive.

A load appends the totals of its own new rows; dates on which an existing row changed are rebuilt whole, and so is a date
after many small additions. Either way the sums equal a recomputation from the log, which `data.verify` proves.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from data.codes import ACCEPT, ANNOTATE, PACE_GAMMA, PACE_ZERO, REJECT, REWORK

FOLD_AFTER = 64  # additions to one date before it is rebuilt whole

_LENGTH = "CASE WHEN ts IS NULL THEN NULL WHEN wall_s IS NULL THEN seconds WHEN wall_s >= 0 THEN wall_s END"
_SUBMITTED = f"action IN ({ANNOTATE}, {REWORK})"
_WORK_SUMS = f"""count(*) AS row_count, sum(units) AS unit_count, coalesce(sum(prelabelled_units), 0) AS prelabelled_count,
    count(seconds) AS timed_rows, coalesce(sum(units) FILTER (seconds IS NOT NULL), 0) AS timed_units, coalesce(sum(seconds), 0) AS seconds,
    coalesce(sum(units) FILTER (({_LENGTH}) IS NOT NULL), 0) AS merged_units, coalesce(sum(({_LENGTH}) - overlap_s), 0) AS merged_s,
    count(*) FILTER (action = {ANNOTATE} AND round > 1) AS repeat_rows, count(*) FILTER (wall_s < 0) AS negative_rows"""
_BUCKET = f"CASE WHEN seconds > 0 THEN ceil(ln(seconds::DOUBLE / units::DOUBLE) / ln({PACE_GAMMA!r}))::SMALLINT ELSE ({PACE_ZERO})::SMALLINT END"
_PACED = f"{_SUBMITTED} AND seconds IS NOT NULL AND units > 0"

# One row a table: the select that builds it from rows shaped like the log ({rel}), in the order it is stored.
WORK_ROLLUPS = {
    "work_day": f"""SELECT business_date, worker_key, team_key, site_key, project_key, batch_key, action, round, clock, {_WORK_SUMS}
        FROM {{rel}} GROUP BY ALL ORDER BY business_date, worker_key, project_key""",
    "work_hour": f"""SELECT business_date, hour, worker_key, team_key, site_key, project_key, action, clock, {_WORK_SUMS}
        FROM {{rel}} GROUP BY ALL ORDER BY business_date, hour, worker_key, project_key""",
    "pace_group": f"""SELECT business_date, team_key, site_key, project_key, batch_key, action, round, {_BUCKET} AS bucket, count(*) AS row_count
        FROM {{rel}} WHERE {_PACED} GROUP BY ALL ORDER BY business_date, project_key, team_key, batch_key, bucket""",
    "pace_worker": f"""SELECT business_date, worker_key, team_key, site_key, project_key, action, {_BUCKET} AS bucket, count(*) AS row_count
        FROM {{rel}} WHERE {_PACED} GROUP BY ALL ORDER BY business_date, worker_key, project_key, bucket""",
}
REVIEW_ROLLUPS = {
    "review_day": f"""SELECT work_date AS business_date, review_date, worker_key, team_key, site_key, reviewer_key, project_key, batch_key,
        work_action AS action, round, stage, error_type, count(*) AS verdicts, count(*) FILTER (verdict = {REJECT}) AS rejections,
        count(*) FILTER (NOT linked) AS unlinked,
        count(*) FILTER (is_first) AS first_rows, count(*) FILTER (is_first AND verdict = {ACCEPT}) AS first_accepts,
        count(*) FILTER (is_last) AS last_rows, count(*) FILTER (is_last AND verdict = {ACCEPT}) AS last_accepts,
        count(*) FILTER (stage_first) AS stage_first_rows, count(*) FILTER (stage_first AND verdict = {ACCEPT}) AS stage_first_accepts,
        count(*) FILTER (stage_last) AS stage_last_rows, count(*) FILTER (stage_last AND verdict = {ACCEPT}) AS stage_last_accepts,
        count(*) FILTER (overturned) AS overturned_rows,
        coalesce(sum(coalesce(inspected_units, work_units)), 0) AS inspected_count,
        coalesce(sum(error_units) FILTER (coalesce(inspected_units, work_units) IS NOT NULL), 0) AS error_count,
        coalesce(sum(work_units) FILTER (is_last AND verdict = {ACCEPT}), 0) AS passed_units
        FROM {{rel}} GROUP BY ALL ORDER BY work_date, worker_key, project_key""",
}

# What was earned on the dates {dates}: submitted work by its own date, passed work by the date of its last verdict, accepted
# work by the date its batch (or the batch's resubmission) was accepted; rows of no delivered batch count as accepted when passed.
EARNED = f"""
WITH earned AS (
    SELECT business_date, 'submit' AS basis, worker_key, team_key, site_key, project_key, batch_key, action, round, sum(unit_count) AS unit_count
    FROM work_day WHERE {{in_dates}} GROUP BY ALL
    UNION ALL
    SELECT r.review_date, b.basis, worker_key, team_key, site_key, r.project_key, r.batch_key, action, round, sum(passed_units)
    FROM (SELECT * RENAME (business_date AS work_date) FROM review_day) AS r
    LEFT JOIN batch USING (batch_key), (VALUES ('pass'), ('accept')) AS b(basis)
    WHERE passed_units <> 0 AND (b.basis = 'pass' OR NOT coalesce(batch.governed, false)) AND {{in_review_dates}} GROUP BY ALL
    UNION ALL
    SELECT b.accepted_on, 'accept', worker_key, team_key, site_key, w.project_key, w.batch_key, action, round, sum(unit_count)
    FROM work_day AS w JOIN batch AS b ON b.batch_key = w.batch_key
    WHERE b.governed AND b.accepted_on IS NOT NULL AND {{in_accept_dates}} GROUP BY ALL
), dated AS (
    SELECT *, coalesce(business_date, DATE '9999-12-31') AS on_date,
        CASE action WHEN 0 THEN 'annotate' WHEN 1 THEN 'rework' WHEN 2 THEN 'review' ELSE 'clean' END AS action_name FROM earned
), valued AS (
    SELECT d.*, coalesce(pb.amount, pg.amount) AS price,
        CASE WHEN rb.amount IS NOT NULL THEN CASE WHEN rb.pay_on = d.basis THEN rb.amount END
             WHEN rg.pay_on = d.basis THEN rg.amount END AS rate,
        coalesce(rb.pay_on, rg.pay_on) IS NULL AS unrated,
        d.basis = 'accept' AND (d.action = {ANNOTATE} OR (d.action = {REWORK} AND NOT coalesce(b.governed, false))) AS sold
    FROM dated AS d
    LEFT JOIN batch AS b ON b.batch_key = d.batch_key
    ASOF LEFT JOIN price AS pb ON pb.project_key = d.project_key AND pb.batch_key = nullif(d.batch_key, 0) AND d.on_date >= pb.valid_from
    ASOF LEFT JOIN (FROM price WHERE batch_key = 0) AS pg ON pg.project_key = d.project_key AND d.on_date >= pg.valid_from
    ASOF LEFT JOIN rate AS rb ON rb.project_key = d.project_key AND rb.batch_key = nullif(d.batch_key, 0) AND rb.action = d.action_name
        AND d.on_date >= rb.valid_from
    ASOF LEFT JOIN (FROM rate WHERE batch_key = 0) AS rg ON rg.project_key = d.project_key AND rg.action = d.action_name
        AND d.on_date >= rg.valid_from
)
SELECT business_date, basis, worker_key, team_key, site_key, project_key, batch_key, action, round, unit_count,
    coalesce(unit_count * rate, 0)::DECIMAL(18,6) AS pay,
    CASE WHEN sold THEN coalesce(unit_count * price, 0) ELSE 0 END::DECIMAL(18,6) AS revenue,
    CASE WHEN sold AND price IS NULL THEN unit_count ELSE 0 END AS unpriced_units,
    CASE WHEN unrated AND basis = 'submit' THEN unit_count ELSE 0 END AS unrated_units
FROM valued ORDER BY business_date, worker_key, project_key"""

EVERY_DATE = {"in_dates": "true", "in_review_dates": "true", "in_accept_dates": "true"}


def refresh(cur: DuckDBPyConnection) -> None:
    """Bring every roll-up in line with the log at the end of a load.

    Reads the temporary tables a load leaves: added_work, added_review (rows just appended, shaped like the log), stale_work,
    stale_review (dates on which existing rows changed) and stale_earned (earning dates to recompute).
    """
    _refresh_from(cur, WORK_ROLLUPS, "work", "business_date", "added_work", "stale_work")
    _refresh_from(cur, REVIEW_ROLLUPS, "review", "work_date", "added_review", "stale_review")
    refresh_earned(cur)


def _refresh_from(cur: DuckDBPyConnection, tables: dict[str, str], log: str, date: str, added: str, stale: str) -> None:
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE addition AS
        SELECT DISTINCT a.{date} AS business_date FROM {added} AS a
        WHERE NOT EXISTS (FROM {stale} AS s WHERE s.business_date IS NOT DISTINCT FROM a.{date})""")
    same = "t.business_date IS NOT DISTINCT FROM a.business_date"
    cur.execute(f"""MERGE INTO rollup_addition AS t USING addition AS a ON t.log = '{log}' AND {same}
        WHEN MATCHED THEN UPDATE SET additions = t.additions + 1 WHEN NOT MATCHED THEN INSERT VALUES ('{log}', a.business_date, 1)""")
    cur.execute(f"INSERT INTO {stale} SELECT business_date FROM rollup_addition WHERE log = '{log}' AND additions > {FOLD_AFTER}")
    cur.execute(f"DELETE FROM rollup_addition AS t WHERE log = '{log}' AND EXISTS (FROM {stale} AS a WHERE {same})")
    cur.execute(f"DELETE FROM addition AS t WHERE EXISTS (FROM {stale} AS a WHERE {same})")
    rebuild = _some(cur, stale)
    whole = f"(FROM {log} AS l WHERE {among(cur, f'l.{date}', stale)})"
    part = f"(FROM {added} AS l WHERE {among(cur, f'l.{date}', 'addition')})" if rebuild else added
    for table, select in tables.items():
        if rebuild:
            cur.execute(f"DELETE FROM {table} AS t WHERE {among(cur, 't.business_date', stale)}")
            cur.execute(f"INSERT INTO {table} BY NAME {select.format(rel=whole)}")
        cur.execute(f"INSERT INTO {table} BY NAME {select.format(rel=part)}")


def refresh_earned(cur: DuckDBPyConnection) -> None:
    """Recompute earn_day for the dates in the temporary table stale_earned."""
    if not _some(cur, "stale_earned"):
        return
    cur.execute(f"DELETE FROM earn_day AS t WHERE {among(cur, 't.business_date', 'stale_earned')}")
    select = EARNED.format(
        in_dates=among(cur, "business_date", "stale_earned"),
        in_review_dates=among(cur, "r.review_date", "stale_earned"),
        in_accept_dates=among(cur, "b.accepted_on", "stale_earned"),
    )
    cur.execute(f"INSERT INTO earn_day BY NAME {select}")


def among(cur: DuckDBPyConnection, column: str, dates: str) -> str:
    """A predicate “column is one of these dates” that also matches undated rows when the set of dates holds a null."""
    known = f"{column} IN (SELECT business_date FROM {dates} WHERE business_date IS NOT NULL)"
    undated = cur.execute(f"SELECT count(*) > 0 FROM {dates} WHERE business_date IS NULL").fetchall()[0][0]
    return f"({known} OR {column} IS NULL)" if undated else known


def _some(cur: DuckDBPyConnection, table: str) -> bool:
    return bool(cur.execute(f"SELECT count(*) > 0 FROM {table}").fetchall()[0][0])
