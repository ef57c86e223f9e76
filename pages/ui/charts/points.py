"""Charts of points: a value with its interval, two measures against each other, a funnel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pages.ui import text, theme
from pages.ui.charts import parts
from pages.ui.charts.parts import Figure, Say, Tone, Values
from pages.ui.text import missing


def intervals(
    labels: Sequence[str],
    values: Values,
    low: Values,
    high: Values,
    n: Sequence[float | None],
    say: Say,
    *,
    title: str = "",
    ids: Sequence[str] = (),
    target: float | None = None,
    target_words: str = "",
    count_words: str = "n={n}",
    tones: Sequence[Tone] = (),
    height: int | None = None,
) -> Figure:
    """A dot on its interval per group, with n at the right (`count_words` says what is counted); a thin line marks the target.

    The interval is higher than the dot, so that it is seen however short it is.
    A group without a value keeps its row and says "–".
    """
    t = theme.tokens()
    y = list(range(len(labels)))
    now, below, above = parts.clean(values), parts.clean(low), parts.clean(high)
    colours = [parts.colour(tone) for tone in tones] or [t.main] * len(y)
    up = [max(0.0, (h if h is not None else v) - v) if v is not None else 0.0 for v, h in zip(now, above, strict=True)]
    down = [max(0.0, v - (lo if lo is not None else v)) if v is not None else 0.0 for v, lo in zip(now, below, strict=True)]
    words = [f"{a} [{b}, {c}]" for a, b, c in zip(parts.words(now, say), parts.words(below, say), parts.words(above, say), strict=True)]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [None if v is None else v - d, None if v is None else v + u],
            "y": [i, i],
            "hoverinfo": "skip",
            "line": parts.stroke(theme.fade(colours[i], 0.4), 11),
        }
        for i, (v, d, u) in enumerate(zip(now, down, up, strict=True))
    ]
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": now,
            "y": y,
            "marker": {"size": 6, "color": colours},
            "customdata": list(ids) or list(labels),
            "text": words,
            "hovertext": list(labels),
            "hovertemplate": "%{hovertext}<br>%{text}<extra></extra>",
        }
    )
    seen = parts.present(now, below, above, [target]) or [0.0, 1.0]
    low_end, high_end = min(seen), max(seen)
    span = parts.ticks(low_end, high_end, say, 4)
    edge = 0.03 * (high_end - low_end or 1)  # the axis ends where the data does: on a phone a round end would take half of it
    said, sizes = parts.words(now, say), [count_words.format(n=words) for words in parts.words(n, text.count)]
    marks = [
        {
            "x": 1.0,
            "xref": "paper",
            "y": i,
            "text": f"{said[i]}  <span style='color:{t.grey}'>{sizes[i]}</span>",
            "showarrow": False,
            "xanchor": "left",
            "font": parts.type_of(11, t.ink),
        }
        for i, k in enumerate(n)
    ]
    shapes = (
        []
        if target is None
        else [{"type": "line", "x0": target, "x1": target, "yref": "paper", "y0": 0, "y1": 1, "line": parts.stroke(t.grey, 1, "dash")}]
    )
    if target is not None and target_words:
        marks.append(
            {
                "x": target,
                "y": 1.0,
                "yref": "paper",
                "text": target_words,
                "showarrow": False,
                "yanchor": "bottom",
                "font": parts.type_of(10, t.grey),
            }
        )
    return {
        "data": traces,
        "layout": parts.layout(
            height or 64 + parts.row(labels) * max(2, len(labels)),
            annotations=marks,
            shapes=shapes,
            margin={"l": 8, "r": parts.beside([f"{a}  {b}" for a, b in zip(said, sizes, strict=True)]), "t": 20, "b": 8},
            xaxis={
                **span,
                "range": [low_end - edge, high_end + edge],
                "tickangle": 0,
                "showgrid": True,
                "gridcolor": t.line,
                "title": parts.title_of(title),
            },
            yaxis={
                "showgrid": False,
                "tickmode": "array",
                "tickvals": y,
                "ticktext": parts.names(labels),
                "range": [len(y) - 0.5, -0.5],
                "tickfont": {"color": t.ink, "size": 12},
                "showline": False,
            },
        ),
    }


def quadrant(
    x: Values,
    y: Values,
    labels: Sequence[str],
    *,
    say_x: Say,
    say_y: Say,
    title_x: str,
    title_y: str,
    centre_x: float,
    centre_y: float,
    corners: tuple[str, str, str, str] = ("", "", "", ""),
    size: Values | None = None,
    ids: Sequence[str] = (),
    tones: Sequence[Tone] = (),
    named: int = 8,
    height: int = 360,
) -> Figure:
    """Points against two middles; the `named` farthest from the middle carry their name.

    `corners` are the words in the corners: top left, top right, bottom left, bottom right. `size` scales the area of the dots.
    """
    t = theme.tokens()
    keep = [i for i in range(len(labels)) if not missing(x[i]) and not missing(y[i])]
    px, py = [float(x[i] or 0) for i in keep], [float(y[i] or 0) for i in keep]
    wide = max((abs(v - centre_x) for v in px), default=1.0) or 1.0
    tall = max((abs(v - centre_y) for v in py), default=1.0) or 1.0
    far = sorted(range(len(keep)), key=lambda j: -math.hypot((px[j] - centre_x) / wide, (py[j] - centre_y) / tall))[:named]
    biggest = max(parts.present(size), default=1.0) if size is not None else 1.0
    area = [float(v or 0) for v in size] if size is not None else []
    dots = [6 + 14 * math.sqrt(max(0.0, area[i]) / biggest) if area else 9 for i in keep]
    xs, ys = parts.ticks(min([*px, centre_x]), max([*px, centre_x]), say_x), parts.ticks(min([*py, centre_y]), max([*py, centre_y]), say_y)
    grey = parts.stroke(t.grey, 1, "dash")
    marks = [
        {
            "xref": "paper",
            "yref": "paper",
            "x": cx,
            "y": cy,
            "text": words,
            "showarrow": False,
            "xanchor": ax,
            "yanchor": ay,
            "font": parts.type_of(11, t.grey),
        }
        for (cx, cy, ax, ay), words in zip(
            ((0.01, 0.99, "left", "top"), (0.99, 0.99, "right", "top"), (0.01, 0.01, "left", "bottom"), (0.99, 0.01, "right", "bottom")),
            corners,
            strict=True,
        )
        if words
    ]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": px,
                "y": py,
                "customdata": [(list(ids) or list(labels))[i] for i in keep],
                "marker": {
                    "size": dots,
                    "opacity": 0.75,
                    "line": parts.edge(t.paper, 1),
                    "color": [parts.colour(tones[i]) for i in keep] if tones else t.main,
                },
                "text": [parts.cut(labels[i], 10) if j in far else "" for j, i in enumerate(keep)],
                "textposition": "top center",
                "textfont": parts.type_of(10, t.grey),
                "cliponaxis": False,
                "hovertext": [f"{labels[i]}<br>{title_x} {say_x(px[j])}<br>{title_y} {say_y(py[j])}" for j, i in enumerate(keep)],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        ],
        "layout": parts.layout(
            height,
            annotations=marks,
            margin={"l": 8, "r": 16, "t": 20, "b": 8},
            shapes=[
                {"type": "line", "x0": centre_x, "x1": centre_x, "yref": "paper", "y0": 0, "y1": 1, "line": grey},
                {"type": "line", "y0": centre_y, "y1": centre_y, "xref": "paper", "x0": 0, "x1": 1, "line": grey},
            ],
            xaxis={**xs, "title": parts.title_of(title_x)},
            yaxis={**ys, "title": parts.title_of(title_y)},
        ),
    }


def funnel(
    n: Values,
    values: Values,
    labels: Sequence[str],
    grid: Sequence[float],
    limits: Mapping[str, tuple[Values, Values]],
    target: float,
    say: Say,
    *,
    title_x: str,
    title_y: str,
    ids: Sequence[str] = (),
    flagged: Sequence[bool] = (),
    height: int = 360,
) -> Figure:
    """Groups by size and value, inside or outside the limits that chance alone would draw; the flagged carry their name.

    `grid` holds the sizes at which `limits` (name → lower, upper) were computed.
    """
    t = theme.tokens()
    traces: list[dict[str, Any]] = []
    for name, (lower, upper) in limits.items():
        for limit in (lower, upper):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": list(grid),
                    "y": parts.clean(limit),
                    "name": name,
                    "hoverinfo": "skip",
                    "line": parts.stroke(theme.fade(t.grey, 0.7), 1, "dash"),
                }
            )
    flags = list(flagged) or [False] * len(labels)
    traces.append(
        {
            "type": "scatter",
            "mode": "markers+text",
            "x": parts.clean(n),
            "y": parts.clean(values),
            "customdata": list(ids) or list(labels),
            "marker": {
                "size": 9,
                "color": [t.act if f else t.grey for f in flags],
                "opacity": 0.8,
                "symbol": ["diamond" if f else "circle" for f in flags],
            },
            "text": [parts.cut(w, 10) if f else "" for w, f in zip(labels, flags, strict=True)],
            "textposition": "top center",
            "textfont": parts.type_of(10, t.ink),
            "hovertext": [
                f"{w}<br>{v} · n={k}" for w, v, k in zip(labels, parts.words(values, say), parts.words(n, text.short), strict=True)
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    )
    seen = parts.present(values, [target]) or [0.0, 1.0]
    ys = parts.ticks(min(seen), max(seen), say)
    return {
        "data": traces,
        "layout": parts.layout(
            height,
            shapes=[{"type": "line", "y0": target, "y1": target, "xref": "paper", "x0": 0, "x1": 1, "line": parts.stroke(t.grey, 1)}],
            xaxis={**parts.ticks(0.0, max(parts.present(n), default=1.0), text.short), "title": parts.title_of(title_x)},
            yaxis={**ys, "title": parts.title_of(title_y)},
        ),
    }
