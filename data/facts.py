"""Work and reviews on their way into the log: staged as text keys, compared with what is known, derived, appended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data import derive, reference, rollup
from data.codes import ACTIONS, ANNOTATE, CLOCKS, REWORK, STAGES, VERDICTS
from data.errors import StoreError
from data.ids import ITEM, same, split, whole
from data.rollup import Changes, Dates, among, gather, portions

# A load into a large store is compared with the weeks before its own dates and with the newest weeks, not with years of log.
RECENT_DAYS = 35
LARGE_STORE = 2_000_000
MANY_ROWS = 50_000


@dataclass(slots=True)
class Fate:
    """What became of the staged rows of one log: new + updated + duplicates = rows; `parts` the same by the batch they came in."""

    new: int = 0
    updated: int = 0
    duplicates: int = 0
    undated: int = 0
    parts: dict[int, Fate] = field(default_factory=dict)

    def part(self, number: int) -> Fate:
        """That of one batch."""
        return self.parts.setdefault(number, Fate())


@dataclass(frozen=True, slots=True)
class Log:
    """One log: its canonical table, the columns of its stage, how incoming rows are staged, and which columns make the fact."""

    name: str
    table: str
    key: str
    parts: str  # the same as the log has it
    date: str
    stage: str
    staging: str
    resolved: str
    joins: str
    facts: tuple[str, ...]
    given: str  # what the source said of columns that are otherwise derived, in the log …
    fresh_given: str  # … and among the new rows
    gone: str  # temporary table of the rows taken out of the log
    said: str  # what the source said, of a row of the log: the columns of its table of versions
    fresh_said: str  # the same of a new row
    restaged: str  # a row of that table as the stage has it, but for source and persons


def _code(column: str, words: Sequence[str], default: int | None) -> str:
    cases = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(words))
    return f"(CASE {column} {cases} ELSE {'NULL' if default is None else default} END)::UTINYINT"


_ENDED = "coalesce(ts, started_at + to_milliseconds((coalesce(duration_s, 0) * 1000)::BIGINT))"
_SAID = f"source_key, coalesce(given_key, worker_key) AS worker_key, project_key, {whole('item')}, ts, version, extra"
_WORK_SAID = f"{_SAID}, {whole('event')}, batch_key, action, units, prelabelled_units, seconds, wall_s, clock"
_REVIEW_SAID = f"""{_SAID}, {whole("review")}, CASE WHEN batch_given THEN batch_key END AS batch_key, {whole("event", "event_given")},
    coalesce(given_reviewer_key, reviewer_key) AS reviewer_key, stage, round_given, verdict, inspected_units, error_units, error_type, sampled_why"""
WORK = Log(
    name="work", table="annotations", key="event_id", parts="event_no, event_head", date="business_date",
    stage="""line BIGINT, source VARCHAR, event_id VARCHAR, worker_id VARCHAR, project_id VARCHAR, batch_id VARCHAR, item_id VARCHAR, ts TIMESTAMP_MS,
        wall_s DECIMAL(12,3), action UTINYINT, units DECIMAL(9,3), prelabelled_units DECIMAL(9,3), seconds DECIMAL(9,3), clock UTINYINT, round USMALLINT,
        version BIGINT, extra VARCHAR, load_id INTEGER, part INTEGER""",
    staging=f"""SELECT line, coalesce(tool, $source), event_id, worker_id, project_id, batch_id, item_id, ({_ENDED})::TIMESTAMP_MS,
        ((epoch_ms(ts) - epoch_ms(started_at)) / 1000.0)::DECIMAL(12,3), {_code("action", ACTIONS, 0)}, coalesce(units, 1)::DECIMAL(9,3),
        prelabelled_units::DECIMAL(9,3), duration_s::DECIMAL(9,3), CASE WHEN duration_s IS NOT NULL THEN {_code("clock", CLOCKS, 0)} END, round::USMALLINT,
        version, extra, NULL, $part FROM ({{incoming}})""",
    resolved="""s.action, s.units, s.prelabelled_units, s.seconds, nullif(s.wall_s, s.seconds) AS wall_s, s.clock, s.round, s.round IS NOT NULL AS round_given, s.version, s.extra,
        s.round AS given, s.load_id""",
    joins="",
    facts=("worker_key", "project_key", "batch_key", "item_head", "item_no", "ts", "action", "units", "prelabelled_units", "seconds", "wall_s", "clock", "extra"),
    given="CASE WHEN l.round_given THEN l.round END", fresh_given="f.given", gone="gone",
    said=f"""{_WORK_SAID}, CASE WHEN round_given THEN round END AS round, load_id""", fresh_said=f"{_WORK_SAID}, given AS round",
    restaged="""v.ts, v.wall_s, v.action, v.units, v.prelabelled_units, v.seconds, v.clock, v.round""",
)  # fmt: skip
REVIEW = Log(
    name="review", table="reviews", key="review_id", parts="review_no, review_head", date="work_date",
    stage="""line BIGINT, source VARCHAR, review_id VARCHAR, worker_id VARCHAR, project_id VARCHAR, batch_id VARCHAR, item_id VARCHAR, event_id VARCHAR,
        ts TIMESTAMP_MS, reviewer_id VARCHAR, stage UTINYINT, round_given USMALLINT, verdict UTINYINT, inspected_units DECIMAL(9,3),
        error_units DECIMAL(9,3), error_type VARCHAR, sampled_why VARCHAR, version BIGINT, extra VARCHAR, load_id INTEGER, part INTEGER""",
    staging=f"""SELECT line, $source, review_id, worker_id, project_id, batch_id, item_id, event_id, ts::TIMESTAMP_MS, reviewer_id,
        {_code("stage", STAGES, 1)}, round::USMALLINT, {_code("verdict", VERDICTS, None)}, inspected_units::DECIMAL(9,3), error_units::DECIMAL(9,3),
        error_type, sampled_why, version, extra, NULL, $part FROM ({{incoming}})""",
    resolved=f"""{split("event")}, event_id IS NOT NULL AS event_given, b.batch_key IS NOT NULL AS batch_given, coalesce(rv.same_as, rv.worker_key) AS reviewer_key,
        CASE WHEN rv.same_as IS NOT NULL THEN rv.worker_key END AS given_reviewer_key, s.stage,
        s.round_given, s.verdict, s.inspected_units, s.error_units, s.error_type, s.sampled_why, s.version, s.extra, s.load_id,
        s.reviewer_id IS NOT NULL AND rv.worker_key IS NULL AS lost""",
    joins="LEFT JOIN worker AS rv ON rv.worker_id = s.reviewer_id",
    facts=("worker_key", "project_key", "item_head", "item_no", "ts", "reviewer_key", "stage", "round_given", "verdict", "inspected_units", "error_units", "error_type",
           "sampled_why", "extra"),
    given="row(CASE WHEN l.event_given THEN l.event_no END, CASE WHEN l.event_given THEN l.event_head END, CASE WHEN l.batch_given THEN l.batch_key END)",
    fresh_given="row(f.event_no, f.event_head, CASE WHEN f.batch_given THEN f.batch_key END)", gone="gone_review",
    said=f"{_REVIEW_SAID}, load_id", fresh_said=_REVIEW_SAID,
    restaged="""v.event_id, v.ts, v.stage, v.round_given, v.verdict, v.inspected_units, v.error_units, v.error_type, v.sampled_why""",
)  # fmt: skip
LOGS = {log.table: log for log in (WORK, REVIEW)}


class Facts:
    """The facts of one load: the cursor of its transaction and what it has done to the logs so far."""

    def __init__(self, cur: DuckDBPyConnection, source: str, load_id: int, *, of_file: bool = False, by_part: bool = False) -> None:
        self.cur, self.source, self.load_id, self.of_file, self.by_part = cur, source, load_id, of_file, by_part
        self.changes = Changes()
        self.staged: set[str] = set()
        self.gone: set[str] = set()  # the logs of which rows were taken out: they are in the temporary tables Log.gone
        self.repeated = False  # the temporary table `ranked` holds rows of facts that came more than once
        self.rewriting = False  # rows of former loads are put in anew: those may be anywhere in the log
        self.named = False  # a person, project or batch may have come up for the first time
        self._touched: list[str] = []  # selects of ITEM whose reviews must be judged anew

    def value(self, sql: str) -> int:
        return int(self.cur.execute(sql).fetchall()[0][0])

    def dates(self, sql: str) -> Dates:
        return {row[0] for row in self.cur.execute(sql).fetchall()}

    # Staging ---------------------------------------------------------------------------------------------------------
    def stage(self, log: Log, part: int, arriving: pa.Table, incoming: str) -> None:
        """Keep rows, a batch of that number, until all of the load has arrived; `incoming` is a select from `arriving`.

        DuckDB finds `arriving` by its name in this frame. A registered name or a view would keep it alive until the transaction ends.
        """
        if log.table not in self.staged:
            self.cur.execute(f"CREATE OR REPLACE TEMP TABLE staged_{log.table} ({log.stage})")
            self.staged.add(log.table)
        self.cur.execute(f"INSERT INTO staged_{log.table} {log.staging.format(incoming=incoming)}", {"source": self.source, "part": part})

    def restage(self, log: Log, rows: str) -> None:
        """Stage rows that were in the log or might have been, to be put in as if they came now; `rows` a select like its table of versions.

        They keep the load that brought them.
        """
        self.staged.add(log.table)
        self.rewriting = True
        reviewer = "r.worker_id AS reviewer_id, " if log is REVIEW else ""
        joins = "LEFT JOIN worker AS r ON r.worker_key = v.reviewer_key " if log is REVIEW else ""
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE staged_{log.table} ({log.stage})""")
        self.cur.execute(f"""INSERT INTO staged_{log.table} BY NAME
            SELECT 0 AS line, c.name AS source, v.{log.key}, w.worker_id, p.project_id, b.batch_id, v.item_id, {reviewer}{log.restaged},
                v.version, v.extra, v.load_id
            FROM ({rows}) AS v JOIN source AS c USING (source_key) JOIN worker AS w ON w.worker_key = v.worker_key
            JOIN project AS p ON p.project_key = v.project_key LEFT JOIN batch AS b ON b.batch_key = nullif(v.batch_key, 0) {joins}""")

    def withdraw(self, log: Log, condition: str) -> None:
        """Take the rows of a log that meet a condition out of it, into the temporary table Log.gone."""
        cur, changes = self.cur, self.changes
        cur.execute(f"CREATE OR REPLACE TEMP TABLE {log.gone} AS SELECT * FROM {log.name} WHERE {condition}")
        self.gone.add(log.table)
        changes.stale[log.name] |= self.dates(f"SELECT DISTINCT {log.date} FROM {log.gone}")
        if log is REVIEW:
            changes.stale_earned |= self.dates(f"SELECT DISTINCT review_date FROM {log.gone}")
        cur.execute(f"DELETE FROM {log.name} WHERE {condition}")

    def drop_repeats(self, log: Log, fate: Fate) -> None:
        """Within one load the highest version of a fact wins, else the last; older ones count as updated, equal ones as duplicates."""
        stage, key = f"staged_{log.table}", log.key
        rows, different, undated = self.cur.execute(f"""SELECT count(*), count(DISTINCT hash(source, {key})), count(*) FILTER (ts IS NULL)
            FROM {stage}""").fetchall()[0]
        fate.undated = undated
        if self.by_part:
            for part, count in self.cur.execute(f"SELECT part, count(*) FROM {stage} WHERE ts IS NULL GROUP BY ALL").fetchall():
                fate.part(part).undated = count
        self.repeated = rows != different  # else no two hashes equal, so no two keys
        if not self.repeated:
            return
        columns = [row[0] for row in self.cur.execute(f"SELECT column_name FROM (DESCRIBE {stage})").fetchall()]
        fact = ", ".join(c for c in columns if c not in ("line", "source", key, "version", "part"))
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE ranked AS
            SELECT s.rowid AS id, part, version, row({fact}) AS fact, source, {key} AS key,
                row_number() OVER (PARTITION BY source, {key} ORDER BY version DESC NULLS LAST, s.rowid DESC) AS rank
            FROM {stage} AS s SEMI JOIN (SELECT source, {key} FROM {stage} GROUP BY ALL HAVING count(*) > 1) USING (source, {key})""")
        fate.duplicates, fate.updated = self.cur.execute("""
            SELECT count(*) FILTER (l.fact IS NOT DISTINCT FROM w.fact), count(*) FILTER (l.fact IS DISTINCT FROM w.fact)
            FROM ranked AS l JOIN ranked AS w ON w.source = l.source AND w.key = l.key AND w.rank = 1 WHERE l.rank > 1""").fetchall()[0]
        self.cur.execute(f"DELETE FROM {stage} WHERE rowid IN (SELECT id FROM ranked WHERE rank > 1)")

    def resolve(self, log: Log, fresh: str) -> None:
        """Staged rows with small integers for their keys; people and projects seen for the first time become stubs."""
        stage = f"staged_{log.table}"
        lost = "source_key IS NULL OR worker_key IS NULL OR project_key IS NULL OR batch_key IS NULL" + (
            " OR lost" if log is REVIEW else ""
        )
        select = f"""CREATE OR REPLACE TEMP TABLE {fresh} AS
            SELECT s.rowid AS id, c.source_key, {split(log.key.removesuffix("_id"))}, coalesce(w.same_as, w.worker_key) AS worker_key,
                CASE WHEN w.same_as IS NOT NULL THEN w.worker_key END AS given_key, p.project_key, CASE WHEN s.batch_id IS NULL THEN 0 ELSE b.batch_key END AS batch_key,
                {split("item")}, s.ts, {log.resolved}
            FROM {stage} AS s LEFT JOIN source AS c ON c.name = s.source LEFT JOIN worker AS w ON w.worker_id = s.worker_id
            LEFT JOIN project AS p ON p.project_id = s.project_id LEFT JOIN batch AS b ON b.project_key = p.project_key AND b.batch_id = s.batch_id {log.joins}"""
        if self.value(f"SELECT count(*) FROM {stage}") <= MANY_ROWS:  # a push seldom names anything new: look first
            self.cur.execute(select)
            if not self.value(f"SELECT count(*) FROM (SELECT 1 FROM {fresh} WHERE {lost} LIMIT 1)"):
                return
        self.named = True
        reference.add_sources(self.cur, f"SELECT source FROM {stage}")
        reference.add_keys(
            self.cur, "worker", f"SELECT worker_id FROM {stage}" + (f" UNION SELECT reviewer_id FROM {stage}" if log is REVIEW else "")
        )
        reference.add_keys(self.cur, "project", f"SELECT project_id FROM {stage}")
        reference.add_batches(self.cur, f"SELECT project_id, batch_id FROM {stage}")
        self.cur.execute(select)

    def within(self, log: Log, staged: str) -> str:
        """The part of the log to look for known facts in, as a select with the row's place as `rid`: all of it, but on a large
        store only undated rows and those since RECENT_DAYS before the oldest staged row and before the newest date."""
        if self.rewriting:
            return _WHOLE.format(log.name)
        counted, table = ("row_count", "work_day") if log is WORK else ("verdicts", "judged_day")
        size, newest = self.cur.execute(f"SELECT coalesce(sum({counted}), 0), max(business_date) FROM {table}").fetchall()[0]
        if size < LARGE_STORE or newest is None:
            return _WHOLE.format(log.name)
        undated, since = self.cur.execute(f"""SELECT count(*) FILTER (ts IS NULL), least(DATE '{newest}', min(ts)::DATE) - {RECENT_DAYS}
            FROM {staged}""").fetchall()[0]
        if undated:
            return _WHOLE.format(log.name)
        part = f"SELECT rowid AS rid, * FROM {log.name} WHERE {log.date}"
        return f"({part} >= DATE '{since}' UNION ALL {part} IS NULL)"

    def settle_versions(self, log: Log, part: str, fresh: str, fate: Fate) -> bool:
        """Compare with what the log holds: equal or older rows are duplicates; True when `replaced` holds rows that others replace.

        What an older row said is kept, and so is what a file said again, in case the load that said it first is taken back.
        """
        columns = ", ".join(f"l.{c}" for c in ("source_key", *log.parts.split(", "), "version", *log.facts))
        newer = "coalesce(f.version > o.version, f.version IS NOT NULL AND o.version IS NULL)"  # replaces, even where it says the same
        changed = " OR ".join(
            [newer, *(f"o.{c} IS DISTINCT FROM f.{c}" for c in log.facts), f"({log.fresh_given}) IS DISTINCT FROM o.given"]
        )
        self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE met AS
            SELECT o.rid, f.id, ({changed}) AS changed,
                NOT ({changed}) OR coalesce(f.version < o.version, f.version IS NULL AND o.version IS NOT NULL) AS old_news
            FROM (SELECT l.rid, {columns}, {log.given} AS given FROM {part} AS l
                  SEMI JOIN {fresh} AS f ON {same("f", "l", log.parts)} AND f.source_key = l.source_key) AS o
            JOIN {fresh} AS f ON {same("f", "o", log.parts)} AND f.source_key = o.source_key""")
        rows, known, duplicates = self.cur.execute(
            f"SELECT (SELECT count(*) FROM {fresh}), count(*), count(*) FILTER (old_news) FROM met"
        ).fetchall()[0]
        fate.new, fate.updated, fate.duplicates = rows - known, fate.updated + known - duplicates, fate.duplicates + duplicates
        if self.by_part:
            self.tell_parts(log, fresh, fate)
        if duplicates:
            heard = "" if self.of_file else " AND changed"
            self.cur.execute(f"""INSERT INTO {log.name}_version BY NAME
                SELECT {log.fresh_said}, {self.load_id} AS load_id FROM {fresh} WHERE id IN (SELECT id FROM met WHERE old_news{heard})""")
            self.cur.execute(f"DELETE FROM {fresh} WHERE id IN (SELECT id FROM met WHERE old_news)")
        if known > duplicates:
            self.cur.execute("CREATE OR REPLACE TEMP TABLE replaced AS SELECT rid FROM met WHERE NOT old_news")
        return bool(known > duplicates)

    def tell_parts(self, log: Log, fresh: str, fate: Fate) -> None:
        """Count what became of the rows batch by batch, as if the batches had come one after the other."""
        for part, new, updated, duplicates in self.cur.execute(f"""
            SELECT s.part, count(*) FILTER (m.id IS NULL), count(*) FILTER (NOT m.old_news), count(*) FILTER (m.old_news)
            FROM {fresh} AS f JOIN staged_{log.table} AS s ON s.rowid = f.id LEFT JOIN met AS m ON m.id = f.id
            {"WHERE f.id NOT IN (SELECT id FROM ranked)" if self.repeated else ""} GROUP BY ALL""").fetchall():
            told = fate.part(part)
            told.new, told.updated, told.duplicates = new, updated, duplicates
        if self.repeated:
            last: tuple[object, ...] = ()
            for key, part, version, fact, known, stands, old_news in self.cur.execute("""
                SELECT hash(r.source, r.key), r.part, r.version, hash(r.fact), m.id IS NOT NULL, hash(w.fact), m.old_news
                FROM ranked AS r JOIN ranked AS w ON w.source = r.source AND w.key = r.key AND w.rank = 1 LEFT JOIN met AS m ON m.id = w.id
                ORDER BY 1, r.id""").fetchall():
                told = fate.part(part)
                if last[:1] != (key,):
                    # Of a known fact only the row that stands is compared with the log: the others are told by whether they say the same.
                    same = known and (bool(old_news) if fact == stands else False)
                    told.new, told.updated, told.duplicates = (
                        told.new + (not known),
                        told.updated + (known and not same),
                        told.duplicates + same,
                    )
                    last = (key, version, fact)
                elif fact == last[2] or (last[1] is not None and (version is None or version < last[1])):
                    told.duplicates += 1
                else:
                    told.updated += 1
                    last = (key, version, fact)
        fate.new, fate.updated, fate.duplicates = (
            sum(getattr(one, name) for one in fate.parts.values()) for name in ("new", "updated", "duplicates")
        )

    # Work ------------------------------------------------------------------------------------------------------------
    def take_work(self) -> Fate:
        """Bring the staged annotations into the log."""
        fate, cur, changes = Fate(), self.cur, self.changes
        self.drop_repeats(WORK, fate)
        self.resolve(WORK, "fresh")
        part = self.within(WORK, "staged_annotations")
        if self.settle_versions(WORK, part, "fresh", fate):
            self.replace(WORK)
        gone = WORK.table in self.gone
        if not (fate.new + fate.updated or gone):
            return fate
        touched = "SELECT {} FROM fresh" + (" UNION ALL SELECT {} FROM gone" if gone else "")
        items = touched.format(ITEM, ITEM)
        derive.find_relatives(cur, part, items)
        rounds = repeats = overlaps = ""
        if self.value("SELECT count(*) FROM (SELECT 1 FROM relative LIMIT 1)"):
            derive.number_rounds(cur)
            self.renumber()
            submitted = f"SELECT is_new, id, {ITEM}, repeat_of FROM relative WHERE action IN ({ANNOTATE}, {REWORK})"
            derive.mark_repeats(cur, "work", submitted, "repeated")
            cur.execute("""CREATE OR REPLACE TEMP TABLE joined AS SELECT w.*, 0 AS gained, 1 AS parted
                FROM (FROM repeated WHERE NOT is_new) AS r JOIN work AS w ON w.rowid = r.id WHERE w.repeat_of IS NULL""")
            cur.execute("UPDATE work SET repeat_of = r.repeat_of FROM (FROM repeated WHERE NOT is_new) AS r WHERE work.rowid = r.id")
            if self.value("SELECT count(*) FROM joined"):
                changes.shifted.append("joined")
            rounds = "LEFT JOIN (FROM attempt WHERE is_new AND {part}) AS r ON r.id = p.id"
            repeats = "LEFT JOIN (FROM repeated WHERE is_new AND {part}) AS m ON m.id = p.id"
        if derive.measure_overlaps(cur, "gone" if gone else None):
            cur.execute("""CREATE OR REPLACE TEMP TABLE shifted AS SELECT w.*, w.overlap_s - c.overlap_s AS gained, 0 AS parted
                FROM (FROM covered WHERE NOT is_new) AS c JOIN work AS w ON w.rowid = c.id""")
            cur.execute("UPDATE work SET overlap_s = c.overlap_s FROM (FROM covered WHERE NOT is_new) AS c WHERE work.rowid = c.id")
            changes.shifted.append("shifted")
            overlaps = "LEFT JOIN (FROM covered WHERE is_new AND {part}) AS o ON o.id = p.id"
        derive.place(cur, "fresh", "placed")
        rows = f"""
            SELECT {derive.business_date(cur, "p.local_ts", "p.site_key")} AS business_date, p.worker_key, p.ts, p.source_key, p.event_no, p.event_head,
                p.project_key, p.batch_key, p.item_no, p.item_head, p.action,
                coalesce(p.round, {"r.round" if rounds else "NULL"}, 1 + (p.action = {REWORK})::INTEGER)::USMALLINT AS round, p.round_given,
                p.units, p.prelabelled_units, p.seconds, p.wall_s, coalesce({"o.overlap_s" if overlaps else "NULL"}, 0)::DECIMAL(12,3) AS overlap_s,
                p.clock, hour(p.local_ts)::UTINYINT AS hour, p.site_key, p.team_key, p.version, coalesce(p.load_id, {self.load_id}) AS load_id, p.extra, p.given_key,
                {"m.repeat_of" if repeats else "NULL::INTEGER"} AS repeat_of
            FROM (FROM placed WHERE {{part}}) AS p {rounds} {repeats} {overlaps}"""
        self.append(WORK, "fresh", rows)
        self.added(WORK, "fresh")
        batches = touched.format("batch_key", "batch_key")
        changes.stale_earned |= self.dates(
            f"SELECT DISTINCT accepted_on FROM batch SEMI JOIN ({batches}) USING (batch_key) WHERE accepted_on IS NOT NULL"
        )
        self._touched.append(items)
        return fate

    def append(self, log: Log, fresh: str, rows: str) -> None:
        """Put the rows into the log in its order: a select from `fresh` and what was derived of it, with {part} for a condition on `id`.

        Many are joined some ids at a time and sorted some dates at a time: all at once would take memory with their number. Raises
        StoreError when not all of them arrived.
        """
        order = f"{log.date}, worker_key, ts"
        count, first, last = self.cur.execute(f"SELECT count(*), min(id), max(id) FROM {fresh}").fetchall()[0]
        if count <= rollup.AT_ONCE:
            self.cur.execute(f"INSERT INTO {log.name} BY NAME {rows.format(part='true')} ORDER BY {order}")
            return
        gather(self.cur, "derived", (rows.format(part=part) for part in _ranges(first, last)))
        put = 0
        for dates in portions(dict(self.cur.execute(f"SELECT {log.date}, count(*) FROM derived GROUP BY ALL").fetchall())):
            put += self.value(f"INSERT INTO {log.name} BY NAME FROM derived WHERE {among(log.date, dates)} ORDER BY {order}")
        self.cur.execute("DROP TABLE derived")
        if put != count:
            raise StoreError(
                f"Of {count:,} rows only {put:,} could be put into the log: nothing was kept, load the file in parts.",
                f"{count:,} 行中只有 {put:,} 行能写入日志：未作任何改动，请分批导入。",
            )

    def replace(self, log: Log) -> None:
        """Take the rows out of the log that newer versions replace, and keep what they said."""
        self.withdraw(log, "rowid IN (SELECT rid FROM replaced)")
        self.cur.execute(f"INSERT INTO {log.name}_version BY NAME SELECT {log.said} FROM {log.gone}")

    def added(self, log: Log, fresh: str) -> None:
        """Say which rows the log gained: those of this load; the dates of rows put in anew are rebuilt whole instead."""
        if not self.rewriting:
            self.changes.added[log.name] = f"(FROM {log.name} WHERE load_id = {self.load_id})"
            return
        mine = f"FROM {log.name} AS l SEMI JOIN {fresh} AS f ON f.source_key = l.source_key AND {same('f', 'l', log.parts)}"
        self.changes.stale[log.name] |= self.dates(f"SELECT DISTINCT {log.date} {mine}")
        if log is REVIEW:
            self.changes.stale_earned |= self.dates(f"SELECT DISTINCT review_date {mine}")

    def renumber(self) -> None:
        """Set the round of logged rows anew where it came out differently."""
        other = "FROM attempt WHERE NOT is_new AND round <> old_round"
        dates = self.dates(f"SELECT DISTINCT business_date {other}")
        if dates:
            self.changes.stale["work"] |= dates
            self.changes.stale_earned |= self.dates(f"""SELECT DISTINCT accepted_on FROM batch SEMI JOIN
                (SELECT batch_key FROM work SEMI JOIN (SELECT id {other}) AS c ON c.id = work.rowid) USING (batch_key) WHERE accepted_on IS NOT NULL""")
            self.cur.execute(f"UPDATE work SET round = c.round FROM ({other}) AS c WHERE work.rowid = c.id")

    # People who turn out to have worked elsewhere ----------------------------------------------------------------------
    def remember_places(self) -> None:
        """Note who worked where from when, before the reference tables change."""
        self.cur.execute(f"CREATE OR REPLACE TEMP TABLE place_before AS {_PLACES}")

    def move_work(self) -> None:
        """Place anew the rows of people whose assignments or site clocks are no longer what `remember_places` noted."""
        cur, changes = self.cur, self.changes
        cur.execute(f"""CREATE OR REPLACE TEMP TABLE moved_worker AS
            SELECT DISTINCT worker_key FROM ((FROM place_before EXCEPT {_PLACES}) UNION ALL ({_PLACES} EXCEPT FROM place_before))""")
        if not self.value("SELECT count(*) FROM moved_worker"):
            return
        cur.execute("""CREATE OR REPLACE TEMP TABLE mover AS
            SELECT w.rowid AS id, w.worker_key, w.ts, w.business_date AS old_date, w.hour AS old_hour, w.site_key AS old_site, w.team_key AS old_team
            FROM work AS w SEMI JOIN moved_worker USING (worker_key)""")
        derive.place(cur, "mover", "placed_mover")
        cur.execute(f"""CREATE OR REPLACE TEMP TABLE moving AS FROM (
                SELECT p.id, {derive.business_date(cur, "p.local_ts", "p.site_key")} AS new_date, hour(p.local_ts)::UTINYINT AS new_hour, p.site_key AS new_site,
                    p.team_key AS new_team, p.old_date, p.old_hour, p.old_site, p.old_team FROM placed_mover AS p)
            WHERE new_date IS DISTINCT FROM old_date OR new_hour IS DISTINCT FROM old_hour OR new_site <> old_site OR new_team <> old_team""")
        cur.execute("""CREATE OR REPLACE TEMP TABLE moved AS
            SELECT w.* EXCLUDE (event_id, item_id) REPLACE (m.new_date AS business_date, m.new_hour AS hour, m.new_site AS site_key, m.new_team AS team_key)
            FROM work AS w JOIN moving AS m ON m.id = w.rowid""")
        changes.stale["work"] |= self.dates("SELECT DISTINCT old_date FROM moving")
        changes.stale_earned |= self.dates(
            "SELECT DISTINCT accepted_on FROM batch SEMI JOIN moved USING (batch_key) WHERE accepted_on IS NOT NULL"
        )
        cur.execute("DELETE FROM work WHERE rowid IN (SELECT id FROM moving)")
        cur.execute("INSERT INTO work BY NAME FROM moved ORDER BY business_date, worker_key, ts")
        mine = f"load_id = {self.load_id}"
        changes.added["work"] = f"(FROM work WHERE {mine} UNION ALL BY NAME FROM moved WHERE NOT {mine})"
        cur.execute(
            f"""CREATE OR REPLACE TEMP TABLE stranded AS SELECT DISTINCT {ITEM} FROM review SEMI JOIN moved_worker USING (worker_key)"""
        )
        self._touched += [f"SELECT {ITEM} FROM moved", "FROM stranded"]

    # Reviews ---------------------------------------------------------------------------------------------------------
    def take_reviews(self) -> Fate:
        """Bring the staged reviews in, and judge anew the logged ones whose work this load brought, changed or moved."""
        fate, cur, changes, known = Fate(), self.cur, self.changes, 0
        staged = REVIEW.table in self.staged
        if not staged and not self._touched:
            return fate
        if not staged:
            cur.execute(f"CREATE OR REPLACE TEMP TABLE staged_{REVIEW.table} ({REVIEW.stage})")
        part = (
            self.within(REVIEW, f"staged_{REVIEW.table}" if staged else f"staged_{WORK.table}") if self.staged else _WHOLE.format("review")
        )
        if not staged and not (known := self.logged_reviews(part)):
            return fate
        self.drop_repeats(REVIEW, fate)
        self.resolve(REVIEW, "fresh_review")
        if self.settle_versions(REVIEW, part, "fresh_review", fate):
            self.replace(REVIEW)
        if REVIEW.table in self.gone:
            self._touched.append(f"SELECT {ITEM} FROM gone_review")
        self._touched.append(f"SELECT {ITEM} FROM fresh_review")
        items = " UNION ALL ".join(self._touched)
        works = self.within(WORK, f"staged_{REVIEW.table}") if staged else _WHOLE.format("work")
        arrived = fate.new + fate.updated
        if arrived > rollup.AT_ONCE // 2:
            known = self.logged_reviews(part)
        parts = 1 + (arrived + known) // rollup.AT_ONCE
        derive.order_verdicts(cur, works, part, items, parts)
        if works != _WHOLE.format("work") and self.value("SELECT count(*) FROM judged WHERE is_new AND NOT linked"):
            derive.order_verdicts(cur, _WHOLE.format("work"), _WHOLE.format("review"), items, parts)  # a verdict on older work
        derived = (*derive.DERIVED_REVIEW, "repeat_of")
        columns = ", ".join(f"j.{c}" for c in derived)
        counted = " OR ".join(
            [
                *(f"r.{c} IS DISTINCT FROM j.{c}" for c in derive.DERIVED_REVIEW),
                "(NOT r.event_given AND (r.event_no IS DISTINCT FROM j.event_no OR r.event_head IS DISTINCT FROM j.event_head))",
                "(r.repeat_of IS NULL) <> (j.repeat_of IS NULL)",
                "(j.once IS NULL AND r.repeat_of IS DISTINCT FROM j.repeat_of)",
            ]
        )
        changed = f"""SELECT j.id, r.work_date AS old_date, r.review_date AS old_review_date, j.event_no, j.event_head, {columns}, ({counted}) AS counted
            FROM (FROM judged WHERE NOT is_new AND {{}}) AS j JOIN review AS r ON r.rowid = j.id
            WHERE {counted} OR r.repeat_of IS DISTINCT FROM j.repeat_of"""
        if parts == 1:
            cur.execute(f"CREATE OR REPLACE TEMP TABLE rejudged AS {changed.format('true')}")
        else:
            gather(cur, "rejudged", (changed.format(some) for some in _ranges(0, self.value("SELECT coalesce(max(rowid), 0) FROM review"))))
        if self.value("SELECT count(*) FROM rejudged"):
            rejudged = "FROM rejudged WHERE counted"
            changes.stale["review"] |= self.dates(f"SELECT old_date {rejudged} UNION SELECT work_date {rejudged}")
            changes.stale_earned |= self.dates(f"SELECT old_review_date {rejudged} UNION SELECT review_date {rejudged}")
            self.rejudge(derived)
        if arrived:
            rows = f"""
                SELECT f.worker_key, f.ts, f.source_key, f.review_no, f.review_head, coalesce(f.event_head, j.event_head) AS event_head, coalesce(f.event_no, j.event_no) AS event_no, f.event_given, f.project_key, f.batch_given,
                    f.item_no, f.item_head, f.reviewer_key, f.stage, f.round_given, f.verdict, f.inspected_units, f.error_units, f.error_type, f.sampled_why, f.version,
                    coalesce(f.load_id, {self.load_id}) AS load_id, f.extra, f.given_key, f.given_reviewer_key, {columns}
                FROM (FROM fresh_review WHERE {{part}}) AS f JOIN (FROM judged WHERE is_new AND {{part}}) AS j ON j.id = f.id"""
            self.append(REVIEW, "fresh_review", rows)
            self.added(REVIEW, "fresh_review")
        return fate

    def logged_reviews(self, part: str) -> int:
        """How many reviews in this part of the log are of items that were touched."""
        touched = " UNION ALL ".join(self._touched)
        return self.value(f"SELECT count(*) FROM {part} AS r SEMI JOIN ({touched}) AS t ON {same('t', 'r', ITEM)}")

    def rejudge(self, derived: Sequence[str]) -> None:
        """Write what is now known of logged reviews, from rejudged; of very many by taking their rows out and putting them in again, a
        portion at a time, since what an update replaces stays in memory until the end."""
        own = {c: f"CASE WHEN r.event_given THEN r.{c} ELSE j.{c} END" for c in ("event_head", "event_no")}
        first, last, count = self.cur.execute("SELECT min(id), max(id), count(*) FROM rejudged").fetchall()[0]
        if count <= rollup.AT_ONCE:
            sets = ", ".join([*(f"{c} = j.{c}" for c in derived), *(f"{c} = {value}" for c, value in own.items())])
            self.cur.execute(f"UPDATE review AS r SET {sets} FROM rejudged AS j WHERE r.rowid = j.id")
            return
        columns = ", ".join([*(f"j.{c} AS {c}" for c in derived), *(f"{value} AS {c}" for c, value in own.items())])
        for part in _ranges(first, last):
            some = f"(FROM rejudged WHERE {part})"
            self.cur.execute(f"""CREATE OR REPLACE TEMP TABLE judged_anew AS
                SELECT r.* EXCLUDE (event_id, item_id, review_id) REPLACE ({columns}) FROM review AS r JOIN {some} AS j ON j.id = r.rowid""")
            self.cur.execute(f"DELETE FROM review WHERE rowid IN (SELECT id FROM {some})")
            self.cur.execute("INSERT INTO review BY NAME FROM judged_anew ORDER BY work_date, worker_key, ts")


def _ranges(first: int, last: int) -> Iterator[str]:
    """Conditions on `id`, each for some of the ids from the first to the last."""
    for start in range(first, last + 1, rollup.AT_ONCE):
        yield f"id BETWEEN {start} AND {start + rollup.AT_ONCE - 1}"


_PLACES = """SELECT a.worker_key, a.valid_from_ts, a.site_key, a.team_key, s.zone, s.day_start_minute FROM assignment AS a JOIN site AS s USING (site_key)"""
_WHOLE = "(SELECT rowid AS rid, * FROM {})"
