"""Canonical rows → the store, whole or not at all: stage, resolve keys, drop what is known, derive, append, roll up.

`(source, event_id)` names a fact: the same fact again is a duplicate and changes nothing; a changed one replaces the old
row (a higher `version` wins over a lower one, else the later arrival) and is counted. Whatever order or portions the
files come in, the store ends the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data import derive, reference, rollup
from data.codes import ACTIONS, CLOCKS, STAGES, VERDICTS
from data.errors import NameUnknown
from data.store import Store
from data.tables import TABLES, Batch, Reject

Progress = Callable[[int], None]

# On a large store a small push is compared with the last weeks and its own dates only, not with years of log.
RECENT_DAYS = 35
LARGE_STORE = 2_000_000
SMALL_LOAD = 50_000


@dataclass(slots=True)
class LoadReport:
    """What became of the rows of one table in one load: rows = new + updated + duplicates + rejected."""

    file: str | None
    table: str
    rows: int = 0
    new: int = 0
    updated: int = 0
    duplicates: int = 0
    rejected: int = 0
    undated: int = 0
    naive: int = 0
    rejects: list[Reject] = field(default_factory=list)


def load(store: Store, batches: Iterable[Batch], *, source: str = "import", file: str | None = None, progress: Progress | None = None) -> list[LoadReport]:
    """Load canonical batches in one transaction and report per table; `progress` is told the rows read so far.

    Raises NameUnknown for a table that is not canonical; any exception leaves the store as it was.
    """
    with store.transaction() as cur:
        return load_into(cur, batches, source=source, file=file, progress=progress)


def load_into(
    cur: DuckDBPyConnection, batches: Iterable[Batch], *, source: str = "import", file: str | None = None, progress: Progress | None = None
) -> list[LoadReport]:
    """`load` inside a transaction of the caller, who may still roll it back."""
    return _Load(cur, source, file).run(batches, progress)


def import_file(
    store: Store, path: Path | str, *, table: str | None = None, mapping: str | None = None, source: str | None = None,
    zone: str | None = None, progress: Progress | None = None,
) -> list[LoadReport]:  # fmt: skip
    """Import one file of any known layout; see `data.mapping` for how columns are found.

    Times without a zone are read in `zone`, else the mapping's, else the one zone all sites share, else the store's.
    Raises InputError when the file cannot be read or fits no table.
    """
    from data import mapping as layouts

    chosen = layouts.get(store, mapping) if mapping else None
    batches = layouts.read_batches(Path(path), table=table, mapping=chosen, zone=zone or local_zone(store))
    return load(store, batches, source=source or "import", file=Path(path).name, progress=progress)


def local_zone(store: Store) -> str:
    """The zone in which times without one are meant: that of the sites when they share one, else the store's own."""
    zones = store.rows("SELECT DISTINCT zone FROM site WHERE NOT stub")
    return str(zones[0][0]) if len(zones) == 1 else str(store.meta("zone") or "UTC")


def rejects(store: Store) -> list[dict[str, object]]:
    """Every row that was refused, newest load last: file, line, table, code, column, value, reason, raw text."""
    found = store.query("""SELECT load_id, file, line, table_name AS "table", code, column_name AS "column", value, reason, raw FROM reject ORDER BY reject_id""")
    rows: list[dict[str, object]] = found.to_pylist()
    return rows


_STAGES = {
    "annotations": """line BIGINT, source VARCHAR, event_id VARCHAR, worker_id VARCHAR, project_id VARCHAR, batch_id VARCHAR, item_id VARCHAR,
        ts TIMESTAMP_MS, wall_s DECIMAL(12,3), action UTINYINT, units DECIMAL(9,3), prelabelled_units DECIMAL(9,3), seconds DECIMAL(9,3),
        clock UTINYINT, round USMALLINT, version BIGINT, extra VARCHAR""",
    "reviews": """line BIGINT, source VARCHAR, review_id VARCHAR, worker_id VARCHAR, project_id VARCHAR, batch_id VARCHAR, item_id VARCHAR,
        event_id VARCHAR, ts TIMESTAMP_MS, reviewer_id VARCHAR, stage UTINYINT, round_given USMALLINT, verdict UTINYINT, inspected_units DECIMAL(9,3),
        error_units DECIMAL(9,3), error_type VARCHAR, sampled_why VARCHAR, version BIGINT, extra VARCHAR""",
}


