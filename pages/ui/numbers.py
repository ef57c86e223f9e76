"""How a measure's values are written: its unit, its digits, its direction. Everything comes from the registry's row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import streamlit as st

from metrics.model import Measure
from pages.ui import text
from pages.ui.text import N_, NONE, _, missing, say

UNITS: dict[str, str] = {
    "row": N_("rows"),
    "unit": N_("units"),
    "item": N_("items"),
    "person": N_("people"),
    "day": N_("days"),
    "h": N_("h"),
    "s": N_("s"),
    "ratio": "",
    "unit/h": N_("units/h"),
    "money": "¤",
    "money/h": N_("¤/h"),
    "money/unit": N_("¤/unit"),
}
_WORD_FOR_MONEY = {"CNY": N_("yuan"), "USD": "USD", "EUR": "EUR"}


_CARD = 17  # half-width columns of a card's label beside the tooltip's sign


_settled: ContextVar[str | None] = ContextVar("piecework_currency", default=None)


def currency() -> str:
    """The currency of the store, as the router found it."""
    return _settled.get() or str(st.session_state.get("currency_now", "CNY"))


def settle(code: str) -> None:
    """Use this currency for the rest of this run of the script."""
    st.session_state["currency_now"] = code
    _settled.set(code)


@contextmanager
def paid_in(code: str) -> Iterator[None]:
    """Money inside is of this currency, also off the script's thread (as `text.speaking` for the language)."""
    token = _settled.set(code)
    try:
        yield
    finally:
        _settled.reset(token)


def unit(measure: Measure) -> str:
    """The unit as a word: 件, 元, h; empty for ratios."""
    word = UNITS[measure.unit]
    return _(word).replace("¤", _(_WORD_FOR_MONEY.get(currency(), currency()))) if word else ""


def name(measure: Measure) -> str:
    """What people call the measure."""
    return say(measure.label)


def header(measure: Measure) -> str:
    """The name with its unit, for table headers and axes: 产出（件）, Work hours (h)."""
    return _with_unit(name(measure), unit(measure))


def column_head(measure: Measure) -> str:
    """The name with its unit for a table's column; a unit that the name says already is not said again."""
    words, word = name(measure), "%" if measure.format == "percent" else unit(measure)
    spoken = word.replace("/h", " per hour")
    return words if spoken and f" {spoken} ".lower() in f" {words} ".lower() else _with_unit(words, word)


def card_label(measure: Measure) -> str:
    """The name with its unit, as far as a card has room; without the currency that the value carries itself.

    A unit that does not fit stands behind the value when it is short (19.5 s), else in the tooltip.
    """
    full = name(measure) if measure.unit == "money" else header(measure)
    return full if text.width(full) <= _CARD else name(measure)


def card_value(measure: Measure, x: float | None) -> str:
    """The value for a card, with a short unit that its label had no room for."""
    said, word = value(measure, x), unit(measure)
    fits = measure.format == "money" or text.width(header(measure)) <= _CARD
    return said if fits or x is None or text.width(word) > 2 else f"{said} {word}"


def _with_unit(words: str, unit_word: str) -> str:
    if not unit_word or words.lower() == unit_word.lower():
        return words
    return f"{words}（{unit_word}）" if text.lang() == "zh" else f"{words} ({unit_word})"


def value(measure: Measure, x: float | None, *, exact: bool = False) -> str:
    """The number in words: short on cards and charts, all digits when exact; "–" when it does not exist."""
    if missing(x) or x is None:
        return NONE
    if measure.format == "percent":
        return text.percent(x, max(1, measure.digits) if exact else 1)
    if measure.format == "money":
        return text.money(x, currency(), exact=exact)
    if measure.format == "integer":
        return text.count(x) if exact else text.short(x)
    return text.fixed(x, measure.digits or 1) if exact else text.short(x, whole=False)


def say_as(measure: Measure) -> Callable[[float], str]:
    """`value` of one measure, as charts take it."""
    return lambda x: value(measure, x)


def signed(measure: Measure, x: float | None) -> str:
    """A difference with its sign: +1.0 pp, -¥3,400; 0 where it rounds to nothing."""
    if missing(x) or x is None:
        return NONE
    return _with_sign(_("{n} pp", n=text.fixed(100 * x, 1)) if measure.format == "percent" else value(measure, x), x)


def _with_sign(said: str, x: float) -> str:
    return ("+" if x > 0 else "") + said if any(c in "123456789" for c in said) else "0"


def change(measure: Measure, now: float | None, was: float | None) -> str | None:
    """The signed change: percent points for a rate, per cent for everything else. None where there is nothing to compare with.

    A change from a negative, zero or tiny value is told in its own unit: a per cent of it would mislead. A change that rounds to nothing
    is "0", but of two values that are written differently it has as many digits as it takes.
    """
    if now is None or was is None or missing(now) or missing(was):
        return None
    points = measure.format == "percent"
    if not points and (was <= 0 or now / was > 10.995):
        return signed(measure, now - was)
    x = 100 * (now - was if points else now / was - 1)
    places = 1 if points or abs(x) < 9.95 else 0
    while places < 4 and not round(x, places) and value(measure, now) != value(measure, was):
        places += 1
    said = text.fixed(x, places)
    return _with_sign(_("{n} pp", n=said) if points else f"{said}%", x)


def colour(measure: Measure) -> Literal["normal", "inverse", "off"]:
    """How st.metric colours a rise of this measure."""
    return {"up": "normal", "down": "inverse", "none": "off"}[measure.better]  # type: ignore[return-value]


def explain(measure: Measure, numerator: str = "", denominator: str = "") -> str:
    """The definition for a tooltip: in words, with its parts, and where to read more."""
    word = unit(measure)
    lines = [f"**{name(measure)}**" + (f" · {word}" if word else ""), say(measure.note)]
    if numerator and denominator:
        lines.append(f"{numerator} ÷ {denominator}")
    lines.append(_("Direction: {way}", way=_(_WAYS[measure.better])))
    more = _("Definition and SQL")
    lines.append(f"[{more}](catalogue?measure={measure.name}&lang={text.lang()})")
    return "\n\n".join(lines)


_WAYS = {"up": N_("higher is better"), "down": N_("lower is better"), "none": N_("neither high nor low is good in itself")}
