"""Could chance alone give this? Groups against the whole, and people against what their own mix of work would have given.

A flag needs 99.8 % limits: at 95 %, eight hundred people would give forty false alarms a period (metrics.md 1.8).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from metrics.intervals import poisson, wilson

Side = Literal["above", "within", "below", "unsure"]

LEVEL = 0.998
MIN_N = 30  # inspected, before a group or person is judged (metrics.md 1.5)
MIN_COMPANY = 3  # people in a project before its rate says anything about one of them
MIN_COMPARED = 0.5  # share of a person's inspected work that must have company


def sides(values: Sequence[float | None], sizes: Sequence[float | None], whole: float | None) -> tuple[Side, ...]:
    """Where each rate stands against the rate of the whole: outside Wilson's 99.8 % interval, which is the same as outside a funnel.

    “unsure” for fewer than 30 cases or no value.

    >>> sides([0.10, 0.10], [1000, 50], 0.05)
    ('above', 'within')
    """
    found: list[Side] = []
    for value, n in zip(values, sizes, strict=True):
        if value is None or whole is None or n is None or n < MIN_N:
            found.append("unsure")
            continue
        low, high = wilson(min(n, round(value * n)), n, LEVEL)
        found.append("above" if low > whole else "below" if high < whole else "within")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Errors of one person against the errors expected at each project's own rate. `ratio` = errors ÷ expected, 95 % `low`–`high`.

    None and “unsure” where fewer than MIN_N were inspected, or less than half of it in projects with at least MIN_COMPANY people.
    """

    unit: str
    errors: float
    reviewed: float
    expected: float
    ratio: float | None
    low: float | None
    high: float | None
    side: Side


def ratios(
    units: Sequence[str], strata: Sequence[str], errors: Sequence[float | None], reviewed: Sequence[float | None]
) -> tuple[Ratio, ...]:
    """Indirectly standardised error ratios, the surest excess first (by lower bound), those that cannot be judged last.

    Position i: this unit had `errors[i]` among `reviewed[i]` in this stratum. Expected = Σ reviewed × the stratum's rate over all units.
    Interval by the PHE rule: Byar from 10 errors up, exact Poisson below (Breslow & Day 1987; metrics.md T-07, 7.4).

    >>> cells = [("a", "easy", 10, 100), ("b", "easy", 2, 100), ("c", "easy", 3, 100), ("d", "easy", 5, 100)]
    >>> [(r.unit, r.expected, r.ratio) for r in ratios(*zip(*cells))][:2]
    [('a', 5.0, 2.0), ('d', 5.0, 1.0)]
    """
    rows = [
        (u, s, x, n) for u, s, x, n in zip(units, strata, errors, reviewed, strict=True) if u and x is not None and n is not None and n > 0
    ]
    people: dict[str, set[str]] = defaultdict(set)
    wrong: dict[str, float] = defaultdict(float)
    seen: dict[str, float] = defaultdict(float)
    for u, s, x, n in rows:
        people[s].add(u)
        wrong[s] += x
        seen[s] += n
    known = {s for s, found in people.items() if len(found) >= MIN_COMPANY}
    own: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for u, s, x, n in rows:
        cell = own[u]
        cell[3] += n
        if s in known:
            cell[0] += x
            cell[1] += n * wrong[s] / seen[s]
            cell[2] += n
    found = [_ratio(u, x, n, expected, everything) for u, (x, expected, n, everything) in own.items()]
    return tuple(sorted(found, key=lambda r: (r.low is None, -(r.low or 0.0), -(r.ratio or 0.0), r.unit)))


def _ratio(unit: str, errors: float, compared: float, expected: float, reviewed: float) -> Ratio:
    if compared < MIN_N or compared < MIN_COMPARED * reviewed or expected <= 0:
        return Ratio(unit, errors, reviewed, expected, None, None, None, "unsure")
    low, high = (bound / expected for bound in poisson(errors, 0.95))
    below, above = (bound / expected for bound in poisson(errors, LEVEL))
    side: Side = "above" if below > 1 else "below" if above < 1 else "within"
    return Ratio(unit, errors, reviewed, expected, errors / expected, low, high, side)
