"""Pictures of the screens, to be looked at and for the docs:

    python tests/pages/shots.py [SCREEN …] [--store FILE] [--out FOLDER] [--persona ROLE]
        [--lang zh,en] [--theme light,dark] [--width 1440,390] [--url SERVER]

Starts a server of its own on a free port of 127.0.0.1, over a copy of the store given or a small one, and stops it at the end.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.browser import INSTALL, chromium  # noqa: E402
from tests.pages.base import build  # noqa: E402
from tests.serving import Serving  # noqa: E402

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


RESTING = """() => {
    const app = document.querySelector("[data-testid=stApp]");
    const all = (query, test) => [...document.querySelectorAll(query)].every(test);
    return app && app.dataset.testConnectionState === "CONNECTED" && app.dataset.testScriptState === "notRunning"
        && document.querySelector("[data-testid=stMain] [data-testid=stElementContainer]")
        && !document.querySelector("[data-testid=stSkeleton], [data-stale=true]")
        && all("[data-testid=stPlotlyChart]", chart => chart.querySelector(".main-svg .plot, .main-svg .cartesianlayer"))
        && all("[data-testid=stDataFrame]", table => table.querySelector("canvas"));
}"""


def settle(page: Page) -> None:
    """Until the script has run, nothing is stale and every chart and table is drawn, twice in a row."""
    for pause in (150, 150):
        page.wait_for_function(RESTING, timeout=60_000)
        page.wait_for_timeout(pause)
    page.wait_for_function(RESTING, timeout=60_000)


def shoot(
    url: str, screens: list[str], out: Path, persona: str, langs: list[str], themes: list[str], widths: list[int], query: str = ""
) -> list[Path]:
    """One full-page picture a screen, language, theme and width."""
    program = chromium()
    if program is None:
        raise SystemExit(f"There is no Chromium here (CHROMIUM names one elsewhere). {INSTALL}")
    out.mkdir(parents=True, exist_ok=True)
    made = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=FLAGS)
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
                        settle(page)
                        page.wait_for_timeout(400)  # charts follow the new height
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
        store = Path(folder) / "shown.duckdb"
        if given.url is None and given.store is None:
            build(store).close()
        elif given.url is None:
            shutil.copyfile(given.store, store)
        server = nullcontext(given.url) if given.url else Serving(store)
        with server as served:
            url = served if isinstance(served, str) else served.url
            widths = [int(w) for w in given.width.split(",")]
            for file in shoot(
                url, given.screens, given.out, given.persona, given.lang.split(","), given.theme.split(","), widths, given.query
            ):
                print(file)


if __name__ == "__main__":
    main()
