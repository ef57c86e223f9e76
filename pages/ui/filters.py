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
from streamlit.runtime.scriptrunner import get_script_run_ctx

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
_SHELL = ("lang", "persona")  # words of the shell in the address, which the menu's links leave out

WIDTHS: dict[str, int] = {"period": 118, "dates": 230, "compare": 150, "site": 130, "project": 130, "team": 130, "modality": 130}
# With two dates to show, so that all is one line on a desk of 1440; English names need more than that.
TIGHT: dict[str, int] = {"period": 96, "dates": 202, "compare": 148, "site": 102, "project": 124, "team": 102, "modality": 112}

Options = Callable[[str, Mapping[str, str]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the bar says: a period, a comparison or none, and at most one value a dimension."""

    period: Period
    compare: Compare | None
    where: Mapping[str, str] = field(default_factory=dict)
    no_dates: bool = False  # the address asked for dates of its own and named none

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """`where` as a query takes it."""
        return {dimension: (value,) for dimension, value in self.where.items()}


def bar(filters: tuple[str, ...], options: Options, first: date, last: date, *, phone: bool, page: str) -> Choice:
    """Draw the bar and say what was chosen.

    `options(dimension, chosen so far)` gives id → name of the values within the visitor's scope; `first` and `last` are the
    days that have data: presets end on `last`. On a phone everything is behind one button.
    """
    state, came = _state(page, filters)
    if not filters:
        return Choice(resolve(DEFAULT_PERIOD, last), None)
    english = text.lang() == "en"
    wide = {**WIDTHS, "project": 170} if english else WIDTHS
    widths = TIGHT if state["period"] == "custom" and not phone else wide
    with _place(filters, state, phone, page):
        period = _period(state, first, last, widths)
        compare = _compare(state, widths["compare"]) if "compare" in filters and period.preset != "all" else None
        where: dict[str, str] = {}
        for dimension in (name for name in DIMENSIONS if name in filters):
            known = options(dimension, where)
            if state[dimension] not in known:
                state[dimension] = None
            if len(known) > 1:
                everything = _(ALL[dimension])
                width = (wide if english and state[dimension] else widths)[dimension]
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
    choice = Choice(period, compare, where, state["no_dates"])
    said = _said(choice, state)
    keep_address(said)
    st.session_state["filters_written"] = said
    if came:
        st.session_state["filters_arrived"][page] = said
    return choice


def _place(filters: tuple[str, ...], state: Mapping[str, Any], phone: bool, page: str) -> Any:
    if phone:
        used = sum(state[d] is not None for d in (*DIMENSIONS, PERSON) if d in filters)
        label = _("Filters") + " · " + say(PRESETS[state["period"]])
        return st.expander(label + (f" (+{used})" if used else ""), icon=":material/tune:", key=f"f_fold_{page}")  # open under any label
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
    if name == "period":
        st.session_state["filters"]["no_dates"] = False


def _period(state: dict[str, Any], first: date, last: date, widths: Mapping[str, int]) -> Period:
    _select(_("Period"), "period", state, list(PRESETS), lambda name: say(PRESETS[cast(Preset, name)]), widths["period"])
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
        width=widths["dates"],
    )
    if isinstance(chosen, tuple) and len(chosen) == 2:
        state["dates"] = start, end = chosen
    return Period(start, end)


def _compare(state: dict[str, Any], width: int) -> Compare | None:
    def say_option(name: str) -> str:
        words = say(COMPARISONS[cast(Compare, name)]) if name in COMPARISONS else _("No comparison")
        return words[0].upper() + words[1:]

    _select(_("Compared with"), "compare", state, [*COMPARISONS, NO_COMPARE], say_option, width)
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
def _state(page: str, filters: tuple[str, ...]) -> tuple[dict[str, Any], bool]:
    """What is chosen in this session, and whether the menu led here.

    Taken over from the address when that is new: a link that was opened, or the browser's Back and Forward. The menu leads to a bare
    address, which says nothing and stays in the history, just before the one that is written on arrival.
    """
    session, context = st.session_state, get_script_run_ctx()
    here = {name: st.query_params[name] for name in _ADDRESS if name in st.query_params}
    came, session["filters_page"] = session.get("filters_page") != page, page
    back = context is not None and context.is_history_navigation
    arrived = session.setdefault("filters_arrived", {})
    passed = not came and not here and page in arrived and arrived[page] == session["filters_written"]
    if "filters" not in session or (back and filters and not passed):
        session["filters"] = _adopted(here)
        session.pop("f_dates", None)
    return cast("dict[str, Any]", session["filters"]), came and not back


def _adopted(said: Mapping[str, str]) -> dict[str, Any]:
    start, end = _date(said.get("from")), _date(said.get("to"))
    preset, compare = said.get("period", DEFAULT_PERIOD), said.get("compare", DEFAULT_COMPARE)
    dates = (min(start, end), max(start, end)) if preset == "custom" and start and end else None
    no_dates = preset == "custom" and dates is None
    if preset not in PRESETS or no_dates:
        preset = DEFAULT_PERIOD
    if compare not in (*COMPARISONS, NO_COMPARE):
        compare = DEFAULT_COMPARE
    chosen = {name: said.get(name) for name in (*DIMENSIONS, PERSON)}
    return {"period": preset, "compare": compare, "dates": dates, "no_dates": no_dates, **chosen}


def _said(choice: Choice, state: Mapping[str, Any]) -> dict[str, str]:
    said: dict[str, str] = {}
    if state["period"] != DEFAULT_PERIOD:
        said["period"] = state["period"]
    if state["period"] == "custom" and choice.period.start and choice.period.end:
        said |= {"from": choice.period.start.isoformat(), "to": choice.period.end.isoformat()}
    if state["compare"] != DEFAULT_COMPARE:
        said["compare"] = state["compare"]
    return {**said, **choice.where}


def keep_address(said: Mapping[str, str] | None = None) -> None:
    """What the address last said of the shell stays in it from screen to screen; the filters become what is `said`.

    All at once, since each writing is a step of the Back button.
    """
    now = st.query_params.to_dict()
    kept = st.session_state.setdefault("address_kept", {})
    kept |= {name: now[name] for name in _SHELL if name in now}
    rest = now if said is None else {**{name: now[name] for name in now if name not in _ADDRESS}, **said}
    wanted = {**kept, **rest}
    if wanted != now:
        st.query_params.from_dict(wanted)


def _date(words: str | None) -> date | None:
    """The day, if there is one that somebody may have worked on, with all that it is compared with."""
    try:
        found = date.fromisoformat(words or "")
    except ValueError:
        return None
    return found if 1970 <= found.year < 2200 else None


def words(choice: Choice) -> str:
    """The days of the period, and those it is compared with, as a caption."""
    period = choice.period
    now = text.days(period.start, period.end) if period.start and period.end else say(period.label)
    if choice.no_dates:
        now = _("The address asks for dates of its own and does not name two that exist. Shown instead: {now}", now=now)
    if choice.compare is None:
        return now
    before = period.before(choice.compare)
    return _("{now}, compared with {before}", now=now, before=text.days(before.start, before.end) if before.start and before.end else "")
