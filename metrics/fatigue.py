"""Fatigue (疲劳系数): how much slower people get hour by hour of their shift, each against themselves on the same day (metrics.md T-15).

Within person and shift, projects allowed for, as hard tasks are often kept for late. A ground for breaks, never for discipline.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal, NamedTuple

import numpy as np

from metrics.grouping import numbered
from metrics.intervals import Floats, Integers

Reason = Literal["too few shifts", "no work in the reference hour"]

MIN_SHIFTS = 20
WARM_UP = 0.25  # hours at the start that are left out
ALERT = 0.15  # slower than in the reference hour by more than this
_CELLS = 4_000_000  # sums of shifts held at a time: 32 MB
_SMALL = 50_000_000  # multiplications


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the shift (1 is the first): change of seconds against the reference hour (0.1 = 10 % slower), its interval, units seen.

    None where it cannot be told from the shifts; `alert` when even the lower bound is above 0 and the change above ALERT.
    """

    hour: int
    change: float | None
    low: float | None
    high: float | None
    n: int
    alert: bool


@dataclass(frozen=True, slots=True)
class Fatigue:
    """`hours` in order, the reference with change 0; `slope` the change by hour when it is a straight line, with its interval.

    `n` units in `shifts` shifts of `people` people. No hours and no slope, with the reason, where there is too little.
    """

    hours: tuple[Hour, ...]
    slope: float | None
    low: float | None
    high: float | None
    n: int
    shifts: int
    people: int
    reason: Reason | None = None


def fit(
    seconds: Sequence[float] | Floats,
    hours: Sequence[float] | Floats,
    people: Sequence[Hashable],
    shifts: Sequence[Hashable],
    projects: Sequence[Hashable] | None = None,
    breaks: Sequence[float] | Floats | None = None,
    reference: int = 2,
    level: float = 0.95,
) -> Fatigue:
    """Least squares of log seconds (a standard unit) on the hour of the shift, with a level for each person's shift and each project, and
    a line in minutes since the last break where `breaks` are given. Position i: one unit took `seconds`, `hours` after the shift began,
    in a shift (a day or shift id within the person). The first WARM_UP hours of a shift are left out.

    Errors are clustered by person (CR1: G ÷ (G − 1) × (N − 1) ÷ (N − k), Student's t with G − 1; levels of shifts lie within people and are
    not in k; Cameron & Miller 2015, J. Human Resources 50(2)), by shift where there is one person. Nothing below MIN_SHIFTS shifts, or
    without the reference hour. Raises ValueError for lengths that differ, seconds not above 0, negative hours, and what is
    null or infinite.

    >>> rows = [(100 * 1.1 ** (h - 1) * (1 + i % 3 / 10), h + 0.5, p, i) for p in "abc" for i in range(10) for h in range(6)]
    >>> found = fit(*zip(*rows))
    >>> [(hour.hour, round(hour.change, 3)) for hour in found.hours], round(found.slope, 3)
    ([(1, -0.091), (2, 0.0), (3, 0.1), (4, 0.21), (5, 0.331), (6, 0.464)], 0.1)
    """
    y, since = np.array(seconds, dtype=np.float64), np.array(hours, dtype=np.float64)
    rest = None if breaks is None else np.array(breaks, dtype=np.float64)
    labels: Sequence[Hashable] = [None] * len(y) if projects is None else projects
    if not len(y) == len(since) == len(people) == len(shifts) == len(labels) or (rest is not None and len(rest) != len(y)):
        raise ValueError("fatigue: seconds, hours, people, shifts, projects and breaks differ in length")
    if not ((y > 0) & (y < np.inf) & (since >= 0) & (since < np.inf)).all() or (rest is not None and not np.isfinite(rest).all()):
        raise ValueError("fatigue: seconds that are not above 0, hours below 0, or one that is not known or not finite")
    used = since >= WARM_UP
    person, day = _packed(numbered(people)[0][used]), numbered(shifts)[0][used]
    shift = _packed(person * (int(day.max(initial=0)) + 1) + day)
    n, groups, people_seen = len(person), int(shift.max(initial=-1)) + 1, int(person.max(initial=-1)) + 1
    hour = since[used].astype(np.intp) + 1
    if groups < MIN_SHIFTS:
        return Fatigue((), None, None, None, n, groups, people_seen, "too few shifts")
    counts = np.bincount(hour)
    names = np.flatnonzero(counts).tolist()
    if reference not in names:
        return Fatigue((), None, None, None, n, groups, people_seen, "no work in the reference hour")
    controls: list[_Levels | Floats] = [_Levels(_packed(numbered(labels)[0][used]), 0)]
    if rest is not None:
        controls.append(rest[used] - rest[used].mean())
    by_hour = _Levels((np.cumsum(counts > 0) - 1)[hour], names.index(reference))
    logs, clusters = np.log(y[used]), person if people_seen > 1 else shift
    others = [name for name in names if name != reference]
    effects = dict(zip(others, _effects(logs, [by_hour, *controls], len(others), shift, clusters, level), strict=True))
    (line,) = _effects(logs, [since[used], *controls], 1, shift, clusters, level)
    rows = tuple(_hour(name, effects.get(name, (0.0, 0.0, 0.0)), int(counts[name])) for name in names)
    slope, low, high = (None, None, None) if line is None else (line[0], line[1], line[2])
    return Fatigue(rows, slope, low, high, n, groups, people_seen)


Effect = tuple[float, float | None, float | None]


def _hour(name: int, effect: Effect | None, n: int) -> Hour:
    if effect is None:
        return Hour(name, None, None, None, n, False)
    change, low, high = effect
    return Hour(name, change, low, high, n, change > ALERT and low is not None and low > 0)


