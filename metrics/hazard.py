"""What raises the hazard of leaving (离职风险因素): Cox's proportional hazards, which compares people at the same tenure without a word on how
the hazard itself changes with it. For probabilities of leaving, and covariates that change over time, see `metrics.risk`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metrics.intervals import Floats, Integers
from metrics.likelihood import Place, top
from metrics.spells import watched

Covariates = Mapping[str, Sequence[float] | Floats]
Reason = Literal[
    "nobody was watched", "nobody has left", "too few have left", "does not vary", "no covariate varies", "covariates say the same",
    "covariates never differ at an exit", "a covariate tells who leaves",
]  # fmt: skip

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
    reason: Reason | None = None


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
    reason: Reason | None = None

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
    if not seen.all():
        x, died, begin, end = x[:, seen], died[seen], begin[seen], end[seen]
    sets = _sets(x, died, begin, end, len(times), entry is not None)
    null = sets.at(np.zeros(len(kept)))
    if np.linalg.eigvalsh(null.information)[0] <= DISTINCT * left:
        return _without(covariates, n, left, "covariates never differ at an exit")
    found = top(sets.at, np.zeros(len(kept)), null)
    if found is None:
        return _without(covariates, n, left, "a covariate tells who leaves")
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
    """The covariates that vary, [covariate, row], of mean 0 and deviation 1, with their names, means and deviations. Raises as the methods do."""
    columns = {}
    for word, values in covariates.items():
        column = np.array(values, dtype=np.float64)
        if column.shape != (rows,):
            raise ValueError(f"{name}: {column.size} values of {word} for {rows} rows")
        if not np.isfinite(column).all():
            raise ValueError(f"{name}: a value of {word} is missing or not finite")
        if rows and column.min() < column.max():
            columns[word] = column
    means = {word: column.mean() for word, column in columns.items()}
    scales = {word: column.std() for word, column in columns.items()}
    x = np.array([(column - means[word]) / scales[word] for word, column in columns.items()]).reshape(len(columns), rows)
    return x, tuple(columns), np.array(list(means.values())), np.array(list(scales.values()))


def same(x: Floats) -> bool:
    """Whether some standardised covariates add up to others."""
    return bool(len(x) > 1 and np.linalg.eigvalsh(x @ x.T / x.shape[1])[0] < DISTINCT)


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


def _none(name: str, reason: Reason) -> Effect:
    return Effect(name, None, None, None, None, None, None, reason)


def _without(covariates: Covariates, n: int, events: int, reason: Reason) -> Cox:
    return Cox(tuple(_none(name, reason) for name in covariates), None, None, None, n, events, reason)


@dataclass(frozen=True, slots=True)
class _Sets:
    """The risk sets: row i, with `x[:, i]`, is at risk at the event times `begin[i]` … `end[i]` − 1, of which there are `times`.

    Those in `gone`, with `x_gone`, leave at the time `tie`, `hits` of them at each; the l-th of d who leave at once has l ÷ d in `part`.
    """

    x: Floats
    begin: Integers
    end: Integers
    times: int
    late: bool  # some come later than the first event
    gone: Integers
    x_gone: Floats
    tie: Integers
    hits: Integers
    part: Floats

    def at(self, betas: Floats) -> Place:
        """Efron's partial log-likelihood: the l-th of d who leave at once is drawn from the risk set less l ÷ d of the d."""
        score = np.einsum("j,ji->i", betas, self.x)
        score -= score.max()
        starts = np.cumsum(self.hits) - self.hits
        with np.errstate(all="ignore"):  # what is not finite is no step to take
            w = np.exp(score)
            w_gone = w[self.gone]
            whole = np.repeat(self._sums(w), self.hits) - self.part * np.repeat(self._ties(w_gone), self.hits)
            value = float(score[self.gone].sum() - np.log(whole).sum())
            once, less = 1 / whole, self.part / whole
            first, second = np.add.reduceat(once, starts), np.add.reduceat(less, starts)
            often = np.concatenate(([0.0], np.cumsum(first)))
            weight = w * (often[self.end] - often[self.begin] if self.late else often[self.end])
            weight[self.gone] -= w_gone * second[self.tie]
            slope = self.x_gone.sum(axis=1) - np.einsum("ji,i->j", self.x, weight)
            whole_x = np.array([self._sums(w * column) for column in self.x])
            gone_x = np.array([self._ties(w_gone * column) for column in self.x_gone])
            # Σ mean mean' over events, mean = (whole_x − part × gone_x) ÷ whole: by time, as only part and whole change within one.
            squares = [np.add.reduceat(product, starts) for product in (once * once, once * less, less * less)]
            means = (whole_x * squares[0]) @ whole_x.T + (gone_x * squares[2]) @ gone_x.T
            cross = (whole_x * squares[1]) @ gone_x.T
            return Place(value, slope, np.einsum("ji,ki->jk", self.x, self.x * weight) - means + cross + cross.T)

    def _sums(self, values: Floats) -> Floats:
        """Σ of the values of those at risk, at each event time."""
        found = np.bincount(self.end, weights=values, minlength=self.times + 1)[:0:-1].cumsum()[::-1]
        if self.late:
            found = found - np.bincount(self.begin, weights=values, minlength=self.times + 1)[:0:-1].cumsum()[::-1]
        return np.asarray(found, dtype=np.float64)

    def _ties(self, values: Floats) -> Floats:
        """Σ of the values of those who leave, at each event time."""
        return np.bincount(self.tie, weights=values, minlength=self.times).astype(np.float64)


def _sets(x: Floats, died: NDArray[np.bool_], begin: Integers, end: Integers, times: int, late: bool) -> _Sets:
    gone = np.flatnonzero(died)
    tie = end[gone] - 1
    hits = np.bincount(tie, minlength=times)
    place = np.arange(len(gone)) - np.repeat(np.cumsum(hits) - hits, hits)
    return _Sets(x, begin, end, times, late, gone, x[:, gone], tie, hits, place / np.repeat(hits, hits))
