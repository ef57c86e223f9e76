"""Bridges from one period's revenue (收入桥) or margin (毛利桥) to the next, in steps that add up exactly (metrics.md F-12, F-13).

The convention, to be printed beside the chart: price at the NEW volume, volume and mix at the OLD price; products that are new or ended
stand in bars of their own. Others split the cross term differently. Money is Decimal; nothing passes through a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from math import floor
from typing import NamedTuple

Number = int | Decimal

CENT = Decimal("0.01")
# Sums and products keep every digit; what would lose one is an error.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


class Line(NamedTuple):
    """What one product did in a period. Everything is a unit's, but `quantity`; a plain tuple of the first fields will do as well.

    `hours` are the standard hours of a unit: give them where units differ in kind (boxes, seconds), as volume and mix over different
    units mean nothing. `wage` is paid an hour and `labour` are the paid hours a unit took; `cost` is all other unit cost, `others` those of
    it that get a step of their own (rework, pre-labelling).
    """

    quantity: Number
    price: Number
    cost: Number = 0
    hours: Number = 1
    wage: Number = 0
    labour: Number = 0
    others: Mapping[str, Number] | None = None


Lines = Mapping[str, Line | tuple[Number, ...]]


@dataclass(frozen=True, slots=True)
class Bridge:
    """opening + Σ steps = closing, to the last digit. Steps are named amounts in the order in which they are drawn."""

    opening: Decimal
    steps: tuple[tuple[str, Decimal], ...]
    closing: Decimal

    def step(self, name: str) -> Decimal:
        """The amount of one step. Raises KeyError for a step the bridge does not have."""
        return dict(self.steps)[name]


def price_volume_mix(before: Lines, after: Lines, quantum: Decimal = CENT) -> Bridge:
    """Revenue from one period to the next by product: price, volume, mix, new, ended; costs play no part.

    price = Σ (p₁ − p₀) q₁; volume = (Q₁ − Q₀) × R₀ ÷ Q₀; mix = Σ p₀ q₁ − Q₁ × R₀ ÷ Q₀, over products in both periods, Q in standard hours.
    Computed exactly and rounded to `quantum`, halves away from 0 (四舍五入); what rounding leaves over goes to the largest step. A quantity
    of 0 is not sold.
    Raises ValueError for a float, a negative quantity, or standard hours that are not above 0 or not the same in both periods.

    >>> old = {"image": (1_000_000, Decimal("0.06")), "video": (100_000, Decimal("0.50"))}
    >>> new = {"image": (1_200_000, Decimal("0.042")), "video": (130_000, Decimal("0.45"))}
    >>> [(name, str(amount)) for name, amount in price_volume_mix(old, new).steps if amount]
    [('price', '-28100.00'), ('volume', '23000.00'), ('mix', '4000.00')]
    """
    with localcontext(EXACT):
        lines = _lines(before), _lines(after)
        both = lines[0].keys() & lines[1].keys()
        revenues: list[dict[str, Number]] = [{name: line.price for name, line in half.items()} for half in lines]
        steps = {"price": _moved(both, lines[1], {name: revenues[1][name] - revenues[0][name] for name in both})}
        return _bridge(lines, revenues, steps, ({}, {}), quantum)


def margin(
    before: Lines,
    after: Lines,
    fixed_before: Mapping[str, Number] | None = None,
    fixed_after: Mapping[str, Number] | None = None,
    quantum: Decimal = CENT,
) -> Bridge:
    """Margin from one period to the next: price, wage_rate, productivity, cost, each of `others`, volume, mix, new, ended, each fixed amount.

    Margin a unit m = price − cost − wage × labour − Σ others. Over products in both periods: price = Σ (p₁ − p₀) q₁; wage_rate =
    −Σ (w₁ − w₀) l₁ q₁; productivity = −Σ (l₁ − l₀) w₀ q₁; cost and others = −Σ (c₁ − c₀) q₁; volume and mix as for revenue with m₀ in
    place of p₀. Fixed amounts are of the whole period, costs negative (overhead absorption −, subsidy +). Rounding, errors: as for revenue.

    >>> old = {"image": (1_000_000, Decimal("0.06"), Decimal("0.045")), "video": (100_000, Decimal("0.50"), Decimal("0.35"))}
    >>> new = {"image": (1_200_000, Decimal("0.042"), Decimal("0.036")), "video": (130_000, Decimal("0.45"), Decimal("0.33"))}
    >>> found = margin(old, new, quantum=Decimal("0.001"))
    >>> [(name, str(amount)) for name, amount in found.steps if amount]
    [('price', '-28100.000'), ('cost', '13400.000'), ('volume', '6272.727'), ('mix', '1227.273')]
    """
    with localcontext(EXACT):
        lines = _lines(before), _lines(after)
        both = lines[0].keys() & lines[1].keys()
        old, new = lines
        margins = [{name: line.price - _unit_cost(line) for name, line in half.items()} for half in lines]
        effects: dict[str, dict[str, Number]] = {
            "price": {n: new[n].price - old[n].price for n in both},
            "wage_rate": {n: (old[n].wage - new[n].wage) * new[n].labour for n in both},
            "productivity": {n: (old[n].labour - new[n].labour) * old[n].wage for n in both},
            "cost": {n: old[n].cost - new[n].cost for n in both},
        }
        names = dict.fromkeys(kind for half in lines for n in sorted(half) for kind in half[n].others or {})
        for kind in names:
            effects[kind] = {n: _other(old[n], kind) - _other(new[n], kind) for n in both}
        steps = {name: _moved(both, new, effect) for name, effect in effects.items()}
        return _bridge(lines, margins, steps, (fixed_before or {}, fixed_after or {}), quantum)


def _bridge(
    lines: tuple[dict[str, Line], dict[str, Line]],
    worth: list[dict[str, Number]],
    steps: dict[str, Fraction],
    fixed: tuple[Mapping[str, Number], Mapping[str, Number]],
    quantum: Decimal,
) -> Bridge:
    """Volume, mix, new, ended and fixed added to the steps a unit's worth made, and all rounded."""
    old, new = lines
    both = old.keys() & new.keys()
    for name in both:
        if old[name].hours != new[name].hours:
            raise ValueError(f"bridge: {name} has {old[name].hours} standard hours before and {new[name].hours} after")
    then, now = (_moved(both, half, {n: half[n].hours for n in both}) for half in lines)
    worth_then, kept = _moved(both, old, worth[0]), _moved(both, new, worth[0])
    average = worth_then / then if then else Fraction(0)
    steps |= {"volume": (now - then) * average, "mix": kept - now * average}
    steps |= {"new": _moved(new.keys() - both, new, worth[1]), "ended": -_moved(old.keys() - both, old, worth[0])}
    for name in dict.fromkeys([*fixed[0], *fixed[1]]):
        if name in steps:
            raise ValueError(f"bridge: “{name}” is the name of another step")
        steps[name] = Fraction(_checked(fixed[1].get(name, 0)) - _checked(fixed[0].get(name, 0)))
    start, end = (
        _moved(half, half, values) + Fraction(sum(amounts.values())) for half, values, amounts in zip(lines, worth, fixed, strict=True)
    )
    if sum(steps.values()) != end - start:
        raise ArithmeticError(f"bridge: the steps {', '.join(steps)} do not lead from {float(start)} to {float(end)}")
    opening, closing = _rounded(start, quantum), _rounded(end, quantum)
    rounded = {name: _rounded(amount, quantum) for name, amount in steps.items()}
    largest = max(steps, key=lambda name: abs(steps[name]))
    rounded[largest] += closing - opening - sum(rounded.values())
    return Bridge(opening, tuple(rounded.items()), closing)


