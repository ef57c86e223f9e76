"""kill -9 in the middle of writing, again and again: what was acknowledged is there once, nothing is there in part.

python -m bench.kill [--kills 20] [--seed 7] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import httpx

from data.store import Store
from data.verify import verify
from tests.serving import ROOT, Serving, command, environment

START = datetime(2026, 3, 2, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`acknowledged` rows were promised; `lost` of them are missing; `doubled` ids stand more than once; `partial` bodies or
    files are there in part; `wrong` checks of verify failed. `broken` counts kills that interrupted writing."""

    what: str
    kills: int
    broken: int
    acknowledged: int
    stored: int
    lost: int
    doubled: int
    partial: int
    wrong: int

    @property
    def ok(self) -> bool:
        """True when nothing was lost, doubled, partial or wrong."""
        return not (self.lost or self.doubled or self.partial or self.wrong)


def rows(body: int, size: int) -> list[dict[str, object]]:
    """The rows of one body: ids that tell the body, a minute apart over some days."""
    return [
        {
            "event_id": f"k{body}-{i}", "worker_id": f"w{(body + i) % 20}", "project_id": f"p{i % 3}", "item_id": f"i{body}-{i}",
            "ts": (START + timedelta(minutes=7 * body + i % 7, seconds=i)).isoformat(), "duration_s": 20, "units": 3,
        }
        for i in range(size)
    ]  # fmt: skip


def kill_pushes(folder: Path, kills: int, seed: int = 7, size: int = 20) -> Outcome:
    """Kill the server while three clients push; then send every body again and count."""
    store, dice = folder / "pushes.duckdb", random.Random(seed)
    token = command(store, "token", "add", "bench").stdout.strip()
    sent, acknowledged, broken = [0], set[int](), 0
    for _ in range(kills):
        server = Serving(store).start()
        failed: list[int] = []
        heard = len(acknowledged)

        def keep_pushing(server: Serving = server, failed: list[int] = failed) -> None:
            with server.client(token) as client:
                while True:
                    sent[0] += 1
                    body = sent[0]
                    try:
                        answer = client.post("/api/events/annotations", json=rows(body, size))
                    except httpx.TransportError:
                        failed.append(body)
                        return
                    if answer.status_code == 200:
                        acknowledged.add(body)
                    elif answer.status_code != 429:
                        raise AssertionError(answer.text)

        clients = [Thread(target=keep_pushing, daemon=True) for _ in range(3)]
        for client in clients:
            client.start()
        while len(acknowledged) == heard and any(client.is_alive() for client in clients):
            time.sleep(0.01)  # until the first answer
        time.sleep(0.1 + dice.random())
        server.kill()
        for client in clients:
            client.join(60)
        broken += bool(failed)
    found, _ = _found(store)
    bodies = Counter(int(key[1:].split("-")[0]) for key in found)
    lost = sum(size - bodies[body] for body in acknowledged)
    partial = sum(count not in (0, size) for count in bodies.values())
    # Everything once more, as a sender does that did not hear an answer: only what is missing may be new.
    with Serving(store) as server, server.client(token) as client:
        new = sum(client.post("/api/events/annotations", json=rows(body, size)).json()["new"] for body in range(1, sent[0] + 1))
    lost += abs(sent[0] * size - len(found) - new)
    after, wrong = _found(store)
    return Outcome("pushes", kills, broken, len(acknowledged) * size, len(after), lost, len(after) - len(set(after)), partial, wrong)


def kill_imports(folder: Path, kills: int, seed: int = 7, size: int = 60_000) -> Outcome:
    """Kill imports half-way, then let each finish; a file is there whole or not at all."""
    store, dice = folder / "imports.duckdb", random.Random(seed)
    acknowledged, partial, broken, length = 0, 0, 0, 6.0
    for body in range(1, kills + 1):
        file = folder / f"{body}.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows(body, 1)[0]))
            writer.writeheader()
            writer.writerows(rows(body, size))
        importing = [sys.executable, "-m", "data", "import", str(file), "--as", "annotations"]
        if body > 1:  # the first one tells how long an import takes here
            victim = subprocess.Popen(importing, cwd=ROOT, env=environment(store), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                victim.wait(length * (0.2 + 0.8 * dice.random()))
            broken += victim.poll() is None
            victim.kill()
            victim.wait(60)
            here, _ = _found(store, f"k{body}-", check=False)
            partial += len(here) not in (0, size)
        began = time.monotonic()
        whole = command(store, "import", str(file), "--as", "annotations", "--json")
        if body == 1:
            length = time.monotonic() - began
        if whole.returncode != 0:
            raise AssertionError(whole.stderr)
        acknowledged += size
        file.unlink()
    found, wrong = _found(store)
    lost = acknowledged - len(set(found))
    return Outcome("imports", kills, broken, acknowledged, len(found), lost, len(found) - len(set(found)), partial, wrong)


def _found(store: Path, start: str = "", *, check: bool = True) -> tuple[list[str], int]:
    with Store(store) as opened:
        found = [key for (key,) in opened.rows("SELECT event_id FROM work WHERE starts_with(event_id, ?)", [start])]
        return found, sum(not one.ok for one in verify(opened)) if check else 0


def main() -> int:
    """Both kinds; exit status 1 when anything was lost, doubled, partial or wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.kill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = [kill_pushes(Path(folder), args.kills, args.seed), kill_imports(Path(folder), args.kills, args.seed)]
    if args.json:
        print(json.dumps([asdict(outcome) | {"ok": outcome.ok} for outcome in outcomes]))
    else:
        for one in outcomes:
            print(
                f"{one.what}: {one.kills} kills, {one.broken} in mid-write; {one.acknowledged:,} rows acknowledged, {one.stored:,} stored; "
                f"{one.lost} lost, {one.doubled} doubled, {one.partial} partial, {one.wrong} checks wrong"
            )
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
