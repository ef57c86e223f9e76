"""Tool time against attendance (工时采集覆盖率), and who is on the lists, clocked in or at work, and who is only one of these.

Tracking coverage (metrics.md T-21, our design): hours in tools, a person's overlapping intervals counted once, ÷ attended hours, over the
person-days that clocked in and out. Below 85 % numbers per hour of the site and day rest on too little. Breaks and other logged non-task
time are not in the facts and so not taken off the attended hours; where the roster plans fewer hours than were attended, too little is what is
below 85 % of those as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from data.sent import HALF_HOUR_MS
from data.store import Store
from metrics.feeds import Feed, Feeds
from metrics.model import QueryError
from metrics.scope import SMALLEST_GROUP, Scope

ENOUGH = 0.85  # coverage below which numbers per hour are greyed (metrics.md T-21)
LOW, HIGH = 0.5, 1.05  # of the attended hours: what a person-day in tools can plausibly be (our design)
AT_TOOLS = ("annotator", "reviewer")  # roles that work in tools; so may a person whose role is not known

HOUR = timedelta(hours=1)

Group = Literal["absent", "idle", "unclocked", "unknown"]
"""On the lists and neither at work nor clocked in nor on leave · clocked in and no work in any tool · on a list and at work, at a site that keeps
attendance and not clocked in · at work and on no list."""
GROUPS: tuple[Group, ...] = ("absent", "idle", "unclocked", "unknown")


@dataclass(frozen=True, slots=True)
class Coverage:
    """A site on a day: person-days that clocked in and out, their hours in tools, attended and planned (0 where nobody planned any), and how
    many of them are below or above what is plausible. `site` is "" where nobody knows it."""

    site: str
    day: date
    people: int
    tool_hours: float
    attended_hours: float
    planned_hours: float
    low: int
    high: int

    @property
    def enough(self) -> bool:
        """True when numbers per hour rest on enough of the attended hours; breaks may have been part of those."""
        hours = min(self.attended_hours, self.planned_hours or self.attended_hours)
        return hours > 0 and self.tool_hours >= ENOUGH * hours

    @property
    def coverage(self) -> float | None:
        """Tool hours ÷ attended hours; None without any."""
        return self.tool_hours / self.attended_hours if self.attended_hours else None


def together(days: Sequence[Coverage]) -> Coverage:
    """Several days of a site as one: sums over sums, dated by the last. Raises ValueError without any."""
    return Coverage(
        days[0].site if days else "",
        max(one.day for one in days),
        sum(one.people for one in days),
        sum(one.tool_hours for one in days),
        sum(one.attended_hours for one in days),
        sum(one.planned_hours for one in days),
        sum(one.low for one in days),
        sum(one.high for one in days),
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a group: id, name and site ("" where not known)."""

    worker_id: str
    name: str | None
    site: str


@dataclass(frozen=True, slots=True)
class Presence:
    """People from one day to another. `listed`: employed for work in tools, or employed and at work in them. `working`: did work or reviews in
    any tool. `clocked`: clocked in, of the listed and of those on no list."""

    listed: int
    working: int
    clocked: int
    groups: dict[Group, tuple[Person, ...]]

    @property
    def begun(self) -> bool:
        """False while nobody has clocked in or worked: before that nobody can be missing."""
        return bool(self.working or self.clocked)


