"""How soon an event that was pushed is read on the throughput screen, in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC

from playwright.sync_api import Error, Page, sync_playwright

from bench.serving import Events, Keys
from data.signin import COOKIE
from tests.browser import chromium
from tests.pages.shots import FLAGS
from tests.serving import Serving

PATIENCE = 30.0


def seen(server: Serving, keys: Keys, events: Events, times: int, going_on: Callable[[], bool]) -> list[float]:
    """Seconds from the answer to a push of one event until Chromium, looking again and again, shows the project's units with it."""
    project, took, units = f"SEEN-{events.stamp}", list[float](), 0
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US", timezone_id="Asia/Shanghai")
        context.add_cookies([{"name": COOKIE, "value": keys.cookie, "url": server.url}])
        page = context.new_page()
        with server.client(keys.token) as client:
            for number in range(times + 1):
                if not going_on():
                    break
                (event,) = events.take(1)
                event |= {"project_id": project, "batch_id": None, "units": 7, "ts": events.newest.replace(tzinfo=UTC).isoformat()}
                answer = client.post("/api/events/annotations", json=[event])
                if answer.status_code != 200 or answer.json()["new"] != 1:
                    raise AssertionError(answer.text[:500])
                began, units = time.monotonic(), units + 7
                while _units(page, f"{server.url}/throughput?lang=en&period=last_28_days&project={project}") != units:
                    if time.monotonic() - began > PATIENCE:
                        raise AssertionError(f"the browser did not show {units} units of {project} within {PATIENCE:.0f} s")
                if number:  # the first one brings the project up
                    took.append(time.monotonic() - began)
        browser.close()
    return took


def _units(page: Page, url: str) -> int | None:
    """The units of the first card at an address, once it has been drawn."""
    page.goto(url, wait_until="domcontentloaded")
    card = page.locator("[data-testid=stMetric]").filter(has_text="Units").first.locator("[data-testid=stMetricValue]")
    try:
        text = card.inner_text(timeout=5_000)
    except Error:  # not drawn in that time: look again
        return None
    found = re.sub(r"[^0-9]", "", text)
    return int(found) if found else None
