"""Labelbox's exports: rows in the shape it documents, what must come of them written out, and anything else refused with its line."""

from __future__ import annotations

import csv
import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import connections
from data.connectors.labelbox import LabelboxFiles
from data.load import LoadReport
from data.store import Store
from data.verify import verify

WANG, LI, ZHAO = "wang@base.cn", "li@base.cn", "zhao@base.cn"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as made:
        yield made
        assert [one.name for one in verify(made) if not one.ok] == []


def box(number: int) -> dict[str, Any]:
    return {
        "feature_id": f"f{number}", "feature_schema_id": "s1", "name": "car", "annotation_kind": "ImageBoundingBox", "classifications": [],
        "bounding_box": {"top": 977.0, "left": 1690.0, "height": 330.0, "width": 225.0},
    }  # fmt: skip


def radio(number: int) -> dict[str, Any]:
    return {"feature_id": f"c{number}", "name": "weather", "radio_answer": {"feature_id": "a", "name": "sunny", "classifications": []}}


def label(
    number: int, by: str | None = WANG, *, boxes: int = 2, seconds: float | None = 63.5, reviews: Sequence[Any] = (), **performance: Any
) -> dict[str, Any]:
    return {
        "label_kind": "Default", "version": "1.0.0", "id": f"clur{number}",
        "label_details": {
            "created_at": f"2024-04-08T16:{number % 60:02d}:26.000+00:00", "updated_at": f"2024-04-08T17:{number % 60:02d}:02.000+00:00", "created_by": by,
            "content_last_updated_at": "2024-04-08T16:34:00.513+00:00", "reviews": list(reviews),
        },
        "performance_details": {"seconds_to_create": seconds, "seconds_to_review": 0, "skipped": False, **performance},
        "annotations": {"objects": [box(number * 100 + k) for k in range(boxes)], "classifications": [], "relationships": []},
    }  # fmt: skip


def data_row(number: int, labels: Sequence[Any], *, project: str = "cltd3", **details: Any) -> dict[str, Any]:
    return {
        "data_row": {
            "id": f"clf{number}", "global_key": f"image-{number}.jpeg", "row_data": "https://storage.example.com/1.jpeg",
            "details": {"dataset_id": "clf9", "dataset_name": "demo", "created_at": "2023-03-15T14:46:58.000+00:00", "created_by": "admin@base.cn"},
        },
        "media_attributes": {"height": 1707, "width": 2560, "mime_type": "image/jpeg"}, "attachments": [], "metadata_fields": [],
        "embeddings": [{"id": "e", "name": "CLIP", "dimensions": 2, "is_custom": False, "values": [{"value": [-0.42, -0.04]}]}],
        "projects": {project: {"name": "Cars 车辆", "labels": list(labels), "project_details": {"batch_id": "b1", "batch_name": "March", "priority": 5, "workflow_status": "DONE", **details}}},
    }  # fmt: skip


def step(action: str, by: str, minute: int, hour: int = 18) -> dict[str, Any]:
    return {"action": action, "created_at": f"2024-04-08T{hour}:{minute:02d}:00.000+00:00", "created_by": by, "next_task_name": "Done"}


def take(store: Store, path: Path, rows: Sequence[Any]) -> dict[str, LoadReport]:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return imported(store, path)


def imported(store: Store, path: Path) -> dict[str, LoadReport]:
    assert LabelboxFiles().knows(path)
    reports = connections.imported(store, path)
    assert reports is not None
    for one in reports:
        assert one.rows == one.new + one.updated + one.duplicates + one.rejected
    return {one.table: one for one in reports}


def work(
    store: Store, columns: str = "event_id, worker_id, project_id, item_id, batch_id, action, w.units, seconds"
) -> list[tuple[Any, ...]]:
    return store.rows(f"""SELECT {columns} FROM work AS w JOIN worker USING (worker_key) JOIN project USING (project_key)
        LEFT JOIN batch AS b ON b.batch_key = w.batch_key ORDER BY event_id""")


def reviews(store: Store) -> list[tuple[Any, ...]]:
    return store.rows("""SELECT event_id, w.worker_id, v.worker_id, verdict, stage, inspected_units, linked, strftime(ts, '%d %H:%M') FROM review AS r
        JOIN worker AS w USING (worker_key) LEFT JOIN worker AS v ON v.worker_key = r.reviewer_key ORDER BY ts, event_id, review_id""")


