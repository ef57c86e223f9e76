"""Funnel plots (漏斗图): people, teams or suppliers against one target, inside lines that narrow as their samples grow.

A rate is judged by binomial limits, a ratio of observed to expected by exact Poisson limits; where groups differ from each other more
than chance allows, both widen by the variance between groups (over-dispersion 超离散; Spiegelhalter 2005, Stat. Med. 24,
doi:10.1002/sim.1970). Also what a fair comparison of few groups needs: indirect standardisation (间接标准化) and Mantel–Haenszel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metrics.chance import LEVEL, MIN_N, Side
from metrics.intervals import Floats, poisson

Basis = Literal["proportion", "ratio"]
Measure = Literal["odds ratio", "risk ratio", "rate ratio"]
Reason = Literal["no sample", "nothing expected", "no events", "only events", "nothing to compare"]

WINSORISED = 0.1  # of the z at each end, before their spread is measured
MIN_GROUPS = 2  # before there is a spread to measure


@dataclass(frozen=True, slots=True)
class Funnel:
    """One position a group, NaN where it has no size. `value` = count ÷ size; `z` = its distance from the target in standard
    deviations (between groups included), infinite where the tail is too small to be written; limits of the value at 95 and 99.8 %; `sides`: beyond the 99.8 % limits or not, “unsure”
    under the smallest size judged. `phi` is the mean squared winsorised z, `tau2` the variance between groups on the transformed
    scale (0: chance alone), over `groups` judged groups; `phi` is None for fewer than two.
    """

    basis: Basis
    target: float | None
    value: Floats
    z: Floats
    low95: Floats
    high95: Floats
    low998: Floats
    high998: Floats
    sides: tuple[Side, ...]
    phi: float | None
    tau2: float
    groups: int

    @property
    def flagged(self) -> NDArray[np.bool_]:
        return np.array([side in ("above", "below") for side in self.sides], dtype=np.bool_)


def funnel(
    counts: Sequence[float | None] | Floats,
    sizes: Sequence[float | None] | Floats,
    target: float | None = None,
    overdispersion: bool = True,
    basis: Basis = "proportion",
    min_size: float | None = None,
) -> Funnel:
    """Counts out of sizes (or, on the basis of a ratio, counts against expected counts) around a target, by default that of all together.

    Chance alone: a proportion's z = (p − p₀) ÷ √(p₀ (1 − p₀) ÷ n), which lies outside its limits exactly when Wilson's interval leaves
    out the target (`metrics.chance.sides`); a ratio's z is the normal quantile of its exact Poisson tail. With over-dispersion: on the
    scale of arcsin √p (s = 1 ÷ 2√n) or log ratio (s = 1 ÷ √expected; a count of 0 as ½), z winsorised at 10 % from either end,
    phi = Σ z² ÷ I, tau² = max(0, (I phi − (I − 1)) ÷ (Σw − Σw² ÷ Σw)) with w = s⁻², and s² + tau² in place of s² when tau² > 0.
    `min_size` (30 for proportions, any for ratios): smaller groups get limits but are neither judged nor make tau². Among fewer than ten
    groups or so one outlier makes tau² and hides itself: leave over-dispersion out there.

    Everything is NaN and “unsure” when no target can be told. Raises ValueError for lengths that differ, negative counts, more counts
    than their size (proportions) or a target outside 0…1 (proportions) or not above 0 (ratios).
    PHE prints 0.8040896 and 0.8087593 for 110,000 at 80.642448 %:

    >>> found = funnel([90000], [110000], 0.80642448)
    >>> round(float(found.low95[0]), 7), round(float(found.high95[0]), 7), found.sides
    (0.8040896, 0.8087593, ('above',))
    """
    x, n = np.array(counts, dtype=np.float64), np.array(sizes, dtype=np.float64)
    _check(x, n, basis)
    known = ~np.isnan(x) & (n > 0)
    x, n = np.where(known, x, np.nan), np.where(known, n, np.nan)
    if target is None:
        pooled = float(np.nansum(x) / np.nansum(n)) if known.any() else 0.0
        target = pooled if known.any() and (basis == "proportion" or pooled > 0) else None
    else:
        _check_target(target, basis)
    if target is None:
        none = np.full(len(x), np.nan)
        unsure: list[Side] = ["unsure"] * len(x)
        return Funnel(basis, None, x / n, none, none, none, none, none, tuple(unsure), None, 0.0, 0)
    smallest = (MIN_N if basis == "proportion" else 0) if min_size is None else min_size
    judged = known & (n >= smallest)
    phi, tau2 = _spread(*_transformed(x[judged], n[judged], target, basis))
    if not overdispersion:
        tau2 = 0.0
    off, s = _transformed(x, n, target, basis)
    z = off / np.sqrt(s * s + tau2) if tau2 > 0 else _chance(x, n, target, basis)
    edge = _quantile(LEVEL)
    sides: list[Side] = [
        "unsure" if not sure else "above" if d > edge else "below" if d < -edge else "within" for sure, d in zip(judged, z, strict=True)
    ]
    outer, inner = lines(n, target, LEVEL, basis, tau2), lines(n, target, 0.95, basis, tau2)
    return Funnel(basis, target, x / n, z, *inner, *outer, tuple(sides), phi, tau2, int(judged.sum()))


def lines(
    sizes: Sequence[float] | Floats, target: float, level: float = 0.95, basis: Basis = "proportion", tau2: float = 0.0
) -> tuple[Floats, Floats]:
    """The (low, high) limits of a funnel at any sizes, to draw it smoothly; NaN where there is no size.

    Raises ValueError for a target as `funnel` does. Proportions: p₀ ± z √(p₀ (1 − p₀) ÷ n) cut at 0 and 1. Ratios: the counts whose exact Poisson interval just touches the expected
    count, through the chi-square distribution, ÷ expected. With tau²: sin²(arcsin √p₀ ± z √(s² + tau²)) and target × exp(± z √(s² + tau²)).

    >>> [round(float(bound), 8) for bound in (lines([1], 0.80642448)[0][0], lines([3], 0.80642448, 0.998)[0][0])]
    [0.03204264, 0.10150815]
    """
    _check_target(target, basis)
    n = np.array(sizes, dtype=np.float64)
    n[~(n > 0)] = np.nan
    z = _quantile(level)
    if basis == "proportion":
        if tau2 > 0:
            middle, reach = np.arcsin(np.sqrt(target)), z * np.sqrt(1 / (4 * n) + tau2)
            low, high = (np.sin(np.clip(end, 0, np.pi / 2)) ** 2 for end in (middle - reach, middle + reach))
            return low, high
        reach = z * np.sqrt(target * (1 - target) / n)
        return np.clip(target - reach, 0, 1), np.clip(target + reach, 0, 1)
    expected = n * target
    if tau2 > 0:
        reach = np.exp(z * np.sqrt(1 / expected + tau2))
        return target / reach, target * reach
    from scipy.special import gdtrib

    tail = (1 - level) / 2
    # The gamma distribution of shape x is half a chi-square of 2x degrees: Garwood's bounds, read the other way round.
    return np.maximum(gdtrib(1.0, 1 - tail, expected) - 1, 0) / n, gdtrib(1.0, tail, expected) / n


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level of {level}")
    return NormalDist().inv_cdf((1 + level) / 2)


def _check_target(target: float, basis: Basis) -> None:
    if not (0 <= target <= 1 if basis == "proportion" else target > 0):
        raise ValueError(f"a target {basis} of {target}")


def _check(x: Floats, n: Floats, basis: Basis) -> None:
    if len(x) != len(n):
        raise ValueError(f"{len(x)} counts for {len(n)} sizes")
    wrong = (x < 0) | (n < 0) | ((x > n) if basis == "proportion" else False)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(f"group {i}: a count of {x[i]:g} out of {n[i]:g}")


def _transformed(x: Floats, n: Floats, target: float, basis: Basis) -> tuple[Floats, Floats]:
    """Distance from the target and its standard deviation, on the scale where the latter depends on the size alone."""
    if basis == "proportion":
        return np.arcsin(np.sqrt(x / n)) - np.arcsin(np.sqrt(target)), 1 / (2 * np.sqrt(n))
    expected = n * target
    return np.log(np.where(x == 0, 0.5, x) / expected), 1 / np.sqrt(expected)


def _spread(off: Floats, s: Floats) -> tuple[float | None, float]:
    """phi and tau² (DerSimonian & Laird's moment estimate on winsorised z)."""
    groups = len(off)
    if groups < MIN_GROUPS:
        return None, 0.0
    z = off / s
    low, high = np.quantile(z, [WINSORISED, 1 - WINSORISED])
    phi = float(np.mean(np.clip(z, low, high) ** 2))
    w = 1 / s**2
    excess = groups * phi - (groups - 1)
    return phi, max(0.0, float(excess / (w.sum() - (w * w).sum() / w.sum())))


def _chance(x: Floats, n: Floats, target: float, basis: Basis) -> Floats:
    """z when chance alone is at work; infinite for a case that the target says cannot be."""
    if basis == "proportion":
        s, off = np.sqrt(target * (1 - target) / n), x / n - target
        if 0 < target < 1:
            return off / s
        return np.where(off == 0, 0.0, np.where(np.isnan(off), np.nan, np.copysign(np.inf, off)))
    from scipy.special import gammainc, gammaincc, ndtri

    expected = n * target
    up = -ndtri(np.where(x > 0, gammainc(np.maximum(x, 1e-9), expected), 1.0))  # from the chance of as many or more
    down = ndtri(gammaincc(x + 1, expected))  # from the chance of as few or fewer
    return np.where(np.isnan(expected), np.nan, np.maximum(up, 0.0) + np.minimum(down, 0.0))


# Few groups, compared fairly -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Standardised:
    """`ratio` = observed ÷ expected with its interval (1: as the reference would do the same work); None with a reason."""

    observed: float
    expected: float
    ratio: float | None
    low: float | None
    high: float | None
    n: float
    reason: Reason | None = None


def standardise(
    observed: float, sizes: Sequence[float], reference_counts: Sequence[float], reference_sizes: Sequence[float], level: float = 0.95
) -> Standardised:
    """Events of one group against Σ size × the reference's rate, stratum by stratum (indirect standardisation); `n` is Σ size.

    Interval: Byar from 10 events up, exact Poisson below, ÷ expected (Breslow & Day 1987, vol. II, ch. 2). Many groups at once, each
    against all of them together: `metrics.chance.ratios`. Strata where the group has nothing may have an empty reference; no ratio when
    nothing is expected. Raises ValueError for lengths that differ, negative or null input, or work in a stratum that the reference has not.

    >>> found = standardise(12, [100, 50], [40, 90], [1000, 1500])
    >>> found.expected, round(found.ratio, 4)
    (7.0, 1.7143)
    """
    n, x0, n0 = (np.array(part, dtype=np.float64) for part in (sizes, reference_counts, reference_sizes))
    if not len(n) == len(x0) == len(n0):
        raise ValueError(f"strata: {len(n)} sizes, {len(x0)} reference counts, {len(n0)} reference sizes")
    if not (observed >= 0 and (n >= 0).all() and (x0 >= 0).all() and (n0 >= 0).all()):
        raise ValueError("standardise: a negative or null count or size")
    own = n > 0
    if (n0[own] == 0).any():
        raise ValueError(f"stratum {int(np.argmax(own & (n0 == 0)))}: no reference rate for the group's work")
    expected, size = float((n[own] * x0[own] / n0[own]).sum()), float(n.sum())
    if size == 0 or expected == 0:
        return Standardised(observed, expected, None, None, None, size, "no sample" if size == 0 else "nothing expected")
    low, high = poisson(observed, level)
    return Standardised(observed, expected, observed / expected, low / expected, high / expected, size)


@dataclass(frozen=True, slots=True)
class Common:
    """A ratio common to all strata with its interval, and the test that it is 1 (`statistic` is chi-square, 1 degree of freedom).

    `n` counts the cases in strata where both groups have any; None with a reason where the ratio is undefined.
    """

    value: float | None
    low: float | None
    high: float | None
    statistic: float | None
    p: float | None
    n: float
    reason: Reason | None = None


def mantel_haenszel(
    x: Sequence[float],
    n: Sequence[float],
    x0: Sequence[float],
    n0: Sequence[float],
    measure: Measure = "odds ratio",
    level: float = 0.95,
    correction: bool = True,
) -> Common:
    """x of n in one group against x0 of n0 in the other, stratum by stratum (project, say): their common odds ratio or risk ratio;
    or, as “rate ratio”, x events in a time n (errors, or units, in hours): that of their rates, of which there may be more than n.

    Mantel & Haenszel 1959, JNCI 22(4); variance of the log odds ratio: Robins, Breslow & Greenland 1986, Biometrics 42; of the log risk
    and rate ratios: Greenland & Robins 1985, Biometrics 41. The test is Cochran–Mantel–Haenszel's, with the continuity correction unless told
    not to; for rates, that of counts which are shared out by time. Its interval takes events to be independent: units of work hang together. Strata with only one group say nothing. No ratio where one side never (or always) had the event, or nobody had it in some strata
    and everybody in the others (“nothing to compare”). Raises ValueError for lengths that differ, null input or counts outside 0…size.

    Berkeley's admissions, men against women by department, as R's mantelhaen.test prints them:

    >>> men, of = [512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373]
    >>> women, among = [89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341]
    >>> found = mantel_haenszel(men, of, women, among)
    >>> round(found.value, 7), round(found.low, 7), round(found.high, 7), round(found.statistic, 4), round(found.p, 4)
    (0.9046968, 0.7719074, 1.0603298, 1.4269, 0.2323)
    """
    a, m1, c, m0 = (np.array(part, dtype=np.float64) for part in (x, n, x0, n0))
    if not len(a) == len(m1) == len(c) == len(m0):
        raise ValueError(f"strata: {len(a)}, {len(m1)}, {len(c)} and {len(m0)} values")
    rates = measure == "rate ratio"
    if not ((a >= 0) & (c >= 0) & (m1 >= 0) & (m0 >= 0) & (rates | ((a <= m1) & (c <= m0)))).all():
        raise ValueError("mantel_haenszel: a count that is null, below 0 or above its size")
    both = (m1 > 0) & (m0 > 0)
    a, m1, c, m0 = a[both], m1[both], c[both], m0[both]
    b, d, t = m1 - a, m0 - c, m1 + m0
    size = float(t.sum())
    if size == 0:
        return Common(None, None, None, None, None, size, "no sample")
    if measure == "odds ratio":
        above, below = a * d / t, b * c / t
        r, s = float(above.sum()), float(below.sum())
    else:
        r, s = float((a * m0 / t).sum()), float((c * m1 / t).sum())
    test = _association(a, m1, c, m0, correction, rates)
    if r == 0 or s == 0:
        never, always = not (a.any() and c.any()), not (b.any() and d.any())
        reason: Reason = "no events" if never else "only events" if always else "nothing to compare"
        return Common(None, None, None, *test, size, reason)
    if measure == "odds ratio":
        p, q = (a + d) / t, (b + c) / t
        variance = float((p * above).sum() / (2 * r * r) + (p * below + q * above).sum() / (2 * r * s) + (q * below).sum() / (2 * s * s))
    else:
        variance = float(((m1 * m0 * (a + c) - (0 if rates else a * c * t)) / t**2).sum()) / (r * s)
    reach = _quantile(level) * sqrt(variance)
    return Common(r / s, exp(log(r / s) - reach), exp(log(r / s) + reach), *test, size)


def _association(a: Floats, m1: Floats, c: Floats, m0: Floats, correction: bool, rates: bool) -> tuple[float | None, float | None]:
    """Chi-square and p of no association in any stratum; None when nothing varies."""
    t, events = m1 + m0, a + c
    left = 1.0 if rates else (t - events) / np.maximum(t - 1, 1)  # of a fixed number of cases some are used up
    variance = float((m1 * m0 * events * left / (t * t)).sum())
    if variance == 0:
        return None, None
    off = abs(float((a - m1 * events / t).sum()))
    statistic = (off - (0.5 if correction and off >= 0.5 else 0)) ** 2 / variance
    return statistic, erfc(sqrt(statistic / 2))
