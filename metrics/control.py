"""Control charts (控制图): which points of a series are signals and which are noise.

Shewhart p and u limits (Montgomery, Introduction to Statistical Quality Control, ch. 7) and Laney's p′ and u′ for large samples,
whose limits widen by how much points really differ from one to the next (Laney 2002, Quality Engineering 14(4)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal["p", "u", "p_laney", "u_laney"]
Rule = Literal["outside", "run"]

D2 = 1.128  # expected moving range of two normal values, in standard deviations
WIDTH = 3.0
MIN_POINTS = 8  # fewer make a centre line, not limits
LARGE = 500  # a sample above which binomial limits are too narrow to be believed
SPREAD = 1.2  # sigma_z above which they are


@dataclass(frozen=True, slots=True)
class Limits:
    """`centre` of the baseline, `lower` and `upper` of each point (None where it has no sample, or the baseline is too short).

    `sigma_z` is Laney's ratio of the spread seen to the spread that chance gives: 1 for plain p and u charts.
    """

    kind: Kind
    centre: float
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    sigma_z: float


@dataclass(frozen=True, slots=True)
class Signal:
    """A point that chance hardly explains: beyond its limits, or the last of an unusually long run on one side of the centre."""

    index: int
    rule: Rule


def limits(
    counts: Sequence[float | None],
    sizes: Sequence[float | None],
    kind: Kind = "p",
    baseline: Sequence[bool] | None = None,
) -> Limits | None:
    """The limits of counts out of sizes, point by point. Points with baseline False get limits but do not make them.

    None when no baseline point has a sample. Raises ValueError for sequences of different lengths.

    >>> nist = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
    >>> found = limits(nist, [50] * 30)
    >>> round(found.centre, 6), round(found.lower[0], 6), round(found.upper[0], 6)
    (0.231333, 0.052428, 0.410239)
    """
    used = [True] * len(counts) if baseline is None else baseline
    points = [(x, n, use) for x, n, use in zip(counts, sizes, used, strict=True)]
    base = [(x, n) for x, n, use in points if use and x is not None and n]
    if not base:
        return None
    total = sum(n for _, n in base)
    centre = sum(x for x, _ in base) / total
    proportion = kind in ("p", "p_laney")
    unit = math.sqrt(centre * (1 - centre) if proportion else centre)
    sigma_z = 1.0
    if kind in ("p_laney", "u_laney") and unit > 0 and len(base) > 1:
        z = [(x / n - centre) / (unit / math.sqrt(n)) for x, n in base]
        sigma_z = sum(abs(b - a) for a, b in pairwise(z)) / (len(z) - 1) / D2
    lower: list[float | None] = []
    upper: list[float | None] = []
    for _, n, _use in points:
        reach = WIDTH * sigma_z * unit / math.sqrt(n) if n and len(base) >= MIN_POINTS else None
        lower.append(None if reach is None else max(0.0, centre - reach))
        upper.append(None if reach is None else min(1.0, centre + reach) if proportion else centre + reach if reach is not None else None)
    return Limits(kind, centre, tuple(lower), tuple(upper), sigma_z)


def proportions(counts: Sequence[float | None], sizes: Sequence[float | None], baseline: Sequence[bool] | None = None) -> Limits | None:
    """p limits, or p′ where samples are large (median over 500) or points differ more than chance allows (sigma_z over 1.2)."""
    laney = limits(counts, sizes, "p_laney", baseline)
    found = sorted(n for n in sizes if n)
    if laney is None or (found[len(found) // 2] <= LARGE and laney.sigma_z <= SPREAD):
        return limits(counts, sizes, "p", baseline)
    return laney


def signals(values: Sequence[float | None], found: Limits, baseline: Sequence[bool] | None = None) -> tuple[Signal, ...]:
    """The signals among the points (with a baseline: among its points only, as the others may still move).

    Outside the limits; or the longest run on one side of the centre, when it is longer than round(log2 n) + 3 of the n points that are
    not on the centre (Anhøj & Olesen 2014, PLoS ONE 9(11)): its last point is the signal.
    """
    used = [True] * len(values) if baseline is None else baseline
    beyond = []
    sides: list[tuple[int, bool]] = []
    for i, (v, low, high, use) in enumerate(zip(values, found.lower, found.upper, used, strict=True)):
        if v is None or not use:
            continue
        if low is not None and high is not None and not low <= v <= high:
            beyond.append(Signal(i, "outside"))
        if v != found.centre:
            sides.append((i, v > found.centre))
    run, longest, last = 0, 0, -1
    for place, (i, above) in enumerate(sides):
        run = run + 1 if place and sides[place - 1][1] == above else 1
        if run > longest:
            longest, last = run, i
    if len(sides) >= MIN_POINTS and longest > round(math.log2(len(sides))) + 3 and all(s.index != last for s in beyond):
        beyond.append(Signal(last, "run"))
    return tuple(sorted(beyond, key=lambda s: s.index))
