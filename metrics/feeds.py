"""Sources against their own rhythm: what each sent by the hour, when it usually sends, and since when it has been silent.

The rule (our design). A source's *working hours* are the hours of the week in which it sent at least once in the last 14 days, where it also
sends in that hour of the clock on at least half of the days on which it sends at all. Its *usual pause* is the longest run of working hours
without news on nine days of ten; for a source that arrives in bundles (a sheet each morning), also the working hours its newest row had aged
when the next bundle came. It is *silent* once more working hours have passed without a row than twice that pause, and at
least two. Hours of a day marked as a holiday do not count. Only what sends by itself is judged: a connected tool, a source with a token, or
one whose rows came in on three days of the last 14.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from data import sent
from data.sent import HALF_HOUR_MS, Slot
from data.store import Store
from metrics.freshness import common_zone
from metrics.scope import Scope

DAYS = 14  # whole days before today that tell the rhythm
BEATS = 3  # days with rows that a rhythm needs, and days of arrival that make a feed
TIMES = 2  # usual pauses that may pass
LEAST = 2  # working hours that must pass in any case
HOUR = timedelta(hours=1)

Hour = datetime
"""The beginning of an hour on the wall clock, without zone."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a source sends: its working hours as (weekday, hour) with Monday 0, the hours of the clock among them, and its usual pause
    in working hours."""

    hours: frozenset[tuple[int, int]]
    pause: int

    @property
    def limit(self) -> int:
        """Working hours without a row after which it is silent."""
        return max(LEAST, TIMES * self.pause + 1)

    def works(self, hour: Hour) -> bool:
        """True in its working hours."""
        return (hour.weekday(), hour.hour) in self.hours


@dataclass(frozen=True, slots=True)
class Feed:
    """A source as of now. `days`: rows of the last 14 days and today, the oldest first; `hours`: rows by hour of the wall clock.

    `judged`: it sends by itself. `rhythm`: None while too few days tell one. `missed`: whole working hours since its newest row.
    `newest`: instant of its newest row within these days, UTC; None without any.
    """

    source: str
    days: tuple[int, ...]
    hours: Mapping[Hour, int]
    judged: bool
    rhythm: Rhythm | None
    missed: int
    newest: datetime | None

    @property
    def today(self) -> int:
        """Rows of today so far."""
        return self.days[-1]

    @property
    def silent(self) -> bool:
        """True when it should have sent by now."""
        return self.judged and self.rhythm is not None and self.missed >= self.rhythm.limit


@dataclass(frozen=True, slots=True)
class Feeds:
    """All sources that sent to these sites within the last 14 days, by name, in the zone the sites live in; `dates` as `Feed.days`."""

    all: tuple[Feed, ...]
    dates: tuple[date, ...]
    zone: str
    now: Hour
    slots: tuple[Slot, ...]
    closed: frozenset[date]

    def gaps(self, feed: Feed) -> frozenset[Hour]:
        """Working hours of a source that are over, after its first row of these days, in which nothing came. A holiday has none."""
        found, hour = set(), min(feed.hours, default=self.now)
        while feed.rhythm is not None and hour + HOUR <= self.now:
            if feed.rhythm.works(hour) and hour not in feed.hours and hour.date() not in self.closed:
                found.add(hour)
            hour += HOUR
        return frozenset(found)

    @property
    def silent(self) -> tuple[Feed, ...]:
        """Those that should have sent by now."""
        return tuple(feed for feed in self.all if feed.silent)

    def silent_for(self, *, sites: Collection[str] = (), projects: Collection[str] = ()) -> tuple[Feed, ...]:
        """The silent ones among those that sent anything of these sites and projects (empty: of any) within these days."""
        sending = {
            slot.source
            for slot in (self.slots if self.silent else ())
            if (not sites or slot.site in sites) and (not projects or not set(projects).isdisjoint(slot.projects))
        }
        return tuple(feed for feed in self.silent if feed.source in sending)

    def silenced(self, dimension: str) -> dict[str, Feed]:
        """The sites or projects all of whose sources are silent, with the one that was heard of last: their numbers stand still."""
        silent = {feed.source: feed for feed in self.silent}
        fed: dict[str, set[str]] = defaultdict(set)
        for slot in self.slots if silent else ():
            for one in (slot.site,) if dimension == "site" else slot.projects:
                fed[one].add(slot.source)
        return {
            one: max((silent[source] for source in sources), key=lambda feed: feed.newest or datetime.min.replace(tzinfo=UTC))
            for one, sources in fed.items()
            if sources <= silent.keys()
        }


def feeds(store: Store, scope: Scope, now: datetime | None = None) -> Feeds:
    """Every source that sent to the scope's sites within the last 14 days and today, against its own rhythm there. `now` is for tests.

    A scope of teams or of one person sees the sources of their sites.
    """
    moment = now or datetime.now(UTC)
    sites = _sites(store, scope)
    zone = _zone(store, sites)
    here = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    dates = tuple(here.date() - timedelta(days=back) for back in range(DAYS, -1, -1))
    # A night shift is of the day before; a date further east may be tomorrow's.
    asked = frozenset((dates[0] - timedelta(days=1), *dates, dates[-1] + timedelta(days=1)))
    slots = tuple(
        slot
        for slot in sent.slots(store, asked)
        if (sites is None or slot.site in sites)
        and _wall(slot.half, zone).date() >= dates[0]
        and slot.half * HALF_HOUR_MS <= moment.timestamp() * 1000
    )
    judged, closed = sending(store, moment), _holidays(store, sites)
    ends = {load_id: _here(end, zone) for load_id, end in _ends(store, slots).items()}
    named: dict[str, list[Slot]] = defaultdict(list)
    for slot in slots:
        named[slot.source].append(slot)
    made = [_feed(name, mine, dates, here, zone, name in judged, ends, closed) for name, mine in sorted(named.items())]
    return Feeds(tuple(made), dates, zone, here, slots, closed)


def _feed(
    source: str,
    slots: Sequence[Slot],
    dates: Sequence[date],
    now: Hour,
    zone: str,
    judged: bool,
    ends: Mapping[int, Hour],
    closed: Collection[date],
) -> Feed:
    hours = by_hour(slots, zone)
    counts: dict[date, int] = defaultdict(int)
    for hour, rows in hours.items():
        counts[hour.date()] += rows
    past = {hour for hour in hours if dates[0] <= hour.date() < dates[-1] and hour.date() not in closed}
    bundles = [(ends[slot.load_id], _wall(slot.half, zone)) for slot in slots if slot.load_id in ends]
    found = rhythm(past, bundles, closed, dates[0])
    newest = max(hours)
    missed = 0 if found is None else passed(found, newest, now, closed)
    return Feed(source, tuple(counts[day] for day in dates), hours, judged, found, missed, max(slot.newest for slot in slots))


def at_site(known: Feeds, site: str) -> Feed:
    """All that came of a site, as one feed: its hours, and the rhythm they tell. Nobody judges it: sources are."""
    hours = by_hour((slot for slot in known.slots if slot.site == site), known.zone)
    past = {hour for hour in hours if hour.date() < known.dates[-1] and hour.date() not in known.closed}
    counts: dict[date, int] = defaultdict(int)
    for hour, rows in hours.items():
        counts[hour.date()] += rows
    newest = max((slot.newest for slot in known.slots if slot.site == site), default=None)
    return Feed(site, tuple(counts[day] for day in known.dates), hours, False, rhythm(past), 0, newest)


def by_hour(slots: Iterable[Slot], zone: str) -> dict[Hour, int]:
    """Rows by the hour of the wall clock of a zone in which they were made."""
    hours: dict[Hour, int] = defaultdict(int)
    for slot in slots:
        hours[_wall(slot.half, zone).replace(minute=0)] += slot.rows
    return dict(hours)


def rhythm(
    past: Collection[Hour], bundles: Iterable[tuple[Hour, Hour]] = (), closed: Collection[date] = (), since: date | None = None
) -> Rhythm | None:
    """The rhythm told by the hours in which rows were made, and by when they came in (end of the load, beginning of their half hour).

    `past`: hours of whole days, holidays left out. None where rows were made on fewer than three days, or at no common hour.
    """
    days: dict[date, set[int]] = defaultdict(set)
    for hour in past:
        days[hour.date()].add(hour.hour)
    if len(days) < BEATS:
        return None
    clock: dict[int, int] = defaultdict(int)
    for told in days.values():
        for one in told:
            clock[one] += 1
    usual = {one for one, times in clock.items() if 2 * times >= len(days)}
    hours = frozenset((day.weekday(), one) for day, told in days.items() for one in told & usual)
    if not hours:
        return None
    pauses = {day: _longest(told, [one for one in range(24) if (day.weekday(), one) in hours]) for day, told in days.items()}
    for day, age in _aged(Rhythm(hours, 0), bundles, closed, since):
        pauses[day] = max(pauses.get(day, 0), age)
    return Rhythm(hours, _most(list(pauses.values())))


def passed(rhythm: Rhythm, newest: Hour, now: Hour, closed: Collection[date] = ()) -> int:
    """Whole working hours that began after the hour of the newest row and are over."""
    hour, n = newest.replace(minute=0, second=0, microsecond=0) + HOUR, 0
    while hour + HOUR <= now:
        n += rhythm.works(hour) and hour.date() not in closed
        hour += HOUR
    return n


def _aged(rhythm: Rhythm, bundles: Iterable[tuple[Hour, Hour]], closed: Collection[date], since: date | None) -> Iterator[tuple[date, int]]:
    """How many working hours the newest row known had aged each time that later rows came in, and on which day. Loads within an hour of
    one another are one bundle: a history that is loaded piece by piece says nothing of a pause."""
    newest: dict[Hour, Hour] = {}
    for end, made in bundles:
        newest[end] = max(newest.get(end, made), made)
    known: Hour | None = None
    before: Hour | None = None
    for end, made in sorted(newest.items()):
        if known is not None and before is not None and made > known and end - before >= HOUR and (since is None or end.date() >= since):
            yield end.date(), passed(rhythm, known, end, closed)
        known, before = made if known is None else max(known, made), end


def _longest(told: Collection[int], working: Iterable[int]) -> int:
    """The longest run of working hours without a row."""
    longest = run = 0
    for one in working:
        run = 0 if one in told else run + 1
        longest = max(longest, run)
    return longest


def _most(values: Sequence[int]) -> int:
    """What nine of ten do not exceed; 0 of none.

    >>> _most([0, 0, 0, 0, 0, 0, 0, 0, 0, 7]), _most([9, 9, 8]), _most([])
    (0, 9, 0)
    """
    return sorted(values)[math.ceil(0.9 * len(values)) - 1] if values else 0


@lru_cache(maxsize=8192)
def _wall(half: int, zone: str) -> Hour:
    """The wall clock at the beginning of a half hour counted in UTC."""
    return datetime.fromtimestamp(half * HALF_HOUR_MS / 1000, ZoneInfo(zone)).replace(tzinfo=None)


def _here(utc: datetime, zone: str) -> Hour:
    return utc.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


# From the store ------------------------------------------------------------------------------------------------------------
def _sites(store: Store, scope: Scope) -> frozenset[str] | None:
    """The sites whose sources a scope sees: its own, else those of its teams or of where the person is or was."""
    if scope.sites is not None or (scope.teams is None and scope.worker is None):
        return scope.sites
    rows = store.rows(
        "SELECT site_id FROM team JOIN site USING (site_key) WHERE list_contains($teams, team_id) UNION SELECT site_id FROM presence JOIN site USING (site_key) "
        "JOIN worker USING (worker_key) WHERE worker_id = $worker",
        {"teams": sorted(scope.teams or ()), "worker": scope.worker},
    )
    return frozenset(site for (site,) in rows)


def _zone(store: Store, sites: Collection[str] | None) -> str:
    rows = store.rows("SELECT site_id, zone FROM site WHERE site_id <> '' AND zone IS NOT NULL")
    return common_zone((zone for site, zone in rows if sites is None or site in sites), store.meta("zone") or "UTC")


def sending(store: Store, now: datetime | None = None) -> frozenset[str]:
    """The sources that send by themselves: the only ones that can be silent. `now` is for tests."""
    now = now or datetime.now(UTC)
    rows = store.rows(
        "SELECT source FROM connection UNION SELECT source FROM token WHERE may_push AND revoked_at IS NULL AND source IS NOT NULL "
        "UNION SELECT source FROM load WHERE finished_at >= $since AND new > 0 AND undone_at IS NULL AND table_name IN ('annotations', 'reviews') "
        "GROUP BY source HAVING count(DISTINCT finished_at::DATE) >= $beats",
        {"since": now.astimezone(UTC).replace(tzinfo=None) - timedelta(days=DAYS), "beats": BEATS},
    )
    return frozenset(source for (source,) in rows)


def _ends(store: Store, slots: Iterable[Slot]) -> dict[int, datetime]:
    """When the loads of these rows ended, UTC."""
    rows = store.rows(
        "SELECT load_id, max(finished_at) FROM load WHERE list_contains($ids, load_id) GROUP BY ALL",
        {"ids": sorted({slot.load_id for slot in slots})},
    )
    return dict(rows)


def _holidays(store: Store, sites: Collection[str] | None) -> frozenset[date]:
    """Days marked as a holiday of the whole base, or of every one of these sites."""
    rows = store.rows(
        "SELECT s.site_id, n.from_date, coalesce(n.to_date, n.from_date) FROM note AS n JOIN site AS s USING (site_key) WHERE n.kind = 'holiday'"
    )
    closed: dict[date, set[str]] = defaultdict(set)
    for site, first, last in rows:
        for n in range((last - first).days + 1):
            closed[first + timedelta(days=n)].add(site)
    return frozenset(day for day, where in closed.items() if "" in where or (sites and set(sites) <= where))
