"""Damaged, mis-encoded, enormous and hostile files, for every reader and every export: a sentence or rows and rejects, and nothing else.

What holds for every file: nothing but InputError is raised; every row is taken or refused, once; rows that the damage did not touch come
out as they would have; memory stays bounded whatever the file unpacks to.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import delimited, readers
from data.connectors.registry import EXPORTS
from data.delimited import Delimited
from data.errors import InputError
from data.mapping import read_batches
from data.tables import Batch
from tests.data.connectors.test_tool_files import BATCH, FULL, answer, as_csv, as_lines, classification

QUIET = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEAD = "event_id,worker_id,project_id,item_id,ts,units,duration_s,备注"
Taken = dict[int, dict[str, object]]


def rows_of(count: int) -> list[list[str]]:
    return [
        [str(n), "张三" if n % 2 else "w", "p", f"图{n}.jpg", f"2026-03-05T10:00:{n:02d}Z", str(n), "1.5", "喆"]
        for n in range(1, count + 1)
    ]


CLEAN = rows_of(8)
LINES = [",".join(row) for row in CLEAN]
OBJECTS = [json.dumps(dict(zip(HEAD.split(","), row, strict=True)), ensure_ascii=False) for row in CLEAN]


def read(path: Path, **options: object) -> list[Batch]:
    """All batches; the number of rows read is that of rows taken and refused."""
    found = list(read_batches(path, **options))  # type: ignore[arg-type]
    for batch in found:
        assert batch.read == batch.rows.num_rows + len(batch.rejects)
    return found


def taken(batches: Sequence[Batch]) -> Taken:
    """The rows by their line; no line twice, and none both taken and refused."""
    found: Taken = {}
    for batch in batches:
        for row in batch.rows.to_pylist():
            line = int(row.pop("line"))
            assert line not in found
            found[line] = row
    refused = [reject.line for batch in batches for reject in batch.rejects]
    assert len(refused) == len(set(refused))
    assert not found.keys() & set(refused)
    return found


def refused(batches: Sequence[Batch]) -> set[int]:
    return {reject.line for batch in batches for reject in batch.rejects}


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# Text, one row damaged --------------------------------------------------------------------------------------------------------
HOSTILE = st.lists(
    st.sampled_from([
        b"\xff", b"\x80", b"\xe4", b"\xe4\xb8", b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"\x1a", b",", b";", b"\t", b"|", b"'", b" ", b"\xa0", b"\\",
        b"=1+1", b"1e999999", b"9" * 5000, b"-", b"NULL", "𠮷".encode(), "喆".encode("gbk"), "é".encode("latin-1"), b"\xed\xa0\x80", b"\x7f", b"\x0b",
        b"\x0c", b"\x85", "\u2028".encode(), "\ufdd0".encode(), "\u202e".encode(), "٣".encode(), b"[" * 300, b"(" * 300,
    ]),
    min_size=1, max_size=6,
)  # fmt: skip


@QUIET
@given(
    row=st.integers(0, 7),
    at=st.integers(0, 60),
    what=HOSTILE,
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
)
def test_damage_in_a_line_of_text_stays_in_it(tmp_path: Path, row: int, at: int, what: list[bytes], end: bytes, encoding: str) -> None:
    lines = [line.encode(encoding) for line in [HEAD, *LINES]]
    want = taken(read(put(tmp_path / "a.csv", end.join(lines))))
    assert len(want) == 8
    lines[row + 1] = lines[row + 1][:at] + b"".join(what) + lines[row + 1][at:]
    found = read(put(tmp_path / "a.csv", end.join(lines)))
    got = taken(found)
    assert {line: cells for line, cells in got.items() if line != row + 2} == {
        line: cells for line, cells in want.items() if line != row + 2
    }
    assert got.keys() | refused(found) == want.keys()


@QUIET
@given(row=st.integers(0, 7), at=st.integers(0, 60), quotes=st.integers(1, 3), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_loose_quote_costs_its_line_only(tmp_path: Path, row: int, at: int, quotes: int, end: str) -> None:
    lines = [HEAD, *LINES]
    want = taken(read(put(tmp_path / "a.csv", end.join(lines).encode())))
    lines[row + 1] = lines[row + 1][:at] + '"' * quotes + lines[row + 1][at:]
    found = read(put(tmp_path / "a.csv", end.join(lines).encode()))
    got = taken(found)
    assert {line: cells for line, cells in got.items() if line != row + 2} == {
        line: cells for line, cells in want.items() if line != row + 2
    }
    assert got.keys() | refused(found) == want.keys()


@QUIET
@given(
    row=st.integers(0, 7),
    at=st.integers(0, 150),
    what=HOSTILE | st.lists(st.sampled_from([b'"', b"{", b"}", b"[", b"]", b":", b"\\u", b"\\"])),
)
def test_damage_in_a_line_of_json_stays_in_it(tmp_path: Path, row: int, at: int, what: list[bytes]) -> None:
    lines = [line.encode() for line in OBJECTS]
    want = taken(read(put(tmp_path / "a.jsonl", b"\n".join(lines))))
    at += row == 0  # a file that begins with [ is an array
    lines[row] = lines[row][:at] + b"".join(what) + lines[row][at:]
    found = read(put(tmp_path / "a.jsonl", b"\n".join(lines)))
    got = taken(found)
    assert {line: cells for line, cells in got.items() if line != row + 1} == {
        line: cells for line, cells in want.items() if line != row + 1
    }
    assert got.keys() | refused(found) == want.keys()


@QUIET
@given(
    row=st.integers(0, 7),
    at=st.integers(1, 150),
    what=st.lists(st.sampled_from(['"', "{", "}", "[", "]", ",", ":", "x"]), min_size=1, max_size=3),
)
def test_damage_in_an_object_of_an_array_leaves_the_others(tmp_path: Path, row: int, at: int, what: list[str]) -> None:
    lines = list(OBJECTS)
    lines[row] = lines[row][:at] + "".join(what) + lines[row][at:]
    found = read(put(tmp_path / "a.json", ("[\n" + ",\n".join(lines) + "\n]").encode()))
    events = [cells["event_id"] for cells in taken(found).values()]
    others = [str(number) for number in range(1, 9) if number != row + 1]
    assert [event for event in events if event in others] == others


def test_arrays_put_together_lose_nothing(tmp_path: Path) -> None:
    halves = "[" + ",".join(OBJECTS[:3]) + "]\n[" + ",".join(OBJECTS[3:]) + "]\n"
    assert len(taken(read(put(tmp_path / "a.json", halves.encode())))) == 8
    loose = "[" + ",".join(OBJECTS[:3]) + "]\n" + "\n".join(OBJECTS[3:])
    assert len(taken(read(put(tmp_path / "a.json", loose.encode())))) == 8
    late = " " * (5 << 20) + "[" + ",".join(OBJECTS) + "]"
    assert len(taken(read(put(tmp_path / "a.json", late.encode())))) == 8


@QUIET
@given(body=st.binary(max_size=300))
def test_any_bytes_after_a_header_are_rows_or_rejects(tmp_path: Path, body: bytes) -> None:
    found = read(put(tmp_path / "a.csv", HEAD.encode() + b"\n" + body))
    seen = taken(found).keys() | refused(found)
    if b'"' not in body:  # then a record is a line
        lines = dict(enumerate(re.split(rb"\r\n|\r|\n", body), 2))
        assert seen <= {line for line, text in lines.items() if text}
        assert all(not text.strip(b",- \t") for line, text in lines.items() if line not in seen)


@QUIET
@given(data=st.binary(max_size=200), name=st.sampled_from(["a.csv", "a.txt", "a.json", "a.jsonl", "a.xlsx", "a.parquet", "a.gz", "a"]), start=st.sampled_from(
    [b"", b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\xef\xbb\xbf", b"{", b"[", b"[{", b"sep=;\n", b"\xd0\xcf\x11\xe0"]
))  # fmt: skip
def test_any_bytes_are_a_sentence_or_rows(tmp_path: Path, data: bytes, name: str, start: bytes) -> None:
    path = put(tmp_path / name, start + data)
    with suppress(InputError):
        taken(read(path))
    for one in EXPORTS:
        assert one.knows(path) in (True, False)


# Cut off ------------------------------------------------------------------------------------------------------------------------
@QUIET
@given(cut=st.integers(0, 1_000), encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-32"]))
def test_text_cut_off_anywhere_keeps_what_came_before(tmp_path: Path, cut: int, encoding: str) -> None:
    whole = "\n".join([HEAD, *LINES, ""])
    data = whole.encode(encoding)[:-cut] if cut else whole.encode(encoding)
    try:
        found = read(put(tmp_path / "a.csv", data))
    except InputError:
        assert len(data.split("\n".encode(encoding)[-1:])) <= 2 or len(data) < len(HEAD.encode(encoding))
        return
    complete = sum(len("\n".join([HEAD, *LINES[: n + 1], ""]).encode(encoding)) <= len(data) for n in range(8))
    got = taken(found)
    assert [got[line]["event_id"] for line in range(2, complete + 2)] == [str(n) for n in range(1, complete + 1)]
    assert len(got.keys() | refused(found)) <= complete + 1


@QUIET
@given(cut=st.integers(1, 900))
def test_json_cut_off_anywhere_keeps_what_came_before(tmp_path: Path, cut: int) -> None:
    for name, whole in (("a.jsonl", "\n".join(OBJECTS)), ("a.json", "[" + ",\n".join(OBJECTS) + "]")):
        data = whole.encode()[:-cut]
        complete = sum(data.startswith(whole.encode()[: whole.encode().index(line.encode()) + len(line.encode())]) for line in OBJECTS)
        try:
            found = read(put(tmp_path / name, data))
        except InputError:
            assert complete == 0
            continue
        assert [cells["event_id"] for cells in taken(found).values()] == [str(n) for n in range(1, complete + 1)]
        assert len(refused(found)) <= 1


def workbook() -> bytes:
    """A workbook whose texts are shared, as Excel writes them."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([HEAD.split(","), *CLEAN]):
            sheet.write_row(number, 0, row)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(dict(zip(HEAD.split(","), map(list, zip(*CLEAN, strict=True)), strict=True))), out, row_group_size=3)
    return out.getvalue()


