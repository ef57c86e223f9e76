"""The tools a base is connected to: kept in the store without their secrets, pulled page by page.

A page's rows and the cursor that follows it are committed in one transaction, so that a stop at any point loses nothing and
doubles nothing. One pull of a connection runs at a time; all of them write through the one writer of a running server.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from data import load
from data import mapping as layouts
from data.connectors import credential
from data.connectors.client import base_url
from data.connectors.connector import Clock, Connection, Discovery, Local, Page, Whole
from data.connectors.registry import EXPORTS, connector
from data.errors import InputError, NameUnknown, PieceworkError
from data.load import LoadReport, Progress
from data.store import Store
from data.tables import Batch

R = TypeVar("R")
Submit = Callable[[Callable[[Store], R]], R]
"""Does a job on the store where writing is allowed, and gives its answer."""

SWEEP_S = 21_600  # from one look for deleted things to the next
SHORTEST_S, LONGEST_S = 5, 86_400
MOST_BACK_OFF_S = 900
_COLUMNS = "name, tool, source, address, credential, hook_secret, settings, every_s"

log = logging.getLogger("piecework.connections")


@dataclass(frozen=True, slots=True)
class State:
    """How a connection stands. Instants are UTC without zone; counts are since it was added.

    `caught_up_at` is the beginning of the last pull that read everything, `lag_s` the seconds since (None before the first);
    `newest_at` the latest instant read, by the tool's clock. `error` is None after a pull that succeeded, `failures` counts those
    that did not since. `remark` is what somebody should look at although the last pull succeeded. `next_at` is when the next pull is
    due: never while no server runs.
    """

    name: str
    tool: str
    title: str
    source: str
    address: str
    clock: Clock
    every_s: int
    created_at: datetime
    attempted_at: datetime | None
    caught_up_at: datetime | None
    swept_at: datetime | None
    newest_at: datetime | None
    next_at: datetime
    lag_s: float | None
    failures: int
    error: str | None
    error_zh: str | None
    seen: int
    new: int
    updated: int
    rejected: int
    remark: str | None = None
    remark_zh: str | None = None


@dataclass(slots=True)
class Pulled:
    """What one pull did: pages committed, records read, rows new, updated, known already and refused, and how long it took, s.

    `refused_files` counts files of which nothing was taken.
    """

    connection: str
    pages: int = 0
    seen: int = 0
    new: int = 0
    updated: int = 0
    duplicates: int = 0
    rejected: int = 0
    swept: bool = False
    refused_files: int = 0
    seconds: float = 0.0


# Kept in the store ---------------------------------------------------------------------------------------------------------
def add(store: Store, connection: Connection) -> None:
    """Keep a new connection. Raises InputError for a name, source, address, reference or schedule that cannot be."""
    address = _checked(store, connection)
    if not connection.name.strip() or any(sign in connection.name for sign in "/?#%"):
        raise InputError("A connection needs a name without / ? # %.", "连接需要名称，且不含 / ? # %。")
    with store.transaction() as cur:
        taken = cur.execute("SELECT name, source, tool, address FROM connection").fetchall()
        if connection.name in {name for name, *_ in taken}:
            raise InputError(f"There is a connection “{connection.name}” already.", f"已有名为“{connection.name}”的连接。")
        if connection.source in {source for _, source, *_ in taken}:
            raise InputError(
                f"Another connection has the source “{connection.source}”: ids of two tools must not be mixed.",
                f"来源“{connection.source}”已属于另一个连接：两个工具的编号不可混用。",
            )
        if isinstance(connector(connection.tool), Local) and (connection.tool, address) in {(tool, place) for *_, tool, place in taken}:
            raise InputError(f"Another connection has {address} already.", f"{address} 已属于另一个连接。")
        cur.execute(
            f"INSERT INTO connection ({_COLUMNS}, cursor, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '{{}}', ?)",
            [
                connection.name, connection.tool, connection.source, address, connection.credential, connection.hook_secret,
                _settings(connection), connection.every_s, _now(),
            ],
        )  # fmt: skip
        store.touch(())


def change(store: Store, connection: Connection) -> None:
    """Keep a connection as it is now; it goes on from where it stood, and is pulled at once. Its tool and source stay what they were.

    Raises NameUnknown for a name that is not there, InputError for what cannot be. New ids of projects and people hold for what is read
    from now on; `sync --again` reads the rest anew.
    """
    kept = get(store, connection.name)
    if (kept.tool, kept.source) != (connection.tool, connection.source):
        raise InputError(
            "The tool and the source of a connection stay what they are: its rows are known by them. Add another connection instead.",
            "连接的工具与来源不可更改：已有数据以此识别。请另建一个连接。",
        )
    address = _checked(store, connection)
    with store.transaction() as cur:
        cur.execute(
            """UPDATE connection SET address = ?, credential = ?, hook_secret = ?, settings = ?, every_s = ?, attempted_at = NULL, failures = 0,
                error = NULL, error_zh = NULL WHERE name = ?""",
            [address, connection.credential, connection.hook_secret, _settings(connection), connection.every_s, connection.name],
        )
        store.touch(())


def _settings(connection: Connection) -> str:
    """What has no column of its own, as JSON."""
    settings = {
        "projects": dict(connection.projects), "people": dict(connection.people), "only": list(connection.only),
        "keep_deleted": connection.keep_deleted, "mapping": connection.mapping,
    }  # fmt: skip
    return json.dumps(settings, ensure_ascii=False)


def _checked(store: Store, connection: Connection) -> str:
    """The address as it is kept: a place on this machine, or a URL with a credential. Raises InputError, NameUnknown."""
    one = connector(connection.tool)
    if not SHORTEST_S <= connection.every_s <= LONGEST_S:
        raise InputError(
            f"A connection is pulled every {SHORTEST_S} to {LONGEST_S:,} seconds.", f"拉取间隔应为 {SHORTEST_S} 至 {LONGEST_S:,} 秒。"
        )
    if isinstance(one, Local):
        if connection.mapping is not None:
            layouts.get(store, connection.mapping)
        return one.place(connection, store.path)
    credential.check(connection.credential)
    if connection.hook_secret is not None:
        credential.check(connection.hook_secret)
    if connection.mapping is not None:
        raise InputError(f"{one.title} needs no mapping.", f"{one.title} 不需要映射。")
    return base_url(connection.address)


def remove(store: Store, name: str) -> None:
    """Forget a connection; the facts it brought stay. Raises NameUnknown."""
    get(store, name)
    with store.transaction() as cur:
        cur.execute("DELETE FROM connection WHERE name = ?", [name])
        store.touch(())


def connections(store: Store) -> list[Connection]:
    """All of them, in order of name."""
    return [_connection(row) for row in store.rows(f"SELECT {_COLUMNS} FROM connection ORDER BY name")]


def get(store: Store, name: str) -> Connection:
    """The connection of that name. Raises NameUnknown with the nearest one."""
    found = store.rows(f"SELECT {_COLUMNS} FROM connection WHERE name = ?", [name])
    if not found:
        raise NameUnknown("connection", name, [known.name for known in connections(store)], "连接")
    return _connection(found[0])


def discover(connection: Connection) -> Discovery:
    """What the tool shows to this credential, asked now. Raises ToolError when it cannot be reached or refuses."""
    return connector(connection.tool).discover(connection)


def states(store: Store) -> tuple[State, ...]:
    """How every connection stands, in order of name: reads the store only, never the network."""
    rows = store.rows("""SELECT name, tool, source, address, every_s, created_at, attempted_at, caught_up_at, swept_at, newest_at, failures, error, error_zh,
        seen, new, updated, rejected FROM connection ORDER BY name""")
    now = _now()
    found = []
    for name, tool, source, address, every, created, attempted, caught_up, swept, newest, failures, said, said_zh, *counts in rows:
        one = connector(tool)
        lag = None if caught_up is None else max(0.0, (now - caught_up).total_seconds())
        found.append(
            State(
                name, tool, one.title, source, address, one.clock, every, created, attempted, caught_up, swept, newest,
                created if attempted is None else attempted + timedelta(seconds=back_off(every, failures)), lag, failures,
                *((said, said_zh, *counts) if failures else (None, None, *counts, said, said_zh)),
            )
        )  # fmt: skip
    return tuple(found)


def back_off(every_s: int, failures: int) -> float:
    """Seconds until the next pull: the schedule, doubled for each failure in a row, to a quarter of an hour.

    >>> [back_off(30, failures) for failures in (0, 1, 2, 10)]
    [30, 60, 120, 900]
    """
    return every_s if failures == 0 else max(every_s, min(every_s * 2 ** min(failures, 20), MOST_BACK_OFF_S))


# Pulling --------------------------------------------------------------------------------------------------------------------
_pulls: dict[tuple[str, str], threading.Lock] = {}
_pulls_guard = threading.Lock()


def pull(
    store: Store,
    name: str,
    *,
    sweep: bool = False,
    again: bool = False,
    progress: Progress | None = None,
    submit: Submit[Any] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Pulled:
    """Read a connection up to now and say what came. Waits for a pull of the same connection that is under way.

    `sweep` also looks for what was deleted (it is done by itself every SWEEP_S seconds), `again` reads everything from the
    beginning. `submit` does a job where writing is allowed; without it the store is this caller's own. Raises NameUnknown, and the PieceworkError
    that ended it: pages committed before stay, and the next pull goes on from there.
    """
    put: Submit[Any] = submit or (lambda job: job(store))
    with _pulls_guard:
        mine = _pulls.setdefault((str(store.path), name), threading.Lock())
    with mine:
        connection = get(store, name)
        began, started = _now(), time.monotonic()
        cursor, swept_at = store.rows("SELECT cursor, swept_at FROM connection WHERE name = ?", [name])[0]
        sweep = sweep or swept_at is None or began - swept_at >= timedelta(seconds=SWEEP_S)
        done = Pulled(name, swept=sweep)
        remark: tuple[str, str] | None = None
        try:
            if connection.mapping is not None:
                layouts.get(store, connection.mapping)
            start = {} if again else json.loads(cursor)
            with closing(connector(connection.tool).pull(connection, start, sweep=sweep, read=store.rows)) as pages:
                for page in pages:
                    try:
                        reports = put(_committing(connection, page, done))
                    except Exception as error:
                        if page.file is None or (why := _fault_of(page.file, error)) is None:
                            raise
                        done.refused_files += 1
                        page.file.refused(why)
                    else:
                        if page.file is not None:
                            page.file.taken(reports)
                    remark = page.remark or remark
                    if progress:
                        progress(done.seen)
                    if stopping():
                        return done
        except Exception as error:
            said = error if isinstance(error, PieceworkError) else PieceworkError(*_BROKEN)
            if said is not error:
                log.error("Pulling %s failed", name, exc_info=error)
            put(lambda own: _failed(own, name, said))
            if said is error:
                raise
            raise said from error
        done.seconds = round(time.monotonic() - started, 3)
        put(lambda own: _succeeded(own, name, began, sweep, remark))
        return done


_BROKEN = (
    "The pull met something it does not understand; the log of the process says what.",
    "拉取时遇到无法理解的内容，详情见进程日志。",
)


_BROKEN_FILE = (
    "The file holds something that the program does not understand; the log of the process says what.",
    "文件中有程序无法理解的内容，详情见进程日志。",
)


def _fault_of(file: Whole, error: Exception) -> PieceworkError | None:
    """Why the file itself cannot be taken; None when it is not the file's fault."""
    if isinstance(error, (InputError, NameUnknown)):
        return error
    if isinstance(error, (PieceworkError, OSError, MemoryError)) or (
        isinstance(error, duckdb.Error) and not isinstance(error, duckdb.DataError)
    ):
        return None
    log.error("Reading %s failed", file.path, exc_info=error)
    return PieceworkError(*_BROKEN_FILE)


