"""A table on a phone: a list of rows to read and to tap, each a name, the number that matters and a line of what else counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.ui import text

ROWS = 10  # on one page of the list
_SMALL, _BOLD, _GREY = ":small[{}]", "**{}**", ":gray[{}]"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its name, the number beside it, and what stands under them (Markdown)."""

    name: str
    value: str
    under: Sequence[str] = ()
    grey: bool = False  # its numbers stand still


def show(rows: Sequence[Row], *, key: str, head: str, value_head: str, select: bool = False) -> int | None:
    """The rows in their order, ten to a page, under the names of their two columns; the number of the row tapped."""
    pages = -(-len(rows) // ROWS)
    place = st.container(gap="xxsmall")
    page = st.pagination(pages, max_visible_pages=5, key=f"{key}_page_{pages}") if pages > 1 else 1
    chosen = None
    with place:
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
            st.caption(plain(head), width="content")
            st.caption(plain(value_head), width="content", text_alignment="right")
        for number in range((page - 1) * ROWS, min(page * ROWS, len(rows))):
            row = rows[number]
            with st.container(gap=None, border=True):
                with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
                    if select:
                        arrow = ":material/chevron_right:"
                        if st.button(plain(row.name), key=f"{key}_row_{number}", type="tertiary", icon=arrow, icon_position="right"):
                            chosen = number
                    else:
                        st.markdown(plain(row.name), width="content")
                    said = (_GREY if row.grey else _BOLD).format(row.value or text.NONE)
                    st.markdown(said, width="content", text_alignment="right")
                if any(row.under):
                    st.markdown(_SMALL.format(" · ".join(words for words in row.under if words)))
    return chosen


def plain(words: str) -> str:
    """Words of the data, so that Markdown takes none of their characters for its own.

    >>> plain("box_2 [old] $5")
    'box\\\\_2 \\\\[old\\\\] \\\\$5'
    """
    return re.sub(r"([\\`*_\[\]$~<>:#|])", r"\\\1", words)