def test_a_label_is_work_of_who_created_it(store: Store, tmp_path: Path) -> None:
    found = take(store, tmp_path / "export.ndjson", [data_row(1, [label(21)]), data_row(2, [])])
    assert (found["annotations"].new, found["annotations"].rejected) == (1, 0)
    assert work(store) == [("clur21", WANG, "cltd3", "clf1", "March", 0, 2, 63.5)]
    assert work(store, "strftime(ts, '%Y-%m-%d %H:%M:%S'), clock, json_extract_string(w.extra, '$.global_key')") == [
        ("2024-04-08 16:21:26", 0, "image-1.jpeg")
    ]
    assert store.rows("SELECT name FROM project") == [("Cars 车辆",)]


def test_a_label_exported_again_is_the_same_and_the_later_update_stands(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path / "a.ndjson", [data_row(1, [label(21)])])
    again = take(store, tmp_path / "a2.ndjson", [data_row(1, [label(21)])])["annotations"]
    assert (again.new, again.updated, again.duplicates) == (0, 0, 1)
    later = label(21, boxes=5)
    later["label_details"]["updated_at"] = "2024-04-09T08:00:00.000+00:00"
    assert take(store, tmp_path / "b.ndjson", [data_row(1, [later])])["annotations"].updated == 1
    assert take(store, tmp_path / "c.ndjson", [data_row(1, [label(21)])])["annotations"].duplicates == 1
    assert work(store, "w.units") == [(5,)]


def test_objects_of_a_video_count_once_however_many_frames_they_are_in(store: Store, tmp_path: Path) -> None:
    """Two objects over three frames, in three segments: two units."""
    video = label(1)
    video["label_kind"] = "Video"
    thing = {"feature_id": "x", "name": "bbox", "annotation_kind": "VideoBoundingBox", "classifications": [], "bounding_box": {"top": 98.0}}
    video["annotations"] = {
        "frames": {"13": {"objects": {"x": thing}, "classifications": []}, "18": {"objects": {"x": thing, "y": thing}, "classifications": []}, "19": {"objects": {"x": thing}}},
        "segments": {"x": [[13, 13], [18, 19]], "y": [[18, 18]]}, "key_frame_feature_map": {"x": {"13": True, "18": False, "19": True}}, "classifications": [],
    }  # fmt: skip
    take(store, tmp_path / "video.ndjson", [data_row(1, [video])])
    assert work(store, "w.units, json_extract_string(w.extra, '$.frames'), json_extract_string(w.extra, '$.segments')") == [(2, "3", "3")]


@pytest.mark.parametrize(
    ("annotations", "units"),
    [
        ({"objects": [], "classifications": [radio(1), radio(2)]}, 1), ({"objects": [], "classifications": []}, 0), ({}, 0),
        ({"objects": [box(1), box(1), {"name": "span"}], "classifications": [radio(1)]}, 2),
        ({"groups": {"Axial": {"frames": {"1": {"objects": {"a": {}, "b": {}}}}}, "Sagittal": {"frames": {"1": {"objects": {"c": {}}}}}}}, 3),
        ({"frames": {"3": {"objects": {}, "classifications": [radio(1)]}}, "classifications": []}, 1),
    ],
)  # fmt: skip
def test_units(store: Store, tmp_path: Path, annotations: dict[str, Any], units: int) -> None:
    take(store, tmp_path / "e.ndjson", [data_row(1, [label(1) | {"annotations": annotations}])])
    assert work(store, "w.units") == [(units,)]


def test_a_skipped_label_keeps_its_time_and_has_no_output(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path / "e.ndjson", [data_row(1, [label(1, skipped=True, seconds=12)])])
    assert work(store, "action, w.units, seconds") == [(3, 0, 12)]


def test_scores_are_kept_and_benchmarks_marked(store: Store, tmp_path: Path) -> None:
    scored = label(1, consensus_score=0.87, benchmark_score=0.91)
    scored["label_details"]["is_benchmark_reference"] = True
    take(store, tmp_path / "e.ndjson", [data_row(1, [scored])])
    kept = [f"json_extract_string(w.extra, '$.{name}')" for name in ("consensus_score", "benchmark_score", "is_benchmark")]
    assert work(store, ", ".join(kept)) == [("0.87", "0.91", "true")]


