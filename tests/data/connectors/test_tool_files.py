"""Files of tools without a server to ask: rows are built in the shape each tool documents, and what must come of them is written out."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from data import connections, load
from data.connectors.connector import Connection
from data.connectors.registry import EXPORTS
from data.errors import InputError
from data.load import LoadReport
from data.store import Store
from data.verify import verify

Row = Mapping[str, object]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as made:
        yield made
        assert all(check.ok for check in verify(made))


def as_csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def take(store: Store, path: Path, content: str, source: str | None = None) -> dict[str, LoadReport]:
    path.write_text(content, encoding="utf-8")
    reports = connections.imported(store, path, source=source)
    assert reports is not None, "the file was not recognised"
    for one in reports:
        assert one.rows == one.new + one.updated + one.duplicates + one.rejected
    return {one.table: one for one in reports}


def counts(report: LoadReport) -> tuple[int, int, int, int]:
    return report.new, report.updated, report.duplicates, report.rejected


def work(store: Store, columns: str) -> list[tuple[object, ...]]:
    return store.rows(f"""SELECT {columns} FROM work AS w JOIN worker USING (worker_key) JOIN project USING (project_key)
        LEFT JOIN batch AS b USING (batch_key) ORDER BY event_id""")


def reviews(store: Store, columns: str) -> list[tuple[object, ...]]:
    return store.rows(f"""SELECT {columns} FROM review AS r JOIN worker AS w USING (worker_key) JOIN project USING (project_key)
        LEFT JOIN worker AS v ON v.worker_key = r.reviewer_key ORDER BY review_id""")


def said(report: LoadReport) -> list[tuple[int, str, str | None]]:
    return [(one.line, one.code, one.column) for one in report.rejects]


# Mechanical Turk ------------------------------------------------------------------------------------------------------------
def assignment(number: int, **more: object) -> dict[str, object]:
    return {
        "HITId": f"HIT{number % 2}", "HITTypeId": "TYPE1", "Title": "Draw a box", "Description": "round every cat", "Keywords": "cats",
        "Reward": "$0.05", "CreationTime": "Sat Nov 02 09:00:00 PDT 2013", "MaxAssignments": 3,
        "RequesterAnnotation": "BatchId:1305;OriginalHitTemplateId:920;", "AssignmentDurationInSeconds": 3600,
        "AutoApprovalDelayInSeconds": 259200, "Expiration": "Sat Nov 09 09:00:00 PST 2013", "NumberOfSimilarHITs": "", "LifetimeInSeconds": "",
        "AssignmentId": f"A{number}", "WorkerId": f"W{number}", "AssignmentStatus": "Submitted", "AcceptTime": "Sat Nov 02 13:41:00 PDT 2013",
        "SubmitTime": "Sat Nov 02 13:41:22 PDT 2013", "AutoApprovalTime": "Tue Nov 05 12:41:22 PST 2013", "ApprovalTime": "", "RejectionTime": "",
        "RequesterFeedback": "", "WorkTimeInSeconds": 22, "LifetimeApprovalRate": "0% (0/0)", "Last30DaysApprovalRate": "0% (0/0)",
        "Last7DaysApprovalRate": "0% (0/0)", "Input.url": f"http://x/{number}.jpg", "Answer.box": '[{"x": 1, "y": "a,b"}]', "Approve": "", "Reject": "",
    } | more  # fmt: skip


REVERSED = assignment(
    4, AssignmentStatus="Approved", RejectionTime="Sun Nov 03 01:30:00 PDT 2013", ApprovalTime="Sun Nov 03 01:10:00 PST 2013",
    RequesterFeedback="no cat", LifetimeApprovalRate="50% (1/2)",
)  # fmt: skip
BATCH = [
    assignment(1), assignment(2, AssignmentStatus="Approved", ApprovalTime="Mon Nov 04 08:00:00 PST 2013"),
    assignment(3, AssignmentStatus="Rejected", RejectionTime="Mon Nov 04 16:00:00 UTC 2013", RequesterFeedback="=1+1"), REVERSED,
    assignment(5, AssignmentStatus="Approved", ApprovalTime="Tue Nov 05 12:41:22 PST 2013"),
    assignment(6, SubmitTime="Sat Nov 02 20:41:22 UTC 2013", WorkTimeInSeconds=""),
]  # fmt: skip


def test_assignments_are_work_and_decisions_are_reviews(store: Store, tmp_path: Path) -> None:
    made = take(store, tmp_path / "Batch_1305_batch_results.csv", as_csv(BATCH))
    assert (counts(made["annotations"]), counts(made["reviews"]), counts(made["projects"])) == ((6, 0, 0, 0), (5, 0, 0, 0), (1, 0, 0, 0))
    rows = work(store, "event_id, worker_id, project_id, b.batch_id, item_id, ts::VARCHAR, seconds::VARCHAR, clock, wall_s")
    # 13:41:22 in daylight saving time is 20:41:22 UTC; all six mean the same instant, however it is written
    assert rows[0] == ("A1", "W1", "TYPE1", "1305", "HIT1", "2013-11-02 20:41:22", "22.000", 4, None)
    assert {row[5:] for row in rows} == {("2013-11-02 20:41:22", "22.000", 4, None)}
    assert store.rows("SELECT name FROM project WHERE project_id = 'TYPE1'") == [("Draw a box",)]
    found = reviews(store, "review_id, w.worker_id, r.event_id, verdict, r.ts::VARCHAR, linked, overturned, sampled_why")
    assert found == [
        ("A2:approve", "W2", "A2", 0, "2013-11-04 16:00:00", True, False, None),
        ("A3:reject", "W3", "A3", 2, "2013-11-04 16:00:00", True, False, None),
        ("A4:approve", "W4", "A4", 0, "2013-11-03 09:10:00", True, False, None),  # the second 1:10 of that night, 40 minutes after …
        ("A4:reject", "W4", "A4", 2, "2013-11-03 08:30:00", True, True, None),  # … the first 1:30
        ("A5:approve", "W5", "A5", 0, "2013-11-05 20:41:22", True, False, "automatic approval"),
    ]
    (extra,) = store.rows("SELECT extra FROM review WHERE review_id = 'A4:reject'")
    assert json.loads(extra[0]) == {"RequesterFeedback": "no cat"}
    kept = json.loads(work(store, "w.extra")[0][0])  # type: ignore[arg-type]
    assert kept["Input.url"] == "http://x/1.jpg"
    assert json.loads(kept["Answer.box"]) == [{"x": 1, "y": "a,b"}]
    assert not kept.keys() & {"LifetimeApprovalRate", "AssignmentStatus", "ApprovalTime"}


def test_a_later_download_only_adds(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "Batch_1305_batch_results.csv"
    take(store, path, as_csv(BATCH))
    again = take(store, path, as_csv(BATCH))
    assert (counts(again["annotations"]), counts(again["reviews"])) == ((0, 0, 6, 0), (0, 0, 5, 0))
    assert "projects" not in again
    later = [one | {"LifetimeApprovalRate": "99% (9/9)"} for one in BATCH]
    later[0] |= {"AssignmentStatus": "Approved", "ApprovalTime": "Wed Nov 06 08:00:00 PST 2013"}
    made = take(store, tmp_path / "Batch_1305_batch_results (1).csv", as_csv([*later, assignment(7)]))
    assert (counts(made["annotations"]), counts(made["reviews"])) == ((1, 0, 6, 0), (1, 0, 5, 0))
    older = take(store, path, as_csv(BATCH))
    assert (counts(older["annotations"]), counts(older["reviews"])) == ((0, 0, 6, 0), (0, 0, 5, 0))


def test_assignments_that_cannot_be_read_are_refused_once_with_their_line(store: Store, tmp_path: Path) -> None:
    rows = [
        assignment(1), assignment(2, WorkerId="", AssignmentStatus="Approved", ApprovalTime="Mon Nov 04 08:00:00 PST 2013"),
        assignment(3, SubmitTime="Sat Nov 02 13:41:22 XYZ 2013"), assignment(4, WorkTimeInSeconds="fast"),
        assignment(5, AssignmentStatus="Approved", ApprovalTime="soon"), assignment(6, AssignmentStatus="Rejected"),
    ]  # fmt: skip
    made = take(store, tmp_path / "b.csv", as_csv(rows) + '"torn"\n')
    assert said(made["annotations"]) == [
        (3, "missing", "worker_id"), (4, "instant", "ts"), (5, "duration", "duration_s"), (8, "fields_few", None),
    ]  # fmt: skip
    assert said(made["reviews"]) == [(6, "instant", "ts")]
    assert [row[0] for row in work(store, "event_id")] == ["A1", "A5", "A6"]
    assert reviews(store, "review_id, verdict, r.ts") == [("A6:reject", 2, None)]  # a decision without its time is a decision


# CrowdFlower ----------------------------------------------------------------------------------------------------------------
def judgment(number: int, **more: object) -> dict[str, object]:
    return {
        "_unit_id": 900 + number % 3, "_created_at": "8/4/2018 18:40:05", "_golden": "false", "_id": 7000 + number, "_missed": "",
        "_started_at": "8/4/2018 18:39:51", "_tainted": "false", "_channel": "clixsense", "_trust": "0.9", "_worker_id": f"4{number}",
        "_country": "GBR", "_region": "H9", "_city": "London", "_ip": "192.0.2.7", "is_a_cat": "yes", "is_a_cat_gold": "", "url": "http://x/1.jpg",
    } | more  # fmt: skip


FULL = [
    judgment(1), judgment(2, _golden="true", _missed="true", is_a_cat_gold="no"), judgment(3, _golden="TRUE", _missed="FALSE"),
    judgment(4, _golden="true", _tainted="true"),
]  # fmt: skip


def test_a_full_report_is_known_by_its_columns_and_test_questions_are_gold(store: Store, tmp_path: Path) -> None:
    made = take(store, tmp_path / "f1290.csv", as_csv(FULL))
    assert (counts(made["annotations"]), counts(made["reviews"])) == ((4, 0, 0, 0), (3, 0, 0, 0))
    rows = work(store, "event_id, worker_id, project_id, b.batch_id, item_id, ts::VARCHAR, seconds::VARCHAR, clock")
    assert rows[0] == ("7001", "41", "f1290", "f1290", "901", "2018-08-04 18:40:05", "14.000", 4)  # month first, whatever the day
    found = reviews(store, "review_id, r.event_id, stage, verdict, linked, sampled_why, r.ts::VARCHAR")
    at = "2018-08-04 18:40:05"
    assert found == [(f"700{n}:gold", f"700{n}", 4, verdict, True, "gold", at) for n, verdict in ((2, 2), (3, 0), (4, 0))]
    extras = [json.loads(row[0]) for row in work(store, "w.extra")]  # type: ignore[arg-type]
    assert [one["_tainted"] for one in extras] == ["false", "false", "false", "true"]
    assert extras[1]["is_a_cat_gold"] == "no"
    assert "192.0.2.7" not in json.dumps(extras)
    again = take(store, tmp_path / "f1290 (1).csv", as_csv([*FULL, judgment(5)]))
    assert (counts(again["annotations"]), counts(again["reviews"])) == ((1, 0, 4, 0), (0, 0, 3, 0))


def test_the_keys_of_a_full_report_are_those_of_its_mapping(store: Store, tmp_path: Path) -> None:
    (tmp_path / "f1290.csv").write_text(as_csv([judgment(1), judgment(2)]))
    load.import_file(store, tmp_path / "f1290.csv", mapping="crowdflower", source="crowdflower")
    before = work(store, "event_id, worker_id, project_id, b.batch_id, item_id, ts, seconds, clock, round, w.units")
    take(store, tmp_path / "f1290.csv", as_csv([judgment(1), judgment(2)]))
    assert work(store, "event_id, worker_id, project_id, b.batch_id, item_id, ts, seconds, clock, round, w.units") == before


def test_an_aggregated_report_is_refused_with_the_reason(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a1290.csv"
    path.write_text(
        "_unit_id,_golden,_unit_state,_trusted_judgments,_last_judgment_at,is_a_cat,is_a_cat:confidence\n1,false,finalized,3,8/4/2018,yes,1\n"
    )
    with pytest.raises(InputError, match="aggregated report") as caught:
        connections.imported(store, path)
    assert "汇总报告" in caught.value.zh


# Prodigy ----------------------------------------------------------------------------------------------------------------------
def answer(number: int, who: str = "boxes-li%20wei", spans: int = 2, **more: object) -> dict[str, object]:
    drawn = [{"start": place, "end": place + 1, "token_start": place, "token_end": place, "label": "CAT"} for place in range(spans)]
    return {
        "text": f"text {number}", "_input_hash": number, "_task_hash": -number, "_is_binary": False, "tokens": [{"text": "text", "id": 0}], "spans": drawn,
        "_view_id": "ner_manual", "answer": "accept", "_timestamp": 1_707_211_049 + number, "_annotator_id": who, "_session_id": who,
    } | more  # fmt: skip


def test_answers_are_work_of_whoever_the_session_is_named_after(store: Store, tmp_path: Path) -> None:
    rows = [
        answer(1), answer(2, spans=0), answer(3, answer="ignore"), answer(4, answer="reject"), answer(5, who="2024-02-06_10-17-19"),
        {"text": "is it a cat", "label": "CAT", "_input_hash": 6, "_task_hash": 66, "answer": "accept", "_session_id": "boxes-wang", "_timestamp": 1_707_211_055},
        answer(7, relations=[{"head": 0, "child": 1, "label": "OWNS"}]),
    ]  # fmt: skip
    made = take(store, tmp_path / "boxes.jsonl", as_lines(rows))
    assert counts(made["annotations"]) == (7, 0, 0, 0)
    found = store.rows("""SELECT item_id, worker_id, project_id, action, units::DOUBLE, epoch(ts)::BIGINT FROM work JOIN worker USING (worker_key)
        JOIN project USING (project_key) ORDER BY item_id""")
    assert found == [
        ("1", "li wei", "boxes", 0, 2, 1_707_211_050), ("2", "li wei", "boxes", 0, 0, 1_707_211_051), ("3", "li wei", "boxes", 3, 0, 1_707_211_052),
        ("4", "li wei", "boxes", 0, 1, 1_707_211_053), ("5", "2024-02-06_10-17-19", "boxes", 0, 2, 1_707_211_054),
        ("6", "wang", "boxes", 0, 1, 1_707_211_055), ("7", "li wei", "boxes", 0, 3, 1_707_211_056),
    ]  # fmt: skip
    assert {json.loads(row[0])["answer"] for row in store.rows("SELECT extra FROM work")} == {"accept", "ignore", "reject"}
    again = take(store, tmp_path / "boxes (1).jsonl", as_lines([*rows, answer(8)]))
    assert counts(again["annotations"]) == (1, 0, 7, 0)


def test_answers_without_a_time_are_told_apart_by_their_order(store: Store, tmp_path: Path) -> None:
    old = [{key: value for key, value in answer(one).items() if key not in ("_timestamp", "_annotator_id")} for one in (1, 1, 2)]
    made = take(store, tmp_path / "boxes.jsonl", as_lines(old))
    assert counts(made["annotations"]) == (3, 0, 0, 0)
    assert made["annotations"].undated == 3
    assert counts(take(store, tmp_path / "boxes.jsonl", as_lines(old))["annotations"]) == (0, 0, 3, 0)


def test_the_review_recipe_judges_the_answers_it_shows(store: Store, tmp_path: Path) -> None:
    given = [answer(1), answer(1, who="boxes-wang", spans=1), answer(2)]
    take(store, tmp_path / "boxes.jsonl", as_lines(given))
    versions = [
        {"text": "text 1", "spans": given[0]["spans"], "answer": "accept", "sessions": ["boxes-li%20wei"], "default": True},
        {"text": "text 1", "spans": given[1]["spans"], "answer": "accept", "sessions": ["boxes-wang", "boxes-zhao"], "default": False},
    ]
    final = answer(1, who="second-qc", _timestamp=1_707_300_000, versions=versions, sessions=["boxes-li%20wei", "boxes-wang", "boxes-zhao"])
    skipped = answer(
        2, who="second-qc", _timestamp=1_707_300_009, answer="ignore", versions=[{"spans": [], "sessions": ["boxes-li%20wei"]}]
    )
    made = take(store, tmp_path / "second.jsonl", as_lines([final, skipped]))
    assert (counts(made["annotations"]), counts(made["reviews"])) == ((2, 0, 0, 0), (3, 0, 0, 0))
    found = reviews(store, "w.worker_id, v.worker_id, item_id, project_id, verdict, linked, epoch(r.ts)::BIGINT")
    at = 1_707_300_000
    assert sorted(found) == [  # type: ignore[type-var]
        ("boxes-zhao", "qc", "1", "second", 2, False, at),  # the log has no answer of theirs
        ("li wei", "qc", "1", "boxes", 0, True, at), ("wang", "qc", "1", "boxes", 2, True, at),
    ]  # fmt: skip
    assert store.rows("SELECT action, units::DOUBLE FROM work JOIN worker USING (worker_key) WHERE worker_id = 'qc' ORDER BY ts") == [
        (2, 1),
        (3, 0),
    ]
    again = take(store, tmp_path / "second.jsonl", as_lines([final, skipped]))
    assert (counts(again["annotations"]), counts(again["reviews"])) == ((0, 0, 2, 0), (0, 0, 3, 0))


def test_answers_that_cannot_be_read_are_refused(store: Store, tmp_path: Path) -> None:
    nobody = {key: value for key, value in answer(2).items() if key not in ("_annotator_id", "_session_id")}
    content = as_lines([answer(1), nobody, answer(3, _timestamp="noon")]) + '{"text": "torn", "_input_ha\n[1]\n' + as_lines([answer(4)])
    made = take(store, tmp_path / "boxes.jsonl", content)
    assert said(made["annotations"]) == [(2, "missing", "event_id"), (3, "instant", "ts"), (4, "json", None), (5, "json", None)]
    assert [row[0] for row in work(store, "item_id")] == ["1", "4"]


# Zooniverse -----------------------------------------------------------------------------------------------------------------
def classification(
    number: int, begun: str = "10:00:00", ended: str = "10:00:12.5", value: object = "Yes", **more: object
) -> dict[str, object]:
    metadata = {
        "source": "api", "session": "e69d", "viewport": {"width": 1081, "height": 1049}, "started_at": f"2018-02-20T{begun}Z", "user_agent": "Mozilla",
        "utc_offset": "0", "finished_at": f"2018-02-20T{ended}Z", "live_project": True, "user_language": "en", "user_group_ids": [],
    }  # fmt: skip
    return {
        "classification_id": 9100 + number, "user_name": "mona", "user_id": 290, "user_ip": "2c61707e", "workflow_id": 6122, "workflow_name": "Cats",
        "workflow_version": "28.30", "created_at": "2018-02-20 10:00:14 UTC", "gold_standard": "", "expert": "", "metadata": json.dumps(metadata),
        "annotations": json.dumps([{"task": "T0", "task_label": "A cat?", "value": value}]), "subject_data": '{"77":{"retired":null}}', "subject_ids": 77,
    } | more  # fmt: skip


def test_classifications_are_work_with_the_browsers_duration(store: Store, tmp_path: Path) -> None:
    shapes = [{"tool": 0, "x": 1.5, "y": 2, "details": []}, {"tool": 1, "x": 3, "y": 4, "details": []}]
    rows = [
        classification(1), classification(2, user_name="not-logged-in-2c61707e", user_id=""), classification(3, subject_ids="77;78"),
        classification(4, begun="10:05:00"), classification(5, begun="04:00:00", ended="04:00:30"), classification(6, value=shapes),
        classification(7, value=[{"task": "T1", "value": [{"choice": "LION", "answers": {}}]}, {"task": "T2", "value": "No"}]),
        classification(8, metadata="{torn"), classification(9, value=["a", "b"], gold_standard="true"),
    ]  # fmt: skip
    made = take(store, tmp_path / "cats-classifications.csv", as_csv(rows))
    assert counts(made["annotations"]) == (9, 0, 0, 0)
    found = work(store, "event_id, worker_id, item_id, w.units::DOUBLE, seconds::DOUBLE")
    assert found == [
        ("9101", "mona", "77", 1, 12.5), ("9102", "not-logged-in-2c61707e", "77", 1, 12.5), ("9103", "mona", "77;78", 1, 12.5),
        ("9104", "mona", "77", 1, None),  # it ended before it began
        ("9105", "mona", "77", 1, 30),  # a clock six hours off measures lengths as well as any
        ("9106", "mona", "77", 2, 12.5), ("9107", "mona", "77", 1, 12.5), ("9108", "mona", "77", 1, None), ("9109", "mona", "77", 1, 12.5),
    ]  # fmt: skip
    assert {row[0] for row in store.rows("SELECT ts::VARCHAR FROM work")} == {"2018-02-20 10:00:14"}
    assert store.rows("SELECT project_id, name FROM project WHERE project_id <> ''") == [("6122", "Cats")]
    extras = {row[0]: json.loads(str(row[1])) for row in work(store, "event_id, w.extra")}
    assert extras["9104"]["browser_times"] == "2018-02-20T10:05:00Z … 2018-02-20T10:00:12.5Z"
    assert extras["9109"]["gold_standard"] == "true"
    assert "2c61707e" not in json.dumps(extras["9101"])
    retired = [row | {"subject_data": '{"77":{"retired":"2019-01-01"}}'} for row in rows]
    again = take(store, tmp_path / "cats-classifications.csv", as_csv([*retired, classification(10)]))
    assert counts(again["annotations"]) == (1, 0, 9, 0)


def test_classifications_that_cannot_be_read_are_refused(store: Store, tmp_path: Path) -> None:
    rows = [
        classification(1),
        classification(2, user_name="", user_id=""),
        classification(3, created_at="20th"),
        classification(4, user_name=""),
    ]
    made = take(store, tmp_path / "c.csv", as_csv(rows))
    assert said(made["annotations"]) == [(3, "missing", "worker_id"), (4, "instant", "ts")]
    assert work(store, "worker_id") == [("mona",), ("user 290",)]


# All of them ----------------------------------------------------------------------------------------------------------------
FILES = {
    "mturk": as_csv(BATCH), "crowdflower": as_csv(FULL), "prodigy": as_lines([answer(1), answer(2)]), "zooniverse": as_csv([classification(1)]),
}  # fmt: skip


@pytest.mark.parametrize("tool", sorted(FILES))
def test_a_file_is_known_by_one_tool_whatever_it_is_called(store: Store, tmp_path: Path, tool: str) -> None:
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbf" + FILES[tool].encode())
    assert [one.tool for one in EXPORTS if one.knows(tmp_path / "x.txt")] == [tool]
    (tmp_path / "x.gz").write_bytes(gzip.compress(FILES[tool].encode()))
    assert [one.tool for one in EXPORTS if one.knows(tmp_path / "x.gz")] == [tool]
    (tmp_path / "x.gz").write_bytes(gzip.compress(FILES[tool].encode())[:15])
    assert [one.tool for one in EXPORTS if one.knows(tmp_path / "x.gz")] == []


@pytest.mark.parametrize("tool", sorted(FILES))
def test_without_a_connection_the_ids_are_the_tool_s_or_those_named(store: Store, tmp_path: Path, tool: str) -> None:
    (one,) = [found for found in EXPORTS if found.tool == tool]
    assert one.title
    take(store, tmp_path / "a.txt", FILES[tool])
    take(store, tmp_path / "a.txt", FILES[tool], source="elsewhere")
    assert store.rows("SELECT name FROM source WHERE name IN (?, 'elsewhere') ORDER BY name", [tool]) == sorted([(tool,), ("elsewhere",)])
    assert {row[0] for row in store.rows("SELECT DISTINCT source FROM load")} == {tool, "elsewhere"}


def test_two_connections_to_one_tool_must_be_told_apart(store: Store, tmp_path: Path) -> None:
    for name in ("a", "b"):
        connections.add(store, Connection(name, "label-studio", name, "http://127.0.0.1:1", "env:LS"))
    task = {"id": 1, "annotations": [{"id": 7, "completed_by": 5, "was_cancelled": False}]}
    (tmp_path / "tasks.json").write_text(json.dumps([task]))
    with pytest.raises(InputError, match=r"export of Label Studio.*\(a, b\)") as caught:
        connections.imported(store, tmp_path / "tasks.json")
    assert "Label Studio" in caught.value.zh
