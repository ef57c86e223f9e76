"""Control charts (控制图) and run charts (链图): which points of a series are signals and which are noise.

Shewhart p, u and c limits (Montgomery, Introduction to Statistical Quality Control, ch. 7), Laney's p′ and u′ for large samples, whose
limits widen by how much points really differ from one to the next (Laney 2002, Quality Engineering 14(4), doi:10.1081/QEN-120003555),
and Anhøj's rules of runs (Anhøj & Olesen 2014, PLoS ONE 9(11), doi:10.1371/journal.pone.0113825).

Which chart (`chart`), by the points of the baseline that have a sample: fewer than MIN_POINTS, a run chart around their median; a median
sample over LARGE or sigma_z over SPREAD, Laney's; else the plain one. A baseline is frozen by giving it (`baseline`) or by carrying its
limits on (`carry`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, stdev
from typing import Literal, TypeGuard

Kind = Literal["p", "u", "c", "p_laney", "u_laney", "run"]
Rule = Literal["outside", "run", "crossings"]
Spread = Literal["range", "range exact", "deviation"]
Caution = Literal["few points", "no variation", "sigma_z under 1"]

D2 = 1.128  # expected moving range of two normal values, in standard deviations, as the tables print it
D2_EXACT = 2 / math.sqrt(math.pi)
WIDTH = 3.0
MIN_POINTS = 8  # fewer make a centre line, not limits
MIN_RUNS = 10  # points off the centre line before runs and crossings say anything
LARGE = 500  # a sample above which binomial limits are too narrow to be believed
SPREAD = 1.2  # sigma_z above which they are


@dataclass(frozen=True, slots=True)
class Limits:
    """`centre` of the baseline, `lower` and `upper` of each point (None where it has no sample, or the baseline is too short).

    `sigma_z` is Laney's ratio of the spread seen to the spread that chance gives: 1 for plain charts. `warning` says what to know
    before believing the limits: under MIN_POINTS points there are none; all rates 0 (or all 1) give them no width; and sigma_z under 1
    makes them narrower than chance alone would (check that samples are counted right, or read the plain chart).
    """

    kind: Kind
    centre: float
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    sigma_z: float
    warning: Caution | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A point that chance hardly explains: beyond its limits, the last of an unusually long run on one side of the centre, or the last
    of a series that crosses the centre unusually seldom.
    """

    index: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Runs:
    """Of the `n` points that are not on the centre: the longest run on one side (ending at `last`) and how often the line is crossed,
    beside the most and the fewest that chance gives; these two are None below MIN_RUNS points.
    """

    n: int
    longest: int
    longest_limit: int | None
    crossings: int
    crossings_limit: int | None
    last: int | None

    @property
    def long(self) -> bool:
        return self.longest_limit is not None and self.longest > self.longest_limit

    @property
    def seldom(self) -> bool:
        return self.crossings_limit is not None and self.crossings < self.crossings_limit


def limits(
    counts: Sequence[float | None],
    sizes: Sequence[float | None] | None,
    kind: Kind = "p",
    baseline: Sequence[bool] | None = None,
    spread: Spread = "range",
) -> Limits | None:
    """The limits of counts out of sizes, point by point; for a c chart, of the counts themselves (sizes None: every area is the same).

    Points with baseline False (explained, or after the baseline) get limits but do not make them. p: centre ± 3 √(p (1 − p) ÷ n), cut
    at 0 and 1; u: centre ± 3 √(u ÷ n); c: centre ± 3 √c; both cut at 0. Laney's: the same times sigma_z, not held at 1 or above. `run`: the median of
    the rates and no limits.

    `spread` is how sigma_z is taken from the baseline's z, for tools differ: “range”, the mean moving range ÷ 1.128 (Minitab and qicharts2
    for points in time), “range exact”, ÷ 2/√π, or “deviation”, the standard deviation (Power BI visuals), which takes a slow drift
    for noise. It plays no part in the other charts.

    None when no baseline point has a sample. Raises ValueError for sequences of different lengths, negative counts, more counts than
    their size on p charts, sizes on c charts and none on others.

    >>> nist = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
    >>> found = limits(nist, [50] * 30)
    >>> round(found.centre, 6), round(found.lower[0], 6), round(found.upper[0], 6)
    (0.231333, 0.052428, 0.410239)
    """
    points = _points(counts, sizes, kind)
    used = [True] * len(points) if baseline is None else baseline
    base = [point for point, use in zip(points, used, strict=True) if use and point is not None]
    if not base:
        return None
    few = len(base) < MIN_POINTS
    if kind == "run":
        none = (None,) * len(points)
        return Limits("run", median(x / n for x, n in base), none, none, 1.0, "few points" if few else None)
    centre = sum(x for x, _ in base) / sum(n for _, n in base)
    unit = _unit(kind, centre)
    sigma_z = 1.0
    if kind in ("p_laney", "u_laney") and unit > 0 and len(base) > 1:
        z = [(x / n - centre) / (unit / math.sqrt(n)) for x, n in base]
        sigma_z = _sigma_z(z, spread)
    warning: Caution | None = "few points" if few else "no variation" if unit == 0 else "sigma_z under 1" if sigma_z < 1 else None
    lower, upper = _around(kind, centre, sigma_z, [None if few or point is None else point[1] for point in points])
    return Limits(kind, centre, lower, upper, sigma_z, warning)


