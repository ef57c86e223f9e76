"""Against the worked cases of metrics.md W-03 and W-04 and the identities between definitions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.intervals import byar, poisson_exact, wilson
from metrics.turnover import Definition, annualised, compounded, retention, turnover


@pytest.mark.parametrize(
    ("opening", "leavers", "closing", "definition", "percent", "digits"),
    [
        (800, 60, 860, "average", 7.23, 2), (800, 60, 860, "joined", 6.52, 2), (800, 60, 860, "opening", 7.50, 2),
        (100, 320, 80, "average", 355.6, 1), (100, 320, 80, "joined", 80.0, 1), (100, 320, 80, "opening", 320.0, 1),
        (30, 5, 40, "average", 14.29, 2), (30, 5, 40, "joined", 11.11, 2),
    ],
)  # fmt: skip
def test_worked_cases(opening: int, leavers: int, closing: int, definition: Definition, percent: float, digits: int) -> None:
    found = turnover(leavers, opening, closing, definition)
    assert found.rate is not None
    assert round(100 * found.rate, digits) == percent


def test_intervals_are_those_of_a_count_and_of_a_proportion() -> None:
    found = turnover(60, 800, 860)
    assert (found.low, found.high) == tuple(bound / 830 for bound in byar(60))
    few = turnover(5, 30, 40, average=36.0)
    assert (few.low, few.high, few.base) == (*(bound / 36 for bound in poisson_exact(5)), 36.0)
    part = turnover(60, 800, 860, "joined")
    assert (part.low, part.high) == wilson(60, 920)


@given(st.integers(0, 500), st.integers(0, 500), st.data())
def test_joined_is_leavers_over_all_who_could_leave(opening: int, joiners: int, data: st.DataObject) -> None:
    """leavers + closing = opening + joiners; the share is 1 − (1 − leavers ÷ that), at most 1 (metrics.md 7.10)."""
    leavers = data.draw(st.integers(0, opening + joiners))
    found = turnover(leavers, opening, opening + joiners - leavers, "joined")
    if opening + joiners == 0:
        assert (found.rate, found.reason) == (None, "nobody to leave")
    else:
        assert found.rate == leavers / (opening + joiners) <= 1


def test_no_base_gives_no_rate_and_no_leavers_a_rate_with_an_interval() -> None:
    assert turnover(0, 0, 0).rate is None
    assert turnover(3, 0, 3, "opening").rate is None
    none = turnover(0, 100, 100)
    assert (none.rate, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(-math.log(0.025) / 100)
    with pytest.raises(ValueError, match="-1 leavers"):
        turnover(-1, 5, 5)


def test_a_year_is_a_sum() -> None:
    found = annualised([0.035] * 12)
    assert (round(100 * (found.rate or 0), 1), found.partial) == (42.0, False)
    assert round(100 * compounded(0.035), 1) == 34.8
    half = annualised([0.03, 0.05, 0.04, 0.02, 0.04, 0.06])
    assert half.rate == pytest.approx(0.48)
    assert half.partial
    assert annualised([0.03, 0.05]).reason == "too few months"
    assert annualised([0.03, None, 0.05, 0.04]).rate is None
    with pytest.raises(ValueError, match="twelve"):
        annualised([0.01] * 13)


def test_half_a_year_of_constant_risk() -> None:
    """metrics.md W-04: 50 % of the people a year is 15.7 % within 90 days; 50 % as leavers over average headcount is 11.6 %."""
    assert round(100 * compounded(0.5, 90 / 365), 1) == 15.7
    assert round(100 * compounded(0.5, 90 / 365, of="heads"), 1) == 11.6
    with pytest.raises(ValueError, match=r"a rate of 1\.2"):
        compounded(1.2)


def test_retention_leaves_the_hired_out() -> None:
    found = retention(["a", "b", "c", "d"], ["b", "c", "e", "f"])
    assert (found.rate, found.n, found.stayed) == (0.5, 4, 2)
    assert (found.low, found.high) == wilson(2, 4)
    assert (retention([], ["a"]).rate, retention([], ["a"]).reason) == (None, "nobody at the start")
