"""Against metrics.md T-13, an ordinary regression by SciPy, curves made with known parameters, and hand counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.learning import days_to_target, fit, ramp, slope, unit_seconds

X = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]


def test_an_eighty_per_cent_curve() -> None:
    """metrics.md T-13: b −0.321928; 100, 80, 64, 51.2 at 1, 2, 4, 8; Wright's reading 100, 60, 50.63, 45.37; 25 % less at 2."""
    b = slope(0.8)
    assert round(b, 6) == -0.321928
    assert [round(unit_seconds(100, b, x), 4) for x in (1, 2, 4, 8)] == [100, 80, 64, 51.2]
    assert [round(unit_seconds(100, b, x, "average"), 2) for x in (1, 2, 3, 4)] == [100, 60, 50.63, 45.37]
    assert unit_seconds(100, b, 2, "average") == pytest.approx(0.75 * unit_seconds(100, b, 2))
    found = fit([1, 2, 4, 8], [100, 80, 64, 51.2], min_points=4, min_units=8)
    assert (round(found.a or 0, 6), round(found.b or 0, 6), round(found.learning_rate or 0, 6)) == (100, -0.321928, 0.8)
    with pytest.raises(ValueError, match="learning rate of 0"):
        slope(0)
    with pytest.raises(ValueError, match="unit number 0"):
        unit_seconds(100, b, 0)


@given(st.floats(0.5, 0.99), st.integers(1, 50))
def test_by_wright_the_units_add_up_to_the_average(rate: float, n: int) -> None:
    b = slope(rate)
    total = sum(unit_seconds(100, b, x, "average") for x in range(1, n + 1))
    assert total / n == pytest.approx(unit_seconds(100, b, n))


def test_an_average_cannot_fall_so_fast_that_units_take_less_than_nothing() -> None:
    """100 × 2⁻² = 25 on average is 50 for two: less than the first took."""
    assert unit_seconds(100, -1, 2, "average") == 0
    assert unit_seconds(100, -2, 2) == 25
    for b in (-2, math.nan):
        with pytest.raises(ValueError, match="an average that falls"):
            unit_seconds(100, b, 2, "average")


def test_against_ordinary_regression() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(2)
    x = rng.integers(1, 5000, 400)
    t = 90 * x**-0.2 * np.exp(rng.normal(0, 0.3, 400))
    found, want = fit(x, t), stats.linregress(np.log(x), np.log(t))
    assert (found.b, found.a, found.r2) == (
        pytest.approx(want.slope),
        pytest.approx(math.exp(want.intercept)),
        pytest.approx(want.rvalue**2),
    )
    reach = stats.t.ppf(0.975, 398) * want.stderr
    assert (found.low, found.high) == (pytest.approx(2 ** (want.slope - reach)), pytest.approx(2 ** (want.slope + reach)))


def test_projects_have_levels_of_their_own() -> None:
    """The hard project comes late: pooled, learning looks like slowing down; within projects it is the 80 % it was made with."""
    easy, hard = range(1, 401, 20), range(401, 801, 20)
    x = [*easy, *hard]
    t = [50 * v**-0.321928 for v in easy] + [200 * v**-0.321928 for v in hard]
    found = fit(x, t, ["easy"] * 20 + ["hard"] * 20)
    assert found.learning_rate == pytest.approx(0.8, abs=1e-6)
    assert found.effects["hard"] / found.effects["easy"] == pytest.approx(4)
    assert found.effects["hard"] * (found.a or 0) == pytest.approx(200)
    assert (fit(x, t).learning_rate or 0) > 1


