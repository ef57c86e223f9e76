"""Plain records as a table: what is no answer of the registry (loads, refused rows, checks, the list of measures)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

import pandas as pd
import streamlit as st

from pages.ui import grids, lists, text, theme
from pages.ui.text import missing, speaking

Cell = str | int | float | date | bool | tuple[int, ...] | None
Columns = Mapping[str, Sequence[Cell]]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
ROWS = 12  # shown without scrolling


def show(
    columns: Columns,
    *,
    key: str,
    title: str,
    select: bool = False,
    wide: Sequence[str] = (),
    export: Callable[[], Columns] | None = None,
    brief: Sequence[str] = (),
    grey: Sequence[bool] = (),
) -> int | None:
    """The columns side by side, in the order of their rows, with a CSV download under it; the number of the row clicked.

    `wide` names columns of long words; a cell of numbers is drawn as bars; `grey` says which rows stand still. `export` gives what the download holds where that is more than what is shown. On a phone
    the rows are a list of the columns named in `brief` (default: all): the name, what stands beside it, and what under it.
    """
    if theme.phone():
        chosen = _list(columns, list(brief) or list(columns), key=key, select=select, grey=grey)
    else:
        chosen = _grid(columns, key=key, title=title, select=select, wide=wide, grey=grey)
    language = text.lang()

    def make() -> bytes:
        with speaking(language):
            return written(export() if export else columns)

    st.download_button(
        "CSV",
        make,
        file_name=f"{title} {datetime.now(UTC):%Y-%m-%d}.csv",
        mime="text/csv",
        key=f"{key}_csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
    return chosen


def _list(columns: Columns, brief: Sequence[str], *, key: str, select: bool, grey: Sequence[bool]) -> int | None:
    """The rows as a phone shows them; the number of the one tapped."""
    name, beside, *under = brief
    rows = [
        lists.Row(
            _said(first),
            lists.plain(_said(value)),
            [f":gray[{lists.plain(head)}] {lists.plain(_said(columns[head][i]))}" for head in under],
            grey=bool(grey) and grey[i],
        )
        for i, (first, value) in enumerate(zip(columns[name], columns[beside], strict=True))
    ]
    return lists.show(rows, key=f"{key}_list", head=name, value_head=beside, select=select)


def _said(cell: Cell) -> str:
    if cell is None or missing(cell):
        return text.NONE
    if isinstance(cell, tuple):
        return " ".join(text.count(n) for n in cell)
    return str(cell) if isinstance(cell, (str, date, bool)) else text.count(cell) if isinstance(cell, int) else text.fixed(cell, 1)


def _grid(columns: Columns, *, key: str, title: str, select: bool, wide: Sequence[str], grey: Sequence[bool]) -> int | None:
    """The rows as a table; the number of the one clicked."""
    config = {name: _config(name, values, name in wide) for name, values in columns.items()}
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    height = 36 * (ROWS + 1) + 2 if len(frame) > ROWS else "auto"
    return grids.show(grids.greyed(frame, grey), config, key=key, height=height, alt=title, select=select)


def _config(name: str, values: Sequence[Cell], wide: bool) -> object:
    if all(isinstance(v, (int, float)) or v is None for v in values) and any(v is not None for v in values):
        return st.column_config.NumberColumn(name, format="%,d" if all(isinstance(v, int) or v is None for v in values) else "%,.1f")
    if any(isinstance(v, tuple) for v in values):
        return st.column_config.BarChartColumn(name, width="small", color="primary", y_min=0)
    return st.column_config.TextColumn(name, width="large" if wide else None)


def written(columns: Columns) -> bytes:
    """CSV in UTF-8 with a mark, so that Excel reads Chinese; words that a spreadsheet would run as a formula are quoted with '."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_safe(name) for name in columns])
    writer.writerows([_safe(cell) for cell in row] for row in zip(*columns.values(), strict=True))
    return out.getvalue().encode("utf-8-sig")


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA) else cell
    if isinstance(cell, tuple):
        return " ".join(map(str, cell))
    return "" if missing(cell) else cell
