"""The colours and sizes of .streamlit/config.toml, for the figures that Streamlit does not colour itself."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Literal

import streamlit as st

Mode = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """One side of the theme. `good`, `watch` and `act` are the three states; everything else is ink on paper."""

    mode: Mode
    ink: str
    paper: str
    shade: str
    line: str
    grey: str
    main: str
    good: str
    watch: str
    act: str
    blue: str
    series: tuple[str, ...]
    font: str


_settled: ContextVar[tuple[Mode, bool] | None] = ContextVar("piecework_theme", default=None)


def settle() -> None:
    """Find out once for the rest of this run of the script what every chart and table asks."""
    _settled.set(None)
    _settled.set((mode(), phone()))


def mode() -> Mode:
    """Light or dark, as the reader sees it now."""
    if known := _settled.get():
        return known[0]
    return "dark" if st.context.theme.type == "dark" else "light"


def phone() -> bool:
    """True in a phone's browser: tables become lists, long names are cut sooner."""
    if known := _settled.get():
        return known[1]
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def tokens(which: Mode | None = None) -> Tokens:
    """The tokens of the reader's side of the theme."""
    return _tokens(which or mode())


@cache
def _tokens(which: Mode) -> Tokens:
    def get(name: str) -> str:
        return str(st.get_option(f"theme.{which}.{name}"))

    return Tokens(
        mode=which,
        ink=get("textColor"),
        paper=get("backgroundColor"),
        shade=get("secondaryBackgroundColor"),
        line=get("borderColor"),
        grey=get("grayColor"),
        main=get("primaryColor"),
        good=get("greenColor"),
        watch=get("yellowColor"),
        act=get("redColor"),
        blue=get("blueColor"),
        series=tuple(st.get_option(f"theme.{which}.chartCategoricalColors")),
        font=str(st.get_option("theme.font")),
    )


def fade(colour: str, alpha: float) -> str:
    """The colour, see-through: #1F6F5C at .5 → rgba(31,111,92,0.5)."""
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{alpha:g})"
