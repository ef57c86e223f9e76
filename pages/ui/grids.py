"""A data frame on a desk, and the row that was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st

from pages.ui import text


def show(
    frame: pd.DataFrame, config: Mapping[str, Any], *, key: str, height: int | Literal["auto", "content"], alt: str, select: bool
) -> int | None:
    """The frame as a table; with `select`, the number of the row clicked, told once.

    Then the mark is gone: a filter that the click set stays off when it is taken off elsewhere.
    """
    look: dict[str, Any] = {"hide_index": True, "column_config": config, "height": height, "alt": alt, "placeholder": text.NONE}
    if not select:
        st.dataframe(frame, key=key, **look)
        return None
    turn = st.session_state.setdefault(f"{key}_turn", 0)
    state = st.dataframe(frame, key=f"{key}_{turn}", on_select="rerun", selection_mode="single-row", **look)
    rows = state["selection"]["rows"]
    if not rows or rows[0] >= len(frame):
        return None
    st.session_state[f"{key}_turn"] = turn + 1
    return int(rows[0])
