"""Delimited text: against Python's csv for well-formed files, against the record-by-record grammar for any bytes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import delimited
from data.delimited import Delimited, RawBatch
from data.errors import InputError

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufdd0\ufeff"), max_size=8)
QUIET = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path) -> tuple[Delimited, list[RawBatch]]:
    file = Delimited(path)
    return file, list(file.batches())


def rows_of(batches: list[RawBatch]) -> list[tuple[int, tuple[str, ...]]]:
    return [
        (int(line), cells)
        for batch in batches
        for line, cells in zip(batch.line, zip(*(column.to_pylist() for column in batch.columns.values()), strict=True), strict=True)
    ]


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    return path


@QUIET
@given(
    table=st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=12)),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_is_read_back_with_its_lines(tmp_path: Path, table: list[list[str]], end: str, encoding: str) -> None:
    width = len(table[0]) if table else 2
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow([f"column {place}" for place in range(width)])
    line, lines = 2, []
    for row in table:
        lines.append(line)
        writer.writerow(row)
        text = "".join(row)
        line += 1 + text.count("\n") + text.count("\r") - sum(cell.count("\r\n") for cell in row)
    path = put(tmp_path, out.getvalue().encode(encoding))
    _, batches = read(path)
    assert rows_of(batches) == [(line, tuple(row)) for line, row in zip(lines, table, strict=True)]
    assert not [reject for batch in batches for reject in batch.rejects]


@QUIET
@given(
    body=st.lists(
        st.sampled_from([b'"', b",", b"\n", b"\r\n", b"\r", b"a", b"bc", b'""', b'","', b"\xe4\xb8\xad", b"\xff", b"\0", b"x,y\n"]),
        max_size=40,
    )
)
def test_array_operations_and_the_grammar_agree(tmp_path: Path, body: list[bytes]) -> None:
    path = put(tmp_path, b"one,two\n" + b"".join(body))
    _, fast = read(path)
    careful = Delimited(path)
    careful._parse_fast = lambda *_: None  # type: ignore[method-assign]
    slow = list(careful.batches())
    assert rows_of(fast) == rows_of(slow)
    assert [reject for batch in fast for reject in batch.rejects] == [reject for batch in slow for reject in batch.rejects]
    assert [batch.raw(row) for batch in fast for row in range(len(batch.line))] == [
        batch.raw(row) for batch in slow for row in range(len(batch.line))
    ]


@QUIET
@given(
    body=st.lists(
        st.sampled_from(["a,b\n", '"x\ny",2\n', "1,2,3\n", "lonely\n", '"open,1\n', '"a""b",c\r\n', "\n", "中,文\n", 'q"r,s\n']),
        max_size=30,
    ),
    size=st.integers(3, 60),
)
def test_where_blocks_are_cut_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: list[str], size: int) -> None:
    path = put(tmp_path, ("one,two\n" + "".join(body)).encode())
    _, whole = read(path)
    original = delimited.as_utf8
    file = Delimited(path)
    with monkeypatch.context() as patch:
        patch.setattr(delimited, "as_utf8", lambda where, encoding, _=0: original(where, encoding, size))
        patch.setattr(delimited, "CHUNK", 1)
        cut = list(file.batches())
    assert rows_of(cut) == rows_of(whole)
    assert [(r.line, r.code, r.raw) for b in cut for r in b.rejects] == [(r.line, r.code, r.raw) for b in whole for r in b.rejects]


def test_broken_lines_are_refused_alone(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        b'a,\xe4\xb8\xad\n1,2\n3\n4,5,6\n7,"8\n9,10\n"11"x,12\n\n"13\n14",15\n\xff16,17\n18,\x0019\n20,"cut of',
    )
    _, batches = read(path)
    assert rows_of(batches) == [(2, ("1", "2")), (6, ("9", "10")), (9, ("13\n14", "15"))]
    rejects = [(reject.line, reject.code, reject.raw) for batch in batches for reject in batch.rejects]
    assert rejects == [
        (3, "fields_few", "3"), (4, "fields_many", "4,5,6"), (5, "quote", '7,"8'), (7, "quote", '"11"x,12'),
        (11, "bytes", "\\xff16,17"), (12, "bytes", "18,\x0019"), (13, "quote", '20,"cut of'),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [("a,b\n1,2\n", ","), ("a\tb,c\n1\t2,3\n", "\t"), ("a;b\n1,5;2,5\n", ";"), ("a|b\n1|2\n", "|"), ("sep=;\na;b\n1;2\n", ";"), ("a\n1\n", ",")],
)  # fmt: skip
def test_the_delimiter_is_found(tmp_path: Path, head: str, delimiter: str) -> None:
    assert Delimited(put(tmp_path, head.encode()))._delimiter == delimiter


def test_headers_are_made_distinct_and_blank_lines_before_them_skipped(tmp_path: Path) -> None:
    file, batches = read(put(tmp_path, b"\r\n\r\n a ,,a,\r\n1,2,3,4\r\n"))
    assert file.headers == ("a", "column 2", "a (2)", "column 4")
    assert rows_of(batches) == [(4, ("1", "2", "3", "4"))]


def test_a_header_alone_gives_no_rows(tmp_path: Path) -> None:
    _, batches = read(put(tmp_path, b"a,b"))
    assert [len(batch.line) for batch in batches] == [0]


def test_a_large_cell_and_many_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "ROWS_PER_BATCH", 1000)
    large = "x" * 10_000_000
    lines = [f'{number},"{large if number == 5000 else number}"' for number in range(9000)]
    _, batches = read(put(tmp_path, ("id,text\n" + "\n".join(lines)).encode()))
    rows = rows_of(batches)
    assert len(batches) > 1
    assert [line for line, _ in rows] == list(range(2, 9002))
    assert [cells[0] for _, cells in rows] == [str(number) for number in range(9000)]
    assert len(rows[5000][1][1]) == 10_000_000


@pytest.mark.parametrize(("data", "says"), [(b"\n\n", "empty"), (b"\x00\x01\x02\x03", "not a text file"), (b'a,"b\n1,2\n', "line 1")])
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Delimited(put(tmp_path, data))
