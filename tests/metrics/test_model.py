"""The registry refuses definitions that contradict themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from metrics.definitions import REGISTRY
from metrics.model import DefinitionError, Measure, Registry, Table, Text, View, build
from metrics.reference import markdown

VIEW = View("work", (Table("work_day", {"worker": "t.worker_key", "action": "t.action"}, {"row_count": "t.row_count"}),), Text("row", "行"))
ROWS = Measure("rows_done", "Rows", "行数", "row", "integer", "up", Text("rows", "行"), view="work", sql="sum({row_count})")
DIMS = (REGISTRY.dimensions["worker"], REGISTRY.dimensions["action"])
REASON = Text("none", "无")


def rate(name: str, num: str, den: str) -> Measure:
    return replace(ROWS, name=name, view="", sql="", num=num, den=den, unit="ratio", null_reason=REASON)


@pytest.mark.parametrize(
    ("measures", "words"),
    [
        ((replace(ROWS, view="wrok"),), "unknown view “wrok”"),
        ((replace(ROWS, zh=" "),), "needs its words in English and Chinese"),
        ((replace(ROWS, note=Text("x", "")),), "needs its words"),
        ((ROWS, ROWS), "defined twice"),
        ((replace(ROWS, name="row_count"),), "named like a base column"),
        ((replace(ROWS, name="Rows"),), "not a plain name"),
        ((replace(ROWS, sql="sum({rows})"),), "unknown columns"),
        ((ROWS, rate("a", "b", "rows_done"), rate("b", "a", "rows_done")), "defined by itself"),
        ((rate("a", "missing", "rows_done"), ROWS), "unknown measure “missing”"),
        ((ROWS, replace(rate("a", "rows_done", "rows_done"), den="")), "needs a numerator and a denominator"),
        ((ROWS, replace(rate("a", "rows_done", "rows_done"), null_reason=Text("", ""))), "null reason"),
        ((replace(ROWS, formula="rows_done"),), "must be an aggregate, or derived"),
        ((replace(ROWS, interval="wilson"),), "only a ratio or an estimate"),
        ((replace(ROWS, crowd="people_absent"),), "unknown crowd “people_absent”"),
    ],
)
def test_a_wrong_definition_is_named(measures: tuple[Measure, ...], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        build((VIEW,), measures, DIMS)


def test_parts_are_the_aggregates_behind_a_measure() -> None:
    assert [part.name for part in REGISTRY.parts("margin_rate")] == ["revenue", "labour_cost", "review_cost", "rework_cost"]
    assert REGISTRY.fields("margin_rate") == {"pay", "client_prices"}
    assert REGISTRY.dims("overhead") == ("day", "week", "month", "site")
    assert isinstance(REGISTRY, Registry)


def test_the_reference_is_that_of_the_registry() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
    assert page.read_text(encoding="utf-8") == markdown(), "stale: python -m metrics list --markdown > docs/metrics.md"


def test_every_source_column_exists(tmp_path: Path) -> None:
    from data.store import Store

    with Store(tmp_path / "empty.duckdb") as store:
        for view in REGISTRY.views.values():
            for table in view.tables:
                known = {name for (name,) in store.rows("SELECT column_name FROM duckdb_columns() WHERE table_name = ?", [table.name])}
                assert known, table.name
