"""Tables to act on: units in the headers, digits from the registry, a trend in the row, a click that drills, a way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import streamlit as st

from metrics.model import Measure
from pages.ui import exports, grids, lists, numbers, text, theme
from pages.ui.ask import TIMES, Answer, measure
from pages.ui.screen import View
from pages.ui.text import _

ROWS = 12  # shown without scrolling
_NARROW, _WIDE = 120, 150  # pixels of the first column: names in Chinese, names in English
_SINCE = 80  # more of them, where a name says since when its numbers stand still


@dataclass(frozen=True, slots=True)
class Named:
    """A measure under a shorter name than its own, for a table of many columns. It says the unit, or the panel does."""

    measure: str
    title: str


@dataclass(frozen=True, slots=True)
class Change:
    """A column with the signed change of a measure against the comparison period. Beside its measure it is headed “change” alone."""

    measure: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A column with the change of a measure in its own unit (percent points for a rate)."""

    measure: str


@dataclass(frozen=True, slots=True)
class Trend:
    """A column with a sparkline: the same groups along time (an answer by group and day, week or month)."""

    measure: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Given:
    """A column worked out elsewhere (a method of `metrics`), in the order of the answer's groups; a number or words.

    Files hold it too, with the bounds `low` and `high` of its 95 % interval; not one that only words what they hold (`leaves`).
    """

    title: str
    values: Sequence[float | str | None]
    format: str = "%,.2f"
    help: str = ""
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    leaves: bool = True

    def __post_init__(self) -> None:
        for part in ("values", "low", "high"):
            object.__setattr__(self, part, tuple(None if text.missing(v) else v for v in getattr(self, part)))


Column = str | Named | Change | Difference | Trend | Given


@dataclass(frozen=True, slots=True)
class Cells:
    """A column as it is shown: what it is called, its short heading, its values and how they are written."""

    name: str
    head: str
    values: list[Any] | pa.Array
    config: Any


def show(
    view: View,
    answer: Answer,
    columns: Sequence[Column],
    *,
    key: str,
    title: str,
    select: bool = False,
    lead: str = "",
    ids: bool = False,
    alt: str = "",
    brief: Sequence[Column] = (),
    silent: Mapping[str, str] | None = None,
) -> str | None:
    """The answer's groups as rows, in their order, with downloads under it. With `select`, the source id of the row clicked, or None.

    `lead` names the first column (default: the dimension's name); `ids` adds the source id beside the name. On a phone the rows
    are a list: `brief` says what of the columns stands there (default: the first three), the first of them beside the name.
    `silent` (`view.standing_still(dimension)`) names groups that nothing new comes of: they are grey and say since when.
    """
    dimension = next(d for d in answer.by if d not in TIMES)
    columns, brief = (tuple(c for c in given if not _idle(answer, c)) for given in (columns, brief))
    head = lead or text.say(next(d for d in answer.result.by if d.name == dimension).label)
    still = tuple((silent or {}).get(name, "") for name in answer.ids(dimension))
    if theme.phone():
        row = _list(
            answer,
            dimension,
            brief or tuple(c for c in columns if not isinstance(c, Trend))[:3],
            head,
            still,
            key=key,
            select=select,
            ids=ids,
        )
    else:
        row = _grid(answer, dimension, columns, head, still, key=key, select=select, ids=ids, alt=alt or title)
    given = [column for column in columns if isinstance(column, Given) and column.leaves]
    exports.buttons(exports.Table(title, answer, view.fresh, view.scope, given), key=key)
    return None if row is None else answer.ids(dimension)[row]


def _grid(
    answer: Answer,
    dimension: str,
    columns: Sequence[Column],
    head: str,
    still: Sequence[str],
    *,
    key: str,
    select: bool,
    ids: bool,
    alt: str,
) -> int | None:
    """The rows as a table; the number of the one clicked."""
    made = ("grid", dimension, columns, head, ids, still, theme.tokens().grey)
    data, config = answer.worked_out(made, lambda: _columns(answer, dimension, columns, head, ids, still))
    height: int | Literal["content"] = "content" if len(answer) <= ROWS else 420
    return grids.show(data, config, key=key, height=height, alt=alt, select=select)


