"""Learning curves (学习曲线) and the ramp to target (爬坡天数).

A power law of the time of each unit (Crawford 1944): t(x) = a·xᵇ, x the units of the task family done so far, prior experience included.
Wright's (1936) reads the same law as the average of all units up to x; the two differ by a quarter at x = 2, so the reading is named
wherever a curve is drawn. The learning rate 2ᵇ is what doubling the experience leaves of the time (metrics.md T-13, T-14).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log2
from statistics import median
from typing import Literal

import numpy as np

from metrics.grouping import numbered
from metrics.intervals import Floats
from metrics.survival import Incidence, cumulative_incidence

Reason = Literal["too little practice", "units do not vary", "half never have"]

MIN_POINTS = 8
MIN_UNITS = 200
TRAILING = 5  # attended days


def slope(learning_rate: float) -> float:
    """b of a learning rate: log₂ of it. Raises ValueError for a rate that is not above 0.

    >>> round(slope(0.8), 6)
    -0.321928
    """
    if learning_rate <= 0:
        raise ValueError(f"slope: a learning rate of {learning_rate}")
    return log2(learning_rate)


def unit_seconds(a: float, b: float, x: int, reading: Literal["unit", "average"] = "unit") -> float:
    """Seconds of the x-th unit: a·xᵇ, or by Wright's reading, a·xᵇ being the average so far, a·(xᵇ⁺¹ − (x − 1)ᵇ⁺¹).

    Raises ValueError for a unit below 1, and by Wright's reading for a b below −1: all units would take less together than the first.

    >>> b = slope(0.8)
    >>> [round(unit_seconds(100, b, x), 2) for x in (1, 2, 4, 8)]
    [100.0, 80.0, 64.0, 51.2]
    >>> [round(unit_seconds(100, b, x, "average"), 2) for x in (1, 2, 3, 4)]
    [100.0, 60.0, 50.63, 45.37]
    """
    if x < 1:
        raise ValueError(f"unit_seconds: unit number {x}")
    if reading == "average" and not b >= -1:
        raise ValueError(f"unit_seconds: an average that falls with b = {b}")
    if reading == "unit" or x == 1:
        return a * float(x**b)
    return a * float(x ** (b + 1) - (x - 1) ** (b + 1))


@dataclass(frozen=True, slots=True)
class Curve:
    """seconds = effect of the project × (floor + a·xᵇ). `learning_rate` is 2ᵇ, `low`–`high` its interval; `n` observations.

    `effects` are factors on the seconds, their geometric mean over observations 1; `r2` is of the logarithms, projects allowed for. All None
    with the reason where there is too little to fit. `floor` (渐近值) is 0 without an asymptote; `at_bound` says that one was asked for and
    the best floor is 0, or that no learning is seen (b = 0).
    """

    a: float | None
    b: float | None
    learning_rate: float | None
    low: float | None
    high: float | None
    floor: float | None
    r2: float | None
    n: int
    effects: Mapping[Hashable, float] = field(default_factory=dict)
    at_bound: bool = False
    reason: Reason | None = None


def fit(
    units: Sequence[float] | Floats,
    seconds: Sequence[float] | Floats,
    projects: Sequence[Hashable] | None = None,
    asymptote: bool = False,
    level: float = 0.95,
    min_points: int = MIN_POINTS,
    min_units: float = MIN_UNITS,
) -> Curve:
    """The unit-time power law through observations: `units` done so far in the task family (from 1, experience from before included) and
    the `seconds` a unit then took. Least squares of log seconds on log units, one level a project.

    With `asymptote` also the floor c ≥ 0 that seconds do not go below, t = c + a·xᵇ with b ≤ 0, by least squares of the logarithms.
    Intervals: Student's t, independent observations (cluster by person in a mixed model where many are pooled; those who left belong in).
    No fit below `min_points` observations or `min_units` units, or where units do not vary within projects; no interval with a floor at
    its bound. Raises ValueError for lengths that differ, units below 1, seconds not above 0.

    >>> x = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    >>> found = fit(x, [100 * 0.8 ** i for i in range(9)])
    >>> round(found.a, 3), round(found.b, 6), round(found.learning_rate, 6)
    (100.0, -0.321928, 0.8)
    """
    x, t = np.array(units, dtype=np.float64), np.array(seconds, dtype=np.float64)
    labels: Sequence[Hashable] = [None] * len(x) if projects is None else projects
    if not len(x) == len(t) == len(labels):
        raise ValueError("learning: units, seconds and projects differ in length")
    if not ((x >= 1) & (t > 0) & np.isfinite(x) & np.isfinite(t)).all():
        raise ValueError("learning: units below 1, or seconds that are not above 0")
    n = len(x)
    if n < min_points or x.max(initial=0) < min_units:
        return _unfitted(n, "too little practice")
    member, names = numbered(labels)
    sizes = np.bincount(member)
    free = n - len(names) - 1 - asymptote

    def within(values: Floats) -> Floats:
        return np.asarray(values - (np.bincount(member, weights=values) / sizes)[member])

    lx, lt = np.log(x), np.log(t)
    dx, dt = within(lx), within(lt)
    spread = float(dx @ dx)
    if spread < 1e-9 or free < 1:
        return _unfitted(n, "units do not vary")
    b, ratio, bound = float(dx @ dt) / spread, 0.0, False
    design, left = dx[:, None], dt - b * dx
    if asymptote:
        b, ratio, design, left = _with_floor(lx, dt, within, b)
        bound = ratio == 0.0 or b == 0.0
    shape = np.log(ratio + np.exp(b * lx))
    levels = np.bincount(member, weights=lt - shape) / sizes
    middle = float(sizes @ levels) / n
    effects = {name: exp(value - middle) for name, value in zip(names, levels.tolist(), strict=True)}
    rss, whole = float(left @ left), float(dt @ dt)
    low: float | None = None
    high: float | None = None
    if not bound:
        from scipy.stats import t as student  # seconds to import: not before it is needed

        variance = float(np.linalg.pinv(design.T @ design)[0, 0]) * rss / free
        reach = float(student.ppf((1 + level) / 2, free)) * variance**0.5
        low, high = 2 ** (b - reach), 2 ** (b + reach)
    r2 = 1 - rss / whole if whole > 0 else None
    return Curve(exp(middle), b, 2**b, low, high, ratio * exp(middle), r2, n, effects, bound)


def _unfitted(n: int, reason: Reason) -> Curve:
    return Curve(None, None, None, None, None, None, None, n, reason=reason)


def _with_floor(lx: Floats, lt: Floats, within: Callable[[Floats], Floats], b: float) -> tuple[float, float, Floats, Floats]:
    """The best b ≤ 0 and c ÷ a ≥ 0, with the derivatives and what is left over; a ratio of 0 where no floor does better than none."""
    from scipy.optimize import least_squares

    def left(at: Floats) -> Floats:
        return within(lt - np.log(at[1] + np.exp(at[0] * lx)))

    def design(at: Floats) -> Floats:
        power = np.exp(at[0] * lx)
        return np.column_stack([within(power * lx / (at[1] + power)), within(1 / (at[1] + power))])

    def slopes(at: Floats) -> Floats:
        return -design(at)

    if b >= 0:
        flat = within(lx)
        return 0.0, 0.0, flat[:, None], within(lt)
    tries = [
        least_squares(left, [start, ratio], slopes, bounds=([-np.inf, 0], [0, np.inf]), x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-12)
        for start, ratio in ((b, 0.01), (2 * b, 0.1), (3 * b, 1.0))
    ]
    best = min(tries, key=lambda found: float(found.cost))
    plain = np.array([b, 0.0])
    at = best.x if 2 * best.cost < float(left(plain) @ left(plain)) * (1 - 1e-9) else plain
    if at[1] < 1e-9:
        at = plain
    return float(at[0]), float(at[1]), design(at) if at[1] else design(at)[:, :1], left(at)


def days_to_target(
    efficiency: Sequence[float],
    errors: Sequence[float],
    inspected: Sequence[float],
    limit: float,
    target: float = 1.0,
) -> int | None:
    """The first attended day (from 1) on which the median efficiency of the last five attended days is at least `target` and the errors of
    those days are at most `limit` of what was inspected; None when there is none yet. Days without inspection bring no evidence: five
    of them do not pass. Raises ValueError for lengths that differ, a missing efficiency (leave such a day out), more errors than inspected.

    >>> days_to_target([0.5, 0.7, 0.9, 1.0, 1.1, 1.2, 1.1], [3, 2, 1, 0, 0, 0, 1], [20] * 7, limit=0.05)
    6
    """
    if not len(efficiency) == len(errors) == len(inspected):
        raise ValueError("days_to_target: one efficiency, errors and inspected a day")
    if any(not 0 <= x <= n for x, n in zip(errors, inspected, strict=True)):
        raise ValueError("days_to_target: more errors than inspected")
    if not all(value == value for value in efficiency):  # NaN is not itself
        raise ValueError("days_to_target: a day without an efficiency")
    for end in range(TRAILING, len(efficiency) + 1):
        days = slice(end - TRAILING, end)
        seen = sum(inspected[days])
        if seen and median(efficiency[days]) >= target and sum(errors[days]) <= limit * seen:
            return end
    return None


@dataclass(frozen=True, slots=True)
class Ramp:
    """`p50`: attended days by which half of all beginners have reached the target; None where half never have (with the reason).

    `reached` and `gone` are the incidences over time of reaching it and of leaving before; `n` beginners, `ramping` of them still on the way.
    """

    p50: float | None
    n: int
    ramping: int
    reached: tuple[Incidence, ...]
    gone: tuple[Incidence, ...]
    reason: Reason | None = None


def ramp(days: Sequence[float], outcomes: Sequence[Literal["reached", "left"] | None]) -> Ramp:
    """How beginners get to the target, by attended days: those still on the way are censored, leaving before is a competing event
    (Aalen–Johansen). The mean of those who made it would leave out whoever is slow and whoever gave up.

    >>> found = ramp([10, 12, 15, 20, 8, 30], ["reached", "reached", "reached", None, "left", "reached"])
    >>> found.p50, found.ramping, round(found.reached[-1].incidence, 4), round(found.gone[-1].incidence, 4)
    (15.0, 1, 0.8333, 0.1667)
    """
    found = cumulative_incidence(days, outcomes)
    unknown = found.keys() - {"reached", "left"}
    if unknown:
        raise ValueError(f"ramp: outcomes are reached, left or None, not {sorted(unknown)}")
    reached, gone = found.get("reached", ()), found.get("left", ())
    p50 = next((row.time for row in reached if row.incidence >= 0.5 - 1e-12), None)
    reason: Reason | None = None if p50 is not None else "half never have"
    return Ramp(p50, len(days), sum(outcome is None for outcome in outcomes), reached, gone, reason)
