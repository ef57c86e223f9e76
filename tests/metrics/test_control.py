"""Control limits against published charts (NIST e-Handbook 6.3.3.2, Montgomery ch. 7, Mohammed 2013).

The inputs are those of the R packages qicharts2 (its data nhs_accidents, and Montgomery's tables 7.3, 7.4, 7.7/7.8, 7.10 and 7.11 in the
reference results of its tests) and qcc (orangejuice, circuit, dyedcloth): compared value by value.
"""

from __future__ import annotations

import random
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from metrics.control import Signal, carry, chart, limits, proportions, runs, signals

NIST = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
NHS = [
    (266501, 280443), (264225, 276823), (276532, 291681), (281461, 296155), (269071, 282343), (261215, 275888), (270409, 283867),
    (279778, 295251), (270483, 284468), (270320, 282529), (267923, 279618), (271478, 283932), (255353, 266629), (256820, 268091),
    (261835, 276803), (259144, 271578), (255910, 266005), (260863, 273520), (264465, 278574), (260989, 273772),
]  # fmt: skip


def test_p_chart_of_nist() -> None:
    found = limits(NIST, [50] * 30)
    assert found is not None
    assert found.centre == pytest.approx(347 / 1500)
    assert (found.lower[0], found.upper[0]) == pytest.approx((0.052428, 0.410239), abs=1e-6)
    outside = [s.index + 1 for s in signals([x / 50 for x in NIST], found) if s.rule == "outside"]
    assert outside == [15, 23]
    assert (found.sigma_z, found.warning) == (1.0, None)


def test_baseline_without_explained_points() -> None:
    kept = [i not in (14, 22) for i in range(30)]
    found = limits(NIST, [50] * 30, baseline=kept)
    assert found is not None
    assert found.centre == pytest.approx(0.215)
    assert (found.lower[14], found.upper[14]) == pytest.approx((0.040703, 0.389297), abs=1e-6)
    assert [s.index + 1 for s in signals([x / 50 for x in NIST], found, kept) if s.rule == "outside"] == [21]


def test_laney_of_nhs_waiting_times() -> None:
    counts, sizes = [r for r, _ in NHS], [n for _, n in NHS]
    rates = [r / n for r, n in NHS]
    plain, laney = limits(counts, sizes, "p"), limits(counts, sizes, "p_laney")
    assert plain is not None
    assert laney is not None
    assert laney.centre == pytest.approx(0.952899711, abs=1e-9)
    assert laney.sigma_z == pytest.approx(10.640422, abs=1e-6)
    assert (plain.lower[0], plain.upper[0]) == pytest.approx((0.951700, 0.954100), abs=1e-6)
    assert (laney.lower[0], laney.upper[0]) == pytest.approx((0.940130, 0.965670), abs=1e-6)
    assert sum(s.rule == "outside" for s in signals(rates, plain)) == 16
    assert sum(s.rule == "outside" for s in signals(rates, laney)) == 0
    assert proportions(counts, sizes) == laney


def test_three_ways_to_sigma_z() -> None:
    """metrics.md 7.3: moving range ÷ 1.128, ÷ 2/√π, standard deviation; limits widen in proportion, plain charts do not move."""
    counts, sizes = [r for r, _ in NHS], [n for _, n in NHS]
    found = {spread: limits(counts, sizes, "p_laney", spread=spread) for spread in ("range", "range exact", "deviation")}
    assert {spread: one and round(one.sigma_z, 6) for spread, one in found.items()} == {
        "range": 10.640422, "range exact": 10.636846, "deviation": 10.778323,
    }  # fmt: skip
    assert found["range"] == limits(counts, sizes, "p_laney")
    for one in found.values():
        assert one is not None
        assert one.upper[0] - one.centre == pytest.approx(  # type: ignore[operator]
            3 * one.sigma_z * (one.centre * (1 - one.centre) / sizes[0]) ** 0.5
        )
    by_rate = [limits(counts, sizes, "u_laney", spread=spread) for spread in ("range", "range exact")]
    assert by_rate[0] is not None
    assert by_rate[1] is not None
    assert by_rate[1].sigma_z / by_rate[0].sigma_z == pytest.approx(1.128 / 1.1283791670955126)
    assert limits(counts, sizes, "p", spread="deviation") == limits(counts, sizes, "p")
    wide = chart(counts, sizes, spread="deviation")
    assert wide is not None
    assert wide.sigma_z == found["deviation"].sigma_z  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="no spread 'sd'"):
        limits(counts, sizes, "p_laney", spread="sd")  # type: ignore[arg-type]


