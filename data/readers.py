"""Any file → batches of raw cells with their line numbers, whatever its format, encoding or damage."""

from __future__ import annotations

import codecs
import json
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from types import NoneType
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.delimited import LONGEST_RECORD, MOST_COLUMNS, Delimited, RawBatch, broken, check_width, named, row_text
from data.encoding import MARK, as_utf8, chunks, detect
from data.errors import InputError
from data.tables import Reject
from data.values import numeral

ROWS = 250_000
_SHEET_ROWS = 50_000
_HEAD_ROWS = 10
_JSON_ROWS = 50_000
_JSON_SIZE = 32 << 20  # characters of objects in a batch: some are a whole task with its masks
_CELLS = 4_000_000  # in a batch of a sheet or of objects, empty ones too: both can be wide and almost empty
_DEEPEST = 100  # lists and objects in one another in a JSON object
_LARGEST_PART = 1 << 30  # bytes that a part of a workbook may unpack to
_LARGEST_WORDS = 256 << 20  # … and those parts that are held in memory whole
_TIGHTEST = 200  # times smaller than its content a large part may be: real sheets come to about 20
Progress = Callable[[int, int], None]


class Source(Protocol):
    """One table-like thing in a file: the file itself, or a sheet of a workbook. `batches()` starts anew at each call."""

    name: str
    headers: tuple[str, ...]

    def batches(self) -> Iterator[RawBatch]:
        """All rows in order; at least one batch, even when there are none."""
        ...


def open_file(path: Path | str, progress: Progress | None = None) -> list[Source]:
    """The sources in a file, told by its content: Parquet, Excel, JSON (array or lines) or delimited text, also gzipped.

    `progress(done, total)` is called with bytes of the file. Raises InputError for what cannot be read at all.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}.", f"没有文件 {path}。")
    start = next(chunks(path, 4096), b"")
    if not start:
        raise InputError(f"{path.name} is empty.", f"{path.name} 是空文件。")
    step = stepper(path, progress)
    if start.startswith(b"PAR1"):
        return [Parquet(path, step)]
    if start.startswith(b"PK\x03\x04"):
        return list(sheets(path, step))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(
            f"{path.name} is an old Excel file (.xls) or one with a password: save it as .xlsx without a password.",
            f"{path.name} 是旧版 Excel（.xls）或带密码的文件：请另存为不带密码的 .xlsx。",
        )
    suffixes = {suffix.lower() for suffix in path.suffixes}
    text = start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1]
    if suffixes & {".json", ".jsonl", ".ndjson"} or (text in (b"{", b"[") and not suffixes & {".csv", ".tsv", ".txt"}):
        return [JsonFile(path, step)]
    return [Delimited(path, step)]


def stepper(path: Path, progress: Progress | None) -> Callable[[int], None] | None:
    """A counter of bytes read that tells `progress` how far of the file that is; None where nobody asks."""
    if progress is None:
        return None
    total, done = path.stat().st_size, 0

    def step(size: int) -> None:
        nonlocal done
        done = min(done + size, total)
        progress(done, total)

    return step


# What Arrow raises for a damaged file; more than its own errors, where lengths in the file are nonsense.
_PARQUET_ERRORS = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError)


# Parquet ---------------------------------------------------------------------------------------------------------------
class Parquet:
    """A Parquet file. Lines are row numbers from 1; lists and structs become JSON text."""

    def __init__(self, path: Path, progress: Callable[[int], None] | None = None) -> None:
        self.path, self.name, self._progress = path, path.name, progress
        try:
            with pq.ParquetFile(path) as file:
                check_width(self.name, len(file.schema_arrow.names))
                self.headers = named(file.schema_arrow.names)
                self._repetitive = _repetitive(file.metadata)
        except _PARQUET_ERRORS as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> InputError:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        return InputError(f"{self.name} is a damaged Parquet file: {why}", f"{self.name} 是损坏的 Parquet 文件：{why}")

    def batches(self) -> Iterator[RawBatch]:
        """Row groups in pieces of ROWS rows."""
        line, empty = 1, True
        try:
            with pq.ParquetFile(self.path, read_dictionary=self._repetitive) as file:
                step = self.path.stat().st_size / max(file.metadata.num_rows, 1)
                for batch in file.iter_batches(batch_size=ROWS):
                    if not batch.num_rows:
                        continue
                    empty = False
                    batch.validate(full=True)  # a damaged page can hold bytes that are no text
                    yield self._raw(batch, line)
                    line += batch.num_rows
                    if self._progress:
                        self._progress(int(batch.num_rows * step) + 1)
                if empty:
                    yield self._raw(pa.RecordBatch.from_pylist([], schema=file.schema_arrow), 1)
        except _PARQUET_ERRORS as error:
            raise self._damaged(error) from None

    def _raw(self, batch: pa.RecordBatch, line: int) -> RawBatch:
        columns, nested = {}, {}
        for header, column in zip(self.headers, batch.columns, strict=True):
            if pa.types.is_nested(column.type):
                nested[header] = column.is_valid().to_numpy(zero_copy_only=False)
                column = pa.array([None if value is None else _json_text(value) for value in column.to_pylist()], pa.string())
            columns[header] = _readable(column)

        def raw(row: int) -> str:
            cells = {header: column[row].as_py() for header, column in columns.items()}
            return _json_text({header: value for header, value in cells.items() if value is not None})

        return RawBatch(columns, line + np.arange(batch.num_rows), raw, nested=nested)


def _readable(column: pa.Array) -> pa.Array:
    """A column in a type that can become text; of one that cannot, the text of each value."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_temporal(column.type) and not pa.types.is_interval(column.type):
        return (
            column
            if _has_dates(column)
            else pa.array([None if one is None else f"{one} {column.type}" for one in _integers(column)], pa.string())
        )
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_null(kind) or (pa.types.is_primitive(kind) and not pa.types.is_interval(kind)):
        return column
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_decimal128(kind) or pa.types.is_binary(kind):
        return column
    cells = [
        None if value is None else value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
        for value in column.to_pylist()
    ]
    return pa.array(cells, pa.string())


