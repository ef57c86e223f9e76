"""Every measure that can be asked for is in the catalogue, whole, in both languages, with SQL that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metrics.catalogue import FAMILY_NAMES, INTERVALS, entries, entry, search
from metrics.compile import Span, compile_query
from metrics.definitions import FAMILIES, REGISTRY
from metrics.query import Query
from metrics.scope import SYSTEM
from tests.pages.base import build


def test_all_of_them_once() -> None:
    assert sorted(e.measure.name for e in entries()) == sorted(m.name for m in REGISTRY.measures.values() if not m.hidden)
    assert set(FAMILIES) == set(FAMILY_NAMES)
    assert {e.measure.interval for e in entries()} - {""} <= set(INTERVALS)


@pytest.mark.parametrize("found", entries(), ids=lambda e: e.measure.name)
def test_each_says_what_it_is(found) -> None:  # type: ignore[no-untyped-def]
    m = found.measure
    assert found.dimensions
    assert bool(found.denominator.en) == bool(m.num)
    for words in (found.numerator, found.denominator):
        assert not re.search(r"_", words.en + words.zh)
    if m.num:
        assert re.search(r"[\u4e00-\u9fff]", found.numerator.zh)
    assert found.sql.startswith("WITH")
    assert compile_query(Query((m.name,)), SYSTEM, Span(None, None)).measures == (m,)


def test_names_and_fields() -> None:
    rate = entry("error_rate")
    assert rate is not None
    assert (rate.numerator.en, rate.denominator.zh) == ("Rows with errors", "已检数")
    assert rate.fields == ()
    pay = entry("pay")
    assert pay is not None
    assert [text.en for text in pay.fields] == ["pay"]
    assert entry("people_work") is None
    assert entry("nonsense") is None


def test_search_finds_either_language_and_puts_names_first() -> None:
    assert search(entries(), "一次通过")[0].measure.name == "first_pass_yield"
    assert search(entries(), "TURNOVER")[0].measure.name.startswith("turnover")
    assert [e.measure.name for e in search(entries(), "first_pass_yield")] == ["first_pass_yield"]
    assert search(entries(), "zzz") == ()
    assert search(entries(), "") == entries()


def test_the_sql_shown_runs(tmp_path: Path) -> None:
    with build(tmp_path / "s.duckdb") as store:
        for found in entries():
            statement = compile_query(Query((found.measure.name,)), SYSTEM, Span(None, None))
            assert statement.sql == found.sql
            assert len(store.rows(found.sql, statement.params)) == 1
