"""How long people stay: Kaplan–Meier survival with left truncation and log–log bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, nan, sqrt
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True, slots=True)
class Step:
    """One distinct time: `at_risk` just before it, `events` and `censored` at it, `survival` after it, with its band."""

    time: float
    at_risk: int
    events: int
    censored: int
    survival: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Survival:
    """The curve; `median` is the first time at which survival is at most one half, None when it never is."""

    rows: tuple[Step, ...]
    median: float | None

    def at(self, time: float) -> Step | None:
        """The last step at or before a time; None before the first, or when nobody was followed that long though some survive."""
        if not self.rows or (self.rows[-1].time < time and self.rows[-1].survival > 0):
            return None
        before = [row for row in self.rows if row.time <= time]
        return before[-1] if before else Step(time, self.rows[0].at_risk, 0, 0, 1.0, 1.0, 1.0)


def kaplan_meier(durations: Sequence[float], events: Sequence[bool], entry: Sequence[float] | None = None, level: float = 0.95) -> Survival:
    """Product-limit estimate. `durations` are times to the event or the end of observation (any unit), `events` tell which, `entry` is the
    time from which each was under observation (left truncation; 0 by default). Events at a time come before censorings at it.

    Bands: log–log Greenwood (Kalbfleisch & Prentice); NaN where survival is 0, exact 1 before the first event.
    Kaplan & Meier 1958, JASA 53(282). Raises ValueError for lengths that differ or an exit not after its entry.

    >>> curve = kaplan_meier([1, 2, 3], [True, False, True])
    >>> [(row.time, round(row.survival, 4)) for row in curve.rows], curve.median
    ([(1.0, 0.6667), (2.0, 0.6667), (3.0, 0.0)], 3.0)
    """
    exits = np.asarray(durations, dtype=np.float64)
    died = np.asarray(events, dtype=bool)
    entries = np.zeros_like(exits) if entry is None else np.asarray(entry, dtype=np.float64)
    if not exits.shape == died.shape == entries.shape:
        raise ValueError("kaplan_meier: durations, events and entry differ in length")
    late = exits < entries if entry is None else exits <= entries
    if late.any() or np.isnan(exits).any():
        raise ValueError("kaplan_meier: an exit that does not follow its entry")
    z = NormalDist().inv_cdf((1 + level) / 2)
    times, place = np.unique(exits, return_inverse=True)
    hits = np.bincount(place, weights=died, minlength=len(times)).astype(int)
    leaving = np.bincount(place, minlength=len(times))
    exited = len(exits) - np.concatenate(([0], np.cumsum(leaving)[:-1])) if len(times) else leaving
    not_yet = len(entries) - np.searchsorted(np.sort(entries), times, side="left") if entry is not None else np.zeros(len(times), dtype=int)
    rows, survival, greenwood = [], 1.0, 0.0
    for time, risk, d, out in zip(times.tolist(), (exited - not_yet).tolist(), hits.tolist(), leaving.tolist(), strict=True):
        if d:
            survival *= 1 - d / risk
            greenwood = greenwood + d / (risk * (risk - d)) if risk > d else inf
        rows.append(Step(time, risk, d, out - d, survival, *_band(survival, greenwood, z)))
    median = next((row.time for row in rows if row.survival <= 0.5 + 1e-12), None)
    return Survival(tuple(rows), median)


def _band(survival: float, greenwood: float, z: float) -> tuple[float, float]:
    if survival >= 1:
        return 1.0, 1.0
    if survival <= 0:
        return nan, nan
    width = z * sqrt(greenwood) / log(survival)
    return survival ** exp(-width), survival ** exp(width)
