"""Whose account is whose: suggestions with their evidence, what was decided, and a choice by hand. Each says what it would change."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date

import streamlit as st

from data import decisions
from data.decisions import Decision, Listed, Moving, Sites, Wish
from data.errors import PieceworkError
from data.identity import Known, Suggestion, Why
from data.owner import owner
from pages.ui import ask, records, text, trust
from pages.ui.dropped import said
from pages.ui.screen import View
from pages.ui.sources import source_name
from pages.ui.text import N_, _, ngettext, safe

SHOWN = 8  # suggestions on a page
SETTLE = 600  # seconds that the evidence may serve while new work keeps arriving; an account not known before shows at once
FRESH = 60  # seconds that the rows to be moved may
EVIDENCE: dict[Why, str] = {
    "id": N_("the account carries the person's number"),
    "mail": N_("the account's e-mail or user name says it"),
    "name": N_("the same name"),
    "pinyin": N_("the same name in pinyin"),
}
VERDICTS: dict[str, str] = {
    "same": N_("the same person"),
    "different": N_("not the same"),
    "apart": N_("no longer the same"),
}
_GREY = ":gray[{}]"
SURE, LIKELY = 0.85, 0.5  # strengths from which a suggestion is called very likely, and likely


@dataclass(frozen=True, slots=True)
class Found:
    """What these sites may decide on, and what was decided."""

    suggestions: tuple[Suggestion, ...]
    decisions: tuple[Decision, ...]
    listed: tuple[Listed, ...]


_found, _moving = ask.Memory(16), ask.Memory(256)


def known(view: View) -> Found:
    """Found once for each change of the people or the decisions, and every ten minutes."""
    store, sites = view.store, _sites(view)
    key = (
        store.version_of(None, None, facts=False),
        decisions.stamp(store),
        int(time.time() // SETTLE),
        None if sites is None else tuple(sites),
    )
    return _found.get(
        store,
        key,
        lambda: Found(
            tuple(decisions.suggestions(store, sites)), tuple(decisions.decisions(store, sites)), tuple(decisions.listed(store, sites))
        ),
    )


def _sites(view: View) -> Sites:
    return None if view.scope.sites is None else sorted(view.scope.sites)


# Suggestions -----------------------------------------------------------------------------------------------------------------
def suggestions(view: View, found: Found) -> None:
    """One card a pair, the likeliest first: who, what speaks for it, what would change, and the two answers."""
    if not found.suggestions:
        st.markdown(":material/check_circle: " + _("Nobody is waiting to be recognised."))
        st.caption(
            _(
                "Once people work in a second tool, its accounts show here when they look like somebody on the lists: by number, e-mail, "
                "name or pinyin. Until somebody decides, an account counts as a person of its own."
            )
        )
        return
    pages = -(-len(found.suggestions) // SHOWN)
    place = st.container(gap="small")
    page = st.pagination(pages, max_visible_pages=5, key=f"identities_page_{pages}") if pages > 1 else 1
    shown = found.suggestions[(page - 1) * SHOWN : page * SHOWN]
    moves = _moves(view, tuple(one.account.worker_id for one in shown))
    with place:
        for one in shown:
            _card(view, one, moves.get(one.account.worker_id))


def _card(view: View, one: Suggestion, moving: Moving | None) -> None:
    account, person = one.account, one.person
    key = f"{account.worker_id}_{person.worker_id}"
    with st.container(border=True, gap="small"):
        left, middle, right = st.columns([3, 3, 2])
        with left:
            _who(_("Account"), account)
        with middle:
            _who(_("Person"), person)
        with right.container(horizontal=True, horizontal_alignment="right", gap="small"):
            if st.button(_("Same person"), type="primary", icon=":material/link:", key=f"identities_same_{key}"):
                _decide(view, "same", account.worker_id, person.worker_id)
            if st.button(_("Not the same"), icon=":material/link_off:", key=f"identities_different_{key}"):
                _decide(view, "different", account.worker_id, person.worker_id)
        st.markdown(f"**{_strength(one.strength)}** · {_evidence(one)}")
        st.caption(_change(moving, _called(person.worker_id, person.name)))


def _who(title: str, one: Known) -> None:
    st.markdown(f"{_GREY.format(title)} **{safe(one.name or one.worker_id)}** {safe(one.worker_id) if one.name else ''}")
    tools = text.listed(source_name(name) for name in one.sources)
    rows = ngettext("{n} row", "{n} rows", one.rows)
    st.caption(" · ".join(safe(words) for words in (tools, rows, _span(one.first, one.last)) if words))


def _span(first: date | None, last: date | None) -> str:
    return text.days(first, last) if first and last else ""


def _strength(strength: float) -> str:
    return _("Very likely") if strength >= SURE else _("Likely") if strength >= LIKELY else _("Possible")


def _evidence(one: Suggestion) -> str:
    """What speaks for it and against it, in words."""
    words = [_(EVIDENCE[why]) for why in one.why]
    if one.others:
        words.append(ngettext("{n} other id fits as well", "{n} other ids fit as well", one.others))
    words.append(
        ngettext("both worked on {n} day", "both worked on {n} days", one.days_both) if one.days_both else _("never worked on the same day")
    )
    return " · ".join(words)


def _change(moving: Moving | None, whose: str) -> str:
    """What would change hands, beforehand."""
    if moving is None or not moving.rows:
        return _("No row changes hands yet; what the account sends from now on counts as {whose}.", whose=safe(whose))
    return _(
        "{work} rows of work, {judged} reviews of it and {made} reviews by the account would count as {whose}: output, hours, quality and pay.",
        work=text.count(moving.work),
        judged=text.count(moving.judged),
        made=text.count(moving.made),
        whose=safe(whose),
    )


def _called(worker_id: str, name: str | None) -> str:
    return f"{name} ({worker_id})" if name else worker_id


def _moves(view: View, accounts: tuple[str, ...]) -> dict[str, Moving]:
    """What would move, of each of these accounts, as of at most a minute ago."""
    key = (view.store.version_of(None, None, facts=False), int(time.time() // FRESH), accounts)
    return _moving.get(view.store, key, lambda: decisions.moving(view.store, accounts))


# What was decided ------------------------------------------------------------------------------------------------------------
def decided(view: View, found: Found) -> None:
    """One row a pair, the newest first; a click asks whether to take it back."""
    if not found.decisions:
        st.caption(_("Nobody has decided anything yet."))
        return
    rows = found.decisions
    chosen = records.show(
        {
            _("Account"): [_called(one.account.worker_id, one.account.name) for one in rows],
            _("Person"): [_called(one.person.worker_id, one.person.name) for one in rows],
            _("Verdict"): [_(VERDICTS[one.verdict]) for one in rows],
            _("Decided by"): [one.by for one in rows],
            _("Decided at"): [trust.clock(view, one.at.replace(tzinfo=UTC)) for one in rows],
        },
        key="identities_decided",
        title=_("Who is whom"),
        select=True,
        brief=[_("Account"), _("Verdict"), _("Person"), _("Decided by"), _("Decided at")],
    )
    if chosen is not None and chosen < len(rows):
        _ask(view, rows[chosen])


def _ask(view: View, one: Decision) -> None:
    @st.dialog(_("Take it back?"))
    def ask_back() -> None:
        account, person = _called(one.account.worker_id, one.account.name), _called(one.person.worker_id, one.person.name)
        st.markdown(f"**{safe(account)}** · {_(VERDICTS[one.verdict])} · **{safe(person)}**")
        st.caption(f"{safe(one.by)} · {trust.clock(view, one.at.replace(tzinfo=UTC))}")
        if one.verdict == "same":
            moving = _moves(view, (one.account.worker_id,)).get(one.account.worker_id)
            n = moving.rows if moving else 0
            st.markdown(ngettext("{n} row would count as the account's own again.", "{n} rows would count as the account's own again.", n))
        else:
            st.markdown(_("No row changes hands; the two may be suggested again."))
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            if st.button(_("Leave it"), key="identities_leave"):
                st.rerun()
            if st.button(_("Take it back"), type="primary", icon=":material/undo:", key="identities_back"):
                _decide(view, "apart" if one.verdict == "same" else "open", one.account.worker_id, one.person.worker_id)

    ask_back()


# By hand ---------------------------------------------------------------------------------------------------------------------
def by_hand(view: View, found: Found) -> None:
    """An account and a person, each searched by id or name."""
    names = {one.worker_id: _called(one.worker_id, one.name) for one in found.listed}
    accounts = [one.worker_id for one in found.listed if not one.person]
    if not accounts or len(names) < 2:
        st.caption(_("Every id is a person of the lists: there is no account to give to anybody."))
        return
    left, right = st.columns(2)
    account = left.selectbox(
        _("Account"), accounts, index=None, format_func=names.__getitem__, placeholder=_("search by id or name"), key="identities_account"
    )
    person = right.selectbox(
        _("Person"),
        [worker for worker in names if worker != account],
        index=None,
        format_func=names.__getitem__,
        placeholder=_("search by id or name"),
        key="identities_person",
    )
    if account is None or person is None:
        if view.scope.sites is not None:
            st.caption(_("Only people and accounts of your own sites are listed."))
        return
    st.markdown(_change(_moves(view, (account,)).get(account), names[person]))
    if st.button(_("Same person"), type="primary", icon=":material/link:", key="identities_hand"):
        _decide(view, "same", account, person)


# Deciding --------------------------------------------------------------------------------------------------------------------
def _decide(view: View, wish: Wish, account: str, person: str) -> None:
    """Have the writer carry it out, checked against what the visitor looks after; what changed is told on the next run."""
    by, sites = view.visitor.name, _sites(view)
    try:
        with st.spinner(_("Moving the rows…")):
            rows = owner().writer.submit(lambda store: decisions.decide(store, wish, account, person, by=by, sites=sites)).result()
    except PieceworkError as error:
        st.error(safe(said(error)), icon=":material/error:")
        return
    st.session_state["identities_told"] = wish, account, person, rows
    for key in ("identities_account", "identities_person"):
        st.session_state.pop(key, None)
    st.rerun()


def told(view: View) -> None:
    """What the last decision of this session changed, with the way back."""
    if "identities_told" not in st.session_state:
        return
    wish, account, person, rows = st.session_state["identities_told"]
    moved = ngettext("{n} row changed hands.", "{n} rows changed hands.", rows)
    words = {
        "same": _("{account} counts as {person} now.", account=safe(account), person=safe(person)) + " " + moved,
        "different": _("{account} and {person} are not suggested again.", account=safe(account), person=safe(person)),
        "apart": _("{account} is a person of its own again.", account=safe(account)) + " " + moved,
        "open": _("{account} and {person} may be suggested again.", account=safe(account), person=safe(person)),
    }[wish]
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="identities_told_card"):
        st.markdown(f":material/check_circle: {words}", width="stretch")
        if wish in ("same", "different") and st.button(_("Take it back"), icon=":material/undo:", key="identities_told_back"):
            _decide(view, "apart" if wish == "same" else "open", account, person)
        if st.button(_("Close"), type="tertiary", icon=":material/close:", key="identities_told_close"):
            del st.session_state["identities_told"]
            st.rerun()