def _has_dates(column: pa.Array) -> bool:
    """Whether all times in a column are within the years that dates can name."""
    try:
        pc.min_max(column).as_py()
    except (OverflowError, ValueError, pa.ArrowException):
        return False
    return True


def _integers(column: pa.Array) -> list[int | None]:
    """The numbers that a column of times is kept as."""
    found: list[int | None] = column.cast(pa.int32() if column.type.bit_width == 32 else pa.int64()).to_pylist()
    return found


def _repetitive(metadata: pq.FileMetaData) -> list[str]:
    """The columns that take under three bytes a value: few distinct texts, better read as such."""
    found = []
    for place in range(metadata.num_columns if metadata.num_row_groups else 0):
        chunk = metadata.row_group(0).column(place)
        if chunk.physical_type == "BYTE_ARRAY" and chunk.total_uncompressed_size < 3 * chunk.num_values:
            found.append(chunk.path_in_schema)
    return found


# Excel ---------------------------------------------------------------------------------------------------------------------
def sheets(path: Path, progress: Callable[[int], None] | None = None) -> Iterator[Sheet]:
    """The sheets of a workbook that hold anything. Raises InputError when it cannot be opened or all are empty."""
    found = False
    with _workbook(path) as book:
        names = [sheet.title for sheet in book.worksheets]
    for name in names:
        sheet = Sheet(path, name, progress)
        if sheet.headers:
            found = True
            yield sheet
    if not found:
        raise InputError(f"{path.name} is empty: none of its sheets has a header.", f"{path.name} 是空文件：所有工作表都没有表头。")


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    """The workbook, open as long as the block runs. Raises InputError for whatever a damaged one makes openpyxl raise."""
    from openpyxl import load_workbook

    try:
        _weigh_parts(path)
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and validations, which are not read
            book = load_workbook(stream, read_only=True, data_only=True)
            try:
                yield book
            finally:
                book.close()
    except InputError:
        raise
    except Exception as error:
        raise _no_workbook(path, error) from None


