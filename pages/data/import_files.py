"""导入: drop a file, map it once, see what was refused and why."""

import streamlit as st

from pages.ui import importing, loads, screen
from pages.ui.text import _

view = screen.open("import_files")
waiting = importing.waiting(view)
importing.under_way(view)
above = st.container()
for one in list(waiting):
    importing.file(view, one, alone=len(waiting) == 1)
with above:
    importing.all_of_them(view, waiting)
if not waiting:
    importing.nothing_yet(view)

with screen.panel(_("Loads"), _("The newest first. A click shows what taking it back would do, and asks.")):
    loads.show(view)
