"""Turnover (离职率) in each definition that circulates, each under its name; they differ widely and are never mixed (metrics.md W-03, W-04).

average  平均在职口径: leavers ÷ average headcount (SHRM). Additive: a year is the sum of its months, and may exceed 100 %.
joined   期初+入职口径: leavers ÷ (leavers + closing) = leavers ÷ (opening + joiners) where transfers net to 0. Never above 100 %.
opening  期初口径: leavers ÷ opening. Leavers may have joined in the period, so it may exceed 100 %; shown on request only.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

from metrics.intervals import poisson, wilson

Definition = Literal["average", "joined", "opening"]
Reason = Literal["nobody to leave", "a month has no rate", "too few months", "nobody at the start"]

MIN_MONTHS = 3  # fewer say nothing about a year


@dataclass(frozen=True, slots=True)
class Turnover:
    """`rate` is a share (0.07 = 7 %) of `base` people in the definition named; None with the reason where there is no base."""

    definition: Definition
    rate: float | None
    low: float | None
    high: float | None
    leavers: int
    base: float
    reason: Reason | None = None


def turnover(
    leavers: int, opening: int, closing: int, definition: Definition = "average", average: float | None = None, level: float = 0.95
) -> Turnover:
    """The rate of one period. `average` is the mean of the daily headcounts; without it (opening + closing) ÷ 2, which ramps distort.

    Interval: leavers as a Poisson count (Byar from 10 up, exact below) over the base; Wilson for “joined”, which is a proportion.
    SHRM, How to Determine Turnover Rate (headcount, not full-time equivalents; no agency workers). Raises ValueError for negative counts.

    >>> [round(turnover(60, 800, 860, name).rate, 4) for name in ("average", "joined", "opening")]
    [0.0723, 0.0652, 0.075]
    """
    if min(leavers, opening, closing) < 0 or (average is not None and not average >= 0):
        raise ValueError(f"turnover: {leavers} leavers, {opening} at the opening, {closing} at the closing, {average} on average")
    middle = (opening + closing) / 2 if average is None else average
    base = {"average": middle, "joined": float(leavers + closing), "opening": float(opening)}[definition]
    if not base:
        return Turnover(definition, None, None, None, leavers, base, "nobody to leave")
    if definition == "joined":
        low, high = wilson(leavers, base, level)
    else:
        low, high = (bound / base for bound in poisson(leavers, level))
    return Turnover(definition, leavers / base, low, high, leavers, base)


@dataclass(frozen=True, slots=True)
class Annual:
    """`rate` a year, from `months` months; `partial` when they were fewer than twelve and were scaled up. None below MIN_MONTHS."""

    rate: float | None
    months: int
    partial: bool
    reason: Reason | None = None


def annualised(rates: Sequence[float | None]) -> Annual:
    """Monthly rates of the last twelve months or fewer as a rate a year (年化离职率): their sum, of a part of a year × 12 ÷ months.

    A sum, not 1 − Π(1 − rate): “42 % of the heads left” is not “42 % of the people left”. Only for rates over average headcount. No rate
    when a month has none. Raises ValueError for more than twelve months or a negative rate.

    >>> round(annualised([0.035] * 12).rate, 6), annualised([0.035] * 2).rate
    (0.42, None)
    """
    if len(rates) > 12 or any(rate is not None and not rate >= 0 for rate in rates):
        raise ValueError("annualised: twelve monthly rates or fewer, none below 0")
    known = [rate for rate in rates if rate is not None]
    months = len(known)
    if months < len(rates):
        return Annual(None, months, False, "a month has no rate")
    if months < MIN_MONTHS:
        return Annual(None, months, True, "too few months")
    return Annual(sum(known) * 12 / months, months, months < 12)


def compounded(rate: float, periods: float = 12, of: Literal["people", "heads"] = "people") -> float:
    """The share of people gone after some periods (parts of one too) of constant risk, nobody replaced.

    `rate` a period is a share of the people there at its start: 1 − (1 − rate)^periods; or, of “heads”, leavers over average headcount,
    which is a hazard: 1 − e^(−rate × periods). Raises ValueError for a negative rate, or a share of people above 1.

    >>> round(compounded(0.035), 3), round(compounded(0.5, 90 / 365), 3), round(compounded(0.5, 90 / 365, of="heads"), 3)
    (0.348, 0.157, 0.116)
    """
    if not (rate >= 0 and periods >= 0) or (of == "people" and rate > 1):
        raise ValueError(f"compounded: a rate of {rate} over {periods} periods")
    return 1 - (1 - rate) ** periods if of == "people" else 1 - exp(-rate * periods)


@dataclass(frozen=True, slots=True)
class Retention:
    """`rate`: share of the `n` people at the start who are still there at the end, with Wilson's interval; None when n is 0."""

    rate: float | None
    low: float | None
    high: float | None
    n: int
    stayed: int
    reason: Reason | None = None


def retention(start: Collection[Hashable], end: Collection[Hashable], level: float = 0.95) -> Retention:
    """People there at the start who are still there at the end (留存率), people hired between left out: not 1 − turnover (metrics.md W-08).

    >>> retention({"a", "b", "c", "d"}, {"a", "b", "c", "new"}).rate
    0.75
    """
    first = set(start)
    n, stayed = len(first), len(first & set(end))
    if not n:
        return Retention(None, None, None, 0, 0, "nobody at the start")
    return Retention(stayed / n, *wilson(stayed, n, level), n, stayed)