def _committing(connection: Connection, page: Page, done: Pulled) -> Callable[[Store], list[LoadReport]]:
    """The job that commits a page: its rows and its cursor, or neither."""

    def commit(store: Store) -> list[LoadReport]:
        with store.transaction() as cur:
            reports: list[LoadReport] = []
            if page.file is not None:
                whose, rows = rows_of(store, page.file.path, mapping=connection.mapping, otherwise=connection.source)
                reports = load.load_into(store, cur, rows, source=whose, file=page.file.path.name)
            elif batches := page.batches(cur):
                reports = load.load_into(store, cur, batches, source=connection.source)
            else:
                store.touch(())
            seen = page.seen + (sum(one.rows for one in reports) if page.file else 0)
            counts = [sum(getattr(one, name) for one in reports) for name in ("new", "updated", "rejected")]
            changed = cur.execute(
                """UPDATE connection SET cursor = ?, seen = seen + ?, new = new + ?, updated = updated + ?, rejected = rejected + ?,
                    newest_at = CASE WHEN ?::TIMESTAMP > coalesce(newest_at, TIMESTAMP '-infinity') THEN ?::TIMESTAMP ELSE newest_at END
                WHERE name = ? RETURNING name""",
                [json.dumps(page.cursor, ensure_ascii=False), seen, *counts, page.newest, page.newest, connection.name],
            ).fetchall()
            if not changed:
                raise NameUnknown("connection", connection.name, (), "连接")  # removed meanwhile: nothing of this page is kept
        done.pages += 1
        done.seen += seen
        done.new, done.updated, done.rejected = done.new + counts[0], done.updated + counts[1], done.rejected + counts[2]
        done.duplicates += sum(one.duplicates for one in reports)
        return reports

    return commit


