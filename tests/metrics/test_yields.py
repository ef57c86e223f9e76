"""Against metrics.md Q-06, units followed one by one, and the coverage of the interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.yields import from_defects, rolled


def test_the_worked_cases() -> None:
    """metrics.md Q-06: yields .95, .85, .75 → product .605625, exponential form .637628; five steps at 97 % → 85.9 %."""
    found = rolled([95, 85, 75], [100, 100, 100])
    assert found.stages == (0.95, 0.85, 0.75)
    assert found.value == pytest.approx(0.605625)
    assert round(from_defects([0.05, 0.15, 0.25]), 6) == 0.637628
    assert round(100 * (rolled([97] * 5, [100] * 5).value or 0), 1) == 85.9
    assert round(rolled([943 - 83], [943]).value or 0, 3) == 0.912  # where a published solution has .80


@given(st.lists(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=6))
def test_no_stage_makes_it_better_and_order_does_not_matter(stages: list[tuple[int, int]]) -> None:
    passed, inspected = zip(*stages, strict=True)
    found = rolled(passed, inspected)
    assert found.value is not None
    assert found.value <= min(x / n for x, n in stages) + 1e-12
    assert rolled(passed[::-1], inspected[::-1]).value == pytest.approx(found.value)
    if found.low is not None and found.high is not None:
        assert 0 <= found.low < found.value < found.high <= 1
        if found.low < 1e-300 or found.high == 1:
            return
        variance = sum((n - x) / (n * x) for x, n in stages)  # of the logarithm; divided by its square, of log(−log)
        wide = 2 * 1.959963984540054 * math.sqrt(variance) / -math.log(found.value)
        assert math.log(math.log(found.low) / math.log(found.high)) == pytest.approx(wide)
    else:
        assert found.reason in ("nothing passed", "no variation")


def test_the_interval_holds_the_truth() -> None:
    rng, truth = np.random.default_rng(5), 0.95 * 0.9 * 0.97
    inside = 0
    for _ in range(1000):
        found = rolled(rng.binomial([400, 300, 200], [0.95, 0.9, 0.97]).tolist(), [400, 300, 200])
        inside += found.low is not None and found.high is not None and found.low <= truth <= found.high
    assert 930 <= inside <= 970


def test_independent_defects_are_units_without_any() -> None:
    rng = np.random.default_rng(6)
    clean = (rng.poisson([0.05, 0.15, 0.25], (200_000, 3)) == 0).all(axis=1)
    assert clean.mean() == pytest.approx(from_defects([0.05, 0.15, 0.25]), abs=0.004)
    assert from_defects([]) == 1


def test_undefined_and_impossible() -> None:
    assert rolled([], []).reason == "no stages"
    gap = rolled([9, 0], [10, 0])
    assert (gap.value, gap.low, gap.stages, gap.reason) == (None, None, (0.9, None), "no sample")
    assert (rolled([0, 5], [9, 5]).value, rolled([0, 5], [9, 5]).low, rolled([0, 5], [9, 5]).reason) == (0, None, "nothing passed")
    assert (rolled([9, 5], [9, 5]).value, rolled([9, 5], [9, 5]).high, rolled([9, 5], [9, 5]).reason) == (1, None, "no variation")
    for passed, inspected, words in (
        ([3], [2], "3 of 2 passed stage 0"),
        ([-1], [2], "-1 of 2"),
        ([math.nan], [2], "nan of 2"),
        ([1], [], "1 stages"),
    ):
        with pytest.raises(ValueError, match=words):
            rolled(passed, inspected)
    with pytest.raises(ValueError, match="a DPU of -1"):
        from_defects([-1])
    with pytest.raises(ValueError, match="a confidence level of 0"):
        rolled([1], [2], 0)
