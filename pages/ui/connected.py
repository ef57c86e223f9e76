"""The tools the base is connected to, as the data trust screen shows them: in time or not, what came, and how each measures time."""

from __future__ import annotations

import streamlit as st

from data import connections
from data.connections import State
from data.errors import StoreError
from data.puller import puller
from pages.ui import connecting, records, text, trust
from pages.ui.screen import View
from pages.ui.text import _

LATE = 3  # times its own interval, after which a connection is behind


def show(view: View) -> None:
    """One row a connection; for administrators its address and a button that pulls all of them now."""
    found = connections.states(view.store)
    if not found:
        if view.visitor.role == "admin":
            st.caption(
                _(
                    "No tool is connected. A folder that is watched is connected on the command line: {command}",
                    command="`python -m data connection add`",
                )
            )
            connecting.manage(view)
        else:
            st.caption(_("No tool is connected. An administrator can connect one."))
        return
    whole = trust.sees_contents(view.scope, view.visitor.role)
    failing = [state for state in found if state.error]
    if failing:
        names = text.listed(state.name for state in failing)
        st.warning(
            _("Not reached: {names}. What came before is kept; it is tried again by itself.", names=names), icon=":material/cloud_off:"
        )
    columns: dict[str, list[records.Cell]] = {
        _("Connection"): [state.name for state in found],
        _("Tool"): [state.title for state in found],
        _("State"): [_state(state, whole) for state in found],
        _("Up to date until"): [trust.clock(view, state.caught_up_at) for state in found],
        _("Read"): [state.seen for state in found],
        _("New"): [state.new for state in found],
        _("Updated"): [state.updated for state in found],
        _("Refused"): [state.rejected for state in found],
        _("Its time"): [state.clock.zh if text.lang() == "zh" else state.clock.en for state in found],
    }
    if whole:
        columns[_("Address")] = [state.address for state in found]
    records.show(
        columns,
        key="trust_connections",
        title=_("Connections"),
        brief=[_("Connection"), _("State"), _("New"), _("Up to date until")],
        wide=[_("State")],
    )
    if view.visitor.role == "admin":
        with st.container(horizontal=True, gap="small"):
            if st.button(_("Pull now"), icon=":material/sync:", key="trust_pull"):
                _pull(found)
            connecting.manage(view)


def _pull(found: tuple[State, ...]) -> None:
    try:
        for state in found:
            puller().hint(state.name)
    except StoreError as error:
        st.error(error.zh if text.lang() == "zh" else str(error), icon=":material/error:")
        return
    st.toast(_("Asked: what is new shows in a few seconds."))


def _state(state: State, whole: bool) -> str:
    """In time, behind by how much, or what went wrong (for those who may read it: an error can name an address)."""
    if state.error:
        said = state.error_zh if text.lang() == "zh" and state.error_zh else state.error
        return _("failing: {error}", error=said) if whole else _("failing")
    if state.caught_up_at is None or state.lag_s is None:
        return _("not read yet")
    if state.lag_s > LATE * state.every_s + 60:
        return _("{age} behind", age=text.span(state.lag_s))
    return _("in time")
