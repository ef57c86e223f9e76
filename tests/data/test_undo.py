"""A load taken back leaves what the others brought, as though it had never come."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import reference, undo
from data.errors import InputError
from data.load import load
from data.store import Store
from data.tables import Batch
from tests.data.canonical import batch, content
from tests.data.test_load_properties import REFERENCE, annotations, ends_whole, fresh, reviews

TABLES = ("site", "team", "worker", "assignment", "employment", "project", "batch", "price", "rate", "cost")
NAMES = {"site": "site", "team": "team", "worker": "worker", "project": "project", "batch": "batch"}


def described(store: Store) -> dict[str, list[tuple]]:
    """What the reference tables say, their small integers as text keys."""
    found = {}
    for table in TABLES:
        columns = [
            name for (name,) in store.rows("SELECT column_name FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [table])
        ]
        cells = [
            f"(SELECT k.{c[:-4]}_id FROM {c[:-4]} AS k WHERE k.{c} = t.{c})" if c[:-4] in NAMES and c.endswith("_key") else f"t.{c}"
            for c in columns
            if c not in ("longest_interval_s", "governed")
        ]
        found[table] = store.rows(f"SELECT {', '.join(cells)} FROM {table} AS t ORDER BY ALL")
    return found


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, to copy: opening a fresh one a hundred times would be slow."""
    path = tmp_path_factory.mktemp("blank") / "s.duckdb"
    with Store(path) as store:
        store.checkpoint()
    return path


people = st.lists(
    st.fixed_dictionaries(
        {"worker_id": st.sampled_from(["w1", "w2", "w9"])},
        optional={
            "name": st.sampled_from(["王丽", "李伟", None]), "team_id": st.sampled_from(["A", "B"]), "skill_level": st.integers(1, 5),
            "hire_date": st.sampled_from([date(2026, 1, 1), date(2026, 2, 1)]),
        },
    ), min_size=1, max_size=3,
).map(lambda rows: ("workers", rows))  # fmt: skip
prices = st.lists(
    st.fixed_dictionaries({"project_id": st.sampled_from(["p1", "p3"]), "valid_from": st.just(date(2026, 1, 1)), "amount": st.integers(1, 9)}),
    min_size=1, max_size=2,
).map(lambda rows: ("prices", rows))  # fmt: skip
part = st.one_of(
    st.lists(annotations(), min_size=1, max_size=8).map(lambda rows: ("annotations", rows)),
    st.lists(reviews(), min_size=1, max_size=6).map(lambda rows: ("reviews", rows)),
    people, prices, st.sampled_from(sorted(REFERENCE)).map(lambda name: (name, REFERENCE[name])),
)  # fmt: skip
Part = tuple[str, list[dict[str, object]]]


def batches(parts: Sequence[Part]) -> list[Batch]:
    return [batch(name, rows) for name, rows in parts]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(st.tuples(st.lists(part, min_size=1, max_size=3), st.booleans()), min_size=1, max_size=5).filter(
        lambda all: any(t for _, t in all)
    )
)
def test_the_store_is_what_it_would_be_without_them(blank: Path, told: list[tuple[list[Part], bool]]) -> None:
    files, taken = [parts for parts, _ in told], [n for n, (_, back) in enumerate(told) if back]
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh(folder, "all", blank.read_bytes()) as store,
        fresh(folder, "rest", blank.read_bytes()) as rest,
    ):
        for n, parts in enumerate(files):
            load(store, batches(parts), file=f"{n}.csv")
            if n not in taken:
                load(rest, batches(parts), file=f"{n}.csv")
        before = content(store), described(store)
        ids = [store.rows("SELECT DISTINCT load_id FROM load WHERE file = ?", [f"{n}.csv"])[0][0] for n in taken]
        ahead = undo.preview(store, ids)
        assert (content(store), described(store)) == before
        done = undo.undo(store, ids, by="me")
        assert done == ahead
        ends_whole(store)
        with rest.transaction() as cur:
            reference.drop_unspoken(cur)  # ids that only a row named which another row of its file replaced
        assert content(store) == content(rest)
        assert described(store) == described(rest)


def row(event: str, units: int, **more: object) -> dict[str, object]:
    return {
        "event_id": event,
        "worker_id": "w1",
        "project_id": "p1",
        "item_id": event,
        "ts": datetime(2026, 3, 5, 9),
        "units": units,
        **more,
    }


