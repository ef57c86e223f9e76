"""Rates of many people, each pulled towards what such people do (收缩估计, empirical Bayes 经验贝叶斯), and which of many flags to believe.

A raw list of the worst is a list of those checked least. Here x of n is binomial and the rates themselves follow a beta distribution
fitted to all people together (beta-binomial 贝塔二项), so that few checks move a person little and many checks a lot. Where work goes
to people by skill, one prior for all is biased: let it depend on volume and tenure (Robinson 2017, Introduction to Empirical Bayes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metrics.intervals import Floats, Integers

Method = Literal["likelihood", "moments"]
Reason = Literal["no sample", "one group", "no events", "only events"]

MIN_GROUPS = 20  # fewer do not tell a prior (metrics.md Q-17): the fit says so
CAP = 5.0  # a + b in median samples, at most: a prior never outweighs five people's checks
VOLUME = "log n"
_LEAST = 1e-3  # a + b at least
_UNSURE = 5.0  # standard error of a mix of slopes (logit, standardised covariates) above which the data do not tell it
_NUDGE = 1e-4
_FLAT = 1e-5  # steepness of the log-likelihood, per group, at which its top is reached


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The prior and, one position a group (NaN where n is 0 or missing), what is known of its rate after its own x of n.

    `a`, `b`: the beta prior, at the mean of the covariates where there are any; `prior`: its mean for each group; `mean`, `low`, `high`:
    posterior mean and equal-tailed credible interval; `alpha`, `beta`: the posterior. `coefficients` on the logit scale, “intercept”
    first. `capped`: a + b stands at its cap, groups hardly differ. `few`: under MIN_GROUPS groups, read the prior as a guess. Without a
    prior `reason` says why, `a`, `b` and `method` are None and all positions NaN.
    """

    a: float | None
    b: float | None
    method: Method | None
    prior: Floats
    mean: Floats
    low: Floats
    high: Floats
    alpha: Floats
    beta: Floats
    groups: int
    few: bool
    capped: bool = False
    coefficients: Mapping[str, float] = field(default_factory=dict)
    reason: Reason | None = None

    def exceeding(self, limit: float) -> Floats:
        """The probability of each group that its rate is above a limit; NaN where nothing is known."""
        from scipy.special import betaincc

        return np.asarray(betaincc(self.alpha, self.beta, _share(limit, "limit")), dtype=np.float64)

    def ranking(self, limit: float) -> Integers:
        """Positions, the one most probably above the limit first (equal ones by mean, then place); those not known are left out."""
        chance = self.exceeding(limit)
        order = np.lexsort((-self.mean, -chance))
        return order[~np.isnan(chance[order])]