def _no_workbook(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path.name} cannot be opened as Excel ({type(error).__name__}): open and save it again as .xlsx, or give CSV.",
        f"{path.name} 无法作为 Excel 打开（{type(error).__name__}）：请重新另存为 .xlsx，或提供 CSV。",
    )


def _weigh_parts(path: Path) -> None:
    """Raises InputError for a workbook whose parts unpack to more than can be meant, before any is unpacked."""
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            held = not part.filename.startswith("xl/worksheets/")
            most = _LARGEST_WORDS if held else _LARGEST_PART
            if part.file_size > most or (part.file_size > 16 << 20 and part.file_size > _TIGHTEST * max(part.compress_size, 1)):
                raise InputError(
                    f"{path.name} unpacks to {part.file_size >> 20:,} MiB in {part.filename}: give CSV.",
                    f"{path.name} 中的 {part.filename} 解压后有 {part.file_size >> 20:,} MiB：请提供 CSV。",
                )


_MOST_ROWS = 1_048_576


class Sheet:
    """One sheet. The header is its first row with two or more filled cells (or the first filled row); lines are its row numbers.

    Cells become text: numbers without “.0”, dates ISO, lengths of time as h:mm:ss; of a formula, its stored result.
    """

    def __init__(self, path: Path, sheet: str, progress: Callable[[int], None] | None = None) -> None:
        self.path, self._sheet, self._progress = path, sheet, progress
        self.name = f"{path.name} [{sheet}]"
        self.headers: tuple[str, ...] = ()
        self._header_row = 0
        first: tuple[int, list[str | None]] | None = None
        seen = 0
        for number, cells in self._rows():
            filled = sum(cell is not None for cell in cells)
            if not filled:
                continue
            first = first or (number, cells)
            seen += 1
            if filled > 1:
                first = number, cells
            if filled > 1 or seen == _HEAD_ROWS:
                break
        if first is not None:
            self._header_row, cells = first
            while cells and cells[-1] is None:
                cells.pop()
            check_width(self.name, len(cells))
            self.headers = named(cells)

    def _rows(self) -> Iterator[tuple[int, list[str | None]]]:
        with _workbook(self.path) as book:
            sheet = book[self._sheet]
            sheet.reset_dimensions()
            for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                if number > _MOST_ROWS:
                    raise InputError(
                        f"{self.name} has more than {_MOST_ROWS:,} rows, which no sheet can.",
                        f"{self.name} 超过 {_MOST_ROWS:,} 行，不是有效的工作表。",
                    )
                yield number, [_cell_text(cell) for cell in cells]

    def batches(self) -> Iterator[RawBatch]:
        """The rows under the header; empty rows are left out."""
        width, rows, lines = len(self.headers), list[list[str | None]](), list[int]()
        rejects: list[Reject] = []
        any_batch = False
        for number, cells in self._rows():
            if number <= self._header_row or all(cell is None for cell in cells):
                continue
            if any(cell is not None for cell in cells[width:]):
                used = max(place for place, cell in enumerate(cells, 1) if cell is not None)
                rejects.append(broken(number, "fields_many", row_text(cells[:used]), used))
                continue
            rows.append(cells[:width] + [None] * (width - len(cells)))
            lines.append(number)
            if len(rows) == _SHEET_ROWS or len(rows) * width >= _CELLS or len(rejects) == _SHEET_ROWS:
                any_batch = True
                yield self._batch(rows, lines, rejects)
                rows, lines, rejects = [], [], []
        if rows or rejects or not any_batch:
            yield self._batch(rows, lines, rejects)
        if self._progress:
            self._progress(self.path.stat().st_size)

    def _batch(self, rows: list[list[str | None]], lines: list[int], rejects: list[Reject]) -> RawBatch:
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(self.headers)
        columns = {header: pa.array(column, pa.string()) for header, column in zip(self.headers, cells, strict=True)}
        return RawBatch(columns, np.array(lines, np.int64), lambda row: row_text(rows[row]), rejects)


