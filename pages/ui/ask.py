"""Questions to the registry, remembered until the store changes; answers as the columns that cards, charts and tables take.

The memory is shared by all sessions, so a visitor's scope is part of every key; it holds a bounded number of answers and is
keyed by the store's version. A change shows at once; of many in a row (a feed that pushes every second) one every SETTLE seconds.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import wraps
from threading import Lock
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.store import Store
from metrics import query as engine
from metrics.definitions import REGISTRY
from metrics.labels import labels
from metrics.model import Measure
from metrics.query import Query, Result
from metrics.scope import Scope
from pages.ui import text
from pages.ui.text import N_, _, missing

NOT_KNOWN = N_("Not known")
UNKNOWN: dict[str, str] = {
    "site": N_("No site"),
    "team": N_("No team"),
    "batch": N_("No batch"),
    "client": N_("No client"),
    "modality": N_("No modality"),
    "error_type": N_("Type not given"),
    "reviewer": N_("Reviewer not known"),
}


Made = TypeVar("Made")
SETTLE = 2.5  # seconds that an answer may serve while new facts keep arriving
_seen: WeakKeyDictionary[Store, dict[float, tuple[int, float]]] = WeakKeyDictionary()
_lock = Lock()


def version(store: Store, settle: float = SETTLE) -> int:
    """The version of the store that screens show: its own, unless that changed less than `settle` seconds after the last change shown."""
    now = time.monotonic()
    with _lock:
        known = _seen.setdefault(store, {})
        shown, since = known.get(settle, (store.version, float("-inf")))
        if shown != store.version and now - since >= settle:
            shown, since = store.version, now
        known[settle] = shown, since
        return shown


class Memory:
    """What was found, by store and key, the newest `size` of each store. Who asks while another is still finding it waits for that."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._kept: WeakKeyDictionary[Store, OrderedDict[Hashable, Any]] = WeakKeyDictionary()
        self._finding: dict[tuple[int, Hashable], Lock] = {}

    def get(self, store: Store, key: Hashable, find: Callable[[], Made]) -> Made:
        """The value kept under the key, else what `find` gives. What it raises is not kept."""
        with self._lock:
            if (kept := self._look(store, key)) is not None:
                return cast(Made, kept)
            finding = self._finding.setdefault((id(store), key), Lock())
        with finding:
            with self._lock:
                if (kept := self._look(store, key)) is not None:
                    return cast(Made, kept)
            try:
                found = find()
            finally:
                with self._lock:
                    self._finding.pop((id(store), key), None)
            self.keep(store, key, found)
            return found

    def kept(self, store: Store, key: Hashable) -> Any:
        """The value kept under the key; None for none."""
        with self._lock:
            return self._look(store, key)

    def keep(self, store: Store, key: Hashable, found: Any) -> None:
        """Keep a value under the key."""
        with self._lock:
            mine = self._kept.setdefault(store, OrderedDict())
            mine[key] = found
            if len(mine) > self._size:
                mine.popitem(last=False)

    def _look(self, store: Store, key: Hashable) -> Any:
        mine = self._kept.get(store)
        if mine is None or key not in mine:
            return None
        mine.move_to_end(key)
        return mine[key]


_answers, _asked, _names = Memory(1024), Memory(256), Memory(64)


def answer(store: Store, query: Query, scope: Scope, settle: float = SETTLE) -> Answer:
    """The answer, shared with everybody of the same scope: read it, never change it."""
    return answers(store, (query,), scope, settle)[0]


def answers(store: Store, queries: tuple[Query, ...], scope: Scope, settle: float = SETTLE, at: int | None = None) -> tuple[Answer, ...]:
    """The answers to what is asked together, which takes less time than one after another; whoever asks one of it again has it.

    `at`: the version to answer for, if not the one shown now; what is not known of an older one is found in the newest facts.
    """
    now = version(store, settle) if at is None else at
    kept = {query: _answers.kept(store, (now, query, scope)) for query in queries}
    missing = tuple(query for query, found in kept.items() if found is None)

    def find() -> tuple[Answer, ...]:
        found = tuple(Answer(result, store) for result in engine.run_together(store, missing, scope))
        for query, one in zip(missing, found, strict=True):
            _answers.keep(store, (now, query, scope), one)
        return found

    if missing:
        kept |= zip(missing, _asked.get(store, (now, missing, scope), find), strict=True)
    return tuple(kept[query] for query in queries)


