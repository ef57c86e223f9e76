"""The life of a CVAT job → rows of work and verdicts. Pure: the same events give the same rows, in whatever order they came.

A row of work is what one person did in one job in one hour (UTC) of one phase of the job; its event id is `JOB:USER:HOUR`, with
`+OFFSET` (ms) when the phase begins within the hour. Why not a row a round: a job takes hours or days, and its time and output belong to
the hours and days they happened in. Why not a row a flush of working time: a row is also what is counted, reviewed and paid. Rows add up,
and a row can be made again at any time, because it carries its events (see `cvat_events`): more events, or earlier ones, only make
the rows of their job anew.

Phases follow the moves of the job's state and stage. Work on round k ends when the job is completed or sent to validation. A review ends when the
job is rejected or sent back to annotation: work on round k + 1, which is rework. `completed → in progress` at the stage annotation is no
rejection: round k goes on. The job ends at its *first* acceptance; what comes later keeps its time and is no output (action clean).
- Who worked on a round is told by what they did: those who changed its annotations, else who completed it, else who spent most time.
  Assignees play no part. Anybody else's time in the job is review, as is all time after completion of people who are not its authors. A row
  of nothing but moves is no work (action clean).
- A flush of working time that begins before a phase ends and lasts beyond is split there.
- Units are what a person created in a round less what they deleted of it: drawing, deleting and drawing again counts once. Deleted
  objects are told apart by their ids; one that was edited has a new id nobody wrote down, and is taken for the person's latest.
- What a program placed (imports, models, scripts) is nobody's drawing. The part that is still there when a round is completed is output of whoever
  worked longest on that round, as pre-labelled units of their last row.
- A verdict is a move by whoever makes it: reject (state rejected, or back to annotation), accept (completed at the stage validation, or accepted),
  fix when the reviewer changed annotations before accepting. It goes to every row of the round; of its own author it is stage self.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from data.connectors.cvat_events import EPOCH, HOUR, STAGES, STATES, Event
from data.tables import LOG_LIMIT

_MOST = int(LOG_LIMIT)
_LONGEST = int(LOG_LIMIT * 1000)
_ORDER = {sign: place for place, sign in enumerate("GSPCBUDW")}  # of one instant: a new stage sets the state back


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a job's life from `start` (ms) on: work on a round, its review, or after the first acceptance."""

    start: int
    kind: Literal["work", "review", "done"]
    round: int


@dataclass(frozen=True, slots=True)
class Move:
    """A verdict on a round: by whom and when (ms); `again` when somebody else had accepted it before."""

    at: int
    user: str
    verdict: Literal["accept", "reject"]
    round: int
    again: bool


