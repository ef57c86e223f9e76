"""CVAT's events export (`logs_….csv`): the facts a pull gives, under the same keys, whatever span it covers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from data.connectors import cvat_facts as facts
from data.connectors import exported
from data.connectors.connector import Connection, Cursor, Names, Read
from data.connectors.cvat_events import NEEDED, seen_in
from data.tables import Batch

JOBS = 500  # compared with the log at a time
_SIGNS = (*NEEDED, "payload", "duration", "task_id")


class CvatFiles:
    """How to know an events export of CVAT, and what is in it."""

    tool = "cvat"
    title = "CVAT"

    def knows(self, path: Path) -> bool:
        """Whether the file's first line names the columns of CVAT's events."""
        first = exported.head(path).partition(b"\n")[0]
        names = {name.strip(b' \r"') for name in first.replace(b";", b",").replace(b"\t", b",").split(b",")}
        return all(name.encode() in names for name in _SIGNS)

    def batches(
        self,
        path: Path,
        source: str,
        connection: Connection | None,
        cursor: Cursor,
        read: Read,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[Batch]:
        """The file's facts, united with what the log holds some hundred jobs at a time; what cannot be read as rejects.

        All events of a job have to be seen before its rows are made, so the file is read once whole; of each event a few bytes are kept.
        """
        total = path.stat().st_size
        done = 0

        def step(size: int) -> None:
            nonlocal done
            done = min(total, done + size)
            if progress:
                progress(done, total)

        seen = seen_in(path, step)
        given = connection.people if connection else {}
        names = Names(source, connection.projects if connection else {}, {**given, **cursor.get("people", {})}).knowing(seen.people, given)
        jobs = iter(facts.chosen(seen, connection.only if connection else ()).items())
        rejects = seen.rejects
        while (some := dict(islice(jobs, JOBS))) or rejects:
            yield from facts.batches(read, names, some, rejects)
            rejects = []
        if (people := facts.people_batch(read, names, seen.people)) is not None:
            yield people
