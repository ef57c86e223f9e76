"""Label Studio's tasks and annotations → facts. Pure functions: what was seen and what the log holds in, rows out.

An annotation is one fact, `(source, annotation id)`, of its author at the instant it was submitted: its regions as they are now
and the lead time it had when first seen. Whenever it comes back with a later `updated_at`, the edit is a fact of its own,
`(source, "ID@microseconds")`: action rework, no units (the regions stand in the annotation's fact), and the time by which the
lead time grew, for whoever made the edit. So the seconds of an annotation's facts always add up to its lead time, and its units
to its regions, whenever and how often it was read. A skipped or deleted annotation keeps its time and has no output.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data.codes import ACTIONS, VERDICTS
from data.connectors.connector import Names, Read
from data.tables import ARROW, LOG_LIMIT, Batch, Reject, reason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST, _NEWEST = (int((datetime(year, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) * 1_000_000 for year in (1900, 2200))
_LIMIT_MS = int(LOG_LIMIT * 1000)
_BATCH_KEYS = ("batch_id", "batch", "批次")
_FROM_ELSEWHERE = ("imported", "prediction")
_GEOMETRY = ("x", "points", "vertices", "rle", "start", "startOffset", "sequence", "ranges")


@dataclass(frozen=True, slots=True)
class Review:
    """A verdict on an annotation, as Label Studio Enterprise keeps it. Instants are microseconds since 1970, UTC."""

    id: str
    reviewer: str | None
    verdict: Literal["accept", "fix", "reject"]
    ts: int | None


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation as it was read. Instants are microseconds since 1970, UTC; `lead_ms` is cumulative, idle time included.

    `prelabelled` is None where the file or server does not say; `whole` is false for exports that leave most fields out.
    """

    id: str
    task: str
    project: str
    author: str
    updater: str | None
    created: int | None
    updated: int
    lead_ms: int | None
    units: int
    prelabelled: int | None
    skipped: bool
    batch: str | None = None
    marks: tuple[str, ...] = ()
    whole: bool = True
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the work log as this connector writes it: `ts` and `seconds_ms` in milliseconds, `version` in microseconds."""

    event_id: str
    worker_id: str
    project_id: str
    item_id: str
    batch_id: str | None
    ts: int | None
    action: str
    units: int
    prelabelled: int | None
    seconds_ms: int | None
    version: int
    extra: str | None = None

    @property
    def annotation(self) -> str:
        """The annotation it belongs to."""
        return self.event_id.partition("@")[0]

    @property
    def lead_ms(self) -> int:
        """The lead time it stands for, ms: its seconds, and what could not be seconds of work."""
        return (self.seconds_ms or 0) + round(float(_marks(self.extra).get("lead_time_s", 0)) * 1000)

    @property
    def timed(self) -> bool:
        """True where it stands for a lead time at all."""
        return self.seconds_ms is not None or "lead_time_s" in _marks(self.extra)


Known = Mapping[str, Sequence[Fact]]
"""What the log holds, by annotation."""


# From Label Studio's words ------------------------------------------------------------------------------------------------
class Unreadable(Exception):
    """A record without what makes a fact: the code of the reject, the column and the value."""

    def __init__(self, code: str, column: str, value: object = None) -> None:
        super().__init__(code)
        self.code, self.column, self.value = code, column, None if value is None else str(value)[:200]


def micros(value: object, column: str) -> int | None:
    """An ISO instant in microseconds since 1970; None for none. Raises Unreadable.

    >>> micros("2026-11-21T21:44:03.191752Z", "ts")
    1795297443191752
    """
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Unreadable("instant", column, value) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    found = (moment - EPOCH) // timedelta(microseconds=1)
    if not _OLDEST <= found < _NEWEST:
        raise Unreadable("instant", column, value)
    return found


def instant(found: int) -> datetime:
    """Microseconds since 1970 as a UTC instant without zone, as the store keeps them."""
    return (EPOCH + timedelta(microseconds=found)).replace(tzinfo=None)


def key(value: object, column: str) -> str:
    """An id as text, also out of an object that has one. Raises Unreadable when there is none."""
    if isinstance(value, Mapping):
        value = value.get("id")
    if value is None or value == "" or isinstance(value, (bool, list)):
        raise Unreadable("missing" if value in (None, "") else "nested", column, value)
    return str(value)


def _optional(value: object) -> str | None:
    try:
        return key(value, "")
    except Unreadable:
        return None


def milliseconds(value: object) -> int | None:
    """A lead time in ms; None for none, and for what is not a finite time. Raises Unreadable for what is no number."""
    if value is None or value == "":
        return None
    try:
        found = float(str(value))
    except ValueError:
        raise Unreadable("duration", "duration_s", value) from None
    return round(found * 1000) if math.isfinite(found) and found >= 0 else None


def regions(result: object) -> dict[str, Mapping[str, Any]]:
    """The regions of a result, by id: entries with a place in the picture, sound or text; their attributes do not count again."""
    found: dict[str, Mapping[str, Any]] = {}
    for place, entry in enumerate(result if isinstance(result, list) else ()):
        if not isinstance(entry, Mapping):
            continue
        value = entry.get("value")
        if str(entry.get("type", "")).endswith("labels") or (isinstance(value, Mapping) and any(name in value for name in _GEOMETRY)):
            found.setdefault(str(entry.get("id") or f"#{place}"), entry)
    return found


def units(result: object) -> int:
    """Regions in a result; 1 for one that only answers questions about the whole task; 0 for an empty one.

    >>> units([{"id": "a", "type": "choices", "value": {"choices": ["good"]}}])
    1
    """
    return len(regions(result)) or int(
        isinstance(result, list) and any(isinstance(entry, Mapping) and "value" in entry for entry in result)
    )


def prelabelled(annotation: Mapping[str, Any], predicted: bool | None) -> int | None:
    """Of the units, those a model or an import had drawn: by the regions' `origin`, else by where the annotation came from.

    `predicted` is whether the task has predictions at all. None where nothing tells.
    """
    count = units(annotation.get("result"))
    marked = [entry for entry in regions(annotation.get("result")).values() if entry.get("origin")]
    if marked:
        return sum(str(entry["origin"]).startswith("prediction") for entry in marked)
    if annotation.get("parent_prediction") or annotation.get("import_id") or annotation.get("last_action") in _FROM_ELSEWHERE:
        return count
    return 0 if predicted is False else None


def batch_of(data: Mapping[str, Any]) -> str | None:
    """The batch that a task's own data names (batch_id, batch, 批次); None for none.

    >>> batch_of({"image": "a.jpg", "batch": 7})
    '7'
    """
    named = next((data[name] for name in _BATCH_KEYS if data.get(name) not in (None, "")), None)
    return None if isinstance(named, (Mapping, list)) or named is None else str(named)


def _review(raw: Mapping[str, Any]) -> Review:
    fixed = raw.get("fixed_annotation_history") is not None
    verdict: Literal["accept", "fix", "reject"] = "fix" if fixed else "accept" if raw.get("accepted") in (True, "true") else "reject"
    return Review(key(raw.get("id"), "review_id"), _optional(raw.get("created_by")), verdict, micros(raw.get("created_at"), "ts"))


def read_task(task: Mapping[str, Any], project: str | None = None) -> tuple[list[Annotation], list[tuple[Mapping[str, Any], Unreadable]]]:
    """The annotations of a task as the server or a JSON export gives it, and those that cannot be read.

    Raises Unreadable when the task itself cannot be.
    """
    task_id = key(task.get("id"), "item_id")
    listed = task.get("annotations")
    if not isinstance(listed, list):
        raise Unreadable("json", "annotations")
    data = task.get("data")
    batch = batch_of(data) if isinstance(data, Mapping) else None
    total, predictions = task.get("total_predictions"), task.get("predictions")
    predicted = int(total) > 0 if total is not None else bool(predictions) if isinstance(predictions, list) else None
    found: list[Annotation] = []
    bad: list[tuple[Mapping[str, Any], Unreadable]] = []
    for raw in listed:
        try:
            found.append(
                _annotation(raw, task_id, project or key(raw.get("project") or task.get("project"), "project_id"), batch, predicted)
            )
        except Unreadable as error:
            bad.append((raw, error))
        except (AttributeError, TypeError, ValueError):
            bad.append(({} if not isinstance(raw, Mapping) else raw, Unreadable("json", "annotations")))
    return found, bad


def _annotation(raw: Mapping[str, Any], task: str, project: str, batch: str | None, predicted: bool | None) -> Annotation:
    created = micros(raw.get("created_at"), "ts")
    updated = micros(raw.get("updated_at"), "version") or created
    if updated is None:
        raise Unreadable("missing", "ts")
    reviews = tuple(_review(one) for one in raw.get("reviews") or ())
    # A review that takes a task back out of the queue cancels the annotation too: that is not the annotator's skip.
    skipped = raw.get("was_cancelled") in (True, "true") and not any(one.verdict == "reject" for one in reviews)
    marks = [name for name in ("ground_truth", "bulk_created") if raw.get(name) in (True, "true")]
    if raw.get("import_id") or raw.get("last_action") == "imported":
        marks.append("imported")
    return Annotation(
        key(raw.get("id"), "event_id"), task, project, key(raw.get("completed_by"), "worker_id"), _optional(raw.get("updated_by")), created, updated,
        milliseconds(raw.get("lead_time")), units(raw.get("result")), prelabelled(raw, predicted), skipped, batch, tuple(marks), True, reviews,
    )  # fmt: skip


# Facts --------------------------------------------------------------------------------------------------------------------
def facts(seen: Annotation, known: Sequence[Fact], names: Names) -> list[Fact]:
    """The facts to write for an annotation, given those of it that the log holds: none when the log already says all of it."""
    latest = max((fact.version for fact in known), default=None)
    base = next((fact for fact in known if fact.event_id == seen.id), None)
    if latest is not None and (seen.updated < latest or (seen.updated == latest and not seen.whole and base is not None)):
        return []
    out = seen.skipped
    marks: dict[str, object] = dict.fromkeys((*seen.marks, *(("skipped",) if out else ())), True)
    now = Fact(
        seen.id, names.worker(seen.author), names.project(seen.project), seen.task, seen.batch, None if seen.created is None else seen.created // 1000,
        "clean" if out else "annotate", 0 if out else seen.units, 0 if out and seen.prelabelled is not None else seen.prelabelled, None, seen.updated,
    )  # fmt: skip
    rows: list[Fact] = []
    edits = [fact for fact in known if fact is not base]
    edit = replace(
        now, event_id=f"{seen.id}@{seen.updated}", worker_id=names.worker(seen.updater or seen.author), ts=seen.updated // 1000,
        action="clean" if out else "rework", units=0, prelabelled=None,
    )  # fmt: skip
    by_other = seen.updater is not None and seen.updater != seen.author
    newer = latest is not None and seen.updated > latest
    if by_other and not edits and not newer:
        rows.append(edit)  # somebody else was here, with a share of the time that cannot be told any more
    if base is None:
        now = _timed(now, seen.lead_ms, marks)
    else:
        kept = _marks(base.extra).get("lead_time_s")
        now = replace(now, seconds_ms=base.seconds_ms, extra=_extra(marks | ({} if kept is None else {"lead_time_s": kept})))
        if newer:
            grown = None if seen.lead_ms is None else seen.lead_ms - sum(fact.lead_ms for fact in known)
            first = grown is not None and not any(fact.timed for fact in known)  # no time was known, not even of zero
            if by_other or first or grown != 0:
                rows.append(_timed(edit, grown, {}))
    rows += [
        again
        for fact in edits
        if (again := replace(fact, project_id=now.project_id, batch_id=now.batch_id, action=edit.action, extra=_extra(_lasting(fact))))
        != fact
    ]
    return ([now] if base is None or replace(now, version=base.version) != base else []) + rows


def gone(known: Sequence[Fact]) -> list[Fact]:
    """The facts to write for an annotation that no longer exists: their time stays, their output does not."""
    rows = [replace(fact, action="clean", units=0, prelabelled=None, extra=_extra(_lasting(fact) | {"deleted": True})) for fact in known]
    return [row for row, fact in zip(rows, known, strict=True) if row != fact]


def _timed(fact: Fact, grown: int | None, marks: Mapping[str, object]) -> Fact:
    """The fact with the time by which the lead time grew; what cannot be seconds of work is kept beside them."""
    if grown is not None and not 0 <= grown <= _LIMIT_MS:
        return replace(fact, extra=_extra({**marks, "lead_time_s": grown / 1000}))
    return replace(fact, seconds_ms=grown, extra=_extra(marks))


def _lasting(fact: Fact) -> dict[str, object]:
    return {name: value for name, value in _marks(fact.extra).items() if name != "deleted"}


def _marks(extra: str | None) -> dict[str, Any]:
    return json.loads(extra) if extra else {}


def _extra(marks: Mapping[str, object]) -> str | None:
    return json.dumps(marks, sort_keys=True) if marks else None


# The log ------------------------------------------------------------------------------------------------------------------
_KNOWN = """SELECT w.event_id, k.worker_id, p.project_id, w.item_id, b.batch_id, epoch_ms(w.ts), w.action, w.units, w.prelabelled_units, w.seconds, w.version,
        w.extra
    FROM work AS w JOIN worker AS k ON k.worker_key = coalesce(w.given_key, w.worker_key) JOIN project AS p USING (project_key) LEFT JOIN batch AS b ON b.batch_key = w.batch_key AND w.batch_key <> 0
    WHERE w.source_key = (SELECT source_key FROM source WHERE name = ?) AND w.item_id IN (SELECT unnest(?::VARCHAR[]))
        AND (w.business_date IS NULL OR w.business_date >= ?) ORDER BY w.version, w.event_id"""


def known(read: Read, source: str, tasks: Iterable[str], since: int | None) -> dict[str, list[Fact]]:
    """What the log holds of these tasks, by annotation; nothing of them may be older than `since` (µs, None: anything)."""
    first = datetime(1, 1, 1) if since is None else instant(since) - timedelta(days=2)
    found: dict[str, list[Fact]] = {}
    for event, worker, project, item, batch, ts, action, count, pre, seconds, version, extra in read(
        _KNOWN, [source, list(tasks), first.date()]
    ):
        fact = Fact(
            event, worker, project, item, batch, ts, ACTIONS[action], int(count), None if pre is None else int(pre),
            None if seconds is None else int(seconds * 1000), version or 0, extra,
        )  # fmt: skip
        found.setdefault(fact.annotation, []).append(fact)
    return found


def known_reviews(read: Read, source: str, reviews: Iterable[str]) -> dict[str, str]:
    """The verdicts the log holds for these reviews."""
    sql = """SELECT review_id, verdict FROM review WHERE source_key = (SELECT source_key FROM source WHERE name = ?)
        AND review_id IN (SELECT unnest(?::VARCHAR[]))"""
    return {name: VERDICTS[verdict] for name, verdict in read(sql, [source, list(reviews)])}


def reading(cur: DuckDBPyConnection) -> Read:
    """Reading through a cursor: inside its transaction."""
    return lambda sql, params: cur.execute(sql, list(params)).fetchall()


# Batches --------------------------------------------------------------------------------------------------------------------
_COLUMNS = ("event_id", "worker_id", "project_id", "item_id", "batch_id", "ts", "action", "units", "prelabelled_units", "duration_s", "clock", "version",
            "extra", "line")  # fmt: skip
_KINDS: Mapping[str, pa.DataType] = {
    "ts": ARROW["instant"], "units": ARROW["quantity"], "prelabelled_units": ARROW["quantity"], "duration_s": ARROW["seconds"], "version": pa.int64(),
    "line": pa.int64(),
}  # fmt: skip


def work_batch(rows: Sequence[Fact], lines: Sequence[int] | None = None, rejects: list[Reject] | None = None) -> Batch:
    """Facts as a canonical batch of annotations."""
    columns: list[Sequence[object]] = [
        [fact.event_id for fact in rows], [fact.worker_id for fact in rows], [fact.project_id for fact in rows], [fact.item_id for fact in rows],
        [fact.batch_id for fact in rows], [fact.ts for fact in rows], [fact.action for fact in rows], [Decimal(fact.units) for fact in rows],
        [None if fact.prelabelled is None else Decimal(fact.prelabelled) for fact in rows],
        [None if fact.seconds_ms is None else Decimal(fact.seconds_ms) / 1000 for fact in rows],
        [None if fact.seconds_ms is None else "lead_time" for fact in rows], [fact.version for fact in rows], [fact.extra for fact in rows],
        lines or [0] * len(rows),
    ]  # fmt: skip
    table = pa.table({name: pa.array(column, _KINDS.get(name, pa.string())) for name, column in zip(_COLUMNS, columns, strict=True)})
    refused = rejects or []
    return Batch("annotations", table, refused, len(rows) + len(refused))


def review_batch(seen: Iterable[Annotation], names: Names, verdicts: Mapping[str, str]) -> Batch | None:
    """The reviews of these annotations that the log does not hold with the same verdict, as a canonical batch; None without any."""
    rows = [(one, review) for one in seen for review in one.reviews if verdicts.get(review.id) != review.verdict]
    if not rows:
        return None
    table = pa.table({
        "review_id": pa.array([review.id for _, review in rows], pa.string()),
        "worker_id": pa.array([names.worker(one.author) for one, _ in rows], pa.string()),
        "project_id": pa.array([names.project(one.project) for one, _ in rows], pa.string()),
        "item_id": pa.array([one.task for one, _ in rows], pa.string()),
        "verdict": pa.array([review.verdict for _, review in rows], pa.string()),
        "ts": pa.array([None if review.ts is None else review.ts // 1000 for _, review in rows], ARROW["instant"]),
        "reviewer_id": pa.array([None if review.reviewer is None else names.worker(review.reviewer) for _, review in rows], pa.string()),
        "event_id": pa.array([one.id for one, _ in rows], pa.string()),
        "line": pa.array([0] * len(rows), pa.int64()),
    })  # fmt: skip
    return Batch("reviews", table, [], len(rows))


def refused(line: int, error: Unreadable, raw: str) -> Reject:
    """A record that cannot be read, as a reject with its text."""
    return Reject(line, error.code, error.column, error.value, reason(error.code, "annotations", error.column, error.value)[0], raw)


def page_batches(read: Read, names: Names, tasks: Sequence[Mapping[str, Any]], project: str, *, keep_deleted: bool) -> list[Batch]:
    """What to load for tasks as the server gives them now, annotations that have vanished from them included."""
    seen: list[Annotation] = []
    bad: list[Reject] = []
    created: list[int | None] = []
    for task in tasks:
        try:
            found, unread = read_task(task, project)
            created.append(micros(task.get("created_at"), "ts"))
        except Unreadable as error:
            bad.append(refused(0, error, json.dumps(task, ensure_ascii=False)))
            continue
        seen += found
        bad += [refused(0, error, json.dumps(raw, ensure_ascii=False)) for raw, error in unread]
    since = None if None in created else min((one for one in created if one is not None), default=None)
    told = known(read, names.source, [str(task.get("id")) for task in tasks], since)
    rows = [row for one in seen for row in facts(one, told.get(one.id, ()), names)]
    if not keep_deleted:
        there = {str(raw.get("id")) for task in tasks for raw in task.get("annotations") or () if isinstance(raw, Mapping)}
        rows += [row for name, held in told.items() if name not in there for row in gone(held)]
    if bad:
        kept = {
            raw
            for (raw,) in read(
                "SELECT raw FROM reject WHERE file IS NULL AND raw IN (SELECT unnest(?::VARCHAR[]))", [[one.raw for one in bad]]
            )
        }
        bad = [one for one in bad if one.raw not in kept]
    batches = [work_batch(rows, rejects=bad)] if rows or bad else []
    reviewed = [one for one in seen if one.reviews]
    if reviewed:
        verdicts = known_reviews(read, names.source, [review.id for one in reviewed for review in one.reviews])
        if (batch := review_batch(reviewed, names, verdicts)) is not None:
            batches.append(batch)
    return batches
