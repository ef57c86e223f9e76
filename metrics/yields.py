"""Yield over several stages (流转直通率): what share of the work gets through all of them without being sent back at any (metrics.md Q-06)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, prod, sqrt
from statistics import NormalDist
from typing import Literal

Reason = Literal["no stages", "no sample", "nothing passed", "no variation"]


@dataclass(frozen=True, slots=True)
class Rolled:
    """`value` is the product of the stages' first-pass yields, with its interval; `stages` are these yields, None where nothing was inspected.

    `reason` says what is None and why: no value without stages, or when a stage has no sample; no interval when nothing passed a stage, or
    everything passed all of them.
    """

    value: float | None
    low: float | None
    high: float | None
    stages: tuple[float | None, ...]
    reason: Reason | None = None


def rolled(passed: Sequence[float], inspected: Sequence[float], level: float = 0.95) -> Rolled:
    """Rolled throughput yield (RTY): Π passed ÷ inspected, stage by stage (label, self-check, reviews, client), first inspections only.

    Interval: log(−log), as of a survival curve, from the delta method's variance of the logarithm, Σ (1 − p) ÷ (n p), stages independent.
    What is finally accepted less this is the hidden factory (隐形工厂): work that got there after rework.
    Raises ValueError for lengths that differ or more passed than inspected.

    >>> found = rolled([97] * 5, [100] * 5)
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.8587, 0.7768, 0.9123)
    """
    if len(passed) != len(inspected):
        raise ValueError(f"rolled: {len(passed)} stages passed, {len(inspected)} inspected")
    if not 0 < level < 1:
        raise ValueError(f"a confidence level of {level}")
    for i, (x, n) in enumerate(zip(passed, inspected, strict=True)):
        if not 0 <= x <= n < inf:
            raise ValueError(f"rolled: {x} of {n} passed stage {i}")
    stages = tuple(x / n if n else None for x, n in zip(passed, inspected, strict=True))
    known = [p for p in stages if p is not None]
    if len(known) < len(stages) or not stages:
        return Rolled(None, None, None, stages, "no sample" if stages else "no stages")
    value = prod(known)
    if value in (0, 1):
        return Rolled(float(value), None, None, stages, "no variation" if value else "nothing passed")
    variance = sum((1 - p) / (n * p) for p, n in zip(known, inspected, strict=True))
    reach = NormalDist().inv_cdf((1 + level) / 2) * sqrt(variance) / -log(value)
    return Rolled(value, value ** exp(reach), value ** exp(-reach), stages)


def from_defects(defects_per_unit: Sequence[float]) -> float:
    """The same from defects per unit (DPU) at each stage, where units may have several and these fall independently: exp(−Σ DPU).

    Raises ValueError for a DPU below 0 or NaN.

    >>> round(from_defects([0.05, 0.15, 0.25]), 6)
    0.637628
    """
    if not all(defects >= 0 for defects in defects_per_unit):
        raise ValueError(f"from_defects: a DPU of {min(defects_per_unit)}")
    return exp(-sum(defects_per_unit))