def _code(column: str, words: Sequence[str], default: int | None) -> str:
    cases = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(words))
    return f"(CASE {column} {cases} ELSE {'NULL' if default is None else default} END)::UTINYINT"


_ENDED = "coalesce(ts, started_at + to_milliseconds((coalesce(duration_s, 0) * 1000)::BIGINT))"
_STAGING = {
    "annotations": f"""SELECT line, coalesce(tool, $source), event_id, worker_id, project_id, batch_id, item_id, ({_ENDED})::TIMESTAMP_MS,
        ((epoch_ms(ts) - epoch_ms(started_at)) / 1000.0)::DECIMAL(12,3), {_code("action", ACTIONS, 0)}, coalesce(units, 1)::DECIMAL(9,3), prelabelled_units::DECIMAL(9,3),
        duration_s::DECIMAL(9,3), CASE WHEN duration_s IS NOT NULL THEN {_code("clock", CLOCKS, 0)} END, round::USMALLINT, version::BIGINT, extra FROM incoming""",
    "reviews": f"""SELECT line, $source, review_id, worker_id, project_id, batch_id, item_id, event_id, ts::TIMESTAMP_MS, reviewer_id, {_code("stage", STAGES, 1)},
        round::USMALLINT, {_code("verdict", VERDICTS, None)}, inspected_units::DECIMAL(9,3), error_units::DECIMAL(9,3), error_type, sampled_why, version::BIGINT, extra FROM incoming""",
}
_TYPES = {
    "quantity": "DECIMAL(18,3)", "seconds": "DECIMAL(18,3)", "money": "DECIMAL(18,6)", "ratio": "DECIMAL(18,6)", "instant": "TIMESTAMP_MS",
    "date": "DATE", "month": "DATE", "flag": "BOOLEAN", "time": "BIGINT", "integer": "BIGINT", "level": "BIGINT", "version": "BIGINT",
}  # fmt: skip  (every other kind is text)

_WORK_FACT = ("worker_key", "project_key", "batch_key", "item_id", "ts", "action", "units", "prelabelled_units", "seconds", "wall_s", "clock", "extra")
_REVIEW_FACT = ("worker_key", "project_key", "item_id", "ts", "reviewer_key", "stage", "round_given", "verdict", "inspected_units", "error_units",
                "error_type", "sampled_why", "extra")  # fmt: skip