def test_a_slow_drift_is_noise_to_the_deviation_and_not_to_the_range() -> None:
    counts = [20 + 4 * i for i in range(20)]
    by_range, by_deviation = (limits(counts, [1000] * 20, "p_laney", spread=spread) for spread in ("range", "deviation"))  # type: ignore[arg-type]
    assert by_range is not None
    assert by_deviation is not None
    assert by_deviation.sigma_z > 4 * by_range.sigma_z


def test_u_chart_of_montgomery() -> None:
    metres = [10, 8, 13, 10, 9.5, 10, 12, 10.5, 12, 12.5]
    found = limits([14, 12, 20, 11, 7, 10, 21, 16, 19, 23], metres, "u")
    assert found is not None
    assert found.centre == pytest.approx(1.423256, abs=1e-6)
    for place, low, high in ((0, 0.291, 2.555), (1, 0.158, 2.689), (2, 0.431, 2.416)):
        assert (found.lower[place], found.upper[place]) == pytest.approx((low, high), abs=1e-3)


def test_small_steady_samples_take_the_plain_chart() -> None:
    found = proportions([5, 6] * 10, [50] * 20)
    assert found is not None
    assert (found.kind, found.sigma_z) == ("p", 1.0)


def test_points_without_a_sample_have_no_limits_and_give_no_signal() -> None:
    found = limits([1, None, 0, *[1] * 8], [10, None, 0, *[10] * 8])
    assert found is not None
    assert found.lower[1] is found.lower[2] is None
    assert signals([0.1, None, None, *[0.1] * 8], found) == ()


def test_too_few_points_make_a_centre_only() -> None:
    found = limits([1, 9], [10, 10])
    assert found is not None
    assert (found.centre, found.lower, found.upper) == (0.5, (None, None), (None, None))
    assert limits([], []) is None
    assert limits([None], [None]) is None


def test_a_long_run_is_a_signal() -> None:
    # 24 points: a run longer than round(log2 24) + 3 = 8 on one side.
    counts = [4, 6] * 7 + [6] + [4] * 9
    found = limits(counts, [100] * 24)
    assert found is not None
    assert signals([x / 100 for x in counts], found) == (Signal(23, "run"),)
    shorter = [4, 6] * 8 + [4] * 8
    other = limits(shorter, [100] * 24)
    assert other is not None
    assert signals([x / 100 for x in shorter], other) == ()


def test_p_chart_of_varying_samples_of_montgomery() -> None:
    """Purchase orders (table 7.4): 234 of 2450; the eleventh week is out."""
    n = [100, 80, 80, 100, 110, 110, 100, 100, 90, 90, 110, 120, 120, 120, 110, 80, 80, 80, 90, 100, 100, 100, 100, 90, 90]
    d = [12, 8, 6, 9, 10, 12, 11, 16, 10, 6, 20, 15, 9, 8, 6, 8, 10, 7, 5, 8, 5, 8, 10, 6, 9]
    assert (sum(d), sum(n)) == (234, 2450)
    found = limits(d, n)
    assert found is not None
    assert round(found.centre, 6) == 0.095510
    assert [round(b, 6) for b in (found.lower[0], found.upper[0], found.upper[1])] == [0.007335, 0.183686, 0.194093]  # type: ignore[arg-type]
    assert round(found.upper[10], 6) == 0.179582  # type: ignore[arg-type]
    outside = [s for s in signals([x / m for x, m in zip(d, n, strict=True)], found) if s.rule == "outside"]
    assert outside == [Signal(10, "outside")]
    assert round(d[10] / n[10], 6) == 0.181818


def test_u_chart_of_one_size_of_montgomery() -> None:
    """Shipments (table 7.10): 74 errors in 20 samples of 50."""
    errors = [2, 3, 8, 1, 1, 4, 1, 4, 5, 1, 8, 2, 4, 3, 4, 1, 8, 3, 7, 4]
    assert sum(errors) == 74
    found = limits(errors, [50] * 20, "u")
    assert found is not None
    assert (round(found.centre, 6), found.lower[0], round(found.upper[0], 6)) == (0.074, 0.0, 0.189412)  # type: ignore[arg-type]


def test_c_chart_of_montgomery() -> None:
    """Circuit boards (table 7.7/7.8): the sixth and twentieth were explained and left out."""
    boards = [21, 24, 16, 12, 15, 5, 28, 20, 31, 25, 20, 24, 16, 19, 10, 17, 13, 22, 18, 39, 30, 24, 16, 19, 17, 15]
    found = limits(boards, None, "c")
    assert found is not None
    assert [round(b, 6) for b in (found.centre, found.lower[0], found.upper[0])] == [19.846154, 6.481447, 33.210861]  # type: ignore[arg-type]
    assert signals(boards, found) == (Signal(5, "outside"), Signal(19, "outside"))
    kept = [i not in (5, 19) for i in range(26)]
    found = limits(boards, None, "c", kept)
    assert found is not None
    assert [round(b, 6) for b in (found.centre, found.lower[5], found.upper[5])] == [19.666667, 6.362532, 32.970801]  # type: ignore[arg-type]
    assert signals(boards, found, kept) == ()
    assert {s.index for s in signals(boards, found)} == {5, 19}


