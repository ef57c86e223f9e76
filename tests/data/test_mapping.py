"""From headers and files to canonical batches."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from data import delimited, mapping
from data.errors import InputError, NameUnknown
from data.mapping import BUILTINS, Mapping, detect_table, from_records, match, read_batches
from data.store import Store
from data.tables import ARROW, TABLES, Batch, table

SHARED = Path(os.environ.get("PIECEWORK_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"


def read(path: Path, **options: object) -> Batch:
    """All batches of a file as one."""
    batches = list(read_batches(path, **options))  # type: ignore[arg-type]
    assert len({batch.table for batch in batches}) == 1
    rows = pa.concat_tables([batch.rows for batch in batches], promote_options="default")
    rejects = [reject for batch in batches for reject in batch.rejects]
    return Batch(batches[0].table, rows, rejects, sum(batch.read for batch in batches), sum(batch.naive for batch in batches))


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding, newline="")
    return path


def column(batch: Batch, name: str) -> list[object]:
    return list(batch.rows.column(name).to_pylist())


# Headers -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("spec", TABLES.values(), ids=lambda spec: spec.name)
def test_every_table_is_known_by_its_own_columns(spec) -> None:  # type: ignore[no-untyped-def]
    headers = [column.name for column in spec.columns]
    assert match(spec, headers) == dict(zip(headers, headers, strict=True))
    assert detect_table(headers, f"{spec.name}.csv").name == spec.name
    assert detect_table([header.upper().replace("_", " ") for header in headers], f"{spec.name}.csv").name == spec.name


@pytest.mark.parametrize(("headers", "name", "found"), [
    ("记录编号,工号,项目,批次,图片名,提交时间,框数,耗时（秒）", "annotations",
     "event_id,worker_id,project_id,batch_id,item_id,ts,units,duration_s"),
    ("质检编号,工号,质检员,项目,题目ID,质检结果,错误类型,质检时间", "reviews",
     "review_id,worker_id,reviewer_id,project_id,item_id,verdict,error_type,ts"),
    ("工号,姓名,基地,班组,入职日期,离职日期,离职原因,技能等级", "workers",
     "worker_id,name,site_id,team_id,hire_date,leave_date,leave_reason,skill_level"),
    ("项目,生效日期,单价,动作,计薪节点", "rates", "project_id,valid_from,amount,action,pay_on"),
    ("工号,日期,上班打卡,下班打卡,请假类型", "attendance", "worker_id,work_date,clock_in,clock_out,leave"),
    ("基地,月份,费用类型,金额", "costs", "site_id,month,kind,amount"),
    ("annotation_id,annotator,project,image,created_at,lead_time", "annotations", "event_id,worker_id,project_id,item_id,ts,duration_s"),
])  # fmt: skip
def test_the_usual_words_for_columns(headers: str, name: str, found: str) -> None:
    spec = detect_table(headers.split(","), "file.csv")
    assert spec.name == name
    assert {header: column for column, header in match(spec, headers.split(",")).items()} == dict(
        zip(headers.split(","), found.split(","), strict=True)
    )


def test_the_canonical_name_wins_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", '提交时间,ts,event_id,worker_id,project_id,item_id,x_started_at,x_country,备注\n'
               '2026-01-02,2026-01-01,e1,007,p,i,2026-01-01,"G""B",\n')  # fmt: skip
    batch = read(path)
    assert column(batch, "ts") == [datetime(2026, 1, 1)]
    assert column(batch, "started_at") == [datetime(2026, 1, 1)]
    assert column(batch, "worker_id") == ["007"]
    assert [json.loads(str(extra)) for extra in column(batch, "extra")] == [{"提交时间": "2026-01-02", "x_country": 'G"B'}]


def test_what_fits_no_table_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not fit workers: it has no worker_id.*gender, field, level"):
        read(put(tmp_path / "job_retention.csv", "gender,field,level,sentiment,intention,left,month\nM,IT,High,3,8,1,1\n"))
    with pytest.raises(InputError, match="--mapping crowdflower"):
        read(put(tmp_path / "x.csv", "_unit_id,_created_at,_id,_started_at,_worker_id\n1,8/20/2018 18:40:05,2,8/20/2018 18:39:51,w\n"))
    with pytest.raises(InputError, match="fits no table"):
        read(put(tmp_path / "y.csv", "foo,bar\n1,2\n"))
    with pytest.raises(InputError, match="fits both"):
        read(put(tmp_path / "z.csv", "project_id,valid_from,amount\np,2026-01-01,1\n"))
    with pytest.raises(InputError, match="two columns named “event_id”"):
        read(put(tmp_path / "d.csv", "event_id,event_id,worker_id,project_id,item_id\n1,2,3,4,5\n"))
    assert read(put(tmp_path / "rates.csv", "project_id,valid_from,amount\np,2026-01-01,1\n")).table == "rates"
    assert read(tmp_path / "z.csv", table="prices").table == "prices"
    with pytest.raises(NameUnknown, match="prices"):
        read(tmp_path / "z.csv", table="price")


# Rows ------------------------------------------------------------------------------------------------------------------------
def test_rows_come_out_typed_and_refused_ones_apart(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "event_id,worker_id,project_id,item_id,ts,units,duration_s,action\n"
               "e1,w1,p,i,2026-03-05T14:30:00+08:00,2,1:00,标注\n"
               "e2,,p,i,2026-03-05T14:30:00Z,2,5,返工\n"
               "e3,w1,p,i,yesterday,2,5,\n"
               ",,,,,,,\n"
               "e4,w1,p,i,,-2,5,\n"
               "e5,w1,p,i\n"
               "e6,w1,p,i,2026-03-05 14:30:00,,,=cmd()\n"
               "e7,w1,p,i,2026-03-05 14:30:00,,,\n")  # fmt: skip
    batch = read(path, zone="Asia/Shanghai")
    assert batch.rows.schema.field("ts").type == ARROW["instant"]
    assert batch.rows.schema.field("units").type == ARROW["quantity"]
    assert batch.rows.select(["line", "event_id", "ts", "units", "duration_s", "clock", "action"]).to_pylist() == [
        {"line": 2, "event_id": "e1", "ts": datetime(2026, 3, 5, 6, 30), "units": Decimal(2), "duration_s": Decimal(60), "clock": "reported",
         "action": "annotate"},
        {"line": 9, "event_id": "e7", "ts": datetime(2026, 3, 5, 6, 30), "units": Decimal(1), "duration_s": None, "clock": None,
         "action": "annotate"},
    ]  # fmt: skip
    assert [(reject.line, reject.code, reject.column, reject.value) for reject in batch.rejects] == [
        (3, "missing", "worker_id", None), (4, "instant", "ts", "yesterday"), (6, "range", "units", "-2"), (7, "fields_few", None, "4"),
        (8, "choice", "action", "=cmd()"),
    ]  # fmt: skip
    assert batch.rejects[0].raw == "e2,,p,i,2026-03-05T14:30:00Z,2,5,返工"
    assert (batch.read, batch.naive) == (7, 1)


def test_a_missing_duration_is_the_wall_clock_between_start_and_end(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "event_id,worker_id,project_id,item_id,started_at,ts,duration_s,clock\n"
               "1,w,p,i,2026-03-05T10:00:00Z,2026-03-05T10:01:30.5Z,,\n2,w,p,i,2026-03-05T10:00:00Z,2026-03-05T09:00:00Z,,\n"
               "3,w,p,i,2026-03-05T10:00:00Z,2026-03-05T10:01:00Z,7,active\n4,w,p,i,,2026-03-05T10:01:00Z,,\n"
               "5,w,p,i,1999-03-05T10:00:00Z,2026-03-05T10:01:00Z,,\n")  # fmt: skip
    batch = read(path)
    assert column(batch, "duration_s") == [Decimal("90.500"), None, Decimal(7), None]
    assert column(batch, "clock") == ["wall", None, "active", None]
    assert [(reject.line, reject.code) for reject in batch.rejects] == [(6, "interval")]


def orders(path: Path, dates: Iterable[str], **options: object) -> Batch:
    lines = [f"e{number},w,p,i,{text}" for number, text in enumerate(dates)]
    return read(put(path, "event_id,worker_id,project_id,item_id,ts\n" + "\n".join(lines)), **options)


def test_day_and_month_are_decided_by_the_whole_file_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    monkeypatch.setattr(delimited, "CHUNK", 1 << 10)
    monkeypatch.setattr(delimited, "ROWS_PER_BATCH", 100)
    many = ["3/4/2026 10:00"] * 100_000
    decided = orders(path, [*many, "25/4/2026 10:00"])
    assert decided.rows.num_rows == len(many) + 1
    assert column(decided, "ts")[0] == datetime(2026, 4, 3, 10)
    undecided = orders(path, ["3/4/2026", "5/5/2026"])
    assert column(undecided, "ts") == [datetime(2026, 5, 5)]
    assert [(reject.code, "date_order" in reject.reason) for reject in undecided.rejects] == [("date_order", True)]
    both = orders(path, ["3/4/2026", "25/4/2026", "4/25/2026"])
    assert column(both, "ts") == [datetime(2026, 4, 25)] * 2
    assert [reject.code for reject in both.rejects] == ["date_order"]
    told = orders(path, ["3/4/2026"], mapping=Mapping("us", date_order="mdy"))
    assert column(told, "ts") == [datetime(2026, 3, 4)]


def test_decimal_commas_are_decided_by_the_whole_column(tmp_path: Path) -> None:
    head = "event_id;worker_id;project_id;item_id;units\n"
    german = read(put(tmp_path / "a.csv", head + "1;w;p;i;1.234\n2;w;p;i;12,5\n3;w;p;i;1.234,5\n4;w;p;i;0,125\n"))
    assert column(german, "units") == [Decimal(1234), Decimal("12.5"), Decimal("1234.5"), Decimal("0.125")]
    english = read(put(tmp_path / "a.csv", head + "1;w;p;i;1,234\n2;w;p;i;12.5\n"))
    assert column(english, "units") == [Decimal(1234), Decimal("12.5")]
    mixed = read(put(tmp_path / "a.csv", head + "1;w;p;i;1,234\n2;w;p;i;12.5\n3;w;p;i;12,5\n"))
    assert column(mixed, "units") == [Decimal("12.5")] * 2
    assert [reject.code for reject in mixed.rejects] == ["decimal"]
    told = read(put(tmp_path / "a.csv", head + "1;w;p;i;1,234\n"), mapping=Mapping("eu", decimal=","))
    assert column(told, "units") == [Decimal("1.234")]


def test_units_of_time_in_the_header(tmp_path: Path) -> None:
    head = "event_id,worker_id,project_id,item_id,"
    for header, cell in (
        ("耗时(毫秒)", "1500"),
        ("duration_ms", "1500"),
        ("耗时（分钟）", "0.025"),
        ("duration", "1.5"),
        ("耗时(秒)", "1.5s"),
    ):
        assert column(read(put(tmp_path / "a.csv", f"{head}{header}\n1,w,p,i,{cell}\n")), "duration_s") == [Decimal("1.5")]


# Saved mappings -------------------------------------------------------------------------------------------------------------
def test_a_built_in_mapping_reads_its_layout(tmp_path: Path) -> None:
    path = put(tmp_path / "person-video.csv", "_unit_id,_created_at,_id,_started_at,_tainted,_worker_id\n"
               "18,8/20/2018 18:40:05,39,8/20/2018 18:39:51,false,w1\n18,8/2/2018 8:40:05,40,8/2/2018 8:40:00,false,w1\n")  # fmt: skip
    batch = read(path, mapping=BUILTINS["crowdflower"])
    assert batch.rows.select(["event_id", "item_id", "project_id", "batch_id", "ts", "duration_s", "clock", "extra"]).to_pylist() == [
        {"event_id": "39", "item_id": "18", "project_id": "person-video", "batch_id": "person-video", "ts": datetime(2018, 8, 20, 18, 40, 5),
         "duration_s": Decimal(14), "clock": "wall", "extra": '{"_tainted": "false"}'},
        {"event_id": "40", "item_id": "18", "project_id": "person-video", "batch_id": "person-video", "ts": datetime(2018, 8, 2, 8, 40, 5),
         "duration_s": Decimal(5), "clock": "wall", "extra": '{"_tainted": "false"}'},
    ]  # fmt: skip
    with pytest.raises(InputError, match="no column _unit_id"):
        read(put(tmp_path / "b.csv", "a,b\n1,2\n"), mapping=BUILTINS["crowdflower"])


def test_mappings_are_saved_found_and_checked(tmp_path: Path) -> None:
    own = Mapping("ours", "reviews", {"verdict": "结论"}, {"stage": "抽检"}, "dmy", ",", "Asia/Shanghai", {"verdict": {"好": "accept"}})
    assert Mapping.from_json(own.to_json()) == own
    with Store(tmp_path / "store.duckdb") as store:
        mapping.save(store, own)
        mapping.save(store, own)
        assert mapping.get(store, "ours") == own
        assert mapping.get(store, "crowdflower") is BUILTINS["crowdflower"]
        assert mapping.names(store) == ["crowdflower", "ours"]
        with pytest.raises(NameUnknown, match="Did you mean “ours”"):
            mapping.get(store, "our")
        with pytest.raises(InputError, match="built-in"):
            mapping.save(store, Mapping("crowdflower"))
    path = put(
        tmp_path / "r.csv", "review_id,worker_id,project_id,item_id,结论,ts\n1,w,p,i,好,3/4/2026 8:00\n2,w,p,i,通过,3/4/2026\n3,w,p,i,?,\n"
    )
    batch = read(path, mapping=own)
    assert column(batch, "verdict") == ["accept", "accept"]
    assert column(batch, "stage") == ["qc2", "qc2"]
    assert column(batch, "ts") == [datetime(2026, 4, 3, 0, 0), datetime(2026, 4, 2, 16, 0)]
    assert [reject.code for reject in batch.rejects] == ["choice"]


@pytest.mark.parametrize(("spec", "error"), [
    ("no", InputError), ("[]", InputError), ('{"name": 1}', InputError), ('{"name": ""}', InputError), ('{"name": "a", "colums": {}}', NameUnknown),
    ('{"name": "a", "table": "worker"}', NameUnknown), ('{"name": "a", "table": "workers", "columns": {"id": "x"}}', NameUnknown),
    ('{"name": "a", "zone": "Shanghai"}', NameUnknown), ('{"name": "a", "date_order": "ddd"}', InputError), ('{"name": "a", "columns": {"ts": 1}}', InputError),
    ('{"name": "a", "table": "reviews", "choices": {"verdict": {"x": "perhaps"}}}', NameUnknown), ('{"name": "a", "decimal": ";"}', InputError),
])  # fmt: skip
def test_a_wrong_mapping_is_refused(spec: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        Mapping.from_json(spec)
    assert "self." not in f"{caught.value}{caught.value.zh}"  # type: ignore[attr-defined]


def test_a_constant_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "event_id,worker_id,project_id,item_id\n1,w,p,i\n")
    with pytest.raises(InputError, match="units"):
        read(path, mapping=Mapping("a", "annotations", constants={"units": "-5"}))
    with pytest.raises(NameUnknown, match="Asia/Shanghai"):
        read(path, zone="Asia/Shanghia")


# Records pushed over HTTP ------------------------------------------------------------------------------------------------------
def test_records_are_read_like_rows_of_a_file() -> None:
    records: list[object] = [
        {"event_id": 7, "worker_id": "007", "project_id": "p", "item_id": 12.0, "units": 2.5, "ts": "2026-03-05T14:30:00+08:00", "city": "蒙自"},
        {"event_id": "8", "worker_id": "w", "project_id": "p", "item_id": {"a": [1]}},
        "text", {"event_id": "9", "worker_id": None, "project_id": "p", "item_id": "i"},
        {"event_id": "10", "worker_id": "w", "project_id": "p", "item_id": "i", "units": True},
        {"event_id": "11", "worker_id": "w", "project_id": "p", "item_id": "i", "points": [1, {"x": "\\"}]},
    ]  # fmt: skip
    batch = from_records("annotations", records)  # type: ignore[arg-type]
    assert batch.rows.select(["line", "event_id", "worker_id", "item_id", "units"]).to_pylist() == [
        {"line": 0, "event_id": "7", "worker_id": "007", "item_id": "12", "units": Decimal("2.5")},
        {"line": 5, "event_id": "11", "worker_id": "w", "item_id": "i", "units": Decimal(1)},
    ]
    assert [json.loads(str(extra)) for extra in column(batch, "extra")] == [{"city": "蒙自"}, {"points": [1, {"x": "\\"}]}]
    assert [(reject.line, reject.code, reject.column) for reject in batch.rejects] == [
        (1, "nested", "item_id"), (2, "json", None), (3, "missing", "worker_id"), (4, "number", "units"),
    ]  # fmt: skip
    assert json.loads(batch.rejects[2].raw) == records[3]
    assert batch.read == 6


def test_records_without_a_required_column_are_each_refused() -> None:
    batch = from_records("reviews", [{"review_id": "r"}, {}])
    assert batch.rows.num_rows == 0
    assert [(reject.line, reject.code) for reject in batch.rejects] == [(0, "missing"), (1, "missing")]
    assert from_records("workers", []).read == 0
    with pytest.raises(NameUnknown):
        from_records("nothing", [])


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the public logs are not at {SHARED}")
@pytest.mark.parametrize(
    "folder", sorted(path for path in SHARED.glob("*") if (path / "annotations.csv").is_file()), ids=lambda path: path.name
)
def test_sample_sets_lose_nothing(folder: Path) -> None:
    path = folder / "annotations.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    batch = read(path)
    assert not batch.rejects
    assert column(batch, "event_id") == [row["event_id"] for row in rows]
    assert column(batch, "duration_s") == [Decimal(row["duration_s"]) if row["duration_s"] else None for row in rows]
    assert table(batch.table).name == "annotations"


def test_ignored_headers_are_kept_and_not_used(tmp_path: Path) -> None:
    file = tmp_path / "work.csv"
    file.write_text("event_id,worker_id,project_id,item_id,数量\ne1,w,p,i,40\n", encoding="utf-8")
    (guessed,) = read_batches(file, table="annotations")
    assert guessed.rows["units"].to_pylist() == [40]
    (left,) = read_batches(file, mapping=Mapping("m", "annotations", ignored=["数量"]))
    assert "units" not in left.rows.column_names or left.rows["units"].to_pylist() == [1]
    assert json.loads(left.rows["extra"][0].as_py()) == {"数量": "40"}


def test_a_unit_of_time_that_the_mapping_gives_wins_over_the_header(tmp_path: Path) -> None:
    file = tmp_path / "work.csv"
    file.write_text("event_id,worker_id,project_id,item_id,耗时(毫秒)\ne1,w,p,i,90\ne2,w,p,i,1分30秒\n", encoding="utf-8")
    (own,) = read_batches(file)
    assert [float(s) for s in own.rows["duration_s"].to_pylist()] == [0.09, 90]
    (told,) = read_batches(file, mapping=Mapping("m", "annotations", units={"duration_s": "min"}))
    assert [float(s) for s in told.rows["duration_s"].to_pylist()] == [5400, 90]


def test_the_new_settings_survive_json_and_are_checked() -> None:
    mapping = Mapping("m", "annotations", ignored=["数量"], units={"duration_s": "ms"})
    again = Mapping.from_json(mapping.to_json())
    assert (list(again.ignored), dict(again.units)) == (["数量"], {"duration_s": "ms"})
    with pytest.raises(InputError):
        Mapping.from_json('{"name": "m", "ignored": "数量"}')
    with pytest.raises(NameUnknown):
        Mapping("m", "annotations", units={"duration_s": "fortnight"})
    with pytest.raises(NameUnknown):
        Mapping("m", "annotations", units={"durations": "ms"})
