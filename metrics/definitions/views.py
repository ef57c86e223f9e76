"""The facts that measures rest on, each view in tables from small to large that give the same numbers."""

from data.codes import ANNOTATE, REJECT, REWORK
from metrics.definitions.dimensions import TENURE_LIMITS
from metrics.model import Table, Text, View

SUBMITTED = f"({ANNOTATE}, {REWORK})"
PLACE = {"team": "t.team_key", "site": "t.site_key"}
PROJECT = {
    "project": "t.project_key", "client": "coalesce(p.client, '')", "modality": "coalesce(p.modality, '')",
    "task_type": "coalesce(p.task_type, '')", "tier": "p.tier",
}  # fmt: skip
PERSON = {"worker": "t.worker_key", "skill_level": "s.skill_level", "contract": "coalesce(s.contract, '')"}


def dated(column: str) -> dict[str, str]:
    """Keys of day, week and month over a date column."""
    return {"day": column, "week": f"CAST(date_trunc('week', {column}) AS DATE)", "month": f"CAST(date_trunc('month', {column}) AS DATE)"}


def tenure(date: str, hired: str) -> str:
    """The index of the tenure band on a date; null where the person was not employed."""
    return " + ".join(f"({date} - {hired} > {last})::UTINYINT" for last in TENURE_LIMITS)  # without branches, a third faster than CASE


DATE = dated("t.business_date")
EMPLOYED = {**PERSON, "tenure_band": tenure("t.business_date", "s.hired")}
LENGTH = "CASE WHEN t.ts IS NULL THEN NULL WHEN t.wall_s IS NULL THEN t.seconds WHEN t.wall_s >= 0 THEN t.wall_s END"

WORK_SUMS = {
    name: f"t.{name}"
    for name in (
        "row_count", "unit_count", "prelabelled_count", "timed_rows", "timed_units", "seconds", "merged_units", "merged_s", "repeat_rows", "negative_rows", "lone_rows",
    )
}  # fmt: skip
WORK_LOG = {
    "row_count": "1", "unit_count": "t.units", "prelabelled_count": "coalesce(t.prelabelled_units, 0)",
    "timed_rows": "CASE WHEN t.seconds IS NOT NULL THEN 1 ELSE 0 END", "timed_units": "CASE WHEN t.seconds IS NOT NULL THEN t.units ELSE 0 END",
    "seconds": "coalesce(t.seconds, 0)", "merged_units": f"CASE WHEN ({LENGTH}) IS NOT NULL THEN t.units ELSE 0 END",
    "merged_s": f"coalesce(({LENGTH}) - t.overlap_s, 0)", "repeat_rows": f"CASE WHEN t.action = {ANNOTATE} AND t.round > 1 THEN 1 ELSE 0 END",
    "negative_rows": "CASE WHEN t.wall_s < 0 THEN 1 ELSE 0 END",
    "lone_rows": f"CASE WHEN t.repeat_of IS NULL AND t.action IN {SUBMITTED} THEN 1 ELSE 0 END",
}  # fmt: skip
LOG_DIMS = {
    **DATE, "hour": "t.hour", **PLACE, **EMPLOYED, **PROJECT, "batch": "t.batch_key", "action": "t.action", "round": "t.round", "clock": "t.clock",
}  # fmt: skip
WORK_TABLES = (
    ("work_day", {dim: key for dim, key in LOG_DIMS.items() if dim != "hour"}, False),
    ("work_hour", {dim: key for dim, key in LOG_DIMS.items() if dim not in ("batch", "round")}, False),
    ("work", LOG_DIMS, True),
)
REVIEW_DIMS = {
    **DATE, **PLACE, **EMPLOYED, **PROJECT, "batch": "t.batch_key", "action": "t.action", "round": "t.round", "stage": "t.stage",
    "reviewer": "t.reviewer_key", "error_type": "coalesce(t.error_type, '')",
}  # fmt: skip
LOG_DATE = dated("t.work_date")
# Without that in which the reviews of one piece of work differ.
JUDGED_DIMS = {dim: key for dim, key in REVIEW_DIMS.items() if dim not in ("stage", "reviewer", "error_type")}
REVIEW_SUMS = {
    name: f"t.{name}"
    for name in (
        "verdicts", "unlinked", "first_rows", "first_accepts", "last_rows", "last_accepts", "overturned_rows", "inspected_count", "error_count",
    )
} | {"rejected": "t.rejections"}  # fmt: skip
REVIEW_LOG_DIMS = {
    **{dim: key for dim, key in REVIEW_DIMS.items() if dim != "error_type"}, **LOG_DATE, "action": "t.work_action",
    "tenure_band": tenure("t.work_date", "s.hired"),
}  # fmt: skip
# People have their modality from their team, their tenure from the spell, and no project.
PRESENT = {
    **PLACE, "worker": "t.worker_key", "modality": "coalesce(t.modality, '')", "skill_level": "t.skill_level",
    "contract": "coalesce(t.contract, '')", "channel": "coalesce(t.channel, '')",
}  # fmt: skip
# A site loses sight of whom it sends away: within one, a spell is followed to the first move out of it.
SPELL = (
    "(SELECT h.*, e.to_date AS left_on, m.left_site, m.left_team FROM presence AS h"
    " LEFT JOIN presence AS e ON e.worker_key = h.worker_key AND e.hired = h.hired AND e.ends_spell"
    " LEFT JOIN (SELECT b.worker_key, b.hired, min(CASE WHEN s.worker_key IS NULL THEN b.to_date END) AS left_site, min(b.to_date) AS left_team"
    " FROM presence AS b LEFT JOIN presence AS s ON s.worker_key = b.worker_key AND s.hired = b.hired AND s.from_date = b.to_date AND s.site_key = b.site_key"
    " WHERE b.moved_out GROUP BY ALL) AS m ON m.worker_key = h.worker_key AND m.hired = h.hired WHERE h.starts_spell)"
)


