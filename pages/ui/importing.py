"""The import screen: files dropped, what loading each would do, and the loads under way; nothing a file says is taken for Markdown."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from data import imports, load, uploads
from data.errors import InputError, PieceworkError
from data.imports import Choice, Job
from data.owner import owner
from data.preview import fitting, preview
from data.tables import TABLES
from data.trial import Changed, Kind, Named, Trial, trial
from metrics.model import Field
from metrics.period import ALL
from metrics.scope import Scope
from pages.ui import access, layouts, records, refusals, states, text, trust
from pages.ui.dropped import DOUBTFUL, Dropped, said
from pages.ui.screen import View
from pages.ui.text import N_, NONE, _, ngettext, safe

ENDINGS = ["csv", "tsv", "txt", "xlsx", "json", "jsonl", "ndjson", "parquet"]
_POLL_S = 0.7
_SAMPLE = 8  # names in one line
# Lists that hold what a role may not see are not that role's to load either.
GUARDED: dict[str, Field] = {"prices": "client_prices", "rates": "pay"}
NEW: dict[Kind, str] = {
    "site": N_("Sites"),
    "team": N_("Teams"),
    "project": N_("Projects"),
    "worker": N_("People"),
    "batch": N_("Batches"),
}


# Dropping ------------------------------------------------------------------------------------------------------------------
def waiting(view: View) -> list[Dropped]:
    """The files waiting in this session, with those that have just arrived."""
    mine: list[Dropped] = st.session_state.setdefault("import_waiting", [])
    turn = st.session_state.setdefault("import_turn", 0)
    _uploader_words()
    arrived = st.file_uploader(
        _("Files to import"), ENDINGS, True, key=f"import_drop_{turn}", label_visibility="collapsed", max_upload_size=uploads.LIMIT_MB
    )
    larger = (
        _("Larger files go by the command line ({command}) or a drop folder.", command="`python -m data import`")
        if view.visitor.role == "admin"
        else _("Larger files are for an administrator, on the server.")
    )
    st.caption(
        text.sentences(
            _(
                "CSV, Excel, JSON or Parquet, in any encoding, up to {n} MB each; exports of known tools are recognised.",
                n=uploads.LIMIT_MB,
            ),
            larger,
        )
    )
    for file in arrived or ():
        try:
            mine.append(Dropped(uploads.keep(view.store.path, file.name, file)))
        except InputError as error:
            st.session_state.setdefault("import_refused", []).append(error)
        _let_go(file)
    if arrived:
        st.session_state["import_turn"] = turn + 1  # an empty uploader takes its place: the files are ours now
        st.rerun()
    for refused in st.session_state.pop("import_refused", []):
        st.error(safe(said(refused)), icon=":material/error:")
    return mine


def _let_go(file: Any) -> None:
    """Free the memory that Streamlit holds an uploaded file in."""
    context = get_script_run_ctx()
    remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context else None
    if context and remove:
        remove(session_id=context.session_id, file_id=file.file_id)


def _uploader_words() -> None:
    """Streamlit's uploader speaks English only: its button says ours, and its line on sizes and endings is replaced by the caption."""
    button, over = (html.escape(_css(words)) for words in (_("Choose files, or drop them here"), _("Drop them here")))
    area = "[class*=st-key-import_drop] [data-testid=stFileUploaderDropzone]"
    st.html(
        f"<style>{area} {{justify-content: center; align-items: center; min-height: 5.5rem}} {area} [data-testid=stFileUploaderDropzoneInstructions] {{display: none}}"
        f" {area} button [data-testid=stMarkdownContainer] p {{display: none}}"
        f' {area} button [data-testid=stMarkdownContainer]::after {{content: "{button}"}}'
        f' {area} > div > span {{display: none}} {area} > div:not([data-testid]):has(> span)::after {{content: "{over}"}}</style>'
    )


def _css(words: str) -> str:
    return words.replace("\\", "\\\\").replace('"', '\\"')


# One file --------------------------------------------------------------------------------------------------------------------
def file(view: View, one: Dropped, *, alone: bool) -> None:
    """What the file is, what loading it would do, why rows are refused, how it is read, and the button that imports it."""
    with st.container(border=True, key=f"import_file_{one.key}"):
        head = st.empty()
        if one.look is None and one.error is None:
            head.markdown(f":material/draft: **{safe(one.upload.name)}**")
            with st.spinner(_("Reading the first rows and trying them…")):
                find_out(view, one)
        head.markdown(" ".join((f":material/draft: **{safe(one.upload.name)}**", _what(one))))
        if one.error is not None:
            st.error(safe(said(one.error)), icon=":material/error:")
        if one.tried is not None:
            _would(view, one, one.tried)
            _warnings(view, one.tried)
        _buttons(view, one)
        if one.tried is not None:
            _refused(one)
            _changed(view, one)
        if one.look is not None and one.look.sheets:
            layouts.editor(view, one, alone=alone)