def test_a_frozen_baseline_judges_what_comes_after() -> None:
    """The last ten NIST samples, against the first twenty's limits: given together or carried on, the same limits."""
    first = [i < 20 for i in range(30)]
    together, alone = limits(NIST, [50] * 30, "p_laney", first), limits(NIST[:20], [50] * 20, "p_laney")
    assert together is not None
    assert alone is not None
    later = carry(alone, [50] * 10)
    assert (later.centre, later.sigma_z) == (together.centre, together.sigma_z)
    assert (later.lower, later.upper) == (together.lower[20:], together.upper[20:])
    rates = [x / 50 for x in NIST]
    plain = limits(NIST, [50] * 30, "p", first)
    assert plain is not None
    assert 22 in {s.index for s in signals(rates, plain)}
    assert 22 not in {s.index for s in signals(rates, plain, first)}


def test_carried_limits_without_any() -> None:
    short, line = limits([1, 2, 3], [10] * 3), limits([1, 2, 3] * 4, [10] * 12, "run")
    assert short is not None
    assert line is not None
    assert carry(short, [10, 20]).upper == carry(line, [10, 20]).upper == (None, None)
    boards = limits([3, 4, 5, 6] * 3, None, "c")
    assert boards is not None
    assert carry(boards, [1, None]).upper == (boards.upper[0], None)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 400)), min_size=8, max_size=40))
def test_laney_is_the_plain_chart_stretched_by_sigma_z(points: list[tuple[int, int]]) -> None:
    """With sigma_z = 1 it is the plain chart (metrics.md 7.10); u charts likewise."""
    counts, sizes = [x for x, _ in points], [n for _, n in points]
    for plain_kind, laney_kind in (("p", "p_laney"), ("u", "u_laney")):
        plain, laney = limits(counts, sizes, plain_kind), limits(counts, sizes, laney_kind)  # type: ignore[arg-type]
        assert plain is not None
        assert laney is not None
        assert plain.centre == laney.centre == pytest.approx(sum(counts) / sum(sizes))
        for a, b in zip(plain.upper, laney.upper, strict=True):
            if laney_kind == "u_laney" or b < 1:  # type: ignore[operator]
                assert b - laney.centre == pytest.approx((a - plain.centre) * laney.sigma_z)  # type: ignore[operator]
        assert (laney.warning == "sigma_z under 1") == (laney.sigma_z < 1 and sum(counts) > 0)


def test_over_dispersed_days_flag_on_p_and_not_on_laney() -> None:
    """As the demonstration of metrics.md Q-14: 60 days of 20,000 whose rate itself moves (beta with mean 3 %)."""
    chance = random.Random(1)
    sizes = [20000] * 60
    counts = [round(20000 * chance.betavariate(60, 1940)) for _ in sizes]
    rates = [x / 20000 for x in counts]
    plain, laney = limits(counts, sizes), chart(counts, sizes)
    assert plain is not None
    assert laney is not None
    assert laney.kind == "p_laney"
    assert 2 < laney.sigma_z < 5
    assert sum(s.rule == "outside" for s in signals(rates, plain)) > 12
    assert sum(s.rule == "outside" for s in signals(rates, laney)) == 0


def test_sigma_z_is_not_held_at_one_and_says_so() -> None:
    steady = limits([20, 21] * 6, [100] * 12, "p_laney")
    assert steady is not None
    assert steady.sigma_z == pytest.approx(0.01 / (0.205 * 0.795 / 100) ** 0.5 / 1.128)
    assert steady.warning == "sigma_z under 1"


def test_the_choice_of_chart() -> None:
    some = [5, 7, 4, 6, 5, 8, 4, 6]
    kinds = {
        "few points": chart(some[:7], [100] * 7),
        "small and steady": chart(some, [100] * 8),
        "large": chart(some, [501] * 8),
        "spread": chart([1, 30, 2, 28, 1, 33, 2, 31], [100] * 8),
        "rates": chart(some, [100] * 8, "u"),
        "large rates": chart(some, [501] * 8, "u"),
    }
    assert {name: found and found.kind for name, found in kinds.items()} == {
        "few points": "run",
        "small and steady": "p",
        "large": "p_laney",
        "spread": "p_laney",
        "rates": "u",
        "large rates": "u_laney",
    }
    short = kinds["few points"]
    assert short is not None
    assert (short.centre, short.upper, short.warning) == (0.05, (None,) * 7, "few points")
    assert chart([], []) is chart([None], [5]) is None


