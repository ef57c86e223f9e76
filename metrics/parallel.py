"""Statements side by side: most of what a small one costs is planning, which takes one core however many there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Made = TypeVar("Made")

_others = ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="piecework-statements")


def side_by_side(work: Callable[[Thing], Made], things: Sequence[Thing]) -> list[Made]:
    """What `work` makes of each thing, in their order. The caller takes its share, from the last on, so that nobody waits for a thread
    that is busy with somebody else's. Raises what `work` raises; what it was not begun with by then is left.

    >>> side_by_side(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    waiting: list[Future[Made]] = [_others.submit(work, thing) for thing in things[:-1]]
    try:
        made = [work(thing) for thing in things[-1:]]
        for place in reversed(range(len(waiting))):
            if waiting[place].cancel():
                made.append(work(things[place]))
            else:
                made.append(waiting[place].result())
    finally:
        for future in waiting:
            future.cancel()
    return made[::-1]
