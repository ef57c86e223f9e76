"""A table on a desk, and the row that was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import streamlit as st

from pages.ui import text


def show(
    rows: pa.Table | pd.DataFrame, config: Mapping[str, Any], *, key: str, height: int | Literal["auto", "content"], alt: str, select: bool
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
    if not chosen or chosen[0] >= len(rows):
        return None
    st.session_state[f"{key}_turn"] = turn + 1
    return int(chosen[0])
