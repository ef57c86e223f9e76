"""The floor of the invented base, played day by day: labelling, review, rework, delivery, the client's decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.codes import ACCEPT, ANNOTATE, FIX, REJECT, REVIEW, REWORK, STAGES
from data.demo.days import Calendar, Roster, clocked, roster, worked
from data.demo.people import ANNOTATOR, REVIEWER, Cast, Floats, Ints, State
from data.demo.projects import GUIDELINE_PROJECT, OUTAGE_TOOL, PROJECTS, TOOL, TOOLS, TRADE, TRADES

Rows = npt.NDArray[np.void]
DAY_MS = 86_400_000
ZONE_MS = 8 * 3_600_000  # Asia/Shanghai is UTC+8 all year
# Numbers kept free for each day (events and reviews; items of one project): the ids of a day never depend on other days.
PER_DAY, ITEMS_PER_DAY = 1_000_000, 100_000
NEWCOMER = 60  # days of employment
GROUPS = 4  # a team works in groups of five or six on one batch a day
SIZES, NOISE = 1024, 4096  # tables that random bits pick from, small enough for the processor's cache
CHECK = 0.46  # time to check a piece of work, relative to doing it
MEND = 0.45  # time to mend one
# Shares of drawing time, of pauses up to 100 s and of all pauses that cvat, label_studio, client_platform and daily_sheet count.
CLOCK_SEES = np.array([(0.96, 1.0, 0.98, 1.0), (0.5, 0.0, 0.0, 1.0), (0.0, 0.8, 0.0, 0.0)], dtype=np.float32)
QC1, QC2, CLIENT = STAGES.index("qc1"), STAGES.index("qc2"), STAGES.index("client")
WHY = ("random", "newcomer", "full", "rework", "second_look", "appeal", "client")
RANDOM, NEW, FULL, REDONE, SECOND, APPEAL, SAMPLE = range(len(WHY))

WORK = np.dtype([("ts", "i8"), ("wall", "f4"), ("seconds", "f4"), ("worker", "i4"), ("item", "i4"), ("batch", "i4"), ("event", "i4"),
                 ("units", "u2"), ("pre", "i2"), ("project", "u1"), ("action", "u1"), ("round", "u1")])  # fmt: skip
VERDICT = np.dtype([("ts", "i8"), ("worker", "i4"), ("reviewer", "i4"), ("item", "i4"), ("batch", "i4"), ("event", "i4"), ("review", "i4"),
                    ("units", "u2"), ("errors", "u2"), ("project", "u1"), ("stage", "u1"), ("verdict", "u1"), ("round", "u1"),
                    ("type", "i1"), ("why", "u1")])  # fmt: skip
# A piece of work that waits for something: its review (from the working second `ready` of `day`) or its rework.
JOB = np.dtype([("day", "i4"), ("ready", "f4"), ("worker", "i4"), ("item", "i4"), ("batch", "i4"), ("event", "i4"), ("units", "u2"),
                ("project", "u1"), ("round", "u1"), ("stage", "u1"), ("why", "u1"), ("risk", "f4")])  # fmt: skip

_GEOMETRY, _TRACKS, _WORDS = (0.34, 0.12, 0.16, 0.27, 0.09, 0.02), (0.28, 0.10, 0.13, 0.20, 0.07, 0.22), (0.30, 0.10, 0.35, 0.0, 0.25, 0.0)


def take(rows: Rows, index: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Rows:
    """Chosen rows; as opaque bytes, because numpy copies records field by field otherwise (ten times slower)."""
    return rows.view(f"V{rows.dtype.itemsize}")[index].view(rows.dtype)


def join(*parts: Rows) -> Rows:
    """The rows of all parts, which share one layout."""
    return np.concatenate([part.view(f"V{part.dtype.itemsize}") for part in parts]).view(parts[0].dtype)


def job(rows: Rows, risk: Floats, stage: int, why: int | npt.NDArray[np.int64], day: int) -> Rows:
    """The work rows as pieces that wait."""
    jobs = np.zeros(len(rows), JOB)
    for name in ("worker", "item", "batch", "event", "units", "project", "round"):
        jobs[name] = rows[name]
    jobs["risk"], jobs["stage"], jobs["why"], jobs["day"] = risk, stage, why, day
    return jobs


@dataclass(slots=True)
class Lot:
    """A batch: the day and group that made it, and what became of it. Days are numbers, instants UTC milliseconds."""

    project: int
    day: int
    name: str
    units: int
    start: int
    size: int
    parent: int = -1
    delivered: int | None = None
    decided: int | None = None
    decide_day: int = -1
    accepted: bool = False
    inspected: int = 0
    defects: int = 0
    risk: float = 1.0


@dataclass(frozen=True, slots=True)
class Day:
    """What one day adds: labelling and rework, the reviewers' own work, and verdicts (in time order). Times are UTC milliseconds."""

    day: int
    work: Rows
    checks: Rows
    reviews: Rows
    roster: Roster


