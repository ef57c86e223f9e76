"""One function per kind of chart: plain Plotly dicts in the colours of the theme, every label in the reader's language.

A chart function takes numbers and words and gives a dict; `draw` puts it on the page. Colour says one thing only:
`good`, `watch` and `act`; what is compared with is grey, what is unfinished is dashed or hatched. Bars start at zero.
A figure carries its own words: direct labels instead of a legend, the unit in the axis title.
"""

from pages.ui.charts.groups import Step, bars, heat, pareto, waterfall
from pages.ui.charts.parts import Figure, Say, Tone, Values, draw
from pages.ui.charts.points import funnel, intervals, quadrant
from pages.ui.charts.time import Band, Note, columns, key_to, line

__all__ = [
    "Band",
    "Figure",
    "Note",
    "Say",
    "Step",
    "Tone",
    "Values",
    "bars",
    "columns",
    "draw",
    "funnel",
    "heat",
    "intervals",
    "key_to",
    "line",
    "pareto",
    "quadrant",
    "waterfall",
]
