"""Who is looking, which screens they have, and what they may see. Asked on every run, by the router and by each screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from data import accounts
from data.errors import NotAllowed
from data.owner import owner
from data.store import Store
from metrics.query import Query
from metrics.scope import SYSTEM, Scope, scope_for
from pages.ui import ask, text
from pages.ui.text import N_, _, speaking

Filter = Literal["period", "compare", "site", "project", "team", "modality", "worker"]
EVERY: tuple[Filter, ...] = ("period", "compare", "site", "project", "team", "modality", "worker")

ROOMS: dict[str, str] = {"site": N_("Floor"), "exec": N_("Business"), "hr": N_("Human resources"), "data": N_("Data")}


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of the house: its file, its name in the menu, the question it answers, who has it, which filters it takes."""

    name: str
    room: str
    icon: str
    title: str
    question: str
    roles: frozenset[str]
    filters: tuple[Filter, ...] = EVERY
    roster: bool = False  # counts people, whom the roster knows from before the first work

    @property
    def file(self) -> str:
        """The script, relative to pages/."""
        return f"{self.room}/{self.name}.py"


def _roles(*names: str) -> frozenset[str]:
    return frozenset(("admin", *names))


_EVERYBODY = _roles("executive", "site_manager", "hr", "team_lead", "reviewer", "annotator")

SCREENS: tuple[Screen, ...] = (
    Screen(
        "throughput",
        "site",
        ":material/speed:",
        N_("Throughput"),
        N_("Who and what is fast, after allowing for difficulty?"),
        _roles("executive", "site_manager", "hr", "team_lead"),
    ),
    Screen(
        "quality",
        "site",
        ":material/verified:",
        N_("Quality"),
        N_("Is the error rate signal or noise, and where is it from?"),
        _roles("executive", "site_manager", "team_lead"),
    ),
    Screen(
        "overview",
        "exec",
        ":material/monitoring:",
        N_("Overview"),
        N_("What changed since last period, and is it good?"),
        _roles("executive"),
        ("period", "compare", "site", "project", "modality"),
    ),
    Screen(
        "headcount",
        "hr",
        ":material/groups:",
        N_("Headcount"),
        N_("How many are we, who came and went?"),
        _roles("executive", "site_manager", "hr"),
        ("period", "compare", "site", "team", "modality"),
        roster=True,
    ),
    Screen(
        "import_files",
        "data",
        ":material/upload_file:",
        N_("Import"),
        N_("Drop a file, map it once, see what was refused and why."),
        _roles("site_manager"),
        (),
    ),
    Screen(
        "trust",
        "data",
        ":material/fact_check:",
        N_("Data trust"),
        N_("How fresh, complete and consistent is what I am looking at?"),
        _roles("executive", "site_manager", "hr"),
        (),
    ),
    Screen(
        "identities",
        "data",
        ":material/join:",
        N_("Who is whom"),
        N_("Which accounts in the tools belong to whom?"),
        _roles("site_manager", "hr"),
        (),
    ),
    Screen("catalogue", "data", ":material/menu_book:", N_("Measures"), N_("What does each number mean?"), _EVERYBODY, ()),
)

# Where a role begins: the first of these that it has.
_FIRST = ("overview", "headcount", "throughput", "catalogue")
_FIRST_FOR = {"hr": "headcount", "site_manager": "throughput", "team_lead": "throughput"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person in front of the screen. `persona` is set on the demo base, where nobody signs in."""

    role: str
    scope: Scope
    name: str
    persona: bool = False


PERSONAS: dict[str, str] = {
    "executive": N_("Executive"),
    "site_manager": N_("Site manager"),
    "hr": N_("HR"),
    "team_lead": N_("Team lead"),
    "admin": N_("Administrator"),
}
ROLE_NAMES: dict[str, str] = {**PERSONAS, "annotator": N_("Annotator"), "reviewer": N_("Reviewer")}


class SignedOut(NotAllowed):
    """Nobody is signed in, or no longer: the way on is the sign-in page."""


def store() -> Store:
    """The store this server owns. Raises StoreError outside a server."""
    return owner().store


def visitor() -> Visitor:
    """Who is looking, checked anew on every call.

    On the demo base the persona chosen in the sidebar; on any other the account of the session. Raises SignedOut when
    nobody is signed in (the server sends such a visitor to its sign-in page before a script runs).
    """
    base = store()
    if base.is_demo:
        role = st.session_state.get("persona_now")
        role = role if role in PERSONAS else "executive"
        site, team = _demo_place(base) if role in ("site_manager", "team_lead") else (None, None)
        return Visitor(role, scope_for(role, site=site, team=team if role == "team_lead" else None), name="demo", persona=True)
    account = accounts.session_account(base, st.user.get("session"))
    if account is None:
        raise SignedOut("Nobody is signed in.", "尚未登录。")
    scope = scope_for(account.role, site=account.site, team=account.team, worker=account.worker)
    return Visitor(account.role, scope, account.name)


def places(who: Visitor) -> str:
    """What the visitor's view is limited to, teams before sites, in the words of the people there; empty for somebody who sees all of it."""
    kind, ids = ("team", who.scope.teams) if who.scope.teams is not None else ("site", who.scope.sites)
    return text.listed(text.safe(ask.label(store(), kind, one)) for one in sorted(ids)) if ids else ""


def _demo_place(base: Store) -> tuple[str, str]:
    """The site and team that a persona of the demo base looks after: the busiest team of the busiest site. Raises NotAllowed on a base without teams."""
    found = ask.answer(base, Query(("submissions",), by=("site", "team")), SYSTEM).frame
    found = found[(found["site"] != "") & (found["team"] != "")]
    if found.empty:
        raise NotAllowed("The demo base has no teams yet: choose another persona.", "演示基地还没有班组：请切换身份。")
    whole = found.groupby("site")["submissions"].transform("sum")
    busiest = found.assign(whole=whole).sort_values(["whole", "site", "submissions", "team"], ascending=[False, True, False, True]).iloc[0]
    return str(busiest["site"]), str(busiest["team"])


def allowed(role: str) -> tuple[Screen, ...]:
    """The screens of a role, in the order of the menu."""
    return tuple(screen for screen in SCREENS if role in screen.roles)


def first(role: str) -> str:
    """The screen a role begins with."""
    names = [screen.name for screen in allowed(role)]
    return next(name for name in (_FIRST_FOR.get(role), *_FIRST) if name in names)


def screen(name: str) -> Screen:
    """The screen of that name. Raises KeyError."""
    return next(s for s in SCREENS if s.name == name)


def require(name: str) -> Visitor:
    """The visitor, if they have this screen. Raises NotAllowed otherwise: every screen calls this before anything else."""
    who, wanted = visitor(), screen(name)
    if who.role not in wanted.roles:
        role = ROLE_NAMES[who.role]
        with speaking("zh"):
            role_zh, title_zh = _(role), _(wanted.title)
        raise NotAllowed(f"{role} accounts do not have the screen “{wanted.title}”.", f"“{role_zh}”身份没有“{title_zh}”页面。")
    return who
