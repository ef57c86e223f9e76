"""What a definition is made of: Text, View (over Tables), Measure, Dimension. Frozen rows, checked when the registry is built.

A measure is one of
- an aggregate over the columns of one view: `sql="sum({row_count}) FILTER (WHERE {action} IN (0, 1))"`;
- a ratio of two formulas over other measures, sum over sum: `num="errors"`, `den="reviewed"`; a zero denominator gives null;
- a formula over other measures: `formula="revenue - labour_cost"`;
- a percentile of seconds per unit, read from a histogram: `percentile=0.5`;
- an estimate computed by a named method from lists: `method="attrition_90d"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from data.errors import PieceworkError

Unit = Literal["row", "unit", "item", "person", "day", "h", "s", "ratio", "unit/h", "money", "money/h", "money/unit"]
Format = Literal["integer", "decimal", "percent", "money"]
Better = Literal["up", "down", "none"]
Kind = Literal["date", "text", "code", "integer"]
Field = Literal["names", "pay", "client_prices"]

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
PLACE = re.compile(r"\{([a-z0-9_]+)\}")
WORD = re.compile(r"[a-z][a-z0-9_]*")


class QueryError(PieceworkError):
    """A question that the registry cannot answer: a split or filter that the facts do not carry, a range that ends before it starts."""


class DefinitionError(Exception):
    """The registry itself is wrong; raised when it is imported, so never seen by a user."""


@dataclass(frozen=True, slots=True)
class Text:
    """The same sentence in English and Chinese."""

    en: str
    zh: str

    def of(self, lang: str) -> str:
        """The Chinese sentence for zh and any zh-…, the English one otherwise."""
        return self.zh if lang.lower().startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Note(Text):
    """A sentence about a result; `code` says which kind (undated, provisional, few, clocks, unpriced, unlinked, suppressed, null, …)."""

    code: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One relation a view can be read from: SQL of the dimensions' keys and of the base columns, over alias `t`.

    `p.` stands for the joined project and `s.` for the employment stretch of the worker on that date; the compiler adds these
    joins only where they are used. `source` is a table of the store, or a parenthesised SELECT.
    """

    name: str
    dims: Mapping[str, str]
    columns: Mapping[str, str]
    source: str = ""
    date: str = "t.business_date"
    where: str = ""
    sliced: Mapping[str, str] = field(default_factory=dict)  # columns that replace others when a query is by or for one stage
    whole: Mapping[str, str] = field(default_factory=dict)  # columns that replace others in the total over the range
    moved: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # the same when a query is by, for or within a site or team
    raw: bool = False  # the log itself, where percentiles are exact


@dataclass(frozen=True, slots=True)
class View:
    """Facts of one kind, in tables from small to large that give the same numbers; the first that carries a question answers it.

    `entity` (key SQL) makes measures count distinct entities instead of rows: of each entity's rows the largest value of a column counts.
    `population` names the views that
    can say how many people stand behind a group. `kept` finishes the sentence “… is kept by”.
    """

    name: str
    tables: tuple[Table, ...]
    kept: Text
    population: tuple[str, ...] = ()
    entity: tuple[str, ...] = ()
    undated: bool = False  # rows without a date exist; they are left out of any dated question