PACKED: Mapping[str, bytes] = {
    "a.xlsx": workbook(),
    "a.parquet": parquet(),
    "a.csv.gz": gzip.compress("\n".join([HEAD, *LINES]).encode(), mtime=0),
}


@QUIET
@given(name=st.sampled_from(sorted(PACKED)), share=st.floats(0, 1, exclude_max=True))
def test_a_packed_file_that_is_cut_off_is_refused(tmp_path: Path, name: str, share: float) -> None:
    whole = PACKED[name]
    assert len(taken(read(put(tmp_path / name, whole)))) == 8
    with pytest.raises(InputError):
        read(put(tmp_path / name, whole[: int(share * len(whole))]))


@settings(QUIET, max_examples=250)
@given(name=st.sampled_from(sorted(PACKED)), seed=st.integers(0, 2**32), many=st.integers(1, 20))
def test_bytes_changed_in_a_packed_file_are_rows_or_a_sentence(tmp_path: Path, name: str, seed: int, many: int) -> None:
    chance, data = random.Random(seed), bytearray(PACKED[name])
    for _ in range(many):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with suppress(InputError):
        found = read(put(tmp_path / name, bytes(data)))
        assert len(taken(found)) + len(refused(found)) <= 8


def rebuilt(change: Callable[[str, bytes], bytes], more: Mapping[str, bytes] | None = None) -> bytes:
    """A workbook with its parts changed before they are packed again."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(part, old.read(part)))
        for part, content in (more or {}).items():
            new.writestr(part, content)
    return out.getvalue()


@QUIET
@given(
    seed=st.integers(0, 2**32),
    many=st.integers(1, 4),
    part=st.sampled_from(["sheet1", "sharedStrings", "styles", "workbook.xml", "[Content_Types]", ".rels"]),
)
def test_parts_of_a_workbook_changed_inside(tmp_path: Path, seed: int, many: int, part: str) -> None:
    chance = random.Random(seed)

    def change(name: str, content: bytes) -> bytes:
        if part not in name:
            return content
        damaged = bytearray(content)
        for _ in range(many):
            place = chance.randrange(len(damaged))
            damaged[place : place + chance.randrange(3)] = bytes(
                chance.choice(b'<>/"=&0123456789abcr \xff') for _ in range(chance.randrange(4))
            )
        return bytes(damaged)

    with suppress(InputError):
        taken(read(put(tmp_path / "a.xlsx", rebuilt(change))))


# Enormous -----------------------------------------------------------------------------------------------------------------------
SPACES = b" " * (32 << 20)
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "' + b"ha" * 500 + b'">' + b"".join(
    b'<!ENTITY %c "%s">' % (sign, b"&%c;" % (sign - 1) * 20) for sign in range(ord("b"), ord("j"))
) + b"]>"  # fmt: skip


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "docProps/app.xml"])
def test_a_workbook_that_unpacks_without_end_is_refused_before(tmp_path: Path, part: str) -> None:
    data = rebuilt(lambda name, content: content + SPACES if name == part else content)
    assert len(data) < 200_000
    with pytest.raises(InputError, match=re.escape(f"MiB in {part}")) as caught:
        read(put(tmp_path / "a.xlsx", data))
    assert "解压" in caught.value.zh


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<worksheet", LAUGHS + b"<worksheet"), (b'r="9"', b'r="2000000000"'), (b'r="A9"', b'r="A99999999999"'), (b'r="A9"', b'r="ZZZZ9"'),
        (b't="s"', b't="d"'), (b"<v>3</v>", b"<v>99999</v>"), (b"<v>3</v>", b"<v>-1e999</v>"), (b"<v>3</v>", b"<v>\xff</v>"), (b"</sheetData>", b""),
    ],
)  # fmt: skip
def test_a_hostile_sheet_is_rows_or_a_sentence(tmp_path: Path, old: bytes, new: bytes) -> None:
    data = rebuilt(lambda name, content: content.replace(old, new) if name == "xl/worksheets/sheet1.xml" else content)
    assert data != rebuilt(lambda _, content: content)
    with suppress(InputError):
        found = read(put(tmp_path / "a.xlsx", data))
        assert len(taken(found)) + len(refused(found)) <= 8


WIDE = 100_000


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet"])
def test_a_hundred_thousand_columns(tmp_path: Path, name: str) -> None:
    names = [f"c{n}" for n in range(WIDE)]
    wide = json.dumps(dict.fromkeys(names, 1))
    if name == "a.parquet":
        pq.write_table(pa.table({one: [1] for one in names[:20_000]}), tmp_path / name)
    else:
        text = {"a.csv": ",".join(names) + "\n" + ",".join("1" * WIDE), "a.jsonl": wide, "a.json": f"[{wide}]"}[name]
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read(tmp_path / name)
    assert len(str(caught.value)) < 2_000
    if name.startswith("a.json"):  # one such object among others is refused alone
        both = "\n".join([*OBJECTS, wide]) if name == "a.jsonl" else "[" + ",\n".join([*OBJECTS, wide]) + "]"
        found = read(put(tmp_path / name, both.encode()))
        assert len(taken(found)) == 8
        assert [(reject.line, reject.code, reject.value) for batch in found for reject in batch.rejects] == [(9, "fields_many", "100000")]


def test_the_same_name_for_every_column(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read(put(tmp_path / "a.csv", ",".join(["a"] * 16_000).encode() + b"\n1"))


def test_objects_that_share_no_name_come_in_batches_that_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_CELLS", 2_000)
    lines = [json.dumps({"event_id": str(n), "worker_id": "w", "project_id": "p", "item_id": "i", f"own {n}": n}) for n in range(300)]
    found = read(put(tmp_path / "a.jsonl", "\n".join(lines).encode()))
    assert len(found) > 5
    assert all(len(batch.rows.column_names) < 10 for batch in found)
    assert [cells["extra"] for cells in taken(found).values()] == [json.dumps({f"own {n}": str(n)}) for n in range(300)]


@pytest.mark.parametrize("depth", [50, 99, 101, 400, *range(900, 1_100, 20), 100_000])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_deep_json(tmp_path: Path, depth: int, pair: str) -> None:
    deep = "[" * depth + "]" * depth if pair == "[]" else '{"a":' * depth + "1" + "}" * depth
    lines = [OBJECTS[0], OBJECTS[1][:-1] + f', "deep": {deep}}}', OBJECTS[2]]
    for name, text in (("a.jsonl", "\n".join(lines)), ("a.json", "[" + ",\n".join(lines) + "]")):
        found = read(put(tmp_path / name, text.encode()))
        assert {1, 3} <= taken(found).keys()
        assert taken(found).keys() | refused(found) == {1, 2, 3}


@pytest.mark.parametrize("column", HEAD.split(","))
def test_a_giant_cell_costs_at_most_its_row(tmp_path: Path, column: str) -> None:
    rows = [list(row) for row in CLEAN]
    rows[3][HEAD.split(",").index(column)] = "9(" * 2_000_000
    text = "\n".join([HEAD, *map(",".join, rows)])
    found = read(put(tmp_path / "a.csv", text.encode()))
    want = taken(read(put(tmp_path / "b.csv", "\n".join([HEAD, *LINES]).encode())))
    assert {line: cells for line, cells in taken(found).items() if line != 5} == {line: cells for line, cells in want.items() if line != 5}
    assert 5 in taken(found).keys() | refused(found)


def test_dense_blocks_are_read_in_pieces_and_come_out_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "".join(f'{n},"x{chr(10) * (n % 3)}y"\n' if n % 5 else f"{n},{'long ' * (n % 7)}\n" for n in range(400)) + '"open,1\n7,8\n'
    path = put(tmp_path / "a.csv", f"a,b\n{body}".encode())
    whole = [
        (batch.line.tolist(), [column.to_pylist() for column in batch.columns.values()], batch.rejects)
        for batch in Delimited(path).batches()
    ]
    monkeypatch.setattr(delimited, "_PIECE", 100)
    monkeypatch.setattr(delimited, "_DENSE_LINES", 0)
    pieces = list(Delimited(path).batches())
    assert len(pieces) > 10
    assert [line for batch in pieces for line in batch.line.tolist()] == [line for lines, _, _ in whole for line in lines]
    for place, header in enumerate(("a", "b")):
        cells = [cell for batch in pieces for cell in batch.columns[header].to_pylist()]
        assert cells == [cell for _, columns, _ in whole for cell in columns[place]]
    assert [reject for batch in pieces for reject in batch.rejects] == [reject for _, _, rejects in whole for reject in rejects]


PEAK = textwrap.dedent("""
    import resource, sys
    from data.errors import InputError
    from data.mapping import read_batches
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = refused = 0
    try:
        for batch in read_batches(sys.argv[1]):
            rows, refused = rows + batch.rows.num_rows, refused + len(batch.rejects)
    except InputError as error:
        print(error, file=sys.stderr)
    print(rows, refused, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
""")


def streamed(path: Path, start: bytes, piece: bytes, times: int) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(times):
            file.write(piece)
    return path


MIB = 1 << 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start", "piece", "says"),
    [
        ("line.csv", HEAD.encode() + b"\n1,", b"x" * MIB, "goes on for more than"), ("line.jsonl", b'{"a": "b"}\n{"a": "', b"x" * MIB, "goes on for more than"),
        ("quotes.csv", HEAD.encode() + b"\n", b'"' * MIB, "line 2 goes on"), ("open.csv", HEAD.encode() + b'\n1,"', (b"x" * 1023 + b"\n") * 1024, ""),
        ("blank.csv", HEAD.encode() + b"\n", b"\n" * MIB, ""), ("nul.csv", b"", b"\0" * MIB, "not a text file"),
        ("array.json", b'[{"event_id": "1", "a": [', (b'"' + b"x" * 1021 + b'",') * 1024, ""), ("first.csv", b"", b"a," * (MIB // 2), "columns"),
    ],
)  # fmt: skip
def test_what_unpacks_to_hundreds_of_megabytes_is_read_in_bounded_memory(
    tmp_path: Path, name: str, start: bytes, piece: bytes, says: str
) -> None:
    path = streamed(tmp_path / f"{name}.gz", start, piece, 300)
    assert path.stat().st_size < 8 * MIB
    ran = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    assert says in ran.stderr
    _, _, peak = map(int, ran.stdout.split())
    assert peak < 900


@pytest.mark.slow
def test_a_file_three_times_as_large_takes_no_more_memory(tmp_path: Path) -> None:
    peaks = []
    for times in (60, 180):
        piece = "".join(f"{n},worker {n % 800},p,item {n},2026-03-05T10:00:00Z,3,41.5,{'x' * 40}\n" for n in range(10_000))
        path = streamed(tmp_path / f"{times}.csv.gz", HEAD.encode() + b"\n", piece.encode(), times * MIB // len(piece))
        ran = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, timeout=300)
        rows, refused_, peak = map(int, ran.stdout.split())
        assert (rows, refused_) == (times * MIB // len(piece) * 10_000, 0), ran.stderr[-2_000:]
        peaks.append(peak)
    assert peaks[1] < 700
    assert peaks[1] < peaks[0] + 150


# Parquet of the wrong types -------------------------------------------------------------------------------------------------------
NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
ODD: Mapping[str, pa.Array] = {
    "bool": pa.array([True, None]), "int8": pa.array([1, None], pa.int8()), "uint64": pa.array([2**64 - 1, None], pa.uint64()),
    "float": pa.array([float("inf"), None], pa.float32()), "nan": pa.array([float("nan"), 1e308]), "half": pa.array([1.5, None], pa.float16()),
    "decimal128": pa.array([Decimal("1E+30"), None], pa.decimal128(38, 2)), "decimal256": pa.array([Decimal("1E+60"), None], pa.decimal256(70, 2)),
    "large string": pa.array(["x", None], pa.large_string()), "binary": pa.array([b"\xff\0", None]), "large binary": pa.array([b"1", None], pa.large_binary()),
    "fixed binary": pa.array([b"1234", None], pa.binary(4)), "dictionary": pa.array(["1", None]).dictionary_encode(), "bytes of a dictionary":
    pa.array([b"\xff", None]).dictionary_encode(), "numbers of a dictionary": pa.array([7, None]).dictionary_encode(), "nothing": pa.nulls(2),
    "date32": pa.array([date(2026, 3, 5), None]), "date64": pa.array([date(2026, 3, 5), None], pa.date64()), "early": pa.array([-2**62, None], pa.timestamp("us")),
    "time32": pa.array([time(1, 2), None], pa.time32("ms")), "time64": pa.array([time(1, 2), None]), "duration": pa.array([timedelta(days=9), None]),
    "timestamp": pa.array([NOW, None], pa.timestamp("ns", "Asia/Shanghai")), "list": pa.array([[1], None]), "struct": pa.array([{"a": b"\xff"}, None]),
    "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), "list of structs": pa.array([[{"a": NOW}], []]), "string view":
    pa.array(["x", None]).cast(pa.string_view()), "long": pa.array(["9" * 10_000, "(" * 10_000]),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(ODD))
def test_any_type_in_any_column_of_parquet(tmp_path: Path, kind: str) -> None:
    plain = {name: pa.array([cell, cell]) for name, cell in zip(HEAD.split(","), CLEAN[0], strict=True)}
    tried = 0
    for column in [*HEAD.split(","), "prelabelled_units", "round", "version", "action", "clock", "started_at"]:
        with suppress(pa.ArrowNotImplementedError):  # what Parquet cannot hold at all
            pq.write_table(pa.table(plain | {column: ODD[kind]}), tmp_path / "a.parquet")
            tried += 1
            found = read(tmp_path / "a.parquet", table="annotations")
            assert taken(found).keys() | refused(found) == {1, 2}
    assert tried == 14 or kind == "duration of months"


def test_a_row_group_that_is_damaged_late_is_said(tmp_path: Path) -> None:
    count = 400_000
    pq.write_table(
        pa.table({name: [str(n) for n in range(count)] for name in HEAD.split(",")[:4]}), tmp_path / "a.parquet", row_group_size=count // 4
    )
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    middle = len(data) * 3 // 4
    data[middle : middle + 5_000] = bytes(5_000)
    with pytest.raises(InputError, match="damaged Parquet"):
        read(put(tmp_path / "a.parquet", bytes(data)))


# Exports ------------------------------------------------------------------------------------------------------------------------
def label_studio(number: int) -> dict[str, object]:
    made = {"id": number, "completed_by": 5, "result": [], "was_cancelled": False, "ground_truth": False, "lead_time": 4.0, "task": number,
            "created_at": "2026-03-05T10:00:00Z", "updated_at": "2026-03-05T10:00:00Z"}  # fmt: skip
    return {
        "id": number,
        "data": {},
        "project": 3,
        "created_at": "2026-03-05T09:00:00Z",
        "updated_at": "2026-03-05T10:00:00Z",
        "annotations": [made],
    }


ROWS: Mapping[str, tuple[str, list[str]]] = {
    "mturk": ("", as_csv(BATCH).splitlines()), "crowdflower": ("", as_csv(FULL).splitlines()),
    "zooniverse": ("", as_csv([classification(n) for n in range(5)]).splitlines()), "prodigy": ("lines", as_lines([answer(n) for n in range(1, 6)]).splitlines()),
    "label-studio": ("array", [json.dumps(label_studio(n)) for n in range(1, 6)]),
}  # fmt: skip


def told(path: Path, tool: str) -> list[Batch] | None:
    """The batches that the tool's own reader gives; None when it does not know the file."""
    (one,) = [export for export in EXPORTS if export.tool == tool and type(export).__name__.endswith("Files")]
    if not one.knows(path):
        return None
    found = list(one.batches(path, "s", None, {}, lambda *_: [], None))
    for batch in found:
        assert batch.read == batch.rows.num_rows + len(batch.rejects)
    return [batch for batch in found if batch.table == "annotations"]


def joined(shape: str, lines: Sequence[bytes]) -> bytes:
    return b"[" + b",\n".join(lines) + b"]" if shape == "array" else b"\n".join(lines)


@settings(QUIET, max_examples=200)
@given(
    tool=st.sampled_from(sorted(ROWS)), row=st.integers(1, 4), share=st.floats(0, 1),
    what=HOSTILE | st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b":", b"null", b"1", b"\\"]), min_size=1, max_size=5),
)  # fmt: skip
def test_damage_in_a_row_of_an_export_stays_in_it(tmp_path: Path, tool: str, row: int, share: float, what: list[bytes]) -> None:
    shape, texts = ROWS[tool]
    lines = [line.encode() for line in texts]
    known = told(put(tmp_path / "a.txt", joined(shape, lines)), tool)
    assert known is not None
    want = taken(known)
    at = 1 + int(share * (len(lines[row]) - 2))
    lines[row] = lines[row][:at] + b"".join(what) + lines[row][at:]
    with suppress(InputError):
        found = told(put(tmp_path / "a.txt", joined(shape, lines)), tool)
        assert found is not None
        got = taken(found)
        if shape == "array":
            others = {cells["event_id"] for line, cells in want.items() if line != row + 1}
            assert others <= {cells["event_id"] for cells in got.values()}
        else:
            own = row + 1
            assert {line: cells for line, cells in got.items() if line != own} == {
                line: cells for line, cells in want.items() if line != own
            }
            assert got.keys() | refused(found) == want.keys()


