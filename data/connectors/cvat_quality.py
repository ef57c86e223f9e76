"""CVAT's quality reports → reviews of stage gold: what a job's annotations were worth against the ground truth.

A report belongs to the state of a job and of its ground truth: made again of the same state, it is the same review. It is linked to
the last row of whoever worked longest on the latest round before it; where no work is known it goes to the job's assignee at that time. It is accepted when its
score meets what the server requires (reports since 2026 carry their requirements; before, the task's quality settings say), and where neither is to be
had when there is no error. One review a kind of error, so that error units add up by kind; the first one carries the units inspected.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from data.codes import ANNOTATE, REWORK
from data.connectors.connector import Names, Read
from data.connectors.cvat_events import Unreadable, instant, refused
from data.tables import ARROW, Batch

# The kinds that mean the same as words the house has; the others keep their own.
ERRORS: Mapping[str, str] = {
    "missing_annotation": "漏标", "extra_annotation": "多标", "mismatching_label": "错类", "low_overlap": "不贴合", "mismatching_attributes": "错属性",
}  # fmt: skip
# While a server tells errors from warnings, these are the errors.
_GRAVE = ("missing_annotation", "extra_annotation", "mismatching_label")


@dataclass(frozen=True, slots=True)
class Report:
    """What a quality report says of one job. `target` is how the server measures: (measure, threshold), None where it does not say."""

    id: int
    job: str
    task: str | None
    project: str | None
    assignee: str | None
    at: int
    state: str
    inspected: int
    errors: Mapping[str, int]
    met: bool | None
    scores: Mapping[str, float]


def read_report(raw: Mapping[str, Any]) -> Report | None:
    """A report as the server gives it; None for one of a task or project, whose jobs have their own. Raises Unreadable."""
    job, summary = raw.get("job_id"), raw.get("summary")
    if raw.get("target", "job") != "job" or job is None:
        return None
    if not isinstance(summary, Mapping) or type(raw.get("id")) is not int:
        raise Unreadable("nested", "summary")
    kinds = summary.get("conflicts_by_type") or {}
    graded = "warning_count" in summary
    errors = {
        str(kind): int(count) for kind, count in kinds.items() if type(count) is int and count > 0 and (not graded or kind in _GRAVE)
    }  # fmt: skip
    required = [one for one in summary.get("requirements") or () if isinstance(one, Mapping)]
    parts = [one.get("score_components") or {} for one in required]
    sizes = [sum(int(part.get(name) or 0) for name in ("valid_count", "missing_count", "extra_count")) for part in parts]
    inspected = summary.get("total_count") if type(summary.get("total_count")) is int else max(sizes, default=0)
    judged = [(one.get("score"), one.get("threshold")) for one in required]
    told = [(score, least) for score, least in judged if isinstance(score, (int, float)) and isinstance(least, (int, float))]
    assignee = raw.get("assignee")
    return Report(
        raw["id"], str(job), _id(raw.get("task_id")), _id(raw.get("project_id")), _id(assignee.get("id")) if isinstance(assignee, Mapping) else None,
        instant(raw.get("created_date")), f"{raw.get('target_last_updated') or raw.get('created_date')}/{raw.get('gt_last_updated') or ''}",
        max(int(inspected or 0), sum(errors.values())), dict(sorted(errors.items(), key=lambda item: (-item[1], item[0]))),
        all(score >= least for score, least in told) if told else None,
        {name: float(summary[name]) for name in ("accuracy", "precision", "recall") if _number(summary.get(name))},
    )  # fmt: skip


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _id(value: object) -> str | None:
    return None if value is None else str(value)


_AUTHOR = f"""SELECT arg_max(event_id, (ts, event_id)), any_value(worker_id), any_value(project_id), any_value(batch_id), any_value(round) FROM (
        SELECT w.event_id, w.ts, w.round, k.worker_id, p.project_id, b.batch_id,
            sum(coalesce(w.seconds, 0)) OVER (PARTITION BY w.worker_key) AS spent, max(w.units) OVER (PARTITION BY w.worker_key) AS made
        FROM work AS w JOIN worker AS k ON k.worker_key = coalesce(w.given_key, w.worker_key) JOIN project AS p USING (project_key) LEFT JOIN batch AS b ON b.batch_key = w.batch_key AND w.batch_key <> 0
        WHERE w.source_key = (SELECT source_key FROM source WHERE name = ?) AND w.item_id = ? AND w.action IN ({ANNOTATE}, {REWORK})
            AND w.ts <= make_timestamp_ms(?) AND w.round = (
                SELECT max(round) FROM work WHERE source_key = (SELECT source_key FROM source WHERE name = ?) AND item_id = ?
                    AND action IN ({ANNOTATE}, {REWORK}) AND ts <= make_timestamp_ms(?)))
    GROUP BY spent, made, worker_id ORDER BY spent DESC, made DESC, worker_id LIMIT 1"""


def batches(read: Read, names: Names, raws: Sequence[Mapping[str, Any]], targets: Mapping[str, tuple[str, float]]) -> list[Batch]:
    """The reviews of these reports; `targets` is (measure, threshold) by task, of servers whose reports do not carry theirs."""
    rows: list[tuple[object, ...]] = []
    rejects = []
    for raw in raws:
        try:
            report = read_report(raw)
            if report is not None:
                rows += _rows(read, names, report, targets)
        except Unreadable as error:
            rejects.append(refused(0, error, json.dumps(raw, ensure_ascii=False)))
    if not rows and not rejects:
        return []
    kinds = {
        "ts": ARROW["instant"],
        "round": pa.int64(),
        "inspected_units": ARROW["quantity"],
        "error_units": ARROW["quantity"],
        "version": pa.int64(),
    }
    columns = (
        "review_id", "worker_id", "project_id", "batch_id", "item_id", "event_id", "round", "ts", "verdict", "inspected_units", "error_units", "error_type",
        "version",
    )  # fmt: skip
    table = pa.table({
        **{name: pa.array([row[place] for row in rows], kinds.get(name, pa.string())) for place, name in enumerate(columns)},
        "stage": pa.array(["gold"] * len(rows), pa.string()), "line": pa.array([0] * len(rows), pa.int64()),
    })  # fmt: skip
    return [Batch("reviews", table, rejects, len(rows) + len(rejects))]


def _rows(read: Read, names: Names, report: Report, targets: Mapping[str, tuple[str, float]]) -> list[tuple[object, ...]]:
    found = read(_AUTHOR, [names.source, report.job, report.at] * 2)
    if found:
        event, worker, project, batch, number = found[0]
    elif report.assignee is not None:
        home = report.project or (f"task-{report.task}" if report.task else "none")
        event, worker, project, batch, number = None, names.worker(report.assignee), names.project(home), report.task, None
    else:
        raise Unreadable("missing", "worker_id")
    met = report.met
    if met is None and report.task is not None and report.task in targets:
        measure, least = targets[report.task]
        met = report.scores[measure] >= least if measure in report.scores else None
    verdict = "accept" if (not report.errors if met is None else met) else "reject"
    name = f"quality/{report.job}@{report.state}"
    shared = (worker, project, batch, report.job, event, number, report.at, verdict)
    return [
        (
            name if place == 0 else f"{name}/{kind}", *shared, Decimal(report.inspected if place == 0 else 0), Decimal(count),
            ERRORS.get(kind, kind) if kind else None, report.id,
        )
        for place, (kind, count) in enumerate(report.errors.items() or [("", 0)])
    ]  # fmt: skip
