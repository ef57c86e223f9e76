"""What the running server does under hand: screens, pushes, a crowd of viewers, memory, and how soon it is there."""

from __future__ import annotations

import asyncio
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Thread

import httpx
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from bench.base import project_id
from bench.report import Row, load_average, percentile
from data import accounts
from data.store import Store
from pages.ui import text
from pages.ui.ask import SETTLE
from tests.serving import Serving, command

SCREENS = ("overview", "throughput", "quality", "headcount")
ROLE = "admin"
THINK = 10.0  # seconds between two clicks of a viewer
PATIENCE = 30.0  # seconds after which a viewer gives up
ARRIVING = 500  # events a second beside them
PERIODS = ("last_7_days", "last_28_days", "this_month", "last_month", "this_quarter")
CARDS = ("Something went wrong on our side", "The data cannot be opened", "This cannot be answered", "Not yours to see")


@dataclass(frozen=True, slots=True)
class Keys:
    """What a client needs: the session cookie of a viewer, a token that pushes and reads."""

    cookie: str
    token: str


def _failures() -> list[bytes]:
    """What the cards of a screen that failed say, in both languages."""
    found = []
    for language in text.LANGS:
        with text.speaking(language):
            found += [text._(words).encode() for words in CARDS]
    return found


FAILED = _failures()


def admit(store: Path) -> Keys:
    """An account with a session, and a token of its own, on a store that no server has open."""
    name, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    with Store(store, create=False) as opened:
        accounts.add(opened, name, accounts.hash_password(password), ROLE)
        signed = accounts.sign_in(opened, name, password)
        token = accounts.add_token(opened, name, source="bench", account=name)
    return Keys(signed.sid, token)


# A tab -----------------------------------------------------------------------------------------------------------------
class Tab:
    """One browser tab: the websocket of Streamlit, without drawing."""

    def __init__(self, server: Serving, cookie: str | None) -> None:
        self.server = server
        self.headers = {"Cookie": f"piecework_sid={cookie}"} if cookie else {}
        self.socket: ClientConnection | None = None
        self.received = 0

    async def open(self) -> None:
        """Connect."""
        self.socket = await connect(
            f"ws://127.0.0.1:{self.server.port}/_stcore/stream", origin=self.server.url, subprotocols=["streamlit"],  # type: ignore[list-item,arg-type]
            additional_headers=self.headers, max_size=None, proxy=None, compression=None, ping_interval=None,
        )  # fmt: skip

    async def run(self, page: str, query: str = "") -> float:
        """Click: have the script run, and wait until it says it is finished; seconds. Raises AssertionError when the screen failed."""
        assert self.socket is not None
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = page
        began = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while True:
            raw = await self.socket.recv(decode=False)
            self.received += len(raw)
            failed = next((words.decode() for words in FAILED if words in raw), None)
            if failed:
                raise AssertionError(f"{page}?{query}: {failed}")
            if len(raw) > 200:  # only short messages tell the state of the script
                continue
            answer = ForwardMsg()
            answer.ParseFromString(raw)
            kind = answer.WhichOneof("type")
            if kind == "page_not_found":
                raise AssertionError(f"{page}: page not found")
            if kind == "script_finished" and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return time.perf_counter() - began

    async def close(self) -> None:
        """Leave."""
        if self.socket is not None:
            await self.socket.close()


# Events ----------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Events:
    """New work on the newest day, as a tool would send it: ids that were never seen, people and projects of the base."""

    workers: list[str]
    newest: datetime
    sent: int = 0
    stamp: str = field(default_factory=lambda: secrets.token_hex(3))

    @classmethod
    def of(cls, store: Path) -> Events:
        """Continues the log of a store that no server has open."""
        with Store(store, create=False) as opened:
            workers = [row[0] for row in opened.rows(
                "SELECT DISTINCT k.worker_id FROM work_day AS w JOIN worker AS k USING (worker_key) "
                "WHERE business_date = (SELECT max(business_date) FROM work_day) ORDER BY 1"
            )]  # fmt: skip
            newest = opened.rows("SELECT max(ts) FROM work")[0][0]
        return cls(workers, newest)

    def take(self, count: int) -> list[dict[str, object]]:
        """The next rows."""
        rows: list[dict[str, object]] = []
        for _ in range(count):
            number = self.sent
            self.sent += 1
            person = number % len(self.workers)
            at = self.newest + timedelta(milliseconds=40 * number)
            rows.append({
                "event_id": f"live-{self.stamp}-{number:08d}", "worker_id": self.workers[person], "project_id": project_id(person % 20),
                "item_id": f"live-{self.stamp}-{number:08d}", "ts": at.replace(tzinfo=UTC).isoformat(timespec="milliseconds"),
                "batch_id": f"{project_id(person % 20)}-0122", "units": 5 + number % 20, "duration_s": 60 + number % 97, "clock": "active",
            })  # fmt: skip
        return rows


