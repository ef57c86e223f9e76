"""`python -m metrics`, and the payload it shares with the HTTP routes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from data.store import Store
from metrics.__main__ import main
from metrics.api import answer
from metrics.definitions import FAMILIES, REGISTRY
from metrics.model import QueryError
from metrics.scope import SYSTEM
from tests.metrics.base import fill


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("commands") / "base.duckdb"
    fill(found, rows=300).close()
    return found


@pytest.fixture(autouse=True)
def _store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIECEWORK_STORE", str(path))


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_run_json_is_one_document_as_the_contract_says(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    status, out, err = ran(
        capsys, "run", "units,error_rate,pay", "--by", "project,month", "--from", "2026-02-01", "--to", "2026-03-10", "--where", "site=S1",
        "--where", "site=S2", "--total", "--json",
    )  # fmt: skip
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert list(found)[:7] == ["measures", "by", "rows", "total", "as_of", "filters", "filters_zh"]
    assert found["measures"][1] == {"name": "error_rate", "unit": "ratio", "better": "down", "en": "Error rate", "zh": "错误率"}
    assert found["by"] == ["project", "month"]
    assert found["filters"] == "2026-02-01 – 2026-03-10; Site: S1, S2"
    assert found["as_of"].endswith("Z")
    assert {row["month"] for row in found["rows"]} == {"2026-02-01", "2026-03-01"}
    with Store(path) as store:
        want = store.rows("""SELECT project, month::VARCHAR, sum(pay) FROM flat_earn WHERE day BETWEEN '2026-02-01' AND '2026-03-10'
            AND site IN ('S1', 'S2') GROUP BY ALL ORDER BY ALL""")
    assert [(row["project"], row["month"], row["pay"]) for row in found["rows"]] == [(p, m, float(pay)) for p, m, pay in want]
    assert found["total"]["pay"] == pytest.approx(sum(float(pay) for *_, pay in want))


def test_a_total_is_null_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(ran(capsys, "run", "units", "--json")[1])["total"] is None
    compared = json.loads(
        ran(capsys, "run", "units", "--from", "2026-03-02", "--to", "2026-03-08", "--compare", "previous", "--json", "--total")[1]
    )
    assert compared["before_total"]["units"] != compared["total"]["units"]


def test_csv_has_exact_money(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    status, out, _ = ran(capsys, "run", "pay,first_pass_yield", "--by", "site", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    with Store(path) as store:
        want = dict(store.rows("SELECT coalesce(site, ''), sum(pay)::VARCHAR FROM flat_earn GROUP BY 1"))
    assert status == 0
    assert {row["site"]: row["pay"] for row in rows} == want
    assert set(rows[0]) == {"site", "pay", "first_pass_yield", "first_pass_yield_n", "first_pass_yield_low", "first_pass_yield_high"}


def test_the_plain_table_lines_up_and_says_its_notes(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = ran(capsys, "run", "units,first_pass_yield", "--by", "site", "--total")
    lines = out.splitlines()
    assert status == 0
    assert lines[0].split()[:3] == ["site", "units", "first_pass_yield"]
    assert lines[4].startswith("total")
    assert len({len(line) for line in lines[:5]}) == 1
    assert "All time" in out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("run", "first_pass_yeld"), 2, "Did you mean “first_pass_yield”?"),
        (("run", "overhead", "--by", "project"), 2, "cannot be split by project"),
        (("run", "units", "--where", "site"), 2, "not of the form DIM=VALUE"),
        (("run", "units", "--from", "soon"), 2, "“from” must be a date like 2026-03-01"),
        (("run", "units", "--from", "2026-03-02", "--to", "2026-03-01"), 2, "ends"),
        (("run", "units", "--compare", "previous"), 2, "first and a last day"),
        (("show", "nothing"), 2, "There is no measure “nothing”"),
        (("export", "units", "out.doc"), 2, "There is no export format"),
    ],
)
def test_errors_are_one_sentence_on_stderr(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], status: int, words: str) -> None:
    got, out, err = ran(capsys, *arguments)
    assert (got, out) == (status, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_value_nobody_knows_is_status_one(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = ran(capsys, "run", "units", "--where", "site=S9")
    assert status == 1
    assert "There is no site “S9”." in out


def test_without_a_store_there_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIECEWORK_STORE", str(tmp_path / "none.duckdb"))
    status, _, err = ran(capsys, "run", "units")
    assert status == 2
    assert err.startswith("There is no store at ")


def test_list_and_show_tell_every_measure(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(ran(capsys, "list", "--json")[1])
    assert {measure["name"] for measure in found["measures"]} == {name for names in FAMILIES.values() for name in names}
    for name in ("error_rate", "units_per_hour", "turnover_rate_cn", "seconds_per_unit_p90", "attrition_90d"):
        out = ran(capsys, "show", name)[1]
        assert REGISTRY.measures[name].zh in out
        assert "SELECT" in out


def test_exports_stand_by_themselves(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for ending in ("csv", "xlsx", "parquet", "json"):
        assert ran(capsys, "export", "units,error_rate", "--by", "project", "--total", str(tmp_path / f"out.{ending}"))[0] == 0
    rows = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["rows"]
    parquet = pq.read_table(tmp_path / "out.parquet")
    assert [float(value) for value in parquet["units"].to_pylist()] == [row["units"] for row in rows]
    assert "Error rate" in parquet.schema.metadata[b"error_rate"].decode()
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    sheet = list(book["data"].iter_rows(values_only=True))
    assert sheet[0][:2] == ("project", "units")
    assert [row[1] for row in sheet[1:-1]] == [row["units"] for row in rows]
    assert sheet[-1][0] == "total"
    assert any("错误率" in str(row[1]) for row in book["about"].iter_rows(values_only=True))
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig").startswith("project,units,error_rate")


def test_a_payload_is_checked(path: Path) -> None:
    with Store(path) as store:
        with pytest.raises(QueryError, match="must be a list"):
            answer(store, {"measures": "units"}, SYSTEM)
        with pytest.raises(QueryError, match="pairs of a dimension and a value"):
            answer(store, {"measures": ["units"], "where": ["site"]}, SYSTEM)
        with pytest.raises(Exception, match="There is no parameter “form”"):
            answer(store, {"measures": ["units"], "form": "2026-01-01"}, SYSTEM)