def _lines(given: Lines) -> dict[str, Line]:
    found = {name: line if isinstance(line, Line) else Line(*line) for name, line in given.items()}  # type: ignore[arg-type]
    for name, line in found.items():
        for value in (*line[:-1], *(line.others or {}).values()):
            _checked(value)
        if line.quantity < 0 or line.hours <= 0:
            raise ValueError(f"bridge: {name} has a quantity of {line.quantity} and {line.hours} standard hours a unit")
    return {name: line for name, line in found.items() if line.quantity}


def _checked(value: Number) -> Number:
    if not isinstance(value, int | Decimal) or not (isinstance(value, int) or value.is_finite()):
        raise ValueError(f"bridge: {value!r} is not a Decimal or a whole number")
    return value


def _other(line: Line, kind: str) -> Number:
    return (line.others or {}).get(kind, 0)


def _unit_cost(line: Line) -> Number:
    return line.cost + line.wage * line.labour + sum((line.others or {}).values())


def _moved(names: Iterable[str], lines: Mapping[str, Line], a_unit: Mapping[str, Number]) -> Fraction:
    """Σ quantity × an amount a unit."""
    return Fraction(sum(lines[name].quantity * a_unit[name] for name in names))


def _rounded(amount: Fraction, quantum: Decimal) -> Decimal:
    """The nearest multiple, halves away from 0 as accounts are kept, 0.005 → 0.01 and −0.005 → −0.01."""
    size = floor(abs(amount) / Fraction(quantum) + Fraction(1, 2)) * quantum
    return -size if amount < 0 else size
