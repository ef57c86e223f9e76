"""Delimited text (CSV, TSV …) → blocks of text columns with physical line numbers; broken lines apart, with their raw text.

Grammar: RFC 4180, any of LF, CRLF and lone CR as line end. A quotation mark counts only where a field begins. A line whose quote is
never closed, or is followed by text, is refused alone and reading goes on with the next physical line, so no other row shifts.
Whole blocks are checked with array operations and parsed by Arrow; a block with anything odd in it is parsed record by record.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from data.encoding import CHUNK, MARK, MARK_BYTES, as_utf8, detect
from data.errors import InputError
from data.tables import Reject, reason

DELIMITERS = ("\t", "|", ";", ",")  # the rarest in running text first: it wins a tie
LONGEST_RECORD = 64 << 20
ROWS_PER_BATCH = 300_000
MOST_COLUMNS = 16_384  # as many as Excel has
_LONGEST_HEADER = 1_000
_PIECE = 1 << 20  # bytes of a block read at a time where it is dense
_DENSE_LINES, _DENSE_QUOTES = 2, 32  # … which is when it has so many of them per row of a batch
_HEAD_RECORDS = 50
_SNIFFED = 64 << 10  # bytes after the first line in which the delimiter is looked for
_BLANK_LINES = re.compile(rb"[\r\n]{3,}")
_LF, _CR, _QUOTE = 10, 13, 34

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Rows as a file has them: `columns` by header (text, or typed where the format is), `line` of each row, broken rows apart.

    `raw(i)` is the text of row i; `nested[header]` marks cells that hold a list or an object (their JSON is in the column).
    `blank_rows`: a row without any content (delimiters only) stands for nothing.
    """

    columns: dict[str, pa.Array]
    line: Ints
    raw: Callable[[int], str]
    rejects: list[Reject] = field(default_factory=list)
    nested: dict[str, Mask] = field(default_factory=dict)
    blank_rows: bool = False


def broken(line: int, code: str, raw: str, value: int | None = None) -> Reject:
    """The reject for a row that cannot even be split into cells."""
    shown = None if value is None else str(value)
    return Reject(line, code, None, shown, reason(code, value=shown)[0], raw.replace(MARK, ""))


def named(headers: Sequence[str | None]) -> tuple[str, ...]:
    """Headers made distinct: an empty one becomes “column 3”, a repeated one “name (2)”. Very long ones are cut.

    >>> named(["a", "", "a", "a (2)", "a"])
    ('a', 'column 2', 'a (2)', 'a (2) (2)', 'a (3)')
    """
    taken: dict[str, None] = {}
    copies: dict[str, int] = {}
    for place, header in enumerate(headers, 1):
        base = (header or "").strip("\ufeff \t\r\n\u3000")[:_LONGEST_HEADER] or f"column {place}"
        name, copy = base, copies.get(base, 1)
        while name in taken:
            copy += 1
            name = f"{base} ({copy})"
        copies[base] = copy
        taken[name] = None
    return tuple(taken)


def check_width(name: str, columns: int) -> None:
    """Raises InputError for more columns than any table has."""
    if columns > MOST_COLUMNS:
        raise InputError(
            f"{name} has {columns:,} columns; {MOST_COLUMNS:,} can be read.", f"{name} 有 {columns:,} 列；最多可读 {MOST_COLUMNS:,} 列。"
        )


