"""Raw batches → canonical typed Arrow tables and rejects, by header words or a saved mapping."""

from __future__ import annotations

import collections.abc as abc
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.delimited import RawBatch, broken
from data.errors import InputError, NameUnknown
from data.moments import DateOrder, known_zone
from data.numerals import DecimalSign, decimal_sign, header_unit
from data.readers import Progress, Source, from_objects, open_file
from data.tables import ARROW, LOG_LIMIT, TABLES, Batch, Column, Reject, TableSpec, reason, table
from data.values import DATED, NUMERIC, Cells, Mask, Style, convert, day_or_month_first, text, thousandths
from data.words import plain

if TYPE_CHECKING:
    from data.store import Store

_SHOWN = 200
_TIMED = ("seconds", "integer")
TIME_UNITS: abc.Mapping[str, Decimal] = {"ms": Decimal("0.001"), "s": Decimal(1), "min": Decimal(60), "h": Decimal(3600)}
_WALL_LIMIT_MS = 999_999_999_999  # what the log can hold between started_at and ts


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a layout becomes a canonical table; kept as JSON.

    `columns` names the header for a canonical column (headers it does not name are still matched by their words), `constants` a
    value for a column the file lacks (“{file}” stands for the file's name without its ending), `choices` further words for choices:
    {"verdict": {"好": "accept"}}. `ignored` headers are not matched by their words; they are kept like unknown ones. `units` says in which
    unit of time (ms, s, min, h) bare numbers of a column are: {"duration_s": "min"}. `zone` reads times without a zone; null leaves that to the caller.
    """

    name: str
    table: str | None = None
    columns: abc.Mapping[str, str] = field(default_factory=dict)
    constants: abc.Mapping[str, str] = field(default_factory=dict)
    date_order: DateOrder | None = None
    decimal: DecimalSign | None = None
    zone: str | None = None
    choices: abc.Mapping[str, abc.Mapping[str, str]] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    units: abc.Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("A mapping needs a name.", "映射需要名称。")
        if self.date_order not in (None, "dmy", "mdy", "ymd"):
            raise InputError(
                f"date_order is “{self.date_order}”: it can be dmy, mdy or ymd.",
                f"date_order 为“{self.date_order}”：只能是 dmy、mdy 或 ymd。",
            )
        if self.decimal not in (None, ".", ","):
            raise InputError(f"decimal is “{self.decimal}”: it can be . or ,", f"decimal 为“{self.decimal}”：只能是 . 或 ,")
        if self.zone is not None:
            check_zone(self.zone)
        for unit in self.units.values():
            if unit not in TIME_UNITS:
                raise NameUnknown("unit of time", unit, TIME_UNITS, "时间单位")
        if self.table is not None:
            spec = table(self.table)
            for name in (*self.columns, *self.constants, *self.choices, *self.units):
                spec.column(name)
            for name, words in self.choices.items():
                known = spec.column(name).choices
                for choice in words.values():
                    if known and choice not in known:
                        raise NameUnknown(f"{name}", choice, known)

    def to_json(self) -> str:
        """The mapping as a JSON object."""
        return json.dumps(
            {key: value for key, value in asdict(self).items() if value not in (None, {}, (), [])}, ensure_ascii=False, indent=1
        )

    @staticmethod
    def from_json(spec: str) -> Mapping:
        """A mapping from its JSON. Raises InputError for what is not one, NameUnknown for an unknown table, column or choice."""
        try:
            given = json.loads(spec)
        except (ValueError, RecursionError) as error:
            raise InputError(f"The mapping is not JSON: {error}.", f"映射不是 JSON：{error}。") from None
        known = list(Mapping.__dataclass_fields__)
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            raise InputError("A mapping is a JSON object with a “name”.", "映射应为带有 “name” 的 JSON 对象。")
        for key, value in given.items():
            if key not in known:
                raise NameUnknown("mapping setting", key, known, "映射设置")
            if key in ("columns", "constants", "units"):
                fine = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
            elif key == "choices":
                fine = isinstance(value, dict) and all(
                    isinstance(words, dict) and all(isinstance(word, str) for word in words.values()) for words in value.values()
                )
            elif key == "ignored":
                fine = isinstance(value, list) and all(isinstance(item, str) for item in value)
            else:
                fine = value is None or isinstance(value, str)
            if not fine:
                raise InputError(f"“{key}” of the mapping has the wrong form.", f"映射中的 “{key}” 格式不对。")
        return Mapping(**given)


def check_zone(zone: str) -> None:
    """Raises NameUnknown unless the time-zone database has the name."""
    if not known_zone(zone):
        from zoneinfo import available_timezones

        raise NameUnknown("time zone", zone, available_timezones(), "时区")


# Saved mappings ----------------------------------------------------------------------------------------------------------
BUILTINS: abc.Mapping[str, Mapping] = {
    "crowdflower": Mapping(
        "crowdflower", "annotations",
        {"item_id": "_unit_id", "event_id": "_id", "ts": "_created_at", "started_at": "_started_at", "worker_id": "_worker_id"},
        {"project_id": "{file}", "batch_id": "{file}"}, date_order="mdy", zone="UTC",
    ),
}  # fmt: skip


def save(store: Store, mapping: Mapping) -> None:
    """Keep a mapping under its name, in place of an earlier one. Raises InputError for the name of a built-in one."""
    if mapping.name in BUILTINS:
        raise InputError(f"“{mapping.name}” is a built-in mapping: choose another name.", f"“{mapping.name}”是内置映射：请换个名称。")
    with store.transaction() as cur:
        cur.execute(
            "INSERT OR REPLACE INTO mapping VALUES (?, ?, ?)", [mapping.name, mapping.to_json(), datetime.now(UTC).replace(tzinfo=None)]
        )


def get(store: Store, name: str) -> Mapping:
    """The saved or built-in mapping of that name. Raises NameUnknown."""
    found = store.rows("SELECT spec FROM mapping WHERE name = ?", [name])
    if found:
        return Mapping.from_json(found[0][0])
    if name not in BUILTINS:
        raise NameUnknown("mapping", name, names(store), "映射")
    return BUILTINS[name]


def names(store: Store) -> list[str]:
    """All mappings, built-in and saved, in order of name."""
    return sorted({*BUILTINS, *(name for (name,) in store.rows("SELECT name FROM mapping"))})


# Headers ---------------------------------------------------------------------------------------------------------------
_COPY = re.compile(r"^(.*) \(\d+\)$", re.DOTALL)


def match(spec: TableSpec, headers: Sequence[str], mapping: Mapping | None = None) -> dict[str, str]:
    """Which header holds which canonical column: named by the mapping, else spelled like the column, else one of its words.

    >>> match(TABLES["annotations"], ["工号", "x_started_at", "x_country", "耗时(毫秒)"])
    {'worker_id': '工号', 'started_at': 'x_started_at', 'duration_s': '耗时(毫秒)'}
    """
    found: dict[str, str] = {}
    if mapping is not None:
        found = {name: header for name, header in mapping.columns.items() if header in headers}
    fixed = set(mapping.constants) if mapping is not None else set()
    left_out = {*found.values(), *(mapping.ignored if mapping is not None else ())}
    free = [header for header in headers if header not in left_out and not _is_copy(header, headers)]
    ranked: list[tuple[int, int, int]] = []
    for place, header in enumerate(free):
        forms = _forms(header)
        for index, column in enumerate(spec.columns):
            if column.name not in found and column.name not in fixed and (rank := _rank(column, header, forms)) is not None:
                ranked.append((rank, index, place))
    taken: set[int] = set()
    for _, index, place in sorted(ranked):
        name = spec.columns[index].name
        if name not in found and place not in taken:
            found[name] = free[place]
            taken.add(place)
    return {column.name: found[column.name] for column in spec.columns if column.name in found}


def _is_copy(header: str, headers: Sequence[str]) -> bool:
    copy = _COPY.match(header)
    return copy is not None and copy[1] in headers


def _forms(header: str) -> list[tuple[int, str]]:
    """The plain forms under which a header is looked up, each with what it costs in rank."""
    forms = [(0, plain(header))]
    if len(header) > 2 and header[:2] in ("x_", "X_"):
        forms.append((1000, plain(header[2:])))
    unit = header_unit(header)
    if unit is not None and plain(unit[0]):
        forms.append((2000, plain(unit[0])))
    return forms


def _rank(column: Column, header: str, forms: Sequence[tuple[int, str]]) -> int | None:
    if header == column.name:
        return 0
    best: int | None = None
    for cost, form in forms:
        if cost == 2000 and column.kind not in _TIMED:
            continue
        if form == plain(column.name):
            rank = cost + 1
        elif form in column.synonyms:
            rank = cost + 10 + column.synonyms.index(form)
        else:
            continue
        best = rank if best is None else min(best, rank)
    return best


def detect_table(headers: Sequence[str], file: str, mapping: Mapping | None = None) -> TableSpec:
    """The canonical table whose columns the headers name best. Raises InputError when none fits, or several fit equally well."""
    stem = plain(Path(file).name.split(".")[0])
    ranks: list[tuple[tuple[int, bool, bool, int], TableSpec]] = []
    for spec in TABLES.values():
        found = match(spec, headers, mapping)
        fits = not _missing(spec, found, mapping)
        hinted = any(word in stem for word in (plain(spec.name), *(plain(word) for word in spec.words)))
        ranks.append(((len(found), fits, hinted, len(spec.required)), spec))
    ranks.sort(key=lambda rank: rank[0], reverse=True)
    (best, spec), (second, other) = ranks[:2]
    if best == second and best[1]:
        raise InputError(
            f"{file} fits both {spec.name} and {other.name}: say which with --as.",
            f"{file} 同时符合 {spec.name} 和 {{other.name}}：请用 --as 指明。",
        )
    if not best[1]:
        _refuse(spec, headers, file, mapping, guessed=best[0] > 0)
    return spec


def _missing(spec: TableSpec, found: abc.Mapping[str, str], mapping: Mapping | None) -> list[str]:
    return [name for name in spec.required if name not in found and not (mapping and name in mapping.constants)]


def _refuse(spec: TableSpec, headers: Sequence[str], file: str, mapping: Mapping | None, *, guessed: bool) -> None:
    lacks = ", ".join(_missing(spec, match(spec, headers, mapping), mapping))
    fitting = next((known for known in BUILTINS.values() if mapping is None and set(known.columns.values()) <= set(headers)), None)
    hint = f"use --mapping {fitting.name}, which fits it" if fitting else "rename its columns or name them in a mapping"
    hint_zh = f"请使用相符的映射 --mapping {fitting.name}" if fitting else "请修改列名，或在映射中指明"
    if guessed:
        raise InputError(
            f"{file} does not fit {spec.name}: it has no {lacks}. Its columns are {_listed(headers)}; {hint}.",
            f"{file} 与 {spec.name} 不符：缺少 {lacks}。现有列：{_listed(headers)}；{hint_zh}。",
        )
    raise InputError(
        f"{file} fits no table: none of its columns ({_listed(headers)}) is known; {hint}.",
        f"{file} 不符合任何表：没有可识别的列（{_listed(headers)}）；{hint_zh}。",
    )


def _listed(headers: Sequence[str], most: int = 12) -> str:
    shown = [header if len(header) <= 40 else f"{header[:39]}…" for header in headers[:most]]
    return ", ".join(shown) + (" …" if len(headers) > most else "")


# Batches ---------------------------------------------------------------------------------------------------------------
def read_batches(
    path: Path | str, *, table: str | None = None, mapping: Mapping | None = None, zone: str = "UTC", progress: Progress | None = None
) -> Iterator[Batch]:
    """All rows of a file as canonical batches with their rejects, a few hundred thousand rows at a time.

    The table is `table`, else the mapping's, else told from the headers; of a workbook every sheet that fits is read. Times without
    a zone are read in the mapping's zone, else in `zone`. `progress(done, total)` is called with bytes. Raises InputError for a file
    that cannot be read or fits no table, NameUnknown for an unknown table or zone.
    """
    path = Path(path)
    check_zone(zone)
    sources = open_file(path, progress)
    plans: list[_Plan] = []
    refused: list[InputError] = []
    for place, source in enumerate(sources):
        try:
            plans.append(_Plan(source, path, place, table, mapping, zone))
        except InputError as error:
            refused.append(error)
    if not plans:
        raise refused[0]
    for plan in plans:
        for raw in plan.source.batches():
            yield plan.batch(raw)


def from_records(table: str, records: Sequence[abc.Mapping[str, object]], *, zone: str = "UTC") -> Batch:
    """JSON objects (already parsed) as one canonical batch; `line` is their index from 0. Raises NameUnknown for an unknown table."""
    check_zone(zone)
    spec = _spec(table)
    rejects = [
        broken(index, "json", json.dumps(record, ensure_ascii=False))
        for index, record in enumerate(records)
        if not isinstance(record, abc.Mapping)
    ]
    lines = [index for index, record in enumerate(records) if isinstance(record, abc.Mapping)]
    raw = from_objects([records[index] for index in lines], lines, rejects=rejects)
    return _Converter(spec, tuple(raw.columns), None, zone, "", lambda: iter((raw,))).batch(raw)


def from_raw(table: str, raw: RawBatch, mapping: Mapping | None = None) -> Batch:
    """Raw rows whose columns a reader has already named canonically, as a canonical batch; other columns become `extra`.

    Times without a zone are read in the mapping's zone, else UTC. Raises NameUnknown for an unknown table.
    """
    zone = mapping.zone if mapping and mapping.zone else "UTC"
    return _Converter(_spec(table), tuple(raw.columns), mapping, zone, "", lambda: iter((raw,))).batch(raw)


def _spec(name: str) -> TableSpec:
    return table(name)


class _Plan:
    """One source, the table it is read as, and the converter for its batches."""

    def __init__(self, source: Source, path: Path, place: int, table_name: str | None, mapping: Mapping | None, zone: str) -> None:
        self.source = source
        if mapping is not None:
            if table_name is not None and mapping.table not in (None, table_name):
                raise InputError(
                    f"The mapping {mapping.name} is for {mapping.table}, not for {table_name}.",
                    f"映射 {mapping.name} 用于 {{mapping.table}}，不是 {{table_name}}。",
                )
            lacks = [header for header in mapping.columns.values() if header not in source.headers]
            if lacks:
                raise InputError(
                    f"{source.name} has no column {_listed(lacks)}, which the mapping {mapping.name} names.",
                    f"{source.name} 没有映射 {mapping.name} 所指的列 {_listed(lacks)}。",
                )
        chosen = table_name or (mapping.table if mapping else None)
        spec = _spec(chosen) if chosen else detect_table(source.headers, source.name, mapping)
        found = match(spec, source.headers, mapping)
        if _missing(spec, found, mapping):
            _refuse(spec, source.headers, source.name, mapping, guessed=True)
        for header in found.values():
            if f"{header} (2)" in source.headers and f"{header} (2)" not in found.values():
                raise InputError(
                    f"{source.name} has two columns named “{header}”: rename one.", f"{source.name} 有两列都叫“{{header}}”：请改名。"
                )
        stem = path.name.split(".")[0] or path.name
        self._converter = _Converter(spec, source.headers, mapping, zone, stem, lambda: open_file(path)[place].batches())
        self.batch = self._converter.batch


class _Converter:
    """Turns raw batches of one source into canonical ones, with the same reading of dates and decimals throughout."""

    def __init__(
        self,
        spec: TableSpec,
        headers: Sequence[str],
        mapping: Mapping | None,
        zone: str,
        stem: str,
        again: abc.Callable[[], Iterator[RawBatch]],
    ) -> None:
        self._spec, self._mapping, self._again = spec, mapping, again
        self._zone = mapping.zone if mapping and mapping.zone else zone
        self._headers, self._columns = tuple(headers), match(spec, headers, mapping)
        self._orders: dict[str, DateOrder | None] | None = None
        self._signs: dict[str, DecimalSign | None] | None = None
        constants = {name: value.replace("{file}", stem) for name, value in mapping.constants.items()} if mapping else {}
        self._constants = {
            column.name: self._constant(column, value)
            for column in spec.columns
            if (value := constants.get(column.name, column.default)) is not None
        }
        self._given = set(constants)

    def _constant(self, column: Column, value: str) -> pa.Scalar:
        cells = convert(column, pa.array([value]), self._style(column))
        if cells.faults:
            english, chinese = reason(cells.faults[0], self._spec.name, column.name, value)
            raise InputError(f"The mapping's value cannot be taken: {english}", f"映射中的值无效：{chinese}")
        return cells.values[0]

    # Reading dates and decimals ------------------------------------------------------------------------------------------
    def _style(self, column: Column, header: str | None = None) -> Style:
        mapping = self._mapping
        order = mapping.date_order if mapping else None
        sign = mapping.decimal if mapping else None
        unit = Decimal(1)
        if header is not None:
            if order is None and column.kind in DATED and self._orders is not None:
                order = self._order(header)
            if sign is None and column.kind in NUMERIC and self._signs is not None:
                sign = self._sign(header)
            if column.kind in _TIMED and (told := self._unit(column, header)) is not None:
                if column.kind == "seconds":
                    unit = told
                elif column.name == "rostered_minutes":
                    unit = told / 60
        words = mapping.choices.get(column.name, {}) if mapping else {}
        return Style(self._zone, order, sign, unit, {plain(word): choice for word, choice in words.items()}, ask=header is not None)

    def _unit(self, column: Column, header: str) -> Decimal | None:
        """The unit of bare lengths of time, in seconds: the mapping's, else the header's own; None when neither says."""
        if self._mapping and column.name in self._mapping.units:
            return TIME_UNITS[self._mapping.units[column.name]]
        named_unit = header_unit(header)
        return None if named_unit is None else named_unit[1]

    def _convert(self, column: Column, header: str, cells: pa.Array) -> Cells:
        """The cells of a column; when they leave open how dates or decimals are written, the whole file is asked and they are read "
        "again."""
        style = self._style(column, header)
        found = convert(column, cells, style)
        if found.commas and style.decimal is None and (sign := self._sign(header)) is not None:
            style = replace(style, decimal=sign)
            found = convert(column, cells, style)
        if found.slashed:
            found = convert(column, cells, replace(style, date_order=self._order(header) or "mixed"))
        return found

    def _order(self, header: str) -> DateOrder | None:
        """Day or month first in a column: by the column's own clear dates, else by those of the file's other columns."""
        if self._orders is None:
            headers = [self._columns[column.name] for column in self._spec.columns if column.kind in DATED and column.name in self._columns]
            seen: dict[str, set[DateOrder]] = {name: set() for name in headers}
            for raw in self._again():
                for name in headers:
                    if name in raw.columns and pa.types.is_string(raw.columns[name].type):
                        found = day_or_month_first(raw.columns[name])
                        seen[name] |= {found} if found else set()
            self._orders = {name: _agreed(found) for name, found in seen.items()}
        own = self._orders.get(header)
        if own is None:
            agreed = _agreed({found for found in self._orders.values() if found})
            return None if agreed == "mixed" else agreed
        return own

    def _sign(self, header: str) -> DecimalSign | None:
        """The decimal sign of a column, by its values that leave no doubt."""
        if self._signs is None:
            headers = [
                self._columns[column.name] for column in self._spec.columns if column.kind in NUMERIC and column.name in self._columns
            ]
            seen: dict[str, set[DecimalSign]] = {name: set() for name in headers}
            for raw in self._again():
                for name in headers:
                    if name in raw.columns and pa.types.is_string(raw.columns[name].type):
                        marked = raw.columns[name].filter(pc.match_substring_regex(raw.columns[name], "[.,]"))
                        found = decimal_sign(marked.unique().drop_null().to_pylist())
                        seen[name] |= {found} if found else set()
            self._signs = {name: _agreed(found) for name, found in seen.items()}
        return self._signs.get(header)

    # One batch -------------------------------------------------------------------------------------------------------------
    def batch(self, raw: RawBatch) -> Batch:
        """The canonical rows of a raw batch and its rejects."""
        spec, length = self._spec, len(raw.line)
        columns = self._columns if tuple(raw.columns) == self._headers else match(spec, tuple(raw.columns), self._mapping)
        arrays: dict[str, pa.Array] = {}
        faults: dict[int, tuple[str, str]] = {}
        naive = np.zeros(length, np.bool_)
        for column in spec.columns:
            name, header = column.name, columns.get(column.name)
            if header is None:
                if name in self._constants:
                    arrays[name] = pa.repeat(self._constants[name], length)
                elif column.required:
                    faults |= {row: ("missing", name) for row in range(length) if row not in faults}
                continue
            cells = self._convert(column, header, raw.columns[header])
            for row, code in cells.faults.items():
                faults.setdefault(row, (code, name))
            if header in raw.nested and raw.nested[header].any():
                faults |= {int(row): ("nested", name) for row in np.flatnonzero(raw.nested[header])}
            if cells.naive is not None:
                naive |= cells.naive
            values = cells.values
            if name in self._constants and values.null_count:
                values = values.fill_null(self._constants[name])
            if column.required and values.null_count:
                for row in np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False)).tolist():
                    faults.setdefault(row, ("missing", name))
            arrays[name] = values
        if spec.name == "annotations":
            _measure(arrays, faults, length)
        rejects = list(raw.rejects)
        keep: Mask | None = None
        if faults:
            blank = _blank_rows(raw, faults) if raw.blank_rows else np.zeros(length, np.bool_)
            keep = np.ones(length, np.bool_)
            keep[list(faults)] = False
            rejects += [self._reject(raw, row, *faults[row], columns) for row in sorted(faults) if not blank[row]]
            rejects.sort(key=lambda reject: reject.line)
        arrays["line"] = pa.array(raw.line, pa.int64())
        unknown = [header for header in raw.columns if header not in columns.values()]
        if unknown and (extra := _extra(raw, unknown)) is not None:
            arrays["extra"] = extra
        rows = pa.table(arrays)
        if keep is not None:
            rows = rows.filter(pa.array(keep))
            naive &= keep
        return Batch(spec.name, rows, rejects, rows.num_rows + len(rejects), int(naive.sum()))

    def _reject(self, raw: RawBatch, row: int, code: str, name: str, columns: abc.Mapping[str, str]) -> Reject:
        cell = raw.columns[columns[name]][row].as_py() if name in columns else None
        value = None if cell is None or code == "missing" else str(cell)
        if value is not None and len(value) > _SHOWN:
            value = f"{value[: _SHOWN - 1]}…"
        return Reject(int(raw.line[row]), code, name, value, reason(code, self._spec.name, name, value)[0], raw.raw(row))


