"""Connecting a tool on the screen, changing a connection and forgetting it: for administrators. Folders are connected on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from data import connections
from data.connectors import credential
from data.connectors.connector import Connection, Discovery, Local
from data.connectors.registry import CONNECTORS
from data.errors import InputError, PieceworkError
from data.owner import owner
from pages.ui import access
from pages.ui.dropped import said
from pages.ui.screen import View
from pages.ui.text import _, ngettext, safe

TOOLS = [name for name, one in CONNECTORS.items() if not isinstance(one, Local)]


def manage(view: View) -> None:
    """Buttons for what an administrator may do; each opens a dialog. What was done last is said until the next deed."""
    if done := st.session_state.pop("connecting_done", None):
        st.success(done, icon=":material/check:")
    mine = [one for one in connections.connections(view.store) if one.tool in TOOLS]
    if st.button(_("Connect a tool"), icon=":material/add_link:", key="connecting_add"):
        _edit(view, None)
    if mine and st.button(_("Change a connection"), icon=":material/edit:", key="connecting_change"):
        _choose(view, mine)


def _choose(view: View, mine: list[Connection]) -> None:
    @st.dialog(_("Change a connection"), width="medium")
    def choose() -> None:
        names = [one.name for one in mine]
        name = st.selectbox(_("Connection"), names, placeholder=_("Connection"), key="connecting_name", format_func=safe)
        _form(view, next(one for one in mine if one.name == name))

    choose()


def _edit(view: View, kept: Connection | None) -> None:
    @st.dialog(_("Connect a tool"), width="medium")
    def edit() -> None:
        _form(view, kept)

    edit()


def _form(view: View, kept: Connection | None) -> None:
    """The settings of a connection; a new one where `kept` is None. The tool is asked before anything is kept."""
    offered = credential.offered(view.store.path)
    known = [one for one in (kept.credential, kept.hook_secret) if one] if kept else []
    places = list(dict.fromkeys([*known, *offered]))
    if not places:
        st.info(
            _(
                "First put the tool’s token where the server finds it: into a file in the folder {folder}, or into an environment variable "
                "PIECEWORK_…_TOKEN. It is never typed here and never kept in the store.",
                folder=f"`{view.store.path.absolute().parent / 'secrets'}`",
            ),
            icon=":material/key:",
        )
        return
    key = f"connecting_{kept.name if kept else ''}"
    with st.form(key, border=False, enter_to_submit=False):
        if kept is None:
            tool = st.selectbox(_("Tool"), TOOLS, format_func=lambda name: CONNECTORS[name].title, placeholder=_("Tool"))
            name = st.text_input(_("Name"), help=_("What people call it; its ids stand under this name."), max_chars=60)
        else:
            tool, name = kept.tool, kept.name
        address = st.text_input(_("Address"), kept.address if kept else "", help=_("As in a browser: https://…"), max_chars=300)
        place = st.selectbox(
            _("Its token is in"), places, index=places.index(kept.credential) if kept and kept.credential in places else 0,
            placeholder=_("Its token is in"),
        )  # fmt: skip
        hooks = [None, *places]
        hook = st.selectbox(
            _("The secret of its webhooks is in"), hooks, index=hooks.index(kept.hook_secret) if kept and kept.hook_secret in hooks else 0,
            format_func=lambda one: one or _("No webhooks"), placeholder=_("No webhooks"),
        )  # fmt: skip
        every = st.number_input(
            _("Read every (s)"), connections.SHORTEST_S, connections.LONGEST_S, kept.every_s if kept else 30, step=5, format="%d"
        )
        with st.expander(_("Projects and people that have other ids here")):
            projects = _pairs(_("Project there"), _("Project here"), kept.projects if kept else {}, f"{key}_projects")
            people = _pairs(_("User there: id, name or e-mail"), _("Worker id here"), kept.people if kept else {}, f"{key}_people")
        keep = st.checkbox(_("What is deleted there keeps its output here"), kept.keep_deleted if kept else False)
        wanted = st.form_submit_button(_("Ask the tool and keep"), type="primary", icon=":material/link:")
    if wanted and tool and place:
        given = Connection(name.strip(), tool, kept.source if kept else name.strip(), address.strip(), place, hook)
        given = replace(given, projects=projects, people=people, every_s=int(every), keep_deleted=keep, only=kept.only if kept else ())
        _keep(given, new=kept is None, allowed=places)
    if kept is not None:
        _forget(kept)


def _pairs(theirs: str, ours: str, known: Mapping[str, str], key: str) -> dict[str, str]:
    """A table of two columns to write in: an id there, the id here."""
    table = pd.DataFrame({theirs: list(known), ours: list(known.values())}, dtype="string")
    found = st.data_editor(table, num_rows="dynamic", hide_index=True, width="stretch", key=key)
    pairs = zip(found[theirs].fillna("").str.strip(), found[ours].fillna("").str.strip(), strict=True)
    return {there: here for there, here in pairs if there and here}


def _keep(given: Connection, *, new: bool, allowed: list[str]) -> None:
    """Ask the tool, then keep the connection, through the one writer."""
    try:
        if access.require("trust").role != "admin":
            raise InputError("Only administrators connect tools.", "只有管理员可以连接工具。")
        if {given.credential, given.hook_secret} - {None, *allowed}:
            raise InputError("Choose one of the places listed.", "请从列出的位置中选择。")
        with st.spinner(_("Asking the tool…")):
            seen = connections.discover(given)
            owner().writer.submit(lambda store: (connections.add if new else connections.change)(store, given)).result()
    except PieceworkError as error:
        st.error(safe(said(error)), icon=":material/error:")
        return
    st.session_state["connecting_done"] = _(
        "{name} is connected: {seen}. It is read by itself from now on.", name=safe(given.name), seen=_seen(seen)
    )
    st.rerun()


def _seen(found: Discovery) -> str:
    projects, users = len(found.projects), len(found.users)
    return " · ".join((ngettext("{n} project", "{n} projects", projects), ngettext("{n} user", "{n} users", users)))


def _forget(kept: Connection) -> None:
    with st.popover(_("Forget this connection"), icon=":material/link_off:"):
        st.markdown(_("What it brought stays; nothing more is read."))
        if st.button(_("Forget it"), type="primary", key=f"connecting_forget_{kept.name}"):
            try:
                if access.require("trust").role == "admin":
                    owner().writer.submit(lambda store: connections.remove(store, kept.name)).result()
            except PieceworkError as error:
                st.error(safe(said(error)), icon=":material/error:")
                return
            st.session_state["connecting_done"] = _("{name} is forgotten; what it brought stays.", name=safe(kept.name))
            st.rerun()