def _sigma_z(z: Sequence[float], spread: Spread) -> float:
    if spread == "deviation":
        return stdev(z)
    if spread not in ("range", "range exact"):
        raise ValueError(f"no spread {spread!r}; there are range, range exact and deviation")
    return sum(abs(b - a) for a, b in pairwise(z)) / (len(z) - 1) / (D2 if spread == "range" else D2_EXACT)


def carry(found: Limits, sizes: Sequence[float | None]) -> Limits:
    """The limits of a frozen baseline for other points: its centre and sigma_z, their sizes (any number but None for c charts).

    A run chart, or a baseline that was too short, carries its centre only; a point without a sample (a size not above 0) has no limits.

    >>> base = limits([12, 15, 8, 10, 4, 7, 16, 9, 14, 10], [50] * 10)
    >>> later = carry(base, [50, 200])
    >>> later.centre == base.centre, later.upper[0] == base.upper[0], round(later.upper[1], 6)
    (True, True, 0.296403)
    """
    bare = found.kind == "run" or found.warning == "few points"
    lower, upper = _around(found.kind, found.centre, found.sigma_z, [None if bare or n is None or not n > 0 else n for n in sizes])
    return Limits(found.kind, found.centre, lower, upper, found.sigma_z, found.warning)


def chart(
    counts: Sequence[float | None],
    sizes: Sequence[float | None],
    kind: Literal["p", "u"] = "p",
    baseline: Sequence[bool] | None = None,
    spread: Spread = "range",
) -> Limits | None:
    """The chart that the rule at the top of this module chooses for proportions (p) or rates (u). `spread`, None and errors as `limits`.

    >>> chart([3, 5, 4], [100] * 3).kind, chart([3, 5, 4, 2, 6, 3, 4, 5], [100] * 8).kind
    ('run', 'p')
    >>> chart([30, 250, 40, 20, 360, 30, 140, 50], [1000] * 8).kind
    'p_laney'
    """
    laney = limits(counts, sizes, "p_laney" if kind == "p" else "u_laney", baseline, spread)
    if laney is None:
        return None
    if laney.warning == "few points":
        return limits(counts, sizes, "run", baseline)
    used = [True] * len(counts) if baseline is None else baseline
    drawn = [point[1] for point, use in zip(_points(counts, sizes, kind), used, strict=True) if use and point is not None]
    if median(drawn) <= LARGE and laney.sigma_z <= SPREAD:
        return limits(counts, sizes, kind, baseline)
    return laney


def proportions(counts: Sequence[float | None], sizes: Sequence[float | None], baseline: Sequence[bool] | None = None) -> Limits | None:
    """p limits, or p′ where samples are large (median over 500) or points differ more than chance allows (sigma_z over 1.2)."""
    return chart(counts, sizes, "p", baseline)


