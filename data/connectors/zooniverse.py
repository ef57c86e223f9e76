"""Classification exports of Zooniverse (Panoptes): one row a classification, with what the browser measured in its metadata.

The instant is the server's (`created_at`). The duration is the browser's, from opening the subject to submitting: its two times come from
one clock, so the difference holds even where that clock is wrong; where it runs backwards or for more than 11 days, it is kept
in the row's extra column and not counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from data import moments
from data.connectors import exported
from data.connectors.connector import Connection, Cursor, Read
from data.delimited import Delimited, RawBatch
from data.numerals import Fault
from data.readers import stepper
from data.tables import LOG_LIMIT, Batch

_SIGNS = frozenset(("classification_id", "user_name", "workflow_id", "created_at", "metadata", "annotations", "subject_ids"))
_KEPT = ("user_id", "workflow_version", "gold_standard", "expert")
_LONGEST_MS = int(LOG_LIMIT * 1000)
_MARK = frozenset(("tool", "x", "points", "choice"))  # what a drawn shape or an identified thing has, and an answer has not


class ZooniverseFiles:
    """How to know a classification export, and what is in it."""

    tool = "zooniverse"
    title = "Zooniverse"

    def knows(self, path: Path) -> bool:
        """Whether the file has the columns of a classification export."""
        return exported.columns(path) >= _SIGNS

    def batches(
        self,
        path: Path,
        source: str,
        connection: Connection | None,
        cursor: Cursor,
        read: Read,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[Batch]:
        """Work, and the names of workflows. People who were not logged in are who the export says: one for each address."""
        named: dict[str, str] = {}
        for raw in Delimited(path, stepper(path, progress)).batches():
            workflows = exported.column(raw, "workflow_id")
            fresh = exported.titles(workflows, exported.column(raw, "workflow_name"), named)
            if fresh and (batch := exported.projects(fresh, read)) is not None:
                yield batch
            yield _work(raw)


def _work(raw: RawBatch) -> Batch:
    names, ids = exported.column(raw, "user_name").to_pylist(), exported.column(raw, "user_id").to_pylist()
    seconds: list[str | None] = []
    odd: list[str | None] = []
    for told in exported.column(raw, "metadata").to_pylist():
        spent, said = _spent(told)
        seconds.append(None if spent is None else f"{spent / 1000:.3f}")
        odd.append(said)
    shown = RawBatch({**raw.columns, "browser_times": exported.texts(odd)}, raw.line, raw.raw, raw.rejects, raw.nested, raw.blank_rows)
    return exported.canonical(
        "annotations", shown,
        {
            "event_id": exported.column(raw, "classification_id"), "project_id": exported.column(raw, "workflow_id"),
            "worker_id": exported.texts([name or (f"user {one}" if one else None) for name, one in zip(names, ids, strict=True)]),
            "item_id": exported.column(raw, "subject_ids"), "ts": exported.column(raw, "created_at"),
            "units": exported.texts([_marks(one) for one in exported.column(raw, "annotations").to_pylist()]),
            "duration_s": exported.texts(seconds), "clock": exported.constant("wall", raw),
        },
        extra=(*_KEPT, "browser_times"),
    )  # fmt: skip


def _parsed(told: str | None) -> Any:
    try:
        return json.loads(told) if told else None
    except (ValueError, RecursionError):
        return None


def _spent(told: str | None) -> tuple[int | None, str | None]:
    """Milliseconds by the browser's clock; what it said instead, where that is no length of time."""
    found = _parsed(told)
    if not isinstance(found, dict):
        return None, None
    begun, ended = found.get("started_at"), found.get("finished_at")
    if not isinstance(begun, str) or not isinstance(ended, str):
        return None, None
    try:
        spent = moments.instant(ended)[0] - moments.instant(begun)[0]
    except Fault:
        return None, f"{begun} … {ended}"
    return (spent, None) if 0 <= spent <= _LONGEST_MS else (None, f"{begun} … {ended}")


def _marks(told: str | None) -> str:
    """Shapes drawn or things identified in all tasks of a classification; 1 where it only answers questions."""
    found = _parsed(told)
    marks, open_ = 0, [found]
    while open_:
        one = open_.pop()
        if isinstance(one, list):
            marks += sum(isinstance(item, dict) and bool(_MARK & item.keys()) for item in one)
            open_ += [item.get("value") for item in one if isinstance(item, dict) and not _MARK & item.keys()]
    return str(max(marks, 1))
