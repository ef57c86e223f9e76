"""Who is here, who came and who left (人员). Heads are counted at the end of a day; on the day of leaving a person is no longer counted."""

from metrics.model import Measure, Text

NOBODY = Text("no sample: nobody was employed", "无样本：期内无在职人员")

MEASURES = (
    Measure(
        "headcount", "Headcount", "在册人数", "person", "integer", "none",
        Text("people employed at the end of the period (of its last known day)", "期末（最后已知日）在册人数"),
        view="staff", sql="count(*) FILTER (WHERE {at_end})", source="metrics.md W-01",
    ),
    Measure(
        "headcount_opening", "Opening headcount", "期初人数", "person", "integer", "none",
        Text("people employed at the end of the day before the period", "期前一日末的在册人数"),
        formula="headcount - joiners + leavers - transfers_net", source="metrics.md W-06",
    ),
    Measure(
        "average_headcount", "Average headcount", "平均在职人数", "person", "decimal", "none",
        Text("mean of the daily headcount: person-days ÷ days", "每日在册人数的平均：人日 ÷ 天数"),
        digits=1, num="person_days", den="days_in_period", null_reason=NOBODY, source="SHRM; metrics.md W-02",
    ),
    Measure(
        "person_days", "Person-days", "人日", "day", "integer", "none", Text("days on which people were employed, summed over people", "在册天数之和"),
        view="staff", sql="sum({here})", source="metrics.md W-02",
    ),
    Measure(
        "joiners", "Joiners", "入职", "person", "integer", "none", Text("employments that began in the period", "期内入职人次"),
        view="arrivals", sql="count(*)", source="metrics.md W-06",
    ),
    Measure(
        "leavers", "Leavers", "离职", "person", "integer", "down", Text("employments that ended in the period", "期内离职人次"),
        view="departures", sql="count(*)", about_people=True, source="metrics.md W-06",
    ),
    Measure(
        "leavers_voluntary", "Leavers, voluntary", "主动离职", "person", "integer", "down",
        Text("employments ended by the person in the period", "期内本人主动离职人次"),
        view="departures", sql="count(*) FILTER (WHERE {by_choice})", about_people=True, source="metrics.md W-05",
    ),
    Measure(
        "leavers_involuntary", "Leavers, involuntary", "被动离职", "person", "integer", "down",
        Text("employments ended by the employer in the period", "期内非本人意愿离职人次"),
        view="departures", sql="count(*) FILTER (WHERE NOT {by_choice})", about_people=True, source="metrics.md W-05",
    ),
    Measure(
        "transfers_net", "Net transfers in", "净调入", "person", "integer", "none",
        Text("moves into a group less moves out of it, in the period; zero over the whole base", "期内调入减调出；全体合计为零"),
        view="moves", sql="sum({step})", source="metrics.md W-06",
    ),
    Measure(
        "turnover_rate", "Turnover (average headcount)", "离职率（平均在职口径）", "ratio", "percent", "down",
        Text("leavers ÷ average headcount of the period; not annualised", "离职 ÷ 期内平均在职人数；未年化"),
        digits=1, num="leavers", den="average_headcount", null_reason=NOBODY, source="SHRM; metrics.md W-03 (a)",
    ),
    Measure(
        "turnover_rate_cn", "Turnover (opening + joiners)", "离职率（期初+入职口径）", "ratio", "percent", "down",
        Text("leavers ÷ (opening headcount + joiners); never above 100 %", "离职 ÷（期初人数 + 入职）；不超过 100%"),
        digits=1, num="leavers", den="headcount_opening + joiners", null_reason=NOBODY, source="metrics.md W-03 (d)",
    ),
    Measure(
        "attrition_90d", "90-day attrition", "90 天流失率", "ratio", "percent", "down",
        Text(
            "1 − Kaplan–Meier survival at 90 days, over the people hired in the period; those still employed count as long as they are known, within a site or team until they move out of it",
            "期内入职者 90 天 Kaplan–Meier 留存率的补数；仍在职者计至最后已知日，按基地或班组查看时计至调出之日",
        ),
        digits=1, view="arrivals", method="attrition_90d", interval="log-log", min_n=10, portable=False, about_people=True,
        null_reason=Text("no hires, or none followed for 90 days yet", "无入职，或尚未满 90 天（未到期）"),
        source="Kaplan & Meier 1958; metrics.md W-07",
    ),
    Measure("days_in_period", "Days", "天数", "day", "integer", "none", Text("", ""), view="staff", sql="max({days})", hidden=True),
    Measure("people_staff", "People", "人数", "person", "integer", "none", Text("", ""), view="staff", sql="count(DISTINCT {worker})", hidden=True),
    Measure("people_arrivals", "People", "人数", "person", "integer", "none", Text("", ""), view="arrivals", sql="count(DISTINCT {worker})", hidden=True),
    Measure("people_departures", "People", "人数", "person", "integer", "none", Text("", ""), view="departures", sql="count(DISTINCT {worker})", hidden=True),
)  # fmt: skip
