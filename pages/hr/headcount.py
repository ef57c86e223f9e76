"""人员: how many are we, who came and went?"""

from datetime import timedelta

import streamlit as st

from metrics.headcount_bridge import MEASURES, bridge, reasons
from metrics.period import Period
from pages.ui import cards, charts, numbers, screen, states, tables, text
from pages.ui.ask import label, measure
from pages.ui.text import N_, _

RATES = ("turnover_rate", "turnover_rate_cn")
SHORT = {"turnover_rate": N_("Turnover (avg.)"), "turnover_rate_cn": N_("Turnover (joiners)")}
STEPS = {
    "joiners": N_("Joined"),
    "transfers": N_("Net transfers"),
    "voluntary": N_("Voluntary"),
    "involuntary": N_("Involuntary"),
    "unstated": N_("Left, unstated"),
    "left": N_("Left"),
}

view = screen.open("headcount")
COLUMNS = (*MEASURES, *RATES, "average_headcount")
end = view.choice.period.end or view.fresh.today
below = []
if view.sees_people:
    below = [
        view.question("leavers", by=("day", "worker", "team", "leave_reason"), compare=False),
        view.question("joiners", by=("day", "worker", "team", "channel"), compare=False),
    ]
whole, trend, year, sites, kinds, why, *came_and_gone = view.ask_together(
    view.question(*COLUMNS),
    view.question("headcount", "joiners", "leavers", *RATES, by=view.grain),
    view.question("attrition_90d", period=Period(end - timedelta(days=364), end)),
    view.question(*COLUMNS, by="site", total=True),
    view.question("leavers", *RATES, by="modality"),
    view.question("leavers", "leavers_voluntary", "leavers_involuntary", by="leave_reason", compare=False),
    *below,
)
trend = trend.dated()
if not len(trend) or not whole.total("average_headcount"):
    states.empty(_("Nobody was employed in the period and place chosen."))
    st.stop()
cards.row(
    [
        cards.Card("headcount", whole, trend),
        cards.Card("joiners", whole, trend),
        cards.Card("leavers", whole, trend),
        *(cards.Card(name, whole, label=_(SHORT[name])) for name in RATES),
        cards.Card("attrition_90d", year),
    ]
)
hired = year.total("attrition_90d_n")
attrition, up_to = numbers.name(measure("attrition_90d")), text.day(end, year=True)
st.caption(
    text.sentences(
        _(
            "{average} and {joiners} are two definitions of turnover.",
            average=numbers.name(measure("turnover_rate")),
            joiners=numbers.name(measure("turnover_rate_cn")),
        ),
        _("{attrition}: of the people hired in the year up to {day}.", attrition=attrition, day=up_to)
        if hired is None
        else _("{attrition}: of the {n} people hired in the year up to {day}.", attrition=attrition, day=up_to, n=text.count(hired)),
    )
)

people = measure("headcount")
left, right = st.columns(2)
with left, screen.panel(_("From opening to closing"), _("Green bars add people, brick bars take them away; the steps add up exactly.")):
    found = bridge(whole.result.total or {})
    if found is None:
        states.empty(_("Fewer than five people: the steps are not shown to your role."))
    else:
        steps = [
            charts.Step(_("Opening"), found.opening, level=True),
            *(charts.Step(_(STEPS[step]), size) for step, size in found.steps),
            charts.Step(_("Closing"), found.closing, level=True),
        ]
        charts.draw(
            charts.waterfall(steps, text.count, title=numbers.header(people), better="up", lying=screen.on_phone()),
            key="headcount_bridge",
            alt=_("Headcount from opening to closing"),
        )
with right, screen.panel(_("Headcount over time"), _("People employed at the end of each step. Grey is what it is compared with.")):
    charts.draw(
        charts.line(
            trend.dates(),
            {"": trend.column("headcount")},
            text.count,
            grain=view.grain,
            title=numbers.header(people),
            zero=False,
            before=trend.before("headcount") if view.choice.compare else None,
            open_from=view.open_from,
        ),
        key="headcount_trend",
        alt=_("Headcount over time"),
    )