def test_a_floor_is_found_where_there_is_one() -> None:
    exact = fit(X, [20 + 100 * x**-0.5 for x in X], asymptote=True)
    assert (exact.floor, exact.a, exact.b) == (pytest.approx(20, rel=1e-4), pytest.approx(100, rel=1e-4), pytest.approx(-0.5, rel=1e-4))
    rng = np.random.default_rng(8)
    x = np.tile(np.arange(1, 3000, 7), 3)
    project = ["pqr"[i % 3] for i in range(len(x))]
    effect = np.array([{"p": 1.0, "q": 1.5, "r": 0.5}[name] for name in project])
    noisy = fit(x, effect * (20 + 100 * x**-0.5) * np.exp(rng.normal(0, 0.1, len(x))), project, asymptote=True)
    assert noisy.effects["q"] / noisy.effects["p"] == pytest.approx(1.5, rel=0.05)
    assert noisy.floor == pytest.approx(20 * math.exp(np.log(effect).mean()), rel=0.15)
    assert noisy.low is not None
    assert noisy.high is not None
    assert noisy.low < 2**-0.5 < noisy.high
    assert not noisy.at_bound


def test_no_floor_and_no_learning_are_told() -> None:
    pure = fit(X, [100 * x**-0.3 for x in X], asymptote=True)
    assert (pure.floor, pure.b) == (pytest.approx(0, abs=1e-3), pytest.approx(-0.3, abs=1e-4))
    bent = fit(X, [100 * x ** (-0.05 - 0.02 * i) for i, x in enumerate(X)], asymptote=True)
    assert (bent.floor, bent.at_bound, bent.low) == (0, True, None)
    slower = fit(X, [100 * x**0.1 for x in X], asymptote=True)
    assert (slower.b, slower.at_bound) == (0, True)
    assert (fit(X, [100 * x**0.1 for x in X]).learning_rate or 0) == pytest.approx(2**0.1)


def test_too_little_is_not_fitted() -> None:
    assert fit(X[:7], [1.0] * 7).a is None
    assert fit(range(1, 100), [1.0] * 99).reason == "too little practice"
    assert fit([], []).n == 0
    assert fit([300] * 9, [5.0] * 9).reason == "units do not vary"
    for units, seconds in (([0] * 9, [1.0] * 9), ([300] * 9, [0.0] * 9), ([300] * 9, [math.nan] * 9)):
        with pytest.raises(ValueError, match="units below 1"):
            fit(units, seconds)
    with pytest.raises(ValueError, match="differ in length"):
        fit([1, 2], [1.0])


def test_days_to_target_by_hand() -> None:
    """Medians of five days: day 5 .9, day 6 1.0; errors of days 2–6 6 of 100, of 3–7 4 of 100."""
    speed, errors = [0.5, 0.7, 0.9, 1.0, 1.1, 1.2, 1.1], [9, 3, 1, 1, 1, 0, 1]
    assert days_to_target(speed, errors, [20] * 7, limit=0.06) == 6
    assert days_to_target(speed, errors, [20] * 7, limit=0.05) == 7
    assert days_to_target(speed, errors, [20] * 7, limit=0.03) is None
    assert days_to_target(speed, [0] * 7, [0] * 7, limit=0.05) is None
    assert days_to_target([2.0] * 4, [0] * 4, [20] * 4, limit=0.05) is None
    with pytest.raises(ValueError, match="more errors"):
        days_to_target([1.0], [3], [2], 0.1)
    for gaps in ([math.nan] * 3 + [2.0] * 5, [2.0] * 5 + [math.nan] * 3):
        with pytest.raises(ValueError, match="without an efficiency"):
            days_to_target(gaps, [0] * 8, [20] * 8, 0.1)


def test_ramp_by_hand_and_what_the_mean_of_those_who_made_it_hides() -> None:
    """Of ten, four reach it by day 10, three leave on day 5, three are still on the way at day 40: half never have."""
    found = ramp([10] * 4 + [5] * 3 + [40] * 3, ["reached"] * 4 + ["left"] * 3 + [None] * 3)
    assert (found.p50, found.n, found.ramping, found.reason) == (None, 10, 3, "half never have")
    assert (found.reached[-1].incidence, found.gone[-1].incidence) == (pytest.approx(0.4), pytest.approx(0.3))
    assert ramp([10, 20], ["reached", "reached"]).p50 == 10
    assert ramp([], []).p50 is None
    with pytest.raises(ValueError, match="gone"):
        ramp([1], ["gone"])  # type: ignore[list-item]
