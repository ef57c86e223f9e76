"""Error rates as screens show them: signal or noise along time, groups against the whole, people against their own mix of work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from metrics import control
from metrics.chance import MIN_COMPANY, MIN_N, Ratio, Side, ratios, sides
from metrics.query import Query
from pages.ui import charts, numbers, states, tables, text
from pages.ui.ask import Answer, label, measure
from pages.ui.charts import Tone
from pages.ui.screen import View
from pages.ui.text import N_, _

RATE = "error_rate"
SIDES: dict[Side, str] = {
    "above": N_("more errors"),
    "within": N_("as expected"),
    "below": N_("fewer errors"),
    "unsure": N_("too little to say"),
}
_TONES: dict[Side, Tone] = {"above": "act", "within": "grey", "below": "good", "unsure": "grey"}
# A reviewer who sends back more is neither better nor worse for it: both ends are worth a look.
_STRICTNESS: dict[Side, str] = SIDES | {"above": N_("stricter"), "below": N_("more lenient")}
_STRICT_TONES: dict[Side, Tone] = _TONES | {"above": "watch", "below": "watch"}
_ENDS = 8  # people shown from each end of the order
_GROUPS = 14  # groups shown


# Along time ------------------------------------------------------------------------------------------------------------
def moving_from(view: View, trend: Answer) -> date | None:
    """The first step of a trend that may still move: not finished, or its reviews are not all in. None when all is settled."""
    first = trend.result.provisional_from
    if first is not None:
        first = {"day": first, "week": first - timedelta(days=first.weekday())}.get(view.grain, first.replace(day=1))
    return min((d for d in (first, view.open_from) if d is not None), default=None)


def over_time(view: View, trend: Answer) -> None:
    """The rate with its Wilson band and control limits, what may still move hollow, and in words whether there is a signal.

    `trend` holds error_rate, errors and reviewed along time.
    """
    m, dates, moving = measure(RATE), trend.dates(), moving_from(view, trend)
    settled = [moving is None or d < moving for d in dates]
    values = trend.column(RATE)
    limits = control.proportions(trend.column("errors"), trend.column("reviewed"), settled)
    judged = limits is not None and any(bound is not None for bound in limits.lower)
    found = control.signals(values, limits, settled) if limits is not None and judged else ()
    st.markdown(_verdict(dates, found, judged, view.grain))
    charts.draw(
        charts.line(
            dates,
            {"": values},
            numbers.say_as(m),
            grain=view.grain,
            title=numbers.header(m),
            low=trend.column(f"{RATE}_low"),
            high=trend.column(f"{RATE}_high"),
            band=charts.Band(limits.centre, limits.lower, limits.upper) if limits is not None and judged else None,
            signals=[signal.index for signal in found],
            open_from=moving,
            notes=view.events(),
        ),
        key="error_trend",
        alt=_("Error rate over time with intervals and control limits"),
    )
    view.marks(dates)


def _verdict(dates: Sequence[date], found: Sequence[control.Signal], judged: bool, grain: str) -> str:
    if not judged:
        return ":material/info: " + _(
            "Fewer than {n} finished points: too few for limits. Read the shaded intervals.", n=control.MIN_POINTS
        )
    if not found:
        return ":material/check_circle: " + _("**Noise.** No finished point is outside the limits, and there is no long run on one side.")
    when = text.month if grain == "month" else text.day
    said = [(when(dates[s.index]) if s.rule == "outside" else _("a run up to {day}", day=when(dates[s.index]))) for s in found]
    more = [_("{n} more", n=len(said) - 4)] if len(said) > 4 else []
    return ":material/error: " + _("**Signal.** More than chance: {which}.", which=" · ".join([*said[-4:], *more]))


# Groups against the whole ------------------------------------------------------------------------------------------------
def groups(answer: Answer, dimension: str, *, select: bool = False, judged: bool = True) -> str | None:
    """Dots with Wilson intervals against the rate of all, by lower bound; the id of the group clicked. `answer` has its total.

    Not `judged`: groups that are not to be held against one another.
    """
    m = measure(RATE)
    shown = answer.order(f"{RATE}_low", top=_GROUPS)
    if not any(v is not None for v in shown.column(RATE)):
        states.empty(_("Nothing was inspected for this choice, so there is no rate."))
        return None
    whole = answer.total(RATE) if judged else None
    flags = sides(shown.column(RATE), shown.column(f"{RATE}_n"), whole)
    points = charts.draw(
        charts.intervals(
            shown.labels(dimension),
            shown.column(RATE),
            shown.column(f"{RATE}_low"),
            shown.column(f"{RATE}_high"),
            shown.column(f"{RATE}_n"),
            numbers.say_as(m),
            ids=shown.ids(dimension),
            target=whole,
            target_words=_("all: {rate}", rate=numbers.value(m, whole)) if judged else "",
            tones=[_TONES[flag] for flag in flags],
            title=numbers.header(m),
        ),
        key=f"errors_{dimension}",
        alt=_("Error rate by group, with intervals"),
        select=select,
    )
    if len(answer) > len(shown):
        st.caption(_("The {n} with the highest lower bounds of {all}; the table has all.", n=len(shown), all=len(answer)))
    return str(points[0]["customdata"]) if points and points[0].get("customdata") else None


def interval(answer: Answer) -> tables.Given:
    """A column with the 95 % interval of the rate in words."""
    m = measure(RATE)
    pairs = zip(answer.column(f"{RATE}_low"), answer.column(f"{RATE}_high"), strict=True)
    said = answer.worked_out(
        "interval", lambda: [None if a is None or b is None else f"{numbers.value(m, a)} – {numbers.value(m, b)}" for a, b in pairs]
    )
    return tables.Given(_("95% interval"), said, leaves=False)


def types(answer: Answer, name: str) -> None:
    """What the errors were, largest first, with the share reached so far. `answer` has the measure by error_type."""
    m = measure(name)
    rows = [row for row in zip(answer.labels(), answer.column(name), strict=True) if row[1]]
    if not rows:
        states.empty(_("No errors were found for this choice."), _("Choose a longer period to see the kinds of errors."))
        return
    charts.draw(
        charts.pareto([words for words, _n in rows], [n for _words, n in rows], numbers.say_as(m), title=numbers.header(m)),
        key="error_types",
        alt=_("Errors by type"),
    )


# People and reviewers against their own mix of work -----------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class Against:
    """People (or reviewers) against what the rates of their own projects would have given, the surest excess first."""

    dimension: str
    rows: tuple[Ratio, ...]


def against_what(view: View, dimension: str) -> Query:
    """What `against` asks, for a screen that asks more at the same time."""
    return view.question("errors", "reviewed", by=(dimension, "project"), compare=False, without=("worker",))


def against(view: View, dimension: str) -> Against:
    """The error ratios of people or reviewers within the filters; a person's own filter is left out, to keep company to compare with."""
    (cells,) = view.ask_together(against_what(view, dimension))
    return cells.worked_out(f"errors against {dimension}", lambda: _against(cells, dimension))