def runs(values: Sequence[float | None], centre: float) -> Runs:
    """Runs and crossings of values around a centre (the median on run charts); missing values and those on the centre do not count.

    Of n points: longest run above round(log2 n) + 3, or fewer crossings than the 5 % point of the binomial (n − 1, ½), is a signal.

    >>> found = runs([4, 6] * 7 + [6] + [4] * 9, 5)
    >>> found.longest, found.longest_limit, found.crossings, found.crossings_limit, found.long, found.seldom
    (9, 8, 14, 8, True, False)
    """
    sides = [(i, v > centre) for i, v in enumerate(values) if _known(v) and v != centre]
    run, longest, last = 0, 0, None
    for place, (i, above) in enumerate(sides):
        run = run + 1 if place and sides[place - 1][1] == above else 1
        if run > longest:
            longest, last = run, i
    n = len(sides)
    crossings = sum(a != b for (_, a), (_, b) in pairwise(sides))
    enough = n >= MIN_RUNS
    return Runs(n, longest, round(math.log2(n)) + 3 if enough else None, crossings, _fewest(n - 1) if enough else None, last)


def signals(
    values: Sequence[float | None],
    found: Limits,
    baseline: Sequence[bool] | None = None,
    rules: Sequence[Rule] = ("outside", "run"),
) -> tuple[Signal, ...]:
    """The signals among the points (with a baseline: among its points only, as the others may still move), at most one a point.

    Outside the limits; or the last point of the longest run, when that is too long; or (when asked for in `rules`) the last point off
    the centre, when the line is crossed too seldom: see `runs`. To judge points after a frozen baseline, give no baseline here.
    """
    used = [True] * len(values) if baseline is None else baseline
    judged = [v if use and _known(v) else None for v, use in zip(values, used, strict=True)]
    beyond = [
        i
        for i, (v, low, high) in enumerate(zip(judged, found.lower, found.upper, strict=True))
        if v is not None and low is not None and high is not None and not low <= v <= high
    ]
    seen = runs(judged, found.centre)
    off = [i for i, v in enumerate(judged) if v is not None and v != found.centre]
    broken: dict[Rule, list[int]] = {
        "outside": beyond,
        "run": [seen.last] if seen.long and seen.last is not None else [],
        "crossings": off[-1:] if seen.seldom else [],
    }
    first: dict[int, Rule] = {}
    for rule, places in broken.items():
        if rule in rules:
            for i in places:
                first.setdefault(i, rule)
    return tuple(Signal(i, rule) for i, rule in sorted(first.items()))


def _points(counts: Sequence[float | None], sizes: Sequence[float | None] | None, kind: Kind) -> list[tuple[float, float] | None]:
    """Count and size of each point, None where it has no sample."""
    if (kind == "c") != (sizes is None):
        raise ValueError("a c chart has no sizes: use u where areas differ" if kind == "c" else f"a {kind} chart needs sizes")
    areas: Sequence[float | None] = [1] * len(counts) if sizes is None else sizes
    if len(counts) != len(areas):
        raise ValueError(f"{len(counts)} counts for {len(areas)} sizes")
    points: list[tuple[float, float] | None] = []
    for i, (x, n) in enumerate(zip(counts, areas, strict=True)):
        if x is None or n is None or math.isnan(x) or not n > 0:
            points.append(None)
            continue
        if x < 0 or (kind in ("p", "p_laney") and x > n):
            raise ValueError(f"point {i}: a count of {x} out of {n}")
        points.append((x, n))
    return points


def _known(n: float | None) -> TypeGuard[float]:
    return n is not None and not math.isnan(n)


def _unit(kind: Kind, centre: float) -> float:
    """The standard deviation of a point whose size is 1."""
    return math.sqrt(centre * (1 - centre) if kind in ("p", "p_laney") else centre)


def _around(
    kind: Kind, centre: float, sigma_z: float, sizes: Sequence[float | None]
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    lower: list[float | None] = []
    upper: list[float | None] = []
    top = 1.0 if kind in ("p", "p_laney") else math.inf
    for n in sizes:
        reach = None if not n else WIDTH * sigma_z * _unit(kind, centre) / math.sqrt(1 if kind == "c" else n)
        lower.append(None if reach is None else max(0.0, centre - reach))
        upper.append(None if reach is None else min(top, centre + reach))
    return tuple(lower), tuple(upper)


def _fewest(n: int) -> int:
    """The 5 % point of the binomial (n, ½): the fewest crossings that chance gives in n steps."""
    term, total, k = 1, 1, 0
    while 20 * total < 2**n:
        k += 1
        term = term * (n - k + 1) // k
        total += term
    return k
