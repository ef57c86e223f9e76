"""JSON over HTTP from a tool's server: retries with back-off, one sentence for what went wrong, never a secret in it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

import urllib3

from data.errors import InputError, PieceworkError

TIMEOUT = urllib3.Timeout(connect=10, read=60)
TRIES = 4
LONGEST_WAIT = 20.0
MAX_BYTES = 256 << 20
BLOCK = 1 << 20


class ToolError(PieceworkError):
    """A tool could not be read. `status` is its HTTP answer where it gave one; `wait` what it asked for before the next try, s."""

    def __init__(self, en: str, zh: str, *, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(en, zh)
        self.status, self.wait = status, wait


def base_url(address: str) -> str:
    """The address without a trailing slash. Raises InputError unless it is http(s) and without a password."""
    parts = urlsplit(address.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(
            "An address is http(s)://host[:port][/path], without user, password or parameters.",
            "地址应写作 http(s)://主机[:端口][/路径]，不含用户名、密码和参数。",
        )
    return address.strip().rstrip("/")


class Client:
    """GET and POST for JSON on one server. `headers` is asked at every request; `renew` once after a 401, whether to try again."""

    def __init__(
        self,
        address: str,
        headers: Callable[[], Mapping[str, str]],
        *,
        renew: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], None] = time.sleep,
        tries: int = TRIES,
    ) -> None:
        self.address = base_url(address)
        self._headers, self._renew, self._sleep, self._tries = headers, renew, sleep, tries
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False, maxsize=2)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    def get(self, path: str, params: Mapping[str, object] | None = None) -> Any:
        """The JSON at a path. Raises ToolError after TRIES attempts at what may pass, at once for what will not."""
        return self._ask("GET", path + ("?" + urlencode(params) if params else ""), None, signed=True)

    def post(self, path: str, body: Mapping[str, object], *, signed: bool = True) -> Any:
        """The JSON in answer to a JSON body; only for requests that may be repeated. Unsigned, without the headers given."""
        return self._ask("POST", path, json.dumps(body).encode(), signed=signed)

    def save(self, path: str, params: Mapping[str, object], into: BinaryIO, most: int) -> None:
        """What is at a path, written into a file from its beginning; more than `most` bytes are refused (status 413)."""
        self._ask("GET", path + "?" + urlencode(params), None, signed=True, into=into, most=most)

    def _ask(self, method: str, path: str, body: bytes | None, *, signed: bool, into: BinaryIO | None = None, most: int = MAX_BYTES) -> Any:
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, path, body, self._headers() if signed else {}, into or io.BytesIO(), most, plain=into is not None)
            except ToolError as error:
                if error.status == 401 and signed and not renewed and self._renew():
                    renewed, attempt = True, attempt - 1
                    continue
                passing = error.status is None or error.status in (408, 425, 429) or error.status >= 500
                wait = error.wait if error.wait is not None else 0.5 * 2 ** (attempt - 1)
                if not passing or attempt >= self._tries or wait > LONGEST_WAIT:
                    raise
                self._sleep(wait)

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], into: BinaryIO, most: int, *, plain: bool
    ) -> Any:
        where = urlsplit(self.address).netloc + path.partition("?")[0]
        into.seek(0)
        into.truncate()
        size = 0
        try:
            response = self._pool.request(
                method, self.address + path, body=body, redirect=False, preload_content=False,
                headers={"Accept": "*/*" if plain else "application/json", **({"Content-Type": "application/json"} if body else {}), **headers},
            )  # fmt: skip
            complete = False
            try:
                while size <= most and (part := response.read(BLOCK)):
                    size += len(part)
                    into.write(part)
                complete = size <= most and not response.length_remaining
            finally:
                response.release_conn() if complete else response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            why = type(error).__name__
            raise ToolError(f"{where} gives no answer ({why}).", f"{where} 没有响应（{why}）。") from None
        if size > most:
            raise ToolError(f"{where} answers with more than {most >> 20} MiB.", f"{where} 的响应超过 {most >> 20} MiB。", status=413)
        if not complete:
            raise ToolError(f"{where} broke off in the middle of its answer.", f"{where} 的响应中途断开。")
        if response.status != 200 and not (method == "POST" and response.status in (201, 202)):
            raise _refusal(where, response.status, response.headers.get("Retry-After"))
        into.seek(0)
        if plain:
            return None
        try:
            return json.loads(into.read())
        except (ValueError, RecursionError):
            raise ToolError(
                f"{where} answers with something that is not JSON: is this the tool's own address?",
                f"{where} 的响应不是 JSON：请核对地址是否为该工具的地址。",
                status=200,
            ) from None


def _refusal(where: str, status: int, retry_after: str | None) -> ToolError:
    if status in (401, 403):
        return ToolError(
            f"{where} refuses the credential ({status}): check that the token is valid and may read the projects.",
            f"{where} 拒绝了凭据（{status}）：请检查令牌是否有效、是否有权读取项目。",
            status=status,
        )
    if status == 404:
        return ToolError(f"{where} does not exist on this server (404).", f"服务器上没有 {where}（404）。", status=status)
    if 300 <= status < 400:
        return ToolError(
            f"{where} sends elsewhere ({status}): give the address it leads to.",
            f"{where} 发生跳转（{status}）：请改填跳转后的地址。",
            status=status,
        )
    if status == 429:
        return ToolError(
            f"{where} asks to slow down (429).", f"{where} 要求降低请求频率（429）。", status=status, wait=_seconds(retry_after)
        )
    return ToolError(f"{where} answers {status}.", f"{where} 返回 {status}。", status=status, wait=_seconds(retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After, in seconds or as a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
