"""Canonical rows → the store, whole or not at all: stage, resolve keys, drop what is known, derive, append, roll up.

`(source, event_id)` names a fact: the same fact again is a duplicate and changes nothing; a changed one replaces the old
row (a higher `version` wins over a lower one, else the later arrival) and is counted. Whatever order or portions the
files come in, the store ends the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from duckdb import DuckDBPyConnection

from data import derive, reference, rollup
from data.errors import NameUnknown
from data.facts import LOGS, REVIEW, WORK, Facts, Fate
from data.store import Store
from data.tables import TABLES, Batch, Reject

if TYPE_CHECKING:
    from data.mapping import Mapping

Progress = Callable[[int], None]

_TYPES = {
    "quantity": "DECIMAL(18,3)",
    "seconds": "DECIMAL(18,3)",
    "money": "DECIMAL(18,6)",
    "ratio": "DECIMAL(18,6)",
    "instant": "TIMESTAMP_MS",
    "date": "DATE",
    "month": "DATE",
    "flag": "BOOLEAN",
    "time": "BIGINT",
    "integer": "BIGINT",
    "level": "BIGINT",
    "version": "BIGINT",
}  # fmt: skip  (every other kind is text)
REJECTS_TOLD = 100_000  # refused rows that a report carries
PEOPLE = {"sites", "teams", "workers", "assignments"}


@dataclass(slots=True)
class LoadReport:
    """What became of the rows of one table in one load: rows = new + updated + duplicates + rejected; where it was asked for, `parts`
    tells it of each batch by its number (annotations and reviews only). `rejects` are the first REJECTS_TOLD; the store keeps all."""

    file: str | None
    table: str
    rows: int = 0
    new: int = 0
    updated: int = 0
    duplicates: int = 0
    rejected: int = 0
    undated: int = 0
    naive: int = 0
    rejects: list[Reject] = field(default_factory=list)
    parts: dict[int, Fate] = field(default_factory=dict)


def load(
    store: Store,
    batches: Iterable[Batch],
    *,
    source: str = "import",
    file: str | None = None,
    progress: Progress | None = None,
) -> list[LoadReport]:
    """Load canonical batches in one transaction and report per table; `progress` is told the rows read so far.

    Raises NameUnknown for a table that is not canonical; any exception leaves the store as it was.
    """
    with store.transaction() as cur:
        return load_into(store, cur, batches, source=source, file=file, progress=progress)


def load_into(
    store: Store,
    cur: DuckDBPyConnection,
    batches: Iterable[Batch],
    *,
    source: str = "import",
    file: str | None = None,
    progress: Progress | None = None,
    by_part: bool = False,
) -> list[LoadReport]:
    """`load` inside a transaction of the caller, who may still roll it back; `by_part` tells what became of each batch as well."""
    loading = Loading(cur, source, file, by_part=by_part)
    with store.wide() if file is not None else nullcontext():  # not for the few rows of a push
        reports = loading.run(batches, progress)
    if loading.touched is not None:
        store.touch(loading.touched)
    return reports


def import_file(
    store: Store, path: Path | str, *, table: str | None = None, mapping: str | None = None, source: str | None = None,
    zone: str | None = None, progress: Progress | None = None,
) -> list[LoadReport]:  # fmt: skip
    """Import one file of any known layout; see `data.mapping` for how columns are found.

    Times without a zone are read in `zone`, else the mapping's, else the one zone all sites share, else the store's.
    Raises InputError when the file cannot be read or fits no table.
    """
    batches = batches_of(store, Path(path), table=table, mapping=mapping, zone=zone)
    return load(store, batches, source=source or "import", file=Path(path).name, progress=progress)


def batches_of(
    store: Store, path: Path, *, table: str | None = None, mapping: str | Mapping | None = None, zone: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Batch]:  # fmt: skip
    """The canonical batches of a file as `import_file` loads them, by the name of a mapping or one that is not saved; reading begins with
    the first. `progress(done, total)` is told bytes."""
    from data import mapping as layouts

    chosen = layouts.get(store, mapping) if isinstance(mapping, str) else mapping
    if chosen and zone:
        chosen = replace(chosen, zone=None)
    return layouts.read_batches(path, table=table, mapping=chosen, zone=zone or local_zone(store), progress=progress)


def local_zone(store: Store) -> str:
    """The zone in which times without one are meant: that of the sites when they share one, else the store's own."""
    zones = store.rows("SELECT DISTINCT zone FROM site WHERE NOT stub")
    return str(zones[0][0]) if len(zones) == 1 else str(store.meta("zone") or "UTC")


def rejects(store: Store) -> list[dict[str, object]]:
    """Every row that was refused, newest load last: file, line, table, code, column, value, reason, raw text."""
    found = store.query(
        """SELECT load_id, file, line, table_name AS "table", code, column_name AS "column", value, reason, raw FROM reject ORDER BY reject_id"""
    )
    rows: list[dict[str, object]] = found.to_pylist()
    return rows


