"""The sources of the facts: what people call them, and which of them should have sent by now. One remark for every screen."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import datetime

import streamlit as st

from data.store import Store
from metrics.feeds import Feed, Feeds, feeds, sending
from metrics.scope import Scope
from pages.ui import ask, text
from pages.ui.text import N_, _

SOURCES: dict[str, str] = {  # what people call the sources that the product itself names; any other says its own name
    "cvat": "CVAT",
    "label_studio": "Label Studio",
    "client_platform": N_("Client platform"),
    "daily_sheet": N_("Daily sheet"),
    "demo": N_("Demo base"),
}

_feeds, _sending = ask.Memory(64), ask.Memory(4)


def source_name(name: str) -> str:
    """What people call a source."""
    return _(SOURCES[name]) if name in SOURCES else name


def against_rhythm(store: Store, scope: Scope) -> Feeds:
    """Every source of the scope against its own rhythm, found once for each version of the store and each minute."""
    return _feeds.get(store, (ask.version(store), _minute(), scope), lambda: feeds(store, scope))


def _lately(store: Store, scope: Scope) -> Feeds | None:
    """The same, up to a minute old: whole working hours make a silence. None on a base that only loads files now and then."""
    if not _sending.get(store, _minute(), lambda: sending(store)):
        return None
    return _feeds.get(store, (_minute(), scope), lambda: feeds(store, scope))


def _minute() -> int:
    return int(time.time() // 60)  # silence comes without any change


def remark(store: Store, scope: Scope, *, sites: Collection[str] = (), projects: Collection[str] = ()) -> None:
    """Which of the sources of what is shown are silent, and since when; nothing while all of them send."""
    known = _lately(store, scope)
    if known and (silent := known.silent_for(sites=sites, projects=projects)):
        st.warning(_("{sources}: what rests on it stands still.", sources=listed(silent, known.zone)), icon=":material/sensors_off:")


def listed(silent: Collection[Feed], zone: str) -> str:
    """ "Label Studio silent since 14:20, CVAT silent since 09:10"."""
    return text.listed(_("{source} silent since {time}", source=source_name(feed.source), time=since(feed, zone)) for feed in silent)


def standing_still(store: Store, scope: Scope, dimension: str) -> Mapping[str, str]:
    """The sites or projects of which nothing new can come, all of their sources being silent: id → since when, in words."""
    known = _lately(store, scope)
    if known is None:
        return {}
    return {one: _("silent since {time}", time=since(feed, known.zone)) for one, feed in known.silenced(dimension).items()}


def since(feed: Feed, zone: str) -> str:
    """When its newest row was made."""
    return text.clock(feed.newest, zone) if isinstance(feed.newest, datetime) else text.NONE
