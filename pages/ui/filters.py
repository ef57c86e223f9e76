"""The one filter bar: period, comparison, site, project, team, modality. It lives in the URL and holds across screens.

The URL carries stable names (`?period=last_7_days&project=P01`), not the words on the widgets, so that a link means the same in
both languages; that is why the widgets are not bound to it with `bind=`, which writes the words. A value that is not
among the visitor's own is dropped here, and would be refused by the scope in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import streamlit as st

from metrics.period import COMPARISONS, PRESETS, Compare, Period, Preset, resolve
from pages.ui import text
from pages.ui.text import N_, _, say

DIMENSIONS: dict[str, str] = {"site": N_("Site"), "project": N_("Project"), "team": N_("Team"), "modality": N_("Modality")}
ALL: dict[str, str] = {
    "site": N_("All sites"),
    "project": N_("All projects"),
    "team": N_("All teams"),
    "modality": N_("All modalities"),
}
DEFAULT_PERIOD: Preset = "last_28_days"
DEFAULT_COMPARE: Compare = "previous"
NO_COMPARE = "none"
PERSON = "worker"
_ADDRESS = ("period", "from", "to", "compare", *DIMENSIONS, PERSON)

Options = Callable[[str, Mapping[str, str]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the bar says: a period, a comparison or none, and at most one value a dimension."""

    period: Period
    compare: Compare | None
    where: Mapping[str, str] = field(default_factory=dict)

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """`where` as a query takes it."""
        return {dimension: (value,) for dimension, value in self.where.items()}


def bar(filters: tuple[str, ...], options: Options, first: date, last: date, *, phone: bool, page: str) -> Choice:
    """Draw the bar and say what was chosen.

    `options(dimension, chosen so far)` gives id → name of the values within the visitor's scope; `first` and `last` are the
    days that have data: presets end on `last`. On a phone everything is behind one button.
    """
    state = _state(page)
    if not filters:
        return Choice(resolve(DEFAULT_PERIOD, last), None)
    with _place(filters, state, phone):
        period = _period(state, first, last)
        compare = _compare(state) if "compare" in filters and period.preset != "all" else None
        where: dict[str, str] = {}
        for dimension in (name for name in DIMENSIONS if name in filters):
            known = options(dimension, where)
            if state[dimension] not in known:
                state[dimension] = None
            if len(known) > 1:
                everything = _(ALL[dimension])
                width = 170 if dimension == "project" and text.lang() == "en" else 130
                _select(_(DIMENSIONS[dimension]), dimension, state, ["", *known], _namer(known, everything), width)
            if state[dimension] is not None:
                where[dimension] = state[dimension]
        if state[PERSON] and PERSON in filters:
            people = options(PERSON, {})
            if state[PERSON] in people:
                where[PERSON] = state[PERSON]
                name = people[state[PERSON]]
                st.button(_("Person: {name}", name=name), icon=":material/close:", on_click=narrow, args=(PERSON, None), key="f_person_off")
            else:
                state[PERSON] = None
        st.button(_("Reset"), icon=":material/restart_alt:", type="tertiary", on_click=reset, key="f_reset_all")
    choice = Choice(period, compare, where)
    _write_address(choice, state, page)
    return choice


def _place(filters: tuple[str, ...], state: Mapping[str, Any], phone: bool) -> Any:
    if phone:
        used = sum(state[d] is not None for d in (*DIMENSIONS, PERSON) if d in filters)
        label = _("Filters") + " · " + say(PRESETS[state["period"]])
        return st.expander(label + (f" (+{used})" if used else ""), icon=":material/tune:")
    return st.container(horizontal=True, vertical_alignment="bottom", gap="small")


def _namer(known: Mapping[str, str], everything: str) -> Callable[[str], str]:
    return lambda i: known.get(i, i) if i else everything


def _select(label: str, name: str, state: dict[str, Any], options: list[Any], say_option: Callable[[Any], str], width: int) -> None:
    """A select box over our own state, which outlives the widget when another screen does not draw it."""
    said = {option: say_option(option) for option in options}
    st.session_state[f"f_{name}"] = state[name] or ""
    st.selectbox(
        label, options, key=f"f_{name}", format_func=lambda option: said.get(option, option), width=width, on_change=_keep, args=(name,)
    )


