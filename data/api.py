"""HTTP under /api: health, rows pushed in, webhooks of connected tools, measures read out, and the commands of `python -m data` for this machine's user."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from data import accounts, connections, puller, push, tables
from data.commands import COMMANDS, Answer, Command, as_json
from data.errors import InputError, NameUnknown, NotAllowed, PieceworkError, StoreBusy, StoreError, TooMuch
from data.owner import owner
from data.store import Store
from data.writer import QueueFull

VERSION = "0.1.0"
MAX_BODY = 16 << 20
HOOK_HEAD = 4096

log = logging.getLogger("piecework.api")

Measures = Callable[[Store, Mapping[str, object], accounts.Account | None], Mapping[str, object]]
"""Answers a question about measures as an account may see it; None is the user of this machine, who sees everything."""

_ASKED = ("by", "from", "to", "where", "compare", "total", "exact")
_reading = anyio.CapacityLimiter(8)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request: the user of this machine by the control token (`token` is None), or the holder of a token."""

    token: accounts.Token | None


def app(measures: Measures, control: str, commands: Mapping[str, Command] = COMMANDS) -> Starlette:
    """The ASGI application to mount at /api. `control` is the random token of the control file (see `data.remote`)."""

    async def caller(request: Request) -> Caller:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            raise _Refusal(401, "Send a token: “Authorization: Bearer …”.", "请提供令牌：“Authorization: Bearer …”。")
        if hmac.compare_digest(text.encode(), control.encode()):
            return Caller(None)
        token = await anyio.to_thread.run_sync(accounts.token_for, owner().store, text, limiter=_reading)
        if token is None:
            raise _Refusal(401, "This token does not exist or was revoked.", "令牌不存在或已撤销。")
        return Caller(token)

    async def health(request: Request) -> Response:
        store = owner().store
        as_of = await anyio.to_thread.run_sync(_as_of, store, limiter=_reading)
        return answer({"ok": True, "version": VERSION, "as_of": as_of})

    async def events(request: Request) -> Response:
        who = await caller(request)
        table = tables.table(request.path_params["table"]).name
        if who.token is None:
            source = request.query_params.get("source") or "import"
        elif who.token.source:
            source = who.token.source
        else:
            raise _Refusal(403, "This token may read, not push.", "该令牌只可读取，不可推送。")
        body = await _body(request)
        rows = await anyio.to_thread.run_sync(push.records, body, limiter=_reading)
        if not rows:
            return answer(asdict(push.PushReport(table, 0, 0, 0, 0, 0, 0, ())))
        done: Future[push.PushReport] = owner().writer.join(push.Push(table, source, rows), push.commit, size=len(body))
        report: push.PushReport = await asyncio.wrap_future(done)
        return answer(asdict(report))

    async def metrics(request: Request) -> Response:
        who = await caller(request)
        store = owner().store
        account = None
        if who.token is not None:
            account = await anyio.to_thread.run_sync(accounts.token_account, store, who.token, limiter=_reading)
            if account is None:
                raise _Refusal(403, "This token may push, not read measures.", "该令牌只可推送，不可读取指标。")
        question = _question(request)
        return answer(await anyio.to_thread.run_sync(measures, store, question, account, limiter=_reading))

    async def command(request: Request) -> Response:
        if (await caller(request)).token is not None:
            raise _Refusal(403, "Commands are for the user of this machine.", "命令仅供本机用户使用。")
        verb = request.path_params["verb"]
        if verb == "metrics":
            chosen = Command(lambda store, payload, progress: dict(measures(store, payload, None)))
        elif verb in commands:
            chosen = commands[verb]
        else:
            raise NameUnknown("command", verb, [*commands, "metrics"], "命令")
        body = await _body(request)
        try:
            payload = json.loads(body or b"{}")
        except ValueError as error:
            raise InputError(f"The body is not JSON: {error}.", f"请求体不是有效的 JSON：{error}。") from None
        if not isinstance(payload, dict):
            raise InputError("The body is not a JSON object.", "请求体不是 JSON 对象。")
        return StreamingResponse(_lines(chosen, payload), media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})

    async def hook(request: Request) -> Response:
        """A webhook of a tool: checked, answered at once, and taken as a hint that there is something to read."""
        tool, name = request.path_params["tool"], request.path_params["connection"]
        secret = await anyio.to_thread.run_sync(connections.hook_secret, owner().store, tool, name, limiter=_reading)
        given = request.headers.get("x-hook-secret") or request.headers.get("authorization", "").removeprefix("Bearer ")
        signature = request.headers.get("x-signature-256", "")
        trusted = secret is not None and hmac.compare_digest(given.strip().encode(), secret.encode())
        if secret is None or not (trusted or signature):
            raise _Refusal(401, *_STRANGER)
        start, digest = b"", hmac.new(secret.encode(), digestmod="sha256")
        async for part in request.stream():  # read to its end, or the sender meets a broken connection; kept: where the action stands
            start += part[: HOOK_HEAD - len(start)]
            digest.update(part)
        if not trusted and not hmac.compare_digest(signature.strip().encode(), f"sha256={digest.hexdigest()}".encode()):
            raise _Refusal(401, *_STRANGER)
        puller.news(name, tool, connections.hook_action(start))
        return answer({"ok": True}, 202)

    return Starlette(
        routes=[
            Route("/health", _plain(health), methods=["GET"]),
            Route("/events/{table}", _plain(events), methods=["POST"]),
            Route("/metrics/{measures}", _plain(metrics), methods=["GET"]),
            Route("/hooks/{tool}/{connection}", _plain(hook), methods=["POST"]),
            Route("/commands/{verb}", _plain(command), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _http_error},
    )


# Answers -----------------------------------------------------------------------------------------------------------------
def answer(content: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that no cache keeps; dates in ISO form, instants with Z."""
    return Response(as_json(content), status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


class _Refusal(Exception):
    """A request that is answered with a status of its own."""

    def __init__(self, status: int, en: str, zh: str) -> None:
        super().__init__(en)
        self.status, self.zh = status, zh


_STRANGER = (
    "Send the secret of this connection’s webhooks in the header X-Hook-Secret, or sign the body with it (X-Signature-256).",
    "请在请求头 X-Hook-Secret 中提供该连接的 webhook 密钥，或用它对请求体签名（X-Signature-256）。",
)
_STATUS: tuple[tuple[type[PieceworkError], int], ...] = (
    (QueueFull, 429), (NameUnknown, 404), (NotAllowed, 403), (StoreBusy, 503), (TooMuch, 422), (StoreError, 500), (PieceworkError, 400),
)  # fmt: skip
_WENT_WRONG = ("Something went wrong in the server; its log says what.", "服务器内部出错，详情见其日志。")


def refused(error: Exception) -> Response:
    """The JSON for an error: one sentence in both languages, never a traceback (that goes to the log)."""
    if isinstance(error, _Refusal):
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        return answer({"error": str(error), "error_zh": error.zh}, error.status, headers)
    if isinstance(error, PieceworkError):
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        return answer({"error": str(error), "error_zh": error.zh}, status, {"Retry-After": "1"} if status in (429, 503) else None)
    log.error("A request failed", exc_info=error)
    return answer({"error": _WENT_WRONG[0], "error_zh": _WENT_WRONG[1]}, 500)


def _plain(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    @wraps(endpoint)
    async def wrapped(request: Request) -> Response:
        try:
            return await endpoint(request)
        except HTTPException:
            raise
        except Exception as error:
            return refused(error)

    return wrapped


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {
        404: ("There is nothing at this address.", "此地址不存在。"),
        405: ("This address takes another method.", "此地址不支持该请求方法。"),
    }
    en, zh = sentences.get(error.status_code, (str(error.detail), str(error.detail)))
    return answer({"error": en, "error_zh": zh}, error.status_code, error.headers)


# Inside ------------------------------------------------------------------------------------------------------------------
def _as_of(store: Store) -> datetime | None:
    """The instant of the newest dated work, UTC, rows of a clock that runs ahead left out; None without any."""
    now = datetime.now(UTC).replace(tzinfo=None)
    newest: datetime | None = store.rows(
        "SELECT max(ts) FROM work WHERE ts <= $now AND business_date = "
        "(SELECT max(business_date) FROM work_day WHERE business_date <= $now::DATE + 1)",
        {"now": now},
    )[0][0]
    return newest


async def _body(request: Request) -> bytes:
    """The whole body, refused as soon as it is known to be too large."""
    too_large = _Refusal(
        413, f"A body takes at most {MAX_BODY >> 20} MiB: send it in parts.", f"每次最多 {MAX_BODY >> 20} MiB，请分批发送。"
    )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise _Refusal(415, "Send the body without Content-Encoding.", "请勿压缩请求体。")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BODY:
        raise too_large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _question(request: Request) -> dict[str, object]:
    """The query string as the payload that `python -m metrics run` sends too."""
    given = request.query_params
    for name in given:
        if name not in _ASKED:
            raise NameUnknown("parameter", name, _ASKED, "参数")
    return {
        "measures": _listed(request.path_params["measures"]),
        "by": [name for part in given.getlist("by") for name in _listed(part)],
        "where": [_pair(text) for text in given.getlist("where")],
        "from": given.get("from") or None,
        "to": given.get("to") or None,
        "compare": given.get("compare") or None,
        "total": _flag(given.get("total")),
        "exact": _flag(given.get("exact")),
    }


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pair(text: str) -> list[str]:
    dimension, colon, value = text.partition(":")
    if not colon or not dimension:
        raise InputError(f"“{text}” is not of the form dimension:value.", f"“{text}”应写作 维度:值。")
    return [dimension, value]


def _flag(text: str | None) -> bool:
    if text in (None, "", "0", "false", "no"):
        return False
    if text in ("1", "true", "yes"):
        return True
    raise InputError(f"“{text}” is neither true nor false.", f"“{text}”既不是 true 也不是 false。")


class _Abandoned(Exception):
    """The caller hung up; what is unfinished is rolled back."""


async def _lines(command: Command, payload: dict[str, Any]) -> AsyncIterator[str]:
    """{"progress": […]} lines while it works, then one {"result": …} or {"error": …, "error_zh": …}."""
    loop, news = asyncio.get_running_loop(), asyncio.Queue[list[object] | None]()
    gone, told = threading.Event(), 0.0

    def progress(*now: object) -> None:
        nonlocal told
        if gone.is_set():
            raise _Abandoned
        if time.monotonic() - told >= 0.2:
            told = time.monotonic()
            loop.call_soon_threadsafe(news.put_nowait, list(now))

    own = owner()
    work: asyncio.Future[Answer]
    if command.writes:
        work = asyncio.wrap_future(own.writer.submit(lambda store: command.run(store, payload, progress)))
    else:
        work = asyncio.ensure_future(anyio.to_thread.run_sync(command.run, own.store, payload, progress, limiter=_reading))
    work.add_done_callback(lambda _: news.put_nowait(None))
    try:
        while (now := await news.get()) is not None:
            yield as_json({"progress": now}) + "\n"
        try:
            last: Mapping[str, object] = {"result": work.result()}
        except PieceworkError as error:
            last = {"error": str(error), "error_zh": error.zh, "kind": type(error).__name__}
        except Exception as error:
            log.error("A command failed", exc_info=error)
            last = {"error": _WENT_WRONG[0], "error_zh": _WENT_WRONG[1], "kind": "Exception"}
        yield as_json(last) + "\n"
    finally:
        gone.set()
