"""Charts by group: bars, Pareto, a bridge, a heat table."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pages.ui import text, theme
from pages.ui.charts import parts
from pages.ui.charts.parts import Figure, Say, Tone, Values
from pages.ui.text import NONE, _, missing


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a bridge: a change, or a level that the bridge stands on (`level=True`)."""

    label: str
    value: float
    level: bool = False


def bars(
    labels: Sequence[str],
    values: Values,
    say: Say,
    *,
    title: str = "",
    ids: Sequence[str] = (),
    before: Values | None = None,
    tones: Sequence[Tone] = (),
    notes: Sequence[str] = (),
    height: int | None = None,
) -> Figure:
    """Horizontal bars from zero in the order given, the value written behind each: right of zero where the bar goes left.

    `before` is an outline behind each bar; the value stands beyond it where it is a little longer, and inside where much: at its end it would
    read as its own. `notes` stands after the value in grey (n, a change); `ids` come back from a click. The words stand in a margin as wide
    as they are, so that none is cut on a narrow screen.
    """
    t = theme.tokens()
    y = list(range(len(labels)))
    now = parts.clean(values)
    colours = [parts.colour(tone) for tone in tones] or [t.act if v is not None and v < 0 else t.main for v in now]
    words = parts.words(values, say)
    extra = [notes[i] if notes else "" for i in y]
    was = parts.clean(before) if before is not None else [None] * len(y)
    traces: list[dict[str, Any]] = []
    if before is not None:
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": y,
                "x": was,
                "width": 0.78,
                "hoverinfo": "skip",
                "marker": {"color": "rgba(0,0,0,0)", "line": parts.edge(theme.fade(t.grey, 0.7), 1)},
            }
        )
    traces.append(
        {
            "type": "bar",
            "orientation": "h",
            "y": y,
            "x": now,
            "width": 0.56,
            "marker": {"color": colours},
            "customdata": list(ids) or list(labels),
            "hovertext": [
                "<br>".join(w for w in (label, f"{words[i]}  {extra[i]}".strip(), "" if b is None else _("was {value}", value=say(b))) if w)
                for i, (label, b) in enumerate(zip(labels, was, strict=True))
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    )
    seen = parts.present(values, before or ()) or [0.0]
    low, high = min(0.0, *seen), max(0.0, *seen)
    written = [
        _behind(i, now[i] or 0.0, was[i] or 0.0, (high - low) / 8, w + (f"  <span style='color:{t.grey}'>{more}</span>" if more else ""))
        for i, (w, more) in enumerate(zip(words, extra, strict=True))
    ]
    return {
        "data": traces,
        "layout": parts.layout(
            height or 40 + parts.row(labels) * max(2, len(labels)),
            annotations=written,
            barmode="overlay",
            margin={"l": 8, "r": parts.beside([f" {w}  {more}".rstrip() for w, more in zip(words, extra, strict=True)]), "t": 4, "b": 24},
            xaxis=_lengths(low, high, title),
            yaxis=_lying(labels),
        ),
    }


def waterfall(
    steps: Sequence[Step],
    say: Say,
    *,
    title: str = "",
    better: Literal["up", "down", "none"] = "up",
    height: int = 320,
    lying: bool = False,
) -> Figure:
    """A bridge: levels stand on zero, changes hang between them; each bar carries its signed value.

    A change for the better is `good`, for the worse `act`, both also by their sign; with better="none" they are grey.
    `lying` puts the steps under each other, for a phone, where many would not fit beside each other.
    """
    t = theme.tokens()
    base: list[float] = []
    size: list[float] = []
    colours: list[str] = []
    said: list[str] = []
    level = 0.0
    for step in steps:
        if step.level:
            base.append(0.0)
            size.append(step.value)
            level = step.value
            colours.append(t.grey)
            said.append(say(step.value))
        else:
            base.append(level)
            size.append(step.value)
            level += step.value
            good = (step.value >= 0) == (better == "up")
            colours.append(t.grey if better == "none" or not step.value else t.good if good else t.act)
            said.append(("+" if step.value > 0 else "") + say(step.value))
    tops = [max(b, b + s) for b, s in zip(base, size, strict=True)] or [0.0]
    lows = [min(b, b + s) for b, s in zip(base, size, strict=True)] or [0.0]
    x = list(range(len(steps)))
    bar = {
        "type": "bar",
        "base": base,
        "marker": {"color": colours},
        "width": 0.62,
        "customdata": said,
        "hovertext": [s.label for s in steps],
        "hovertemplate": "%{hovertext}<br>%{customdata}<extra></extra>",
    }
    if lying:
        written = [
            {"y": i, "x": max(top, 0), "text": f" {words}", "showarrow": False, "xanchor": "left", "font": parts.type_of(11, t.ink)}
            for i, (top, words) in enumerate(zip(tops, said, strict=True))
        ]
        return {
            "data": [{**bar, "orientation": "h", "y": x, "x": size}],
            "layout": parts.layout(
                40 + parts.row([s.label for s in steps]) * max(2, len(steps)),
                annotations=written,
                margin={"l": 8, "r": parts.beside(said), "t": 4, "b": 24},
                xaxis=_lengths(min(0.0, *lows), max(0.0, *tops), title),
                yaxis=_lying([s.label for s in steps]),
            ),
        }
    span = parts.ticks(min(0.0, *lows), max(0.0, *tops) * 1.06, say)
    marks = [
        {"x": i, "y": max(top, 0), "text": words, "showarrow": False, "yanchor": "bottom", "font": parts.type_of(11, t.ink)}
        for i, (top, words) in enumerate(zip(tops, said, strict=True))
    ]
    return {
        "data": [{**bar, "x": x, "y": size}],
        "layout": parts.layout(
            height,
            annotations=marks,
            xaxis={"tickmode": "array", "tickvals": x, "ticktext": ["<br>".join(parts.fold(s.label, 3)) for s in steps], "tickangle": 0},
            yaxis={**span, "title": parts.title_of(title)},
        ),
    }


def pareto(labels: Sequence[str], values: Values, say: Say, *, title: str = "", ids: Sequence[str] = (), top: int = 10) -> Figure:
    """Causes from the largest down, each with its value and the share reached so far; what made 80 % is coloured, the rest grey."""
    order = sorted((i for i, v in enumerate(values) if not missing(v)), key=lambda i: (-float(values[i] or 0), labels[i]))[:top]
    total = sum(parts.present(values))
    run, notes, tones = 0.0, [], []
    for i in order:
        tones.append("main" if total and run / total < 0.8 else "grey")
        run += float(values[i] or 0)
        notes.append(text.percent(run / total, 0) if total else "")
    return bars(
        [labels[i] for i in order],
        [values[i] for i in order],
        say,
        title=title,
        ids=[ids[i] for i in order] if ids else (),
        notes=notes,
        tones=tones,
    )  # type: ignore[arg-type]


def heat(
    columns_: Sequence[str],
    rows: Sequence[str],
    cells: Sequence[Values],
    say: Say,
    *,
    middle: float | None = None,
    reach: float | None = None,
    better: Literal["up", "down", "none"] = "up",
    height: int | None = None,
    written: bool = True,
    marks: Collection[tuple[int, int]] = (),
    mark_words: str = "",
    title: str = "",
    named: int = 0,
) -> Figure:
    """A table of cells (row by row). Neutral around `middle`, colour only where something is off; values written in the cells.

    `reach` is the distance from the middle at which the colour is full (default: the farthest cell). Without a middle, paler is less.
    Without `written` a value shows when it is pointed at. `marks` are cells (row, column) where something is missing: a cross, named
    `mark_words`. `title` is that of the columns; only about `named` of them, counted back from the last, have their name under them.
    """
    t = theme.tokens()
    z = [parts.clean(row) for row in cells]
    told = range(len(columns_))[:: -math.ceil(len(columns_) / named) if named and columns_ else 1]
    seen = [v for row in z for v in row if v is not None] or [0.0]
    if middle is None:
        low, high = min(0.0, *seen), max(seen)
        scale = [(0.0, t.shade), (1.0, t.main)]
    else:
        far = reach or max(abs(v - middle) for v in seen) or 1.0
        low, high = middle - far, middle + far
        bad, fine = (t.act, t.good) if better == "up" else (t.good, t.act)
        half = t.watch if better == "up" else parts.mixed(t.paper, t.good, 0.55)
        scale = [(0.0, bad), (0.25, half), (0.45, t.shade), (0.55, t.shade), (1.0, fine)]
    return {
        "data": [
            {
                "type": "heatmap",
                "x": list(range(len(columns_))),
                "y": list(range(len(rows))),
                "z": z,
                "zmin": low,
                "zmax": high,
                "colorscale": [list(stop) for stop in scale],
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
                "text": [parts.words(row, say) for row in z],
                "hoverongaps": False,
                "customdata": [[f"{r} · {c}" for c in columns_] for r in rows],
                "hovertemplate": "%{customdata}<br>%{text}<extra></extra>",
            },
            *(_written(z, say, lambda v: parts.on_scale(scale, (v - low) / (high - low or 1))) if written else []),
            *_crosses(columns_, rows, marks, mark_words),
        ],
        "layout": parts.layout(
            height or 48 + 32 * max(1, len(rows)),
            xaxis={
                "tickmode": "array",
                "tickvals": list(told),
                "ticktext": [parts.cut(columns_[i], 12) for i in told],
                **({"tickangle": 0} if named else {}),
                "showline": False,
                "title": parts.title_of(title),
            },
            yaxis={
                "tickmode": "array",
                "tickvals": list(range(len(rows))),
                "ticktext": [parts.cut(r) for r in rows],
                "autorange": "reversed",
                "showgrid": False,
                "showline": False,
            },
        ),
    }


def _written(z: Sequence[Values], say: Say, colour_of: Callable[[float], str]) -> list[dict[str, Any]]:
    """The values of a table on its cells, each in what is read well there: Plotly has one colour of type for all of them."""
    cells = [(i, j, v) for i, row in enumerate(z) for j, v in enumerate(row)]
    return [
        {
            "type": "scatter",
            "mode": "text",
            "x": [j for _i, j, _v in cells],
            "y": [i for i, _j, _v in cells],
            "text": [NONE if v is None else say(v) for _i, _j, v in cells],
            "textfont": {
                "size": 11,
                "color": [theme.tokens().grey if v is None else parts.readable_on(colour_of(v)) for _i, _j, v in cells],
            },
            "hoverinfo": "skip",
        }
    ]


def _crosses(columns_: Sequence[str], rows: Sequence[str], marks: Collection[tuple[int, int]], words: str) -> list[dict[str, Any]]:
    """A cross on each of these cells of a table."""
    if not marks:
        return []
    placed = sorted(marks)
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [column for _row, column in placed],
            "y": [row for row, _column in placed],
            "marker": {"symbol": "x-thin", "size": 9, "line": parts.edge(theme.tokens().act, 2)},
            "customdata": [f"{rows[row]} · {columns_[column]}" for row, column in placed],
            "hovertemplate": f"%{{customdata}}<br>{words}<extra></extra>",
            "showlegend": False,
        }
    ]


