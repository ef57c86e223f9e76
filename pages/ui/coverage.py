"""Tool time against attendance, and who is only on a list, only clocked in or only at work, as the data trust screen shows them."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from metrics.attendance import ENOUGH, GROUPS, HIGH, LOW, Coverage, Group, Person, Presence, coverage, presence, together
from metrics.feeds import DAYS
from metrics.scope import SMALLEST_GROUP
from pages.ui import ask, charts, records, text, theme
from pages.ui.screen import View
from pages.ui.text import N_, NONE, _

GROUP_NAMES: dict[Group, str] = {
    "absent": N_("Listed, not seen, not on leave"),
    "idle": N_("Clocked in, no work in tools"),
    "unclocked": N_("At work, not clocked in"),
    "unknown": N_("At work, on no list"),
}
MIDDLE = 0.9  # tool time of the attended hours that is neither too little nor too much, in the picture
LISTED = 200  # names on the screen; the download has all
_coverage, _presence = ask.Memory(16), ask.Memory(16)


def people(view: View) -> None:
    """How many are on the lists, clocked in and at work, today and this week; names for those who may see them."""
    today = view.fresh.today
    monday = today - timedelta(days=today.weekday())
    key = (ask.version(view.store), today, view.scope)
    now, week = _presence.get(
        view.store, key, lambda: (presence(view.store, view.scope, today, today), presence(view.store, view.scope, monday, today))
    )
    heads = [
        (_("On the lists for work in tools"), now.listed, week.listed),
        (_("Clocked in"), now.clocked, week.clocked),
        (_("At work in tools"), now.working, week.working),
    ]
    groups = [(_(GROUP_NAMES[group]), _counted(view, now, group), _counted(view, week, group)) for group in GROUPS]
    if not now.begun:
        st.caption(":material/schedule: " + _("Nobody has clocked in or worked yet today, so nobody is missing yet."))
    records.show(
        {
            _("People"): [name for name, *_counts in (*heads, *groups)],
            _("Today"): _said([day for _name, day, _week in (*heads, *groups)]),
            _("This week"): _said([so_far for _name, _day, so_far in (*heads, *groups)]),
        },
        key="trust_people",
        title=_("On the lists, clocked in, at work"),
        brief=[_("People"), _("Today"), _("This week")],
    )
    st.caption(
        _("Of the lists only annotators, reviewers, people without a role and whoever else has work in tools; Headcount counts everybody.")
    )
    if not view.sees_people:
        st.caption(":material/lock: " + _("Single people are shown to site managers and HR."))
        return
    _names(view, now, week)


def _counted(view: View, found: Presence, group: Group) -> int | str:
    """A group under five is not told to those who may not see people; nor is any before the first of them came."""
    if not found.begun:
        return NONE
    n = len(found.groups[group])
    return n if view.sees_people or n == 0 or n >= SMALLEST_GROUP else f"<{SMALLEST_GROUP}"


def _said(counts: list[int | str]) -> list[int | str]:
    """Numbers as they are; all of them as words where one is not told."""
    return counts if all(isinstance(n, int) for n in counts) else [text.count(n) if isinstance(n, int) else n for n in counts]


def _names(view: View, now: Presence, week: Presence) -> None:
    """Who they are: those of today, then those of this week who are not of today."""
    today = now.groups if now.begun else dict.fromkeys(GROUPS, ())
    listed = [(group, person, _("Today")) for group in GROUPS for person in today[group]]
    listed += [
        (group, person, _("This week"))
        for group in GROUPS
        if week.begun
        for person in week.groups[group]
        if person not in set(today[group])
    ]
    if not week.begun:
        return
    if not listed:
        st.markdown(
            ":material/check_circle: "
            + _("Everybody on the lists was at work, clocked in or on leave, and everybody at work is on a list.")
        )
        return
    place = st.expander(_("Who they are"), key="trust_people_names", on_change="rerun")
    if not place.open:
        return
    with place:
        records.show(
            _listing(view, listed[:LISTED]),
            key="trust_people_listed",
            title=_("Who they are"),
            export=lambda: _listing(view, listed),
            wide=[_("What")],
        )
        if len(listed) > LISTED:
            st.caption(_("The first {n} of {all}; the download has all.", n=LISTED, all=text.count(len(listed))))


def _listing(view: View, rows: list[tuple[Group, Person, str]]) -> records.Columns:
    return {
        _("Person"): [person.name or person.worker_id for _group, person, _when in rows],
        _("Id"): [person.worker_id for _group, person, _when in rows],
        _("Site"): [ask.label(view.store, "site", person.site) for _group, person, _when in rows],
        _("When"): [when for _group, _person, when in rows],
        _("What"): [_(GROUP_NAMES[group]) for group, _person, _when in rows],
    }


# Tool time against attendance ------------------------------------------------------------------------------------------------
def tool_time(view: View) -> None:
    """Tracking coverage by site and day, and by site over the last days with the person-days that cannot be right."""
    last = view.fresh.today
    first = last - timedelta(days=DAYS)
    key = (ask.version(view.store), last, view.scope)
    found: list[Coverage] = _coverage.get(view.store, key, lambda: coverage(view.store, view.scope, first, last))
    if not found:
        st.caption(_("Nobody clocked in and out in the last {days} days: import the attendance list to compare.", days=DAYS))
        return
    sites = sorted({one.site for one in found})
    days = sorted({one.day for one in found})
    cells = {(one.site, one.day): one.coverage for one in found}
    names = {site: ask.label(view.store, "site", site) for site in sites}
    charts.draw(
        charts.heat(
            [text.day(day) for day in days],
            [names[site] for site in sites],
            [[cells.get((site, day)) for day in days] for site in sites],
            lambda share: text.percent(share, 0),
            middle=MIDDLE,
            reach=0.6,
            written=not theme.phone(),
            height=96 + 32 * len(sites),
            title=_("Date"),
            named=4 if theme.phone() else 7,
        ),
        key="trust_coverage",
        alt=_("Tool time against attendance"),
    )
    whole = [together([one for one in found if one.site == site]) for site in sites]
    shares = [one.coverage for one in whole]
    records.show(
        {
            _("Site"): [names[one.site] for one in whole],
            _("Tool time"): [text.percent(share) if share is not None else NONE for share in shares],
            _("In tools (h)"): [round(one.tool_hours, 1) for one in whole],
            _("Attended (h)"): [round(one.attended_hours, 1) for one in whole],
            _("Planned (h)"): [round(one.planned_hours, 1) for one in whole],
            _("Person-days"): [one.people for one in whole],
            f"< {text.percent(LOW, 0)}": [one.low for one in whole],
            f"> {text.percent(HIGH, 0)}": [one.high for one in whole],
        },
        key="trust_coverage_sites",
        title=_("Tool time against attendance"),
        brief=[_("Site"), _("Tool time"), _("Person-days"), _("In tools (h)"), _("Attended (h)")],
        grey=[not one.enough for one in whole],
    )
    st.caption(
        _(
            "Hours in tools ÷ attended hours, of people who clocked in and out; one person's overlapping hours count once. Breaks are not taken off. "
            "Grey rows: below {enough} of the attended and of the planned hours, so that numbers per hour rest on too little. In the picture "
            "ochre and brick the further below {middle}, green above. Below {low} or above {high} a person-day is hardly right: two people on one account, "
            "a clock forgotten, idle time counted.",
            enough=text.percent(ENOUGH, 0),
            middle=text.percent(MIDDLE, 0),
            low=text.percent(LOW, 0),
            high=text.percent(HIGH, 0),
        )
    )
