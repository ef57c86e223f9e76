"""Speed after allowing for difficulty, as screens show it: middle, bands and intervals, never a bare league table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from metrics.query import Query
from metrics.standardised import MIN_COMPANY, Band, Pace, pace
from pages.ui import charts, states, tables, text
from pages.ui.ask import Answer, label
from pages.ui.charts import Tone
from pages.ui.screen import View
from pages.ui.text import N_, _

BANDS: dict[Band, str] = {"faster": N_("faster"), "middle": N_("in the middle"), "slower": N_("slower"), "unsure": N_("too little to say")}
_TONES: dict[Band, Tone] = {"faster": "good", "middle": "grey", "slower": "watch", "unsure": "grey"}
_ENDS = 8  # shown from each end of the order


@dataclass(frozen=True, slots=True, eq=False)
class Paces:
    """The paces of people or teams, fastest first; those that cannot be judged last."""

    dimension: str
    rows: tuple[Pace, ...]


def of_what(view: View, dimension: str) -> Query:
    """The question behind `of`."""
    return view.question(
        "units_per_hour",
        "work_hours",
        by=(dimension, "project", "week" if view.grain != "day" or _length(view) > 21 else "day"),
        where={"action": ("annotate",)},
        compare=False,
        without=("worker",),
    )


def of(view: View, dimension: str) -> Paces:
    """The pace of each person or team within the filters, over first annotations only; a person's own filter is left out."""
    (cells,) = view.ask_together(of_what(view, dimension))
    spell = cells.by[-1]
    return cells.worked_out(f"paces {dimension}", lambda: _of(cells.dated(), dimension, spell))


def _of(cells: Answer, dimension: str, spell: str) -> Paces:
    unit, names = cells.groups(dimension)
    # Projects and spells need no names here.
    strata, spells = (cells.groups(name)[0] for name in ("project", spell))
    found = pace([names[i] for i in unit.tolist()], strata, spells, cells.numbers("units_per_hour"), cells.numbers("work_hours"))
    order = sorted((p for p in found if p.unit), key=lambda p: (p.shrunk is None, -(p.shrunk or p.ratio or 0), p.unit))
    return Paces(dimension, tuple(order))


def _length(view: View) -> int:
    period = view.choice.period
    return (period.end - period.start).days + 1 if period.start and period.end else 0


def caption(*, drawn: bool = True) -> str:
    """How to read the numbers; `drawn`, their bars as well."""
    said = _(
        "1.10 means a tenth more units than the middle pace of the same projects would have given in the same hours. First annotations "
        "only, no rework. Pulled towards 1 where there is little to go by; projects with fewer than {n} people are left out.",
        n=MIN_COMPANY,
    )
    return text.sentences(said, _("The bar is the 95% interval.")) if drawn else said


def words(paces: Paces) -> str:
    """How many stand where, in one line."""
    counts = Counter(p.band for p in paces.rows)
    return " · ".join(f"{_(BANDS[band])} {text.count(counts[band])}" for band in BANDS if counts[band])


def picture(paces: Paces, view: View) -> None:
    """Dots with intervals around 1: all of them when few, else the ends of the order."""
    judged = [p for p in paces.rows if p.shrunk is not None]
    if not judged:
        states.empty(_("There is too little to compare: nobody else worked on the same projects, or only for one day or week."))
        return
    shown = judged if len(judged) <= 2 * _ENDS else [*judged[:_ENDS], *judged[-_ENDS:]]
    st.caption(words(paces))
    charts.draw(
        charts.intervals(
            [label(view.store, paces.dimension, p.unit) for p in shown],
            [p.shrunk for p in shown],
            [p.low for p in shown],
            [p.high for p in shown],
            [p.hours for p in shown],
            text.fixed,
            target=1.0,
            target_words=_("middle pace"),
            count_words=_("{n} h"),
            tones=[_TONES[p.band] for p in shown],
            title=_("Units ÷ units expected"),
        ),
        key=f"pace_{paces.dimension}",
        alt=_("Pace after allowing for difficulty, with intervals"),
    )


