"""Against metrics.md W-17, the definition by pairs, and what changes of scale must not do."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metrics.inequality import concentration, distribution, gini, lorenz

incomes = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=40).filter(lambda x: sum(x) > 1e-3)


def test_gini_of_the_catalogue() -> None:
    assert [round(gini(x).value or 0, 4) for x in ([1, 2, 3, 4, 5], [0, 0, 0, 1])] == [0.2667, 0.75]
    assert gini([7, 7, 7]).value == pytest.approx(0)
    assert (gini([]).value, gini([]).reason, gini([0, 0]).value, gini([0, 0]).n) == (None, "nobody", None, 2)
    for bad in ([1, -1], [1, float("nan")], [1, float("inf")]):
        for method in (gini, lorenz, distribution, concentration):
            with pytest.raises(ValueError, match="negative, infinite or null"):
                method(bad)


def test_rounding_leaves_no_gini_below_0_and_no_curve_short_of_1() -> None:
    for n in (3, 7, 10, 1000):
        assert 0 <= (gini([0.1] * n).value or 0) < 1e-15
        assert lorenz([0.1] * n)[-1] == (1.0, 1.0)
    assert lorenz(np.random.default_rng(0).random(1001))[-1] == (1.0, 1.0)


@given(incomes, st.randoms(use_true_random=False))
def test_gini_is_half_the_mean_difference_of_pairs_over_the_mean(x: list[float], random: object) -> None:
    found = gini(x).value
    pairs = sum(abs(a - b) for a in x for b in x) / len(x) ** 2
    assert found == pytest.approx(pairs / (2 * statistics.fmean(x)), abs=1e-9)
    assert gini([3 * v for v in x]).value == pytest.approx(found, abs=1e-9)
    assert gini(x + x).value == pytest.approx(found, abs=1e-9)
    shuffled = list(x)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert gini(shuffled).value == found


@given(incomes)
def test_gini_is_twice_the_area_above_lorenz(x: list[float]) -> None:
    points = np.array(lorenz(x))
    assert 1 - 2 * np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(gini(x).value, abs=1e-9)
    assert (points[0].tolist(), points[-1].tolist()) == ([0, 0], [1, pytest.approx(1)])
    assert lorenz([]) == lorenz([0, 0]) == ()


def test_distribution() -> None:
    rng = np.random.default_rng(5)
    x = rng.lognormal(8, 0.4, 400)
    found = distribution(x)
    cuts = statistics.quantiles(x.tolist(), n=20, method="inclusive")
    assert (found.p10, found.p25, found.median, found.p75, found.p90) == pytest.approx((cuts[1], cuts[4], cuts[9], cuts[14], cuts[17]))
    assert found.median_interval is not None
    low, high = found.median_interval
    assert low < np.exp(8) < high
    assert distribution(x) == found
    few = distribution([1, 2, 3, 4])
    assert (few.median, few.n, few.reason) == (None, 4, "too few people")


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_concentration_lies_between_all_alike_and_one(x: list[int]) -> None:
    found = concentration(x)
    assume(found.hhi is not None)
    assert 1 / len(x) - 1e-12 <= (found.hhi or 0) <= 1 + 1e-12
    assert found.top1 == pytest.approx(max(x) / sum(x))
    assert found.top5 == pytest.approx(sum(sorted(x)[-5:]) / sum(x))
    assert concentration([4] * 8).hhi == pytest.approx(1 / 8)
    assert concentration([]).hhi is None