def beta_binomial(
    x: Sequence[float | None] | Floats,
    n: Sequence[float | None] | Floats,
    volume: bool = False,
    covariates: Mapping[str, Sequence[float | None] | Floats] | None = None,
    level: float = 0.95,
    method: Method = "likelihood",
) -> Shrunk:
    """x errors of n inspected, person by person: the beta prior of all and each one's posterior.

    Maximum likelihood of Σ ln B(x + a, n − x + b) − ln B(a, b); with `volume` (log n) or `covariates` (tenure, say) the logit of the
    prior mean is linear in them and a + b common to all. A maximum that is not reached with them (a covariate separates those with
    events from those without) is sought without them, and where there is none either, the method of moments serves (Kleinman 1973,
    JASA 68(341), doi:10.1080/01621459.1973.10481332): `coefficients` and `method` say which. a + b is at most CAP median samples.
    Posterior mean (x + a) ÷ (n + a + b).

    No prior for fewer than two groups with a sample, or when nobody (or everybody) has an event. Raises ValueError for lengths that
    differ, x outside 0…n, and a covariate that is missing for somebody with a sample or takes the name of the volume.
    The catalogue's check (metrics.md 7.8):

    >>> found = beta_binomial([0, 1, 2, 30, 5, 12, 3, 50], [10, 20, 100, 1000, 40, 300, 150, 900])
    >>> round(found.a, 4), [round(float(m), 5) for m in found.mean], found.few
    (12.6511, [0.03932, 0.04115, 0.03558, 0.03251, 0.05018, 0.0403, 0.03389, 0.0517], True)
    """
    counts, sizes = np.array(x, dtype=np.float64), np.array(n, dtype=np.float64)
    if len(counts) != len(sizes):
        raise ValueError(f"{len(counts)} counts for {len(sizes)} sizes")
    wrong = (counts < 0) | (sizes < 0) | (counts > sizes)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(f"group {i}: a count of {counts[i]:g} out of {sizes[i]:g}")
    known = ~np.isnan(counts) & (sizes > 0)
    groups = int(known.sum())
    k, m = counts[known], sizes[known]
    reason = _reason(k, m)
    if reason is not None:
        none = np.full(len(counts), np.nan)
        return Shrunk(None, None, None, none, none, none, none, none, none, groups, groups < MIN_GROUPS, reason=reason)
    design, names, middles, widths = _design(m, known, volume, covariates or {})
    cap = CAP * float(np.median(m))
    start = _moments(k, m, cap)
    tried = (design, design[:, :1])[: 1 + bool(names)] if method == "likelihood" else ()
    top = next((found for columns in tried if (found := _likelihood(k, m, columns, start, cap)) is not None), None)
    used: Method = "moments" if top is None else "likelihood"
    slopes, strength = (np.array([_logit(start[0])]), start[1]) if top is None else top
    told = len(slopes) - 1  # covariates that are in the fit: all or none
    steep = slopes[1:] / widths[:told]
    prior = np.full(len(counts), np.nan)
    prior[known] = _expit(design[:, : told + 1] @ slopes)
    alpha, beta = counts + strength * prior, sizes - counts + strength * (1 - prior)
    from scipy.special import betaincinv

    tail = (1 - _share(level, "confidence level")) / 2
    a = strength * float(_expit(slopes[:1])[0])
    return Shrunk(
        a=a,
        b=strength - a,
        method=used,
        prior=prior,
        mean=alpha / (alpha + beta),
        low=np.asarray(betaincinv(alpha, beta, tail), dtype=np.float64),
        high=np.asarray(betaincinv(alpha, beta, 1 - tail), dtype=np.float64),
        alpha=alpha,
        beta=beta,
        groups=groups,
        few=groups < MIN_GROUPS,
        capped=strength >= cap * (1 - 1e-9),
        coefficients={"intercept": float(slopes[0] - steep @ middles[:told]), **dict(zip(names[:told], steep.tolist(), strict=True))},
    )


@dataclass(frozen=True, slots=True)
class Discoveries:
    """`adjusted`: the smallest false discovery rate at which each test counts (NaN where it has no p); `flagged`: at the rate asked for."""

    adjusted: Floats
    flagged: NDArray[np.bool_]
    tests: int


def benjamini_hochberg(p: Sequence[float | None] | Floats, rate: float = 0.10) -> Discoveries:
    """Which of many tests to believe so that, on average, at most `rate` of those believed are false alarms (错误发现率).

    With the p of m tests in order, the k-th counts when some p₍ⱼ₎, j ≥ k, is at most j ÷ m × rate (Benjamini & Hochberg 1995, JRSS B
    57(1), doi:10.1111/j.2517-6161.1995.tb02031.x). Missing p are no tests. Raises ValueError for p outside 0…1 or a rate outside.

    The paper's fifteen tests, at 5 %: the first four.

    >>> p = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1]
    >>> int(benjamini_hochberg(p, 0.05).flagged.sum())
    4
    """
    values = np.array(p, dtype=np.float64)
    if ((values < 0) | (values > 1)).any():
        raise ValueError("benjamini_hochberg: a p outside 0…1")
    _share(rate, "false discovery rate")
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    m = len(order)
    adjusted = np.full(len(values), np.nan)
    scaled = values[order] * m / np.arange(1, m + 1)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return Discoveries(adjusted, adjusted <= rate, m)


def _reason(k: Floats, m: Floats) -> Reason | None:
    """Why there is no prior."""
    if len(m) < 2:
        return "one group" if len(m) else "no sample"
    if k.sum() == 0:
        return "no events"
    return "only events" if k.sum() == m.sum() else None