_Word = TypeVar("_Word", bound=str)


def _agreed(found: abc.Set[_Word]) -> _Word | Literal["mixed"] | None:
    """The one answer that was found, None when there was none, "mixed" when there were several."""
    return None if not found else next(iter(found)) if len(found) == 1 else "mixed"


def _measure(arrays: dict[str, pa.Array], faults: dict[int, tuple[str, str]], length: int) -> None:
    """Where no duration is given, that from started_at to ts, by the wall clock; durations given without a clock are as reported."""
    ts, started = arrays.get("ts"), arrays.get("started_at")
    duration = arrays.get("duration_s", pa.nulls(length, ARROW["seconds"]))
    clock = arrays.get("clock", pa.nulls(length, pa.string()))
    if ts is not None and started is not None:
        apart = pc.subtract(ts.cast(pa.int64()), started.cast(pa.int64()))
        there = apart.is_valid().to_numpy(zero_copy_only=False)
        wall = apart.fill_null(0).to_numpy(zero_copy_only=False)
        derived = there & duration.is_null().to_numpy(zero_copy_only=False) & (wall >= 0)
        for row in np.flatnonzero((there & (np.abs(wall) > _WALL_LIMIT_MS)) | (derived & (wall > int(LOG_LIMIT * 1000)))):
            faults.setdefault(int(row), ("interval", "started_at"))
            derived[row] = False
        if derived.any():
            mask = pa.array(derived)
            duration = pc.if_else(mask, thousandths(np.where(derived, wall, 0)), duration)
            clock = pc.if_else(mask, "wall", clock)
    if duration.null_count < length:
        arrays["duration_s"] = duration
        arrays["clock"] = pc.if_else(pc.and_(duration.is_valid(), clock.is_null()), "reported", clock)


