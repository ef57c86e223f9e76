"""Margins by tier against a hand count."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from metrics.tiers import Delivery, Tiers, tiers


def test_by_hand() -> None:
    """Tier 1: 1,000 × .06 = 60 and 500 × .08 = 40 in; 30 + 25 out; 4 charged back; 1 escaped: 100 − 55 − 4 − 1 = 40 of 100."""
    found = tiers([
        Delivery(1, 1000, D("0.06"), D("0.03"), 4), Delivery(1, 500, D("0.08"), D("0.05"), 0, 1), Delivery(2, 400, D("0.06"), D("0.07")),
        Delivery(0, 100, D("0.06"), D("0.05")), Delivery(3, 0, D(1), D(1)),
    ])  # fmt: skip
    assert [row.tier for row in found.rows] == [0, 1, 2, 3]
    one, two, three = found.rows[1:]
    assert (one.units, one.revenue, one.paid, one.margin, one.rate) == (1500, 100, 55, 40, D("0.4"))
    assert two.margin == -4
    assert (three.revenue, three.rate) == (0, None)
    assert (found.deepest, found.share_deep) == (2, 0.2)


def test_edges() -> None:
    assert tiers([]) == Tiers((), None, None)
    with pytest.raises(ValueError, match="negative number"):
        tiers([Delivery(0, -1, D(1), D(1))])
    for wrong in (0.1, D("NaN")):
        with pytest.raises(ValueError, match="not a Decimal or a whole number"):
            tiers([Delivery(0, 1, D(1), D(1), wrong)])  # type: ignore[arg-type]
