"""Acceptance sampling against the standard's table and published curves; weighted rates against worked cases and a second opinion."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metrics.acceptance_table import MASTER
from metrics.intervals import wilson
from metrics.sampling import (
    Stratum,
    accept_probability,
    fixed_percentage,
    horvitz_thompson,
    oc_curve,
    outgoing_limit,
    outgoing_quality,
    pass_probability,
    pass_probability_many,
    plan,
    weighted_rate,
)

SHARED = Path(os.environ.get("PIECEWORK_SHARED", Path(__file__).resolve().parents[3] / "shared"))
TABLE = SHARED / "data" / "iso2859_1.csv"
NO_TABLE = pytest.mark.skipif(not TABLE.exists(), reason=f"the resolved acceptance table is not at {SHARED}")

counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
rates = st.floats(0, 1)


# Plans -------------------------------------------------------------------------------------------------------------------
@NO_TABLE
def test_every_row_of_the_resolved_table() -> None:
    """All 2,730 rows (7 levels, 15 lot ranges, 26 AQLs), at both ends of the lot range."""
    rows = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 2730
    for row in rows:
        for lot in (int(row["lot_min"]), int(row["lot_max"] or 10**9)):
            found = plan(lot, row["aql"], row["inspection_level"])  # type: ignore[arg-type]
            want = (row["code_letter"], row["plan_letter"], int(row["n"]), int(row["ac"]), int(row["re"]))
            assert (found.letter, found.plan_letter, found.n, found.ac, found.re) == want, row


@pytest.mark.parametrize(
    ("level", "lot", "aql", "row", "n", "ac"),
    [
        ("II", 1000, 0.65, "J", 80, 1), ("II", 1000, 1.0, "J", 80, 2), ("II", 1000, 2.5, "J", 80, 5), ("II", 1000, 4.0, "J", 80, 7),
        ("II", 5000, 1.5, "L", 200, 7), ("II", 100, 1.0, "E", 13, 0), ("II", 40, 4.0, "E", 13, 1), ("II", 40, 2.5, "C", 5, 0),
        ("III", 1000, 1.0, "K", 125, 3), ("I", 1000, 1.0, "H", 50, 1), ("II", 300, 0.10, "K", 125, 0),
        ("II", 281, 1.0, "H", 50, 1), ("II", 60, 2.5, "F", 20, 1),
    ],
)  # fmt: skip
def test_spot_checks_that_three_sources_agree_on(level: str, lot: int, aql: float, row: str, n: int, ac: int) -> None:
    """metrics.md section 6: the spot checks, and the cells that public code gets wrong."""
    found = plan(lot, aql, level)  # type: ignore[arg-type]
    assert (found.plan_letter, found.n, found.ac, found.re) == (row, n, ac, ac + 1)


def test_code_letters_of_the_smallest_lots() -> None:
    assert [plan(5, 1.0, level).letter for level in ("I", "II", "III")] == ["A", "A", "B"]  # type: ignore[arg-type]


def test_the_master_table_follows_its_structure() -> None:
    """One letter down and one AQL to the left is the same Ac with a larger sample, wherever both are printed (metrics.md section 6, 7.10)."""
    rows = [line.split() for line in MASTER.strip().splitlines()][1:]
    assert [len(row) for row in rows] == [28] * 16
    pairs = 0
    for above, below in pairwise(rows):
        assert int(above[1]) < int(below[1])
        for place in range(3, 28):
            if "/" in above[place] and "/" in below[place - 1]:
                assert above[place] == below[place - 1]
                pairs += 1
        acs = [int(cell.split("/")[0]) for cell in below[2:] if "/" in cell]
        assert acs == sorted(set(acs))
    assert pairs > 100


def test_a_sample_larger_than_the_lot_means_all_of_it() -> None:
    found = plan(5, 0.010)
    assert (found.n, found.ac, found.inspected) == (1250, 0, 5)
    assert (plan(1000, 1.0).inspected, plan(1000, 1.0).accepts(2), plan(1000, 1.0).accepts(3)) == (80, True, False)
    with pytest.raises(ValueError, match="-1 bad items"):
        found.accepts(-1)


@pytest.mark.parametrize(
    ("lot", "aql", "level", "message"),
    [
        (1, 1.0, "II", "a lot of 1 items"), (0, 1.0, "II", "a lot of 0 items"), (100, 3.0, "II", r"no AQL 3.0 .* mean 2.5\?"),
        (100, "much", "II", "'much' is not a number"), (100, 1.0, "IV", "no inspection level 'IV'; there are S-1"), (100, math.inf, "II", "no AQL"),
        (math.inf, 1.0, "II", "a lot of inf items"), (math.nan, 1.0, "II", "a lot of nan items"), (99.5, 1.0, "II", "a lot of 99.5 items"),
    ],
)  # fmt: skip
def test_plans_that_do_not_exist(lot: float, aql: float | str, level: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(lot, aql, level)  # type: ignore[arg-type]


def test_fixed_percentage_is_a_different_plan_for_every_lot() -> None:
    """metrics.md Q-13, to the printed digits."""
    for lot, n, ac, printed in (
        (200, 10, 0, {0.01: ".904", 0.02: ".817", 0.03: ".737", 0.04: ".665"}),
        (2000, 100, 2, {0.01: ".921", 0.02: ".677", 0.03: ".420", 0.04: ".232"}),
        (20000, 1000, 20, {0.01: ".9985", 0.02: ".559", 0.03: ".033", 0.04: ".0003"}),
    ):
        found = fixed_percentage(lot, 0.05, 0.98)
        assert (found.n, found.ac, found.re) == (n, ac, ac + 1)
        for p, text in printed.items():
            assert f"{accept_probability(n, ac, p):.{len(text) - 1}f}"[1:] == text


def test_fixed_percentage_counts_as_written() -> None:
    """In binary, (1 − 0.9) × 10 is below 1."""
    assert fixed_percentage(100, 0.1, 0.9).ac == 1
    assert fixed_percentage(101, 0.1, 0.9).n == 11
    assert fixed_percentage(7, 1, 1).ac == 0
    for lot, share, quality in (
        (10, 0, 0.9),
        (100, math.nan, 0.98),
        (100, 0.05, math.nan),
        (100, math.inf, 0.9),
        (math.inf, 0.1, 0.9),
        (9.5, 0.1, 0.9),
    ):
        with pytest.raises(ValueError, match=f"inspect {share} of a lot"):
            fixed_percentage(lot, share, quality)  # type: ignore[arg-type]


# What a rule lets through ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("n", "ac", "p", "printed"),
    [
        (200, 7, 0.01, 0.9990), (200, 7, 0.015, 0.9887), (200, 7, 0.02, 0.9507), (200, 7, 0.03, 0.7461), (200, 7, 0.05, 0.2133),
        (200, 5, 0.015, 0.9176), (200, 5, 0.03, 0.4432), (125, 3, 0.01, 0.9626), (125, 3, 0.02, 0.7587), (125, 3, 0.05, 0.1238),
    ],
)  # fmt: skip
def test_binomial_curve(n: int, ac: int, p: float, printed: float) -> None:
    """metrics.md 7.7."""
    assert round(accept_probability(n, ac, p), 4) == printed


def test_poisson_and_hypergeometric_curves() -> None:
    """metrics.md 7.7; the Poisson case is 7 CFR 42.140 (prints 26 % and about 99 %)."""
    assert round(accept_probability(500, 3, 0.01, poisson=True), 4) == 0.2650
    assert round(accept_probability(500, 3, 0.001, poisson=True), 4) == 0.9982
    assert [round(pa, 4) for _, pa in oc_curve(50, 1, [0.01, 0.03, 0.05], lot=500)] == [0.9194, 0.5469, 0.2636]
    assert round(accept_probability(89, 2, 0.01), 4) == 0.9397  # Montgomery, ch. 15


@given(counts, st.fractions(0, 1, max_denominator=50))
def test_binomial_equals_the_sum_in_exact_arithmetic(case: tuple[int, int], p: Fraction) -> None:
    n, ac = case
    exact = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(ac + 1))
    assert accept_probability(n, ac, float(p)) == pytest.approx(float(exact), abs=1e-12)


@given(st.integers(1, 400), st.integers(1, 60), st.integers(0, 10), st.data())
def test_hypergeometric_equals_the_sum_in_exact_arithmetic(lot: int, n: int, ac: int, data: st.DataObject) -> None:
    bad, drawn = data.draw(st.integers(0, lot)), min(n, lot)
    ways = sum(math.comb(bad, i) * math.comb(lot - bad, drawn - i) for i in range(min(ac, drawn) + 1))
    assert accept_probability(n, ac, bad / lot, lot=lot) == pytest.approx(ways / math.comb(lot, drawn), abs=1e-10)


@given(counts, st.lists(rates, min_size=2, max_size=8), st.sampled_from([None, 50, 1000]), st.booleans())
def test_curves_fall_with_the_error_rate_and_rise_with_the_acceptance_number(
    case: tuple[int, int], ps: list[float], lot: int | None, poisson: bool
) -> None:
    n, ac = case
    poisson = poisson and lot is None
    curve = [pa for _, pa in oc_curve(n, ac, sorted(ps), lot, poisson)]
    assert all(0 <= pa <= 1 for pa in curve)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(curve))
    looser = [pa for _, pa in oc_curve(n, ac + 1, sorted(ps), lot, poisson)]
    assert all(more >= less - 1e-12 for less, more in zip(curve, looser, strict=True))


def test_impossible_rules_are_refused() -> None:
    for call, message in (
        (lambda: accept_probability(0, 0, 0.1), "a sample of 0"),
        (lambda: accept_probability(5, -1, 0.1), "acceptance number -1"),
        (lambda: accept_probability(5, 1, 1.1), "within 0 and 1"),
        (lambda: accept_probability(5, 1, math.nan), "within 0 and 1"),
        (lambda: accept_probability(5, 1, -0.1, poisson=True), "not negative"),
        (lambda: accept_probability(5, 1, 0.1, lot=0), "a lot of 0"),
        (lambda: accept_probability(5, 1, 0.1, lot=9, poisson=True), "no single lot"),
        (lambda: outgoing_quality(5, 1, 0.1, 0), "a lot of 0"),
        (lambda: pass_probability(5, 1, 0, 1), "a and b above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_outgoing_quality() -> None:
    """Montgomery, ch. 15: lots of 10,000, n = 89, Ac = 2, 1 % coming in, 0.93 % going out."""
    assert round(outgoing_quality(89, 2, 0.01, 10_000), 4) == 0.0093
    assert outgoing_quality(89, 2, 0.01, 80) == 0  # all is inspected and put right
    assert outgoing_limit(89, 2, 89) == (0, 0)
    assert outgoing_limit(5, 5, 100) == (1.0, 0.95)


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, min(n, 3000)))))
def test_the_limit_of_outgoing_quality_is_its_highest_point(case: tuple[int, int]) -> None:
    n, ac = case
    lot = 10 * n
    rate, limit = outgoing_limit(n, ac, lot)
    if ac == 0:  # p (1 − p)^n is highest at 1 ÷ (n + 1)
        assert rate == pytest.approx(1 / (n + 1), rel=1e-4)  # the top is flat
    dense = np.linspace(0, min(1.0, 3 * (ac + 1) / n), 1001)  # Pa is next to nothing beyond
    highest = max(pa * p * (lot - n) / lot for p, pa in oc_curve(n, ac, np.concatenate((dense, np.linspace(0, 1, 401)))))
    assert highest <= limit * (1 + 1e-12)
    assert limit <= highest * (1.001 if ac < n else 1)
    assert limit == pytest.approx(outgoing_quality(n, ac, rate, lot))


@pytest.mark.parametrize(
    ("n", "ac", "rate", "limit"), [(2000, 21, 0.00837, 0.00733), (2000, 0, 1 / 2001, 0.00018385), (5000, 0, 1 / 5001, 7.3554e-5)]
)
def test_the_limit_of_outgoing_quality_of_large_samples(n: int, ac: int, rate: float, limit: float) -> None:
    """Where nearly every rate is always refused. With Ac 0 the limit is n^n ÷ (n + 1)^(n + 1)."""
    found = outgoing_limit(n, ac, 10**12)
    assert found == pytest.approx((rate, limit), rel=1e-3)
    if ac == 0:
        assert found[1] == pytest.approx(math.exp(n * math.log(n) - (n + 1) * math.log(n + 1)), rel=1e-8)


def test_the_top_of_the_range_looked_through_is_beyond_the_worst_rate() -> None:
    """From (Ac + 1) ÷ (n + 1) on Pa × p only falls, whatever the plan."""
    for n, ac in ((1, 0), (2, 1), (10, 3), (200, 7), (2000, 21), (10_000, 100), (10_000, 9_000)):
        beyond = np.linspace((ac + 1) / (n + 1), 1, 2001)
        quality = np.array([p * pa for p, pa in oc_curve(n, ac, beyond)])
        assert (np.diff(quality) <= 1e-15).all(), (n, ac)


def test_a_rate_known_exactly_passes_as_often_as_the_curve_says() -> None:
    assert pass_probability(200, 7, 2e6, 98e6) == pytest.approx(accept_probability(200, 7, 0.02), abs=1e-5)


@given(counts, st.floats(0.05, 500), st.floats(0.05, 500))
def test_pass_probability_is_beta_binomial(case: tuple[int, int], a: float, b: float) -> None:
    """SciPy's beta-binomial as a second opinion."""
    n, ac = case
    found = pass_probability(n, ac, a, b)
    assert found == pytest.approx(float(stats.betabinom.cdf(ac, n, a, b)), abs=1e-8)
    assert 0 <= found <= 1


