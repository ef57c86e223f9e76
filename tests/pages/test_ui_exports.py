"""What leaves: every format holds the same numbers, says what it is, and cannot run as a formula."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread

import openpyxl
import pandas as pd
import pytest

from data.store import Store
from metrics.period import Period
from metrics.query import Query
from metrics.reach import Reach, reach
from metrics.scope import SYSTEM, scope_for
from pages.ui import ask, exports, tables
from pages.ui.exports import Table
from pages.ui.text import speaking
from tests.pages.conftest import Open

READERS: dict[str, Callable[[bytes], pd.DataFrame]] = {
    "csv": lambda made: pd.read_csv(io.BytesIO(made)),
    "xlsx": lambda made: pd.read_excel(io.BytesIO(made)),
    "parquet": lambda made: pd.read_parquet(io.BytesIO(made)),
}


@pytest.fixture
def table(small: Store) -> Table:
    with small.transaction() as cur:
        cur.execute("UPDATE project SET name = '=1+1', name_en = '=1+1' WHERE project_id = 'P1'")
    answer = ask.answer(small, Query(("units", "first_pass_yield"), by=("project",), where={"site": ("S1",)}), SYSTEM)
    return Table("Projects", answer, reach(small, SYSTEM), SYSTEM)


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], bytes]:
    """The file behind the button of that key, made as the server makes it: by a thread without a session."""
    makers: dict[str, Callable[[], bytes]] = {}

    def button(_name: str, make: Callable[[], bytes], *, key: str, **_look: object) -> None:
        makers[key] = make

    def press(key: str) -> bytes:
        made: list[bytes] = []
        thread = Thread(target=lambda: made.append(makers[key]()))
        thread.start()
        thread.join()
        return made[0]

    monkeypatch.setattr(exports.st, "download_button", button)
    return press


def about(made: bytes, name: str = "About") -> dict[str, str]:
    """The sheet that says what a workbook is."""
    return {str(row[0].value): str(row[1].value) for row in openpyxl.load_workbook(io.BytesIO(made))[name].iter_rows()}


def test_all_formats_hold_the_same_numbers(table: Table) -> None:
    with speaking("en"):
        sheet = pd.read_excel(io.BytesIO(exports.excel(table)), sheet_name="Data")
        typed = pd.read_parquet(io.BytesIO(exports.parquet(table)))
        flat = pd.read_csv(io.BytesIO(exports.csv(table)))
    assert list(sheet.columns) == list(typed.columns) == list(flat.columns)
    assert list(typed.columns)[:3] == ["Project, id", "Project", "Units"]
    for found in (sheet, typed, flat):
        assert [float(v) for v in found["Units"]] == table.answer.column("units")
        assert [float(v) for v in found["First-pass yield"]] == pytest.approx(table.answer.column("first_pass_yield"))


def test_words_of_users_never_become_formulas(table: Table) -> None:
    given = tables.Given("Reading", ["@cmd", *["+1"] * (len(table.answer) - 1)])
    with speaking("zh"):
        book = openpyxl.load_workbook(io.BytesIO(exports.excel(replace(table, given=[given]))))
        flat = exports.csv(replace(table, given=[given])).decode("utf-8-sig")
    cells = {c.value: c.data_type for row in book["数据"].iter_rows() for c in row}
    assert [cells[words] for words in ("=1+1", "@cmd", "+1")] == ["s"] * 3
    assert ",'=1+1,'@cmd," in flat
    assert ",'+1," in flat


def test_the_workbook_says_what_was_asked(table: Table) -> None:
    with speaking("en"):
        said = about(exports.excel(table))
    assert said["Filter: Site"] == "Qingjian"
    assert "Compared with" not in said
    assert said["Units"] == ask.measure("units").note.en


def test_the_workbook_speaks_as_the_screen_does(small: Store) -> None:
    scope = scope_for("site_manager", site="S1")
    last = reach(small, scope).last
    period = Period(last, last)
    where = {"modality": ("image", "text"), "project": ("P1",)}
    answer = ask.answer(small, Query(("units",), by=("project",), period=period, where=where, compare="previous"), scope)
    fresh = Reach(datetime(2026, 3, 5, 20, 5, 9, tzinfo=UTC), last, last, "Asia/Shanghai", last, ())
    with speaking("zh"):
        said = about(exports.excel(Table("项目", answer, fresh, scope)), "说明")
    assert said["筛选：模态"] == "图像、文本"
    assert said["筛选：项目"] == "街景框选"
    assert said["可见范围：基地"] == "清涧基地"
    assert said["数据截至"] == "2026-03-06 04:05:09 · UTC+8"
    assert said["对比"] == period.before("previous").label.zh


@pytest.mark.parametrize("ending", READERS)
def test_money_leaves_in_the_currency_of_the_base(
    visit: Open, small: Store, pressed: Callable[[str], bytes], caplog: pytest.LogCaptureFixture, ending: str
) -> None:
    small.set_meta("currency", "USD")
    visit("exec/overview.py", lang="en")
    caplog.clear()
    found = READERS[ending](pressed(f"projects_{ending}"))
    assert "Revenue (USD)" in found
    assert not [head for head in found if "yuan" in head]
    assert "ScriptRunContext" not in caplog.text


@pytest.mark.parametrize("ending", READERS)
def test_people_leave_with_what_allows_for_their_work(visit: Open, pressed: Callable[[str], bytes], ending: str) -> None:
    at = visit("site/throughput.py", persona="site_manager", lang="en")
    shown, found = at.dataframe[1].value, READERS[ending](pressed(f"paces_worker_{ending}"))
    assert found.columns[2:6].tolist() == ["Adjusted pace", "Adjusted pace 95% low", "Adjusted pace 95% high", "Band"]
    assert found["Adjusted pace"].tolist() == pytest.approx(shown["Adjusted pace"].tolist())
    assert [f"{a:.2f} – {b:.2f}" for a, b in zip(found.iloc[:, 3], found.iloc[:, 4], strict=True)] == shown["95% interval"].tolist()
    assert found["Band"].tolist() == shown["Band"].tolist()


@pytest.mark.parametrize("ending", READERS)
def test_errors_leave_with_what_was_expected(visit: Open, pressed: Callable[[str], bytes], ending: str) -> None:
    at = visit("site/quality.py", persona="site_manager")
    shown = next(d.value for d in at.dataframe if "错误 ÷ 应有" in d.value)
    found = READERS[ending](pressed(f"errors_people_{ending}"))
    assert found.columns[2:6].tolist() == ["错误 ÷ 应有", "错误 ÷ 应有 95% 下限", "错误 ÷ 应有 95% 上限", "判断"]
    assert found["错误 ÷ 应有"].tolist() == pytest.approx(shown["错误 ÷ 应有"].tolist(), nan_ok=True)
    judged = found.dropna(subset="错误 ÷ 应有")
    spans = [f"{a:.2f} – {b:.2f}" for a, b in zip(judged.iloc[:, 3], judged.iloc[:, 4], strict=True)]
    assert spans == shown["比值的 95% 区间"].dropna().tolist()
    assert found["判断"].tolist() == shown["判断"].tolist()
    assert "95% 区间" not in found  # of the error rate: its bounds stand there as numbers
