"""The row of cards at the top of a screen: one number each, its signed change, its n, its trend, and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from metrics.model import Measure
from metrics.scope import SMALLEST_GROUP
from pages.ui import numbers, text, theme
from pages.ui.ask import Answer, measure
from pages.ui.text import NONE, _, say

_NARROW, _GAP = 135, 8  # pixels of a card whose words are whole, and between two


@dataclass(frozen=True, slots=True)
class Card:
    """One card. `whole` holds the totals of this period and the one before, `trend` the same measure along time."""

    measure: str
    whole: Answer
    trend: Answer | None = None
    label: str = ""


def row(cards: Sequence[Card], *, under_way: bool = False) -> None:
    """At most six cards side by side on a desk, three and three where it is too narrow, two to a row on a phone. Raises ValueError for more.

    While a day is `under_way`, a sum that is lower than that of whole days is not called bad, nor good.
    """
    if len(cards) > 6:
        raise ValueError("a screen has at most six cards")
    if theme.phone() or len(cards) <= 3:
        _beside_each_other(cards, len(cards), under_way)
        return
    with st.grid(2, min_column_width=3 * _NARROW + 2 * _GAP, gap=_GAP):
        for half in (cards[:3], cards[3:]):
            _beside_each_other(half, 3, under_way)


def _beside_each_other(cards: Sequence[Card], most: int, under_way: bool) -> None:
    with st.grid(most, min_column_width=_NARROW, gap=_GAP):
        for card in cards:
            show(card, under_way=under_way)


def show(card: Card, *, under_way: bool = False) -> None:
    """One card where the layout stands."""
    m = measure(card.measure)
    judged = not under_way or m.nullable
    now, was = card.whole.total(m.name), card.whole.total_before(m.name)
    delta = numbers.change(m, now, was)
    points = _points(card.trend, m.name)
    st.metric(
        card.label or numbers.card_label(m),
        numbers.card_value(m, now),
        delta,
        delta_arrow="off",  # it has its sign, and the room is needed for what it was
        delta_color=numbers.colour(m) if delta is not None and judged else "off",
        delta_description=_beside(card, m, now, was),
        help=_explain(card, m, now),
        border=True,
        height="stretch",
        chart_data=points if len(points) > 1 else None,
    )


def _points(trend: Answer | None, name: str) -> list[float]:
    """The sparkline: what exists of the trend, in order."""
    if trend is None or not len(trend):
        return []
    return [v for v in trend.dated().column(name) if v is not None]


def _beside(card: Card, m: Measure, now: float | None, was: float | None) -> str:
    """Beside the change: what it was before, or why there is no number."""
    if now is None:
        few = m.name in card.whole.result.suppressed
        return _("fewer than {n} people", n=SMALLEST_GROUP) if few else say(m.null_reason) or _("no value")
    if was is None:
        return _("nothing before") if card.whole.result.query.compare else ""
    if m.format == "percent" and abs(now - was) >= 0.0995:  # the change takes the room of a decimal
        return _("was {value}", value=text.percent(was, 0))
    return _("was {value}", value=numbers.value(m, was))


def _explain(card: Card, m: Measure, now: float | None) -> str:
    whole = card.whole
    low, high = whole.total(f"{m.name}_low"), whole.total(f"{m.name}_high")
    top, bottom = _part(whole, m.num), _part(whole, m.den)
    said = numbers.explain(m, top, bottom)
    n = whole.total(f"{m.name}_n")
    if n is not None:
        said += "\n\n" + f"n = {text.count(n)}"
    if now is not None and low is not None and high is not None:
        said += "\n\n" + _("95% interval: {low} to {high}", low=numbers.value(m, low), high=numbers.value(m, high))
    return said


def _part(whole: Answer, formula: str) -> str:
    """One side of a ratio in words, with its number where it was asked for too."""
    if not formula:
        return ""
    try:
        part = measure(formula)
    except KeyError:
        return formula_words(formula)
    number = whole.total(formula)
    return numbers.name(part) + ("" if number is None else f" {numbers.value(part, number)}")


def formula_words(formula: str) -> str:
    """A formula with the measures' names as people say them."""
    words = []
    for word in formula.replace("(", "( ").replace(")", " )").split():
        try:
            words.append(numbers.name(measure(word)))
        except KeyError:
            words.append({"-": "−", "*": "×", "/": "÷"}.get(word, word))
    return " ".join(words) or NONE
