"""Funnel limits and flags against Public Health England's test files, over-dispersion by hand, Mantel–Haenszel against R."""

from __future__ import annotations

from math import asin, exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metrics.chance import sides
from metrics.funnel import funnel, lines, mantel_haenszel, standardise
from metrics.intervals import poisson_exact

PHE_TARGET = 0.80642448
# PHEindicatormethods, tests: size, lower and upper 95 %, lower and upper 99.8 % in per cent (metrics.md 7.4 prints three of these).
PHE_LINES = [
    (1, 3.204264, 100, 0, 100),
    (2, 25.885383, 100, 0, 100),
    (3, 35.933491, 100, 10.150815, 100),
    (4, 41.923356, 100, 19.594903, 100),
]
# The same, ratios: count, and the expected counts at which it lies on the lower and upper 95 % and 99.8 % line.
PHE_RATIOS = [
    (1, 5.571644585, 0.025317898, 9.233410143, 0.001000547), (5, 11.6683331, 1.623486324, 16.45474478, 0.739371928),
    (10, 18.39035799, 4.795387629, 24.13397235, 2.960519925), (28, 40.46778889, 18.60579439, 48.51942314, 14.44057519),
]  # fmt: skip
# The same: observed, expected, what they call it.
PHE_FLAGS = [
    (8, 6.239860227, "within"), (151, 106.4429719, "above"), (159, 232.9329036, "below"), (191, 184.0963855, "within"),
    (124, 183.894409, "below"), (220, 249.8012944, "within"), (150, 119.5695496, "within"), (0, 240.6273499, "below"),
    (182, 196.799308, "within"), (151, 204.6070461, "below"), (206, 139.4719025, "above"), (101, 126.2973615, "within"),
]  # fmt: skip


# Chance alone ----------------------------------------------------------------------------------------------------------------
def test_binomial_lines_of_phe() -> None:
    sizes = [n for n, *_ in PHE_LINES]
    inner, outer = lines(sizes, PHE_TARGET), lines(sizes, PHE_TARGET, 0.998)
    for i, (_, *printed) in enumerate(PHE_LINES):
        assert [100 * float(line[i]) for line in (*inner, *outer)] == pytest.approx(printed, abs=1.5e-6)  # the target is rounded
    low, high = lines([110000], PHE_TARGET)
    assert (round(float(low[0]), 8), round(float(high[0]), 8)) == (0.80408963, 0.80875933)


def test_exact_lines_of_phe_for_ratios() -> None:
    for count, *expected in PHE_RATIOS:
        for place, at in enumerate(expected):
            line = lines([at], 1.0, 0.95 if place < 2 else 0.998, "ratio")[place % 2]
            assert line[0] * at == pytest.approx(count, rel=1e-5)


def test_flags_of_phe_for_ratios() -> None:
    observed, expected, printed = zip(*PHE_FLAGS, strict=True)
    found = funnel(observed, expected, 1.0, overdispersion=False, basis="ratio")
    assert found.sides == printed
    assert list(found.flagged) == [side != "within" for side in printed]


@given(st.lists(st.tuples(st.integers(1, 3000), st.floats(0, 1)), min_size=1, max_size=20), st.floats(0.005, 0.995))
def test_a_flag_is_what_wilson_says(groups: list[tuple[int, float]], target: float) -> None:
    """metrics.md 1.5: outside the funnel exactly when Wilson's interval leaves out the target; small groups unsure in both."""
    sizes = [n for n, _ in groups]
    counts = [round(n * share) for n, share in groups]
    found = funnel(counts, sizes, target, overdispersion=False)
    for i, side in enumerate(sides([x / n for x, n in zip(counts, sizes, strict=True)], sizes, target)):
        assert found.sides[i] == side or abs(abs(found.z[i]) - 3.0902323061678132) < 1e-9
        if side != "unsure" and not found.low998[i] - 1e-12 <= found.value[i] <= found.high998[i] + 1e-12:
            assert found.flagged[i]


@given(observed=st.integers(0, 300), expected=st.floats(0.1, 300), target=st.sampled_from([1.0, 0.8, 2.5]))
def test_a_flagged_ratio_is_what_its_exact_interval_says(observed: int, expected: float, target: float) -> None:
    found = funnel([observed], [expected], target, overdispersion=False, basis="ratio")
    low, high = poisson_exact(observed, 0.998)
    side = "above" if low > expected * target else "below" if high < expected * target else "within"
    near = min(abs(low - expected * target), abs(high - expected * target)) < 1e-6
    assert near or found.sides == (side,)
    outside = not found.low998[0] <= found.value[0] <= found.high998[0]
    assert near or outside == found.flagged[0]