left, right = st.columns([3, 2])
with left, screen.panel(_("Turnover"), _("Two definitions are in use; they are never mixed in one chart. Not annualised.")):
    rate = measure(
        st.segmented_control(
            _("Definition"),
            RATES,
            format_func=lambda name: _(SHORT[name]),
            key="turnover_definition",
            persist_state="session",
            default=RATES[0],
            required=True,
            label_visibility="collapsed",
        )
        or RATES[0]
    )
    st.caption(text.say(rate.note))
    if view.choice.compare:
        st.caption(_("Outlines are what it is compared with."))
    place = "site" if len(sites) > 1 else "team"
    places = sites if place == "site" else view.ask(*COLUMNS, by="team", total=True)
    for dimension, words, answer in (
        (place, _("By site") if place == "site" else _("By team"), places),
        ("modality", _("By modality"), kinds),
    ):
        ranked = answer.order(rate.name)
        st.markdown(f"**{words}**")
        charts.draw(
            charts.bars(
                ranked.labels(dimension),
                ranked.column(rate.name),
                numbers.say_as(rate),
                title=numbers.name(rate),
                before=ranked.before(rate.name) if view.choice.compare else None,
                notes=[_("{n} left", n=numbers.value(measure("leavers"), n)) for n in ranked.column("leavers")],
            ),
            key=f"turnover_{dimension}",
            alt=words,
        )
with right, screen.panel(_("Why people left"), _("As stated when they left. Ochre: by choice; grey: not by choice or not stated.")):
    stated = reasons(
        why.ids(), why.column("leavers"), why.column("leavers_voluntary"), why.column("leavers_involuntary"), whole.total("leavers") or 0
    )
    if whole.total("leavers") is None:
        states.empty(_("Fewer than five people: the steps are not shown to your role."))
    elif not stated:
        st.caption(_("Nobody left in the period chosen."))
    else:
        charts.draw(
            charts.bars(
                [
                    label(view.store, "leave_reason", reason.name)
                    if reason.name
                    else _("Not stated")
                    if view.sees_people
                    else _("Others and not stated")
                    for reason in stated
                ],
                [reason.leavers for reason in stated],
                text.count,
                title=numbers.header(measure("leavers")),
                tones=["watch" if reason.voluntary else "grey" for reason in stated],
            ),
            key="leave_reasons",
            alt=_("Reasons for leaving"),
        )
        if not view.sees_people:
            st.caption(_("Reasons of fewer than five people stand with the others."))
with screen.panel(
    _("Site by site") if place == "site" else _("Team by team"), _("People: opening + joined + net transfers − left = closing.")
):
    tables.show(
        view,
        places.order("headcount"),
        [
            tables.Named("headcount_opening", _("Opening")),
            tables.Named("joiners", _("Joined")),
            tables.Named("transfers_net", _("Net transfers")),
            tables.Named("leavers_voluntary", _("Voluntary")),
            tables.Named("leavers_involuntary", _("Involuntary")),
            tables.Named("headcount", _("Closing")),
            tables.Difference("headcount"),
            tables.Named(rate.name, _("Turnover (%)")),
            tables.Difference(rate.name),
        ],
        key="headcount_places",
        title=_("Sites") if place == "site" else _("Teams"),
        brief=[
            "headcount",
            tables.Named("joiners", _("Joined")),
            tables.Named("leavers", _("Left")),
            tables.Named(rate.name, _("Turnover")),
        ],
    )

if came_and_gone:
    gone, came = came_and_gone
    for answer, words, detail, key in ((gone, _("Who left"), "leave_reason", "gone"), (came, _("Who came"), "channel", "came")):
        with screen.panel(words):
            if not len(answer):
                st.caption(_("Nobody in the period chosen."))
                continue
            day = tables.Given(_("Date"), [text.day(date, year=True) for date in answer.dates()], leaves=False)
            team = tables.Given(_("Team"), answer.labels("team"), leaves=False)
            why_or_how = tables.Given(_("Reason") if detail == "leave_reason" else _("Hired through"), answer.labels(detail), leaves=False)
            columns = [day, team, why_or_how]
            tables.show(
                view,
                answer,
                columns,
                key=f"people_{key}",
                title=words,
                ids=True,
                brief=columns,
            )
else:
    st.caption(":material/lock: " + _("Single people are shown to site managers and HR."))
view.notes(whole, trend, places, year)