def test_pass_probability_of_many() -> None:
    found = pass_probability_many([10, 100, 5], [0, 2, 9], [4, 4, 4], [96, 96, 96])
    assert found.tolist() == [pass_probability(10, 0, 4, 96), pass_probability(100, 2, 4, 96), 1.0]


# What a sample says about the whole --------------------------------------------------------------------------------------
def test_reviewers_who_look_harder_at_newcomers() -> None:
    """metrics.md Q-16: naive pooled 5.56 %, weighted 2.10 % (SE .813 pp), n_eff 310, CI .99 %–4.37 %, expected bad items 880."""
    strata = [Stratum(2_000, 200, 18), Stratum(10_000, 150, 6), Stratum(30_000, 100, 1)]
    found = weighted_rate(strata)
    assert found.rate is not None
    assert found.variance is not None
    assert found.effective_n is not None
    assert found.interval is not None
    assert round(sum(s.errors for s in strata) / sum(s.inspected for s in strata), 4) == 0.0556
    assert (round(found.rate, 4), round(math.sqrt(found.variance), 5), round(found.effective_n)) == (0.0210, 0.00813, 310)
    assert [round(bound, 4) for bound in found.interval] == [0.0099, 0.0437]
    assert found.expected_errors == pytest.approx(880)
    assert (found.inspected, found.population, found.extrapolated, found.collapsed, found.reason) == (450, 42_000, 0, (), None)


