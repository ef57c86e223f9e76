"""Labelbox's exports: the NDJSON of today (one data row a line, its labels in its projects) and the rows of old (JSON or CSV, one label each).

A label is one fact, `(source, label id)`, of whoever created it at the instant it was created; exported again later, the one with the later
update stands. Its units are its objects: shapes, spans, and in video the objects themselves, not their frames (how many frames and
segments they have is kept beside); 1 where it only answers questions; 0 where it was skipped (action clean). Its time is `seconds_to_create`; that of its
review is work of the reviewer where only one is named. Reviews are those of the label, else what its workflow says of approvals and
rejections since it was made. Exports leave out what was not asked for: without `label_details` nobody is named, and the label is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from data.connectors import exported
from data.connectors.connector import Connection, Cursor, Read
from data.delimited import RawBatch
from data.readers import open_file
from data.tables import Batch, Reject, reason

_NEW = (re.compile(rb'"data_row"\s*:\s*\{'), re.compile(rb'"projects"\s*:\s*\{'))
_OLD = ("ID", "DataRow ID", "Label", "Created By", "Seconds to Label")
_VERDICTS: Mapping[str, str] = {
    "1": "accept", "1.0": "accept", "approve": "accept", "approved": "accept", "accept": "accept", "accepted": "accept",
    "-1": "reject", "-1.0": "reject", "reject": "reject", "rejected": "reject",
}  # fmt: skip
_EXTRA = (
    "label_kind", "global_key", "external_id", "skipped", "frames", "segments", "seconds_to_review", "benchmark_score", "consensus_score", "is_benchmark",
)  # fmt: skip
_DEEPEST = 12


@dataclass(slots=True)
class _Review:
    """A verdict as the file has it."""

    reviewer: str | None
    at: str | None
    verdict: str | None


@dataclass(slots=True)
class _Label:
    """A label as the file has it: cells as texts, None where it says nothing; `place` is its row in the batch."""

    place: int
    id: str | None
    author: str | None
    project: str
    item: str | None
    batch: str | None
    created: str | None
    updated: str | None
    seconds: str | None
    units: int
    skipped: bool
    extra: dict[str, str | None] = field(default_factory=dict)
    reviews: list[_Review] = field(default_factory=list)


class LabelboxFiles:
    """How to know an export of Labelbox, and what is in it."""

    tool = "labelbox"
    title = "Labelbox"

    def knows(self, path: Path) -> bool:
        """Whether the file begins with a data row and its projects, or with the columns of the exports of old."""
        if exported.columns(path) >= set(_OLD):
            return True
        head = exported.head(path)
        if head[:1] not in (b"{", b"["):
            return False
        start = head.partition(b"\n")[0] if head[:1] == b"{" and b"\n" in head else head
        if all(sign.search(start) for sign in _NEW):
            return True
        if head[:1] == b"{" and exported.first_object(path).keys() >= {"data_row", "projects"}:
            return True  # a first line longer than the head: embeddings before the projects
        return all(re.search(rb'"' + name.encode() + rb'"\s*:', head) for name in _OLD)

    def batches(
        self,
        path: Path,
        source: str,
        connection: Connection | None,
        cursor: Cursor,
        read: Read,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[Batch]:
        """Labels as work, reviews as reviews and, where told, as the reviewer's time; some thousand rows of the file at a time."""
        titles: dict[str, str] = {}
        for one in open_file(path, progress):
            for raw in one.batches():
                labels, rejects, named = _labels(raw)
                yield _work(raw, labels, [*raw.rejects, *rejects])
                if times := [label for label in labels if _timed(label)]:
                    yield _review_time(raw, times)
                if any(label.reviews for label in labels):
                    yield _reviews(raw, labels)
                if (fresh := {name: title for name, title in named.items() if name not in titles}) and (
                    batch := exported.projects(fresh, read)
                ):
                    yield batch
                titles |= fresh


