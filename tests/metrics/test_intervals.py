"""Against Newcombe's cases and the PHE test file, to their printed digits."""

import numpy as np
import pytest

from metrics.intervals import byar, poisson_exact, wilson, wilson_many


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
