"""Charts along time: a line with what it is compared with, and upright bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pages.ui import text, theme
from pages.ui.charts import parts
from pages.ui.charts.parts import Figure, Say, Values
from pages.ui.text import _

MARKS = "①②③④⑤⑥⑦⑧⑨⑩"
_LEAST = 0.05  # of the top value: the least that an axis without a zero spans


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened, to be drawn on a time axis: a guideline change, an outage, a holiday."""

    start: date
    words: str
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """What is expected: a centre and the limits around it, one value for all points or one per point."""

    centre: float
    lower: Values
    upper: Values
    words: str = ""


def line(
    x: Sequence[date],
    series: Mapping[str, Values],
    say: Say,
    *,
    grain: str = "day",
    title: str = "",
    before: Values | None = None,
    open_from: date | None = None,
    notes: Sequence[Note] = (),
    band: Band | None = None,
    low: Values | None = None,
    high: Values | None = None,
    zero: bool = True,
    height: int = 300,
    signals: Sequence[int] = (),
) -> Figure:
    """Values over time. `series` maps a name to its values; with more than one, names stand at the ends of the lines.

    `before` is what is compared with, in grey, position by position. From `open_from` on, the period is not finished: dashed
    and hollow. `low`/`high` shade an interval around a single series; `band` draws limits, `signals` marks points outside.
    What is pointed at says its day itself (`hoverinfo`, no template): the axis would say it again, in the browser's English.
    """
    t = theme.tokens()
    days = [d.isoformat() for d in x]
    cut = next((i for i, d in enumerate(x) if open_from is not None and d >= open_from), len(x))
    many = len(series) > 1
    traces: list[dict[str, Any]] = []
    if low is not None and high is not None and not many:
        traces += [
            {"type": "scatter", "mode": "lines", "x": days, "y": parts.clean(high), "line": {"width": 0}, "hoverinfo": "skip"},
            {
                "type": "scatter",
                "mode": "lines",
                "x": days,
                "y": parts.clean(low),
                "line": {"width": 0},
                "fill": "tonexty",
                "fillcolor": theme.fade(t.main, 0.14),
                "hoverinfo": "skip",
            },
        ]
    if before is not None:
        was = parts.clean(before)[: len(days)]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": days[: len(was)],
                "y": was,
                "line": parts.stroke(theme.fade(t.grey, 0.6), 1.5),
                "hovertext": [_("was {value}", value=words) for words in parts.words(was, say)],
                "hoverinfo": "text",
            }
        )
    for i, (name, values) in enumerate(series.items()):
        colour = t.series[i % len(t.series)] if many else t.main
        y = parts.clean(values)
        when = [(text.month if grain == "month" else text.weekday if grain == "day" else text.day)(d) for d in x]
        pointed = [
            " · ".join(w for w in (name if many else "", d, _("not finished") if j >= cut else "") if w) + f"<br>{words}"
            for j, (d, words) in enumerate(zip(when, parts.words(values, say), strict=True))
        ]
        solid = {
            "type": "scatter",
            "mode": "lines+markers" if len(y) <= 45 else "lines",
            "x": days[:cut],
            "y": y[:cut],
            "line": parts.edge(colour, 2),
            "marker": {"size": 5, "color": colour},
            "hovertext": pointed[:cut],
            "hoverinfo": "text",
            "name": name,
        }
        traces.append(solid)
        if cut < len(y):
            start = max(0, cut - 1)
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "x": days[start:],
                    "y": y[start:],
                    "line": parts.stroke(colour, 1.5, "dot"),
                    "name": name,
                    "marker": {"size": [0] * (cut - start) + [7] * (len(y) - cut), "color": t.paper, "line": parts.edge(colour, 1.5)},
                    "hovertext": [""] * (cut - start) + pointed[cut:],
                    "hoverinfo": "text",
                }
            )
        if many and any(v is not None for v in y):
            last = max(i for i, v in enumerate(y) if v is not None)
            traces.append(
                {
                    "type": "scatter",
                    "mode": "text",
                    "x": [days[last]],
                    "y": [y[last]],
                    "text": [" " + parts.cut(name, 12)],
                    "textposition": "middle right",
                    "textfont": parts.type_of(11, colour),
                    "cliponaxis": False,
                    "hoverinfo": "skip",
                }
            )
    if signals:
        only = next(iter(series.values()))
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [days[i] for i in signals],
                "y": [parts.clean(only)[i] for i in signals],
                "hoverinfo": "skip",
                "marker": {"size": 11, "color": "rgba(0,0,0,0)", "line": parts.edge(t.act, 2)},
            }
        )
    shapes, marks = _notes(x, notes)
    if band is not None:
        for limit in (band.lower, band.upper):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": days,
                    "y": parts.clean(limit),
                    "hoverinfo": "skip",
                    "line": {"color": t.grey, "width": 1, "dash": "dash", "shape": "hvh"},
                }
            )
        shapes.append(
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": band.centre, "y1": band.centre, "line": parts.stroke(t.grey, 1)}
        )
    seen = parts.present(*series.values(), before or (), *((band.lower, band.upper) if band else ()), high or (), low or ())
    bottom, top = (min(seen), max(seen)) if seen else (0.0, 1.0)
    if not zero and top - bottom < _LEAST * top:  # a few people more or less are no cliff
        bottom, top = (bottom + top - _LEAST * top) / 2, (bottom + top + _LEAST * top) / 2
    span = parts.ticks(min(0.0, bottom) if zero else bottom, top, say)
    return {
        "data": traces,
        "layout": parts.layout(
            height,
            xaxis=parts.dates(x, grain),
            yaxis={**span, "title": parts.title_of(title)},
            shapes=shapes,
            annotations=marks,
            hovermode="x",
            margin={"l": 8, "r": 90 if many else 16, "t": 26 if notes else 14, "b": 8},
        ),
    }


