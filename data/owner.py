"""The store this process owns, and the thread that writes to it: what pages and routes ask for.

The server installs it when it starts; a test installs one around `AppTest`:

    with owner.owning(Store(tmp_path / "s.duckdb")) as own:
        AppTest.from_file("pages/app.py").run()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from data.errors import StoreError
from data.store import Store
from data.writer import Writer


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
