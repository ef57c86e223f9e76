"""The door: who may pass to the pages, over http and websocket, and the page where people sign in.

Everything behind `Gate` is for signed-in people only. It trusts no `X-Piecework-*` header from outside and passes one of its
own inwards: the key of the session. A demo store needs no sign-in and is therefore served to this machine alone.
"""

from __future__ import annotations

import asyncio
import html
import ipaddress
import math
import secrets
import time
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data import accounts
from data.owner import owner
from data.store import Store

COOKIE = "piecework_sid"
HEADER = "x-piecework-session"
USER_FIELD = "session"  # st.user["session"], by server.trustedUserHeaders

_MAX_FORM = 16_384
_ANSWER_STEP = 0.5  # failed attempts are answered on a multiple of this many seconds, whatever they cost
_PLUMBING = ("/_stcore/", "/static/", "/media/", "/component/", "/_agent/")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_ROOT = Path(__file__).resolve().parent


_looking = anyio.CapacityLimiter(8)


class Gate:
    """ASGI middleware in front of the pages. Needs an owner (`data.owner.owning`) while it answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._demo: tuple[Store, int, bool] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        kept = [(name, value) for name, value in scope["headers"] if not name.lower().startswith(b"x-piecework-")]
        scope = {**scope, "headers": kept}
        connection = HTTPConnection(scope)
        path: str = scope["path"]
        store = owner().store
        if self._is_demo(store):
            if not is_local(connection):
                await _refuse(scope, receive, send, connection)
                return
        elif path not in ("/login", "/logout") and not path.startswith("/api/"):  # these look after themselves
            sid = connection.cookies.get(COOKIE)
            key = accounts.session_key(sid) if sid else None
            if key is None or await signed_in(store, key) is None:
                await _send_away(scope, receive, send, connection)
                return
            scope["headers"] = [*kept, (HEADER.encode(), key.encode())]
        await self._app(scope, receive, _guarded(send))

    def _is_demo(self, store: Store) -> bool:
        """`store.is_demo`, asked again when anything has changed: a restore may have made the store another one."""
        if self._demo is None or self._demo[0] is not store or self._demo[1] != store.version:
            self._demo = (store, store.version, store.is_demo)
        return self._demo[2]


async def signed_in(store: Store, key: str) -> accounts.Account | None:
    """`accounts.session_account`, off the event loop."""
    return await anyio.to_thread.run_sync(lambda: accounts.session_account(store, key), limiter=_looking)


def is_local(connection: HTTPConnection) -> bool:
    """True when the request comes from this machine, for this machine, and through no proxy that says so.

    Host and Origin must be loopback names too, so that a web page cannot reach the demo by rebinding its own name.
    """
    headers = connection.headers
    origin = headers.get("origin")
    return (
        connection.client is not None
        and _is_loopback(connection.client.host)
        and _is_loopback(_hostname(f"//{headers.get('host', '')}"))
        and (origin is None or _is_loopback(_hostname(origin)))
        and not any(name in headers for name in _FORWARDED)
    )


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_same_origin(headers: Headers) -> bool:
    """False when a browser says that another site sent this request; programs without these headers have no cookie to abuse."""
    origin, fetch_site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and (origin == "null" or urlsplit(origin).netloc != headers.get("host")):
        return False
    return fetch_site in (None, "same-origin", "none")


def safe_next(target: str | None) -> str:
    """The path to go to after signing in: one of this server's own, else the first page.

    >>> safe_next("/quality?site=S1"), safe_next("//evil.example"), safe_next("https://evil.example"), safe_next(None)
    ('/quality?site=S1', '/', '/', '/')
    """
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target or not target.isprintable():
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc or parts.path.rstrip("/") in ("/login", "/logout") else target


# Refusals ----------------------------------------------------------------------------------------------------------------
async def _refuse(scope: Scope, receive: Receive, send: Send, connection: HTTPConnection) -> None:
    """A demo store was asked for from elsewhere."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    body = {
        "error": "A demo base opens without sign-in, so it answers on this machine only (http://127.0.0.1).",
        "error_zh": "演示基地无需登录，因此只在本机（http://127.0.0.1）上可用。",
    }
    await JSONResponse(body, 403)(scope, receive, _guarded(send))


