"""Everything can leave: CSV, Excel with filters, definitions and as-of written in, Parquet. Made when the button is pressed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st
import xlsxwriter

from pages.ui import numbers, text
from pages.ui.ask import TIMES, Answer
from pages.ui.text import _, missing, say, speaking

_RISKY = ("=", "+", "-", "@", "\t", "\r")


def buttons(answer: Answer, *, title: str, key: str) -> None:
    """Three quiet buttons under a table. The files hold all digits and the reader's words; the work is done on the click."""
    language = text.lang()
    stem = f"{title} {datetime.now(UTC):%Y-%m-%d}"

    def later(make: Callable[[Answer, str], bytes]) -> Callable[[], bytes]:
        def work() -> bytes:
            with speaking(language):
                return make(answer, title)

        return work

    with st.container(horizontal=True, gap="small"):
        for name, make, ending, mime in (
            ("CSV", csv, "csv", "text/csv"),
            ("Excel", excel, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ("Parquet", parquet, "parquet", "application/vnd.apache.parquet"),
        ):
            st.download_button(
                name,
                later(make),
                file_name=f"{stem}.{ending}",
                mime=mime,
                key=f"{key}_{ending}",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )


def frame(answer: Answer) -> pd.DataFrame:
    """The answer with ids, names and all measures, headed as people say them; numbers unrounded, dates as dates."""
    table: dict[str, object] = {}
    for dimension in answer.result.by:
        head = say(dimension.label)
        if dimension.name in TIMES:
            table[head] = [None if missing(d) else d.date() for d in answer.frame[dimension.name]]
        else:
            table[_("{dimension}, id", dimension=head)] = answer.ids(dimension.name)
            table[head] = answer.labels(dimension.name)
    for m in answer.result.measures:
        if m.name in answer.frame:
            table[numbers.header(m)] = answer.frame[m.name].to_list()
            for part, words in (("n", "n"), ("low", _("95% low")), ("high", _("95% high"))):
                if f"{m.name}_{part}" in answer.frame:
                    table[f"{numbers.name(m)} {words}"] = answer.frame[f"{m.name}_{part}"].to_list()
            if answer.result.before is not None:
                table[_("{measure}, before", measure=numbers.header(m))] = answer.before(m.name)
    return pd.DataFrame(table)


def csv(answer: Answer, title: str) -> bytes:
    """UTF-8 with a mark, so that Excel reads Chinese; words that a spreadsheet would take for a formula are quoted with '."""
    out = frame(answer)
    for column in out.columns:
        out[column] = [f"'{v}" if isinstance(v, str) and v.startswith(_RISKY) else v for v in out[column]]
    return out.to_csv(index=False).encode("utf-8-sig")


def parquet(answer: Answer, title: str) -> bytes:
    """The same table, typed."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame(answer), preserve_index=False), sink)
    return sink.getvalue()


def excel(answer: Answer, title: str) -> bytes:
    """A workbook: the table, and a sheet that says what was asked, what each number means, and as of when."""
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(
        sink, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd"}
    )
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    data = frame(answer)
    sheet = book.add_worksheet(_("Data"))
    for x, head in enumerate(data.columns):
        sheet.write_string(0, x, str(head), bold)
        sheet.set_column(x, x, max(10, min(28, 2 * len(str(head)))))
        for y, value in enumerate(data[head], start=1):
            if missing(value):
                continue
            if isinstance(value, str):
                sheet.write_string(y, x, value)
            elif hasattr(value, "isoformat"):
                sheet.write_datetime(y, x, value)
            else:
                sheet.write_number(y, x, float(value))
    sheet.freeze_panes(1, 0)
    about = book.add_worksheet(_("About"))
    about.set_column(0, 0, 26)
    about.set_column(1, 1, 100, wrap)
    for y, (head, words) in enumerate(_about(answer, title)):
        about.write_string(y, 0, head, bold)
        about.write_string(y, 1, words, wrap)
    book.close()
    return sink.getvalue()


def _about(answer: Answer, title: str) -> list[tuple[str, str]]:
    result = answer.result
    as_of = result.as_of.isoformat(sep=" ", timespec="seconds") + " UTC" if result.as_of else text.NONE
    rows = [(_("Table"), title), (_("Filters"), say(result.filters)), (_("Period"), say(result.query.period.label)), (_("Data to"), as_of)]
    rows += [(numbers.header(m), say(m.note)) for m in result.measures]
    return rows + [(_("Note"), words) for words in answer.notes]