def test_the_z_of_a_ratio_is_the_quantile_of_its_poisson_tail() -> None:
    found = funnel([150, 100, 60], [100, 100, 100], 1.0, overdispersion=False, basis="ratio")
    assert found.z[0] == pytest.approx(stats.norm.isf(stats.poisson.sf(149, 100)))
    assert found.z[1] == 0
    assert found.z[2] == pytest.approx(stats.norm.ppf(stats.poisson.cdf(60, 100)))


def test_how_many_healthy_people_are_flagged() -> None:
    """metrics.md 1.8: of 800 healthy people 95 % lines flag 40, 99.8 % lines 1.6."""
    rng = np.random.default_rng(11)
    counts = rng.binomial(2000, 0.05, (100, 800))
    found = funnel(counts.ravel(), [2000] * 80000, 0.05, overdispersion=False)
    outside95 = (found.value < found.low95) | (found.value > found.high95)
    assert outside95.sum() / 100 == pytest.approx(40, rel=0.1)
    assert found.flagged.sum() / 100 == pytest.approx(1.6, rel=0.35)


# Over-dispersion ---------------------------------------------------------------------------------------------------------------
def test_over_dispersion_by_hand() -> None:
    """Eleven groups of 400: the 10 % point of eleven is the second, so the ends are drawn in to their neighbours. All w = 1600."""
    counts = [2, 40, 60, 70, 75, 80, 85, 90, 100, 130, 300]
    found = funnel(counts, [400] * 11, 0.2)
    z = [(asin(sqrt(x / 400)) - asin(sqrt(0.2))) / (1 / 40) for x in counts]
    z[0], z[-1] = z[1], z[-2]
    phi = sum(v * v for v in z) / 11
    tau2 = (11 * phi - 10) / (11 * 1600 - 1600)
    assert found.phi == pytest.approx(phi)
    assert found.tau2 == pytest.approx(tau2)
    assert found.groups == 11
    assert found.z[-1] == pytest.approx((asin(sqrt(0.75)) - asin(sqrt(0.2))) / sqrt(1 / 1600 + tau2))
    reach = 3.0902323061678132 * sqrt(1 / 1600 + tau2)
    assert found.high998[0] == pytest.approx(np.sin(asin(sqrt(0.2)) + reach) ** 2)
    assert found.low998[0] == pytest.approx(np.sin(max(0.0, asin(sqrt(0.2)) - reach)) ** 2)
    assert found.sides == ("below", *["within"] * 9, "above")
    assert funnel(counts, [400] * 11, 0.2, overdispersion=False).sides == ("below", "below", *["within"] * 7, "above", "above")


def test_over_dispersed_ratios_by_hand() -> None:
    """A count of 0 stands as one half; limits exp(± z √(1/E + tau²)) around the target."""
    counts, expected = [0, 20, 30, 45, 50, 55, 60, 80, 90, 110, 200], [50.0] * 11
    found = funnel(counts, expected, 1.0, basis="ratio")
    z = [log(max(x, 0.5) / 50) * sqrt(50) for x in counts]
    z[0], z[-1] = z[1], z[-2]
    phi = sum(v * v for v in z) / 11
    tau2 = (11 * phi - 10) / (10 * 50)
    assert (found.phi, found.tau2) == pytest.approx((phi, tau2))
    assert found.high95[3] == pytest.approx(exp(1.959963984540054 * sqrt(1 / 50 + tau2)))
    assert found.low95[3] == pytest.approx(exp(-1.959963984540054 * sqrt(1 / 50 + tau2)))
    assert found.z[0] == pytest.approx(log(0.01) / sqrt(1 / 50 + tau2))
    assert found.flagged[0]


def test_groups_that_differ_by_chance_alone_keep_their_lines() -> None:
    rng = np.random.default_rng(2)
    sizes = rng.integers(200, 4000, 300)
    counts = rng.binomial(sizes, 0.2)
    with_, without = funnel(counts, sizes, 0.2), funnel(counts, sizes, 0.2, overdispersion=False)
    assert with_.tau2 == 0  # winsorising makes phi a little under 1
    assert with_.phi == pytest.approx(0.85, abs=0.15)
    assert np.array_equal(with_.high998, without.high998)
    assert with_.sides == without.sides


