"""The registry in plain text: docs/metrics.md, and what `python -m metrics show` prints."""

from __future__ import annotations

from metrics.compile import Span, compile_query
from metrics.definitions import FAMILIES, REGISTRY
from metrics.model import WORD, Measure
from metrics.query import Query
from metrics.scope import SYSTEM

HEADINGS = {"output": "Output 产量", "time": "Time 工时", "quality": "Quality 质量", "money": "Money 经营", "people": "People 人员"}
INTERVALS = {"wilson": "Wilson, 95 %", "log-log": "log–log Greenwood, 95 %"}


def formula(measure: Measure) -> str:
    """How a measure is made, in the registry's own words; hidden parts are written out."""
    if measure.num:
        return f"{_written(measure.num)} ÷ {_written(measure.den)}"
    if measure.formula:
        return _written(measure.formula)
    if measure.percentile is not None:
        return f"percentile {measure.percentile:g} of seconds per unit"
    return measure.method or measure.sql.replace("{", "").replace("}", "")


def page(name: str) -> str:
    """Definition, unit, formula, dimensions and SQL of a measure as text. Raises NameUnknown."""
    sql = compile_query(Query((name,)), SYSTEM, Span(None, None)).sql
    measure = REGISTRY.measures[name]
    facts = {
        "measure": f"{name} · {measure.en} · {measure.zh}",
        "definition": f"{measure.note.en}. {measure.note.zh}。",
        "unit": measure.unit,
        "better": measure.better,
        "formula": formula(measure),
        "interval": INTERVALS.get(measure.interval, ""),
        "too few": f"below {measure.min_n}" if measure.min_n else "",
        "no value": f"{measure.null_reason.en} · {measure.null_reason.zh}" if measure.null_reason.en else "",
        "shows": ", ".join(sorted(REGISTRY.fields(name))),
        "by": " ".join(REGISTRY.dims(name)),
        "source": measure.source,
    }
    return "\n".join([*(f"{word:<11} {text}" for word, text in facts.items() if text), "", sql])


def markdown() -> str:
    """The text of docs/metrics.md."""
    lines = [
        "# Measures and dimensions",
        "",
        "Generated from the registry (`metrics/definitions/`) by `python -m metrics list --markdown > docs/metrics.md`; a test fails when it is stale.",
        "A rate is sum over sum; a zero denominator gives no value, and a note says why.",
        "",
        "## Dimensions 维度",
        "",
        "| name | English | 中文 | note |",
        "| --- | --- | --- | --- |",
    ]
    for dimension in REGISTRY.dimensions.values():
        note = " · ".join(filter(None, (dimension.note.en, dimension.note.zh)))
        lines.append(f"| `{dimension.name}` | {dimension.en} | {dimension.zh} | {note} |")
    for family, names in FAMILIES.items():
        lines += ["", f"## {HEADINGS[family]}"]
        for name in names:
            lines += _section(REGISTRY.measures[name])
    return "\n".join(lines) + "\n"


def _section(measure: Measure) -> list[str]:
    name = measure.name
    facts = [f"Unit: {measure.unit}", f"better: {measure.better}"]
    if measure.interval:
        facts.append(f"interval: {INTERVALS[measure.interval]}")
    if measure.min_n:
        facts.append(f"too few below {measure.min_n}")
    if measure.null_reason.en:
        facts.append(f"no value: {measure.null_reason.en} · {measure.null_reason.zh}")
    if fields := REGISTRY.fields(name):
        facts.append(f"needs the right to see: {', '.join(sorted(fields))}")
    if not all(part.portable for part in REGISTRY.parts(name)):
        facts.append("DuckDB only")
    return [
        "",
        f"### `{name}` {measure.en} · {measure.zh}",
        "",
        f"{measure.note.en}. {measure.note.zh}。",
        "",
        f"`{formula(measure)}`",
        "",
        f"{'; '.join(facts)}. Source: {measure.source}.",
        "",
        f"By {', '.join(REGISTRY.dims(name))}.",
    ]


def _written(text: str) -> str:
    def part(name: str) -> str:
        measure = REGISTRY.measures[name]
        return f"[{formula(measure)}]" if measure.hidden else name

    return WORD.sub(lambda match: part(match[0]), text)
