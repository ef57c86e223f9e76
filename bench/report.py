"""What was measured beside what was promised: rows of a table, the machine they come from, and the clock they are read off."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Row:
    """One promise. `ok` is None where nothing was promised; `budget` and `measured` are words for a person, `value` is for a program."""

    what: str
    budget: str
    measured: str
    ok: bool | None
    value: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Spent:
    """Seconds on the clock and on the processors, of this process."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def spent() -> Iterator[Spent]:
    """Measure a block."""
    found, wall, cpu = Spent(), time.perf_counter(), time.process_time()
    try:
        yield found
    finally:
        found.wall, found.cpu = time.perf_counter() - wall, time.process_time() - cpu


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")), platform.processor()
    )
    return {
        "cpu": model, "cores": os.cpu_count(), "memory_gb": round(psutil.virtual_memory().total / 1e9, 1), "system": platform.platform(),
        "python": platform.python_version(), **{name: version(name) for name in ("duckdb", "streamlit", "pandas", "pyarrow", "polars", "numpy")},
        "load_average": load_average(),
    }  # fmt: skip


def load_average() -> list[float]:
    """Processes that wanted to run over the last 1, 5 and 15 minutes: above the number of cores, times on the clock are too long."""
    return [round(x, 2) for x in psutil.getloadavg()]


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""
    cells = [
        ("", "what", "budget", "measured"),
        *(({True: "ok", False: "MISS", None: "·"}[r.ok], r.what, r.budget, r.measured) for r in rows),
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]).rstrip() for line in cells
    )
