"""How a screen begins: permission, question, freshness, filter bar. What comes back asks the registry for this visitor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from data.store import Store
from metrics.period import Compare, Period
from metrics.query import Query
from metrics.reach import Reach, reach
from metrics.scope import Scope
from pages.ui import access, ask, charts, drawing, filters, sources, states, text, theme
from pages.ui.ask import Answer
from pages.ui.drawing import Drawing
from pages.ui.text import _

STALE = timedelta(days=2)
LOOK = 2.0  # seconds after which an open screen looks whether more came
AWAY = 60.0  # seconds without a look after which a tab no longer counts as open
OPTIONS_SETTLE = 30.0  # seconds that the choices of the filter bar may serve while new facts keep arriving


@dataclass(frozen=True, slots=True)
class View:
    """A screen's context: who looks, at which facts, through which filters."""

    name: str
    visitor: access.Visitor
    store: Store
    choice: filters.Choice
    drawn: Drawing

    @property
    def fresh(self) -> Reach:
        """How far the facts reach that are shown."""
        return self.drawn.fresh

    @property
    def scope(self) -> Scope:
        """What the visitor may see."""
        return self.visitor.scope

    @property
    def sees_people(self) -> bool:
        """True when single people may be shown."""
        return self.scope.sees_people

    @property
    def grain(self) -> str:
        """The step of a trend over the chosen period: day up to two months, week up to a year, month beyond."""
        period = self.choice.period
        length = (period.end - period.start).days + 1 if period.start and period.end else 0
        return "day" if length <= 62 else "week" if length <= 400 else "month"

    @property
    def under_way(self) -> bool:
        """True where a day that is not over is compared with a whole one."""
        compared = self.choice.compare and not access.screen(self.name).roster
        return bool(compared) and self.choice.period.end == self.fresh.last == self.fresh.today

    @property
    def open_from(self) -> date | None:
        """The first step of a trend that is not finished (its bar is hatched, its line dashed); None when all are."""
        newest, last = self.fresh.last or self.fresh.today, self.choice.period.end
        if last is None or last < newest:
            return None
        return {"day": newest, "week": newest - timedelta(days=newest.weekday())}.get(self.grain, newest.replace(day=1))

    def ask(self, *measures: str, **narrowed: Any) -> Answer:
        """The answer to one `question`. Raises NotAllowed for a field outside the scope."""
        return self.drawn.answers(self.question(*measures, **narrowed))[0]

    def ask_together(self, *questions: Query) -> tuple[Answer, ...]:
        """The answers to several questions of the screen; those that rest on the same facts take one look."""
        return self.drawn.answers(*questions)

    def question(
        self,
        *measures: str,
        by: str | Sequence[str] = (),
        where: Mapping[str, Sequence[str]] | None = None,
        compare: bool = True,
        period: Period | None = None,
        total: bool = False,
        without: Sequence[str] = (),
    ) -> Query:
        """The measures within the filters, by up to a few dimensions, with the comparison of the bar.

        Without `by`, only totals. `where` narrows further, `without` leaves filters of the bar out (to compare a person with others).
        """
        dims = (by,) if isinstance(by, str) else tuple(by)
        against: Compare | None = self.choice.compare if compare and period is None else None
        kept = {name: values for name, values in self.choice.conditions().items() if name not in without}
        return Query(
            tuple(measures),
            by=dims,
            period=period or self.choice.period,
            where={**kept, **(where or {})},
            compare=against,
            total=total or not dims,
        )

    def standing_still(self, dimension: str) -> Mapping[str, str]:
        """The sites or projects of which nothing new can come, all of their sources being silent: id → since when, in words."""
        return sources.standing_still(self.store, self.scope, dimension)

    def notes(self, *answers: Answer) -> None:
        """What a reader must know about these numbers, each sentence once, under the content."""
        said = dict.fromkeys(words for answer in answers for words in answer.notes)
        before = self.choice.period.before(self.choice.compare) if self.choice.compare else None
        known = access.screen(self.name).roster
        if before and before.start and self.fresh.first and before.start < self.fresh.first and not known:
            said[_("The comparison is not whole: the first data is of {day}.", day=text.day(self.fresh.first, year=True))] = None
        if before and before.start and before.end:
            for note in self._noted(before):
                days = text.days(note.start, note.end or note.start)
                said[_("In the period compared with: {what} ({days}).", what=text.safe(note.words), days=days)] = None
        if said:
            st.caption("  \n".join(f":material/info: {words}" for words in said))

    def marks(self, dates: Sequence[date]) -> None:
        """What the numbers above a trend's marks mean, as a caption under the chart."""
        said = charts.key_to(dates, self.events())
        if said:
            st.caption(said)

    def events(self) -> list[charts.Note]:
        """Guideline changes, outages, holidays in the period, to be drawn on a time axis."""
        return self._noted(self.choice.period)

    def _noted(self, period: Period) -> list[charts.Note]:
        return [
            charts.Note(note.start, note.text.of(text.lang()), note.end)
            for note in self.fresh.notes
            if period.start and period.end and note.start <= period.end and (note.end or note.start) >= period.start
        ]


