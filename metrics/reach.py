"""How far the facts reach that somebody may see: the newest instant, the span of days, the zone they are told in, what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from data.store import Store
from metrics.freshness import common_zone, settled
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
    sites = settled(store, "sites", described, lambda: store.rows("SELECT site_key, site_id, zone FROM site"))
    mine = [key for key, name, _ in sites if scope.sites is None or name in scope.sites]
    zone = common_zone((zone for key, name, zone in sites if key in mine and name and zone), store.meta("zone") or "UTC")
    today = moment.astimezone(ZoneInfo(zone)).date()
    teams, worker = sorted(scope.teams or ()), scope.worker
    first, last = store.rows(
        "SELECT min(business_date), max(business_date) FROM work_day WHERE business_date <= $today AND list_contains($sites, site_key) "
        "AND ($all_teams OR team_key IN (SELECT team_key FROM team WHERE list_contains($teams, team_id))) "
        "AND ($worker::VARCHAR IS NULL OR worker_key IN (SELECT coalesce(same_as, worker_key) FROM worker WHERE worker_id = $worker))",
        {"today": today, "sites": mine, "all_teams": scope.teams is None, "teams": teams, "worker": worker},
    )[0]
    if last is None:
        first, last = store.rows(
            "SELECT min(from_date), max(least(coalesce(to_date, $today), $today)) FROM presence "
            "WHERE from_date <= $today AND list_contains($sites, site_key) "
            "AND ($all_teams OR team_key IN (SELECT team_key FROM team WHERE list_contains($teams, team_id))) "
            "AND ($worker::VARCHAR IS NULL OR worker_key IN (SELECT coalesce(same_as, worker_key) FROM worker WHERE worker_id = $worker))",
            {"today": today, "sites": mine, "all_teams": scope.teams is None, "teams": teams, "worker": worker},
        )[0]
    newest = store.rows(
        "SELECT max(ts) FROM (SELECT ts, site_key FROM work WHERE business_date BETWEEN $last::DATE - 1 AND $last "
        "UNION ALL SELECT ts, site_key FROM review WHERE review_date BETWEEN $last::DATE - 1 AND $last) AS fact "
        "WHERE list_contains($sites, site_key)",
        {"last": last, "sites": mine},
    )[0][0]
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
    return Reach(newest.replace(tzinfo=UTC) if newest else None, first, last, zone, today, notes)
