"""Rows pushed over HTTP: from a request body to one report per push, small pushes sharing a transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import NoReturn

from data import load, mapping, tables
from data.errors import InputError
from data.facts import LOGS, Fate
from data.store import Store
from data.tables import Batch, Reject

MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Push:
    """The rows of one request, and under whose name they come."""

    table: str
    source: str
    records: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that was not taken: its place in the body (from 0), the code, the column and the reason in both languages."""

    index: int
    code: str
    column: str | None
    reason: str
    reason_zh: str


@dataclass(frozen=True, slots=True)
class PushReport:
    """What became of one push once it is on disk; rows = new + updated + duplicates + rejected."""

    table: str
    rows: int
    new: int
    updated: int
    duplicates: int
    rejected: int
    undated: int
    rejects: tuple[Refused, ...]


def records(body: bytes) -> list[dict[str, object]]:
    """The rows of a body: a JSON array of objects, or one JSON object a line (NDJSON). Numbers with a point come as Decimal.

    Raises InputError naming the row or line that cannot be read; then nothing is taken.

    >>> records(b'[{"event_id": "e1"}]') == records(b'{"event_id": "e1"}')
    True
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"The body is not UTF-8 text (byte {error.start}).", f"请求体不是 UTF-8 文本（第 {error.start} 字节）。") from None
    if text.lstrip()[:1] == "[":
        found = _parsed(text, "The body", "请求体")
        where, where_zh = "Row {} of the array (from 0)", "数组第 {} 项（从 0 起）"
        numbered = list(enumerate(found)) if isinstance(found, list) else []
    else:
        numbered = [
            (number, _parsed(line, f"Line {number}", f"第 {number} 行"))
            for number, line in enumerate(text.split("\n"), start=1)
            if line.strip()
        ]
        where, where_zh = "Line {}", "第 {} 行"
    if len(numbered) > MAX_ROWS:
        raise InputError(f"A body takes at most {MAX_ROWS:,} rows: send it in parts.", f"每次最多 {MAX_ROWS:,} 行，请分批发送。")
    rows: list[dict[str, object]] = []
    for number, row in numbered:
        if not isinstance(row, dict):
            raise InputError(f"{where.format(number)} is not a JSON object.", f"{where_zh.format(number)}不是 JSON 对象。")
        rows.append(row)
    return rows


def _parsed(text: str, where: str, where_zh: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        line, column = error.lineno, error.colno
        raise InputError(
            f"{where} is not JSON: {error.msg}, at line {line}, column {column}.",
            f"{where_zh}不是有效的 JSON：第 {line} 行第 {column} 列有误。",
        ) from None
    except (ValueError, RecursionError):
        raise InputError(
            f"{where} is not JSON: it is nested too deep, or holds NaN, Infinity or a number of thousands of digits.",
            f"{where_zh}不是有效的 JSON：嵌套过深，或含有 NaN、Infinity 或过长的数字。",
        ) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def commit(store: Store, pushes: list[Push]) -> Sequence[PushReport | Exception]:
    """Load the pushes and report on each; it returns after the commit.

    Neighbours that send work and reviews of the same source share one transaction; when one of them fails, each half of them is
    tried by itself.
    """
    answers: list[PushReport | Exception] = []
    for _, together in groupby(enumerate(pushes), lambda one: (one[1].source, -1 if one[1].table in LOGS else one[0])):
        answers += _commit(store, [one for _, one in together])
    return answers


def _commit(store: Store, pushes: list[Push]) -> Sequence[PushReport | Exception]:
    try:
        return _load(store, pushes)
    except Exception as error:
        if len(pushes) == 1:
            return [error]
        half = len(pushes) // 2
        return [*_commit(store, pushes[:half]), *_commit(store, pushes[half:])]


def _load(store: Store, pushes: list[Push]) -> list[PushReport]:
    zone = load.local_zone(store)
    batches = [mapping.from_records(push.table, push.records, zone=zone) for push in pushes]
    with store.transaction() as cur:
        reports = {one.table: one for one in load.load_into(store, cur, batches, source=pushes[0].source, by_part=len(pushes) > 1)}
    if len(pushes) == 1:
        whole = reports[pushes[0].table]
        return [_report(batches[0], whole.new, whole.updated, whole.duplicates, whole.undated, whole.rejects)]
    told = [(batch, reports[batch.table].parts.get(part, Fate())) for part, batch in enumerate(batches)]
    return [_report(batch, one.new, one.updated, one.duplicates, one.undated, batch.rejects) for batch, one in told]


def _report(batch: Batch, new: int, updated: int, duplicates: int, undated: int, rejects: Sequence[Reject]) -> PushReport:
    refused = tuple(
        Refused(one.line, one.code, one.column, *tables.reason(one.code, batch.table, one.column, one.value)) for one in rejects
    )
    return PushReport(batch.table, batch.read, new, updated, duplicates, len(refused), undated, refused)
