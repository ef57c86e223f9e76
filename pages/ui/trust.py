"""What the data trust screen shows of the store, and to whom: counts to everybody, contents to those who may see all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import streamlit as st

from data import status as keeper
from data.sent import Sent, sent
from data.store import Store
from data.tables import reason
from data.verify import Check, verify
from metrics.period import ALL
from metrics.scope import Scope
from pages.ui import ask, charts, numbers, records, screen, states, text
from pages.ui.ask import measure
from pages.ui.screen import View
from pages.ui.sources import SOURCES as SOURCES
from pages.ui.sources import against_rhythm, source_name
from pages.ui.text import N_, NONE, _, say

TABLES: dict[str, str] = {
    "annotations": N_("Annotations"),
    "reviews": N_("Reviews"),
    "workers": N_("People list"),
    "assignments": N_("Assignments"),
    "projects": N_("Project list"),
    "prices": N_("Prices"),
    "rates": N_("Rate cards"),
    "batches": N_("Batches"),
    "attendance": N_("Attendance"),
    "sites": N_("Site list"),
    "teams": N_("Team list"),
    "costs": N_("Costs"),
    "standards": N_("Standard times"),
    "quotas": N_("Quotas"),
    "notes": N_("Events"),
}
STUBS: dict[keeper.Stub, str] = {"worker": N_("People"), "project": N_("Projects"), "team": N_("Teams"), "site": N_("Sites")}
SHOWN = 500  # refused rows on the screen; the download has all
LISTED = 200  # ids known only by id


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows about itself, no contents: sources by the rows of the visitor's sites, the rest counted over all of it."""

    sources: tuple[Sent, ...]
    rows: Mapping[str, int]
    undated: Mapping[str, int]
    stubs: Mapping[str, int]
    refused: tuple[keeper.Refusals, ...]
    size: int
    version: int

    @property
    def newest(self) -> datetime | None:
        """The newest instant of all sources."""
        return max((s.last for s in self.sources if s.last), default=None)


def sees_contents(scope: Scope, role: str) -> bool:
    """Refused rows can hold anything a file held: for administrators, HR and executives who look after the whole base."""
    return role in ("admin", "hr", "executive") and scope.sites is None and scope.teams is None and scope.worker is None


def facts(view: View) -> Facts:
    """Read once per version of the store and sites."""
    return _known.get(view.store, (ask.version(view.store), view.scope.sites), lambda: _facts(view.store, view.scope))


_known = ask.Memory(16)


def _facts(store: Store, scope: Scope) -> Facts:
    found = cast("dict[str, Any]", keeper.status(store))
    mine = tuple(sent(store, scope.sites))
    return Facts(
        mine,
        {"work": sum(s.work for s in mine), "review": sum(s.reviews for s in mine)},
        {"work": sum(s.undated_work for s in mine), "review": sum(s.undated_reviews for s in mine)},
        found["stubs"],
        tuple(keeper.refusals(store)),
        found["bytes"],
        found["version"],
    )


def stale(found: Facts, now: datetime | None = None) -> None:
    """A warning when the newest fact is older than two days."""
    if found.newest and (age := (now or datetime.now(UTC)) - found.newest) > screen.STALE:
        st.warning(
            _("The newest data is {age} old: look at the sources below, and at the imports.", age=text.span(age.total_seconds())),
            icon=":material/schedule:",
        )


def cards(view: View, found: Facts) -> None:
    """Six facts about the whole store."""
    refused, unlinked = sum(r.rows for r in found.refused), view.ask("unlinked_reviews", period=ALL).total("unlinked_reviews")
    undated, known = sum(found.undated.values()), sum(found.stubs.values())
    log = found.rows["work"] + found.rows["review"]
    known_feeds = against_rhythm(view.store, view.scope)
    silent, judged = len(known_feeds.silent), any(feed.judged for feed in known_feeds.all)
    share = _("{share} of the log", share=text.percent(undated / log, 2)) if log else ""
    rows: list[tuple[str, str, str, str]] = [
        (_("Sources"), text.count(len(found.sources)), _("{n} silent", n=silent) if silent else _("none silent") if judged else _("loaded by hand"), _("tools and files whose rows are in the log")),
        (_("Work rows"), text.short(found.rows["work"]), _("{n} reviews", n=text.short(found.rows["review"])), _("rows of annotation, rework, review and cleaning in the log")),
        (_("Undated rows"), text.short(undated), share, _("rows without a time: they count in totals, never in a dated view")),
        (_("Unlinked reviews"), text.short(unlinked or 0), "", say(measure("unlinked_reviews").note)),
        (_("Known only by id"), text.short(known), "", _("people, projects, teams and sites that occur in the logs and in no list")),
        (_("Refused rows"), text.short(refused), "", _("rows that could not be read; they are in no number")),
    ]  # fmt: skip
    with st.grid(len(rows), min_column_width=140, gap="small"):
        for name, value, beside, meaning in rows:
            st.metric(name, value, delta_description=beside or None, help=meaning, border=True, height="stretch")


