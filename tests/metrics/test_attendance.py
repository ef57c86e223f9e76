"""Tool time against attendance and who is only on a list, only clocked in or only at work: by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from data.load import load
from data.store import Store
from metrics.attendance import Coverage, Person, clocked, coverage, expected, presence, together, unheard
from metrics.feeds import at_site, feeds
from metrics.model import QueryError
from metrics.scope import SYSTEM, Scope, scope_for
from tests.data.canonical import batch

DAY = date(2026, 3, 5)
NINE = datetime(2026, 3, 5, 1)  # 09:00 in Shanghai


def work(event: str, worker: str, hours: float, until: float = 8, day: int = 0) -> dict[str, object]:
    end = NINE + timedelta(days=day, hours=until)
    return {"event_id": event, "worker_id": worker, "project_id": "p", "item_id": event, "ts": end, "started_at": end - timedelta(hours=hours),
            "duration_s": int(3600 * hours), "units": 1}  # fmt: skip


def clock(worker: str, hours: float | None = 8, day: int = 0, leave: str | None = None) -> dict[str, object]:
    here = hours is not None
    return {"worker_id": worker, "work_date": DAY + timedelta(days=day), "rostered_minutes": 480, "leave": leave,
            "clock_in": NINE + timedelta(days=day) if here else None, "clock_out": NINE + timedelta(days=day, hours=hours) if hours else None}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Site S keeps attendance, T does not. On the 5th, at S: a 7 of 8 h in tools, b 2 of 8, c 9 of 8 in two tools at once (union 8.5),
    idle clocked in alone, away is on leave, gone did nothing, late is still clocked in, plain worked without clocking in, lead leads.
    At T: t worked. stranger is on no list and worked, lent is on no list and clocked in."""
    with Store(tmp_path / "s.duckdb") as made:
        names = {"S": ("a", "b", "c", "idle", "away", "gone", "late", "plain"), "T": ("t",)}
        load(made, [
            batch("sites", [{"site_id": s, "zone": "Asia/Shanghai"} for s in names]),
            batch("workers", [{"worker_id": w, "name": f"N {w}", "site_id": s, "hire_date": date(2026, 1, 1), "role": "annotator"} for s, people in names.items()
                              for w in people] + [{"worker_id": "lead", "site_id": "S", "hire_date": date(2026, 1, 1), "role": "team_lead"},
                                                  {"worker_id": "left", "site_id": "S", "hire_date": date(2026, 1, 1), "leave_date": DAY, "role": "annotator"},
                                                  {"worker_id": "lent"}]),
            batch("attendance", [*(clock(w) for w in ("a", "b", "c", "idle", "lent")), clock("away", None, leave="sick"), clock("gone", None), clock("late", 0),
                                 clock("a", day=-1)]),
        ])  # fmt: skip
        load(made, [batch("annotations", [
            work("1", "a", 3, 4), work("2", "a", 4), work("3", "b", 2), work("4", "c", 5, 5), work("5", "c", 4, 8.5), work("6", "late", 1), work("7", "plain", 6),
            work("8", "t", 6), work("9", "stranger", 1), work("10", "a", 4, day=-1),
        ])])  # fmt: skip
        yield made


def test_coverage_by_hand(store: Store) -> None:
    """S on the 5th: a 7, b 2, c (0 to 5 and 4.5 to 8.5) 8.5, idle 0 of 8 each: 17.5 of 32. Below half: b and idle. c is above 1.05 × 8 = 8.4.
    lent worked nowhere and is on no list, so of no known site. On the 4th: a 4 of 8, which is half and so not below it."""
    assert coverage(store, SYSTEM, DAY - timedelta(days=1), DAY) == [
        Coverage("", DAY, 1, 0, 8, 8, 1, 0),
        Coverage("S", DAY - timedelta(days=1), 1, 4, 8, 8, 0, 0),
        Coverage("S", DAY, 4, 17.5, 32, 32, 2, 1),
    ]
    assert coverage(store, SYSTEM, DAY, DAY)[1].coverage == 17.5 / 32
    assert Coverage("S", DAY, 0, 0, 0, 0, 0, 0).coverage is None


def test_too_little_allows_for_breaks() -> None:
    """7 of 9.5 attended hours are 73.7 %, but 87.5 % of the 8 planned ones: an hour and a half of breaks explains it; 6.5 h are too little."""
    assert Coverage("S", DAY, 1, 7, 9.5, 8, 0, 0).enough
    assert not Coverage("S", DAY, 1, 6.5, 9.5, 8, 0, 0).enough
    assert not Coverage("S", DAY, 1, 7, 9.5, 0, 0, 0).enough
    assert not Coverage("S", DAY, 0, 0, 0, 0, 0, 0).enough


def test_days_together_are_sums_over_sums(store: Store) -> None:
    days = [one for one in coverage(store, SYSTEM, DAY - timedelta(days=1), DAY) if one.site == "S"]
    assert together(days) == Coverage("S", DAY, 5, 21.5, 40, 40, 2, 1)
    with pytest.raises(ValueError, match="empty"):
        together([])


def ids(people: tuple[Person, ...]) -> set[str]:
    return {person.worker_id for person in people}