class _Levels(NamedTuple):
    """A column of 0 and 1 for each level but the one left out: row i has the level `codes[i]`."""

    codes: Integers
    without: int


def _effects(
    y: Floats, parts: Sequence[_Levels | Floats], wanted: int, shift: Integers, clusters: Integers, level: float
) -> list[Effect | None]:
    """The first `wanted` coefficients as changes (exp − 1) with their intervals; None where the shifts do not tell them apart."""
    from scipy.stats import t as student  # seconds to import: not before it is needed

    kept = np.concatenate([np.arange(_width(part)) != (part.without if isinstance(part, _Levels) else -1) for part in parts])
    less, less_y = _of_shifts(y, parts, shift)
    gram = (np.block([[_products(a, b) for b in parts] for a in parts]) - less)[np.ix_(kept, kept)]
    moment = (np.concatenate([_sums(part, y) for part in parts]) - less_y)[kept]
    scale = np.sqrt(np.maximum(gram.diagonal(), 1e-300))
    sizes, axes = np.linalg.eigh(gram / np.outer(scale, scale))
    known = sizes > 1e-9
    inverse = (axes[:, known] / sizes[known]) @ axes[:, known].T / np.outer(scale, scale)
    told = ((axes[:, ~known] ** 2).sum(axis=1) < 1e-9) & (gram.diagonal() > 1e-9)
    beta = inverse @ moment
    every = np.zeros(len(kept))
    every[kept] = beta
    left, place = y.copy(), 0
    for part in parts:
        left -= every[place:][part.codes] if isinstance(part, _Levels) else every[place] * part
        place += _width(part)
    left -= (np.bincount(shift, weights=left) / np.bincount(shift))[shift]
    # Residuals add to 0 within a shift and shifts lie within clusters, so that scores need no demeaning.
    scores = np.hstack([_by_group(part, clusters, int(clusters.max()) + 1, left) for part in parts])[:, kept]
    g, n, k = len(scores), len(y), int(known.sum())
    if g < 2 or n <= k:
        return [(exp(b) - 1, None, None) if ok else None for b, ok in zip(beta[:wanted].tolist(), told, strict=False)]
    variance = inverse @ (scores.T @ scores) @ inverse * (g / (g - 1)) * ((n - 1) / (n - k))
    reach = student.ppf((1 + level) / 2, g - 1) * np.sqrt(np.maximum(variance.diagonal(), 0.0))
    cells = zip(beta[:wanted].tolist(), reach[:wanted].tolist(), told[:wanted].tolist(), strict=True)
    return [(exp(b) - 1, exp(b - r) - 1, exp(b + r) - 1) if ok else None for b, r, ok in cells]


# The design is never written out: its products are counts and sums --------------------------------------------------------
def _width(part: _Levels | Floats) -> int:
    return int(part.codes.max()) + 1 if isinstance(part, _Levels) else 1


def _sums(part: _Levels | Floats, values: Floats) -> Floats:
    """The part's columns times the values."""
    return np.bincount(part.codes, weights=values).astype(np.float64) if isinstance(part, _Levels) else np.array([part @ values])


def _products(a: _Levels | Floats, b: _Levels | Floats) -> Floats:
    """The columns of one part times those of another."""
    if not isinstance(b, _Levels):
        return _sums(a, b)[:, None]
    return _by_group(a, b.codes, _width(b), None).T


def _by_group(part: _Levels | Floats, group: Integers, groups: int, weights: Floats | None) -> Floats:
    """[group, column] Σ of the part's columns (times the weights) over the rows of each group."""
    if not isinstance(part, _Levels):
        return np.bincount(group, weights=part if weights is None else part * weights, minlength=groups).astype(np.float64)[:, None]
    width = _width(part)
    found = np.bincount(group * width + part.codes, weights=weights, minlength=groups * width)
    return found.reshape(groups, width).astype(np.float64)


def _of_shifts(y: Floats, parts: Sequence[_Levels | Floats], shift: Integers) -> tuple[Floats, Floats]:
    """Σ over shifts of (sum of rows)'(sum of rows) ÷ size: what demeaning by shift takes off the products of columns, and off those with y."""
    sizes, totals, width = np.bincount(shift), np.bincount(shift, weights=y), sum(map(_width, parts))
    block = max(1, _CELLS // width)
    order = np.argsort(shift, kind="stable") if len(sizes) > block else None
    ends = np.concatenate(([0], np.cumsum(sizes)))
    squares, cross = np.zeros((width, width)), np.zeros(width)
    for start in range(0, len(sizes), block):
        stop = min(start + block, len(sizes))
        rows = slice(None) if order is None else order[ends[start] : ends[stop]]
        here = [_Levels(part.codes[rows], part.without) if isinstance(part, _Levels) else part[rows] for part in parts]
        sums = np.zeros((stop - start, width))
        place = 0
        for part, chosen in zip(parts, here, strict=True):
            columns = _by_group(chosen, shift[rows] - start, stop - start, None)
            sums[:, place : place + columns.shape[1]] = columns
            place += _width(part)
        share = sums / sizes[start:stop, None]
        # A small product is done before the threads of a large one are awake.
        squares += np.einsum("sa,sb->ab", sums, share) if sums.size * width < _SMALL else sums.T @ share
        cross += share.T @ totals[start:stop]
    return squares, cross


def _packed(codes: Integers) -> Integers:
    """The same groups numbered from 0 without gaps, in order."""
    if int(codes.max(initial=0)) > 8 * len(codes):
        return np.unique(codes, return_inverse=True)[1].astype(np.intp)
    return np.asarray((np.cumsum(np.bincount(codes) > 0) - 1)[codes], dtype=np.intp)