def _columns(
    answer: Answer, dimension: str, columns: Sequence[Column], head: str, ids: bool, still: Sequence[str]
) -> tuple[grids.Rows, dict[str, Any]]:
    data: dict[str, Any] = {head: [_still(name, words) for name, words in zip(answer.labels(dimension), still, strict=True)]}
    width = (_WIDE if text.lang() == "en" else _NARROW) + (_SINCE if any(still) else 0)
    config: dict[str, Any] = {head: st.column_config.TextColumn(head, pinned=True, width=width)}
    if ids:
        data[_("Id")] = answer.ids(dimension)
    last = ""
    for column in columns:
        cells = _cells(answer, dimension, column, last)
        data[cells.name], config[cells.name] = cells.values, cells.config
        last = last if isinstance(column, Given) else _measure(column)
    arrays = {name: v if isinstance(v, pa.Array) else pa.array(v, from_pandas=True) for name, v in data.items()}
    table = pa.table({name: found.cast(pa.float64()) if pa.types.is_null(found.type) else found for name, found in arrays.items()})
    return grids.greyed(table, [bool(words) for words in still]), config


def _still(name: str, words: str) -> str:
    return f"{name} · {words}" if words else name


def _list(
    answer: Answer, dimension: str, brief: Sequence[Column], head: str, still: Sequence[str], *, key: str, select: bool, ids: bool
) -> int | None:
    """The rows as a phone shows them; the number of the one tapped."""
    value_head, rows = answer.worked_out(("list", dimension, brief, ids, still), lambda: _lines_of(answer, dimension, brief, ids, still))
    return lists.show(rows, key=f"{key}_list", head=head, value_head=value_head, select=select)


def _lines_of(answer: Answer, dimension: str, brief: Sequence[Column], ids: bool, still: Sequence[str]) -> tuple[str, list[lists.Row]]:
    """What the number beside the names is called, and the rows of the list."""
    (value_head, values), *others = [_words(answer, dimension, column) for column in brief]
    return value_head, [
        lists.Row(
            name,
            values[i] or "",
            [
                *([lists.plain(answer.ids(dimension)[i])] if ids else []),
                *(f":gray[{lists.plain(title)}] {said[i]}" for title, said in others if said[i]),
                still[i],
            ],
            grey=bool(still[i]),
        )
        for i, name in enumerate(answer.labels(dimension))
    ]


def _idle(answer: Answer, column: Column) -> bool:
    """A change without a comparison, or a trend of one step: there is nothing to show."""
    if isinstance(column, (Change, Difference)):
        return answer.result.before is None
    return isinstance(column, Trend) and column.answer.frame[next(d for d in column.answer.by if d in TIMES)].nunique() < 2


def _measure(column: Column) -> str:
    return column if isinstance(column, str) else "" if isinstance(column, Given) else column.measure


def _words(answer: Answer, dimension: str, column: Column) -> tuple[str, list[str | None]]:
    """A column for the list: what it is called, and its values in words; a change is green or red by its measure's direction."""
    if isinstance(column, Given):
        places = int(column.format[-2]) if column.format[-2].isdigit() else 0
        return column.title, [
            None if v is None else lists.plain(v) if isinstance(v, str) else text.fixed(float(v), places) for v in column.values
        ]
    m = measure(_measure(column))
    now, was = answer.column(m.name), answer.before(m.name)
    if isinstance(column, Change):
        return _("Change"), [_coloured(m, numbers.change(m, a, b), a, b) for a, b in zip(now, was, strict=True)]
    if isinstance(column, Difference):
        moved = [None if a is None or b is None else numbers.signed(m, a - b) for a, b in zip(now, was, strict=True)]
        return _("Change"), [_coloured(m, words, a, b) for words, a, b in zip(moved, now, was, strict=True)]
    name = column.title if isinstance(column, Named) else numbers.name(m) if m.format in ("percent", "money") else numbers.header(m)
    return name, [None if v is None else lists.plain(numbers.value(m, v)) for v in now]


def _coloured(m: Measure, words: str | None, now: float | None, was: float | None) -> str | None:
    if words is None or now is None or was is None:
        return None
    moved = numbers.colour(m)
    if moved == "off" or words == "0":
        return lists.plain(words)
    return f":{'green' if (now > was) == (moved == 'normal') else 'red'}[{lists.plain(words)}]"


