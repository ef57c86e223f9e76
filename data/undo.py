"""Taking loads back: the store becomes what it would be had they never come.

A fact that another file said as well stays, by what that file said of it; what a load replaced returns. What is derived and
rolled up follows, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from duckdb import DuckDBPyConnection

from data import reference
from data.errors import InputError
from data.facts import LOGS, Facts, Log
from data.load import PEOPLE, Loading
from data.store import Store

RECENT = timedelta(days=35)  # a feed that pushes every second makes a load of every push


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came in: one file, or all that a feed without files sent on one day (UTC). Counts are rows; instants UTC without zone.

    `undone_at` is None while it stands; `undoable` is False for what came before this could be done.
    """

    load_ids: tuple[int, ...]
    source: str
    file: str | None
    started_at: datetime
    finished_at: datetime
    rows: int
    new: int
    updated: int
    duplicates: int
    rejected: int
    tables: list[str]
    undone_at: datetime | None
    undone_by: str | None
    undoable: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """What a store holds: rows of work and of reviews, units, hours, people and projects known, descriptions of anything else."""

    work: int
    units: float
    hours: float
    reviews: int
    workers: int
    projects: int
    described: int


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking loads back does: totals before and after; facts that are gone, and facts that became what another load had said."""

    load_ids: tuple[int, ...]
    before: Totals
    after: Totals
    removed: int
    restored: int


def loads(store: Store, *, limit: int = 200) -> list[Loaded]:
    """What came in, the latest first, at most `limit` entries; of feeds the last RECENT days (older loads of theirs go by their number)."""
    since = int(store.meta("undo_since") or 0)
    found = store.rows(
        """WITH one AS (
            SELECT load_id, min(started_at) AS began, max(finished_at) AS ended, source, file, sum(rows)::BIGINT AS rows, sum(new)::BIGINT AS new,
                sum(updated)::BIGINT AS updated, sum(duplicates)::BIGINT AS duplicates, sum(rejected)::BIGINT AS rejected, max(undone_at) AS undone_at,
                max(undone_by) AS undone_by, list(table_name) AS tables
            FROM load WHERE file IS NOT NULL OR started_at >= $recent GROUP BY load_id, source, file)
        SELECT list(load_id ORDER BY load_id), source, file, min(began), max(ended), sum(rows)::BIGINT, sum(new)::BIGINT, sum(updated)::BIGINT,
            sum(duplicates)::BIGINT, sum(rejected)::BIGINT, list_sort(list_distinct(flatten(list(tables)))), max(undone_at), max(undone_by), min(load_id) > $since
        FROM one GROUP BY source, file, CASE WHEN file IS NULL THEN (0, began::DATE::VARCHAR) ELSE (load_id, '') END, undone_at IS NULL, load_id > $since
        ORDER BY max(ended) DESC, max(load_id) DESC LIMIT $limit""",
        {"since": since, "limit": limit, "recent": datetime.now(UTC).replace(tzinfo=None) - RECENT},
    )
    return [Loaded(tuple(ids), *cells) for ids, *cells in found]


def preview(store: Store, load_ids: Sequence[int]) -> Undone:
    """What `undo` would do, found by doing it and rolling it back. Raises InputError as `undo` does."""
    with store.wide(), _rolled_back(store) as cur:
        return _take_back(store, cur, _wanted(cur, load_ids), None)


def undo(store: Store, load_ids: Sequence[int], *, by: str) -> Undone:
    """Take these loads back, whole or not at all; `by` names who wanted it.

    Raises InputError for a load that does not exist, was taken back already, or came before loads could be taken back.
    """
    with store.wide(), store.transaction() as cur:
        return _take_back(store, cur, _wanted(cur, load_ids), by)


@contextmanager
def _rolled_back(store: Store) -> Iterator[DuckDBPyConnection]:
    """A transaction that is never committed."""
    with store.cursor() as cur:
        cur.execute("BEGIN")
        try:
            yield cur
        finally:
            cur.execute("ROLLBACK")


def _wanted(cur: DuckDBPyConnection, load_ids: Sequence[int]) -> tuple[int, ...]:
    known = dict(cur.execute("SELECT load_id, max(undone_at) FROM load WHERE load_id IN ? GROUP BY ALL", [list(load_ids)]).fetchall())
    since = cur.execute("SELECT value::BIGINT FROM meta WHERE key = 'undo_since'").fetchall()
    if not load_ids:
        raise InputError("Name the loads to take back.", "请指明要撤销的导入。")
    for load_id in load_ids:
        if load_id not in known:
            raise InputError(f"There is no load {load_id}.", f"没有编号为 {load_id} 的导入。")
        if known[load_id] is not None:
            raise InputError(f"Load {load_id} was taken back already.", f"导入 {load_id} 已被撤销。")
        if since and load_id <= since[0][0]:
            raise InputError(
                f"Load {load_id} came in before this version: what it replaced was not kept, so it cannot be taken back.",
                f"导入 {load_id} 早于当前版本：当时未保留被替换的内容，无法撤销。",
            )
    return tuple(sorted(set(load_ids)))


def _take_back(store: Store, cur: DuckDBPyConnection, load_ids: tuple[int, ...], by: str | None) -> Undone:
    before = _totals(cur)
    loading = Loading(cur, "undo", None)
    loading.facts.load_id = -1  # nothing it puts in is its own
    cur.execute("CREATE OR REPLACE TEMP TABLE undoing AS SELECT unnest(?)::INTEGER AS load_id", [list(load_ids)])
    loading.facts.remember_places()
    described = set(reference.unsay(cur, load_ids))
    if described & PEOPLE:
        loading.facts.rewriting = True
    removed = restored = 0
    for log in LOGS.values():
        gone, back = _withdraw(cur, loading.facts, log)
        removed, restored = removed + gone - back, restored + back
    loading.finish(described)
    cur.execute("DELETE FROM reject WHERE load_id IN (FROM undoing)")
    reference.drop_unspoken(cur)
    after = _totals(cur)
    if by is not None:
        now = datetime.now(UTC).replace(tzinfo=None)
        cur.execute("UPDATE load SET undone_at = ?, undone_by = ? WHERE load_id IN (FROM undoing)", [now, by])
    cur.execute("DROP TABLE undoing")
    return Undone(load_ids, before, after, removed, restored)


def _withdraw(cur: DuckDBPyConnection, facts: Facts, log: Log) -> tuple[int, int]:
    """Take the facts that these loads brought out of a log and stage what else was said of them; how many of either."""
    versions = f"{log.name}_version"
    cur.execute(f"DELETE FROM {versions} WHERE load_id IN (FROM undoing)")
    facts.withdraw(log, "load_id IN (FROM undoing)")
    gone = facts.value(f"SELECT count(*) FROM {log.gone}")
    if not gone:
        return 0, 0
    key = f"source_key, {log.key}"
    cur.execute(f"""CREATE OR REPLACE TEMP TABLE back AS SELECT v.rowid AS place, v.* FROM {versions} AS v SEMI JOIN {log.gone} USING ({key})
        QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY v.version DESC NULLS LAST, v.load_id DESC) = 1""")
    cur.execute(f"DELETE FROM {versions} WHERE rowid IN (SELECT place FROM back)")
    facts.restage(log, "FROM back")
    return gone, facts.value("SELECT count(*) FROM back")


def _totals(cur: DuckDBPyConnection) -> Totals:
    described = " + ".join(
        f"(SELECT count(*) FROM {ref.target}{' WHERE NOT stub' if ref.has_stub else ''})"
        for refs in reference.REFERENCES.values()
        for ref in refs[:1]
        if ref.target not in ("worker", "project")
    )
    row = cur.execute(f"""SELECT w.n, w.units, w.seconds / 3600, (SELECT coalesce(sum(verdicts), 0) FROM review_day),
            (SELECT count(*) FROM worker), (SELECT count(*) FROM project), {described}
        FROM (SELECT coalesce(sum(row_count), 0) AS n, coalesce(sum(unit_count), 0) AS units, coalesce(sum(seconds), 0) AS seconds FROM work_day) AS w""")
    work, units, hours, reviews, workers, projects, rest = row.fetchall()[0]
    return Totals(int(work), float(units), float(hours), int(reviews), int(workers), int(projects), int(rest))
