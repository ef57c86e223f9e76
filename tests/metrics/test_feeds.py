"""Sources against their own rhythm: by hand on small calendars, and on a store against counts of the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from data import accounts
from data.load import load
from data.store import Store
from metrics.feeds import Rhythm, feeds, passed, rhythm, sending
from metrics.scope import SYSTEM, Scope
from tests.data.canonical import batch

MONDAY = date(2026, 3, 2)  # the first of two whole weeks; today is Monday the 16th
TODAY = date(2026, 3, 16)


def hours(*clock: int, days: range = range(14), rest: tuple[int, ...] = (6,)) -> set[datetime]:
    """These hours of each day from the Monday on, but not on the weekdays of rest."""
    return {
        datetime(2026, 3, 2 + n, hour) for n in days for hour in clock if (MONDAY + timedelta(days=n)).weekday() not in rest
    }  # fmt: skip


def test_working_hours_and_pause_by_hand() -> None:
    """Nine to five, Monday to Saturday; one evening of overtime is no working hour; every day has a row in each of its hours."""
    past = hours(*range(9, 18)) | {datetime(2026, 3, 4, 21)}
    found = rhythm(past)
    assert found is not None
    assert found.hours == {(day, hour) for day in range(6) for hour in range(9, 18)}
    assert (found.pause, found.limit) == (0, 2)
    assert not found.works(datetime(2026, 3, 15, 10))  # a Sunday
    assert not found.works(datetime(2026, 3, 4, 21))


def test_a_pause_that_is_usual_is_allowed() -> None:
    """On eight of twelve days nothing came at 13 and 14, so that these are no working hours (4 of 12); on three of twelve nothing at 10 and
    11, which are. The longest runs, by day: three of 2, nine of 0; nine of ten days do not exceed 2: silent from the fifth hour on."""
    past = hours(9, 10, 11, 12, 15, 16) | hours(13, 14, days=range(4))
    for day in (3, 5, 11):
        past -= {datetime(2026, 3, day, 10), datetime(2026, 3, day, 11)}
    found = rhythm(past)
    assert found is not None
    assert {hour for _, hour in found.hours} == {9, 10, 11, 12, 15, 16}
    assert (found.pause, found.limit) == (2, 5)


def test_too_few_days_tell_nothing() -> None:
    assert rhythm(hours(9, 10, days=range(2))) is None
    assert rhythm(hours(9, days=range(1)) | hours(14, days=range(1, 2)) | hours(17, days=range(2, 3))) is None  # no hour in common
    assert rhythm(set()) is None


def test_working_hours_passed_by_hand() -> None:
    """Newest row Saturday 14:40, hours 9 to 17. By Monday 11:30: 15, 16, 17 on Saturday, none on Sunday, 9 and 10 on Monday."""
    found = Rhythm(frozenset((day, hour) for day in range(6) for hour in range(9, 18)), 0)
    newest = datetime(2026, 3, 14, 14, 40)
    assert passed(found, newest, datetime(2026, 3, 16, 11, 30)) == 5
    assert passed(found, newest, datetime(2026, 3, 16, 11, 30), {date(2026, 3, 16)}) == 3
    assert passed(found, newest, datetime(2026, 3, 14, 15, 59)) == 0


def test_a_sheet_each_morning_is_not_silent_in_the_afternoon() -> None:
    """Rows of 9 to 17, brought at 9:15 the next day: by then the newest row known had aged the nine hours of the day before."""
    past = hours(*range(9, 18), rest=())
    bundles = [(datetime(2026, 3, 3 + n, 9, 15), datetime(2026, 3, 2 + n, hour, 30)) for n in range(14) for hour in range(9, 18)]
    live, sheet = rhythm(past), rhythm(past, bundles)
    assert live is not None
    assert sheet is not None
    assert (live.pause, sheet.pause, sheet.limit) == (0, 9, 19)
    pieces = [(datetime(2026, 3, 16, 9, n), datetime(2026, 3, 2 + n, 17, 30)) for n in range(14)]
    history = rhythm(past, pieces)  # a history that was loaded piece by piece within minutes
    assert history is not None
    assert history.pause == 0
    late = rhythm(past, [*pieces, (datetime(2026, 3, 16, 15), datetime(2026, 3, 16, 14))])  # once, five hours late: one day of fifteen
    assert late is not None
    assert late.pause == 0


# On a store ---------------------------------------------------------------------------------------------------------------
def zone(day: date, hour: float) -> datetime:
    """That hour in Shanghai, as the log has it."""
    return datetime(day.year, day.month, day.day) + timedelta(hours=hour - 8)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two sites. The tool sends from S every hour of 9 to 17, two rows each, up to Monday 10:20; the platform from T in the same hours up to
    Saturday's last; a file was loaded once. Only the first two send by themselves."""
    with Store(tmp_path / "s.duckdb") as made:
        load(made, [batch("sites", [{"site_id": s, "zone": "Asia/Shanghai"} for s in ("S", "T")]),
                    batch("workers", [{"worker_id": s.lower(), "site_id": s, "hire_date": date(2026, 1, 1)} for s in ("S", "T")])])  # fmt: skip

        def rows(source: str, worker: str, project: str, until: datetime) -> list[dict[str, object]]:
            return [
                {"event_id": f"{source} {day} {hour} {k}", "worker_id": worker, "project_id": project, "item_id": "i", "ts": at, "units": 1}
                for n in range(15) if (day := MONDAY + timedelta(days=n)).weekday() != 6
                for hour in range(9, 18) for k in range(2) if (at := zone(day, hour + k / 3)) <= until
            ]  # fmt: skip

        load(made, [batch("annotations", rows("tool", "s", "p", zone(TODAY, 10.4)))], source="tool")
        load(made, [batch("annotations", rows("platform", "t", "q", zone(TODAY - timedelta(days=2), 23)))], source="platform")
        load(made, [batch("annotations", rows("sheet", "t", "q", zone(MONDAY + timedelta(days=4), 23)))], source="sheet")
        for source in ("tool", "platform"):
            accounts.add_token(made, source, source=source)
        yield made