def followed(moved: str = "") -> dict[str, str]:
    """How long a spell was followed, and whether its end was seen."""
    ends = (
        f"least(coalesce(t.left_on, {{last}}), coalesce({moved}, {{last}}), {{last}})"
        if moved
        else "least(coalesce(t.left_on, {last}), {last})"
    )
    seen = f"t.left_on <= {{last}} AND coalesce(t.left_on <= {moved}, true)" if moved else "t.left_on <= {last}"
    return {"lasted": f"CAST({ends} - t.from_date AS DOUBLE)", "left_by_now": f"coalesce({seen}, false)"}


# An internal boundary of a spell takes a person out of one stretch and into the next on the same day.
MOVES = (
    "(SELECT presence.*, from_date AS moved_on, 1 AS step FROM presence WHERE NOT starts_spell UNION ALL"
    " SELECT presence.*, to_date, -1 FROM presence WHERE to_date IS NOT NULL AND NOT ends_spell)"
)
# People meet the pieces of the asked range (the compiler's calendar); a stretch that begins and ends on one day holds nobody.
STAFF = (
    "(SELECT presence.*, calendar.*,"
    " least(coalesce(presence.to_date - 1, calendar.last_day), calendar.last_day) - greatest(presence.from_date, calendar.first_day) + 1 AS days_here,"
    " presence.from_date <= calendar.last_day AND (presence.to_date IS NULL OR calendar.last_day < presence.to_date) AS here_at_end"
    " FROM presence JOIN calendar ON presence.from_date <= calendar.last_day AND (presence.to_date IS NULL OR calendar.first_day < presence.to_date)"
    " WHERE presence.to_date IS NULL OR presence.from_date < presence.to_date)"
)
PACED = f"t.action IN {SUBMITTED}"

