"""What a file is, from its headers and first rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook

from data import mapping
from data.errors import InputError
from data.mapping import Mapping
from data.preview import fitting, preview
from data.store import Store

SHARED = Path(os.environ.get("PIECEWORK_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as made:
        yield made


def test_a_chinese_file_in_gbk_is_known_by_its_headers(tmp_path: Path) -> None:
    file = tmp_path / "三月.csv"
    file.write_bytes("记录编号,工号,项目,题目,框数,备用\n1,w,p,i,40,x\n2,w,p,i,,y\n".encode("gbk"))
    (sheet,) = preview(file).sheets
    assert (sheet.table, sheet.fits) == ("annotations", True)
    assert dict(sheet.columns) == {"event_id": "记录编号", "worker_id": "工号", "project_id": "项目", "item_id": "题目", "units": "框数"}
    assert sheet.rows == (("1", "w", "p", "i", "40", "x"), ("2", "w", "p", "i", "", "y"))


def test_what_is_missing_is_said_of_the_nearest_table(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("工号,项目,题目,结果\nw,p,i,通过\n", encoding="utf-8")
    (sheet,) = preview(file).sheets
    assert (sheet.table, sheet.missing, sheet.fits) == ("reviews", ("review_id",), False)
    (chosen,) = preview(file, table="projects").sheets
    assert (chosen.table, chosen.missing) == ("projects", ())


def test_a_file_of_nothing_known_has_no_table(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("foo,bar\n1,2\n", encoding="utf-8")
    found = preview(file)
    assert (found.sheets[0].table, found.fits) == (None, False)


def test_every_sheet_of_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "花名册"
    book.active.append(["工号", "姓名", "入职日期"])
    book.active.append(["007", "王芳", 46000])
    second = book.create_sheet("说明")
    second.append(["怎么填", "示例"])
    book.save(tmp_path / "roster.xlsx")
    found = preview(tmp_path / "roster.xlsx")
    assert [sheet.table for sheet in found.sheets] == ["workers", None]
    assert found.fits
    assert found.sheets[0].rows == (("007", "王芳", "46000"),)


@pytest.mark.skipif(not SHARED.exists(), reason="no shared data here")
@pytest.mark.parametrize("name", ["export_JSON.json", "export_CSV.csv", "export_JSON_MIN.min.json", "export_snapshot.json"])
def test_exports_of_a_tool_are_known_by_their_shape(name: str) -> None:
    found = preview(SHARED / "label_studio" / name)
    assert (found.tool, found.fits) == ("Label Studio", True)
    assert preview(SHARED / "label_studio" / name, table="annotations").tool is None


@pytest.mark.skipif(not SHARED.exists(), reason="no shared data here")
def test_a_built_in_mapping_is_found_by_the_headers(store: Store) -> None:
    file = SHARED / "crowdtruth_core" / "cf_export_shape" / "person-video-highlight.csv"
    headers = preview(file).sheets[0].headers
    chosen = fitting(store, headers)
    assert chosen is not None
    assert chosen.name == "crowdflower"
    (sheet,) = preview(file, mapping=chosen).sheets
    assert (sheet.table, sheet.missing) == ("annotations", ())


def test_the_saved_mapping_that_names_most_is_found(store: Store) -> None:
    mapping.save(store, Mapping("two", "annotations", {"event_id": "a", "worker_id": "b"}))
    mapping.save(store, Mapping("four", "annotations", {"event_id": "a", "worker_id": "b", "project_id": "c", "item_id": "d"}))
    mapping.save(
        store, Mapping("other", "annotations", {"event_id": "a", "worker_id": "b", "project_id": "c", "item_id": "d", "units": "z"})
    )
    found = fitting(store, ["a", "b", "c", "d", "e"])
    assert found is not None
    assert found.name == "four"
    assert fitting(store, ["a", "x"]) is None


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 20])
def test_what_cannot_be_read_says_so(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "photo.csv"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"photo\.csv"):
        preview(file)