def test_reviews_of_a_label_and_the_time_they_took(store: Store, tmp_path: Path) -> None:
    found = [
        {"reviewed_at": "2024-04-08T18:00:00.000+00:00", "reviewed_by": LI, "score": -1},
        {"reviewed_at": "2024-04-08T19:00:00.000+00:00", "reviewed_by": LI, "score": 1},
    ]
    take(store, tmp_path / "e.ndjson", [data_row(1, [label(1, reviews=found, seconds_to_review=14.5)])])
    assert reviews(store) == [
        ("clur1", WANG, LI, 2, 1, 2, True, "08 18:00"), ("clur1", WANG, LI, 0, 1, 2, True, "08 19:00"),
    ]  # fmt: skip
    assert work(store, "event_id, worker_id, action, w.units, seconds") == [("clur1", WANG, 0, 2, 63.5), ("clur1/review", LI, 2, 0, 14.5)]


def test_time_of_several_reviewers_is_nobodys_and_kept_beside(store: Store, tmp_path: Path) -> None:
    found = [{"reviewed_at": f"2024-04-08T{hour}:00:00Z", "reviewed_by": who, "score": 1} for hour, who in ((18, LI), (19, ZHAO))]
    take(store, tmp_path / "e.ndjson", [data_row(1, [label(1, reviews=found, seconds_to_review=30)])])
    assert work(store, "event_id, json_extract_string(w.extra, '$.seconds_to_review')") == [("clur1", "30")]


def test_a_workflow_says_who_approved_and_who_sent_back(store: Store, tmp_path: Path) -> None:
    """Moves are no verdicts; of two labels the chosen one was judged; one's own approval is stage self."""
    history = [step("Move", WANG, 0), step("Reject", LI, 10), step("Approve", ZHAO, 20)]
    rows = [data_row(1, [label(1), label(2, ZHAO)], workflow_history=history, selected_label_id="clur2")]
    take(store, tmp_path / "e.ndjson", rows)
    assert reviews(store) == [
        ("clur2", ZHAO, LI, 2, 1, 2, True, "08 18:10"), ("clur2", ZHAO, ZHAO, 0, 0, 2, True, "08 18:20"),
    ]  # fmt: skip


def test_a_label_with_reviews_of_its_own_is_not_judged_twice(store: Store, tmp_path: Path) -> None:
    own = [{"reviewed_at": "2024-04-08T18:00:00Z", "reviewed_by": LI, "outcome": "Approved"}]
    take(store, tmp_path / "e.ndjson", [data_row(1, [label(1, reviews=own)], workflow_history=[step("Approve", LI, 1)])])
    assert len(reviews(store)) == 1


def test_a_verdict_came_after_the_label(store: Store, tmp_path: Path) -> None:
    """What was sent back before a label was made is not held against it."""
    take(
        store, tmp_path / "e.ndjson", [data_row(1, [label(30)], workflow_history=[step("Reject", LI, 0, hour=12), step("Approve", LI, 0)])]
    )
    assert [row[3] for row in reviews(store)] == [0]


def test_what_cannot_be_read_is_refused_with_its_line_and_stops_nothing(store: Store, tmp_path: Path) -> None:
    nameless = label(3)
    del nameless["label_details"]
    rows = [
        data_row(1, [label(1)]), {"data_row": {"global_key": "x"}, "projects": {}}, data_row(2, [nameless]), {"data_row": {"id": "y"}, "projects": ["z"]},
        data_row(4, [label(4, seconds=-5)]), data_row(5, [label(5, reviews=[{"reviewed_by": LI, "reviewed_at": "2024-04-08T18:00:00Z", "score": 0}])]),
        {"data_row": {"id": "q"}, "projects": {"p": {"name": "P", "labels": "none"}}}, data_row(6, [label(6)]),
    ]  # fmt: skip
    found = take(store, tmp_path / "e.ndjson", rows)
    assert sorted((one.line, one.code, one.column) for one in found["annotations"].rejects) == [
        (2, "nested", "item_id"), (3, "missing", "worker_id"), (4, "nested", "project_id"), (5, "range", "duration_s"), (7, "nested", "event_id"),
    ]  # fmt: skip
    assert [(one.line, one.code, one.column, one.value) for one in found["reviews"].rejects] == [(6, "choice", "verdict", "0")]
    assert [row[0] for row in work(store)] == ["clur1", "clur5", "clur6"]


