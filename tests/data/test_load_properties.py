"""Whatever comes in, in whatever order and portions, the store ends the same and its roll-ups equal the log."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import load, rollup
from data.store import Store
from data.verify import verify
from tests.data.canonical import batch, content

BASE = datetime(2026, 3, 5, 20, 0)
workers = st.sampled_from(["w1", "w2", "w3"])
projects = st.sampled_from(["p1", "p2"])
items = st.sampled_from(["i1", "i2", "i3"])
instants = st.one_of(st.none(), st.integers(0, 3 * 24 * 60).map(lambda m: BASE + timedelta(minutes=m)))


@st.composite
def annotations(draw: st.DrawFn) -> dict[str, object]:
    ts = draw(instants)
    row: dict[str, object] = {
        "event_id": draw(st.sampled_from([f"e{n}" for n in range(12)])), "worker_id": draw(workers), "project_id": draw(projects), "item_id": draw(items),
        "ts": ts, "action": draw(st.sampled_from(["annotate", "annotate", "rework", "review"])), "units": draw(st.integers(0, 40)),
        "duration_s": draw(st.one_of(st.none(), st.integers(0, 7200))), "round": draw(st.one_of(st.none(), st.none(), st.integers(1, 3))),
        "batch_id": draw(st.sampled_from([None, "b1", "b2"])), "version": draw(st.integers(1, 1000)),
    }  # fmt: skip
    if ts is not None and draw(st.booleans()):
        row["started_at"] = ts - timedelta(seconds=draw(st.integers(-60, 9000)))
    return row


@st.composite
def reviews(draw: st.DrawFn) -> dict[str, object]:
    return {
        "review_id": draw(st.sampled_from([f"r{n}" for n in range(10)])), "worker_id": draw(workers), "project_id": draw(projects), "item_id": draw(items),
        "verdict": draw(st.sampled_from(["accept", "fix", "reject"])), "ts": draw(instants), "reviewer_id": draw(st.one_of(st.none(), workers)),
        "event_id": draw(st.one_of(st.none(), st.sampled_from([f"e{n}" for n in range(12)]))), "stage": draw(st.sampled_from(["qc1", "client"])),
        "round": draw(st.one_of(st.none(), st.integers(1, 2))), "error_units": draw(st.integers(0, 3)), "version": draw(st.integers(1, 1000)),
    }  # fmt: skip


REFERENCE = {
    "sites": [{"site_id": "S", "zone": "Asia/Shanghai", "day_start": 360}, {"site_id": "T", "zone": "America/New_York"}],
    "teams": [{"team_id": "A", "site_id": "S"}, {"team_id": "B", "site_id": "T"}],
    "workers": [
        {"worker_id": "w1", "team_id": "A", "site_id": "S", "hire_date": date(2026, 1, 1), "leave_date": None, "leave_reason": None},
        {"worker_id": "w2", "team_id": "B", "site_id": None, "hire_date": date(2026, 2, 1), "leave_date": date(2026, 3, 7), "leave_reason": "辞职"},
    ],
    "assignments": [{"worker_id": "w1", "valid_from": date(2026, 3, 7), "site_id": "T", "team_id": "B"}],
    "prices": [{"project_id": "p1", "valid_from": date(2026, 1, 1), "amount": 1}, {"project_id": "p1", "valid_from": date(2026, 3, 7), "amount": 2}],
    "rates": [{"project_id": "p1", "valid_from": date(2026, 1, 1), "amount": 3, "action": "annotate", "pay_on": "submit"},
              {"project_id": "p2", "valid_from": date(2026, 1, 1), "amount": 5, "action": "annotate", "pay_on": "pass"},
              {"project_id": "p2", "valid_from": date(2026, 1, 1), "amount": 7, "action": "rework", "pay_on": "accept"}],
    "batches": [{"batch_id": "b1", "project_id": "p1", "delivered_at": BASE, "decided_at": BASE + timedelta(days=2), "decision": "reject", "resubmission_of": None},
                {"batch_id": "b3", "project_id": "p1", "delivered_at": BASE, "decided_at": BASE + timedelta(days=3), "decision": "accept", "resubmission_of": "b1"}],
}  # fmt: skip


def ends_whole(store: Store) -> None:
    wrong = [check for check in verify(store) if not check.ok]
    assert wrong == []


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty store, to copy: opening a fresh one a hundred times would be slow."""
    path = tmp_path_factory.mktemp("blank") / "s.duckdb"
    with Store(path) as store:
        store.checkpoint()
    return path.read_bytes()


def fresh(folder: str, name: str, blank: bytes) -> Store:
    path = Path(folder) / f"{name}.duckdb"
    path.write_bytes(blank)
    return Store(path, threads=1)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.lists(annotations(), min_size=1, max_size=14, unique_by=lambda r: (r["event_id"], r["version"])),
    st.lists(reviews(), max_size=10, unique_by=lambda r: (r["review_id"], r["version"])),
    st.data(),
)
def test_any_order_and_any_portions_give_the_same_store(blank: bytes, works: list[dict], checks: list[dict], data: st.DataObject) -> None:
    parts = [("annotations", [row]) for row in works] + [("reviews", [row]) for row in checks] + list(REFERENCE.items())
    shuffled = data.draw(st.permutations(parts))
    with tempfile.TemporaryDirectory() as folder:
        with fresh(folder, "whole", blank) as whole:
            load.load(whole, [batch(name, rows) for name, rows in REFERENCE.items()])
            load.load(whole, [batch("annotations", works), *([batch("reviews", checks)] if checks else [])])
            ends_whole(whole)
            expected = content(whole)
        with fresh(folder, "parts", blank) as pieces:
            at = 0
            while at < len(shuffled):
                size = data.draw(st.integers(1, 12))
                load.load(pieces, [batch(name, rows) for name, rows in shuffled[at : at + size]])
                at += size
            ends_whole(pieces)
            assert content(pieces) == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(st.lists(annotations(), min_size=1, max_size=6), st.lists(reviews(), min_size=1, max_size=6)), min_size=1, max_size=6
    )
)
def test_rollups_equal_the_log_after_any_sequence_of_loads_resends_and_updates(blank: bytes, loads: list[list[dict]]) -> None:
    with tempfile.TemporaryDirectory() as folder, fresh(folder, "s", blank) as store:
        for rows in loads:
            name = "reviews" if "review_id" in rows[0] else "annotations"
            (report,) = load.load(store, [batch(name, rows)])
            assert report.rows == report.new + report.updated + report.duplicates + report.rejected
            ends_whole(store)
            before = content(store)
            (again,) = load.load(store, [batch(name, rows)])
            assert again.new == 0
            assert content(store) == before


def test_many_small_additions_to_a_day_are_folded(blank: bytes, tmp_path: Path) -> None:
    with fresh(str(tmp_path), "s", blank) as store:
        for n in range(rollup.FOLD_AFTER + 2):
            load.load(
                store,
                [
                    batch(
                        "annotations",
                        [{"event_id": f"e{n}", "worker_id": "w", "project_id": "p", "item_id": f"i{n}", "ts": BASE, "units": 1}],
                    )
                ],
            )
        ends_whole(store)
        assert store.rows("SELECT count(*), sum(row_count) FROM work_day")[0] == (2, rollup.FOLD_AFTER + 2)
