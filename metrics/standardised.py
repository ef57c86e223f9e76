"""Speed after allowing for difficulty (难度校正效率): units done against the units expected at each project's own middle pace.

Indirect standardisation, as the standardised ratios of health statistics: expected = Σ over projects of (reference rate × own hours),
ratio = observed ÷ expected (SAS/STAT PROC STDRATE, “Indirect standardization”; metrics.md T-07). Ratios compare each person with
the reference, not with each other, where their projects differ a lot; `compared` says how much of a person's time had company.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metrics.grouping import Column, chosen, numbered
from metrics.intervals import Floats, Integers

Band = Literal["faster", "middle", "slower", "unsure"]

MIN_HOURS = 0.25  # below this the pace of a person in a project is noise (metrics.md T-01)
MIN_COMPANY = 3  # people in a project before its middle says anything
MIN_COMPARED = 0.5  # share of a person's hours that must have company
Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Pace:
    """One person (or team). `observed` and `expected` are units over the `hours` that can be compared; `ratio` is their quotient.

    `shrunk` is the ratio pulled towards 1 as far as noise from spell to spell demands, `low`–`high` its 95 % interval, `band` what that
    interval says. Where noise is all that is seen, nobody differs: `shrunk` is 1, the band “middle”, and there is no interval (it would
    have no width). All None (and “unsure”) where too little can be compared, where nobody has two spells to tell noise from, and, but
    for the ratio, where nothing was done. `compared` is the share of all hours that lies in projects with at least MIN_COMPANY people.
    """

    unit: str
    hours: float
    compared: float
    observed: float
    expected: float
    ratio: float | None
    shrunk: float | None
    low: float | None
    high: float | None
    band: Band


def pace(
    units: Sequence[str],
    strata: Column,
    spells: Column,
    rates: Sequence[float | None] | Floats,
    hours: Sequence[float | None] | Floats,
) -> list[Pace]:
    """The pace of each unit, by name. Position i says: this unit, in this stratum and spell, did `rates[i]` units an hour for `hours[i]`.

    The reference rate of a stratum is the median over its units of their own rate (units ÷ hours over all spells), so that 1 is the middle.
    Noise is the variance of log ratios within a unit from spell to spell, pooled over units; with B between units, n spells and W = noise ÷ n
    the log ratio counts for B ÷ (B + W) (one-way analysis of variance; metrics.md T-01). Positions without a rate or hours (None or NaN),
    and strata with less than MIN_HOURS of a unit, are left out. Raises ValueError for negative rates or hours.

    >>> rows = [("a", "easy", 1, 66.0, 2.0), ("a", "hard", 1, 11.0, 8.0)]
    >>> rows += [(w, s, 1, r, 5.0) for w in "xyz" for s, r in (("easy", 60.0), ("hard", 10.0))]
    >>> [(p.unit, round(p.observed), round(p.expected), round(p.ratio, 3)) for p in pace(*zip(*rows)) if p.unit == "a"]
    [('a', 220, 200, 1.1)]
    """
    if not len(units) == len(strata) == len(spells) == len(rates) == len(hours):
        raise ValueError("pace: units, strata, spells, rates and hours differ in length")
    speed, h = np.array(rates, dtype=np.float64), np.array(hours, dtype=np.float64)
    used = ~(np.isnan(speed) | np.isnan(h)) & (h != 0)
    speed, h = speed[used], h[used]
    if (h < 0).any() or (speed < 0).any():
        raise ValueError("pace: a negative rate, or negative hours")
    o = speed * h
    unit, names = numbered([name for name, use in zip(units, used.tolist(), strict=True) if use])
    stratum, many = numbered(chosen(strata, used))
    spell, times = numbered(chosen(spells, used))
    cells, cell = np.unique(unit * len(many) + stratum, return_inverse=True)
    there = np.bincount(cell, weights=h, minlength=len(cells))
    known = there >= MIN_HOURS
    total = np.bincount(cells[known] // max(len(many), 1), weights=there[known], minlength=len(names))
    own = np.bincount(cell, weights=o, minlength=len(cells))[known] / there[known]
    reference = _middles(own, cells[known] % max(len(many), 1), len(many))
    compared = known[cell] & (reference[stratum] > 0)  # NaN is not
    unit, spell = unit[compared], spell[compared]
    o, e, h = o[compared], (h * reference[stratum])[compared], h[compared]
    sums = np.column_stack([np.bincount(unit, weights=row, minlength=len(names)) for row in (o, e, h)])
    parts, part = np.unique(unit * len(times) + spell, return_inverse=True)
    done, said, spent = (np.bincount(part, weights=row, minlength=len(parts)) for row in (o, e, h))
    told = (spent >= MIN_HOURS) & (done > 0)
    logs, who = np.log(done[told] / said[told]), parts[told] // max(len(times), 1)
    n = np.bincount(who, minlength=len(names))
    spread = _variances(logs, who, n)
    rows = zip(names, sums.tolist(), total.tolist(), n.tolist(), strict=True)
    return [_judge(name, row, row[2] / all_hours, count, spread) for name, row, all_hours, count in sorted(rows) if all_hours]


def _middles(own: Floats, stratum: Integers, many: int) -> Floats:
    """The median of each stratum; NaN below MIN_COMPANY."""
    found = np.full(many, np.nan)
    order = np.argsort(stratum, kind="stable")
    for values in np.split(order, np.cumsum(np.bincount(stratum, minlength=many))[:-1]) if many else []:
        if len(values) >= MIN_COMPANY:
            found[stratum[values[0]]] = np.median(own[values])
    return found


@dataclass(frozen=True, slots=True)
class Efficiency:
    """`ratio` is standard hours earned ÷ hours spent, and may exceed 1; None, with the reason, for no hours.

    `provisional` when a standard used was; `missing` positions had no standard and are in neither `earned` nor `ratio`.
    """

    ratio: float | None
    earned: float
    hours: float
    missing: int
    provisional: bool
    reason: Literal["no hours with a standard"] | None = None


def efficiency(
    units: Sequence[float],
    standard_seconds: Sequence[float | None],
    hours: Sequence[float],
    provisional: Sequence[bool] | None = None,
) -> Efficiency:
    """Standard hours earned (产出标准工时) against the hours they took (标准工时效率): Σ units × standard seconds ÷ 3600 ÷ Σ hours.

    Position i: these units of one kind of work took `hours[i]`; a standard second is a trained person's, allowance included. The only way
    to add boxes, seconds of audio and words (metrics.md T-06). Raises ValueError for negative or null numbers, a standard that is not
    above 0, or lengths that differ.

    >>> round(efficiency([132, 88], [60, 360], [2, 8]).ratio, 3)
    1.1
    """
    flags = [] if provisional is None else provisional
    if not len(units) == len(standard_seconds) == len(hours) or (provisional is not None and len(flags) != len(units)):
        raise ValueError("efficiency: units, standards, hours and flags differ in length")
    u, h = np.array(units, dtype=np.float64), np.array(hours, dtype=np.float64)
    without = np.array([seconds is None for seconds in standard_seconds], dtype=bool)
    s = np.array(standard_seconds, dtype=np.float64)
    if not ((u >= 0) & (h >= 0) & (without | (s > 0))).all():
        raise ValueError("efficiency: units or hours below 0, or a standard that is not above 0")
    earned, spent = float((u * np.where(without, 0.0, s)).sum()) / 3600, float(h[~without].sum())
    flagged = any(flag for flag, gap in zip(flags, without.tolist(), strict=False) if not gap)
    missing = int(without.sum())
    if not spent:
        return Efficiency(None, earned, spent, missing, flagged, "no hours with a standard")
    return Efficiency(earned / spent, earned, spent, missing, flagged)


def _judge(unit: str, sums: Sequence[float], compared: float, n: int, spread: tuple[float, float] | None) -> Pace:
    o, e, h = sums
    ratio = o / e if e > 0 and compared >= MIN_COMPARED else None
    if not ratio or not n or spread is None:
        return Pace(unit, h, compared, o, e, ratio, None, None, None, "unsure")
    within, between = spread
    noise = within / n
    if between == 0 < noise:
        return Pace(unit, h, compared, o, e, ratio, 1.0, None, None, "middle")
    keep = between / (between + noise) if between > 0 else 1.0
    middle, reach = keep * math.log(ratio), Z * math.sqrt(keep * noise)
    low, high = math.exp(middle - reach), math.exp(middle + reach)
    band: Band = "faster" if low > 1 else "slower" if high < 1 else "middle"
    return Pace(unit, h, compared, o, e, ratio, math.exp(middle), low, high, band)


def _variances(logs: Floats, who: Integers, sizes: Integers) -> tuple[float, float] | None:
    """One-way analysis of variance: within a unit from spell to spell, and between units. None without repeats."""
    n, groups = len(logs), int((sizes > 0).sum())
    if groups < 2 or n == groups:
        return None
    means = np.bincount(who, weights=logs, minlength=len(sizes)) / np.maximum(sizes, 1)
    within = float(((logs - means[who]) ** 2).sum()) / (n - groups)
    above = float((sizes * (means - logs.mean()) ** 2).sum()) / (groups - 1)
    size = (n - float((sizes.astype(np.float64) ** 2).sum()) / n) / (groups - 1)
    return within, max(0.0, (above - within) / size)
