"""What all figures share: the layout in the theme's colours, axes written in the reader's language, and drawing."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import streamlit as st
from plotly.basedatatypes import BaseFigure

from pages.ui import text, theme
from pages.ui.text import NONE, missing

Figure = dict[str, Any]
Values = Sequence[float | None]
Say = Callable[[float], str]
Tone = Literal["main", "good", "watch", "act", "grey"]

CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}
ROW = 26  # pixels a horizontal bar or dot needs


class _Drawn(BaseFigure):  # type: ignore[misc]
    """A figure as it was written. Streamlit checks every property of a dict anew on each run, which takes longer than all else
    on a screen; tests check each kind of chart once instead."""

    def __init__(self, spec: Figure) -> None:
        object.__setattr__(self, "spec", spec)

    def to_dict(self) -> Figure:
        return self.spec  # type: ignore[no-any-return]


def draw(figure: Figure, *, key: str, alt: str, select: bool = False) -> list[dict[str, Any]]:
    """Put the figure on the page. With `select`, a click reruns and the clicked points come back (with `customdata`)."""
    drawn = _Drawn(figure)
    if not select:
        st.plotly_chart(drawn, theme=None, key=key, config=CONFIG, alt=alt)
        return []
    state = st.plotly_chart(drawn, theme=None, key=key, config=CONFIG, alt=alt, on_select="rerun", selection_mode="points")
    chosen = state.get("selection", {}) if isinstance(state, dict) else {}
    return list(chosen.get("points", []))


def layout(height: int, **more: Any) -> dict[str, Any]:
    t = theme.tokens()
    axis = {
        "showgrid": False,
        "zeroline": False,
        "linecolor": t.line,
        "tickcolor": t.line,
        "tickfont": {"color": t.grey, "size": 11},
        "title": {"font": {"color": t.grey, "size": 11}, "standoff": 8},
        "automargin": True,
        "fixedrange": True,
    }
    layout: dict[str, Any] = {
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 16, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": t.font, "size": 12, "color": t.ink},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": t.paper, "bordercolor": t.line, "font": {"family": t.font, "size": 12, "color": t.ink}},
        "xaxis": dict(axis),
        "yaxis": {**axis, "showgrid": True, "gridcolor": t.line, "gridwidth": 1},
        "bargap": 0.35,
    }
    for name, value in more.items():
        layout[name] = {**layout[name], **value} if isinstance(value, dict) and isinstance(layout.get(name), dict) else value
    return layout


def ticks(low: float, high: float, say: Say, n: int = 5) -> dict[str, Any]:
    """Round numbers between low and high, written as people write them (万, k, %); no two of them read the same."""
    if not high > low:
        high = low + (abs(low) or 1)
    raw = (high - low) / n
    power = 10.0 ** math.floor(math.log10(raw))
    steps = [m * power * scale for scale in (1, 10, 100) for m in (1, 2, 2.5, 5) if m * power * scale >= raw * 0.999]
    for step in steps:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        values = [round(i * step, 12) for i in range(first, last + 1)]
        said = [say(v) for v in values]
        if len(set(said)) == len(said):
            break
    return {"tickmode": "array", "tickvals": values, "ticktext": _trimmed(said), "range": [values[0], values[-1] + 0.04 * step]}


def _trimmed(said: list[str]) -> list[str]:
    """Without the zeros at the end that all of them share.

    >>> _trimmed(["0.0%", "2.0%", "4.0%"]), _trimmed(["0", "0.50", "1.00"])
    (['0%', '2%', '4%'], ['0', '0.5', '1.0'])
    """
    decimals = [found[0] for words in said if (found := re.search(r"(?<=\.)\d+", words))]
    spare = min((len(some) - len(some.rstrip("0")) for some in decimals), default=0)
    return [re.sub(r"\.(?!\d)", "", re.sub(rf"(?<=\.)(\d*)0{{{spare}}}(?!\d)", r"\1", words)) for words in said]


def dates(x: Sequence[date], grain: str) -> dict[str, Any]:
    """A time axis with about five labels in the reader's language, counted back from the last; none is left to the browser's locale."""
    axis: dict[str, Any] = {"type": "date", "tickangle": 0, "tickmode": "array"}
    if grain == "month" or len(x) <= 5:
        shown = list(x)[::-1][:: max(1, math.ceil(len(x) / 5))][::-1]
    else:
        unit = 7 if grain == "week" else 1
        step = timedelta(days=unit * max(1, math.ceil((x[-1] - x[0]).days / unit / 3.5)))
        shown = [x[-1] - step * i for i in range(5) if x[-1] - step * i >= x[0]][::-1]
    words = text.month if grain == "month" else text.day
    return {**axis, "tickvals": [d.isoformat() for d in shown], "ticktext": [words(d) for d in shown]}


def title_of(words: str) -> dict[str, Any]:
    return {"text": words, "font": type_of(11, theme.tokens().grey), "standoff": 8}


def type_of(size: int, colour: str) -> dict[str, Any]:
    return {"size": size, "color": colour}


def stroke(colour: str, width: float, dash: str = "solid") -> dict[str, Any]:
    return {"color": colour, "width": width, "dash": dash}


def edge(colour: str, width: float) -> dict[str, Any]:
    """The outline of a marker or bar."""
    return {"color": colour, "width": width}


def across(value: float, axis: Literal["x", "y"], stroke: dict[str, Any]) -> dict[str, Any]:
    """A straight line through the whole plot at one value of an axis."""
    other = "y" if axis == "x" else "x"
    return {"type": "line", f"{axis}0": value, f"{axis}1": value, f"{other}ref": "paper", f"{other}0": 0, f"{other}1": 1, "line": stroke}


def present(*columns: Values) -> list[float]:
    return [float(v) for column in columns for v in column if not missing(v)]  # type: ignore[arg-type]


def clean(values: Values) -> list[float | None]:
    return [None if missing(v) else float(v) for v in values]  # type: ignore[arg-type]


def words(values: Values, say: Say) -> list[str]:
    return [NONE if missing(v) else say(v) for v in values]  # type: ignore[arg-type]


def cut(words: str, limit: int = 24) -> str:
    return words if len(words) <= limit else words[: limit - 1] + "…"


def names(labels: Sequence[str]) -> list[str]:
    """The names of horizontal bars and dots: beside them on a desk, over two lines on a phone where they are long."""
    return ["<br>".join(fold(words, 2, 9)) if theme.phone() else cut(words) for words in labels]


def row(labels: Sequence[str]) -> int:
    """Pixels that each of these names needs."""
    return ROW + 8 if any("<br>" in words for words in names(labels)) else ROW


def beside(labels: Sequence[str]) -> int:
    """Pixels that the widest of these labels needs behind a bar or beside a row."""
    return 12 + math.ceil(5.8 * max((text.width(words) for words in labels), default=0))


def fold(words: str, lines: int, width: int = 8) -> list[str]:
    """A name over a few lines so that neighbours do not touch: Chinese after `width` characters (two lines at most), other words
    between words."""
    if any("\u4e00" <= c <= "\u9fff" for c in words):
        lines, found = min(2, lines), [words[i : i + width] for i in range(0, len(words), width)]
    else:
        width = width * 2 - 3
        found = textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False)
    rows = found[:lines] if len(found) <= lines else [*found[: lines - 1], " ".join(found[lines - 1 :])]
    return [cut(said, width) for said in rows]


def mixed(first: str, second: str, share: float) -> str:
    """The colour that lies `share` of the way from one to the other, as a colour scale is drawn."""
    return "#" + "".join(f"{round(a + share * (b - a)):02X}" for a, b in zip(_parts_of(first), _parts_of(second), strict=True))


def on_scale(scale: Sequence[tuple[float, str]], share: float) -> str:
    """The colour of a scale at a share of its length."""
    share = min(1.0, max(0.0, share))
    after = next(i for i in range(1, len(scale)) if share <= scale[i][0])
    (start, first), (end, second) = scale[after - 1], scale[after]
    return mixed(first, second, (share - start) / (end - start))


def contrast(first: str, second: str) -> float:
    """How well two colours are told apart, from 1 to 21; 4.5 is enough to read small type (WCAG)."""
    dark, light = sorted(
        sum(
            w * (c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4)
            for w, c in zip((0.2126, 0.7152, 0.0722), _parts_of(colour), strict=True)
        )
        for colour in (first, second)
    )
    return (light + 0.05) / (dark + 0.05)


def readable_on(background: str) -> str:
    """The colour of type on a background: ink or paper where that is enough, else black or white, one of which always is."""
    t = theme.tokens()
    of_theme = max((t.ink, t.paper), key=lambda c: contrast(c, background))
    return of_theme if contrast(of_theme, background) >= 4.5 else max(("#000000", "#FFFFFF"), key=lambda c: contrast(c, background))


def _parts_of(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def colour(tone: Tone) -> str:
    t = theme.tokens()
    return {"main": t.main, "good": t.good, "watch": t.watch, "act": t.act, "grey": t.grey}[tone]
