"""Groups as whole numbers, for arithmetic over arrays."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Name = TypeVar("Name", bound=Hashable)


def numbered(values: Sequence[Name] | NDArray[Any]) -> tuple[NDArray[np.intp], list[Name]]:
    """The number of each value's group, from 0 in the order in which groups first come, and the groups in that order.

    None is a group like any other, and so are all NaN together. Arrays of numbers are the quicker.

    >>> numbered(["b", "a", "b"])
    (array([0, 1, 0]), ['b', 'a'])
    """
    if isinstance(values, np.ndarray) and values.dtype != object:
        found, first, places = np.unique(values, return_index=True, return_inverse=True)
        order = np.argsort(first)
        return np.argsort(order)[places], found[order].tolist()
    names = list(dict.fromkeys(values))
    gap = next((name for name in names if _is_nan(name)), None)
    if gap is not None:  # NaN is no NaN's equal: each would be a group of its own
        values = [gap if _is_nan(value) else value for value in values]
        names = list(dict.fromkeys(values))
    place = {name: i for i, name in enumerate(names)}
    return np.fromiter(map(place.__getitem__, values), dtype=np.intp, count=len(values)), names


def _is_nan(value: Hashable) -> bool:
    return isinstance(value, float) and value != value
