"""Datasets of Prodigy (`db-out`, JSON lines): one line an answer; the lines of its review recipe judge answers given before.

An answer is known by its task, its annotator and its second; without a time, by how often the two occurred before in the file.
A dataset does not name itself: it is called after the file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from data.connectors import exported
from data.connectors.connector import Connection, Cursor, Read
from data.delimited import RawBatch
from data.readers import JsonFile, stepper
from data.tables import Batch

_SIGNS = frozenset(("_input_hash", "_task_hash", "answer"))
_KEPT = ("answer", "label", "_view_id", "_session_id")
_DRAWN = ("spans", "relations", "accept", "label")
_PARTS = ("start", "end", "label", "points", "x", "y", "width", "height", "head", "child")


class ProdigyFiles:
    """How to know a dataset, and what is in it."""

    tool = "prodigy"
    title = "Prodigy"

    def knows(self, path: Path) -> bool:
        """Whether the first line is an answer with Prodigy's hashes."""
        return exported.first_object(path).keys() >= _SIGNS

    def batches(
        self,
        path: Path,
        source: str,
        connection: Connection | None,
        cursor: Cursor,
        read: Read,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[Batch]:
        """Answers as work (ignored ones as action clean, without units); reviews of answers as reviews and as the reviewer's work."""
        dataset = exported.stem(path)
        seen: Counter[int] = Counter()
        for raw in JsonFile(path, stepper(path, progress)).batches():
            work, judged = _answers(raw, dataset, seen)
            yield work
            kept = exported.taken(raw, work)
            verdicts = [verdict for verdict in judged if kept[verdict.place]]
            if verdicts:
                yield _reviews(raw, verdicts, dataset, _home(verdicts, source, read))


@dataclass(frozen=True, slots=True)
class _Verdict:
    """One version of an answer, by one of those who gave it, and whether the reviewer left it as it was."""

    place: int
    review: str
    item: str
    author: str
    reviewer: str
    ts: str | None
    same: bool


@dataclass(slots=True)
class _Columns:
    """Cells of the rows of work."""

    event: list[str | None] = field(default_factory=list)
    worker: list[str | None] = field(default_factory=list)
    action: list[str | None] = field(default_factory=list)
    units: list[str | None] = field(default_factory=list)


def _answers(raw: RawBatch, dataset: str, seen: Counter[int]) -> tuple[Batch, list[_Verdict]]:
    cells = {name: exported.column(raw, name).to_pylist() for name in (*_SIGNS, "_annotator_id", "_session_id", "_timestamp", "versions")}
    drawn = {name: exported.column(raw, name).to_pylist() for name in _DRAWN if name in raw.columns}
    found, judged = _Columns(), list[_Verdict]()
    for place in range(len(raw.line)):
        task, who, at = cells["_task_hash"][place], cells["_annotator_id"][place] or cells["_session_id"][place], cells["_timestamp"][place]
        worker = None if who is None else person(who, dataset)
        answer = (cells["answer"][place] or "").lower()
        final: dict[str, Any] = {name: _parsed(column[place]) for name, column in drawn.items() if column[place] is not None}
        key = None
        if task is not None and worker is not None:
            key = f"{task}:{worker}:{at}"
            if at is None:
                again = hash((task, worker))
                seen[again] += 1
                key = f"{dataset}:{task}:{worker}" + (f":{seen[again]}" if seen[again] > 1 else "")
        versions = _parsed(cells["versions"][place])
        found.event.append(key)
        found.worker.append(worker)
        found.action.append("clean" if answer == "ignore" else "review" if isinstance(versions, list) else "annotate")
        found.units.append("0" if answer == "ignore" else "1" if isinstance(versions, list) else str(_units(final, answer)))
        if isinstance(versions, list) and answer != "ignore" and worker is not None and key is not None:
            item = cells["_input_hash"][place] or task or ""
            judged += _verdicts(place, versions, final | {"answer": answer}, key, item, worker, at, dataset)
    work = exported.canonical(
        "annotations", raw,
        {
            "event_id": exported.texts(found.event), "worker_id": exported.texts(found.worker), "project_id": exported.constant(dataset, raw),
            "item_id": exported.texts([one or task for one, task in zip(cells["_input_hash"], cells["_task_hash"], strict=True)]),
            "ts": exported.texts(cells["_timestamp"]), "action": exported.texts(found.action), "units": exported.texts(found.units),
        },
        extra=_KEPT,
    )  # fmt: skip
    return work, judged


def person(session: str, dataset: str) -> str:
    """Whoever a session is named after: Prodigy writes DATASET-NAME. An unnamed session is called by its start.

    >>> person("boxes-li%20wei", "boxes"), person("2026-03-05_09-30-00", "boxes"), person("boxes", "boxes")
    ('li wei', '2026-03-05_09-30-00', 'boxes')
    """
    name = session[len(dataset) + 1 :] if session.startswith(f"{dataset}-") else session
    return unquote(name).strip() or session


def _units(final: Mapping[str, Any], answer: str) -> int:
    """Spans or regions, and relations between them, of an accepted answer; 1 where it only answers a question."""
    if answer != "accept" or not isinstance(final.get("spans"), list):
        return 1
    relations = final.get("relations")
    return len(final["spans"]) + (len(relations) if isinstance(relations, list) else 0)


def _parsed(told: str | None) -> Any:
    """A cell that is JSON as what it stands for, any other as its text."""
    if told is None or told[:1] not in ("[", "{"):
        return told
    try:
        return json.loads(told)
    except (ValueError, RecursionError):
        return told


# Reviews --------------------------------------------------------------------------------------------------------------------
def _verdicts(
    place: int, versions: Sequence[Any], final: Mapping[str, Any], key: str, item: str, reviewer: str, at: str | None, dataset: str
) -> Iterator[_Verdict]:
    wanted = _content(final)
    for version in versions:
        if not isinstance(version, dict):
            continue
        given = version.get("sessions")
        sessions = given if isinstance(given, list) else [version.get("_annotator_id") or version.get("_session_id")]
        for session in sessions:
            if isinstance(session, str) and session:
                yield _Verdict(place, f"{key}:{session}", item, session, reviewer, at, _content(version) == wanted)


def _content(answer: Mapping[str, Any]) -> object:
    """What an answer says, apart from how it was written down."""
    shapes = [
        sorted(json.dumps([part.get(name) for name in _PARTS], sort_keys=True) for part in answer[kind] if isinstance(part, dict))
        for kind in ("spans", "relations")
        if isinstance(answer.get(kind), list)
    ]
    accept = answer.get("accept")
    chosen = sorted(map(str, accept)) if isinstance(accept, list) else accept
    return str(answer.get("answer") or "accept").lower(), shapes, chosen, answer.get("label")


_Home = Mapping[str, Sequence[tuple[str, str, str]]]
"""Of each item, the (worker, project, event) of those who worked on it."""


def _home(verdicts: Sequence[_Verdict], source: str, read: Read) -> _Home:
    """The log's work on the items that were reviewed: the review's dataset is not the one it judges."""
    items = sorted({one.item for one in verdicts})
    rows = read(
        """SELECT item_id, k.worker_id, project_id, event_id FROM work AS w JOIN source AS s USING (source_key)
            JOIN worker AS k ON k.worker_key = coalesce(w.given_key, w.worker_key) JOIN project USING (project_key)
        WHERE s.name = ? AND action = 0 AND item_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY ts, event_id""",
        [source, items],
    )
    found: dict[str, list[tuple[str, str, str]]] = {}
    for item, worker, project, event in rows:
        found.setdefault(item, []).append((worker, project, event))
    return found


def _reviews(raw: RawBatch, verdicts: Sequence[_Verdict], dataset: str, home: _Home) -> Batch:
    at_home = [_author(one, dataset, home) for one in verdicts]
    places = [one.place for one in verdicts]
    shown = RawBatch({}, raw.line[places], lambda row: raw.raw(places[row]))
    return exported.canonical("reviews", shown, {
        "review_id": exported.texts([one.review for one in verdicts]), "worker_id": exported.texts([author for author, _, _ in at_home]),
        "project_id": exported.texts([project for _, project, _ in at_home]), "event_id": exported.texts([event for _, _, event in at_home]),
        "item_id": exported.texts([one.item for one in verdicts]), "reviewer_id": exported.texts([one.reviewer for one in verdicts]),
        "ts": exported.texts([one.ts for one in verdicts]), "verdict": exported.texts(["accept" if one.same else "reject" for one in verdicts]),
    })  # fmt: skip


def _author(one: _Verdict, dataset: str, home: _Home) -> tuple[str, str, str | None]:
    """Worker, project and event of the answer that was judged; where the log has none, what the session's name says."""
    known = [found for found in home.get(one.item, ()) if one.author in (found[0], f"{found[1]}-{found[0]}")]
    quoted = [found for found in home.get(one.item, ()) if unquote(one.author) in (found[0], f"{found[1]}-{found[0]}")]
    for worker, project, event in reversed(known or quoted):
        return worker, project, event
    return person(one.author, dataset), dataset, None