async def _send_away(scope: Scope, receive: Receive, send: Send, connection: HTTPConnection) -> None:
    """Nobody is signed in: pages lead to the sign-in page, everything else is refused."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    path, query = connection.url.path, connection.url.query
    here = safe_next(f"{path}?{query}" if query else path)
    response: Response
    if scope["method"] not in ("GET", "HEAD") or path.startswith(_PLUMBING):
        response = JSONResponse({"error": "Sign in first.", "error_zh": "请先登录。"}, 403)
    elif connection.headers.get("sec-fetch-site") == "cross-site" and COOKIE not in connection.cookies:
        # A link in a chat or a mail: the browser holds a SameSite=Strict cookie back once. Ask again from our own page.
        again = html.escape(here)
        response = HTMLResponse(f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={again}">')
    else:
        response = RedirectResponse("/login" if here == "/" else f"/login?{urlencode({'next': here})}", 303)
    response.headers["Cache-Control"] = "no-store"
    await response(scope, receive, _guarded(send))


def _guarded(send: Send) -> Send:
    """Headers that every answer carries."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("X-Frame-Options", "SAMEORIGIN")
            headers.setdefault("Referrer-Policy", "same-origin")
        await send(message)

    return guarded


# The page ----------------------------------------------------------------------------------------------------------------
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Sign in", "lead": "Workforce and quality analytics", "name": "Account", "password": "Password", "enter": "Sign in",
        "wrong": "This account and password do not go together. After five failures the account rests for 15 minutes.",
        "locked": "Too many failures: try again in 15 minutes.", "foreign": "This form was sent from another site; nothing was done.",
        "nobody": "Nobody can sign in yet. Create the first administrator on the command line of this server:",
    },
    "zh": {
        "title": "登录", "lead": "数据标注基地的人效与质量分析", "name": "账号", "password": "密码", "enter": "登录",
        "wrong": "账号与密码不匹配。连续失败五次后，该账号需等待 15 分钟。",
        "locked": "失败次数过多，请 15 分钟后再试。", "foreign": "此表单来自其他网站，未作任何处理。",
        "nobody": "还没有可登录的账号。请在服务器命令行上创建第一个管理员：",
    },
}  # fmt: skip
_FIRST_ADMIN = "python -m data account add NAME --role admin"


def preferred_language(accept: str | None) -> str:
    """zh or en, by Accept-Language; zh when the browser names neither.

    >>> preferred_language("en-GB,en;q=0.9,zh;q=0.8"), preferred_language("zh-CN,zh;q=0.9"), preferred_language("de")
    ('en', 'zh', 'zh')
    """
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept or "").split(",")):
        tag, _, quality = part.strip().partition(";q=")
        language = tag.split("-")[0].lower()
        if language in _WORDS:
            try:
                found.append((-float(quality or 1), place, language))
            except ValueError:
                continue
    return min(found)[2] if found else "zh"


