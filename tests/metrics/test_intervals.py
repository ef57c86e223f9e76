"""Against Newcombe's cases and the PHE test file, to their printed digits; clusters against hand work, SciPy and identities."""

from __future__ import annotations

from math import inf, isnan, log, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metrics.intervals import (
    bootstrap,
    bootstrap_ratio,
    byar,
    count_ahead,
    effective_n,
    poisson,
    poisson_exact,
    ratio_by_cluster,
    wilson,
    wilson_effective,
    wilson_many,
)


@pytest.mark.parametrize(
    ("x", "n", "level", "low", "high", "digits"),
    [
        (81, 263, 0.95, 0.2553, 0.3662, 4), (15, 148, 0.95, 0.0624, 0.1605, 4), (0, 20, 0.95, 0.0, 0.1611, 4), (1, 29, 0.95, 0.0061, 0.1718, 4),
        (65, 100, 0.95, 0.552544, 0.736358, 6), (1045, 5000, 0.95, 0.197955, 0.220491, 6), (65, 100, 0.998, 0.495495, 0.778354, 6),
        (1045, 5000, 0.998, 0.191794, 0.227316, 6), (1, 100, 0.95, 0.001767, 0.054486, 6), (5, 100, 0.95, 0.021544, 0.111750, 6),
    ],
)  # fmt: skip
def test_wilson(x: int, n: int, level: float, low: float, high: float, digits: int) -> None:
    assert tuple(round(bound, digits) for bound in wilson(x, n, level)) == (low, high)


def test_wilson_at_the_ends_and_without_a_sample() -> None:
    assert wilson(0, 100)[0] == 0
    assert round(wilson(0, 100)[1], 4) == 0.0370
    assert wilson(7, 7)[1] == 1
    assert all(np.isnan(wilson(0, 0)))
    low, high = wilson_many([0, 1045, 3], [0, 5000, 3])
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert round(low[1], 6) == 0.197955
    assert high[2] == 1
    with pytest.raises(ValueError, match="5 successes in 3 trials"):
        wilson(5, 3)


def test_wilson_is_the_inverse_of_the_funnel() -> None:
    """The target lies outside the interval exactly when the rate lies outside the binomial limits around the target."""
    z = 1.959963984540054
    for target in (0.03, 0.5, 0.97):
        for n in range(1, 60):
            for x in range(n + 1):
                low, high = wilson(x, n)
                assert (target < low or target > high) == (abs(x / n - target) > z * (target * (1 - target) / n) ** 0.5)


@pytest.mark.parametrize(
    ("x", "level", "low", "high"),
    [
        (65, 0.95, 50.163188, 82.849139), (1045, 0.95, 982.593202, 1110.331213), (1, 0.95, 0.013072, 5.563756), (65, 0.998, 42.880261, 94.000291),
        (10, 0.998, 2.916318, 24.193725),
    ],
)  # fmt: skip
def test_byar(x: int, level: float, low: float, high: float) -> None:
    assert tuple(round(bound, 6) for bound in byar(x, level)) == (low, high)


def test_exact_poisson() -> None:
    """PHE's indirectly standardised ratio: 9 observed against 835.883561 expected."""
    expected = 835.883561
    assert [round(bound / expected, 6) for bound in poisson_exact(9)] == [0.004923, 0.020439]
    assert poisson_exact(0)[0] == 0
    with pytest.raises(ValueError, match="a count of -1"):
        poisson_exact(-1)


def test_no_errors_still_have_an_upper_bound_and_small_counts_are_exact() -> None:
    """metrics.md 1.5: 0 of 100 is 0 % with an upper bound of 3.70 %."""
    assert round(100 * wilson(0, 100)[1], 2) == 3.70
    assert [round(b, 6) for b in poisson(10, 0.998)] == [2.916318, 24.193725]
    assert poisson(9) == poisson_exact(9)
    assert poisson(9) != byar(9)
    assert poisson(10) == byar(10)


def test_a_missing_count_has_no_interval() -> None:
    for interval in (byar, poisson_exact, poisson):
        assert all(isnan(bound) for bound in interval(nan)), interval.__name__
        for level in (0, 1, 1.5):
            with pytest.raises(ValueError, match="a confidence level"):
                interval(12, level)