def names(store: Store, dimension: str, language: str) -> Mapping[str, str]:
    """What people call the values of a dimension: id → name in that language. Names of people are for those who may see them."""
    known = store.version_of(None, None, facts=False)
    return _names.get(store, (known, dimension, language), lambda: labels(store, dimension, language))


def measure(name: str) -> Measure:
    """The registry's row of that name. Raises KeyError."""
    return REGISTRY.measures[name]


def _once(method: Callable[..., Made]) -> Callable[..., Made]:
    """A method of Answer that is worked out once for each argument and language; what it gives is shared and not to be changed."""

    @wraps(method)
    def kept(self: Answer, *args: Any, **named: Any) -> Made:
        return self.worked_out((method.__name__, args, *named.items()), lambda: method(self, *args, **named))

    return kept


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A result by at most a few dimensions, with the names of its groups. All columns have the same length and order.

    Shared by all who ask the same: what is worked out of it is kept with it.
    """

    result: Result
    store: Store
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def worked_out(self, name: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes of this answer, kept as long as the answer, for each language; `name` says what it is."""
        key = (name, text.lang())
        try:
            return cast(Made, self._kept[key])
        except KeyError:
            found = self._kept[key] = make()
            return found

    def __len__(self) -> int:
        return len(self.result.table)

    @property
    def frame(self) -> pd.DataFrame:
        """The result's own table; not to be changed."""
        return self.result.table

    @_once
    def column(self, name: str) -> list[float | None]:
        """The values of a measure (or of `<m>_n`, `<m>_low`, `<m>_high`); None where there is none."""
        if name not in self.frame:
            return [None] * len(self)
        values = self.numbers(name)
        gaps = np.isnan(values)
        if not gaps.any():
            return cast(list[float | None], values.tolist())
        return cast(list[float | None], np.where(gaps, None, values.astype(object)).tolist())

    def numbers(self, name: str) -> NDArray[np.float64]:
        """The same as an array, NaN where there is none."""
        return self.frame[name].to_numpy(np.float64, na_value=np.nan)

    @_once
    def groups(self, dimension: str) -> tuple[NDArray[np.intp], list[str]]:
        """The number of each row's group, from 0 in the order in which they first come, and the ids of the groups (a day, week or
        month by its first date)."""
        values = self.frame[dimension]
        number, found = pd.factorize(values.to_numpy("datetime64[D]") if dimension in TIMES else values, use_na_sentinel=False)
        return number, [str(one) for one in found]

    @_once
    def before(self, name: str) -> list[float | None]:
        """The values of the comparison period for the same groups; along time, for the same step counted from the period's start."""
        table, query = self.result.before, self.result.query
        if table is None or name not in table or query.compare is None:
            return [None] * len(self)
        now, was = query.period.start, query.period.before(query.compare).start
        known = dict(zip(self._keys(table, was), table[name], strict=True))
        return [None if missing(v) else float(cast(float, v)) for v in (known.get(key) for key in self._keys(self.frame, now))]

    def _keys(self, table: pd.DataFrame, start: date | None) -> list[tuple[object, ...]]:
        """What names a row in both periods: its groups as they are, its day, week or month as a number of steps from the start."""
        columns = [_steps(d, table[d], start) if d in TIMES and start else table[d].tolist() for d in self.by]
        return list(zip(*columns, strict=True)) if columns else [()] * len(table)

    def total(self, name: str) -> float | None:
        """The value of the whole, recomputed from the facts."""
        return _number((self.result.total or {}).get(name))

    def total_before(self, name: str) -> float | None:
        """The same for the comparison period."""
        return _number((self.result.before_total or {}).get(name))

    @property
    def by(self) -> tuple[str, ...]:
        return self.result.query.by

    @_once
    def ids(self, dimension: str | None = None) -> list[str]:
        """The source ids of the groups."""
        name = dimension or self.by[0]
        values = self.frame[name].to_numpy("datetime64[D]").astype(str) if name in TIMES else self.frame[name]
        return [str(v) for v in values.tolist()]

    @_once
    def labels(self, dimension: str | None = None) -> list[str]:
        """What people call the groups."""
        name = dimension or self.by[0]
        known = names(self.store, name, text.lang())
        return [_called(known, name, v) for v in self.frame[name]]

    @_once
    def dates(self, dimension: str | None = None) -> list[date]:
        """The days, weeks (their Monday) or months (their first) of a trend."""
        name = dimension or next(d for d in self.by if d in TIMES)
        return [d.date() for d in pd.to_datetime(self.frame[name])]

    @_once
    def order(self, name: str, *, top: int | None = None, reverse: bool = True) -> Answer:
        """The same answer with its groups sorted by a measure (missing last, ties by name), the first `top` only."""
        table = self.frame.sort_values([name, *self.by], ascending=[not reverse, *[True] * len(self.by)], na_position="last")
        return self._with(table if top is None else table.head(top))

    @_once
    def worst(self, name: str) -> Answer:
        """The groups by how much a measure fell against the comparison (rose, where down is better); new groups last, ties by name."""
        sign = -1 if measure(name).better == "down" else 1
        moved = [None if a is None or b is None else sign * (a - b) for a, b in zip(self.column(name), self.before(name), strict=True)]
        table = self.frame.assign(moved_=moved).sort_values(["moved_", *self.by], na_position="last").drop(columns="moved_")
        return self._with(table)

    @_once
    def arrange(self, dimension: str, ids: tuple[str, ...]) -> Answer:
        """The groups in the order of these ids; others are left out."""
        place = {i: n for n, i in enumerate(ids)}
        found = [(place[i], row) for row, i in enumerate(self.ids(dimension)) if i in place]
        return self._with(self.frame.iloc[[row for _, row in sorted(found)]])

    @_once
    def only(self, dimension: str, value: str) -> Answer:
        """The rows of one group."""
        return self._with(self.frame[self.frame[dimension].astype("string") == value])

    @_once
    def dated(self) -> Answer:
        """Without the rows that carry no date: they count in totals, never in a dated view."""
        return self._with(self.frame[self.frame[next(d for d in self.by if d in TIMES)].notna()])

    def _with(self, table: pd.DataFrame) -> Answer:
        return Answer(replace(self.result, table=table.reset_index(drop=True)), self.store)

    @property
    def notes(self) -> Sequence[str]:
        """What a reader must know about these numbers, in their language."""
        return [text.say(note) for note in self.result.notes]


TIMES = ("day", "week", "month")


def _steps(dimension: str, values: pd.Series, start: date) -> list[int | None]:
    """The how-manieth day, week or month from the start; None for a row without a date."""
    days = values.to_numpy("datetime64[D]")
    if dimension == "month":
        steps = days.astype("datetime64[M]").astype(np.int64) - np.datetime64(start, "M").astype(np.int64)
    else:
        monday = start.weekday() if dimension == "week" else 0
        steps = ((days - np.datetime64(start, "D")).astype(np.int64) + monday) // (7 if dimension == "week" else 1)
    return [None if gone else step for step, gone in zip(steps.tolist(), np.isnat(days).tolist(), strict=True)]


def label(store: Store, dimension: str, value: object) -> str:
    """What people call one value of a dimension, in the reader's language; the source id where it has no name."""
    return _called(names(store, dimension, text.lang()), dimension, value)


def _called(known: Mapping[str, str], dimension: str, value: object) -> str:
    if missing(value) or value == "":
        return _(UNKNOWN.get(dimension, NOT_KNOWN))
    return known.get(str(value)) or str(value)


def _number(value: object) -> float | None:
    return None if missing(value) or isinstance(value, (str, date, datetime)) else float(cast(float, value))
