"""Files of every format, encoding and kind of damage."""

from __future__ import annotations

import gzip
import json
import warnings
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from data import encoding, readers
from data.encoding import as_utf8, detect
from data.errors import InputError
from data.mapping import read_batches
from data.readers import open_file
from data.tables import Batch

HEAD = "event_id,worker_id,project_id,item_id"
CHINESE = f"{HEAD},备注\n1,朱镕基,项目,㐀䶮𠮷.jpg,😀 喆\n2,张三,项目,b.jpg,\n"


def read(path: Path, **options: object) -> list[Batch]:
    return list(read_batches(path, **options))  # type: ignore[arg-type]


def one(path: Path, **options: object) -> Batch:
    (batch,) = read(path, **options)
    return batch


# Encodings -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "found"), [
    ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-32", "utf-32-le"), ("gb18030", "gb18030"),
])  # fmt: skip
def test_chinese_in_every_encoding(tmp_path: Path, name: str, found: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes((b"\xfe\xff" if name == "utf-16-be" else b"") + CHINESE.encode(name))
    assert detect(path).name == found
    batch = one(path)
    assert batch.rows.column("worker_id").to_pylist() == ["朱镕基", "张三"]
    assert batch.rows.column("item_id").to_pylist() == ["㐀䶮𠮷.jpg", "b.jpg"]
    assert batch.rows.column("extra").to_pylist() == ['{"备注": "😀 喆"}', None]


@pytest.mark.parametrize(("text", "found"), [
    ("name\nJosé\n", "cp1252"), ("name\nMüller, Ärger über ÖBB\n", "cp1252"), ("name\n“quoted” – €5\n", "cp1252"), ("姓名\n张三\n", "gb18030"),
    ("a\n张\n", "gb18030"), ("name\nplain\n", "utf-8"),
])  # fmt: skip
def test_gbk_is_told_from_latin(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("gbk" if found == "gb18030" else found))
    assert detect(path).name == found
    assert b"".join(as_utf8(path, detect(path))).decode() == text


def test_bytes_that_are_no_text_cost_only_their_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for name, bad in (("utf-8", b"\xff\xfe"), ("gb18030", b"\xff")):
        rows = [f"{number},工号{number},项目,图片".encode(name) for number in range(50)]
        rows[20] = b"20," + bad + b",p,i"
        path.write_bytes(b"\n".join([HEAD.encode(), *rows]) + b"\n51," + "工号".encode(name)[:-1])
        batch = one(path)
        assert batch.rows.column("event_id").to_pylist() == [str(number) for number in range(50) if number != 20]
        assert batch.rows.column("line").to_pylist() == [line for line in range(2, 52) if line != 22]
        assert [(reject.line, reject.code) for reject in batch.rejects] == [(22, "bytes"), (52, "bytes")]
        assert r"20,\xff" in batch.rejects[0].raw


def test_a_long_line_without_a_break_is_weighed_quickly(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 10_000_000 + "é".encode("latin-1"))
    assert detect(path).name == "cp1252"


def test_gzip_is_unpacked_and_a_cut_off_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(CHINESE.encode()))
    assert one(path).rows.num_rows == 2
    path.write_bytes(gzip.compress(CHINESE.encode() * 1000)[:-20])
    with pytest.raises(InputError, match="damaged gzip"):
        read(path)


