"""Answers of the store, kept while nothing that they rest on has changed.

A feed that pushes today's work leaves what was asked about last month as it is, and everything about people: only the change
of a date within the asked range, or of anything but work and reviews, makes a statement run again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from contextlib import nullcontext
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pyarrow as pa

from data.store import Store
from metrics.period import Period

STATEMENTS = 2_000  # kept for each store
ROWS = 20_000  # a longer answer is not kept

PEOPLE = frozenset({"staff", "arrivals", "departures", "moves", "cost"})  # views that no work row and no review can change

Key = tuple[str, tuple[tuple[str, object], ...], Hashable]
Made = TypeVar("Made")
_kept: WeakKeyDictionary[Store, OrderedDict[Key, tuple[int, Any]]] = WeakKeyDictionary()
_lock = Lock()


def remembered(
    store: Store,
    sql: str,
    params: Mapping[str, object],
    period: Period,
    make: Callable[[pa.Table], Made],
    *,
    facts: bool = True,
    wide: bool = False,
    kind: Hashable = None,
) -> Made:
    """What is made of the statement's rows, of a version of the store that is still right for these dates. Read it, never change it.

    The same statement must always be made into the same thing, or into things of a different `kind`. `facts`: whether it looks
    at work or reviews at all. `wide`: whether it may take every core.
    """
    key = (sql, tuple(params.items()), kind)
    version = store.version_of(period.start, period.end, facts=facts)  # before reading: newer facts under an older version are read again
    with _lock:
        mine = _kept.setdefault(store, OrderedDict())
        found = mine.get(key)
        if found and found[0] == version:
            mine.move_to_end(key)
            made: Made = found[1]
            return made
    with store.wide() if wide else nullcontext():
        table = store.query(sql, dict(params))
    made = make(table)
    if table.num_rows <= ROWS:
        with _lock:
            mine[key] = version, made
            mine.move_to_end(key)
            while len(mine) > STATEMENTS:
                mine.popitem(last=False)
    return made


def forget(store: Store) -> None:
    """Keep nothing of this store: the next question reads it anew."""
    with _lock:
        _kept.pop(store, None)
