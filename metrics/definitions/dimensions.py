"""The ways to split and filter. The keys they decode are SQL in views.py."""

from data.codes import ACTIONS, CLOCKS, STAGES
from metrics.model import Dimension, Text

TENURE_BANDS = ("<7d", "7-30d", "31-90d", "91-180d", "181-365d", ">365d")
TENURE_LIMITS = (6, 30, 90, 180, 365)  # last day of each band but the last

DIMENSIONS = (
    Dimension("day", "Day", "日", "date", note=Text("business date in the site's zone", "基地时区的业务日期")),
    Dimension("week", "Week", "周", "date", note=Text("ISO week, named by its Monday", "ISO 周，以周一命名")),
    Dimension("month", "Month", "月", "date", note=Text("named by its first day", "以当月一日命名")),
    Dimension("hour", "Hour", "小时", "integer", note=Text("local hour of submission, 0–23", "提交时的当地小时，0–23")),
    Dimension(
        "site", "Site", "基地", "text", "coalesce(site.site_id, '')", "LEFT JOIN site ON site.site_key = {key}",
        "SELECT site_key FROM site WHERE site_id IN ({values})",
    ),
    Dimension(
        "team", "Team", "班组", "text", "coalesce(team.team_id, '')", "LEFT JOIN team ON team.team_key = {key}",
        "SELECT team_key FROM team WHERE team_id IN ({values})",
    ),
    Dimension(
        "worker", "Worker", "人员", "text", "coalesce(worker.worker_id, '')", "LEFT JOIN worker ON worker.worker_key = {key}",
        "SELECT coalesce(same_as, worker_key) FROM worker WHERE worker_id IN ({values})", field="names",
    ),
    Dimension(
        "project", "Project", "项目", "text", "coalesce(project.project_id, '')", "LEFT JOIN project ON project.project_key = {key}",
        "SELECT project_key FROM project WHERE project_id IN ({values})",
    ),
    Dimension("client", "Client", "客户", "text"),
    Dimension("modality", "Modality", "模态", "text", note=Text("of the project; for people, of their team", "项目的模态；人员按其班组")),
    Dimension("task_type", "Task type", "任务类型", "text"),
    Dimension(
        "batch", "Batch", "批次", "text", "coalesce(batch.label, '')",
        "LEFT JOIN (SELECT b.batch_key, CASE WHEN count(*) OVER (PARTITION BY b.batch_id) > 1 THEN owner.project_id || '/' || b.batch_id ELSE b.batch_id END AS label"
        " FROM batch AS b LEFT JOIN project AS owner ON owner.project_key = b.project_key) AS batch ON batch.batch_key = {key}",
        "SELECT b.batch_key FROM batch AS b LEFT JOIN project AS owner ON owner.project_key = b.project_key"
        " WHERE b.batch_id IN ({values}) OR owner.project_id || '/' || b.batch_id IN ({values})",
        note=Text("written project/batch where two projects share a batch number", "不同项目批次号相同时写作 项目/批次"),
    ),
    Dimension("action", "Action", "工序", "code", codes=ACTIONS),
    Dimension("round", "Round", "轮次", "integer", note=Text("1 is the first attempt", "1 为首次")),
    Dimension("stage", "Review stage", "质检环节", "code", codes=STAGES),
    Dimension(
        "reviewer", "Reviewer", "质检员", "text", "coalesce(reviewer.worker_id, '')", "LEFT JOIN worker AS reviewer ON reviewer.worker_key = {key}",
        "SELECT coalesce(same_as, worker_key) FROM worker WHERE worker_id IN ({values})", field="names",
    ),
    Dimension("error_type", "Error type", "错误类型", "text", note=Text("rates by error type divide by all reviewed rows", "按错误类型的比率以全部已检为分母")),
    Dimension("tenure_band", "Tenure", "司龄", "code", codes=TENURE_BANDS, note=Text("days since hire on that date", "当日距入职的天数")),
    Dimension("skill_level", "Skill level", "技能等级", "integer", note=Text("1 is the highest", "1 为最高级")),
    Dimension("tier", "Subcontract tier", "转包层级", "integer", note=Text("0 own client, 1 and up subcontracted", "0 直签客户，1 起为转包")),
    Dimension("contract", "Contract", "合同类型", "text"),
    Dimension("clock", "Clock", "计时口径", "code", codes=CLOCKS, note=Text("how the tool measured time", "工具的计时方式")),
    Dimension("channel", "Hiring channel", "招聘渠道", "text"),
    Dimension("leave_reason", "Reason for leaving", "离职原因", "text"),
)  # fmt: skip