def coverage(store: Store, scope: Scope, first: date, last: date) -> list[Coverage]:
    """Every site and day with people who clocked in and out, by site and day. Raises QueryError for a scope of teams or of one person.

    The site of a person-day is that of the employment, else where most of its work counts. Someone still clocked in is not in it. Sites and days
    with fewer than five people are left out for a scope that may not see people.
    """
    rows = store.rows(
        f"""WITH clocked AS (SELECT worker_key, work_date AS day, epoch(clock_out - clock_in) AS attended, coalesce(rostered_minutes, 0) AS planned FROM attendance
            WHERE work_date BETWEEN $first AND $last AND clock_out > clock_in),
        worked AS (SELECT worker_key, business_date AS day, arg_max(site_key, row_count) AS site_key, sum(merged_s)::DOUBLE AS tool FROM work_day
            WHERE business_date BETWEEN $first AND $last GROUP BY ALL),
        person AS (SELECT c.day, coalesce(p.site_key, w.site_key, 0) AS site_key, c.attended, c.planned, coalesce(w.tool, 0) AS tool
            FROM clocked AS c LEFT JOIN worked AS w ON w.worker_key = c.worker_key AND w.day = c.day
            LEFT JOIN presence AS p ON p.worker_key = c.worker_key AND p.from_date <= c.day AND (p.to_date IS NULL OR c.day < p.to_date))
        SELECT site_id, day, count(*), sum(tool) / 3600, sum(attended) / 3600, sum(planned)::DOUBLE / 60, count(*) FILTER (WHERE tool < {LOW} * attended),
            count(*) FILTER (WHERE tool > {HIGH} * attended) FROM person JOIN site USING (site_key) {_MINE} GROUP BY ALL HAVING $people OR count(*) >= $least ORDER BY ALL""",
        {"first": first, "last": last, "people": scope.sees_people, "least": SMALLEST_GROUP, **_own(scope)},
    )
    return [Coverage(*row) for row in rows]


def presence(store: Store, scope: Scope, first: date, last: date) -> Presence:
    """Who was on the lists, clocked in and at work on any of these days, and who was only some of it. Raises QueryError as `coverage` does.

    The groups hold names only for a scope that may see people; else their lengths count.
    """
    rows = store.rows(
        f"""WITH listed AS (SELECT worker_key, arg_max(site_key, from_date) AS site_key FROM presence
            WHERE from_date <= $last AND (to_date IS NULL OR to_date > $first) AND (role IS NULL OR list_contains($roles, role)) GROUP BY ALL),
        known AS (SELECT DISTINCT worker_key FROM presence WHERE from_date <= $last AND (to_date IS NULL OR to_date > $first)),
        clock AS (SELECT worker_key, bool_or(clock_in IS NOT NULL) AS clocked, bool_or(leave IS NOT NULL AND leave <> '') AS away FROM attendance
            WHERE work_date BETWEEN $first AND $last GROUP BY ALL),
        fact AS (SELECT worker_key, site_key, sum(row_count) AS n FROM work_day WHERE business_date BETWEEN $first AND $last GROUP BY ALL
            UNION ALL SELECT reviewer_key, site_key, sum(verdicts) FROM review_day WHERE review_date BETWEEN $first AND $last AND reviewer_key IS NOT NULL GROUP BY ALL),
        worked AS (SELECT worker_key, arg_max(site_key, n) AS site_key FROM fact GROUP BY ALL HAVING sum(n) > 0),
        place AS (SELECT worker_key, arg_max(site_key, from_date) AS site_key FROM presence WHERE from_date <= $last GROUP BY ALL),
        person AS (SELECT w.worker_id, w.name, coalesce(l.site_key, p.site_key, d.site_key, 0) AS site_key, l.worker_key IS NOT NULL AS listed,
                k.worker_key IS NOT NULL AS employed, k.worker_key IS NOT NULL OR c.worker_key IS NOT NULL AS known, coalesce(c.clocked, false) AS clocked, coalesce(c.away, false) AS away, d.worker_key IS NOT NULL AS worked
            FROM worker AS w LEFT JOIN listed AS l USING (worker_key) LEFT JOIN known AS k USING (worker_key) LEFT JOIN clock AS c USING (worker_key)
            LEFT JOIN worked AS d USING (worker_key) LEFT JOIN place AS p USING (worker_key)
            WHERE l.worker_key IS NOT NULL OR c.worker_key IS NOT NULL OR d.worker_key IS NOT NULL)
        SELECT worker_id, person.name, site_id, listed, employed, known, clocked, away, worked, bool_or(clocked) OVER (PARTITION BY site_key) AS keeps
        FROM person JOIN site USING (site_key) {_MINE} ORDER BY worker_id""",
        {"first": first, "last": last, "roles": list(AT_TOOLS), **_own(scope)},
    )
    groups: dict[Group, list[Person]] = {group: [] for group in GROUPS}
    counted = {"listed": 0, "working": 0, "clocked": 0}
    for worker, name, site, for_tools, employed, known, clocked, away, worked, keeps in rows:
        listed = for_tools or (employed and worked)
        counted["listed"] += listed
        counted["working"] += worked
        counted["clocked"] += clocked and (listed or not employed)
        member = Person(worker, name, site) if scope.sees_people else Person("", None, site)
        if listed and not worked and not clocked and not away:
            groups["absent"].append(member)
        if clocked and not worked and (listed or not employed):
            groups["idle"].append(member)
        if worked and not clocked and keeps and known:
            groups["unclocked"].append(member)
        if worked and not known:
            groups["unknown"].append(member)
    return Presence(**counted, groups={group: tuple(people) for group, people in groups.items()})


