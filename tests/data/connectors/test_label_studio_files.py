"""Export files of a real Label Studio 1.23.2, and what is told apart from them; a pull and a file give the same facts."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data import connections
from data.connectors import label_studio_facts as shapes
from data.connectors.connector import Connection
from data.connectors.label_studio_files import LabelStudioFiles
from data.errors import InputError
from data.store import Store
from data.verify import verify
from tests.data.connectors.fake_label_studio import TOKEN, FakeLabelStudio, serving
from tests.data.connectors.truth import expected, stored

REAL = Path("/work/shared/data/label_studio")
real = pytest.mark.skipif(not REAL.is_dir(), reason=f"the exports of a real Label Studio are not in {REAL}")
WHOLE = ("export_JSON.json", "export_snapshot.json")
PARTIAL = ("export_JSON_MIN.min.json", "export_CSV.csv")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as made:
        yield made


def taken(store: Store, path: Path, source: str | None = None) -> Counter[str]:
    reports = connections.imported(store, path, source=source)
    assert reports is not None
    assert [one.name for one in verify(store) if not one.ok] == []
    return sum((Counter({name: getattr(one, name) for name in ("new", "updated", "duplicates", "rejected")}) for one in reports), Counter())


def log(store: Store) -> list[tuple]:
    """Everything the log says, but for when it was loaded and where the roll-ups put it."""
    return store.rows(
        """SELECT source.name, event_id, worker_id, project_id, batch_id, item_id, ts, action, round, work.units, prelabelled_units, seconds, clock, version,
            work.extra FROM work JOIN worker USING (worker_key) JOIN project USING (project_key) JOIN source USING (source_key)
            LEFT JOIN batch ON batch.batch_key = work.batch_key ORDER BY event_id"""
    )


def tasks(name: str = "export_JSON.json") -> list[dict[str, Any]]:
    return json.loads((REAL / name).read_text(encoding="utf-8"))


# The real files -----------------------------------------------------------------------------------------------------------
@real
@pytest.mark.parametrize("name", WHOLE)
def test_whole_exports_say_what_their_annotations_say(store: Store, name: str) -> None:
    annotations = [one for task in tasks(name) for one in task["annotations"]]
    edited = sum(one["updated_by"] not in (None, one["completed_by"]) for one in annotations)
    assert taken(store, REAL / name) == Counter(new=len(annotations) + edited)
    assert stored(store, "label-studio") == {number: (*row[:1], row[1], *row[2:]) for number, row in expected(annotations).items()}
    assert store.rows("SELECT sum(prelabelled_units) FROM work") == [
        (
            sum(
                len({entry["id"] for entry in one["result"] if entry["type"] == "rectanglelabels"})
                for one in annotations
                if one["parent_prediction"]
            ),
        )
    ]
    assert taken(store, REAL / name) == Counter(duplicates=len(annotations))


@real
@pytest.mark.parametrize("name", PARTIAL)
def test_partial_exports_give_the_same_keys_people_items_and_numbers(store: Store, name: str) -> None:
    truth = expected(one for task in tasks() for one in task["annotations"] if not one["was_cancelled"])
    # what these files lose: of the annotations nobody has completed they have a row without an author
    assert taken(store, REAL / name) == Counter(new=len(truth))
    assert stored(store, "label-studio") == truth


@real
def test_the_two_partial_exports_agree(tmp_path: Path) -> None:
    logs = []
    for name in PARTIAL:
        shutil.copy(REAL / name, tmp_path / f"same.{name.rpartition('.')[2]}")
        with Store(tmp_path / f"{name}.duckdb") as store:
            taken(store, tmp_path / f"same.{name.rpartition('.')[2]}")
            logs.append(log(store))
    assert logs[0] == logs[1]


@real
@pytest.mark.parametrize("first", PARTIAL)
def test_a_whole_export_after_a_partial_one_ends_like_the_whole_one_alone(tmp_path: Path, first: str) -> None:
    with Store(tmp_path / "a.duckdb") as both, Store(tmp_path / "b.duckdb") as alone:
        for name in (first, WHOLE[0], first, WHOLE[1]):
            taken(both, REAL / name)
        taken(alone, REAL / WHOLE[0])
        assert log(both) == log(alone)


@real
def test_a_pull_and_an_export_give_the_same_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server shows the tasks of the export; one store pulls them, another imports the file, and then the other way round."""
    monkeypatch.setenv("LS_TOKEN", TOKEN)
    fake = FakeLabelStudio()
    fake.projects[2] = {"id": 2, "title": "bbox feas 车辆标注"}
    fake.users = {number: {"id": number, "email": f"{number}@base.cn"} for number in (1, 5, 6, 7)}
    fake.tasks = {task["id"]: task for task in tasks()}
    with serving(fake) as address, Store(tmp_path / "a.duckdb") as one, Store(tmp_path / "b.duckdb") as two:
        connection = Connection("studio", "label-studio", "studio", address, "env:LS_TOKEN", people={"5": "W5"}, projects={"2": "BX"})
        for store in (one, two):
            connections.add(store, connection)
        connections.pull(one, "studio")
        taken(two, REAL / WHOLE[0])
        assert log(one) == log(two)
        assert {row[2] for row in log(one)} == {"W5", "studio:1", "studio:6", "studio:7"}
        for name in (*WHOLE, *PARTIAL):
            assert set(+taken(one, REAL / name)) == {"duplicates"}
        assert connections.pull(two, "studio").updated == 0
        assert log(one) == log(two)


