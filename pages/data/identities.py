"""人员对应: which accounts in the tools belong to whom?"""

from pages.ui import identities, screen
from pages.ui.text import _

view = screen.open("identities")
known = identities.known(view)
identities.told(view)
with screen.panel(
    _("Likely the same person"),
    _("Found by what the lists and tools say. Nothing changes until somebody decides, and any decision can be taken back."),
):
    identities.suggestions(view, known)
with screen.panel(_("Decided"), _("The newest first. A click takes a decision back.")):
    identities.decided(view, known)
with screen.panel(_("Choose by hand"), _("Any account and any person, also where nothing suggests it.")):
    identities.by_hand(view, known)
