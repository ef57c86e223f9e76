"""A table on a desk, and the row that was clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import streamlit as st

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


def _greyed(rows: pa.Table | pd.DataFrame, grey: Sequence[bool]) -> Any:
    frame = rows.to_pandas() if isinstance(rows, pa.Table) else rows
    style = f"color: {theme.tokens().grey}"
    return frame.style.apply(lambda row: [style if grey[row.name] else ""] * len(row), axis=1)
