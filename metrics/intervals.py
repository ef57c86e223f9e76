"""Confidence intervals: Wilson for proportions, Byar and exact Poisson for counts. All give (low, high); null input gives NaN."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    """Wilson's interval for arrays of counts; NaN where n is 0 or NaN."""
    successes, trials = np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64)
    trials = np.where(trials > 0, trials, np.nan)
    z = _z(level)
    p, z2 = successes / trials, z * z
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = z * np.sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    # At the ends the algebra gives exactly 0 and 1; rounding must not.
    low = np.where(successes == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(successes == trials, 1.0, np.minimum(centre + half, 1.0))
    return np.where(np.isnan(trials), np.nan, low), np.where(np.isnan(trials), np.nan, high)


def byar(x: float, level: float = 0.95) -> tuple[float, float]:
    """Byar's approximate interval of a Poisson count, good from 10 up (Breslow & Day 1987, vol. II, p. 69).

    >>> [round(bound, 6) for bound in byar(65)]
    [50.163188, 82.849139]
    """
    if x < 0:
        raise ValueError(f"byar: a count of {x}")
    z = _z(level)
    low = x * (1 - 1 / (9 * x) - z / (3 * sqrt(x))) ** 3 if x > 0 else 0.0
    above = x + 1
    return max(low, 0.0), above * (1 - 1 / (9 * above) + z / (3 * sqrt(above))) ** 3


def poisson_exact(x: float, level: float = 0.95) -> tuple[float, float]:
    """Garwood's exact interval of a Poisson count, from chi-square quantiles (Garwood 1936, Biometrika 28).

    >>> [round(bound, 4) for bound in poisson_exact(9)]
    [4.1154, 17.0848]
    """
    if x < 0:
        raise ValueError(f"poisson_exact: a count of {x}")
    from scipy.stats import chi2  # seconds to import: not before it is needed

    tail = (1 - level) / 2
    low = float(chi2.ppf(tail, 2 * x)) / 2 if x > 0 else 0.0
    return low, float(chi2.ppf(1 - tail, 2 * x + 2)) / 2


def _z(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level of {level}")
    return NormalDist().inv_cdf((1 + level) / 2)
