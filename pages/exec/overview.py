"""经营总览: what changed since last period, and is it good?"""

import streamlit as st

from pages.ui import cards, charts, filters, numbers, screen, states, tables, text
from pages.ui.ask import measure
from pages.ui.text import _

MONEY = ("revenue", "direct_cost", "contribution_margin", "margin_rate")
WORK = ("units", "first_pass_yield")

view = screen.open("overview")
CARDS = (*MONEY, *WORK)
whole, trend, projects, clients, by_time = view.ask_together(
    view.question(*CARDS),
    view.question(*CARDS, by=view.grain),
    view.question(*CARDS, by="project", total=True),
    view.question(*CARDS, by="client", total=True),
    view.question("contribution_margin", by=("project", view.grain), compare=False),
)
trend = trend.dated()
if not len(trend):
    states.empty()
    st.stop()
cards.row(
    [cards.Card(name, whole, trend, _("Margin") if name == "contribution_margin" else "") for name in CARDS], under_way=view.under_way
)

margin, revenue = measure("contribution_margin"), measure("revenue")

left, right = st.columns([3, 2])
with (
    left,
    screen.panel(
        _("Contribution margin over time"), _("Grey is what it is compared with. Dashed is not finished: money comes with acceptance.")
    ),
):
    charts.draw(
        charts.line(
            trend.dates(),
            {"": trend.column(margin.name)},
            numbers.say_as(margin),
            grain=view.grain,
            title=numbers.header(margin),
            before=trend.before(margin.name) if view.choice.compare else None,
            open_from=view.open_from,
            notes=view.events(),
        ),
        key="margin_trend",
        alt=_("Contribution margin over time"),
    )
    view.marks(trend.dates())
with right, screen.panel(_("Margin by client"), _("Bars are this period, outlines what it is compared with; beside them the margin rate.")):
    top = clients.order(margin.name, top=10)
    charts.draw(
        charts.bars(
            top.labels(),
            top.column(margin.name),
            numbers.say_as(margin),
            title=numbers.header(margin),
            ids=top.ids(),
            before=top.before(margin.name) if view.choice.compare else None,
            notes=[numbers.value(measure("margin_rate"), rate) for rate in top.column("margin_rate")],
        ),
        key="margin_client",
        alt=_("Contribution margin by client"),
    )

if view.choice.compare:
    with screen.panel(
        _("What moved the margin"),
        _("From the period before to this one, project by project. Green adds, red takes away; the sign says it too."),
    ):
        charts.draw(
            charts.waterfall(
                screen.bridge(projects, margin.name, _("Before"), _("Now")),
                numbers.say_as(margin),
                title=numbers.header(margin),
                better="up",
                lying=screen.on_phone(),
            ),
            key="margin_bridge",
            alt=_("Change of the contribution margin by project"),
        )

order = _("The largest losses of margin first.") if view.choice.compare else _("The lowest margin first.")
tap = _("A click narrows the whole screen to the project.")
with screen.panel(_("Projects to look at"), text.sentences(order, tap)):
    own = tables.Named(margin.name, _("Margin ({unit})", unit=numbers.unit(margin)))
    chosen = tables.show(
        view,
        projects.worst(margin.name) if view.choice.compare else projects.order(margin.name, reverse=False),
        [
            "revenue",
            "direct_cost",
            own,
            tables.Difference(margin.name),
            tables.Trend(margin.name, by_time),
            "margin_rate",
            "units",
            "first_pass_yield",
        ],
        key="projects",
        title=_("Projects"),
        select=True,
        brief=[own, tables.Difference(margin.name), "margin_rate"],
        silent=view.standing_still("project"),
    )
if chosen and view.choice.where.get("project") != chosen:
    filters.narrow("project", chosen)
    st.rerun()
view.notes(whole, projects)