def _page(
    request: Request, *, status: int = 200, wrong: str | None = None, name: str = "", target: str = "/", form: bool = True
) -> HTMLResponse:
    chosen = request.query_params.get("lang", "")
    lang: str = chosen if chosen in _WORDS else preferred_language(request.headers.get("accept-language"))
    other = "en" if lang == "zh" else "zh"
    words, nonce = _WORDS[lang], secrets.token_urlsafe(16)
    here = f"/login?{urlencode({'lang': lang, 'next': target})}"
    body = f"<p>{words['lead']}</p>"
    if wrong:
        body += f'<p class="wrong" role="alert">{words[wrong]}</p>'
    if form:
        body += (
            f'<form method="post" action="{html.escape(here)}">'
            f'<label>{words["name"]}<input name="name" value="{html.escape(name)}" autocomplete="username" autocapitalize="none" '
            f'maxlength="100" required{"" if name else " autofocus"}></label>'
            f'<label>{words["password"]}<input name="password" type="password" autocomplete="current-password" '
            f'maxlength="{accounts.MAX_PASSWORD}" required{" autofocus" if name else ""}></label>'
            f'<button type="submit">{words["enter"]}</button></form>'
        )
    else:
        body += f"<p>{words['nobody']}</p><code>{_FIRST_ADMIN}</code>"
    text = Template((_ROOT / "signin.html").read_text(encoding="utf-8")).substitute(
        lang="zh-CN" if lang == "zh" else "en", title=words["title"], body=body, nonce=nonce, **_tokens(),
        other_href=html.escape(f"/login?{urlencode({'lang': other, 'next': target})}"),
        other_lang="zh-CN" if other == "zh" else "en", other_name="中文" if other == "zh" else "English",
    )  # fmt: skip
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(text, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Vary": "Accept-Language"})


@cache
def _tokens() -> dict[str, str]:
    """The theme of .streamlit/config.toml as CSS variables: one look, one place to change it."""
    theme = tomllib.loads((_ROOT.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    wanted = {"paper": "backgroundColor", "shade": "secondaryBackgroundColor", "ink": "textColor", "line": "borderColor",
              "main": "primaryColor", "grey": "grayColor", "red": "redColor"}  # fmt: skip
    sides = {side: " ".join(f"--{name}: {theme[side][key]};" for name, key in wanted.items()) for side in ("light", "dark")}
    return {**sides, "font": theme["font"], "radius": theme["baseRadius"]}


_checking = anyio.CapacityLimiter(2)  # a flood of guesses takes 2 × 64 MiB and no more


async def login(request: Request) -> Response:
    """GET shows the form; POST checks it, sets the cookie and goes on to `next`."""
    if request.method not in ("GET", "HEAD", "POST"):
        return JSONResponse({"error": "Use GET or POST.", "error_zh": "请使用 GET 或 POST。"}, 405, {"Allow": "GET, POST"})
    store = owner().store
    target = safe_next(request.query_params.get("next"))
    if store.is_demo:
        return RedirectResponse(target, 303)
    if not await anyio.to_thread.run_sync(accounts.any_account, store):
        return _page(request, form=False, target=target)
    if request.method != "POST":
        sid = request.cookies.get(COOKIE)
        if sid and await signed_in(store, accounts.session_key(sid)):
            return RedirectResponse(target, 303)
        return _page(request, target=target)
    began = time.monotonic()
    if not is_same_origin(request.headers):
        return _page(request, status=403, wrong="foreign", target=target)
    fields = await _form(request)
    if fields is None:
        return JSONResponse({"error": "The form is too large.", "error_zh": "表单过大。"}, 413)
    name, password = fields.get("name", ""), fields.get("password", "")
    came = await anyio.to_thread.run_sync(accounts.sign_in, store, name[:100], password, limiter=_checking)
    if came.sid is None:
        spent = time.monotonic() - began
        await asyncio.sleep(math.ceil(spent / _ANSWER_STEP) * _ANSWER_STEP - spent)
        response: Response = _page(
            request, status=429 if came.locked else 401, wrong="locked" if came.locked else "wrong", name=name[:100], target=target
        )
        if came.locked:
            response.headers["Retry-After"] = str(int(accounts.LOCKED.total_seconds()))
        return response
    before = request.cookies.get(COOKIE)
    if before:
        await anyio.to_thread.run_sync(accounts.sign_out, store, accounts.session_key(before))
    response = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
    response.set_cookie(
        COOKIE,
        came.sid,
        max_age=int(accounts.LONGEST.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


async def logout(request: Request) -> Response:
    """End the session and go to the sign-in page."""
    if request.method not in ("GET", "POST"):
        return JSONResponse({"error": "Use GET or POST.", "error_zh": "请使用 GET 或 POST。"}, 405, {"Allow": "GET, POST"})
    if not is_same_origin(request.headers) or "prefetch" in request.headers.get("sec-purpose", ""):
        return JSONResponse({"error": "Sign out from the page itself.", "error_zh": "请在页面内退出登录。"}, 403)
    sid = request.cookies.get(COOKIE)
    if sid:
        await anyio.to_thread.run_sync(accounts.sign_out, owner().store, accounts.session_key(sid))
    response = RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


async def _form(request: Request) -> dict[str, str] | None:
    """The first value of each field of a urlencoded form; None when it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            return None
    return {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()}


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # all of them end here, none falls through to the pages


def routes() -> list[BaseRoute]:
    """/login and /logout."""
    return [Route("/login", login, methods=_METHODS), Route("/logout", logout, methods=_METHODS)]
