"""What each source sent, by business date: read from the log once and kept, so that a feed costs no more than its own dates again.

A load says which dates it changed. A change of the lists (people, projects) does not; then the dates whose rows by hour, site and kind of
clock are no longer those of the roll-ups are read again, and the newest ones in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from data.codes import CLOCKS
from data.store import Store

RECENT = 2  # newest dates that are read again after any change of the lists
HALF_HOUR_MS = 1_800_000

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Slot:
    """Rows of work and reviews of a source at a site in half an hour: `half` counts half hours from 1970 in UTC, `newest` is an instant in UTC.

    `load_id` is the first load that any of these rows is of, `projects` the ids of their projects. Rows without a time are in none.
    """

    half: int
    source: str
    site: str
    rows: int
    newest: datetime
    load_id: int
    projects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """All that a source sent: rows of work and of reviews, those of each without a time, rows of work with a duration, rows by kind of
    clock; first and last instant, the last of work alone, and the end of the newest load that any row is of (UTC; None where there is none)."""

    source: str
    work: int
    reviews: int
    undated_work: int
    undated_reviews: int
    timed: int
    clocks: Mapping[str, int]
    first: datetime | None
    last: datetime | None
    last_work: datetime | None
    loaded: datetime | None

    @property
    def rows(self) -> int:
        """Rows of work and reviews."""
        return self.work + self.reviews


@dataclass(frozen=True, slots=True)
class Told:
    """What the standing loads of a source said of its work and reviews: rows read, known already, refused, and when the last one ended (UTC)."""

    rows: int
    duplicates: int
    rejected: int
    last: datetime


def slots(store: Store, dates: Collection[date]) -> list[Slot]:
    """The half hours of these business dates (of reviews, the dates of review) in which anything came, in no order."""
    return [one for slots in _slots.of(store, dates).values() for one in slots]


def sent(store: Store, sites: Collection[str] | None = None) -> list[Sent]:
    """What every source sent, at these sites where given, by its name."""
    found: dict[str, _Sum] = {}
    for rows in _ledger.of(store, None).values():
        for one in rows:
            if sites is None or one.site in sites:
                found.setdefault(one.source, _Sum()).add(one)
    ends = dict(
        store.rows(
            "SELECT load_id, max(finished_at) FROM load WHERE list_contains($ids, load_id) GROUP BY ALL",
            {"ids": [total.load_id for total in found.values()]},
        )
    )
    return [total.sent(name, ends.get(total.load_id)) for name, total in sorted(found.items())]


def told(store: Store, since: datetime | None = None) -> dict[str, Told]:
    """What became of the rows that each source's loads brought, since an instant (UTC without zone) where given."""
    rows = store.rows(
        "SELECT source, sum(rows)::BIGINT, sum(duplicates)::BIGINT, sum(rejected)::BIGINT, max(finished_at) FROM load WHERE undone_at IS NULL "
        "AND table_name IN ('annotations', 'reviews') AND ($since::TIMESTAMP IS NULL OR finished_at >= $since) GROUP BY ALL",
        {"since": since},
    )
    return {source: Told(read, known, refused, last.replace(tzinfo=UTC)) for source, read, known, refused, last in rows}


# Kept by date --------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _State(Generic[R]):
    version: int = -1
    prints: dict[date | None, int] = field(default_factory=dict)
    kept: dict[date | None, list[R]] = field(default_factory=dict)


class _Kept(Generic[R]):
    """Rows by business date, as of the store's version, read where something changed since."""

    def __init__(self, read: Callable[[Store, Collection[date | None] | None], Iterator[tuple[date | None, R]]]) -> None:
        self._read, self._lock = read, Lock()
        self._states: WeakKeyDictionary[Store, _State[R]] = WeakKeyDictionary()

    def of(self, store: Store, dates: Collection[date] | None) -> dict[date | None, list[R]]:
        """The rows of these dates; of all, with those of no date under None, without any."""
        with self._lock:
            state = self._states.setdefault(store, _State())
        with self._lock:  # one reads; who asks for the same meanwhile waits for it
            self._refresh(store, state, dates)
            return {day: rows for day, rows in state.kept.items() if dates is None or day in dates}

    def _refresh(self, store: Store, state: _State[R], dates: Collection[date] | None) -> None:
        version = store.version  # before reading: what comes meanwhile is read again
        changed = store.changed_since(state.version) if state.version >= 0 else None
        if changed is not None:
            stale: set[date | None] = {day for day in changed if dates is None or day in dates or day in state.kept}
        else:
            prints = _prints(store, dates)
            newest = max((day for day in prints if day), default=None)
            stale = {day for day in prints.keys() | state.prints.keys() if prints.get(day) != state.prints.get(day)} | {None}
            if newest:
                stale |= {day for day in prints if day and day > newest - timedelta(days=RECENT)}
            state.prints = prints
        if dates is not None:
            stale = {day for day in stale if day in dates} | {day for day in dates if day not in state.kept}
        if stale:
            for day in stale:
                state.kept[day] = []
            for day, row in self._read(store, None if dates is None and not state.prints.keys() - stale else stale):
                state.kept.setdefault(day, []).append(row)
        if dates is not None:
            for day in [day for day in state.kept if day not in dates]:
                del state.kept[day]
        state.version = version


