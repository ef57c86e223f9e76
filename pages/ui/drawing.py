"""One drawing of a screen: what it shows is of one version of the facts. How that keeps up while many look.

While few look, a screen is drawn from the newest version (`ask.version`), and whoever looks first after a change waits for its answers.
While many look at facts that keep arriving, nobody waits: a screen that was drawn before is drawn from the answers that are there, and
one thread finds those of the newest version, screen by screen in the order in which they were looked at.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock, Thread
from weakref import WeakKeyDictionary

from data.store import Store
from metrics.query import Query
from metrics.reach import Reach
from metrics.scope import Scope
from pages.ui import ask
from pages.ui.ask import Answer

MANY = 8  # visitors who looked within WITHIN seconds, from whom on nobody waits for answers
WITHIN = 5.0
OLDEST = 60.0  # seconds after which what was found is too old to be shown
REST = 0.25  # of the time that finding took, it rests: others need the interpreter too
KEPT = 256  # drawings of a store


@dataclass(slots=True, eq=False)
class Drawing:
    """A screen with its filters as somebody sees it, shared by all who see the same. `fresh` is how far the facts of it reach."""

    store: Store
    key: Hashable
    scope: Scope
    version: int
    reach: Callable[[], Reach]
    fresh: Reach
    found: float  # when its answers were begun to be found, by the monotonic clock
    asked: dict[tuple[Query, ...], None] = field(default_factory=dict)  # in the order of the first time
    before: tuple[tuple[Query, ...], ...] = ()  # what was asked of the drawing that this one replaced

    def answers(self, *queries: Query) -> tuple[Answer, ...]:
        """The answers to what is asked together, of this drawing's version."""
        self.asked[queries] = None
        return ask.answers(self.store, queries, self.scope, at=self.version)

    def overtaken(self) -> bool:
        """Whether the same screen can be drawn from newer facts now; while many look, their answers are wished for instead."""
        if ask.version(self.store) == self.version:
            return False
        with _lock:
            if _latest[self.store].get(self.key) is not self or not _many(time.monotonic()):
                return True
            _wish(self)
            return False


_latest: WeakKeyDictionary[Store, OrderedDict[Hashable, Drawing]] = WeakKeyDictionary()
_looked: dict[str, float] = {}  # when each visitor last looked
_wishes: OrderedDict[tuple[int, Hashable], Drawing] = OrderedDict()
_finding: list[Thread] = []
_lock = Lock()


def begin(store: Store, key: Hashable, scope: Scope, who: str, reach: Callable[[], Reach]) -> Drawing:
    """The drawing to show to this visitor (the id of a session): the newest, or while many look the one that is there."""
    now, newest = time.monotonic(), ask.version(store)
    key = (key, scope)
    with _lock:
        _looked[who] = now
        latest = _latest.setdefault(store, OrderedDict())
        kept = latest.get(key)
        if kept is not None and kept.version >= newest:
            return kept
        if kept is not None and now - kept.found <= OLDEST and _many(now):
            _wish(kept)
            return kept
    made = Drawing(store, key, scope, newest, reach, reach(), now)
    _keep(made)
    return made


def _keep(made: Drawing) -> None:
    with _lock:
        latest = _latest[made.store]
        latest[made.key] = made
        latest.move_to_end(made.key)
        if len(latest) > KEPT:
            latest.popitem(last=False)


def _many(now: float) -> bool:
    for who, at in list(_looked.items()):
        if now - at > WITHIN:
            del _looked[who]
    return len(_looked) >= MANY


def _wish(drawing: Drawing) -> None:
    """Have the newest answers of this screen found; the lock is held."""
    _wishes.setdefault((id(drawing.store), drawing.key), drawing)
    if not _finding:
        _finding.append(Thread(target=_find, name="piecework-drawings", daemon=True))
        _finding[0].start()


def _find() -> None:
    """Find what is wished for, then end."""
    while True:
        with _lock:
            if not _wishes:
                _finding.clear()
                return
            old = _wishes.popitem(last=False)[1]
        began = time.monotonic()
        try:
            _keep(_anew(old, began))
        except Exception:  # who looks next asks for themselves, and is told
            with _lock:
                _latest[old.store].pop(old.key, None)
        time.sleep(REST * (time.monotonic() - began))


def _anew(old: Drawing, now: float) -> Drawing:
    """The same screen of the newest version, all of its answers found."""
    wanted = tuple(old.asked) or old.before
    fresh = old.reach()  # before the version: rather too old than too new
    made = Drawing(old.store, old.key, old.scope, ask.version(old.store), old.reach, fresh, now, before=wanted)
    for queries in wanted:
        ask.answers(made.store, queries, made.scope, at=made.version)
    return made
