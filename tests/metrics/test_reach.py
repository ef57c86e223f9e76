"""How far the facts reach: by work, and by the roster where there is no work."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from data.load import load
from data.store import Store
from data.tables import ARROW, TABLES, Batch
from metrics.reach import reach
from metrics.scope import SYSTEM, Scope, scope_for
from tests.metrics.base import fill

NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
SITES = [{"site_id": "S1", "name": "一", "zone": "Asia/Shanghai"}, {"site_id": "S2", "name": "二", "zone": "Asia/Shanghai"}]
PEOPLE = [
    {"worker_id": "A", "name": "甲", "site_id": "S1", "hire_date": date(2025, 11, 3), "leave_date": None},
    {"worker_id": "B", "name": "乙", "site_id": "S2", "hire_date": date(2025, 6, 1), "leave_date": date(2026, 1, 20)},
    {"worker_id": "C", "name": "丙", "site_id": "S2", "hire_date": date(2026, 4, 1), "leave_date": None},
]


def batch(name: str, rows: list[dict[str, object]]) -> Batch:
    kinds = {column.name: ARROW[column.kind] for column in TABLES[name].columns}
    table = pa.table({key: pa.array([row[key] for row in rows], type=kinds[key]) for key in rows[0]})
    return Batch(name, table.append_column("line", pa.array(range(1, len(rows) + 1), type=pa.int64())), [])


@pytest.mark.parametrize(
    ("scope", "first", "last"),
    [
        (SYSTEM, date(2025, 6, 1), date(2026, 3, 10)),
        (scope_for("site_manager", site="S1"), date(2025, 11, 3), date(2026, 3, 10)),
        (scope_for("site_manager", site="S2"), date(2025, 6, 1), date(2026, 1, 20)),
    ],
)
def test_a_roster_alone_reaches_from_the_first_hire_to_today(tmp_path: Path, scope: Scope, first: date, last: date) -> None:
    with Store(tmp_path / "s.duckdb") as store:
        load(store, [batch("sites", SITES), batch("workers", PEOPLE)], source="roster")
        found = reach(store, scope, NOW)
    assert (found.as_of, found.first, found.last, found.today) == (None, first, last, date(2026, 3, 10))


def test_an_empty_store_reaches_nowhere(tmp_path: Path) -> None:
    with Store(tmp_path / "s.duckdb") as store:
        found = reach(store, SYSTEM, NOW)
    assert (found.as_of, found.first, found.last) == (None, None, None)


@pytest.mark.parametrize(
    ("scope", "mine", "near"),
    [
        (SYSTEM, "true", "true"),
        (scope_for("site_manager", site="S1"), "site_key = 1", "site_key = 1"),
        (scope_for("team_lead", site="S1", team="B"), "team_key = 2", "site_key = 1"),
        (scope_for("annotator", worker="w03"), "worker_key = (SELECT worker_key FROM worker WHERE worker_id = 'w03')", "true"),
    ],
)  # fmt: skip
def test_work_reaches_as_far_as_the_log_of_the_scope(tmp_path: Path, scope: Scope, mine: str, near: str) -> None:
    with fill(tmp_path / "base.duckdb", rows=400) as store:
        found = reach(store, scope)
        ((first, last),) = store.rows(f"SELECT min(business_date), max(business_date) FROM work WHERE {mine}")
        facts = f"SELECT ts, business_date AS day FROM work WHERE {near} UNION ALL SELECT ts, review_date FROM review WHERE {near}"
        ((newest,),) = store.rows(f"SELECT max(ts) FROM ({facts}) WHERE day BETWEEN $last::DATE - 1 AND $last", {"last": last})
    assert (found.first, found.last) == (first, last)
    assert found.as_of == (newest.replace(tzinfo=UTC) if newest else None)
