"""Price indices (单价指数) of what is sold in both periods: Laspeyres, Paasche, Fisher, chained or from a fixed base (metrics.md F-14).

ILO, IMF et al. 2004, Producer Price Index Manual, chapters 15 and 19.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metrics.intervals import Floats

MIN_MATCH = 0.6  # share of revenue; below it the periods cannot be compared (不可比)

Reason = Literal["nothing sold", "not comparable"]
Matrix = Sequence[Sequence[float | None]] | Floats


@dataclass(frozen=True, slots=True)
class Index:
    """One `values` and one `match_rates` a period, the first period 1 (None when nothing was sold in it).

    A match rate is the share of revenue in products priced in both periods, of the two periods the lower: this period and the one
    compared with (the one before when chained, otherwise the first); None where one of them sold nothing. `values` are None where it is
    below MIN_MATCH or None, and in a chain ever after, as a chain does not go over a gap; `reason` says why the first of them is.
    """

    values: tuple[float | None, ...]
    match_rates: tuple[float | None, ...]
    reason: Reason | None = None


def laspeyres(prices: Matrix, quantities: Matrix, chained: bool = False) -> Index:
    """Σ p₁q₀ ÷ Σ p₀q₀: today's prices for the quantities of then. Rows are periods, columns products; None or NaN is not sold.

    >>> laspeyres([[1.0, 2.0], [1.1, 1.8]], [[10, 5], [9, 8]]).values
    (1.0, 1.0)
    """
    return _index(prices, quantities, chained, "laspeyres")


def paasche(prices: Matrix, quantities: Matrix, chained: bool = False) -> Index:
    """Σ p₁q₁ ÷ Σ p₀q₁: today's quantities at today's prices and at those of then. Rows are periods, columns products."""
    return _index(prices, quantities, chained, "paasche")


def fisher(prices: Matrix, quantities: Matrix, chained: bool = True) -> Index:
    """√(Laspeyres × Paasche). Rows are periods, columns products (client × task × class × version); None or NaN is not sold.

    Chained: each period against the one before, multiplied up; prices that bounce make a chain drift, so show the fixed base beside it.
    Raises ValueError for shapes that differ, negative quantities, or prices that are not positive. Fisher 1922.

    >>> [round(value, 4) for value in fisher([[1.0, 2.0], [1.1, 1.8], [1.0, 2.0]], [[10, 5], [9, 8], [10, 5]]).values]
    [1.0, 0.9859, 1.0]
    """
    return _index(prices, quantities, chained, "fisher")


def _index(prices: Matrix, quantities: Matrix, chained: bool, kind: Literal["laspeyres", "paasche", "fisher"]) -> Index:
    p, q = np.array(prices, dtype=np.float64), np.array(quantities, dtype=np.float64)
    if p.shape != q.shape or (p.size and p.ndim != 2):
        raise ValueError("a price index needs one price and one quantity for each period and product")
    if (p <= 0).any() or (q < 0).any():
        raise ValueError("a price index needs prices above 0 and quantities not below 0")
    sold = (np.nansum(p * q, axis=1) > 0).tolist() if p.size else [False] * len(p)
    values: list[float | None] = [1.0 if some else None for some in sold[:1]]
    rates = values.copy()
    for now in range(1, len(p)):
        then = now - 1 if chained else 0
        link, rate = _link(p[then], p[now], q[then], q[now], kind)
        start = values[then]
        values.append(None if link is None or start is None else start * link)
        rates.append(rate)
    reason: Reason | None = None
    if None in values:
        reason = "nothing sold" if rates[values.index(None)] is None else "not comparable"
    return Index(tuple(values), tuple(rates), reason)


def _link(p0: Floats, p1: Floats, q0: Floats, q1: Floats, kind: str) -> tuple[float | None, float | None]:
    """One period against another: the index and the match rate, None where they cannot be had."""
    both = ~np.isnan(p0 + p1 + q0 + q1)
    own = [(float(np.nansum(p * q)), float((p * q)[both].sum())) for p, q in ((p0, q0), (p1, q1))]
    if any(whole == 0 for whole, _ in own):
        return None, None
    rate = min(matched / whole for whole, matched in own)
    p0, p1, q0, q1 = (values[both] for values in (p0, p1, q0, q1))
    if rate < MIN_MATCH:
        return None, rate
    old, new = float(p1 @ q0) / float(p0 @ q0), float(p1 @ q1) / float(p0 @ q1)
    return {"laspeyres": old, "paasche": new, "fisher": float(np.sqrt(old * new))}[kind], rate
