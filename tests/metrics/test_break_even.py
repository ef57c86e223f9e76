"""Against the worked cases of metrics.md F-14 and F-15."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.break_even import break_even, contribution, margin_after


def test_the_worked_case() -> None:
    """price .070 × 99 %, piece .050 × 1.04, review .006, seat 35 a day: .0113 a unit, 3,097 units; at −30 % −.0095: no volume."""
    left = contribution(D("0.070"), D("0.050"), D("0.99"), D("0.04"), D("0.006"))
    assert left == D("0.0113")
    found = break_even(35, left)
    assert found.units is not None
    assert round(found.units) == 3097
    cheaper = contribution(D("0.070") * D("0.7"), D("0.050"), D("0.99"), D("0.04"), D("0.006"))
    assert cheaper.quantize(D("0.0001")) == D("-0.0095")
    lost = break_even(35, cheaper)
    assert lost.units is None
    assert lost.reason == "a unit leaves nothing"
    assert break_even(35, 0).units is None


def test_a_cut_of_prices_with_costs_as_they_are() -> None:
    """metrics.md F-14: −30 % on a cost share of 75 % turns a margin of 25 % into −7.1 % of the new revenue."""
    assert margin_after(D("0.75"), 0) == D("0.25")
    cut = margin_after(D("0.75"), D("-0.30"))
    assert cut is not None
    assert cut.quantize(D("0.001")) == D("-0.071")
    assert margin_after(D("0.75"), -1) is None


@given(st.decimals(0, 1000, places=2), st.decimals("0.0001", 10, places=4))
def test_at_the_break_even_nothing_is_left(fixed: D, left: D) -> None:
    units = break_even(fixed, left).units
    assert units is not None
    assert abs(units * left - fixed) < D("1e-12")


def test_impossible_input() -> None:
    with pytest.raises(ValueError, match=r"1\.1 accepted"):
        contribution(1, 1, D("1.1"))
    for call in (
        lambda: contribution(0.07, D("0.05")),
        lambda: break_even(35.1, 1),
        lambda: break_even(35, D("NaN")),
        lambda: margin_after(1, -0.3),
    ):
        with pytest.raises(ValueError, match="is not a Decimal or a whole number"):
            call()
    with pytest.raises(ValueError, match="fixed cost of -1"):
        break_even(-1, 1)
    with pytest.raises(ValueError, match="change of -2"):
        margin_after(1, -2)
