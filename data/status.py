"""What the store holds and how fresh it is, per source."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from data import sent as sources
from data.store import Store


def status(store: Store) -> dict[str, object]:
    """Rows, span, freshness per source, undated rows, people and projects known only by id, size, version. Instants are UTC ISO text."""
    with store.cursor() as cur:
        rows = dict(cur.execute("""SELECT 'work', coalesce(sum(row_count), 0) FROM work_day UNION ALL SELECT 'review', coalesce(sum(verdicts), 0) FROM review_day
            UNION ALL SELECT 'worker', count(*) FROM worker UNION ALL SELECT 'project', count(*) FROM project
            UNION ALL SELECT 'batch', count(*) FROM batch UNION ALL SELECT 'reject', count(*) FROM reject""").fetchall())  # fmt: skip
        first, last = cur.execute("SELECT min(business_date), max(business_date) FROM work_day").fetchall()[0]
        unlinked = int(cur.execute("SELECT coalesce(sum(unlinked), 0) FROM review_day").fetchall()[0][0])
        stubs = {
            kind: cur.execute(f"SELECT count(*) FROM {kind} WHERE stub AND {kind}_id <> ''").fetchall()[0][0]
            for kind in ("worker", "project", "team", "site")
        }
        loaded = dict(
            cur.execute(
                "SELECT s.name, max(l.finished_at) FROM source AS s LEFT JOIN load AS l ON l.source = s.name GROUP BY ALL ORDER BY s.name"
            ).fetchall()
        )
    sent = {one.source: one for one in sources.sent(store)}
    found = []
    for name, at in loaded.items():
        one = sent.get(name)
        ends = [moment for moment in (at.replace(tzinfo=UTC) if at else None, one.loaded if one else None) if moment]
        found.append({"name": name, "rows": one.rows if one else 0, "first": _iso(one.first if one else None), "last": _iso(one.last if one else None),
                      "loaded_at": _iso(max(ends, default=None))})  # fmt: skip
    newest = max((one.last_work for one in sent.values() if one.last_work), default=None)
    undated = {"work": sum(one.undated_work for one in sent.values()), "review": sum(one.undated_reviews for one in sent.values())}
    return {
        "store": str(store.path), "demo": store.is_demo, "version": store.version, "bytes": store.path.stat().st_size,
        "rows": {name: int(count) for name, count in rows.items()},
        "span": {"from": first.isoformat() if first else None, "to": last.isoformat() if last else None},
        "as_of": _iso(newest), "undated": undated, "unlinked_reviews": unlinked, "stubs": stubs,
        "sources": found,
    }  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z" if moment else None


# What the data trust screen shows beside it ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Refusals:
    """How many rows of a table were refused for one reason, and in which column."""

    table: str
    code: str
    column: str | None
    rows: int


def refusals(store: Store) -> list[Refusals]:
    """Refused rows by table, reason and column, most first: counts only, no contents."""
    found = store.rows(
        "SELECT table_name, code, column_name, count(*) FROM reject GROUP BY ALL ORDER BY count(*) DESC, table_name, code, column_name"
    )
    return [Refusals(*row) for row in found]


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused row as it was read. It holds whatever the file held: for those who may see everything."""

    file: str | None
    line: int | None
    table: str
    code: str
    column: str | None
    value: str | None
    raw: str


def refused(store: Store, limit: int | None = None) -> list[Refused]:
    """The refused rows, newest first, at most `limit` of them."""
    sql = "SELECT file, line, table_name, code, column_name, value, raw FROM reject ORDER BY reject_id DESC"
    found = store.rows(sql) if limit is None else store.rows(f"{sql} LIMIT $n", {"n": limit})
    return [Refused(*row) for row in found]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load did to one table. `at` is UTC; rows = new + updated + duplicates + rejected."""

    at: datetime
    source: str
    file: str | None
    table: str
    rows: int
    new: int
    updated: int
    duplicates: int
    rejected: int
    undated: int


def loads(store: Store, limit: int = 200) -> list[Loaded]:
    """The newest loads, newest first."""
    found = store.rows(
        "SELECT finished_at, source, file, table_name, rows, new, updated, duplicates, rejected, undated FROM load"
        " ORDER BY finished_at DESC, load_id DESC, table_name LIMIT $n",
        {"n": limit},
    )
    return [Loaded(at.replace(tzinfo=UTC), *rest) for at, *rest in found]


Stub = Literal["worker", "project", "team", "site"]


def stubs(store: Store, kind: Stub, sites: Collection[str] | None = None) -> list[str]:
    """Ids that occur in the facts and in no list of people, projects, teams or sites; with `sites`, those with work there only."""
    known = "" if sites is None else (
        f" AND {kind}_key IN (SELECT {kind}_key FROM work_day WHERE site_key IN (SELECT site_key FROM site WHERE list_contains($sites, site_id)))"
    )  # fmt: skip
    sql = f"SELECT {kind}_id FROM {kind} WHERE stub AND {kind}_id <> ''{known} ORDER BY 1"
    return [name for (name,) in store.rows(sql, {} if sites is None else {"sites": sorted(sites)})]
