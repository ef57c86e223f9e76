"""What was seen of CVAT and what the log holds → canonical batches: jobs are made anew from both together.

The rows of the log carry their events in `extra` (`{"events": "…"}`, see `cvat_events`), so what a pull or a file brings is united with what any
other brought before, and reading something again changes nothing. A row that its job no longer has (its events turned out to belong to
another phase) stays without output and time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data.connectors.connector import Names, Read
from data.connectors.cvat_events import HOUR, Event, Job, Seen, of_text
from data.connectors.cvat_jobs import JobLife, Row, Verdict
from data.tables import ARROW, Batch, Reject

_KNOWN = """SELECT w.event_id, k.worker_id, p.project_id, w.item_id, b.batch_id, epoch_ms(w.ts), w.action, w.round, w.units, w.prelabelled_units, w.seconds, w.extra
    FROM work AS w JOIN worker AS k ON k.worker_key = coalesce(w.given_key, w.worker_key) JOIN project AS p USING (project_key) LEFT JOIN batch AS b ON b.batch_key = w.batch_key AND w.batch_key <> 0
    WHERE w.source_key = (SELECT source_key FROM source WHERE name = ?) AND w.item_id IN (SELECT unnest(?::VARCHAR[]))"""
_ACTIONS = ("annotate", "rework", "review", "clean")


def project_of(job: Job) -> str | None:
    """The tool's project of a job, or its task where that stands alone; None where neither is known.

    >>> project_of(Job(task="41"))
    'task-41'
    """
    return job.project or (None if job.task is None else f"task-{job.task}")


@dataclass(frozen=True, slots=True)
class Known:
    """A row that the log holds."""

    event_id: str
    worker_id: str
    project_id: str
    item_id: str
    batch_id: str | None
    ts: int | None
    action: str
    round: int
    units: int
    prelabelled: int | None
    ms: int | None
    extra: str | None

    @property
    def cell(self) -> tuple[str, int]:
        """Whose it is, and its hour (since 1970)."""
        _, user, stamp = self.event_id.split(":")
        begun = datetime.strptime(stamp.partition("+")[0], "%Y-%m-%dT%H").replace(tzinfo=UTC)
        return user, int(begun.timestamp()) * 1000 // HOUR

    @property
    def events(self) -> list[Event]:
        """The events it is made of."""
        texts = json.loads(self.extra).get("events", "") if self.extra else ""
        return [of_text(text, *self.cell) for text in texts.split()]


def known(read: Read, source: str, jobs: Iterable[str]) -> dict[str, list[Known]]:
    """What the log holds of these jobs."""
    found: dict[str, list[Known]] = {}
    for event, worker, project, item, batch, ts, action, number, units, pre, seconds, extra in read(_KNOWN, [source, list(jobs)]):
        row = Known(
            event, worker, project, item, batch, ts, _ACTIONS[action], number, int(units), None if pre is None else int(pre),
            None if seconds is None else int(seconds * 1000), extra,
        )  # fmt: skip
        if event.startswith(f"{item}:") and event.count(":") >= 2:
            found.setdefault(item, []).append(row)
    return found


def reading(cur: DuckDBPyConnection) -> Read:
    """Reading through a cursor: inside its transaction."""
    return lambda sql, params: cur.execute(sql, list(params)).fetchall()


def batches(read: Read, names: Names, jobs: Mapping[str, Job], rejects: Sequence[Reject] = ()) -> list[Batch]:
    """What to load for these jobs: their rows that are new, changed or touched by what was seen, and all their verdicts."""
    held = known(read, names.source, jobs)
    lines: list[Known] = []
    verdicts: list[tuple[Known, Verdict]] = []
    for name, job in jobs.items():
        mine, told = _rows(name, job, held.get(name, ()), names)
        lines += mine
        verdicts += told
    found = [_work(lines, rejects)] if lines or rejects else []
    if verdicts:
        found.append(_reviews(verdicts, names))
    return found


def _rows(name: str, job: Job, held: Sequence[Known], names: Names) -> tuple[list[Known], list[tuple[Known, Verdict]]]:
    events = {(event.user, event.at // HOUR, event.text): event for row in held for event in row.events}
    newest = max((event.at for event in events.values()), default=-1)
    for (user, hour), texts in job.cells.items():
        for text in texts:
            events.setdefault((user, hour, text), of_text(text, user, hour))
    life = JobLife(name, events.values())
    project = project_of(job)
    if held and (project is None or job.placed < newest):  # what is known is later than what was seen
        last = max(held, key=lambda row: (row.ts or 0, row.event_id))
        home, batch = last.project_id, last.batch_id
    else:
        home, batch = names.project(project or "none"), job.task
    before = {row.event_id: row for row in held}
    rows = {one.event_id: _known(one, name, home, batch, names) for one in life.rows.values()}
    found = [row for row in rows.values() if row.cell in job.cells or (was := before.get(row.event_id)) is None or _differs(row, was)]
    found += [
        Known(was.event_id, names.worker(was.cell[0]), home, name, batch, was.ts, "clean", was.round, 0, None, None, None)
        for was in held
        if was.event_id not in rows and (was.units or was.ms is not None or was.action != "clean" or was.extra is not None)
    ]
    return found, [(rows[verdict.row.event_id], verdict) for verdict in life.verdicts]


def _differs(row: Known, was: Known) -> bool:
    return (row.project_id, row.batch_id, row.ts, row.action, row.round, row.units, row.prelabelled, row.ms, row.extra) != (
        was.project_id, was.batch_id, was.ts, was.action, was.round, was.units, was.prelabelled, was.ms, was.extra,
    )  # fmt: skip


def _known(row: Row, job: str, project: str, batch: str | None, names: Names) -> Known:
    return Known(
        row.event_id, names.worker(row.user), project, job, batch, row.last, row.action, row.phase.round, row.units, row.prelabelled, row.ms,
        json.dumps({"events": " ".join(sorted(row.texts, key=lambda text: (len(text), text)))}) if row.texts else None,
    )  # fmt: skip


# Batches --------------------------------------------------------------------------------------------------------------------
def _work(rows: Sequence[Known], rejects: Sequence[Reject]) -> Batch:
    number = ARROW["quantity"]
    table = pa.table({
        "event_id": pa.array([row.event_id for row in rows], pa.string()), "worker_id": pa.array([row.worker_id for row in rows], pa.string()),
        "project_id": pa.array([row.project_id for row in rows], pa.string()), "item_id": pa.array([row.item_id for row in rows], pa.string()),
        "batch_id": pa.array([row.batch_id for row in rows], pa.string()), "ts": pa.array([row.ts for row in rows], ARROW["instant"]),
        "action": pa.array([row.action for row in rows], pa.string()), "round": pa.array([min(row.round, 65535) for row in rows], pa.int64()),
        "units": pa.array([Decimal(row.units) for row in rows], number),
        "prelabelled_units": pa.array([None if row.prelabelled is None else Decimal(row.prelabelled) for row in rows], number),
        "duration_s": pa.array([None if row.ms is None else Decimal(row.ms) / 1000 for row in rows], ARROW["seconds"]),
        "clock": pa.array([None if row.ms is None else "active" for row in rows], pa.string()),
        "extra": pa.array([row.extra for row in rows], pa.string()), "line": pa.array([0] * len(rows), pa.int64()),
    })  # fmt: skip
    return Batch("annotations", table, list(rejects), len(rows) + len(rejects))


def _reviews(verdicts: Sequence[tuple[Known, Verdict]], names: Names) -> Batch:
    table = pa.table({
        "review_id": pa.array([one.review_id for _, one in verdicts], pa.string()),
        "worker_id": pa.array([row.worker_id for row, _ in verdicts], pa.string()),
        "project_id": pa.array([row.project_id for row, _ in verdicts], pa.string()),
        "item_id": pa.array([row.item_id for row, _ in verdicts], pa.string()),
        "batch_id": pa.array([row.batch_id for row, _ in verdicts], pa.string()),
        "event_id": pa.array([row.event_id for row, _ in verdicts], pa.string()),
        "verdict": pa.array([one.verdict for _, one in verdicts], pa.string()),
        "stage": pa.array([one.stage for _, one in verdicts], pa.string()),
        "round": pa.array([min(row.round, 65535) for row, _ in verdicts], pa.int64()),
        "ts": pa.array([one.at for _, one in verdicts], ARROW["instant"]),
        "reviewer_id": pa.array([names.worker(one.reviewer) for _, one in verdicts], pa.string()),
        "inspected_units": pa.array([Decimal(row.units) for row, _ in verdicts], ARROW["quantity"]),
        "line": pa.array([0] * len(verdicts), pa.int64()),
    })  # fmt: skip
    return Batch("reviews", table, [], len(verdicts))


def people_batch(read: Read, names: Names, people: Mapping[str, tuple[str, str]]) -> Batch | None:
    """Names of people that the base does not know yet, by their user names; None without any."""
    wanted = {names.worker(user): words for user, words in people.items() if words[0] and names.worker(user) == f"{names.source}:{user}"}
    sql = "SELECT worker_id FROM worker WHERE name IS NOT NULL AND worker_id IN (SELECT unnest(?::VARCHAR[]))"
    for (held,) in read(sql, [list(wanted)]):
        del wanted[held]
    if not wanted:
        return None
    extra = [json.dumps({"email": email, "username": name}, ensure_ascii=False) for name, email in wanted.values()]
    table = pa.table({
        "worker_id": pa.array(list(wanted), pa.string()), "name": pa.array([name for name, _ in wanted.values()], pa.string()),
        "extra": pa.array(extra, pa.string()), "line": pa.array(range(len(wanted)), pa.int64()),
    })  # fmt: skip
    return Batch("workers", table, [], len(wanted))


def chosen(seen: Seen, only: Sequence[str]) -> dict[str, Job]:
    """The jobs of these projects of the tool; all when none is named."""
    return {name: job for name, job in seen.jobs.items() if not only or project_of(job) in only}
