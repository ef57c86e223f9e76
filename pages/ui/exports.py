"""Everything can leave: CSV, Excel with filters, definitions and as-of written in, Parquet. Made when the button is pressed."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st
import xlsxwriter

from metrics.definitions import REGISTRY
from metrics.reach import Reach
from metrics.scope import Scope
from pages.ui import numbers, text
from pages.ui.ask import TIMES, Answer, label
from pages.ui.text import _, missing, say, speaking

if TYPE_CHECKING:
    from pages.ui.tables import Given

_RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What leaves: an answer, what was worked out beside it, and how far the facts reach that its reader may see."""

    title: str
    answer: Answer
    fresh: Reach
    scope: Scope
    given: Sequence[Given] = ()


def buttons(table: Table, *, key: str) -> None:
    """Three quiet buttons under a table. The files hold all digits and the reader's words; the work is done on the click."""
    language, currency = text.lang(), numbers.currency()  # the click is answered outside the session
    stem = f"{table.title} {table.fresh.today}"

    def later(make: Callable[[Table], bytes]) -> Callable[[], bytes]:
        def work() -> bytes:
            with speaking(language), numbers.paid_in(currency):
                return make(table)

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


def frame(table: Table) -> pd.DataFrame:
    """Ids, names, what was worked out and all measures, headed as people say them; numbers unrounded, dates as dates."""
    answer = table.answer
    found: dict[str, object] = {}
    for dimension in answer.result.by:
        head = say(dimension.label)
        if dimension.name in TIMES:
            found[head] = [None if missing(d) else d.date() for d in answer.frame[dimension.name]]
        else:
            found[_("{dimension}, id", dimension=head)] = answer.ids(dimension.name)
            found[head] = answer.labels(dimension.name)
    for given in table.given:
        found[given.title] = given.values
        for values, words in ((given.low, _("95% low")), (given.high, _("95% high"))):
            if values:
                found[f"{given.title} {words}"] = values
    for m in answer.result.measures:
        if m.name in answer.frame:
            found[numbers.header(m)] = answer.frame[m.name].to_list()
            for part, words in (("n", "n"), ("low", _("95% low")), ("high", _("95% high"))):
                if f"{m.name}_{part}" in answer.frame:
                    found[f"{numbers.name(m)} {words}"] = answer.frame[f"{m.name}_{part}"].to_list()
            if answer.result.before is not None:
                found[_("{measure}, before", measure=numbers.header(m))] = answer.before(m.name)
    return pd.DataFrame(found)


def csv(table: Table) -> bytes:
    """UTF-8 with a mark, so that Excel reads Chinese; words that a spreadsheet would take for a formula are quoted with '."""
    out = frame(table)
    for column in out.columns:
        out[column] = [f"'{v}" if isinstance(v, str) and v.startswith(_RISKY) else v for v in out[column]]
    return out.to_csv(index=False).encode("utf-8-sig")


def parquet(table: Table) -> bytes:
    """The same table, typed."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame(table), preserve_index=False), sink)
    return sink.getvalue()


def excel(table: Table) -> bytes:
    """A workbook: the table, and a sheet that says what was asked, what each number means, and as of when."""
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(
        sink, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd"}
    )
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    data = frame(table)
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
    for y, (head, words) in enumerate(_about(table)):
        about.write_string(y, 0, head, bold)
        about.write_string(y, 1, words, wrap)
    book.close()
    return sink.getvalue()


def _about(table: Table) -> list[tuple[str, str]]:
    result, scope = table.answer.result, table.scope
    own = [(name, sorted(ids)) for name, ids in (("site", scope.sites), ("team", scope.teams)) if ids is not None]
    limits, filters = ([_named(table, *one) for one in conditions] for conditions in (own, result.query.filters))
    rows = [(_("Table"), table.title)]
    rows += [(_("Limited to: {dimension}", dimension=head), words) for head, words in limits]
    rows += [(_("Filter: {dimension}", dimension=head), words) for head, words in filters] or [(_("Filters"), text.NONE)]
    rows.append((_("Period"), say(result.query.period.label)))
    if result.before is not None and result.query.compare:
        rows.append((_("Compared with"), say(result.query.period.before(result.query.compare).label)))
    rows.append((_("Data to"), _moment(table.fresh)))
    rows += [(given.title, given.help) for given in table.given if given.help]
    rows += [(numbers.header(m), say(m.note)) for m in result.measures]
    return rows + [(_("Note"), words) for words in table.answer.notes]


def _named(table: Table, dimension: str, values: Sequence[str]) -> tuple[str, str]:
    """What people call a dimension and these values of it."""
    return say(REGISTRY.dimensions[dimension].label), text.listed(label(table.answer.store, dimension, value) for value in values)


def _moment(fresh: Reach) -> str:
    """The newest instant on the clock of the reader's sites, as the screen tells it, with its date."""
    at = fresh.as_of
    return f"{at.astimezone(ZoneInfo(fresh.zone)):%Y-%m-%d %H:%M:%S} · {text.offset(fresh.zone, at)}" if at else text.NONE