def _against(cells: Answer, dimension: str) -> Against:
    return Against(dimension, ratios(cells.ids(dimension), cells.ids("project"), cells.column("errors"), cells.column("reviewed")))


def reading(dimension: str, *, drawn: bool = True) -> str:
    """How to read the ratios; `drawn`, their bars as well."""
    said = (
        _("1.20 means a fifth more errors than the same work would have at each project's own rate.")
        if dimension == "worker"
        else _("1.20 means a fifth more sent back than the other reviewers of the same projects would: strict, or given harder work.")
    )
    if not drawn:
        return said
    how = _(
        "The bar is the 95% interval. Coloured only where chance alone would give it once in 500; fewer than {n} inspected are not judged.",
        n=MIN_N,
    )
    return text.sentences(said, how)


def picture(found: Against, view: View) -> None:
    """Dots with intervals around 1: all when few, else those surely above and those surely below first."""
    reviewers = found.dimension == "reviewer"
    words, tones = (_STRICTNESS, _STRICT_TONES) if reviewers else (SIDES, _TONES)
    judged = [r for r in found.rows if r.ratio is not None]
    if not judged:
        states.empty(
            _(
                "There is too little to compare: {n} inspected rows a person are needed, in projects that at least {people} people share.",
                n=MIN_N,
                people=MIN_COMPANY,
            )
        )
        return
    shown = _surest(judged)
    counts = Counter(r.side for r in found.rows)
    st.caption(" · ".join(f"{_(words[side])} {text.count(counts[side])}" for side in words if counts[side]))
    if len(shown) < len(judged):
        st.caption(_("The {n} surest above and the {n} surest below of {all}.", n=_ENDS, all=text.count(len(judged))))
    charts.draw(
        charts.intervals(
            [label(view.store, found.dimension, r.unit) for r in shown],
            [r.ratio for r in shown],
            [r.low for r in shown],
            [r.high for r in shown],
            [r.compared for r in shown],
            text.fixed,
            ids=[r.unit for r in shown],
            target=1.0,
            target_words=_("as expected"),
            tones=[tones[r.side] for r in shown],
            title=_("Sent back ÷ expected") if reviewers else _("Errors ÷ errors expected"),
        ),
        key=f"against_{found.dimension}",
        alt=_("Errors after allowing for the mix of work, with intervals"),
    )