def test_an_impossible_row_has_no_interval_and_spoils_no_other() -> None:
    low, high = wilson_many([5, -1, 0, 81], [3, 3, -3, 263])
    assert [isnan(bound) for bound in low] == [isnan(bound) for bound in high] == [True, True, True, False]
    assert (round(low[3], 4), round(high[3], 4)) == (0.2553, 0.3662)


@given(x=st.integers(0, 400), level=st.floats(0.5, 0.999))
def test_exact_poisson_bounds_have_the_tails_they_promise(x: int, level: float) -> None:
    low, high = poisson_exact(x, level)
    assert stats.poisson.cdf(x, high) == pytest.approx((1 - level) / 2, rel=1e-6)
    if x:
        assert stats.poisson.sf(x - 1, low) == pytest.approx((1 - level) / 2, rel=1e-6)


def test_exact_poisson_bounds_hold_far_out() -> None:
    """1 − tail, rounded, would miss by 1.3e-5 here."""
    level = 1 - 1e-12
    assert poisson_exact(0, level)[1] == pytest.approx(-log((1 - level) / 2), rel=1e-9)


@given(n=st.integers(1, 2000), share=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_wilson_is_scipys(n: int, share: float, level: float) -> None:
    x = round(n * share)
    theirs = stats.binomtest(x, n).proportion_ci(level, method="wilson")
    assert wilson(x, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


# Weighted rates on their effective n ---------------------------------------------------------------------------------------
def test_wilson_on_the_effective_n_of_metrics_md_q16() -> None:
    """Newcomers 2000/200/18, middle 10,000/150/6, senior 30,000/100/1: 2.10 % (SE .813 pp), n_eff 310, .99 %–4.37 %."""
    strata = [(2000, 200, 18), (10000, 150, 6), (30000, 100, 1)]
    whole = sum(size for size, _, _ in strata)
    rate = sum(size / whole * d / n for size, n, d in strata)
    variance = sum((size / whole) ** 2 * (1 - n / size) * (d / n) * (1 - d / n) / (n - 1) for size, n, d in strata)
    assert round(100 * rate, 2) == 2.10
    assert round(100 * sqrt(variance), 3) == 0.813
    assert round(effective_n(rate, variance)) == 310
    assert [round(100 * b, 2) for b in wilson_effective(rate, variance)] == [0.99, 4.37]


@given(n=st.integers(2, 5000), share=st.floats(0.001, 0.999))
def test_of_a_simple_sample_the_effective_n_is_n(n: int, share: float) -> None:
    assert effective_n(share, share * (1 - share) / n) == pytest.approx(n)
    assert wilson_effective(share, share * (1 - share) / n) == pytest.approx(wilson(share * n, n))


def test_no_effective_n() -> None:
    assert effective_n(0.02, 0) == inf
    assert wilson_effective(0.02, 0) == (0.02, 0.02)
    assert isnan(effective_n(0, 0.001))
    assert all(isnan(b) for b in (*wilson_effective(1, 0.001), *wilson_effective(float("nan"), 0.1)))
    with pytest.raises(ValueError, match=r"a rate of 1\.2"):
        effective_n(1.2, 0.1)
    with pytest.raises(ValueError, match="variance -1"):
        effective_n(0.2, -1)


# Ratios over clusters ------------------------------------------------------------------------------------------------------
def test_ratio_by_hand() -> None:
    """r = 3/45; residuals 1/3, −2/3, 2/3, −1/3, their squares 10/9; variance 4/3 × 10/9 ÷ 45²; t(3; .975) = 3.182446."""
    found = ratio_by_cluster([1, 0, 2, 0], [10, 10, 20, 5])
    se = sqrt(4 / 3 * 10 / 9) / 45
    assert (found.value, found.se, found.n, found.reason) == (pytest.approx(3 / 45), pytest.approx(se), 4, None)
    assert (found.low, found.high) == pytest.approx((3 / 45 - 3.182446 * se, 3 / 45 + 3.182446 * se), abs=1e-7)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40))
def test_with_equal_denominators_it_is_students_interval_of_the_mean(values: list[float]) -> None:
    found = ratio_by_cluster(values, [1.0] * len(values))
    if found.low is None:
        assert np.std(values) <= 1e-9 * abs(np.mean(values))
        return
    theirs = stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(0, 5)), min_size=2, max_size=60), st.randoms())