def clock(view: View, at: datetime | None) -> str:
    """An instant on the wall clock of the scope's zone, with its date where that is not today."""
    return text.clock(at, view.fresh.zone) if at else NONE


def gaps(view: View, found: Facts) -> None:
    """What is kept but cannot take part everywhere."""
    scoped = view.ask("unlinked_reviews", "negative_intervals", period=ALL)
    unlinked, negative = (scoped.total(name) or 0 for name in ("unlinked_reviews", "negative_intervals"))
    rows: list[tuple[str, float, str]] = [
        (_("Work rows without a time"), found.undated["work"], _("in totals; in no dated view")),
        (_("Reviews without a time"), found.undated["review"], _("dated by their work where that is known")),
        (_("Reviews without known work"), unlinked, _("as reviews; in no rate per row")),
        (_("Work that ends before it starts"), negative, _("counted as output; its time is left out")),
    ]
    records.show(
        {_("What"): [r[0] for r in rows], _("Rows"): [round(r[1]) for r in rows], _("Where it counts"): [r[2] for r in rows]},
        key="trust_gaps",
        title=_("What is missing or odd"),
    )


def clocks(view: View, found: Facts) -> None:
    """Hours and rows of all work by kind of clock, side by side."""
    answer, hours = view.ask("work_hours", by="clock", period=ALL), measure("work_hours")
    if not len(answer):
        states.empty(_("No work has been loaded yet."))
        return
    rows = sum((Counter(one.clocks) for one in found.sources), Counter[str]())
    rows[""] = found.rows["work"] - rows.total()
    kinds = sorted(zip(answer.ids(), answer.labels(), answer.column("work_hours"), strict=True), key=lambda kind: -rows[kind[0]])
    charts.draw(
        charts.bars(
            [words if kind else _("No duration") for kind, words, _h in kinds],
            [h if kind else None for kind, _words, h in kinds],
            numbers.say_as(hours),
            title=numbers.header(hours),
            notes=[_("{n} work rows", n=text.short(rows[kind])) for kind, _words, _h in kinds],
            tones=["grey"] * len(kinds),
        ),
        key="trust_clocks",
        alt=_("Hours by kind of clock"),
    )


def stubs(view: View, found: Facts) -> None:
    """Ids that no list explains; people's ids only for those who may see people, and only of their own sites."""
    if not any(found.stubs.values()):
        st.markdown(":material/check_circle: " + _("Everybody and everything in the logs is in a list."))
        return
    kinds = [kind for kind in STUBS if found.stubs[kind]]
    st.caption(" · ".join(f"{_(STUBS[kind])} {text.count(found.stubs[kind])}" for kind in kinds))
    listed = [
        (kind, name)
        for kind in kinds
        if view.scope.teams is None and view.scope.worker is None and (kind != "worker" or view.scope.sees_people)
        for name in keeper.stubs(view.store, kind, view.scope.sites)
    ]
    if not view.scope.sees_people and "worker" in kinds:
        st.caption(":material/lock: " + _("Single people are shown to site managers and HR."))
    if listed:
        records.show(
            {_("What"): [_(STUBS[kind]) for kind, _name in listed[:LISTED]], _("Id"): [name for _kind, name in listed[:LISTED]]},
            key="trust_stubs",
            title=_("Known only by id"),
            export=lambda: {_("What"): [_(STUBS[kind]) for kind, _name in listed], _("Id"): [name for _kind, name in listed]},
        )
        if len(listed) > LISTED:
            st.caption(_("The first {n} of {all}; the download has all.", n=LISTED, all=text.count(len(listed))))