def strata_at_one_rate() -> st.SearchStrategy[list[Stratum]]:
    """Strata inspected at the same share, one in k."""

    def grow(k: int) -> st.SearchStrategy[list[Stratum]]:
        cell = st.integers(2, 60).flatmap(lambda n: st.integers(0, n).map(lambda x: Stratum(n * k, n, x)))
        return st.lists(cell, min_size=1, max_size=6)

    return st.integers(1, 9).flatmap(grow)


@given(strata_at_one_rate())
def test_weighted_is_pooled_at_equal_rates(strata: list[Stratum]) -> None:
    found = weighted_rate(strata)
    assert found.rate == pytest.approx(sum(s.errors for s in strata) / sum(s.inspected for s in strata))
    if strata[0].size == strata[0].inspected:
        assert (found.variance, found.effective_n, found.interval) == (0, math.inf, (found.rate, found.rate))


@given(strata_at_one_rate(), st.randoms())
def test_the_order_of_strata_and_empty_space_change_nothing(strata: list[Stratum], random) -> None:
    shuffled = [*strata, Stratum(0, 0, 0)]
    random.shuffle(shuffled)
    one, other = weighted_rate(strata), weighted_rate(shuffled)
    assert (other.rate, other.variance) == pytest.approx((one.rate, one.variance))