def find_out(view: View, one: Dropped) -> None:
    """Fill in what the file is and what loading it would do, or why that cannot be said. A fitting saved mapping is used by itself."""
    path, store = one.upload.path, view.store
    try:
        one.look = preview(path, table=one.choice.table, mapping=one.choice.mapping)
        if one.automatic and one.look.tool is None:
            found = next((layout for sheet in one.look.sheets if (layout := fitting(store, sheet.headers))), None)
            if found is not None:
                one.choice, one.layout = Choice(mapping=found), found.name
                one.look = preview(path, mapping=found)
        _may_load(view.scope, [sheet.table for sheet in one.look.sheets if sheet.table])
        if len(one.look.sheets) == 1 and one.choice == Choice() and one.look.tool is None:
            one.choice = Choice(table=one.look.sheets[0].table)
        if one.look.fits:
            writer = owner().writer
            one.tried = trial(store, path, one.choice, submit=lambda job: writer.submit(job).result())
    except PieceworkError as error:
        one.error, one.tried = error, None


def _may_load(scope: Scope, tables: Sequence[str]) -> None:
    """Raises NotAllowed when one of the lists holds what the visitor may not see."""
    for name in tables:
        if name in GUARDED:
            scope.require(frozenset((GUARDED[name],)), _(trust.TABLES[name]))


def _what(one: Dropped) -> str:
    """What it was recognised as, and how large it is."""
    size = text.decimal(one.upload.size / 1e6, 1) + " MB" if one.upload.size >= 100_000 else text.decimal(one.upload.size / 1e3, 1) + " kB"
    if one.look is None:
        return f":gray[{size}]"
    if one.look.tool:
        kind = _("export of {tool}", tool=one.look.tool)
    else:
        kinds = list(dict.fromkeys(_(trust.TABLES[sheet.table]) for sheet in one.look.sheets if sheet.table))
        kind = " · ".join(kinds) if kinds else _("not recognised")
        if one.layout:
            kind += " · " + _("mapping {name}", name=safe(one.layout))
    return f":primary-badge[{kind}] :gray[{size}]" if one.look.fits else f":orange-badge[{kind}] :gray[{size}]"


def _would(view: View, one: Dropped, tried: Trial) -> None:
    """The four fates of its rows, and what is to be known about them."""
    _fates(tried.count("new"), tried.count("updated"), tried.count("duplicates"), tried.count("rejected"))
    notes = []
    if not tried.whole:
        notes.append(
            _(
                "The first {n} rows were tried, of about {all}; importing takes all of them.",
                n=text.count(tried.read),
                all=text.short(tried.expected),
            )
        )
    if len(tried.parts) > 1:
        notes.append(" · ".join(_("{list}: {n} rows", list=_(trust.TABLES[part.table]), n=text.count(part.rows)) for part in tried.parts))
    if tried.count("undated"):
        notes.append(
            ngettext(
                "{n} row has no time: it counts in totals only.",
                "{n} rows have no time: they count in totals only.",
                tried.count("undated"),
            )
        )
    if tried.count("naive"):
        zone = one.choice.mapping.zone if one.choice.mapping and one.choice.mapping.zone else load.local_zone(view.store)
        notes.append(_("Times without a zone are read as those of {zone}.", zone=zone))
    if tried.count("rows") and tried.count("duplicates") == tried.count("rows"):
        notes.append(_("All of it is known already: importing it changes nothing."))
    if notes:
        st.caption("  \n".join(f":material/info: {words}" for words in notes))


def _fates(new: int, updated: int, known: int, refused: int) -> None:
    with st.grid(4, min_column_width=120, gap="small"):
        for name, n, meaning in (
            (_("New"), new, _("rows not known before")),
            (_("Changed"), updated, _("rows that replace an older version")),
            (_("Already known"), known, _("the same rows again: they change nothing")),
            (_("Refused"), refused, _("rows that cannot be read; they are in no number")),
        ):
            st.metric(name, text.short(n), help=meaning, border=True, height="stretch")


