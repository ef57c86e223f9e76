"""Query → one SQL statement with parameters.

Each view that a question needs becomes a common table expression, aggregated on integer keys from the smallest table that carries the
question; the views are stacked and folded on those keys; dictionaries are joined last. A statement can split the same facts in several
ways at once (a total is the way without any split): `part` tells them apart, by GROUPING SETS where that can be.
Names come from the registry and values are parameters, so no text of a user is ever SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from data.codes import PACE_GAMMA, PACE_ZERO
from data.errors import NameUnknown, NotAllowed
from metrics.definitions import REGISTRY
from metrics.model import PLACE, WORD, Dimension, Measure, QueryError, Registry, Table, View, names_in
from metrics.scope import Scope

if TYPE_CHECKING:
    from metrics.query import Query

PROJECT, WORDED, EMPLOYED = (re.compile(rf"\b{alias}\.") for alias in "pws")  # aliases that call for a join
# A word of a project is grouped by as the key of the first project that has it, and read at the end; words of many rows are grouped
# by as they stand, and what is not known is named at the end.
OF_PROJECT = re.compile(r"coalesce\(p\.(\w+), ''\)\Z")
OF_ROWS = re.compile(r"coalesce\((s\.contract|t\.error_type), ''\)\Z")
WORDS = ", ".join(f"min(project_key) OVER (PARTITION BY coalesce({word}, '')) AS {word}" for word in ("client", "modality", "task_type"))
DATED = ("day", "week", "month", "hour")


@dataclass(frozen=True, slots=True)
class Span:
    """The known days: of people (first hire) and of the log (its newest business date). None where there are none."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and parameters. The first column, `part`, says which split a row belongs to; then come the dimensions, null where the split
    does not have them, the `measures`, and hidden columns for intervals, methods and group sizes."""

    sql: str
    params: dict[str, object]
    by: tuple[Dimension, ...]
    part: int  # the rows split by all of `by`
    total: int | None  # the row of the whole
    measures: tuple[Measure, ...]
    crowd: dict[str, tuple[str, ...]]  # measure → hidden columns with the number of people behind it, in a scope without names
    tables: dict[str, str]  # view → the table that answers


@dataclass(frozen=True, slots=True)
class Look:
    """An aggregate, `sql` over the columns of a view, that a note asks for."""

    name: str
    view: str
    sql: str
    undated: bool = False


@dataclass(slots=True)
class Params:
    """Named parameters, numbered as they come; a value asked for twice is one parameter."""

    values: dict[str, object] = field(default_factory=dict)

    def add(self, value: object) -> str:
        """The placeholder of this value."""
        for name, known in self.values.items():
            if type(known) is type(value) and known == value:
                return f"${name}"
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"${name}"


def compile_query(query: Query, scope: Scope, span: Span, registry: Registry = REGISTRY) -> Statement:
    """The statement that answers a query within a scope.

    Raises NameUnknown for a name that is not in the registry, QueryError for a split or filter the facts do not carry, NotAllowed for a
    field outside the scope.
    """
    return Compiler(query, scope, span, registry).statement()


class Compiler:
    """One query on its way to SQL; checks everything when made. `statement()` gives the SQL, `asides()` looks at the same rows."""

    def __init__(
        self, query: Query, scope: Scope, span: Span, registry: Registry = REGISTRY, splits: Sequence[tuple[str, ...]] = ()
    ) -> None:
        """`splits`: the dimensions of each wanted split, all of them named in the query's `by`; else its `by`, and the total if asked."""
        self.query, self.scope, self.span, self.registry = query, scope, span, registry
        self.params = Params()
        self.by = tuple(_named(registry.dimensions, name, "dimension", "维度") for name in query.by)
        self.filters = tuple((_named(registry.dimensions, name, "dimension", "维度"), values) for name, values in query.filters)
        self.measures = tuple(_named(registry.measures, name, "measure", "指标") for name in query.measures)
        self.asked = (*self.by, *(dimension for dimension, _ in self.filters))
        if not self.measures:
            raise QueryError("A query needs at least one measure.", "查询至少需要一个指标。")
        self.sliced = any(dimension.name == "stage" for dimension in self.asked)
        wanted = splits or (query.by, *(((),) if query.total and query.by else ()))
        self.splits = {self.part(names): tuple(query.by.index(name) for name in query.by if name in names) for names in wanted}
        self._check_scope()
        self.crowd: dict[str, tuple[str, ...]] = {}
        self.parts: dict[str, Measure] = {}
        for measure in self.measures:
            self.parts |= {part.name: part for part in registry.parts(measure.name)}
            self._check_error_type(measure)
        self.tables = {name: self._table(registry.views[name]) for name in dict.fromkeys(part.view for part in self.parts.values())}
        if not scope.sees_people:
            self._add_crowds()

    def part(self, names: Iterable[str]) -> int:
        """The number that marks the rows of a split: as GROUPING() counts, a bit for each dimension it leaves out."""
        return sum(1 << place for place, name in enumerate(reversed(self.query.by)) if name not in set(names))

    # What may be asked ------------------------------------------------------------------------------------------------
    def _check_scope(self) -> None:
        for measure in self.measures:
            self.scope.require(self.registry.fields(measure.name), measure.name)
        for dimension in self.asked:
            if dimension.field and not (dimension.name == "worker" and self.scope.worker is not None):
                self.scope.require(frozenset({dimension.field}), dimension.name)

    def _check_error_type(self, measure: Measure) -> None:
        rates = [m for m in _inside(self.registry, measure) if m.num]
        if any(dimension.name == "error_type" for dimension, _ in self.filters) and rates:
            raise QueryError(
                f"“{measure.name}” cannot be filtered by error_type: its denominator would lose the rows without that error. Split by error_type instead.",
                f"“{measure.name}”不能按错误类型筛选：分母会丢掉没有该错误的记录。请改为按错误类型拆分。",
            )

    def _table(self, view: View, *, split: bool = True) -> Table:
        """The smallest table that carries everything asked (without `split`, the filters alone), or the reason why there is none."""
        bound = [
            name
            for name, limit in (("site", self.scope.sites), ("team", self.scope.teams), ("worker", self.scope.worker))
            if limit is not None
        ]
        asked = [dimension.name for dimension in (self.asked if split else (d for d, _ in self.filters))]
        tables = [table for table in view.tables if table.raw] if self.query.exact and view.name == "pace" else view.tables
        for table in tables:
            if all(name in table.dims for name in (*asked, *bound)):
                return table
        owner = next((m for m in self.measures if any(part.view == view.name for part in self.registry.parts(m.name))), self.measures[0])
        what, kept = owner.name, view.kept
        for name in bound:
            if not any(name in table.dims for table in tables):
                raise NotAllowed(
                    f"“{what}” is kept by {kept.en}: it cannot be narrowed to your {name}.",
                    f"“{what}”按{kept.zh}保存，无法限定到您的{self.registry.dimensions[name].zh}范围。",
                )
        for dimension in self.asked:
            if not any(dimension.name in table.dims for table in tables):
                verb, verb_zh = ("split", "拆分") if dimension in self.by else ("filtered", "筛选")
                raise QueryError(
                    f"“{what}” is kept by {kept.en}: it cannot be {verb} by {dimension.name}.",
                    f"“{what}”按{kept.zh}保存，不能按{dimension.zh}{verb_zh}。",
                )
        together = ", ".join(asked)
        raise QueryError(f"“{what}” cannot be asked by {together} at once.", f"“{what}”不能同时按 {together} 查询。")

    def _add_crowds(self) -> None:
        """For each measure about people, the number of people in the group, from the first population that carries the question."""
        for measure in self.measures:
            if not self.registry.about_people(measure.name):
                continue
            columns = []
            for part in self.registry.parts(measure.name):
                if not part.about_people:
                    continue
                columns.append(self._population(part, measure))
            self.crowd[measure.name] = tuple(dict.fromkeys(columns))

    def _population(self, part: Measure, measure: Measure) -> str:
        names = (part.crowd,) if part.crowd else tuple(f"people_{name}" for name in self.registry.views[part.view].population)
        for people in (self.registry.measures[name] for name in names):
            try:
                table = self._table(self.registry.views[people.view])
            except QueryError:
                continue
            self.parts[people.name] = people
            self.tables[people.view] = table
            return people.name
        raise NotAllowed(
            f"“{measure.name}” is about people, and how many stand behind each group of this question is not known.",
            f"“{measure.name}”涉及个人，而此查询无法得知每组人数。",
        )

    # SQL --------------------------------------------------------------------------------------------------------------
    def statement(self) -> Statement:
        """The whole statement."""
        ctes = []
        if "staff" in self.tables:
            ctes.append(f"calendar AS ({self._calendar()})")
        for name, table in self.tables.items():
            ctes.append(f"{name}_facts AS ({self._facts(self.registry.views[name], table)})")
        ctes.append(f"folded AS ({self._fold()})")
        columns = [
            f"{d.value.format(key=f'f.k{i}')} AS {d.name}" if d.kind != "code" else f"{_decode(d, f'f.k{i}')} AS {d.name}"
            for i, d in enumerate(self.by)
        ]
        joins = [d.join.format(key=f"f.k{i}") for i, d in enumerate(self.by) if d.join]
        for measure in self.measures:
            columns.extend(self._outputs(measure))
        columns.extend(
            f"coalesce(f.{name}, 0) AS {name}" for name in dict.fromkeys(name for names in self.crowd.values() for name in names)
        )
        order = [
            "f.part",
            *(f"f.k{i} NULLS LAST" if d.kind in ("date", "integer", "code") else f"{i + 2} NULLS LAST" for i, d in enumerate(self.by)),
        ]
        sql = (
            "WITH "
            + ",\n".join(ctes)
            + f"\nSELECT f.part, {', '.join(columns)}\nFROM folded AS f {' '.join(joins)}\nORDER BY {', '.join(order)}"
        )
        whole = self.part(())
        return Statement(
            sql,
            self.params.values,
            self.by,
            0,
            whole if whole in self.splits else None,
            self.measures,
            self.crowd,
            {name: table.name for name, table in self.tables.items()},
        )

    def asides(self, looks: Sequence[Look]) -> tuple[str, dict[str, object], list[str]]:
        """One statement with one row: each look's aggregate over the rows behind the query in its view, unsplit; with `undated`, over
        those it leaves out for having no date. The names are those of the columns: a view that does not carry the question has none."""
        own, self.params = self.params, Params()
        selects: list[str] = []
        names: list[str] = []
        for view, undated in dict.fromkeys((look.view, look.undated) for look in looks):
            try:
                table = self._table(self.registry.views[view], split=False)
            except QueryError:
                continue
            mine = [look for look in looks if (look.view, look.undated) == (view, undated)]
            known = {**table.dims, **table.columns, **(table.sliced if self.sliced else {})}
            selected = [f"{_filled(look.sql, known)} AS {look.name}" for look in mine]
            predicates = self.predicates(table, undated=undated)
            selects.append(f"(SELECT {', '.join(selected)} {self._from(table, selected, predicates)}) AS look{len(selects)}")
            names += [look.name for look in mine]
        own, self.params = self.params, own
        return f"SELECT {', '.join(names)} FROM {', '.join(selects)}", own.values, names

    def _outputs(self, measure: Measure) -> list[str]:
        if measure.method:
            return [f"f.{measure.name}_lasted AS {measure.name}_lasted", f"f.{measure.name}_left AS {measure.name}_left"]
        expression = self._expression(measure)
        if measure.unit in ("row", "item", "person", "day"):
            expression = f"CAST({expression} AS BIGINT)" if not measure.num else expression
        found = [f"{expression} AS {measure.name}"]
        if measure.interval == "wilson":
            found += [
                f"CAST({self._formula(measure.num)} AS DOUBLE) AS {measure.name}_x",
                f"CAST({self._den(measure)} AS BIGINT) AS {measure.name}_n",
            ]
        return found

    def _expression(self, measure: Measure) -> str:
        """A measure over the folded columns."""
        if measure.num:
            return f"CAST({self._formula(measure.num)} AS DOUBLE) / nullif(CAST({self._den(measure)} AS DOUBLE), 0)"
        if measure.formula:
            return f"({self._formula(measure.formula)})"
        return f"f.{measure.name}" if measure.percentile is not None else f"coalesce(f.{measure.name}, 0)"

    def _formula(self, formula: str) -> str:
        return WORD.sub(lambda match: f"({self._expression(self.registry.measures[match[0]])})", formula)

    def _den(self, measure: Measure) -> str:
        """The denominator; across error types, since a row without errors has none."""
        inner = self._formula(measure.den)
        if "error_type" not in self.query.by:
            return inner
        others = ["f.part", *(f"f.k{i}" for i, d in enumerate(self.by) if d.name != "error_type")]
        return f"(sum({inner}) OVER (PARTITION BY {', '.join(others)}))"

    def _fold(self) -> str:
        """Stack the views and fold them on their keys; the whole always has its one row."""
        keys = ", ".join(["part", *(f"k{i}" for i in range(len(self.by)))])
        columns = {name: self._columns(name) for name in self.tables}
        whole = self.part(())
        if len(columns) == 1 and whole not in self.splits:
            return f"FROM {next(iter(columns))}_facts"
        branches = [f"FROM {name}_facts" for name in columns]
        if whole in self.splits:
            branches.append(f"SELECT {whole} AS part")
        folded = ", ".join(f"any_value({column}) AS {column}" for names in columns.values() for column in names)
        return f"SELECT {keys}, {folded} FROM ({' UNION ALL BY NAME '.join(branches)}) AS stacked GROUP BY {keys}"

    def _columns(self, view: str) -> list[str]:
        found = []
        for part in self.parts.values():
            if part.view == view:
                found += [f"{part.name}_lasted", f"{part.name}_left"] if part.method else [part.name]
        return found

    def _facts(self, view: View, table: Table) -> str:
        """One view's rows in every split, aggregated on keys."""
        parts = [(part,) for part in self.splits] if table.whole else [tuple(self.splits)]  # other columns for the whole
        rows = " UNION ALL ".join(self._select(view, table, some) for some in parts)
        dims = [table.dims[d.name] for d in self.by]
        of_project = {i: f"w{i}.{found[1]}" for i, sql in enumerate(dims) if (found := OF_PROJECT.match(sql))}
        words = of_project | {i: f"k{i}" for i, sql in enumerate(dims) if OF_ROWS.match(sql)}
        if words:
            word = "CASE WHEN part & {} = 0 THEN coalesce({}, '') END AS k{}"
            read = [word.format(1 << (len(dims) - 1 - i), words[i], i) if i in words else f"k{i}" for i in range(len(dims))]
            joins = [f"LEFT JOIN project AS w{i} ON w{i}.project_key = k{i}" for i in of_project]
            rows = f"SELECT part, {', '.join([*read, *self._columns(view.name)])} FROM ({rows}) AS grouped {' '.join(joins)}"
        return rows

    def _select(self, view: View, table: Table, parts: tuple[int, ...]) -> str:
        """One view's rows in the given splits."""
        only = self.splits[parts[0]] if len(parts) == 1 else range(len(self.by))  # the keys that these splits group by
        every = range(len(self.by))
        total = parts == (self.part(()),)
        names = [f"k{i}" for i in every]
        keys = [OF_ROWS.sub(r"\1", OF_PROJECT.sub(r"w.\1", table.dims[d.name])) for d in self.by]
        keyed = [f"{key if i in only else 'NULL'} AS k{i}" for i, key in enumerate(keys)]
        kept = [f"k{i}" if i in only else f"NULL AS k{i}" for i in every]
        part = f"{parts[0]}" if len(parts) == 1 else f"grouping({', '.join(names)})"
        lead = f"{part} AS part"
        columns = (
            dict(table.columns)
            | (dict(table.sliced) if self.sliced else {})
            | (dict(table.whole) if total and self.by else {})
            | self._moved(table)
        )
        predicates = self.predicates(table)

        def group(*more: str) -> str:
            sets = [", ".join([*(f"k{i}" for i in self.splits[number]), *more]) for number in parts]
            if len(sets) > 1:
                return f" GROUP BY GROUPING SETS ({', '.join(f'({one})' for one in sets)})"
            return f" GROUP BY {sets[0]}" if sets[0] else ""

        again = group()
        if len(parts) > 1:
            kept, again = ["part", *kept], f" GROUP BY {', '.join(['part', *names])}"
        else:
            kept = [lead, *kept]
        measured = [part for part in self.parts.values() if part.view == view.name]
        if view.name == "pace":
            return self._pace(table, columns, measured, [lead, *keyed], kept, group, again, predicates)
        if view.entity:
            entities = [f"{key} AS e{i}" for i, key in enumerate(view.entity)]
            most = [lead, *keyed, *entities, *(f"max({sql}) AS {name}" for name, sql in columns.items())]
            source = f"SELECT {', '.join(most)} {self._from(table, most, predicates)}{group(*(f'e{i}' for i in range(len(entities))))}"
            found = [self._aggregate(one, {name: name for name in columns}) for one in measured]
            return f"SELECT {', '.join([*kept, *found])} FROM ({source}) AS entity{again}"
        known = columns | {"worker": table.dims.get("worker", ""), "action": table.dims.get("action", "")}
        selected = [lead, *keyed, *(self._aggregate(one, known) for one in measured)]
        return f"SELECT {', '.join(selected)} {self._from(table, selected, predicates)}{group()}"

    def _moved(self, table: Table) -> dict[str, str]:
        within = {dimension.name for dimension in self.asked}
        within |= {name for name, limit in (("site", self.scope.sites), ("team", self.scope.teams)) if limit is not None}
        return dict(next((table.moved[name] for name in ("team", "site") if name in within and name in table.moved), {}))

    def _aggregate(self, part: Measure, columns: dict[str, str]) -> str:
        if part.method:
            lists = f"list({columns['lasted']}) AS {part.name}_lasted, list({columns['left_by_now']}) AS {part.name}_left"
            return lists.replace("{last}", self._last())
        return f"{_filled(part.sql, columns)} AS {part.name}"

    def _pace(
        self,
        table: Table,
        columns: dict[str, str],
        measured: Sequence[Measure],
        keyed: list[str],
        kept: list[str],
        group: Callable[..., str],
        again: str,
        predicates: list[str],
    ) -> str:
        """Percentiles: exact from the log, else from the histogram by the order statistics on either side of (n − 1)·q."""
        if table.raw:
            found = [f"quantile_cont({columns['pace']}, {one.percentile!r}) AS {one.name}" for one in measured]
            return f"SELECT {', '.join([*keyed, *found])} {self._from(table, [*keyed, *found], predicates)}{group()}"
        inner = [*keyed, f"{columns['pace']} AS bucket", f"CAST(sum({columns['weight']}) AS BIGINT) AS weight"]
        counted = f"SELECT {', '.join(inner)} {self._from(table, inner, [*predicates, 't.action IN (0, 1)'])}{group('bucket')}"
        within = f"PARTITION BY {', '.join(['part', *(f'k{i}' for i in range(len(self.by)))])} "
        pace = f"CASE WHEN bucket = {PACE_ZERO} THEN 0 ELSE 2 * pow({PACE_GAMMA!r}, bucket) / ({PACE_GAMMA!r} + 1) END"
        running = f"SELECT *, {pace} AS pace, sum(weight) OVER ({within}ORDER BY bucket) AS upto, sum(weight) OVER ({within.strip()}) AS n FROM ({counted}) AS counted"
        found = []
        for one in measured:
            rank = f"((n - 1) * {one.percentile!r}::DOUBLE)"
            low, high = (f"min(pace) FILTER (WHERE upto > {edge}{rank})" for edge in ("floor", "ceil"))
            found.append(f"{low} + ({high} - {low}) * max({rank} - floor{rank}) AS {one.name}")
        return f"SELECT {', '.join([*kept, *found])} FROM ({running}) AS running{again}"

    def _from(self, table: Table, used: Iterable[str], predicates: Sequence[str]) -> str:
        """FROM … JOIN … WHERE …, with only the joins that the SQL mentions."""
        text = " ".join((*used, *predicates))
        sql = [f"FROM {table.source or table.name} AS t"]
        if PROJECT.search(text):
            sql.append("LEFT JOIN project AS p ON p.project_key = t.project_key")
        if WORDED.search(text):
            sql.append(f"JOIN (SELECT project_key, {WORDS} FROM project) AS w ON w.project_key = t.project_key")
        if EMPLOYED.search(text):
            sql.append(
                f"LEFT JOIN presence AS s ON s.worker_key = t.worker_key AND s.from_date <= {table.date} AND {table.date} < s.counts_until"
            )
        if predicates:
            sql.append(f"WHERE {' AND '.join(predicates)}")
        return " ".join(sql)

    # Rows -------------------------------------------------------------------------------------------------------------
    def predicates(self, table: Table, *, undated: bool = False) -> list[str]:
        """What a row of this table must satisfy: the view's own condition, the scope, the filters, the range.

        `undated` asks for the rows that a dated question leaves out instead.
        """
        found = [table.where] if table.where else []
        found += self._scope_rows(table)
        for dimension, values in self.filters:
            if undated and dimension.name in DATED:
                continue
            found.append(self._among(dimension, table.dims[dimension.name], values))
        if undated:
            return [*found, f"{table.date} IS NULL"]
        start, end = self.query.period.start, self.query.period.end
        if table.name == "presence" and table.date != "t.first_day" and self.span.last:
            end = min(end, self.span.last) if end else self.span.last
        if start:
            found.append(f"{table.date} >= {self.params.add(start)}")
        if end:
            found.append(f"{table.date} <= {self.params.add(end)}")
        if not start and not end and self.dated:
            found.append(f"{table.date} IS NOT NULL")
        return found

    @property
    def dated(self) -> bool:
        """True when rows without a date cannot take part."""
        return self.query.period.bounded or any(dimension.name in DATED for dimension in self.asked)

    def _scope_rows(self, table: Table) -> list[str]:
        limits: list[tuple[str, Iterable[str] | None]] = [
            ("site", self.scope.sites),
            ("team", self.scope.teams),
            ("worker", None if self.scope.worker is None else (self.scope.worker,)),
        ]
        return [
            self._among(self.registry.dimensions[name], table.dims[name], sorted(values)) if values else "false"
            for name, values in limits
            if values is not None
        ]

    def _among(self, dimension: Dimension, key: str, values: Sequence[str]) -> str:
        """A predicate “the row's value is one of these”."""
        if dimension.match:
            marks = ", ".join(self.params.add(value) for value in values)
            return f"{key} IN ({dimension.match.format(values=marks)})"
        convert = _converter(dimension)
        wanted = [convert(value) for value in values]
        marks = ", ".join(self.params.add(value) for value in wanted if value is not None)
        known = f"{key} IN ({marks})" if marks else "false"
        found = f"({known} OR {key} IS NULL)" if None in wanted else known
        return f"t.project_key IN (SELECT p.project_key FROM project AS p WHERE {found})" if PROJECT.search(key) else found

    def _last(self) -> str:
        return f"CAST({self.params.add(self.span.last)} AS DATE)"

    def _calendar(self) -> str:
        """The asked range cut into the largest pieces that every asked date dimension keeps whole, each with its bucket's length and end."""
        start, end = self.query.period.start or self.span.first, self.query.period.end or self.span.last
        if self.span.last and end:
            end = min(end, self.span.last)
        asked = {dimension.name for dimension in self.asked}
        daily = bool(asked & {"day", "tenure_band"}) or {"week", "month"} <= asked
        piece = "on_day" if daily else _cut("week" if "week" in asked else "month" if "month" in asked else None, "on_day")
        bucket = _cut(next((name for name in ("day", "week", "month") if name in self.query.by), None), "first_day")
        keys = self.registry.views["staff"].tables[0].dims
        kept = [
            self._among(d, keys[d.name].replace("t.first_day", "on_day"), values)
            for d, values in self.filters
            if d.name in ("day", "week", "month")
        ]
        where = f" WHERE {' AND '.join(kept)}" if kept else ""
        days = f"generate_series(CAST({self.params.add(start)} AS DATE), CAST({self.params.add(end)} AS DATE), INTERVAL 1 DAY)"
        return (
            f"SELECT first_day, last_day, sum(days) OVER (PARTITION BY {bucket}) AS bucket_days, sum(days) OVER () AS range_days,"
            f" last_day = max(last_day) OVER (PARTITION BY {bucket}) AS bucket_end, last_day = max(last_day) OVER () AS range_end"
            f" FROM (SELECT min(on_day) AS first_day, max(on_day) AS last_day, count(*) AS days"
            f" FROM (SELECT CAST(unnest({days}) AS DATE) AS on_day) AS every_day{where} GROUP BY {piece}) AS pieces"
        )