def at(hour: float) -> datetime:
    return zone(TODAY, hour).replace(tzinfo=UTC)


def test_silent_is_what_should_have_sent(store: Store) -> None:
    """At 10:50 the platform has missed 9 alone; at 11:10 it has missed 9 and 10, which is silence; the tool sent at 10:20."""
    assert [feed.source for feed in feeds(store, SYSTEM, at(10.8)).silent] == []
    found = feeds(store, SYSTEM, at(11.2))
    assert [(feed.source, feed.missed, feed.newest) for feed in found.silent] == [
        ("platform", 2, zone(date(2026, 3, 14), 17 + 1 / 3).replace(tzinfo=UTC))
    ]
    told = {feed.source: feed for feed in found.all}
    assert (told["sheet"].judged, told["sheet"].silent, told["sheet"].missed) == (False, False, 5 * 9 + 2)
    assert [feed.source for feed in feeds(store, SYSTEM, at(13.1)).silent] == ["platform", "tool"]


def test_rows_of_each_day_are_those_of_the_log(store: Store) -> None:
    found = feeds(store, SYSTEM, at(11.2))
    assert (found.zone, found.dates[0], found.dates[-1], len(found.dates)) == ("Asia/Shanghai", MONDAY, TODAY, 15)
    for feed in found.all:
        counted = dict(store.rows(
            "SELECT (ts + INTERVAL 8 HOUR)::DATE, count(*) FROM work JOIN source USING (source_key) WHERE name = $name GROUP BY ALL", {"name": feed.source}
        ))  # fmt: skip
        assert list(feed.days) == [counted.get(day, 0) for day in found.dates]
    assert {feed.source: feed.today for feed in found.all} == {"tool": 4, "platform": 0, "sheet": 0}


