"""The top of a likelihood, for the methods that have no formula for it: Newton's method, steps halved where they would lead down."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metrics.intervals import Floats

TURNS = 30
HALVINGS = 25
CLOSE = 1e-9  # a step, in standard deviations of the covariates, that is none


class Place(NamedTuple):
    """A log-likelihood, its slope and the information (minus its second derivatives) at some parameters."""

    value: float
    slope: Floats
    information: Floats

    @property
    def finite(self) -> bool:
        """Whether arithmetic got as far as this."""
        return bool(np.isfinite(self.value) and np.isfinite(self.slope).all() and np.isfinite(self.information).all())


def top(look: Callable[[Floats], Place], start: Floats, there: Place | None = None) -> tuple[Floats, Place] | None:
    """Where a concave log-likelihood is highest; None where it is not reached, as when it rises for ever (separation).

    `there` is the place at the start, where it is known already.
    """
    at, here = start, look(start) if there is None else there
    for _ in range(TURNS):
        try:
            step = np.linalg.solve(here.information, here.slope)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(step).all():
            return None
        if np.abs(step).max(initial=0.0) <= CLOSE * (1 + np.abs(at).max(initial=0.0)):
            return at + step, here
        for _ in range(HALVINGS):
            there = look(at + step)
            if there.finite and there.value >= here.value - 1e-12 * abs(here.value):
                break
            step = step / 2
        else:
            return None
        at, here = at + step, there
    return None
