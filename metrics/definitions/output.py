"""How much was done, and by how many (产量). Counted over the actions annotate and rework."""

from metrics.definitions.views import SUBMITTED
from metrics.model import Measure, Text

ON_WORK = f"FILTER (WHERE {{action}} IN {SUBMITTED})"
SUBMITTING = "people_submitting"
NO_ROWS = Text("no sample: nothing was submitted", "无样本：没有提交")

MEASURES = (
    Measure(
        "submissions", "Submissions", "提交数", "row", "integer", "up", Text("work rows of action annotate or rework", "标注与返工的作业记录数"),
        view="work", sql=f"sum({{row_count}}) {ON_WORK}", about_people=True, crowd=SUBMITTING, source="contract",
    ),
    Measure(
        "units", "Units", "产量", "unit", "integer", "up", Text("units (boxes, points, seconds …) in the submissions", "提交中的标注单位数（框、点、秒等）"),
        view="work", sql=f"sum({{unit_count}}) {ON_WORK}", about_people=True, crowd=SUBMITTING, source="metrics.md 1.3",
    ),
    Measure(
        "items", "Items", "题数", "item", "integer", "up",
        Text("distinct items (project and item) in the submissions; recounted for every slice, never summed", "提交中不重复的题（项目+题号）；每个切片重新计数，不相加"),
        formula="lone_items + repeated_items", source="metrics.md 1.3",
    ),
    Measure(
        "lone_items", "Items of one submission", "一次提交的题", "item", "integer", "none", Text("", ""),
        view="work", sql="sum({lone_rows})", about_people=True, crowd=SUBMITTING, hidden=True,
    ),
    Measure(
        "repeated_items", "Items of several submissions", "多次提交的题", "item", "integer", "none", Text("", ""),
        view="item_work", sql="count(*)", about_people=True, crowd=SUBMITTING, hidden=True,
    ),
    Measure(
        "active_workers", "Active people", "作业人数", "person", "integer", "none", Text("distinct people in the submissions", "有提交的不重复人数"),
        view="crew", sql="count(*)", source="contract",
    ),
    Measure(
        "units_per_person", "Units per person", "人均产量", "unit", "decimal", "up", Text("units ÷ active people of the period", "产量 ÷ 期内作业人数"),
        digits=1, num="units", den="active_workers", null_reason=NO_ROWS, source="metrics.md T-03",
    ),
    Measure(
        "prelabelled_units", "Pre-labelled units", "预标注产量", "unit", "integer", "none",
        Text("units that came with a pre-label", "带预标注的标注单位数"), view="work", sql=f"sum({{prelabelled_count}}) {ON_WORK}", about_people=True, crowd=SUBMITTING,
        source="metrics.md T-16",
    ),
    Measure(
        "prelabel_share", "Pre-label share", "预标注占比", "ratio", "percent", "none", Text("pre-labelled units ÷ units", "预标注产量 ÷ 产量"),
        digits=1, num="prelabelled_units", den="units", null_reason=NO_ROWS, source="metrics.md T-16",
    ),
    Measure(
        "repeats", "Repeats", "重复作业", "row", "integer", "down",
        Text("annotate rows beyond the first by the same person on the same item", "同一人对同一题首次之后的标注记录数"),
        view="work", sql="sum({repeat_rows})", about_people=True, crowd=SUBMITTING, source="contract",
    ),
    Measure(
        "negative_intervals", "Negative intervals", "负时长记录", "row", "integer", "down",
        Text("work rows whose start lies after their end: the clock was set back", "开始时间晚于结束时间的作业记录（时钟回拨）"),
        view="work", sql="sum({negative_rows})", about_people=True, source="contract",
    ),
    Measure(
        "people_work", "People", "人数", "person", "integer", "none", Text("", ""), view="work", sql="count(DISTINCT {worker})", hidden=True,
    ),
    Measure(
        SUBMITTING, "People who submitted", "提交人数", "person", "integer", "none", Text("", ""),
        view="work", sql=f"count(DISTINCT {{worker}}) {ON_WORK}", hidden=True,
    ),
)  # fmt: skip
