"""What the files of tools have in common: how to know one by its first line, and how its rows become canonical ones."""

from __future__ import annotations

import csv
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data import mapping as layouts
from data.connectors.connector import Read
from data.delimited import DELIMITERS, LONGEST_RECORD, Ints, Mask, RawBatch
from data.encoding import opened
from data.errors import InputError
from data.tables import TABLES, Batch
from data.values import text

HEAD = 256 << 10
UNREADABLE = (InputError, OSError, EOFError, zlib.error)  # what opening and unpacking a file can raise
_COPY = re.compile(r"(?: ?\(\d+\)| - (?:Copy|副本)(?: \(\d+\))?)$")
_TRUE = pa.array(["true", "t", "1", "yes"])


def head(path: Path) -> bytes:
    """The beginning of a file, unpacked, without blanks and a byte order mark before it; nothing of one that cannot be read."""
    try:
        with opened(path) as stream:
            return stream.read(HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    except UNREADABLE:
        return b""


def columns(path: Path) -> frozenset[str]:
    """The column names in the first line of delimited text; none for a file of another kind or one that cannot be read."""
    first = head(path).splitlines()[:1]
    if not first or first[0][:1] in (b"{", b"[") or b"\0" in first[0]:
        return frozenset()
    line = first[0].decode("utf-8", "replace")
    delimiter = max(DELIMITERS, key=line.count)
    try:
        return frozenset(name.strip() for name in next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return frozenset()


def first_object(path: Path) -> Mapping[str, Any]:
    """The object in the first line of JSON lines; an empty one for a file of another kind."""
    try:
        with opened(path) as stream:
            line = stream.readline(HEAD)
            if not line.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
                return {}
            found = json.loads(line + (b"" if line.endswith(b"\n") else stream.readline(LONGEST_RECORD)))
    except (*UNREADABLE, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def stem(path: Path) -> str:
    """The name of a file without its endings and without what a browser adds to a second copy.

    >>> stem(Path("f1234567 (2).csv.gz"))
    'f1234567'
    """
    name = path.name.split(".")[0] or path.name
    return _COPY.sub("", name) or name


def canonical(
    table: str,
    raw: RawBatch,
    given: Mapping[str, pa.Array],
    *,
    extra: Iterable[str] = (),
    rows: Ints | None = None,
    mapping: layouts.Mapping | None = None,
) -> Batch:
    """Rows of a raw batch as a canonical batch: `given` has a column of cells per canonical column, for all of the batch's rows.

    The raw columns in `extra` are kept as such. With `rows` only these are taken, and the batch's broken rows are left to
    the batch that takes all. Cells that cannot be read refuse their row, with its line, column and reason.
    """
    cells = {column.name: given.get(column.name, pa.nulls(len(raw.line), pa.string())) for column in TABLES[table].columns}
    cells |= {header: raw.columns[header] for header in extra if header in raw.columns and header not in cells}
    if rows is None:
        nested = {header: deep for header, deep in raw.nested.items() if header in cells and header not in given}
        return layouts.from_raw(table, RawBatch(cells, raw.line, raw.raw, list(raw.rejects), nested, raw.blank_rows), mapping)
    places = pa.array(rows, pa.int64())
    cells = {name: column.take(places) for name, column in cells.items()}
    return layouts.from_raw(table, RawBatch(cells, raw.line[rows], lambda row: raw.raw(int(rows[row]))), mapping)


def column(raw: RawBatch, header: str) -> pa.Array:
    """The trimmed texts of a raw column, null where empty; all null when the batch lacks it."""
    return text(raw.columns[header]) if header in raw.columns else pa.nulls(len(raw.line), pa.string())


def taken(raw: RawBatch, batch: Batch) -> Mask:
    """Which rows of the raw batch became rows of the canonical one."""
    return np.isin(raw.line, batch.rows["line"].to_numpy())


def there(cells: pa.Array) -> Mask:
    """Where a column has a value."""
    known: Mask = cells.is_valid().to_numpy(zero_copy_only=False)
    return known


def true(cells: pa.Array) -> Mask:
    """Where a column says yes."""
    found: Mask = pc.is_in(pc.utf8_lower(cells), _TRUE).to_numpy(zero_copy_only=False)
    return found


def constant(value: str, raw: RawBatch) -> pa.Array:
    """The same text in every row."""
    return pa.repeat(pa.scalar(value, pa.string()), len(raw.line))


def projects(names: Mapping[str, str], read: Read) -> Batch | None:
    """The titles of projects the base has no name for yet; None when it has one for each."""
    held = read("SELECT project_id FROM project WHERE name IS NOT NULL AND project_id IN (SELECT unnest(?::VARCHAR[]))", [list(names)])
    known = {project for (project,) in held}
    fresh = {project: name for project, name in names.items() if project not in known}
    if not fresh:
        return None
    rows = pa.table({
        "project_id": pa.array(fresh.keys(), pa.string()), "name": pa.array(fresh.values(), pa.string()),
        "line": pa.array([0] * len(fresh), pa.int64()),
    })  # fmt: skip
    return Batch("projects", rows, [], len(fresh))


def titles(ids: pa.Array, words: pa.Array, seen: dict[str, str]) -> dict[str, str]:
    """The title of each id not in `seen` yet, the first that occurs; `seen` has them all afterwards."""
    fresh: dict[str, str] = {}
    pairs = pa.table({"id": ids, "word": words}).group_by(["id", "word"]).aggregate([])
    for one, word in zip(pairs["id"].to_pylist(), pairs["word"].to_pylist(), strict=True):
        if one is not None and word is not None and one not in seen:
            seen[one] = fresh[one] = word
    return fresh


def texts(cells: Sequence[str | None]) -> pa.Array:
    """A column of text."""
    return pa.array(cells, pa.string())
