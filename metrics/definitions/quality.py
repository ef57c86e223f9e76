"""How good it was (质量), by the date of the work. Counted per work row by its first or last verdict; errors are charged to the author."""

from metrics.definitions.views import SUBMITTED
from metrics.model import Measure, Text

JUDGED_PEOPLE = "people_judged"
JUDGED = f"FILTER (WHERE {{action}} IN {SUBMITTED})"
NOT_INSPECTED = Text("not inspected", "未抽检")
MIN_N = 30  # metrics.md 1.5

MEASURES = (
    Measure(
        "reviews", "Reviews", "质检次数", "row", "integer", "none", Text("verdicts given", "质检判定次数"),
        view="review", sql="sum({verdicts})", about_people=True, matures=True, source="contract",
    ),
    Measure(
        "rejections", "Rejections", "驳回次数", "row", "integer", "down", Text("verdicts that sent the work back", "判定为驳回的次数"),
        view="review", sql="sum({rejected})", about_people=True, matures=True, source="metrics.md Q-08",
    ),
    Measure(
        "reviewed", "Reviewed", "已检数", "row", "integer", "none", Text("submissions with at least one verdict", "至少有一次判定的提交数"),
        view="review", sql=f"sum({{first_rows}}) {JUDGED}", about_people=True, crowd=JUDGED_PEOPLE, matures=True, source="contract",
    ),
    Measure(
        "review_coverage", "Review coverage", "抽检率", "ratio", "percent", "none", Text("reviewed ÷ submissions", "已检数 ÷ 提交数"),
        digits=1, num="reviewed", den="submissions", null_reason=Text("no sample: nothing was submitted", "无样本：没有提交"), matures=True,
        source="metrics.md Q-21",
    ),
    Measure(
        "first_pass_yield", "First-pass yield", "一次通过率", "ratio", "percent", "up",
        Text("reviewed submissions whose first verdict is accept ÷ reviewed", "首次判定即通过的提交 ÷ 已检数"),
        digits=1, num="accepted_first", den="reviewed", null_reason=NOT_INSPECTED, interval="wilson", min_n=MIN_N, matures=True,
        source="ISO 22400-2 FPY; metrics.md Q-05",
    ),
    Measure(
        "final_yield", "Final yield", "最终合格率", "ratio", "percent", "up",
        Text("reviewed submissions whose last verdict is accept ÷ reviewed", "最后判定为通过的提交 ÷ 已检数"),
        digits=1, num="accepted_last", den="reviewed_last", null_reason=NOT_INSPECTED, interval="wilson", min_n=MIN_N, matures=True,
        source="metrics.md Q-07",
    ),
    Measure(
        "errors", "Rows with errors", "不合格数", "row", "integer", "down",
        Text("reviewed submissions whose first verdict is not accept", "首次判定未通过的提交数"), formula="reviewed - accepted_first", matures=True,
        source="metrics.md Q-01",
    ),
    Measure(
        "error_rate", "Error rate", "错误率", "ratio", "percent", "down",
        Text("submissions whose first verdict is not accept ÷ reviewed", "首次判定未通过的提交 ÷ 已检数"),
        digits=1, num="errors", den="reviewed", null_reason=NOT_INSPECTED, interval="wilson", min_n=MIN_N, matures=True, source="metrics.md Q-01",
    ),
    Measure(
        "inspected_units", "Inspected units", "已检单位", "unit", "integer", "none",
        Text("units looked at by reviewers, as reported or else all units of the work", "质检查看的标注单位数（未填报时按该作业全部单位）"),
        view="review", sql="sum({inspected_count})", about_people=True, matures=True, source="metrics.md Q-02",
    ),
    Measure(
        "error_units", "Error units", "错误单位", "unit", "integer", "down", Text("units found wrong by reviewers", "质检判错的标注单位数"),
        view="review", sql="sum({error_count})", about_people=True, matures=True, source="metrics.md Q-02",
    ),
    Measure(
        "unit_error_rate", "Unit error rate", "框级错误率", "ratio", "percent", "down",
        Text("error units ÷ inspected units; no interval, as units of one item are alike", "错误单位 ÷ 已检单位；同一题的单位相关，不给区间"),
        digits=2, num="error_units", den="inspected_units", null_reason=NOT_INSPECTED, matures=True, source="metrics.md Q-02",
    ),
    Measure(
        "overturned", "Overturned rejections", "改判数", "row", "integer", "down",
        Text("rejections later accepted without rework", "未经返工后来被改为通过的驳回"),
        view="review", sql="sum({overturned_rows})", about_people=True, matures=True, source="metrics.md Q-22",
    ),
    Measure(
        "items_inspected", "Items inspected", "已检题数", "item", "integer", "none", Text("distinct items with a verdict", "有判定的不重复题数"),
        formula="lone_inspected + repeated_inspected", matures=True, source="metrics.md Q-08",
    ),
    Measure(
        "items_sent_back", "Items sent back", "返工题数", "item", "integer", "down", Text("distinct items rejected at least once", "至少被驳回一次的不重复题数"),
        formula="lone_sent_back + repeated_sent_back", matures=True, source="metrics.md Q-08",
    ),
    *(
        Measure(name, en, zh, "item", "integer", "none", Text("", ""), view=view, sql=sql, about_people=True, matures=True, hidden=True)
        for name, en, zh, view, sql in (
            ("lone_inspected", "Items counted by day", "按日已计的题", "review", "sum({lone_rows})"),
            ("repeated_inspected", "Items looked up", "需查明细的题", "item_review", "count({sent_back})"),
            ("lone_sent_back", "Sent back, counted by day", "按日已计的返工题", "review", "sum({lone_rejected_rows})"),
            ("repeated_sent_back", "Sent back, looked up", "需查明细的返工题", "item_review", "sum({sent_back})"),
        )
    ),
    Measure(
        "rework_rate", "Rework rate", "返工率", "ratio", "percent", "down",
        Text("items sent back at least once ÷ items inspected", "至少被驳回一次的题 ÷ 已检题数"),
        digits=1, num="items_sent_back", den="items_inspected", null_reason=NOT_INSPECTED, interval="wilson", min_n=MIN_N, matures=True,
        source="metrics.md Q-08",
    ),
    Measure(
        "accepted_first", "Accepted at first", "首次通过", "row", "integer", "up", Text("", ""),
        view="review", sql=f"sum({{first_accepts}}) {JUDGED}", about_people=True, crowd=JUDGED_PEOPLE, matures=True, hidden=True,
    ),
    Measure(
        "accepted_last", "Accepted at last", "最终通过", "row", "integer", "up", Text("", ""),
        view="review", sql=f"sum({{last_accepts}}) {JUDGED}", about_people=True, crowd=JUDGED_PEOPLE, matures=True, hidden=True,
    ),
    Measure(
        "reviewed_last", "Reviewed, by last verdict", "已检数（末次）", "row", "integer", "none", Text("", ""),
        view="review", sql=f"sum({{last_rows}}) {JUDGED}", about_people=True, crowd=JUDGED_PEOPLE, matures=True, hidden=True,
    ),
    Measure(
        "unlinked_reviews", "Reviews without known work", "未关联质检", "row", "integer", "down",
        Text("verdicts on work that is not in the log; they count as reviews only", "对应作业不在记录中的判定；只计入质检次数"),
        view="review", sql="sum({unlinked})", about_people=True, source="contract",
    ),
    Measure(
        JUDGED_PEOPLE, "People whose work was judged", "作业被判定的人数", "person", "integer", "none", Text("", ""),
        view="review", sql=f"count(DISTINCT {{worker}}) {JUDGED}", hidden=True,
    ),
    Measure("people_review", "People", "人数", "person", "integer", "none", Text("", ""), view="review", sql="count(DISTINCT {worker})", hidden=True),
)  # fmt: skip