def _succeeded(store: Store, name: str, began: datetime, swept: bool, remark: tuple[str, str] | None) -> None:
    said = remark or (None, None)
    _note(store, "attempted_at = ?, caught_up_at = ?, failures = 0, error = ?, error_zh = ?", [_now(), began, *said], name)
    if swept:
        _note(store, "swept_at = ?", [began], name)


def _failed(store: Store, name: str, error: PieceworkError) -> None:
    _note(store, "attempted_at = ?, failures = failures + 1, error = ?, error_zh = ?", [_now(), str(error), error.zh], name)


def _note(store: Store, sets: str, values: list[object], name: str) -> None:
    with store.transaction() as cur:
        cur.execute(f"UPDATE connection SET {sets} WHERE name = ?", [*values, name])
        store.touch(())


# Webhooks -------------------------------------------------------------------------------------------------------------------
_ACTION = re.compile(rb'"action"\s*:\s*"([A-Z_]{1,60})"')


def hook_secret(store: Store, tool: str, name: str) -> str | None:
    """The secret that the webhooks of that connection to that tool are known by; None when it takes none, or it cannot be read."""
    found = store.rows("SELECT hook_secret FROM connection WHERE name = ? AND tool = ?", [name, tool])
    if not found or found[0][0] is None:
        return None
    try:
        return credential.secret(found[0][0])
    except InputError as error:
        log.warning("A webhook for %s cannot be checked: %s", name, error)
        return None


