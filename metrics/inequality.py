"""How income is spread (收入分布): quantiles, Gini (基尼系数), Lorenz; and how concentrated revenue is (集中度) (metrics.md W-17, F-20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metrics.intervals import Estimate, Floats, bootstrap
from metrics.scope import SMALLEST_GROUP

Reason = Literal["nobody", "nothing to share", "too few people"]


@dataclass(frozen=True, slots=True)
class Gini:
    """0 when all have the same, (n − 1) ÷ n when one has everything; None with the reason for nobody, or nothing to share."""

    value: float | None
    n: int
    reason: Reason | None = None


def gini(values: Sequence[float] | Floats) -> Gini:
    """Σ (2i − n − 1) xᵢ ÷ (n Σx), x ascending, i from 1. Of the people given, not an estimate for more (no n ÷ (n − 1)). Gini 1912.

    Raises ValueError for negative, infinite or null values: with them it is no share of anything.

    >>> round(gini([1, 2, 3, 4, 5]).value, 4), gini([0, 0, 0, 1]).value, gini([]).value
    (0.2667, 0.75, None)
    """
    x = _ascending("gini", values)
    n, total = len(x), float(x.sum())
    if not total:
        return Gini(None, n, "nothing to share" if n else "nobody")
    return Gini(max(0.0, float((2 * np.arange(1, n + 1) - n - 1) @ x) / (n * total)), n)


def lorenz(values: Sequence[float] | Floats) -> tuple[tuple[float, float], ...]:
    """Points (share of people, share of the total), the poorest first, from (0, 0) to (1, 1); empty where Gini is None.

    >>> lorenz([1, 3])
    ((0.0, 0.0), (0.5, 0.25), (1.0, 1.0))
    """
    x = _ascending("lorenz", values)
    if not x.sum():
        return ()
    sums = np.cumsum(x)
    shares = np.concatenate(([0.0], sums / sums[-1]))
    return tuple(zip((np.arange(len(x) + 1) / len(x)).tolist(), shares.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Distribution:
    """Quantiles of `n` people's income, in its unit; all None below SMALLEST_GROUP people, so that nobody can be told from them.

    `median_interval` is the bootstrap's, by person, None below its MIN_RESAMPLED people or where all are alike; `gini` as above.
    """

    n: int
    p10: float | None
    p25: float | None
    median: float | None
    p75: float | None
    p90: float | None
    median_interval: tuple[float, float] | None
    gini: float | None
    reason: Reason | None = None


def distribution(values: Sequence[float] | Floats, level: float = 0.95, seed: int = 0) -> Distribution:
    """Quantiles between the nearest two people (Hyndman & Fan 1996, type 7), the median's interval, Gini. Who counts is the caller's to say
    (full months only, newcomers left out: metrics.md W-17). Raises ValueError for negative, infinite or null values.

    >>> found = distribution([3000, 3200, 3400, 3600, 5000])
    >>> (found.p10, found.median, found.p90)
    (3080.0, 3400.0, 4440.0)
    """
    x = _ascending("distribution", values)
    if len(x) < SMALLEST_GROUP:
        return Distribution(len(x), None, None, None, None, None, None, None, "too few people")
    p10, p25, median, p75, p90 = np.quantile(x, [0.1, 0.25, 0.5, 0.75, 0.9]).tolist()
    middle: Estimate = bootstrap(x, level=level, seed=seed)
    interval = None if middle.low is None or middle.high is None else (middle.low, middle.high)
    return Distribution(len(x), p10, p25, median, p75, p90, interval, gini(x).value)


@dataclass(frozen=True, slots=True)
class Concentration:
    """`hhi` is Σ share² (Herfindahl–Hirschman): 1 ÷ n when all are alike, 1 when there is one; all None where there is nothing to share."""

    hhi: float | None
    top1: float | None
    top5: float | None
    n: int


def concentration(amounts: Sequence[float] | Floats) -> Concentration:
    """How much of a total the largest hold. Raises ValueError for negative, infinite or null amounts. Hirschman 1964, Am. Econ. Rev. 54(5).

    >>> concentration([50, 30, 20])
    Concentration(hhi=0.38, top1=0.5, top5=1.0, n=3)
    """
    x = _ascending("concentration", amounts)[::-1]
    total = float(x.sum())
    if not total:
        return Concentration(None, None, None, len(x))
    return Concentration(float((x**2).sum()) / total**2, float(x[0]) / total, float(x[:5].sum()) / total, len(x))


def _ascending(name: str, values: Sequence[float] | Floats) -> Floats:
    x = np.array(values, dtype=np.float64)
    if not ((x >= 0) & (x < np.inf)).all():
        raise ValueError(f"{name}: a negative, infinite or null value")
    return np.sort(x)
