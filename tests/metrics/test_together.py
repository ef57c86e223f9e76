"""What is asked together is answered as if asked alone, in fewer statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import NotAllowed
from data.store import Store
from metrics import memory
from metrics.compile import Compiler, Span
from metrics.definitions import REGISTRY
from metrics.model import QueryError
from metrics.period import ALL, Period
from metrics.query import Query, Result, run, run_together
from metrics.scope import SYSTEM, scope_for
from metrics.together import together
from tests.metrics.base import FIRST, LAST, fill

MEASURES = tuple(name for name, measure in REGISTRY.measures.items() if not measure.hidden)
WEEK = Period(LAST - timedelta(days=12), LAST - timedelta(days=3))
SCOPES = (SYSTEM, scope_for("executive"), scope_for("site_manager", site="S1"), scope_for("team_lead", team="A"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fill(tmp_path_factory.mktemp("together") / "s.duckdb", rows=600) as store:
        yield store


def told(result: Result) -> tuple[object, ...]:
    before = (result.exact_before and result.exact_before.to_pylist(), result.before_total)
    return result.query, result.exact.to_pylist(), result.exact_total, before, result.notes, result.filters


@st.composite
def questions(draw: st.DrawFn) -> list[Query]:
    measures = draw(st.lists(st.sampled_from(MEASURES), min_size=1, max_size=3, unique=True))
    shared = {
        "period": draw(st.sampled_from((WEEK, WEEK, ALL))),
        "where": draw(st.sampled_from(({}, {"site": ("S1",)}, {"project": ("P1", "P2")}))),
    }
    compare = draw(st.sampled_from((None, "previous"))) if shared["period"] is WEEK else None
    found = []
    for _ in range(draw(st.integers(2, 4))):
        by = tuple(draw(st.lists(st.sampled_from(list(REGISTRY.dimensions)), max_size=2, unique=True)))
        mine = tuple(draw(st.permutations(measures)))[: draw(st.integers(1, len(measures)))]
        found.append(Query(mine, by, compare=draw(st.sampled_from((compare, None))), total=draw(st.booleans()), **shared))
    return found


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=questions(), scope=st.sampled_from(SCOPES))
def test_together_is_as_alone(base: Store, asked: list[Query], scope: object) -> None:
    alone = []
    for query in asked:
        with suppress(QueryError, NotAllowed):
            alone.append(run(base, query, scope))
    memory.forget(base)
    found = run_together(base, [result.query for result in alone], scope)
    assert [told(result) for result in found] == [told(result) for result in alone]


def test_the_questions_of_a_screen_are_one_statement(base: Store) -> None:
    cards = ("units", "units_per_hour", "active_workers", "seconds_per_unit_p50")
    asked = [Query(cards, by, WEEK, total=bool(by)) for by in ((), ("day",), ("project",), ("client",))]
    found = run_together(base, asked, SYSTEM)
    assert len({result.sql for result in found}) == 1
    (units,) = base.rows(
        f"SELECT sum(units) FROM work WHERE action IN (0, 1) AND business_date BETWEEN DATE '{WEEK.start}' AND DATE '{WEEK.end}'"
    )[0]
    assert [result.total["units"] for result in found if result.total] == [float(units)] * 4
    assert [float(result.table["units"].sum()) for result in found] == [float(units)] * 4


def test_what_would_read_other_tables_or_rows_is_asked_by_itself() -> None:
    span = Span(FIRST, LAST)

    def groups(*queries: Query) -> list[tuple[int, ...]]:
        return [group.places for group in together([Compiler(query, SYSTEM, span) for query in queries])]

    day = Query(("units",), ("day",), WEEK)
    assert groups(day, Query(("units",), ("project",), WEEK), Query(("units",), ("day", "project"), WEEK)) == [(0, 1, 2)]
    assert groups(day, Query(("units",), ("hour",), WEEK)) == [(0,), (1,)]  # another roll-up
    assert groups(day, Query(("pay",), ("day",), WEEK)) == [(0,), (1,)]  # other facts
    assert groups(day, Query(("units",), ("project",), ALL)) == [(0,), (1,)]  # another period
    assert groups(Query(("units",), ("project", "day"), WEEK), Query(("units",), ("day", "project"), WEEK)) == [(0,), (1,)]  # another order
    assert groups(*(Query(("units",), by, WEEK) for by in (("team",), ("team", "day"), ("project", "day")))) == [(0, 1, 2)]
    assert groups(day, Query(("units",), ("project",), WEEK, compare="previous")) == [(0, 1)]
    assert groups(Query(("error_rate",), (), WEEK), Query(("error_rate",), ("stage",), WEEK)) == [(0,), (1,)]  # other first verdicts
    assert groups(Query(("headcount",), (), WEEK), Query(("headcount",), ("site",), WEEK)) == [(0,), (1,)]
