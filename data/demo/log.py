"""The floor's rows as canonical Arrow tables and JSON records."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.codes import ACTIONS, STAGES, VERDICTS
from data.demo.floor import WHY, Floor, Rows
from data.demo.names import ERROR_TYPES
from data.demo.projects import PROJECTS, TOOLS, TRADES

_THOUSANDS = np.frombuffer("".join(f"{n:03d}" for n in range(1000)).encode(), np.uint8).reshape(1000, 3)


def numbered(prefixes: npt.NDArray[np.uint8], which: npt.NDArray[np.integer], number: npt.NDArray[np.integer]) -> pa.Array:
    """Text ids of a prefix (a row of `prefixes`, equally long) and nine digits, written straight into an Arrow buffer.

    >>> numbered(prefix_bytes(["CV-", "LS-"]), np.array([1, 0]), np.array([42, 123456789])).to_pylist()
    ['LS-000000042', 'CV-123456789']
    """
    width = prefixes.shape[1]
    text = np.empty((len(number), width + 9), np.uint8)
    text[:, :width] = prefixes[which]
    high, low = np.divmod(number.astype(np.int64), 1000)
    text[:, width + 6 :] = _THOUSANDS[low]
    high, low = np.divmod(high, 1000)
    text[:, width + 3 : width + 6] = _THOUSANDS[low]
    text[:, width : width + 3] = _THOUSANDS[high]
    offsets = np.arange(len(number) + 1, dtype=np.int32) * np.int32(width + 9)
    return pa.StringArray.from_buffers(len(number), pa.py_buffer(offsets), pa.py_buffer(text))


def prefix_bytes(prefixes: list[str]) -> npt.NDArray[np.uint8]:
    """Equally long prefixes as a matrix of bytes."""
    return np.frombuffer("".join(prefixes).encode(), np.uint8).reshape(len(prefixes), -1)


_EVENT = prefix_bytes([f"{tool.prefix}-" for tool in TOOLS])
_ITEM = prefix_bytes([f"{trade.item}-" for trade in TRADES])
_REVIEW = prefix_bytes(["QC-"])


def _words(codes: npt.NDArray[np.integer], words: list[str] | tuple[str, ...], null: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=null), pa.array(words, pa.string()))


def _instants(ms: npt.NDArray[np.int64], null: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array(ms.astype("datetime64[ms]"), pa.timestamp("ms"), mask=null)


class Log:
    """Turns rows of one floor into canonical tables; batch names are read when a table is made."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._workers = floor.cast.ids
        self._projects = [project.id for project in PROJECTS]
        self._tools, self._clocks = [tool.code for tool in TOOLS], [tool.clock for tool in TOOLS]

    def work(self, rows: Rows) -> pa.Table:
        """Canonical annotations."""
        floor = self._floor
        tool = floor.tool[rows["project"]]
        wall = rows["wall"].astype(np.float64)
        silent = np.isnan(wall)
        started = rows["ts"] - np.rint(np.where(silent, 0, wall) * 1000).astype(np.int64)
        return pa.table({
            "event_id": numbered(_EVENT, tool, rows["event"]),
            "worker_id": _words(rows["worker"], self._workers),
            "project_id": _words(rows["project"], self._projects),
            "item_id": numbered(_ITEM, floor.trade[rows["project"]], rows["item"]),
            "ts": _instants(rows["ts"]),
            "started_at": _instants(started, silent),
            "batch_id": _words(rows["batch"], [lot.name for lot in floor.lots]),
            "action": _words(rows["action"], ACTIONS),
            "units": pa.array(rows["units"].astype(np.int32)),
            "prelabelled_units": pa.array(rows["pre"].astype(np.int32), mask=rows["pre"] < 0),
            "duration_s": pa.array(np.round(rows["seconds"].astype(np.float64), 1)),
            "clock": _words(tool, self._clocks),
            "round": pa.array(rows["round"].astype(np.int32)),
            "tool": _words(tool, self._tools),
            "line": pa.array(np.arange(1, len(rows) + 1)),
        })  # fmt: skip

    def reviews(self, rows: Rows) -> pa.Table:
        """Canonical reviews. The client's inspectors have no name here."""
        floor = self._floor
        return pa.table({
            "review_id": numbered(_REVIEW, np.zeros(len(rows), dtype=np.intp), rows["review"]),
            "worker_id": _words(rows["worker"], self._workers),
            "project_id": _words(rows["project"], self._projects),
            "item_id": numbered(_ITEM, floor.trade[rows["project"]], rows["item"]),
            "verdict": _words(rows["verdict"], VERDICTS),
            "ts": _instants(rows["ts"]),
            "reviewer_id": _words(rows["reviewer"], self._workers, rows["reviewer"] < 0),
            "event_id": numbered(_EVENT, floor.tool[rows["project"]], rows["event"]),
            "batch_id": _words(rows["batch"], [lot.name for lot in floor.lots]),
            "stage": _words(rows["stage"], STAGES),
            "round": pa.array(rows["round"].astype(np.int32)),
            "inspected_units": pa.array(rows["units"].astype(np.int32)),
            "error_units": pa.array(rows["errors"].astype(np.int32)),
            "error_type": _words(rows["type"], ERROR_TYPES, rows["type"] < 0),
            "sampled_why": _words(rows["why"], WHY),
            "line": pa.array(np.arange(1, len(rows) + 1)),
        })  # fmt: skip


def records(table: pa.Table) -> list[dict[str, object]]:
    """The rows as JSON-ready records: instants in ISO 8601 with Z, empty cells left out, no line numbers."""
    return [
        {
            name: value.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if isinstance(value, datetime) else value
            for name, value in row.items()
            if value is not None
        }
        for row in table.drop_columns(["line"]).to_pylist()
    ]
