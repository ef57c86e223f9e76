"""Each source against its own rhythm, and the hours in which something was missing, as the data trust screen shows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import streamlit as st

from data.sent import Sent, Told, told
from metrics import attendance
from metrics.feeds import DAYS, Feed, Feeds, at_site
from pages.ui import ask, charts, records, text, trust
from pages.ui.screen import View
from pages.ui.sources import against_rhythm, since, source_name
from pages.ui.text import NONE, _, ngettext

_told = ask.Memory(16)
Hour = datetime


# Sources -------------------------------------------------------------------------------------------------------------------
def sources(view: View, found: trust.Facts) -> None:
    """One row a source: whether it sends as it usually does, what came, and how much of it carries time; the silent ones are grey."""
    known = against_rhythm(view.store, view.scope)
    feeds = {feed.source: feed for feed in known.all}
    whole = view.scope.sites is None
    loads = _told.get(view.store, (ask.version(view.store),), lambda: told(view.store)) if whole else {}
    now, rows = datetime.now(UTC), found.sources
    mine = [feeds.get(one.source) for one in rows]
    columns: dict[str, list[records.Cell]] = {
        _("Source"): [source_name(one.source) for one in rows],
        _("State"): [_state(feed, known) for feed in mine],
        _("Newest"): [trust.clock(view, one.last) for one in rows],
        _("Behind"): [text.span((now - one.last).total_seconds()) if one.last else NONE for one in rows],
        _("Today"): [feed.today if feed else 0 for feed in mine],
        _("Rows a day"): [feed.days if feed else (0,) * (DAYS + 1) for feed in mine],
        _("Rows"): [one.rows for one in rows],
        _("With a time"): [_share(one.rows - one.undated_work - one.undated_reviews, one.rows) for one in rows],
        _("With a duration"): [_share(one.timed, one.work) for one in rows],
        _("Clock"): [_clocks(view, one) for one in rows],
    }
    if whole:
        counted = [loads.get(one.source, Told(0, 0, 0, now)) for one in rows]
        columns[_("Duplicates")] = [_share(load.duplicates, load.rows) for load in counted]
        columns[_("Refused")] = [_share(load.rejected, load.rows) for load in counted]
        columns[_("Last loaded")] = [_loaded(view, one, loads.get(one.source)) for one in rows]
    records.show(
        columns,
        key="trust_sources",
        brief=[_("Source"), _("State"), _("Newest"), _("Today"), _("Rows"), _("With a duration")],
        title=_("Sources"),
        grey=[feed is not None and feed.silent for feed in mine],
    )
    st.caption(
        _(
            "Working hours of a source: hours of the week in which it sent in the last {days} days, where it sends in that hour on at least half of "
            "its days. Silent: more working hours have passed without a row than twice its usual pause, and at least two.",
            days=DAYS,
        )
    )


def _state(feed: Feed | None, known: Feeds) -> str:
    if feed is None:
        return _("nothing in {days} days", days=DAYS)
    if feed.silent:
        return _("silent since {time}", time=since(feed, known.zone))
    if not feed.judged:
        return _("loaded by hand")
    return _("too new to tell") if feed.rhythm is None else _("sends as usual")


def _share(part: int, whole: int) -> str:
    return text.percent(part / whole) if whole else NONE


def _clocks(view: View, one: Sent) -> str:
    """The kinds of clock, the most frequent first."""
    return text.listed(ask.label(view.store, "clock", kind) for kind in sorted(one.clocks, key=lambda kind: -one.clocks[kind])) or NONE


def _loaded(view: View, one: Sent, load: Told | None) -> str:
    ends = [moment for moment in (one.loaded, load.last if load else None) if moment]
    return trust.clock(view, max(ends, default=None))


# Gaps by hour --------------------------------------------------------------------------------------------------------------
def hours(view: View) -> None:
    """Rows by day and hour of a source or a site, with a cross where people or rows were to be expected and nothing came."""
    known = against_rhythm(view.store, view.scope)
    sites = sorted({slot.site for slot in known.slots if slot.site})
    choices = {f"source {feed.source}": source_name(feed.source) for feed in known.all}
    choices |= {f"site {site}": ask.label(view.store, "site", site) for site in sites}
    if not choices:
        st.caption(_("Nothing came in the last {days} days.", days=DAYS))
        return
    chosen = st.selectbox(
        _("Source or site"), list(choices), format_func=choices.__getitem__, key="trust_hours", width=320, label_visibility="collapsed"
    )
    kind, _space, name = chosen.partition(" ")
    feed = next(feed for feed in known.all if feed.source == name) if kind == "source" else at_site(known, name)
    missing, words = (known.gaps(feed), _("nothing came")) if kind == "source" else _idle(view, known, feed)
    _table(known, feed, missing, words)
    st.caption(_rhythm(feed) + " " + ngettext("{n} hour without a row.", "{n} hours without a row.", len(missing)))


def _idle(view: View, known: Feeds, feed: Feed) -> tuple[frozenset[Hour], str]:
    """The hours of a site without a row in which people were clocked in; in which it usually has rows, on days without attendance."""
    now = datetime.now(UTC)
    here = attendance.clocked(view.store, view.scope, feed.source, known.dates[0], known.dates[-1], known.zone, now)
    return attendance.unheard(known, feed, here), _("people were expected, nothing came")


def _table(known: Feeds, feed: Feed, missing: frozenset[Hour], words: str) -> None:
    used = [hour.hour for hour in (*feed.hours, *missing)]
    clock = list(range(min(used), max(used) + 1))
    days = list(reversed(known.dates))
    cells = [[feed.hours.get(_hour(day, hour)) for hour in clock] for day in days]
    charts.draw(
        charts.heat(
            [f"{hour:02}" for hour in clock],
            [text.weekday(day) for day in days],
            cells,
            text.short,
            height=56 + 24 * len(days),
            written=False,
            marks={(row, column) for row, day in enumerate(days) for column, hour in enumerate(clock) if _hour(day, hour) in missing},
            mark_words=words,
        ),
        key="trust_hours_heat",
        alt=_("Rows by day and hour"),
    )


def _hour(day: date, hour: int) -> Hour:
    return datetime(day.year, day.month, day.day) + timedelta(hours=hour)


def _rhythm(feed: Feed) -> str:
    """When it usually sends, in words: its hours of the clock and its usual pause."""
    if feed.rhythm is None:
        return _("Too few days to know its usual hours.")
    clock = sorted({hour for _weekday, hour in feed.rhythm.hours})
    runs = _runs(clock)
    return _(
        "Usual hours {hours}; usual pause {n} h.",
        hours=text.listed(f"{first:02}–{last + 1:02}" for first, last in runs),
        n=feed.rhythm.pause,
    )


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Stretches of consecutive numbers: first and last of each.

    >>> _runs([8, 9, 10, 14])
    [(8, 10), (14, 14)]
    """
    found: list[tuple[int, int]] = []
    for n in numbers:
        if found and found[-1][1] == n - 1:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
    return found
