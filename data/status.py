"""What the store holds and how fresh it is, per source."""

from __future__ import annotations

from datetime import datetime

from data.store import Store


def status(store: Store) -> dict[str, object]:
    """Rows, span, freshness per source, undated rows, people and projects known only by id, size, version. Instants are UTC ISO text."""
    with store.cursor() as cur:
        rows = dict(cur.execute("""SELECT 'work', coalesce(sum(row_count), 0) FROM work_day UNION ALL SELECT 'review', coalesce(sum(verdicts), 0) FROM review_day
            UNION ALL SELECT 'worker', count(*) FROM worker UNION ALL SELECT 'project', count(*) FROM project
            UNION ALL SELECT 'batch', count(*) FROM batch UNION ALL SELECT 'reject', count(*) FROM reject""").fetchall())  # fmt: skip
        first, last = cur.execute("SELECT min(business_date), max(business_date) FROM work_day").fetchall()[0]
        newest = cur.execute("SELECT max(ts) FROM work").fetchall()[0][0]
        undated = cur.execute("""SELECT (SELECT coalesce(sum(row_count), 0) FROM work_day WHERE business_date IS NULL),
            (SELECT count(*) FROM review WHERE ts IS NULL), (SELECT coalesce(sum(unlinked), 0) FROM review_day)""").fetchall()[0]
        stubs = {kind: cur.execute(f"SELECT count(*) FROM {kind} WHERE stub AND {kind}_id <> ''").fetchall()[0][0] for kind in ("worker", "project", "team", "site")}
        sources = cur.execute("""
            SELECT s.name, w.rows, w.first, w.last, l.loaded FROM source AS s
            LEFT JOIN (SELECT source_key, count(*) AS rows, min(ts) AS first, max(ts) AS last FROM (
                SELECT source_key, ts FROM work UNION ALL SELECT source_key, ts FROM review) GROUP BY ALL) AS w USING (source_key)
            LEFT JOIN (SELECT source, max(finished_at) AS loaded FROM load GROUP BY ALL) AS l ON l.source = s.name ORDER BY s.name""").fetchall()
    return {
        "store": str(store.path), "demo": store.is_demo, "version": store.version, "bytes": store.path.stat().st_size,
        "rows": {name: int(count) for name, count in rows.items()},
        "span": {"from": first.isoformat() if first else None, "to": last.isoformat() if last else None},
        "as_of": _iso(newest), "undated": {"work": int(undated[0]), "review": int(undated[1])}, "unlinked_reviews": int(undated[2]), "stubs": stubs,
        "sources": [{"name": n, "rows": int(r or 0), "first": _iso(a), "last": _iso(b), "loaded_at": _iso(t)} for n, r, a, b, t in sources],
    }  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") + "Z" if moment else None
