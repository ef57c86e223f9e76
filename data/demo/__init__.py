"""The invented base: two sites, three years of people, some months of work, true to the trade and the same for the same seed.

`build` writes a store, its log straight and the rest through the ordinary load path; `live` goes on with today's work where the store ends.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from data import load
from data.demo import reference
from data.demo.days import Calendar, Roster, number
from data.demo.floor import DAY_MS, ZONE_MS, Floor, Rows, join, take
from data.demo.ledger import Ledger, Sheet
from data.demo.log import Log, records
from data.demo.people import SITES, Cast
from data.demo.projects import PROJECTS
from data.errors import InputError, StoreError
from data.store import Store, discard
from data.tables import Batch

__all__ = ["SOURCE", "Plan", "build", "live"]

SOURCE = "demo"
CHUNK = 1_500_000  # rows of work written in one transaction
SHIFT = (9, 22)  # hours between which the base is at work
OUTSIDE = (14, 20)  # what time it is in the demo when it is built outside the shift
ZONE = ZoneInfo(reference.ZONE)


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides every row of an invented base. until: the local minute of today up to which it was loaded."""

    people: int
    days: int
    seed: int
    today: date
    until: int

    @classmethod
    def of(cls, meta: Mapping[str, str | None]) -> Plan:
        """The plan a store was built with, from its meta facts. Raises StoreError when they are not there."""
        try:
            people, days, seed, until = (int(meta[f"demo_{name}"] or "") for name in ("people", "days", "seed", "until"))
            return cls(people, days, seed, date.fromisoformat(meta["demo_today"] or ""), until)
        except (KeyError, ValueError):
            raise StoreError(
                "This is not a demo base: build one with “python -m data demo”.", "这不是演示基地：请用 “python -m data demo” 生成。"
            ) from None

    @property
    def meta(self) -> dict[str, str]:
        """The facts `of` reads."""
        return {f"demo_{name}": str(getattr(self, name)) for name in ("people", "days", "seed", "today", "until")}

    @property
    def cut(self) -> int:
        """The moment the log ends, UTC milliseconds."""
        return number(self.today) * DAY_MS - ZONE_MS + self.until * 60_000

    def floor(self) -> Floor:
        """The base before its first day."""
        today = number(self.today)
        return Floor(Cast(self.people, today, self.seed), Calendar(today - self.days + 1, today), self.seed)


def plan(people: int = 800, days: int = 90, seed: int = 7, today: date | None = None) -> Plan:
    """Check the numbers and settle what “now” is: this hour within the shift, else twenty past two of the last day it has been.

    Raises InputError for sizes whose ids would collide.
    """
    if not 20 <= people <= 3000 or not 14 <= days <= 730:
        raise InputError("The demo base needs 20–3,000 people and 14–730 days.", "演示基地需要 20–3000 人、14–730 天。")
    now = datetime.now(ZONE)
    today = today or now.date() - timedelta(days=now.hour < SHIFT[0])
    inside = today == now.date() and SHIFT[0] <= now.hour < SHIFT[1]
    return Plan(people, days, seed, today, now.hour * 60 if inside else OUTSIDE[0] * 60 + OUTSIDE[1])