def test_only_the_sums_by_cluster_count_and_not_their_order(rows: list[tuple[int, int, int]], chance: object) -> None:
    sums: dict[int, list[int]] = {}
    for y, x, c in rows:
        cell = sums.setdefault(c, [0, 0])
        cell[0] += y
        cell[1] += x
    chance.shuffle(rows)  # type: ignore[attr-defined]
    one = ratio_by_cluster(*zip(*((y, x) for y, x, _ in rows), strict=True), clusters=[f"c{c}" for *_, c in rows])
    other = ratio_by_cluster(*zip(*sums.values(), strict=True))
    assert (one.n, one.reason) == (other.n, other.reason)
    assert one.value == pytest.approx(other.value)
    assert one.se == pytest.approx(other.se)


def test_boxes_that_fail_together_widen_the_interval() -> None:
    """Twenty images of ten boxes, wrong all or none: as uncertain as twenty images, not as two hundred boxes."""
    wrong = np.repeat([1.0] * 4 + [0.0] * 16, 10)
    image = np.repeat(np.arange(20), 10)
    grouped, single = ratio_by_cluster(wrong, np.ones(200), image), ratio_by_cluster(wrong, np.ones(200))
    assert grouped.value == single.value == pytest.approx(0.2)
    assert grouped.se == pytest.approx(sqrt(0.2 * 0.8 / 19))
    assert single.se == pytest.approx(sqrt(0.2 * 0.8 / 199))


def test_undefined_ratios_say_why() -> None:
    assert ratio_by_cluster([], []).reason == "no sample"
    assert ratio_by_cluster([None, 0], [3, 0]).value is None
    one = ratio_by_cluster([1, 2], [10, 10], ["a", "a"])
    assert (one.value, one.low, one.n, one.reason) == (pytest.approx(0.15), None, 1, "too few clusters")
    clean = ratio_by_cluster([0] * 30, [10] * 30)
    assert (clean.value, clean.low, clean.high, clean.n, clean.reason) == (0.0, None, None, 30, "no variation")
    with pytest.raises(ValueError, match="2 numerators for 1 denominators"):
        ratio_by_cluster([1, 2], [1])
    with pytest.raises(ValueError, match="1 clusters for 2 values"):
        ratio_by_cluster([1, 2], [1, 1], ["a"])
    with pytest.raises(ValueError, match=r"a denominator of -1\.0"):
        ratio_by_cluster([1, 2], [1, -1])


def test_bootstrap_agrees_with_the_linearised_variance_and_repeats_itself() -> None:
    rng = np.random.default_rng(7)
    sizes = rng.integers(1, 20, 400)
    wrong = rng.binomial(sizes, rng.beta(2, 20, 400))
    plain, drawn = ratio_by_cluster(wrong, sizes), bootstrap_ratio(wrong, sizes)
    assert drawn.value == plain.value
    assert drawn.se == pytest.approx(plain.se, rel=0.08)
    assert (drawn.low, drawn.high) == pytest.approx((plain.low, plain.high), rel=0.05)
    assert bootstrap_ratio(wrong, sizes) == drawn
    assert bootstrap_ratio(wrong, sizes, seed=1) != drawn
    assert bootstrap_ratio(wrong, sizes, level=0.8).high < drawn.high  # type: ignore[operator]


def test_bootstrap_of_a_median_agrees_with_scipys() -> None:
    values = np.random.default_rng(3).lognormal(0, 1, 101)
    found = bootstrap(values)
    other = stats.bootstrap((values,), np.median, method="percentile", n_resamples=2000, rng=np.random.default_rng(0)).confidence_interval
    assert (found.low, found.high) == pytest.approx((other.low, other.high), rel=0.06)
    assert found.value == np.median(values)


def test_bootstrap_draws_whole_clusters() -> None:
    """Within a cluster all values are equal: ten copies of each change nothing but the cost."""
    values = np.random.default_rng(5).normal(10, 2, 40)
    copies = bootstrap(np.repeat(values, 10), np.mean, clusters=list(np.repeat(np.arange(40), 10)), draws=400)
    assert copies.n == 40
    assert copies.se == pytest.approx(values.std() / sqrt(40), rel=0.15)


