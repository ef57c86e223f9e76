"""Ids in two parts are the ids that were given."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data.ids import split, whole
from data.load import load
from data.store import Store
from tests.data.canonical import batch

IDS = ["7", "07", "007", "0", "00", "a", "a0", "a07", "a7", "a-7", "9" * 18, "9" * 19, "1" + "0" * 30, "-5", "+5", "5e3", "1_000", " 8", "8 ",
       "img-000000323", "题目12", "题目１２", "٣", "x\n5", "5\n", "3f2a-41c7", "'; DROP TABLE work; --1"]  # fmt: skip


@given(st.one_of(st.text(), st.from_regex(r"\A[a-zA-Z0-9._/-]{0,12}[0-9]{0,25}\Z")))
@example("9223372036854775808")
@example("000")
def test_an_id_is_its_parts(text: str) -> None:
    parts, again = duckdb.execute(
        f"SELECT (x_head, x_no), {whole('x')} FROM (SELECT {split('x')} FROM (SELECT $1::VARCHAR AS x_id))", [text]
    ).fetchall()[0]
    assert again == text
    head, number = parts
    assert text == head + (str(number) if number else "")
    assert 0 <= number < 10**18
    assert number or not text or text[-1] not in "123456789"  # a number at the end is never left in the head


def test_no_id_has_no_parts() -> None:
    assert duckdb.execute(f"SELECT {split('x')} FROM (SELECT NULL::VARCHAR AS x_id)").fetchall() == [(None, None)]
    assert duckdb.execute(f"SELECT {whole('x')} FROM (SELECT NULL::VARCHAR AS x_head, NULL::BIGINT AS x_no)").fetchall() == [(None,)]


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_the_log_gives_the_ids_as_they_came(tmp_path: Path, again: bool) -> None:
    """Each is a fact and an item of its own, known again when it comes again; a review finds its work by it."""
    rows = [{"event_id": text, "worker_id": "w", "project_id": "p", "item_id": text} for text in IDS]
    checks = [
        {"review_id": f"{text}", "event_id": text, "worker_id": "w", "project_id": "p", "item_id": text, "verdict": "accept"}
        for text in IDS
    ]
    with Store(tmp_path / "s.duckdb") as store:
        for _ in range(2 if again else 1):
            load(store, [batch("annotations", rows), batch("reviews", checks)])
        same = sorted((text, text) for text in IDS)
        assert sorted(store.rows("SELECT event_id, item_id FROM work")) == same
        assert sorted(store.rows("SELECT review_id, item_id FROM review WHERE linked AND event_id = review_id")) == same
        assert store.rows("SELECT count(repeat_of) FROM (SELECT repeat_of FROM work UNION ALL SELECT repeat_of FROM review)") == [(0,)]
