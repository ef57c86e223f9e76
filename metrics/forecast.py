"""When work will be done (完工预测), and whether work in progress, throughput and cycle time agree (Little's law, 利特尔法则).

metrics.md T-18, T-20. Throughput is what was ACCEPTED a working day; which days are worked comes as data, 调休 included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice, pairwise
from math import ceil
from typing import Literal

import numpy as np

from metrics.intervals import Floats

Reason = Literal["nothing remains", "too little history", "beyond the horizon", "nothing comes out"]

HISTORY = 20  # working days drawn from
MIN_HISTORY = 8  # fewer say too little to be drawn from
BLOCK = 5
HORIZON = 2500  # working days, about ten years
APART = 0.20  # above it Little's law does not hold


@dataclass(frozen=True, slots=True)
class Calendar:
    """`week` are the weekdays usually worked (0 is Monday), `off` days off all the same, `working` days worked all the same (调休).

    Raises ValueError for a day in both, or a week without a working day.
    """

    week: frozenset[int] = frozenset(range(5))
    off: frozenset[date] = field(default=frozenset())
    working: frozenset[date] = field(default=frozenset())

    def __post_init__(self) -> None:
        if self.off & self.working:
            raise ValueError(f"calendar: {min(self.off & self.working)} is both off and worked")
        if not self.week or not self.week <= set(range(7)):
            raise ValueError(f"calendar: weekdays {sorted(self.week)}")

    def works(self, day: date) -> bool:
        """Whether a day is worked."""
        return day in self.working or (day.weekday() in self.week and day not in self.off)

    def days(self, start: date) -> Iterator[date]:
        """The days worked from `start` on, `start` included if it is one.

        >>> spring = Calendar(off=frozenset({date(2026, 2, 16)}), working=frozenset({date(2026, 2, 14)}))
        >>> [day.isoformat() for day in islice(spring.days(date(2026, 2, 13)), 3)]
        ['2026-02-13', '2026-02-14', '2026-02-17']
        """
        day = start
        while True:
            if self.works(day):
                yield day
            day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finish:
    """Dates by which the work is done in 50, 80 and 95 of 100 simulations, and the share of them done by the due date.

    `remaining` includes the rework to be expected; `basis` tells what was drawn from and `n` how many days of history there were. A date is
    None, with the reason, where there is nothing to draw from, nothing remains, or that many simulations do not end within HORIZON days.
    """

    p50: date | None
    p80: date | None
    p95: date | None
    on_time: float | None
    remaining: float
    basis: Literal["history", "prior"]
    n: int
    reason: Reason | None = None


def finish(
    throughput: Sequence[float],
    remaining: float,
    start: date,
    calendar: Calendar | None = None,
    *,
    rework: float = 0.0,
    due: date | None = None,
    dates: Sequence[date] | None = None,
    prior: tuple[float, float, float] | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> Finish:
    """When `remaining` × (1 + `rework`) units will be accepted, the next working day being `start` or the first one after it.

    `throughput` are units accepted on past working days, the latest last, days without any as 0; the last HISTORY are drawn from: whole
    blocks of BLOCK days in a row (circular block bootstrap, Politis & Romano 1992), which keeps good and bad weeks together, or, when
    their `dates` are given, for each day to come a past day of the same weekday (any day, for a weekday worked less than twice).
    Below MIN_HISTORY days: a triangular `prior` of least, likeliest, most a day, or no dates. The same seed, the same answer.
    Raises ValueError for negative or null input, lengths that differ, `dates` that do not ascend, or a `prior` that does not.

    >>> found = finish([100.0] * 20, 950, date(2026, 9, 28), Calendar(off=frozenset(date(2026, 10, d) for d in range(1, 9))))
    >>> found.p50.isoformat(), found.p95.isoformat()
    ('2026-10-19', '2026-10-19')
    """
    past = np.array(throughput, dtype=np.float64)
    if dates is not None and len(dates) != len(past):
        raise ValueError("finish: throughput and dates differ in length")
    if dates is not None and any(a >= b for a, b in pairwise(dates)):
        raise ValueError("finish: dates that are not in order, or a day given twice")
    if prior is not None and not 0 <= prior[0] <= prior[1] <= prior[2]:
        raise ValueError(f"finish: a prior of {prior[0]}, {prior[1]} and {prior[2]} a day, not least, likeliest and most")
    if not (past >= 0).all() or not remaining >= 0 or not rework >= 0 or draws < 1:
        raise ValueError("finish: throughput, remaining and rework are not below 0, and draws are at least one")
    past, recent = past[-HISTORY:], list(dates[-HISTORY:]) if dates is not None else None
    need, n = remaining * (1 + rework), len(past)
    basis: Literal["history", "prior"] = "history" if n >= MIN_HISTORY else "prior"
    if need == 0:
        return Finish(None, None, None, None, need, basis, n, "nothing remains")
    if basis == "prior" and prior is None:
        return Finish(None, None, None, None, need, basis, n, "too little history")
    known = calendar or Calendar()
    ahead = list(islice(known.days(start), HORIZON))
    needed = _days_needed(past, recent, prior if basis == "prior" else None, need, ahead, draws, seed)
    ranked = np.sort(needed)
    ends = [int(ranked[ceil(share * draws) - 1]) for share in (0.5, 0.8, 0.95)]
    p50, p80, p95 = (ahead[end - 1] if end <= len(ahead) else None for end in ends)
    on_time = None if due is None else float((needed <= sum(day <= due for day in ahead)).mean())
    reason: Reason | None = None if p95 is not None else "beyond the horizon"
    return Finish(p50, p80, p95, on_time, need, basis, n, reason)


def _days_needed(
    past: Floats,
    dates: Sequence[date] | None,
    prior: tuple[float, float, float] | None,
    need: float,
    ahead: Sequence[date],
    draws: int,
    seed: int,
) -> Floats:
    """Working days each simulation takes; one more than there are where it does not end."""
    rng = np.random.default_rng(seed)
    needed = np.full(draws, len(ahead) + 1.0)
    done = np.zeros(draws)
    open_ = np.arange(draws)
    for first in range(0, len(ahead), 10 * BLOCK):
        days = ahead[first : first + 10 * BLOCK]
        shape = (len(open_), len(days))
        if prior is not None:
            drawn = rng.triangular(*prior, size=shape) if prior[0] < prior[2] else np.full(shape, prior[0])
        elif dates is None:
            starts = rng.integers(0, len(past), (len(open_), -(-len(days) // BLOCK)))
            drawn = past[(starts[:, :, None] + np.arange(BLOCK)) % len(past)].reshape(len(open_), -1)[:, : len(days)]
        else:
            drawn = np.column_stack([rng.choice(_alike(past, dates, day), len(open_)) for day in days])
        total = done[open_, None] + np.cumsum(drawn, axis=1)
        over = total >= need * (1 - 1e-12)
        ended = over.any(axis=1)
        needed[open_[ended]] = first + 1 + over[ended].argmax(axis=1)
        done[open_] = total[:, -1]
        open_ = open_[~ended]
        if not len(open_):
            break
    return needed


def _alike(past: Floats, dates: Sequence[date], day: date) -> Floats:
    same = past[[other.weekday() == day.weekday() for other in dates]]
    return same if len(same) > 1 else past


@dataclass(frozen=True, slots=True)
class Little:
    """`cycle` is work in progress ÷ throughput, in the unit of time of the throughput; None with the reason when nothing comes out.

    With a measured cycle time also `gap`, |L − λW| ÷ L, and `apart` when it is above APART: data are missing, or it is not steady.
    """

    cycle: float | None
    gap: float | None
    apart: bool
    reason: Reason | None = None


def little(wip: float, throughput: float, cycle: float | None = None) -> Little:
    """Little's law, L = λW, over a steady stretch: averages of work in progress, throughput and cycle time (Little 1961, Oper. Res. 9(3)).

    Raises ValueError for negative or null input.

    >>> little(12_000, 3_000).cycle, little(160, 8).cycle, little(12_000, 3_000, 3.0).gap
    (4.0, 20.0, 0.25)
    """
    if not wip >= 0 or not throughput >= 0 or not (cycle is None or cycle >= 0):
        raise ValueError(f"little: {wip} in progress, {throughput} a period, a cycle of {cycle}")
    gap = abs(wip - throughput * cycle) / wip if cycle is not None and wip > 0 else None
    apart = gap is not None and gap > APART
    if not throughput:
        return Little(None, gap, apart, "nothing comes out")
    return Little(wip / throughput, gap, apart)
