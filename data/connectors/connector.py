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
from typing import Any, Protocol

from duckdb import DuckDBPyConnection

from data.tables import Batch

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
    tool (all when empty). `keep_deleted`: what is deleted in the tool keeps its output here.
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
class Page:
    """One committed step of a pull.

    `batches` is called inside the transaction that commits `cursor` and gives what to load, comparing with the log where it has
    to; `seen` counts the tool's records read; `newest` is the latest instant among them, UTC.
    """

    cursor: Cursor
    batches: Callable[[DuckDBPyConnection], list[Batch]]
    seen: int = 0
    newest: datetime | None = None


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


class Exports(Protocol):
    """The files a tool exports: how to know one and what its rows are."""

    tool: str

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