def pushes(server: Serving, keys: Keys, events: Events, times: int, size: int = 1000) -> list[Row]:
    """Bodies of 1,000 events one after another, each answered after its commit; then how soon a reader of the API sees one."""
    took: list[float] = []
    used = _cpu(server)
    with server.client(keys.token) as client:
        for _ in range(times):
            took.append(_push(client, events, size))
        used = (_cpu(server) - used) * 1000 / times
        count, began = _submissions(client, events), time.perf_counter()
        _push(client, events, size)
        while _submissions(client, events) < count + size:
            time.sleep(0.02)
        seen = time.perf_counter() - began
    p95 = percentile(took, 0.95)
    return [
        Row(
            f"push of {size:,} events, durable, answered ({times} pushes)", "p95 ≤ 150 ms",
            f"p50 {median(took):.0f} · p95 {p95:.0f} · most {max(took):.0f} ms; {used:.0f} ms of processor each", p95 <= 150,
            {"p50_ms": median(took), "p95_ms": p95, "cpu_ms": used, "load_average": load_average()},
        ),
        Row("pushed events are in GET /api/metrics", "≤ 5 s", f"{seen:.2f} s after sending", seen <= 5, {"seconds": seen}),
    ]  # fmt: skip


def _push(client: httpx.Client, events: Events, size: int) -> float:
    """Milliseconds from sending to the answer. Raises AssertionError when not every row was taken as new."""
    body = events.take(size)
    began = time.perf_counter()
    answer = client.post("/api/events/annotations", json=body)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200 or answer.json()["new"] != size:
        raise AssertionError(answer.text[:500])
    return took


def _cpu(server: Serving) -> float:
    """Processor seconds of the server so far."""
    return sum(psutil.Process(server.process.pid).cpu_times()[:2])


def _submissions(client: httpx.Client, events: Events) -> int:
    since = (events.newest + timedelta(hours=8)).date() - timedelta(days=2)
    answer = client.get("/api/metrics/submissions", params={"from": since.isoformat(), "total": "1"})
    if answer.status_code != 200:
        raise AssertionError(answer.text[:500])
    body = answer.json()
    return int((body["total"] or body["rows"][0])["submissions"])


# Screens ---------------------------------------------------------------------------------------------------------------
def screens(server: Serving, keys: Keys, events: Events, times: int) -> tuple[list[Row], dict[str, dict[str, float]]]:
    """One viewer, nobody else: each screen after a project was renamed, which no answer outlives, after an event of today arrived,
    and again from memory. The choices of the filter bar may be half a minute old."""
    return asyncio.run(_screens(server, keys, events, times))


async def _screens(server: Serving, keys: Keys, events: Events, times: int) -> tuple[list[Row], dict[str, dict[str, float]]]:
    fresh: list[float] = []
    pushed: list[float] = []
    warm: list[float] = []
    found: dict[str, dict[str, float]] = {}
    with server.client(keys.token) as client:
        tab = Tab(server, keys.cookie)
        await tab.open()
        for page in SCREENS:
            await tab.run(page)
            changed, arrived, again, cpu = [], [], [], []
            for number in range(times):
                await asyncio.sleep(SETTLE + 0.1)
                client.post("/api/events/projects", json=[{"project_id": project_id(0), "name": f"项目 {number}"}]).raise_for_status()
                before = _cpu(server)
                changed.append(await tab.run(page) * 1000)
                cpu.append((_cpu(server) - before) * 1000)
                again.append(await tab.run(page) * 1000)
                await asyncio.sleep(SETTLE + 0.1)
                client.post("/api/events/annotations", json=events.take(1)).raise_for_status()
                arrived.append(await tab.run(page) * 1000)
            found[page] = {
                "fresh_ms": median(changed),
                "fresh_cpu_ms": median(cpu),
                "pushed_ms": median(arrived),
                "cached_ms": median(again),
            }
            fresh += changed
            pushed += arrived
            warm += again
        await tab.close()
    p50, p95, cached = median(fresh), percentile(fresh, 0.95), median(warm)
    parts = ", ".join(
        f"{page} {one['fresh_ms']:.0f}/{one['pushed_ms']:.0f}/{one['cached_ms']:.0f}, {one['fresh_cpu_ms']:.0f} processor"
        for page, one in found.items()
    )
    return [
        Row("a screen's run on the server, not cached", "p50 ≤ 100, p95 ≤ 250 ms", f"p50 {p50:.0f} · p95 {p95:.0f} ms (all new/after a push/cached: {parts})",
            p50 <= 100 and p95 <= 250, {"p50_ms": p50, "p95_ms": p95, "screens": found, "load_average": load_average()}),
        Row("a screen's run on the server, after an event arrived", "", f"p50 {median(pushed):.0f} · p95 {percentile(pushed, 0.95):.0f} ms", None, {}),
        Row("a screen's run on the server, cached", "p50 ≤ 40 ms", f"p50 {cached:.0f} · p95 {percentile(warm, 0.95):.0f} ms", cached <= 40, {"p50_ms": cached}),
    ], found  # fmt: skip