def clocked(store: Store, scope: Scope, site: str, first: date, last: date, zone: str, now: datetime) -> dict[datetime, int]:
    """How many people of a site were clocked in for the whole of each hour of the wall clock; who has not clocked out today is in until `now`.

    Hours in which nobody was are missing. Raises QueryError as `coverage` does; a site outside the scope has no hours.
    """
    own = _own(scope)
    rows = store.rows(
        f"""SELECT epoch_ms(clock_in) // $half, epoch_ms(coalesce(clock_out, CASE WHEN work_date = $today THEN $now END)) // $half, count(*)
            FROM attendance AS a JOIN presence AS p ON p.worker_key = a.worker_key AND p.from_date <= work_date AND (p.to_date IS NULL OR work_date < p.to_date)
            JOIN site USING (site_key) {_MINE} AND site_id = $site AND work_date BETWEEN $first AND $last AND clock_in IS NOT NULL GROUP BY ALL""",
        {"half": HALF_HOUR_MS, "today": now.astimezone(ZoneInfo(zone)).date(), "now": now.astimezone(UTC).replace(tzinfo=None), "site": site, "first": first,
         "last": last, **own},
    )  # fmt: skip
    here = ZoneInfo(zone)
    found: dict[datetime, int] = {}
    for came, went, people in rows:
        if went is None:
            continue
        hour = datetime.fromtimestamp(came * HALF_HOUR_MS / 1000, here).replace(tzinfo=None)
        end = datetime.fromtimestamp(went * HALF_HOUR_MS / 1000, here).replace(tzinfo=None)
        hour = hour.replace(minute=0) + HOUR  # the hour in which somebody came is not a whole one
        while hour + HOUR <= end:
            found[hour] = found.get(hour, 0) + people
            hour += HOUR
    return found


def expected(clocked: Mapping[datetime, int]) -> frozenset[datetime]:
    """The hours in which at least half as many people were clocked in as at the busiest hour of that day (our design)."""
    busiest: dict[date, int] = {}
    for hour, people in clocked.items():
        busiest[hour.date()] = max(busiest.get(hour.date(), 0), people)
    return frozenset(hour for hour, people in clocked.items() if 2 * people >= busiest[hour.date()])


def unheard(known: Feeds, feed: Feed, clocked: Mapping[datetime, int]) -> frozenset[datetime]:
    """The hours of a site without a row in which people were expected; its usual hours without one, on days on which nobody clocked in."""
    kept = {hour.date() for hour in clocked}
    quiet = {hour for hour in expected(clocked) if hour not in feed.hours}
    return frozenset(quiet | {hour for hour in known.gaps(feed) if hour.date() not in kept})


_MINE = "WHERE ($all OR list_contains($sites, site_id))"


def _own(scope: Scope) -> dict[str, object]:
    if scope.teams is not None or scope.worker is not None:
        raise QueryError("Attendance is compared for whole sites only.", "出勤对比只按整个基地计算。")
    return {"all": scope.sites is None, "sites": sorted(scope.sites or ())}