def key_to(x: Sequence[date], notes: Sequence[Note]) -> str:
    """What the numbers above a chart's marks mean, as a caption; empty without marks."""
    return " · ".join(f"{MARKS[i % len(MARKS)]} {text.day(note.start)} {text.safe(note.words)}" for i, note in enumerate(_seen(x, notes)))


def _seen(x: Sequence[date], notes: Sequence[Note]) -> list[Note]:
    return [n for n in notes if x and n.start <= x[-1] and (n.end or n.start) >= x[0]]


def _notes(x: Sequence[date], notes: Sequence[Note]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    t = theme.tokens()
    shapes: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    if not x:
        return shapes, marks
    for i, note in enumerate(_seen(x, notes)):
        start = max(note.start, x[0])
        if note.end and note.end > note.start:
            shapes.append(
                {
                    "type": "rect",
                    "xref": "x",
                    "yref": "paper",
                    "x0": start.isoformat(),
                    "x1": min(note.end, x[-1]).isoformat(),
                    "y0": 0,
                    "y1": 1,
                    "fillcolor": theme.fade(t.grey, 0.10),
                    "line": {"width": 0},
                    "layer": "below",
                }
            )
        else:
            shapes.append(
                {
                    "type": "line",
                    "xref": "x",
                    "yref": "paper",
                    "x0": start.isoformat(),
                    "x1": start.isoformat(),
                    "y0": 0,
                    "y1": 1,
                    "line": parts.stroke(t.grey, 1, "dot"),
                }
            )
        marks.append(
            {
                "x": start.isoformat(),
                "y": 1.0,
                "xref": "x",
                "yref": "paper",
                "text": MARKS[i % len(MARKS)],
                "hovertext": note.words,
                "showarrow": False,
                "xanchor": "center",
                "yanchor": "bottom",
                "font": parts.type_of(12, t.grey),
            }
        )
    return shapes, marks


def columns(
    x: Sequence[date],
    values: Values,
    say: Say,
    *,
    grain: str = "day",
    title: str = "",
    open_from: date | None = None,
    stack: Mapping[str, Values] | None = None,
    height: int = 280,
) -> Figure:
    """Upright bars over time, the unfinished ones hatched; with `stack`, stacked from below in the order given."""
    t = theme.tokens()
    days = [d.isoformat() for d in x]
    hatch = ["/" if open_from is not None and d >= open_from else "" for d in x]
    when = [(text.month if grain == "month" else text.day)(d) for d in x]
    traces = []
    for i, (name, column) in enumerate((stack or {"": values}).items()):
        colour = t.series[i % len(t.series)] if stack else t.main
        traces.append(
            {
                "type": "bar",
                "x": days,
                "y": parts.clean(column),
                "name": name,
                "text": when,
                "textposition": "none",
                "customdata": parts.words(column, say),
                "marker": {"color": colour, "pattern": {"shape": hatch, "fgcolor": colour, "bgcolor": theme.fade(colour, 0.15), "size": 6}},
                "hovertemplate": "%{text}<br>%{customdata}<extra>" + name + "</extra>",
            }
        )
    tall = parts.present(values) or [0.0]
    span = parts.ticks(min(0.0, min(tall)), max(0.0, max(tall)), say)
    legend = {"showlegend": True, "legend": {"orientation": "h", "y": 1.12, "x": 0, "font": {"size": 11}}} if stack else {}
    return {
        "data": traces,
        "layout": parts.layout(
            height, xaxis=parts.dates(x, grain), yaxis={**span, "title": parts.title_of(title)}, barmode="relative", **legend
        ),
    }
