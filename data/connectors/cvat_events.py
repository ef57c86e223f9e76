"""CVAT's event log, as an events CSV has it: what of it is work, job by job, in a form that can be kept and merged.

An export is `SELECT * FROM events` with a header: columns are found by name, unknown ones are left alone. No event has an id, and the
database that keeps them may have written one twice: two rows that say the same are one event. Of each event a few characters are
kept (`Event.text`), among the events of one person in one job in one hour; so events are sets, and windows, files and repeats of
them can be put together in any order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data.delimited import Delimited
from data.errors import InputError
from data.tables import LOG_LIMIT, Reject, reason

HOUR = 3_600_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST, _NEWEST = (int((datetime(year, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) * 1000 for year in (1900, 2200))
NEEDED = ("scope", "timestamp", "user_id", "job_id")
STATES = ("new", "in progress", "completed", "rejected")
STAGES = ("annotation", "validation", "acceptance")
WORKING_TIME = "send:working_time"
_KINDS = {"tags": "t", "shapes": "s", "tracks": "k"}
_SHAPES = {
    "rectangle": "r", "polygon": "p", "polyline": "l", "points": "o", "ellipse": "e", "cuboid": "c", "mask": "m", "skeleton": "k",
}  # fmt: skip
_CHANGES = {f"{verb}:{kind}": (sign, kind) for verb, sign in (("create", "C"), ("update", "U"), ("delete", "D")) for kind in _KINDS}
SCOPES = (WORKING_TIME, "update:job", *_CHANGES)
_TEXT = re.compile(r"(\d+)([WCBPUDSG])([a-z]*)(\d+)(?::([\d,-]+))?")
_LONGEST = int(LOG_LIMIT * 1000)
_MOST_RANGES = 200  # of ids of one event; beyond, the event is kept without them

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a job. `at` is in ms since 1970, UTC, by the server's clock.

    `sign`: W working time (`n` ms, from `at` on); C shapes, tags or tracks created in a browser, B the same where the server does not say
    by what program, P placed by a program (an import, a batch run of a model, a script), U updated, D deleted (`n` of them, of the kind
    `what`, with these ids: ids of ranges, None where it does not say); S, G moved to a state or a stage (`n` is its place in STATES, STAGES).
    """

    at: int
    user: str
    sign: str
    what: str
    n: int
    ids: Ranges | None = None

    @property
    def text(self) -> str:
        """What is kept of it, beside its person and hour.

        >>> Event(3 * HOUR + 5, "58", "C", "sr", 3, ((9, 10), (12, 12))).text
        '5Csr3:9-10,12'
        """
        ids = "" if self.ids is None else ":" + ",".join(str(low) if low == high else f"{low}-{high}" for low, high in self.ids)
        return f"{self.at % HOUR}{self.sign}{self.what}{self.n}{ids}"


def of_text(text: str, user: str, hour: int) -> Event:
    """The event that was kept as `text` for that person in that hour (hours since 1970)."""
    found = _TEXT.fullmatch(text)
    assert found is not None, text
    offset, sign, what, n, listed = found.groups()
    ids = None
    if listed is not None:
        pairs = (part.partition("-") for part in listed.split(","))
        ids = tuple((int(low), int(high or low)) for low, _, high in pairs)
    return Event(hour * HOUR + int(offset), user, sign, what, int(n), ids)


def ranges(ids: Iterable[int]) -> Ranges:
    """Ids as ranges of consecutive ones.

    >>> ranges([12, 9, 10, 10])
    ((9, 10), (12, 12))
    """
    found: list[tuple[int, int]] = []
    for one in sorted(set(ids)):
        if found and one == found[-1][1] + 1:
            found[-1] = found[-1][0], one
        else:
            found.append((one, one))
    return tuple(found)


class Unreadable(Exception):
    """An event that cannot be read: the code of the reject, the column and the value."""

    def __init__(self, code: str, column: str, value: object = None) -> None:
        super().__init__(code)
        self.code, self.column, self.value = code, column, None if value is None else str(value)[:200]


def instant(value: object, column: str = "ts") -> int:
    """An instant in ms since 1970; without a zone it is UTC. Raises Unreadable.

    >>> instant("2026-03-02 01:12:33.120000+00:00")
    1772413953120
    """
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Unreadable("missing" if value in (None, "") else "instant", column, value) from None
    found = ((moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment) - EPOCH) // timedelta(milliseconds=1)
    if not _OLDEST <= found < _NEWEST:
        raise Unreadable("instant", column, value)
    return found


def _whole(value: object, code: str, column: str) -> int | None:
    """A whole number of the log; None for none. Raises Unreadable."""
    text = str(value).removesuffix(".0") if value not in (None, "") else ""
    if text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Unreadable(code, column, value)
    return int(text)


@dataclass(slots=True)
class Job:
    """What was seen of one job: its events by (person, hour since 1970) as texts, and where it was last seen to belong.

    `project` and `task` are the tool's ids, None where no event names them.
    """

    cells: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    project: str | None = None
    task: str | None = None
    placed: int = -1