@dataclass(frozen=True, slots=True)
class Measure:
    """One number's only definition. `note` defines it in words; `null_reason` says why it can be missing."""

    name: str
    en: str
    zh: str
    unit: Unit
    format: Format
    better: Better
    note: Text
    digits: int = 0
    view: str = ""
    sql: str = ""
    num: str = ""
    den: str = ""
    formula: str = ""
    percentile: float | None = None
    method: str = ""
    null_reason: Text = Text("", "")
    source: str = ""
    interval: Literal["", "wilson", "log-log"] = ""
    min_n: int = 0
    portable: bool = True
    about_people: bool = False
    crowd: str = ""  # the measure that counts the people behind it, where those are fewer than the people of its view
    fields: frozenset[Field] = frozenset()
    matures: bool = False  # moves while reviews of recent work are still coming in
    clocked: bool = False  # rests on measured durations
    hidden: bool = False  # a part of others; computed, not offered

    @property
    def derived(self) -> bool:
        """True for ratios and formulas over other measures."""
        return bool(self.num or self.formula)

    @property
    def nullable(self) -> bool:
        """True for ratios, percentiles and estimates: without cases they have no value, and fewer cases make them no lower."""
        return bool(self.num or self.method or self.percentile is not None)

    @property
    def label(self) -> Text:
        """The name in both languages."""
        return Text(self.en, self.zh)


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to split or filter. `key` is decoded by `value` (SQL over the key `{key}` and the joined dictionary)."""

    name: str
    en: str
    zh: str
    kind: Kind
    value: str = "{key}"
    join: str = ""
    match: str = ""  # for filters: SQL giving the keys of the wanted `{values}`; empty: the key is compared itself
    codes: tuple[str, ...] = ()
    field: Field | None = None
    note: Text = Text("", "")

    @property
    def label(self) -> Text:
        """The name in both languages."""
        return Text(self.en, self.zh)


@dataclass(frozen=True, slots=True)
class Registry:
    """Every definition, by name; consistent, or it would not exist."""

    views: Mapping[str, View]
    measures: Mapping[str, Measure]
    dimensions: Mapping[str, Dimension]

    def parts(self, name: str) -> tuple[Measure, ...]:
        """The aggregates that a measure rests on (itself when it is one), each once, in the order of the formula."""
        found: dict[str, Measure] = {}
        self._collect(name, found)
        return tuple(found.values())

    def _collect(self, name: str, found: dict[str, Measure]) -> None:
        measure = self.measures[name]
        if measure.derived:
            for word in names_in(measure):
                self._collect(word, found)
        else:
            found.setdefault(name, measure)

    def fields(self, name: str) -> frozenset[Field]:
        """What a person must be allowed to see for this measure: its own fields and those of its parts."""
        return self.measures[name].fields.union(*(part.fields for part in self.parts(name)))

    def about_people(self, name: str) -> bool:
        """True when the measure or any of its parts describes the people behind a group."""
        return self.measures[name].about_people or any(part.about_people for part in self.parts(name))

    def dims(self, name: str) -> tuple[str, ...]:
        """The dimensions a measure can be split by: those that every view it rests on carries."""
        views = [self.views[part.view] for part in self.parts(name)]
        return tuple(dim for dim in self.dimensions if all(any(dim in table.dims for table in view.tables) for view in views))


def names_in(measure: Measure) -> tuple[str, ...]:
    """The measures that a derived one names, each once."""
    return tuple(dict.fromkeys(WORD.findall(" ".join((measure.num, measure.den, measure.formula)))))


def build(views: Iterable[View], measures: Iterable[Measure], dimensions: Iterable[Dimension]) -> Registry:
    """The registry of these rows. Raises DefinitionError naming the row and what is wrong with it."""
    registry = Registry(_named(views, "view"), _named(measures, "measure"), _named(dimensions, "dimension"))
    for dimension in registry.dimensions.values():
        _texts("dimension", dimension.name, dimension.label)
    columns: set[str] = set()
    for view in registry.views.values():
        _texts("view", view.name, view.kept)
        for table in view.tables:
            columns |= set(table.columns)
            for dim in table.dims:
                if dim not in registry.dimensions:
                    raise DefinitionError(f"view {view.name}: table {table.name} names an unknown dimension {dim}")
            if set(table.columns) != set(view.tables[0].columns):
                raise DefinitionError(f"view {view.name}: table {table.name} has other columns than {view.tables[0].name}")
            if unknown := set(table.sliced).union(table.whole, *table.moved.values()) - set(table.columns):
                raise DefinitionError(f"view {view.name}: {table.name} replaces unknown columns {sorted(unknown)}")
        if unknown := set(view.population) - set(registry.views):
            raise DefinitionError(f"view {view.name}: unknown population {sorted(unknown)}")
    for measure in registry.measures.values():
        _check(registry, measure, columns)
    return registry


def _check(registry: Registry, measure: Measure, columns: set[str]) -> None:
    name = measure.name
    _texts("measure", name, measure.label)
    if not measure.hidden:
        _texts("measure", name, measure.note)
    if name in columns or name in registry.dimensions:
        raise DefinitionError(f"measure {name}: named like a base column or dimension")
    if measure.derived == bool(measure.sql or measure.percentile is not None or measure.method):
        raise DefinitionError(f"measure {name}: must be an aggregate, or derived, and not both")
    if bool(measure.num) != bool(measure.den):
        raise DefinitionError(f"measure {name}: a ratio needs a numerator and a denominator")
    if measure.interval and not (measure.num or measure.method):
        raise DefinitionError(f"measure {name}: only a ratio or an estimate has an interval")
    if measure.nullable and not measure.hidden:
        _texts("null reason of measure", name, measure.null_reason)
    if measure.crowd and measure.crowd not in registry.measures:
        raise DefinitionError(f"measure {name}: unknown crowd “{measure.crowd}”")
    if measure.derived:
        _acyclic(registry, name, ())
        return
    if measure.view not in registry.views:
        raise DefinitionError(f"measure {name}: unknown view “{measure.view}”")
    known = set(registry.views[measure.view].tables[0].columns) | {"worker", "action"}
    if unknown := set(PLACE.findall(measure.sql)) - known:
        raise DefinitionError(f"measure {name}: unknown columns {sorted(unknown)} in view {measure.view}")


def _acyclic(registry: Registry, name: str, path: tuple[str, ...]) -> None:
    if name in path:
        raise DefinitionError(f"measure {name}: defined by itself ({' → '.join((*path, name))})")
    measure = registry.measures.get(name)
    if measure is None:
        raise DefinitionError(f"measure {path[-1]}: unknown measure “{name}” in its formula")
    if measure.derived:
        for word in names_in(measure):
            _acyclic(registry, word, (*path, name))


def _texts(kind: str, name: str, text: Text) -> None:
    if not text.en.strip() or not text.zh.strip():
        raise DefinitionError(f"{kind} {name}: needs its words in English and Chinese")


Row = TypeVar("Row", View, Measure, Dimension)


def _named(rows: Iterable[Row], kind: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        if not NAME.match(row.name):
            raise DefinitionError(f"{kind} “{row.name}”: not a plain name")
        if row.name in found:
            raise DefinitionError(f"{kind} {row.name}: defined twice")
        found[row.name] = row
    return found
