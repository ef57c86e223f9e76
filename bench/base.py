"""A year of an annotation base as canonical Parquet files, month by month: what the benchmark loads.

Eight hundred seats at two sites, twenty projects, 208 submissions a person-day; fewer rows mean fewer people, never fewer days.
Everything follows from the seed and the last day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data.codes import VERDICTS
from data.tables import ARROW, TABLES

DAYS = 365
ROWS = 50_000_000
SEATS = 800
A_DAY = 208.0  # submissions of a person on a day at work
AT_WORK = 6 / 7 * 0.96
TEAM = 20
ZONE_MS = 8 * 3_600_000
DAY_MS = 86_400_000
INSTANT = pa.timestamp("ms", "UTC")  # a file says which zone its instants are in
EPOCH = date(1970, 1, 1)
MODALITIES = ("image", "image", "image", "3d", "audio", "text", "video", "image", "keypoint", "image")
CLOCKS = ("lead_time", "active", "wall", "reported")
ERRORS = ("漏标", "多标", "错类", "不贴合", "错属性", "错ID")
COSTS = (("rent", 62_000), ("power", 44_000), ("management", 205_000), ("equipment", 26_000), ("subsidy", 58_000))
PROJECTS = 20
BATCH_DAYS = 3
REWORK, REVIEWED, SECOND_LOOK = 0.08, 0.15, 0.1

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def days_of(first: date, last: date) -> int:
    """Days from the first to the last, both included."""
    return (last - first).days + 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides every row: about how many annotation rows, the last day, the seed."""

    rows: int
    last: date
    seed: int = 7

    @property
    def first(self) -> date:
        """The first day."""
        return self.last - timedelta(days=DAYS - 1)

    @property
    def seats(self) -> int:
        """People at work at any time."""
        return max(12, round(self.rows / (A_DAY * AT_WORK * DAYS)))

    @property
    def teams(self) -> int:
        """Teams of up to twenty."""
        return -(-self.seats // TEAM)

    @property
    def months(self) -> list[tuple[date, date]]:
        """First and last day of each calendar month touched."""
        found, start = [], self.first
        while start <= self.last:
            end = min((start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1), self.last)
            found.append((start, end))
            start = end + timedelta(days=1)
        return found


def project_id(project: int) -> str:
    """The id of a project by its number."""
    return f"P{project + 1:02d}"


class Base:
    """Writes the files of one plan into a folder."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.rng = np.random.default_rng(plan.seed)
        seats = np.arange(plan.seats)
        self.team = seats // TEAM
        # Four in ten seats change hands in the year; the newcomer has an id of their own.
        self.leaves = np.where(self.rng.random(plan.seats) < 0.4, self.rng.integers(20, DAYS - 20, plan.seats), DAYS)
        people = 2 * plan.seats
        self.workers = [f"W{number:05d}" for number in range(people)]
        self.reviewers = [f"R{number:04d}" for number in range(2 * plan.teams)]
        self.pace = np.exp(0.16 * self.rng.standard_normal((people, PROJECTS)))
        self.base_pace = 6 + 4 * self.rng.random(PROJECTS)
        self.projects = np.stack([self.team % PROJECTS, (self.team * 7 + 3) % PROJECTS, (self.team * 3 + 11) % PROJECTS], axis=1)
        self.items = np.ones(PROJECTS, np.int64)
        self.events = self.reviews = 1

    def write(self) -> list[tuple[str, Path]]:
        """All files as (canonical table, path), in the order they are to be loaded."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = [(table, self._put(f"00-{table}", rows)) for table, rows in self._reference()]
        for start, end in self.plan.months:
            work, reviews = self._month(start, end)
            for table, rows in (("annotations", work), ("reviews", reviews)):
                found.append((table, self._put(f"{start:%Y-%m}-{table}", rows)))
        return found

    def _put(self, name: str, rows: pa.Table) -> Path:
        path = self.folder / f"{name}.parquet"
        pq.write_table(rows, path, compression="snappy")
        return path

    # Who and what for ------------------------------------------------------------------------------------------------
    def _reference(self) -> Iterator[tuple[str, pa.Table]]:
        plan, rng = self.plan, self.rng
        month = plan.first.replace(day=1)
        sites = [{"site_id": f"S{n}", "name": name, "zone": "Asia/Shanghai", "day_start": "06:00", "seats": seats, "minimum_wage": Decimal(1950)}
                 for n, name, seats in ((1, "清涧基地", 1000), (2, "临河基地", 300))]  # fmt: skip
        teams = [{"team_id": f"T{t + 1:02d}", "name": f"{t + 1} 组", "site_id": self._site(t), "modality": MODALITIES[t % PROJECTS % len(MODALITIES)]}
                 for t in range(plan.teams)]  # fmt: skip
        workers: list[dict[str, object]] = []
        moves: list[dict[str, object]] = []
        for seat in range(plan.seats):
            leaves, team = int(self.leaves[seat]), int(self.team[seat])
            hired = plan.first - timedelta(days=int(rng.exponential(300)) + 1)
            left = plan.first + timedelta(days=leaves) if leaves < DAYS else None
            level = int(rng.integers(1, 6))
            workers.append(self._worker(seat, team, hired, left, level))
            if left:
                workers.append(self._worker(seat + plan.seats, team, left, None, 5))
            elif rng.random() < 0.05:
                when = plan.first + timedelta(days=int(rng.integers(60, 300)))
                moves.append(
                    {
                        "worker_id": self.workers[seat],
                        "valid_from": when,
                        "team_id": f"T{(team + 1) % plan.teams + 1:02d}",
                        "skill_level": level,
                    }
                )
        for number, reviewer in enumerate(self.reviewers):
            workers.append({"worker_id": reviewer, "name": f"质检{number}", "team_id": f"T{number // 2 + 1:02d}", "site_id": self._site(number // 2), "role": "reviewer",
                            "hire_date": plan.first - timedelta(days=400), "contract": "full_time", "skill_level": 2})  # fmt: skip
        projects = [{"project_id": project_id(p), "name": f"项目 {p + 1}", "name_en": f"Project {p + 1}", "client": f"客户 {p % 7 + 1}", "client_en": f"Client {p % 7 + 1}",
                     "modality": MODALITIES[p % len(MODALITIES)], "task_type": ("detection", "segmentation", "classification")[p % 3], "unit": "box", "tier": p % 4 + 1}
                    for p in range(PROJECTS)]  # fmt: skip
        prices = [{"project_id": project_id(p), "valid_from": date(year, quarter, 1), "amount": Decimal(f"{0.05 + 0.004 * (p % 9) - 0.0004 * n:.4f}")}
                  for p in range(PROJECTS) for n, (year, quarter) in enumerate((y, q) for y in (month.year, month.year + 1) for q in (1, 4, 7, 10))]  # fmt: skip
        rates = [price | {"amount": (price["amount"] * share).quantize(Decimal("0.0001")), "action": action, "pay_on": pay_on}
                 for price in prices for p in [int(str(price["project_id"])[1:])]
                 for pay_on in ["accept" if p % 5 == 0 else "pass" if p % 7 == 0 else "submit"]
                 for action, share in (("annotate", Decimal("0.6")), ("rework", Decimal("0.3")))]  # fmt: skip
        costs = [{"site_id": f"S{site}", "month": date(month.year + (month.month - 1 + n) // 12, (month.month - 1 + n) % 12 + 1, 1), "kind": kind, "amount": Decimal(amount)}
                 for site in (1, 2) for n in range(13) for kind, amount in COSTS]  # fmt: skip
        for table, rows in (("sites", sites), ("teams", teams), ("workers", workers), ("assignments", moves), ("projects", projects), ("prices", prices),
                            ("rates", rates), ("batches", self._batches()), ("costs", costs)):  # fmt: skip
            if rows:
                kinds = {
                    c.name: {"time": pa.string(), "instant": INSTANT}.get(c.kind, ARROW[c.kind])
                    for c in TABLES[table].columns
                    if c.name in rows[0]
                }
                yield table, pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()})

    def _site(self, team: int) -> str:
        return "S1" if team % 10 < 7 else "S2"

    def _worker(self, number: int, team: int, hired: date, left: date | None, level: int) -> dict[str, object]:
        return {
            "worker_id": self.workers[number], "name": f"员工{number:04d}", "team_id": f"T{team + 1:02d}", "site_id": self._site(team), "role": "annotator",
            "hire_date": hired, "leave_date": left, "leave_reason": "个人原因" if left else None, "voluntary": number % 4 != 0 if left else None,
            "contract": ("full_time", "dispatch", "intern")[number % 3], "channel": ("招聘网站", "内部推荐", "劳务公司")[number % 3], "skill_level": level,
        }  # fmt: skip

    def _batches(self) -> list[dict[str, object]]:
        found = []
        for project in range(PROJECTS):
            for number in range(-(-DAYS // BATCH_DAYS)):
                delivered = self.plan.first + timedelta(days=(number + 1) * BATCH_DAYS)
                decided = delivered + timedelta(days=4)
                bad, known = (number * 7 + project) % 11 == 0, decided <= self.plan.last
                row: dict[str, object] = {"batch_id": self.batch(project, number), "project_id": project_id(project), "delivered_at": _midnight(delivered),
                                          "decided_at": _midnight(decided) if known else None, "decision": ("reject" if bad else "accept") if known else "pending",
                                          "resubmission_of": None}  # fmt: skip
                found.append(row)
                if bad and known:
                    found.append(row | {"batch_id": f"{row['batch_id']}R", "decided_at": _midnight(decided + timedelta(days=3)), "decision": "accept",
                                        "resubmission_of": row["batch_id"]})  # fmt: skip
        return found

    @staticmethod
    def batch(project: int, number: int) -> str:
        """The id of a project's batch: one every three days."""
        return f"{project_id(project)}-{number + 1:04d}"

    # What happened ---------------------------------------------------------------------------------------------------
    def _month(self, start: date, end: date) -> tuple[pa.Table, pa.Table]:
        rng, plan = self.rng, self.plan
        shape = (plan.seats, days_of(start, end))
        seat, day = np.nonzero(rng.random(shape) < AT_WORK)
        day = day + (start - plan.first).days
        worker = seat + np.where(day >= self.leaves[seat], plan.seats, 0)
        count = np.maximum(1, np.rint(rng.normal(A_DAY, 22, len(seat)))).astype(np.int64)
        home = self.projects[seat]
        first = home[np.arange(len(seat)), (rng.random(len(seat)) < 0.2).astype(np.int64)]
        turn = np.where(rng.random(len(seat)) < 0.6, rng.uniform(0.3, 1.0, len(seat)), 1.0)
        second = home[np.arange(len(seat)), rng.integers(1, 3, len(seat))]

        stint = np.repeat(np.arange(len(seat)), count)  # the person-day of each row
        begins = np.cumsum(count) - count
        place = np.arange(len(stint)) - begins[stint]
        project = np.where(place < (turn * count)[stint], first[stint], second[stint])
        person = worker[stint]
        units = rng.integers(5, 26, len(stint))
        mean = self.base_pace[project] * self.pace[person, project]
        seconds = np.maximum(0.5, np.round(units * mean * np.exp(0.35 * rng.standard_normal(len(stint)) - 0.06), 1))
        spent = np.cumsum(seconds + rng.exponential(4, len(stint)))
        spent -= (spent - seconds)[begins][stint]
        spent += np.where(spent > 3 * 3600, 3600, 0)  # lunch
        opened = (day + (plan.first - EPOCH).days) * DAY_MS - ZONE_MS + 9 * 3_600_000 + rng.integers(-900_000, 900_000, len(seat))
        ts = opened[stint] + np.rint(spent * 1000).astype(np.int64)

        order = np.argsort(ts, kind="stable")
        person, project, units, seconds, ts, stint = (column[order] for column in (person, project, units, seconds, ts, stint))
        item, rework = self._items(person, project)
        batch = project * 1000 + day[stint] // BATCH_DAYS
        event = self.events + np.arange(len(ts))
        self.events += len(ts)
        walled = np.array([CLOCKS[p % 4] in ("wall", "lead_time") for p in range(PROJECTS)])[project]
        work = pa.table({
            "event_id": _ids(b"1", event), "worker_id": _words(person, self.workers),
            "project_id": _words(project, [project_id(p) for p in range(PROJECTS)]), "item_id": _ids(b"img-", item),
            "ts": _instants(ts), "started_at": _instants(ts - np.rint(seconds * 1000).astype(np.int64), ~walled),
            "batch_id": self._batch_names(batch), "action": _words(rework.astype(np.int64), ["annotate", "rework"]),
            "units": pa.array(units.astype(np.int32)), "duration_s": pa.array(seconds),
            "clock": _words(project % 4, CLOCKS),
        })  # fmt: skip
        return work, self._reviews(person, project, item, ts, event, batch, units, day[stint], stint)

    def _items(self, person: Ints, project: Ints) -> tuple[Ints, Flags]:
        """Item numbers and which rows are rework: of an item the same person did earlier in the same project."""
        rework = self.rng.random(len(person)) < REWORK
        back = self.rng.integers(10, 150, len(person))
        order = np.lexsort((np.arange(len(person)), project, person))
        key = (person * PROJECTS + project)[order]
        fresh = ~rework[order]
        starts = np.maximum.accumulate(np.where(np.r_[True, key[1:] != key[:-1]], np.arange(len(key)), 0))
        last_fresh = np.maximum.accumulate(np.where(fresh, np.arange(len(key)), -1))
        source = last_fresh[np.maximum(np.arange(len(key)) - back[order], 0)]
        again = rework[order] & (source >= starts)
        rework[order] = again
        item = np.zeros(len(person), np.int64)
        for number in range(PROJECTS):
            mine = (project == number) & ~rework
            added = int(mine.sum())
            item[mine] = self.items[number] + np.arange(added)
            self.items[number] += added
        ordered = item[order]
        ordered[again] = ordered[source[again]]
        item[order] = ordered
        return item, rework

    def _reviews(
        self, person: Ints, project: Ints, item: Ints, ts: Ints, event: Ints, batch: Ints, units: Ints, day: Ints, stint: Ints
    ) -> pa.Table:
        """A reviewer of the team goes through a person's sampled rows in one sitting: the same evening, or the next morning."""
        rng = self.rng
        picked = np.flatnonzero(rng.random(len(ts)) < REVIEWED)
        again = picked[rng.random(len(picked)) < SECOND_LOOK]
        rows, second = np.r_[picked, again], np.r_[np.zeros(len(picked), bool), np.ones(len(again), bool)]
        midnight = (day[rows] + (self.plan.first - EPOCH).days) * DAY_MS - ZONE_MS
        evening = midnight + int(17.5 * 3_600_000)
        at = (
            np.where(ts[rows] < evening, evening, midnight + DAY_MS + 10 * 3_600_000)
            + np.where(second, DAY_MS, 0)
            + rng.integers(0, 2_400_000, len(rows))
        )
        chance = rng.random(len(rows))
        verdict = np.where(chance < np.where(second, 0.96, 0.88), 0, np.where(chance < 0.93, 1, 2))
        wrong = verdict > 0
        errors = np.where(wrong, np.minimum(1 + rng.geometric(0.6, len(rows)), units[rows]), 0)
        team = self.team[person[rows] % self.plan.seats]
        reviewer = team * 2 + (stint[rows] + project[rows] + second) % 2
        kind = np.minimum(rng.geometric(0.4, len(rows)) - 1, len(ERRORS) - 1)
        order = np.argsort(at, kind="stable")
        order = order[at[order] < (days_of(self.plan.first, self.plan.last) + (self.plan.first - EPOCH).days) * DAY_MS - ZONE_MS]
        rows, second, at, verdict, wrong, errors, reviewer, kind = (
            c[order] for c in (rows, second, at, verdict, wrong, errors, reviewer, kind)
        )
        number = self.reviews + np.arange(len(rows))
        self.reviews += len(rows)
        return pa.table({
            "review_id": _ids(b"1", number), "worker_id": _words(person[rows], self.workers),
            "project_id": _words(project[rows], [project_id(p) for p in range(PROJECTS)]), "item_id": _ids(b"img-", item[rows]),
            "verdict": _words(verdict, VERDICTS), "ts": _instants(at), "reviewer_id": _words(reviewer, self.reviewers),
            "event_id": _ids(b"1", event[rows]), "batch_id": self._batch_names(batch[rows]),
            "stage": _words(second.astype(np.int64), ["qc1", "qc2"]), "inspected_units": pa.array(units[rows].astype(np.int32)),
            "error_units": pa.array(errors.astype(np.int32)), "error_type": _words(kind, ERRORS, ~wrong),
        })  # fmt: skip

    def _batch_names(self, code: Ints) -> pa.Array:
        known, index = np.unique(code, return_inverse=True)
        return _words(index, [self.batch(int(c) // 1000, int(c) % 1000) for c in known])


_THOUSANDS = np.frombuffer("".join(f"{n:03d}" for n in range(1000)).encode(), np.uint8).reshape(1000, 3)


def _ids(prefix: bytes, number: Ints) -> pa.Array:
    """A prefix and nine digits as text, written straight into an Arrow buffer."""
    width = len(prefix)
    text = np.empty((len(number), width + 9), np.uint8)
    text[:, :width] = np.frombuffer(prefix, np.uint8)
    for place, scale in ((0, 1_000_000), (3, 1_000), (6, 1)):
        text[:, width + place : width + place + 3] = _THOUSANDS[number // scale % 1000]
    offsets = np.arange(len(number) + 1, dtype=np.int32) * np.int32(width + 9)
    return pa.StringArray.from_buffers(len(number), pa.py_buffer(offsets), pa.py_buffer(text))


def _words(codes: Ints, words: list[str] | tuple[str, ...], null: Flags | None = None) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=null), pa.array(words, pa.string()))


def _instants(ms: Ints, null: Flags | None = None) -> pa.Array:
    return pa.array(ms, pa.int64(), mask=null).cast(INSTANT)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