class Delimited:
    """One delimited text file. `batches()` may be called again for another pass.

    Raises InputError when the file is empty or is not text.
    """

    def __init__(self, path: Path, progress: Callable[[int], None] | None = None) -> None:
        self.path, self.name = path, path.name
        self._progress = progress
        self._encoding = detect(path)
        head = self._head()
        if b"\0" in head[: _line_stop(head, len(head) - len(head.lstrip()))]:
            raise InputError(
                f"{self.name} is not a text file: give CSV, Excel (.xlsx), JSONL or Parquet.",
                f"{self.name} 不是文本文件：请提供 CSV、Excel（.xlsx）、JSONL 或 Parquet。",
            )
        start, line, told = _after_blank(head)
        self._delimiter = told or _sniff(head[start:])
        found = next(_records(head, start, line, self._delimiter, last=True), None)
        if found is None:
            raise InputError(f"{self.name} is empty: there is not even a header.", f"{self.name} 是空文件：连表头都没有。")
        if found.fields is None:
            raise InputError(
                f"{self.name}: the header in line {found.line} cannot be read (an open quotation mark).",
                f"{self.name}：第 {found.line} 行表头无法读取（引号没有闭合）。",
            )
        check_width(self.name, len(found.fields))
        self.headers = named([cell.decode() for cell in found.fields])
        self._skip, self._first_line = found.next, found.next_line

    def _head(self) -> bytes:
        """The beginning of the text: a mebibyte, or as much as the first record needs."""
        head = b""
        for block in as_utf8(self.path, self._encoding, 1 << 20):
            head += block
            if (head.count(b'"') % 2 == 0 and b"\n" in head.strip()) or len(head) > LONGEST_RECORD:
                break
        return head

    def batches(self) -> Iterator[RawBatch]:
        """All rows in order, about ROWS_PER_BATCH at a time; a file with only a header gives one empty batch."""
        rest, skip, line = b"", self._skip, self._first_line
        size, want = CHUNK, CHUNK
        empty = True
        blocks = as_utf8(self.path, self._encoding, size)
        gathered: list[bytes] = []
        have = 0
        last = False
        while not last:
            block = next(blocks, None)
            last = block is None
            if block is not None:
                if self._progress:
                    self._progress(len(block))
                if skip:
                    block, skip = block[skip:], max(0, skip - len(block))
                gathered.append(block)
                have += len(block)
                if have < want:
                    continue
            buffer = b"".join([rest, *gathered])
            gathered, have = [], 0
            more = True
            while more:
                dense = len(buffer) > _PIECE and _is_dense(buffer)
                batch, used, line = self._parse(buffer[:_PIECE] if dense else buffer, line, last and not dense, careful=False)
                more = used > 0 and (dense or len(batch.line) + len(batch.rejects) >= ROWS_PER_BATCH)
                if dense and not used:  # one record is larger than the piece
                    batch, used, line = self._parse(buffer, line, last, careful=True)
                    more = used > 0
                buffer = buffer[used:]
                if len(batch.line):
                    want = int(min(max(used / len(batch.line) * ROWS_PER_BATCH, 1 << 20), LONGEST_RECORD))
                if len(batch.line) or batch.rejects:
                    empty = False
                    yield batch
            rest = buffer
            if not used and len(rest) > 2 * LONGEST_RECORD:
                raise InputError(
                    f"{self.name}: line {line} goes on for more than {LONGEST_RECORD >> 20} MiB; this is no table.",
                    f"{self.name}：第 {line} 行超过 {LONGEST_RECORD >> 20} MiB，不是表格。",
                )
            want = max(want, len(rest) // 2)
        if empty:
            yield RawBatch({header: pa.array([], pa.string()) for header in self.headers}, np.empty(0, np.int64), lambda _: "")

    # One block ------------------------------------------------------------------------------------------------------
    def _parse(self, buffer: bytes, line: int, last: bool, *, careful: bool) -> tuple[RawBatch, int, int]:
        """The rows of a block, or its first ROWS_PER_BATCH, how many bytes they took, and the number of the line after them."""
        if careful or (not last and len(buffer) > LONGEST_RECORD * 2):
            return self._parse_careful(buffer, line, last)
        fast = self._parse_fast(buffer, line, last)
        return fast if fast is not None else self._parse_careful(buffer, line, last)

    def _parse_fast(self, buffer: bytes, line: int, last: bool) -> tuple[RawBatch, int, int] | None:
        """The same as _parse_careful by array operations; None when the block needs that."""
        if not buffer:
            return _nothing(self.headers), 0, line
        data = np.frombuffer(buffer, np.uint8)
        lines = _line_ends(buffer, data, last)
        ends = lines
        quoted = b'"' in buffer
        if quoted:
            quotes = np.flatnonzero(data == _QUOTE)
            if not _well_formed(data, quotes, ord(self._delimiter)) or (last and len(quotes) % 2):
                return None
            ends = lines[np.searchsorted(quotes, lines) % 2 == 0]
        spanning = len(ends) < len(lines)  # some record goes over more than one line
        if last and (not len(ends) or ends[-1] < len(buffer) - 1):
            ends = np.append(ends, len(buffer))
        if not len(ends):
            return _nothing(self.headers), 0, line
        used = min(int(ends[-1]) + 1, len(buffer))
        starts = np.empty_like(ends)
        starts[0], starts[1:] = 0, ends[:-1] + 1
        stops = ends - ((ends > starts) & (data[np.maximum(ends - 1, 0)] == _CR) & (data[np.minimum(ends, len(data) - 1)] == _LF))
        numbers = line + (np.searchsorted(lines, starts) if spanning else np.arange(len(ends)))
        next_line = line + int(np.searchsorted(lines, used)) + (int(ends[-1]) == len(buffer))
        wrong = 0

        def count(_: pa_csv.InvalidRow) -> str:
            nonlocal wrong
            wrong += 1
            return "skip"

        longest = int((ends - starts).max()) + 2
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(pa.py_buffer(memoryview(buffer)[:used])),
                read_options=pa_csv.ReadOptions(
                    column_names=[str(place) for place in range(len(self.headers))], block_size=max(2 << 20, 2 * longest)
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self._delimiter, quote_char='"' if quoted else False, newlines_in_values=spanning,
                    invalid_row_handler=count,
                ),
                convert_options=pa_csv.ConvertOptions(
                    check_utf8=False, column_types={str(place): pa.string() for place in range(len(self.headers))},
                    strings_can_be_null=False,
                ),
            )  # fmt: skip
        except pa.ArrowInvalid as error:
            if "Empty CSV" not in str(error):
                return None
            table = None
        keep = stops > starts
        rejects: list[Reject] = []

        def raw_of(row: int) -> str:
            return buffer[starts[row] : stops[row]].decode()

        damaged = _rows_with(buffer, data, starts, self._encoding.clean)
        if wrong:
            delimiters = np.flatnonzero(data == ord(self._delimiter))
            if quoted:
                delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
            fields = 1 + np.diff(np.searchsorted(delimiters, np.append(starts, used)))
            odd = keep & (fields != len(self.headers))
            if spanning and (np.diff(np.append(numbers, next_line))[odd] > 1).any():
                return None
            for row in np.flatnonzero(odd):
                if damaged is None or not damaged[row]:
                    code = "fields_few" if fields[row] < len(self.headers) else "fields_many"
                    rejects.append(broken(int(numbers[row]), code, raw_of(int(row)), int(fields[row])))
            keep &= ~odd
        rows = np.flatnonzero(keep)
        if len(rows) != (0 if table is None else table.num_rows):
            return None
        if damaged is not None:
            for row in np.flatnonzero(damaged & (stops > starts)):
                rejects.append(broken(int(numbers[row]), "bytes", raw_of(int(row))))
            table = table.filter(pa.array(~damaged[rows])) if table is not None else None
            rows = rows[~damaged[rows]]
        rejects.sort(key=lambda reject: reject.line)
        columns = {
            header: _one(table.column(place)) if table is not None else pa.array([], pa.string())
            for place, header in enumerate(self.headers)
        }
        return RawBatch(columns, numbers[rows], lambda row: raw_of(int(rows[row])), rejects, blank_rows=True), used, next_line

    def _parse_careful(self, buffer: bytes, line: int, last: bool) -> tuple[RawBatch, int, int]:
        """Record by record."""
        used, next_line, width = 0, line, len(self.headers)
        good: list[list[bytes]] = []
        spans: list[tuple[int, int]] = []
        numbers: list[int] = []
        rejects: list[Reject] = []
        dirty = not self._encoding.clean
        position, resume = 0, line
        while True:
            retry = False
            for record in _records(buffer, position, resume, self._delimiter, last):
                fields = record.fields
                raw = buffer[record.start : record.stop]
                if fields is not None and len(fields) != width and record.next_line > record.line + 1:
                    # A quote that swallowed whole lines: refuse the first of them, read the rest anew.
                    stop = _line_stop(buffer, record.start)
                    rejects.append(broken(record.line, "quote", buffer[record.start : stop].decode()))
                    position, resume, retry = _line_next(buffer, stop), record.line + 1, True
                    used, next_line = position, resume
                    break
                used, next_line = record.next, record.next_line
                if fields is None:
                    rejects.append(broken(record.line, "quote", raw.decode()))
                elif b"\0" in raw or (dirty and MARK_BYTES in raw):
                    rejects.append(broken(record.line, "bytes", raw.decode()))
                elif len(fields) != width:
                    rejects.append(broken(record.line, "fields_few" if len(fields) < width else "fields_many", raw.decode(), len(fields)))
                else:
                    good.append(fields)
                    spans.append((record.start, record.stop))
                    numbers.append(record.line)
                if len(good) + len(rejects) >= ROWS_PER_BATCH:
                    break
            if not retry or len(rejects) >= ROWS_PER_BATCH:
                break
        cells = zip(*good, strict=True) if good else [()] * width
        columns = {header: pa.array(column, pa.binary()).cast(pa.string()) for header, column in zip(self.headers, cells, strict=True)}
        return (
            RawBatch(columns, np.array(numbers, np.int64), lambda row: buffer[slice(*spans[row])].decode(), rejects, blank_rows=True),
            used,
            next_line,
        )


