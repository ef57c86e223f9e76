"""Asking: a Query, and the Result with everything a person needs to trust it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.store import Store
from metrics.compile import Compiler, Span, Statement
from metrics.freshness import Freshness, freshness, maturity
from metrics.intervals import Floats, wilson_many
from metrics.labels import labels as labels
from metrics.memory import PEOPLE, remembered
from metrics.model import Dimension, Measure, Note, Text
from metrics.notes import Aside, asides, facts_notes, few_note, matures, null_note, suppressed_note, time_notes
from metrics.parallel import side_by_side
from metrics.period import ALL, Compare, Period
from metrics.scope import SMALLEST_GROUP, Scope
from metrics.survival import kaplan_meier
from metrics.together import Together, together

LONG = 62  # days

Where = Mapping[str, Sequence[str]] | tuple[tuple[str, tuple[str, ...]], ...]
Value = str | int | float | date | None


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. Hashable, so it can key a cache together with the scope and the store's version.

    `where` maps a dimension to the wanted values (ids, words or ISO dates as text). `exact` reads percentiles from the log.
    """

    measures: tuple[str, ...]
    by: tuple[str, ...] = ()
    period: Period = ALL
    where: Where = ()
    compare: Compare | None = None
    total: bool = False
    exact: bool = False

    def __post_init__(self) -> None:
        pairs = self.where.items() if isinstance(self.where, Mapping) else self.where
        object.__setattr__(self, "measures", tuple(dict.fromkeys(self.measures)))
        object.__setattr__(self, "by", tuple(dict.fromkeys(self.by)))
        object.__setattr__(
            self, "where", tuple((dim, tuple(sorted({str(value) for value in values}))) for dim, values in sorted(pairs) if values)
        )

    @property
    def filters(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """`where` in its one normal form: sorted pairs of dimension and sorted values."""
        return self.where if isinstance(self.where, tuple) else tuple(self.where.items())  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer. `table`: one column per dimension (ids as text, dates as datetime64, numbers as Int64) and per measure (Int64 for
    counts, else float64; null where undefined), and for a measure with an interval `<m>_n`, `<m>_low`, `<m>_high`. Sorted by
    its dimensions.

    `before` and `before_total` are the same for the comparison period. `total` is recomputed from the facts, never summed from rows.
    `exact` keeps the types of the store (money as Decimal). From `provisional_from` on (a business date, or None) numbers may still move.
    """

    query: Query
    measures: tuple[Measure, ...]
    by: tuple[Dimension, ...]
    table: pd.DataFrame
    total: dict[str, Value] | None
    before: pd.DataFrame | None
    before_total: dict[str, Value] | None
    exact: pa.Table
    exact_total: dict[str, object] | None
    exact_before: pa.Table | None
    as_of: datetime | None
    filters: Text
    notes: tuple[Note, ...]
    provisional_from: date | None
    sql: str = field(repr=False)
    suppressed: frozenset[str] = frozenset()  # measures whose total is of too few people to be shown


def run(store: Store, query: Query, scope: Scope) -> Result:
    """Answer a query within a scope: one statement for the numbers, one for the comparison, and a look at what the notes must tell.

    Raises NameUnknown, QueryError or NotAllowed (see `metrics.compile`).
    """
    return run_together(store, (query,), scope)[0]


def run_together(store: Store, queries: Sequence[Query], scope: Scope) -> list[Result]:
    """Answer several queries, those that split the same facts of one period in different ways by one statement. Raises as `run` does."""
    fresh = freshness(store)
    span = Span(fresh.first_hire, fresh.last)
    now = together([Compiler(query, scope, span) for query in queries])
    compared = [place for place, query in enumerate(queries) if query.compare]
    past = together([Compiler(_earlier(queries[place]), scope, span) for place in compared])
    asked = [compiler for group in now for compiler in group.compilers]
    beside = _Beside(store, asked, fresh)
    # The small ones in the middle: whoever is done with the large ones first takes them.
    work: list[Callable[[], Any]] = [
        *(partial(_answers, store, group) for group in now),
        *beside.work,
        *(partial(_answers, store, group) for group in past),
    ]
    done = [one() for one in work] if any(map(_greedy, (*now, *past))) else side_by_side(lambda one: one(), work)
    before = {
        compared[i]: one
        for group, ones in zip(past, done[len(done) - len(past) :], strict=True)
        for i, one in zip(group.places, ones, strict=True)
    }
    found: dict[int, Result] = {}
    for group, ones in zip(now, done, strict=False):
        for place, compiler, own in zip(group.places, group.compilers, ones, strict=True):
            found[place] = _result(store, compiler, fresh, own, before.get(place), beside.seen(compiler))
    return [found[place] for place in range(len(queries))]


class _Beside:
    """What the notes of several questions must look up, each thing once: `work` finds it."""

    def __init__(self, store: Store, compilers: Sequence[Compiler], fresh: Freshness) -> None:
        self._asides = {id(compiler): asides(compiler) for compiler in compilers}
        self._seen: dict[Hashable, dict[str, Any]] = {}
        once = {aside.key: aside for mine in self._asides.values() for aside in mine}
        self.work: list[Callable[[], Any]] = [partial(self._look, store, aside) for aside in once.values()]
        if fresh.last is not None and any(map(matures, compilers)):
            self.work.append(partial(maturity, store, fresh.last))

    def _look(self, store: Store, aside: Aside) -> None:
        self._seen[aside.key] = aside.look(store)

    def seen(self, compiler: Compiler) -> dict[str, Any]:
        """What was found for the notes of this question."""
        return {name: value for aside in self._asides[id(compiler)] for name, value in self._seen[aside.key].items()}


def _earlier(query: Query) -> Query:
    """The same of the period that it is compared with."""
    return query if query.compare is None else replace(query, period=query.period.before(query.compare), compare=None)


def _result(store: Store, compiler: Compiler, fresh: Freshness, now: _Answer, before: _Answer | None, seen: Mapping[str, Any]) -> Result:
    query, scope = compiler.query, compiler.scope
    time, provisional_from = time_notes(store, query, compiler, fresh)
    notes = (*facts_notes(store, scope, compiler, seen), *time, *now.notes())
    return Result(
        query,
        compiler.measures,
        compiler.by,
        now.table,
        now.total,
        before.table if before else None,
        before.total if before else None,
        now.exact,
        now.exact_total,
        before.exact if before else None,
        fresh.as_of,
        _filters(query, compiler),
        notes,
        provisional_from,
        now.sql,
        frozenset(now.suppressed),
    )


def _greedy(group: Together) -> bool:
    """Whether its statement may need most of the memory: percentiles of the log hold every row at once."""
    pace = group.whole.tables.get("pace")
    return pace is not None and pace.raw


def _answers(store: Store, group: Together) -> list[_Answer]:
    statements = group.statements()
    first = statements[0]
    facts = not PEOPLE.issuperset(first.tables)

    def make(got: pa.Table) -> list[_Answer]:
        return [_Answer(got, statement) for statement in statements]

    kind = tuple((query.measures, query.by, query.total) for query in group.queries)
    period = group.queries[0].period
    wide = facts and (_long(period) or any(table.raw for table in group.whole.tables.values()))
    return remembered(store, first.sql, first.params, period, make, facts=facts, wide=wide, kind=kind)


def _long(period: Period) -> bool:
    """Whether so much is read that more cores are quicker; over the weeks that screens mostly show, two threads only wait for each other."""
    return not (period.start and period.end) or (period.end - period.start).days > LONG


class _Answer:
    """A statement's rows, with small groups left out, estimates computed and intervals added."""

    def __init__(self, got: pa.Table, statement: Statement) -> None:
        self._statement, self.sql = statement, statement.sql
        self._few: list[tuple[Measure, int, int]] = []
        self._hidden: dict[str, int] = {}
        self.suppressed: set[str] = set()
        self._null: list[Measure] = []
        rows = _part(got, statement.part)
        mine = rows if statement.total in (None, statement.part) else pa.concat_tables([rows, _part(got, statement.total)])
        columns: dict[str, pa.ChunkedArray] = {dim.name: mine[dim.name] for dim in statement.by}
        for measure in statement.measures:
            columns |= self._columns(measure, mine)
        whole = pa.table(columns)
        totals = whole.slice(rows.num_rows if statement.by else 0).drop_columns([dim.name for dim in statement.by])
        rows = whole.slice(0, rows.num_rows)
        self.exact = rows
        self.table = _frame(rows)
        self.exact_total = totals.to_pylist()[0] if totals.num_rows else None
        self.total = {name: _plain(value) for name, value in self.exact_total.items()} if self.exact_total is not None else None

    def notes(self) -> list[Note]:
        """Values that do not exist, rest on few cases, or may not be shown."""
        found = [null_note(measure) for measure in self._null]
        found += [few_note(measure, smallest, groups) for measure, smallest, groups in self._few]
        if self._hidden:
            names = [measure for measure in self._statement.measures if measure.name in self._hidden]
            found.append(suppressed_note(names, max(self._hidden.values()), SMALLEST_GROUP))
        return found

    def _columns(self, measure: Measure, got: pa.Table) -> dict[str, pa.ChunkedArray]:
        name = measure.name
        if measure.method:
            columns = _estimate(METHODS[measure.method], name, got)
        else:
            columns = {name: got[name]}
            if measure.interval == "wilson":
                low, high = wilson_many(got[f"{name}_x"].to_numpy(), got[f"{name}_n"].to_numpy())
                columns |= {f"{name}_n": got[f"{name}_n"], f"{name}_low": _floats(low), f"{name}_high": _floats(high)}
        if measure.nullable and columns[name].null_count:
            self._null.append(measure)
        crowds = [got[column].to_numpy() for column in self._statement.crowd.get(name, ())]
        if crowds:
            small = np.any([(crowd > 0) & (crowd < SMALLEST_GROUP) for crowd in crowds], axis=0)
            if small.any():
                self._hidden[name] = int(small.sum())
                if small[-1] and (self._statement.total is not None or not self._statement.by):
                    self.suppressed.add(name)
                mask = pa.array(small)
                columns = {key: pc.if_else(mask, pa.scalar(None, column.type), column) for key, column in columns.items()}
        if measure.min_n and f"{name}_n" in columns:
            cases = [n for n in columns[f"{name}_n"].to_pylist() if n and n < measure.min_n]
            if cases:
                self._few.append((measure, min(cases), len(cases)))
        return columns


def attrition_90d(lasted: Sequence[float], left: Sequence[bool]) -> tuple[float | None, int, float | None, float | None]:
    """1 − survival at 90 days of spells that began in the period: value, n, low, high; None when nobody was followed that long."""
    step = kaplan_meier(lasted, left).at(90) if lasted else None
    if step is None:
        return None, len(lasted), None, None
    known = step.low == step.low
    return 1 - step.survival, len(lasted), 1 - step.high if known else None, 1 - step.low if known else None


Method = Callable[[Sequence[float], Sequence[bool]], tuple[float | None, int, float | None, float | None]]
METHODS: dict[str, Method] = {"attrition_90d": attrition_90d}


def _estimate(method: Method, name: str, got: pa.Table) -> dict[str, pa.ChunkedArray]:
    pairs = zip(got[f"{name}_lasted"].to_pylist(), got[f"{name}_left"].to_pylist(), strict=True)
    values = [method(lasted or (), left or ()) for lasted, left in pairs]
    value, n, low, high = zip(*values, strict=True) if values else ((), (), (), ())
    kinds = {
        name: (value, pa.float64()),
        f"{name}_n": (n, pa.int64()),
        f"{name}_low": (low, pa.float64()),
        f"{name}_high": (high, pa.float64()),
    }
    return {key: pa.chunked_array([pa.array(column, kind)]) for key, (column, kind) in kinds.items()}


def _part(got: pa.Table, number: int) -> pa.Table:
    """The rows of a part; a statement's rows are in the order of their parts."""
    part = got["part"].to_numpy()
    first = int(np.searchsorted(part, number))
    return got.slice(first, int(np.searchsorted(part, number, side="right")) - first)


def _floats(values: Floats) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.float64(), from_pandas=True)])