def _behind(row: int, value: float, before: float, much: float, words: str) -> dict[str, Any]:
    """The words of a lying bar: behind it, over an outline that is `much` longer, else beyond the outline."""
    end = max(0.0, value)
    inside = before - end > much
    place = {"x": end if inside else max(end, before), "y": row, "xanchor": "left", "xshift": 3, "borderpad": 0, "showarrow": False}
    return {**place, "text": words, "font": parts.type_of(11, theme.tokens().ink), **({"bgcolor": theme.tokens().paper} if inside else {})}


def _lying(labels: Sequence[str]) -> dict[str, Any]:
    """The axis of lying bars under each other, from the first at the top: no room but for them (a single one has that of two)."""
    spare = (max(2, len(labels)) - len(labels)) / 2
    return {
        "range": [len(labels) - 0.5 + spare, -0.5 - spare],
        "showgrid": False,
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": parts.names(labels),
        "tickfont": {"color": theme.tokens().ink, "size": 12},
        "showline": False,
    }


def _lengths(low: float, high: float, title: str) -> dict[str, Any]:
    """The axis of lying bars that carry their values themselves: a line at zero and no numbers."""
    return {
        "range": [low, high if high > low else low + 1],
        "showticklabels": False,
        "ticks": "",
        "zeroline": True,
        "zerolinecolor": theme.tokens().line,
        "showline": False,
        "title": parts.title_of(title),
    }
