"""How long people stay (留存曲线): Kaplan–Meier survival with left truncation and log–log bands, the log-rank test, and, where there is
more than one way to leave, Aalen–Johansen cumulative incidence (竞争风险). Times are in whatever unit the caller counts in.
What raises the risk of leaving is in `metrics.hazard`, whose `cox` can be had from here too.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, inf, isnan, log, nan, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metrics.grouping import numbered
from metrics.hazard import cox as cox
from metrics.intervals import BYAR_FROM, Floats, Integers, count_ahead, poisson_exact, wilson
from metrics.spells import at_risk, watched

Reason = Literal[
    "no time was watched", "fewer than two groups", "groups never at risk together", "tenures not covered", "no hire is old enough"
]  # fmt: skip
Caution = Literal["all gone before others came"]

MIN_AT_RISK = 10  # fewer people make a tail that is neither drawn nor used (metrics.md W-09)


@dataclass(frozen=True, slots=True)
class Step:
    """One distinct time: `at_risk` just before it, `events` and `censored` at it, `survival` after it, with its band.

    `se` is Greenwood's standard error of the survival; NaN with the band where survival is 0.
    """

    time: float
    at_risk: int
    events: int
    censored: int
    survival: float
    low: float
    high: float
    se: float = nan


@dataclass(frozen=True, slots=True)
class Survival:
    """The curve; `median` is the first time at which survival is at most one half, None when it never is.

    `warning`: all of the few then watched left at once before others came under observation (left truncation), so that the curve is 0 from
    there on whatever those do. Start it later, with those who have come by then, and read it as of people who have stayed that long.
    """

    rows: tuple[Step, ...]
    median: float | None
    warning: Caution | None = None

    def at(self, time: float) -> Step | None:
        """The last step at or before a time; None before the first, or when nobody was followed that long though some survive."""
        if not self.rows or (self.rows[-1].time < time and self.rows[-1].survival > 0):
            return None
        before = [row for row in self.rows if row.time <= time]
        return before[-1] if before else Step(time, self.rows[0].at_risk, 0, 0, 1.0, 1.0, 1.0, 0.0)

    def quantile(self, share: float) -> float | None:
        """The first time by which that share has had the event; None when the curve does not come down so far (未达到).

        Raises ValueError unless 0 < share < 1.
        """
        if not 0 < share < 1:
            raise ValueError(f"a quantile of {share}")
        return next((row.time for row in self.rows if row.survival <= 1 - share + 1e-12), None)


def kaplan_meier(durations: Sequence[float], events: Sequence[bool], entry: Sequence[float] | None = None, level: float = 0.95) -> Survival:
    """Product-limit estimate. `durations` are times to the event or the end of observation (any unit), `events` tell which, `entry` is the
    time from which each was under observation (left truncation; 0 by default). Events at a time come before censorings at it.

    Bands: log–log Greenwood (Kalbfleisch & Prentice); NaN where survival is 0, exact 1 before the first event. Where few come early, one
    exit can decide the whole curve: see `Survival`.
    Kaplan & Meier 1958, JASA 53(282). Raises ValueError for lengths that differ, an exit not after its entry, or an event that is null.

    >>> curve = kaplan_meier([1, 2, 3], [True, False, True])
    >>> [(row.time, round(row.survival, 4)) for row in curve.rows], curve.median
    ([(1.0, 0.6667), (2.0, 0.6667), (3.0, 0.0)], 3.0)
    """
    exits, died, entries = watched("kaplan_meier", durations, events, entry)
    z = NormalDist().inv_cdf((1 + level) / 2)
    times, place = np.unique(exits, return_inverse=True)
    hits = np.bincount(place, weights=died, minlength=len(times)).astype(int)
    leaving = np.bincount(place, minlength=len(times))
    rows, survival, greenwood = [], 1.0, 0.0
    for time, risk, d, out in zip(times.tolist(), at_risk(exits, entries, times).tolist(), hits.tolist(), leaving.tolist(), strict=True):
        if d:
            survival *= 1 - d / risk
            greenwood = greenwood + d / (risk * (risk - d)) if risk > d else inf
        se = survival * sqrt(greenwood) if survival > 0 else nan
        rows.append(Step(time, risk, d, out - d, survival, *_band(survival, greenwood, z), se))
    found = Survival(tuple(rows), None)
    early = any(row.survival == 0 for row in rows[:-1])
    return Survival(found.rows, found.quantile(0.5), "all gone before others came" if early else None)


def _band(survival: float, greenwood: float, z: float) -> tuple[float, float]:
    if survival >= 1:
        return 1.0, 1.0
    if survival <= 0:
        return nan, nan
    width = z * sqrt(greenwood) / log(survival)
    return survival ** exp(-width), survival ** exp(width)


@dataclass(frozen=True, slots=True)
class Rate:
    """Events a unit of time watched, with its interval; None, with the reason, where nobody was watched for any time."""

    value: float | None
    low: float | None
    high: float | None
    events: int
    time: float
    reason: Reason | None = None


def exponential_rate(events: int, time: float, level: float = 0.95) -> Rate:
    """Leavers ÷ time watched (离职强度), the hazard where it is the same at any tenure: 9 in 359 person-weeks are 2.5 % a week.

    Interval: the exact one of the count (Garwood 1936, Biometrika 28) over the time. One number for a hazard that is not constant is an
    average over who happened to be there; `kaplan_meier` shows whether it is. Raises ValueError for events or time below 0, or events in no time.

    >>> found = exponential_rate(9, 359)
    >>> round(found.value, 6), round(found.low, 6), round(found.high, 6)
    (0.02507, 0.011463, 0.04759)
    """
    if events < 0 or not time >= 0 or (events and not time):
        raise ValueError(f"exponential_rate: {events} events in a time of {time}")
    if not time:
        return Rate(None, None, None, events, time, "no time was watched")
    low, high = poisson_exact(events, level)
    return Rate(events / time, low / time, high / time, events, time)


@dataclass(frozen=True, slots=True)
class GroupCount:
    """One group of a log-rank test: how many were watched, the events `observed` and those `expected` had all groups one hazard."""

    group: Hashable
    n: int
    observed: int
    expected: float


@dataclass(frozen=True, slots=True)
class LogRank:
    """`statistic` is χ² on `df` degrees of freedom, `p` its upper tail; all three None (with the reason) where nothing can be compared.

    `variance` is the covariance of observed − expected, groups in the order of `groups`.
    """

    statistic: float | None
    df: int | None
    p: float | None
    n: int
    groups: tuple[GroupCount, ...]
    variance: Floats
    reason: Reason | None = None


def logrank(
    durations: Sequence[float],
    events: Sequence[bool],
    groups: Sequence[Hashable],
    entry: Sequence[float] | None = None,
    strata: Sequence[Hashable] | None = None,
) -> LogRank:
    """The log-rank test (对数秩检验) of two or more groups having one hazard: Σ over event times of events − at risk × share of events,
    with the hypergeometric variance. With `strata` (hire quarters, say) both are added over strata before the test.

    Left truncation as in `kaplan_meier`. No statistic for fewer than two groups, or when groups are never at risk together at an event.
    Mantel 1966, Cancer Chemother. Rep. 50; Peto & Peto 1972, JRSS A 135. Raises ValueError for lengths that differ or an exit that does
    not follow its entry.

    >>> six_mp = "6,6,6,6+,7,9+,10,10+,11+,13,16,17+,19+,20+,22,23,25+,32+,32+,34+,35+".split(",")
    >>> placebo = "1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23".split(",")
    >>> times = six_mp + placebo
    >>> found = logrank([float(t.strip("+")) for t in times], ["+" not in t for t in times], ["6-MP"] * 21 + ["placebo"] * 21)
    >>> round(found.statistic, 6), found.df, [(g.observed, round(g.expected, 6)) for g in found.groups]
    (16.792941, 1, [(9, 19.250501), (21, 10.749499)])
    """
    exits, died, entries = watched("logrank", durations, events, entry)
    if len(groups) != len(exits) or (strata is not None and len(strata) != len(exits)):
        raise ValueError("logrank: durations, groups and strata differ in length")
    member, names = numbered(groups)
    layer = np.zeros_like(member) if strata is None else numbered(strata)[0]
    observed = np.bincount(member, weights=died, minlength=len(names)).astype(int)
    expected, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for stratum in np.unique(layer):
        here = layer == stratum
        times = np.unique(exits[here & died])
        risk = np.empty((len(names), len(times)))
        for g in range(len(names)):
            mine = here & (member == g)
            risk[g] = at_risk(exits[mine], entries[mine], times)
        n = risk.sum(axis=0)
        d = np.bincount(np.searchsorted(times, exits[here & died]), minlength=len(times))
        share = risk / n
        expected += share @ d
        spread = d * (n - d) / np.maximum(n - 1, 1)
        variance += np.diag(share @ spread) - (share * spread) @ share.T
    counts = np.bincount(member, minlength=len(names))
    rows = tuple(GroupCount(*row) for row in zip(names, counts.tolist(), observed.tolist(), expected.tolist(), strict=True))
    if len(names) < 2:
        return LogRank(None, None, None, len(exits), rows, variance, "fewer than two groups")
    sizes, axes = np.linalg.eigh(variance)
    known = sizes > 1e-9 * max(sizes.max(), 1e-9)
    if not known.any():
        return LogRank(None, None, None, len(exits), rows, variance, "groups never at risk together")
    from scipy.stats import chi2  # seconds to import: not before it is needed

    statistic = float((((axes.T @ (observed - expected)) ** 2)[known] / sizes[known]).sum())
    df = int(known.sum())
    return LogRank(statistic, df, float(chi2.sf(statistic, df)), len(exits), rows, variance)


@dataclass(frozen=True, slots=True)
class Incidence:
    """One time at which a cause struck: `at_risk` just before it, `events` of this cause at it, and the share gone this way by then."""

    cause: str
    time: float
    at_risk: int
    events: int
    incidence: float
    low: float
    high: float
    se: float


def cumulative_incidence(
    durations: Sequence[float], causes: Sequence[str | None], entry: Sequence[float] | None = None, level: float = 0.95
) -> dict[str, tuple[Incidence, ...]]:
    """Aalen–Johansen share of people who have left by each cause by each time; None as a cause is still there (censored).

    Incidence(t) = Σ survival just before s × events of the cause at s ÷ at risk at s, survival being that of all causes together, so that
    the incidences and the survival add to 1; 1 − Kaplan–Meier of one cause, the others censored, is too high. Rows per cause, causes in
    the order of their names, one row a time with an event of that cause. Variance: Gaynor et al. 1993, JASA 88(422), which is Greenwood's
    for a single cause; bands on log(−log) (Choudhury 2002, Stat. Med. 21); NaN bands where the incidence is 1, or 0 at an event, as when all
    of the few watched before had gone another way (see `Survival`).
    Aalen & Johansen 1978, Scand. J. Stat. 5. Raises ValueError as `kaplan_meier`.

    >>> found = cumulative_incidence([1, 2, 3, 4], ["quit", "dismissed", None, "quit"])
    >>> [(row.time, row.incidence) for row in found["quit"]], [(row.time, row.incidence) for row in found["dismissed"]]
    ([(1.0, 0.25), (4.0, 0.75)], [(2.0, 0.25)])
    """
    exits, died, entries = watched("cumulative_incidence", durations, [cause is not None for cause in causes], entry)
    z = NormalDist().inv_cdf((1 + level) / 2)
    times = np.unique(exits[died])
    risk = at_risk(exits, entries, times)
    place = np.searchsorted(times, exits[died])
    gone = np.bincount(place, minlength=len(times))
    survival = np.cumprod(1 - gone / risk)
    before = np.concatenate(([1.0], survival[:-1]))
    kinds, names = numbered([cause for cause in causes if cause is not None])
    # Nobody is left where all at risk go at once: the term is 0, as incidence no longer changes.
    greenwood = np.divide(gone, risk * (risk - gone), out=np.zeros(len(times)), where=risk > gone)
    found = {}
    for name, k in sorted(zip(names, range(len(names)), strict=True)):
        d = np.bincount(place[kinds == k], minlength=len(times))
        share = np.cumsum(before * d / risk)
        own = before * d / risk**2
        variance = share**2 * np.cumsum(greenwood) - 2 * share * np.cumsum(share * greenwood) + np.cumsum(share**2 * greenwood)
        variance += np.cumsum(before**2 * d * (risk - d) / risk.astype(float) ** 3)
        variance -= 2 * (share * np.cumsum(own) - np.cumsum(share * own))
        ses = np.sqrt(np.maximum(variance, 0.0))
        cells = zip(times.tolist(), risk.tolist(), d.tolist(), share.tolist(), ses.tolist(), strict=True)
        rows = (Incidence(name, t, n, x, f, *_log_log(f, se, z), se) for t, n, x, f, se in cells if x)
        found[name] = tuple(rows)
    return found


def _log_log(share: float, se: float, z: float) -> tuple[float, float]:
    if share <= 0 or share >= 1 - 1e-12:
        return nan, nan
    width = z * se / (share * log(share))
    return share ** exp(-width), share ** exp(width)


@dataclass(frozen=True, slots=True)
class PersonPeriods:
    """The person-period table (人-期表), one row a person and period under observation: what a discrete-time hazard model is fitted to.

    `person` is the position in the input, `period` counts from 1, `event` is True in the period in which the person left.
    """

    person: Integers
    period: Integers
    event: NDArray[np.bool_]

    def hazards(self) -> tuple[tuple[int, int, int], ...]:
        """(period, at risk, events) of each period with anybody in it; Π (1 − events ÷ at risk) is the Kaplan–Meier survival."""
        last = int(self.period.max(initial=0)) + 1
        risk, hits = np.bincount(self.period, minlength=last), np.bincount(self.period, weights=self.event, minlength=last).astype(int)
        return tuple((i, n, d) for i, (n, d) in enumerate(zip(risk.tolist(), hits.tolist(), strict=True)) if n)


def person_period(durations: Sequence[int], events: Sequence[bool], entry: Sequence[int] | None = None) -> PersonPeriods:
    """Spells of whole periods taken apart: a person watched from `entry` (0 by default) to `durations` is in periods entry + 1 … duration.

    A logistic regression with one dummy a period on it gives the Kaplan–Meier curve (Singer & Willett 1993, J. Educ. Stat. 18(2)).
    Raises ValueError for durations that are not whole or do not follow their entry.

    >>> table = person_period([2, 3], [True, False])
    >>> list(zip(table.person.tolist(), table.period.tolist(), table.event.tolist()))
    [(0, 1, False), (0, 2, True), (1, 1, False), (1, 2, False), (1, 3, False)]
    """
    starts: Sequence[float] = [0] * len(durations) if entry is None else entry
    exits, died, entries = watched("person_period", durations, events, starts)
    if (exits % 1 != 0).any() or (entries % 1 != 0).any():
        raise ValueError("person_period: durations and entries are whole periods")
    lengths = (exits - entries).astype(np.intp)
    person = np.repeat(np.arange(len(exits)), lengths)
    first = np.concatenate(([0], np.cumsum(lengths)[:-1])) if len(lengths) else lengths
    period = np.arange(len(person)) - first[person] + entries.astype(np.intp)[person] + 1
    return PersonPeriods(person, period, died[person] & (period == exits.astype(np.intp)[person]))


@dataclass(frozen=True, slots=True)
class Expected:
    """People expected to leave within the horizon, and the prediction interval `low`–`high` of how many will, whole people.

    `n` people could be judged, `unknown` are beyond what the curve covers and are in none of the numbers.
    """

    leavers: float | None
    low: int | None
    high: int | None
    n: int
    unknown: int
    reason: Reason | None = None


def expected_leavers(tenures: Sequence[float], curve: Survival, horizon: float, level: float = 0.95) -> Expected:
    """How many of a team's people will leave within `horizon` (预计离职人数): Σ 1 − S(tenure + horizon) ÷ S(tenure), `curve` being S.

    The interval has both the chance of who leaves, Σ p(1 − p), and what the curve itself may be off by (Greenwood, delta method); it
    is rounded outwards to whole people within 0…n. Nothing seen is not nothing to come: below BYAR_FROM events in people's windows its
    upper end is at least that of `intervals.count_ahead`, and for people in whose windows nobody has left `unseen` is added. Where fewer
    than MIN_AT_RISK were at risk the curve is not used: such people are counted in `unknown`. None when nobody can be judged. Raises
    ValueError for a negative tenure or a horizon that is not positive.

    >>> from random import Random
    >>> days = [Random(i).randint(1, 200) for i in range(400)]
    >>> expected_leavers([10, 20, 30], kaplan_meier(days, [True] * 400), 60).n
    3
    """
    now = np.asarray(tenures, dtype=np.float64)
    if horizon <= 0 or not (now >= 0).all():
        raise ValueError("expected_leavers: a tenure below 0, or a horizon that is not above 0")
    z = NormalDist().inv_cdf((1 + level) / 2)
    # Few are at risk at the end and, with left truncation, at the beginning: judged are those whose whole window lies between.
    steps = [row for row in curve.rows if row.at_risk >= MIN_AT_RISK]
    covered = max((row.time for row in steps), default=-1.0)
    thin = [row.time for row in curve.rows if row.at_risk < MIN_AT_RISK and row.time <= covered]
    known = now[(now + horizon <= covered) & (now >= max(thin, default=-inf))]
    unknown = len(now) - len(known)
    if not len(known):
        return Expected(None, None, None, 0, unknown, "tenures not covered")
    hit = [row for row in steps if row.events]
    times = np.array([row.time for row in hit])
    n, d = np.array([row.at_risk for row in hit], dtype=float), np.array([row.events for row in hit], dtype=float)
    logs = np.concatenate(([0.0], np.cumsum(np.log1p(-np.minimum(d / np.maximum(n, 1), 1 - 1e-12)))))
    begin, end = np.searchsorted(times, known, side="right"), np.searchsorted(times, known + horizon, side="right")
    stay = np.exp(logs[end] - logs[begin])
    # Each hazard moves all the people whose window it lies in: add their survivals over the windows, then the binomial variance of hazards.
    change = np.bincount(begin, weights=stay, minlength=len(times) + 1) - np.bincount(end, weights=stay, minlength=len(times) + 1)
    moved = np.cumsum(change)[:-1]
    curve_variance = float((moved**2 * np.divide(d, n * (n - d), out=np.zeros_like(d), where=n > d)).sum())
    mean = float((1 - stay).sum())
    reach = z * sqrt(float((stay * (1 - stay)).sum()) + curve_variance)
    high, still = ceil(mean + reach), begin == end
    inside = np.cumsum(np.bincount(begin, minlength=len(times) + 1) - np.bincount(end, minlength=len(times) + 1))[:-1] > 0
    left, going = float(d[inside].sum()), len(known) - int(still.sum())
    if 0 < left < BYAR_FROM:
        high = max(high, count_ahead(left, max(left, left * going / mean), going, level)[1])
    if still.any():
        high += unseen(_fewest(curve, known[still], horizon), level)
    return Expected(mean, max(0, floor(mean - reach)), min(len(known), high), len(known), unknown)


def unseen(watched: Sequence[float] | Floats, level: float = 0.95) -> int:
    """The most who may leave, at this level, of people for each of whom so many were `watched` and none left: see `intervals.count_ahead`.

    Raises ValueError for nobody, or a number that is not above 0.

    >>> unseen([40] * 5)
    1
    """
    seen = np.asarray(watched, dtype=np.float64)
    if not len(seen) or not (seen > 0).all():
        raise ValueError("unseen: nobody to judge, or nobody watched")
    return count_ahead(0, len(seen) / float((1 / seen).sum()), len(seen), level)[1]


def _fewest(curve: Survival, tenures: Floats, horizon: float) -> Floats:
    """The fewest watched at any time of each window, the first time at or after its end included."""
    times, risk = np.array([row.time for row in curve.rows]), np.array([row.at_risk for row in curve.rows], dtype=np.float64)
    starts, place = np.unique(tenures, return_inverse=True)
    begin, end = np.searchsorted(times, starts, side="right"), np.searchsorted(times, starts + horizon, side="left")
    fewest = [float(risk[a : b + 1].min()) for a, b in zip(begin.tolist(), end.tolist(), strict=True)]
    return np.array(fewest)[place]


@dataclass(frozen=True, slots=True)
class Early:
    """Early attrition three ways. `rate` is of the `n` matured hires, with Wilson's interval; None (with the reason) when there are none.

    `estimate` is 1 − Kaplan–Meier over all hires, matured or not, with its band (None where all have gone). `share_of_leavers` is another
    number altogether: of those who have left, how many left early.
    """

    rate: float | None
    low: float | None
    high: float | None
    n: int
    left: int
    estimate: float | None
    estimate_low: float | None
    estimate_high: float | None
    share_of_leavers: float | None
    reason: Reason | None = None


def early_attrition(
    durations: Sequence[float], left: Sequence[bool], ages: Sequence[float], days: float = 90, level: float = 0.95
) -> Early:
    """Share of hires gone on or before their 90th day (90天离职率), over those whose 90th day has passed (metrics.md W-07).

    `durations` are days employed so far or until leaving, `left` tells which, `ages` are days since hire at the cut-off, gone or not: a
    hire is matured from age `days` on. Hires too young in the denominator make the rate too low, young leavers in it too high.
    Raises ValueError for lengths that differ, or somebody employed for longer than since the hire.

    >>> found = early_attrition([30, 200, 90, 50, 20], [True, False, True, False, True], [300, 200, 150, 50, 40])
    >>> (found.left, found.n, round(found.estimate, 4), round(found.share_of_leavers, 4))
    (2, 3, 0.7, 1.0)
    """
    exits, gone, _ = watched("early_attrition", durations, left, None)
    since = np.asarray(ages, dtype=np.float64)
    if since.shape != exits.shape or not (since >= exits).all():
        raise ValueError("early_attrition: one age a hire, not below the days employed")
    early = gone & (exits <= days)
    matured = since >= days
    n, x = int(matured.sum()), int((early & matured).sum())
    low, high = wilson(x, n, level)
    curve = kaplan_meier(durations, left, level=level)
    step = curve.at(days)
    estimate = (None, None, None) if step is None else (1 - step.survival, _known(1 - step.high), _known(1 - step.low))
    share = float(early.sum() / gone.sum()) if gone.any() else None
    reason: Reason | None = None if n else "no hire is old enough"
    rate = (x / n, low, high) if n else (None, None, None)
    return Early(rate[0], rate[1], rate[2], n, x, estimate[0], estimate[1], estimate[2], share, reason)


def _known(bound: float) -> float | None:
    return None if isnan(bound) else bound