def draws(strata: list[Stratum]) -> Iterator[tuple[float, float]]:
    for size, inspected, errors in strata:
        yield from [(1.0, inspected / size)] * int(errors) + [(0.0, inspected / size)] * int(inspected - errors)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(2, 40), st.integers(0, 40)), min_size=1, max_size=5))
def test_items_weighted_one_by_one_give_the_stratified_rate(cells: list[tuple[int, int, int]]) -> None:
    strata = [Stratum(n + more, n, min(x, n)) for more, n, x in cells]
    one, other = weighted_rate(strata), horvitz_thompson(*zip(*draws(strata), strict=True))
    assert other.rate == pytest.approx(one.rate)
    assert other.expected_errors == pytest.approx(one.expected_errors)
    assert other.population == pytest.approx(one.population)
    if len(strata) == 1:
        assert other.variance == pytest.approx(one.variance)


def test_the_variance_is_that_of_drawing_again_and_again() -> None:
    """20,000 stratified samples: the spread of the estimates is what the formula says on average."""
    random = np.random.default_rng(7)
    sizes, bad, drawn = np.array([400, 1600]), np.array([80, 64]), np.array([60, 40])
    found = random.hypergeometric(bad, sizes - bad, drawn, size=(20_000, 2))
    estimates = found / drawn @ (sizes / sizes.sum())
    said = [weighted_rate([(400, 60, a), (1600, 40, b)]).variance for a, b in found[:2000].tolist()]
    assert np.mean(estimates) == pytest.approx(144 / 2000, abs=0.001)
    assert np.mean([v for v in said if v is not None]) == pytest.approx(float(np.var(estimates)), rel=0.05)