# A crowd ---------------------------------------------------------------------------------------------------------------
def crowd(server: Serving, keys: Keys, events: Events, viewers: int, seconds: float) -> list[Row]:
    """Viewers who each click every ten seconds, another filter or another screen, while 500 events a second arrive; their first two clicks,
    on a server where nobody had seen most of it, are told apart. Then the same with a browser among them that takes its share of the
    processor, for how soon it shows an event that was pushed."""
    with _arriving(server, keys, events) as pushed:
        alone = _watched(server, keys, events, 0, 60)
        first, *_ = asyncio.run(_crowd(server, keys, viewers, 2 * THINK))
        pushed.clear()
        used, began = _cpu(server), time.monotonic()
        took, late, gone = asyncio.run(_crowd(server, keys, viewers, seconds))
        lasted = time.monotonic() - began
        used, rate, answered = (_cpu(server) - used) / lasted, ARRIVING * len(pushed) / lasted, list(pushed)
        amid = _watched(server, keys, events, viewers, 60)
    p95 = percentile(took, 0.95)
    return [
        Row(f"{viewers} people clicking every {THINK:.0f} s while {ARRIVING} events/s arrive ({seconds:.0f} s)", "80, p95 ≤ 1.0 s",
            f"p50 {median(took):.2f} · p95 {p95:.2f} s over {len(took)} clicks ({gone} unanswered after {PATIENCE:.0f} s); {used:.1f} cores used, {rate:.0f} events/s, push p95 {percentile(answered, 0.95):.0f} ms; in the {2 * THINK:.0f} s before, when nobody had looked yet, p95 {percentile(first, 0.95):.2f} s",
            p95 <= 1.0 and viewers >= 80, {"p50_s": median(took), "p95_s": p95, "first_p95_s": percentile(first, 0.95), "clicks": len(took), "late": late, "gone": gone, "events_s": rate, "cores_used": used, "load_average": load_average()}),
        _shown("pushed events on an open throughput screen in Chromium, which follows by itself", alone),
        _shown(f"the same amid {viewers} people, by somebody who looks again", amid),
    ]  # fmt: skip


@contextmanager
def _arriving(server: Serving, keys: Keys, events: Events) -> Iterator[list[float]]:
    """Meanwhile 500 events a second arrive; the milliseconds of each push so far. Raises AssertionError when one was not taken."""
    stop, pushed, failed = threading.Event(), list[float](), list[str]()

    def keep_pushing() -> None:
        with server.client(keys.token) as client:
            due = time.monotonic()
            while not stop.is_set():
                began = time.perf_counter()
                answer = client.post("/api/events/annotations", json=events.take(ARRIVING))
                pushed.append((time.perf_counter() - began) * 1000)
                if answer.status_code != 200:
                    failed.append(answer.text[:200])
                due = max(due + 1, time.monotonic() - 5)
                stop.wait(max(0.0, due - time.monotonic()))

    sender = Thread(target=keep_pushing, daemon=True)
    sender.start()
    try:
        yield pushed
    finally:
        stop.set()
        sender.join(60)
    if failed:
        raise AssertionError(failed[0])


def _watched(server: Serving, keys: Keys, events: Events, viewers: int, seconds: float) -> list[float] | str:
    """Seconds until a browser shows an event, for some pushes, alone or amid a crowd; or why that is not known."""
    from bench.seen import chromium, seen

    if chromium() is None:
        return "no browser here"
    ready, over, found = threading.Event(), threading.Event(), list[float | str]()

    def watch() -> None:
        mine = replace(events, stamp=secrets.token_hex(3), sent=0)
        try:
            found.extend(seen(server, keys, mine, 8, click=viewers > 0, ready=ready.set, going_on=lambda: not over.is_set()))
        except Exception as error:
            found.append(str(error).splitlines()[0])
        finally:
            ready.set()

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    ready.wait(120)
    if viewers:
        asyncio.run(_crowd(server, keys, viewers, seconds))
    else:
        watcher.join(seconds)
    over.set()
    watcher.join(60)
    said = next((one for one in found if isinstance(one, str)), "")
    return said or [one for one in found if isinstance(one, float)] or "it was not seen in time"