@real
def test_a_page_of_the_api_is_read_like_the_export() -> None:
    """What GET /api/tasks really answered."""
    whole = {one["id"]: one for task in tasks() for one in task["annotations"]}
    seen = [one for task in json.loads((REAL / "api_tasks_page1.json").read_text())["tasks"] for one in shapes.read_task(task)[0]]
    assert seen
    for one in seen:
        assert (one.author, one.units, one.lead_ms, one.skipped) == (
            str(whole[int(one.id)]["completed_by"]), len({e["id"] for e in whole[int(one.id)]["result"] if e["type"] == "rectanglelabels"}),
            None if whole[int(one.id)]["lead_time"] is None else round(whole[int(one.id)]["lead_time"] * 1000), whole[int(one.id)]["was_cancelled"],
        )  # fmt: skip


@real
@pytest.mark.parametrize("file", sorted(REAL.glob("webhooks/*.json")), ids=lambda file: file.stem)
def test_the_action_of_every_real_webhook_is_found_at_its_beginning(file: Path) -> None:
    body = json.loads(file.read_text())["body"]
    assert connections.hook_action(json.dumps(body).encode()[:200]) == body["action"]
    assert body["action"] in file.stem


# Made files -----------------------------------------------------------------------------------------------------------------
def task(number: int, *annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    held = {
        "completed_by": 5,
        "was_cancelled": False,
        "created_at": "2026-03-02T01:00:00.000001Z",
        "updated_at": "2026-03-02T01:00:00.000002Z",
    }
    listed = [{"id": number * 10 + k, "result": [], "lead_time": 1.5, **held, **one} for k, one in enumerate(annotations)]
    return {"id": number, "annotations": listed, "data": {}, "project": 2, "created_at": "2026-03-01T00:00:00Z", **more}


def written(path: Path, *content: object) -> Path:
    path.write_text(json.dumps(list(content)), encoding="utf-8")
    return path


def test_an_older_export_changes_nothing_and_a_newer_one_adds_the_edit(store: Store, tmp_path: Path) -> None:
    old = written(tmp_path / "old.json", task(1, {"lead_time": 10}))
    new = written(tmp_path / "new.json", task(1, {"lead_time": 16, "updated_at": "2026-03-02T02:00:00Z", "updated_by": 6}))
    assert taken(store, old) == Counter(new=1)
    assert taken(store, new) == Counter(new=1)
    assert store.rows("SELECT worker_id, seconds FROM work JOIN worker USING (worker_key) ORDER BY 1") == [
        ("label-studio:5", 10),
        ("label-studio:6", 6),
    ]
    before = log(store)
    assert taken(store, old) == Counter(duplicates=1)
    assert log(store) == before


def test_bad_records_are_refused_one_by_one(store: Store, tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.json",
        task(1, {"id": None}, {"completed_by": None}, {"created_at": "gestern"}, {"lead_time": "soon"}, {}),
        task(2, {"lead_time": float("inf")}),
        {"id": None, "annotations": []}, {"id": 4, "annotations": "none", "data": {}},
    )  # fmt: skip
    assert taken(store, path) == Counter(new=2, rejected=6)
    assert store.rows("SELECT line, code, column_name FROM reject ORDER BY reject_id") == [
        (1, "missing", "event_id"), (1, "missing", "worker_id"), (1, "instant", "ts"), (1, "duration", "duration_s"), (3, "missing", "item_id"),
        (4, "json", "annotations"),
    ]  # fmt: skip
    assert taken(store, path) == Counter(duplicates=2, rejected=6)
    assert store.rows("SELECT count(*) FROM reject") == [(6,)]


@pytest.mark.parametrize(
    ("result", "units"),
    [
        ([], 0),
        ([{"id": "a", "type": "choices", "value": {"choices": ["x"]}}], 1),
        ([{"id": "a", "type": "rectanglelabels", "value": {"x": 1}}, {"id": "a", "type": "choices", "value": {"x": 1, "choices": ["x"]}}], 1),
        ([{"id": "a", "type": "labels", "value": {"start": 1, "end": 2}}, {"id": "b", "type": "labels", "value": {}}, {"type": "relation"}], 2),
        ([{"id": "a", "type": "rectangle", "value": {"x": 1}}, {"id": "q", "type": "choices", "value": {"choices": ["x"]}}], 1),
        ([{"id": "a", "type": "videorectangle", "value": {"sequence": [], "labels": ["x"]}}, {"id": "k", "type": "brushlabels", "value": {"rle": []}}], 2),
        (["junk", None, 3], 0),
        ("junk", 0),
    ],
)  # fmt: skip
def test_units_are_regions(result: object, units: int) -> None:
    assert shapes.units(result) == units


@pytest.mark.parametrize(
    ("annotation", "predicted", "count"),
    [
        ({"result": [{"id": "a", "type": "labels", "value": {}}]}, False, 0),
        ({"result": [{"id": "a", "type": "labels", "value": {}}]}, True, None),
        ({"result": [{"id": "a", "type": "labels", "value": {}}]}, None, None),
        ({"result": [{"id": "a", "type": "labels", "value": {}}], "parent_prediction": 7}, True, 1),
        ({"result": [{"id": "a", "type": "labels", "value": {}}], "import_id": 7}, False, 1),
        ({"result": [{"id": str(k), "type": "labels", "value": {}, "origin": o} for k, o in enumerate(("manual", "prediction", "prediction-changed"))]}, True, 2),
    ],
)  # fmt: skip
def test_prelabelled_units_by_origin_else_by_where_it_came_from(
    annotation: dict[str, Any], predicted: bool | None, count: int | None
) -> None:
    assert shapes.prelabelled(annotation, predicted) == count


def test_compressed_and_marked_files_are_known_too(store: Store, tmp_path: Path) -> None:
    text = json.dumps([task(1, {})], indent=2).encode()
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(text))
    (tmp_path / "b.json").write_bytes(b"\xef\xbb\xbf" + text)
    assert taken(store, tmp_path / "a.json.gz") == Counter(new=1)
    assert taken(store, tmp_path / "b.json") == Counter(duplicates=1)


def test_what_is_no_export_is_left_to_the_columns(tmp_path: Path) -> None:
    known = LabelStudioFiles().knows
    rows = [{"event_id": "e", "annotator": "5", "project_id": "p", "item_id": "i", "lead_time": 3}]
    with (tmp_path / "log.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "log.json").write_text(json.dumps(rows))
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "coco.json").write_text('{"images": [], "annotations": []}')
    (tmp_path / "damaged.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04" + b"\0" * 50)
    assert [path.name for path in sorted(tmp_path.iterdir()) if known(path)] == []


def test_with_several_connections_a_file_needs_its_source(store: Store, tmp_path: Path) -> None:
    for name in ("north", "south"):
        connections.add(store, Connection(name, "label-studio", name, "http://127.0.0.1:1", "env:X", people={"5": f"W-{name}"}))
    path = written(tmp_path / "x.json", task(1, {}))
    with pytest.raises(InputError, match="--source"):
        connections.imported(store, path)
    taken(store, path, "south")
    assert store.rows("SELECT worker_id FROM worker") == [("W-south",)]
    assert log(store)[0][0] == "south"