def build(
    store_path: Path | str, *, people: int = 800, days: int = 90, seed: int = 7, today: date | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, object]:  # fmt: skip
    """Write the invented base to `store_path`, which appears only when it is complete; a demo base already there is replaced.

    people: at the first site (the second has 0.3 times as many); progress: told days loaded and days in all.
    Returns the plan, the rows by table and the seconds taken. Raises StoreError where a store that is not a demo base stands,
    StoreBusy where a server runs on it, InputError for a size out of range.
    """
    began = time.monotonic()
    chosen, path = plan(people, days, seed, today), Path(store_path)
    _may_replace(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    floor, diary = chosen.floor(), Diary([], [])
    counts: dict[str, int] = {}
    part = path.with_name(f"{path.name}.{os.getpid()}.demo")
    try:
        with Store(part) as store, ThreadPoolExecutor(1) as ahead:
            with store.cursor() as cur:
                cur.execute("SET checkpoint_threshold = '64GB'")  # the file is folded once, at the end
            store.set_meta("zone", reference.ZONE)
            _load(store, reference.before(floor), counts)
            ledger, judged = Ledger(store, floor, SOURCE), []
            portions = _portions(floor, chosen.cut, diary, ledger)
            waiting = ahead.submit(next, portions, None)
            while (portion := waiting.result()) is not None:
                waiting = ahead.submit(next, portions, None)  # the next days are played while these are written
                counts["annotations"] = counts.get("annotations", 0) + ledger.write(portion.sheets)
                judged += portion.reviews
                if progress:
                    progress(portion.days, chosen.days)
            counts["reviews"] = ledger.write_reviews(join(*judged))
            _load(store, reference.after(floor, chosen.cut, diary.rosters, np.array(diary.made)), counts)
            ledger.close()
            for key, value in {**chosen.meta, "demo": "yes"}.items():
                store.set_meta(key, value)
            store.checkpoint()
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
        os.replace(part, path)
    finally:
        discard(part)
    return {**chosen.meta, "rows": counts, "seconds": round(time.monotonic() - began, 1)}


def _may_replace(path: Path) -> None:
    if path.exists():
        with Store(path) as store:
            if not store.is_demo and store.rows("SELECT 1 FROM load LIMIT 1"):
                raise StoreError(
                    f"{path} holds data of your own, which the demo base never overwrites: name another file.",
                    f"{path} 中有您自己的数据，演示基地不会覆盖：请另取文件名。",
                )


@dataclass(frozen=True, slots=True)
class Diary:
    """What is written down while days are played: who was expected, and the units made by project and site."""

    rosters: list[Roster]
    made: list[npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Portion:
    """Some days' work as the log holds it, their verdicts, and how many days have been played."""

    sheets: list[Sheet]
    reviews: list[Rows]
    days: int


def played(floor: Floor, cut: int, diary: Diary) -> Iterator[tuple[int, Rows, Rows]]:
    """Every day up to the cut: its number, its work and its verdicts. Writes the diary."""
    for day in floor.days():
        diary.rosters.append(day.roster)
        place = floor.cast.at(day.day).site[day.work["worker"]] + day.work["project"].astype(np.int64) * len(SITES)
        units = np.bincount(place, weights=day.work["units"], minlength=len(PROJECTS) * len(SITES)).astype(np.float64)
        diary.made.append(units.reshape(len(PROJECTS), len(SITES)))
        work, reviews = join(day.work, day.checks), day.reviews
        if day.day == floor.calendar.today:
            work, reviews = take(work, work["ts"] <= cut), take(reviews, reviews["ts"] <= cut)
        yield day.day, work, reviews


def _portions(floor: Floor, cut: int, diary: Diary, ledger: Ledger) -> Iterator[Portion]:
    """The days in portions of about CHUNK rows."""
    sheets: list[Sheet] = []
    judged: list[Rows] = []
    for day, work, reviews in played(floor, cut, diary):
        sheets.append(ledger.sheet(day, work))
        judged.append(reviews)
        if day == floor.calendar.today or sum(len(sheet.lot) for sheet in sheets) >= CHUNK:
            yield Portion(sheets, judged, len(diary.made))
            sheets, judged = [], []


def _load(store: Store, batches: Iterable[Batch], counts: dict[str, int]) -> None:
    for report in load.load(store, batches, source=SOURCE):
        if report.rejected:
            raise StoreError(f"The demo base has {report.rejected} {report.table} rows that were refused: {report.rejects[0].reason}")
        counts[report.table] = counts.get(report.table, 0) + report.new


def live(
    base: Plan | Path | str, *, since: datetime | None = None, seconds_per_tick: float = 2.0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC), sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[str, list[dict[str, object]]]]:  # fmt: skip
    """Today's remaining work at the pace at which it happens: (table, canonical JSON records) of "annotations" and "reviews".

    base: a Plan, or the store file of a base that no server has open. since: the newest moment already in the store (default:
    where the build ended). When the demo's today is the real today, what lies between `since` and now comes at once; otherwise
    the demo's clock starts at `since`. Every row has the id the plan gives it, so a repeated row is a duplicate, not a second
    fact. Ends with the shift. Push with source "demo".
    """
    if not isinstance(base, Plan):
        with Store(Path(base), create=False) as store:
            base = Plan.of({str(key): value for key, value in store.rows("SELECT key, value FROM meta")})
    floor = base.floor()
    day = deque(floor.days(), maxlen=1).pop()
    log, work = Log(floor), join(day.work, day.checks)
    work, reviews = take(work, np.argsort(work["ts"], kind="stable")), day.reviews
    sent = int(since.timestamp() * 1000) if since else base.cut
    last = max(int(rows["ts"].max()) for rows in (work, reviews) if len(rows))
    began = now()
    begins = int(began.timestamp() * 1000)
    behind = sent if began.astimezone(ZONE).date() != base.today or begins < sent or begins > last else begins
    while sent < last:
        clock = behind + int((now() - began) / timedelta(milliseconds=1))
        for table, rows, make in (("annotations", work, log.work), ("reviews", reviews, log.reviews)):
            low, high = np.searchsorted(rows["ts"], [sent, clock], side="right")
            for start in range(int(low), int(high), 5000):
                yield table, records(make(rows[start : min(start + 5000, int(high))]))
        sent = max(sent, clock)
        if sent < last:
            sleep(seconds_per_tick)
