"""How a dropped file is read, column by column, with its first rows; what was guessed can be corrected, and kept as a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from zoneinfo import available_timezones

import streamlit as st

from data import connections, load
from data import mapping as saved
from data.connectors.registry import connector
from data.errors import PieceworkError
from data.imports import Choice
from data.mapping import BUILTINS
from data.mapping import Mapping as Layout
from data.owner import owner
from data.preview import Sheet
from data.tables import TABLES
from data.values import DATED, NUMERIC
from pages.ui import refusals, text, trust
from pages.ui.dropped import DOUBTFUL, Dropped, said
from pages.ui.screen import View
from pages.ui.text import N_, _, safe

SHOWN = 60  # columns that can be corrected one by one; what else there is, is kept unless its header is known
ORDERS: dict[str, str] = {
    "": N_("as the file shows"),
    "dmy": N_("day first (31/12/2026)"),
    "mdy": N_("month first (12/31/2026)"),
    "ymd": N_("year first (2026/12/31)"),
}
SIGNS: dict[str, str] = {"": N_("as the file shows"), ".": N_("point (1,234.5)"), ",": N_("comma (1.234,5)")}
UNITS: dict[str, str] = {
    "": N_("as the header says, else seconds"),
    "ms": N_("milliseconds"),
    "s": N_("seconds"),
    "min": N_("minutes"),
    "h": N_("hours"),
}


def editor(view: View, one: Dropped, *, alone: bool) -> None:
    """The columns of the file with their first values and what they are read as; open where something is missing."""
    look = one.look
    if look is None:
        return
    fitting = [sheet for sheet in look.sheets if sheet.fits] or list(look.sheets)
    doubtful = one.tried is not None and one.tried.count("rejected") > DOUBTFUL * max(1, one.tried.count("rows"))
    broken = one.tried is None or not one.automatic or (alone and doubtful)
    place = st.expander(_("How it is read"), expanded=broken, icon=":material/table_rows:", key=f"import_how_{one.key}", on_change="rerun")
    if not place.open:
        return
    with place:
        if look.tool:
            st.caption(_("An export of {tool}: its columns are known and need no correction.", tool=look.tool))
            _whose(view, one, look.tool)
            _first_rows(look.sheets[0])
            return
        if len(fitting) > 1:
            st.caption(_("A workbook with several lists: to correct how one is read, save its sheet as a file of its own."))
            for sheet in look.sheets:
                kind = _(trust.TABLES[sheet.table]) if sheet.table else _("not recognised")
                st.markdown(f"**{safe(sheet.name)}** · {kind}")
                _first_rows(sheet)
            return
        _correct(view, one, fitting[0])


def _whose(view: View, one: Dropped, tool: str) -> None:
    """Of several connections to the tool, the one whose ids the export has."""
    sources = [known.source for known in connections.connections(view.store) if connector(known.tool).title == tool]
    if len(sources) < 2:
        return
    now = sources.index(one.choice.source) if one.choice.source in sources else None
    source = st.selectbox(
        _("Exported from"), sources, index=now, placeholder=_("choose a connection"), key=f"import_source_{one.key}_{one.choice.source}"
    )
    if source is not None and source != one.choice.source:
        one.read_so(Choice(source=source))
        st.rerun()


def _first_rows(sheet: Sheet) -> None:
    """Headers down, the first values across, with what each column is read as."""
    read = {header: name for name, header in sheet.columns.items()}
    st.dataframe(
        {
            _("Column in the file"): list(sheet.headers),
            _("First values"): [_values(sheet, place) for place in range(len(sheet.headers))],
            **(
                {_("Read as"): [refusals.column(sheet.table, read[h]) if h in read else _("kept, not used") for h in sheet.headers]}
                if sheet.table
                else {}
            ),
        },
        hide_index=True,
        alt=_("How it is read"),
        key=f"import_rows_{safe(sheet.name)}",
    )


def _headed(header: str, values: str) -> str:
    return f"**{safe(header)}** :gray[{safe(values)}]"


def _values(sheet: Sheet, place: int) -> str:
    return " · ".join(row[place] for row in sheet.rows if row[place]) or text.NONE


# Correcting ----------------------------------------------------------------------------------------------------------------
def _correct(view: View, one: Dropped, sheet: Sheet) -> None:
    kinds = {name: _(trust.TABLES[name]) for name in TABLES}
    left, right = st.columns(2)
    table = left.selectbox(
        _("The rows are"),
        list(kinds),
        index=list(kinds).index(sheet.table) if sheet.table else None,
        format_func=kinds.__getitem__,
        placeholder=_("choose a list"),
        key=f"import_table_{one.key}_{sheet.table}",
    )
    names = {"": _("by the headers"), **{name: name for name in saved.names(view.store)}}
    layout = right.selectbox(
        _("Saved mapping"),
        list(names),
        index=list(names).index(one.layout) if one.layout in names else 0,
        format_func=names.__getitem__,
        key=f"import_layout_{one.key}_{one.layout}",
    )
    if layout != (one.layout or ""):
        try:
            chosen = saved.get(view.store, layout) if layout else None
        except PieceworkError as error:  # somebody else removed it meanwhile
            st.error(safe(said(error)))
            return
        one.read_so(Choice(mapping=chosen), layout or None)
        st.rerun()
    if table is None:
        st.caption(":material/info: " + _("None of its headers is known: say what the rows are, then what each column holds."))
        return
    if table != sheet.table:
        one.read_so(Choice(table=table))
        st.rerun()
    _columns(view, one, sheet, table)
    _save(view, one)


def _columns(view: View, one: Dropped, sheet: Sheet, table: str) -> None:
    """One choice a column of the file, then how dates, numbers and times are written; tried again when the button is pressed."""
    spec = TABLES[table]
    fields = {"": _("kept, not used")} | {c.name: refusals.column(table, c.name) + (" *" if c.required else "") for c in spec.columns}
    read = {header: name for name, header in sheet.columns.items()}
    was = one.choice.mapping or Layout("import", table)
    if sheet.missing:
        named = text.listed(refusals.column(table, name) for name in sheet.missing)
        st.warning(_("Still to be found among the columns, or to be given for all rows: {names}", names=named), icon=":material/help:")

    form = st.form(f"import_form_{one.key}_{table}_{one.layout}", border=False)
    chosen: dict[str, str] = {}
    with form:
        st.caption(_("Each column of the file, its first values, and what it is read as. * has to be there."))
        for place, header in enumerate(sheet.headers[:SHOWN]):
            beside, field = st.columns([3, 2], vertical_alignment="center")
            beside.markdown(_headed(header, _values(sheet, place)))
            chosen[header] = field.selectbox(
                safe(header), list(fields), index=list(fields).index(read.get(header, "")), format_func=fields.__getitem__, key=f"import_col_{one.key}_{table}_{one.layout}_{place}",
                label_visibility="collapsed",
            )  # fmt: skip
        if len(sheet.headers) > SHOWN:
            st.caption(_("The other {n} columns are read by their headers.", n=len(sheet.headers) - SHOWN))
        constants = _same_for_all(one, sheet, table, was)
        zone, order, sign, unit = _writing(view, one, table, was)
        again = st.form_submit_button(_("Try it so"), icon=":material/refresh:")
    if again:
        doubled = {name for name in chosen.values() if name and list(chosen.values()).count(name) > 1}
        if doubled:
            st.error(
                _(
                    "Two columns cannot both be {names}: leave one of them unused.",
                    names=text.listed(refusals.column(table, name) for name in sorted(doubled)),
                ),
                icon=":material/error:",
            )
            return
        columns = {name: header for header, name in chosen.items() if name}
        timed = {c.name: unit for c in spec.columns if c.name in columns and _timed(table, c.name)} if unit else {}
        try:
            layout = Layout(
                was.name, table, columns, {name: value for name, value in constants.items() if name not in columns},
                order or None, sign or None, zone or None, was.choices if was.table == table else {},  # type: ignore[arg-type]
                tuple(header for header, name in chosen.items() if not name), timed,
            )  # fmt: skip
        except PieceworkError as error:
            st.error(safe(said(error)), icon=":material/error:")
            return
        one.read_so(Choice(mapping=layout), one.layout)
        st.rerun()


def _same_for_all(one: Dropped, sheet: Sheet, table: str, was: Layout) -> dict[str, str]:
    """A value for all rows, for each required column that the file lacks."""
    given = was.constants if was.table == table else {}
    wanted = dict.fromkeys((*sheet.missing, *given))
    found: dict[str, str] = {}
    for name in wanted:
        value = st.text_input(
            _("{column}, the same for all rows", column=refusals.column(table, name)),
            given.get(name, ""),
            key=f"import_same_{one.key}_{table}_{name}",
        )
        if value.strip():
            found[name] = value.strip()
    return found


def _writing(view: View, one: Dropped, table: str, was: Layout) -> tuple[str, str, str, str]:
    """Zone, order of day and month, decimal sign and unit of time, where the list has such columns; empty for “as it is”."""
    kinds = {c.kind for c in TABLES[table].columns}
    zone = order = sign = unit = ""
    zones = {"": _("that of the sites ({zone})", zone=load.local_zone(view.store)), **{name: name for name in _zones()}}
    with st.container(horizontal=True, gap="small"):
        if "instant" in kinds:
            zone = st.selectbox(
                _("Time zone"), list(zones), index=list(zones).index(was.zone or "") if (was.zone or "") in zones else 0, format_func=zones.__getitem__,
                key=f"import_zone_{one.key}_{table}_{one.layout}", width=270,
            )  # fmt: skip
        if kinds & set(DATED):
            order = _one_of(_("Dates"), ORDERS, was.date_order, f"import_order_{one.key}_{table}_{one.layout}")
        if kinds & set(NUMERIC):
            sign = _one_of(_("Decimal sign"), SIGNS, was.decimal, f"import_sign_{one.key}_{table}_{one.layout}")
        if any(_timed(table, c.name) for c in TABLES[table].columns):
            unit = _one_of(_("Lengths of time"), UNITS, next(iter(was.units.values()), None), f"import_unit_{one.key}_{table}_{one.layout}")
    return zone, order, sign, unit


def _timed(table: str, name: str) -> bool:
    return TABLES[table].column(name).kind == "seconds" or name == "rostered_minutes"


def _one_of(title: str, words: Mapping[str, str], was: str | None, key: str) -> str:
    sentences = {value: _(sentence) for value, sentence in words.items()}
    return st.selectbox(
        title, list(sentences), index=list(sentences).index(was or ""), format_func=sentences.__getitem__, key=key, width=220
    )


@cache
def _zones() -> tuple[str, ...]:
    first = ("Asia/Shanghai", "UTC")
    return (*first, *(name for name in sorted(available_timezones()) if "/" in name and name not in first and not name.startswith("Etc/")))


def _save(view: View, one: Dropped) -> None:
    """Keep the corrections under a name: the next file with these headers is read so by itself."""
    layout = one.choice.mapping
    if layout is None or one.tried is None:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        own = one.layout if one.layout and one.layout not in BUILTINS else ""
        name = st.text_input(_("Keep this as a mapping named"), own, key=f"import_name_{one.key}", max_chars=80, width=210)
        if not st.button(_("Save"), icon=":material/save:", key=f"import_save_{one.key}", disabled=not name.strip()):
            return
    if name.strip() != own and name.strip() in saved.names(view.store):
        st.error(_("There is a mapping of that name already: choose another."), icon=":material/error:")
        return
    kept = Layout(
        name.strip(), layout.table, layout.columns, layout.constants, layout.date_order, layout.decimal, layout.zone, layout.choices, layout.ignored,
        layout.units,
    )  # fmt: skip
    try:
        owner().writer.submit(lambda store: saved.save(store, kept)).result()
    except PieceworkError as error:
        st.error(safe(said(error)), icon=":material/error:")
        return
    one.choice, one.layout = Choice(mapping=kept), kept.name
    st.toast(_("Saved: the next file with these headers is read so by itself."))
