"""The catalogue of measures (指标目录): every definition as a reader meets it, generated from the registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from metrics.compile import Span, compile_query
from metrics.definitions import FAMILIES, REGISTRY
from metrics.model import WORD, Measure, Text
from metrics.query import Query
from metrics.scope import FIELD_WORDS, SYSTEM

FAMILY_NAMES: dict[str, Text] = {
    "output": Text("Output", "产量"),
    "time": Text("Time and speed", "工时与速度"),
    "quality": Text("Quality", "质量"),
    "money": Text("Money", "经营"),
    "people": Text("People", "人员"),
}
INTERVALS: dict[str, Text] = {
    "wilson": Text("95 %, Wilson score", "95%，Wilson 得分法"),
    "log-log": Text("95 %, log–log Greenwood", "95%，log–log Greenwood"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One measure. `numerator` and `denominator` are formulas in people's words (empty for what is no ratio), `dimensions` the names of
    the ways to split it, `fields` what a reader must be allowed to see, `sql` the statement over the whole store."""

    measure: Measure
    family: str
    numerator: Text
    denominator: Text
    dimensions: tuple[Text, ...]
    fields: tuple[Text, ...]

    @property
    def sql(self) -> str:
        """The statement that answers for this measure alone, over everything; values are parameters."""
        return compile_query(Query((self.measure.name,)), SYSTEM, Span(None, None)).sql


def entries() -> tuple[Entry, ...]:
    """Every measure that can be asked for, by family, in the order of the definitions."""
    return tuple(_entry(family, REGISTRY.measures[name]) for family, names in FAMILIES.items() for name in names)


def entry(name: str) -> Entry | None:
    """The entry of that measure; None for a name that does not exist or cannot be asked for."""
    return next((found for found in entries() if found.measure.name == name), None)


def search(found: Iterable[Entry], words: str) -> tuple[Entry, ...]:
    """The entries in which every word occurs, in either language, the name, the definition or the source; those named so first.

    >>> [e.measure.name for e in search(entries(), "返工 题")]
    ['items_sent_back', 'rework_rate']
    """
    wanted = words.casefold().split()
    hits = [e for e in found if all(word in _said(e) for word in wanted)]
    return tuple(sorted(hits, key=lambda e: not all(word in _called(e) for word in wanted)))


def _entry(family: str, m: Measure) -> Entry:
    top, bottom = (m.num, m.den) if m.num else (m.formula, "")
    return Entry(
        m,
        family,
        _words(top),
        _words(bottom),
        tuple(REGISTRY.dimensions[name].label for name in REGISTRY.dims(m.name)),
        tuple(Text(*FIELD_WORDS[name]) for name in sorted(REGISTRY.fields(m.name))),
    )


def _words(formula: str) -> Text:
    """A formula with the measures' names in place of their identifiers."""
    signs = formula.replace("-", "−").replace("*", "×")
    return Text(WORD.sub(lambda word: REGISTRY.measures[word[0]].en, signs), WORD.sub(lambda word: REGISTRY.measures[word[0]].zh, signs))


def _called(e: Entry) -> str:
    return " ".join((e.measure.name, e.measure.en, e.measure.zh)).casefold()


def _said(e: Entry) -> str:
    return " ".join((_called(e), e.measure.note.en, e.measure.note.zh, e.measure.source)).casefold()
