"""A question as JSON and its answer as JSON: the same for the command line and the HTTP routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import cast, get_args

from data.errors import NameUnknown
from data.store import Store
from metrics.model import QueryError
from metrics.period import Compare, Period
from metrics.query import Query, run
from metrics.scope import Scope

Payload = Mapping[str, object]
Answer = dict[str, object]
KEYS = ("measures", "by", "where", "from", "to", "compare", "total", "exact")


def answer(store: Store, payload: Payload, scope: Scope) -> Answer:
    """Run a question: `measures` and `by` (lists of names), `where` (pairs of dimension and value), `from` and `to` (ISO dates),
    `compare`, `total`, `exact`.

    Gives measures, by, rows, total, as_of, filters, notes as the contract says (filters_zh and notes_zh beside them, before and
    before_total with a comparison). Decimals stay Decimal, dates become ISO text. Raises PieceworkError.
    """
    result = run(store, question(payload), scope)
    found: Answer = {
        "measures": [{"name": m.name, "unit": m.unit, "better": m.better, "en": m.en, "zh": m.zh} for m in result.measures],
        "by": [dimension.name for dimension in result.by],
        "rows": [_plain(row) for row in result.exact.to_pylist()],
        "total": _plain(result.exact_total) if result.query.total and result.exact_total is not None else None,
        "as_of": f"{result.as_of:%Y-%m-%dT%H:%M:%S}Z" if result.as_of else None,
        "filters": result.filters.en,
        "filters_zh": result.filters.zh,
        "notes": [note.en for note in result.notes],
        "notes_zh": [note.zh for note in result.notes],
    }
    if result.exact_before is not None:
        found["before"] = [_plain(row) for row in result.exact_before.to_pylist()]
        found["before_total"] = result.before_total if result.query.total else None
    return found


def question(payload: Payload) -> Query:
    """The Query that a payload asks. Raises NameUnknown or QueryError naming the key that is wrong."""
    for name in payload:
        if name not in KEYS:
            raise NameUnknown("parameter", name, KEYS, "参数")
    where: dict[str, list[str]] = {}
    for pair in _list(payload, "where"):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise QueryError("“where” takes pairs of a dimension and a value.", "“where”须为维度和值的成对列表。")
        where.setdefault(str(pair[0]), []).append(str(pair[1]))
    compare = payload.get("compare") or None
    if compare is not None and compare not in get_args(Compare):
        raise NameUnknown("comparison", str(compare), get_args(Compare), "对比方式")
    return Query(
        tuple(str(name) for name in _list(payload, "measures")),
        tuple(str(name) for name in _list(payload, "by")),
        Period(_date(payload, "from"), _date(payload, "to")),
        where,
        cast(Compare | None, compare),
        bool(payload.get("total")),
        bool(payload.get("exact")),
    )


def _list(payload: Payload, key: str) -> Sequence[object]:
    value = payload.get(key) or []
    if not isinstance(value, (list, tuple)):
        raise QueryError(f"“{key}” must be a list.", f"“{key}”须为列表。")
    return value


def _date(payload: Payload, key: str) -> date | None:
    text = payload.get(key)
    if text is None or text == "":
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise QueryError(
            f"“{key}” must be a date like 2026-03-01, not “{text}”.", f"“{key}”须为 2026-03-01 这样的日期，而不是“{text}”。"
        ) from None


def _plain(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, (date, datetime)) else value for name, value in row.items()}
