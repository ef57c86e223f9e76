"""How long people have been here: bands of tenure (司龄结构) and the cohort matrix (入职批次留存矩阵) (metrics.md W-10, W-11)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.grouping import numbered

BANDS: tuple[tuple[str, float], ...] = (
    ("<7", 7), ("7–30", 31), ("31–90", 91), ("91–180", 181), ("181–365", 366), (">365", float("inf")),
)  # fmt: skip
MIN_COHORT = 10  # a smaller cohort is greyed


@dataclass(frozen=True, slots=True)
class Band:
    """People whose tenure in days lies in the band, and their share of all; None when there is nobody."""

    name: str
    people: int
    share: float | None


def bands(tenures: Sequence[float]) -> tuple[Band, ...]:
    """People by days of tenure, in the bands of the catalogue; shares add to 1. Raises ValueError for a negative tenure.

    >>> [(band.name, band.people, band.share) for band in bands([3, 30, 31, 400])][:3]
    [('<7', 1, 0.25), ('7–30', 1, 0.25), ('31–90', 1, 0.25)]
    """
    days = np.asarray(tenures, dtype=np.float64)
    if not (days >= 0).all():
        raise ValueError("bands: a tenure below 0")
    place = np.searchsorted([end for _, end in BANDS[:-1]], np.floor(days), side="right")
    counts = np.bincount(place, minlength=len(BANDS)).tolist()
    return tuple(Band(name, n, n / len(days) if len(days) else None) for (name, _), n in zip(BANDS, counts, strict=True))


@dataclass(frozen=True, slots=True)
class Cell:
    """One cohort at the end of its period `period` (1, 2, …): `kept` of `size` people are still there.

    `share` is None while anybody of the cohort has yet to get that far; `small` when the cohort has fewer than MIN_COHORT people.
    """

    cohort: Hashable
    period: int
    size: int
    kept: int | None
    share: float | None
    small: bool


def cohort_matrix(
    cohorts: Sequence[Hashable], durations: Sequence[float], left: Sequence[bool], ages: Sequence[float], periods: Sequence[float]
) -> tuple[Cell, ...]:
    """Retention of hire cohorts at the end of each of the `periods` (days since hire, ascending: 30, 60, 90, …).

    `durations` are days employed so far or until leaving, `left` tells which, `ages` days since hire at the cut-off. Whoever left on or
    before the last day of a period is not kept. Cohorts in the order in which they first come. Raises ValueError for lengths that differ,
    somebody employed for longer than since the hire, or somebody who has not left and yet was employed for less.

    >>> cells = cohort_matrix(["Jan"] * 3, [200, 40, 200], [False, True, False], [200, 200, 200], [30, 60])
    >>> [(cell.period, cell.kept, round(cell.share, 3)) for cell in cells]
    [(1, 3, 1.0), (2, 2, 0.667)]
    """
    spent, gone, since = np.asarray(durations, dtype=np.float64), np.asarray(left, dtype=bool), np.asarray(ages, dtype=np.float64)
    if not len(cohorts) == len(spent) == len(gone) == len(since):
        raise ValueError("cohort_matrix: cohorts, durations, left and ages differ in length")
    if not ((spent <= since) & (gone | (spent == since))).all():
        raise ValueError("cohort_matrix: days employed that do not agree with the days since hire")
    member, names = numbered(cohorts)
    sizes = np.bincount(member, minlength=len(names)).tolist()
    youngest = np.full(len(names), np.inf)
    np.minimum.at(youngest, member, since)
    cells = []
    for period, end in enumerate(periods, start=1):
        kept = np.bincount(member[~(gone & (spent <= end))], minlength=len(names)).tolist()
        for name, n, k, age in zip(names, sizes, kept, youngest.tolist(), strict=True):
            matured = age >= end
            cells.append(Cell(name, period, n, k if matured else None, k / n if matured else None, n < MIN_COHORT))
    return tuple(cell for i in range(len(names)) for cell in cells[i :: len(names)])