def test_the_variance_between_groups_is_found() -> None:
    """Rates whose arcsine root is normal with a standard deviation of 0.05: winsorising takes some of it away."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(1000, 20000, 2000)
    rates = np.sin(asin(sqrt(0.2)) + rng.normal(0, 0.05, 2000)) ** 2
    found = funnel(rng.binomial(sizes, rates), sizes, 0.2)
    assert 0.6 * 0.05**2 < found.tau2 < 0.05**2
    assert funnel(rng.binomial(sizes, rates), sizes, 0.2, overdispersion=False).flagged.mean() > 0.3
    assert found.flagged.mean() < 0.03


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(60, 900)), min_size=3, max_size=30), st.randoms())
def test_order_does_not_matter(groups: list[tuple[int, int]], chance: object) -> None:
    before = funnel(*zip(*groups, strict=True))
    places = list(range(len(groups)))
    chance.shuffle(places)  # type: ignore[attr-defined]
    after = funnel(*zip(*(groups[i] for i in places), strict=True))
    assert after.tau2 == pytest.approx(before.tau2, abs=1e-12)
    assert after.z == pytest.approx(before.z[places], nan_ok=True, abs=1e-9)


# Small, empty, impossible --------------------------------------------------------------------------------------------------------
def test_small_and_missing_groups_are_not_judged() -> None:
    found = funnel([29, None, 0, 90, 10], [29, 100, 0, 100, 100], 0.1, overdispersion=False)
    assert found.sides == ("unsure", "unsure", "unsure", "above", "within")
    assert found.groups == 2
    assert np.isnan(found.value[1:3]).all()
    assert np.isnan(found.z[1:3]).all()
    assert np.isnan(found.high95[1:3]).all()
    assert funnel([29], [29], 0.1, min_size=10).sides == ("above",)


def test_the_target_of_all_together() -> None:
    assert funnel([10, 20, None], [100, 200, 50]).target == pytest.approx(0.1)
    assert funnel([10, 25], [10.0, 20.0], basis="ratio").target == pytest.approx(35 / 30)


def test_no_target_or_no_room() -> None:
    nothing = funnel([None, 3], [10, None])
    assert (nothing.target, nothing.sides, nothing.phi, nothing.groups) == (None, ("unsure", "unsure"), None, 0)
    assert funnel([0, 0], [5.0, 5.0], basis="ratio").target is None
    assert funnel([], []).sides == ()
    clean = funnel([0, 0, 0], [100] * 3)
    assert (clean.target, clean.sides, clean.high998[0]) == (0.0, ("within",) * 3, 0.0)
    assert funnel([0, 1], [100] * 2, 0.0, overdispersion=False).sides == ("within", "above")
    alone = funnel([5], [100])
    assert (alone.phi, alone.tau2, alone.sides) == (None, 0.0, ("within",))


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="group 1: a count of 6 out of 5"):
        funnel([1, 6], [5, 5])
    with pytest.raises(ValueError, match="group 0: a count of -1 out of 5"):
        funnel([-1], [5], basis="ratio")
    with pytest.raises(ValueError, match="2 counts for 1 sizes"):
        funnel([1, 2], [5])
    with pytest.raises(ValueError, match=r"a target proportion of 1\.2"):
        funnel([1], [5], 1.2)
    with pytest.raises(ValueError, match="a target ratio of 0"):
        funnel([1], [5], 0, basis="ratio")
    for target, basis in ((1.2, "proportion"), (float("nan"), "proportion"), (0, "ratio"), (-1, "ratio")):
        with pytest.raises(ValueError, match=f"a target {basis} of {target}"):
            lines([5], target, basis=basis)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a confidence level of 1"):
        lines([5], 0.5, 1)


# Indirect standardisation ----------------------------------------------------------------------------------------------------------
# PHEindicatormethods, test file: 19 age bands; population, and the reference's count and population.
BANDS = [
    (636, 10303, 50520), (558, 2824, 57173), (609, 0, 60213), (543, 3615, 54659), (384, 3641, 44345), (594, 3490, 50128), (669, 3789, 62163),
    (843, 3213, 67423), (660, 3031, 62899), (576, 2771, 55463), (606, 3089, 60479), (522, 3490, 49974), (426, 3595, 44140), (273, 4745, 40888),
    (300, 5514, 37239), (288, 7125, 30819), (153, 5694, 18136), (123, 6210, 15325), (207, 5757, 13918),
]  # fmt: skip


@pytest.mark.parametrize(
    ("observed", "level", "ratio", "low", "high"),
    [
        (895, 0.95, 1.070723, 1.001715, 1.143233), (91, 0.95, 0.108867, 0.087650, 0.133666), (9, 0.95, 0.010767, 0.004923, 0.020439),
        (895, 0.998, 1.070723, 0.963516, 1.186007), (91, 0.998, 0.108867, 0.076954, 0.148979), (9, 0.998, 0.010767, 0.002934, 0.027106),
    ],
)  # fmt: skip
def test_standardised_ratio_of_phe(observed: int, level: float, ratio: float, low: float, high: float) -> None:
    found = standardise(observed, *zip(*BANDS, strict=True), level)
    assert round(found.expected, 6) == 835.883561
    assert [round(v, 6) for v in (found.ratio, found.low, found.high)] == [ratio, low, high]  # type: ignore[arg-type]
    assert found.n == 8970


def test_standardised_ratio_without_a_value() -> None:
    assert standardise(0, [], [], []).reason == standardise(0, [0], [5], [100]).reason == "no sample"
    clean = standardise(2, [50], [0], [100])
    assert (clean.ratio, clean.low, clean.expected, clean.n, clean.reason) == (None, None, 0.0, 50.0, "nothing expected")
    assert standardise(3, [100, 0], [10, 0], [100, 0]).expected == 10
    with pytest.raises(ValueError, match="stratum 1: no reference rate"):
        standardise(3, [100, 5], [10, 0], [100, 0])
    with pytest.raises(ValueError, match="1 sizes, 2 reference counts, 1 reference sizes"):
        standardise(3, [100], [10, 0], [100])
    nan = float("nan")
    for wrong in ((-1, 100, 10, 100), (nan, 100, 10, 100), (1, nan, 10, 100), (1, 100, nan, 100), (1, 100, 10, nan)):
        with pytest.raises(ValueError, match="negative or null"):
            standardise(wrong[0], *([part] for part in wrong[1:]))


# Mantel–Haenszel ---------------------------------------------------------------------------------------------------------------------
MEN, OF = [512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373]
WOMEN, AMONG = [89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341]


def test_berkeley_admissions_as_r_prints_them() -> None:
    """R, mantelhaen.test(UCBAdmissions): .9046968 (.7719074, 1.0603298), 1.4269, p .2323; without correction 1.5246, p .2169."""
    found = mantel_haenszel(MEN, OF, WOMEN, AMONG)
    assert [round(v, 7) for v in (found.value, found.low, found.high)] == [0.9046968, 0.7719074, 1.0603298]  # type: ignore[arg-type]
    assert (round(found.statistic, 4), round(found.p, 4)) == (1.4269, 0.2323)  # type: ignore[arg-type]
    bare = mantel_haenszel(MEN, OF, WOMEN, AMONG, correction=False)
    assert (round(bare.statistic, 4), round(bare.p, 4)) == (1.5246, 0.2169)  # type: ignore[arg-type]
    assert found.n == 4526


def test_doctors_who_smoke_as_stata_prints_them() -> None:
    """Coronary deaths in person-years of five ages (Doll & Hill 1966; `breslow` in R's boot): Stata's ir, M–H combined, 1.424682 (1.154703, 1.757784).

    Without ages it is 1.72: smokers were younger, and the ratio falls with age.
    """
    smokers, years = [32, 104, 206, 186, 102], [52407, 43248, 28612, 12663, 5317]
    others, theirs = [2, 12, 28, 28, 31], [18790, 10673, 5710, 2585, 1462]
    found = mantel_haenszel(smokers, years, others, theirs, "rate ratio")
    assert [round(v, 6) for v in (found.value, found.low, found.high)] == [1.424682, 1.154703, 1.757784]  # type: ignore[arg-type]
    crude = mantel_haenszel([sum(smokers)], [sum(years)], [sum(others)], [sum(theirs)], "rate ratio")
    assert round(crude.value, 2) == 1.72  # type: ignore[arg-type]


@given(a=st.integers(1, 500), c=st.integers(1, 500), t1=st.floats(0.5, 1000), t0=st.floats(0.5, 1000))
def test_the_rate_ratio_of_one_stratum(a: int, c: int, t1: float, t0: float) -> None:
    """a ÷ t1 over c ÷ t0, the log's variance 1/a + 1/c; the test is the binomial's normal one of how a + c are shared out by time."""
    found = mantel_haenszel([a], [t1], [c], [t0], "rate ratio", correction=False)
    assert found.value == pytest.approx(a / t1 / (c / t0))
    assert log(found.high / found.low) == pytest.approx(2 * 1.959963984540054 * sqrt(1 / a + 1 / c))  # type: ignore[operator]
    share = t1 / (t1 + t0)
    assert found.statistic == pytest.approx((a - (a + c) * share) ** 2 / ((a + c) * share * (1 - share)), rel=1e-6, abs=1e-9)


def test_rates_that_cannot_be_compared() -> None:
    assert mantel_haenszel([5], [2.0], [0], [2.0], "rate ratio").reason == "no events"
    assert mantel_haenszel([5], [2.0], [3], [0.0], "rate ratio").reason == "no sample"
    with pytest.raises(ValueError, match="below 0"):
        mantel_haenszel([5], [-2.0], [3], [1.0], "rate ratio")


strata = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=6)


@given(a=st.integers(1, 50), b=st.integers(1, 50), c=st.integers(1, 50), d=st.integers(1, 50))
def test_of_one_stratum_they_are_the_plain_ratios(a: int, b: int, c: int, d: int) -> None:
    """Odds ratio with Woolf's variance, risk ratio with Katz's; the test is Pearson's chi-square × (N − 1) ÷ N."""
    odds = mantel_haenszel([a], [a + b], [c], [c + d])
    assert odds.value == pytest.approx(a * d / (b * c))
    assert log(odds.high / odds.low) == pytest.approx(2 * 1.959963984540054 * sqrt(1 / a + 1 / b + 1 / c + 1 / d))  # type: ignore[operator]
    risk = mantel_haenszel([a], [a + b], [c], [c + d], "risk ratio", correction=False)
    assert risk.value == pytest.approx(a / (a + b) / (c / (c + d)))
    assert log(risk.high / risk.low) == pytest.approx(  # type: ignore[operator]
        2 * 1.959963984540054 * sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)), abs=1e-9
    )
    n = a + b + c + d
    assert risk.statistic == pytest.approx(stats.chi2_contingency([[a, b], [c, d]], correction=False).statistic * (n - 1) / n)


