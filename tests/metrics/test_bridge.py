"""Against the worked case of metrics.md F-13, hand counts, and the identity that bridges add up."""

from __future__ import annotations

from decimal import Decimal as D
from decimal import localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.bridge import Line, margin, price_volume_mix

OLD = {"img": (1_000_000, D("0.06"), D("0.045")), "vid": (100_000, D("0.50"), D("0.35"))}
NEW = {"img": (1_200_000, D("0.042"), D("0.036")), "vid": (130_000, D("0.45"), D("0.33"))}


def test_the_margin_bridge_of_the_catalogue() -> None:
    """metrics.md F-13: M0 30,000, M1 22,800; price -28,100; cost +13,400; volume +6,272.727; mix +1,227.273; sum -7,200."""
    found = margin(OLD, NEW, quantum=D("0.001"))
    assert (found.opening, found.closing) == (30_000, 22_800)
    assert [found.step(name) for name in ("price", "cost", "volume", "mix")] == [-28_100, 13_400, D("6272.727"), D("1227.273")]
    assert sum(amount for _, amount in found.steps) == -7_200
    cents = margin(OLD, NEW)
    assert [cents.step(name) for name in ("volume", "mix")] == [D("6272.73"), D("1227.27")]


def test_the_revenue_bridge_by_hand() -> None:
    """110,000 → 108,900: price −21,600 − 6,500; volume 230,000 × 0.10; mix 1,200,000 × 0.06 + 130,000 × 0.50 − 1,330,000 × 0.10."""
    found = price_volume_mix(OLD, NEW)
    assert found.steps == (("price", D(-28_100)), ("volume", D(23_000)), ("mix", D(4_000)), ("new", D(0)), ("ended", D(0)))
    assert (found.opening, found.closing) == (110_000, 108_900)


def test_new_and_ended_products_stand_alone_and_a_quantity_of_zero_is_not_sold() -> None:
    found = price_volume_mix({"a": (10, D(2)), "b": (5, D(3)), "c": (0, D(9))}, {"a": (12, D(2)), "c": (4, D(1)), "b": (0, D(3))})
    assert dict(found.steps) == {"price": 0, "volume": 4, "mix": 0, "new": 4, "ended": -15}
    assert dict(price_volume_mix({}, {"a": (2, D(3))}).steps)["new"] == 6
    assert price_volume_mix({}, {}).closing == 0


def test_standard_hours_weigh_what_is_not_alike() -> None:
    """Twice the seconds of audio, the same boxes: in hours 20 → 30, so volume is half the revenue, mix what audio earns less than boxes."""
    old = {"box": Line(1000, D("0.40"), hours=D("0.01")), "second": Line(10_000, D("0.02"), hours=D("0.001"))}
    new = {"box": Line(1000, D("0.40"), hours=D("0.01")), "second": Line(20_000, D("0.02"), hours=D("0.001"))}
    found = price_volume_mix(old, new)
    assert (found.opening, found.closing) == (600, 800)
    assert (found.step("volume"), found.step("mix")) == (300, -100)
    with pytest.raises(ValueError, match="standard hours before"):
        price_volume_mix(old, {"box": Line(1000, D("0.40"), hours=D("0.02"))})


def test_wages_productivity_and_named_costs_by_hand() -> None:
    """1,000 units: wage 12 → 15 an hour at .008 h: −24; .010 → .008 h at 12: +24; rework .02 → .01: +10; overhead −50 → −65; subsidy +30."""
    old = {"a": Line(1000, D("0.5"), wage=12, labour=D("0.010"), others={"rework": D("0.02")})}
    new = {"a": Line(1000, D("0.5"), wage=15, labour=D("0.008"), others={"rework": D("0.01")})}
    found = margin(old, new, {"overhead": -50}, {"overhead": -65, "subsidy": 30})
    assert {name: amount for name, amount in found.steps if amount} == {
        "wage_rate": -24, "productivity": 24, "rework": 10, "overhead": -15, "subsidy": 30,
    }  # fmt: skip
    assert (found.opening, found.closing) == (500 - 120 - 20 - 50, 500 - 120 - 10 - 35)
    with pytest.raises(ValueError, match="name of another step"):
        margin(old, new, {"price": 1})