def _warnings(view: View, tried: Trial) -> None:
    """What is probably a mistake: many refused rows, a name that is nearly a known one; then the other new names."""
    rows, refused = tried.count("rows"), tried.count("rejected")
    if rows and refused > DOUBTFUL * rows:
        st.warning(
            _("{share} of the rows would be refused: probably a column is read wrongly. See below.", share=text.percent(refused / rows, 0)),
            icon=":material/warning:",
        )
    own = {"worker": "workers", "project": "projects", "site": "sites", "team": "teams", "batch": "batches"}
    described = {part.table for part in tried.parts}
    for named in tried.named:
        near = {} if own[named.kind] in described else _visible(view, named)
        if near:
            pairs = " · ".join(f"**{safe(new)}** → {safe(known)}?" for new, known in list(near.items())[:_SAMPLE])
            st.warning(
                _(
                    "For the first time, and nearly a known one: {kind} {pairs} If the known one is meant, correct the file.",
                    kind=_(NEW[named.kind]),
                    pairs=pairs,
                ),
                icon=":material/warning:",
            )
        others = [safe(name) for name in named.ids if name not in near][:_SAMPLE]
        if others:
            more = " …" if named.count - len(near) > len(others) else ""
            st.caption(
                _(
                    "For the first time: {kind} {n} ({names})",
                    kind=_(NEW[named.kind]),
                    n=text.count(named.count),
                    names=text.listed(others) + more,
                )
            )


def _visible(view: View, named: Named) -> dict[str, str]:
    """The known names that new ones resemble, as far as the visitor may see them."""
    if not named.near or (view.scope.sites is None and view.sees_people):
        return dict(named.near)
    if named.kind == "batch" or (named.kind == "worker" and not view.sees_people):
        return {}
    mine = set(view.ask("submissions", by=named.kind, period=ALL).ids())
    return {new: known for new, known in named.near.items() if known in mine}


def _refused(one: Dropped) -> None:
    tried = one.tried
    if tried is None or not tried.refused:
        return
    n = tried.count("rejected")
    words = ngettext("Why {n} row would be refused", "Why {n} rows would be refused", n)
    place = st.expander(words, icon=":material/block:", key=f"import_why_{one.key}", on_change="rerun")
    if not place.open:
        return
    with place:
        for (table, code, column), rows in sorted(tried.reasons.items(), key=lambda item: -item[1])[:_SAMPLE]:
            st.markdown(f"**{text.count(rows)}** × {safe(refusals.sentence(table, code, column, '…'))}")
        if n > len(tried.refused):
            st.caption(_("The first {n} of {all}; after importing all can be downloaded.", n=len(tried.refused), all=text.count(n)))
        records.show(
            refusals.listed(tried.refused),
            key=f"import_refused_{one.key}",
            title=_("Refused rows"),
            brief=[_("Line"), _("Value"), _("Reason")],
            wide=[_("Reason")],
        )


def _changed(view: View, one: Dropped) -> None:
    """Before and after, of rows that the visitor may see."""
    tried = one.tried
    if tried is None or not tried.count("updated"):
        return
    sites = view.scope.sites
    seen = [row for row in tried.changed if sites is None or (row.site is not None and row.site in sites)]
    rows: list[tuple[Changed, str, str | None, str | None]] = [
        (row, d.column, d.before, d.after) for row in seen for d in row.differences if row.table in TABLES
    ]
    words = ngettext("What changes in {n} row", "What changes in {n} rows", tried.count("updated"))
    place = st.expander(words, icon=":material/compare_arrows:", key=f"import_what_{one.key}", on_change="rerun")
    if not place.open:
        return
    with place:
        if not rows:
            st.caption(":material/lock: " + _("What was there before is shown to those who look after all of its sites."))
            return
        records.show(
            {
                _("Row"): [row.key for row, *_rest in rows],
                _("Column"): [refusals.column(row.table, name) for row, name, *_rest in rows],
                _("Was"): [_value(name, was) for _row, name, was, _now in rows],
                _("Becomes"): [_value(name, now) for _row, name, _was, now in rows],
            },
            key=f"import_changed_{one.key}",
            title=_("Changed rows"),
        )


def _value(name: str, cell: str | None) -> str:
    return NONE if cell is None else refusals.choice(name, cell)


def _buttons(view: View, one: Dropped) -> None:
    with st.container(horizontal=True, gap="small"):
        if one.tried is not None:
            taken = one.tried.count("rows") - one.tried.count("rejected")
            words = ngettext("Import {n} row", "Import {n} rows", taken) if one.tried.whole else _("Import all rows")
            if st.button(words, type="primary", icon=":material/download_done:", key=f"import_go_{one.key}", disabled=not taken):
                begin(view, one)
                st.rerun()
        if st.button(_("Remove"), icon=":material/close:", key=f"import_remove_{one.key}"):
            leave(one)
            st.rerun()