def test_gaps_are_working_hours_without_a_row(store: Store) -> None:
    with store.transaction() as cur:  # the tool's outage of two hours on a Wednesday, with roll-ups told so
        cur.execute("DELETE FROM work WHERE ts >= ? AND ts < ? AND source_key = (SELECT source_key FROM source WHERE name = 'tool')", [zone(date(2026, 3, 11), 11), zone(date(2026, 3, 11), 13)])  # fmt: skip
    found = feeds(store, SYSTEM, at(11.2))
    told = {feed.source: feed for feed in found.all}
    assert found.gaps(told["tool"]) == {datetime(2026, 3, 11, 11), datetime(2026, 3, 11, 12)}
    assert found.gaps(told["platform"]) == {datetime(2026, 3, 16, 9), datetime(2026, 3, 16, 10)}
    load(store, [batch("notes", [{"note_id": "n", "from_date": TODAY, "kind": "holiday", "text": "放假"}])])
    closed = feeds(store, SYSTEM, at(11.2))
    assert closed.silent == ()
    assert closed.gaps(next(feed for feed in closed.all if feed.source == "platform")) == frozenset()


def test_each_site_hears_of_its_own_sources(store: Store) -> None:
    manager = Scope("site_manager", frozenset({"S"}), None, None)
    found = feeds(store, manager, at(11.2))
    assert [feed.source for feed in found.all] == ["tool"]
    assert found.silent == ()
    assert [feed.source for feed in feeds(store, replace(manager, sites=frozenset({"T"})), at(11.2)).silent] == ["platform"]


def test_a_team_and_a_person_hear_of_the_sources_of_their_site(store: Store) -> None:
    load(store, [batch("teams", [{"team_id": "A", "site_id": "T"}])])
    for scope in (Scope("team_lead", None, frozenset({"A"}), None), Scope("annotator", None, None, "t")):
        found = feeds(store, scope, at(11.2))
        assert [feed.source for feed in found.all] == ["platform", "sheet"]
        assert [feed.source for feed in found.silent] == ["platform"]


def test_only_what_sends_by_itself_is_judged(store: Store) -> None:
    """Tokens make feeds; so do new rows on three days of the last 14."""
    assert sending(store, at(11.2)) == {"tool", "platform"}
    accounts.revoke_token(store, "tool")
    assert sending(store, at(11.2)) == {"platform"}
    with store.transaction() as cur:
        for n, day in enumerate((12, 13, 14)):
            cur.execute("INSERT INTO load VALUES (?, ?, ?, 'sheet', 'a.csv', 'annotations', 1, 1, 0, 0, 0, 0, NULL, NULL)",
                        [1000 + n, datetime(2026, 3, day), datetime(2026, 3, day)])  # fmt: skip
    assert sending(store, at(11.2)) == {"platform", "sheet"}


def test_what_stands_still(store: Store) -> None:
    found = feeds(store, SYSTEM, at(11.2))
    assert [feed.source for feed in found.silent_for(sites={"T"})] == ["platform"]
    assert found.silent_for(sites={"S"}) == ()
    assert found.silent_for(projects={"p"}) == ()
    assert [feed.source for feed in found.silent_for(projects={"p", "q"})] == ["platform"]
    assert found.silenced("project") == {}  # q also had the sheet's rows, and nobody knows when the next sheet comes
    load(store, [batch("annotations", [{"event_id": f"x{n}", "worker_id": "t", "project_id": "r", "item_id": "i", "ts": zone(date(2026, 3, 14), 12), "units": 1}
                                       for n in range(3)])], source="platform")  # fmt: skip
    again = feeds(store, SYSTEM, at(11.2)).silenced("project")
    assert {project: feed.source for project, feed in again.items()} == {"r": "platform"}