class Floor:
    """The state of the floor between days: queues, open batches, and what each day made (until its batches are settled)."""

    def __init__(self, cast: Cast, calendar: Calendar, seed: int) -> None:
        self.cast, self.calendar, self.seed = cast, calendar, seed
        self.lots: list[Lot] = []
        self._made: dict[int, tuple[Rows, Floats, Ints]] = {}
        self._jobs = np.zeros(0, JOB)
        self._mend = np.zeros(0, JOB)
        self.tool = np.array([TOOL[p.tool] for p in PROJECTS])
        self.trade = np.array([TRADE[p.trade] for p in PROJECTS])
        self._blank = np.array([p.blank for p in PROJECTS])
        self._pre = np.array([p.prelabelled for p in PROJECTS], dtype=np.float32)
        self._assisted = np.array([p.assisted for p in PROJECTS], dtype=np.float32)
        self._errors = np.array([p.errors for p in PROJECTS])
        self._sampled = np.array([p.sampled for p in PROJECTS], dtype=np.float32)
        self._mean = np.array([p.units for p in PROJECTS])
        rng = np.random.default_rng([seed, 3])
        spread = rng.standard_normal(SIZES)
        self._sizes = np.maximum(1, np.rint(self._mean[:, None] * np.exp(0.42 * spread - 0.09))).astype(np.uint16).ravel()
        self._noise = np.exp(0.26 * rng.standard_normal(NOISE)).astype(np.float32)
        self._guide = next(i for i, p in enumerate(PROJECTS) if p.id == GUIDELINE_PROJECT)
        self._types = np.cumsum(
            [_TRACKS if p.task == "tracking" else _WORDS if p.trade in ("text", "audio") else _GEOMETRY for p in PROJECTS], axis=1
        )

    def days(self) -> Iterator[Day]:
        """Every day from the first to today, in order."""
        for day in range(self.calendar.first, self.calendar.today + 1):
            yield self.play(day)

    def play(self, day: int) -> Day:
        """The next day; days must be played in order."""
        rng = np.random.default_rng([self.seed, 4, day])
        state = self.cast.at(day)
        expected = roster(self.cast, self.calendar, state, day, rng)
        came = expected.leave == -1
        begins = np.zeros(len(self.cast.ids))
        room = np.zeros(len(self.cast.ids))
        begins[expected.worker[came]] = worked(expected.begins[came])
        room[expected.worker[came]] = worked(expected.clock_out[came]) - begins[expected.worker[came]] - 240
        room = np.maximum(room, 0)
        redone, spent, left = self._rework(day, state, room, begins, rng)
        self._mend = left
        made, risk = self._label(day, state, room, begins, spent, rng)
        done = join(made, redone[0])
        done_risk = np.concatenate([risk, redone[1]])
        why = np.concatenate([self._sample(made, state, rng), redone[2]])
        base = (day - self.calendar.first + 1) * PER_DAY
        used = np.zeros(len(TOOLS), dtype=np.int64)
        self._number(done, base, used)
        self._collect(day, done, done_risk)
        self._queue(done, done_risk, why, day)
        checks, reviews = self._review(day, state, room, begins, rng)
        self._number(checks, base, used)
        decisions = self._decide(day, rng)
        verdicts = join(reviews, decisions)
        verdicts = take(verdicts, np.argsort(verdicts["ts"], kind="stable"))
        verdicts["review"] = base + np.arange(len(verdicts))
        return Day(day, done, checks, verdicts, expected)

    # Labelling -------------------------------------------------------------------------------------------------------
    def _pace(self, workers: Ints, state: State, day: int, projects: Ints) -> Floats:
        """Speed relative to a trained person of average talent: a week to get going, two months to full speed."""
        tenure = state.tenure[workers]
        pace = self.cast.speed[workers] * (0.30 + 0.70 * (1 - np.exp(-tenure / 17))) * (1 + 0.02 * (state.level[workers] - 2).clip(0))
        since = day - self.calendar.guideline
        return pace * np.where((projects == self._guide) & (since >= 0), 1 - 0.14 * np.exp(-since / 7), 1.0)

    def _risk(self, workers: Ints, state: State, day: int, projects: Ints) -> Floats:
        """Probability that a first look finds the work wrong."""
        since = day - self.calendar.guideline
        bump = np.where((projects == self._guide) & (since >= 0), 1 + 1.6 * np.exp(-since / 6), 1.0)
        found: Floats = self.cast.error[workers] * self._errors[projects] * (1 + 1.5 * np.exp(-state.tenure[workers] / 22)) * bump
        return found

    def _assign(self, day: int, state: State, workers: Ints) -> tuple[Ints, Ints]:
        """The project of each person today, and the group (of a team) they work in. Groups keep a project for a week."""
        team, group = state.team[workers], workers % GROUPS
        luck = np.random.default_rng([self.seed, 5, (day + 3) // 7]).random((len(self.cast.teams), GROUPS))
        share = (day - self.calendar.first) / max(1, self.calendar.today - self.calendar.first)
        project = np.full(len(workers), -1)
        for one in np.unique(team):
            spec = self.cast.teams[one]
            open_ = [
                i
                for i, p in enumerate(PROJECTS)
                if self.trade[i] == spec.trade and p.starts <= share <= p.ends and (p.both or spec.site == 0)
            ]
            if open_:
                weight = np.cumsum([PROJECTS[i].weight for i in open_])
                mine = team == one
                project[mine] = np.array(open_)[np.searchsorted(weight, luck[one, group[mine]] * weight[-1])]
        return project, team * GROUPS + group

    def _label(self, day: int, state: State, room: Floats, begins: Floats, spent: Floats, rng: np.random.Generator) -> tuple[Rows, Floats]:
        people = np.flatnonzero((room > 600) & (state.role == ANNOTATOR) & state.here)
        project, group = self._assign(day, state, people)
        people, project, group = people[project >= 0], project[project >= 0], group[project >= 0]
        pace = self._pace(people, state, day, project) * np.exp(rng.normal(0, 0.05, len(people)))
        each = self._mean[project] * self._blank[project] / pace * (1 - self._pre[project] * (1 - self._assisted[project])) * 1.25 + 6
        free = np.maximum(room[people] - spent[people], 0)
        count = (free / each * 1.08 + 4).astype(np.int64)
        total = int(count.sum())
        if not total:
            return np.zeros(0, WORK), np.zeros(0)
        row = np.repeat(np.arange(len(people)), count)
        first = np.cumsum(count) - count
        rank = np.arange(total) - first[row]
        of = project[row]
        bits = rng.integers(0, 2**16, (4, total), dtype=np.uint16)
        units = self._sizes[of * SIZES + bits[0] % SIZES]
        proposed = bits[1] < (self._pre * 65536).astype(np.int64)[of]
        tired = (1 + 0.09 * np.clip(rank / (count[row] / 1.08), 0, 1) ** 1.5).astype(np.float32)
        seconds = units * (self._blank[project] / pace).astype(np.float32)[row] * self._noise[bits[2] % NOISE] * tired
        seconds = np.where(proposed, seconds * self._assisted[of], seconds) + 3
        pause = seconds * 0.20 * self._noise[bits[3] % NOISE] ** 2 + np.float32(300) * (bits[3] // NOISE == bits[2] // NOISE) * (
            bits[1] % 8 == 0
        )
        passed = np.cumsum(seconds + pause, dtype=np.float64)
        passed -= (passed[first] - seconds[first] - pause[first])[row]
        keep = np.flatnonzero(passed <= free[row])
        kept = row[keep]
        out = np.zeros(len(kept), WORK)
        out["ts"] = self._instant(day, (begins[people] + spent[people])[kept] + passed[keep])
        of, units = of[keep], units[keep]
        out["worker"], out["project"], out["units"], out["action"], out["round"] = people[kept], of, units, ANNOTATE, 1
        out["pre"] = np.where(self._pre[of] > 0, np.rint(units * (proposed[keep] * np.float32(0.88))), -1)
        self._time(out, seconds[keep], pause[keep], rng)
        risk = self._risk(people, state, day, project)[kept] * (0.85 + 0.5 * (tired[keep] - 1) / 0.09)
        if day == self.calendar.outage:
            up = np.flatnonzero(~self._down(out))
            out, risk, kept = take(out, up), risk[up], kept[up]
        self._batch(day, out, group[kept])
        return out, risk

    def _time(self, rows: Rows, seconds: npt.NDArray[np.float32], pause: npt.NDArray[np.float32], rng: np.random.Generator) -> None:
        """What each tool's clock makes of the time: gaps dropped, idle counted, pauses cut, or a figure somebody wrote down."""
        tool = self.tool[rows["project"]]
        idle = np.minimum(pause, 100)
        shown = seconds * CLOCK_SEES[0][tool] + idle * CLOCK_SEES[1][tool] + pause * CLOCK_SEES[2][tool]
        sheet = np.flatnonzero(tool == TOOL["daily_sheet"])
        shown[sheet] = np.maximum(5, np.rint(shown[sheet] / 5) * 5)
        wall = seconds + pause * np.float32(0.8)
        # Two tasks open side by side: the second one's clock ran while the first was being finished.
        studio = np.flatnonzero(tool == TOOL["label_studio"])
        both = studio[rng.random(len(studio)) < 0.01]
        wall[both] += 45
        shown[both] += 45
        wall[sheet] = np.nan
        rows["wall"], rows["seconds"] = wall, shown

    def _down(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Work that the outage prevented: one tool, two hours in the afternoon."""
        hour = (rows["ts"] + ZONE_MS) % DAY_MS // 3_600_000
        found: npt.NDArray[np.bool_] = (self.tool[rows["project"]] == TOOL[OUTAGE_TOOL]) & (hour >= 14) & (hour < 16)
        return found

    def _batch(self, day: int, rows: Rows, group: Ints) -> None:
        """One batch a group and project a day; items are numbered within the project."""
        keys, lot = np.unique(rows["project"].astype(np.int64) * 100_000 + group, return_inverse=True)
        units = np.bincount(lot, weights=rows["units"], minlength=len(keys))
        rows["batch"] = len(self.lots) + lot
        number: dict[int, int] = {}
        stamp = np.datetime64(day, "D").item().strftime("%y%m%d")
        for key, total in zip(keys, units, strict=True):
            project = int(key // 100_000)
            number[project] = number.get(project, 0) + 1
            self.lots.append(Lot(project, day, f"{stamp}-{number[project]:02d}", int(total), 0, 0))
        order = np.argsort(rows["project"], kind="stable")
        sizes = np.bincount(rows["project"], minlength=len(PROJECTS))
        item = np.empty(len(rows), dtype=np.int64)
        item[order] = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows["item"] = (day - self.calendar.first + 1) * ITEMS_PER_DAY + item

    # Rework ----------------------------------------------------------------------------------------------------------
    def _rework(
        self, day: int, state: State, room: Floats, begins: Floats, rng: np.random.Generator
    ) -> tuple[tuple[Rows, Floats, npt.NDArray[np.int64]], Floats, Rows]:
        """Mend what came back, first thing in the shift and for half of it at most: by the author, else by a colleague."""
        spent = np.zeros(len(room))
        due = self._mend[self._mend["day"] <= day]
        later = self._mend[self._mend["day"] > day]
        able = (room > 600) & (state.role == ANNOTATOR) & state.here
        fixer = due["worker"].astype(np.int64)
        away = np.flatnonzero(~able[fixer])
        if len(away):
            present = np.flatnonzero(able)
            for one in away:
                author = fixer[one]
                mates = present[state.team[present] == state.team[author]]
                fixer[one] = rng.choice(mates) if len(mates) else -1
        late, due, fixer = due[fixer < 0], due[fixer >= 0], fixer[fixer >= 0]
        order = np.argsort(fixer, kind="stable")
        due, fixer = due[order], fixer[order]
        pace = self._pace(fixer, state, day, due["project"].astype(np.int64))
        seconds = (due["units"] * self._blank[due["project"]] / pace * MEND * np.exp(rng.normal(0, 0.3, len(due))) + 5).astype(np.float32)
        pause = seconds * 0.06
        passed = np.cumsum(seconds + pause, dtype=np.float64)
        first = np.searchsorted(fixer, fixer)
        passed -= (passed - seconds - pause)[first] if len(first) else 0
        fits = passed <= room[fixer] * 0.5
        late = join(late, due[~fits], later)
        due, fixer, seconds, pause, passed = due[fits], fixer[fits], seconds[fits], pause[fits], passed[fits]
        np.maximum.at(spent, fixer, passed)
        out = np.zeros(len(due), WORK)
        for name in ("item", "batch", "units", "project"):
            out[name] = due[name]
        out["ts"] = self._instant(day, begins[fixer] + passed)
        out["worker"], out["action"], out["round"], out["pre"] = fixer, REWORK, due["round"], -1
        self._time(out, seconds, pause, rng)
        again = np.where((due["why"] != SAMPLE) | (rng.random(len(due)) < 0.15), REDONE, -1)
        return (out, due["risk"] * 0.4, again), spent, late

    # Review ----------------------------------------------------------------------------------------------------------
    def _sample(self, rows: Rows, state: State, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Which pieces are reviewed and why (-1: not): newcomers' work three times as often."""
        new = state.tenure[rows["worker"]] < NEWCOMER
        share = self._sampled[rows["project"]]
        chance = np.where(new, np.maximum(share, 0.40), share)
        why = np.where(share >= 1, FULL, np.where(new, NEW, RANDOM))
        return np.where(rng.random(len(rows), dtype=np.float32) < chance, why, -1)

    def _queue(self, rows: Rows, risk: Floats, why: npt.NDArray[np.int64], day: int) -> None:
        chosen = np.flatnonzero(why >= 0)
        rows = take(rows, chosen)
        jobs = job(rows, risk[chosen], QC1, why[chosen], day)
        jobs["ready"] = worked(((rows["ts"] + ZONE_MS) % DAY_MS) / 1000.0) + 600
        self._jobs = join(self._jobs, jobs)

    def _review(self, day: int, state: State, room: Floats, begins: Floats, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Each reviewer takes the next piece of their trade when it is ready and they are free; the rest waits for tomorrow."""
        fresh = (day - self._jobs["day"] <= 3) | (self._jobs["why"] >= FULL)
        jobs = self._jobs[fresh]
        free = (room > 600) & state.here
        server = self._servers(day, state, jobs, free)
        waiting = jobs[server < 0]
        jobs, server = jobs[server >= 0], server[server >= 0]
        ready = np.where(jobs["day"] < day, 0.0, jobs["ready"].astype(np.float64))
        order = np.lexsort((ready, server))
        jobs, server, ready = jobs[order], server[order], ready[order]
        need = jobs["units"] * self._blank[jobs["project"]] * CHECK / self.cast.speed[server] * np.exp(rng.normal(0, 0.25, len(jobs)))
        need = need * np.where(self._sampled[jobs["project"]] >= 1, 0.55, 1.0) + 4
        # One server: end = max(own start, ready, previous end) + need, closed form by a running maximum; far-apart offsets separate servers.
        total = np.cumsum(need)
        turn = np.cumsum(np.diff(server, prepend=server[:1]) != 0) * 1e7
        ends = np.maximum.accumulate(np.maximum(ready, begins[server]) - (total - need) + turn) + total - turn
        fits = ends <= begins[server] + room[server]
        self._jobs = join(waiting, jobs[~fits])
        jobs, server, need, ends = jobs[fits], server[fits], need[fits].astype(np.float32), ends[fits]
        appeal = (jobs["why"] == APPEAL) & (rng.random(len(jobs)) < 0.6)
        chance = np.minimum(jobs["risk"] * np.where(jobs["stage"] == QC2, 0.5, 1.0) * self.cast.strictness[server], 0.6)
        wrong = np.where(jobs["why"] == APPEAL, ~appeal, rng.random(len(jobs)) < chance)
        verdict = np.where(wrong, np.where((rng.random(len(jobs)) < 0.55) | (jobs["why"] == APPEAL), REJECT, FIX), ACCEPT)
        reviews = self._verdicts(jobs, verdict, self._instant(day, ends), rng)
        reviews["reviewer"] = server
        checks = np.zeros(len(jobs), WORK)
        for name in ("item", "batch", "units", "project", "round"):
            checks[name] = jobs[name]
        checks["ts"], checks["worker"], checks["action"], checks["pre"] = reviews["ts"], server, REVIEW, -1
        self._time(checks, need, need * np.float32(0.05), rng)
        self._follow(day, jobs, verdict, rng)
        return checks, reviews

    def _servers(self, day: int, state: State, jobs: Rows, free: npt.NDArray[np.bool_]) -> Ints:
        """Who looks at each job: the author's lead at the second stage, else the trade's reviewers in turn; -1 when nobody is in."""
        server = np.full(len(jobs), -1, dtype=np.int64)
        reviewers = np.flatnonzero(free & (state.role == REVIEWER))
        leads = self.cast.leads(day)
        lead_of = np.array([leads.get(team, -1) for team in range(len(self.cast.teams))])
        second = jobs["stage"] == QC2
        server[second] = lead_of[state.team[jobs["worker"][second]]]
        server[(server >= 0) & ~free[np.maximum(server, 0)]] = -1
        if not len(reviewers):
            return server
        pool_of = state.site[reviewers] * len(TRADES) + self.cast.team_trade[state.team[reviewers]]
        pool = state.site[jobs["worker"]] * len(TRADES) + self.trade[jobs["project"]]
        order = np.lexsort((jobs["ready"], jobs["day"], pool))
        for one in np.unique(pool[server < 0]):
            mine = order[(pool[order] == one) & (server[order] < 0)]
            who = reviewers[pool_of == one]
            if not len(who):
                who = reviewers[state.site[reviewers] == one // len(TRADES)]
            if not len(who):
                who = reviewers
            server[mine] = who[(np.arange(len(mine)) + day) % len(who)]
        return server

    def _follow(self, day: int, jobs: Rows, verdict: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
        """What a verdict sets off: rework, an appeal, or a second look."""
        draw = rng.random(len(jobs))
        back = verdict == REJECT
        appealed = back & (jobs["stage"] == QC1) & (jobs["round"] == 1) & (draw < 0.05)
        again = jobs[appealed].copy()
        again["stage"], again["why"] = QC2, APPEAL
        look = jobs[(verdict == ACCEPT) & (jobs["stage"] == QC1) & (draw < 0.04)].copy()
        look["stage"], look["why"] = QC2, SECOND
        mend = jobs[back & ~appealed & (jobs["round"] < 5)].copy()
        mend["round"] += 1
        for rows in (again, look, mend):
            rows["day"] = self.calendar.next_workday(day)
            rows["ready"] = 0
        self._mend = join(self._mend, mend)
        self._jobs = join(self._jobs, again, look)

    def _verdicts(self, jobs: Rows, verdict: npt.NDArray[np.int64], ts: npt.NDArray[np.int64], rng: np.random.Generator) -> Rows:
        out = np.zeros(len(jobs), VERDICT)
        for name in ("worker", "item", "batch", "event", "units", "project", "round", "stage", "why"):
            out[name] = jobs[name]
        wrong = verdict != ACCEPT
        out["ts"], out["verdict"], out["reviewer"] = ts, verdict, -1
        share = np.where(jobs["units"] > 60, 0.06, 0.0) * jobs["units"]
        out["errors"] = np.where(wrong, np.minimum(jobs["units"], 1 + rng.poisson(0.45 + share)), 0)
        out["type"] = np.where(wrong, (rng.random(len(jobs))[:, None] > self._types[jobs["project"]]).sum(axis=1).clip(0, 5), -1)
        return out

    # Delivery --------------------------------------------------------------------------------------------------------
    def _collect(self, day: int, rows: Rows, risk: Floats) -> None:
        """Keep the day's first passes by batch until the client has decided."""
        fresh = np.flatnonzero(rows["action"] == ANNOTATE)
        if not len(fresh):
            return
        batch = rows["batch"][fresh]
        first = int(batch.min())
        self._made[day] = rows, risk, fresh[np.argsort((batch - first).astype(np.uint16), kind="stable")]
        ends = np.cumsum(np.bincount(batch - first, minlength=len(self.lots) - first))
        start = 0
        for lot, end in zip(self.lots[first:], ends, strict=True):
            lot.start, lot.size, start = start, int(end) - start, int(end)
            self._deliver(lot, self.calendar.next_workday(day))

    def _deliver(self, lot: Lot, on: int) -> None:
        spread = (lot.day * 7919 + lot.start * 104_729 + len(lot.name)) % 5400
        lot.delivered = int(on * DAY_MS + (17 * 3600 + 1800 + spread) * 1000 - ZONE_MS)
        lot.decide_day = on + max(1, PROJECTS[lot.project].answer + spread % 3 - 1)
        while self.calendar.rest(lot.decide_day):
            lot.decide_day += 1
        lot.decided = int(lot.decide_day * DAY_MS + (10 * 3600 + spread * 4) * 1000 - ZONE_MS)

    def _decide(self, day: int, rng: np.random.Generator) -> Rows:
        """The client draws from each batch due today and decides; a rejected one goes back to be mended and comes again."""
        found: list[Rows] = []
        for number, lot in enumerate(self.lots):
            if lot.decide_day != day or lot.size == 0:
                continue
            spec = PROJECTS[lot.project]
            rows, risk, order = self._made[lot.day]
            whole = order[lot.start : lot.start + lot.size]
            index = whole[np.unique(rng.integers(0, lot.size, 50 if lot.size > 60 else 20))]
            drawn = job(take(rows, index), risk[index], CLIENT, SAMPLE, day)
            chance = drawn["risk"] * lot.risk * (0.2 if spec.sampled >= 1 else 0.42)
            wrong = rng.random(len(drawn)) < chance
            lot.inspected, lot.defects = len(drawn), int(wrong.sum())
            lot.accepted = lot.defects <= round(spec.limit * len(drawn)) + 1
            if spec.feedback and lot.parent < 0 and lot.decided is not None:
                found.append(self._verdicts(drawn, np.where(wrong, REJECT, ACCEPT), np.full(len(drawn), lot.decided), rng))
            if not lot.accepted:
                mend = whole[rng.random(len(whole)) < 0.35]
                self._send_back(number, lot, day, job(take(rows, mend), risk[mend], QC1, SAMPLE, day))
        for old in [made for made in self._made if made < day - 45]:
            del self._made[old]
        return join(*found) if found else np.zeros(0, VERDICT)

    def _send_back(self, number: int, lot: Lot, day: int, mend: Rows) -> None:
        resent = lot.name.split("-R")
        level = int(resent[1]) + 1 if len(resent) > 1 else 1
        again = Lot(lot.project, lot.day, f"{resent[0]}-R{level}", lot.units, lot.start, lot.size, parent=number, risk=lot.risk * 0.3)
        on = self.calendar.next_workday(day)
        self._deliver(again, self.calendar.next_workday(on))
        mend["batch"], mend["round"], mend["day"], mend["ready"] = len(self.lots), level + 1, on, 0
        self.lots.append(again)
        self._mend = join(self._mend, mend)

    # Shared ----------------------------------------------------------------------------------------------------------
    def _instant(self, day: int, seconds: Floats) -> npt.NDArray[np.int64]:
        """UTC milliseconds of so many working seconds into the local day."""
        found: npt.NDArray[np.int64] = (clocked(seconds) * 1000).astype(np.int64) + (day * DAY_MS - ZONE_MS)
        return found

    def _number(self, rows: Rows, base: int, used: npt.NDArray[np.int64]) -> None:
        """Event numbers, counted up per tool in time order (to 1.4 s: sixteen bits sort ten times faster)."""
        order = np.argsort(((rows["ts"] + ZONE_MS) % DAY_MS // 1400).astype(np.uint16), kind="stable")
        tool = self.tool[rows["project"]][order]
        for one in range(len(TOOLS)):
            mine = order[tool == one]
            rows["event"][mine] = base + used[one] + np.arange(len(mine))
            used[one] += len(mine)
