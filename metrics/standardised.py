"""Speed after allowing for difficulty (难度校正效率): units done against the units expected at each project's own middle pace.

Indirect standardisation, as the standardised ratios of health statistics: expected = Σ over projects of (reference rate × own hours),
ratio = observed ÷ expected (SAS/STAT PROC STDRATE, “Indirect standardization”; metrics.md T-07). Ratios compare each person with
the reference, not with each other, where their projects differ a lot; `compared` says how much of a person's time had company.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

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
    strata: Sequence[str],
    spells: Sequence[Hashable],
    rates: Sequence[float | None],
    hours: Sequence[float | None],
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
    done: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    given = zip(units, strata, spells, rates, hours, strict=True)
    rows = [(u, s, t, r * h, h) for u, s, t, r, h in given if r is not None and h is not None and r == r and h != 0 and h == h]
    if any(h < 0 or o < 0 for *_, o, h in rows):
        raise ValueError("pace: a negative rate, or negative hours")
    for u, s, _, o, h in rows:
        cell = done[u, s]
        cell[0] += o
        cell[1] += h
    known = {key: (o, h) for key, (o, h) in done.items() if h >= MIN_HOURS}
    paces: dict[str, list[float]] = defaultdict(list)
    total: dict[str, float] = defaultdict(float)
    for (u, s), (o, h) in known.items():
        paces[s].append(o / h)
        total[u] += h
    reference = {s: median(found) for s, found in paces.items() if len(found) >= MIN_COMPANY and median(found) > 0}
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    parts: dict[tuple[str, Hashable], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for u, s, t, o, h in rows:
        if (u, s) in known and s in reference:
            for sink in (sums[u], parts[u, t]):
                sink[0] += o
                sink[1] += h * reference[s]
                sink[2] += h
    logs: dict[str, list[float]] = defaultdict(list)
    for (u, _), (o, e, h) in parts.items():
        if h >= MIN_HOURS and o > 0:
            logs[u].append(math.log(o / e))
    spread = _variances(logs)
    return [_judge(u, sums[u], sums[u][2] / total[u], len(logs[u]), spread) for u in sorted(total)]


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
    reason: str = ""


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
    flags = [False] * len(units) if provisional is None else provisional
    rows = list(zip(units, standard_seconds, hours, flags, strict=True))
    if any(not (u >= 0 and h >= 0 and (s is None or s > 0)) for u, s, h, _ in rows):
        raise ValueError("efficiency: units or hours below 0, or a standard that is not above 0")
    known = [(u * s / 3600, h, flag) for u, s, h, flag in rows if s is not None]
    earned, spent = sum(e for e, _, _ in known), sum(h for _, h, _ in known)
    ratio, reason = (earned / spent, "") if spent else (None, "no hours of work with a standard")
    return Efficiency(ratio, earned, spent, len(rows) - len(known), any(flag for _, _, flag in known), reason)


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


def _variances(logs: Mapping[str, Sequence[float]]) -> tuple[float, float] | None:
    """One-way analysis of variance: within a unit from spell to spell, and between units. None without repeats."""
    groups = [values for values in logs.values() if values]
    n = sum(map(len, groups))
    if len(groups) < 2 or n == len(groups):
        return None
    grand = sum(map(sum, groups)) / n
    means = [sum(values) / len(values) for values in groups]
    within = sum((v - m) ** 2 for values, m in zip(groups, means, strict=True) for v in values) / (n - len(groups))
    above = sum(len(values) * (m - grand) ** 2 for values, m in zip(groups, means, strict=True)) / (len(groups) - 1)
    size = (n - sum(len(values) ** 2 for values in groups) / n) / (len(groups) - 1)
    return within, max(0.0, (above - within) / size)
