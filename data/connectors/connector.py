"""What a connector is: the small interface between one tool and the store.

A connector reads a tool and says what to load; it never writes. `pull` yields pages: each carries the rows to load and the
cursor from which to go on, and both are committed together, so a stop at any point loses nothing and doubles nothing.
Whatever a page is read twice must come out the same, under the same (source, event_id).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from duckdb import DuckDBPyConnection

from data.errors import PieceworkError
from data.tables import Batch

if TYPE_CHECKING:
    from data.load import LoadReport

Cursor = Mapping[str, Any]
"""How far a connection has read: a JSON object only its connector understands; empty at the beginning."""

Read = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
"""Rows of the store for a select and its parameters."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How a tool measures time: a name of `codes.CLOCKS`, whether idle time is in it, and what it means in both languages."""

    name: str
    idle: bool
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One connected tool, as the store keeps it. Credentials are references (env:NAME, file:/path), never secrets.

    `source` is the name under which its ids stand in the log. `projects` and `people` give this base's own ids for the tool's
    (a person by id, e-mail or user name); what they do not name is called SOURCE:ID. `only` limits it to these projects of the
    tool (all when empty). `keep_deleted`: what is deleted in the tool keeps its output here. `mapping` names the saved mapping
    through which a folder's files are read. `credential` is empty where the tool is a place on this machine.
    """

    name: str
    tool: str
    source: str
    address: str
    credential: str
    hook_secret: str | None = None
    projects: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    keep_deleted: bool = False
    every_s: int = 30
    mapping: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A project or a user of the tool: its id there and what people call it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a tool shows to this credential."""

    version: str | None
    projects: tuple[Named, ...]
    users: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that is a page of its own: it is read as `import` reads it, and is a load of its own under its name.

    After its commit `taken` is called with the reports; `refused` instead when the file itself cannot be taken (nothing of it is kept).
    """

    path: Path
    taken: Callable[[Sequence[LoadReport]], None]
    refused: Callable[[PieceworkError], None]


def nothing(_: DuckDBPyConnection) -> list[Batch]:
    """The rows of a page that only moves the cursor, or whose rows are a file's."""
    return []


@dataclass(frozen=True, slots=True)
class Page:
    """One committed step of a pull.

    `batches` is called inside the transaction that commits `cursor` and gives what to load, comparing with the log where it has
    to; `seen` counts the tool's records read; `newest` is the latest instant among them, UTC. With `file` the rows are that file's.
    `remark` (English, Chinese) says what somebody should look at although nothing failed.
    """

    cursor: Cursor
    batches: Callable[[DuckDBPyConnection], list[Batch]] = nothing
    seen: int = 0
    newest: datetime | None = None
    file: Whole | None = None
    remark: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """This base's own ids for the tool's; what has none is called SOURCE:ID."""

    source: str
    projects: Mapping[str, str]
    people: Mapping[str, str]

    def worker(self, user: str) -> str:
        """The worker id of a user of the tool."""
        return self.people.get(user, f"{self.source}:{user}")

    def project(self, project: str) -> str:
        """The project id of a project of the tool."""
        return self.projects.get(project, f"{self.source}:{project}")

    def knowing(self, people: Mapping[str, tuple[str, str]], given: Mapping[str, str]) -> Names:
        """The same with those people of whom the base gave the user name or the e-mail address."""
        found = {
            user: given[known] for user, words in people.items() for known in (*words, user) if known and known in given
        }  # fmt: skip
        return Names(self.source, self.projects, {**self.people, **found})


class Connector(Protocol):
    """One tool. Errors are PieceworkErrors with a sentence for the operator; they never quote a secret."""

    tool: str
    title: str
    clock: Clock

    def discover(self, connection: Connection) -> Discovery:
        """The projects and users this credential sees. Raises ToolError when the tool cannot be reached or refuses."""
        ...

    def pull(self, connection: Connection, cursor: Cursor, *, sweep: bool, read: Read) -> Generator[Page, None, None]:
        """Everything that changed since `cursor`, oldest first; with `sweep`, also what vanished. Raises ToolError midway."""
        ...

    def hinted_sweep(self, action: str) -> bool:
        """Whether a webhook's action says that something vanished which only a sweep can find."""
        ...


@runtime_checkable
class Local(Protocol):
    """A connector for a place on this machine instead of a server: no URL, no credential."""

    def place(self, connection: Connection, store: Path) -> str:
        """The address as it is kept. Raises InputError for what cannot be one for a base whose store is that file."""
        ...


class Exports(Protocol):
    """The files a tool exports: how to know one and what its rows are. A tool may have files only, and no connector."""

    tool: str
    title: str

    def knows(self, path: Path) -> bool:
        """Whether the file is one of the tool's exports, told by its shape."""
        ...

    def batches(
        self,
        path: Path,
        source: str,
        connection: Connection | None,
        cursor: Cursor,
        read: Read,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[Batch]:
        """The file's rows, with the same keys that a pull of the same tool gives them."""
        ...
