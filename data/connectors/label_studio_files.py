"""Label Studio's export files: JSON and snapshots (whole), JSON_MIN and CSV (no skips, no predictions, no updater).

They give the facts a pull gives, under the same keys, because they are compared with the log in the same way: an export older
than what was pulled changes nothing, and a pull goes on from what a file brought.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.connectors import exported
from data.connectors import label_studio_facts as shapes
from data.connectors.connector import Connection, Cursor, Names, Read
from data.connectors.label_studio import TOOL, names_of
from data.delimited import RawBatch
from data.readers import open_file
from data.tables import Batch, Reject

ROWS = 2_000  # compared with the log at a time
_TASK = (re.compile(rb'"annotations"\s*:\s*\['), re.compile(rb'"completed_by"\s*:'), re.compile(rb'"was_cancelled"\s*:'))
_ROW = tuple(re.compile(rb'"' + name + rb'"\s*:') for name in (b"annotation_id", b"annotator", b"lead_time"))
_HEADER = tuple(re.compile(rb'(^|[,;\t"])' + name + rb'([,;\t"\r]|$)') for name in (b"annotation_id", b"annotator", b"lead_time"))
_PLACE = frozenset(("x", "points", "vertices", "rle", "start", "startOffset", "sequence", "ranges"))
_FIELDS = frozenset(("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"))
_JSON = ("annotations", "data", "predictions")


class LabelStudioFiles:
    """How to know an export of Label Studio, and what is in it."""

    tool = TOOL
    title = "Label Studio"

    def knows(self, path: Path) -> bool:
        """Whether the file is an export of Label Studio: a JSON list of tasks with annotations, JSON_MIN, or its CSV."""
        head = exported.head(path)
        if head[:1] == b"[":
            return all(sign.search(head) for sign in _TASK) or all(sign.search(head) for sign in _ROW)
        first = head.partition(b"\n")[0]
        return head[:1] not in (b"{", b"") and all(sign.search(first) for sign in _HEADER)

    def batches(
        self,
        path: Path,
        source: str,
        connection: Connection | None,
        cursor: Cursor,
        read: Read,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[Batch]:
        """The file's facts, compared with the log some thousand rows at a time; what cannot be read as rejects.

        A file that does not name its project (JSON_MIN, CSV) has that of its annotations where the log knows them, else one
        named after the file.
        """
        names = names_of(connection, cursor) if connection else Names(source, {}, {})
        stem = path.name.split(".")[0] or path.name
        for one in open_file(path, progress):
            tasks = "annotations" in one.headers
            for raw in one.batches():
                if raw.rejects:
                    yield shapes.work_batch([], rejects=list(raw.rejects))
                for start in range(0, len(raw.line), ROWS):
                    places = range(start, min(start + ROWS, len(raw.line)))
                    yield from _of_tasks(raw, places, names, read) if tasks else _of_rows(raw, places, stem, names, read)


def _of_tasks(raw: RawBatch, places: range, names: Names, read: Read) -> Iterator[Batch]:
    """Tasks with all their annotations."""
    seen: list[tuple[int, shapes.Annotation]] = []
    bad: list[Reject] = []
    created: list[int | None] = []
    for place in places:
        line = int(raw.line[place])
        task: dict[str, Any] = {name: cells[place].as_py() for name, cells in raw.columns.items()}
        try:
            task |= {name: json.loads(task[name]) for name in _JSON if task.get(name)}
            found, unread = shapes.read_task(task)
            created.append(shapes.micros(task.get("created_at"), "ts"))
        except shapes.Unreadable as error:
            bad.append(shapes.refused(line, error, raw.raw(place)))
            continue
        except (ValueError, RecursionError):
            bad.append(shapes.refused(line, shapes.Unreadable("json", "annotations"), raw.raw(place)))
            continue
        seen += [(line, one) for one in found]
        bad += [shapes.refused(line, error, json.dumps(one, ensure_ascii=False)) for one, error in unread]
    yield _compared(seen, bad, created, names, read)
    reviewed = [one for _, one in seen if one.reviews]
    if reviewed:
        verdicts = shapes.known_reviews(read, names.source, [review.id for one in reviewed for review in one.reviews])
        if (batch := shapes.review_batch(reviewed, names, verdicts)) is not None:
            yield batch


def _of_rows(raw: RawBatch, places: range, stem: str, names: Names, read: Read) -> Iterator[Batch]:
    """One row an annotation; a row without one is a task that nobody has worked on."""
    rows = [(int(raw.line[place]), place, {name: cells[place].as_py() for name, cells in raw.columns.items()}) for place in places]
    drawn = any(_regions(cells) for _, _, cells in rows)
    seen: list[tuple[int, shapes.Annotation]] = []
    bad: list[Reject] = []
    for line, place, cells in rows:
        if not cells.get("annotation_id") and not cells.get("annotator"):
            continue
        try:
            seen.append((line, _annotation(cells, stem, drawn)))
        except shapes.Unreadable as error:
            bad.append(shapes.refused(line, error, raw.raw(place)))
    told = shapes.known(read, names.source, [one.task for _, one in seen], None)
    for place, (line, one) in enumerate(seen):
        if held := told.get(one.id):
            seen[place] = line, _at_home(one, held[0], names)
    yield _compared(seen, bad, [one.created for _, one in seen], names, read)


def _annotation(cells: Mapping[str, Any], stem: str, drawn: bool) -> shapes.Annotation:
    created = shapes.micros(cells.get("created_at"), "ts")
    updated = shapes.micros(cells.get("updated_at"), "version") or created
    if updated is None:
        raise shapes.Unreadable("missing", "ts")
    annotator = cells.get("annotator")
    if isinstance(annotator, str) and annotator.startswith("{"):
        try:
            annotator = json.loads(annotator)
        except ValueError:
            raise shapes.Unreadable("nested", "worker_id", annotator) from None
    return shapes.Annotation(
        shapes.key(cells.get("annotation_id"), "event_id"), shapes.key(cells.get("id"), "item_id"), stem, shapes.key(annotator, "worker_id"), None,
        created, updated, shapes.milliseconds(cells.get("lead_time")), _regions(cells) if drawn else 1, None, False,
        batch=shapes.batch_of(cells), whole=False,
    )  # fmt: skip


def _at_home(one: shapes.Annotation, held: shapes.Fact, names: Names) -> shapes.Annotation:
    """The annotation in the project the log has it in."""
    home = next(
        (there for there, here in names.projects.items() if here == held.project_id), held.project_id.removeprefix(f"{names.source}:")
    )
    return replace(one, project=home)


def _regions(cells: Mapping[str, Any]) -> int:
    """Regions in a row: those with labels, else of the controls that draw the one that drew most (others describe the same ones)."""
    labelled, plain = 0, 0
    for name, cell in cells.items():
        if name in _FIELDS or not isinstance(cell, str) or not cell.startswith("[{"):
            continue
        try:
            entries = json.loads(cell)
        except (ValueError, RecursionError):
            continue
        entries = [entry for entry in entries if isinstance(entry, dict)]
        labelled += sum(any(field.endswith("labels") for field in entry) for entry in entries)
        plain = max(plain, sum(bool(_PLACE & entry.keys()) for entry in entries))
    return labelled or plain


def _compared(seen: list[tuple[int, shapes.Annotation]], bad: list[Reject], created: list[int | None], names: Names, read: Read) -> Batch:
    """The facts that the log does not hold yet. A row whose facts it holds counts as read, and as a duplicate."""
    since = None if None in created else min((one for one in created if one is not None), default=None)
    told = shapes.known(read, names.source, [one.task for _, one in seen], since)
    rows: list[shapes.Fact] = []
    lines: list[int] = []
    for line, one in seen:
        held = told.get(one.id, ())
        found = shapes.facts(one, held, names) or list(held[:1])
        rows += found
        lines += [line] * len(found)
    return shapes.work_batch(rows, lines, bad)
