"""Batch results of Amazon Mechanical Turk: one row an assignment → a row of work, and a review for each decision on it.

An assignment that was rejected and approved later has both times: two reviews, in that order. What changes from one download to the
next (status, approval rates) is left out of the row of work, so that a later file adds rows and decisions and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.connectors import exported
from data.connectors.connector import Connection, Cursor, Read
from data.delimited import Delimited, RawBatch
from data.readers import stepper
from data.tables import Batch

_SIGNS = frozenset(("HITId", "HITTypeId", "AssignmentId", "WorkerId", "AssignmentStatus", "AcceptTime", "SubmitTime"))
_BATCH = r"^BatchId:(?P<batch>[^;]+)"
_OWN = frozenset((
    "AssignmentId", "WorkerId", "HITTypeId", "HITId", "Title", "AcceptTime", "SubmitTime", "WorkTimeInSeconds", "RequesterAnnotation",
))  # fmt: skip
_PASSING = frozenset((
    "AssignmentStatus", "ApprovalTime", "RejectionTime", "AutoApprovalTime", "RequesterFeedback", "LifetimeApprovalRate",
    "Last30DaysApprovalRate", "Last7DaysApprovalRate", "NumberOfSimilarHITs", "LifetimeInSeconds", "Approve", "Reject",
))  # fmt: skip


class MTurkFiles:
    """How to know batch results, and what is in them."""

    tool = "mturk"
    title = "Mechanical Turk"

    def knows(self, path: Path) -> bool:
        """Whether the file has the columns of batch results."""
        return exported.columns(path) >= _SIGNS

    def batches(
        self,
        path: Path,
        source: str,
        connection: Connection | None,
        cursor: Cursor,
        read: Read,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[Batch]:
        """Work and reviews as the file has them, and the titles of its HIT types."""
        named: dict[str, str] = {}
        for raw in Delimited(path, stepper(path, progress)).batches():
            types = exported.column(raw, "HITTypeId")
            fresh = exported.titles(types, exported.column(raw, "Title"), named)
            if fresh and (batch := exported.projects(fresh, read)) is not None:
                yield batch
            shared = {
                "worker_id": exported.column(raw, "WorkerId"), "project_id": types, "item_id": exported.column(raw, "HITId"),
                "event_id": exported.column(raw, "AssignmentId"), "batch_id": _batches(raw),
            }  # fmt: skip
            work = exported.canonical(
                "annotations", raw,
                shared | {
                    "ts": exported.column(raw, "SubmitTime"), "started_at": exported.column(raw, "AcceptTime"),
                    "duration_s": exported.column(raw, "WorkTimeInSeconds"), "clock": exported.constant("wall", raw),
                },
                extra=[header for header in raw.columns if header not in _OWN | _PASSING],
            )  # fmt: skip
            yield work
            yield from _decisions(raw, shared, work)


def _batches(raw: RawBatch) -> pa.Array:
    """The number of the batch, which the web site writes into the annotation of the requester."""
    found = pc.extract_regex(exported.column(raw, "RequesterAnnotation"), _BATCH)
    return pc.struct_field(found, "batch").cast(pa.string())


def _decisions(raw: RawBatch, shared: dict[str, pa.Array], work: Batch) -> Iterator[Batch]:
    """Rejections, then approvals, of the rows that were taken."""
    taken = exported.taken(raw, work)
    status = pc.utf8_lower(exported.column(raw, "AssignmentStatus"))
    approved = exported.column(raw, "ApprovalTime")
    for name, verdict, word, at in (
        ("reject", "reject", "rejected", exported.column(raw, "RejectionTime")),
        ("approve", "accept", "approved", approved),
    ):
        said = pc.fill_null(pc.equal(status, word), False).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(taken & (exported.there(at) | said))
        if not len(rows):
            continue
        given = shared | {
            "review_id": pc.binary_join_element_wise(shared["event_id"], name, ":"), "verdict": exported.constant(verdict, raw), "ts": at,
        }  # fmt: skip
        if name == "approve":
            by_itself = pc.fill_null(pc.equal(approved, exported.column(raw, "AutoApprovalTime")), False)
            given["sampled_why"] = pc.if_else(by_itself, "automatic approval", pa.scalar(None, pa.string()))
        extra = ["RequesterFeedback"] if name == "reject" else []
        yield exported.canonical("reviews", raw, given, extra=extra, rows=rows)
