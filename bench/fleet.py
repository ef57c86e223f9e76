"""A fleet of senders: millions of events in random order, with repeats, corrections that overtake what they correct, reviews that come
before their work, answers that get lost, and a server that is killed. Afterwards the store equals the set that was sent.

python -m bench.fleet [--events 5000000] [--kills 8] [--senders 32] [--body 2000] [--seed 7] [--keep FOLDER] [--json]
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import httpx
import numpy as np
import numpy.typing as npt

from data.store import Store
from data.verify import verify
from tests.serving import Serving, command

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 30
CORRECTED, REVIEWED = 20, 10  # one event in so many has a second version; one in so many is reviewed
REPEATED = 0.1  # share of messages that are sent again


@dataclass(slots=True)
class Outcome:
    """What came of it. `strays` are rows of the store that were not sent or other than sent, `missing` those sent that are not there."""

    events: int
    reviews: int
    messages: int
    bodies: int
    kills: int
    resent: int
    busy: int
    seconds: float = 0.0
    strays: int = 0
    missing: int = 0
    unlinked: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when the store equals the set that was sent and every check of verify holds."""
        return not (self.strays or self.missing or self.unlinked or self.wrong)


def event(n: int, version: int) -> dict[str, object]:
    """Event n in one of its versions."""
    return {
        "event_id": f"f{n}", "worker_id": f"w{n % 797}", "project_id": f"p{n % 7}", "item_id": f"i{n // 3}", "version": version,
        "ts": (START + timedelta(seconds=(n * 7919) % (DAYS * 86_400))).isoformat(), "duration_s": n % 90 + version, "units": n % 9 + version,
    }  # fmt: skip


def review(n: int) -> dict[str, object]:
    """The verdict on event n."""
    return {
        "review_id": f"r{n}", "event_id": f"f{n}", "worker_id": f"w{n % 797}", "project_id": f"p{n % 7}", "item_id": f"i{n // 3}",
        "verdict": "reject" if n % 3 == 0 else "accept", "reviewer_id": f"q{n % 60}", "ts": (START + timedelta(days=DAYS, seconds=n % 3600)).isoformat(),
    }  # fmt: skip


# The same sets as SQL, written apart from the functions above.
EVENTS = f"""SELECT 'f' || n AS event_id, 'w' || n % 797 AS worker_id, 'p' || n % 7 AS project_id, 'i' || n // 3 AS item_id,
    epoch_ms(TIMESTAMP '2026-03-02') + ((n * 7919) % {DAYS * 86_400}) * 1000 AS ts, CASE WHEN n % {CORRECTED} = 0 THEN 2 ELSE 1 END AS version,
    n % 90 + (CASE WHEN n % {CORRECTED} = 0 THEN 2 ELSE 1 END) AS seconds, n % 9 + (CASE WHEN n % {CORRECTED} = 0 THEN 2 ELSE 1 END) AS units
    FROM range($n::BIGINT) AS r(n)"""
STORED = """SELECT event_id, worker_id, project_id, item_id, epoch_ms(ts) AS ts, version, seconds::BIGINT AS seconds, units::BIGINT AS units
    FROM work JOIN worker USING (worker_key) JOIN project USING (project_key)"""
REVIEWS = f"""SELECT 'r' || n AS review_id, 'w' || n % 797 AS worker_id, 'q' || n % 60 AS reviewer_id, CASE WHEN n % 3 = 0 THEN 2 ELSE 0 END AS verdict
    FROM range(0, $n::BIGINT, {REVIEWED}) AS r(n)"""
STORED_REVIEWS = """SELECT review_id, w.worker_id, v.worker_id AS reviewer_id, verdict::INTEGER AS verdict
    FROM review JOIN worker AS w USING (worker_key) JOIN worker AS v ON v.worker_key = reviewer_key"""

Messages = npt.NDArray[np.int64]


def messages(events: int, seed: int) -> Messages:
    """Every message in the order of sending, as 4 n + kind: 1 and 2 are versions of event n, 3 its review."""
    n = np.arange(events, dtype=np.int64)
    all_of = np.concatenate([4 * n + 1, 4 * n[::CORRECTED] + 2, 4 * n[::REVIEWED] + 3])
    dice = np.random.default_rng(seed)
    order = np.concatenate([all_of, dice.choice(all_of, int(len(all_of) * REPEATED))])
    dice.shuffle(order)
    return order