def _blank_rows(raw: RawBatch, faults: abc.Mapping[int, tuple[str, str]]) -> Mask:
    """The rows in which every cell is empty: they hold nothing, so they are neither taken nor refused."""
    blank = np.zeros(len(raw.line), np.bool_)
    if any(code == "missing" for code, _ in faults.values()):
        blank[:] = True
        for cells in raw.columns.values():
            empty = text(cells).is_null() if pa.types.is_string(cells.type) else cells.is_null()
            blank &= empty.to_numpy(zero_copy_only=False)
            if not blank.any():
                break
    return blank


_TO_ESCAPE = r'["\\\x00-\x1f]'


def _extra(raw: RawBatch, unknown: Sequence[str]) -> pa.Array | None:
    """The unknown columns as one JSON object a row, empty cells left out; None when all are empty."""
    pieces: list[pa.Array] = []
    for header in unknown:
        cells = raw.columns[header]
        if pa.types.is_null(cells.type):
            continue
        cells = cells if pa.types.is_string(cells.type) else text(cells)
        cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
        if cells.null_count == len(cells):
            continue
        key = json.dumps(header, ensure_ascii=False)
        quoted = pc.binary_join_element_wise(f'{key}: "', _escaped(cells), '", ', "")
        if header in raw.nested:
            quoted = pc.if_else(pa.array(raw.nested[header]), pc.binary_join_element_wise(f"{key}: ", cells, ", ", ""), quoted)
        pieces.append(quoted)
    if not pieces:
        return None
    # Arrow's own null_handling="skip" drops rows in which all but one piece are null, so nulls are made empty texts.
    joined = pc.binary_join_element_wise(*(pc.fill_null(piece, "") for piece in pieces), "")
    whole = pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(joined, 0, -2), "}", "")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), whole)


def _escaped(cells: pa.Array) -> pa.Array:
    """Texts as they stand between the quotes of a JSON string."""
    if not pc.any(pc.match_substring_regex(cells, _TO_ESCAPE)).as_py():
        return cells
    encoded = cells.dictionary_encode()
    escaped = pa.array([json.dumps(word, ensure_ascii=False)[1:-1] for word in encoded.dictionary.to_pylist()], pa.string())
    return escaped.take(encoded.indices)
