"""How far the facts reach that somebody may see: the newest instant, the span of days, the zone they are told in, what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from data.store import Store
from metrics.freshness import common_zone, freshness, newest, settled, sites
from metrics.model import Text
from metrics.scope import Scope


@dataclass(frozen=True, slots=True)
class Event:
    """Something to be drawn on charts: a guideline change, an outage, a holiday. Both days are included."""

    start: date
    end: date | None
    kind: str
    text: Text


@dataclass(frozen=True, slots=True)
class Reach:
    """`as_of`: UTC instant of the newest dated work or review; `first` and `last`: business dates with work, on a store
    without any the days from the first person's employment to today, or to the last one's end; all None without either.

    `zone`: IANA name of the zone most sites in the scope live in; `today`: the date there now. `first` and `last` leave out days later
    than that, which only a wrong clock can have written.
    """

    as_of: datetime | None
    first: date | None
    last: date | None
    zone: str
    today: date
    notes: tuple[Event, ...]


def reach(store: Store, scope: Scope, now: datetime | None = None) -> Reach:
    """How far what this scope may see reaches. `now` is for tests."""
    moment = now or datetime.now(UTC)
    described = store.version_of(None, None, facts=False)
    every = sites(store)
    mine = [key for key, name, _ in every if scope.sites is None or name in scope.sites]
    zone = common_zone((zone for key, name, zone in every if key in mine and name and zone), store.meta("zone") or "UTC")
    today = moment.astimezone(ZoneInfo(zone)).date()
    limits, values = _limits(scope, mine)
    first, last = store.rows(
        f"SELECT min(business_date), max(business_date) FROM work_day WHERE business_date <= $today {limits}", {"today": today, **values}
    )[0]
    if last is None:
        first, last = store.rows(
            f"SELECT min(from_date), max(least(coalesce(to_date, $today), $today)) FROM presence WHERE from_date <= $today {limits}",
            {"today": today, **values},
        )[0]
    told = settled(
        store,
        "notes",
        described,
        lambda: store.rows(
            "SELECT site_key, from_date, to_date, kind, text, coalesce(text_en, text) FROM note ORDER BY from_date, note_id"
        ),
    )
    notes = tuple(
        Event(start, end, kind, Text(english, chinese)) for site, start, end, kind, chinese, english in told if site == 0 or site in mine
    )
    return Reach(_newest(store, scope, mine, last), first, last, zone, today, notes)


def _limits(scope: Scope, sites: Sequence[int]) -> tuple[str, dict[str, object]]:
    """What else a row must satisfy in this scope, and the parameters of that; nothing for who sees everything, which the blocks'
    own smallest and largest dates then answer."""
    found: list[tuple[str, str, object]] = []
    if scope.sites is not None:
        found.append(("list_contains($sites, site_key)", "sites", list(sites)))
    if scope.teams is not None:
        found.append(("team_key IN (SELECT team_key FROM team WHERE list_contains($teams, team_id))", "teams", sorted(scope.teams)))
    if scope.worker is not None:
        found.append(("worker_key IN (SELECT coalesce(same_as, worker_key) FROM worker WHERE worker_id = $worker)", "worker", scope.worker))
    return "".join(f" AND {sql}" for sql, _name, _value in found), {name: value for _sql, name, value in found}


def _newest(store: Store, scope: Scope, sites: Sequence[int], last: date | None) -> datetime | None:
    """The newest instant of the sites."""
    if last is None:
        return None
    if scope.sites is None and (fresh := freshness(store)).last == last:
        return fresh.as_of
    return newest(store, last, None if scope.sites is None else sites)