def open(name: str) -> View:
    """Begin the screen: checks the role, draws question, freshness and filter bar, and gives the view.

    Stops the run with a designed card when there is no data. Raises NotAllowed when the visitor does not have this screen.
    """
    visitor = access.require(name)
    store = access.store()
    screen = access.screen(name)
    fresh = _fresh(store, visitor.scope)
    title, beside = st.columns([0.62, 0.38], vertical_alignment="bottom")
    title.title(_(screen.question), anchor=False)
    corner = beside.container(horizontal_alignment="right")
    if fresh.last is None and screen.filters:
        corner.caption(freshness_words(fresh), text_alignment="right")
        states.no_data(may_import=visitor.role in access.screen("import_files").roles)
        st.stop()
    first, last = fresh.first or fresh.today, min(fresh.last or fresh.today, fresh.today)

    def options(dimension: str, chosen: Mapping[str, str]) -> Mapping[str, str]:
        return _options(store, visitor.scope, dimension, chosen)

    choice = filters.bar(screen.filters, options, first, last, phone=on_phone(), page=name)
    before = choice.period.before(choice.compare).end if choice.compare else None
    if before and before < first and not screen.roster:
        st.caption(":material/info: " + _("There is nothing to compare with: the first data is of {day}.", day=text.day(first, year=True)))
        choice = replace(choice, compare=None)
    elif choice.compare and not screen.roster and choice.period.start == choice.period.end == last:
        st.caption(":material/info: " + _("The newest day may not be finished: it is not compared."))
        choice = replace(choice, compare=None)
    if screen.filters:
        st.caption(":material/date_range: " + filters.words(choice))
    of_work = bool(screen.filters) and not screen.roster
    if of_work:  # what rests on lists alone, or says it itself, does not stand still with a source
        conditions = choice.conditions()
        sources.remark(store, visitor.scope, sites=conditions.get("site", ()), projects=conditions.get("project", ()))
    key = (name, choice.period, choice.compare, tuple(choice.where.items()), fresh.today)
    drawn = drawing.begin(store, key, visitor.scope, _session(), lambda: _fresh(store, visitor.scope))
    with corner:
        _follow(drawn, moves=of_work and (choice.period.end is None or choice.period.end >= last))
    view = View(name, visitor, store, choice, drawn)
    if view.under_way:
        words = _("{day} is not over: sums are compared with whole days and come out low; rates do not.", day=text.day(last))
        st.caption(":material/info: " + words)
    return view


def _follow(drawn: Drawing, *, moves: bool) -> None:
    """How fresh the facts are, told anew while the screen is open; one whose period reaches to the newest work (`moves`) is drawn
    anew when more came."""

    def tell() -> None:
        if moves:
            _pace()
            if drawn.overtaken():
                st.rerun()
        st.caption(freshness_words(drawn.fresh), text_alignment="right")

    follow: Callable[[], None] = st.fragment(tell, run_every=_pace() if moves else None)
    follow()