def _keep(name: str) -> None:
    st.session_state["filters"][name] = st.session_state[f"f_{name}"] or None


def _period(state: dict[str, Any], first: date, last: date) -> Period:
    _select(_("Period"), "period", state, list(PRESETS), lambda name: say(PRESETS[cast(Preset, name)]), 118)
    if state["period"] != "custom":
        period = resolve(state["period"], last)
        return period if period.bounded else Period(first, last, "all")
    if state["dates"] is None:
        state["dates"] = (max(first, resolve(DEFAULT_PERIOD, last).start or first), last)
    start, end = state["dates"]
    st.session_state.setdefault("f_dates", (start, end))
    chosen = st.date_input(
        _("Dates"),
        key="f_dates",
        min_value=min(first, start),
        max_value=max(last, end),
        format="YYYY-MM-DD",
        width=230,
    )
    if isinstance(chosen, tuple) and len(chosen) == 2:
        state["dates"] = start, end = chosen
    return Period(start, end)


def _compare(state: dict[str, Any]) -> Compare | None:
    def say_option(name: str) -> str:
        words = say(COMPARISONS[cast(Compare, name)]) if name in COMPARISONS else _("No comparison")
        return words[0].upper() + words[1:]

    _select(_("Compared with"), "compare", state, [*COMPARISONS, NO_COMPARE], say_option, 150)
    chosen = state["compare"]
    return cast(Compare, chosen) if chosen in COMPARISONS else None


# Changing it from elsewhere --------------------------------------------------------------------------------------------
def narrow(dimension: str, value: str | None) -> None:
    """Set a filter from a click on a bar or a row (then `st.rerun()`), or as a callback. None takes it off."""
    st.session_state["filters"][dimension] = value


def reset() -> None:
    """Every filter back to its default (a callback)."""
    st.session_state["filters"] = _adopted({})


# The address -----------------------------------------------------------------------------------------------------------
def _state(page: str) -> dict[str, Any]:
    """What is chosen in this session; taken over from the URL when that is new: a link that was opened, or the back button."""
    here = {name: st.query_params[name] for name in _ADDRESS if name in st.query_params}
    written, where = st.session_state.get("filters_written"), st.session_state.get("filters_page")
    if "filters" not in st.session_state or (here != written and where == page):
        st.session_state["filters"] = _adopted(here)
        st.session_state.pop("f_dates", None)
    return cast("dict[str, Any]", st.session_state["filters"])


def _adopted(said: Mapping[str, str]) -> dict[str, Any]:
    start, end = _date(said.get("from")), _date(said.get("to"))
    preset, compare = said.get("period", DEFAULT_PERIOD), said.get("compare", DEFAULT_COMPARE)
    dates = (start, end) if preset == "custom" and start and end and start <= end else None
    if preset not in PRESETS or (preset == "custom" and dates is None):
        preset = DEFAULT_PERIOD
    if compare not in (*COMPARISONS, NO_COMPARE):
        compare = DEFAULT_COMPARE
    return {"period": preset, "compare": compare, "dates": dates, **{name: said.get(name) for name in (*DIMENSIONS, PERSON)}}


def _write_address(choice: Choice, state: Mapping[str, Any], page: str) -> None:
    said: dict[str, str] = {}
    if state["period"] != DEFAULT_PERIOD:
        said["period"] = state["period"]
    if state["period"] == "custom" and choice.period.start and choice.period.end:
        said |= {"from": choice.period.start.isoformat(), "to": choice.period.end.isoformat()}
    if state["compare"] != DEFAULT_COMPARE:
        said["compare"] = state["compare"]
    said |= choice.where
    for name in _ADDRESS:
        if name in said and st.query_params.get(name) != said[name]:
            st.query_params[name] = said[name]
        elif name not in said and name in st.query_params:
            del st.query_params[name]
    st.session_state["filters_written"], st.session_state["filters_page"] = said, page


def _date(words: str | None) -> date | None:
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        return None


def words(choice: Choice) -> str:
    """The days of the period, and those it is compared with, as a caption."""
    period = choice.period
    now = text.days(period.start, period.end) if period.start and period.end else say(period.label)
    if choice.compare is None:
        return now
    before = period.before(choice.compare)
    return _("{now}, compared with {before}", now=now, before=text.days(before.start, before.end) if before.start and before.end else "")