@dataclass(slots=True)
class Row:
    """One row of work. Instants and `ms` in milliseconds; `ms` is None where no working time was written down."""

    event_id: str
    user: str
    phase: Phase
    action: Literal["annotate", "rework", "review", "clean"] = "review"
    units: int = 0
    prelabelled: int | None = None
    ms: int | None = None
    first: int = 0
    last: int = 0
    texts: list[str] = field(default_factory=list)
    idle: bool = True  # nothing in it but moves, and what a program did

    @property
    def works(self) -> bool:
        """Whether it is output or work on output."""
        return self.action in ("annotate", "rework")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict on one row of work; `at` in ms."""

    review_id: str
    row: Row
    reviewer: str
    at: int
    verdict: Literal["accept", "fix", "reject"]
    stage: Literal["self", "qc1", "qc2"]


def stamp(hour: int) -> str:
    """An hour since 1970 as it stands in event ids.

    >>> stamp(492_337)
    '2026-03-02T01'
    """
    return (EPOCH + timedelta(hours=hour)).strftime("%Y-%m-%dT%H")


@dataclass(slots=True)
class _Made:
    """Objects that came to be with one event: where they count, how many are left, and whose they are."""

    event: Event
    row: Row
    left: int
    credited: bool = False


class JobLife:
    """All of a job that its events tell: `rows`, `verdicts`."""

    def __init__(self, job: str, events: Iterable[Event]) -> None:
        self.job = job
        self.events = sorted(events, key=lambda one: (one.at, _ORDER[one.sign], one.user, one.text))
        self.phases: list[Phase] = [Phase(-(2**62), "work", 1)]
        self.moves: list[Move] = []
        self._finishers: dict[int, set[str]] = {}
        self._follow([one for one in self.events if one.sign in "SG"])
        self._starts = [one.start for one in self.phases]
        self.judges = {one.user for one in self.moves}
        self.rows: dict[str, Row] = {}
        self._places: dict[tuple[str, int, int], Row] = {}
        self._rows_of_events: dict[int, Row] = {}
        self._spread()
        self._name()
        self._count()
        self.verdicts = self._verdicts()

    # Phases ----------------------------------------------------------------------------------------------------------------
    def _follow(self, moves: Sequence[Event]) -> None:
        stage, kind, number = "annotation", "work", 1
        accepted: str | None = None  # who accepted the round under review
        for move in moves:
            value = (STAGES if move.sign == "G" else STATES)[move.n]
            verdict: Literal["accept", "reject"] | None = None
            after: tuple[Literal["work", "review", "done"], int] | None = None
            if move.sign == "G":
                if value == "acceptance":
                    verdict, after = "accept", ("done", number)
                elif value == "validation" and kind == "work":
                    after = "review", number
                elif value == "annotation" and kind == "review" and stage == "validation":
                    verdict, after = "reject", ("work", number + 1)
                stage = value
            elif value == "completed":
                if kind == "work":
                    after = "review", number
                    self._finishers.setdefault(number, set()).add(move.user)
                elif stage == "validation":
                    verdict = "accept"
            elif value == "rejected":
                verdict, after = "reject", ("work", number + 1)
            elif kind == "review" and stage == "annotation":
                after = "work", number  # taken up again without a rejection
            if verdict == "reject" or (verdict == "accept" and accepted != move.user):
                self.moves.append(Move(move.at, move.user, verdict, number, verdict == "accept" and accepted is not None))
            if verdict == "accept":
                accepted = move.user
            if after is not None:
                kind, number = after
                self.phases.append(Phase(move.at, kind, number))
                if kind != "done" and verdict != "accept":
                    accepted = None
                if kind == "done":
                    return

    # Rows ------------------------------------------------------------------------------------------------------------------
    def _spread(self) -> None:
        """Give every event to its row; a move belongs to the phase it ends."""
        for place, event in enumerate(self.events):
            find = bisect_left if event.sign in "SG" else bisect_right
            at = find(self._starts, event.at) - 1
            row = self._rows_of_events[place] = self._row(event.user, event.at, at)
            row.texts.append(event.text)
            row.idle &= event.sign in "PSG"
            if event.sign != "W":
                row.first, row.last = min(row.first, event.at), max(row.last, event.at)
                continue
            start, end = event.at, event.at + event.n
            while start < end:
                stop = min(end, self._starts[at + 1]) if at + 1 < len(self._starts) else end
                if stop > start:
                    part = self._row(event.user, start, at)
                    part.ms = (part.ms or 0) + stop - start
                    part.first, part.last, part.idle = min(part.first, start), max(part.last, stop), False
                start, at = max(start, stop), at + 1

    def _row(self, user: str, at: int, phase: int) -> Row:
        hour = at // HOUR
        if (row := self._places.get((user, hour, phase))) is None:
            begun = self._starts[phase]
            suffix = f"+{begun % HOUR}" if phase and begun // HOUR == hour else ""
            name = f"{self.job}:{user}:{stamp(hour)}{suffix}"
            row = self._places[user, hour, phase] = self.rows[name] = Row(name, user, self.phases[phase], first=at, last=at)
        return row

    def _name(self) -> None:
        """Say what each row is: the authors' work on their round, review, or nothing that counts."""
        changed: dict[int, set[str]] = {}
        time: dict[int, dict[str, int]] = {}
        for place, event in enumerate(self.events):
            row = self._rows_of_events[place]
            if row.phase.kind == "work" and event.sign in "CBUD":
                changed.setdefault(row.phase.round, set()).add(event.user)
        for row in self.rows.values():
            if row.phase.kind == "work" and row.ms:
                spent = time.setdefault(row.phase.round, {})
                spent[row.user] = spent.get(row.user, 0) + row.ms
        for row in self.rows.values():
            number = row.phase.round
            authors = changed.get(number) or self._finishers.get(number)
            if not authors:
                spent = time.get(number, {})
                most = sorted(spent, key=lambda user: (user in self.judges, -spent[user], user))[:1]
                authors = set(most)
            mine = row.user in authors and (row.phase.kind == "work" or row.user not in self.judges)
            if row.phase.kind == "done" or row.idle:
                row.action = "clean"
            elif mine:
                row.action = "annotate" if number == 1 else "rework"

    # Units -----------------------------------------------------------------------------------------------------------------
    def _count(self) -> None:
        made: list[_Made] = []
        known: dict[str, list[tuple[int, int, _Made]]] = {}  # by kind, ids in order
        ends = [(one.start, before.round) for before, one in zip(self.phases, self.phases[1:], strict=False) if before.kind == "work"]
        credit: list[tuple[int, int]] = []
        for place, event in enumerate(self.events):
            while ends and event.at >= ends[0][0]:
                credit.append((ends[0][1], self._left_over(made, ends.pop(0)[1])))
            row = self._rows_of_events[place]
            if event.sign in "CBP":
                one = _Made(event, row, event.n)
                made.append(one)
                listed = known.setdefault(event.what, [])
                for low, high in event.ids or ():
                    listed.insert(bisect_left(listed, low, key=lambda entry: entry[0]), (low, high, one))
            elif event.sign == "D":
                self._delete(event, row, made, known.get(event.what, []))
        while ends:
            credit.append((ends[0][1], self._left_over(made, ends.pop(0)[1])))
        for one in made:
            if one.event.sign != "P" and one.row.works:
                one.row.units = min(_MOST, one.row.units + one.left)
        told = {one.event.sign for one in made}
        for row in self.rows.values():
            if row.works and told and "B" not in told:
                row.prelabelled = 0
            if row.ms is not None and row.ms > _LONGEST:
                row.ms = None
        for number, count in credit:
            if count and (last := self._last_of_main(number)) is not None:
                last.units = min(_MOST, last.units + count)
                last.prelabelled = min(_MOST, (last.prelabelled or 0) + count)

    def _left_over(self, made: Sequence[_Made], number: int) -> int:
        """What programs placed and nobody has deleted or been credited with, when work on a round ends that somebody worked on."""
        if self._last_of_main(number) is None:
            return 0
        found = [one for one in made if one.event.sign == "P" and not one.credited]
        for one in found:
            one.credited = True
        return sum(one.left for one in found)

    def _last_of_main(self, number: int) -> Row | None:
        rows = [row for row in self.rows.values() if row.works and row.phase.round == number]
        if not rows:
            return None
        spent: dict[str, int] = {}
        for row in rows:
            spent[row.user] = spent.get(row.user, 0) + (row.ms or 0)
        main = min(spent, key=lambda user: (-spent[user], user))
        return max((row for row in rows if row.user == main), key=lambda row: (row.last, row.event_id))

    @staticmethod
    def _delete(event: Event, row: Row, made: Sequence[_Made], known: Sequence[tuple[int, int, _Made]]) -> None:
        """Take what was deleted off what it was made with: by id where that is known, else off the person's latest of the round."""

        def own(one: _Made) -> bool:
            return one.event.user == event.user and one.row.phase.round == row.phase.round and one.row.works and row.works

        unknown = event.n
        for low, high in event.ids or ():
            at = low
            while at <= high:
                place = bisect_right(known, at, key=lambda entry: entry[0]) - 1
                if place >= 0 and known[place][1] >= at:
                    stop, one = min(high, known[place][1]), known[place][2]
                    unknown -= stop - at + 1
                    if one.event.sign == "P" or own(one):
                        one.left = max(0, one.left - (stop - at + 1))
                else:
                    stop = min(high, known[place + 1][0] - 1) if place + 1 < len(known) else high
                at = stop + 1
        for one in reversed(made):
            if unknown <= 0:
                break
            if one.event.sign != "P" and one.event.what == event.what and own(one):
                taken = min(one.left, unknown)
                one.left, unknown = one.left - taken, unknown - taken

    # Verdicts --------------------------------------------------------------------------------------------------------------
    def _verdicts(self) -> list[Verdict]:
        found = []
        for move in self.moves:
            begun = max((one.start for one in self.phases if one.start < move.at), default=0)
            fixed = any(
                event.user == move.user and event.sign in "CBUD" and begun <= event.at <= move.at and row.phase.kind == "review"
                for event, row in ((event, self._rows_of_events[place]) for place, event in enumerate(self.events))
            )
            for row in self.rows.values():
                if row.works and row.phase.round == move.round and row.first <= move.at:
                    stage: Literal["self", "qc1", "qc2"] = "self" if row.user == move.user else "qc2" if move.again else "qc1"
                    verdict: Literal["accept", "fix", "reject"] = "fix" if fixed and move.verdict == "accept" else move.verdict
                    found.append(Verdict(f"{row.event_id}@{move.at}", row, move.user, move.at, verdict, stage))
        return found
