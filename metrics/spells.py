"""Spells (在职时段): people watched from an entry to an exit, which is an event or the end of observation. What every method on them starts from."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from metrics.intervals import Floats, Integers


def watched(
    name: str, durations: Sequence[float] | Floats, events: Sequence[bool] | NDArray[np.bool_], entry: Sequence[float] | Floats | None
) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """The three as arrays; without `entry` everybody is watched from before time 0, so that an exit at 0 counts.

    Raises ValueError, in the method's `name`, for lengths that differ, an exit that does not follow its entry, or as `happened`.
    """
    exits = np.asarray(durations, dtype=np.float64)
    died = happened(name, events)
    entries = np.full_like(exits, -inf) if entry is None else np.asarray(entry, dtype=np.float64)
    if not exits.shape == died.shape == entries.shape:
        raise ValueError(f"{name}: durations, events and entry differ in length")
    follows = exits >= 0 if entry is None else exits > entries  # False for NaN
    if not follows.all():
        raise ValueError(f"{name}: an exit that does not follow its entry")
    return exits, died, entries


def happened(name: str, events: Sequence[bool] | NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Events as an array of flags; 0 and 1 do as well. Raises ValueError, in the method's `name`, for null and anything else."""
    given = np.asarray(events)
    if given.dtype == bool:
        return given
    try:
        numbers = given.astype(np.float64)
    except (TypeError, ValueError):
        numbers = np.full(given.shape, np.nan)
    if not ((numbers == 0) | (numbers == 1)).all():
        raise ValueError(f"{name}: whether an event happened is true or false, never null")
    return np.asarray(numbers == 1, dtype=bool)


def at_risk(exits: Floats, entries: Floats, times: Floats) -> Integers:
    """How many are watched just before each time: entry < time ≤ exit."""
    begun = np.searchsorted(np.sort(entries), times, side="left")
    ended = np.searchsorted(np.sort(exits), times, side="left")
    return (begun - ended).astype(np.intp)
