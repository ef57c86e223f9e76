"""Confidence intervals (置信区间): Wilson for proportions, Byar and exact Poisson for counts, all as (low, high) with NaN for null input;
for ratios of what comes in clusters (整群), such as boxes in an image, the linearised variance and the bootstrap, as an `Estimate`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isnan, nan, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metrics.grouping import numbered

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Reason = Literal["no sample", "too few clusters", "no variation"]

BYAR_FROM = 10  # counts below it need the exact interval (the PHE rule; metrics.md 1.5)
MIN_RESAMPLED = 10  # clusters; the bootstrap of fewer is too narrow to be shown
DRAWS = 2000
_BLOCK = 2_000_000  # picks drawn at a time: 16 MB


@dataclass(frozen=True, slots=True)
class Estimate:
    """`value` with its interval and standard error (in its own unit), from `n` clusters; `reason` says why one of them is None."""

    value: float | None
    low: float | None
    high: float | None
    se: float | None
    n: int
    reason: Reason | None = None


def wilson(x: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of x successes in n trials, within 0…1; NaN for n = 0. Raises ValueError unless 0 ≤ x ≤ n.

    Wilson 1927, JASA 22(158); Newcombe 1998, Stat. Med. 17.

    >>> [round(bound, 4) for bound in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if isnan(x) or isnan(n):
        return nan, nan
    if not 0 <= x <= n:
        raise ValueError(f"wilson: {x} successes in {n} trials")
    low, high = wilson_many(np.array([x]), np.array([n]), level)
    return float(low[0]), float(high[0])


def wilson_many(x: Sequence[float] | Floats, n: Sequence[float] | Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's interval for arrays of counts; NaN where n is not above 0 or x outside 0…n: one impossible row spoils no other."""
    successes, trials = np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64)
    trials = np.where((trials > 0) & (successes >= 0) & (successes <= trials), trials, np.nan)
    z = _z(level)
    p, z2 = successes / trials, z * z
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = z * np.sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    # At the ends the algebra gives exactly 0 and 1; rounding must not.
    low = np.where(successes == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(successes == trials, 1.0, np.minimum(centre + half, 1.0))
    return np.where(np.isnan(trials), np.nan, low), np.where(np.isnan(trials), np.nan, high)


def byar(x: float, level: float = 0.95) -> tuple[float, float]:
    """Byar's approximate interval of a Poisson count, good from 10 up; NaN for a null one (Breslow & Day 1987, vol. II, p. 69).

    >>> [round(bound, 6) for bound in byar(65)]
    [50.163188, 82.849139]
    """
    if x < 0:
        raise ValueError(f"byar: a count of {x}")
    z = _z(level)
    if isnan(x):
        return nan, nan
    low = x * (1 - 1 / (9 * x) - z / (3 * sqrt(x))) ** 3 if x > 0 else 0.0
    above = x + 1
    return max(low, 0.0), above * (1 - 1 / (9 * above) + z / (3 * sqrt(above))) ** 3


def poisson_exact(x: float, level: float = 0.95) -> tuple[float, float]:
    """Garwood's exact interval of a Poisson count, from chi-square quantiles; NaN for a null one (Garwood 1936, Biometrika 28).

    >>> [round(bound, 4) for bound in poisson_exact(9)]
    [4.1154, 17.0848]
    """
    if x < 0:
        raise ValueError(f"poisson_exact: a count of {x}")
    tail = (1 - _checked(level)) / 2
    return (nan, nan) if isnan(x) else _garwood(x, tail)


@lru_cache(maxsize=4_096)
def _garwood(x: float, tail: float) -> tuple[float, float]:
    from scipy.special import gammainccinv, gammaincinv  # a moment to import: not before it is needed; half a chi-square quantile

    return float(gammaincinv(x, tail)) if x > 0 else 0.0, float(gammainccinv(x + 1, tail))


def poisson(x: float, level: float = 0.95) -> tuple[float, float]:
    """The interval of a count as Public Health England gives it: Byar from 10 up, exact below.

    >>> poisson(9) == poisson_exact(9), poisson(65) == byar(65)
    (True, True)
    """
    return byar(x, level) if x >= BYAR_FROM else poisson_exact(x, level)


def count_ahead(x: float, n: float, ahead: int, level: float = 0.95) -> tuple[int, int]:
    """The prediction interval (预测区间) of how many of the next `ahead` it will be, when it was x of n: whole numbers low–high within 0…ahead.

    In it are the numbers with which x of n, given both together, lies in neither tail of the hypergeometric; which is the beta-binomial with
    x + 1 and n − x for the upper end and with x and n − x + 1 for the lower (Thatcher 1964, JRSS B 26(2)), so that n need not be whole.
    It holds at least `level` of what comes; nothing seen does not make it 0–0. Raises ValueError unless 0 ≤ x ≤ n, n above 0 and finite.

    >>> count_ahead(0, 40, 5), count_ahead(0, 10, 10), count_ahead(5, 50, 50)
    ((0, 1), (0, 4), (0, 13))
    """
    if not 0 <= x <= n < inf or not n or ahead < 0:
        raise ValueError(f"count_ahead: {x} of {n}, and {ahead} to come")
    tail = (1 - _checked(level)) / 2
    low = int((_at_most(ahead, x, n - x + 1) <= tail).sum()) if x else 0
    return low, int((_at_most(ahead, x + 1, n - x) < 1 - tail).sum()) if x < n else ahead


def _at_most(m: int, a: float, b: float) -> Floats:
    """The beta-binomial chance of at most 0, 1, … m − 1 out of m."""
    from scipy.special import betaln  # a moment to import: not before it is needed

    y = np.arange(m)
    # C(m, y) = 1 ÷ ((m + 1) B(m − y + 1, y + 1))
    each = np.exp(betaln(y + a, m - y + b) - betaln(a, b) - np.log1p(m) - betaln(m - y + 1, y + 1))
    return np.asarray(np.cumsum(each), dtype=np.float64)


def effective_n(rate: float, variance: float) -> float:
    """The simple random sample that would estimate `rate` with the same variance: rate × (1 − rate) ÷ variance (Kish 1965, §8.2).

    Infinite when the variance is 0 (everything was inspected); NaN for null input or a rate of 0 or 1, whose variance says nothing.
    Raises ValueError for a rate outside 0…1 or a negative variance.

    >>> round(effective_n(0.020952, 0.00813**2))
    310
    """
    if isnan(rate) or isnan(variance):
        return nan
    if not 0 <= rate <= 1 or variance < 0:
        raise ValueError(f"effective_n: a rate of {rate} with variance {variance}")
    if rate in (0, 1):
        return nan
    return rate * (1 - rate) / variance if variance > 0 else float("inf")


def wilson_effective(rate: float, variance: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a weighted rate on its effective n; (rate, rate) where that is infinite, NaN where there is none.

    Kott & Carr 1997, J. Official Statistics 13(4); metrics.md Q-16. Raises ValueError as `effective_n` does.

    >>> [round(100 * bound, 2) for bound in wilson_effective(0.020952, 0.00813**2)]
    [0.99, 4.37]
    """
    n = effective_n(rate, variance)
    return (rate, rate) if n == float("inf") else wilson(rate * n, n, level)


def ratio_by_cluster(
    numerators: Sequence[float | None] | Floats,
    denominators: Sequence[float | None] | Floats,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> Estimate:
    """Σ numerators ÷ Σ denominators, with the linearised variance of a ratio over clusters (each position its own by default).

    With y and x summed by cluster, r = Σy ÷ Σx and n clusters: variance = n ÷ (n − 1) × Σ(y − r x)² ÷ (Σx)², and
    r ± t × √variance, t with n − 1 degrees of freedom (Cochran 1977, Sampling Techniques, §2.11 and §6.3; no finite correction). The
    interval is not cut at 0 or 1: the ratio need not lie between them. Positions without a value are left out.

    No value when Σx is 0; no interval for one cluster or when all clusters have the same ratio (no errors at all, say: the interval
    would have no width). Raises ValueError for lengths that differ and for a negative denominator.

    >>> found = ratio_by_cluster([1, 0, 2, 0], [10, 10, 20, 5])
    >>> round(found.value, 4), round(found.se, 4), found.n
    (0.0667, 0.027, 4)
    """
    _checked(level)
    y, x = _by_cluster(numerators, denominators, clusters)
    n, whole = len(y), float(x.sum())
    if whole == 0:
        return Estimate(None, None, None, None, n, "no sample")
    value = float(y.sum()) / whole
    if n < 2:
        return Estimate(value, None, None, None, n, "too few clusters")
    off = y - value * x
    se = sqrt(n / (n - 1) * float(off @ off)) / whole
    if se <= 1e-12 * abs(value):
        return Estimate(value, None, None, None, n, "no variation")
    from scipy.special import stdtrit

    reach = float(stdtrit(n - 1, (1 + level) / 2)) * se
    return Estimate(value, value - reach, value + reach, se, n)


def bootstrap_ratio(
    numerators: Sequence[float | None] | Floats,
    denominators: Sequence[float | None] | Floats,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """Σ numerators ÷ Σ denominators with the percentile interval of `draws` resamples of whole clusters; the same seed, the same answer.

    `se` is the standard deviation over the resamples. Nulls and errors as in `ratio_by_cluster`; no interval below MIN_RESAMPLED clusters.
    `draws` under 2 leave the interval out.
    Efron & Tibshirani 1993, An Introduction to the Bootstrap, §13.3; clusters: Davison & Hinkley 1997, §3.8.

    >>> found = bootstrap_ratio([0, 1, 0, 2, 0, 0, 1, 3, 0, 1, 0, 0], [10] * 12)
    >>> round(found.value, 4), found.low < found.value < found.high
    (0.0667, True)
    """
    _checked(level)
    y, x = _by_cluster(numerators, denominators, clusters)
    n, whole = len(y), float(x.sum())
    if whole == 0:
        return Estimate(None, None, None, None, n, "no sample")
    value = float(y.sum()) / whole
    if n < MIN_RESAMPLED or draws < 2:
        return Estimate(value, None, None, None, n, "too few clusters" if n < MIN_RESAMPLED else None)
    rng, found = np.random.default_rng(seed), []
    for count in _blocks(draws, n):
        picks = rng.integers(0, n, (count, n))
        above, below = y[picks].sum(axis=1), x[picks].sum(axis=1)
        found.append(above[below > 0] / below[below > 0])
    return _resampled(value, np.concatenate(found), n, level)


def bootstrap(
    values: Sequence[float | None] | Floats,
    statistic: Callable[[Floats], float] = np.median,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """Any statistic of values (the median by default) with the percentile interval of resamples of whole clusters, as `bootstrap_ratio`.

    Each draw costs one call of `statistic` on about as many values as were given: for ratios the other function is quicker. A statistic
    that is NaN is undefined: of all values, there is no value; of a resample, it is left out.

    >>> found = bootstrap([3, 5, 4, 8, 6, 7, 5, 4, 9, 6, 5, 7], draws=500)
    >>> found.value, found.low <= 5.5 <= found.high, found.n
    (5.5, True, 12)
    """
    _checked(level)
    data = np.array(values, dtype=np.float64)
    places, n = _places(clusters, len(data))
    kept = ~np.isnan(data)
    data, places = data[kept], places[kept]
    order = np.argsort(places, kind="stable")
    parts = [part for part in np.split(data[order], np.cumsum(np.bincount(places, minlength=n))[:-1]) if len(part)] if n else []
    n = len(parts)
    if n == 0:
        return Estimate(None, None, None, None, 0, "no sample")
    value = float(statistic(data))
    if isnan(value):
        return Estimate(None, None, None, None, n, "no sample")
    if n < MIN_RESAMPLED or draws < 2:
        return Estimate(value, None, None, None, n, "too few clusters" if n < MIN_RESAMPLED else None)
    rng = np.random.default_rng(seed)
    if n == len(data):
        found = [statistic(data[rng.integers(0, n, n)]) for _ in range(draws)]
    else:
        found = [statistic(np.concatenate([parts[i] for i in rng.integers(0, n, n)])) for _ in range(draws)]
    return _resampled(value, np.array(found, dtype=np.float64), n, level)


def _resampled(value: float, found: Floats, n: int, level: float) -> Estimate:
    tail, found = (1 - level) / 2, found[~np.isnan(found)]
    low, high = np.quantile(found, [tail, 1 - tail]) if len(found) else (value, value)
    if low == high:
        return Estimate(value, None, None, None, n, "no variation")
    return Estimate(value, float(low), float(high), float(found.std(ddof=1)), n)


def _by_cluster(
    numerators: Sequence[float | None] | Floats, denominators: Sequence[float | None] | Floats, clusters: Sequence[Hashable] | None
) -> tuple[Floats, Floats]:
    """Numerator and denominator of each cluster that has any."""
    y, x = np.array(numerators, dtype=np.float64), np.array(denominators, dtype=np.float64)
    if len(y) != len(x):
        raise ValueError(f"{len(y)} numerators for {len(x)} denominators")
    places, n = _places(clusters, len(y))
    kept = ~(np.isnan(y) | np.isnan(x))
    if (x[kept] < 0).any():
        raise ValueError(f"a denominator of {x[kept].min()}")
    seen = np.bincount(places[kept], minlength=n) > 0
    above, below = (np.bincount(places[kept], part[kept], minlength=n).astype(np.float64)[seen] for part in (y, x))
    return above, below


def _places(clusters: Sequence[Hashable] | None, n: int) -> tuple[Integers, int]:
    """Each position's cluster as a number from 0, and how many there are."""
    if clusters is None:
        return np.arange(n), n
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters for {n} values")
    places, names = numbered(clusters)
    return places, len(names)


def _blocks(draws: int, n: int) -> list[int]:
    """How many draws to make at a time, so that memory stays small."""
    size = max(1, _BLOCK // n)
    return [min(size, draws - start) for start in range(0, draws, size)]


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level of {level}")
    return level


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + _checked(level)) / 2)
