"""The store this process owns, and the thread that writes to it: what pages and routes ask for.

The server installs it when it starts; a test installs one around `AppTest`:

    with owner.owning(Store(tmp_path / "s.duckdb")) as own:
        AppTest.from_file("pages/app.py").run()
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.errors import StoreError
from data.store import Store
from data.writer import Writer

MEMORY = os.environ.get("PIECEWORK_MEMORY", "900MB")
THREADS = max(1, (os.cpu_count() or 1) - 1)  # of a small statement: a screen's run side by side (Store.wide for the large)


def opened(path: Path, *, create: bool = True) -> Store:
    """The store as a server opens it, with its share of the machine. Raises as Store does."""
    return Store(path, create=create, memory=MEMORY, threads=THREADS)


@dataclass(frozen=True, slots=True)
class Owner:
    """The open store and its writer."""

    store: Store
    writer: Writer


_owner: Owner | None = None


def owner() -> Owner:
    """What this process owns. Raises StoreError where no store is open (a script run outside the server)."""
    if _owner is None:
        raise StoreError(
            "No store is open in this process: start the server with “python dashboard.py”.",
            "本进程没有打开数据：请用 “python dashboard.py” 启动服务。",
        )
    return _owner


def owned(store: Store) -> Owner | None:
    """What this process owns, if it is this very store: then writing is its writer's business. None where nobody else writes."""
    return _owner if _owner is not None and _owner.store is store else None


@contextmanager
def owning(store: Store) -> Iterator[Owner]:
    """Make `store` the one of this process until the block ends; the writer finishes its queue then. The store stays open."""
    global _owner
    before, mine = _owner, Owner(store, Writer(store))
    _owner = mine
    try:
        yield mine
    finally:
        _owner = before
        mine.writer.close()