def _prints(store: Store, dates: Collection[date] | None) -> dict[date | None, int]:
    """For each business date a number that changes when its rows by hour, site and clock do, by the roll-ups."""
    span: dict[str, object] = {"first": min(dates), "last": max(dates)} if dates else {"first": None, "last": None}
    within = "($first::DATE IS NULL OR {0} BETWEEN $first AND $last)"
    rows = store.rows(
        f"""SELECT day, sum(hash(what, n))::HUGEINT FROM (
            SELECT business_date AS day, hash(hour, site_key, clock) AS what, sum(row_count) AS n FROM work_hour WHERE {within.format("business_date")} GROUP BY ALL
            UNION ALL SELECT review_date, hash(site_key, 'review'), sum(verdicts) FROM review_day WHERE {within.format("review_date")} GROUP BY ALL) GROUP BY ALL""",
        span,
    )
    return {day: int(number) for day, number in rows}


# Reading the log -----------------------------------------------------------------------------------------------------------
def _named(store: Store) -> tuple[dict[int, str], dict[int, str], dict[int, str]]:
    """Names of sources, ids of sites and of projects, by key."""
    return (
        dict(store.rows("SELECT source_key, name FROM source")),
        dict(store.rows("SELECT site_key, site_id FROM site")),
        dict(store.rows("SELECT project_key, project_id FROM project")),
    )


def _read_slots(store: Store, dates: Collection[date | None] | None) -> Iterator[tuple[date | None, Slot]]:
    days = sorted(day for day in dates or () if day)
    if not days:
        return
    sources, sites, projects = _named(store)
    rows = store.rows(
        """WITH fact AS (
            SELECT business_date AS day, source_key, site_key, project_key, epoch_ms(ts) // $half AS half, count(*) AS n, max(ts) AS newest, min(load_id) AS load_id
            FROM work WHERE business_date BETWEEN $first AND $last AND list_contains($days, business_date) AND ts IS NOT NULL GROUP BY ALL
            UNION ALL
            SELECT review_date, source_key, site_key, project_key, epoch_ms(ts) // $half, count(*), max(ts), min(load_id)
            FROM review WHERE review_date BETWEEN $first AND $last AND list_contains($days, review_date) AND ts IS NOT NULL GROUP BY ALL)
        SELECT day, half, source_key, site_key, sum(n)::BIGINT, max(newest), min(load_id), list(DISTINCT project_key) FROM fact GROUP BY ALL""",
        {"half": HALF_HOUR_MS, "first": days[0], "last": days[-1], "days": days},
    )
    for day, half, source, site, n, newest, load_id, of in rows:
        yield (
            day,
            Slot(half, sources[source], sites[site], n, newest.replace(tzinfo=UTC), load_id, tuple(sorted(projects[key] for key in of))),
        )


@dataclass(frozen=True, slots=True)
class _Row:
    source: str
    site: str
    kind: str
    clock: int | None
    rows: int
    undated: int
    timed: int
    first: datetime | None
    last: datetime | None
    load_id: int


def _read_ledger(store: Store, dates: Collection[date | None] | None) -> Iterator[tuple[date | None, _Row]]:
    sources, sites, _ = _named(store)
    within, values = "true", dict[str, object]()
    if dates is not None:
        days = sorted(day for day in dates if day)
        within = f"(({{0}} BETWEEN $first AND $last AND list_contains($days, {{0}})){' OR {0} IS NULL' if None in dates else ''})"
        values = {"first": days[0] if days else None, "last": days[-1] if days else None, "days": days}
    rows = store.rows(
        f"""SELECT business_date, source_key, site_key, 'work', clock, count(*), count(*) - count(ts), count(seconds), min(ts), max(ts), max(load_id)
            FROM work WHERE {within.format("business_date")} GROUP BY ALL
        UNION ALL SELECT review_date, source_key, site_key, 'review', NULL, count(*), count(*) - count(ts), 0, min(ts), max(ts), max(load_id)
            FROM review WHERE {within.format("review_date")} GROUP BY ALL""",
        values,
    )
    for day, source, site, *rest in rows:
        yield day, _Row(sources[source], sites[site], *rest)


_slots, _ledger = _Kept(_read_slots), _Kept(_read_ledger)


@dataclass(slots=True)
class _Sum:
    """A source's rows so far: counts by kind of row, and instants as the log has them."""

    rows: dict[str, int] = field(default_factory=lambda: {"work": 0, "review": 0})
    undated: dict[str, int] = field(default_factory=lambda: {"work": 0, "review": 0})
    timed: int = 0
    clocks: dict[str, int] = field(default_factory=dict)
    first: datetime | None = None
    last: dict[str, datetime] = field(default_factory=dict)
    load_id: int = 0

    def add(self, one: _Row) -> None:
        self.rows[one.kind] += one.rows
        self.undated[one.kind] += one.undated
        self.timed += one.timed
        if one.clock is not None:
            kind = CLOCKS[one.clock]
            self.clocks[kind] = self.clocks.get(kind, 0) + one.rows
        if one.first and one.last:
            self.first = min(self.first or one.first, one.first)
            self.last[one.kind] = max(self.last.get(one.kind, one.last), one.last)
        self.load_id = max(self.load_id, one.load_id)

    def sent(self, name: str, loaded: datetime | None) -> Sent:
        moments = (self.first, max(self.last.values(), default=None), self.last.get("work"), loaded)
        first, last, last_work, end = (moment.replace(tzinfo=UTC) if moment else None for moment in moments)
        return Sent(
            name,
            self.rows["work"],
            self.rows["review"],
            self.undated["work"],
            self.undated["review"],
            self.timed,
            self.clocks,
            first,
            last,
            last_work,
            end,
        )