def test_no_error_seen_has_an_interval_all_the_same() -> None:
    """metrics.md 1.5: 0 of n is 0 % with an interval; a simple random sample of a huge population gives Wilson's own."""
    found = weighted_rate([(10**12, 100, 0)])
    assert (found.rate, found.variance) == (0, 0)
    assert found.interval == pytest.approx(wilson(0, 100))
    split = weighted_rate([(5 * 10**11, 50, 50), (5 * 10**11, 50, 0)])
    assert (split.rate, split.variance) == (0.5, 0)
    assert split.interval == pytest.approx(wilson(50, 100))


def test_a_stratum_without_a_sample_is_marked() -> None:
    alone = weighted_rate([(1000, 100, 5), (2000, 50, 1)])
    found = weighted_rate([(1000, 100, 5), (2000, 50, 1), (1000, 0, 0)])
    assert (found.rate, found.variance, found.effective_n) == pytest.approx((alone.rate, alone.variance, alone.effective_n))
    assert found.interval == pytest.approx(alone.interval)
    assert (found.extrapolated, found.population) == (0.25, 4000)
    assert found.expected_errors == pytest.approx(4000 * (1000 * 0.05 + 2000 * 0.02) / 3000)


def test_a_single_inspected_item_borrows_its_spread() -> None:
    """By hand: W = 0.1 and 0.9; the spread of stratum 0 is that of 1 + 2 bad in 1 + 50: 51/50 × 3/51 × 48/51."""
    found = weighted_rate([(100, 1, 1), (900, 50, 2)])
    own = 0.9**2 * (1 - 50 / 900) * 0.04 * 0.96 / 49
    borrowed = 0.1**2 * (1 - 1 / 100) * (51 / 50) * (3 / 51) * (48 / 51)
    assert found.rate == pytest.approx(0.1 * 1 + 0.9 * 0.04)
    assert found.variance == pytest.approx(own + borrowed)
    assert found.collapsed == (0,)
    last = weighted_rate([(900, 50, 2), (5, 0, 0), (100, 1, 1)])
    assert last.collapsed == (2,)
    assert last.variance == pytest.approx(found.variance)


