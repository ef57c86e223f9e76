"""Loading, case by case, each worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import load, rollup
from data.errors import NameUnknown
from data.store import Store
from data.tables import Batch, Reject
from data.verify import verify
from metrics.query import Query, run
from metrics.scope import SYSTEM
from tests.data.canonical import batch, content

NOON = datetime(2026, 3, 5, 4, 0)  # 12:00 in Shanghai


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb", threads=1) as opened:
        yield opened
        assert [check for check in verify(opened) if not check.ok] == []


def work(event: str, **more: object) -> dict[str, object]:
    return {"event_id": event, "worker_id": "w1", "project_id": "p1", "item_id": "i1", "ts": NOON, "units": 10, **more}


def review(name: str, verdict: str, **more: object) -> dict[str, object]:
    return {
        "review_id": name,
        "worker_id": "w1",
        "project_id": "p1",
        "item_id": "i1",
        "verdict": verdict,
        "ts": NOON + timedelta(hours=1),
        **more,
    }


def counts(store: Store, name: str, rows: list[dict[str, object]], **more: str) -> tuple[int, int, int]:
    (report,) = load.load(store, [batch(name, rows)], **more)
    assert report.rows == report.new + report.updated + report.duplicates + report.rejected
    return report.new, report.updated, report.duplicates


def one(store: Store, sql: str) -> tuple:
    (row,) = store.rows(sql)
    return row


class TestVersions:
    def test_the_same_row_is_a_duplicate_and_a_changed_one_replaces_it(self, store: Store) -> None:
        assert counts(store, "annotations", [work("e1"), work("e2")]) == (2, 0, 0)
        assert counts(store, "annotations", [work("e1"), work("e2", units=12)]) == (0, 1, 1)
        assert one(store, "SELECT sum(unit_count), sum(row_count) FROM work_day") == (22, 2)

    def test_a_higher_version_wins_whenever_it_arrives(self, store: Store) -> None:
        assert counts(store, "annotations", [work("e1", units=3, version=2)]) == (1, 0, 0)
        assert counts(store, "annotations", [work("e1", units=1, version=1)]) == (0, 0, 1)
        assert counts(store, "annotations", [work("e1", units=9)]) == (0, 0, 1)
        assert counts(store, "annotations", [work("e1", units=4, version=3)]) == (0, 1, 0)
        assert one(store, "SELECT units, version FROM work") == (4, 3)

    def test_within_one_load_equal_rows_are_duplicates_and_the_last_of_different_ones_stays(self, store: Store) -> None:
        assert counts(store, "annotations", [work("e1"), work("e1"), work("e1", units=11)]) == (1, 2, 0)
        assert counts(store, "annotations", [work("e2"), work("e2")]) == (1, 0, 1)
        assert one(store, "SELECT sum(units) FROM work") == (21,)

    def test_the_same_id_from_another_source_is_another_fact(self, store: Store) -> None:
        assert counts(store, "annotations", [work("1")], source="cvat") == (1, 0, 0)
        assert counts(store, "annotations", [work("1")], source="label-studio") == (1, 0, 0)
        assert counts(store, "annotations", [work("1", tool="cvat")], source="label-studio") == (0, 0, 1)

    def test_an_event_that_moves_to_another_day_leaves_the_old_one(self, store: Store) -> None:
        counts(store, "annotations", [work("e1")])
        assert counts(store, "annotations", [work("e1", ts=NOON + timedelta(days=9))]) == (0, 1, 0)
        assert store.rows("SELECT business_date, sum(row_count) FROM work_day GROUP BY ALL") == [(date(2026, 3, 14), 1)]


class TestPlaces:
    def base(self, store: Store) -> None:
        load.load(store, [
            batch("sites", [{"site_id": "S", "zone": "Asia/Shanghai", "day_start": 480, "seats": 10}, {"site_id": "N", "zone": "America/New_York", "day_start": 0}]),
            batch("teams", [{"team_id": "A", "site_id": "S"}, {"team_id": "B", "site_id": "N"}]),
            batch("workers", [{"worker_id": "w1", "team_id": "A"}]),
        ])  # fmt: skip

    def test_a_night_shift_belongs_to_the_date_it_began(self, store: Store) -> None:
        self.base(store)
        night = [
            work("e1", ts=datetime(2026, 3, 5, 23, 59)),
            work("e2", ts=datetime(2026, 3, 6, 0, 0)),
        ]  # 07:59 and 08:00 on the 6th in Shanghai
        load.load(store, [batch("annotations", night)])
        assert store.rows("SELECT event_id, business_date, hour FROM work ORDER BY 1") == [
            ("e1", date(2026, 3, 5), 7),
            ("e2", date(2026, 3, 6), 8),
        ]

    @pytest.mark.parametrize("roster_first", [True, False])
    def test_work_lies_with_the_team_of_its_day_whichever_file_comes_first(self, store: Store, roster_first: bool) -> None:
        rows = [work("e1"), work("e2", ts=NOON + timedelta(days=5))]
        move = batch("assignments", [{"worker_id": "w1", "valid_from": date(2026, 3, 8), "site_id": "N", "team_id": "B"}])
        if roster_first:
            self.base(store)
            load.load(store, [move])
        load.load(store, [batch("annotations", rows)])
        if not roster_first:
            self.base(store)
            load.load(store, [move])
        placed = "SELECT event_id, team_id, site_id, business_date FROM work JOIN team USING (team_key) JOIN site ON site.site_key = work.site_key ORDER BY 1"
        # 04:00 UTC on 10 March is 00:00 the same day in New York (daylight saving began on the 8th).
        assert store.rows(placed) == [("e1", "A", "S", date(2026, 3, 5)), ("e2", "B", "N", date(2026, 3, 10))]

    def test_a_corrected_zone_moves_what_was_placed_with_the_old_one(self, store: Store) -> None:
        self.base(store)
        load.load(store, [batch("annotations", [work("e1", ts=datetime(2026, 3, 5, 23, 0))])])
        assert one(store, "SELECT business_date, hour FROM work") == (date(2026, 3, 5), 7)
        load.load(store, [batch("sites", [{"site_id": "S", "zone": "UTC", "day_start": 0}])])
        assert one(store, "SELECT business_date, hour FROM work") == (date(2026, 3, 5), 23)

    def test_without_a_roster_rows_keep_the_zone_of_the_store_and_no_team(self, store: Store) -> None:
        load.load(store, [batch("annotations", [work("e1"), work("e2", ts=None)])])
        assert store.rows("SELECT business_date, hour, site_key, team_key FROM work ORDER BY event_id") == [
            (date(2026, 3, 5), 4, 0, 0),
            (None, None, 0, 0),
        ]
        assert store.rows("SELECT worker_id, stub FROM worker") == [("w1", True)]


class TestTime:
    def test_overlapping_intervals_of_a_person_count_once_across_loads(self, store: Store) -> None:
        def until(minute: int, seconds: int, event: str) -> dict[str, object]:
            return work(event, ts=NOON + timedelta(minutes=minute), duration_s=seconds)

        load.load(store, [batch("annotations", [until(10, 600, "a")])])  # 0–10
        load.load(store, [batch("annotations", [until(20, 900, "b")])])  # 5–20
        load.load(store, [batch("annotations", [until(8, 120, "c")])])  # 6–8, inside both
        load.load(store, [batch("annotations", [until(60, 600, "d")])])  # 50–60
        assert one(store, "SELECT sum(seconds), sum(merged_s) FROM work_day") == (2220, 1800)
        load.load(store, [batch("annotations", [until(10, 60, "a")])])  # a shrinks to 9–10, inside b
        assert one(store, "SELECT sum(merged_s) FROM work_day") == (1500,)

    def test_a_length_that_is_the_duration_is_kept_once(self, store: Store) -> None:
        rows = [
            work("e1", started_at=NOON - timedelta(seconds=60), duration_s=60),
            work("e2", item_id="i2", worker_id="w2", started_at=NOON - timedelta(seconds=60), duration_s=50),
        ]
        assert counts(store, "annotations", rows) == (2, 0, 0)
        assert store.rows("SELECT event_id, seconds, wall_s FROM work ORDER BY 1") == [("e1", 60, None), ("e2", 50, 60)]
        assert one(store, "SELECT sum(seconds), sum(merged_s), sum(merged_units) FROM work_day") == (110, 120, 20)
        assert counts(store, "annotations", rows) == (0, 0, 2)

    def test_items_of_one_row_are_known_as_such_until_another_row_speaks_of_them(self, store: Store) -> None:
        counts(store, "annotations", [work("e1"), work("e2", item_id="i2")])
        counts(store, "reviews", [review("r1", "reject"), review("r2", "accept", item_id="i2")])
        assert one(store, "SELECT sum(lone_rows) FROM work_day") == one(store, "SELECT sum(lone_rows) FROM work_hour") == (2,)
        assert one(store, "SELECT sum(lone_rows), sum(lone_rejected_rows) FROM review_day") == (2, 1)
        counts(store, "annotations", [work("e3", action="rework", ts=NOON + timedelta(hours=2))])
        assert one(store, "SELECT sum(lone_rows) FROM work_day") == one(store, "SELECT sum(lone_rows) FROM work_hour") == (1,)
        counts(store, "reviews", [review("r3", "accept", ts=NOON + timedelta(hours=3))])
        assert one(store, "SELECT sum(lone_rows), sum(lone_rejected_rows) FROM review_day") == (1, 0)

    def test_an_item_is_counted_by_day_while_all_its_reviews_judge_one_row_of_work(self, store: Store) -> None:
        def items() -> tuple:
            return one(store, "SELECT sum(item_rows), sum(item_rejected_rows) FROM judged_day")

        def told() -> list[tuple]:
            return store.rows("SELECT review_id, once FROM review ORDER BY 1")

        counts(store, "annotations", [work("e1")])
        counts(store, "reviews", [review("r2", "accept", stage="qc2", ts=NOON + timedelta(hours=2))])
        assert (items(), told()) == ((1, 0), [("r2", 1)])
        counts(store, "reviews", [review("r1", "reject", ts=NOON + timedelta(hours=1))])  # came late, was first
        assert (items(), told()) == ((1, 1), [("r1", 2), ("r2", 0)])
        counts(store, "annotations", [work("e2", action="rework", ts=NOON + timedelta(hours=3))])
        counts(store, "reviews", [review("r3", "accept", event_id="e2", ts=NOON + timedelta(hours=4))])
        assert (items(), told()) == ((0, 0), [("r1", None), ("r2", None), ("r3", None)])
        assert run(store, Query(("items_inspected", "items_sent_back")), SYSTEM).total == {"items_inspected": 1, "items_sent_back": 1}

    def test_two_people_at_the_same_time_do_not_overlap(self, store: Store) -> None:
        load.load(store, [batch("annotations", [work("a", duration_s=600), work("b", worker_id="w2", duration_s=600)])])
        assert one(store, "SELECT sum(merged_s) FROM work_day") == (1200,)

    def test_a_clock_that_runs_backwards_covers_no_time_and_is_counted(self, store: Store) -> None:
        load.load(
            store,
            [
                batch(
                    "annotations",
                    [
                        work("a", started_at=NOON + timedelta(seconds=5), duration_s=30),
                        work("b", started_at=NOON - timedelta(seconds=40), duration_s=30),
                    ],
                )
            ],
        )
        assert one(store, "SELECT sum(seconds), sum(merged_s), sum(negative_rows) FROM work_day") == (60, 40, 1)

    def test_attempts_are_numbered_where_the_source_does_not(self, store: Store) -> None:
        rows = [work("b", ts=NOON + timedelta(hours=2)), work("a"), work("other", worker_id="w2"), work("fix", worker_id="w3", action="rework", ts=NOON + timedelta(hours=3)),
                work("fix2", action="rework", ts=NOON + timedelta(hours=4)), work("told", round=7, item_id="i2")]  # fmt: skip
        for row in rows:
            load.load(store, [batch("annotations", [row])])
        assert dict(store.rows("SELECT event_id, round FROM work")) == {"a": 1, "b": 2, "other": 1, "fix": 2, "fix2": 3, "told": 7}


class TestVerdicts:
    def test_first_and_last_verdict_of_a_work_row(self, store: Store) -> None:
        load.load(store, [batch("annotations", [work("e1")])])
        load.load(
            store,
            [
                batch(
                    "reviews",
                    [
                        review("r2", "accept", ts=NOON + timedelta(hours=5), stage="client"),
                        review("r1", "reject", event_id="e1", error_units=2),
                    ],
                )
            ],
        )
        row = one(
            store,
            "SELECT sum(verdicts), sum(first_rows), sum(first_accepts), sum(last_accepts), sum(overturned_rows), sum(stage_first_rows), sum(error_count), sum(inspected_count) FROM review_day",
        )
        assert row == (2, 1, 0, 1, 1, 2, 2, 20)

    def test_a_review_waits_for_its_work(self, store: Store) -> None:
        load.load(store, [batch("reviews", [review("r1", "accept", event_id="e1")])])
        assert one(store, "SELECT sum(unlinked), sum(first_rows) FROM review_day") == (1, 0)
        load.load(store, [batch("annotations", [work("e1", ts=NOON - timedelta(days=3))])])
        assert one(store, "SELECT sum(unlinked), sum(first_rows), max(business_date) FROM review_day") == (0, 1, date(2026, 3, 2))

    def test_a_review_without_an_event_goes_to_the_latest_work_before_it(self, store: Store) -> None:
        load.load(
            store,
            [
                batch(
                    "annotations",
                    [
                        work("e1"),
                        work("e2", action="rework", ts=NOON + timedelta(hours=3)),
                        work("else", worker_id="w2", ts=NOON + timedelta(hours=3)),
                    ],
                )
            ],
        )
        load.load(store, [batch("reviews", [review("r1", "reject"), review("r2", "accept", ts=NOON + timedelta(hours=4))])])
        assert dict(store.rows("SELECT review_id, event_id FROM review")) == {"r1": "e1", "r2": "e2"}


class TestMoney:
    def test_earned_by_pay_on_and_priced_on_the_day_of_acceptance(self, store: Store) -> None:
        load.load(store, [
            batch("prices", [{"project_id": "p1", "valid_from": date(2026, 1, 1), "amount": Decimal("0.5")}, {"project_id": "p1", "valid_from": date(2026, 3, 10), "amount": Decimal("0.4")},
                             {"project_id": "p1", "valid_from": date(2026, 1, 1), "amount": Decimal("9"), "batch_id": "special"}]),
            batch("rates", [{"project_id": "p1", "action": "annotate", "valid_from": date(2026, 1, 1), "amount": Decimal("0.1"), "pay_on": "submit"},
                            {"project_id": "p1", "action": "rework", "valid_from": date(2026, 1, 1), "amount": Decimal("0.02"), "pay_on": "pass"}]),
            batch("batches", [{"project_id": "p1", "batch_id": "b1", "delivered_at": NOON + timedelta(days=1), "decided_at": NOON + timedelta(days=2), "decision": "reject", "resubmission_of": None},
                              {"project_id": "p1", "batch_id": "b2", "delivered_at": NOON + timedelta(days=3), "decided_at": NOON + timedelta(days=9), "decision": "accept", "resubmission_of": "b1"},
                              {"project_id": "p1", "batch_id": "special", "delivered_at": NOON, "decided_at": NOON, "decision": "accept", "resubmission_of": None}]),
            batch("annotations", [work("e1", batch_id="b1"), work("e2", batch_id="b1", action="rework", units=10, item_id="i2"), work("e3", batch_id="special", units=1, item_id="i3"),
                                  work("e4", units=7, item_id="i4", project_id="p2")]),
            batch("reviews", [review("r1", "accept", event_id="e2", item_id="i2"), review("r2", "accept", event_id="e4", item_id="i4", project_id="p2")]),
        ])  # fmt: skip
        earned = store.rows(
            "SELECT business_date, sum(pay), sum(revenue), sum(unpriced_units), sum(unrated_units) FROM earn_day GROUP BY ALL ORDER BY 1"
        )
        assert earned == [
            # e1 and e3 on submission 1.1; e2 on passing 0.2; the special batch at its own price 9; p2 has neither price nor rate.
            (date(2026, 3, 5), Decimal("1.3"), Decimal(9), 7, 7),
            # the first pass of b1, accepted with its resubmission at the newer price; its rework is not sold twice.
            (date(2026, 3, 14), 0, Decimal(4), 0, 0),
        ]

    def test_monthly_costs_are_spread_exactly(self, store: Store) -> None:
        load.load(store, [batch("costs", [{"site_id": "S", "month": date(2026, 2, 1), "kind": "rent", "amount": Decimal("10000.01")}])])
        assert one(store, "SELECT count(*), sum(amount), max(amount) - min(amount) <= 0.02 FROM cost_day") == (
            28,
            Decimal("10000.01"),
            True,
        )

    def test_one_store_keeps_one_currency(self, store: Store) -> None:
        price = {"project_id": "p1", "valid_from": date(2026, 1, 1), "amount": 1, "currency": "USD"}
        load.load(store, [batch("prices", [price])])
        (report,) = load.load(store, [batch("prices", [{**price, "project_id": "p2", "currency": "CNY"}])])
        assert (report.rejected, report.rejects[0].code, store.meta("currency")) == (1, "other_currency", "USD")


class TestPeople:
    def test_spells_of_employment(self, store: Store) -> None:
        rows = [{"worker_id": "w1", "hire_date": date(2026, 1, 1), "leave_date": date(2026, 2, 1), "leave_reason": "裁员"},
                {"worker_id": "w1", "hire_date": date(2026, 3, 1), "leave_date": None, "leave_reason": None},
                {"worker_id": "w2", "hire_date": date(2026, 1, 1), "leave_date": date(2025, 12, 1), "leave_reason": None}]  # fmt: skip
        (report,) = load.load(store, [batch("workers", rows)])
        assert (report.new, report.rejected, report.rejects[0].code) == (2, 1, "leave_before_hire")
        assert store.rows("SELECT from_date, to_date, starts_spell, ends_spell, voluntary FROM presence ORDER BY 1") == [
            (date(2026, 1, 1), date(2026, 2, 1), True, True, False), (date(2026, 3, 1), None, True, False, None)]  # fmt: skip

    def test_a_column_that_is_absent_is_kept_and_one_that_is_blank_erases(self, store: Store) -> None:
        load.load(
            store, [batch("workers", [{"worker_id": "w1", "name": "王", "hire_date": date(2026, 1, 1), "leave_date": date(2026, 2, 1)}])]
        )
        load.load(store, [batch("workers", [{"worker_id": "w1", "hire_date": date(2026, 1, 1), "leave_date": None}])])
        assert one(store, "SELECT name, left_on FROM worker JOIN employment USING (worker_key)") == ("王", None)


class TestSafety:
    def test_an_error_in_the_middle_leaves_nothing_behind(self, store: Store) -> None:
        before = store.version

        def breaks() -> Iterator[Batch]:
            yield batch("annotations", [work("e1")])
            raise RuntimeError("the disk is on fire")

        with pytest.raises(RuntimeError):
            load.load(store, breaks())
        assert (store.version, store.rows("SELECT count(*) FROM work"), store.rows("SELECT count(*) FROM worker")) == (
            before,
            [(0,)],
            [(0,)],
        )

    def test_refused_rows_are_kept_with_their_text(self, store: Store) -> None:
        refused = Reject(7, "number", "units", "ten", "units “ten” is not a number.", "e9,ten")
        (report,) = load.load(store, [Batch("annotations", batch("annotations", [work("e1")]).rows, [refused], 2, 0)], file="a.csv")
        assert (report.rows, report.new, report.rejected) == (2, 1, 1)
        load.load(store, [Batch("annotations", batch("annotations", [work("e1")]).rows, [refused], 2, 0)], file="a.csv")
        (kept,) = load.rejects(store)  # the same file again keeps it once
        assert (kept["file"], kept["line"], kept["reason"], kept["raw"]) == ("a.csv", 7, "units “ten” is not a number.", "e9,ten")

    @pytest.mark.parametrize("text", ["'; DROP TABLE work; --", "🙂", "=cmd|' /C calc'!A0", "a\x00b", "名\n字", '"', "{0}", "$source"])
    def test_text_is_only_text(self, store: Store, text: str) -> None:
        row = work(text, worker_id=text, project_id=text, item_id=text, batch_id=text)
        assert counts(store, "annotations", [row], source=text) == (1, 0, 0)
        assert counts(store, "annotations", [row], source=text) == (0, 0, 1)
        assert store.rows("SELECT event_id, item_id FROM work") == [(text, text)]

    def test_an_unknown_table_is_named(self, store: Store) -> None:
        with pytest.raises(NameUnknown, match="annotations"):
            load.load(store, [Batch("anotations", batch("annotations", [work("e1")]).rows)])


def test_overlaps_of_a_large_load_are_measured_some_people_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty rows of seven people, each ten minutes long and begun every four: the same seconds however many people are measured at once."""
    began = datetime(2026, 3, 5, 9)
    rows = [
        {"event_id": f"e{n}", "worker_id": f"w{n % 7}", "project_id": "p", "item_id": f"i{n}", "started_at": began + timedelta(minutes=4 * (n // 7)),
         "ts": began + timedelta(minutes=4 * (n // 7) + 10), "duration_s": 600}
        for n in range(40)
    ]  # fmt: skip
    found = []
    for size in (1_000_000, 3):
        monkeypatch.setattr(rollup, "AT_ONCE", size)
        with Store(tmp_path / f"{size}.duckdb") as store:
            load.load(store, [batch("annotations", rows[:30])])
            load.load(store, [batch("annotations", rows[30:])])
            found.append(content(store))
            # Six rows of the first five people span 4·5 + 10 minutes, five rows of the others 4·4 + 10.
            assert store.rows("SELECT sum(merged_s)::INTEGER FROM work_day") == [(5 * 30 * 60 + 2 * 26 * 60,)]
            assert [check.name for check in verify(store) if not check.ok] == []
    assert found[0] == found[1]


def test_a_large_load_is_put_in_a_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work and reviews of four days and of none, some reworked, some twice judged and then all once more, which changes what their other
    verdicts count for: the same store whether it is put in whole or by threes."""
    began = datetime(2026, 3, 5, 9)
    rows = [
        {"event_id": f"e{n}", "worker_id": f"w{n % 5}", "project_id": "p", "item_id": f"i{n // 2}", "duration_s": 600, "action": "rework" if n % 7 == 0 else "annotate",
         "ts": began + timedelta(hours=7 * (40 - n) % 90, minutes=n) if n % 9 else None}
        for n in range(40)
    ]  # fmt: skip
    reviews = [
        {"review_id": f"r{n}", "event_id": f"e{n // 2}", "worker_id": f"w{n // 2 % 5}", "project_id": "p", "item_id": f"i{n // 4}", "reviewer_id": "q",
         "ts": began + timedelta(days=5, minutes=n), "verdict": "reject" if n % 3 else "accept"}
        for n in range(60)
    ]  # fmt: skip
    again = [
        review | {"review_id": f"again{n}", "ts": began + timedelta(days=6, minutes=n), "verdict": "accept"}
        for n, review in enumerate(reviews)
    ]
    found = []
    for size in (1_000_000, 3):
        monkeypatch.setattr(rollup, "AT_ONCE", size)
        with Store(tmp_path / f"{size}.duckdb") as store:
            load.load(store, [batch("annotations", rows), batch("reviews", reviews)])
            assert [check.name for check in verify(store) if not check.ok] == []
            load.load(store, [batch("reviews", again)])
            assert [check.name for check in verify(store) if not check.ok] == []
            assert one(store, "SELECT count(*) FROM review") == (120,)
            log = "SELECT business_date, worker_key, ts, event_id FROM work"
            assert store.rows(log) == store.rows(f"{log} ORDER BY ALL")
            found.append(content(store))
    assert found[0] == found[1]


def test_parts_of_many_rows_are_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of more than a row group (122,880 rows) and more after them: what DuckDB 2.0 lost where the table had been created empty."""
    n = 270_000
    ids = pa.array(np.arange(n).astype(str))
    worked = pa.array(np.datetime64("2026-03-05T01:00:00", "ms") + np.arange(n) * 500)
    file = tmp_path / "work.parquet"
    pq.write_table(
        pa.table({"event_id": ids, "worker_id": pa.array(["w"] * n), "project_id": pa.array(["p"] * n), "item_id": ids, "ts": worked}), file
    )
    checked = tmp_path / "reviews.parquet"
    named = {"review_id": ids, "event_id": ids, "worker_id": pa.array(["w"] * n), "project_id": pa.array(["p"] * n), "item_id": ids}
    pq.write_table(pa.table({**named, "ts": worked, "verdict": pa.array(["accept"] * n)}), checked)
    monkeypatch.setattr(rollup, "AT_ONCE", 200_000)
    with Store(tmp_path / "s.duckdb") as store:
        (report,) = load.import_file(store, file)
        assert (report.new, report.rejected) == (n, 0)
        assert store.rows("SELECT count(*), count(DISTINCT event_id) FROM work") == [(n, n)]
        (report,) = load.import_file(store, checked, table="reviews")
        assert (report.new, report.rejected) == (n, 0)
        assert store.rows("SELECT count(*), count(DISTINCT event_id), count(*) FILTER (linked) FROM review") == [(n, n, n)]
        assert [check.name for check in verify(store) if not check.ok] == []


def test_an_attempt_that_comes_late_moves_what_the_later_one_earned_to_its_round(store: Store) -> None:
    """The undated row of batch b1 becomes the second attempt when an earlier one arrives: what it earned on acceptance is of round 2 then."""
    load.load(store, [
        batch("prices", [{"project_id": "p1", "valid_from": date(2026, 1, 1), "amount": 2}]),
        batch("batches", [{"batch_id": "b1", "project_id": "p1", "delivered_at": NOON, "decided_at": NOON, "decision": "accept"}]),
        batch("annotations", [work("late", ts=None, batch_id="b1", units=3)]),
    ])  # fmt: skip
    earned = "SELECT round, sum(revenue)::INTEGER FROM earn_day WHERE revenue <> 0 GROUP BY ALL ORDER BY ALL"
    assert store.rows(earned) == [(1, 6)]
    load.load(store, [batch("annotations", [work("early")])])
    assert store.rows(earned) == [(2, 6)]


def test_a_newer_version_that_says_the_same_replaces_the_older(store: Store) -> None:
    """Else what came between the two versions, and comes late, would replace the newer."""
    load.load(store, [batch("annotations", [work("e", version=1)])])
    (report,) = load.load(store, [batch("annotations", [work("e", version=9)])])
    assert (report.new, report.updated, report.duplicates) == (0, 1, 0)
    load.load(store, [batch("annotations", [work("e", version=5, units=99)])])
    assert store.rows("SELECT version, units::INTEGER FROM work") == [(9, 10)]