def _cell_text(cell: object) -> str | None:
    """A typed cell as text; None for an empty one."""
    match cell:
        case None | "":
            return None
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return None if cell != cell else numeral(cell)
        case datetime():
            return cell.isoformat(sep=" ")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return numeral(cell.total_seconds()) + "s"
        case Decimal():
            return str(cell)
        case _:
            return str(cell)


# JSON ------------------------------------------------------------------------------------------------------------------------
class JsonFile:
    """JSON lines, or one JSON array of objects. Lines are physical lines; in an array, the number of the element from 1.

    Numbers keep their digits as text, so no amount passes through a float.
    """

    def __init__(self, path: Path, progress: Callable[[int], None] | None = None) -> None:
        self.path, self.name, self._progress = path, path.name, progress
        self._encoding = detect(path)
        head = b""
        for block in as_utf8(path, self._encoding, 1 << 16):
            head = (head + block).lstrip()
            if head:
                break
        self._array = head.startswith(b"[")
        first = next(self.batches())
        self.headers = tuple(first.columns)
        if not self.headers:
            raise InputError(
                f"{self.name} has no JSON object in it: give one object a line, or an array of objects.",
                f"{self.name} 中没有 JSON 对象：请每行一个对象，或给出对象数组。",
            )

    def batches(self) -> Iterator[RawBatch]:
        """The objects, _JSON_ROWS or _JSON_SIZE at a time; each batch has the columns that occur in it."""
        records: list[Mapping[str, object]] = []
        lines: list[int] = []
        texts: list[str] = []
        rejects: list[Reject] = []
        any_batch = False
        size, names = 0, set[str]()
        for line, text in self._elements() if self._array else self._lines():
            size += len(text)
            if MARK in text or "\0" in text:
                rejects.append(broken(line, "bytes", text))
                continue
            record = _object(text)
            if record is None:
                rejects.append(broken(line, "json", text))
            elif len(record) > MOST_COLUMNS:
                rejects.append(broken(line, "fields_many", text, len(record)))
            else:
                names.update(record)
                records.append(record)
                lines.append(line)
                texts.append(text)
            wide = len(names) * len(records) >= _CELLS or len(names) > MOST_COLUMNS
            if wide or len(records) >= _JSON_ROWS or len(rejects) >= _JSON_ROWS or size >= _JSON_SIZE:
                any_batch = True
                yield from_objects(records, lines, texts.__getitem__, rejects)
                records, lines, texts, rejects, size, names = [], [], [], [], 0, set()
        if records or rejects or not any_batch:
            yield from_objects(records, lines, texts.__getitem__, rejects)

    def _blocks(self) -> Iterator[bytes]:
        for block in as_utf8(self.path, self._encoding):
            if self._progress:
                self._progress(len(block))
            yield block

    def _lines(self) -> Iterator[tuple[int, str]]:
        pieces: list[bytes] = []
        number, size = 1, 0
        for block in self._blocks():
            first, *more = block.split(b"\n")
            pieces.append(first)
            size = len(block) if more else size + len(block)
            if size > 2 * LONGEST_RECORD:
                raise InputError(
                    f"{self.name}: line {number} goes on for more than {LONGEST_RECORD >> 20} MiB.",
                    f"{self.name}：第 {number} 行超过 {LONGEST_RECORD >> 20} MiB。",
                )
            for following in more:
                if line := b"".join(pieces).strip():
                    yield number, line.decode()
                number, pieces = number + 1, [following]
        if line := b"".join(pieces).strip():
            yield number, line.decode()

    def _elements(self) -> Iterator[tuple[int, str]]:
        """The texts of the elements of the array. After a damaged one, reading goes on where a line begins with an object."""
        decode = codecs.getincrementaldecoder("utf-8")().decode
        text, place, number, inside, wanted = "", 0, 1, False, 0
        for block in chain(self._blocks(), (None,)):
            text, place = text[place:] + ("" if block is None else decode(block)), 0
            while block is None or len(text) - place >= wanted:
                place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing, too
                if place == len(text):
                    break
                if text[place] == ("]" if inside else "["):  # arrays may follow one another, as files put together have them
                    place, inside = place + 1, not inside
                    continue
                stop = _element_end(text, place)
                if stop is None and block is not None and len(text) - place < LONGEST_RECORD:
                    wanted = 2 * (len(text) - place)  # a large element is not looked through again for each block
                    break
                wanted = 0
                stop = len(text) if stop is None else max(stop, place + 1)
                if (again := _NEXT_OBJECT.search(text, place + 1, stop)) and _object(text[place:stop]) is None:
                    stop = again.start()
                yield number, text[place:stop].strip()
                number, place = number + 1, stop