def test_the_median_sample_is_that_of_the_points_that_make_the_limits() -> None:
    """Idle days are no samples; between 400 and 600 the median is 500; what comes after the baseline has no say in its chart."""
    steady = [30, 36, 27, 33, 30, 36, 27, 33]
    for idle in (0, None, float("nan"), -1):
        assert _kind([*steady, *[0] * 20], [600] * 8 + [idle] * 20) == "p_laney"
    assert _kind([20, 30, 24, 28] * 2, [400, 600] * 4) == "p"
    assert _kind([20, 30, 24, 28] * 2, [402, 600] * 4) == "p_laney"
    some = [5, 7, 4, 6, 5, 8, 4, 6]
    assert _kind([*some, *[360] * 20], [100] * 8 + [6000] * 20, [True] * 8 + [False] * 20) == "p"
    assert _kind([*[360, 380] * 4, *some], [6000] * 8 + [100] * 8, [True] * 8 + [False] * 8) == "p_laney"


def _kind(counts: list[int], sizes: list[float | None], baseline: list[bool] | None = None) -> str | None:
    found = chart(counts, sizes, baseline=baseline)
    return found and found.kind


def test_a_carried_baseline_has_no_limits_for_points_without_a_sample() -> None:
    base = limits([5, 7, 4, 6, 5, 8, 4, 6], [100] * 8)
    assert base is not None
    later = carry(base, [-5, 0, None, float("nan"), 100])
    assert later.upper[:4] == later.lower[:4] == (None,) * 4
    assert later.upper[4] == base.upper[0]


def test_no_errors_at_all_say_so() -> None:
    found = limits([0] * 10, [50] * 10, "p_laney")
    assert found is not None
    assert (found.centre, found.upper[0], found.warning) == (0.0, 0.0, "no variation")


def test_impossible_counts_are_refused() -> None:
    for counts, sizes, kind, words in (
        ([1, 6], [5, 5], "p", "point 1: a count of 6 out of 5"),
        ([-1], [5], "u", "point 0: a count of -1 out of 5"),
        ([1, 2], [5], "p", "2 counts for 1 sizes"),
        ([1], None, "p", "a p chart needs sizes"),
        ([1], [5], "c", "a c chart has no sizes"),
    ):
        with pytest.raises(ValueError, match=words):
            limits(counts, sizes, kind)  # type: ignore[arg-type]


# Runs ----------------------------------------------------------------------------------------------------------------------
def test_limits_of_the_longest_run_as_published() -> None:
    """Critical values as tabulated for Anhøj's rule: n 10–11: 6, 12–22: 7, 23–45: 8, 46–90: 9, 91–: 10."""
    for n in range(10, 101):
        found = runs([1, -1] * (n // 2) + [1] * (n % 2), 0)
        assert found.longest_limit == (6 if n < 12 else 7 if n < 23 else 8 if n < 46 else 9 if n < 91 else 10)


@given(st.integers(10, 400))
def test_the_fewest_crossings_are_the_binomial_quantile(n: int) -> None:
    assert runs([1, -1] * (n // 2) + [1] * (n % 2), 0).crossings_limit == binom.ppf(0.05, n - 1, 0.5)


@given(st.lists(st.sampled_from([-1, 0, 1, None]), max_size=60))
def test_runs_and_crossings_make_up_the_series(values: list[int | None]) -> None:
    """One crossing between two runs; points on the line and missing ones do not count; upside down changes nothing."""
    lengths = [len(list(group)) for _, group in groupby(v for v in values if v)]
    found = runs(values, 0)
    assert (found.n, found.longest) == (sum(lengths), max(lengths, default=0))
    assert found.crossings == max(0, len(lengths) - 1)
    assert runs([None if v is None else -v for v in values], 0) == found
    if found.n < 10:
        assert (found.longest_limit, found.crossings_limit, found.long, found.seldom) == (None, None, False, False)


def test_a_line_seldom_crossed_is_a_signal_when_asked_for() -> None:
    """24 points in four blocks of six: no run is long (8 are allowed), but three crossings are fewer than eight."""
    values = ([1.0] * 6 + [0.0] * 6) * 2
    found = limits([v * 50 for v in values], [100] * 24, "run")
    assert found is not None
    seen = runs(values, 0.5)
    assert (seen.longest, seen.crossings, seen.long, seen.seldom) == (6, 3, False, True)
    around = limits([50, 51] * 12, [100] * 24, "run")
    assert around is not None
    rates = [0.6 if v else 0.4 for v in values]
    assert signals(rates, around) == ()
    assert signals(rates, around, rules=("outside", "run", "crossings")) == (Signal(23, "crossings"),)
