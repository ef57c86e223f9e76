"""Files loaded while people look elsewhere: each a job of the writer that goes on when the browser leaves, found again by account."""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.parquet as pq

from data import connections, load
from data.errors import PieceworkError
from data.load import LoadReport
from data.mapping import Mapping as Layout
from data.owner import Owner
from data.store import Store
from data.tables import Batch, Reject, reason
from data.uploads import Upload
from data.writer import Writer

State = Literal["waiting", "reading", "settling", "done", "failed"]
KEPT = 20  # finished jobs of an account that are remembered
READING = 0.7  # of the bar; the rest is for what follows once all rows are read

log = logging.getLogger("piecework.imports")


@dataclass(frozen=True, slots=True)
class Choice:
    """How a file is to be read: without table and mapping by its shape and headers. `zone` is for times without one."""

    table: str | None = None
    mapping: Layout | None = None
    source: str | None = None
    zone: str | None = None


def incoming(store: Store, path: Path, choice: Choice, progress: Callable[[int, int], None] | None = None) -> tuple[str, Iterator[Batch]]:
    """Whose ids a file's are, and its rows as `load` takes them; `progress(done, total)` is told bytes.

    Raises InputError for a file that cannot be read or fits no table, NameUnknown.
    """
    return connections.rows_of(
        store, path, table=choice.table, mapping=choice.mapping, source=choice.source, zone=choice.zone, progress=progress
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows of one table."""

    table: str
    rows: int
    new: int
    updated: int
    duplicates: int
    rejected: int
    undated: int


@dataclass(slots=True, eq=False)
class Job:
    """One file on its way in. `read` counts rows, of about `expected`; `error` is what ended a job that failed; times are monotonic."""

    by: str
    file: str
    size: int
    expected: int
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: State = "waiting"
    read: int = 0
    began: float | None = None
    read_at: float | None = None
    ended: float | None = None
    outcomes: tuple[Outcome, ...] = ()
    error: PieceworkError | None = None
    load_id: int | None = None
    upload: Upload | None = None
    sent: int = 0  # rows that the file has given so far: some are read before the load takes them
    over: bool = False  # it has no more

    @property
    def running(self) -> bool:
        """True until it is done or has failed."""
        return self.state in ("waiting", "reading", "settling")

    @property
    def share(self) -> float:
        """How far it is, 0 to 1. Rows read are counted; what follows takes about as long again, so that part is an estimate."""
        if not self.running:
            return 1.0
        if self.state == "settling" and self.began is not None and self.read_at is not None:
            reading = max(0.5, self.read_at - self.began)
            return READING + (0.98 - READING) * (1 - math.exp(-(time.monotonic() - self.read_at) / reading))
        return READING * min(1.0, self.read / max(self.expected, 1))

    @property
    def seconds(self) -> float:
        """How long it has been at work; 0 while it waits."""
        return 0.0 if self.began is None else (self.ended or time.monotonic()) - self.began

    def count(self, what: Literal["rows", "new", "updated", "duplicates", "rejected", "undated"]) -> int:
        """The rows of all tables with that fate."""
        return sum(getattr(one, what) for one in self.outcomes)

    def rejects(self) -> list[tuple[str, Reject]]:
        """All rows that were refused, with their tables, read back from disk."""
        if self.upload is None or not (kept := self.upload.folder / _REJECTS).exists():
            return []
        rows = pq.read_table(kept).to_pylist()
        return [(row.pop("table"), Reject(reason=reason(row["code"])[0], **row)) for row in rows]


_REJECTS = ".rejects.parquet"
_jobs: WeakKeyDictionary[Writer, list[Job]] = WeakKeyDictionary()
_guard = threading.Lock()


def start(own: Owner, upload: Upload, choice: Choice, *, by: str, expected: int = 0) -> Job:
    """Have the writer load a file after what waits already. It returns at once; the file is kept until the job has ended.

    Raises StoreError when the server is shutting down.
    """
    job = Job(by, upload.name, upload.size, expected, upload=upload)
    with _guard:
        _jobs.setdefault(own.writer, []).append(job)
    try:
        own.writer.submit(lambda store: _run(store, job, choice))
    except PieceworkError:  # the server is shutting down
        with _guard:
            _jobs[own.writer].remove(job)
        raise
    return job


def jobs(own: Owner, by: str) -> tuple[Job, ...]:
    """The jobs of an account on this server since it started, newest first: all that run, and the last KEPT that have ended."""
    with _guard:
        mine = [job for job in reversed(_jobs.get(own.writer, [])) if job.by == by]
    return tuple(mine)


def forget(own: Owner, job: Job) -> None:
    """Remember a finished job no longer; nothing in the store changes."""
    with _guard:
        if not job.running and job in _jobs.get(own.writer, []):
            _jobs[own.writer].remove(job)


def owns(own: Owner, by: str, load_ids: Collection[int]) -> bool:
    """Whether the account itself brought all of these loads since the server started."""
    return bool(load_ids) and set(load_ids) <= {job.load_id for job in jobs(own, by)}


def sites_of(store: Store, load_ids: Collection[int]) -> frozenset[str]:
    """The sites of the work and the reviews that stand as these loads brought them; the empty id for those of nobody's site."""
    found = store.rows(
        """SELECT DISTINCT site_id FROM (SELECT DISTINCT site_key FROM work WHERE list_contains($ids, load_id)
            UNION SELECT DISTINCT site_key FROM review WHERE list_contains($ids, load_id)) JOIN site USING (site_key)""",
        {"ids": list(load_ids)},
    )
    return frozenset(site for (site,) in found)


def _run(store: Store, job: Job, choice: Choice) -> None:
    """The job, on the writer's thread. It raises nothing: what went wrong is the job's."""
    assert job.upload is not None
    job.began, job.state = time.monotonic(), "reading"

    def progress(rows: int) -> None:
        job.read, job.read_at = rows, time.monotonic()
        _settle(job)

    try:
        source, batches = incoming(store, job.upload.path, choice)
        reports = load.load(store, _told(batches, job), source=source, file=job.file, progress=progress)
        _keep_rejects(job.upload, reports)
        job.outcomes = tuple(
            Outcome(one.table, one.rows, one.new, one.updated, one.duplicates, one.rejected, one.undated) for one in reports
        )
        job.load_id = store.rows("SELECT max(load_id) FROM load")[0][0]
        job.state = "done"
    except PieceworkError as error:
        job.error, job.state = error, "failed"
    except Exception as error:
        reference = secrets.token_hex(4)
        log.error("Importing %s failed; reference %s", job.file, reference, exc_info=error)
        job.error, job.state = PieceworkError(_BROKEN[0].format(reference), _BROKEN[1].format(reference)), "failed"
    finally:
        job.ended = time.monotonic()
        job.upload.path.unlink(missing_ok=True)
        _forget_old(job.by)


_BROKEN = (
    "The file holds something that the program does not understand; nothing of it was taken. Give your administrator the reference {}.",
    "文件中有程序无法理解的内容，未导入任何行。请把编号 {} 告诉管理员。",
)


def _told(batches: Iterator[Batch], job: Job) -> Iterator[Batch]:
    """The same batches, counted as they are read."""
    for batch in batches:
        job.sent += batch.read
        yield batch
    job.over = True
    _settle(job)


def _settle(job: Job) -> None:
    """Once the load has taken all rows there are, what follows begins. Told by the thread that reads and by the one that loads."""
    if job.over and job.read >= job.sent:
        job.read_at = job.read_at or time.monotonic()
        job.state = "settling"


def _keep_rejects(upload: Upload, reports: list[LoadReport]) -> None:
    found = [(one.table, reject) for one in reports for reject in one.rejects]
    if found:
        columns: dict[str, pa.Array] = {
            name: pa.array([getattr(reject, name) for _, reject in found]) for name in ("line", "code", "column", "value", "raw")
        }
        pq.write_table(pa.table({"table": pa.array([table for table, _ in found]), **columns}), upload.folder / _REJECTS)


def _forget_old(by: str) -> None:
    with _guard:
        for known in _jobs.values():
            ended = [job for job in known if job.by == by and not job.running]
            for job in ended[:-KEPT]:
                known.remove(job)