def _filled(sql: str, columns: Mapping[str, str]) -> str:
    """An aggregate with its `{places}` filled in."""
    return PLACE.sub(lambda match: columns[match[1]], sql)


def _cut(dimension: str | None, column: str) -> str:
    """The day, or the first day of its week or month; one piece for None."""
    if dimension is None:
        return f"{column} IS NULL"
    return column if dimension == "day" else f"date_trunc('{dimension}', {column})"


def _inside(registry: Registry, measure: Measure) -> list[Measure]:
    """The measure and every measure its formulas name, at any depth."""
    found = [measure]
    for name in names_in(measure) if measure.derived else ():
        found += _inside(registry, registry.measures[name])
    return found


def _decode(dimension: Dimension, key: str) -> str:
    cases = " ".join(f"WHEN {code} THEN '{word}'" for code, word in enumerate(dimension.codes))
    return f"CASE {key} {cases} ELSE '' END"


def _converter(dimension: Dimension) -> Callable[[str], object]:
    """Text of a filter → the key it is compared with; None for “not known”."""

    def code(value: str) -> object:
        if value == "":
            return None
        if value not in dimension.codes:
            raise NameUnknown(dimension.name, value, dimension.codes, dimension.zh)
        return dimension.codes.index(value)

    def number(value: str) -> object:
        if value == "":
            return None
        try:
            return int(value)
        except ValueError:
            raise QueryError(
                f"{dimension.name} must be a whole number, not “{value}”.", f"{dimension.zh}须为整数，而不是“{value}”。"
            ) from None

    def day(value: str) -> object:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise QueryError(
                f"{dimension.name} must be a date like 2026-03-01, not “{value}”.",
                f"{dimension.zh}须为 2026-03-01 这样的日期，而不是“{value}”。",
            ) from None

    if dimension.kind == "code":
        return code
    if dimension.kind == "integer":
        return number
    return day if dimension.kind == "date" else str


Row = TypeVar("Row", Measure, Dimension)


def _named(known: Mapping[str, Row], name: str, kind: str, zh: str) -> Row:
    if name not in known or getattr(known[name], "hidden", False):
        raise NameUnknown(kind, name, (word for word, row in known.items() if not getattr(row, "hidden", False)), zh)
    return known[name]
