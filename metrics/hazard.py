"""What raises the hazard of leaving (离职风险因素): Cox's proportional hazards, which compares people at the same tenure without a word on how
the hazard itself changes with it. For probabilities of leaving, and covariates that change over time, see `metrics.risk`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, sqrt
from statistics import NormalDist

import numpy as np

from metrics.intervals import Floats, Integers
from metrics.likelihood import Place, top
from metrics.spells import watched

Covariates = Mapping[str, Sequence[float] | Floats]

DISTINCT = 1e-9  # smallest eigenvalue of the correlations of covariates that are told apart


@dataclass(frozen=True, slots=True)
class Effect:
    """What one unit more of a covariate does: `ratio` = exp(`beta`), of hazards (Cox) or of odds (`metrics.risk`), with its interval.

    `se` is of `beta`, `p` Wald's, of no effect. All None, with the `reason`, for a covariate that does not vary or where nothing was fitted.
    """

    name: str
    beta: float | None
    se: float | None
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cox:
    """`effects` in the order of the covariates; `log_likelihood` (partial) beside that of no effect at all, `p` of the test between them.

    `n` people, `events` of them left. Without a fit everything but these is None, and `reason` says why.
    """

    effects: tuple[Effect, ...]
    log_likelihood: float | None
    without: float | None
    p: float | None
    n: int
    events: int
    reason: str = ""

    def effect(self, name: str) -> Effect:
        """The effect of one covariate. Raises KeyError for one that was not given."""
        return {effect.name: effect for effect in self.effects}[name]


def cox(
    durations: Sequence[float] | Floats,
    events: Sequence[bool],
    covariates: Covariates,
    entry: Sequence[float] | Floats | None = None,
    level: float = 0.95,
) -> Cox:
    """Proportional hazards (比例风险模型): each covariate multiplies the hazard, at every tenure alike, by `ratio` a unit.

    Partial likelihood with Efron's ties, by Newton's method. `durations`, `events` and `entry` (left truncation) as in `kaplan_meier`;
    covariates are numbers that do not change over a spell (0 and 1 for a group).
    No fit without events, without a covariate that varies, where covariates say the same, where they never differ among those at risk at
    an event, or where one tells without exception who leaves first, so that its ratio has no end. A constant covariate is left out and
    says so. Raises ValueError for lengths that differ, a covariate that is not a finite number, and as `kaplan_meier`.
    Cox 1972, JRSS B 34(2); Efron 1977, JASA 72(359).

    >>> six_mp = "6,6,6,6+,7,9+,10,10+,11+,13,16,17+,19+,20+,22,23,25+,32+,32+,34+,35+".split(",")
    >>> times = six_mp + "1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23".split(",")
    >>> found = cox([float(t.strip("+")) for t in times], ["+" not in t for t in times], {"placebo": [0] * 21 + [1] * 21})
    >>> [(e.name, round(e.beta, 6), round(e.ratio, 5), round(e.se, 6)) for e in found.effects]
    [('placebo', 1.572125, 4.81687, 0.412397)]
    """
    exits, died, entries = watched("cox", durations, events, entry)
    x, kept, _means, scales = standardised("cox", covariates, len(exits))
    n, left = len(exits), int(died.sum())
    if not left:
        return _without(covariates, n, left, "nobody has left" if n else "nobody was watched")
    if not kept:
        return _without(covariates, n, left, "no covariate varies")
    if same(x):
        return _without(covariates, n, left, "covariates say the same")
    times = np.unique(exits[died])
    begin, end = np.searchsorted(times, entries, side="right"), np.searchsorted(times, exits, side="right")
    seen = end > begin
    sets = _Sets(x[seen], died[seen], begin[seen], end[seen], len(times), entry is not None)
    null = sets.at(np.zeros(len(kept)))
    if np.linalg.eigvalsh(null.information)[0] <= DISTINCT * left:
        return _without(covariates, n, left, "covariates do not differ among those at risk when somebody leaves")
    found = top(sets.at, np.zeros(len(kept)))
    if found is None:
        return _without(covariates, n, left, "a covariate tells without exception who leaves first")
    from scipy.stats import chi2  # seconds to import: not before it is needed

    betas, best = found
    errors = np.sqrt(np.linalg.inv(best.information).diagonal())
    gain = max(0.0, 2 * (best.value - null.value))
    return Cox(
        effects_of(covariates, kept, betas / scales, errors / scales, level),
        best.value,
        null.value,
        float(chi2.sf(gain, len(kept))),
        n,
        left,
    )


def standardised(name: str, covariates: Covariates, rows: int) -> tuple[Floats, tuple[str, ...], Floats, Floats]:
    """The covariates that vary as columns of mean 0 and deviation 1, with their names, means and deviations. Raises as the methods do."""
    columns = {}
    for word, values in covariates.items():
        column = np.array(values, dtype=np.float64)
        if column.shape != (rows,):
            raise ValueError(f"{name}: {column.size} values of {word} for {rows} rows")
        if not np.isfinite(column).all():
            raise ValueError(f"{name}: a value of {word} is missing or not finite")
        if rows and column.min() < column.max():
            columns[word] = column
    if not columns:
        return np.zeros((rows, 0)), (), np.zeros(0), np.zeros(0)
    x = np.column_stack(list(columns.values()))
    middles, scales = x.mean(axis=0), x.std(axis=0)
    return (x - middles) / scales, tuple(columns), middles, scales


def same(x: Floats) -> bool:
    """Whether some standardised columns add up to others."""
    return bool(x.shape[1] > 1 and np.linalg.eigvalsh(x.T @ x / len(x))[0] < DISTINCT)


def effects_of(covariates: Covariates, kept: Sequence[str], betas: Floats, errors: Floats, level: float) -> tuple[Effect, ...]:
    """One effect a covariate, in their order; those not `kept` do not vary. Raises ValueError for a level outside 0…1."""
    if not 0 < level < 1:
        raise ValueError(f"a confidence level of {level}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    fitted = {}
    for name, beta, se in zip(kept, betas.tolist(), errors.tolist(), strict=True):
        fitted[name] = Effect(name, beta, se, _exp(beta), _exp(beta - z * se), _exp(beta + z * se), erfc(abs(beta) / se / sqrt(2)))
    return tuple(fitted.get(name, _none(name, "does not vary")) for name in covariates)


def _exp(value: float) -> float:
    return exp(min(value, 700.0))


def _none(name: str, reason: str) -> Effect:
    return Effect(name, None, None, None, None, None, None, reason)


def _without(covariates: Covariates, n: int, events: int, reason: str) -> Cox:
    return Cox(tuple(_none(name, reason) for name in covariates), None, None, None, n, events, reason)


@dataclass(frozen=True, slots=True)
class _Sets:
    """The risk sets: row i, with `x[i]`, is at risk at the event times `begin[i]` … `end[i]` − 1 and, if it `died`, leaves at the last."""

    x: Floats
    died: np.ndarray[tuple[int], np.dtype[np.bool_]]
    begin: Integers
    end: Integers
    times: int
    late: bool  # some come later than the first event

    def at(self, betas: Floats) -> Place:
        """Efron's partial log-likelihood. The l-th of d who leave at once is drawn from the risk set less l ÷ d of the d."""
        score = self.x @ betas
        score = score - score.max()
        tie = self.end[self.died] - 1
        hits = np.bincount(tie, minlength=self.times)
        where = np.repeat(np.arange(self.times), hits)
        part = (np.arange(len(where)) - (np.cumsum(hits) - hits)[where]) / hits[where]
        with np.errstate(all="ignore"):  # what is not finite is no step to take
            w = np.exp(score)
            gone = np.bincount(tie, weights=w[self.died], minlength=self.times)
            whole = self._sums(w)[where] - part * gone[where]
            value = float(score[self.died].sum() - np.log(whole).sum())
            often = np.concatenate(([0.0], np.cumsum(np.bincount(where, weights=1 / whole, minlength=self.times))))
            less = np.bincount(where, weights=part / whole, minlength=self.times)
            weight = w * (often[self.end] - often[self.begin])
            weight[self.died] -= w[self.died] * less[tie]
            slope = self.x[self.died].sum(axis=0) - weight @ self.x
            means = np.empty((len(where), self.x.shape[1]))
            for j, column in enumerate(self.x.T):
                mine = np.bincount(tie, weights=(w * column)[self.died], minlength=self.times)
                means[:, j] = (self._sums(w * column)[where] - part * mine[where]) / whole
            return Place(value, slope, self.x.T @ (self.x * weight[:, None]) - means.T @ means)

    def _sums(self, values: Floats) -> Floats:
        """Σ of the values of those at risk, at each event time."""
        found = np.bincount(self.end, weights=values, minlength=self.times + 1)[:0:-1].cumsum()[::-1]
        if self.late:
            found = found - np.bincount(self.begin, weights=values, minlength=self.times + 1)[:0:-1].cumsum()[::-1]
        return np.asarray(found, dtype=np.float64)