def _surest(judged: list[Ratio]) -> list[Ratio]:
    """Of many, by their lower bounds: those surely above, then those surely below, whom the upper bound tells."""
    if len(judged) <= 2 * _ENDS:
        return judged
    fewest = sorted(judged[_ENDS:], key=lambda r: r.high or 0.0)[:_ENDS]
    return [*judged[:_ENDS], *reversed(fewest)]


def person(view: View, worker: str) -> None:
    """One person against the rates of their own projects: in words, and project by project."""
    mine = next((r for r in against(view, "worker").rows if r.unit == worker), None)
    if mine is None or mine.ratio is None:
        states.empty(_("Too little of this person was inspected, in projects that others share, to be compared."))
    else:
        st.markdown(
            _(
                "{errors} of {n} inspected had errors; at the rates of the same projects {expected} would have. {ratio} [{interval}]: {reading}.",
                errors=text.count(mine.errors),
                n=text.count(mine.compared),
                expected=text.fixed(mine.expected, 1),
                ratio=text.fixed(mine.ratio),
                interval=text.interval(mine.low, mine.high),
                reading=_(SIDES[mine.side]),
            )
        )
    own, everybody = view.ask_together(
        view.question(RATE, "reviewed", "errors", by="project"),
        view.question(RATE, by="project", compare=False, without=("worker",)),
    )
    own = own.order("reviewed")
    all_people = tables.Given(
        _("All people, error rate (%)"),
        [None if v is None else 100 * v for v in everybody.arrange("project", tuple(own.ids())).column(RATE)],
        "%.1f",
    )
    tables.show(
        view,
        own,
        ["reviewed", "errors", RATE, interval(own), all_people, tables.Change(RATE)],
        key="errors_person_projects",
        title=_("Projects"),
        brief=[RATE, all_people, "reviewed"],
    )


def people_what(view: View) -> Query:
    """What `people` asks, for a screen that asks more at the same time."""
    return view.question(RATE, "reviewed", "review_coverage", by="worker", without=("worker",))


def people(found: Against, view: View) -> str | None:
    """One row a person, the surest excess first; the id of the row clicked."""
    answer = view.ask_together(people_what(view))[0].arrange("worker", tuple(r.unit for r in found.rows))
    ratio, span, side = answer.worked_out(("against", found), lambda: _ratio_columns(found, answer))
    return tables.show(
        view,
        answer,
        [
            ratio,
            span,
            side,
            "reviewed",
            RATE,
            tables.Change(RATE),
            "review_coverage",
        ],
        key="errors_people",
        title=_("People"),
        select=True,
        ids=True,
        brief=[ratio, span, side],
    )


def _ratio_columns(found: Against, answer: Answer) -> tuple[tables.Given, tables.Given, tables.Given]:
    by_unit = {r.unit: r for r in found.rows}
    rows = [by_unit[i] for i in answer.ids()]
    return (
        tables.Given(
            _("Errors ÷ expected"),
            [r.ratio for r in rows],
            "%.2f",
            _("errors ÷ errors expected at the rates of the same projects"),
            low=[r.low for r in rows],
            high=[r.high for r in rows],
        ),
        tables.Given(_("Its 95% interval"), [text.interval(r.low, r.high) for r in rows], leaves=False),
        tables.Given(
            _("Reading"),
            [_(SIDES[r.side]) for r in rows],
            help=_("More or fewer only where chance alone would give it once in 500; fewer than {n} inspected are not judged.", n=MIN_N),
        ),
    )
