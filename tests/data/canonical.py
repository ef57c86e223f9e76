"""Canonical batches from plain dicts, and a store's content as text, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from data.store import Store
from data.tables import ARROW, Batch, table


def batch(name: str, rows: Sequence[Mapping[str, object]]) -> Batch:
    """Rows of one canonical table; columns that no row has are left out, as a file without them would."""
    spec = table(name)
    columns = {
        c.name: pa.array([row.get(c.name) for row in rows], ARROW[c.kind]) for c in spec.columns if any(c.name in row for row in rows)
    }
    if any("extra" in row for row in rows):
        columns["extra"] = pa.array([row.get("extra") for row in rows], pa.string())
    columns["line"] = pa.array(range(2, len(rows) + 2), pa.int64())
    return Batch(name, pa.table(columns), [], len(rows), 0)


WORK = """SELECT s.name AS source, w.event_id, p.project_id, b.batch_id, k.worker_id, w.item_id, w.ts, w.business_date, w.hour, w.action, w.round, w.round_given,
    w.units, w.prelabelled_units, w.seconds, w.wall_s, w.overlap_s, w.clock, i.site_id, t.team_id, w.version, w.extra
    FROM work AS w JOIN source AS s USING (source_key) JOIN project AS p USING (project_key) LEFT JOIN batch AS b USING (batch_key)
    JOIN worker AS k USING (worker_key) JOIN site AS i ON i.site_key = w.site_key JOIN team AS t ON t.team_key = w.team_key ORDER BY ALL"""
REVIEWS = """SELECT s.name AS source, r.review_id, r.event_id, r.event_given, ws.name AS work_source, p.project_id, b.batch_id, k.worker_id, v.worker_id AS reviewer_id, r.item_id, r.ts,
    r.work_date, r.review_date, r.stage, r.round, r.verdict, r.inspected_units, r.error_units, r.error_type, r.linked, r.work_action, r.work_units,
    r.is_first, r.is_last, r.stage_first, r.stage_last, r.overturned, i.site_id, t.team_id
    FROM review AS r JOIN source AS s ON s.source_key = r.source_key LEFT JOIN source AS ws ON ws.source_key = r.work_source_key JOIN project AS p USING (project_key)
    LEFT JOIN batch AS b ON b.batch_key = r.batch_key JOIN worker AS k ON k.worker_key = r.worker_key LEFT JOIN worker AS v ON v.worker_key = r.reviewer_key
    JOIN site AS i ON i.site_key = r.site_key JOIN team AS t ON t.team_key = r.team_key ORDER BY ALL"""
EARNED = """SELECT e.business_date, e.basis, k.worker_id, t.team_id, i.site_id, p.project_id, b.batch_id, e.action, e.round, sum(e.unit_count), sum(e.pay), sum(e.revenue)
    FROM earn_day AS e JOIN project AS p USING (project_key) LEFT JOIN batch AS b USING (batch_key) JOIN worker AS k USING (worker_key)
    JOIN site AS i ON i.site_key = e.site_key JOIN team AS t ON t.team_key = e.team_key GROUP BY ALL ORDER BY ALL"""
PRESENCE = """SELECT k.worker_id, from_date, to_date, hired, starts_spell, ends_spell, voluntary, moved_in, moved_out, i.site_id, t.team_id, r.skill_level
    FROM presence AS r JOIN worker AS k USING (worker_key) JOIN site AS i ON i.site_key = r.site_key JOIN team AS t ON t.team_key = r.team_key ORDER BY ALL"""


def content(store: Store) -> dict[str, list[tuple]]:
    """Everything the facts say, by text keys: equal for two stores that hold the same facts."""
    return {name: store.rows(sql) for name, sql in {"work": WORK, "review": REVIEWS, "earned": EARNED, "presence": PRESENCE}.items()}