class _Load:
    """One load in progress: the cursor of its transaction and what it has touched."""

    def __init__(self, cur: DuckDBPyConnection, source: str, file: str | None) -> None:
        self.cur, self.source, self.file = cur, source, file
        self.started = datetime.now(UTC)
        self.reports: dict[str, LoadReport] = {}
        self.load_id = self.value("SELECT coalesce(max(load_id), 0) + 1 FROM load")

    def value(self, sql: str) -> int:
        return int(self.cur.execute(sql).fetchall()[0][0])

    def run(self, batches: Iterable[Batch], progress: Progress | None) -> list[LoadReport]:
        for table in ("stale_work", "stale_review", "stale_earned"):
            self.cur.execute(f"CREATE OR REPLACE TEMP TABLE {table} (business_date DATE)")
        self.cur.execute("CREATE OR REPLACE TEMP TABLE touched_item (project_key SMALLINT, item_id VARCHAR, numbered BOOLEAN)")
        self.cur.execute("CREATE OR REPLACE TEMP TABLE gone AS FROM work WHERE false")
        for added, log in (("ready", "work"), ("moved", "work"), ("ready_review", "review")):
            self.cur.execute(f"CREATE OR REPLACE TEMP TABLE {added} AS FROM {log} WHERE false")
        read, places, described, staged = 0, None, set[str](), set[str]()
        for batch in batches:
            if batch.table not in TABLES:
                raise NameUnknown("table", batch.table, TABLES, "表")
            report = self.report(batch.table)
            report.rows += batch.read
            report.naive += batch.naive
            self.keep_rejects(report, batch.rejects)
            read += batch.read
            if batch.table in _STAGES:
                self.stage(batch.table, batch.rows, first=batch.table not in staged)
                staged.add(batch.table)
            elif batch.rows.num_rows:
                if places is None and batch.table in ("sites", "teams", "workers", "assignments"):
                    places = self.places()
                self.describe(batch.table, batch.rows, report)
                described.add(batch.table)
            if progress:
                progress(read)
        self.settle(described)
        if "annotations" in staged:
            self.take_work()
        if places is not None:
            self.move_work(places)
        if "reviews" in staged or self.value("SELECT count(*) FROM (FROM touched_item LIMIT 1)"):
            self.take_reviews(staged="reviews" in staged)
        self.cur.execute("CREATE OR REPLACE TEMP VIEW added_work AS FROM ready UNION ALL BY NAME FROM moved")
        self.cur.execute("CREATE OR REPLACE TEMP VIEW added_review AS FROM ready_review")
        rollup.refresh(self.cur)
        self.sign()
        return list(self.reports.values())

    def report(self, table: str) -> LoadReport:
        return self.reports.setdefault(table, LoadReport(self.file, table))

    def keep_rejects(self, report: LoadReport, found: Sequence[Reject]) -> None:
        if not found:
            return
        report.rejected += len(found)
        report.rejects += found
        self.register({
            "line": pa.array([r.line for r in found], pa.int64()), "code": pa.array([r.code for r in found], pa.string()),
            "column_name": pa.array([r.column for r in found], pa.string()), "value": pa.array([r.value for r in found], pa.string()),
            "reason": pa.array([r.reason for r in found], pa.string()), "raw": pa.array([r.raw for r in found], pa.string()),
        })  # fmt: skip
        self.cur.execute("""INSERT INTO reject SELECT (SELECT coalesce(max(reject_id), 0) FROM reject) + row_number() OVER (), ?, ?, line, ?, code,
            column_name, value, reason, raw FROM arriving""", [self.load_id, self.file, report.table])
        self.cur.unregister("arriving")

    def register(self, columns: dict[str, pa.Array]) -> None:
        self.cur.register("arriving", pa.table(columns))

    def incoming(self, table: str, rows: pa.Table) -> None:
        """The batch as a temporary view `incoming` with every canonical column, null where the file had none."""
        self.cur.register("arriving", rows)
        have = set(rows.column_names)
        columns = [f"{'line' if 'line' in have else '0'}::BIGINT AS line", f"{'extra' if 'extra' in have else 'NULL'}::VARCHAR AS extra"]
        columns += [f"{c.name if c.name in have else 'NULL'}::{_TYPES.get(c.kind, 'VARCHAR')} AS {c.name}" for c in TABLES[table].columns]
        kind = "VIEW" if table in _STAGES else "TABLE"
        self.cur.execute("DROP VIEW IF EXISTS incoming") if kind == "VIEW" else self.cur.execute("DROP TABLE IF EXISTS incoming")
        self.cur.execute(f"CREATE OR REPLACE TEMP {kind} incoming AS SELECT {', '.join(columns)} FROM arriving")

    # Who and what for ------------------------------------------------------------------------------------------------
    def describe(self, table: str, rows: pa.Table, report: LoadReport) -> None:
        self.incoming(table, rows)
        self.keep_rejects(report, reference.checked(self.cur, table))
        ids = {c.name for c in TABLES[table].columns}
        for kind in ("site", "team", "worker", "project"):
            if f"{kind}_id" in ids:
                reference.add_keys(self.cur, kind, f"SELECT {kind}_id FROM incoming")
        if {"project_id", "batch_id"} <= ids:
            reference.add_batches(self.cur, "SELECT project_id, batch_id FROM incoming")
        new, updated, duplicates = reference.upsert(self.cur, table, frozenset(rows.column_names))
        report.new, report.updated, report.duplicates = report.new + new, report.updated + updated, report.duplicates + duplicates
        self.cur.execute("DROP TABLE incoming")
        self.cur.unregister("arriving")

    def settle(self, described: set[str]) -> None:
        """Bring what is derived from the reference tables up to date."""
        if described & {"sites", "teams", "workers", "assignments"}:
            self.cur.execute("""UPDATE assignment AS a SET site_key = t.site_key FROM team AS t
                WHERE a.site_key = 0 AND t.team_key = a.team_key AND t.site_key <> 0""")
            self.cur.execute("""UPDATE assignment AS a SET valid_from_ts = n.ts FROM (
                    SELECT worker_key, valid_from, timezone('UTC', timezone(s.zone, valid_from + to_minutes(s.day_start_minute))) AS ts
                    FROM assignment JOIN site AS s USING (site_key)) AS n
                WHERE n.worker_key = a.worker_key AND n.valid_from = a.valid_from AND n.ts <> a.valid_from_ts""")
            derive.build_presence(self.cur)
        if described & {"batches", "sites"}:
            derive.accept_batches(self.cur)
        if "costs" in described:
            derive.spread_costs(self.cur)
        if described & {"prices", "rates"}:
            self.cur.execute("""INSERT INTO stale_earned SELECT business_date FROM earn_day UNION SELECT business_date FROM work_day
                UNION SELECT review_date FROM review_day""")

    def places(self) -> str:
        """Remember who worked where from when, to find afterwards whose rows must move."""
        self.cur.execute("""CREATE OR REPLACE TEMP TABLE place_before AS
            SELECT a.worker_key, a.valid_from_ts, a.site_key, a.team_key, s.zone, s.day_start_minute FROM assignment AS a JOIN site AS s USING (site_key)""")
        return "place_before"

    def move_work(self, before: str) -> None:
        """Re-place the rows of people whose assignments or site clocks changed."""
        now = "SELECT a.worker_key, a.valid_from_ts, a.site_key, a.team_key, s.zone, s.day_start_minute FROM assignment AS a JOIN site AS s USING (site_key)"
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE moved_worker AS
            SELECT DISTINCT worker_key FROM ((FROM {before} EXCEPT {now}) UNION ALL ({now} EXCEPT FROM {before}))""")
        if not self.value("SELECT count(*) FROM moved_worker"):
            return
        self.cur.execute("CREATE OR REPLACE TEMP TABLE mover AS SELECT w.rowid AS id, w.worker_key, w.ts, w.business_date AS old_date, w.hour AS old_hour, "
                         "w.site_key AS old_site, w.team_key AS old_team FROM work AS w SEMI JOIN moved_worker USING (worker_key)")  # fmt: skip
        derive.place(self.cur, "mover", "placed_mover")
        date = derive.business_date(self.cur, "p.local_ts", "p.site_key")
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE moving AS SELECT * FROM (
                SELECT p.id, {date} AS new_date, hour(p.local_ts)::UTINYINT AS new_hour, p.site_key AS new_site, p.team_key AS new_team,
                    p.old_date, p.old_hour, p.old_site, p.old_team FROM placed_mover AS p)
            WHERE new_date IS DISTINCT FROM old_date OR new_hour IS DISTINCT FROM old_hour OR new_site <> old_site OR new_team <> old_team""")
        self.cur.execute("""CREATE OR REPLACE TEMP TABLE moved AS
            SELECT w.* REPLACE (m.new_date AS business_date, m.new_hour AS hour, m.new_site AS site_key, m.new_team AS team_key)
            FROM work AS w JOIN moving AS m ON m.id = w.rowid""")
        self.cur.execute("INSERT INTO stale_work SELECT DISTINCT old_date FROM moving")
        self.cur.execute("INSERT INTO stale_earned SELECT old_date FROM moving UNION SELECT new_date FROM moving")
        self.cur.execute("INSERT INTO touched_item SELECT DISTINCT project_key, item_id, false FROM moved")
        self.cur.execute("INSERT INTO touched_item SELECT DISTINCT project_key, item_id, false FROM review SEMI JOIN moved_worker USING (worker_key) WHERE NOT linked")
        self.cur.execute("DELETE FROM work WHERE rowid IN (SELECT id FROM moving)")
        # Rows this load itself appended are on their dates already; only what moved is added now.
        self.cur.execute("DELETE FROM ready WHERE (source_key, event_id) IN (SELECT source_key, event_id FROM moved)")
        self.append("moved")
        self.cur.execute("INSERT INTO stale_earned SELECT DISTINCT b.accepted_on FROM moved JOIN batch AS b USING (batch_key) WHERE b.accepted_on IS NOT NULL")

    def append(self, rows: str) -> None:
        self.cur.execute(f"INSERT INTO work BY NAME FROM {rows} ORDER BY business_date, worker_key, ts")

    # What happened ---------------------------------------------------------------------------------------------------
    def stage(self, table: str, rows: pa.Table, *, first: bool) -> None:
        if first:
            self.cur.execute(f"CREATE OR REPLACE TEMP TABLE staged_{table} ({_STAGES[table]})")
        if not rows.num_rows:
            return
        self.incoming(table, rows)
        self.cur.execute(f"INSERT INTO staged_{table} {_STAGING[table]}", {"source": self.source})
        self.cur.execute("DROP VIEW incoming")
        self.cur.unregister("arriving")

    def drop_repeats(self, table: str, key: str, report: LoadReport) -> None:
        """Within one load the highest version of a fact wins, else the last; older ones count as updated, equal ones as duplicates."""
        self.cur.execute(f"CREATE OR REPLACE TEMP TABLE repeated AS SELECT source, {key} FROM {table} GROUP BY ALL HAVING count(*) > 1")
        if not self.value("SELECT count(*) FROM repeated"):
            return
        facts = ", ".join(c for c in self.columns(table) if c not in ("line", "source", key, "version"))
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE ranked AS
            SELECT s.rowid AS id, row({facts}) AS fact, source, {key} AS key, row_number() OVER (PARTITION BY source, {key}
                ORDER BY version DESC NULLS LAST, s.rowid DESC) AS rank
            FROM {table} AS s SEMI JOIN repeated USING (source, {key})""")
        same, other = self.cur.execute("""SELECT count(*) FILTER (l.fact IS NOT DISTINCT FROM w.fact), count(*) FILTER (l.fact IS DISTINCT FROM w.fact)
            FROM ranked AS l JOIN ranked AS w ON w.source = l.source AND w.key = l.key AND w.rank = 1 WHERE l.rank > 1""").fetchall()[0]
        report.duplicates, report.updated = report.duplicates + same, report.updated + other
        self.cur.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT id FROM ranked WHERE rank > 1)")

    def columns(self, table: str) -> list[str]:
        return [row[0] for row in self.cur.execute(f"SELECT column_name FROM (DESCRIBE {table})").fetchall()]

    def within(self, log: str, date: str, staged: str) -> str:
        """The part of the log to look for known facts in, as a select with the row's place as `rid`: all of it, except that a
        small push to a large store looks at the last weeks and its own dates only."""
        size = self.value(f"SELECT coalesce(sum({'row_count' if log == 'work' else 'verdicts'}), 0) FROM {log}_day")
        part = f"SELECT rowid AS rid, * FROM {log}"
        if size >= LARGE_STORE and self.value(f"SELECT count(*) FROM {staged}") <= SMALL_LOAD:
            since = self.cur.execute(f"""SELECT least((SELECT max(business_date) FROM {log}_day) - {RECENT_DAYS},
                (SELECT min(ts)::DATE FROM {staged}) - 2)""").fetchall()[0][0]
            part += f" WHERE {date} >= DATE '{since}'" if since else ""
        return f"({part})"

    def resolve(self, table: str, key: str, fresh: str, extra: str, keep: str) -> None:
        people = f"SELECT worker_id FROM {table}" + (f" UNION SELECT reviewer_id FROM {table}" if table == "staged_reviews" else "")
        self.cur.execute("""INSERT INTO source SELECT (SELECT coalesce(max(source_key), 0) FROM source) + row_number() OVER (ORDER BY source), source
            FROM (SELECT DISTINCT source FROM {0}) ANTI JOIN source ON source.name = source""".replace("{0}", table).replace("source.name = source", "name = source"))
        reference.add_keys(self.cur, "worker", people)
        reference.add_keys(self.cur, "project", f"SELECT project_id FROM {table}")
        reference.add_batches(self.cur, f"SELECT project_id, batch_id FROM {table}")
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE {fresh} AS
            SELECT s.rowid AS id, c.source_key, s.{key}, w.worker_key, p.project_key, coalesce(b.batch_key, 0) AS batch_key, s.item_id, s.ts, {extra}
            FROM {table} AS s JOIN source AS c ON c.name = s.source JOIN worker AS w ON w.worker_id = s.worker_id JOIN project AS p ON p.project_id = s.project_id
            LEFT JOIN batch AS b ON b.project_key = p.project_key AND b.batch_id = s.batch_id {keep}""")

    def settle_versions(self, log: str, part: str, key: str, fresh: str, facts: Sequence[str], report: LoadReport) -> None:
        """Compare with what the log holds: equal or older rows are duplicates, the rest replace theirs (table `replaced` holds their rowids)."""
        changed = " OR ".join([*(f"o.{c} IS DISTINCT FROM f.{c}" for c in facts), "(f.given_key IS DISTINCT FROM o.given_key)"])
        given = {"work": "CASE WHEN round_given THEN round END", "review": "row(CASE WHEN event_given THEN event_id END, CASE WHEN batch_given THEN batch_key END)"}[log]
        fresh_given = {"work": "round", "review": "row(event_id, CASE WHEN batch_given THEN batch_key END)"}[log]
        columns = ", ".join(f"l.{c}" for c in ("source_key", key, "version", *facts))
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE known AS
            SELECT l.rid, {columns}, {given} AS given_key FROM {part} AS l SEMI JOIN {fresh} AS f ON f.{key} = l.{key} AND f.source_key = l.source_key""")
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE met AS
            SELECT o.rid, f.id, coalesce(f.version < o.version, f.version IS NULL AND o.version IS NOT NULL) OR NOT ({changed}) AS old_news
            FROM known AS o JOIN (SELECT *, {fresh_given} AS given_key FROM {fresh}) AS f ON f.{key} = o.{key} AND f.source_key = o.source_key""")
        duplicates, updated = self.cur.execute("SELECT count(*) FILTER (old_news), count(*) FILTER (NOT old_news) FROM met").fetchall()[0]
        if duplicates:
            self.cur.execute(f"DELETE FROM {fresh} WHERE id IN (SELECT id FROM met WHERE old_news)")
        total = self.value(f"SELECT count(*) FROM {fresh}")
        report.duplicates, report.updated, report.new = report.duplicates + duplicates, report.updated + updated, report.new + total - updated
        self.cur.execute("CREATE OR REPLACE TEMP TABLE replaced AS SELECT rid FROM met WHERE NOT old_news")

    def take_work(self) -> None:
        report = self.report("annotations")
        report.undated += self.value("SELECT count(*) FROM staged_annotations WHERE ts IS NULL")
        self.drop_repeats("staged_annotations", "event_id", report)
        self.resolve("staged_annotations", "event_id", "fresh", "s.action, s.units, s.prelabelled_units, s.seconds, s.wall_s, s.clock, s.round, "
                     "s.round IS NOT NULL AS round_given, s.version, s.extra", "")  # fmt: skip
        part = self.within("work", "business_date", "staged_annotations")
        self.settle_versions("work", part, "event_id", "fresh", _WORK_FACT, report)
        if self.value("SELECT count(*) FROM replaced"):
            self.cur.execute("INSERT INTO gone SELECT * FROM work WHERE rowid IN (SELECT rid FROM replaced)")
            self.cur.execute("INSERT INTO stale_work SELECT DISTINCT business_date FROM gone")
            self.cur.execute("INSERT INTO stale_earned SELECT DISTINCT business_date FROM gone")
            self.cur.execute("DELETE FROM work WHERE rowid IN (SELECT rid FROM replaced)")
        if not self.value("SELECT count(*) FROM fresh"):
            return
        self.cur.execute("""INSERT INTO touched_item SELECT project_key, item_id, bool_or(numbered) FROM (
            SELECT project_key, item_id, NOT round_given AS numbered FROM fresh UNION ALL SELECT project_key, item_id, true FROM gone) GROUP BY ALL""")
        derive.place(self.cur, "fresh", "placed")
        derive.number_rounds(self.cur, part)
        derive.measure_overlaps(self.cur)
        date = derive.business_date(self.cur, "p.local_ts", "p.site_key")
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE ready AS
            SELECT {date} AS business_date, p.worker_key, p.ts, p.source_key, p.event_id, p.project_key, p.batch_key, p.item_id, p.action,
                coalesce(r.round, p.round, 1)::USMALLINT AS round, p.round_given, p.units, p.prelabelled_units, p.seconds, p.wall_s,
                coalesce(o.overlap_s, 0)::DECIMAL(12,3) AS overlap_s, p.clock, hour(p.local_ts)::UTINYINT AS hour, p.site_key, p.team_key, p.version,
                {self.load_id} AS load_id, p.extra
            FROM placed AS p LEFT JOIN fresh_round AS r ON r.id = p.id LEFT JOIN fresh_overlap AS o ON o.id = p.id""")
        for table, column in (("log_round", "round"), ("log_overlap", "overlap_s")):
            if self.value(f"SELECT count(*) FROM {table}"):
                self.cur.execute(f"INSERT INTO stale_work SELECT DISTINCT business_date FROM {table}")
                self.cur.execute(f"INSERT INTO stale_earned SELECT DISTINCT business_date FROM {table}")
                self.cur.execute(f"UPDATE work SET {column} = c.{column} FROM {table} AS c WHERE work.rowid = c.id")
        self.append("ready")
        self.cur.execute("INSERT INTO stale_earned SELECT DISTINCT business_date FROM ready")
        self.cur.execute("""INSERT INTO stale_earned SELECT DISTINCT b.accepted_on FROM (SELECT batch_key FROM ready UNION SELECT batch_key FROM gone) AS r
            JOIN batch AS b USING (batch_key) WHERE b.accepted_on IS NOT NULL""")

    def take_reviews(self, *, staged: bool) -> None:
        """Take staged reviews, and judge anew the logged ones whose work this load brought, changed or moved."""
        report = self.report("reviews") if staged else LoadReport(self.file, "reviews")
        self.cur.execute("""INSERT INTO touched_item SELECT DISTINCT project_key, item_id, false FROM gone
            WHERE (project_key, item_id) NOT IN (SELECT (project_key, item_id) FROM touched_item)""")
        if not staged:
            self.cur.execute(f"CREATE OR REPLACE TEMP TABLE staged_reviews ({_STAGES['reviews']})")
        part = self.within("review", "work_date", "staged_reviews")
        if not staged and not self.value(f"SELECT count(*) FROM {part} AS r SEMI JOIN touched_item AS t ON t.project_key = r.project_key AND t.item_id = r.item_id"):
            return
        report.undated += self.value("SELECT count(*) FROM staged_reviews WHERE ts IS NULL")
        self.drop_repeats("staged_reviews", "review_id", report)
        self.resolve("staged_reviews", "review_id", "fresh_review", "s.event_id, s.event_id IS NOT NULL AS event_given, b.batch_key IS NOT NULL AS batch_given, "
                     "rv.worker_key AS reviewer_key, s.stage, s.round_given, s.verdict, s.inspected_units, s.error_units, s.error_type, s.sampled_why, s.version, s.extra",
                     "LEFT JOIN worker AS rv ON rv.worker_id = s.reviewer_id")  # fmt: skip
        self.settle_versions("review", part, "review_id", "fresh_review", _REVIEW_FACT, report)
        if self.value("SELECT count(*) FROM replaced"):
            self.cur.execute("CREATE OR REPLACE TEMP TABLE gone_review AS SELECT * FROM review WHERE rowid IN (SELECT rid FROM replaced)")
            self.cur.execute("INSERT INTO stale_review SELECT DISTINCT work_date FROM gone_review")
            self.cur.execute("INSERT INTO stale_earned SELECT DISTINCT review_date FROM gone_review")
            self.cur.execute("INSERT INTO touched_item SELECT DISTINCT project_key, item_id, false FROM gone_review")
            self.cur.execute("DELETE FROM review WHERE rowid IN (SELECT rid FROM replaced)")
        self.cur.execute("INSERT INTO touched_item SELECT DISTINCT project_key, item_id, false FROM fresh_review")
        derive.order_verdicts(self.cur, self.within("work", "business_date", "staged_reviews"), part)
        columns = ", ".join(f"j.{c}" for c in ("event_id", *derive.DERIVED_REVIEW))
        differs = " OR ".join(f"r.{c} IS DISTINCT FROM j.{c}" for c in ("event_id", *derive.DERIVED_REVIEW))
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE rejudged AS
            SELECT j.id, r.work_date AS old_date, r.review_date AS old_review_date, {columns} FROM judged AS j JOIN review AS r ON r.rowid = j.id
            WHERE NOT j.is_new AND ({differs.replace("r.event_id IS DISTINCT FROM j.event_id", "(NOT r.event_given AND r.event_id IS DISTINCT FROM j.event_id)")})""")
        if self.value("SELECT count(*) FROM rejudged"):
            self.cur.execute("INSERT INTO stale_review SELECT old_date FROM rejudged UNION SELECT work_date FROM rejudged")
            self.cur.execute("INSERT INTO stale_earned SELECT old_review_date FROM rejudged UNION SELECT review_date FROM rejudged")
            sets = ", ".join(f"{c} = j.{c}" for c in derive.DERIVED_REVIEW)
            self.cur.execute(f"UPDATE review SET {sets}, event_id = CASE WHEN event_given THEN review.event_id ELSE j.event_id END FROM rejudged AS j WHERE review.rowid = j.id")
        derived = ", ".join(f"j.{c}" for c in derive.DERIVED_REVIEW)
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE ready_review AS
            SELECT f.worker_key, f.ts, f.source_key, f.review_id, coalesce(f.event_id, j.event_id) AS event_id, f.event_given, f.project_key, f.batch_given, f.item_id,
                f.reviewer_key, f.stage, f.round_given, f.verdict, f.inspected_units, f.error_units, f.error_type, f.sampled_why, f.version,
                {self.load_id} AS load_id, f.extra, {derived}
            FROM fresh_review AS f JOIN judged AS j ON j.is_new AND j.id = f.id""")
        self.cur.execute("INSERT INTO review BY NAME FROM ready_review ORDER BY work_date, worker_key, ts")
        self.cur.execute("INSERT INTO stale_earned SELECT DISTINCT review_date FROM ready_review")

    def sign(self) -> None:
        """Write down that this load happened and what became of its rows."""
        now = datetime.now(UTC)
        for report in self.reports.values():
            self.cur.execute("INSERT INTO load VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [
                self.load_id, self.started.replace(tzinfo=None), now.replace(tzinfo=None), self.source, self.file, report.table, report.rows, report.new,
                report.updated, report.duplicates, report.rejected, report.undated])  # fmt: skip
