"""Could chance alone give this? Groups against the whole, and people against what their own mix of work would have given.

A flag needs 99.8 % limits: at 95 %, eight hundred people would give forty false alarms a period (metrics.md 1.8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metrics.grouping import numbered
from metrics.intervals import poisson, wilson_many

Side = Literal["above", "within", "below", "unsure"]

LEVEL = 0.998
MIN_N = 30  # inspected, before a group or person is judged (metrics.md 1.5)
MIN_COMPANY = 3  # people in a project before its rate says anything about one of them
MIN_COMPARED = 0.5  # share of a person's inspected work that must have company


def sides(values: Sequence[float | None], sizes: Sequence[float | None], whole: float | None) -> tuple[Side, ...]:
    """Where each rate stands against the rate of the whole: outside Wilson's 99.8 % interval, which is the same as outside a funnel.

    “unsure” for fewer than 30 cases, or where the value or that of the whole is missing or outside 0…1. Raises ValueError for lengths that
    differ.

    >>> sides([0.10, 0.10], [1000, 50], 0.05)
    ('above', 'within')
    """
    if len(values) != len(sizes):
        raise ValueError(f"sides: {len(values)} values for {len(sizes)} sizes")
    words: tuple[Side, ...] = ("unsure", "above", "below", "within")
    if whole is None or not 0 <= whole <= 1:
        return words[:1] * len(values)
    rates, trials = np.array(values, dtype=np.float64), np.array(sizes, dtype=np.float64)
    judged = (rates >= 0) & (rates <= 1) & (trials >= MIN_N) & (trials < np.inf)
    rates, trials = np.where(judged, rates, np.nan), np.where(judged, trials, np.nan)
    low, high = wilson_many(np.minimum(trials, np.round(rates * trials)), trials, LEVEL)
    return tuple(words[i] for i in np.select([~judged, low > whole, high < whole], [0, 1, 2], 3).tolist())


@dataclass(frozen=True, slots=True)
class Ratio:
    """Errors of one person against the errors expected at each project's own rate. `ratio` = errors ÷ expected, 95 % `low`–`high`.

    `reviewed` is all that was inspected of the person, `compared` what of it lies in projects with at least MIN_COMPANY people; `errors`
    and `expected` are of the latter. None and “unsure” where fewer than MIN_N can be compared, or less than MIN_COMPARED of it all.
    """

    unit: str
    errors: float
    reviewed: float
    compared: float
    expected: float
    ratio: float | None
    low: float | None
    high: float | None
    side: Side


def ratios(
    units: Sequence[str], strata: Sequence[str], errors: Sequence[float | None], reviewed: Sequence[float | None]
) -> tuple[Ratio, ...]:
    """Indirectly standardised error ratios, the surest excess first (by lower bound), those that cannot be judged last.

    Position i: this unit had `errors[i]` among `reviewed[i]` in this stratum; where one of the two or the unit is missing, it is left out.
    Expected = Σ reviewed × the stratum's rate over all units.
    Interval by the PHE rule: Byar from 10 errors up, exact Poisson below (Breslow & Day 1987; metrics.md T-07, 7.4).

    >>> cells = [("a", "easy", 10, 100), ("b", "easy", 2, 100), ("c", "easy", 3, 100), ("d", "easy", 5, 100)]
    >>> [(r.unit, r.expected, r.ratio) for r in ratios(*zip(*cells))][:2]
    [('a', 5.0, 2.0), ('d', 5.0, 1.0)]
    """
    rows = [
        (u, s, x, n)
        for u, s, x, n in zip(units, strata, errors, reviewed, strict=True)
        if u and x is not None and x == x and n is not None and n > 0  # NaN is not itself, nor above 0
    ]
    if not rows:
        return ()
    person, names = numbered([u for u, *_ in rows])
    stratum, many = numbered([s for _, s, *_ in rows])
    x, n = np.array([x for *_, x, _ in rows], dtype=np.float64), np.array([n for *_, n in rows], dtype=np.float64)
    members = np.bincount(np.unique(person * len(many) + stratum) % len(many), minlength=len(many))
    rate = np.bincount(stratum, weights=x) / np.bincount(stratum, weights=n)
    company = (members >= MIN_COMPANY)[stratum]
    wrong, expected, compared, seen = (
        np.bincount(person, weights=weights).tolist() for weights in (x * company, n * rate[stratum] * company, n * company, n)
    )
    bounds: dict[float, tuple[float, float, float, float]] = {}  # people share counts: each has its interval worked out once
    found = [_ratio(*row, bounds) for row in zip(names, wrong, compared, expected, seen, strict=True)]
    return tuple(sorted(found, key=lambda r: (r.low is None, -(r.low or 0.0), -(r.ratio or 0.0), r.unit)))


def _ratio(
    unit: str, errors: float, compared: float, expected: float, reviewed: float, bounds: dict[float, tuple[float, float, float, float]]
) -> Ratio:
    if compared < MIN_N or compared < MIN_COMPARED * reviewed or expected <= 0:
        return Ratio(unit, errors, reviewed, compared, expected, None, None, None, "unsure")
    if errors not in bounds:
        bounds[errors] = (*poisson(errors, 0.95), *poisson(errors, LEVEL))
    low, high, below, above = (bound / expected for bound in bounds[errors])
    side: Side = "above" if below > 1 else "below" if above < 1 else "within"
    return Ratio(unit, errors, reviewed, compared, expected, errors / expected, low, high, side)