VIEWS = (
    View(
        "work",
        tuple(Table(name, dims, WORK_LOG if raw else WORK_SUMS, raw=raw) for name, dims, raw in WORK_TABLES),
        Text("work row", "作业记录"), ("work",), undated=True,
    ),
    View(
        "crew",
        tuple(Table(name, dims, {}, where=f"t.action IN {SUBMITTED}", raw=raw) for name, dims, raw in WORK_TABLES),
        Text("person and work row", "人员与作业记录"), ("work",), ("t.worker_key",), undated=True,
    ),
    View(
        "item_work",
        (Table("work", LOG_DIMS, {}, where=f"t.repeat_of IS NOT NULL AND t.action IN {SUBMITTED}", raw=True),),
        Text("item and work row", "题与作业记录"), ("work",), ("t.repeat_of",), undated=True,
    ),
    View(
        "pace",
        (
            Table(
                "pace_day", {**DATE, "site": "t.site_key", **PROJECT, "batch": "t.batch_key", "action": "t.action", "round": "t.round"},
                {"pace": "t.bucket", "weight": "t.row_count"},
            ),
            Table(
                "pace_group", {**DATE, **PLACE, **PROJECT, "batch": "t.batch_key", "action": "t.action", "round": "t.round"},
                {"pace": "t.bucket", "weight": "t.row_count"},
            ),
            Table("pace_worker", {**DATE, **PLACE, **EMPLOYED, **PROJECT, "action": "t.action"}, {"pace": "t.bucket", "weight": "t.row_count"}),
            Table(
                "work", LOG_DIMS, {"pace": "CAST(t.seconds AS DOUBLE) / CAST(t.units AS DOUBLE)", "weight": "1"},
                where=f"{PACED} AND t.seconds IS NOT NULL AND t.units > 0", raw=True,
            ),
        ),
        Text("timed work row", "有耗时的作业记录"), ("work",), undated=True,
    ),
    View(
        "review",
        (
            Table(
                "judged_day", JUDGED_DIMS,
                {**REVIEW_SUMS, "lone_rows": "t.item_rows", "lone_rejected_rows": "t.item_rejected_rows"},
            ),
            Table(
                "review_day", REVIEW_DIMS, {**REVIEW_SUMS, "lone_rows": "t.lone_rows", "lone_rejected_rows": "t.lone_rejected_rows"},
                sliced={name: f"t.stage_{name}" for name in ("first_rows", "first_accepts", "last_rows", "last_accepts")},
            ),
        ),
        Text("review", "质检记录"), ("review",), undated=True,
    ),
    View(
        "item_review",
        (
            Table(
                "judged_item", JUDGED_DIMS,
                {"sent_back": "CASE WHEN t.rejections > 0 THEN 1 ELSE 0 END"},
            ),
            Table(
                "review", REVIEW_LOG_DIMS, {"sent_back": f"CASE WHEN t.verdict = {REJECT} THEN 1 ELSE 0 END"},
                date="t.work_date", where="t.repeat_of IS NOT NULL", raw=True,
            ),
        ),
        Text("item and review", "题与质检记录"), ("review",), ("t.repeat_of",), undated=True,
    ),
    View(
        "staff",
        (
            Table(
                "presence", {**dated("t.first_day"), **PRESENT, "tenure_band": tenure("t.first_day", "t.hired")},
                {"at_end": "t.bucket_end AND t.here_at_end", "here": "t.days_here", "days": "t.bucket_days"}, STAFF, "t.first_day", whole={"at_end": "t.range_end AND t.here_at_end", "days": "t.range_days"},
            ),
        ),
        Text("day, site, team and person", "日、基地、班组和人员"), ("staff",),
    ),
    View(
        "arrivals",
        (
            Table(
                "presence", {**dated("t.from_date"), **PRESENT, "tenure_band": tenure("t.from_date", "t.hired")},
                followed(), SPELL, "t.from_date", moved={"site": followed("t.left_site"), "team": followed("t.left_team")},
            ),
        ),
        Text("day, site, team and person hired", "入职的日、基地、班组和人员"), ("arrivals",),
    ),
    View(
        "departures",
        (
            Table(
                "presence", {**dated("t.to_date"), **PRESENT, "tenure_band": tenure("t.to_date", "t.hired"), "leave_reason": "coalesce(t.leave_reason, '')"},
                {"by_choice": "t.voluntary"}, date="t.to_date", where="t.ends_spell",
            ),
        ),
        Text("day, site, team and person who left", "离职的日、基地、班组和人员"), ("staff", "departures"),
    ),
    View(
        "moves",
        (Table("presence", {**dated("t.moved_on"), **PRESENT}, {"step": "t.step"}, MOVES, "t.moved_on"),),
        Text("day, site, team and person moved", "调动的日、基地、班组和人员"), ("staff",),
    ),
    View(
        "earn",
        (
            Table(
                "earn_day", {**DATE, **PLACE, **EMPLOYED, **PROJECT, "batch": "t.batch_key", "action": "t.action", "round": "t.round"},
                {"owed": "t.pay", "sold": "t.revenue", "no_price": "t.unpriced_units", "no_rate": "t.unrated_units", "earned": "t.unit_count"},
            ),
        ),
        Text("day, person, project, batch, action and round", "日、人员、项目、批次、工序和轮次"), ("earn",), undated=True,
    ),
    View(
        "cost",
        (Table("cost_day", {**DATE, "site": "t.site_key"}, {"amount": "t.amount", "cost_kind": "t.kind"}),),
        Text("site, month and day", "基地、月和日"),
    ),
)  # fmt: skip
