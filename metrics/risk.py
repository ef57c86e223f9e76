"""The risk of leaving (离职风险): a discrete-time hazard fitted to person-periods, what it says of the periods to come, and whether it holds (W-12).

For planning by team. A single person's figure is for the HR role that may see it, with a human deciding, and never for automatic action; what
must not be used is refused (`REFUSED`). Leave out what is known only because somebody is leaving: a notice given, exit forms, a last idle week.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metrics.grouping import numbered
from metrics.hazard import Covariates, Effect, effects_of, same, standardised
from metrics.hazard import Reason as Reason
from metrics.intervals import Floats, Integers, poisson, wilson
from metrics.likelihood import Place, top
from metrics.spells import happened
from metrics.survival import MIN_AT_RISK, Expected, unseen

MIN_EVENTS = 100  # leavers, before there is a model
KNOTS = (0.05, 0.35, 0.65, 0.95)  # of the periods in which people left
PARTS = 10
DISPARITY = 0.20  # a group's ratio this far from that of all blocks the model
MIN_EXPECTED = 10  # leavers expected of a group before its ratio is judged
# Never a reason to expect anything of anybody.
REFUSED = frozenset(
    {
        "sex", "gender", "age", "ethnicity", "nationality", "marital", "marital_status", "pregnancy", "pregnant", "health", "disability", "religion",
        "union", "chat", "messages", "location", "性别", "年龄", "民族", "婚姻", "婚育", "怀孕", "健康", "残疾", "宗教", "工会", "聊天", "位置",
    }
)  # fmt: skip

Tenure = Literal["periods", "spline"]
Uncalibrated = Literal["too few left or stayed", "all chances are the same", "the chances tell who leaves"]


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Of each period the `logits` at average covariates and the `basis` they come from; of the covariates that vary `names`, `betas` and means
    (`middles`); the `covariance` of the basis' coefficients and the betas.
    """

    logits: Floats
    basis: Floats
    names: tuple[str, ...]
    betas: Floats
    middles: Floats
    covariance: Floats

    def logit(self, period: Integers) -> Floats:
        inside = period <= len(self.logits)
        return np.where(inside, self.logits[np.where(inside, period, 1) - 1], np.nan)

    def columns(self, covariates: Covariates | None, rows: int) -> Floats:
        """The covariates less their averages. Raises ValueError for one that is missing."""
        given = covariates or {}
        missing = [name for name in self.names if name not in given or len(given[name]) != rows]
        if missing:
            raise ValueError(f"risk: {', '.join(missing)} not given for {rows} rows")
        found = [np.asarray(given[name], dtype=np.float64) - middle for name, middle in zip(self.names, self.middles, strict=True)]
        return np.column_stack(found) if found else np.zeros((rows, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Risk:
    """The fitted hazard. `effects` are ratios of odds; `n` person-periods, `events` of them ended in leaving.

    `baseline` is the hazard in periods 1, 2, … of somebody with average covariates, NaN in periods in which nobody was watched; `at_risk` are
    those watched. Without a fit `baseline` is empty, `log_likelihood` None and `reason` says why.
    """

    effects: tuple[Effect, ...]
    baseline: Floats
    at_risk: Integers
    n: int
    events: int
    log_likelihood: float | None
    reason: Reason | None = None
    _model: _Model | None = None

    def hazards(self, periods: Sequence[int] | Integers, covariates: Covariates | None = None) -> Floats:
        """The chance of leaving in each period, having got there; NaN in periods in which nobody was watched.

        Raises ValueError for a covariate that is missing, periods below 1, or without a fit.
        """
        model, period = self._fitted(), _whole(periods, 1)
        return _expit(model.logit(period) + model.columns(covariates, len(period)) @ model.betas)

    def leaving(self, tenures: Sequence[int] | Integers, horizon: int, covariates: Covariates | None = None) -> Floats:
        """The chance of leaving within the next `horizon` periods, `tenures` being those completed: 1 − Π (1 − hazard), covariates kept.

        NaN where a period of the window was watched on fewer than MIN_AT_RISK people. Raises ValueError as `hazards`.
        """
        return 1 - self._staying(tenures, horizon, covariates)[0]

    def expected(
        self, tenures: Sequence[int] | Integers, horizon: int, covariates: Covariates | None = None, level: float = 0.95
    ) -> Expected:
        """How many of a team will leave within `horizon` periods: Σ of `leaving`, the interval with both who leaves by chance, Σ p (1 − p), and
        what the coefficients may be off by (delta method), rounded outwards to whole people; for people in whose windows nobody has left
        `survival.unseen` is added to its upper end. Those who cannot be judged are `unknown`.
        """
        model = self._fitted()
        stay, pull, columns = self._staying(tenures, horizon, covariates)
        known = ~np.isnan(stay)
        n = int(known.sum())
        if not n:
            return Expected(None, None, None, 0, len(stay), "tenures not covered")
        z = NormalDist().inv_cdf((1 + level) / 2)
        lean = stay[known] * pull[:, known]  # [step, person]: what one more unit of the logit in a period moves a chance by
        places = np.asarray(tenures, dtype=np.intp)[known] + np.arange(horizon)[:, None]
        by_period = np.bincount(places.ravel(), weights=lean.ravel(), minlength=len(model.logits))
        slope = np.concatenate((by_period @ model.basis, lean.sum(axis=0) @ columns[known]))
        mean = float((1 - stay[known]).sum())
        reach = z * sqrt(float((stay * (1 - stay))[known].sum()) + float(slope @ model.covariance @ slope))
        high, still = ceil(mean + reach), stay[known] == 1
        if still.any():
            high += unseen(self.at_risk[places[:, still]].min(axis=0), level)
        return Expected(mean, max(0, floor(mean - reach)), min(n, high), n, len(stay) - n)

    def drivers(self, covariates: Covariates, adjustable: Sequence[str], count: int = 3) -> tuple[tuple[tuple[str, float], ...], ...]:
        """Of each person, the `adjustable` covariates that raise the odds of leaving most against an average person, with the factor (above 1).

        Raises ValueError as `hazards`.
        """
        model = self._fitted()
        factors = np.exp(model.columns(covariates, len(next(iter(covariates.values()), ()))) * model.betas)
        places = [(i, name) for i, name in enumerate(model.names) if name in set(adjustable)]
        raised = [sorted(((name, float(row[i])) for i, name in places if row[i] > 1), key=lambda pair: -pair[1]) for row in factors]
        return tuple(tuple(pairs[:count]) for pairs in raised)

    def _fitted(self) -> _Model:
        if self._model is None:
            raise ValueError(f"risk: there is no model ({self.reason})")
        return self._model

    def _staying(self, tenures: Sequence[int] | Integers, horizon: int, covariates: Covariates | None) -> tuple[Floats, Floats, Floats]:
        """The chance of staying, the hazard in each period of the window [step, person], and the covariates less their averages."""
        model, tenure = self._fitted(), _whole(tenures, 0)
        if horizon < 1:
            raise ValueError(f"risk: a horizon of {horizon} periods")
        columns = model.columns(covariates, len(tenure))
        score, stay, pull = columns @ model.betas, np.ones(len(tenure)), np.empty((horizon, len(tenure)))
        thin = np.concatenate((self.at_risk, [0])) < MIN_AT_RISK
        for step in range(horizon):
            pull[step] = _expit(model.logit(tenure + step + 1) + score)
            stay = np.where(thin[np.minimum(tenure + step, len(self.at_risk))], np.nan, stay * (1 - pull[step]))
        return stay, pull, columns


def _whole(periods: Sequence[int] | Integers, least: int) -> Integers:
    given = np.asarray(periods)
    if given.dtype.kind not in "iu" and not np.equal(np.mod(given.astype(np.float64), 1), 0).all():  # False for NaN
        raise ValueError("risk: a period that is not a whole number")
    found = given.astype(np.intp)
    if (found < least).any():
        raise ValueError(f"risk: a period below {least}")
    return found


def fit(
    periods: Sequence[int] | Integers,
    left: Sequence[bool] | NDArray[np.bool_],
    covariates: Covariates | None = None,
    tenure: Tenure = "periods",
    min_events: int = MIN_EVENTS,
    level: float = 0.95,
) -> Risk:
    """Logistic regression on person-periods (see `person_period`): row i was watched in its period `periods[i]` of tenure, counted from 1,
    with the covariates of that period, and `left[i]` at its end or not. People still there and people who come in late need nothing more.

    `tenure` “periods” gives every period its own level (with no covariates the hazards are leavers ÷ watched, and Π (1 − hazard) is the
    Kaplan–Meier curve), “spline” a restricted cubic one through KNOTS, for few leavers. By maximum likelihood; rows of one person may be
    pooled, as the likelihood is a product over them. Periods in which nobody (or everybody) left have a hazard of 0 (1).

    No model below `min_events` leavers (read the Kaplan–Meier curve by tenure band and site instead), where covariates say the same, or where one
    tells without exception who leaves. A constant covariate is left out and says so. Raises ValueError for lengths that differ, periods that
    are not whole numbers from 1 up, outcomes that are null, covariates that are not finite numbers, and those in REFUSED.
    Singer & Willett 1993, J. Educ. Stat. 18(2); splines: Harrell 2001, Regression Modeling Strategies. Catalogue: W-12.

    >>> periods, left = [1, 1, 1, 1, 2, 2, 2, 3], [True, False, False, False, True, False, False, False]
    >>> found = fit(periods, left, min_events=2)
    >>> found.baseline.round(4).tolist(), found.hazards([1, 2]).round(4).tolist()
    ([0.25, 0.3333, 0.0], [0.25, 0.3333])
    """
    period, gone = _whole(periods, 1), happened("risk", left)
    given = covariates or {}
    refused = sorted(name for name in given if name.casefold() in REFUSED)
    if refused:
        raise ValueError(f"risk: {', '.join(refused)} must not be used to tell who leaves")
    if period.shape != gone.shape:
        raise ValueError("risk: one period and one outcome a row")
    x, kept, middles, scales = standardised("risk", given, len(period))
    n, events = len(period), int(gone.sum())
    risk, hits = np.bincount(period - 1), np.bincount((period - 1)[gone], minlength=int(period.max(initial=0)))
    if events < max(min_events, 1):
        return _unfitted(given, risk, n, events, "too few have left")
    if same(x):
        return _unfitted(given, risk, n, events, "covariates say the same")
    basis, certain = _levels(risk, hits) if tenure == "periods" else _spline(risk, hits)
    place, outcome = period - 1, gone.astype(np.float64)
    if certain.any():
        used = ~certain[place]
        x, place, outcome = x[:, used], place[used], outcome[used]
    found = top(_Rows(basis, x, place, outcome).at, np.concatenate((_start(basis, risk, hits), np.zeros(len(kept)))))
    if found is None:
        return _unfitted(given, risk, n, events, "a covariate tells who leaves")
    at, best = found
    q = basis.shape[1]
    covariance = np.linalg.inv(best.information)
    logits = np.where(certain, np.where(hits > 0, np.inf, -np.inf), basis @ at[:q])
    logits = np.where(risk > 0, logits, np.nan)
    unit = np.concatenate((np.ones(q), scales))
    covariance = covariance / np.outer(unit, unit)
    betas = at[q:] / scales
    effects = effects_of(given, kept, betas, np.sqrt(covariance.diagonal()[q:]), level)
    model = _Model(logits, basis, kept, betas, middles, covariance)
    return Risk(effects, _expit(logits), risk, n, events, best.value, None, model)


def _unfitted(covariates: Covariates, risk: Integers, n: int, events: int, reason: Reason) -> Risk:
    nothing = tuple(Effect(name, None, None, None, None, None, None, reason) for name in covariates)
    return Risk(nothing, np.zeros(0), risk, n, events, None, reason)


def _levels(risk: Integers, hits: Integers) -> tuple[Floats, NDArray[np.bool_]]:
    """A column for each period whose hazard is neither 0 nor 1, and which periods are one or the other."""
    certain = (hits == 0) | (hits == risk)
    return np.eye(len(risk))[:, ~certain], certain


def _spline(risk: Integers, hits: Integers) -> tuple[Floats, NDArray[np.bool_]]:
    """A restricted cubic spline of the period: linear beyond the outer knots, a straight line where there are fewer than three knots."""
    at = np.arange(1, len(risk) + 1, dtype=np.float64)
    knots = np.unique(np.quantile(np.repeat(at, hits), KNOTS, method="inverted_cdf"))
    columns = [np.ones(len(at)), (at - at.mean()) / max(at.std(), 1.0)]
    if len(knots) > 2:
        last, before = knots[-1], knots[-2]
        for knot in knots[:-2]:
            bend = _cube(at - knot) - (_cube(at - before) * (last - knot) - _cube(at - last) * (before - knot)) / (last - before)
            columns.append(bend / (last - knots[0]) ** 2)
    return np.column_stack(columns), np.zeros(len(at), dtype=bool)


def _start(basis: Floats, risk: Integers, hits: Integers) -> Floats:
    """Coefficients near the hazards of all, whatever their covariates: not far to go from there."""
    logits = np.log((hits + 0.5) / (risk - hits + 0.5))
    return np.asarray(np.linalg.lstsq(basis * np.sqrt(risk)[:, None], logits * np.sqrt(risk), rcond=None)[0], dtype=np.float64)


def _cube(x: Floats) -> Floats:
    return np.asarray(np.maximum(x, 0.0) ** 3, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Person-periods: the `basis` of every period, and of row i the covariates `x[:, i]`, the period `place[i]` (from 0) and whether it `left`."""

    basis: Floats
    x: Floats
    place: Integers
    left: Floats

    def at(self, betas: Floats) -> Place:
        """The log-likelihood. Sums by period first: the matrix with every period's columns is never made.

        By einsum, which starts no threads: for products as thin as these they cost more than they bring, most of all on a busy machine.
        """
        q, many = self.basis.shape[1], len(self.basis)
        score = (self.basis @ betas[:q])[self.place] + np.einsum("j,ji->i", betas[q:], self.x)
        small = np.exp(-np.abs(score))
        chance = np.where(score >= 0, 1.0, small) / (1 + small)
        value = float((self.left * score).sum() - np.maximum(score, 0.0).sum() - np.log1p(small).sum())
        over, w = self.left - chance, chance * (1 - chance)
        slope = np.concatenate((np.bincount(self.place, weights=over, minlength=many) @ self.basis, np.einsum("ji,i->j", self.x, over)))
        weighted = self.x * w
        cross = np.array([np.bincount(self.place, weights=column, minlength=many) for column in weighted]).reshape(-1, many).T
        tenure = np.einsum("kp,kq->pq", self.basis * np.bincount(self.place, weights=w, minlength=many)[:, None], self.basis)
        corner = self.basis.T @ cross
        return Place(value, slope, np.block([[tenure, corner], [corner.T, np.einsum("ji,ki->jk", self.x, weighted)]]))


def _expit(x: Floats) -> Floats:
    from scipy.special import expit  # seconds to import: not before it is needed

    return np.asarray(expit(x), dtype=np.float64)


# Does it hold? -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Calibration:
    """logit of what happens = `intercept` + `slope` × logit of what was said; 0 and 1 for a model that holds. None where it cannot be told.

    A slope below 1: chances are too extreme, as of a model fitted to too little.
    """

    intercept: float | None
    slope: float | None
    n: int
    events: int
    reason: Uncalibrated | None = None

    def apply(self, chances: Sequence[float] | Floats) -> Floats:
        """The chances put right; as they were where nothing is known."""
        p = np.asarray(chances, dtype=np.float64)
        if self.intercept is None or self.slope is None:
            return p
        return _expit(self.intercept + self.slope * _logit(p))


def recalibrate(chances: Sequence[float] | Floats, left: Sequence[bool] | NDArray[np.bool_], min_events: int = MIN_EXPECTED) -> Calibration:
    """Logistic recalibration (校准) of a model's chances at a site, by what then happened there.

    None below `min_events` leavers or stayers, where chances do not vary, or tell without exception who leaves. Chances of exactly 0 or 1 are left
    out. Cox 1958, Biometrika 45. Raises ValueError for lengths that differ or chances outside 0…1.

    >>> said, happened = [0.2] * 10 + [0.5] * 10, [True] + [False] * 9 + [True] * 4 + [False] * 6
    >>> found = recalibrate(said, happened, min_events=5)
    >>> [round(float(p), 3) for p in found.apply([0.2, 0.5])]
    [0.1, 0.4]
    """
    p, gone = _said(chances, left)
    inner = (p > 0) & (p < 1)
    p, gone = p[inner], gone[inner]
    n, events = len(p), int(gone.sum())
    if min(events, n - events) < max(min_events, 1):
        return Calibration(None, None, n, events, "too few left or stayed")
    x, kept, middles, scales = standardised("recalibrate", {"logit": _logit(p)}, n)
    if not kept:
        return Calibration(None, None, n, events, "all chances are the same")
    as_said = np.array([middles[0], scales[0]])
    found = top(_Rows(np.ones((1, 1)), x, np.zeros(n, dtype=np.intp), gone.astype(np.float64)).at, as_said)
    if found is None:
        return Calibration(None, None, n, events, "the chances tell who leaves")
    slope = float(found[0][1] / scales[0])
    return Calibration(float(found[0][0] - slope * middles[0]), slope, n, events)


@dataclass(frozen=True, slots=True)
class Part:
    """A tenth of the people by chance, or one of the `groups`: `n` of them, the leavers `expected` and those who `left`.

    `low`–`high` is the interval of the share that left (a tenth) or of left ÷ expected (a group).
    """

    name: Hashable
    n: int
    expected: float
    left: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Validation:
    """How chances fared on people and periods the model has not seen. None where nobody left, nobody stayed, or there is nobody.

    `brier` is the mean squared error, beside that of saying the same of all (`without`); `auc` the chance that a leaver had a higher one than a
    stayer; `calibration` how far off they are; `parts` from the lowest tenth to the highest. `groups` are for the check of fairness: `disparity` is the
    largest distance of a group's left ÷ expected from that of all, and above DISPARITY the model is `blocked`.
    """

    brier: float | None
    without: float | None
    auc: float | None
    calibration: Calibration
    parts: tuple[Part, ...]
    groups: tuple[Part, ...]
    disparity: float | None
    n: int
    events: int

    @property
    def blocked(self) -> bool:
        return self.disparity is not None and self.disparity > DISPARITY


def validate(
    chances: Sequence[float] | Floats, left: Sequence[bool] | NDArray[np.bool_], groups: Sequence[Hashable] | None = None
) -> Validation:
    """What was said against what happened, on LATER time than the model was fitted to: a random split tells too good a story.

    `groups` (sex, age band: held for this check only) are judged from MIN_EXPECTED leavers expected. Brier 1950, Mon. Weather Rev. 78;
    area under the curve: Hanley & McNeil 1982, Radiology 143. Raises ValueError for lengths that differ or chances outside 0…1.

    >>> found = validate([0.1, 0.2, 0.3, 0.4], [False, False, True, True])
    >>> round(found.brier, 3), found.without, found.auc
    (0.225, 0.25, 1.0)
    """
    p, gone = _said(chances, left)
    n, events = len(p), int(gone.sum())
    if groups is not None and len(groups) != n:
        raise ValueError(f"validate: {len(groups)} groups for {n} people")
    share = events / n if n else 0.0
    order = np.argsort(p, kind="stable")
    rising, went = p[order], gone[order]
    parts = []
    for i, (said, left_) in enumerate(zip(*(np.array_split(row, min(PARTS, n)) for row in (rising, went)), strict=True) if n else (), 1):
        x = int(left_.sum())
        parts.append(Part(i, len(said), float(said.sum()), x, *wilson(x, len(said))))
    found, disparity = _fairness(p, gone, groups) if groups is not None and n else ((), None)
    brier, without = (float(((p - gone) ** 2).mean()), share * (1 - share)) if n else (None, None)
    return Validation(brier, without, _area(rising, went), recalibrate(p, gone), tuple(parts), found, disparity, n, events)


def _area(rising: Floats, went: NDArray[np.bool_]) -> float | None:
    """The share of pairs of a leaver and a stayer in which the leaver's chance is the higher, ties counting half; chances in order."""
    events = int(went.sum())
    stayers = len(went) - events
    if not events or not stayers:
        return None
    starts = np.flatnonzero(np.concatenate(([True], rising[1:] != rising[:-1])))
    gone = np.add.reduceat(went.astype(np.float64), starts)
    stayed = np.diff(np.append(starts, len(went))) - gone
    return float(gone @ (np.cumsum(stayed) - stayed / 2)) / (events * stayers)


def _fairness(p: Floats, gone: NDArray[np.bool_], groups: Sequence[Hashable]) -> tuple[tuple[Part, ...], float | None]:
    member, names = numbered(groups)
    sizes, said = np.bincount(member), np.bincount(member, weights=p)
    happened = np.bincount(member, weights=gone).astype(int)
    parts = []
    for name, n, expected, x in zip(names, sizes.tolist(), said.tolist(), happened.tolist(), strict=True):
        low, high = (bound / expected for bound in poisson(x)) if expected else (np.nan, np.nan)
        parts.append(Part(name, n, expected, x, low, high))
    whole = float(gone.sum()) / float(p.sum()) if p.sum() else 0.0
    far = [abs(part.left / part.expected / whole - 1) for part in parts if whole and part.expected >= MIN_EXPECTED]
    return tuple(parts), max(far, default=None)


def _said(chances: Sequence[float] | Floats, left: Sequence[bool] | NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    p, gone = np.asarray(chances, dtype=np.float64), happened("risk", left)
    if p.shape != gone.shape:
        raise ValueError(f"{len(p)} chances for {len(gone)} people")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("a chance outside 0…1")
    return p, gone


def _logit(p: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p), dtype=np.float64)
