"""Acceptance sampling (抽样检验): which sample to draw from a batch and when it passes, what a rule lets through, and the error rate
that a sample stands for (加权抽检错误率)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metrics.acceptance_table import LETTERS, MASTER
from metrics.intervals import effective_n, wilson

Level = Literal["I", "II", "III", "S-1", "S-2", "S-3", "S-4"]
Reason = Literal["no population", "nothing inspected", "no inclusion probability"]
Floats = NDArray[np.float64]

_ROUNDING = 1e-12  # a distance from the rate that is none


# Plans -------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Rule:
    """Draw `n` of the `lot_size` items; up to `ac` bad ones pass (接收数 Ac), `re` or more do not (拒收数 Re).

    `n` is what the rule says, also where the lot has fewer items: then the whole lot is inspected and Ac and Re stay.
    """

    lot_size: int
    n: int
    ac: int
    re: int

    @property
    def inspected(self) -> int:
        """Items that are really drawn: `n`, or the whole lot where it is smaller."""
        return min(self.n, self.lot_size)

    def accepts(self, found: int) -> bool:
        """Whether a sample with this many bad items (or nonconformities) passes. Raises ValueError for a negative count."""
        if found < 0:
            raise ValueError(f"{found} bad items were found: a count cannot be negative")
        return found <= self.ac


@dataclass(frozen=True, slots=True)
class Plan(Rule):
    """A plan of the standard: `letter` is the code letter (样本量字码) of the lot size, `plan_letter` that of the row read after arrows.

    Up to 10, `aql` is a percentage of bad items or nonconformities per 100 items; above 10 only the latter.
    """

    letter: str
    plan_letter: str
    aql: float
    level: Level


def plan(lot_size: int, aql: float | str, level: Level = "II") -> Plan:
    """The single sampling plan for normal inspection (正常检验一次抽样方案) of a lot, arrows followed: n and Ac are those of the plan landed on.

    `aql` is one of the standard's 26 steps, 0.010 to 1000. ISO 2859-1:1999 = GB/T 2828.1-2012, tables 1 and 2-A, with the caveat in
    `metrics.acceptance_table`. Isolated lots are the matter of ISO 2859-2, not of this table.
    Raises ValueError for lots under 2 items (the table starts there), for an AQL between the steps, and for an unknown level.

    >>> plan(5000, 1.5)
    Plan(lot_size=5000, n=200, ac=7, re=8, letter='L', plan_letter='L', aql=1.5, level='II')
    >>> found = plan(100, 1.0)
    >>> found.letter, found.plan_letter, found.n, found.ac
    ('F', 'E', 13, 0)
    """
    if not lot_size >= 2 or lot_size % 1 != 0:  # what is left of infinity is NaN
        raise ValueError(f"a lot of {lot_size} items: sampling plans are for whole numbers from 2 up; inspect every item")
    letters, sizes, cells = _tables()
    if level not in letters:
        raise ValueError(f"no inspection level {level!r}; there are {', '.join(letters)}")
    try:
        step = float(aql)
    except ValueError:
        raise ValueError(f"the AQL {aql!r} is not a number") from None
    if step not in cells:
        near = min(cells, key=lambda known: abs(known - step))
        raise ValueError(f"no AQL {aql} in the standard. Did you mean {near:g}?")
    letter = next(found for start, found in reversed(letters[level]) if lot_size >= start)
    row, ac, re = cells[step][letter]
    return Plan(int(lot_size), sizes[row], ac, re, letter, row, step, level)


@cache
def _tables() -> tuple[dict[str, list[tuple[int, str]]], dict[str, int], dict[float, dict[str, tuple[str, int, int]]]]:
    """Level → (first lot size, letter); letter → n; AQL → letter → (letter after arrows, Ac, Re)."""
    head, *lines = (line.split() for line in LETTERS.strip().splitlines())
    letters = {level: [(int(line[0]), line[place]) for line in lines] for place, level in enumerate(head) if place}
    head, *lines = (line.split() for line in MASTER.strip().splitlines())
    sizes = {line[0]: int(line[1]) for line in lines}
    cells = {}
    for place, aql in enumerate(head[2:], start=2):
        column = [line[place] for line in lines]
        resolved: dict[str, tuple[str, int, int]] = {}
        for i, cell in enumerate(column):
            way = {"↓": 1, "↑": -1}.get(cell, 0)
            while column[i] in "↓↑":
                i += way
            ac, re = column[i].split("/")
            resolved[lines[len(resolved)][0]] = (lines[i][0], int(ac), int(re))
        cells[float(aql)] = resolved
    return letters, sizes, cells


def fixed_percentage(lot_size: int, share: float, quality: float) -> Rule:
    """“Inspect this share of each batch, accept at this quality or better” (按比例抽检) as a plan for one lot size.

    n = share × lot, rounded up; Ac = n × (1 − quality), rounded down. It is a different plan for every lot size: small bad batches pass,
    large ones at exactly the limit are a coin flip (metrics.md Q-13). Raises ValueError unless the lot is a whole number of
    items, 0 < share ≤ 1 and 0 ≤ quality ≤ 1.

    >>> [(r.n, r.ac, round(accept_probability(r.n, r.ac, 0.02), 3)) for r in (fixed_percentage(n, 0.05, 0.98) for n in (200, 2000, 20000))]
    [(10, 0, 0.817), (100, 2, 0.677), (1000, 20, 0.559)]
    """
    part, good = Decimal(str(share)), Decimal(str(quality))  # as written: 1 - 0.9 is not 0.1 in binary
    finite = part.is_finite() and good.is_finite()
    if not finite or lot_size % 1 != 0 or lot_size < 1 or not 0 < part <= 1 or not 0 <= good <= 1:
        raise ValueError(f"inspect {share} of a lot of {lot_size}, accept at {quality}: shares lie within 0 and 1, a lot has whole items")
    n = int((int(lot_size) * part).to_integral_value(ROUND_CEILING))
    ac = int((n * (1 - good)).to_integral_value(ROUND_FLOOR))
    return Rule(lot_size, n, ac, ac + 1)


# What a rule lets through ------------------------------------------------------------------------------------------------
def accept_probability(n: int, ac: int, p: float, lot: int | None = None, poisson: bool = False) -> float:
    """Probability that a lot of true error rate p passes (接收概率 Pa): at most `ac` bad ones in a sample of `n`.

    Binomial, for a series of lots from one process. With `lot`: hypergeometric, for that one lot with p × lot bad items, rounded; n is at
    most the lot. With `poisson`: nonconformities (缺陷), p a mean number per item that may exceed 1. Raises ValueError for impossible input.
    ISO 2859-1:1999, 12; Montgomery, Introduction to Statistical Quality Control, ch. 15.

    >>> round(accept_probability(200, 7, 0.02), 4), round(accept_probability(50, 1, 0.03, lot=500), 4)
    (0.9507, 0.5469)
    """
    return float(_accept(n, ac, np.array([p], dtype=np.float64), lot, poisson)[0])


def oc_curve(
    n: int, ac: int, rates: Sequence[float] | Floats, lot: int | None = None, poisson: bool = False
) -> tuple[tuple[float, float], ...]:
    """The operating characteristic curve (抽检特性曲线 OC): (p, Pa) at each rate, as `accept_probability` gives them.

    >>> oc_curve(10, 0, [0.0, 0.5, 1.0])
    ((0.0, 1.0), (0.5, 0.0009765625), (1.0, 0.0))
    """
    given = np.asarray(rates, dtype=np.float64)
    return tuple(zip(given.tolist(), _accept(n, ac, given, lot, poisson).tolist(), strict=True))


def _accept(n: int, ac: int, p: Floats, lot: int | None, poisson: bool) -> Floats:
    _check(n, ac)
    if not (p >= 0).all() or not (poisson or (p <= 1).all()):
        raise ValueError("an error rate lies within 0 and 1" if not poisson else "a mean number of nonconformities is not negative")
    if lot is None:
        from scipy.special import bdtr, pdtr  # a moment to import: not before it is needed

        return np.asarray(pdtr(ac, n * p) if poisson else bdtr(min(ac, n), n, p), dtype=np.float64)
    if poisson or lot < 1:
        raise ValueError("nonconformities have no single lot to be drawn from" if poisson else f"a lot of {lot} items")
    from scipy.stats import hypergeom

    return np.asarray(np.clip(hypergeom.cdf(ac, lot, np.rint(p * lot).astype(np.int64), min(n, lot)), 0, 1), dtype=np.float64)


def _check(n: int, ac: int) -> None:
    if n < 1 or ac < 0:
        raise ValueError(f"a sample of {n} with acceptance number {ac}: n is at least 1, Ac at least 0")


def outgoing_quality(n: int, ac: int, p: float, lot: int) -> float:
    """Average outgoing error rate (平均出厂质量 AOQ) when refused lots are inspected whole and put right: Pa × p × (lot − n) ÷ lot.

    Dodge & Romig 1959; Montgomery, ch. 15. Raises ValueError for impossible input.

    >>> round(outgoing_quality(89, 2, 0.01, 10_000), 4)
    0.0093
    """
    if lot < 1:
        raise ValueError(f"a lot of {lot} items")
    return accept_probability(n, ac, p) * p * (lot - min(n, lot)) / lot


def outgoing_limit(n: int, ac: int, lot: int) -> tuple[float, float]:
    """The worst average outgoing error rate (平均出厂质量上限 AOQL) over all incoming rates: (incoming rate, AOQL); (0, 0) where all is inspected.

    Looked for up to (Ac + 1) ÷ (n + 1), which the worst rate never exceeds and up to which Pa × p has one top: it falls from where Pa is
    Σᵢ≤Ac C(n, i) pⁱ (1 − p)ⁿ⁻ⁱ = p (n − Ac) C(n, Ac) pᴬᶜ (1 − p)ⁿ⁻ᴬᶜ⁻¹, at the latest there (with Ac 0, exactly there).

    >>> rate, limit = outgoing_limit(99, 0, 9_900)  # with Ac 0 the worst is at 1 ÷ (n + 1)
    >>> round(rate, 6), round(limit, 6) == round(0.01 * 0.99**99 * 0.99, 6)
    (0.01, True)
    """
    _check(n, ac)
    if n >= lot:
        return 0.0, 0.0
    if ac >= n:
        return 1.0, outgoing_quality(n, ac, 1.0, lot)
    from scipy.optimize import minimize_scalar

    most = (ac + 1) / (n + 1)
    worst = minimize_scalar(lambda p: -outgoing_quality(n, ac, p, lot), bounds=(0, most), method="bounded", options={"xatol": 1e-9 * most})
    return float(worst.x), -float(worst.fun)


def pass_probability(n: int, ac: int, a: float, b: float) -> float:
    """Probability that a batch passes (批次通过概率) when its error rate is only known as Beta(a, b): at most `ac` bad ones in `n`.

    Beta-binomial. It is the same for a batch of any size, as items of a batch are exchangeable: the sample is one like any other.
    Raises ValueError for impossible input.

    >>> round(pass_probability(1, 0, 4, 96), 4)
    0.96
    """
    return float(pass_probability_many(np.array([n]), np.array([ac]), np.array([a]), np.array([b]))[0])


def pass_probability_many(
    n: Sequence[int] | NDArray[np.int64], ac: Sequence[int] | NDArray[np.int64], a: Sequence[float] | Floats, b: Sequence[float] | Floats
) -> Floats:
    """`pass_probability` of many batches at once."""
    sizes, limits, alpha, beta = np.broadcast_arrays(np.asarray(n), np.asarray(ac), np.asarray(a, np.float64), np.asarray(b, np.float64))
    if not ((sizes >= 1) & (limits >= 0) & (alpha > 0) & (beta > 0)).all():
        raise ValueError("a batch's sample is at least 1, its Ac at least 0, and a beta distribution has a and b above 0")
    from scipy.special import betaln

    rest, chosen = sizes - np.minimum(limits, sizes), np.minimum(limits, sizes)
    found = np.zeros(sizes.shape)
    for i in range(int(chosen.max(initial=0)) + 1):
        here = (i <= chosen) & (rest > 0)
        m, x, y = sizes[here], alpha[here], beta[here]
        # C(m, i) = 1 ÷ ((m + 1) B(m − i + 1, i + 1))
        found[here] += np.exp(betaln(i + x, m - i + y) - betaln(x, y) - np.log1p(m) - betaln(m - i + 1, i + 1))
    return np.where(rest > 0, np.minimum(found, 1.0), 1.0)


# What a sample says about the whole --------------------------------------------------------------------------------------
class Stratum(NamedTuple):
    """A part of the work with a sampling rate of its own: `size` items, of which `inspected` at random, of which `errors` bad."""

    size: float
    inspected: float
    errors: float


@dataclass(frozen=True, slots=True)
class Weighted:
    """An error rate of a population from samples drawn at known, unequal rates. `rate`, `variance` and `interval` lie on 0…1.

    `effective_n` is the size of a simple random sample that would say as much; infinite where all was inspected, and the interval is
    then a point: no sampling error is left, that of reviewers is. `expected_errors` = rate × population. `extrapolated` is the share
    of the population without any sample, taken to be like the rest. `collapsed` are the places of strata with one inspected item,
    whose spread was read from a neighbour. `excluded` counts items of unknown inclusion probability.
    """

    rate: float | None
    variance: float | None
    effective_n: float | None
    interval: tuple[float, float] | None
    inspected: int
    population: float
    expected_errors: float | None
    extrapolated: float = 0.0
    collapsed: tuple[int, ...] = ()
    excluded: int = 0
    reason: Reason | None = None


def weighted_rate(strata: Sequence[Stratum | tuple[float, float, float]], level: float = 0.95) -> Weighted:
    """Error rate of all work from a stratified sample (分层加权错误率): Σ share of the population × error rate of the stratum.

    Each stratum is (size, inspected, errors). Variance Σ W² (1 − n/N) p (1 − p) ÷ (n − 1); interval: Wilson at effective n =
    rate (1 − rate) ÷ variance (Cochran 1977, Sampling Techniques, ch. 5). Where the variance is 0, as without any error, effective n is
    1 ÷ Σ (W² (1 − n/N) ÷ n). A stratum without errors adds no variance: where it is large and little inspected, the interval is narrow.

    - A stratum of which nothing was inspected is taken to have the rate of the others, and `extrapolated` says how much that is.
    - One inspected item has no spread: its stratum keeps its rate, and the spread is that of it and its neighbour (the next in order,
      or the one before for the last) taken together (collapsed strata, Cochran 5A.12). Give strata in an order that means something.
    - Reviews aimed at suspicious work have no known rate and do not belong here.

    None with a reason where there is no population or nothing was inspected. Raises ValueError unless 0 ≤ errors ≤ inspected ≤ size.

    >>> found = weighted_rate([(2_000, 200, 18), (10_000, 150, 6), (30_000, 100, 1)])
    >>> round(found.rate, 4), round(found.effective_n), [round(bound, 4) for bound in found.interval], round(found.expected_errors)
    (0.021, 310, [0.0099, 0.0437], 880)
    """
    cells = np.asarray(strata, dtype=np.float64).reshape(-1, 3)
    size, n, x = cells.T
    if not ((x >= 0) & (x <= n) & (n <= size)).all():
        raise ValueError("a stratum is (size, inspected, errors) with 0 ≤ errors ≤ inspected ≤ size")
    total, seen = float(size.sum()), n > 0
    if total == 0 or not seen.any():
        return Weighted(None, None, None, None, 0, total, None, reason="no population" if total == 0 else "nothing inspected")
    covered = float(size[seen].sum())
    w, size, n, x = size[seen] / covered, size[seen], n[seen], x[seen]
    p = x / n
    rate = float(w @ p)
    partner = np.minimum(np.arange(len(n)) + 1, len(n) - 1)
    partner[-1] = max(len(n) - 2, 0)
    single = (n <= 1) & (n < size) & (len(n) > 1)
    together = np.where(single, n + n[partner], n)
    mixed = np.where(single, x + x[partner], x) / together
    missing = w * w * (1 - n / size) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(missing > 0, missing * mixed * (1 - mixed) * together / (together - 1), 0.0)
    places = np.flatnonzero(seen)[single]
    found = None if np.isnan(spread).any() or np.isinf(spread).any() else float(spread.sum())
    return _weighted(rate, found, float(missing.sum()), int(n.sum()), total, level, 1 - covered / total, tuple(places.tolist()))


def horvitz_thompson(values: Sequence[float], probabilities: Sequence[float | None], level: float = 0.95) -> Weighted:
    """Error rate from items drawn with known, unequal probabilities (逆概率加权错误率): Σ y/π ÷ Σ 1/π, y being 1 for a bad item, else 0.

    `expected_errors` is the Horvitz–Thompson total Σ y/π, `population` Σ 1/π. Variance of the ratio by linearisation,
    n ÷ (n − 1) × Σ (1 − π) ((y − rate)/π)² ÷ (Σ 1/π)², which for equal π is that of a simple random sample. Where all y are alike it is
    0, and effective n is (Σ 1/π)² ÷ Σ (1 − π)/π², as in `weighted_rate`.
    Items whose probability is None or NaN (targeted checks, 定向检查) are left out and counted. None with a reason where nothing is left.
    Horvitz & Thompson 1952, JASA 47(260); Hájek 1971. Raises ValueError for y outside 0…1, π outside 0…1, and lengths that differ.

    >>> found = horvitz_thompson([1, 0, 0, 1], [0.5, 0.5, 0.1, 0.1])
    >>> round(found.rate, 4), found.expected_errors, found.population
    (0.5, 12.0, 24.0)
    """
    y, pi = np.asarray(values, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    if y.shape != pi.shape:
        raise ValueError("values and probabilities differ in length")
    known = ~np.isnan(pi)
    excluded = int((~known).sum())
    y, pi = y[known], pi[known]
    if not ((y >= 0) & (y <= 1)).all() or not ((pi > 0) & (pi <= 1)).all():
        raise ValueError("a value lies within 0 and 1, a probability above 0 and up to 1")
    if not len(y):
        reason: Reason = "no inclusion probability" if excluded else "nothing inspected"
        return Weighted(None, None, None, None, 0, 0.0, None, excluded=excluded, reason=reason)
    size = float((1 / pi).sum())
    rate = float((y / pi).sum()) / size
    missing = float(((1 - pi) / pi**2).sum()) / size**2
    n = len(y)
    spread = float(((1 - pi) * ((y - rate) / pi) ** 2).sum()) / size**2
    alike = missing == 0 or (n > 1 and spread <= _ROUNDING**2 * missing)  # nothing but what rounding leaves
    variance = 0.0 if alike else spread * n / (n - 1) if n > 1 else None
    return _weighted(rate, variance, missing, n, size, level, excluded=excluded)


def _weighted(
    rate: float,
    variance: float | None,
    missing: float,
    inspected: int,
    population: float,
    level: float,
    extrapolated: float = 0.0,
    collapsed: tuple[int, ...] = (),
    excluded: int = 0,
) -> Weighted:
    """`missing` is the variance for a p (1 − p) of one: 0 when all was inspected."""
    rate = min(max(rate, 0.0), 1.0)
    if missing == 0:
        n, interval = math.inf, (rate, rate)
    else:
        n = effective_n(rate, variance) if variance else 1 / missing
        interval = wilson(rate * n, n, level)
    return Weighted(rate, variance, n, interval, inspected, population, rate * population, extrapolated, collapsed, excluded)
