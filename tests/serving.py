"""A really started server for tests: a process on a free port of this machine, and a client that speaks Streamlit's websocket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(store: Path, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m data …` on a store."""
    return subprocess.run(
        [sys.executable, "-m", "data", *args],
        cwd=ROOT,
        env=environment(store),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def environment(store: Path) -> dict[str, str]:
    """This process's, with the store named."""
    return {**os.environ, "PIECEWORK_STORE": str(store), "PYTHONUTF8": "1"}


class Serving:
    """`python dashboard.py` on a store, from the first answer of /api/health until the block ends."""

    def __init__(self, store: Path, host: str = "127.0.0.1") -> None:
        self.store, self.host, self.port = store, host, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = store.with_suffix(".log")

    def start(self) -> Serving:
        """Start, and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "dashboard.py", "--host", self.host, "--port", str(self.port)],
                cwd=ROOT, env=environment(self.store), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/api/health", trust_env=False).status_code in (200, 403):
                    return self
            except httpx.TransportError:
                time.sleep(0.1)
        self.kill()
        raise AssertionError(f"the server did not start:\n{self.log.read_text('utf-8')}")

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        """Ask it to end, as a service manager does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def __enter__(self) -> Serving:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.stop()

    def client(self, token: str | None = None) -> httpx.Client:
        """An HTTP client with no cookies yet, following no redirect."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def websocket(self, headers: Mapping[str, str] | None = None, origin: str | None = "") -> ClientConnection:
        """A browser tab's connection; raises websockets' InvalidStatus when it is refused."""
        return connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream", origin=self.url if origin == "" else origin,  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers=dict(headers or {}), max_size=None, proxy=None,
        )  # fmt: skip


def run_page(tab: ClientConnection, page: str = "") -> str:
    """Have an open tab run the script; everything it drew until it came to rest, as text."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    message.rerun_script.page_name = page
    tab.send(message.SerializeToString())
    drawn: list[str] = []
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(tab.recv(timeout=180))  # type: ignore[arg-type]
        drawn.append(str(answer))
        if answer.WhichOneof("type") == "script_finished" and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            return "\n".join(drawn)
