"""Pictures of the screens, to be looked at and for the docs:

    python tests/pages/shots.py [SCREEN …] [--store FILE] [--out FOLDER] [--persona ROLE]
        [--lang zh,en] [--theme light,dark] [--width 1440,390]

Starts a server of its own on a free port of 127.0.0.1, over the store given or a small one, and stops it at the end.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Mobile Safari/537.36"


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """A server over the store until the block ends; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "PIECEWORK_STORE": str(store)}
    server = subprocess.Popen([sys.executable, str(ROOT / "dashboard.py"), "--port", str(port)], env=env, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(240):
            try:
                urllib.request.urlopen(f"{url}/api/health", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                if server.poll() is not None:
                    raise RuntimeError(f"the server stopped with {server.returncode}") from None
                time.sleep(0.25)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def settle(page: Page) -> None:
    """Until the script has run and the charts are drawn."""
    page.wait_for_selector("[data-testid=stAppViewContainer]", timeout=60_000)
    page.wait_for_selector("[data-testid=stStatusWidget]", state="detached", timeout=60_000)
    page.wait_for_timeout(1500)
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0", timeout=60_000)
    page.wait_for_selector("[data-testid=stStatusWidget]", state="detached", timeout=60_000)


def shoot(
    url: str, screens: list[str], out: Path, persona: str, langs: list[str], themes: list[str], widths: list[int], query: str = ""
) -> list[Path]:
    """One full-page picture a screen, language, theme and width."""
    out.mkdir(parents=True, exist_ok=True)
    made = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for lang in langs:
            for theme in themes:
                for width in widths:
                    context = browser.new_context(
                        viewport={"width": width, "height": 900},
                        color_scheme=theme,
                        locale="zh-CN" if lang == "zh" else "en-US",
                        timezone_id="Asia/Shanghai",
                        user_agent=PHONE if width < 600 else None,
                        is_mobile=width < 600,
                    )
                    for screen in screens:
                        page = context.new_page()
                        page.goto(f"{url}/{screen}?persona={persona}&lang={lang}{query}", wait_until="domcontentloaded")
                        settle(page)
                        inner = page.evaluate(
                            "Math.max(...[...document.querySelectorAll('[data-testid=stMainBlockContainer]')].map(e => e.scrollHeight))"
                        )
                        page.set_viewport_size({"width": width, "height": max(900, int(inner) + 60)})
                        page.wait_for_timeout(900)
                        file = out / f"{screen}-{lang}-{theme}-{width}.png"
                        page.screenshot(path=str(file))
                        made.append(file)
                        page.close()
                    context.close()
        browser.close()
    return made


def main() -> None:
    """Read the command line, serve, shoot."""
    parser = argparse.ArgumentParser(description="Pictures of the screens.")
    parser.add_argument("screens", nargs="*", default=["overview", "throughput"])
    parser.add_argument("--store", type=Path)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "piecework-shots")
    parser.add_argument("--persona", default="executive")
    parser.add_argument("--lang", default="zh,en")
    parser.add_argument("--theme", default="light,dark")
    parser.add_argument("--width", default="1440,390")
    parser.add_argument("--url", help="a server that already runs, instead of one of its own")
    parser.add_argument("--query", default="", help="more of the address, such as &period=last_7_days")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = given.store
        if store is None and not given.url:
            sys.path.insert(0, str(ROOT))
            from tests.pages.base import build

            store = Path(folder) / "small.duckdb"
            build(store).close()
        with nullcontext(given.url) if given.url else serving(store) as url:
            widths = [int(w) for w in given.width.split(",")]
            for file in shoot(
                url, given.screens, given.out, given.persona, given.lang.split(","), given.theme.split(","), widths, given.query
            ):
                print(file)


if __name__ == "__main__":
    main()
