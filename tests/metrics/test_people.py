"""Headcount, comings and goings against a day-by-day count in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

from data.store import Store
from metrics.period import Period
from metrics.query import Query, run
from metrics.scope import SYSTEM
from metrics.survival import kaplan_meier
from tests.metrics.base import FIRST, LAST, fill

WHOLE = Period(FIRST, LAST)
ODD = Period(date(2026, 2, 5), date(2026, 3, 4))
KEYS = {
    "site": "site_id",
    "team": "team_id",
    "contract": "contract",
    "channel": "channel",
    "modality": "modality",
    "skill_level": "skill_level",
}


class Stretch(NamedTuple):
    worker: int
    start: date
    end: date | None
    hired: date
    starts: bool
    ends: bool
    voluntary: bool | None
    key: str | int


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fill(tmp_path_factory.mktemp("people") / "base.duckdb", rows=400) as found:
        yield found


def stretches(store: Store, dim: str) -> list[Stretch]:
    column = KEYS.get(dim, "''")
    return [
        Stretch(*row)
        for row in store.rows(f"""SELECT worker_key, from_date, to_date, hired, starts_spell, ends_spell, voluntary, coalesce({column}::VARCHAR, '')
            FROM (SELECT pr.*, site_id, team_id FROM presence AS pr JOIN site ON site.site_key = pr.site_key JOIN team ON team.team_key = pr.team_key)""")
    ]


def days(period: Period) -> list[date]:
    assert period.start is not None
    assert period.end is not None
    return [period.start + timedelta(days=i) for i in range((period.end - period.start).days + 1)]


def here(stretch: Stretch, day: date) -> bool:
    return stretch.start <= day and (stretch.end is None or day < stretch.end)


def counted(store: Store, dim: str, period: Period) -> dict[str, Counter[str]]:
    """Plain counting, one day and one stretch after the other."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    inside = set(days(period))
    assert period.start is not None
    for s in stretches(store, dim):
        row = found[str(s.key)]
        row["person_days"] += sum(here(s, day) for day in inside)
        row["headcount"] += here(s, max(inside))
        row["headcount_opening"] += here(s, period.start - timedelta(days=1))
        row["joiners"] += s.starts and s.start in inside
        row["leavers"] += s.ends and s.end in inside
        row["leavers_voluntary"] += s.ends and s.end in inside and s.voluntary is True
        row["leavers_involuntary"] += s.ends and s.end in inside and s.voluntary is False
        row["transfers_net"] += (not s.starts and s.start in inside) - (s.end is not None and not s.ends and s.end in inside)
    return found


COUNTS = (
    "person_days",
    "headcount",
    "headcount_opening",
    "joiners",
    "leavers",
    "leavers_voluntary",
    "leavers_involuntary",
    "transfers_net",
)


@pytest.mark.parametrize("dim", ["", *KEYS])
@pytest.mark.parametrize("period", [WHOLE, ODD])
def test_people_are_counted_day_by_day(store: Store, dim: str, period: Period) -> None:
    names = (*COUNTS, "average_headcount", "turnover_rate", "turnover_rate_cn")
    rows = run(store, Query(names, (dim,) if dim else (), period), SYSTEM).exact.to_pylist()
    got = {str(row[dim]) if dim and row[dim] is not None else "": row for row in rows}
    for key, want in counted(store, dim, period).items():
        row = got.get(key, dict.fromkeys(names, 0))
        assert {name: row[name] for name in COUNTS} == {name: want[name] for name in COUNTS}
        average = want["person_days"] / len(days(period))
        base = want["headcount_opening"] + want["joiners"]
        assert (row["average_headcount"] or 0) == pytest.approx(average)
        assert row["turnover_rate"] == (pytest.approx(want["leavers"] / average) if average else None)
        if key in got:
            assert row["turnover_rate_cn"] == (pytest.approx(want["leavers"] / base) if base else None)


