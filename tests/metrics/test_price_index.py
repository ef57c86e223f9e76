"""Against the tables of the Producer Price Index Manual (19.1, 19.2), as in the package gpindex, and the tests of index theory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.price_index import Index, fisher, laspeyres, paasche

# Six products (columns) in five periods (rows): price6 and quantity6 as the README of gpindex prints them, compared value by value.
PRICES = [
    [1, 1, 1, 1, 1, 1],
    [1.2, 3, 1.3, 0.7, 1.4, 0.8],
    [1, 1, 1.5, 0.5, 1.7, 0.6],
    [0.8, 0.5, 1.6, 0.3, 1.9, 0.4],
    [1, 1, 1.6, 0.1, 2, 0.2],
]
QUANTITIES = [
    [1, 1, 2, 1, 4.5, 0.5],
    [0.8, 0.9, 1.9, 1.3, 4.7, 0.6],
    [1, 1.1, 1.8, 3, 5, 0.8],
    [1.2, 1.2, 1.9, 6, 5.6, 1.3],
    [0.9, 1.2, 2, 12, 6.5, 2.5],
]


def rounded(found: Index) -> list[float]:
    return [round(value or 0, 4) for value in found.values]


@pytest.mark.parametrize(
    ("method", "chained", "printed"),
    [
        (laspeyres, False, [1.42, 1.345, 1.355, 1.44]), (paasche, False, [1.3824, 1.2031, 1.0209, 0.7968]),
        (fisher, False, [1.4011, 1.2721, 1.1762, 1.0712]), (laspeyres, True, [1.42, 1.3646, 1.3351, 1.3306]),
        (paasche, True, [1.3824, 1.2740, 1.2060, 1.1234]), (fisher, True, [1.4011, 1.3185, 1.2689, 1.2226]),
    ],
)  # fmt: skip
def test_tables_of_the_manual(method: Callable[..., Index], chained: bool, printed: list[float]) -> None:
    """metrics.md 7.9; gpindex's README prints the fixed-base Fisher as 1.401050, 1.272099, 1.176163, 1.071172."""
    found = method(PRICES, QUANTITIES, chained=chained)
    assert rounded(found) == [1.0, *printed]
    assert found.match_rates == (1.0,) * 5


def test_defaults_are_the_chain_for_fisher_and_the_fixed_base_for_the_others() -> None:
    assert fisher(PRICES, QUANTITIES) == fisher(PRICES, QUANTITIES, chained=True)
    assert laspeyres(PRICES, QUANTITIES) == laspeyres(PRICES, QUANTITIES, chained=False)


positive = st.floats(0.01, 100)
tables = st.integers(1, 5).flatmap(
    lambda n: st.lists(
        st.tuples(st.lists(positive, min_size=n, max_size=n), st.lists(positive, min_size=n, max_size=n)), min_size=2, max_size=4
    )
)


@given(tables, st.randoms(use_true_random=False), st.floats(0.1, 10))
def test_axioms(rows: list[tuple[list[float], list[float]]], random: object, factor: float) -> None:
    """Order of products does not matter; prices that stay give 1; all prices × k give k; between two periods Fisher is reversible."""
    p, q = [row[0] for row in rows], [row[1] for row in rows]
    order = list(range(len(p[0])))
    random.shuffle(order)  # type: ignore[attr-defined]
    for method in (laspeyres, paasche, fisher):
        again = method([[row[i] for i in order] for row in p], [[row[i] for i in order] for row in q])
        assert again.values == pytest.approx(method(p, q).values)
        assert method([p[0]] * len(p), q).values == pytest.approx((1.0,) * len(p))
        assert method([p[0], [factor * price for price in p[0]]], q[:2]).values == pytest.approx((1.0, factor))
    there, back = fisher(p[:2], q[:2]).values[1], fisher(p[1::-1], q[1::-1]).values[1]
    assert there is not None
    assert back == pytest.approx(1 / there)
    fixed = [method(p, q, chained=False).values[-1] or 0 for method in (laspeyres, paasche, fisher)]
    assert min(fixed[:2]) * (1 - 1e-12) <= fixed[2] <= max(fixed[:2]) * (1 + 1e-12)


def test_only_what_is_sold_in_both_counts_and_too_little_of_it_is_not_comparable() -> None:
    """The second product ends: 70 of 100 matched in period 0; 7 of 37 in period 2 against a new product of 30."""
    prices = [[1.0, 3.0, None], [0.9, None, None], [0.7, None, 3.0]]
    quantities = [[70, 10, None], [80, None, None], [10, None, 10]]
    found = fisher(prices, quantities)
    assert found.values == (1.0, pytest.approx(0.9), None)
    assert found.match_rates == (1.0, 0.7, pytest.approx(7 / 37))
    assert found.reason == "not comparable"
    broken = fisher([*prices, [0.7, None, 3.0]], [*quantities, [10, None, 10]])
    assert broken.values[3] is None
    assert broken.match_rates[3] == 1.0


def test_edges() -> None:
    assert fisher([], []).values == ()
    assert laspeyres([[2.0]], [[5]]).values == (1.0,)
    nothing_sold = paasche([[1.0], [2.0]], [[5], [0]])
    assert (nothing_sold.values, nothing_sold.match_rates, nothing_sold.reason) == ((1.0, None), (1.0, None), "nothing sold")
    for first in ([None], [2.0]):
        base = fisher([first, [1.0], [1.1]], [[0], [5], [5]])
        assert (base.values, base.match_rates) == ((None, None, None), (None, None, 1.0))
        assert base.reason == "nothing sold"
    assert laspeyres([[None]], [[None]]).values == laspeyres([[]], [[]]).values == (None,)
    with pytest.raises(ValueError, match="one price and one quantity"):
        fisher([[1.0, 2.0]], [[1.0]])
    with pytest.raises(ValueError, match="prices above 0"):
        fisher([[0.0]], [[1]])
    assert np.isfinite(fisher(np.array(PRICES), np.array(QUANTITIES)).values[-1] or np.nan)