_looking: dict[str, float] = {}  # when each browser tab last looked


def _pace() -> float:
    """Seconds between two looks of an open screen: fewer looks where many are open, so that those who click need not wait."""
    now = time.monotonic()
    _looking[_session()] = now
    for tab, at in list(_looking.items()):
        if now - at > AWAY:
            _looking.pop(tab, None)
    return max(LOOK, LOOK * len(_looking) / 10)


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def freshness_words(fresh: Reach, now: datetime | None = None) -> str:
    """ "data to 14:20 · UTC+8 · 12 s behind"; a warning sign when the newest fact is two days old."""
    if fresh.as_of is None:
        return _("no data yet")
    at = fresh.as_of.replace(tzinfo=UTC) if fresh.as_of.tzinfo is None else fresh.as_of
    age = (now or datetime.now(UTC)) - at
    words = _(
        "data to {time} · {zone} · {age} behind",
        time=text.clock(at, fresh.zone),
        zone=text.offset(fresh.zone, at),
        age=text.span(max(0.0, age.total_seconds())),
    )
    return (":material/schedule: " if age > STALE else "") + words


def on_phone() -> bool:
    """True for a phone's browser: the filters fold into one control, tables become lists."""
    return theme.phone()


def panel(title: str, caption: str = "") -> st.delta_generator.DeltaGenerator:
    """A bordered area with a heading and a line on how to read it; use it as a context."""
    box = st.container(border=True, height="stretch")
    box.subheader(title, anchor=False)
    if caption:
        box.caption(caption)
    return box


def bridge(answer: Answer, name: str, first: str, last: str, *, top: int = 8) -> list[charts.Step]:
    """From the total before to the total now, group by group: the largest moves by name, the rest as one, exact to the total.

    A group without a value on one side counts as nothing there.
    """
    moves = [
        (words, (now or 0.0) - (was or 0.0))
        for words, now, was in zip(answer.labels(), answer.column(name), answer.before(name), strict=True)
    ]
    start, end = answer.total_before(name) or 0.0, answer.total(name) or 0.0
    large = sorted(moves, key=lambda move: -abs(move[1]))[:top]
    named = sorted((move for move in large if move[1]), key=lambda move: -move[1])
    rest = end - start - sum(size for _words, size in named)
    steps = [charts.Step(first, start, level=True), *(charts.Step(words, size) for words, size in named)]
    if abs(rest) > 0.005:
        steps.append(charts.Step(_("Others"), rest))
    return [*steps, charts.Step(last, end, level=True)]


_reaches = ask.Memory(256)


def _fresh(store: Store, scope: Scope) -> Reach:
    minute = int(time.time() // 60)  # today becomes tomorrow without any change
    return _reaches.get(store, (ask.version(store), minute, scope), lambda: reach(store, scope))


def _options(store: Store, scope: Scope, dimension: str, chosen: Mapping[str, str]) -> Mapping[str, str]:
    """The values of a dimension that have work, within the scope and the filters so far: id → name, by name."""
    if dimension == filters.PERSON and not scope.sees_people:
        return {}
    narrowed = {name: (value,) for name, value in chosen.items() if name == "site"}
    wanted = filters.DIMENSIONS if dimension in filters.DIMENSIONS else (dimension,)
    queries = tuple(Query(("submissions",), by=(name,), where=narrowed) for name in wanted)
    found = dict(zip(wanted, ask.answers(store, queries, scope, OPTIONS_SETTLE), strict=True))[dimension]
    return found.worked_out("options", lambda: _by_name(found))


def _by_name(found: Answer) -> Mapping[str, str]:
    pairs = [(i, words) for i, words in zip(found.ids(), found.labels(), strict=True) if i and i not in ("<NA>", "None", "nan")]
    return dict(sorted(pairs, key=lambda pair: pair[1]))