def test_who_is_where_by_hand(store: Store) -> None:
    found = presence(store, SYSTEM, DAY, DAY)
    assert (found.listed, found.working, found.clocked) == (9, 7, 6)
    assert {group: ids(people) for group, people in found.groups.items()} == {
        "absent": {"gone"}, "idle": {"idle", "lent"}, "unclocked": {"plain"}, "unknown": {"stranger"},
    }  # fmt: skip
    assert found.groups["absent"] == (Person("gone", "N gone", "S"),)
    week = presence(store, SYSTEM, DAY - timedelta(days=1), DAY)
    assert ids(week.groups["absent"]) == {"gone", "left"}  # employed up to the 4th


def test_a_lead_counts_when_at_work_in_tools(store: Store) -> None:
    """Leads are on the lists for tools on the days that they work in them, so that who is clocked in and at work is never more than is listed."""
    load(store, [batch("attendance", [clock("lead")])])
    before = presence(store, SYSTEM, DAY, DAY)
    assert (before.listed, before.working, before.clocked) == (9, 7, 6)
    load(store, [batch("annotations", [work("11", "lead", 2)])])
    after = presence(store, SYSTEM, DAY, DAY)
    assert (after.listed, after.working, after.clocked) == (10, 8, 7)
    assert after.groups == before.groups


def test_before_the_first_came_nobody_is_missing(store: Store) -> None:
    assert presence(store, SYSTEM, DAY, DAY).begun
    assert not presence(store, SYSTEM, DAY + timedelta(days=1), DAY + timedelta(days=1)).begun


def test_a_reviewer_works(store: Store) -> None:
    load(store, [batch("reviews", [{"review_id": "r", "event_id": "1", "worker_id": "a", "reviewer_id": "gone", "project_id": "p", "item_id": "1",
                                    "ts": NINE + timedelta(hours=9), "verdict": "accept"}])])  # fmt: skip
    found = presence(store, SYSTEM, DAY, DAY)
    assert ids(found.groups["absent"]) == set()
    assert ids(found.groups["unclocked"]) == {"plain", "gone"}


def test_a_site_manager_sees_the_own_site(store: Store) -> None:
    mine = scope_for("site_manager", site="T")
    found = presence(store, mine, DAY, DAY)
    assert (found.listed, found.working, found.clocked) == (1, 1, 0)
    assert all(people == () for people in found.groups.values())  # no attendance is kept at T, so nobody lacks it
    assert coverage(store, mine, DAY, DAY) == []


def test_who_may_not_see_people_gets_no_names(store: Store) -> None:
    found = presence(store, scope_for("executive"), DAY, DAY)
    assert {len(people) for people in found.groups.values()} == {1, 2}
    assert "gone" not in str(found)
    assert "stranger" not in str(found)
    assert coverage(store, scope_for("executive"), DAY, DAY) == []  # four people at S
    load(store, [batch("attendance", [clock("plain")])])
    assert [(one.site, one.people) for one in coverage(store, scope_for("executive"), DAY, DAY)] == [("S", 5)]


@pytest.mark.parametrize("scope", [Scope("team_lead", None, frozenset({"A"}), None), Scope("annotator", None, None, "a")])
def test_whole_sites_only(store: Store, scope: Scope) -> None:
    with pytest.raises(QueryError):
        coverage(store, scope, DAY, DAY)
    with pytest.raises(QueryError):
        presence(store, scope, DAY, DAY)


def test_hours_clocked_in_by_hand(store: Store) -> None:
    """On the 5th, at S, a, b, c and idle came at 9 and went at 17: whole hours from 10 to 16. late came at 9 and is in until now, 12:40: 10 and 11."""
    now = datetime(2026, 3, 5, 4, 40, tzinfo=UTC)
    found = clocked(store, SYSTEM, "S", DAY, DAY, "Asia/Shanghai", now)
    assert found == {datetime(2026, 3, 5, hour): 5 if hour in (10, 11) else 4 for hour in range(10, 17)}
    assert expected(found | {datetime(2026, 3, 5, 18): 2}) == set(found)  # 2 of 5 are not half
    assert clocked(store, scope_for("site_manager", site="T"), "S", DAY, DAY, "Asia/Shanghai", now) == {}
    tomorrow = now + timedelta(days=1)
    assert clocked(store, SYSTEM, "S", DAY, DAY, "Asia/Shanghai", tomorrow)[datetime(2026, 3, 5, 10)] == 4  # nobody knows when late went


def test_hours_without_a_row_in_which_people_were_expected(store: Store) -> None:
    """Work came at 13:00, 14:00 (c), 17:00 and 17:30. Clocked in for whole hours from 10 to 16: nothing came at 10, 11, 12, 15 and 16."""
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    known = feeds(store, SYSTEM, now)
    here = clocked(store, SYSTEM, "S", DAY, DAY, known.zone, now)
    assert unheard(known, at_site(known, "S"), here) == {datetime(2026, 3, 5, hour) for hour in (10, 11, 12, 15, 16)}
    assert unheard(known, at_site(known, "T"), {}) == frozenset()  # too few days to know its usual hours