_BETWEEN = re.compile(r"[\s,]*")
_NEXT_OBJECT = re.compile(r"\n\s*\{")
_STRUCTURE = re.compile(r'["{}\[\],]')


def _element_end(text: str, place: int) -> int | None:
    """Where the array element that begins at `place` ends; None when the text ends first."""
    depth = 0
    while found := _STRUCTURE.search(text, place):
        sign, place = found[0], found.end()
        if sign == '"':
            while True:
                close = text.find('"', place)
                if close < 0:
                    return None
                slashes = close
                while slashes > 0 and text[slashes - 1] == "\\":
                    slashes -= 1
                place = close + 1
                if (close - slashes) % 2 == 0:
                    break
        elif sign in "{[":
            depth += 1
        elif depth == 0:
            return found.start()
        elif sign in "}]":
            depth -= 1
            if depth == 0:
                return place
    return None


def _constant(name: str) -> str | None:
    return None if name == "NaN" else name.replace("Infinity", "inf")


_decode = json.JSONDecoder(
    parse_float=lambda digits: digits[:-2] if digits.endswith(".0") else digits, parse_int=str, parse_constant=_constant
).decode


def _object(text: str) -> dict[str, object] | None:
    try:
        found = _decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and not (text.count("[") + text.count("{") > _DEEPEST and _is_deep(found)) else None


def _is_deep(found: object) -> bool:
    """Whether lists and objects stand in one another more than _DEEPEST times: then they cannot safely be written again."""
    level, depth = [found], 0
    while level and depth <= _DEEPEST:
        inner = chain.from_iterable(one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list)))
        level, depth = [one for one in inner if isinstance(one, (dict, list))], depth + 1
    return bool(level)


def _json_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def from_objects(
    records: Sequence[Mapping[str, object]],
    lines: Sequence[int],
    raw: Callable[[int], str] | None = None,
    rejects: list[Reject] | None = None,
) -> RawBatch:
    """Objects as columns of text, one per name that occurs; a list or an object in a cell is its JSON and marked as nested."""
    columns: dict[str, pa.Array] = {}
    nested: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    for name in dict.fromkeys(chain.from_iterable(records)):
        values = [record.get(name) for record in records]
        kinds = set(map(type, values))
        if kinds & {dict, list, tuple}:
            nested[name] = np.array([isinstance(value, (dict, list, tuple)) for value in values], np.bool_)
            values = [_json_text(value) if deep else value for value, deep in zip(values, nested[name], strict=True)]
        cells = values if kinds <= {str, NoneType} else [_cell_text(value) for value in values]
        try:
            columns[name] = pa.array(cells, pa.string())
        except UnicodeEncodeError:  # a JSON escape such as \\ud800 is half a character, which no UTF-8 text can hold
            columns[name] = pa.array([None if cell is None else _printable(str(cell)) for cell in cells], pa.string())
    return RawBatch(columns, np.array(lines, np.int64), raw or (lambda row: _json_text(records[row])), rejects or [], nested)


def _printable(cell: str) -> str:
    return cell.encode("utf-8", "backslashreplace").decode()