def _ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same batches, each read by another thread while the one before is taken in."""
    if isinstance(batches, (list, tuple)):
        yield from batches
        return
    source = iter(batches)
    with ThreadPoolExecutor(1, "read") as reader:
        coming = reader.submit(next, source, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, source, None)
            yield batch


class Loading:
    """One load in progress: the cursor of its transaction, its reports, and the facts it brings."""

    def __init__(self, cur: DuckDBPyConnection, source: str, file: str | None, *, by_part: bool = False) -> None:
        self.cur, self.source, self.file = cur, source, file
        self.started = datetime.now(UTC)
        self.reports: dict[str, LoadReport] = {}
        self.load_id = int(cur.execute("SELECT coalesce(max(load_id), 0) + 1 FROM load").fetchall()[0][0])
        self.facts = Facts(cur, source, self.load_id, of_file=file is not None, by_part=by_part)
        self.touched: set[date] | None = None  # the business dates it changed; None when it changed more than work and reviews

    def run(self, batches: Iterable[Batch], progress: Progress | None) -> list[LoadReport]:
        read, described = 0, set[str]()
        for part, batch in enumerate(_ahead(batches)):
            if batch.table not in TABLES:
                raise NameUnknown("table", batch.table, TABLES, "表")
            report = self.reports.setdefault(batch.table, LoadReport(self.file, batch.table))
            report.rows += batch.read
            report.naive += batch.naive
            self.keep_rejects(report, batch.rejects)
            if batch.rows.num_rows:
                if batch.table in PEOPLE and not described & PEOPLE:
                    self.facts.remember_places()
                if batch.table not in LOGS:
                    described.add(batch.table)
                self.receive(batch.table, batch.rows, report, part)
            read += batch.read
            if progress:
                progress(read)
        self.finish(described)
        self.sign()
        return list(self.reports.values())

    def finish(self, described: set[str]) -> None:
        """Derive what follows from all that arrived and bring the roll-ups in line; `described` names the reference tables that changed."""
        self.settle(described)
        if WORK.table in self.facts.staged:
            self.count(WORK.table, self.facts.take_work())
        if described & PEOPLE:
            self.facts.move_work()
        fate = self.facts.take_reviews()
        if REVIEW.table in self.facts.staged:
            self.count(REVIEW.table, fate)
        touched = rollup.refresh(self.cur, self.facts.changes)
        self.touched = None if described or self.facts.named or None in touched else {day for day in touched if day}

    def receive(self, table: str, rows: pa.Table, report: LoadReport, part: int) -> None:
        """Take one batch: facts are staged, reference rows brought up to date at once."""
        have = set(rows.column_names)
        columns = [f"{'line' if 'line' in have else '0'}::BIGINT AS line", f"{'extra' if 'extra' in have else 'NULL'}::VARCHAR AS extra"]
        columns += [f"{c.name if c.name in have else 'NULL'}::{_TYPES.get(c.kind, 'VARCHAR')} AS {c.name}" for c in TABLES[table].columns]
        incoming = f"SELECT {', '.join(columns)} FROM arriving"
        if table in LOGS:
            self.facts.stage(LOGS[table], part, rows, incoming)
            return
        self.cur.register("arriving", rows)
        self.cur.execute(f"CREATE TEMP TABLE incoming AS {incoming}")
        self.keep_rejects(report, reference.checked(self.cur, table))
        new, updated, duplicates = reference.upsert(self.cur, table, frozenset(have), self.load_id)
        report.new, report.updated, report.duplicates = report.new + new, report.updated + updated, report.duplicates + duplicates
        self.cur.execute("DROP TABLE incoming")
        self.cur.unregister("arriving")

    def count(self, table: str, fate: Fate) -> None:
        report = self.reports.setdefault(table, LoadReport(self.file, table))
        report.new, report.updated, report.duplicates, report.undated = fate.new, fate.updated, fate.duplicates, fate.undated
        report.parts = fate.parts

    def settle(self, described: set[str]) -> None:
        """Bring what is derived from the reference tables up to date."""
        stale = self.facts.changes.stale_earned
        if described & PEOPLE:
            reference.place_assignments(self.cur)
            derive.build_presence(self.cur)
        if described & {"batches", "sites"}:
            stale |= derive.accept_batches(self.cur)
        if "costs" in described:
            derive.spread_costs(self.cur)
        if described & {"prices", "rates"}:
            stale |= self.facts.dates(
                "SELECT business_date FROM earn_day UNION SELECT business_date FROM work_day UNION SELECT review_date FROM review_day"
            )

    def keep_rejects(self, report: LoadReport, found: Sequence[Reject]) -> None:
        """Keep every refused row with its file, line, reason and raw text."""
        if not found:
            return
        report.rejected += len(found)
        report.rejects += found[: REJECTS_TOLD - len(report.rejects)]
        text = {name: pa.array([getattr(r, name) for r in found], pa.string()) for name in ("code", "column", "value", "reason", "raw")}
        self.cur.register("refused", pa.table({"line": pa.array([r.line for r in found], pa.int64()), **text}))
        # The same file again refuses the same rows: they are kept once.
        self.cur.execute("""INSERT INTO reject
            SELECT (SELECT coalesce(max(reject_id), 0) FROM reject) + row_number() OVER (), $load, $file, line, $table, code, "column", value, reason, raw
            FROM refused AS r WHERE NOT EXISTS (FROM reject AS k WHERE k.table_name = $table AND k.file IS NOT DISTINCT FROM $file AND k.line = r.line
                AND k.code = r.code AND k.raw = r.raw)""", {"load": self.load_id, "file": self.file, "table": report.table})  # fmt: skip
        self.cur.unregister("refused")

    def sign(self) -> None:
        """Write down that this load happened and what became of its rows."""
        begun, ended = self.started.replace(tzinfo=None), datetime.now(UTC).replace(tzinfo=None)
        for r in self.reports.values():
            self.cur.execute(
                "INSERT INTO load VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                [
                    self.load_id,
                    begun,
                    ended,
                    self.source,
                    self.file,
                    r.table,
                    r.rows,
                    r.new,
                    r.updated,
                    r.duplicates,
                    r.rejected,
                    r.undated,
                ],
            )
