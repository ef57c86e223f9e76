"""Groups as whole numbers, for arithmetic over arrays."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

from metrics.intervals import Integers

Name = TypeVar("Name", bound=Hashable)


def numbered(values: Sequence[Name]) -> tuple[Integers, list[Name]]:
    """The number of each value's group, from 0 in the order in which groups first come, and the groups in that order.

    >>> numbered(["b", "a", "b"])
    (array([0, 1, 0]), ['b', 'a'])
    """
    names = list(dict.fromkeys(values))
    place = {name: i for i, name in enumerate(names)}
    return np.fromiter(map(place.__getitem__, values), dtype=np.intp, count=len(values)), names
