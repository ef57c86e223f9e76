"""Fatigue (疲劳系数): how much slower people get hour by hour of their shift, each against themselves on the same day (metrics.md T-15).

Within person and shift, projects allowed for, as hard tasks are often kept for late. A ground for breaks, never for discipline.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

import numpy as np

from metrics.grouping import numbered
from metrics.intervals import Floats, Integers

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MIN_SHIFTS = 20
WARM_UP = 0.25  # hours at the start that are left out
ALERT = 0.15  # slower than in the reference hour by more than this


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
    reason: str = ""


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
    without the reference hour. Raises ValueError for lengths that differ, seconds not above 0, or null or negative hours.

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
    if not ((y > 0) & (since >= 0)).all() or (rest is not None and not np.isfinite(rest).all()):
        raise ValueError("fatigue: seconds that are not above 0, hours below 0, or a break that is not known")
    used = np.flatnonzero(since >= WARM_UP)
    person, day = numbered(people)[0][used], numbered(shifts)[0][used]
    person = np.unique(person, return_inverse=True)[1]
    shift = np.unique(person * len(y) + day, return_inverse=True)[1]
    n, groups, people_seen = len(used), int(shift.max(initial=-1)) + 1, int(person.max(initial=-1)) + 1
    hour = np.floor(since[used]).astype(np.int64) + 1
    if groups < MIN_SHIFTS:
        return Fatigue((), None, None, None, n, groups, people_seen, f"fewer than {MIN_SHIFTS} shifts")
    if reference not in hour:
        return Fatigue((), None, None, None, n, groups, people_seen, f"no work in hour {reference} of a shift")
    names = np.unique(hour)
    controls = [_dummies(numbered(labels)[0][used])[:, 1:]]
    if rest is not None:
        controls.append(_columns(rest[used] - rest[used].mean()))
    others = names[names != reference]
    place = np.searchsorted(names, hour)
    by_hour = _dummies(place)[:, np.flatnonzero(names != reference)]
    clusters = person if people_seen > 1 else shift
    effects = dict(zip(others.tolist(), _effects(np.log(y[used]), [by_hour, *controls], len(others), shift, clusters, level), strict=True))
    (line,) = _effects(np.log(y[used]), [_columns(since[used]), *controls], 1, shift, clusters, level)
    counts = np.bincount(place).tolist()
    rows = tuple(_hour(name, effects.get(name, (0.0, 0.0, 0.0)), count) for name, count in zip(names.tolist(), counts, strict=True))
    slope, low, high = (None, None, None) if line is None else (line[0], line[1], line[2])
    return Fatigue(rows, slope, low, high, n, groups, people_seen)


Effect = tuple[float, float | None, float | None]


def _hour(name: int, effect: Effect | None, n: int) -> Hour:
    if effect is None:
        return Hour(name, None, None, None, n, False)
    change, low, high = effect
    return Hour(name, change, low, high, n, change > ALERT and low is not None and low > 0)


def _effects(y: Floats, parts: Sequence[csr_array], wanted: int, shift: Integers, clusters: Integers, level: float) -> list[Effect | None]:
    """The first `wanted` coefficients as changes (exp − 1) with their intervals; None where the shifts do not tell them apart."""
    from scipy.sparse import hstack
    from scipy.stats import t as student  # seconds to import: not before it is needed

    x = hstack(parts, format="csr")
    own = _dummies(shift)
    size = np.asarray(own.sum(axis=0)).ravel()
    sums, total = (own.T @ x).tocsr(), own.T @ y
    # Demeaning by shift without making it dense: X'X − Σ over shifts of (sum of rows)'(sum of rows) ÷ size.
    weighted = sums.multiply(1 / size[:, None]).tocsr()
    gram = (x.T @ x - sums.T @ weighted).toarray()
    moment = x.T @ y - weighted.T @ total
    scale = np.sqrt(np.maximum(gram.diagonal(), 1e-300))
    sizes, axes = np.linalg.eigh(gram / np.outer(scale, scale))
    known = sizes > 1e-9
    inverse = (axes[:, known] / sizes[known]) @ axes[:, known].T / np.outer(scale, scale)
    told = ((axes[:, ~known] ** 2).sum(axis=1) < 1e-9) & (gram.diagonal() > 1e-9)
    beta = inverse @ moment
    left = y - x @ beta
    left -= ((own.T @ left) / size)[shift]
    scores = (_dummies(clusters).T @ x.multiply(left[:, None]).tocsr()).toarray()
    # Residuals add to 0 within a shift and shifts lie within clusters, so that scores need no demeaning.
    g, n, k = len(scores), len(y), int(known.sum())
    if g < 2 or n <= k:
        return [(exp(b) - 1, None, None) if ok else None for b, ok in zip(beta[:wanted].tolist(), told, strict=False)]
    variance = inverse @ (scores.T @ scores) @ inverse * (g / (g - 1)) * ((n - 1) / (n - k))
    reach = student.ppf((1 + level) / 2, g - 1) * np.sqrt(np.maximum(variance.diagonal(), 0.0))
    cells = zip(beta[:wanted].tolist(), reach[:wanted].tolist(), told[:wanted].tolist(), strict=True)
    return [(exp(b) - 1, exp(b - r) - 1, exp(b + r) - 1) if ok else None for b, r, ok in cells]


def _dummies(codes: Integers) -> csr_array:
    from scipy.sparse import csr_array

    n = len(codes)
    return csr_array((np.ones(n), codes, np.arange(n + 1)), shape=(n, int(codes.max(initial=-1)) + 1))


def _columns(values: Floats) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array(values[:, None])
