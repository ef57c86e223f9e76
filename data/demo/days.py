"""Which days are worked in the invented base, what happened on them, and who came in from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from data.demo.people import ANNOTATOR, HR, Cast, Floats, Ints, State
from data.demo.projects import TRADE

EPOCH = date(1970, 1, 1)
SPRING = {2024: date(2024, 2, 9), 2025: date(2025, 1, 28), 2026: date(2026, 2, 16), 2027: date(2027, 2, 5), 2028: date(2028, 1, 25),
          2029: date(2029, 2, 12), 2030: date(2030, 2, 2)}  # fmt: skip
NOON, LUNCH, SUPPER, SUPPER_S = 12 * 3600, 3600, 17.5 * 3600, 1800
LEAVES = (("事假", 0.45), ("病假", 0.25), ("年假", 0.22), ("旷工", 0.08))
NO_WORK = "待岗"


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def worked(clock: Floats | npt.NDArray[np.integer]) -> Floats:
    """Seconds of the local day without lunch (12:00–13:00) and supper (17:30–18:00)."""
    lunch, supper = np.clip(clock - NOON, 0, LUNCH), np.clip(clock - SUPPER, 0, SUPPER_S)
    return np.asarray(clock - lunch - supper, dtype=np.float64)


def clocked(worked: Floats) -> Floats:
    """The local time of day at which so many working seconds have passed; inverse of `worked` outside the breaks."""
    return np.asarray(worked + LUNCH * (worked >= NOON) + SUPPER_S * (worked >= SUPPER - LUNCH), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody expected on one day, one entry a person; times are seconds of the local day, `leave` indexes LEAVES (-1 none, -2 no work)."""

    worker: Ints
    minutes: Ints
    leave: Ints
    clock_in: Floats
    clock_out: Floats
    begins: Floats


class Calendar:
    """The days of the log: rest days, holidays, the slack fortnight, the outage, the new guideline."""

    def __init__(self, first: int, today: int) -> None:
        self.first, self.today = first, today
        days = today - first + 1
        length = 14 if days >= 60 else max(2, days // 8)
        self.slack = range(first + days * 45 // 100, first + days * 45 // 100 + length)
        self.guideline = self._workday(first + days * 68 // 100)
        self.outage = self._workday(first + days * 86 // 100)

    def _workday(self, day: int) -> int:
        while self.rest(day) or day in self.slack:
            day += 1
        return min(day, self.today)

    def weekday(self, day: int) -> int:
        """0 = Monday."""
        return (day + 3) % 7

    def holiday(self, day: int) -> str | None:
        """The holiday on which the base is closed, in Chinese; today is always worked."""
        that = EPOCH + timedelta(days=day)
        if day == self.today:
            return None
        spring = SPRING.get(that.year)
        if spring and spring <= that < spring + timedelta(days=8):
            return "春节"
        return {(1, 1): "元旦", (5, 1): "劳动节", (5, 2): "劳动节", (10, 1): "国庆节", (10, 2): "国庆节", (10, 3): "国庆节"}.get(
            (that.month, that.day)
        )

    def rest(self, day: int) -> bool:
        """A day on which hardly anybody works."""
        return self.share(day) < 0.5

    def share(self, day: int) -> float:
        """Share of the people on the roster: all on weekdays, most on Saturdays, a few on Sundays."""
        if self.holiday(day):
            return 0.0
        return 1.0 if day == self.today else (0.06 if self.weekday(day) == 6 else 0.9 if self.weekday(day) == 5 else 1.0)

    def busy(self, day: int) -> tuple[float, float]:
        """Share of the people with work, at each site."""
        return (0.2, 0.0) if day in self.slack else (1.0, 1.0)

    def next_workday(self, day: int) -> int:
        """The first full working day after `day`."""
        day += 1
        while self.rest(day):
            day += 1
        return day


def roster(cast: Cast, calendar: Calendar, state: State, day: int, rng: np.random.Generator) -> Roster:
    """Who was expected on a day, who came, and when."""
    on = rng.random(len(cast.ids)) < calendar.share(day)
    worker = np.flatnonzero(state.here & on)
    size = len(worker)
    draw = rng.random((6, size))
    office = state.role[worker] >= HR - 1
    leave = np.where(draw[0] < 0.035, rng.choice(len(LEAVES), size, p=[share for _, share in LEAVES]), -1)
    idle = (draw[1] >= np.array(calendar.busy(day))[state.site[worker]]) & ~office
    leave = np.where((leave < 0) & idle, -2, leave)
    evening = cast.evening[worker] & (cast.team_trade[state.team[worker]] == TRADE["image_box"]) & (state.role[worker] == ANNOTATOR)
    hours = 8 * cast.fraction[worker]
    begins = np.where(evening, 14.0, 8.5) * 3600 + np.where(draw[2] < 0.03, 1200 + 2400 * draw[3], 420 * draw[3])
    over = (draw[4] < 0.9 * cast.keen[worker]) & (hours == 8) & ~evening & (calendar.weekday(day) < 6)
    slack = day in calendar.slack
    ends = clocked(worked(np.where(evening, 14.0, 8.5) * 3600) + hours * 3600 * (0.7 if slack else 1.0)) + (0 if slack else 1) * over * (
        5400 + 5400 * draw[5]
    )
    return Roster(worker, np.rint(hours * 60).astype(np.int64), leave, begins - 60 - 900 * draw[5], ends + 60 + 500 * draw[3], begins)
