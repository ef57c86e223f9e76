"""The server: the pages, the HTTP API, sign-in, and the lifespan that owns the store.

    python dashboard.py [--host 127.0.0.1] [--port 8501]

PIECEWORK_STORE names the store, PIECEWORK_HOST and PIECEWORK_PORT the address, PIECEWORK_MEMORY what DuckDB may use (900MB).
"""

from __future__ import annotations

import argparse
import gc
import importlib
import ipaddress
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from data import accounts, api, owner, remote, signin, uploads
from data.errors import PieceworkError, StoreBusy, StoreError
from data.owner import owning
from data.puller import pulling
from data.store import Store, default_path
from metrics.api import answer as measured
from metrics.scope import SYSTEM, scope_for
from pages.ui import options

ROOT = Path(__file__).resolve().parent
CONTROL = remote.new_token()


def answer(store: Store, question: Mapping[str, object], account: accounts.Account | None) -> Mapping[str, object]:
    """A question about measures, in the scope of an account; None is the user of this machine."""
    scope = scope_for(account.role, account.site, account.team, account.worker) if account else SYSTEM
    return measured(store, question, scope)


# The store ---------------------------------------------------------------------------------------------------------------
def prepare(path: Path, *, ask: bool) -> None:
    """See to it that there is a store: the demo base, or an empty one when somebody at the terminal wants that."""
    if path.exists():
        return
    if ask:
        print(f"There is no store at {path} yet. / {path} 处还没有数据。")
        print("  1  Build the demo base: an invented base, about a minute / 生成演示基地（约一分钟）")
        print("  2  Start empty, to import your own logs / 新建空库，导入自己的数据")
        if input("[1] > ").strip() == "2":
            Store(path).close()
            print("Create the first account with / 创建首个账号：  python -m data account add NAME --role admin")
            return
    # In a process of its own: what building takes in memory is given back before serving begins.
    env = {**os.environ, "PIECEWORK_STORE": str(path.resolve())}
    built = subprocess.run([sys.executable, "-m", "data", "demo"], cwd=ROOT, env=env, check=False)
    if built.returncode:
        raise StoreError("The demo base could not be built.", "演示基地生成失败。")


def opened(path: Path) -> Store:
    """The store, after a command that is working on it has finished."""
    deadline = time.monotonic() + remote.PATIENCE
    while True:
        try:
            return owner.opened(path)
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def check_address(store: Store, host: str | None) -> None:
    """Raises StoreError when a demo base, which opens without sign-in, would be reachable from other machines."""
    if store.is_demo and not is_loopback(host):
        raise StoreError(
            f"The demo base opens without sign-in and is served on 127.0.0.1 only, not on {host or 'all addresses'}.",
            f"演示基地无需登录，只能在 127.0.0.1 上提供服务，不能使用 {host or '所有地址'}。",
        )


def is_loopback(host: str | None) -> bool:
    """True for an address that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def url_of(host: str | None, port: int) -> str:
    """Where a command on this machine reaches the server."""
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    if host in (None, "", "0.0.0.0", "::", "localhost"):
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in str(host) else f"{scheme}://{host}:{port}"


def settle_in() -> None:
    """Import what screens need, and keep the garbage collector from walking through all of it time and again (a tenth of a second a walk)."""
    for name in ("charts", "errors", "exports", "paces", "tables", "trust"):
        importlib.import_module(f"pages.ui.{name}")
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, object]]:
    """Own the store from the first request to the last."""
    if st.get_option("server.trustedUserHeaders") != TRUSTED:
        raise StoreError("The settings in .streamlit/config.toml were not read: start from the folder of dashboard.py.")
    options.unlock()
    path, host, port = default_path(), st.get_option("server.address"), int(st.get_option("server.port"))
    prepare(path, ask=False)
    await anyio.to_thread.run_sync(settle_in)
    store = await anyio.to_thread.run_sync(opened, path)
    with store, owning(store) as own, pulling(own):
        check_address(store, host)
        uploads.clear(path)
        remote.announce(path, url_of(host, port), CONTROL)
        try:
            yield {}
        finally:
            remote.withdraw(path, CONTROL)


TRUSTED = {"X-Piecework-Session": signin.USER_FIELD}

app = st.App(
    str(ROOT / "pages" / "app.py"),
    routes=[Mount("/api", app=api.app(answer, CONTROL)), *signin.routes()],
    lifespan=lifespan,
    middleware=[Middleware(signin.Gate)],
)


def main() -> int:
    """Ask, check, serve; one sentence and status 2 when it cannot."""
    parser = argparse.ArgumentParser(prog="python dashboard.py", description="Serve the dashboard.")
    parser.add_argument("--host", default=os.environ.get("PIECEWORK_HOST", "127.0.0.1"), help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PIECEWORK_PORT", "8501")), help="port to listen on (8501)")
    args = parser.parse_args()
    path = default_path()
    try:
        prepare(path, ask=sys.stdin.isatty() and sys.stdout.isatty())
        with opened(path) as store:
            check_address(store, args.host)
            if not store.is_demo and not is_loopback(args.host) and not st.get_option("server.sslCertFile"):
                print("Passwords travel in clear text over http: put a TLS proxy in front, or set server.sslCertFile.", file=sys.stderr)
    except PieceworkError as error:
        print(f"{error}\n{error.zh}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, EOFError):
        return 2
    app.run(config={"server.address": args.host, "server.port": args.port})
    return 0


if __name__ == "__main__":
    sys.exit(main())
