"""What the store must say for annotations as the tool shows them: worked out from the tool's own records, not by the connector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from data.store import Store

Row = tuple[str, str, str, int, int | None]
"""Task, author, action, units and lead time in ms of one annotation."""


def expected(annotations: Iterable[Mapping[str, Any]]) -> dict[str, Row]:
    """By annotation, for box projects."""
    found = {}
    for one in annotations:
        boxes = len({entry["id"] for entry in one["result"] if entry["type"] == "rectanglelabels"})
        skipped = one["was_cancelled"]
        lead = None if one["lead_time"] is None else round(one["lead_time"] * 1000)
        author = one["completed_by"]
        found[str(one["id"])] = (
            str(one["task"]), str(author["id"] if isinstance(author, dict) else author), "clean" if skipped else "annotate", 0 if skipped else boxes, lead,
        )  # fmt: skip
    return found


def stored(store: Store, source: str) -> dict[str, Row]:
    """By annotation that is not marked as deleted: its own row, and the seconds of all its rows added up."""
    rows = store.rows(
        """SELECT split_part(event_id, '@', 1) AS id, max(item_id), max(worker_id) FILTER (NOT contains(event_id, '@')),
            max(CASE action WHEN 0 THEN 'annotate' WHEN 1 THEN 'rework' ELSE 'clean' END) FILTER (NOT contains(event_id, '@')),
            sum(units)::INTEGER, (sum(seconds) * 1000)::BIGINT
        FROM work JOIN worker USING (worker_key) JOIN source USING (source_key)
        WHERE source.name = ? AND NOT coalesce(json_exists(work.extra, '$.deleted'), false)
        GROUP BY id""",
        [source],
    )
    return {name: (task, worker.removeprefix(f"{source}:"), action, units, lead) for name, task, worker, action, units, lead in rows}


def ghosts(store: Store, source: str) -> set[str]:
    """The annotations marked as deleted; none of them may have output."""
    rows = store.rows(
        """SELECT split_part(event_id, '@', 1), units, action FROM work JOIN source USING (source_key)
        WHERE source.name = ? AND json_exists(extra, '$.deleted')""",
        [source],
    )
    assert all((units, action) == (0, 3) for _, units, action in rows)
    return {name for name, _, _ in rows}