# Reading ---------------------------------------------------------------------------------------------------------------------
def _labels(raw: RawBatch) -> tuple[list[_Label], list[Reject], dict[str, str]]:
    """The labels of a batch, rows of it that are none of Labelbox's, and the titles of projects."""
    columns = {name: cells.cast(pa.string()).to_pylist() for name, cells in raw.columns.items()}
    found: list[_Label] = []
    rejects: list[Reject] = []
    titles: dict[str, str] = {}
    for place in range(len(raw.line)):
        try:
            if "data_row" in columns or "projects" in columns:
                row, projects = (_parsed(columns[name][place]) if name in columns else None for name in ("data_row", "projects"))
                found += _of_data_row(place, row, projects, titles)
            else:
                found.append(_of_old(place, {name: cells[place] for name, cells in columns.items()}, titles))
        except _Strange as error:
            text = reason("nested" if error.given else "missing", "annotations", error.column)[0]
            rejects.append(Reject(int(raw.line[place]), "nested" if error.given else "missing", error.column, None, text, raw.raw(place)))
    return found, rejects, titles


class _Strange(Exception):
    """A row that is not shaped like a data row: the canonical column that cannot be had, and whether something else stands there."""

    def __init__(self, column: str, given: object) -> None:
        super().__init__(column)
        self.column, self.given = column, given is not None