@given(strata)
def test_swapping_the_groups_inverts_the_ratio(cells: list[tuple[int, int, int, int]]) -> None:
    a, b, c, d = (np.array(part) for part in zip(*cells, strict=True))
    for measure in ("odds ratio", "risk ratio"):
        one, other = mantel_haenszel(a, a + b, c, c + d, measure), mantel_haenszel(c, c + d, a, a + b, measure)  # type: ignore[arg-type]
        assert one.value * other.value == pytest.approx(1)  # type: ignore[operator]
        assert (one.low * other.high, one.high * other.low) == pytest.approx((1, 1))  # type: ignore[operator]
        assert (one.statistic, one.p) == pytest.approx((other.statistic, other.p))


def test_a_paradox_is_undone() -> None:
    """One group errs half as often in either project, yet more often over all, because it does the hard one."""
    found = mantel_haenszel([90, 1], [900, 100], [20, 18], [100, 900], "risk ratio")
    assert 91 / 1000 > 38 / 1000
    assert found.value == pytest.approx(0.5)


def test_the_far_tail_is_told() -> None:
    """90 of 150 against 15 of 150: chi-square 82.14, whose tail is 1.3e-19 and not 0."""
    found = mantel_haenszel([90], [150], [15], [150], correction=False)
    pearson = stats.chi2_contingency([[90, 60], [15, 135]], correction=False).statistic
    assert found.p == pytest.approx(stats.chi2.sf(pearson * 299 / 300, 1), rel=1e-9)
    assert 0 < found.p < 2e-19  # type: ignore[operator]


