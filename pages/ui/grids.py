"""A table on a desk, and the row that was clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import streamlit as st
from pandas.io.formats.style import Styler

from pages.ui import text, theme

Rows = pa.Table | pd.DataFrame | Styler


def show(
    rows: Rows,
    config: Mapping[str, Any],
    *,
    key: str,
    height: int | Literal["auto", "content"],
    alt: str,
    select: bool,
) -> int | None:
    """The rows as a table; with `select`, the number of the row clicked, told once.

    Then the mark is gone: a filter that the click set stays off when it is taken off elsewhere.
    """
    look: dict[str, Any] = {"hide_index": True, "column_config": config, "height": height, "alt": alt, "placeholder": text.NONE}
    if not select:
        st.dataframe(rows, key=key, **look)
        return None
    turn = st.session_state.setdefault(f"{key}_turn", 0)
    state = st.dataframe(rows, key=f"{key}_{turn}", on_select="rerun", selection_mode="single-row", **look)
    chosen = state["selection"]["rows"]
    if not chosen or chosen[0] >= len(rows.data if isinstance(rows, Styler) else rows):
        return None
    st.session_state[f"{key}_turn"] = turn + 1
    return int(chosen[0])


def greyed(rows: pa.Table | pd.DataFrame, grey: Sequence[bool]) -> Rows:
    """The rows, those that stand still in grey, written as `column_config` says. What a Styler else works out for every cell would be most
    of a screen's time."""
    if not any(grey):
        return rows
    if isinstance(rows, pa.Table):
        lists = {name: rows[name].to_pylist() for name in rows.column_names if pa.types.is_list(rows.schema.field(name).type)}
        rows = rows.drop_columns(list(lists)).to_pandas().assign(**lists)[rows.column_names]
    selectors = [f"row{place}_col{column}" for place, still in enumerate(grey) if still for column in range(rows.shape[1])]
    rule = {"props": [("color", theme.tokens().grey)], "selectors": selectors}
    style = Styler(rows, uuid="grey")
    style._compute = lambda: style
    style._translate = lambda *_: {"cellstyle": [rule]}
    return style
