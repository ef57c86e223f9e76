"""Break-even (保本点): how many units a seat has to do a day before it earns its fixed cost (metrics.md F-15). Money is Decimal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Number = int | Decimal
Reason = Literal["a unit leaves nothing"]


@dataclass(frozen=True, slots=True)
class BreakEven:
    """`units` for the same time as `fixed` is for, not rounded; None with the reason where no volume breaks even (无法保本)."""

    units: Decimal | None
    contribution: Decimal
    fixed: Decimal
    reason: Reason | None = None


def contribution(price: Number, piece: Number, accepted: Number = 1, rework: Number = 0, review: Number = 0, other: Number = 0) -> Decimal:
    """What a unit leaves: price × share accepted − piece rate × (1 + share reworked) − review − other unit cost; may be negative.

    Raises ValueError for a float, a share accepted outside 0…1, and for negative amounts or a negative share reworked.

    >>> contribution(Decimal("0.070"), Decimal("0.050"), Decimal("0.99"), Decimal("0.04"), Decimal("0.006"))
    Decimal('0.01130')
    """
    _exact(price, piece, accepted, rework, review, other)
    if not 0 <= accepted <= 1 or min(price, piece, rework, review, other) < 0:
        raise ValueError(f"contribution: {accepted} accepted, or an amount below 0")
    return Decimal(price) * accepted - Decimal(piece) * (1 + rework) - review - other


def break_even(fixed: Number, per_unit: Number) -> BreakEven:
    """Units that pay for `fixed` when each leaves `per_unit`: their quotient. None where a unit leaves nothing.

    Raises ValueError for a float or a negative fixed cost.

    >>> round(break_even(35, Decimal("0.0113")).units)
    3097
    """
    _exact(fixed, per_unit)
    if fixed < 0:
        raise ValueError(f"break_even: a fixed cost of {fixed}")
    if per_unit <= 0:
        return BreakEven(None, Decimal(per_unit), Decimal(fixed), "a unit leaves nothing")
    return BreakEven(Decimal(fixed) / per_unit, Decimal(per_unit), Decimal(fixed))


def margin_after(cost_share: Number, price_change: Number) -> Decimal | None:
    """Margin as a share of the new revenue after prices move by a share and costs stay: 1 − cost ÷ (1 + change); None at a price of 0.

    Raises ValueError for a float, a negative cost share, or a price that falls by more than all of it.

    >>> round(margin_after(Decimal("0.75"), Decimal("-0.30")), 3)
    Decimal('-0.071')
    """
    _exact(cost_share, price_change)
    if cost_share < 0 or price_change < -1:
        raise ValueError(f"margin_after: costs of {cost_share} and a change of {price_change}")
    return 1 - Decimal(cost_share) / (1 + price_change) if price_change > -1 else None


def _exact(*amounts: Number) -> None:
    for amount in amounts:
        if not isinstance(amount, int | Decimal) or not Decimal(amount).is_finite():
            raise ValueError(f"break-even: {amount!r} is not a Decimal or a whole number")
