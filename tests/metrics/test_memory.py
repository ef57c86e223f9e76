"""What is remembered is always what would be found: after any changes, and forgotten only where something changed."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import load
from data.store import Store
from metrics import memory
from metrics.definitions import REGISTRY
from metrics.period import ALL, Period
from metrics.query import Query, Result, run
from metrics.scope import SYSTEM
from tests.data.canonical import batch
from tests.data.test_load_properties import REFERENCE, annotations, reviews

MEASURES = tuple(name for name, measure in REGISTRY.measures.items() if not measure.hidden)
DAY = date(2026, 3, 5)
PERIODS = (
    ALL,
    Period(DAY, DAY),
    Period(DAY + timedelta(days=1), DAY + timedelta(days=2)),
    Period(None, DAY),
    Period(DAY + timedelta(days=3), None),
)
# Together they read every table that a load can change.
ASKED = [(name,) for name in MEASURES]


def told(result: Result) -> tuple[object, ...]:
    return result.exact.to_pylist(), result.exact_total, result.exact_before and result.exact_before.to_pylist(), result.notes


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.lists(annotations(), min_size=1, max_size=5).map(lambda rows: ("annotations", rows)),
            st.lists(reviews(), min_size=1, max_size=5).map(lambda rows: ("reviews", rows)),
            st.sampled_from(list(REFERENCE.items())),
        ),
        min_size=2,
        max_size=5,
    ),
    st.lists(st.tuples(st.sampled_from(ASKED), st.sampled_from(PERIODS), st.sampled_from(((), ("site",)))), min_size=4, max_size=8),
)
def test_what_is_remembered_is_what_would_be_found(loads: list[tuple[str, list[dict]]], asked: list[tuple]) -> None:
    questions = [
        Query(names, by=by, period=period, compare="previous" if period.start and period.end else None, total=True)
        for names, period, by in asked
    ]
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.duckdb", threads=1) as store:
        load.load(store, [batch(name, rows) for name, rows in REFERENCE.items()])
        for name, rows in loads:
            load.load(store, [batch(name, rows)])
            remembered = [told(run(store, question, SYSTEM)) for question in questions]
            memory.forget(store)
            assert remembered == [told(run(store, question, SYSTEM)) for question in questions]


def test_only_what_changed_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(number: int, day: int) -> dict[str, object]:
        return {
            "event_id": f"e{number}",
            "worker_id": "w",
            "project_id": "p",
            "item_id": f"i{number}",
            "ts": datetime(2026, 3, day, 2),
            "units": 1,
        }

    reads: list[str] = []
    with Store(tmp_path / "s.duckdb") as store:
        load.load(store, [batch("workers", [{"worker_id": "w", "hire_date": DAY}])])
        load.load(store, [batch("annotations", [work(1, 5), work(2, 9)])])
        plain = store.query
        monkeypatch.setattr(store, "query", lambda sql, params=None: reads.append(sql) or plain(sql, params))

        def asked(name: str, start: int, end: int) -> int:
            reads.clear()
            run(store, Query((name,), period=Period(date(2026, 3, start), date(2026, 3, end))), SYSTEM)
            return sum("facts" in sql for sql in reads)

        def all_of_them() -> list[int]:
            return [asked("units", 4, 6), asked("units", 8, 10), asked("headcount", 4, 6)]

        assert all_of_them() == [1, 1, 1]
        assert all_of_them() == [0, 0, 0]
        load.load(store, [batch("annotations", [work(3, 9)])])
        assert all_of_them() == [0, 1, 0]
        load.load(store, [batch("workers", [{"worker_id": "v", "hire_date": DAY}])])
        assert all_of_them() == [1, 1, 1]
