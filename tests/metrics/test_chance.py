"""Flags and standardised ratios against published numbers and the funnel identity."""

from __future__ import annotations

from math import inf, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.chance import MIN_N, ratios, sides


@given(n=st.integers(MIN_N, 3000), share=st.floats(0, 1), whole=st.floats(0.005, 0.995))
def test_a_flag_is_the_same_as_outside_the_binomial_funnel(n: int, share: float, whole: float) -> None:
    x = round(n * share)
    reach = 3.0902323061678132 * sqrt(whole * (1 - whole) / n)
    if abs(abs(x / n - whole) - reach) < 1e-9:
        return
    expected = "within" if abs(x / n - whole) < reach else "above" if x / n > whole else "below"
    assert sides([x / n], [n], whole) == (expected,)


def test_few_or_none_are_not_judged() -> None:
    assert sides([1.0, None, 0.5], [MIN_N - 1, 100, None], 0.1) == ("unsure",) * 3
    assert sides([0.5], [1000], None) == ("unsure",)


def test_what_is_no_rate_is_not_judged() -> None:
    for value in (nan, -0.1, 1.1, inf):
        assert sides([value, 0.5], [1000, 1000], 0.1) == ("unsure", "above")
        assert sides([0.5], [1000], value) == ("unsure",)
    assert sides([0.5, 0.5], [inf, nan], 0.1) == ("unsure", "unsure")


def test_ratio_and_intervals_as_public_health_england_computes_them() -> None:
    """PHEindicatormethods' ISR test: observed 895, expected 835.883561 → 1.070723 (1.001715, 1.143233) by Byar."""
    # One stratum whose rate is 0.1; unit “a” has 895 of 8358.83561 expected 835.883561.
    size = 8358.83561
    others = (2 * size * 0.1 - 895) / 1 + 0.0
    rows = [("a", "s", 895.0, size), ("b", "s", others / 2, size / 2), ("c", "s", others / 2, size / 2)]
    first = next(r for r in ratios(*zip(*rows, strict=True)) if r.unit == "a")
    assert first.expected == pytest.approx(835.883561)
    assert (first.ratio, first.low, first.high) == pytest.approx((1.070723, 1.001715, 1.143233), abs=1e-6)
    assert first.side == "within"  # 95 % excludes 1, 99.8 % does not


def test_crude_and_adjusted_order_can_be_opposite() -> None:
    """Kitagawa's paradox by hand: each is twice as bad as the project's rate, or half, whatever the mix."""
    rows = [
        ("hard_worker", "hard", 90, 900), ("hard_worker", "easy", 1, 100),
        ("easy_worker", "hard", 40, 100), ("easy_worker", "easy", 18, 900),
        ("third", "hard", 200, 1000), ("third", "easy", 10, 1000),
    ]  # fmt: skip
    hard, easy = 330 / 2000, 29 / 2000
    found = {r.unit: r for r in ratios(*zip(*rows, strict=True))}
    assert found["hard_worker"].expected == pytest.approx(900 * hard + 100 * easy)
    assert found["easy_worker"].expected == pytest.approx(100 * hard + 900 * easy)
    assert found["hard_worker"].errors > found["easy_worker"].errors
    assert found["hard_worker"].ratio < 1 < found["easy_worker"].ratio  # type: ignore[operator]
    assert sum(r.expected for r in found.values()) == pytest.approx(sum(r.errors for r in found.values()))


def test_the_surest_excess_comes_first_and_those_without_company_last() -> None:
    rows = [
        ("big", "s", 200, 1000), ("small", "s", 12, 40), ("fine", "s", 50, 1000), ("few", "s", 9, 20), ("alone", "own", 50, 100),
    ]  # fmt: skip
    found = ratios(*zip(*rows, strict=True))
    assert [r.unit for r in found][:3] == ["big", "small", "fine"]
    assert {r.unit: r.side for r in found} == {"big": "above", "small": "within", "fine": "below", "few": "unsure", "alone": "unsure"}
    assert all(r.ratio is None for r in found if r.side == "unsure")


def test_a_row_without_errors_or_size_spoils_no_other() -> None:
    whole = [("a", "s", 30, 300), ("b", "s", 10, 300), ("c", "s", 20, 300)]
    found = ratios(*zip(*whole, strict=True))
    assert [r.side for r in found] == ["within"] * 3
    for gap in (("d", "s", nan, 300), ("d", "s", None, 300), ("d", "s", 3, nan), ("a", "s", nan, 50), ("a", "s", 1, None)):
        assert ratios(*zip(*whole, gap, strict=True)) == found


def test_errors_are_of_the_work_that_is_compared() -> None:
    """60 of 100 inspected in a project of three, 40 in one of one's own, whose 9 errors count nowhere."""
    rows = [("a", "s", 6, 60), ("a", "own", 9, 40), ("b", "s", 4, 60), ("c", "s", 2, 60)]
    found = next(r for r in ratios(*zip(*rows, strict=True)) if r.unit == "a")
    assert (found.errors, found.reviewed, found.compared, found.expected) == (6, 100, 60, pytest.approx(4))
    assert found.ratio == pytest.approx(found.errors / found.expected)


def test_nothing_gives_nothing() -> None:
    assert ratios([], [], [], []) == ()
    assert ratios([""], ["s"], [1], [10]) == ()
