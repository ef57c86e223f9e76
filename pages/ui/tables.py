"""Tables to act on: units in the headers, digits from the registry, a trend in the row, a click that drills, a way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from metrics.model import Measure
from pages.ui import exports, numbers, text
from pages.ui.ask import TIMES, Answer, measure
from pages.ui.text import _

ROWS = 12  # shown without scrolling


@dataclass(frozen=True, slots=True)
class Change:
    """A column with the signed change of a measure against the comparison period."""

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
    """A column worked out elsewhere (a method of `metrics`), in the order of the answer's groups; a number or words."""

    title: str
    values: Sequence[float | str | None]
    format: str = "%,.2f"
    help: str = ""


Column = str | Change | Difference | Trend | Given


def show(
    answer: Answer,
    columns: Sequence[Column],
    *,
    key: str,
    title: str,
    select: bool = False,
    lead: str = "",
    ids: bool = False,
    alt: str = "",
) -> str | None:
    """The answer's groups as rows, in their order, with downloads under it. With `select`, the source id of the row clicked, or None.

    `lead` names the first column (default: the dimension's name); `ids` adds the source id beside the name.
    """
    dimension = next(d for d in answer.by if d not in TIMES)
    head = lead or text.say(next(d for d in answer.result.by if d.name == dimension).label)
    data: dict[str, Any] = {head: answer.labels(dimension)}
    config: dict[str, Any] = {head: st.column_config.TextColumn(head, pinned=True, width=150)}
    if ids:
        data[_("Id")] = answer.ids(dimension)
    for column in columns:
        name, values, cell = _column(answer, dimension, column)
        data[name], config[name] = values, cell
    frame = pd.DataFrame(data)
    height: int | Literal["content"] = "content" if len(frame) <= ROWS else 420
    chosen = None
    if select:
        state = st.dataframe(
            frame,
            hide_index=True,
            column_config=config,
            key=key,
            height=height,
            alt=alt or title,
            placeholder=text.NONE,
            on_select="rerun",
            selection_mode="single-row",
        )
        rows = state["selection"]["rows"]
        chosen = answer.ids(dimension)[rows[0]] if rows and rows[0] < len(answer) else None
    else:
        st.dataframe(frame, hide_index=True, column_config=config, key=key, height=height, alt=alt or title, placeholder=text.NONE)
    exports.buttons(answer, title=title, key=key)
    return chosen


def _column(answer: Answer, dimension: str, column: Column) -> tuple[str, list[Any], Any]:
    if isinstance(column, Given):
        values = [None if text.missing(v) and not isinstance(v, str) else v for v in column.values]
        if any(isinstance(v, str) for v in values):
            return column.title, values, st.column_config.TextColumn(column.title, help=column.help or None)
        return column.title, values, st.column_config.NumberColumn(column.title, format=column.format, help=column.help or None)
    if isinstance(column, Change):
        m = measure(column.measure)
        return _change(m, answer.column(m.name), answer.before(m.name))
    if isinstance(column, Difference):
        m = measure(column.measure)
        return _difference(m, answer.column(m.name), answer.before(m.name))
    if isinstance(column, Trend):
        m = measure(column.measure)
        lines = _lines(column.answer, dimension, m.name)
        name = _("{measure}, trend", measure=numbers.name(m))
        return name, [lines.get(i) for i in answer.ids(dimension)], st.column_config.LineChartColumn(name, width="small", color="primary")
    m = measure(column)
    name = numbers.header(m)
    return name, _scaled(m, answer.column(column)), number_column(m)


def _change(m: Measure, now: Sequence[float | None], was: Sequence[float | None]) -> tuple[str, list[Any], Any]:
    """Percent points for rates and per cent for the rest; empty where the earlier value is missing, not above zero or a tenth of now."""
    points = m.format == "percent"
    unit = _("pp") if points else "%"
    name = _("{measure}, change ({unit})", measure=numbers.name(m), unit=unit)
    values = [
        None
        if a is None or b is None or (not points and (b <= 0 or a > 10 * b))
        else round(100 * (a - b if points else a / b - 1), 1) + 0.0
        for a, b in zip(now, was, strict=True)
    ]
    return name, values, st.column_config.NumberColumn(name, format="%+.1f")


def _difference(m: Measure, now: Sequence[float | None], was: Sequence[float | None]) -> tuple[str, list[Any], Any]:
    """Now minus before, empty where either is missing."""
    points = m.format == "percent"
    name = _("{measure}, change ({unit})", measure=numbers.name(m), unit=_("pp") if points else numbers.unit(m))
    values = [None if a is None or b is None else (100 if points else 1) * (a - b) for a, b in zip(now, was, strict=True)]
    places = 1 if points else {"integer": 0, "money": 2}.get(m.format, m.digits or 1)
    return name, values, st.column_config.NumberColumn(name, format=f"%+,.{places}f")


def _lines(answer: Answer, dimension: str, name: str) -> Mapping[str, list[float]]:
    """One list a group over the common steps. A step without work counts as zero in a sum; in a rate it is passed over."""
    time = next(d for d in answer.by if d in TIMES)
    wide = answer.dated().frame.pivot_table(index=dimension, columns=time, values=name, aggfunc="first", observed=True).sort_index(axis=1)
    m = measure(name)
    gap = [] if m.num or m.percentile is not None else [0.0]
    lines = {
        str(i): [v for cell in row for v in (gap if text.missing(cell) else [float(cell)])]
        for i, row in zip(wide.index, wide.to_numpy(dtype=object), strict=True)
    }
    return {i: line for i, line in lines.items() if len(line) > 1}


def number_column(m: Measure) -> Any:
    """How a measure stands in a table."""
    help_ = text.say(m.note)
    title = numbers.header(m) + ("（%）" if m.format == "percent" and text.lang() == "zh" else " (%)" if m.format == "percent" else "")
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