def test_arrays_and_gzip_are_read_too(store: Store, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(json.dumps([data_row(1, [label(1)]), data_row(2, [label(2)])], indent=1), encoding="utf-8")
    assert imported(store, tmp_path / "e.json")["annotations"].new == 2
    packed = tmp_path / "e.ndjson.gz"
    packed.write_bytes(gzip.compress((json.dumps(data_row(1, [label(1)])) + "\n").encode()))
    assert imported(store, packed)["annotations"].duplicates == 1


OLD = {
    "ID": "ckw1", "DataRow ID": "ckd1", "Labeled Data": "https://storage.example.com/1.jpeg", "Created By": WANG, "Project Name": "Cars",
    "Created At": "2021-11-20T09:11:45.000Z", "Updated At": "2021-11-20T09:12:45.000Z", "Seconds to Label": 70.5, "Seconds to Review": 10.5,
    "External ID": "1.jpeg", "Agreement": 0.8, "Is Benchmark": 0, "Benchmark Agreement": -1, "Skipped": False, "Has Open Issues": 0,
    "Label": {"objects": [{"featureId": "a", "bbox": {"top": 1}}, {"featureId": "b"}], "classifications": []},
    "Reviews": [{"score": 1, "createdAt": "2021-11-21T08:00:00.000Z", "createdBy": LI}],
}  # fmt: skip


def test_the_exports_of_old(store: Store, tmp_path: Path) -> None:
    """Seconds to Label include the review: 70.5 − 10.5. JSON and CSV are the same facts."""
    (tmp_path / "old.json").write_text(json.dumps([OLD]), encoding="utf-8")
    imported(store, tmp_path / "old.json")
    assert work(store) == [("ckw1", WANG, "Cars", "ckd1", None, 0, 2, 60), ("ckw1/review", LI, "Cars", "ckd1", None, 2, 0, 10.5)]
    assert [row[:4] for row in reviews(store)] == [("ckw1", WANG, LI, 0)]
    with (tmp_path / "old.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(OLD))
        writer.writeheader()
        writer.writerow({name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in OLD.items()})
    found = imported(store, tmp_path / "old.csv")
    assert [(one.new, one.updated) for one in found.values()] == [(0, 0)] * len(found)


@pytest.mark.parametrize("text", ['{"data_row": 1}\n', "[]", '{"label": 1}', "ID,Created By\n1,2\n", "", '{"projects": {}, "data_row"'])
def test_other_files_are_not_taken_for_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.json").write_text(text, encoding="utf-8")
    assert not LabelboxFiles().knows(tmp_path / "f.json")


# Anything --------------------------------------------------------------------------------------------------------------------
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 10**13), st.floats(allow_nan=False), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["id", "objects", "frames", "score", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A data row in which some values have become something else, or are gone."""
    row: Any = data_row(
        draw(st.integers(0, 9)),
        [label(draw(st.integers(0, 99)), reviews=[{"reviewed_at": "2024-04-08T18:00:00Z", "reviewed_by": LI, "score": 1}]) for _ in range(draw(st.integers(0, 2)))],
        workflow_history=[step("Approve", ZHAO, 5)],
    )  # fmt: skip
    for _ in range(draw(st.integers(0, 3))):
        at = row
        for _ in range(draw(st.integers(0, 7))):
            inner = [value for value in (at.values() if isinstance(at, dict) else at) if isinstance(value, (dict, list)) and value]
            if not inner:
                break
            at = draw(st.sampled_from(inner))
        place = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if draw(st.booleans()):
            at[place] = draw(json_values)
        else:
            del at[place]
        if not isinstance(row, dict) or not row:
            break
    return row


def whole(row: Any) -> int | None:
    """How many labels a row holds, None when it is no data row: told without the reader's help."""
    if not isinstance(row, dict) or not isinstance(row.get("data_row"), dict) or not isinstance(row.get("projects"), dict):
        return None
    if isinstance(row["data_row"].get("id"), (dict, list)) or row["data_row"].get("id") in (None, ""):
        return None
    labels = [project.get("labels") if isinstance(project, dict) else None for project in row["projects"].values()]
    if not all(isinstance(listed, list) and all(isinstance(one, dict) for one in listed) for listed in labels):
        return None
    return sum(map(len, labels))  # type: ignore[arg-type]


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(damaged(), min_size=1, max_size=4))
def test_nothing_is_lost_and_no_row_harms_another(rows: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder, "s.duckdb")) as store:
        good = data_row(77, [label(777)], project="untouched")
        found = take(store, Path(folder, "e.ndjson"), [good, *rows])
        counted = [whole(row) for row in rows]
        labels, strange = sum(one or 0 for one in counted), sum(one is None for one in counted)
        times = store.rows("SELECT count(*) FROM work WHERE event_id LIKE '%/review'")[0][0]
        assert found["annotations"].rows >= 1 + labels + strange + times
        assert ("clur777", 2) in [(event, units) for event, _, project, _, _, _, units, _ in work(store) if project == "untouched"]
        again = imported(store, Path(folder, "e.ndjson"))
        assert again["annotations"].new == 0
        assert [one.name for one in verify(store) if not one.ok] == []