def refused(view: View) -> None:
    """Why rows were refused, counted for everybody; the rows themselves for those who may see everything."""
    counted = facts(view).refused
    if not counted:
        st.markdown(":material/check_circle: " + _("No row was refused."))
        return
    records.show(
        {
            _("Table"): [_table(r.table) for r in counted],
            _("Column"): [r.column or NONE for r in counted],
            _("Reason"): [_why(r.table, r.code, r.column, "…") for r in counted],
            _("Rows"): [r.rows for r in counted],
        },
        key="trust_refusals",
        brief=[_("Table"), _("Rows"), _("Column"), _("Reason")],
        title=_("Refused rows by reason"),
        wide=[_("Reason")],
    )
    if not sees_contents(view.scope, view.visitor.role):
        st.caption(
            ":material/lock: "
            + _("The rows themselves can name people: they are shown to administrators, HR and executives of the whole base.")
        )
        return
    newest = keeper.refused(view.store, SHOWN)
    total = sum(r.rows for r in counted)
    if total > len(newest):
        st.caption(_("The newest {n} of {all}; the download has all.", n=len(newest), all=text.count(total)))
    store = view.store
    records.show(
        _contents(newest),
        key="trust_refused",
        brief=[_("File"), _("Line"), _("Table"), _("Reason")],
        title=_("Refused rows"),
        wide=[_("Reason"), _("Row as it was read")],
        export=lambda: _contents(keeper.refused(store)),
    )


def _contents(rows: list[keeper.Refused]) -> records.Columns:
    return {
        _("File"): [_file(r.file) for r in rows],
        _("Line"): [r.line for r in rows],
        _("Table"): [_table(r.table) for r in rows],
        _("Reason"): [_why(r.table, r.code, r.column, r.value) for r in rows],
        _("Row as it was read"): [r.raw for r in rows],
    }


def _file(path: str | None) -> str:
    """Its name without the folders, which can name people."""
    return (path or NONE).replace("\\", "/").rsplit("/", 1)[-1]


def _table(name: str) -> str:
    return _(TABLES[name]) if name in TABLES else name


def _why(table: str, code: str, column: str | None, value: str | None) -> str:
    english, chinese = reason(code, table, column, value)
    return chinese if text.lang() == "zh" else english


def checks(view: View) -> None:
    """Verification on demand; what was found is kept until the store changes."""
    known: dict[tuple[str, int], list[Check]] = _verified()
    key = (str(view.store.path), view.store.version)
    if st.button(_("Check now"), icon=":material/fact_check:", key="trust_verify"):
        with st.spinner(_("Checking; seconds for every ten million rows…")):
            found = verify(view.store)
        known.clear()
        known[key] = found
    results = known.get(key)
    if results is None:
        st.caption(_("Not checked since the last change of the data."))
        return
    wrong = [check for check in results if not check.ok]
    if wrong:
        st.error(
            _("{n} of {all} checks do not hold: restore the last backup, or load the days again.", n=len(wrong), all=len(results)),
            icon=":material/error:",
        )
    else:
        st.markdown(":material/check_circle: " + _("All {n} checks hold.", n=len(results)))
    records.show(
        {
            _("Check"): [say(check) for check in results],
            _("Result"): [_("holds") if check.ok else _("{n} rows differ", n=text.count(check.wrong)) for check in results],
        },
        key="trust_checks",
        title=_("Checks"),
        wide=[_("Check")],
    )


@st.cache_resource(show_spinner=False)
def _verified() -> dict[tuple[str, int], list[Check]]:
    return {}


def loads(view: View) -> None:
    """What each load did, newest first."""
    rows = keeper.loads(view.store)
    if not rows:
        st.caption(_("Nothing has been loaded yet."))
        return
    records.show(
        {
            _("Loaded"): [clock(view, r.at) for r in rows],
            _("Source"): [source_name(r.source) for r in rows],
            _("File"): [_file(r.file) for r in rows],
            _("Table"): [_table(r.table) for r in rows],
            _("Rows"): [r.rows for r in rows],
            _("New"): [r.new for r in rows],
            _("Updated"): [r.updated for r in rows],
            _("Duplicates"): [r.duplicates for r in rows],
            _("Refused"): [r.rejected for r in rows],
            _("Undated"): [r.undated for r in rows],
        },
        key="trust_loads",
        brief=[_("Table"), _("Rows"), _("Loaded"), _("Source"), _("New"), _("Refused")],
        title=_("Loads"),
    )


def store_words(view: View, found: Facts) -> str:
    """Size and version of the store in a line."""
    return _(
        "Store: {size} MB, version {version}; times in {zone}.",
        size=text.decimal(found.size / 1e6, 1),
        version=text.count(found.version),
        zone=text.offset(view.fresh.zone),
    )
