"""How fast files come in, with checks, de-duplication and roll-ups, and how small they are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from bench.report import Row, load_average, spent
from data.load import import_file
from data.store import Store

BYTES_A_ROW = 25
CSV_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class File:
    """One file loaded."""

    name: str
    table: str
    rows: int
    wall: float
    cpu: float


def load(store: Store, files: Sequence[tuple[str, Path]], progress: Callable[[str], None]) -> list[File]:
    """Import files one after another, as `python -m data import` does. Raises AssertionError when a row is not new."""
    found = []
    for table, path in files:
        with spent() as clock:
            (report,) = import_file(store, path, table=table, source="bench")
        if report.new != report.rows:
            raise AssertionError(f"{path.name}: {report}")
        found.append(File(path.name, table, report.rows, clock.wall, clock.cpu))
        progress(
            f"{path.name}: {report.rows:,} rows, {report.rows / clock.wall:,.0f} rows/s, {report.rows / clock.cpu:,.0f} a processor second"
        )
    return found


def from_parquet(path: Path, files: Sequence[tuple[str, Path]], progress: Callable[[str], None]) -> tuple[Row, list[File]]:
    """Load a year into a fresh store."""
    with Store(path) as store, _Highest() as highest:
        found = load(store, files, progress)
        store.checkpoint()
    return _row("Parquet", found, 250_000, highest.gigabytes), found


def from_csv(folder: Path, files: Sequence[tuple[str, Path]], progress: Callable[[str], None]) -> Row:
    """About two million rows of the same year as CSV, into a fresh store beside it."""
    chosen: list[tuple[str, Path]] = []
    rows = 0
    for table, path in files:
        if rows < CSV_ROWS:
            target = folder / f"{path.stem}.csv"
            content = pq.read_table(path)
            pcsv.write_csv(content, target)
            chosen.append((table, target))
            rows += content.num_rows
    target = folder / "csv.duckdb"
    target.unlink(missing_ok=True)
    with Store(target) as store, _Highest() as highest:
        found = load(store, chosen, progress)
    target.unlink()
    for _, file in chosen:
        file.unlink()
    return _row("CSV", found, 150_000, highest.gigabytes)


def _row(kind: str, files: Sequence[File], budget: int, gigabytes: float) -> Row:
    logs = [file for file in files if file.table in ("annotations", "reviews")]
    rows, wall, cpu = sum(f.rows for f in logs), sum(f.wall for f in logs), sum(f.cpu for f in logs)
    return Row(
        f"load from {kind}, with checks, de-duplication and roll-ups ({rows:,} rows)", f"≥ {budget:,} rows/s",
        f"{rows / wall:,.0f} rows/s ({wall:,.0f} s; {rows / cpu:,.0f} a processor second; memory at most {gigabytes:.1f} GB)", rows / wall >= budget,
        {"rows": rows, "rows_s": rows / wall, "rows_cpu_s": rows / cpu, "load_average": load_average()},
    )  # fmt: skip


def size(store: Path) -> Row:
    """Bytes on disk a work row, everything included."""
    with Store(store, create=False) as opened:
        rows = int(opened.rows("SELECT sum(row_count) FROM work_day")[0][0])
        opened.checkpoint()
        used = {
            table: opened.rows(f"SELECT count(DISTINCT block_id) * 262144 FROM pragma_storage_info('{table}') WHERE block_id >= 0")[0][0]
            / rows
            for table in (
                "work",
                "review",
                "work_day",
                "work_hour",
                "review_day",
                "judged_day",
                "judged_item",
                "pace_group",
                "pace_worker",
                "earn_day",
            )
        }
    a_row = store.stat().st_size / rows
    parts = ", ".join(f"{table} {each:.1f}" for table, each in used.items())
    return Row(
        f"store size ({rows:,} work rows)",
        f"≤ {BYTES_A_ROW} bytes a work row",
        f"{a_row:.1f} ({parts})",
        a_row <= BYTES_A_ROW,
        {"bytes": a_row, "parts": used},
    )


class _Highest:
    """The largest resident memory of this process while the block runs."""

    def __enter__(self) -> _Highest:
        self.gigabytes, self._stop = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._stop.is_set():
            self.gigabytes = max(self.gigabytes, process.memory_info().rss / 1e9)
            time.sleep(0.2)