def test_strata_in_which_nothing_can_be_compared() -> None:
    """Where one side has no event the other has nothing but events: both sides had some, and neither had them always."""
    found = mantel_haenszel([0, 5], [5, 10], [5, 5], [10, 5])
    assert (found.value, found.reason) == (None, "nothing to compare")


def test_mantel_haenszel_without_a_value() -> None:
    assert mantel_haenszel([], [], [], []).reason == "no sample"
    assert mantel_haenszel([3], [10], [0], [0]).reason == "no sample"
    none = mantel_haenszel([0], [10], [0], [10])
    assert (none.value, none.low, none.statistic, none.p, none.n, none.reason) == (None, None, None, None, 20.0, "no events")
    one_sided = mantel_haenszel([0], [100], [20], [100])
    assert (one_sided.value, one_sided.reason) == (None, "no events")
    assert one_sided.p < 0.001  # type: ignore[operator]
    assert mantel_haenszel([10], [10], [3], [10]).reason == "only events"
    assert mantel_haenszel([10], [10], [5], [10], "risk ratio").value == pytest.approx(2)
    for cell in ((11, 10, 3, 10), (float("nan"), 10, 3, 10), (1, float("nan"), 3, 10)):
        with pytest.raises(ValueError, match="above its size"):
            mantel_haenszel(*([part] for part in cell))
    with pytest.raises(ValueError, match="1, 1, 2 and 1 values"):
        mantel_haenszel([1], [10], [3, 4], [10])
