"""What stands in tables: the line of a group's trend, against a plain count over the log."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from data.store import Store
from metrics.period import Period
from metrics.query import Query
from metrics.reach import reach
from metrics.scope import SYSTEM
from pages.ui import ask, tables

LOG = {
    "units": "SELECT {dim}, business_date, sum(units) FROM work JOIN worker USING (worker_key) JOIN project USING (project_key) WHERE action IN (0, 1)",
    "units_per_hour": """SELECT {dim}, business_date, sum(units) / (sum(seconds) / 3600.0) FROM work JOIN worker USING (worker_key)
        JOIN project USING (project_key) WHERE action IN (0, 1) AND seconds IS NOT NULL""",
}


@pytest.mark.parametrize("name", LOG)
@pytest.mark.parametrize("dimension", ["worker", "project"])
def test_a_line_has_a_step_for_each_day_on_which_anybody_worked(small: Store, dimension: str, name: str) -> None:
    last = reach(small, SYSTEM).last
    assert last is not None
    period = Period(last - timedelta(days=9), last)
    answer = ask.answer(small, Query((name,), by=(dimension, "day"), period=period), SYSTEM)
    sql = f"{LOG[name].format(dim=f'{dimension}_id')} AND business_date BETWEEN $start AND $end GROUP BY ALL"
    found: dict[str, dict[object, float]] = {}
    for group, day, value in small.rows(sql, {"start": period.start, "end": period.end}):
        found.setdefault(group, {})[day] = float(value)
    days = sorted({day for line in found.values() for day in line})
    assert len(days) > 2
    ids = [*sorted(found, reverse=True), "nobody"]
    lines = tables._lines(answer, dimension, name, ids).to_pylist()
    assert lines[-1] is None
    for group, line in zip(ids, lines[:-1], strict=False):
        mine = found[group]
        wanted = [mine[day] for day in days if day in mine] if name == "units_per_hour" else [mine.get(day, 0.0) for day in days]
        if len(wanted) < 2:
            assert line is None
        else:
            assert len(line) == len(wanted)
            assert all(map(math.isclose, line, wanted))


def test_a_single_day_makes_no_line(small: Store) -> None:
    last = reach(small, SYSTEM).last
    answer = ask.answer(small, Query(("units",), by=("project", "day"), period=Period(last, last)), SYSTEM)
    assert set(tables._lines(answer, "project", "units", answer.ids("project")).to_pylist()) == {None}
    assert tables._lines(answer, "project", "units", []).to_pylist() == []
