"""How far the data reach: newest instant, newest business date, and how many days reviews take to come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from data.store import Store
from metrics.scope import Scope

MATURE_SHARE = 0.95  # of first verdicts that must have come in before a day counts as settled (metrics.md 1.4)
DAY = timedelta(days=1)
YOUNG = timedelta(days=2)  # the newest dates, whose reviews come in all the time
MATURITY_WINDOW = 60  # business dates whose reviews tell how long that takes


@dataclass(frozen=True, slots=True)
class Freshness:
    """`as_of`: newest instant in the log, UTC. `last`: newest business date (of the log, else of the people table). `first_hire`.

    None where there is nothing to tell from. `zones`: the IANA zone of each named site; `home`: the store's own, for a base without sites.
    """

    as_of: datetime | None
    last: date | None
    first_hire: date | None
    zones: Mapping[str, str] = field(default_factory=dict)
    home: str = "UTC"

    def zone(self, scope: Scope) -> str:
        """The zone in which this scope is told the time."""
        return common_zone((zone for site, zone in self.zones.items() if scope.sites is None or site in scope.sites), self.home)


def common_zone(zones: Iterable[str], otherwise: str) -> str:
    """The zone of most sites, the first by name among equals; `otherwise` without sites.

    >>> common_zone(["Asia/Shanghai", "Asia/Urumqi", "Asia/Shanghai"], "UTC")
    'Asia/Shanghai'
    """
    counted = Counter(zones)
    return min(counted, key=lambda zone: (-counted[zone], zone)) if counted else otherwise


_known: WeakKeyDictionary[Store, tuple[int, Freshness]] = WeakKeyDictionary()
_settled: WeakKeyDictionary[Store, dict[str, tuple[Hashable, Any]]] = WeakKeyDictionary()
_lock = Lock()


def freshness(store: Store) -> Freshness:
    """What the store knows about its own reach; kept until its version changes."""
    version = store.version
    with _lock:
        found = _known.get(store)
    if found and found[0] == version:
        return found[1]
    fresh = _read(store)
    with _lock:
        _known[store] = (version, fresh)
    return fresh


def settled(store: Store, name: str, key: Hashable, read: Callable[[], Any]) -> Any:
    """What was read under this name for this key, else what is read now; a feed of today's work does not change the key."""
    with _lock:
        found = _settled.setdefault(store, {}).get(name)
    if found and found[0] == key:
        return found[1]
    made = read()
    with _lock:
        _settled[store][name] = key, made
    return made


def last_business_date(store: Store) -> date | None:
    """The newest business date with work, reviews or people; None in an empty store. The “today” of every preset."""
    return freshness(store).last


def _read(store: Store) -> Freshness:
    described = store.version_of(None, None, facts=False)
    hired, changed, zones, home = settled(store, "described", described, lambda: _described(store))
    ((work, review),) = store.rows(
        "SELECT (SELECT max(business_date) FROM work_day WHERE business_date <= $today), (SELECT max(review_date) FROM review_day WHERE review_date <= $today)",
        {"today": datetime.now(UTC).date() + timedelta(days=1)},  # a later day can only come from a wrong clock
    )
    days = [day for day in (work, review) if day is not None]
    last = max(days) if days else changed
    return Freshness(newest(store, last) if days and last else None, last, hired, zones, home)


def newest(store: Store, last: date, sites: Sequence[int] | None = None) -> datetime | None:
    """The newest instant, UTC, of the business date `last` and the one before, where that of a site must lie; of these sites (their keys) or all."""
    limit, values = ("", {}) if sites is None else (" AND list_contains($sites, site_key)", {"sites": list(sites)})
    ((found,),) = store.rows(
        f"SELECT max(ts) FROM (SELECT max(ts) AS ts FROM work WHERE business_date BETWEEN $since AND $last{limit}"
        f" UNION ALL SELECT max(ts) FROM review WHERE review_date BETWEEN $since AND $last{limit}) AS fact",
        {"since": last - DAY, "last": last, **values},
    )
    return found.replace(tzinfo=UTC) if found else None


def _described(store: Store) -> tuple[date | None, date | None, dict[str, str], str]:
    """First hire, last change of anybody's employment, the zones of the sites, the store's own."""
    ((hired, changed),) = store.rows("SELECT min(from_date), max(greatest(from_date, coalesce(to_date, from_date))) FROM presence")
    zones = {name: zone for _key, name, zone in sites(store) if name and zone}
    return hired, changed, zones, store.meta("zone") or "UTC"


def sites(store: Store) -> list[tuple[int, str, str | None]]:
    """Key, id and zone of every site, the one without an id among them."""
    described = store.version_of(None, None, facts=False)
    found: list[tuple[int, str, str | None]] = settled(
        store, "sites", described, lambda: store.rows("SELECT site_key, site_id, zone FROM site")
    )
    return found


def maturity(store: Store, last: date) -> int:
    """The number of days after which 95 % of first verdicts have come in, told by those of the MATURITY_WINDOW days up to `last`; 0 without any."""
    # How long reviews take does not change with the last days' own.
    known = last, store.version_of(None, last - YOUNG)
    return int(settled(store, "maturity", known, lambda: _maturity(store, last)))


def _maturity(store: Store, last: date) -> int:
    ((lag,),) = store.rows(
        "SELECT min(lag) FROM (SELECT lag, sum(n) OVER (ORDER BY lag) AS upto, sum(n) OVER () AS n FROM ("
        " SELECT greatest(review_date - business_date, 0) AS lag, sum(first_rows) AS n FROM review_day"
        " WHERE business_date > CAST($last AS DATE) - CAST($window AS INTEGER) AND review_date IS NOT NULL GROUP BY 1) AS lags) AS running"
        " WHERE upto >= $share * n AND n > 0",
        {"last": last, "window": MATURITY_WINDOW, "share": MATURE_SHARE},
    )
    return int(lag or 0)