def test_one_inspected_item_and_nothing_beside_it() -> None:
    found = weighted_rate([(100, 1, 0)])
    assert (found.rate, found.variance, found.collapsed) == (0, None, ())
    assert found.interval == pytest.approx(wilson(0, 100 / 99))
    whole = weighted_rate([(1, 1, 1), (100, 50, 0)])
    assert whole.collapsed == ()
    assert whole.rate == pytest.approx(1 / 101)


def test_without_a_sample_there_is_no_rate() -> None:
    assert [weighted_rate(s).reason for s in ([], [(0, 0, 0)], [(10, 0, 0)])] == ["no population", "no population", "nothing inspected"]
    assert weighted_rate([(10, 0, 0)]).rate is None
    assert horvitz_thompson([], []).reason == "nothing inspected"
    targeted = horvitz_thompson([1, 1], [None, None])
    assert (targeted.rate, targeted.reason, targeted.excluded) == (None, "no inclusion probability", 2)


def test_targeted_checks_are_left_out() -> None:
    mixed = horvitz_thompson([1, 0, 0, 1, 1], [0.5, 0.5, 0.1, 0.1, None])
    plain = horvitz_thompson([1, 0, 0, 1], [0.5, 0.5, 0.1, 0.1])
    assert (mixed.rate, mixed.variance, mixed.excluded) == (plain.rate, plain.variance, 1)
    everything = horvitz_thompson([1, 0, 0], [1, 1, 1])
    assert (everything.variance, everything.effective_n) == (0, math.inf)
    assert horvitz_thompson([1], [0.5]).variance is None


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=9), st.floats(0, 1))
def test_values_that_are_all_alike_have_no_variance_but_an_interval(probabilities: list[float], value: float) -> None:
    """Effective n is then that of weights alone, (Σ 1/π)² ÷ Σ (1 − π)/π², by exact fractions; never infinite, and the interval has a width:
    Wilson's (1927, JASA 22) for that n."""
    found = horvitz_thompson([value] * len(probabilities), probabilities)
    exact = [Fraction(p) for p in probabilities]
    alone = sum(1 / p for p in exact) ** 2 / sum((1 - p) / p**2 for p in exact)
    assert (found.variance, found.effective_n) == (0, pytest.approx(float(alone)))
    assert found.interval is not None
    n, z = float(alone), 1.959963984540054
    centre = (value + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(value * (1 - value) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert found.interval == pytest.approx((centre - half, centre + half), abs=1e-9)


@pytest.mark.parametrize("stratum", [(10, 11, 0), (10, 5, 6), (10, 5, -1), (math.nan, 5, 1)])
def test_impossible_strata_are_refused(stratum: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="0 ≤ errors ≤ inspected ≤ size"):
        weighted_rate([stratum])


def test_impossible_items_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        horvitz_thompson([1], [])
    with pytest.raises(ValueError, match="a probability above 0"):
        horvitz_thompson([1], [0])
    with pytest.raises(ValueError, match="a value lies within 0 and 1"):
        horvitz_thompson([2], [0.5])
