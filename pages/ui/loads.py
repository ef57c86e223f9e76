"""What came in, file by file, and taking it back: the totals before and after, then a question, then the deed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

import streamlit as st

from data import imports, undo
from data.errors import NotAllowed, PieceworkError
from data.owner import owner
from data.store import Store
from data.undo import Loaded, Totals, Undone
from pages.ui import access, records, text, trust
from pages.ui.access import Visitor
from pages.ui.dropped import said
from pages.ui.screen import View
from pages.ui.text import N_, _, safe

LISTED = 100
_LONGEST = 36  # characters of a name in the table; the dialog has all of it
FACTS = {"annotations", "reviews"}
TOTALS: dict[str, str] = {
    "work": N_("Work rows"),
    "reviews": N_("Reviews"),
    "units": N_("Units"),
    "hours": N_("Hours"),
    "workers": N_("People"),
    "projects": N_("Projects"),
    "described": N_("Other list entries"),
}
_COUNTS = ("work", "reviews", "workers", "projects", "described")


def show(view: View) -> None:
    """One row a file, or a day of a feed, the newest first; a click asks whether to take it back."""
    _told(view)
    found = undo.loads(view.store, limit=LISTED)
    if not found:
        st.caption(_("Nothing has been loaded yet."))
        return
    chosen = records.show(
        {
            _("Loaded"): [trust.clock(view, one.finished_at.replace(tzinfo=UTC)) for one in found],
            _("File"): [_short(_name(one)) for one in found],
            _("Lists"): [_lists(one) for one in found],
            _("Rows"): [one.rows for one in found],
            _("New"): [one.new for one in found],
            _("Changed"): [one.updated for one in found],
            _("Already known"): [one.duplicates for one in found],
            _("Refused"): [one.rejected for one in found],
            _("State"): [_state(view, one) for one in found],
        },
        key="import_loads",
        title=_("Loads"),
        select=True,
        brief=[_("File"), _("New"), _("Loaded"), _("State")],
    )
    if chosen is not None:
        _ask(view, found[chosen])


def _name(one: Loaded) -> str:
    if one.file is None:
        return _(trust.SOURCES[one.source]) if one.source in trust.SOURCES else one.source
    return one.file.replace("\\", "/").rsplit("/", 1)[-1]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}…{name[-_LONGEST // 2 + 1 :]}"


def _lists(one: Loaded) -> str:
    names = [_(trust.TABLES[name]) for name in one.tables if name in trust.TABLES]
    return text.listed(names[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")


def _state(view: View, one: Loaded) -> str:
    if one.undone_at is not None:
        return _("taken back {time}", time=trust.clock(view, one.undone_at.replace(tzinfo=UTC)))
    return _("in the numbers") if one.undoable else _("in the numbers, before it could be taken back")


def may_take_back(who: Visitor, store: Store, one: Loaded) -> bool:
    """Whoever looks after the whole base may take back anything; others what they brought themselves, or work and reviews that all
    lie in their own sites."""
    if who.scope.sites is None or imports.owns(owner(), who.name, one.load_ids):
        return True
    return set(one.tables) <= FACTS and imports.sites_of(store, one.load_ids) <= who.scope.sites


def _require(view: View, one: Loaded) -> Visitor:
    """Who looks now, if they may take it back: a dialog runs by itself, so nobody else has asked. Raises NotAllowed."""
    who = access.require(view.name)
    if not may_take_back(who, view.store, one):
        raise NotAllowed(
            "It also touches sites that are not yours: an administrator can take it back.", "它还涉及其他基地：请由管理员撤销。"
        )
    return who


def _ask(view: View, one: Loaded) -> None:
    """A dialog that says what taking it back would do."""

    @st.dialog(_("Take it back?"), width="medium")
    def ask() -> None:
        st.markdown(f"**{safe(_name(one))}** · {_lists(one)} · {trust.clock(view, one.finished_at.replace(tzinfo=UTC))}")
        if one.undone_at is not None:
            st.info(_("It was taken back already."), icon=":material/undo:")
            return
        try:
            _require(view, one)
            with st.spinner(_("Finding out what that would do…")):
                would = _preview(view, one)
        except PieceworkError as error:
            st.error(safe(said(error)), icon=":material/error:")
            return
        _totals(view, would)
        st.caption(_("Loading the same file again later brings it back."))
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            if st.button(_("Leave it in"), key="import_undo_no"):
                st.rerun()
            if st.button(_("Take it back"), type="primary", icon=":material/undo:", key="import_undo_yes"):
                _take_back(view, one)

    ask()


def _preview(view: View, one: Loaded) -> Undone:
    """What it would do, found once while the dialog stands and nothing changes."""
    key, kept = (one.load_ids, view.store.version), st.session_state.get("import_would")
    if kept is None or kept[0] != key:
        kept = key, owner().writer.submit(lambda store: undo.preview(store, one.load_ids)).result()
        st.session_state["import_would"] = kept
    found: Undone = kept[1]
    return found


def _take_back(view: View, one: Loaded) -> None:
    try:
        by = _require(view, one).name
        with st.spinner(_("Taking it back…")):
            done = owner().writer.submit(lambda store: undo.undo(store, one.load_ids, by=by)).result()
    except PieceworkError as error:
        st.error(safe(said(error)), icon=":material/error:")
        return
    for job in imports.jobs(owner(), by):
        if job.load_id in one.load_ids:
            imports.forget(owner(), job)
    st.session_state["import_undone"] = (_name(one), done)
    st.rerun()


def _told(view: View) -> None:
    """What was taken back last in this session, until it is closed."""
    if "import_undone" not in st.session_state:
        return
    name, done = st.session_state["import_undone"]
    with st.container(border=True, key="import_undone_card"):
        st.markdown(f":material/undo: **{safe(name)}** " + _("was taken back."))
        _totals(view, done)
        if st.button(_("Close"), type="tertiary", icon=":material/close:", key="import_undone_close"):
            del st.session_state["import_undone"]
            st.rerun()


def _totals(view: View, done: Undone) -> None:
    """Totals before and after. Those who look after single sites see the change of counts alone."""
    whole = view.scope.sites is None
    rows = list(_lines(done.before, done.after, whole))
    columns: dict[str, list[str]] = {_("What"): [_(TOTALS[name]) for name, _was, _now in rows]}
    if whole:
        columns[_("Before it")] = [text.count(was) for _name_, was, _now in rows]
        columns[_("After it")] = [text.count(now) for _name_, _was, now in rows]
    columns[_("Change")] = [text.count(now - was) if now != was else "0" for _name_, was, now in rows]
    st.dataframe(columns, hide_index=True, alt=_("Totals before and after"))
    st.caption(
        _(
            "{removed} rows of work and reviews go; {restored} become what another file had said.",
            removed=text.count(done.removed),
            restored=text.count(done.restored),
        )
    )


def _lines(before: Totals, after: Totals, whole: bool) -> Iterator[tuple[str, float, float]]:
    for name in TOTALS:
        if whole or name in _COUNTS:
            yield name, getattr(before, name), getattr(after, name)