def test_bootstrap_without_enough() -> None:
    assert bootstrap([]).reason == bootstrap([None]).reason == bootstrap_ratio([], []).reason == "no sample"
    assert bootstrap([1, 2, 3]).reason == bootstrap_ratio([1, 2], [3, 4]).reason == "too few clusters"
    assert bootstrap([5] * 20).reason == bootstrap_ratio([0] * 20, [1] * 20).reason == "no variation"
    assert bootstrap([None, *range(12)], clusters=list("xabcdefghijkl")).n == 12


def test_clusters_of_any_kind() -> None:
    """Names that do not sort, in an array too; NaN is one cluster, not many."""
    for clusters in (
        ["a", None, "a", 7],
        np.array(["a", None, "a", 7], dtype=object),
        [1.5, nan, 1.5, float("nan") * 2],
        np.array([1, nan, 1, nan]),
    ):
        assert ratio_by_cluster([1, 2, 3, 4], [1, 1, 1, 1], clusters).n == len({repr(c) for c in clusters})


def test_few_draws_leave_the_interval_out() -> None:
    for draws in (0, 1):
        for found in (bootstrap_ratio([1, 0] * 10, [1] * 20, draws=draws), bootstrap([1, 0] * 10, draws=draws)):
            assert (found.value, found.low, found.high, found.se, found.reason) == (0.5, None, None, None, None)


def test_a_statistic_that_is_undefined() -> None:
    def middle_of_many(values: np.ndarray) -> float:
        return float(np.median(values)) if (values > 4).sum() > 5 else nan

    never = bootstrap(range(20), lambda _: nan)
    assert (never.value, never.low, never.reason) == (None, None, "no sample")
    seldom = bootstrap(range(11), middle_of_many)
    assert (seldom.value, seldom.low) == (5.0, 5.0)  # where six of eleven are above 4, so is the median; plain resamples go down to 2
    assert bootstrap(range(11)).low < 4  # type: ignore[operator]


def test_levels_are_checked_however_few_clusters_there_are() -> None:
    for method in (ratio_by_cluster, bootstrap_ratio):
        with pytest.raises(ValueError, match="a confidence level of 5"):
            method([1], [1], level=5)
    with pytest.raises(ValueError, match="a confidence level of 5"):
        bootstrap([1], level=5)


# Counts to come ----------------------------------------------------------------------------------------------------------
@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(0, 40), st.sampled_from([0.8, 0.95, 0.998])
)
def test_counts_to_come_are_those_the_hypergeometric_does_not_refuse(seen: tuple[int, int], ahead: int, level: float) -> None:
    (x, n), tail = seen, (1 - level) / 2
    in_tail = [min(to_come.cdf(y), to_come.sf(y - 1)) for y in range(ahead + 1) if (to_come := stats.hypergeom(n + ahead, x + y, ahead))]
    surely, perhaps = ([y for y, p in enumerate(in_tail) if p > tail + edge] for edge in (1e-12, -1e-12))  # on the edge, rounding decides
    low, high = count_ahead(x, n, ahead, level)
    assert perhaps[0] <= low <= surely[0]
    assert surely[-1] <= high <= perhaps[-1]


def test_a_count_to_come_on_the_edge_of_a_tail_is_kept_or_refused_by_rounding() -> None:
    """None of 8, 8 ahead: that 3 errors in 16 all fall to the last 8 has a chance of exactly a tenth."""
    assert stats.hypergeom(16, 3, 8).sf(2) == pytest.approx(0.1, abs=1e-12)
    assert count_ahead(0, 8, 8, 0.8) in ((0, 2), (0, 3))


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.1, 0.5, 0.97])
@pytest.mark.parametrize(("n", "ahead"), [(40, 5), (40, 200), (300, 30)])
def test_counts_to_come_are_held_as_often_as_said(rate: float, n: int, ahead: int) -> None:
    """Summed over all that can be seen, not drawn."""
    held = 0.0
    for x in range(n + 1):
        low, high = count_ahead(x, n, ahead)
        held += stats.binom.pmf(x, n, rate) * (stats.binom.cdf(high, ahead, rate) - stats.binom.cdf(low - 1, ahead, rate))
    assert held >= 0.95


def test_counts_to_come_of_what_cannot_have_been_are_refused() -> None:
    for x, n, ahead in ((3, 2, 1), (-1, 2, 1), (0, 0, 1), (0, inf, 1), (nan, 2, 1), (0, 2, -1)):
        with pytest.raises(ValueError, match="to come"):
            count_ahead(x, n, ahead)
    assert count_ahead(7, 7, 3) == (1, 3)
