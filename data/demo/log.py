"""The floor's rows as canonical Arrow tables and JSON records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.codes import ACTIONS, STAGES, VERDICTS
from data.demo.floor import WHY, Floor, Rows
from data.demo.names import ERROR_TYPES
from data.demo.projects import PROJECTS, TOOLS, TRADES

_FOUR = np.frombuffer("".join(f"{n:04d}" for n in range(10_000)).encode(), np.uint32)  # four digits as one machine word
_TWELVE = np.int32(12)


def _heads(prefixes: list[str]) -> npt.NDArray[np.uint32]:
    """Four characters each, as machine words."""
    return np.frombuffer("".join(prefixes).encode(), np.uint32)


def _ids(head: npt.NDArray[np.uint32], number: npt.NDArray[np.uint32]) -> pa.Array:
    """Text of twelve characters: four given, then eight digits, written straight into an Arrow buffer."""
    words = np.empty((len(number), 3), np.uint32)
    high = number // np.uint32(10_000)
    words[:, 0], words[:, 1], words[:, 2] = head, _FOUR[high % np.uint32(10_000)], _FOUR[number - high * np.uint32(10_000)]
    offsets = np.arange(len(number) + 1, dtype=np.int32) * _TWELVE
    return pa.StringArray.from_buffers(len(number), pa.py_buffer(offsets), pa.py_buffer(words))


_EVENT = _heads([f"{tool.prefix}-{digit}" for tool in TOOLS for digit in range(10)])
_ITEM = _heads([f"{trade.item}-" for trade in TRADES])
_REVIEW = _heads([f"QC-{digit}" for digit in range(10)])


def event_ids(tool: npt.NDArray[np.integer], number: npt.NDArray[np.integer]) -> pa.Array:
    """The tool's prefix and nine digits.

    >>> event_ids(np.array([1, 0]), np.array([42, 123456789])).to_pylist()
    ['LS-000000042', 'CV-123456789']
    """
    wide = number.astype(np.uint32)
    top = wide // np.uint32(100_000_000)
    return _ids(_EVENT[tool * 10 + top.astype(np.intp)], wide - top * np.uint32(100_000_000))


def item_ids(trade: npt.NDArray[np.integer], number: npt.NDArray[np.integer]) -> pa.Array:
    """The kind of item and eight digits.

    >>> item_ids(np.array([5]), np.array([9100042])).to_pylist()
    ['aud-09100042']
    """
    return _ids(_ITEM[trade], number.astype(np.uint32))


def review_ids(number: npt.NDArray[np.integer]) -> pa.Array:
    """QC and nine digits."""
    wide = number.astype(np.uint32)
    top = wide // np.uint32(100_000_000)
    return _ids(_REVIEW[top.astype(np.intp)], wide - top * np.uint32(100_000_000))


def words(codes: npt.NDArray[np.integer], meant: Sequence[str], null: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Codes as the words they stand for."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=null), pa.array(meant, pa.string()))


def _instants(ms: npt.NDArray[np.int64], null: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array(ms.astype("datetime64[ms]"), pa.timestamp("ms"), mask=null)


class Log:
    """Turns rows of one floor into canonical tables; batch names are read when a table is made."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._workers = floor.cast.ids
        self._projects = [project.id for project in PROJECTS]
        self._tools = [tool.code for tool in TOOLS]
        self._clocks: list[str] = [tool.clock for tool in TOOLS]

    def work(self, rows: Rows) -> pa.Table:
        """Canonical annotations."""
        floor = self._floor
        tool = floor.tool[rows["project"]]
        wall = rows["wall"].astype(np.float64)
        silent = np.isnan(wall)
        started = rows["ts"] - np.rint(np.where(silent, 0, wall) * 1000).astype(np.int64)
        return pa.table({
            "event_id": event_ids(tool, rows["event"]),
            "worker_id": words(rows["worker"], self._workers),
            "project_id": words(rows["project"], self._projects),
            "item_id": item_ids(floor.trade[rows["project"]], rows["item"]),
            "ts": _instants(rows["ts"]),
            "started_at": _instants(started, silent),
            "batch_id": words(rows["batch"], [lot.name for lot in floor.lots]),
            "action": words(rows["action"], ACTIONS),
            "units": pa.array(rows["units"].astype(np.int32)),
            "prelabelled_units": pa.array(rows["pre"].astype(np.int32), mask=rows["pre"] < 0),
            "duration_s": pa.array(np.round(rows["seconds"].astype(np.float64), 1)),
            "clock": words(tool, self._clocks),
            "round": pa.array(rows["round"].astype(np.int32)),
            "tool": words(tool, self._tools),
            "line": pa.array(np.arange(1, len(rows) + 1)),
        })  # fmt: skip

    def reviews(self, rows: Rows) -> pa.Table:
        """Canonical reviews. The client's inspectors have no name here."""
        floor = self._floor
        return pa.table({
            "review_id": review_ids(rows["review"]),
            "worker_id": words(rows["worker"], self._workers),
            "project_id": words(rows["project"], self._projects),
            "item_id": item_ids(floor.trade[rows["project"]], rows["item"]),
            "verdict": words(rows["verdict"], VERDICTS),
            "ts": _instants(rows["ts"]),
            "reviewer_id": words(rows["reviewer"], self._workers, rows["reviewer"] < 0),
            "event_id": event_ids(floor.tool[rows["project"]], rows["event"]),
            "batch_id": words(rows["batch"], [lot.name for lot in floor.lots]),
            "stage": words(rows["stage"], STAGES),
            "round": pa.array(rows["round"].astype(np.int32)),
            "inspected_units": pa.array(rows["units"].astype(np.int32)),
            "error_units": pa.array(rows["errors"].astype(np.int32)),
            "error_type": words(rows["type"], ERROR_TYPES, rows["type"] < 0),
            "sampled_why": words(rows["why"], WHY),
            "line": pa.array(np.arange(1, len(rows) + 1)),
        })  # fmt: skip


def records(table: pa.Table) -> list[dict[str, object]]:
    """The rows as JSON-ready records: instants in ISO 8601 with Z, empty cells left out, no line numbers."""
    return [
        {
            name: value.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if isinstance(value, datetime)
            else value
            for name, value in row.items()
            if value is not None
        }
        for row in table.drop_columns(["line"]).to_pylist()
    ]
