"""What each source sent: equal to a count of the log by hand after any change, and only the changed dates are read again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from data import identity, sent, undo
from data.load import load
from data.store import Store
from tests.data.canonical import batch

DAYS = [date(2026, 3, day) for day in range(1, 31)]
CHECK = """SELECT s.name, count(*) FILTER (WHERE kind = 'w'), count(*) FILTER (WHERE kind = 'r'), count(*) FILTER (WHERE kind = 'w' AND ts IS NULL),
    count(*) FILTER (WHERE kind = 'r' AND ts IS NULL), count(seconds), min(ts), max(ts), max(ts) FILTER (WHERE kind = 'w')
    FROM (SELECT 'w' AS kind, source_key, ts, seconds FROM work UNION ALL SELECT 'r', source_key, ts, NULL FROM review) JOIN source AS s USING (source_key)
    GROUP BY ALL ORDER BY 1"""


def work(event: str, at: datetime | None, worker: str = "a", clock: str | None = None) -> dict[str, object]:
    timed = {"duration_s": 60, "clock": clock} if clock else {}
    return {"event_id": event, "worker_id": worker, "project_id": "p", "item_id": event, "ts": at, "units": 1, **timed}


def check(review: str, event: str, at: datetime | None) -> dict[str, object]:
    return {"review_id": review, "event_id": event, "worker_id": "a", "project_id": "p", "item_id": event, "ts": at, "verdict": "accept"}


def day(n: int, hour: int = 2, minute: int = 0) -> datetime:
    return datetime(2026, 3, n, hour, minute)


def as_asked(store: Store) -> list[tuple[object, ...]]:
    def plain(moment: datetime | None) -> datetime | None:
        return moment.replace(tzinfo=None) if moment else None

    return [
        (s.source, s.work, s.reviews, s.undated_work, s.undated_reviews, s.timed, plain(s.first), plain(s.last), plain(s.last_work))
        for s in sent.sent(store)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as made:
        load(made, [batch("sites", [{"site_id": "S", "zone": "Asia/Shanghai"}]),
                    batch("workers", [{"worker_id": "a", "site_id": "S", "hire_date": date(2026, 1, 1)}, {"worker_id": "b"}])])  # fmt: skip
        load(made, [batch("annotations", [work("1", day(2), clock="active"), work("2", day(2, 2, 20)), work("3", day(5), "b", "wall"), work("4", None)]),
                    batch("reviews", [check("r", "1", day(6)), check("q", "2", None)])], source="tool", file="a.csv")  # fmt: skip
        yield made


def test_by_hand(store: Store) -> None:
    (one,) = sent.sent(store)
    assert (one.work, one.reviews, one.undated_work, one.undated_reviews, one.timed, one.clocks) == (
        4,
        2,
        1,
        1,
        2,
        {"active": 1, "wall": 1},
    )
    assert (one.first, one.last, one.last_work) == (day(2).replace(tzinfo=UTC), day(6).replace(tzinfo=UTC), day(5).replace(tzinfo=UTC))
    assert one.loaded
    assert abs(datetime.now(UTC) - one.loaded) < timedelta(minutes=5)
    slots = sorted((s.half, s.site, s.rows, s.projects) for s in sent.slots(store, DAYS))
    half = int(day(2).replace(tzinfo=UTC).timestamp()) // 1800
    assert slots == [(half, "S", 2, ("p",)), (half + 3 * 48, "", 1, ("p",)), (half + 4 * 48, "S", 1, ("p",))]
    (at_site,) = sent.sent(store, {"S"})
    assert (at_site.work, at_site.clocks) == (2 + 1, {"active": 1})  # the undated row is of the person's site; b is of none
    assert sent.sent(store, {"T"}) == []


def test_what_loads_said(store: Store) -> None:
    def told() -> dict[str, tuple[int, int, int]]:
        return {source: (one.rows, one.duplicates, one.rejected) for source, one in sent.told(store).items()}

    before = datetime.now(UTC)
    assert told() == {"tool": (6, 0, 0)}
    load(store, [batch("annotations", [work("1", day(2), clock="active"), work("9", day(9))])], source="tool")
    assert told() == {"tool": (8, 1, 0)}
    assert before <= sent.told(store)["tool"].last <= datetime.now(UTC)
    assert sent.told(store, datetime(2100, 1, 1)) == {}
    undo.undo(store, [int(store.rows("SELECT max(load_id) FROM load")[0][0])], by="me")
    assert told() == {"tool": (6, 0, 0)}
    assert sent.told(store)["tool"].last < before


def test_equal_to_the_log_after_every_kind_of_change(store: Store) -> None:
    def same() -> None:
        assert as_asked(store) == store.rows(CHECK)
        seen = {(s.source, s.half): s.rows for s in sent.slots(store, DAYS) if s.site in ("S", "")}
        assert (
            sum(seen.values())
            == store.rows("SELECT count(*) FROM (SELECT ts FROM work UNION ALL SELECT ts FROM review) WHERE ts IS NOT NULL")[0][0]
        )

    same()
    load(
        store, [batch("annotations", [work("5", day(7)), work("2", day(3), clock="wall")])], source="tool", file="b.csv"
    )  # one new, one moved
    same()
    load(store, [batch("annotations", [work("1", day(2), "new one")])], source="other")  # another source, and a name not known before
    same()
    load(store, [batch("annotations", [work("6", None)]), batch("reviews", [check("s", "5", day(8))])], source="tool")
    same()
    load(
        store,
        [
            batch("sites", [{"site_id": "T", "zone": "UTC"}]),
            batch("assignments", [{"worker_id": "a", "valid_from": date(2026, 3, 6), "site_id": "T"}]),
        ],
    )
    assert as_asked(store) == store.rows(CHECK)
    assert {s.site for s in sent.slots(store, DAYS) if s.source == "tool"} == {"S", "T", ""}
    identity.confirm(store, "new one", "a", by="me")
    assert as_asked(store) == store.rows(CHECK)
    undo.undo(store, [int(store.rows("SELECT min(load_id) FROM load WHERE file = 'b.csv'")[0][0])], by="me")
    assert as_asked(store) == store.rows(CHECK)


def test_only_changed_dates_are_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Collection[date | None] | None] = []
    read = sent._ledger._read

    def watched(of: Store, dates: Collection[date | None] | None) -> Iterator[tuple[date | None, sent._Row]]:
        asked.append(None if dates is None else set(dates))
        return read(of, dates)

    monkeypatch.setattr(sent._ledger, "_read", watched)
    load(store, [batch("annotations", [work(f"old {n}", datetime(2025, 6, n)) for n in range(1, 4)])], source="tool")
    sent.sent(store)
    assert asked == [None]
    sent.sent(store)
    assert asked == [None]
    load(store, [batch("annotations", [work("7", day(7))])], source="tool")
    sent.sent(store)
    assert asked[1:] == [{date(2026, 3, 7)}]
    load(store, [batch("workers", [{"worker_id": "c", "name": "C"}])])  # a list: the newest dates and what has none, but nothing older
    sent.sent(store)
    assert asked[2] is not None
    assert not {day for day in asked[2] if day and day.year == 2025}
    assert {None, date(2026, 3, 7)} <= set(asked[2])