@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_each_bucket_is_read_at_its_end_or_the_end_of_the_range(store: Store, grain: str) -> None:
    result = run(store, Query(("headcount", "average_headcount", "joiners", "leavers"), (grain,), ODD, total=True), SYSTEM)
    buckets: dict[date, list[date]] = defaultdict(list)
    for day in days(ODD):
        buckets[{"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[grain]].append(day)
    people = stretches(store, "")
    for row in result.exact.to_pylist():
        inside = buckets[row[grain]]
        assert row["headcount"] == sum(here(s, inside[-1]) for s in people)
        assert row["average_headcount"] == pytest.approx(sum(here(s, day) for s in people for day in inside) / len(inside))
        assert row["leavers"] == sum(s.ends and s.end in inside for s in people)
    assert result.exact_total is not None
    assert result.exact_total["headcount"] == sum(here(s, days(ODD)[-1]) for s in people)
    assert result.exact_total["average_headcount"] == pytest.approx(sum(here(s, day) for s in people for day in days(ODD)) / len(days(ODD)))


def test_a_range_beyond_the_last_known_day_stops_there(store: Store) -> None:
    far = Period(date(2026, 3, 1), date(2026, 12, 31))
    near = Period(date(2026, 3, 1), LAST)
    names = ("headcount", "average_headcount", "joiners", "leavers", "headcount_opening")
    assert run(store, Query(names, period=far), SYSTEM).total == run(store, Query(names, period=near), SYSTEM).total


def test_a_filter_on_months_counts_their_days_only(store: Store) -> None:
    row = run(store, Query(("person_days", "average_headcount"), period=WHOLE, where={"month": ("2026-02-01",)}), SYSTEM).total
    february = [day for day in days(WHOLE) if day.month == 2]
    total = sum(here(s, day) for s in stretches(store, "") for day in february)
    assert row == {"person_days": total, "average_headcount": pytest.approx(total / len(february))}


def test_tenure_is_that_of_each_day(store: Store) -> None:
    rows = run(store, Query(("person_days",), ("tenure_band",), WHOLE), SYSTEM).exact.to_pylist()
    limits = (("<7d", 6), ("7-30d", 30), ("31-90d", 90), ("91-180d", 180), ("181-365d", 365), (">365d", 10**6))
    want: Counter[str] = Counter()
    for s in stretches(store, ""):
        for day in days(WHOLE):
            if here(s, day):
                want[next(band for band, limit in limits if (day - s.hired).days <= limit)] += 1
    assert {row["tenure_band"]: row["person_days"] for row in rows} == want


def test_attrition_is_one_minus_survival_of_those_hired_in_the_period(store: Store) -> None:
    long = Period(date(2024, 1, 1), LAST)
    by_channel = {row["channel"]: row for row in run(store, Query(("attrition_90d",), ("channel",), long), SYSTEM).exact.to_pylist()}
    spells: dict[str, dict[tuple[int, date], date | None]] = defaultdict(dict)
    for s in stretches(store, "channel"):
        spell = spells[str(s.key)]
        spell[s.worker, s.hired] = s.end if s.ends else spell.get((s.worker, s.hired))
    for channel, found in spells.items():
        known = {spell: end for spell, end in found.items() if spell[1] <= LAST}
        lasted = [((min(end, LAST) if end else LAST) - hired).days for (_, hired), end in known.items()]
        step = kaplan_meier(lasted, [end is not None and end <= LAST for end in known.values()]).at(90)
        assert step is not None
        row = by_channel[channel]
        assert row["attrition_90d"] == pytest.approx(1 - step.survival)
        assert (row["attrition_90d_low"], row["attrition_90d_high"]) == pytest.approx((1 - step.high, 1 - step.low))
        assert row["attrition_90d_n"] == len(known)


@pytest.mark.parametrize("place", ["site", "team"])
def test_a_site_or_team_follows_people_until_they_move_out_of_it(store: Store, place: str) -> None:
    """metrics.md W-09: censored at the data cut-off, and at transfer for a site's own view."""
    long = Period(date(2024, 1, 1), LAST)
    rows = {row[place]: row for row in run(store, Query(("attrition_90d",), (place,), long), SYSTEM).exact.to_pylist()}
    spells: dict[tuple[int, date], list[Any]] = defaultdict(list)
    for s in sorted(stretches(store, place), key=lambda s: s.start):
        spells[s.worker, s.hired].append(s)
    followed: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    moved = 0
    for (_, hired), found in spells.items():
        if hired > LAST or found[0].start != hired:
            continue
        here = str(found[0].key)
        away = next((s.start for s in found if str(s.key) != here), None)
        end = next((s.end for s in found if s.ends), None)
        moved += away is not None and away <= LAST
        stop = min(day for day in (LAST, away, end) if day)
        followed[here].append(((stop - hired).days, end == stop and end is not None and end <= LAST and (away is None or end <= away)))
    assert moved
    for here, cases in followed.items():
        step = kaplan_meier([days for days, _ in cases], [left for _, left in cases]).at(90)
        want = None if step is None else pytest.approx(1 - step.survival)
        assert rows[here]["attrition_90d"] == want, here
        assert rows[here]["attrition_90d_n"] == len(cases)


def test_nobody_followed_for_ninety_days_is_no_number(store: Store) -> None:
    result = run(store, Query(("attrition_90d",), period=Period(date(2026, 2, 10), LAST)), SYSTEM)
    assert result.total is not None
    assert result.total["attrition_90d"] is None
    assert next(note.code for note in result.notes if "attrition" in note.en) == "null"


def test_leavers_by_reason_add_up(store: Store) -> None:
    rows = run(store, Query(("leavers",), ("leave_reason",), WHOLE), SYSTEM).exact.to_pylist()
    want = dict(
        store.rows("SELECT leave_reason, count(*) FROM presence WHERE ends_spell AND to_date BETWEEN ? AND ? GROUP BY 1", [FIRST, LAST])
    )
    assert {row["leave_reason"]: row["leavers"] for row in rows} == want
