"""The states a screen can be in besides full: loading, empty, too few, stale, not allowed, broken. Each says what to do."""

from __future__ import annotations

import html
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from data.errors import NotAllowed, PieceworkError, StoreError
from pages.ui.access import SignedOut
from pages.ui.text import _, lang

log = logging.getLogger("piecework.pages")


def card(icon: str, title: str, body: str, hint: str = "") -> None:
    """A quiet bordered card: what is the matter, and what to do about it."""
    with st.container(border=True):
        st.markdown(f"{icon} **{title}**")
        st.markdown(body)
        if hint:
            st.caption(hint)


def link(words: str, address: str, icon: str) -> None:
    """A link out of the pages that stays in this tab: those of Streamlit's own elements open another."""
    anchor = f'<a href="{html.escape(address)}" target="_self">{html.escape(words)}</a>'
    st.markdown(f"{icon} {anchor}", unsafe_allow_html=True)


def empty(body: str = "", hint: str = "") -> None:
    """Nothing to show for this choice; the next step is named."""
    card(
        ":material/inbox:",
        _("Nothing here for this choice"),
        body or _("There are no rows for the period and filters chosen."),
        hint or _("Choose a longer period, or reset the filters."),
    )


def no_data(*, may_import: bool = False) -> None:
    """The store itself is empty; who may import is led there."""
    card(
        ":material/upload_file:",
        _("No data yet"),
        _("Import the logs of your annotation tool, or build the demo base to look around."),
        "`python -m data import FILE…` · `python -m data demo`",
    )
    if may_import:
        link(_("Import files"), "/import_files", ":material/upload_file:")


def too_few(n: float, need: int) -> None:
    """A sample too small to say anything about."""
    st.caption(
        ":material/info: " + _("Too few to judge: {n}, at least {need} are needed. The interval is shown instead.", n=round(n), need=need)
    )


def stale(age: str) -> None:
    """The newest fact is old: somebody should look at the import."""
    st.warning(_("The newest data is {age} old. Check the imports on the data trust screen.", age=age), icon=":material/schedule:")


def not_allowed(error: NotAllowed) -> None:
    """A page or field outside the visitor's scope, or nobody is signed in."""
    if isinstance(error, SignedOut):
        with st.container(border=True):
            st.markdown(f":material/lock: **{_sentence(error)}**")
            link(_("Sign in"), "/login", ":material/login:")
        return
    card(
        ":material/lock:",
        _("Not yours to see"),
        _sentence(error),
        _("If you need it for your work, ask the administrator for another role."),
    )


def broken(error: BaseException) -> str:
    """Any failure as one calm card; what nobody foresaw is logged under a reference that the card shows. Returns the reference."""
    if isinstance(error, NotAllowed):
        not_allowed(error)
        return ""
    if isinstance(error, PieceworkError):
        title = _("The data cannot be opened") if isinstance(error, StoreError) else _("This cannot be answered")
        card(":material/error:", title, _sentence(error))
        return ""
    reference = secrets.token_hex(4)
    log.error("A screen failed; reference %s", reference, exc_info=error)
    card(
        ":material/error:",
        _("Something went wrong on our side"),
        _("The screen could not be drawn. Your data is unharmed."),
        _("Reload the page. If it happens again, give your administrator the reference {reference}.", reference=reference),
    )
    return reference


@contextmanager
def loading(height: int = 300) -> Iterator[None]:
    """A skeleton in the place of what is being worked out."""
    with st.skeleton(height=height):
        yield


def _sentence(error: PieceworkError) -> str:
    return error.zh if lang() == "zh" else str(error)