def bodies(order: Messages, size: int) -> Iterator[tuple[str, bytes]]:
    """The messages as bodies of two tables."""
    for start in range(0, len(order), size):
        part = order[start : start + size].tolist()
        for table, rows in (
            ("annotations", [event(m // 4, m % 4) for m in part if m % 4 != 3]),
            ("reviews", [review(m // 4) for m in part if m % 4 == 3]),
        ):
            if rows:
                yield table, json.dumps(rows).encode()


def run(folder: Path, events: int, kills: int, senders: int, size: int, seed: int) -> Outcome:
    """Send it all, killing the server now and then, and compare."""
    store, dice = folder / "fleet.duckdb", random.Random(seed)
    token = command(store, "token", "add", "fleet").stdout.strip()
    order = messages(events, seed)
    outcome = Outcome(events, len(range(0, events, REVIEWED)), len(order), 0, kills, 0, 0)
    waiting: queue.Queue[tuple[str, bytes] | None] = queue.Queue(senders * 2)
    server = Serving(store).start()
    up, done, failed = Event(), [0], list[str]()
    up.set()

    def send() -> None:
        while (body := waiting.get()) is not None:
            while not failed:
                up.wait()
                try:
                    with httpx.Client(
                        base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=120, trust_env=False
                    ) as client:
                        answer = client.post(f"/api/events/{body[0]}", content=body[1])
                except httpx.TransportError:
                    outcome.resent += 1
                    time.sleep(0.05)
                    continue
                if answer.status_code == 200:
                    break
                if answer.status_code not in (429, 503):
                    failed.append(answer.text[:500])
                    return
                outcome.busy += 1
                time.sleep(float(answer.headers.get("Retry-After", "1")))
            done[0] += 1

    def put(body: tuple[str, bytes] | None) -> None:
        while not failed:
            try:
                waiting.put(body, timeout=1)
                return
            except queue.Full:
                continue

    began = time.monotonic()
    threads = [Thread(target=send, daemon=True) for _ in range(senders)]
    for thread in threads:
        thread.start()
    expected = 2 * -(-len(order) // size)
    deaths = sorted(dice.randrange(1, max(2, expected)) for _ in range(kills))
    for body in bodies(order, size):
        put(body)
        outcome.bodies += 1
        if failed:
            break
        if deaths and outcome.bodies >= deaths[0]:
            deaths.pop(0)
            time.sleep(dice.random() * 0.3)
            up.clear()
            server.kill()
            server.start()
            up.set()
            print(
                f"{outcome.bodies:,} of about {expected:,} bodies, {time.monotonic() - began:,.0f} s: killed, started again",
                file=sys.stderr,
            )
    for _ in threads:
        put(None)
    for thread in threads:
        thread.join()
    outcome.seconds = round(time.monotonic() - began, 1)
    server.stop()
    if failed:
        raise AssertionError(failed[0])
    with Store(store) as opened:
        for sent, stored in ((EVENTS, STORED), (REVIEWS, STORED_REVIEWS)):
            outcome.strays += opened.rows(f"SELECT count(*) FROM (({stored}) EXCEPT ALL ({sent}))", {"n": events})[0][0]
            outcome.missing += opened.rows(f"SELECT count(*) FROM (({sent}) EXCEPT ALL ({stored}))", {"n": events})[0][0]
        outcome.unlinked = opened.rows("SELECT count(*) FROM review WHERE NOT linked")[0][0]
        outcome.wrong = [check.name for check in verify(opened) if not check.ok]
    return outcome


def main() -> int:
    """Exit status 1 when the store is not what was sent."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.fleet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--senders", type=int, default=32)
    parser.add_argument("--body", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="an empty folder for the store, which stays")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(args.keep or Path(folder), args.events, args.kills, args.senders, args.body, args.seed)
    if args.json:
        print(json.dumps(asdict(outcome) | {"ok": outcome.ok}))
    else:
        print(
            f"{outcome.events:,} events and {outcome.reviews:,} reviews in {outcome.messages:,} messages, {outcome.bodies:,} bodies, "
            f"{outcome.seconds:,.0f} s ({outcome.messages / outcome.seconds:,.0f} messages/s); {outcome.kills} kills, {outcome.resent:,} bodies sent "
            f"again, {outcome.busy:,} told to wait; {outcome.strays:,} strays, {outcome.missing:,} missing, {outcome.unlinked:,} unlinked, "
            f"checks wrong: {', '.join(outcome.wrong) or 'none'}"
        )
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
