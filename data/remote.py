"""How a command reaches the store: by itself when no process owns the file, else through the server that does.

A running server leaves a control file beside the store, readable by its user only: where it listens, its process id and a
random token for `/api/commands`. The lock on the store file is what counts; the control file only says whom to ask.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlsplit

from data.commands import Answer, Progress, as_json
from data.errors import PieceworkError, StoreBusy, StoreError
from data.store import Store

MEMORY = "500MB"  # of the store in a command's own process; beside it stand the rows being read
PATIENCE = 15.0  # seconds to wait for a server that is starting, or a command that is finishing


@dataclass(frozen=True, slots=True)
class Control:
    """What the control file says."""

    url: str
    pid: int
    token: str


def control_path(store: Path) -> Path:
    """The control file of a store: NAME.server beside it."""
    return store.with_name(store.name + ".server")


def new_token() -> str:
    """A token nobody can guess."""
    return secrets.token_urlsafe(32)


def announce(store: Path, url: str, token: str) -> None:
    """Leave the control file of this process, readable by its user only."""
    path = control_path(store)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(Control(url, os.getpid(), token)), file)
    os.replace(part, path)


def withdraw(store: Path, token: str) -> None:
    """Take the control file away, if it is still this server's."""
    found = control(store)
    if found is not None and found.token == token:
        control_path(store).unlink(missing_ok=True)


def control(store: Path) -> Control | None:
    """The control file's content; None when there is none or it is not one."""
    try:
        content = json.loads(control_path(store).read_text(encoding="utf-8"))
        return Control(str(content["url"]), int(content["pid"]), str(content["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def call(path: Path, verb: str, payload: Mapping[str, object], progress: Progress | None = None) -> Answer | None:
    """Have the server that owns the store do it. None when no process owns it: then the caller opens the store itself.

    Raises the PieceworkError that the server met, StoreBusy when an owner does not answer within PATIENCE seconds.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        found = control(path)
        if found is not None:
            try:
                return _ask(found, verb, payload, progress)
            except _NotThere:
                pass
        if not path.exists():
            return None
        try:
            Store(path, create=False).close()
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return None


def perform(
    path: Path,
    verb: str,
    payload: Mapping[str, object],
    local: Callable[[Store], Answer],
    *,
    create: bool,
    progress: Progress | None = None,
) -> Answer:
    """Do `local` on the store, or have its owner do `verb`: whichever is possible, and the same answer.

    Raises PieceworkError; StoreBusy only when another process holds the file for longer than PATIENCE and does not answer.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            store = Store(path, create=create, memory=os.environ.get("PIECEWORK_MEMORY", MEMORY))
        except StoreBusy:
            found = control(path)
            if found is not None:
                try:
                    return _ask(found, verb, payload, progress)
                except _NotThere:
                    pass
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            with store:
                return local(store)


def push(path: Path, table: str, rows: list[dict[str, object]], source: str) -> Answer:
    """Send rows to POST /api/events of the server that owns the store, waiting while it is busy.

    Raises StoreError when no server runs on it.
    """
    found = control(path)
    if found is None:
        raise no_server(path)
    body = as_json(rows).encode()
    while True:
        try:
            with _opened(found, f"/api/events/{table}?source={quote(source)}", body) as response:
                status, news = response.status, _object(response.read())
        except _NotThere:
            raise no_server(path) from None
        if status == 200:
            return news
        if status != 429:
            raise _remembered(news)
        time.sleep(1)


def no_server(path: Path) -> StoreError:
    """What to say where a server is needed and none runs."""
    return StoreError(
        f"No server is running on {path}: start it with “python dashboard.py”.",
        f"没有服务在使用 {path}：请先运行 “python dashboard.py”。",
    )


# Inside ------------------------------------------------------------------------------------------------------------------
class _NotThere(Exception):
    """Nobody, or somebody else, answers at the address of the control file."""


def _connection(found: Control) -> http.client.HTTPConnection:
    parts = urlsplit(found.url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 8501
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the address is this machine's own
        return http.client.HTTPSConnection(host, port, timeout=10, context=context)
    return http.client.HTTPConnection(host, port, timeout=10)


@contextmanager
def _opened(found: Control, path: str, body: bytes) -> Iterator[http.client.HTTPResponse]:
    connection = _connection(found)
    headers = {"Authorization": f"Bearer {found.token}", "Content-Type": "application/json"}
    try:
        try:
            connection.connect()
            connection.sock.settimeout(None)  # an import may take minutes between two lines
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise _NotThere from error
        with response:
            if response.status == 401:
                raise _NotThere
            yield response
    finally:
        connection.close()


def _ask(found: Control, verb: str, payload: Mapping[str, object], progress: Progress | None) -> Answer:
    with _opened(found, f"/api/commands/{verb}", json.dumps(payload, ensure_ascii=False).encode()) as response:
        try:
            if response.status != 200:
                raise _remembered(_object(response.read()))
            for line in response:
                news = _object(line)
                if "result" in news:
                    return cast(Answer, news["result"])
                if "error" in news:
                    raise _remembered(news)
                if progress is not None and isinstance(news.get("progress"), list):
                    progress(*cast(list[object], news["progress"]))
        except (OSError, http.client.HTTPException):
            pass  # said below
    raise StoreError(
        "The server stopped while it worked on this; nothing unfinished was kept. Try again.",
        "服务器在处理过程中停止，未完成的部分没有保留，请重试。",
    )


def _object(text: bytes) -> Answer:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _remembered(news: Answer) -> PieceworkError:
    """The server's error, as the one it was."""
    message = str(news.get("error", "The server gave no answer that can be read."))
    return PieceworkError(message, str(news.get("error_zh", message)))
