"""Checks against known answers: gold accuracy (测试题准确率) with keys that may be wrong themselves, and error rates corrected for
reviewers who miss errors or see some that are not there (质检员校正错误率)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metrics.grouping import Column, chosen, numbered, present
from metrics.intervals import wilson, wilson_many

Floats = NDArray[np.float64]

WINDOW = 50  # latest answers that count
GOOD = 0.8  # accuracy on all other keys from which a person's miss speaks against the key (our design)
MISSED = 0.3  # share of good people missing a key above which the key is set aside
MIN_GOOD = 5  # good people who answered, before a key is judged (our design)


@dataclass(frozen=True, slots=True)
class Answered:
    """`accuracy` = `correct` ÷ `n` answers of one rater, Wilson `low`–`high`; None where all were repeats or of keys set aside."""

    rater: Hashable
    correct: int
    n: int
    accuracy: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Gold:
    """`raters` by first appearance; `correct` ÷ `n` is `accuracy` over all of them, with Wilson's `low`–`high`, None without an answer.

    `quarantined` are the items whose key was set aside, `repeats` the answers left out as the rater had met the item before.
    """

    raters: tuple[Answered, ...]
    correct: int
    n: int
    accuracy: float | None
    low: float | None
    high: float | None
    quarantined: tuple[Hashable, ...]
    repeats: int


def gold_accuracy(
    raters: Column,
    items: Column,
    answers: Column,
    keys: Mapping[Hashable, Hashable],
    window: int | None = WINDOW,
    missed: float = MISSED,
    repeats: bool = False,
    level: float = 0.95,
) -> Gold:
    """Gold items answered correctly ÷ gold items answered, by rater, over each one's latest `window` answers (None: all).

    Position i, in order of time: this rater gave this answer to this item; items without a key (or with a null one) and null answers do
    not count. A rater's second and later answers to an item are left out (it may have leaked) unless `repeats`. A key that more than
    `missed` of the good raters miss is set aside; a rater is good for a key with GOOD accuracy on all other keys, and MIN_GOOD of them
    must have answered it. `missed` 1 sets none aside. Set aside keys do not count for anybody. Raises ValueError for lengths that differ,
    a window under 1 and a `missed` outside 0…1.

    >>> found = gold_accuracy("aabb", [1, 2, 1, 2], "ynyy", {1: "y", 2: "n"})
    >>> [(r.rater, r.correct, r.n) for r in found.raters], found.accuracy
    ([('a', 2, 2), ('b', 1, 2)], 0.75)
    """
    if window is not None and window < 1:
        raise ValueError(f"a window of {window} answers")
    if not 0 <= missed <= 1:
        raise ValueError(f"gold_accuracy: keys that more than {missed} of the good raters miss")
    if not len(raters) == len(items) == len(answers):
        raise ValueError(f"gold_accuracy: {len(raters)} raters, {len(items)} items and {len(answers)} answers")
    item, names = numbered(items)
    counts = present(answers) & present([keys.get(name) for name in names])[item]
    person, people = numbered(chosen(raters, counts))
    item, names = numbered(chosen(items, counts))
    answer, said = numbered(chosen(answers, counts))
    number = {value: place for place, value in enumerate(said)}
    right = answer == np.array([number.get(keys[name], -1) for name in names], dtype=np.intp)[item]
    asked = len(person)
    if not repeats:
        first = np.sort(np.unique(person * max(len(names), 1) + item, return_index=True)[1])
        person, item, right = person[first], item[first], right[first]
    left_out = asked - len(person)
    aside = _doubtful(person, item, right, len(people), len(names), missed)
    kept = ~aside[item]
    person, right = person[kept], right[kept]
    if window is not None:
        recent = _latest(person, window)
        person, right = person[recent], right[recent]
    n = np.bincount(person, minlength=len(people))
    correct = np.bincount(person, weights=right, minlength=len(people)).astype(np.int64)
    lows, highs = wilson_many(correct.astype(np.float64), n.astype(np.float64), level)
    found = zip(people, correct.tolist(), n.tolist(), lows.tolist(), highs.tolist(), strict=True)
    each = tuple(Answered(r, c, m, c / m, low, high) if m else Answered(r, 0, 0, None, None, None) for r, c, m, low, high in found)
    hits, total = int(correct.sum()), int(n.sum())
    low, high = wilson(hits, total, level) if total else (None, None)
    quarantined = tuple(name for name, out in zip(names, aside.tolist(), strict=True) if out)
    return Gold(each, hits, total, hits / total if total else None, low, high, quarantined, left_out)


def _doubtful(
    person: NDArray[np.intp], item: NDArray[np.intp], right: NDArray[np.bool_], people: int, items: int, missed: float
) -> NDArray[np.bool_]:
    """Which keys too many of the good people miss."""
    if not len(person):
        return np.zeros(items, dtype=bool)
    pair, place = np.unique(person * items + item, return_inverse=True)
    seen, hits = np.bincount(place), np.bincount(place, weights=right)
    who, what = pair // items, pair % items
    others = np.bincount(who, weights=seen, minlength=people)[who] - seen
    good = (others > 0) & (np.bincount(who, weights=hits, minlength=people)[who] - hits >= GOOD * others)
    answered = np.bincount(what, weights=good, minlength=items)
    misses = np.bincount(what, weights=good & (hits < seen), minlength=items)
    return np.asarray((answered >= MIN_GOOD) & (misses > missed * answered), dtype=bool)


def _latest(person: NDArray[np.intp], window: int) -> NDArray[np.bool_]:
    """Which positions are among the last `window` of their person."""
    order = np.argsort(person, kind="stable")
    size = np.bincount(person)
    ends = np.cumsum(size)
    from_end = np.empty(len(person), dtype=np.intp)
    from_end[order] = np.repeat(ends, size) - np.arange(len(person))
    return from_end <= window


@dataclass(frozen=True, slots=True)
class Corrected:
    """`value` of the true error rate, 0…1, with its interval where the sample is known; `clipped` says that it came out beyond 0 or 1.

    None, with the reason, when reviewers do no better than chance (sensitivity + specificity ≤ 1).
    """

    value: float | None
    low: float | None
    high: float | None
    clipped: bool
    n: int | None
    reason: Literal["reviewers no better than chance", "no sample"] | None = None


def corrected_rate(observed: float, sensitivity: float, specificity: float, n: int | None = None, level: float = 0.95) -> Corrected:
    """The error rate behind an observed one (校正错误率), given how reviewers err: (observed + specificity − 1) ÷ (sensitivity + specificity − 1).

    `sensitivity` (检出率) is the share of true errors they find, `specificity` the share of right work they pass. With `n` inspected, the
    interval is Wilson's of the observed rate, corrected; how well the two shares are known is not in it. Rogan & Gladen 1978, Am. J.
    Epidemiol. 107(1), doi:10.1093/oxfordjournals.aje.a112510. Raises ValueError for shares outside 0…1 and a negative n.

    >>> round(corrected_rate(0.03, 0.80, 0.995).value, 4)
    0.0314
    """
    if not all(0 <= share <= 1 for share in (observed, sensitivity, specificity)) or (n is not None and n < 0):
        raise ValueError(f"corrected_rate: {observed}, {sensitivity} and {specificity} lie within 0 and 1, and n is not negative")
    gain = sensitivity + specificity - 1
    if n == 0 or gain <= 0:
        return Corrected(None, None, None, False, n, "no sample" if n == 0 else "reviewers no better than chance")

    def correct(rate: float) -> float:
        return (rate + specificity - 1) / gain

    raw = correct(observed)
    low, high = (min(max(correct(bound), 0.0), 1.0) for bound in wilson(observed * n, n, level)) if n else (None, None)
    return Corrected(min(max(raw, 0.0), 1.0), low, high, not 0 <= raw <= 1, n)
