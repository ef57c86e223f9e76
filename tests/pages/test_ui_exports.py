"""What leaves: every format holds the same numbers, says what it is, and cannot run as a formula."""

from __future__ import annotations

import io

import openpyxl
import pandas as pd
import pytest

from data.store import Store
from metrics.query import Query
from metrics.scope import SYSTEM
from pages.ui import ask, exports
from pages.ui.ask import Answer
from pages.ui.text import speaking


@pytest.fixture
def answer(small: Store) -> Answer:
    with small.transaction() as cur:
        cur.execute("UPDATE project SET name = '=1+1', name_en = '=1+1' WHERE project_id = 'P1'")
    return ask.answer(small, Query(("units", "first_pass_yield"), by=("project",), where={"site": ("S1",)}), SYSTEM)


def test_all_formats_hold_the_same_numbers(answer: Answer) -> None:
    with speaking("en"):
        sheet = pd.read_excel(io.BytesIO(exports.excel(answer, "Projects")), sheet_name="Data")
        typed = pd.read_parquet(io.BytesIO(exports.parquet(answer, "Projects")))
        flat = pd.read_csv(io.BytesIO(exports.csv(answer, "Projects")))
    assert list(sheet.columns) == list(typed.columns) == list(flat.columns)
    assert list(typed.columns)[:3] == ["Project, id", "Project", "Units"]
    for table in (sheet, typed, flat):
        assert [float(v) for v in table["Units"]] == answer.column("units")
        assert [float(v) for v in table["First-pass yield"]] == pytest.approx(answer.column("first_pass_yield"))


def test_words_of_users_never_become_formulas(answer: Answer) -> None:
    with speaking("zh"):
        book = openpyxl.load_workbook(io.BytesIO(exports.excel(answer, "项目")))
        flat = exports.csv(answer, "项目").decode("utf-8-sig")
    cell = next(c for row in book["数据"].iter_rows() for c in row if c.value == "=1+1")
    assert cell.data_type == "s"
    assert ",'=1+1," in flat


def test_the_workbook_says_what_was_asked(answer: Answer) -> None:
    with speaking("en"):
        about = openpyxl.load_workbook(io.BytesIO(exports.excel(answer, "Projects")))["About"]
    said = {str(row[0].value): str(row[1].value) for row in about.iter_rows()}
    assert "S1" in said["Filters"] or "Qingjian" in said["Filters"]
    assert said["Data to"].endswith("UTC")
    assert said["Units"] == ask.measure("units").note.en
