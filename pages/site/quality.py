"""质量: is the error rate signal or noise, and where is it from?"""

import streamlit as st

from metrics.scope import SMALLEST_GROUP
from pages.ui import cards, errors, filters, numbers, screen, states, tables
from pages.ui.ask import label, measure
from pages.ui.text import _

CARDS = ("first_pass_yield", "error_rate", "unit_error_rate", "rework_rate", "review_coverage", "final_yield")

view = screen.open("quality")
columns = ("error_rate", "reviewed", "unit_error_rate", "review_coverage", "rework_rate")
person = view.choice.where.get(filters.PERSON)
types = view.question("errors", "error_units", by="error_type", compare=False)
stages = view.question("error_rate", by="stage", compare=False, total=True)
below = [types]
if not person:
    below += [stages, *(view.question("error_rate", by=(name, view.grain), compare=False) for name in ("project", "team"))]
if not person and view.sees_people:
    below += [errors.people_what(view), *(errors.against_what(view, who) for who in ("worker", "reviewer"))]
whole, trend, projects, teams, *_below = view.ask_together(
    view.question(*CARDS),
    view.question(*CARDS, "errors", "reviewed", by=view.grain),
    view.question(*columns, by="project", total=True),
    view.question(*columns, by="team", total=True),
    *below,
)
trend = trend.dated()
if not len(trend):
    states.empty()
    st.stop()
if person:
    st.subheader(label(view.store, "worker", person), anchor=False)
cards.row([cards.Card(name, whole, trend) for name in CARDS], under_way=view.under_way)
if whole.total("error_rate") is None:
    few = "error_rate" in whole.result.suppressed
    states.empty(
        _("Fewer than {n} people stand behind this choice: single people could be told from it.", n=SMALLEST_GROUP)
        if few
        else _("Nothing was inspected for this choice, so there is no rate.")
    )
    view.notes(whole)
    st.stop()

left, right = st.columns([3, 2])
with (
    left,
    screen.panel(
        _("Error rate over time"),
        _("Shaded: 95% interval. Dashed: limits that chance stays within. Ringed: signals. Hollow: may still move."),
    ),
):
    errors.over_time(view, trend)
with right, screen.panel(_("What the errors were"), _("Green reaches 80% of them; the grey number is the share so far.")):
    counted = st.segmented_control(
        _("Counted"),
        ["errors", "error_units"],
        format_func=lambda name: numbers.header(measure(name)),
        key="quality_counted",
        default="errors",
        required=True,
        label_visibility="collapsed",
    )
    errors.types(*view.ask_together(types), counted or "errors")

if person:
    with screen.panel(_("Against colleagues on the same projects"), errors.reading("worker", drawn=False)):
        errors.person(view, person)
    view.notes(whole, trend, projects)
    st.stop()

left, right = st.columns(2)
how = _("Dot and 95% interval; brick is above the rate of all by more than chance, green below. Click to narrow.")
chosen: dict[str, str | None] = {}
with left, screen.panel(_("By project"), how):
    chosen["project"] = errors.groups(projects, "project", select=True)
with right, screen.panel(_("By team"), how):
    chosen["team"] = errors.groups(teams, "team", select=True)

left, right = st.columns(2)
with left, screen.panel(_("By review stage"), _("The share sent back at each stage, by its own first verdict.")):
    errors.groups(*view.ask_together(stages), "stage", judged=False)
with right, screen.panel(_("By reviewer"), errors.reading("reviewer")):
    if view.sees_people:
        errors.picture(errors.against(view, "reviewer"), view)
    else:
        st.caption(":material/lock: " + _("Single people are shown to site managers, team leads and HR."))

with screen.panel(
    _("Where to look first"), _("By the lower bound of the error rate: the surest trouble first. A click narrows the whole screen.")
):
    split = st.segmented_control(
        _("Rows"),
        ["project", "team"],
        format_func=lambda name: {"project": _("Projects"), "team": _("Teams")}[name],
        key="quality_rows",
        default="project",
        required=True,
        label_visibility="collapsed",
    )
    rows = (teams if split == "team" else projects).order("error_rate_low")
    by_time = view.ask("error_rate", by=(split or "project", view.grain), compare=False)
    clicked = tables.show(
        view,
        rows,
        [
            "reviewed",
            "error_rate",
            errors.interval(rows),
            tables.Change("error_rate"),
            tables.Trend("error_rate", by_time),
            "unit_error_rate",
            "rework_rate",
            "review_coverage",
        ],
        key=f"quality_{split}",
        title=_("Teams") if split == "team" else _("Projects"),
        select=True,
        brief=["error_rate", errors.interval(rows), tables.Change("error_rate")],
        silent=view.standing_still("project") if split == "project" else None,
    )
    chosen[split or "project"] = clicked or chosen[split or "project"]

if view.sees_people:
    found = errors.against(view, "worker")
    with screen.panel(_("People, mix of work allowed for"), errors.reading("worker")):
        errors.picture(found, view)
    with screen.panel(
        _("Who may need help, who can teach"), _("The surest excess first, not a ranking: read the interval. A click shows one person.")
    ):
        chosen[filters.PERSON] = errors.people(found, view)
else:
    st.caption(":material/lock: " + _("Single people are shown to site managers, team leads and HR."))
for dimension, wanted in chosen.items():
    if wanted and view.choice.where.get(dimension) != wanted:
        filters.narrow(dimension, wanted)
        st.rerun()
view.notes(whole, trend, projects)
