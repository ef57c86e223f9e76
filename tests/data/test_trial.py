"""A trial says what the load then does, and leaves no trace."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import trial as trials
from data.errors import InputError
from data.imports import Choice, incoming
from data.load import load
from data.mapping import Mapping as Layout
from data.store import Store
from data.trial import Trial, trial
from tests.data.canonical import batch, content


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A base with a person, two projects, four rows of work, one review and a price."""
    with Store(tmp_path / "s.duckdb") as made:
        work = [
            {"event_id": f"e{n}", "worker_id": "W001", "project_id": "P10", "item_id": f"i{n}", "units": n, "duration_s": 10}
            for n in range(4)
        ]
        load(made, [
            batch("sites", [{"site_id": "S1", "name": "清涧基地", "zone": "Asia/Shanghai"}]),
            batch("workers", [{"worker_id": "W001", "name": "王芳", "site_id": "S1"}]),
            batch("projects", [{"project_id": "P10", "name": "街景框选"}, {"project_id": "lidar-north", "name": "点云"}]),
            batch("annotations", work),
            batch("reviews", [{"review_id": "r1", "worker_id": "W001", "project_id": "P10", "item_id": "i1", "verdict": "accept"}]),
        ])  # fmt: skip
        yield made


def put(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def counts(tried: Trial) -> dict[str, tuple[int, ...]]:
    return {part.table: (part.rows, part.new, part.updated, part.duplicates, part.rejected) for part in tried.parts}


def loaded(store: Store, path: Path, choice: Choice) -> dict[str, tuple[int, ...]]:
    source, batches = incoming(store, path, choice)
    return {
        one.table: (one.rows, one.new, one.updated, one.duplicates, one.rejected)
        for one in load(store, batches, source=source, file=path.name)
    }


def row(n: int, **more: object) -> dict[str, object]:
    return {"event_id": f"e{n}", "worker_id": "W001", "project_id": "P10", "item_id": f"i{n}", "units": n, "duration_s": 10, **more}


def test_counts_are_those_of_the_load_and_nothing_stays(store: Store, tmp_path: Path) -> None:
    file = put(tmp_path / "work.csv", [row(0), row(1), row(2, units=20), row(7), row(8, units="many"), row(9, worker_id="")])
    before, version, loads = content(store), store.version, store.rows("FROM load ORDER BY ALL")
    tried = trial(store, file, Choice())
    assert counts(tried) == {"annotations": (6, 1, 1, 2, 2)}
    assert (tried.whole, tried.read, tried.expected) == (True, 6, 6)
    assert (content(store), store.version, store.rows("FROM load ORDER BY ALL")) == (before, version, loads)
    assert store.rows("SELECT count(*) FROM reject") == [(0,)]
    assert loaded(store, file, Choice()) == counts(tried)


def test_refused_rows_come_with_line_column_value_and_reason(store: Store, tmp_path: Path) -> None:
    file = put(tmp_path / "work.csv", [row(7), row(8, units="many"), row(9, worker_id=""), row(10, units="lots")])
    tried = trial(store, file)
    assert [(table, one.line, one.code, one.column, one.value) for table, one in tried.refused] == [
        ("annotations", 3, "number", "units", "many"), ("annotations", 4, "missing", "worker_id", None), ("annotations", 5, "number", "units", "lots"),
    ]  # fmt: skip
    assert tried.reasons == Counter({("annotations", "number", "units"): 2, ("annotations", "missing", "worker_id"): 1})


def test_changed_work_is_shown_before_and_after(store: Store, tmp_path: Path) -> None:
    tried = trial(store, put(tmp_path / "work.csv", [row(2, units=20, project_id="lidar-north"), row(3)]))
    (changed,) = tried.changed
    assert (changed.table, changed.key, changed.site) == ("annotations", "e2", "S1")
    assert {d.column: (d.before, d.after) for d in changed.differences} == {"units": ("2", "20"), "project_id": ("P10", "lidar-north")}


def test_changed_verdicts_and_lists_too(store: Store, tmp_path: Path) -> None:
    reviews = put(
        tmp_path / "reviews.csv", [{"review_id": "r1", "worker_id": "W001", "project_id": "P10", "item_id": "i1", "verdict": "reject"}]
    )
    (verdict,) = trial(store, reviews).changed
    assert [(d.column, d.before, d.after) for d in verdict.differences] == [("verdict", "accept", "reject")]
    people = put(
        tmp_path / "workers.csv",
        [{"worker_id": "W001", "name": "王芳芳", "site_id": "S1"}, {"worker_id": "W002", "name": "李明", "site_id": "S1"}],
    )
    tried = trial(store, people)
    assert counts(tried) == {"workers": (2, 1, 1, 0, 0)}
    (person,) = tried.changed
    assert (person.key, person.site, [(d.column, d.before, d.after) for d in person.differences]) == (
        "W001",
        None,
        [("name", "王芳", "王芳芳")],
    )
    assert store.rows("SELECT name FROM worker WHERE worker_id = 'W001'") == [("王芳",)]


def test_new_names_are_told_with_the_known_one_that_was_meant(store: Store, tmp_path: Path) -> None:
    rows = [
        row(20, project_id="P1O"),
        row(21, project_id="街景框选"),
        row(22, project_id="lidar-nort"),
        row(23, project_id="P11"),
        row(24, worker_id="W1"),
    ]
    found = {one.kind: one for one in trial(store, put(tmp_path / "work.csv", rows)).named}
    assert set(found) == {"project", "worker"}
    assert set(found["project"].ids) == {"P1O", "街景框选", "lidar-nort", "P11"}
    assert found["project"].near == {"P1O": "P10", "街景框选": "P10", "lidar-nort": "lidar-north"}, (
        "P11 is another project, not a mistyped one"
    )
    assert found["worker"].near == {"W1": "W001"}


def test_many_new_names_are_counted_and_some_shown(store: Store, tmp_path: Path) -> None:
    (people,) = trial(store, put(tmp_path / "work.csv", [row(n, worker_id=f"N{n:03}") for n in range(30, 90)])).named
    assert (people.kind, people.count, len(people.ids)) == ("worker", 60, trials.NAMED)


def test_of_a_large_file_the_first_rows_are_tried(store: Store, tmp_path: Path) -> None:
    file = put(tmp_path / "work.csv", [row(n, units="x" if n == 103 else 1) for n in range(100, 400)])
    tried = trial(store, file, rows=50)
    assert (tried.whole, tried.read, counts(tried)["annotations"]) == (False, 50, (50, 49, 0, 0, 1))
    assert tried.expected >= 51
    assert trial(store, file, rows=300).whole
    assert trial(store, file, rows=300).read == 300


def test_a_mapping_that_is_not_saved_is_tried(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("nr,who,what,thing,when\n1,W001,P10,i77,03/04/2026\n", encoding="utf-8")
    with pytest.raises(InputError):
        trial(store, file)
    layout = Layout(
        "odd",
        "annotations",
        {"event_id": "nr", "worker_id": "who", "project_id": "what", "item_id": "thing", "ts": "when"},
        date_order="dmy",
    )
    tried = trial(store, file, Choice(mapping=layout))
    assert counts(tried) == {"annotations": (1, 1, 0, 0, 0)}


def test_the_writer_does_it_where_there_is_one(store: Store, tmp_path: Path) -> None:
    done: list[str] = []

    def submit(job):  # type: ignore[no-untyped-def]
        done.append("job")
        return job(store)

    trial(store, put(tmp_path / "work.csv", [row(5)]), submit=submit)
    assert done == ["job"], "one job: reading is not the writer's business"


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3), st.sampled_from([None, 1, 2])), min_size=1, max_size=25))
def test_whatever_comes_the_trial_counts_as_the_load(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, int | None]]
) -> None:
    folder = tmp_path_factory.mktemp("same")
    with Store(folder / "s.duckdb") as store:
        for portion in (rows[::2], rows):
            if not portion:
                continue
            work = put(folder / "annotations.csv", [row(n, units=units, version=version or "") for n, units, version in portion])
            reviews = [
                {
                    "review_id": f"r{n}",
                    "worker_id": "W001",
                    "project_id": "P10",
                    "item_id": f"i{n}",
                    "verdict": ("accept", "fix", "reject")[units - 1],
                }
                for n, units, _ in portion
            ]
            for file in (work, put(folder / "reviews.csv", reviews)):
                tried = trial(store, file)
                assert loaded(store, file, Choice()) == counts(tried)
