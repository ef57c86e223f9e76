"""指标目录: what does each number mean?"""

import streamlit as st

from metrics import catalogue
from pages.ui import definitions, screen, states
from pages.ui.text import _

view = screen.open("catalogue")
everything = catalogue.entries()
words, family = definitions.search()
found = catalogue.search((e for e in everything if family in (None, e.family)), words)
chosen = catalogue.entry(st.query_params.get("measure", ""))
if chosen:
    definitions.show(chosen)
elif "measure" in st.query_params:
    st.warning(_("There is no measure “{name}”: it may have been renamed.", name=st.query_params["measure"]), icon=":material/search_off:")
if not found:
    states.empty(_("No measure has all of these words."), _("Try fewer words, in Chinese or English, or another family."))
    st.stop()
with screen.panel(
    _("{n} measures", n=len(found)), _("A click opens the definition with its formula and its SQL; the address then links to it.")
):
    clicked = definitions.listed(found)
if clicked and st.query_params.get("measure") != clicked:
    st.query_params["measure"] = clicked
    st.rerun()
