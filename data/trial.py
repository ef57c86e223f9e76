"""What loading a file would do: it is loaded in a transaction that is rolled back, so that counts and refusals are the load's own.

People, projects and all lists are really brought up to date, work and reviews really compared with the log; only what follows
from them (rounds, roll-ups, earnings), which changes no count, is left out, so that the writer is not held for long.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data import facts
from data.codes import ACTIONS, CLOCKS, STAGES, VERDICTS
from data.facts import Fate, Log
from data.imports import Choice, incoming
from data.load import Loading, LoadReport
from data.reference import REFERENCES, Reference
from data.store import Store
from data.tables import Batch, Reject
from data.words import plain

ROWS = 200_000  # compared with 50 million logged rows in half a second, two on a busy machine
READ_S = 6.0  # after which no more is read
SHOWN = 50  # refused rows, and changed rows, in a trial
NAMED = 20  # new names of a kind
Kind = Literal["site", "team", "project", "worker", "batch"]
KINDS: tuple[Kind, ...] = ("site", "team", "project", "worker", "batch")
Submit = Callable[[Callable[[Store], Any]], Any]
"""Does a job on the store where writing is allowed, and gives its answer."""


@dataclass(frozen=True, slots=True)
class Part:
    """What would become of the rows of one table: rows = new + updated + duplicates + rejected."""

    table: str
    rows: int
    new: int
    updated: int
    duplicates: int
    rejected: int
    undated: int
    naive: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One column of a row that would change; values as text, None where there is none."""

    column: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """One row that would replace another. `site` is where the old row counts now; None for rows of no one site (a price, a person)."""

    table: str
    key: str
    site: str | None
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Ids that would come up for the first time: how many, the first of them, and for each that resembles a known one, that one."""

    kind: Kind
    count: int
    ids: tuple[str, ...]
    near: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trial:
    """What loading would do. Unless `whole`, only the first `read` rows were tried; `expected` guesses all rows of the file.

    `refused` and `changed` are the first of each, `reasons` counts all refused rows by table, code and column.
    """

    source: str
    parts: tuple[Part, ...]
    refused: tuple[tuple[str, Reject], ...]
    reasons: Mapping[tuple[str, str, str | None], int]
    changed: tuple[Changed, ...]
    named: tuple[Named, ...]
    read: int
    whole: bool
    expected: int
    seconds: float  # for which the writer was held

    def count(self, what: Literal["rows", "new", "updated", "duplicates", "rejected", "undated", "naive"]) -> int:
        """The rows of all tables with that fate."""
        return sum(getattr(part, what) for part in self.parts)


def trial(store: Store, path: Path, choice: Choice | None = None, *, rows: int = ROWS, submit: Submit | None = None) -> Trial:
    """What loading the file so would do; nothing is changed. The file is read first, then `submit` holds the writer.

    Without `submit` the store is this caller's own. Raises InputError for a file that cannot be read or fits no table, NameUnknown.
    """
    done = [0, 0]

    def progress(now: int, total: int) -> None:
        done[:] = now, total

    source, batches = incoming(store, path, choice or Choice(), progress)
    taken = _first(batches, rows)
    read = sum(batch.read for batch in taken.batches)
    expected = read if taken.whole else max(read + 1, round(taken.drawn * done[1] / done[0]) if done[0] else taken.drawn)
    put: Submit = submit or (lambda job: job(store))
    tried: _Tried = put(lambda own: _try(own, taken.batches, source, path.name))
    refused = [(report.table, reject) for report in tried.reports for reject in report.rejects]
    return Trial(
        source, tuple(_part(report) for report in tried.reports), tuple(refused[:SHOWN]),
        Counter((table, reject.code, reject.column) for table, reject in refused), tuple(tried.changed),
        tuple(_named(kind, ids, tried.known[kind]) for kind, ids in tried.named.items() if ids),
        read, taken.whole, expected, tried.seconds,
    )  # fmt: skip


def _part(report: LoadReport) -> Part:
    return Part(report.table, report.rows, report.new, report.updated, report.duplicates, report.rejected, report.undated, report.naive)


# The first rows ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Taken:
    batches: list[Batch]
    drawn: int  # rows read for them
    whole: bool


def _first(batches: Iterable[Batch], rows: int) -> _Taken:
    """Batches of together so many rows at most, read for READ_S seconds at most, and whether that was all."""
    until, found, drawn = time.monotonic() + READ_S, list[Batch](), 0
    source = iter(batches)
    for batch in source:
        room = rows - drawn
        drawn += batch.read
        found.append(batch if batch.read <= room else _cut(batch, room))
        if drawn > rows:
            return _Taken(found, drawn, False)
        if drawn == rows or time.monotonic() > until:
            return _Taken(found, drawn, next(source, None) is None)
    return _Taken(found, drawn, True)


def _cut(batch: Batch, room: int) -> Batch:
    """The first rows of a batch, taken and refused ones in the order of their lines."""
    lines = sorted([*batch.rows["line"].to_pylist(), *(reject.line for reject in batch.rejects)])[:room]
    last = lines[-1] if lines else -1
    mask = pa.compute.less_equal(batch.rows["line"], last)
    rows, rejects = batch.rows.filter(mask), [reject for reject in batch.rejects if reject.line <= last]
    return replace(batch, rows=rows, rejects=rejects, read=rows.num_rows + len(rejects), naive=min(batch.naive, rows.num_rows))


# The trial itself ------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Tried:
    reports: list[LoadReport] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    named: dict[Kind, list[str]] = field(default_factory=dict)
    known: dict[Kind, dict[str, str | None]] = field(default_factory=dict)  # id → name, of what was there before
    seconds: float = 0.0


class _RollBack(Exception):
    """Ends the transaction of a trial."""


def _try(store: Store, batches: Iterable[Batch], source: str, file: str) -> _Tried:
    began, tried = time.monotonic(), _Tried()
    try:
        with store.transaction() as cur:
            newest = {kind: _value(cur, f"SELECT coalesce(max({kind}_key), 0) FROM {kind}") for kind in KINDS}
            for kind in KINDS:
                name = "name" if kind != "batch" else "NULL"
                tried.known[kind] = (
                    {} if kind == "batch" else dict(cur.execute(f"SELECT {kind}_id, {name} FROM {kind} WHERE {kind}_id <> ''").fetchall())
                )
            loading = _Trying(cur, source, file)
            tried.reports = loading.run(batches, None)
            tried.changed = loading.changed[:SHOWN]
            for kind in KINDS:
                found = cur.execute(f"SELECT {kind}_id FROM {kind} WHERE {kind}_key > ? ORDER BY {kind}_key", [newest[kind]]).fetchall()
                tried.named[kind] = [name for (name,) in found]
            raise _RollBack
    except _RollBack:
        pass
    tried.seconds = time.monotonic() - began
    return tried


def _value(cur: DuckDBPyConnection, sql: str) -> int:
    return int(cur.execute(sql).fetchall()[0][0])


class _Trying(Loading):
    """A load that compares and counts, notes what would change, and derives nothing from it."""

    def __init__(self, cur: DuckDBPyConnection, source: str, file: str | None) -> None:
        super().__init__(cur, source, file)
        self.changed: list[Changed] = []
        self._before: set[str] = set()

    def receive(self, table: str, rows: pa.Table, report: LoadReport, *part: int) -> None:
        """Take one batch, keeping the lists as they were before the first."""
        for ref in REFERENCES.get(table, ()):
            if ref.target not in self._before:
                self._before.add(ref.target)
                self.cur.execute(f"CREATE TEMP TABLE before_{ref.target} AS FROM {ref.target}")
        super().receive(table, rows, report, *part)

    def finish(self, described: set[str]) -> None:
        """Compare work and reviews with the log, and lists with what they were."""
        for log, fresh in ((facts.WORK, "fresh"), (facts.REVIEW, "fresh_review")):
            if log.table in self.facts.staged:
                self.compare(log, fresh)
        seen = set[str]()
        for table in sorted(described):
            for ref in REFERENCES[table]:
                if ref.target not in seen and len(self.changed) < SHOWN:
                    seen.add(ref.target)
                    self.changed += _changed_list(self.cur, table, ref)

    def compare(self, log: Log, fresh: str) -> None:
        """What would become of the staged rows of one log, by the very comparison of a load."""
        fate = Fate()
        self.facts.drop_repeats(log, fate)
        self.facts.resolve(log, fresh)
        part = self.facts.within(log, f"staged_{log.table}")
        if self.facts.settle_versions(log, part, fresh, fate):
            self.changed += _changed_facts(self.cur, log, fresh)
        self.count(log.table, fate)


# Before and after ---------------------------------------------------------------------------------------------------------
_CODES = {"action": ACTIONS, "clock": CLOCKS, "stage": STAGES, "verdict": VERDICTS}
# Columns of the store that a file calls otherwise; None: derived, so not the file's own words.
_CANONICAL: Mapping[str, str | None] = {
    "seconds": "duration_s", "wall_s": None, "round_given": "round", "hired": "hire_date", "left_on": "leave_date", "day_start_minute": "day_start",
    "reviewer_key": "reviewer_id", "extra": None,
}  # fmt: skip


def _canonical(name: str) -> str | None:
    return _CANONICAL[name] if name in _CANONICAL else f"{name[:-4]}_id" if name.endswith("_key") else name


def _shown(alias: str, name: str) -> str:
    """A stored column as people know it: ids instead of keys."""
    if not name.endswith("_key"):
        return f"{alias}.{name}"
    kind = "worker" if name == "reviewer_key" else name[:-4]
    return f"(SELECT nullif(k.{kind}_id, '') FROM {kind} AS k WHERE k.{kind}_key = {alias}.{name})"


def _changed_facts(cur: DuckDBPyConnection, log: Log, fresh: str) -> list[Changed]:
    names = [name for name in log.facts if _canonical(name)]
    sides = ", ".join(_shown(alias, name) for name in names for alias in ("l", "f"))
    found = cur.execute(f"""SELECT l.{log.key}, s.site_id, {sides} FROM (FROM met WHERE NOT old_news LIMIT {SHOWN}) AS m
        JOIN {log.name} AS l ON l.rowid = m.rid JOIN {fresh} AS f ON f.id = m.id JOIN site AS s ON s.site_key = l.site_key
        ORDER BY l.{log.key}""").fetchall()
    return [Changed(log.table, str(key), site, _differences(log.table, names, cells)) for key, site, *cells in found]


def _changed_list(cur: DuckDBPyConnection, table: str, ref: Reference) -> list[Changed]:
    names = [name for name in ref.values if _canonical(name)]
    if not names:
        return []
    keys = ", ".join(_shown("b", name) for name in ref.keys)
    sides = ", ".join(_shown(alias, name) for name in names for alias in ("b", "a"))
    same = " AND ".join(f"b.{name} = a.{name}" for name in ref.keys)
    differs = " OR ".join(f"b.{name} IS DISTINCT FROM a.{name}" for name in names)
    known = " AND NOT b.stub" if ref.has_stub else ""
    found = cur.execute(f"""SELECT {keys}, {sides} FROM before_{ref.target} AS b JOIN {ref.target} AS a ON {same}
        WHERE ({differs}){known} ORDER BY ALL LIMIT {SHOWN}""").fetchall()
    wide = len(ref.keys)
    return [
        Changed(table, " · ".join(text for cell in row[:wide] if (text := _text(cell))), None, _differences(table, names, row[wide:]))
        for row in found
    ]


def _differences(table: str, names: list[str], cells: Iterable[object]) -> tuple[Difference, ...]:
    values = list(cells)
    pairs = (
        (name, _text(_decoded(name, was)), _text(_decoded(name, now)))
        for name, was, now in zip(names, values[::2], values[1::2], strict=True)
    )
    return tuple(Difference(str(_canonical(name)), was, now) for name, was, now in pairs if was != now)


def _decoded(name: str, cell: object) -> object:
    return _CODES[name][cell] if name in _CODES and isinstance(cell, int) else cell


def _text(cell: object) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
    if isinstance(cell, date):
        return cell.isoformat()
    said = str(cell)
    return re.sub(r"\.?0+$", "", said) if re.fullmatch(r"-?\d+\.\d+", said) else said


# Names that come up for the first time --------------------------------------------------------------------------------------
def _named(kind: Kind, ids: list[str], known: Mapping[str, str | None]) -> Named:
    near = _Near(known)
    return Named(kind, len(ids), tuple(ids[:NAMED]), {one: found for one in ids[:NAMED] if (found := near.of(one)) is not None})


class _Near:
    """Finds the known id that was probably meant: the same but for case, width, blanks, zeros in front, o for 0 or l for 1; one whose
    name it is; one that differs in a letter or so, but in no digit."""

    def __init__(self, known: Mapping[str, str | None]) -> None:
        self._folded = {_folded(one): one for one in known}
        self._names = {plain(name): one for one, name in known.items() if name}
        self._same_digits: dict[str, list[str]] = {}
        for one in known:
            self._same_digits.setdefault(re.sub(r"\D", "", one), []).append(one)

    def of(self, new: str) -> str | None:
        """The known id, or None when nothing is near."""
        found = self._folded.get(_folded(new)) or self._names.get(plain(new))
        if found is None and len(new) >= 4:
            found = next(iter(get_close_matches(new, self._same_digits.get(re.sub(r"\D", "", new), ())[:2000], 1, 0.8)), None)
        return found


def _folded(one: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain(one).translate(str.maketrans("oil", "011")))