def hook_action(body: bytes) -> str:
    """The action that the beginning of a webhook's body names; empty for none.

    >>> hook_action(b'{"action": "TASKS_DELETED", "tasks": []}')
    'TASKS_DELETED'
    """
    found = _ACTION.search(body)
    return found[1].decode() if found else ""


# Files ----------------------------------------------------------------------------------------------------------------------
def imported(
    store: Store, path: Path, *, table: str | None = None, mapping: str | None = None, source: str | None = None, zone: str | None = None,
    progress: Progress | None = None,
) -> list[LoadReport]:  # fmt: skip
    """Import one file in one transaction, found out as `rows_of` does. Raises InputError for one that cannot be read or fits no table."""
    whose, batches = rows_of(store, path, table=table, mapping=mapping, source=source, zone=zone)
    return load.load(store, batches, source=whose, file=path.name, progress=progress)


def rows_of(
    store: Store, path: Path, *, table: str | None = None, mapping: str | layouts.Mapping | None = None, source: str | None = None,
    zone: str | None = None, otherwise: str | None = None, progress: Callable[[int, int], None] | None = None,
) -> tuple[str, Iterator[Batch]]:  # fmt: skip
    """Whose ids a file's are, and its rows: a known tool's export by its shape unless `table` or `mapping` says what it is, else by
    its columns. Without `source` the ids of an export are those of the only connection to its tool; those of anything else, and of a
    tool that is not connected, are `otherwise`. `progress(done, total)` is told bytes. Raises InputError, NameUnknown."""
    if table is None and mapping is None and (found := _export(store, path, source, otherwise, progress)) is not None:
        return found
    return source or otherwise or "import", load.batches_of(store, path, table=table, mapping=mapping, zone=zone, progress=progress)


def _export(
    store: Store, path: Path, source: str | None, otherwise: str | None, progress: Callable[[int, int], None] | None = None
) -> tuple[str, Iterator[Batch]] | None:
    """The source and the rows of an export; a tool may have files only, and then no connection can be meant."""
    known = next((one for one in EXPORTS if one.knows(path)), None)
    if known is None:
        return None
    mine = [one for one in connections(store) if one.tool == known.tool]
    if source is None and len(mine) > 1:
        names = ", ".join(one.source for one in mine)
        raise InputError(
            f"{path.name} is an export of {known.title}, and there are several connections: say which with --source ({names}).",
            f"{path.name} 是 {known.title} 的导出文件，但有多个连接：请用 --source 指明（{names}）。",
        )
    chosen = source or (mine[0].source if mine else otherwise or known.tool)
    connection = next((one for one in mine if one.source == chosen), None)
    cursor: Mapping[str, Any] = {}
    if connection is not None:
        cursor = json.loads(store.rows("SELECT cursor FROM connection WHERE name = ?", [connection.name])[0][0])
    return chosen, known.batches(path, chosen, connection, cursor, store.rows, progress)


# Inside ---------------------------------------------------------------------------------------------------------------------
def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _connection(row: tuple[Any, ...]) -> Connection:
    name, tool, source, address, reference, hook_secret, settings, every = row
    given = json.loads(settings)
    return Connection(
        name, tool, source, address, reference, hook_secret, given.get("projects", {}), given.get("people", {}), tuple(given.get("only", ())),
        bool(given.get("keep_deleted", False)), every, given.get("mapping"),
    )  # fmt: skip
