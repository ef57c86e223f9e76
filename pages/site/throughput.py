"""人效: who and what is fast, after allowing for difficulty?"""

import streamlit as st

from pages.ui import cards, charts, filters, numbers, paces, screen, states, tables
from pages.ui.ask import label, measure
from pages.ui.text import N_, _

CARDS = ("units", "work_hours", "units_per_hour", "units_per_merged_hour", "active_workers", "seconds_per_unit_p50")
SHORT = {"units_per_merged_hour": N_("Per merged hour"), "seconds_per_unit_p50": N_("Seconds per unit")}  # as far as a card has room

view = screen.open("throughput")
person = view.choice.where.get(filters.PERSON)
below = [by_time := view.question("units", by=("project", view.grain), compare=False)]
if not view.sees_people:
    below.append(paces.of_what(view, "team"))
elif not person:
    below += [*paces.table_of(view, "worker"), paces.of_what(view, "worker")]
whole, trend, projects, *_below = view.ask_together(
    view.question(*CARDS),
    view.question(*CARDS, by=view.grain),
    view.question(*CARDS, by="project"),
    *below,
)
trend = trend.dated()
if not len(trend):
    states.empty()
    st.stop()
if person:
    st.subheader(label(view.store, "worker", person), anchor=False)
cards.row([cards.Card(name, whole, trend, _(SHORT[name]) if name in SHORT else "") for name in CARDS], under_way=view.under_way)

units, speed = measure("units"), measure("units_per_hour")
left, right = st.columns([3, 2])
with left, screen.panel(_("Units over time"), _("Grey is what it is compared with. Dashed is not finished.")):
    charts.draw(
        charts.line(
            trend.dates(),
            {"": trend.column("units")},
            numbers.say_as(units),
            grain=view.grain,
            title=numbers.header(units),
            before=trend.before("units") if view.choice.compare else None,
            open_from=view.open_from,
            notes=view.events(),
        ),
        key="units_trend",
        alt=_("Units over time"),
    )
    view.marks(trend.dates())
with (
    right,
    screen.panel(_("Speed over time"), _("Units an hour over all projects: it moves with the mix of work as well as with the people.")),
):
    charts.draw(
        charts.line(
            trend.dates(),
            {"": trend.column("units_per_hour")},
            numbers.say_as(speed),
            grain=view.grain,
            title=numbers.header(speed),
            zero=False,
            before=trend.before("units_per_hour") if view.choice.compare else None,
            open_from=view.open_from,
            notes=view.events(),
        ),
        key="speed_trend",
        alt=_("Units per hour over time"),
    )

projects = projects.order("work_hours")
with screen.panel(_("Projects"), _("By hours spent. A click narrows the whole screen to the project.")):
    chosen = tables.show(
        view,
        projects,
        [
            "units",
            tables.Change("units"),
            tables.Trend("units", *view.ask_together(by_time)),
            "work_hours",
            "units_per_hour",
            tables.Change("units_per_hour"),
            "active_workers",
            tables.Named("seconds_per_unit_p50", _("Median s/unit")),
        ],
        key="projects",
        title=_("Projects"),
        select=True,
        brief=["units", tables.Change("units"), "units_per_hour"],
        silent=view.standing_still("project"),
    )
if chosen and view.choice.where.get("project") != chosen:
    filters.narrow("project", chosen)
    st.rerun()

if not view.sees_people:
    teams = paces.of(view, "team")
    with screen.panel(_("Teams, difficulty allowed for"), paces.caption()):
        paces.picture(teams, view)
    st.caption(":material/lock: " + _("Single people are shown to site managers, team leads and HR."))
elif not person:
    people = paces.of(view, "worker")
    with screen.panel(_("People, difficulty allowed for"), paces.caption()):
        paces.picture(people, view)
    with screen.panel(_("Who is fast, who may need help"), _("Ordered by the adjusted pace. A click shows one person.")):
        chosen = paces.table(people, view)
    if chosen:
        filters.narrow(filters.PERSON, chosen)
        st.rerun()
else:
    with screen.panel(_("Against colleagues on the same projects"), paces.caption(drawn=False)):
        paces.person(view, person)
view.notes(whole, projects)