def _shown(what: str, found: list[float] | str) -> Row:
    if isinstance(found, str):
        return Row(what, "≤ 5 s", found, False, {"said": found})
    said = f"p50 {median(found):.1f} · most {max(found):.1f} s after the answer ({len(found)} pushes)"
    return Row(what, "≤ 5 s", said, max(found) <= 5, {"seconds": found})


async def _crowd(server: Serving, keys: Keys, viewers: int, seconds: float) -> tuple[list[float], int, int]:
    took: list[float] = []
    late = gone = 0
    dice = random.Random(7)
    tabs = [Tab(server, keys.cookie) for _ in range(viewers)]
    for tab in tabs:
        await tab.open()
    for start in range(0, viewers, 8):  # they did not all come in the same second
        await asyncio.gather(*(tab.run(SCREENS[place % len(SCREENS)]) for place, tab in enumerate(tabs[start : start + 8], start)))
    end = time.monotonic() + seconds

    async def look(tab: Tab, place: int, wait: float) -> None:
        nonlocal late, gone
        page = SCREENS[place % len(SCREENS)]
        due = time.monotonic() + wait
        while due < end:
            if due > time.monotonic():
                await asyncio.sleep(due - time.monotonic())
            else:
                late += 1
            if dice.random() < 0.2:
                page = dice.choice(SCREENS)
            try:
                async with asyncio.timeout(PATIENCE):
                    took.append(await tab.run(page, f"period={dice.choice(PERIODS)}"))
            except TimeoutError:
                took.append(PATIENCE)
                gone += 1
                return
            due += THINK

    await asyncio.gather(*(look(tab, place, THINK * place / viewers) for place, tab in enumerate(tabs)))
    await asyncio.gather(*(tab.close() for tab in tabs))
    return took, late, gone


# Memory, cold start ----------------------------------------------------------------------------------------------------
def memory(server: Serving) -> Row:
    """Resident memory of the server now, after everything above."""
    resident = psutil.Process(server.process.pid).memory_info().rss / 1e9
    peak = next(
        (
            int(line.split()[1]) * 1024 / 1e9
            for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        ),
        resident,
    )
    return Row(
        "resident memory of the server",
        "≤ 1.5 GB",
        f"{resident:.2f} GB (at most {peak:.2f})",
        peak <= 1.5,
        {"gb": resident, "peak_gb": peak},
    )


def cold_start(folder: Path, people: int, days: int) -> Row:
    """From the command to the end of the first screen's run, over a demo base built before."""
    store = folder / "demo.duckdb"
    built = time.perf_counter()
    made = command(store, "demo", "--people", str(people), "--days", str(days))
    if made.returncode:
        raise AssertionError(made.stderr)
    built = time.perf_counter() - built
    began = time.perf_counter()
    with Serving(store) as server:
        healthy = time.perf_counter() - began

        async def first() -> None:
            tab = Tab(server, None)
            await tab.open()
            await tab.run("")
            await tab.close()

        asyncio.run(first())
        shown = time.perf_counter() - began
    return Row(
        "cold start to first screen, demo base", "≤ 10 s", f"{shown:.1f} s (server answers after {healthy:.1f} s; the base took {built:.0f} s to build)",
        shown <= 10, {"seconds": shown, "healthy_s": healthy, "build_s": built, "load_average": load_average()},
    )  # fmt: skip


@contextmanager
def serving(store: Path) -> Iterator[tuple[Serving, Keys, Events]]:
    """A server on the store, with what clients need."""
    keys, events = admit(store), Events.of(store)
    with Serving(store) as server:
        yield server, keys, events


def everything(store: Path, *, pushes_: int, screens_: int, viewers: int, seconds: float, progress: Callable[[str], None]) -> list[Row]:
    """All that needs a server, one after another on the same one."""
    with serving(store) as (server, keys, events):
        progress("screens")
        rows, _ = screens(server, keys, events, screens_)
        progress("pushes")
        rows += pushes(server, keys, events, pushes_)
        if viewers:
            progress(f"{viewers} viewers for {seconds:.0f} s")
            rows += crowd(server, keys, events, viewers, seconds)
        rows.append(memory(server))
    return rows
