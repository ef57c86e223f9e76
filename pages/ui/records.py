"""Plain records as a table: what is no answer of the registry (loads, refused rows, checks, the list of measures)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

import pandas as pd
import streamlit as st

from pages.ui import text
from pages.ui.text import missing, speaking

Cell = str | int | float | date | bool | None
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
) -> int | None:
    """The columns side by side, in the order of their rows, with a CSV download under it; the number of the row clicked.

    `wide` names columns of long words. `export` gives what the download holds where that is more than what is shown.
    """
    config = {name: _config(name, values, name in wide) for name, values in columns.items()}
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    height = 36 * (ROWS + 1) + 2 if len(frame) > ROWS else "auto"
    chosen = None
    if select:
        state = st.dataframe(
            frame, hide_index=True, column_config=config, height=height, key=key, alt=title, on_select="rerun", selection_mode="single-row"
        )
        rows = state["selection"]["rows"]
        chosen = rows[0] if rows and rows[0] < len(frame) else None
    else:
        st.dataframe(frame, hide_index=True, column_config=config, height=height, key=key, alt=title)
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


def _config(name: str, values: Sequence[Cell], wide: bool) -> object:
    if all(isinstance(v, (int, float)) or v is None for v in values) and any(v is not None for v in values):
        return st.column_config.NumberColumn(name, format="%,d" if all(isinstance(v, int) or v is None for v in values) else "%,.1f")
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
    return "" if missing(cell) else cell
