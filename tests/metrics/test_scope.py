"""Whatever is asked, the answer within a scope is that of a store which holds nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import NameUnknown, NotAllowed
from data.load import load
from data.rollup import WORK_ROLLUPS
from data.store import Store
from metrics.definitions import REGISTRY
from metrics.model import QueryError
from metrics.period import ALL, Period
from metrics.query import Query, run
from metrics.scope import EVERYTHING, SYSTEM, Scope, scope_for
from tests.data.canonical import batch
from tests.metrics.base import FIRST, LAST, fill

TABLES = (
    "work",
    "work_day",
    "work_hour",
    "review",
    "review_day",
    "judged_day",
    "judged_item",
    "pace_day",
    "pace_group",
    "pace_worker",
    "earn_day",
    "cost_day",
    "presence",
)
SITE = Scope("site_manager", frozenset({"S1"}), None, None, EVERYTHING)
TEAM = Scope("team_lead", None, frozenset({"A"}), None, EVERYTHING)
SELF = Scope("annotator", None, None, "w05", EVERYTHING)
KEPT = {"S1": "site_key = 1", "A": "team_key = 1", "w05": "worker_key = 5"}
# A person's tenure, skill and contract come with the person from wherever they are employed; that is no row of another site.
OWN = {"tenure_band", "skill_level", "contract"}
MEASURES = [name for name, measure in REGISTRY.measures.items() if not measure.hidden]
OFFERED = {
    "site": ["S1", "S2", "", "S9"], "team": ["A", "B", "C"], "worker": ["w01", "w05", "w07"], "project": ["P1", "P2"], "action": ["annotate", "rework"],
    "client": ["Acme", ""], "stage": ["qc1", "client"], "month": ["2026-02-01"], "reviewer": ["w01"], "batch": ["B1"],
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fill(tmp_path_factory.mktemp("scope") / "base.duckdb", rows=800) as found:
        yield found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Store]]:
    """For each scope a copy of the base from which every other row is gone."""
    folder: Path = tmp_path_factory.mktemp("alone")
    stores = {}
    for name, kept in KEPT.items():
        stores[name] = fill(folder / f"{name}.duckdb", rows=800)
        with stores[name].transaction() as cur:
            for table in TABLES:
                if table == "cost_day" and name != "S1":
                    continue
                if (table == "pace_group" and name == "w05") or (table == "pace_day" and name != "S1"):  # no such column: count it anew
                    cur.execute(f"DELETE FROM {table}")
                    cur.execute(f"INSERT INTO {table} BY NAME {WORK_ROLLUPS[table].format(rel='work')}")
                    continue
                cur.execute(f"DELETE FROM {table} WHERE NOT ({kept})")
    yield stores
    for store in stores.values():
        store.close()


@st.composite
def questions(draw: st.DrawFn) -> Query:
    names = tuple(draw(st.lists(st.sampled_from(MEASURES), min_size=1, max_size=3, unique=True)))
    by = tuple(draw(st.lists(st.sampled_from([d for d in REGISTRY.dimensions if d not in OWN]), max_size=2, unique=True)))
    where = {
        dim: tuple(draw(st.lists(st.sampled_from(OFFERED[dim]), min_size=1, max_size=2)))
        for dim in draw(st.lists(st.sampled_from(list(OFFERED)), max_size=2, unique=True))
    }
    start = FIRST + timedelta(days=draw(st.integers(0, 20)))
    period = draw(st.sampled_from((ALL, Period(start, LAST - timedelta(days=5)), Period(start, None))))
    return Query(names, by, period, where, total=draw(st.booleans()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=questions(), scope=st.sampled_from((SITE, TEAM, SELF)))
def test_no_row_outside_the_scope_ever_counts(base: Store, alone: dict[str, Store], question: Query, scope: Scope) -> None:
    name = next(iter(scope.sites or scope.teams or {scope.worker}))
    try:
        within = run(base, question, scope)
    except (QueryError, NotAllowed):
        return
    # The spans of both stores must agree, or people would be counted up to different days.
    period = question.period if question.period.bounded else Period(FIRST - timedelta(days=900), LAST - timedelta(days=5))
    bounded = replace(question, period=Period(period.start, LAST - timedelta(days=5)), exact=True)
    within = run(base, bounded, scope)
    # Somebody moved out of the scope is followed to the move; elsewhere only a question about a site or a team does so.
    place = {"site": scope.sites, "team": scope.teams}
    named = {dim: tuple(ids) for dim, ids in place.items() if ids} | dict(bounded.filters)
    without = run(alone[str(name)], replace(bounded, where=named), SYSTEM)
    assert within.exact.to_pylist() == without.exact.to_pylist()
    assert within.exact_total == without.exact_total


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dim=st.sampled_from(["site", "team", "worker", "project", "action", "batch"]),
    name=st.sampled_from(
        ["submissions", "units", "items", "active_workers", "reviews", "errors", "joiners", "person_days", "pay", "repeats"]
    ),
    data=st.data(),
)
def test_parts_add_up_and_a_wider_filter_never_lowers_a_count(base: Store, dim: str, name: str, data: st.DataObject) -> None:
    if dim not in REGISTRY.dims(name):
        return
    split = {row[dim]: row[name] for row in run(base, Query((name,), (dim,)), SYSTEM).exact.to_pylist()}
    total = run(base, Query((name,)), SYSTEM).exact.to_pylist()[0][name]
    if name in ("items", "active_workers"):
        assert max(split.values(), default=0) <= total <= sum(split.values())
    else:
        assert sum(split.values()) == total
    wide = data.draw(st.lists(st.sampled_from(sorted(split)), min_size=1, unique=True)) if split else ["none"]
    narrow = data.draw(st.lists(st.sampled_from(wide), min_size=1, unique=True))
    more, less = (run(base, Query((name,), where={dim: tuple(some)}), SYSTEM).exact.to_pylist()[0][name] for some in (wide, narrow))
    assert less <= more <= total


def test_a_scope_never_sees_more_than_its_role() -> None:
    assert scope_for("site_manager", site="S1") == Scope("site_manager", frozenset({"S1"}), None, None, frozenset({"names"}))
    assert scope_for("hr").fields == {"names", "pay"}
    assert scope_for("executive").fields == {"pay", "client_prices"}
    assert scope_for("annotator", worker="w1").worker == "w1"
    assert scope_for("admin") == SYSTEM
    for role in ("site_manager", "team_lead", "annotator", "reviewer"):
        with pytest.raises(NotAllowed, match="must name a"):
            scope_for(role)
    with pytest.raises(NameUnknown, match="Did you mean “executive”"):
        scope_for("executives")


@pytest.mark.parametrize(
    ("query", "scope", "words"),
    [
        (Query(("revenue",)), scope_for("hr"), "“revenue” shows client prices"),
        (Query(("margin_rate",)), scope_for("site_manager", site="S1"), "“margin_rate” shows client prices"),
        (Query(("pay_per_hour",)), scope_for("team_lead", team="A"), "“pay_per_hour” shows pay"),
        (Query(("units",), ("worker",)), scope_for("executive"), "“worker” shows who the people are"),
        (Query(("units",), where={"worker": ("w01",)}), scope_for("executive"), "“worker” shows who the people are"),
        (Query(("error_rate",), ("reviewer",)), scope_for("annotator", worker="w05"), "“reviewer” shows who the people are"),
        (Query(("overhead",)), Scope("team_lead", None, frozenset({"A"}), None, EVERYTHING), "cannot be narrowed to your team"),
    ],
)
def test_what_a_role_may_not_see_is_refused_by_name(base: Store, query: Query, scope: Scope, words: str) -> None:
    with pytest.raises(NotAllowed, match=words):
        run(base, query, scope)


def test_a_person_sees_only_oneself_by_worker(base: Store) -> None:
    rows = run(base, Query(("units", "pay", "error_rate"), ("worker",)), scope_for("annotator", worker="w05")).exact.to_pylist()
    assert [row["worker"] for row in rows] == ["w05"]


def test_small_groups_are_left_out_for_those_who_may_not_see_people(base: Store) -> None:
    query = Query(("units", "work_hours", "error_rate", "active_workers", "seconds_per_unit_p50", "items"), ("day", "site"), total=True)
    open_, closed = (run(base, query, scope) for scope in (SYSTEM, scope_for("executive")))
    crowd = dict(_crowds(base, "work_day", "site", "action IN (0, 1)"))
    present = dict(_crowds(base, "work_day", "site"))
    judged = dict(_crowds(base, "review_day", "site", "action IN (0, 1)"))
    hidden = 0
    for a, b in zip(open_.exact.to_pylist(), closed.exact.to_pylist(), strict=True):
        key = (a["day"], a["site"])
        small, small_review = 0 < crowd.get(key, 0) < 5, 0 < judged.get(key, 0) < 5
        hidden += small
        assert b["active_workers"] == a["active_workers"]
        for name, few in (
            ("units", small),
            ("work_hours", 0 < present.get(key, 0) < 5),
            ("seconds_per_unit_p50", small),
            ("items", small),
            ("error_rate", small_review),
            ("error_rate_n", small_review),
        ):
            assert b[name] == (None if few else a[name]), (key, name)
    assert hidden > 0
    assert closed.exact_total == open_.exact_total
    assert [note.code for note in closed.notes].count("suppressed") == 1
    assert "suppressed" not in [note.code for note in open_.notes]


def test_reviewers_do_not_hide_a_single_annotator(tmp_path: Path) -> None:
    """Speed is of those who submit: one annotator among reviewers is one person, whoever else has rows in the group."""
    rows = [
        {"event_id": f"e{n}", "worker_id": f"w{n}", "project_id": "p1", "item_id": "i1", "ts": datetime(2026, 3, 2, 1), "duration_s": 60, "units": 5,
         "action": "annotate" if n == 0 else "review"}
        for n in range(6)
    ]  # fmt: skip
    names = ("units", "submissions", "items", "units_per_hour", "units_per_person", "seconds_per_unit_p50", "rework_hours", "work_hours")
    with Store(tmp_path / "s.duckdb") as store:
        load(store, [batch("annotations", rows)])
        for by in ((), ("project",), ("day",)):
            found = run(store, Query(names, by, total=True), scope_for("executive"))
            assert found.suppressed == set(names[:-1])
            assert found.total is not None
            assert [name for name, value in found.total.items() if value is not None] == ["work_hours"]
            assert found.table.dropna(axis="columns").columns.tolist() == [*by, "work_hours"]
            assert run(store, Query(names, by, total=True), SYSTEM).suppressed == frozenset()


def test_a_hidden_group_does_not_tell_how_many_cases_it_has(tmp_path: Path) -> None:
    work = [
        {"event_id": f"e{n}", "worker_id": f"w{n % 2}", "project_id": "p1", "item_id": f"i{n}", "ts": datetime(2026, 3, 2, 1), "duration_s": 60}
        for n in range(12)
    ]  # fmt: skip
    reviews = [
        {"review_id": f"r{n}", "event_id": f"e{n}", "worker_id": f"w{n % 2}", "project_id": "p1", "item_id": f"i{n}", "verdict": "accept",
         "ts": datetime(2026, 3, 2, 2)}
        for n in range(12)
    ]  # fmt: skip
    with Store(tmp_path / "s.duckdb") as store:
        load(store, [batch("annotations", work), batch("reviews", reviews)])
        open_, closed = (run(store, Query(("error_rate",)), scope) for scope in (SYSTEM, scope_for("executive")))
    assert "few" in [note.code for note in open_.notes]
    assert [note.code for note in closed.notes if note.code in ("few", "suppressed")] == ["suppressed"]
    assert not any("12" in note.en for note in closed.notes)


def _crowds(store: Store, table: str, dim: str, which: str = "true") -> Iterator[tuple[tuple[date, str], int]]:
    for day, site, n in store.rows(
        f"SELECT business_date, site_id, count(DISTINCT worker_key) FROM {table} JOIN {dim} USING ({dim}_key) WHERE {which} GROUP BY ALL"
    ):
        yield (day, site), n
