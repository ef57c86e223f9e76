"""Full reports of CrowdFlower (Figure Eight, Appen): one row a judgment → a row of work; test questions are reviews of stage gold.

The rows are those the saved mapping `crowdflower` gives, under the same keys; the project is named after the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.connectors import exported
from data.connectors.connector import Connection, Cursor, Read
from data.delimited import Delimited
from data.errors import InputError
from data.mapping import BUILTINS
from data.readers import stepper
from data.tables import Batch

_SIGNS = frozenset(("_unit_id", "_id", "_worker_id", "_created_at"))
_SUMMED = frozenset(("_unit_id", "_unit_state"))
_LAYOUT = BUILTINS["crowdflower"]
_LEFT_OUT = frozenset((*_LAYOUT.columns.values(), "_ip"))


class CrowdFlowerFiles:
    """How to know a full report, and what is in it."""

    tool = "crowdflower"
    title = "CrowdFlower / Appen"

    def knows(self, path: Path) -> bool:
        """Whether the file has the columns of a full report, or of an aggregated one (which `batches` then refuses)."""
        found = exported.columns(path)
        return found >= _SIGNS or _aggregated(found)

    def batches(
        self,
        path: Path,
        source: str,
        connection: Connection | None,
        cursor: Cursor,
        read: Read,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[Batch]:
        """Work and gold reviews. Raises InputError for an aggregated report, which names nobody."""
        if not exported.columns(path) >= _SIGNS:
            raise InputError(
                f"{path.name} is an aggregated report: it has one row a unit and names nobody. Give the full report (f….csv).",
                f"{path.name} 是汇总报告：每个单元一行，不含人员。请提供完整报告（f….csv）。",
            )
        stem = exported.stem(path)
        for raw in Delimited(path, stepper(path, progress)).batches():
            shared = {name: exported.column(raw, header) for name, header in _LAYOUT.columns.items()}
            shared |= {"project_id": exported.constant(stem, raw), "batch_id": exported.constant(stem, raw)}
            extra = [header for header in raw.columns if header not in _LEFT_OUT]
            work = exported.canonical("annotations", raw, shared, extra=extra, mapping=_READING)
            yield work
            rows = np.flatnonzero(exported.taken(raw, work) & exported.true(exported.column(raw, "_golden")))
            if len(rows):
                missed = pa.array(exported.true(exported.column(raw, "_missed")))
                given = shared | {
                    "review_id": pc.binary_join_element_wise(shared["event_id"], "gold", ":"), "stage": exported.constant("gold", raw),
                    "verdict": pc.if_else(missed, "reject", "accept"), "sampled_why": exported.constant("gold", raw),
                }  # fmt: skip
                yield exported.canonical("reviews", raw, given, rows=rows, mapping=_READING)


_READING = type(_LAYOUT)(_LAYOUT.name, date_order=_LAYOUT.date_order, zone=_LAYOUT.zone)


def _aggregated(columns: frozenset[str]) -> bool:
    return columns >= _SUMMED and any(name.endswith("_judgments") for name in columns)
