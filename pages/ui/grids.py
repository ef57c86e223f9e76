"""A table on a desk, and the row that was clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import streamlit as st
from pandas.io.formats.style import Styler

from pages.ui import text, theme


def show(
    rows: pa.Table | pd.DataFrame,
    config: Mapping[str, Any],
    *,
    key: str,
    height: int | Literal["auto", "content"],
    alt: str,
    select: bool,
    grey: Sequence[bool] = (),
) -> int | None:
    """The rows as a table; with `select`, the number of the row clicked, told once. `grey` says which rows stand still.

    Then the mark is gone: a filter that the click set stays off when it is taken off elsewhere.
    """
    look: dict[str, Any] = {"hide_index": True, "column_config": config, "height": height, "alt": alt, "placeholder": text.NONE}
    shown = _greyed(rows, grey) if any(grey) else rows
    if not select:
        st.dataframe(shown, key=key, **look)
        return None
    turn = st.session_state.setdefault(f"{key}_turn", 0)
    state = st.dataframe(shown, key=f"{key}_{turn}", on_select="rerun", selection_mode="single-row", **look)
    chosen = state["selection"]["rows"]
    if not chosen or chosen[0] >= len(rows):
        return None
    st.session_state[f"{key}_turn"] = turn + 1
    return int(chosen[0])


def _greyed(rows: pa.Table | pd.DataFrame, grey: Sequence[bool]) -> Styler:
    """Some rows in grey, written as `column_config` says: what a Styler else works out for every cell would be most of a screen's time."""
    if isinstance(rows, pa.Table):
        lists = {name: rows[name].to_pylist() for name in rows.column_names if pa.types.is_list(rows.schema.field(name).type)}
        rows = rows.drop_columns(list(lists)).to_pandas().assign(**lists)[rows.column_names]
    selectors = [f"row{place}_col{column}" for place, still in enumerate(grey) if still for column in range(rows.shape[1])]
    style = Styler(rows, uuid="grey")
    style._compute = lambda: style
    style._translate = lambda *_: {"cellstyle": [{"props": [("color", theme.tokens().grey)], "selectors": selectors}]}
    return style
