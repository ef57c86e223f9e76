"""Groups as whole numbers, for arithmetic over arrays."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import compress
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Name = TypeVar("Name", bound=Hashable)
Column = Sequence[Hashable] | NDArray[Any]  # arrays of numbers are the quicker


def numbered(values: Sequence[Name] | NDArray[Any]) -> tuple[NDArray[np.intp], list[Name]]:
    """The number of each value's group, from 0 in the order in which groups first come, and the groups in that order.

    None is a group like any other, and so are all NaN together. Arrays of numbers are the quicker.

    >>> numbered(["b", "a", "b"])
    (array([0, 1, 0]), ['b', 'a'])
    """
    if isinstance(values, np.ndarray) and values.dtype != object:
        if values.dtype.kind == "i" and len(values) and _dense(values):
            return _by_place(values)
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


def present(values: Column) -> NDArray[np.bool_]:
    """Which values are neither None nor NaN."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        return np.asarray(values == values, dtype=bool)
    return np.array([value is not None and value == value for value in values], dtype=bool)


def chosen(values: Column, which: NDArray[np.bool_]) -> Column:
    """The values at these positions."""
    return values[which] if isinstance(values, np.ndarray) else list(compress(values, which.tolist()))


def _dense(values: NDArray[Any]) -> bool:
    """Whether the numbers lie close enough together to have a place each."""
    return int(values.max()) - int(values.min()) < 4 * len(values)


def _by_place(values: NDArray[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """The groups of whole numbers without sorting them."""
    least, n = int(values.min()), len(values)
    places = values.astype(np.intp) - least
    first = np.full(int(places.max()) + 1, n)
    first[places[::-1]] = np.arange(n - 1, -1, -1)  # the last one written is the first there is
    order = np.argsort(first)[: int((first < n).sum())]
    number = np.empty(len(first), dtype=np.intp)
    number[order] = np.arange(len(order))
    return number[places], (order + least).tolist()


def _is_nan(value: Hashable) -> bool:
    return isinstance(value, float) and value != value
