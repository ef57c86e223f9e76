"""Every figure is valid Plotly, starts its bars at zero, and carries its own words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import plotly.graph_objects as go
import pytest

from pages.ui import charts, text, theme
from pages.ui.charts import parts

DAYS = [date(2026, 3, 1) + timedelta(days=i) for i in range(10)]
UP: list[float | None] = [1.0, 2.0, None, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
NAMES = ["甲", "乙", "丙"]


def figures() -> dict[str, dict[str, Any]]:
    return {
        "line": charts.line(DAYS, {"": UP}, text.short, before=UP, open_from=DAYS[-1], notes=[charts.Note(DAYS[3], "规范")],
                            band=charts.Band(5, [4.0] * 10, [6.0] * 10), low=UP, high=UP, signals=[1]),
        "lines": charts.line(DAYS, {"a": UP, "b": UP}, text.short),
        "plain columns": charts.columns(DAYS, UP, text.short),
        "empty line": charts.line([], {"": []}, text.short),
        "columns": charts.columns(DAYS, UP, text.short, open_from=DAYS[-1], stack={"a": UP, "b": UP}),
        "bars": charts.bars(NAMES, [5.0, None, -2.0], text.short, before=[4.0, 1.0, None], notes=["a", "", "b"], ids=["1", "2", "3"]),
        "waterfall": charts.waterfall([charts.Step("a", 10, True), charts.Step("b", -3), charts.Step("c", 7, True)], text.short),
        "intervals": charts.intervals(NAMES, [0.9, None, 0.5], [0.8, None, 0.4], [0.95, None, 0.6], [100, None, 5], text.percent, target=0.8),
        "pareto": charts.pareto(NAMES, [5.0, 80.0, 15.0], text.short),
        "heat": charts.heat(["1", "2"], NAMES, [[1.0, 0.9], [None, 1.1], [1.0, 1.0]], text.percent, middle=1.0),
        "heat with marks": charts.heat(["1", "2"], NAMES, [[1.0, 0.9], [None, 1.1], [1.0, 1.0]], text.short, written=False, marks={(1, 0)}, mark_words="–"),
        "quadrant": charts.quadrant([1.0, None, 3.0], [1.0, 2.0, 3.0], NAMES, say_x=text.short, say_y=text.short, title_x="x", title_y="y",
                                    centre_x=1.0, centre_y=1.0, corners=("a", "b", "c", "d"), size=[1.0, 2.0, 3.0]),
        "funnel": charts.funnel([10.0, 20.0, 30.0], [0.1, 0.2, 0.3], NAMES, [10.0, 30.0], {"95%": ([0.0, 0.1], [0.3, 0.2])}, 0.15, text.percent,
                                title_x="n", title_y="p", flagged=[False, False, True]),
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_figures_are_valid_in_both_themes(mode: theme.Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "mode", lambda: mode)
    for name, figure in figures().items():
        go.Figure(figure)
        assert figure["layout"]["font"]["color"] == theme.tokens(mode).ink, name


def written(figure: dict[str, Any]) -> list[str]:
    """The words behind the bars."""
    return [words["text"] for words in figure["layout"]["annotations"]]


def test_what_is_not_finished_is_dashed_and_hollow() -> None:
    traces = charts.line(DAYS, {"": UP}, text.short, open_from=DAYS[-1])["data"]
    assert [t["line"]["dash"] for t in traces if t.get("line", {}).get("dash") == "dot"] == ["dot"]
    assert traces[0]["x"][-1] == DAYS[-2].isoformat()
    assert traces[-1]["marker"]["color"] == theme.tokens().paper


def test_what_is_pointed_at_says_its_day_and_what_it_was() -> None:
    """In the reader's language, once: a template would bring a second day in the browser's English onto the axis."""
    with text.speaking("zh"):
        was, solid, dashed = charts.line(DAYS, {"": UP}, text.short, before=[2.0] * 10, open_from=DAYS[-1])["data"]
    assert was["hovertext"][0] == "前 2"
    assert solid["hovertext"][0] == "3月1日周日<br>1"
    assert dashed["hovertext"] == ["", "3月10日周二 · 未完结<br>10"]
    assert [(t["hoverinfo"], "hovertemplate" in t) for t in (was, solid, dashed)] == [("text", False)] * 3


def test_bars_start_at_zero_and_say_their_value() -> None:
    figure = charts.bars(NAMES, [500.0, 600.0, 700.0], text.short)
    assert figure["layout"]["xaxis"]["range"][0] == 0
    assert written(figure) == ["500", "600", "700"]


@pytest.mark.parametrize(("n", "ends"), [(1, [1.0, -1.0]), (2, [1.5, -0.5]), (37, [36.5, -0.5])])
def test_many_bars_leave_no_empty_rows_above_and_below(n: int, ends: list[float]) -> None:
    axis = charts.bars([str(i) for i in range(n)], [1.0] * n, text.short)["layout"]["yaxis"]
    assert axis["range"] == ends
    assert "autorange" not in axis
    steps = [charts.Step(str(i), 1.0) for i in range(n)]
    assert charts.waterfall(steps, text.count, lying=True)["layout"]["yaxis"]["range"] == ends


def test_a_bridge_hangs_its_changes_and_signs_them() -> None:
    bar = charts.waterfall([charts.Step("a", 10, True), charts.Step("b", -3), charts.Step("c", 5), charts.Step("d", 12, True)], text.short)[
        "data"
    ][0]
    assert bar["base"] == [0.0, 10, 7, 0.0]
    assert bar["customdata"] == ["10", "-3", "+5", "12"]
    t = theme.tokens()
    assert bar["marker"]["color"] == [t.grey, t.act, t.good, t.grey]


def test_a_bridge_lies_down_for_a_phone() -> None:
    steps = [charts.Step("Before", 10, True), charts.Step("b", -3), charts.Step("Now", 7, True)]
    figure = charts.waterfall(steps, text.short, lying=True)
    (bar,) = figure["data"]
    assert (bar["orientation"], bar["base"], bar["x"], bar["y"]) == ("h", [0.0, 10, 0.0], [10, -3, 7], [0, 1, 2])
    assert figure["layout"]["xaxis"]["range"][0] == 0
    assert [note["text"].strip() for note in figure["layout"]["annotations"]] == ["10", "-3", "7"]


@pytest.mark.parametrize(
    ("label", "rows"),
    [
        ("Pedestrian boxes", "Pedestrian|boxes"), ("Urban crossing boxes", "Urban|crossing|boxes"), ("仓储机器人拉框", "仓储机器人拉框"),
        ("高速公路车辆跟踪拉框", "高速公路车辆跟踪|拉框"), ("Long road marking classification of rainy nights", "Long road|marking|classificati…"),
        ("这是一个非常非常非常长的项目名称了", "这是一个非常非常|非常长的项目名…"),
    ],
)  # fmt: skip
def test_labels_of_a_bridge_break_between_words(label: str, rows: str) -> None:
    axis = charts.waterfall([charts.Step(label, 1, True)], text.short)["layout"]["xaxis"]
    assert axis["ticktext"] == [rows.replace("|", "<br>")]


def test_ticks_of_people_are_whole() -> None:
    axis = parts.ticks(98, 100, text.count)
    assert axis["ticktext"] == ["98", "99", "100"]


def test_labels_of_an_axis_have_the_digits_that_one_of_them_needs() -> None:
    assert parts.ticks(0, 0.08, text.percent)["ticktext"] == ["0%", "2%", "4%", "6%", "8%"]
    assert parts.ticks(0, 0.1, text.percent)["ticktext"] == ["0%", "2%", "4%", "6%", "8%", "10%"]
    assert parts.ticks(0, 1, text.fixed, 2)["ticktext"] == ["0.0", "0.5", "1.0"]


def test_a_short_interval_is_seen_around_its_dot() -> None:
    figure = charts.intervals(NAMES, [0.48, 1.34, None], [0.47, 1.3, None], [0.5, 1.42, None], [12_034, 44.1, None], text.fixed, target=1.0)
    *spans, dots = figure["data"]
    assert dots["marker"]["size"] < spans[0]["line"]["width"]
    low, high = figure["layout"]["xaxis"]["range"]
    assert (round(low, 2), round(high, 2)) == (0.44, 1.45)  # and the axis is no longer than it must be
    assert [note["text"].split("n=")[1].split("<")[0] for note in figure["layout"]["annotations"]] == ["12,034", "44", "–"]


def test_pareto_orders_and_accumulates() -> None:
    figure = charts.pareto(NAMES, [5.0, 80.0, 15.0], text.short, ids=["a", "b", "c"])
    (bar,), said = figure["data"], written(figure)
    assert bar["customdata"] == ["b", "c", "a"]
    assert ["80%" in said[0], "95%" in said[1], "100%" in said[2]] == [True] * 3


@pytest.mark.parametrize(("low", "high"), [(0, 7), (0, 12345), (0.91, 0.97), (-3, 8), (5, 5), (0, 0)])
def test_ticks_cover_the_values_and_are_few(low: float, high: float) -> None:
    axis = parts.ticks(low, high, text.short)
    assert axis["tickvals"][0] <= low
    assert axis["tickvals"][-1] >= high
    assert 2 <= len(axis["tickvals"]) <= 9
    assert axis["range"][0] <= low
    assert axis["range"][1] >= high


def test_long_names_take_two_lines_on_a_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ["Support dialogue intent", "车道线关键点"]
    desk = charts.bars(labels, [1.0, 2.0], text.short)["layout"]
    assert desk["yaxis"]["ticktext"] == labels
    monkeypatch.setattr(theme, "phone", lambda: True)
    phone = charts.bars(labels, [1.0, 2.0], text.short)["layout"]
    assert phone["yaxis"]["ticktext"] == ["Support<br>dialogue intent", "车道线关键点"]
    assert phone["height"] > desk["height"]


def test_a_value_stands_beyond_the_outline_of_the_period_before_unless_it_would_read_as_its_value() -> None:
    with text.speaking("zh"):
        figure = charts.bars([*NAMES, "丁"], [5.0, 0.0, -2.0, 4.0], text.short, before=[4.0, 3.0, None, 4.5])
    was, now = figure["data"]
    assert written(figure) == ["5", "0", "-2", "4"]
    assert [words["x"] for words in figure["layout"]["annotations"]] == [5.0, 0.0, 0.0, 4.5]
    assert ["bgcolor" in words for words in figure["layout"]["annotations"]] == [False, True, False, False]
    assert was["x"] == [4.0, 3.0, None, 4.5]
    assert now["hovertext"] == ["甲<br>5<br>前 4", "乙<br>0<br>前 3", "丙<br>-2", "丁<br>4<br>前 4.5"]


def test_the_words_behind_bars_have_the_room_they_take() -> None:
    """In pixels, however narrow the screen; a small value below zero takes no more than its own length."""
    layout = charts.bars(NAMES, [226_000.0, 5.0, 1.0], text.money, before=[-50.0, 1.0, 1.0], notes=["38.6%", "5.0%", ""])["layout"]
    assert layout["xaxis"]["range"] == [-50.0, 226_000.0]
    assert layout["margin"]["r"] > 5 * len(" ¥22.6万  38.6%")
    assert layout["margin"]["r"] > charts.bars(NAMES, [1.0, 2.0, 3.0], text.short)["layout"]["margin"]["r"]


def test_an_axis_without_a_zero_makes_no_cliff_of_a_few_people() -> None:
    low, high = charts.line(DAYS, {"": [238.0, 240.0, 237.0][: len(DAYS)] + [238.0] * (len(DAYS) - 3)}, text.count, zero=False)["layout"][
        "yaxis"
    ]["range"]
    assert high - low >= 0.05 * 240
    assert low < 237 < 240 < high


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("better", ["up", "down"])
def test_what_is_written_on_a_cell_can_be_read(mode: theme.Mode, better: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "mode", lambda: mode)
    steps = [i / 40 for i in range(41)]
    for middle in (0.5, None):
        table, words = charts.heat([str(s) for s in steps], ["甲"], [steps], text.short, middle=middle, better=better)["data"]
        behind = [parts.on_scale(table["colorscale"], s) for s in steps]
        assert min(parts.contrast(a, b) for a, b in zip(words["textfont"]["color"], behind, strict=True)) >= 4.5
        assert len(set(words["textfont"]["color"])) > 1


def test_contrast_is_that_of_the_web_guidelines() -> None:
    assert parts.contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert parts.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)
    assert parts.mixed("#000000", "#FF8000", 0.5) == "#804000"


def test_of_many_columns_a_few_have_their_name_and_the_last_always() -> None:
    days = [text.day(day) for day in DAYS]
    axis = charts.heat(days, NAMES, [UP] * 3, text.short, title="Date", named=4)["layout"]["xaxis"]
    assert [days[i] for i in axis["tickvals"]] == axis["ticktext"] == days[::-3]
    assert axis["title"]["text"] == "Date"
    assert charts.heat(days, NAMES, [UP] * 3, text.short)["layout"]["xaxis"]["ticktext"] == days


def test_a_mark_stands_on_its_cell() -> None:
    crosses = charts.heat(["08", "09"], NAMES, [[1.0, 2.0]] * 3, text.short, marks={(2, 1), (0, 0)}, mark_words="nothing came")["data"][-1]
    assert (crosses["x"], crosses["y"]) == ([0, 1], [0, 2])
    assert crosses["customdata"] == ["甲 · 08", "丙 · 09"]
    assert "nothing came" in crosses["hovertemplate"]
    assert len(charts.heat(["08"], NAMES, [[1.0]] * 3, text.short, written=False)["data"]) == 1
