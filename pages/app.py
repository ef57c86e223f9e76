"""The router: page settings, who is looking, language, the menu of their role, the screen, and one card for any failure."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
if sys.path[0] != ROOT:
    sys.path.insert(0, ROOT)  # before Streamlit's own entry for this folder, so that `data` and `metrics` are the packages

import streamlit as st  # noqa: E402

from pages.ui import access, filters, numbers, states, text, theme, turns  # noqa: E402
from pages.ui.text import LANGS, _  # noqa: E402

st.set_page_config(page_title="计件 Piecework", page_icon="🧮", layout="wide", initial_sidebar_state="auto")


def choose_language() -> None:
    """From the address, else what was chosen before, else the browser; kept in the session and, once it stood there, in the address."""
    asked = st.query_params.get("lang")
    if asked in LANGS:
        st.session_state["lang_now"] = asked
    elif "lang_now" not in st.session_state:
        st.session_state["lang_now"] = "zh" if (st.context.locale or "zh").lower().startswith("zh") else "en"


def switch_language() -> None:
    """The widget's choice becomes the session's language (a callback)."""
    st.query_params["lang"] = st.session_state["lang_switch"] or st.session_state["lang_now"]


def choose_persona() -> None:
    """On the demo base: the persona that the address names (`?persona=hr`), else the one before."""
    asked = st.query_params.get("persona")
    if asked in access.PERSONAS:
        st.session_state["persona_now"] = asked


def switch_persona() -> None:
    """Another persona of the demo base looks (a callback)."""
    st.query_params["persona"] = st.session_state["persona_switch"]


def sidebar(who: access.Visitor) -> None:
    """Under the menu: who is looking, and in which language."""
    with st.sidebar:
        st.session_state["lang_switch"] = text.lang()
        st.segmented_control(
            _("Language"),
            LANGS,
            format_func=lambda code: text.language_name(code),
            key="lang_switch",
            on_change=switch_language,
            label_visibility="collapsed",
            required=True,
        )
        if who.persona:
            personas = {role: _(name) for role, name in access.PERSONAS.items()}
            st.session_state["persona_switch"] = who.role
            st.selectbox(
                _("Looking as"),
                list(personas),
                format_func=personas.get,
                key="persona_switch",
                on_change=switch_persona,
                help=_("The demo base is invented and opens without sign-in. Each persona sees what that role may see."),
            )
        else:
            st.caption(f"{who.name} · {_(access.ROLE_NAMES[who.role])}")
            states.link(_("Sign out"), "/logout", ":material/logout:")
        if places := access.places(who):
            st.caption(":material/location_on: " + _("What you see: {places}", places=places))


def navigate(who: access.Visitor) -> st.Page:
    """The menu of the role, and the page that was asked for.

    A screen that is not theirs is there but hidden: whoever opens its link reads why, instead of “page not found”. The address
    without a name leads to the first screen of the role.
    """
    mine = access.allowed(who.role)
    menu: dict[str, list[st.Page]] = {}
    pages: dict[str, st.Page] = {}
    for screen in access.SCREENS:
        seen = "visible" if screen in mine else "hidden"
        pages[screen.name] = st.Page(screen.file, title=_(screen.title), icon=screen.icon, url_path=screen.name, visibility=seen)
        menu.setdefault(_(access.ROOMS[screen.room]), []).append(pages[screen.name])

    def home() -> None:
        st.switch_page(pages[access.first(who.role)], query_params=st.query_params.to_dict())

    menu.setdefault("", []).append(st.Page(home, title=_("Start"), url_path="start", default=True, visibility="hidden"))
    return st.navigation(menu, position="sidebar")


def main() -> None:
    """One run of the app, when its turn has come: any failure becomes one card."""
    with turns.taken():
        try:
            choose_language()
            text.settle(st.session_state["lang_now"])
            theme.settle()
            choose_persona()
            who = access.visitor()
            numbers.settle(access.store().meta("currency") or "CNY")
            page = navigate(who)
            sidebar(who)
            page.run()
        except Exception as error:
            states.broken(error)
        finally:
            filters.keep_address()


main()
