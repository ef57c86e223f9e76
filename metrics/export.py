"""An answer as a file that stands by itself: CSV, Excel, Parquet or JSON, with filters, definitions and as-of written in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from data.commands import as_json
from metrics.api import Answer
from metrics.definitions import REGISTRY

FORMATS = (".csv", ".xlsx", ".parquet", ".json")
Row = Mapping[str, object]


def write(found: Answer, target: Path) -> None:
    """Write an answer of `metrics.api` in the format of the file's ending. CSV and Parquet carry the rows; the others also what they mean."""
    match target.suffix:
        case ".csv":
            target.write_text(as_csv(found), encoding="utf-8-sig")  # the mark lets Excel read Chinese
        case ".json":
            target.write_text(as_json(found), encoding="utf-8")
        case ".parquet":
            rows = pa.Table.from_pylist([dict(row) for row in cast(list[Row], found["rows"])])
            about = {word.encode(): text.encode() for word, text in _about(found)}
            pq.write_table(rows.replace_schema_metadata(about), target)
        case ".xlsx":
            target.write_bytes(as_xlsx(found))


def columns(found: Answer) -> list[str]:
    """The column names of the rows, dimensions first."""
    rows, by = cast(list[Row], found["rows"]), cast(list[str], found["by"])
    return list(rows[0]) if rows else [*by, *(str(measure["name"]) for measure in cast(list[Row], found["measures"]))]


def as_csv(found: Answer) -> str:
    """The rows; a missing value is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = columns(found)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in cast(list[Row], found["rows"]))
    return text.getvalue()


def as_xlsx(found: Answer) -> bytes:
    """A sheet of rows (and total), and a sheet that says what they are. Text is written as text, never as a formula."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet, names = book.add_worksheet("data"), columns(found)
    rows = cast(list[Row], found["rows"])
    total = cast("Row | None", found["total"])
    for i, name in enumerate(names):
        sheet.write_string(0, i, name)
        for j, row in enumerate([*rows, *([{names[0]: "total", **total}] if total is not None and found["by"] else [])], start=1):
            value = row.get(name)
            if isinstance(value, (int, float, Decimal)):
                sheet.write_number(j, i, float(value))
            elif value is not None:
                sheet.write_string(j, i, str(value))
    about = book.add_worksheet("about")
    for j, (word, text) in enumerate(_about(found)):
        about.write_string(j, 0, word)
        about.write_string(j, 1, text)
    book.close()
    return buffer.getvalue()


def _about(found: Answer) -> list[tuple[str, str]]:
    lines = [("filters", f"{found['filters']} / {found['filters_zh']}"), ("as of", str(found["as_of"] or ""))]
    for name in (str(measure["name"]) for measure in cast(list[Row], found["measures"])):
        measure = REGISTRY.measures[name]
        lines.append((name, f"{measure.en} / {measure.zh} [{measure.unit}]: {measure.note.en} / {measure.note.zh}"))
    notes = zip(cast(list[str], found["notes"]), cast(list[str], found["notes_zh"]), strict=True)
    return [*lines, *((f"note {i}", f"{en} / {zh}") for i, (en, zh) in enumerate(notes, start=1))]


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else value
