"""Runs of screens take turns.

All runs share one interpreter: many at once make each other slow (they queue for its locks, a few milliseconds each time), so that nobody is
done before all are. One after another, most are done at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

AT_ONCE = 3  # so that some compute while the store works for another
PATIENCE = 5.0  # seconds after which a run goes ahead all the same: something large is being read or written elsewhere

_places = BoundedSemaphore(AT_ONCE)


@contextmanager
def taken() -> Iterator[None]:
    """Wait for a place, and keep it to the end of the block."""
    mine = _places.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if mine:
            _places.release()