def _cells(answer: Answer, dimension: str, column: Column, last: str) -> Cells:
    """The column; `last` is the measure left of it, after which its change and its trend need not repeat the name."""
    if isinstance(column, Given):
        values = list(column.values)
        if any(isinstance(v, str) for v in values):
            return Cells(column.title, column.title, values, st.column_config.TextColumn(column.title, help=column.help or None))
        config = st.column_config.NumberColumn(column.title, format=column.format, help=column.help or None)
        return Cells(column.title, column.title, values, config)
    m = measure(_measure(column))
    beside = last == m.name
    if isinstance(column, Change):
        return _change(m, answer.column(m.name), answer.before(m.name), beside)
    if isinstance(column, Difference):
        return _difference(m, answer.column(m.name), answer.before(m.name), beside)
    if isinstance(column, Trend):
        name = _("{measure}, trend", measure=numbers.name(m))
        head = _("Trend") if beside else name
        config = st.column_config.LineChartColumn(head, width="small", color="primary", help=name if beside else None)
        return Cells(name, head, _lines(column.answer, dimension, m.name, answer.ids(dimension)), config)
    name = numbers.header(m)
    head = column.title if isinstance(column, Named) else numbers.column_head(m)
    return Cells(name, head, _scaled(m, answer.column(m.name)), number_column(m, head))


def _change(m: Measure, now: Sequence[float | None], was: Sequence[float | None], beside: bool) -> Cells:
    """Percent points for rates and per cent for the rest; empty where the earlier value is missing, not above zero or a tenth of now."""
    points = m.format == "percent"
    unit = _("pp") if points else "%"
    values = [
        None
        if a is None or b is None or (not points and (b <= 0 or a > 10 * b))
        else round(100 * (a - b if points else a / b - 1), 1) + 0.0
        for a, b in zip(now, was, strict=True)
    ]
    return _moved(m, unit, values, "%+.1f", beside)


def _difference(m: Measure, now: Sequence[float | None], was: Sequence[float | None], beside: bool) -> Cells:
    """Now minus before, empty where either is missing."""
    points = m.format == "percent"
    places = 1 if points else {"integer": 0, "money": 2}.get(m.format, m.digits or 1)
    moved = [None if a is None or b is None else (100 if points else 1) * (a - b) for a, b in zip(now, was, strict=True)]
    values = [None if v is None else round(v, places) + 0.0 for v in moved]  # no -0.0
    return _moved(m, _("pp") if points else numbers.unit(m), values, f"%+,.{places}f", beside)


def _moved(m: Measure, unit: str, values: list[float | None], written: str, beside: bool) -> Cells:
    name = _("{measure}, change ({unit})", measure=numbers.name(m), unit=unit)
    head = _("Change ({unit})", unit=unit) if beside else name
    return Cells(name, head, values, st.column_config.NumberColumn(head, format=written, help=name if beside else None))


def _lines(answer: Answer, dimension: str, name: str, ids: Sequence[str]) -> pa.Array:
    """One list for each of these groups over the common steps; null for one of less than two. A step without work counts as zero in a
    sum; in a rate it is passed over."""
    dated = answer.dated()
    group, groups = dated.groups(dimension)
    step, steps = dated.groups(next(d for d in answer.by if d in TIMES))
    cells = np.full((len(groups) + 1, len(steps)), np.nan)  # the last row is of those that are not there
    cells[group, np.argsort(np.argsort(steps))[step]] = dated.numbers(name)
    place = {one: row for row, one in enumerate(groups)}
    lines = cells[[place.get(one, -1) for one in ids]]
    m = measure(name)
    if m.nullable:
        there = ~np.isnan(lines)
    else:
        there = np.repeat([[one in place] for one in ids], len(steps), axis=1) if ids else np.zeros(lines.shape, dtype=bool)
        lines = np.nan_to_num(lines)
    there[there.sum(axis=1) < 2] = False
    length = there.sum(axis=1)
    return pa.ListArray.from_arrays(
        pa.array(np.concatenate(([0], np.cumsum(length))), pa.int32()), pa.array(lines[there]), mask=pa.array(length == 0)
    )


def number_column(m: Measure, head: str = "") -> Any:
    """How a measure stands in a table."""
    help_ = text.say(m.note)
    title = head or numbers.column_head(m)
    if m.format == "percent":
        return st.column_config.NumberColumn(title, format="%.1f", help=help_)
    if m.format == "integer":
        return st.column_config.NumberColumn(title, format="%,d", help=help_)
    places = 2 if m.format == "money" else m.digits or 1
    return st.column_config.NumberColumn(title, format=f"%,.{places}f", help=help_)


def _scaled(m: Measure, values: Sequence[float | None]) -> list[float | int | None]:
    if m.format == "percent":
        return [None if v is None else 100 * v for v in values]
    if m.format == "integer":
        return [None if v is None else round(v) for v in values]
    return list(values)