@dataclass(slots=True)
class Seen:
    """What was seen of a log: jobs, people (user name, e-mail), the first instant, the last one of each scope, ms, and
    how many rows there were."""

    jobs: dict[str, Job] = field(default_factory=dict)
    people: dict[str, tuple[str, str]] = field(default_factory=dict)
    scopes: dict[str, int] = field(default_factory=dict)
    began: int = 0
    rows: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row of SCOPES. What is done outside a job (in lists, on pages of a task) is no work on an item. Raises Unreadable."""
        scope = str(row["scope"])
        job = _whole(row["job_id"], "integer", "item_id")
        at = instant(row["timestamp"])
        self.began = min(at, self.began) if self.scopes else at
        self.scopes[scope] = max(at, self.scopes.get(scope, at))
        if job is None:
            return
        user = _whole(row["user_id"], "integer", "worker_id")
        event = self._event(scope, at, "" if user is None else str(user), row)
        if event is None:
            return
        if user is None:
            raise Unreadable("missing", "worker_id")
        held = self.jobs.setdefault(str(job), Job())
        held.cells.setdefault((event.user, at // HOUR), set()).add(event.text)
        self.people[event.user] = str(row.get("user_name") or ""), str(row.get("user_email") or "")
        project, task = (
            _whole(row.get(name), "integer", column) for name, column in (("project_id", "project_id"), ("task_id", "batch_id"))
        )
        if at >= held.placed and (project is not None or task is not None):
            held.placed, held.project, held.task = at, *(None if one is None else str(one) for one in (project, task))

    def _event(self, scope: str, at: int, user: str, row: Mapping[str, Any]) -> Event | None:
        if scope == WORKING_TIME:
            spent = _whole(row.get("duration"), "duration", "duration_s") or _whole(
                _payload(row).get("working_time"), "duration", "duration_s"
            )
            if spent is not None and spent > _LONGEST:
                raise Unreadable("range", "duration_s", spent / 1000)
            return Event(at, user, "W", "", spent) if spent else None
        if scope == "update:job":
            for name, sign, known in (("state", "S", STATES), ("stage", "G", STAGES)):
                if row.get("obj_name") == name and row.get("obj_val") in known:
                    return Event(at, user, sign, "", known.index(row["obj_val"]))
            return None
        sign, kind = _CHANGES[scope]
        payload = _payload(row)
        listed = payload.get(kind)
        ids = (
            None
            if not isinstance(listed, list) or not listed
            else [one["id"] for one in listed if isinstance(one, dict) and type(one.get("id")) is int and one["id"] >= 0]
        )
        # `count` is sixteen bits wide: where the payload lists the objects, their number is that of the list.
        count = len(listed) if isinstance(listed, list) and listed else _whole(row.get("count"), "number", "units")
        if count is None:
            raise Unreadable("missing", "units")
        if count > LOG_LIMIT:
            raise Unreadable("range", "units", count)
        if sign == "C":
            sign = {None: "B", True: "C", False: "P"}[_in_browser(payload)]
        kept = ranges(ids) if ids is not None and len(ids) == count else None
        what = _KINDS[kind] + ("" if kind == "tags" else _SHAPES.get(str(row.get("obj_name") or ""), "x"))
        return Event(at, user, sign, what, count, kept if kept is not None and len(kept) <= _MOST_RANGES else None) if count else None


def _payload(row: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        found = json.loads(row.get("payload") or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _in_browser(payload: Mapping[str, Any]) -> bool | None:
    """Whether a request came out of a browser: the user agent of one, no agent (a worker of the server) or another; None where the
    server does not write agents down."""
    request = payload.get("request")
    if not isinstance(request, dict) or "user_agent" not in request:
        return None
    return str(request["user_agent"] or "").startswith("Mozilla/")


def seen_in(path: Path, progress: Callable[[int], None] | None = None) -> Seen:
    """All of an events CSV. Raises InputError for a file that is none, or cannot be read."""
    found = Seen()
    if path.stat().st_size < 8 and not path.read_bytes().strip(b'\xef\xbb\xbf\r\n "'):
        return found  # an export of no events may lack even the header
    source = Delimited(path, progress)
    if missing := [name for name in NEEDED if name not in source.headers]:
        raise InputError(
            f"{path.name} is no events export of CVAT: it has no column {', '.join(missing)}.",
            f"{path.name} 不是 CVAT 的事件导出文件：缺少列 {'、'.join(missing)}。",
        )
    wanted = pa.array(SCOPES, pa.string())
    for raw in source.batches():
        found.rejects += raw.rejects
        found.rows += len(raw.line) + len(raw.rejects)
        if not len(raw.line):
            continue
        places = pc.indices_nonzero(pc.is_in(raw.columns["scope"].cast(pa.string()), value_set=wanted)).to_pylist()
        names = [name for name in (*NEEDED, *_OPTIONAL) if name in raw.columns]
        chosen = {name: raw.columns[name].take(pa.array(places, pa.int64())).to_pylist() for name in names}
        for order, place in enumerate(places):
            try:
                found.add({name: chosen[name][order] for name in names})
            except Unreadable as error:
                found.rejects.append(refused(int(raw.line[place]), error, raw.raw(place)))
    return found


_OPTIONAL = ("obj_name", "obj_val", "count", "duration", "payload", "project_id", "task_id", "user_name", "user_email")


def refused(line: int, error: Unreadable, raw: str) -> Reject:
    """An event that cannot be read, as a reject with its text."""
    return Reject(line, error.code, error.column, error.value, reason(error.code, "annotations", error.column, error.value)[0], raw)