def _parsed(cell: str | None) -> Any:
    """A cell that is JSON as what it stands for, numbers as their text."""
    if cell is None or cell[:1] not in ("[", "{"):
        return cell
    try:
        return json.loads(cell, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return cell


def _of_data_row(place: int, row: Any, projects: Any, titles: dict[str, str]) -> list[_Label]:
    if not isinstance(row, Mapping) or _text(row.get("id")) is None:
        raise _Strange("item_id", row)
    if not isinstance(projects, Mapping):
        raise _Strange("project_id", projects)
    found = []
    for name, project in projects.items():
        if not isinstance(project, Mapping):
            raise _Strange("project_id", project)
        labels = project.get("labels")
        if not isinstance(labels, list) or not all(isinstance(one, Mapping) for one in labels):
            raise _Strange("event_id", labels)
        if title := _text(project.get("name")):
            titles[name] = title
        details = _mapping(project.get("project_details"))
        made = [_of_label(place, row, name, details, one) for one in labels]
        _take_workflow(made, details)
        found += made
    return found


def _of_label(place: int, row: Mapping[str, Any], project: str, project_details: Mapping[str, Any], label: Mapping[str, Any]) -> _Label:
    details, performance = _mapping(label.get("label_details")), _mapping(label.get("performance_details"))
    annotations = _mapping(label.get("annotations"))
    skipped = performance.get("skipped") in (True, "true")
    reviews = [_review(one) for one in _list(details.get("reviews"))]
    extra = {
        "label_kind": _text(label.get("label_kind")), "global_key": _text(row.get("global_key")), "external_id": _text(row.get("external_id")),
        "skipped": "true" if skipped else None, **_spread(annotations),
        **{name: _text(performance.get(name)) for name in ("seconds_to_review", "benchmark_score", "consensus_score")},
        "is_benchmark": "true" if details.get("is_benchmark_reference") in (True, "true") else None,
    }  # fmt: skip
    return _Label(
        place, _text(label.get("id")), _person(details.get("created_by")), project, _text(row.get("id")),
        _text(project_details.get("batch_name")) or _text(project_details.get("batch_id")), _text(details.get("created_at")),
        _text(details.get("updated_at")) or _text(details.get("content_last_updated_at")), _text(performance.get("seconds_to_create")),
        0 if skipped else _units(annotations), skipped, extra, reviews,
    )  # fmt: skip


def _of_old(place: int, cells: Mapping[str, str | None], titles: dict[str, str]) -> _Label:
    """A label of the exports before 2023: one a row."""
    known = _parsed(cells.get("Label"))
    annotations = _mapping(known)
    project = cells.get("Project Name")
    if project:
        titles[project] = project
    seconds = cells.get("Seconds to Create")
    if seconds is None and (whole := _decimal(cells.get("Seconds to Label"))) is not None:
        seconds = f"{max(0.0, whole - (_decimal(cells.get('Seconds to Review')) or 0.0)):g}"  # the whole includes the review
    skipped = str(cells.get("Skipped")).lower() in ("true", "1")
    reviews = [_review(one) for one in _list(_parsed(cells.get("Reviews")))]
    extra = {
        "external_id": cells.get("External ID"), "skipped": "true" if skipped else None, "seconds_to_review": cells.get("Seconds to Review"),
        "benchmark_score": cells.get("Benchmark Agreement"), "consensus_score": cells.get("Agreement"), **_spread(annotations),
        "is_benchmark": "true" if str(cells.get("Is Benchmark")).lower() in ("true", "1") else None,
    }  # fmt: skip
    return _Label(
        place, cells.get("ID"), _person(cells.get("Created By")), project or cells.get("Project ID") or "labelbox", cells.get("DataRow ID"), None,
        cells.get("Created At"), cells.get("Updated At"), seconds, 0 if skipped else _units(annotations), skipped, extra, reviews,
    )  # fmt: skip


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    """A plain value as text; None for none and for lists and objects."""
    if value is None or value == "" or isinstance(value, (Mapping, list)):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _person(value: object) -> str | None:
    """Whoever is named: an e-mail address, plain or in an object."""
    if isinstance(value, Mapping):
        return _text(value.get("email")) or _text(value.get("id"))
    return _text(value)


def _decimal(value: str | None) -> float | None:
    try:
        found = float(value) if value else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found < 1e9 else None


def _containers(annotations: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What can hold objects: the annotations themselves, their frames, and groups of frames (series, views)."""
    waiting: list[tuple[Mapping[str, Any], int]] = [(annotations, 0)]
    while waiting:
        one, depth = waiting.pop()
        yield one
        for name in ("frames", "groups") if depth < _DEEPEST else ():
            inner = one.get(name)
            listed = inner.values() if isinstance(inner, Mapping) else _list(inner)
            waiting += [(part, depth + 1) for part in listed if isinstance(part, Mapping)]


def _objects(annotations: Mapping[str, Any]) -> set[str]:
    """The objects of a label, each once however many frames it is in."""
    found: set[str] = set()
    for number, one in enumerate(_containers(annotations)):
        objects = one.get("objects")
        if isinstance(objects, Mapping):
            found |= set(objects)
        for place, thing in enumerate(_list(objects)):
            known = next((text for name in ("feature_id", "featureId") if (text := _text(_mapping(thing).get(name)))), None)
            found.add(known or f"{number}#{place}")
    return found


def _units(annotations: Mapping[str, Any]) -> int:
    """Objects of a label; 1 for one that only answers questions; 0 for an empty one."""
    return len(_objects(annotations)) or int(any(one.get("classifications") for one in _containers(annotations)))


def _spread(annotations: Mapping[str, Any]) -> dict[str, str | None]:
    """Over how many frames and segments a label's objects go, where it has frames."""
    frames = sum(len(one["frames"]) for one in _containers(annotations) if isinstance(one.get("frames"), (Mapping, list)))
    segments = sum(
        len(_list(listed)) for one in _containers(annotations) for listed in _mapping(one.get("segments")).values()
    )  # fmt: skip
    return {"frames": str(frames) if frames else None, "segments": str(segments) if segments else None}


# Reviews ---------------------------------------------------------------------------------------------------------------------
def _review(raw: object) -> _Review:
    """A review of a label; what it decided is left as it stands where it is no word known to mean yes or no."""
    one = _mapping(raw)
    told = next((text for name in ("score", "outcome", "decision", "action", "status") if (text := _text(one.get(name)))), None)
    who = next((found for name in ("reviewed_by", "created_by", "createdBy") if (found := _person(one.get(name)))), None)
    at = next((text for name in ("reviewed_at", "created_at", "createdAt") if (text := _text(one.get(name)))), None)
    return _Review(who, at, None if told is None else _VERDICTS.get(told.lower(), told))


def _take_workflow(labels: Sequence[_Label], details: Mapping[str, Any]) -> None:
    """What the workflow says of a data row's label: the chosen one where there are several, else those there were by then."""
    chosen = _text(details.get("selected_label_id"))
    mine = [one for one in labels if one.id == chosen] or list(labels)
    for step in _list(details.get("workflow_history")):
        action = (_text(_mapping(step).get("action")) or "").lower()
        if action not in ("approve", "reject"):
            continue
        review = _review(step)
        for label in mine:
            began, at = _moment(label.created), _moment(review.at)
            if not (label.reviews and not label.extra.get("by_workflow")) and (began is None or at is None or began <= at):
                label.extra["by_workflow"] = "true"
                label.reviews.append(review)


def _moment(text: str | None) -> float | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _reviewers(label: _Label) -> set[str]:
    return {one.reviewer for one in label.reviews if one.reviewer is not None}


def _timed(label: _Label) -> bool:
    """Whether the time of a label's review is known, and whose it is."""
    return bool(_decimal(label.extra.get("seconds_to_review"))) and len(_reviewers(label)) == 1 and label.id is not None


# Batches ---------------------------------------------------------------------------------------------------------------------
def _cells(raw: RawBatch, labels: Sequence[_Label], extra: Mapping[str, pa.Array]) -> RawBatch:
    places = [label.place for label in labels]
    return RawBatch(dict(extra), raw.line[places], lambda row: raw.raw(places[row]))


def _work(raw: RawBatch, labels: Sequence[_Label], rejects: Sequence[Reject]) -> Batch:
    kept = {
        name: exported.texts([None if name == "seconds_to_review" and _timed(label) else label.extra.get(name) for label in labels])
        for name in _EXTRA
    }
    shown = _cells(raw, labels, {name: cells for name, cells in kept.items() if cells.null_count < len(cells)})
    moments = [_moment(label.updated or label.created) for label in labels]
    given: dict[str, Sequence[str | None]] = {
        "event_id": [label.id for label in labels], "worker_id": [label.author for label in labels], "project_id": [label.project for label in labels],
        "item_id": [label.item for label in labels], "batch_id": [label.batch for label in labels], "ts": [label.created for label in labels],
        "action": ["clean" if label.skipped else "annotate" for label in labels], "units": [str(label.units) for label in labels],
        "duration_s": [label.seconds for label in labels], "version": [None if one is None else str(round(one * 1000)) for one in moments],
        "clock": [None if label.seconds is None else "reported" for label in labels],
    }  # fmt: skip
    taken = exported.canonical(
        "annotations", shown, {name: exported.texts(cells) for name, cells in given.items()}, extra=tuple(shown.columns)
    )
    return Batch("annotations", taken.rows, [*taken.rejects, *rejects], taken.read + len(rejects), taken.naive)


def _review_time(raw: RawBatch, labels: Sequence[_Label]) -> Batch:
    given: dict[str, Sequence[str | None]] = {
        "event_id": [f"{label.id}/review" for label in labels], "worker_id": [min(_reviewers(label)) for label in labels],
        "project_id": [label.project for label in labels], "item_id": [label.item for label in labels], "batch_id": [label.batch for label in labels],
        "ts": [max((one.at for one in label.reviews if one.at), default=None) for label in labels], "action": ["review"] * len(labels),
        "units": ["0"] * len(labels), "duration_s": [label.extra.get("seconds_to_review") for label in labels], "clock": ["reported"] * len(labels),
    }  # fmt: skip
    return exported.canonical("annotations", _cells(raw, labels, {}), {name: exported.texts(cells) for name, cells in given.items()})


def _key(label: _Label, review: _Review) -> str | None:
    """A review is known by its label, instant and reviewer; without an instant by its place among the label's reviews."""
    return None if label.id is None else f"{label.id}@{review.at or label.reviews.index(review)}:{review.reviewer or ''}"


def _reviews(raw: RawBatch, labels: Sequence[_Label]) -> Batch:
    pairs = list(chain.from_iterable([(label, review) for review in label.reviews] for label in labels))
    given: dict[str, Sequence[str | None]] = {
        "review_id": [_key(label, review) for label, review in pairs],
        "worker_id": [label.author for label, _ in pairs], "project_id": [label.project for label, _ in pairs],
        "item_id": [label.item for label, _ in pairs], "batch_id": [label.batch for label, _ in pairs], "event_id": [label.id for label, _ in pairs],
        "ts": [review.at for _, review in pairs], "reviewer_id": [review.reviewer for _, review in pairs],
        "verdict": [review.verdict for _, review in pairs], "inspected_units": [str(label.units) for label, _ in pairs],
        "stage": ["self" if review.reviewer == label.author else "qc1" for label, review in pairs],
    }  # fmt: skip
    shown = _cells(raw, [label for label, _ in pairs], {})
    return exported.canonical("reviews", shown, {name: exported.texts(cells) for name, cells in given.items()})