# Excel -------------------------------------------------------------------------------------------------------------------
def test_cells_of_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "标注"
    sheet.append(["三月标注记录"])
    sheet.append(["记录编号", "工号", "项目", "图片", "提交时间", "框数", "耗时", "备注"])
    sheet.append([1.0, "007", "p", 123, datetime(2026, 3, 5, 14, 30), 2.5, timedelta(minutes=1, seconds=30), "=cmd()"])
    sheet.append([])
    sheet.append([2, 8, "p", "b", 46086.5, "１２", time(0, 1, 5), True])
    sheet.append([3, 8, "p", "b", date(2026, 3, 5), -1, None, None])
    sheet.append([4, 8, "p", "b", None, None, None, None, "beyond"])
    other = book.create_sheet("员工")
    other.append(["工号", "姓名", "入职日期"])
    other.append(["007", "张三", date(2026, 1, 2)])
    book.create_sheet("说明").append(["anything"])
    book.create_sheet("空")
    path = tmp_path / "a.xlsx"
    book.save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        work, people = read(path, zone="Asia/Shanghai")
    assert (work.table, people.table) == ("annotations", "workers")
    assert work.rows.select(["line", "event_id", "worker_id", "item_id", "ts", "units", "duration_s", "extra"]).to_pylist() == [
        {"line": 3, "event_id": "1", "worker_id": "007", "item_id": "123", "ts": datetime(2026, 3, 5, 6, 30), "units": Decimal("2.5"),
         "duration_s": Decimal(90), "extra": None},
        {"line": 5, "event_id": "2", "worker_id": "8", "item_id": "b", "ts": datetime(2026, 3, 5, 4), "units": Decimal(12),
         "duration_s": Decimal(65), "extra": '{"备注": "true"}'},
    ]  # fmt: skip
    assert [(reject.line, reject.code) for reject in work.rejects] == [(6, "range"), (7, "fields_many")]
    assert people.rows.column("hire_date").to_pylist() == [date(2026, 1, 2)]


def test_a_formula_gives_its_stored_result_and_text_stays_text(tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["event_id", "worker_id", "project_id", "item_id", "units"])
        sheet.write_row(1, 0, ["e", "w", "p"])
        sheet.write_string(1, 3, "=cmd()")
        sheet.write_formula(1, 4, "=2+3", None, 5)
    batch = one(path)
    assert batch.rows.column("item_id").to_pylist() == ["=cmd()"]
    assert batch.rows.column("units").to_pylist() == [Decimal(5)]


# JSON -------------------------------------------------------------------------------------------------------------------------
RECORD = {"event_id": "1", "worker_id": "w", "project_id": "p", "item_id": "i"}


def test_json_lines_with_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps(RECORD | {"units": 2.50, "points": [[1, 2.0]]}), "", '{"event_id": "2", "worker', "[1]", "7", "[" * 100_000,
        json.dumps(RECORD | {"event_id": 12345678901234567890, "units": float("nan")}), json.dumps(RECORD | {"units": float("inf")}),
        json.dumps(RECORD | {"city": "蒙自 \ud800"}), json.dumps(RECORD | {"event_id": "3", "new": "列"}, ensure_ascii=False),
    ]  # fmt: skip
    path.write_text("\r\n".join(lines), encoding="utf-8", newline="")
    batch = one(path)
    assert batch.rows.select(["line", "event_id", "units", "extra"]).to_pylist() == [
        {"line": 1, "event_id": "1", "units": Decimal("2.5"), "extra": '{"points": [["1", "2"]]}'},
        {"line": 7, "event_id": "12345678901234567890", "units": Decimal(1), "extra": None},
        {"line": 9, "event_id": "1", "units": Decimal(1), "extra": '{"city": "蒙自 \\\\ud800"}'},
        {"line": 10, "event_id": "3", "units": Decimal(1), "extra": '{"new": "列"}'},
    ]
    assert [(reject.line, reject.code) for reject in batch.rejects] == [
        (3, "json"),
        (4, "json"),
        (5, "json"),
        (6, "json"),
        (8, "not_finite"),
    ]
    assert batch.rejects[0].raw == lines[2]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None) -> None:
    path = tmp_path / "a.json"
    records = [RECORD | {"event_id": f'{number} ]}}{{[,\\"', "shape": {"a": [{"b": number}]}} for number in range(50)]
    path.write_text(json.dumps(records, ensure_ascii=False, indent=indent), encoding="utf-8")
    original = encoding.chunks
    monkeypatch.setattr(encoding, "chunks", lambda where, size=0: original(where, 7))
    monkeypatch.setattr(readers, "_JSON_ROWS", 20)
    batches = read(path)
    assert [batch.rows.num_rows for batch in batches] == [20, 20, 10]
    assert [event for batch in batches for event in batch.rows.column("event_id").to_pylist()] == [record["event_id"] for record in records]
    assert [line for batch in batches for line in batch.rows.column("line").to_pylist()] == list(range(1, 51))


