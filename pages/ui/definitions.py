"""Definitions of measures as readers meet them on the catalogue screen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from metrics.catalogue import FAMILY_NAMES, INTERVALS, Entry
from pages.ui import numbers, records
from pages.ui.text import N_, NONE, _, say

WAYS = {"up": N_("higher is better"), "down": N_("lower is better"), "none": N_("neither high nor low is good in itself")}
BETTER = {"up": N_("higher"), "down": N_("lower"), "none": N_("neither")}
RATIO = N_("ratio")


def search() -> tuple[str, str | None]:
    """The search box and the families: what was typed, and the family chosen (None for all)."""
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        words = st.text_input(
            _("Search"),
            key="catalogue_words",
            placeholder=_("Name or words of the definition, in either language"),
            icon=":material/search:",
            width=360,
            type="search",
        )
        family = st.pills(
            _("Family"), list(FAMILY_NAMES), format_func=lambda name: say(FAMILY_NAMES[name]), key="catalogue_family", wrap=True
        )
    return words or "", family


def listed(found: Sequence[Entry]) -> str | None:
    """One row a measure; the name of the one clicked."""
    row = records.show(
        {
            _("Measure"): [say(e.measure.label) for e in found],
            _("Definition"): [say(e.measure.note) for e in found],
            _("Unit"): [_unit(e) for e in found],
            _("Better"): [_(BETTER[e.measure.better]) for e in found],
            _("Name in commands"): [e.measure.name for e in found],
        },
        key="catalogue_list",
        brief=[_("Measure"), _("Unit"), _("Definition")],
        title=_("Measures"),
        select=True,
        wide=[_("Definition")],
    )
    return None if row is None else found[row].measure.name


def show(e: Entry) -> None:
    """Everything about one measure."""
    m = e.measure
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(say(m.label), anchor=False)
            st.button(_("Close"), icon=":material/close:", type="tertiary", key="catalogue_close", on_click=_close)
        st.markdown(say(m.note))
        ratio = f"{say(e.numerator)} ÷ {_bracketed(say(e.denominator))}" if e.denominator.en else say(e.numerator)
        rows = [
            (_("Formula"), ratio),
            (_("Unit"), _unit(e)),
            (_("Better"), _(WAYS[m.better])),
            (_("Interval"), say(INTERVALS[m.interval]) if m.interval else _("none")),
            (_("Fewest cases"), _("{n}; below that read the interval, not the number", n=m.min_n) if m.min_n else ""),
            (_("No value when"), say(m.null_reason)),
            (_("Split by"), " · ".join(say(words) for words in e.dimensions)),
            (_("Only for roles that see"), " · ".join(say(words) for words in e.fields)),
            (_("Family"), say(FAMILY_NAMES[e.family])),
            (_("Source"), _published(m.source)),
            (_("Name in commands"), f"`{m.name}`"),
        ]
        for name, value in rows:
            if value:
                left, right = st.columns([1, 5], gap="small")
                left.caption(name)
                right.markdown(value)
        with st.expander(_("SQL statement"), icon=":material/code:"):
            st.caption(_("Over the whole store; filters and roles add conditions. Values are parameters."))
            st.code(e.sql, language="sql", wrap_lines=True)


def _close() -> None:
    st.query_params.pop("measure", None)


def _published(source: str) -> str:
    """The part of a definition's source that a reader can look up: standards and papers, not the numbers of our own catalogue."""
    return "; ".join(part for part in source.split("; ") if not part.startswith(("metrics.md", "contract")))


def _bracketed(words: str) -> str:
    return (
        f"（{words}）"
        if any(sign in words for sign in " +−×") and any("\u4e00" <= c <= "\u9fff" for c in words)
        else f"({words})"
        if "+" in words
        else words
    )


def _unit(e: Entry) -> str:
    return _(RATIO) if e.measure.unit == "ratio" else numbers.unit(e.measure) or NONE
