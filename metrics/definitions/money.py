"""What it earned and cost (经营), in the store's currency. Revenue is accepted work; pay is what the rate card owes. Exact decimals."""

from metrics.model import Field, Measure, Text

PAY: frozenset[Field] = frozenset({"pay"})  # what a role must be allowed to see
PRICES: frozenset[Field] = frozenset({"client_prices"})
NO_REVENUE = Text("no revenue in the period", "期内无收入")
NO_TIME = Text("no sample: no row has a duration", "无样本：没有带耗时的记录")

MEASURES = (
    Measure(
        "revenue", "Revenue", "收入", "money", "money", "up",
        Text("accepted units × the price valid on the acceptance date", "验收通过的单位 × 验收日有效单价"),
        digits=2, view="earn", sql="sum({sold})", fields=PRICES, source="CAS 14; metrics.md F-01",
    ),
    Measure(
        "pay", "Pay", "应付工资", "money", "money", "none",
        Text("what the rate card owes workers for work submitted, passed or accepted, as the card says", "按工价表应付：依约定按提交、通过或验收计"),
        digits=2, view="earn", sql="sum({owed})", about_people=True, fields=PAY, source="metrics.md F-04",
    ),
    Measure(
        "labour_cost", "Labour cost", "标注人工", "money", "money", "down", Text("pay for the actions annotate and clean", "标注与清洗的应付工资"),
        digits=2, view="earn", sql="sum({owed}) FILTER (WHERE {action} IN (0, 3))", about_people=True, fields=PAY, source="metrics.md F-10",
    ),
    Measure(
        "review_cost", "Review cost", "质检成本", "money", "money", "down", Text("pay for the action review", "质检的应付工资"),
        digits=2, view="earn", sql="sum({owed}) FILTER (WHERE {action} = 2)", about_people=True, fields=PAY, source="metrics.md F-06",
    ),
    Measure(
        "rework_cost", "Rework cost", "返工成本", "money", "money", "down", Text("pay for the action rework", "返工的应付工资"),
        digits=2, view="earn", sql="sum({owed}) FILTER (WHERE {action} = 1)", about_people=True, fields=PAY, source="metrics.md F-05",
    ),
    Measure(
        "direct_cost", "Direct cost", "直接成本", "money", "money", "down",
        Text("labour + review + rework cost; before overhead", "标注人工 + 质检成本 + 返工成本；不含间接成本"),
        digits=2, formula="labour_cost + review_cost + rework_cost", source="metrics.md F-10",
    ),
    Measure(
        "overhead", "Overhead", "间接成本", "money", "money", "down",
        Text("rent, power, management and the like, spread over the days of their month; without subsidies", "房租、电费、管理等，按月内天数分摊；不含补贴"),
        digits=2, view="cost", sql="sum({amount}) FILTER (WHERE {cost_kind} <> 'subsidy')", source="metrics.md F-07",
    ),
    Measure(
        "subsidy", "Subsidies", "政府补贴", "money", "money", "up",
        Text("public subsidies, spread over the days of their month; kept out of every margin", "政府补贴，按月内天数分摊；不计入毛利"),
        digits=2, view="cost", sql="sum({amount}) FILTER (WHERE {cost_kind} = 'subsidy')", source="CAS 16; metrics.md F-09",
    ),
    Measure(
        "contribution_margin", "Contribution margin", "边际贡献", "money", "money", "up",
        Text("revenue − labour − review − rework cost; before overhead and subsidies", "收入 − 标注人工 − 质检成本 − 返工成本；未扣间接成本，不含补贴"),
        digits=2, formula="revenue - labour_cost - review_cost - rework_cost", source="metrics.md F-10",
    ),
    Measure(
        "margin_rate", "Margin rate", "边际贡献率", "ratio", "percent", "up", Text("contribution margin ÷ revenue", "边际贡献 ÷ 收入"),
        digits=1, num="contribution_margin", den="revenue", null_reason=NO_REVENUE, source="metrics.md F-10",
    ),
    Measure(
        "pay_per_hour", "Pay per hour", "时薪", "money/h", "money", "none", Text("pay ÷ work hours", "应付工资 ÷ 作业工时"),
        digits=2, num="pay", den="work_hours", null_reason=NO_TIME, clocked=True, source="contract",
    ),
    Measure(
        "unpriced_units", "Units without a price", "无单价单位", "unit", "integer", "down",
        Text("accepted units of projects without a price on that date: revenue lacks them", "验收当日项目无单价的单位；收入未含"),
        view="earn", sql="sum({no_price})", source="contract",
    ),
    Measure(
        "unrated_units", "Units without a rate", "无工价单位", "unit", "integer", "down",
        Text("submitted units for which no rate card applies: pay lacks them", "无工价可依的提交单位；应付工资未含"),
        view="earn", sql="sum({no_rate})", about_people=True, source="contract",
    ),
    Measure("people_earn", "People", "人数", "person", "integer", "none", Text("", ""), view="earn", sql="count(DISTINCT {worker})", hidden=True),
)  # fmt: skip
