"""The thread that pulls connections while a server runs: each when it is due, sooner when a webhook hints at news."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from data import connections
from data.connectors.client import ToolError
from data.connectors.registry import connector
from data.errors import PieceworkError, StoreError
from data.owner import Owner

AT_ONCE = 4  # connections pulled side by side; each waits for its own tool
LOOK_S = 1.0  # from one look at the schedule to the next
SETTLE_S = 2.0  # after a hint the tool may still be committing: it is asked once more
PATIENCE_S = 5.0  # for pulls under way when the server stops; a tool that does not answer is not waited for

log = logging.getLogger("piecework.puller")


@dataclass(slots=True)
class _Due:
    """When a connection is next to be pulled, on the monotonic clock, and whether to look for deleted things then."""

    at: float
    sweep: bool = False
    hinted: bool = False
    running: bool = False


class Puller:
    """Pulls every connection of the store on its schedule, with back-off after failures, through the one writer."""

    def __init__(self, own: Owner) -> None:
        self._own = own
        self._due: dict[str, _Due] = {}
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="piecework-puller", daemon=True)
        self._thread.start()

    def hint(self, name: str, *, sweep: bool = False) -> None:
        """A connection has news: pull it now, or once more when a pull is under way. It returns at once."""
        with self._wake:
            due = self._due.setdefault(name, _Due(time.monotonic()))
            due.at = min(due.at, time.monotonic())
            due.sweep, due.hinted = due.sweep or sweep, True
            self._wake.notify_all()

    def close(self) -> None:
        """Stop after the pages under way; what is left is read by the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
            self._wake.wait_for(lambda: not self._running(), PATIENCE_S)
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            try:
                names = {one.name for one in connections.connections(self._own.store)}
            except Exception:
                log.exception("The connections could not be read")
                names = set(self._due)
            with self._wake:
                now = time.monotonic()
                for name in names:
                    self._due.setdefault(name, _Due(now))
                for name, due in sorted(self._due.items(), key=lambda item: item[1].at):
                    if name not in names and not due.running:
                        del self._due[name]
                    elif due.at <= now and not due.running and self._running() < AT_ONCE and not self._stopping:
                        sweep, hinted = due.sweep, due.hinted
                        due.running, due.at, due.sweep, due.hinted = True, float("inf"), False, False
                        threading.Thread(target=self._pull, args=(name, due, sweep, hinted), name=f"pull {name}", daemon=True).start()
                self._wake.wait_for(self._pressing, LOOK_S)

    def _running(self) -> int:
        return sum(due.running for due in self._due.values())

    def _pressing(self) -> bool:
        free = self._running() < AT_ONCE
        return self._stopping or (free and any(due.at <= time.monotonic() and not due.running for due in self._due.values()))

    def _pull(self, name: str, due: _Due, sweep: bool, hinted: bool) -> None:
        wait = float(connections.SHORTEST_S)
        try:
            wait = self._pulled(name, sweep)
        except Exception:
            if not self._stopping:
                log.exception("Pulling %s failed", name)
        finally:
            with self._wake:
                if hinted or due.hinted:
                    wait = min(wait, SETTLE_S)
                due.running, due.hinted, due.at = False, False, time.monotonic() + wait
                self._wake.notify_all()

    def _pulled(self, name: str, sweep: bool) -> float:
        """Pull once; the seconds until the next time."""
        own, asked = self._own, 0.0
        try:
            connections.pull(
                own.store, name, sweep=sweep, submit=lambda job: own.writer.submit(job).result(), stopping=lambda: self._stopping
            )  # fmt: skip
        except PieceworkError as error:
            if self._stopping:
                return 0.0
            log.warning("%s: %s", name, error)
            asked = error.wait or 0.0 if isinstance(error, ToolError) else 0.0
        state = next((one for one in connections.states(own.store) if one.name == name), None)
        return 0.0 if state is None else max(asked, connections.back_off(state.every_s, state.failures))


_puller: Puller | None = None


@contextmanager
def pulling(own: Owner) -> Iterator[Puller]:
    """Pull the connections of this process's store until the block ends."""
    global _puller
    before, mine = _puller, Puller(own)
    _puller = mine
    try:
        yield mine
    finally:
        _puller = before
        mine.close()


def puller() -> Puller:
    """The one of this process. Raises StoreError where none runs."""
    if _puller is None:
        raise StoreError("No connections are pulled in this process.", "本进程没有运行拉取。")
    return _puller


def news(name: str, tool: str, action: str) -> None:
    """A webhook of a connection came, of that action: what it says is not believed, only that there is something to read."""
    puller().hint(name, sweep=connector(tool).hinted_sweep(action))