def _is_dense(buffer: bytes) -> bool:
    """Whether a block has so many lines or quotes that arrays of their places would be large."""
    lines = buffer.count(b"\n") + buffer.count(b"\r")
    return lines > _DENSE_LINES * ROWS_PER_BATCH or buffer.count(b'"') > _DENSE_QUOTES * ROWS_PER_BATCH


# Array operations on a block -----------------------------------------------------------------------------------------------
def _line_ends(buffer: bytes, data: npt.NDArray[np.uint8], last: bool) -> Ints:
    """Where each physical line ends: at its LF, or at a CR that no LF follows (a CR at the end of a block waits for more)."""
    if b"\r" not in buffer or buffer.count(b"\r") == buffer.count(b"\r\n"):
        return np.flatnonzero(data == _LF)
    alone = data == _CR
    alone[:-1] &= data[1:] != _LF
    if not last:
        alone[-1] = False
    return np.flatnonzero((data == _LF) | alone)


def _well_formed(data: npt.NDArray[np.uint8], quotes: Ints, delimiter: int) -> bool:
    """Whether every quote opens at the start of a field, closes at its end, or is doubled inside one."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = data[opening - 1]
    fine = (opening == 0) | (before == delimiter) | (before == _LF) | (before == _CR)
    fine[1:] |= opening[1:] == closing[: len(opening) - 1] + 1
    if not fine.all():
        return False
    after = data[np.minimum(closing + 1, len(data) - 1)]
    fine = (closing == len(data) - 1) | (after == delimiter) | (after == _LF) | (after == _CR) | (after == _QUOTE)
    return bool(fine.all())


def _rows_with(buffer: bytes, data: npt.NDArray[np.uint8], starts: Ints, clean: bool) -> Mask | None:
    """The rows with a NUL or a marked byte in them; None when there is none."""
    places = [np.flatnonzero(data == 0)] if b"\0" in buffer else []
    if not clean and MARK_BYTES in buffer:
        first, second, third = MARK_BYTES
        places.append(np.flatnonzero((data[:-2] == first) & (data[1:-1] == second) & (data[2:] == third)))
    if not places:
        return None
    damaged = np.zeros(len(starts), np.bool_)
    damaged[np.searchsorted(starts, np.concatenate(places), side="right") - 1] = True
    return damaged


def _one(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _nothing(headers: Sequence[str]) -> RawBatch:
    return RawBatch({header: pa.array([], pa.string()) for header in headers}, np.empty(0, np.int64), lambda _: "")


# Record by record ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Record:
    """One record: its first line, its span, what comes after it, and its fields (None: a quote in it is broken)."""

    line: int
    start: int
    stop: int
    next: int
    next_line: int
    fields: list[bytes] | None


def _line_stop(buffer: bytes, start: int) -> int:
    """Where the physical line that begins at `start` stops, without its line end."""
    end = buffer.find(b"\n", start)
    cr = buffer.find(b"\r", start, end if end >= 0 else len(buffer))
    return cr if cr >= 0 else end if end >= 0 else len(buffer)


def _may_go_on(buffer: bytes, stop: int) -> bool:
    """Whether a line that stops here could have more to it beyond the buffer (a CR may be half of a CRLF)."""
    return stop == len(buffer) or (stop == len(buffer) - 1 and buffer[stop] == _CR)


def _line_next(buffer: bytes, stop: int) -> int:
    return stop + (2 if buffer[stop : stop + 2] == b"\r\n" else 1 if stop < len(buffer) else 0)


def _records(buffer: bytes, start: int, line: int, delimiter: str, last: bool) -> Iterator[_Record]:
    """The records from `start` on, blank lines left out; stops before a record that may go on beyond the buffer."""
    sign = delimiter.encode()
    while start < len(buffer):
        stop = _line_stop(buffer, start)
        if not last and _may_go_on(buffer, stop):
            return
        after = _line_next(buffer, stop)
        if stop == start:
            start, line = after, line + 1
            continue
        if buffer.find(b'"', start, stop) < 0:
            yield _Record(line, start, stop, after, line + 1, buffer[start:stop].split(sign))
            start, line = after, line + 1
            continue
        split = _split_quoted(buffer, start, sign, last)
        if split is None:
            return
        fields, end = split
        if fields is None:
            yield _Record(line, start, stop, after, line + 1, None)
            start, line = after, line + 1
            continue
        after = _line_next(buffer, end)
        body = buffer[start:end]
        next_line = line + 1 + body.count(b"\n") + body.count(b"\r") - body.count(b"\r\n")
        yield _Record(line, start, end, after, next_line, fields)
        start, line = after, next_line


def _split_quoted(buffer: bytes, start: int, sign: bytes, last: bool) -> tuple[list[bytes] | None, int] | None:
    """The fields of a record with quotes and where it stops; fields None when a quote is broken; None when more text is needed."""
    fields: list[bytes] = []
    place, size = start, len(buffer)
    while True:
        if buffer[place : place + 1] == b'"':
            close = place + 1
            while True:
                close = buffer.find(b'"', close, start + LONGEST_RECORD)
                if close < 0:
                    return (None, start) if last or size - start >= LONGEST_RECORD else None
                if buffer[close + 1 : close + 2] != b'"':
                    break
                close += 2
            if close + 1 == size and not last:
                return None
            fields.append(buffer[place + 1 : close].replace(b'""', b'"'))
            stop = close + 1
            if stop < size and buffer[stop : stop + 1] not in (sign, b"\n", b"\r"):
                return None, start
        else:
            stop = _line_stop(buffer, place)
            if not last and stop == size:
                return None
            comma = buffer.find(sign, place, stop)
            stop = comma if comma >= 0 else stop
            fields.append(buffer[place:stop])
        if buffer[stop : stop + 1] != sign:
            return (fields, stop) if last or not _may_go_on(buffer, stop) else None
        place = stop + 1


# The head of a file ----------------------------------------------------------------------------------------------------------
def _after_blank(head: bytes) -> tuple[int, int, str | None]:
    """Where the header begins, its line, and the delimiter when Excel's “sep=;” line names it."""
    start, line = 0, 1
    while start < len(head):
        stop = _line_stop(head, start)
        text = head[start:stop]
        if text[:4].lower() == b"sep=" and len(text) == 5:
            return _line_next(head, stop), line + 1, text[4:].decode()
        if text.strip():
            break
        start, line = _line_next(head, stop), line + 1
    return start, line, None


def _sniff(head: bytes) -> str:
    """The delimiter that splits the first records most evenly into most fields; a comma when there is one column only."""
    head = _BLANK_LINES.sub(b"\n", head[: _line_stop(head, 0) + _SNIFFED])
    best, found = 0.0, ","
    for delimiter in DELIMITERS:
        widths: list[int] = []
        for record in _records(head, 0, 1, delimiter, last=True):
            widths.append(len(record.fields) if record.fields is not None else 0)
            if len(widths) == _HEAD_RECORDS:
                break
        if widths:
            score = (widths.count(widths[0]) / len(widths)) ** 2 * (widths[0] - 1)
            if score > best:
                best, found = score, delimiter
    return found


def row_text(cells: Sequence[str | None]) -> str:
    """Cells as one CSV line, for formats that have no line of their own.

    >>> row_text(["a", "b,c", None])
    'a,"b,c",'
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue()