def _frame(rows: pa.Table) -> pd.DataFrame:
    """Dates as datetime64, whole numbers as Int64, all other numbers as float64, text as text."""
    found: dict[str, Any] = {}  # arrays, not series: those would be aligned by their indexes
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        kind = column.type
        if pa.types.is_date(kind):
            found[name] = column.cast(pa.timestamp("s")).to_numpy()
        elif pa.types.is_integer(kind):
            found[name] = pd.arrays.IntegerArray(column.cast(pa.int64()).fill_null(0).to_numpy(), column.is_null().to_numpy())
        elif pa.types.is_decimal(kind) or pa.types.is_floating(kind):
            found[name] = column.cast(pa.float64()).to_numpy()
        else:
            found[name] = column.to_pandas().array
    return pd.DataFrame(found, copy=False)


def _plain(value: object) -> Value:
    return float(value) if isinstance(value, Decimal) else value  # type: ignore[return-value]


def _filters(query: Query, compiler: Compiler) -> Text:
    """The active filters and the range as one sentence."""
    en = [f"{dimension.en}: {', '.join(value or '–' for value in values)}" for dimension, values in compiler.filters]
    zh = [f"{dimension.zh}：{'、'.join(value or '–' for value in values)}" for dimension, values in compiler.filters]
    label = query.period.label
    return Text("; ".join([label.en, *en]), "；".join([label.zh, *zh]))