def begin(view: View, one: Dropped) -> None:
    """Hand the file to the writer. Raises NotAllowed for lists that are not the visitor's to load."""
    who = access.require(view.name)
    if one.tried is None:
        return
    _may_load(who.scope, [part.table for part in one.tried.parts])
    imports.start(owner(), one.upload, one.choice, by=view.visitor.name, expected=one.tried.expected)
    st.session_state["import_waiting"].remove(one)


def leave(one: Dropped) -> None:
    """Forget a file that was not imported."""
    one.upload.discard()
    st.session_state["import_waiting"].remove(one)


_ORDER = ("sites", "teams", "projects", "workers", "assignments")


def all_of_them(view: View, waiting: Sequence[Dropped]) -> None:
    """With several files, one button that imports all that can be, lists of sites and people first: the work refers to them."""
    ready = [one for one in waiting if one.tried is not None and one.tried.count("rows") > one.tried.count("rejected")]
    if len(ready) < 2:
        return

    def place(one: Dropped) -> int:
        tables = [part.table for part in one.tried.parts] if one.tried else []
        return min((_ORDER.index(name) if name in _ORDER else len(_ORDER) for name in tables), default=len(_ORDER))

    if st.button(_("Import all {n} files", n=len(ready)), type="primary", icon=":material/done_all:", key="import_all"):
        for one in sorted(ready, key=place):
            begin(view, one)
        st.rerun()


# Under way and done -------------------------------------------------------------------------------------------------------
def under_way(view: View) -> None:
    """Imports of this visitor, found again wherever they look next; while one runs this part draws itself anew by itself."""
    running = any(job.running for job in imports.jobs(owner(), view.visitor.name))

    def draw() -> None:
        try:
            mine = imports.jobs(owner(), access.require(view.name).name)  # asked anew: nobody else asks while this part draws itself
        except PieceworkError as error:
            states.broken(error)
            return
        for job in mine:
            _job(view, job)
        if running and not any(job.running for job in mine):
            st.rerun()  # the list of loads has one more

    fragment: Callable[[], None] = st.fragment(draw, run_every=_POLL_S if running else None)
    fragment()


def _job(view: View, job: Job) -> None:
    with st.container(border=True, key=f"import_job_{job.id}"):
        name = f"**{safe(job.file)}**"
        if job.state == "waiting":
            st.progress(0.0, text=_("{file}: waits for its turn", file=name))
        elif job.running:
            words = (
                _(
                    "{file}: {n} rows read, now compared and added up · {time}",
                    file=name,
                    n=text.count(job.read),
                    time=text.span(job.seconds),
                )
                if job.state == "settling"
                else _("{file}: {n} rows read · {time}", file=name, n=text.count(job.read), time=text.span(job.seconds))
            )
            st.progress(job.share, text=words)
            st.caption(_("You may leave this screen: the import goes on, and its result stands here when you come back."))
        elif job.error is not None:
            st.error(safe(job.file) + ": " + safe(said(job.error)), icon=":material/error:")
            _done_with(job)
        else:
            st.markdown(f":material/check_circle: {name} " + _("is in, after {time}.", time=text.span(max(1.0, job.seconds))))
            _fates(job.count("new"), job.count("updated"), job.count("duplicates"), job.count("rejected"))
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                if job.count("rejected"):
                    _download(job)
                for one in access.allowed(view.visitor.role):
                    if one.name in ("throughput", "quality", "headcount", "trust"):
                        st.page_link(one.file, label=_(one.title), icon=one.icon)
                _done_with(job)


def _download(job: Job) -> None:
    language = text.lang()

    def make() -> bytes:
        with text.speaking(language):
            return records.written(refusals.listed(job.rejects()))

    st.download_button(
        ngettext("{n} refused row", "{n} refused rows", job.count("rejected")),
        make,
        file_name=_("refused rows of {file}", file=job.file) + ".csv",
        mime="text/csv",
        key=f"import_rejects_{job.id}",
        icon=":material/download:",
        on_click="ignore",
    )


def _done_with(job: Job) -> None:
    if st.button(_("Close"), type="tertiary", icon=":material/close:", key=f"import_close_{job.id}"):
        imports.forget(owner(), job)
        st.rerun(scope="app")


def nothing_yet(view: View) -> None:
    """What to do, while nothing is dropped and nothing is under way."""
    if imports.jobs(owner(), view.visitor.name):
        return
    states.card(
        ":material/upload_file:",
        _("Drop a file to see what it would bring"),
        _(
            "Nothing is taken in before you say so: first you see what is new, what changes, what is known already and what is refused, and why."
        ),
        _("The list of sites first, then people, then work and reviews; any other order works too."),
    )