def _share(value: float, word: str) -> float:
    if not 0 < value < 1:
        raise ValueError(f"a {word} of {value}")
    return value


def _logit(p: float) -> float:
    return log(p / (1 - p))


def _expit(x: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(x), dtype=np.float64)


def _design(
    m: Floats, known: NDArray[np.bool_], volume: bool, covariates: Mapping[str, Sequence[float | None] | Floats]
) -> tuple[Floats, list[str], Floats, Floats]:
    """The columns of the regression, centred and scaled, with their names, means and scales; constant covariates are left out."""
    columns: dict[str, Floats] = {VOLUME: np.log(m)} if volume else {}
    for name, values in covariates.items():
        if name in columns:
            raise ValueError(f"{name}: the name of the volume")
        column = np.array(values, dtype=np.float64)
        if len(column) != len(known):
            raise ValueError(f"{name}: {len(column)} values for {len(known)} groups")
        if not np.isfinite(column[known]).all():
            raise ValueError(f"{name}: no value for group {int(np.argmax(known & ~np.isfinite(column)))}, which has a sample")
        columns[name] = column[known]
    columns = {name: c for name, c in columns.items() if c.min() < c.max()}
    middles = np.array([c.mean() for c in columns.values()])
    widths = np.array([c.std() for c in columns.values()])
    scaled = [(c - middle) / width for c, middle, width in zip(columns.values(), middles, widths, strict=True)]
    return np.column_stack([np.ones(len(m)), *scaled]), list(columns), middles, widths


def _moments(k: Floats, m: Floats, cap: float) -> tuple[float, float]:
    """Mean and a + b from the spread of the rates around the pooled one, weighted by sample."""
    whole = float(m.sum())
    p = float(k.sum()) / whole
    spread = float((m * (k / m - p) ** 2).sum()) / (p * (1 - p))
    room = float(((m - 1) * (1 - m / whole)).sum())
    alike = (spread - (len(m) - 1)) / room if room > 0 else 0.0
    return p, min(cap, max(_LEAST, 1 / alike - 1)) if alike > 0 else cap


def _likelihood(k: Floats, m: Floats, design: Floats, start: tuple[float, float], cap: float) -> tuple[Floats, float] | None:
    """Coefficients and a + b at the top of the likelihood; None when it is not reached."""
    from scipy.optimize import minimize
    from scipy.special import betaln, digamma

    def climb(at: Floats) -> tuple[float, Floats]:
        prior, strength = _expit(design @ at[:-1]), exp(at[-1])
        a, b = np.maximum(strength * prior, 1e-12), np.maximum(strength * (1 - prior), 1e-12)
        up, down = digamma(k + a) - digamma(a), digamma(m - k + b) - digamma(b)
        slopes = design.T @ (strength * prior * (1 - prior) * (up - down))
        more = strength * float((prior * up + (1 - prior) * down - digamma(m + strength) + digamma(strength)).sum())
        value = float((betaln(k + a, m - k + b) - betaln(a, b)).sum())
        return -value / len(m), -np.append(slopes, more) / len(m)

    width = design.shape[1]
    first = np.array([_logit(start[0]), *[0.0] * (width - 1), log(start[1])])
    bounds = [*[(-30.0, 30.0)] * width, (log(_LEAST), log(cap))]
    found = minimize(climb, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 500})
    slope = found.jac.copy()
    least, most = bounds[-1]
    if (found.x[-1] > most - 1e-9 and slope[-1] < 0) or (found.x[-1] < least + 1e-9 and slope[-1] > 0):
        slope[-1] = 0.0  # leaning on a bound is where it should be
    if not np.isfinite(found.x).all() or np.abs(slope).max() > _FLAT:
        return None
    if width > 1:
        steps = _NUDGE * np.eye(width + 1)[:width]
        curvature = np.array([climb(found.x + step)[1][:-1] - found.jac[:-1] for step in steps]) / _NUDGE * len(m)
        if np.linalg.eigvalsh((curvature + curvature.T) / 2)[0] < _UNSURE**-2:
            return None
    return found.x[:-1], exp(found.x[-1])
