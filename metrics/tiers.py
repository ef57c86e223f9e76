"""Margin by subcontract tier (分包层级毛利): what comes in and goes out at each tier, and how deep the work goes (metrics.md F-16)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

Number = int | Decimal


class Delivery(NamedTuple):
    """Work of one tier (0 own staff, 1 direct subcontractor, 2 and up below it): units, the price of a unit coming in and going out, and
    amounts that lower what the tier is worth: rework that was charged back, and the cost of errors that escaped to the client.
    """

    tier: int
    units: int
    price_in: Decimal
    price_out: Decimal
    rework_charged: Number = 0
    escape_cost: Number = 0


@dataclass(frozen=True, slots=True)
class Tier:
    """Totals of one tier. margin = revenue − paid − rework charged back − escape cost; `rate` is of revenue, None where there is none."""

    tier: int
    units: int
    revenue: Decimal
    paid: Decimal
    rework_charged: Decimal
    escape_cost: Decimal
    margin: Decimal
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Tiers:
    """Tiers, the nearest first; `deepest` tier with work and the share of units at tier 2 and below, None where there are no units."""

    rows: tuple[Tier, ...] = field(default=())
    deepest: int | None = None
    share_deep: float | None = None


def tiers(deliveries: Iterable[Delivery]) -> Tiers:
    """Margin of each tier, adjusted for quality. Raises ValueError for a float, a tier below 0 or negative units or amounts.

    >>> found = tiers([Delivery(0, 100, Decimal("0.06"), Decimal("0.05")), Delivery(2, 300, Decimal("0.06"), Decimal("0.03"), 0, 4)])
    >>> [(row.tier, str(row.margin)) for row in found.rows], found.share_deep
    ([(0, '1.00'), (2, '5.00')], 0.75)
    """
    groups: dict[int, list[Delivery]] = {}
    for delivery in deliveries:
        if not all(isinstance(number, int | Decimal) and Decimal(number).is_finite() for number in delivery):
            raise ValueError(f"tiers: not a Decimal or a whole number in {delivery}")
        if min(delivery) < 0:
            raise ValueError(f"tiers: a negative number in {delivery}")
        groups.setdefault(delivery.tier, []).append(delivery)
    rows = tuple(_tier(tier, groups[tier]) for tier in sorted(groups))
    worked = [row for row in rows if row.units]
    units = sum(row.units for row in worked)
    if not units:
        return Tiers(rows)
    return Tiers(rows, worked[-1].tier, sum(row.units for row in worked if row.tier >= 2) / units)


def _tier(tier: int, found: list[Delivery]) -> Tier:
    zero = Decimal(0)
    revenue, paid = sum((d.units * d.price_in for d in found), zero), sum((d.units * d.price_out for d in found), zero)
    back, escaped = sum((Decimal(d.rework_charged) for d in found), zero), sum((Decimal(d.escape_cost) for d in found), zero)
    margin = revenue - paid - back - escaped
    return Tier(tier, sum(d.units for d in found), revenue, paid, back, escaped, margin, margin / revenue if revenue else None)
