"""导入: drop a file, map it once, see what was refused and why."""

from pages.ui import importing, loads, screen
from pages.ui.text import _

view = screen.open("import_files")
waiting = importing.waiting(view)
importing.under_way(view)
for one in list(waiting):
    importing.file(view, one)
importing.all_of_them(view, waiting)
if not waiting:
    importing.nothing_yet(view)

with screen.panel(_("Loads"), _("The newest first. A click shows what taking it back would do, and asks.")):
    loads.show(view)