def table_of(view: View, dimension: str) -> tuple[Query, Query]:
    """What `table` asks, for a screen that asks more at the same time."""
    return (
        view.question("units", "work_hours", "units_per_hour", by=dimension, without=("worker",)),
        view.question("units_per_hour", by=(dimension, view.grain), compare=False, without=("worker",)),
    )


def table(paces: Paces, view: View) -> str | None:
    """One row a person or team, in the order of the adjusted pace; the id of the row clicked."""
    dimension = paces.dimension
    answer, trend = view.ask_together(*table_of(view, dimension))
    answer = answer.arrange(dimension, tuple(p.unit for p in paces.rows))
    adjusted, span, reading = answer.worked_out(("paces", paces), lambda: _pace_columns(paces, answer))
    return tables.show(
        view,
        answer,
        [
            adjusted,
            span,
            reading,
            "units",
            tables.Change("units"),
            "work_hours",
            "units_per_hour",
            tables.Trend("units_per_hour", trend),
        ],
        key=f"paces_{dimension}",
        title=_("People") if dimension == "worker" else _("Teams"),
        select=True,
        ids=dimension == "worker",
        brief=[adjusted, span, reading],
    )


def _pace_columns(paces: Paces, answer: Answer) -> tuple[tables.Given, tables.Given, tables.Given]:
    by_unit = {p.unit: p for p in paces.rows}
    rows = [by_unit[i] for i in answer.ids(paces.dimension)]
    return (
        tables.Given(
            _("Adjusted pace"),
            [p.shrunk for p in rows],
            "%.2f",
            _("units ÷ units expected at the middle pace; 1 is the middle"),
            low=[p.low for p in rows],
            high=[p.high for p in rows],
        ),
        tables.Given(_("95% interval"), [text.interval(p.low, p.high) for p in rows], leaves=False),
        tables.Given(_("Band"), [_(BANDS[p.band]) for p in rows], help=caption(drawn=False)),
    )


def person(view: View, worker: str) -> None:
    """One person among the others of the same projects: their adjusted pace, and project by project."""
    mine = next((p for p in of(view, "worker").rows if p.unit == worker), None)
    if mine is None or mine.ratio is None:
        states.empty(_("There is too little to compare: nobody else worked on the same projects, or only for one day or week."))
        return
    said = _(
        "First annotations: {done} units in {hours} h; the middle pace of the same projects would have given {expected}.",
        done=text.count(mine.observed),
        hours=text.fixed(mine.hours, 1),
        expected=text.count(mine.expected),
    )
    if mine.shrunk is not None:
        said = text.sentences(said, verdict(mine, mine.shrunk))
    st.markdown(said)
    own = view.ask("units", "work_hours", "units_per_hour", "seconds_per_unit_p50", by="project").order("work_hours")
    everybody = view.ask("units_per_hour", by="project", compare=False, without=("worker",)).arrange("project", tuple(own.ids()))
    everyone = tables.Given(_("All people, units per hour"), everybody.column("units_per_hour"), "%,.1f")
    tables.show(
        view,
        own,
        [
            "units",
            "work_hours",
            "units_per_hour",
            tables.Trend("units_per_hour", view.ask("units_per_hour", by=("project", view.grain), compare=False)),
            everyone,
            tables.Named("seconds_per_unit_p50", _("Median s/unit")),
        ],
        key="person_projects",
        title=_("Projects"),
        brief=["units_per_hour", everyone, "units"],
    )


def verdict(p: Pace, adjusted: float) -> str:
    """The adjusted pace with its interval, where there is one, and what it means."""
    span, band = text.interval(p.low, p.high), _(BANDS[p.band])
    if span is None:
        return _("Adjusted pace {pace}: {band}.", pace=text.fixed(adjusted), band=band)
    return _("Adjusted pace {pace} [{interval}]: {band}.", pace=text.fixed(adjusted), interval=span, band=band)
