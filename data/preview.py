"""What a file is, told from its shape and first rows, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from data import mapping as layouts
from data.connectors.registry import EXPORTS
from data.delimited import RawBatch
from data.errors import InputError
from data.mapping import Mapping as Layout
from data.readers import Source, open_file
from data.store import Store
from data.tables import TABLES
from data.tables import table as spec_of

ROWS = 3
_LONGEST = 80  # characters of a cell


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table-like thing in a file: its headers, its first rows as text, and how they would be read.

    `table` is None when the headers fit none; `columns` gives the header of each canonical column found, `missing` the required
    ones that are not.
    """

    name: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    table: str | None
    columns: Mapping[str, str]
    missing: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """True when it can be loaded as it is read now."""
        return self.table is not None and not self.missing


@dataclass(frozen=True, slots=True)
class Preview:
    """A file before it is loaded. `tool` is the title of the tool whose export it is: then its columns need no mapping."""

    tool: str | None
    sheets: tuple[Sheet, ...]

    @property
    def fits(self) -> bool:
        """True when something of it can be loaded as it is read now."""
        return self.tool is not None or any(sheet.fits for sheet in self.sheets)


def preview(path: Path, *, table: str | None = None, mapping: Layout | None = None) -> Preview:
    """The file as `load` would read it: as an export by its shape, unless table or mapping say what it is, else by its headers.

    Raises InputError for a file that cannot be read at all, NameUnknown for a table that does not exist.
    """
    known = next((one for one in EXPORTS if one.knows(path)), None) if table is None and mapping is None else None
    return Preview(
        known.title if known else None, tuple(_sheet(source, table, mapping, told=known is not None) for source in open_file(path))
    )


def fitting(store: Store, headers: Sequence[str]) -> Layout | None:
    """The saved or built-in mapping that names the most of these headers and none that is not there; None when none does."""
    found = [layouts.get(store, name) for name in layouts.names(store)]
    mine = [one for one in found if len(one.columns) > 1 and one.table and {*one.columns.values(), *one.ignored} <= set(headers)]
    return max(mine, key=lambda one: (len(one.columns) + len(one.ignored), one.name), default=None)


def _sheet(source: Source, table: str | None, mapping: Layout | None, *, told: bool) -> Sheet:
    rows = _rows(next(iter(source.batches())), source.headers)
    if told:
        return Sheet(source.name, source.headers, rows, None, {}, ())
    name = table or (mapping.table if mapping else None) or _guess(source, mapping)
    if name is None:
        return Sheet(source.name, source.headers, rows, None, {}, ())
    spec = spec_of(name)
    columns = layouts.match(spec, source.headers, mapping)
    given = set(mapping.constants) if mapping else set()
    return Sheet(source.name, source.headers, rows, name, columns, tuple(c for c in spec.required if c not in columns and c not in given))


def _guess(source: Source, mapping: Layout | None) -> str | None:
    """The table that fits, else the one of which the headers name the most columns; None when they name none."""
    try:
        return layouts.detect_table(source.headers, source.name, mapping).name
    except InputError:
        found = {name: layouts.match(spec, source.headers, mapping) for name, spec in TABLES.items()}
    best = max(TABLES, key=lambda name: (len(found[name]), len(set(TABLES[name].required) & set(found[name]))))
    return best if found[best] else None


def _rows(raw: RawBatch, headers: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    columns = [raw.columns[header].slice(0, ROWS) if header in raw.columns else pa.nulls(0) for header in headers]
    return tuple(
        tuple(_text(column[row].as_py()) if row < len(column) else "" for column in columns) for row in range(min(ROWS, len(raw.line)))
    )


def _text(cell: object) -> str:
    said = "" if cell is None else str(cell)
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