def test_floats_and_impossible_lines_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.06 is not a Decimal"):
        price_volume_mix({"a": (1, 0.06)}, {})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="quantity of -1"):
        margin({"a": (-1, D(1))}, {})


def test_halves_of_a_cent_are_rounded_away_from_zero() -> None:
    """四舍五入: .005 → .01, .015 → .02, .025 → .03, and as far down as up; so does the closing, .045."""
    for cents in (5, 15, 25, 35):
        amount = D(cents) / 1000
        want = (amount + D("0.005")).quantize(D("0.01"))
        assert price_volume_mix({}, {"a": (1, amount)}).step("new") == want
        assert price_volume_mix({"a": (1, amount)}, {}).step("ended") == -want
    found = margin({}, {}, {}, {"up": D("0.005"), "down": D("-0.015"), "most": D(9)})
    assert (found.step("up"), found.step("down"), found.closing) == (D("0.01"), D("-0.02"), D("8.99"))


def test_no_digit_is_lost_however_many_there_are() -> None:
    """Forty digits, more than a Decimal keeps by default: against fractions."""
    price = D("0.1234567890123456789012345678901234567891")
    found = margin({"a": (3, price)}, {"a": (10**25, price, D("1e-30"))}, quantum=D("1e-45"))
    want = Fraction(10**25) * (Fraction(price) - Fraction(1, 10**30)) - 3 * Fraction(price)
    with localcontext(prec=200):
        assert Fraction(sum(amount for _, amount in found.steps)) == Fraction(found.closing - found.opening) == want
    for value in (D("NaN"), D("Infinity")):
        with pytest.raises(ValueError, match="is not a Decimal"):
            margin({"a": (1, value)}, {})
        with pytest.raises(ValueError, match="is not a Decimal"):
            margin({}, {}, {"overhead": value})


quantity = st.integers(0, 10**7)
money = st.decimals(0, 100, places=4)
line = st.builds(
    Line, quantity, money, money, st.just(1), money, st.decimals(0, 1, places=6), st.dictionaries(st.sampled_from(["rework", "pre"]), money)
)
periods = st.dictionaries(st.sampled_from("abcdef"), line)


@given(periods, periods, st.decimals(-1000, 1000, places=2), st.sampled_from([D("0.01"), D("0.0001"), D(1)]))
def test_bridges_add_up_exactly_whatever_the_order(before: dict[str, Line], after: dict[str, Line], overhead: D, quantum: D) -> None:
    for found in (price_volume_mix(before, after, quantum), margin(before, after, {"overhead": overhead}, {}, quantum)):
        assert found.opening + sum(amount for _, amount in found.steps) == found.closing
        assert all(amount % quantum == 0 for _, amount in found.steps)
    backwards = price_volume_mix(dict(reversed(before.items())), dict(reversed(after.items())), quantum)
    assert backwards == price_volume_mix(before, after, quantum)


@given(periods, periods)
def test_each_step_is_its_formula_to_within_the_rounding(before: dict[str, Line], after: dict[str, Line]) -> None:
    both = [name for name in before if before[name].quantity and name in after and after[name].quantity]
    found = price_volume_mix(before, after, D("0.000001"))
    price = sum(Fraction(after[n].price - before[n].price) * after[n].quantity for n in both)
    assert abs(Fraction(found.step("price")) - price) < Fraction(1, 10**5)
    q0, q1 = (sum(half[n].quantity for n in both) for half in (before, after))
    if both:
        volume = Fraction(q1 - q0, q0) * sum(Fraction(before[n].price) * before[n].quantity for n in both)
        assert abs(Fraction(found.step("volume")) - volume) < Fraction(1, 10**5)
    assert found.closing == sum((line.price * line.quantity for line in after.values()), D(0))
