"""数据可信: how fresh, complete and consistent is what I am looking at?"""

import streamlit as st

from pages.ui import access, connected, coverage, rhythm, screen, states, trust
from pages.ui.text import _

view = screen.open("trust")
found = trust.facts(view)
if not found.sources:
    states.no_data(may_import=view.visitor.role in access.screen("import_files").roles)
    with screen.panel(_("Connections"), _("Tools that are read by themselves, every few seconds or minutes.")):
        connected.show(view)
    st.stop()
trust.stale(found)
trust.cards(view, found)

with screen.panel(_("Sources"), _("What each tool sends, against its own rhythm. Grey: silent, its numbers stand still.")):
    rhythm.sources(view, found)
with screen.panel(_("Connections"), _("Tools that are read by themselves, every few seconds or minutes.")):
    connected.show(view)
with screen.panel(
    _("Gaps by hour"),
    _("Rows of the last 14 days, the fuller the colour the more. A cross: something was to be expected and nothing came."),
):
    rhythm.hours(view)
left, right = st.columns([2, 3])
with left, screen.panel(_("On the lists, clocked in, at work"), _("Who is only one of these is missing somewhere.")):
    coverage.people(view)
with right, screen.panel(_("Tool time against attendance"), _("By site and day: what the tools saw of the attended hours.")):
    coverage.tool_time(view)
left, right = st.columns(2)
with left, screen.panel(_("What is missing or odd"), _("Rows that are kept, and what they are left out of.")):
    trust.gaps(view, found)
with right, screen.panel(_("How the tools measured time"), _("Kinds of clock differ: compare them, never add them up.")):
    trust.clocks(view, found)
with screen.panel(
    _("Known only by id"), _("Named in the logs and in no list: load the people, project, team or site lists to give them names.")
):
    trust.stubs(view, found)
with screen.panel(_("Refused rows"), _("They are in no number. Correct the file and load it again: what is in already is not doubled.")):
    trust.refused(view)
with screen.panel(
    _("Is it consistent?"), _("Recomputes every roll-up from the log, looks for doubled keys and for references that lead nowhere.")
):
    trust.checks(view)
with screen.panel(_("Loads"), _("The newest first. Updated: a newer version replaced the row; duplicate: it was in already.")):
    trust.loads(view)
st.caption(trust.store_words(view, found))
