"""How long it took (工时). Kinds of clock are told apart; a result that adds several says so."""

from metrics.definitions.output import ON_WORK, SUBMITTING
from metrics.model import Measure, Text

NO_TIME = Text("no sample: no row has a duration", "无样本：没有带耗时的记录")


def percentile(digits: str, share: float, en: str, zh: str) -> Measure:
    """A percentile of seconds per unit."""
    return Measure(
        f"seconds_per_unit_{digits}", en, zh, "s", "decimal", "down",
        Text(
            f"{share:.0%} of the submissions with a duration took at most this many seconds a unit; read from a histogram, relative error ≤ 1 %",
            f"{share:.0%} 的有耗时提交每单位不超过此秒数；取自直方图，相对误差 ≤ 1%",
        ),
        digits=2, view="pace", percentile=share, null_reason=NO_TIME, portable=False, about_people=True, crowd=SUBMITTING, clocked=True,
        source="Masson, Rim & Lee 2019, DDSketch, VLDB 12(12)",
    )  # fmt: skip


MEASURES = (
    Measure(
        "work_hours", "Work hours", "作业工时", "h", "decimal", "none", Text("sum of the durations of all work rows, reviewing included", "全部作业记录（含质检）的耗时之和"),
        digits=1, view="work", sql="CAST(sum({seconds}) AS DOUBLE) / 3600", about_people=True, clocked=True, source="contract",
    ),
    Measure(
        "merged_hours", "Merged hours", "合并工时", "h", "decimal", "none",
        Text(
            "time from begin to end of all work rows, a person's overlapping intervals counted once; more than the work hours where the tool "
            "leaves out pauses",
            "全部作业记录从开始到结束的时间，同一人重叠的区间只计一次；工具扣除停顿时，会多于作业工时",
        ),
        digits=1, view="work", sql="CAST(nullif(sum({merged_s}), 0) AS DOUBLE) / 3600", about_people=True, clocked=True, source="contract",
        null_reason=Text("no row says when it began and ended", "没有起止时间的记录"),
    ),
    Measure(
        "units_per_hour", "Units per hour", "时效", "unit/h", "decimal", "up",
        Text(
            "units ÷ their hours, over the submissions that have a duration; reviewing is not in it", "有耗时的提交：产量 ÷ 其工时（不含质检工时）"
        ),
        digits=1, num="timed_units_submitted", den="submission_hours", null_reason=NO_TIME, about_people=True, clocked=True, source="metrics.md T-01",
    ),
    Measure(
        "units_per_merged_hour", "Units per merged hour", "合并时效", "unit/h", "decimal", "up",
        Text(
            "units ÷ their merged hours, over the submissions that cover a known interval; reviewing is not in it",
            "区间已知的提交：产量 ÷ 其合并工时（不含质检工时）",
        ),
        digits=1, num="merged_units_submitted", den="merged_submission_hours", null_reason=NO_TIME, about_people=True, clocked=True,
        source="contract",
    ),
    Measure(
        "mean_seconds", "Seconds per submission", "单次耗时", "s", "decimal", "down",
        Text("hours ÷ rows, over the submissions that have a duration", "有耗时的提交：总耗时 ÷ 记录数"),
        digits=1, num="submission_seconds", den="timed_submissions", null_reason=NO_TIME, about_people=True, clocked=True, source="contract",
    ),
    percentile("p10", 0.10, "Seconds per unit, fast tenth", "单位耗时 P10"),
    percentile("p50", 0.50, "Seconds per unit, median", "单位耗时中位数"),
    percentile("p90", 0.90, "Seconds per unit, slow tenth", "单位耗时 P90"),
    Measure(
        "rework_hours", "Rework hours", "返工工时", "h", "decimal", "down", Text("sum of the durations of rows of action rework", "返工记录的耗时之和"),
        digits=1, view="work", sql="CAST(sum({seconds}) FILTER (WHERE {action} = 1) AS DOUBLE) / 3600", about_people=True, crowd=SUBMITTING, clocked=True,
        source="metrics.md Q-08",
    ),
    Measure(
        "rework_share_hours", "Rework share of hours", "返工工时占比", "ratio", "percent", "down",
        Text("hours of action rework ÷ all work hours", "返工工时 ÷ 全部作业工时"),
        digits=1, num="rework_hours", den="work_hours", null_reason=NO_TIME, clocked=True, source="metrics.md Q-08",
    ),
    Measure(
        "timed_submissions", "Timed submissions", "有耗时的提交", "row", "integer", "none", Text("submissions that have a duration", "有耗时的提交数"),
        view="work", sql=f"sum({{timed_rows}}) {ON_WORK}", about_people=True, crowd=SUBMITTING, source="contract",
    ),
    Measure(
        "submission_seconds", "Seconds of submissions", "提交耗时", "s", "decimal", "none", Text("", ""),
        view="work", sql=f"sum({{seconds}}) {ON_WORK}", about_people=True, crowd=SUBMITTING, clocked=True, hidden=True,
    ),
    Measure(
        "submission_hours", "Hours of submissions", "提交工时", "h", "decimal", "none", Text("", ""),
        view="work", sql=f"CAST(sum({{seconds}}) {ON_WORK} AS DOUBLE) / 3600", about_people=True, crowd=SUBMITTING, clocked=True, hidden=True,
    ),
    Measure(
        "timed_units_submitted", "Units with a duration", "有耗时的产量", "unit", "decimal", "none", Text("", ""),
        view="work", sql=f"sum({{timed_units}}) {ON_WORK}", about_people=True, crowd=SUBMITTING, hidden=True,
    ),
    Measure(
        "merged_units_submitted", "Units with a known interval", "区间已知的产量", "unit", "decimal", "none", Text("", ""),
        view="work", sql=f"sum({{merged_units}}) {ON_WORK}", about_people=True, crowd=SUBMITTING, hidden=True,
    ),
    Measure(
        "merged_submission_hours", "Merged hours of submissions", "提交合并工时", "h", "decimal", "none", Text("", ""),
        view="work", sql=f"CAST(sum({{merged_s}}) {ON_WORK} AS DOUBLE) / 3600", about_people=True, crowd=SUBMITTING, clocked=True, hidden=True,
    ),
)  # fmt: skip