@settings(QUIET, max_examples=150)
@given(tool=st.sampled_from(sorted(ROWS)), share=st.floats(0, 1))
def test_an_export_cut_off_anywhere_keeps_what_came_before(tmp_path: Path, tool: str, share: float) -> None:
    shape, texts = ROWS[tool]
    whole = joined(shape, [line.encode() for line in texts])
    known = told(put(tmp_path / "a.txt", whole), tool)
    assert known is not None
    events = [cells["event_id"] for cells in taken(known).values()]
    with suppress(InputError):
        found = told(put(tmp_path / "a.txt", whole[: int(share * len(whole))]), tool)
        got = [cells["event_id"] for cells in taken(found or []).values()]
        assert got[: len(events)] == events[: len(got)] or got[:-1] == events[: len(got) - 1]


@settings(QUIET, max_examples=150)
@given(
    tool=st.sampled_from(["mturk", "crowdflower", "zooniverse"]),
    row=st.integers(0, 4),
    cells=st.lists(st.text(max_size=30), min_size=1, max_size=4),
    seed=st.integers(0, 9999),
)
def test_any_text_in_the_cells_of_an_export(tmp_path: Path, tool: str, row: int, cells: list[str], seed: int) -> None:
    import csv

    table = list(csv.reader(io.StringIO("\n".join(ROWS[tool][1]))))
    place = random.Random(seed)
    row = 1 + row % (len(table) - 1)
    for cell in cells:
        table[row][place.randrange(len(table[row]))] = cell.encode("utf-8", "replace").decode()
    out = io.StringIO()
    csv.writer(out).writerows(table)
    found = told(put(tmp_path / "a.csv", out.getvalue().encode()), tool)
    assert found is not None
    assert len(taken(found)) + len(refused(found)) == len(table) - 1


@settings(QUIET, max_examples=150)
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=9), one, max_size=3)),
       field=st.sampled_from(["_task_hash", "_input_hash", "_annotator_id", "_session_id", "_timestamp", "answer", "spans", "versions", "accept", "label", "relations"]))  # fmt: skip
def test_any_json_in_the_fields_of_a_dataset(tmp_path: Path, value: object, field: str) -> None:
    rows = [answer(1), answer(2) | {field: value}, answer(3, versions=[value, {"spans": value, "sessions": value}])]
    found = told(put(tmp_path / "a.jsonl", as_lines(rows).encode("utf-8", "replace")), "prodigy")
    assert found is not None
    assert 1 in taken(found)
    assert taken(found).keys() | refused(found) == {1, 2, 3}


@settings(QUIET, max_examples=150)
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=9), one, max_size=3)))  # fmt: skip
def test_any_json_in_the_cells_of_classifications(tmp_path: Path, value: object) -> None:
    text = json.dumps(value)
    rows = [classification(1, metadata=text), classification(2, annotations=text), classification(3, value=value)]
    found = told(put(tmp_path / "a.csv", as_csv(rows).encode()), "zooniverse")
    assert found is not None
    assert len(taken(found)) == 3