def test_a_damaged_json_array_loses_only_what_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    lines = [json.dumps(RECORD | {"event_id": str(number)}) for number in range(6)]
    lines[1] = lines[1].replace('"worker_id": "w"', '"worker_id": "w')
    path.write_text("[\n" + ",\n".join(lines) + "\n]")
    batch = one(path)
    assert batch.rows.column("event_id").to_pylist() == ["0", "2", "3", "4", "5"]
    assert [reject.code for reject in batch.rejects] == ["json"]
    path.write_text(("[" + ",\n".join(lines[2:]))[:-15])
    batch = one(path)
    assert batch.rows.column("event_id").to_pylist() == ["2", "3", "4"]
    assert [reject.code for reject in batch.rejects] == ["json"]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet='[]{},":\\ \n1a', max_size=40))
def test_no_json_text_hangs_or_raises_anything_else(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(f"[{text}" if len(text) % 2 else text or "[")
    with suppress(InputError):
        assert all(batch.read == batch.rows.num_rows + len(batch.rejects) for batch in read(path))


# Parquet --------------------------------------------------------------------------------------------------------------------------
def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({
        "event_id": pa.array([1, 2, 3]), "worker_id": pa.array(["007", "8", None]).dictionary_encode(), "project_id": ["p"] * 3, "item_id": [1.0, 2.0, 3.0],
        "ts": pa.array([datetime(2026, 3, 5, 6, tzinfo=UTC)] * 3, pa.timestamp("ns", "Asia/Shanghai")), "units": pa.array([Decimal("2.50")] * 3),
        "duration_s": [1.5, float("nan"), 2.0], "points": [[1], None, [2]], "started_at": pa.array([datetime(2026, 3, 5, 13, 59)] * 3),
    }), path)  # fmt: skip
    batch = one(path, zone="Asia/Shanghai")
    assert batch.rows.select(["line", "event_id", "worker_id", "item_id", "ts", "units", "duration_s", "clock", "extra"]).to_pylist() == [
        {"line": 1, "event_id": "1", "worker_id": "007", "item_id": "1", "ts": datetime(2026, 3, 5, 6), "units": Decimal("2.5"),
         "duration_s": Decimal("1.5"), "clock": "reported", "extra": '{"points": [1]}'},
        {"line": 2, "event_id": "2", "worker_id": "8", "item_id": "2", "ts": datetime(2026, 3, 5, 6), "units": Decimal("2.5"),
         "duration_s": Decimal(60), "clock": "wall", "extra": None},
    ]  # fmt: skip
    assert [(reject.line, reject.code) for reject in batch.rejects] == [(3, "missing")]
    assert json.loads(batch.rejects[0].raw)["event_id"] == 3
    assert batch.naive == 2


def test_repetitive_parquet_columns_read_the_same(tmp_path: Path) -> None:
    count = 5000
    rows = pa.table({
        "event_id": [str(number) for number in range(count)], "worker_id": np.array(["a", "b"])[np.arange(count) % 2], "project_id": ["p"] * count,
        "item_id": ["i"] * count, "action": ["标注", "返工"] * (count // 2),
    })  # fmt: skip
    pq.write_table(rows, tmp_path / "a.parquet")
    batch = one(tmp_path / "a.parquet")
    assert batch.rows.column("worker_id").to_pylist() == ["a", "b"] * (count // 2)
    assert batch.rows.column("action").to_pylist() == ["annotate", "rework"] * (count // 2)
    assert batch.rows.schema.field("worker_id").type == pa.string()


# What cannot be read at all ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "data", "says"), [
    ("a.csv", b"", "empty"), ("a.csv", b"\xef\xbb\xbf", "empty"), ("a.csv", b" \n\n", "empty"), ("a.xls", b"\xd0\xcf\x11\xe0" + b"x" * 99, "old Excel"),
    ("a.xlsx", b"PK\x03\x04nonsense", "cannot be opened as Excel"), ("a.parquet", b"PAR1nonsense", "damaged Parquet"),
    ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text file|fits no table"), ("a.json", b"[]", "no JSON object"), ("a.jsonl", b"nonsense\n", "no JSON object"),
])  # fmt: skip
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=says) as caught:
        read(path)
    assert caught.value.zh != str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        open_file(tmp_path / "nothing.csv")


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\n" + "1,w,p,i\n" * 1000)
    seen: list[tuple[int, int]] = []
    read(path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