def test_totals_before_and_after(tmp_path: Path) -> None:
    """By hand: file 1 has 3 + 4 units; file 2 corrects 4 to 10 and adds 5. Back: 18 units become 7, one row gone, one restored."""
    with Store(tmp_path / "s.duckdb") as store:
        load(store, [batch("annotations", [row("a", 3, duration_s=3600), row("b", 4)])], file="one.csv")
        load(store, [batch("annotations", [row("b", 10), row("c", 5)])], file="two.csv")
        done = undo.undo(store, [2], by="li")
        assert (done.before.units, done.after.units, done.removed, done.restored) == (18.0, 7.0, 1, 1)
        assert (done.before.work, done.after.work, done.after.hours) == (3, 2, 1.0)
        two, one = undo.loads(store)
        assert (two.file, two.undone_by, one.undone_at, one.undoable) == ("two.csv", "li", None, True)
        with pytest.raises(InputError, match="taken back already"):
            undo.undo(store, [2], by="li")
        with pytest.raises(InputError, match="no load 9"):
            undo.preview(store, [9])
        undo.undo(store, [1], by="li")
        assert store.rows("SELECT count(*) FROM worker") == [(0,)]
        assert store.rows("SELECT count(*) FROM work_version") == [(0,)]


def test_the_same_file_twice_stays_until_both_are_taken_back(tmp_path: Path) -> None:
    with Store(tmp_path / "s.duckdb") as store:
        for name in ("one.csv", "again.csv"):
            load(store, [batch("annotations", [row("a", 3)])], file=name)
        assert undo.undo(store, [1], by="li").restored == 1
        assert store.rows("SELECT sum(unit_count)::INTEGER FROM work_day") == [(3,)]
        assert undo.undo(store, [2], by="li").removed == 1
        assert store.rows("SELECT count(*) FROM work_day") == [(0,)]


def test_a_site_that_is_only_the_teams_follows_the_team(tmp_path: Path) -> None:
    """Workers name a team, the list of teams its site: in either order, corrected, and taken back, the work is where the team is."""
    people = [{"worker_id": "w1", "team_id": "A"}]
    place = "SELECT DISTINCT s.site_id FROM work AS w JOIN site AS s USING (site_key)"
    for people_first in (True, False):
        with Store(tmp_path / f"{people_first}.duckdb") as store:
            parts = [batch("workers", people), batch("teams", [{"team_id": "A", "site_id": "S"}])]
            load(store, [batch("annotations", [row("a", 3)])], file="work.csv")
            for part in parts if people_first else reversed(parts):
                load(store, [part], file=f"{part.table}.csv")
            assert store.rows(place) == [("S",)]
            load(store, [batch("teams", [{"team_id": "A", "site_id": "T"}])], file="corrected.csv")
            assert store.rows(place) == [("T",)]
            load(store, [batch("workers", [{"worker_id": "w1", "team_id": "A", "site_id": "U"}])], file="own.csv")
            assert store.rows(place) == [("U",)]
            undo.undo(store, [5], by="li")
            assert store.rows(place) == [("T",)]
            undo.undo(store, [4], by="li")
            assert store.rows(place) == [("S",)]
            undo.undo(store, [3 if people_first else 2], by="li")
            assert store.rows(place) == [("",)]
            ends_whole(store)


def test_what_a_feed_sent_on_a_day_is_one_entry(tmp_path: Path) -> None:
    with Store(tmp_path / "s.duckdb") as store:
        for n in range(3):
            load(store, [batch("annotations", [row(f"e{n}", 1)])], source="tool")
        (entry,) = undo.loads(store)
        assert (entry.load_ids, entry.rows, entry.file) == ((1, 2, 3), 3, None)
        undo.undo(store, entry.load_ids, by="li")
        assert store.rows("SELECT count(*) FROM work") == [(0,)]
        load(store, [batch("annotations", [row("e0", 1)])], source="tool")
        assert [one.undone_at is None for one in undo.loads(store)] == [True, False]
        with store.transaction() as cur:
            cur.execute("UPDATE load SET started_at = started_at - INTERVAL 36 DAY WHERE undone_at IS NOT NULL")
        assert len(undo.loads(store)) == 1


def test_rows_that_were_refused_go_with_their_load(tmp_path: Path) -> None:
    with Store(tmp_path / "s.duckdb") as store:
        load(store, [batch("workers", [{"worker_id": "w", "hire_date": date(2026, 2, 1), "leave_date": date(2026, 1, 1)}])], file="w.csv")
        assert store.rows("SELECT count(*) FROM reject") == [(1,)]
        undo.undo(store, [1], by="li")
        assert store.rows("SELECT count(*) FROM reject") == [(0,)]


def test_loads_of_before_cannot_be_taken_back(tmp_path: Path) -> None:
    with Store(tmp_path / "s.duckdb") as store:
        load(store, [batch("annotations", [row("a", 3)])], file="one.csv")
        store.set_meta("undo_since", "1")
        assert not undo.loads(store)[0].undoable
        with pytest.raises(InputError, match="before this version"):
            undo.undo(store, [1], by="li")
