"""Bands and cohorts against hand counts, and against the survival curve."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.survival import kaplan_meier
from metrics.tenure import bands, cohort_matrix


def test_the_ends_of_the_bands() -> None:
    """metrics.md W-11: under 7, 7–30, 31–90, 91–180, 181–365, over 365 days."""
    found = bands([0, 6, 7, 30, 31, 90, 91, 180, 181, 365, 366, 2000])
    assert [band.people for band in found] == [2, 2, 2, 2, 2, 2]
    assert [band.people for band in bands([6.9, 30.5])][:2] == [1, 1]
    assert {band.share for band in bands([])} == {None}
    with pytest.raises(ValueError, match="below 0"):
        bands([-1])


@given(st.lists(st.integers(0, 3000), min_size=1))
def test_shares_of_bands_add_to_one(days: list[int]) -> None:
    assert sum(band.share or 0 for band in bands(days)) == pytest.approx(1)


def test_only_matured_cells_have_a_value() -> None:
    cohorts = ["Jan"] * 10 + ["Feb"] * 2
    durations, left, ages = [80] * 7 + [30, 31, 70] + [50, 20], [False] * 7 + [True] * 3 + [False, True], [80] * 10 + [50, 50]
    found = cohort_matrix(cohorts, durations, left, ages, [30, 60, 90])
    assert [(c.cohort, c.period, c.size, c.kept, c.share, c.small) for c in found] == [
        ("Jan", 1, 10, 9, 0.9, False), ("Jan", 2, 10, 8, 0.8, False), ("Jan", 3, 10, None, None, False),
        ("Feb", 1, 2, 1, 0.5, True), ("Feb", 2, 2, None, None, True), ("Feb", 3, 2, None, None, True),
    ]  # fmt: skip
    assert cohort_matrix([], [], [], [], [30]) == ()
    with pytest.raises(ValueError, match="differ in length"):
        cohort_matrix(["a"], [], [], [], [30])
    with pytest.raises(ValueError, match="do not agree"):
        cohort_matrix(["a"], [20], [False], [30], [30])


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_a_matured_cohort_is_the_survival_curve(stays: list[int]) -> None:
    (cell,) = cohort_matrix(["all"] * len(stays), [min(s, 90) for s in stays], [s <= 90 for s in stays], [90] * len(stays), [60])
    step = kaplan_meier([min(s, 90) for s in stays], [s <= 90 for s in stays]).at(60)
    assert step is not None
    assert cell.share == pytest.approx(step.survival)
