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
    _follow_address(page)
    if not filters:
        return Choice(resolve(DEFAULT_PERIOD, last), None)
    with _place(filters, phone):
        preset, period = _period(first, last)
        compare = _compare(period) if "compare" in filters else None
        where: dict[str, str] = {}
        for dimension in (name for name in DIMENSIONS if name in filters):
            known = options(dimension, where)
            chosen = st.session_state.get(f"f_{dimension}")
            if chosen is not None and chosen not in known:
                st.session_state[f"f_{dimension}"] = chosen = None
            if len(known) > 1:
                chosen = st.selectbox(
                    _(DIMENSIONS[dimension]),
                    [None, *known],
                    key=f"f_{dimension}",
                    persist_state="session",
                    width=170,
                    format_func=_namer(known, _(ALL[dimension])),
                )
            if chosen is not None:
                where[dimension] = chosen
        person = st.session_state.get("person_now")
        if person and "worker" in filters:
            where[PERSON] = person
            name = options(PERSON, {}).get(person, person)
            st.button(_("Person: {name}", name=name), icon=":material/close:", on_click=narrow, args=(PERSON, None), key="f_person_off")
        st.button(_("Reset"), icon=":material/restart_alt:", type="tertiary", on_click=reset, key="f_reset_all")
    choice = Choice(period, compare, where)
    _write_address(choice, preset, page)
    return choice


def _namer(known: Mapping[str, str], everything: str) -> Callable[[str | None], str]:
    return lambda value: everything if value is None else known.get(value, value)


def _place(filters: tuple[str, ...], phone: bool) -> Any:
    if phone:
        used = sum(st.session_state.get(f"f_{d}") is not None for d in DIMENSIONS if d in filters)
        return st.expander(_("Filters") + (f" ({used})" if used else ""), icon=":material/tune:")
    return st.container(horizontal=True, vertical_alignment="bottom", gap="small")


def _period(first: date, last: date) -> tuple[Preset, Period]:
    st.session_state.setdefault("f_period", DEFAULT_PERIOD)
    preset = st.selectbox(
        _("Period"),
        list(PRESETS),
        key="f_period",
        persist_state="session",
        format_func=lambda name: say(PRESETS[name]),
        width=130,
    )
    if preset != "custom":
        period = resolve(preset, last)
        return preset, period if period.bounded else Period(first, last, "all")
    now = st.session_state.setdefault("f_dates", (max(first, resolve(DEFAULT_PERIOD, last).start or first), last))
    chosen = st.date_input(
        _("Dates"),
        key="f_dates",
        persist_state="session",
        min_value=min(first, now[0]),
        max_value=max(last, now[-1]),
        format="YYYY-MM-DD",
        width=230,
    )
    both = cast("tuple[date, ...]", chosen if isinstance(chosen, tuple) else (chosen,))
    if len(both) == 2:
        st.session_state["dates_whole"] = both
    start, end = both if len(both) == 2 else st.session_state.get("dates_whole", (now[0], now[-1]))
    return preset, Period(start, end)


def _compare(period: Period) -> Compare | None:
    st.session_state.setdefault("f_compare", DEFAULT_COMPARE)
    chosen = st.selectbox(
        _("Compared with"),
        [*COMPARISONS, NO_COMPARE],
        key="f_compare",
        persist_state="session",
        width=170,
        format_func=lambda name: say(COMPARISONS[name]) if name in COMPARISONS else _("No comparison"),
    )
    return cast(Compare, chosen) if chosen in COMPARISONS and period.preset != "all" else None


# Changing it from elsewhere --------------------------------------------------------------------------------------------
def narrow(dimension: str, value: str | None) -> None:
    """Set a filter from a click on a bar or a row (then `st.rerun()`), or as a callback. None takes it off."""
    st.session_state.setdefault("filters_pending", {})[dimension] = value


def reset() -> None:
    """Every filter back to its default (a callback)."""
    st.session_state["filters_pending"] = {"period": DEFAULT_PERIOD, "compare": DEFAULT_COMPARE, PERSON: None, **dict.fromkeys(DIMENSIONS)}


# The address -----------------------------------------------------------------------------------------------------------
def _follow_address(page: str) -> None:
    """Take over what the URL says when it is new: a link that was opened, or the browser's back button. Then pending changes."""
    here = {name: st.query_params[name] for name in _ADDRESS if name in st.query_params}
    written, where = st.session_state.get("filters_written"), st.session_state.get("filters_page")
    if written is None or (here != written and where == page):
        _adopt(here)
    for name, value in st.session_state.pop("filters_pending", {}).items():
        st.session_state["person_now" if name == PERSON else f"f_{name}"] = value


def _adopt(said: Mapping[str, str]) -> None:
    start, end = _date(said.get("from")), _date(said.get("to"))
    preset = said.get("period", DEFAULT_PERIOD)
    if preset == "custom" and start and end and start <= end:
        st.session_state["f_dates"] = st.session_state["dates_whole"] = (start, end)
    elif preset == "custom" or preset not in PRESETS:
        preset = DEFAULT_PERIOD
    st.session_state["f_period"] = preset
    compare = said.get("compare", DEFAULT_COMPARE)
    st.session_state["f_compare"] = compare if compare in (*COMPARISONS, NO_COMPARE) else DEFAULT_COMPARE
    for dimension in DIMENSIONS:
        st.session_state[f"f_{dimension}"] = said.get(dimension)
    st.session_state["person_now"] = said.get(PERSON)


def _write_address(choice: Choice, preset: Preset, page: str) -> None:
    said: dict[str, str] = {}
    if preset != DEFAULT_PERIOD:
        said["period"] = preset
    if preset == "custom" and choice.period.start and choice.period.end:
        said |= {"from": choice.period.start.isoformat(), "to": choice.period.end.isoformat()}
    compare = st.session_state.get("f_compare", DEFAULT_COMPARE)
    if compare != DEFAULT_COMPARE:
        said["compare"] = compare
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
    """The period, and what it is compared with, as a caption."""
    period = choice.period
    now = text.days(period.start, period.end) if period.start and period.end else say(period.label)
    if choice.compare is None:
        return now
    before = period.before(choice.compare)
    return _("{now}, compared with {before}", now=now, before=text.days(before.start, before.end) if before.start and before.end else "")
