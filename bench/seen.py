"""How soon an event that was pushed is read on the throughput screen, in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC

import httpx
from playwright.sync_api import Page, sync_playwright

from bench.serving import Events, Keys
from data.signin import COOKIE
from tests.browser import chromium
from tests.pages.shots import FLAGS
from tests.serving import Serving

PATIENCE = 30.0
APPEARS = 90.0  # seconds until a new project is among the choices of the filter bar, with a crowd before it


def seen(
    server: Serving, keys: Keys, events: Events, times: int, *, click: bool, ready: Callable[[], None], going_on: Callable[[], bool]
) -> list[float]:
    """Seconds from the answer to a push of one event until an open throughput screen in Chromium shows the project's units with it.

    With `click` somebody runs the screen again (the key R) as soon as it stands still; else the screen is left to follow by itself.
    `ready` is called once the screen is open.
    """
    project, took = f"SEEN-{events.stamp}", list[float]()
    with sync_playwright() as play, server.client(keys.token) as client:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US", timezone_id="Asia/Shanghai")
        context.add_cookies([{"name": COOKIE, "value": keys.cookie, "url": server.url}])
        page = context.new_page()
        _push(client, events, project)
        _until(page, 7, APPEARS, lambda: page.goto(f"{server.url}/throughput?lang=en&period=last_28_days&project={project}"), 3.0)
        ready()
        for number in range(2, times + 2):
            if not going_on():
                break
            _push(client, events, project)
            took.append(_until(page, 7 * number, PATIENCE, (lambda: page.keyboard.press("r")) if click else (lambda: None), 0.3))
        browser.close()
    return took


def _push(client: httpx.Client, events: Events, project: str) -> None:
    (event,) = events.take(1)
    event |= {"project_id": project, "batch_id": None, "units": 7, "ts": events.newest.replace(tzinfo=UTC).isoformat()}
    answer = client.post("/api/events/annotations", json=[event])
    if answer.status_code != 200 or answer.json()["new"] != 1:
        raise AssertionError(answer.text[:500])


def _until(page: Page, units: int, patience: float, again: Callable[[], object], pause: float) -> float:
    """Seconds until the first card says this many units; `again` is done in between, and given `pause` seconds."""
    began = last = time.monotonic()
    again()
    while _units(page) != units:
        now = time.monotonic()
        if now - began > patience:
            raise AssertionError(f"the browser did not show {units} units within {patience:.0f} s")
        if now - last > pause and page.locator("[data-testid=stStatusWidget]").count() == 0:
            again()
            last = time.monotonic()
        page.wait_for_timeout(50)
    return time.monotonic() - began


def _units(page: Page) -> int | None:
    """The units of the first card; None while it is not drawn."""
    card = page.locator("[data-testid=stMetric]").filter(has_text="Units").first.locator("[data-testid=stMetricValue]")
    found = re.sub(r"[^0-9]", "", card.inner_text(timeout=5_000)) if card.count() else ""
    return int(found) if found else None
