"""The one thread that writes while a server runs: a bounded queue, small jobs done together, answers only when they are done."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from data.errors import PieceworkError, StoreError
from data.store import Store

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")

MAX_JOBS = 256
MAX_BYTES = 64 << 20
GROUP = 64  # so many items at most are handed to one call of `together`
# Senders that were answered together send again together: the writer waits for them a little, as a share of what their last group took.
LINGER, LINGER_S = 0.05, 1.0


class QueueFull(PieceworkError):
    """Too much is waiting to be written; nothing was taken."""

    def __init__(self) -> None:
        super().__init__("The server is busy writing: send this again in a moment.", "服务器正忙于写入，请稍后重发。")


@dataclass(frozen=True, slots=True)
class _Job:
    item: Any
    together: Callable[[Store, list[Any]], Sequence[Any]]
    size: int
    answer: Future[Any] = field(default_factory=Future)


class Writer:
    """A queue in front of the store. Answers are futures; a job that fails fails its own future and nothing else."""

    def __init__(self, store: Store, *, jobs: int = MAX_JOBS, size: int = MAX_BYTES) -> None:
        self._store, self._max_jobs, self._max_size = store, jobs, size
        self._waiting: deque[_Job] = deque()
        self._size = 0
        self._closed = False
        self._crowd, self._took = 1, 0.0  # how many were done together last, and in how many seconds
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="piecework-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Store], R]) -> Future[R]:
        """Do one thing alone, after what waits already. Meant for what a person asked for: it is always taken."""
        return self._put(_Job(job, _alone, 0), bounded=False)

    def join(self, item: I, together: Callable[[Store, list[I]], Sequence[R | Exception]], *, size: int = 0) -> Future[R]:
        """Have `item` done in one call of `together` with its neighbours in the queue that name the same function.

        `together` gives one answer, or the exception that is its answer, for each item in order. `size` is in bytes and
        counts against the queue's bound until the job is done. Raises QueueFull.
        """
        return self._put(_Job(item, together, size), bounded=True)

    def close(self, timeout: float = 60) -> None:
        """Finish what waits, then stop; nothing is taken any more."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join(timeout)

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return len(self._waiting)

    def _put(self, job: _Job, *, bounded: bool) -> Future[Any]:
        with self._wake:
            if self._closed:
                raise StoreError("The server is shutting down.", "服务器正在关闭。")
            # One job larger than the whole bound is taken when nothing else waits, or it could never be.
            if bounded and (len(self._waiting) >= self._max_jobs or (self._size and self._size + job.size > self._max_size)):
                raise QueueFull
            self._waiting.append(job)
            self._size += job.size
            self._wake.notify_all()
        return job.answer

    def _take(self) -> list[_Job]:
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return []
            if self._crowd > 1 and self._waiting[0].together is not _alone:
                self._wake.wait_for(lambda: len(self._waiting) >= self._crowd or self._closed, min(LINGER_S, LINGER * self._took))
            taken = [self._waiting.popleft()]
            while (
                self._waiting and taken[0].together is not _alone and self._waiting[0].together is taken[0].together and len(taken) < GROUP
            ):
                taken.append(self._waiting.popleft())
            return taken

    def _run(self) -> None:
        while taken := self._take():
            began = time.monotonic()
            wanted = [job for job in taken if job.answer.set_running_or_notify_cancel()]
            try:
                answers: Sequence[Any] = taken[0].together(self._store, [job.item for job in wanted]) if wanted else []
                if len(answers) != len(wanted):
                    raise RuntimeError(f"{len(wanted)} items, {len(answers)} answers")
            except BaseException as error:  # the thread outlives whatever a job does; the caller gets the error
                answers = [error] * len(wanted)
            self._crowd, self._took = len(taken), time.monotonic() - began
            for job, answer in zip(wanted, answers, strict=True):
                if isinstance(answer, BaseException):
                    job.answer.set_exception(answer)
                else:
                    job.answer.set_result(answer)
            with self._wake:
                self._size -= sum(job.size for job in taken)


def _alone(store: Store, jobs: list[Callable[[Store], R]]) -> list[R]:
    return [jobs[0](store)]
