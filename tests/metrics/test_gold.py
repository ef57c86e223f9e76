"""Gold answers worked by hand, and the correction of Rogan & Gladen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.gold import corrected_rate, gold_accuracy
from metrics.intervals import wilson


def test_latest_answers_count() -> None:
    """Sixty answers, the first ten wrong: the rolling fifty are all right."""
    keys = dict.fromkeys(range(60), "y")
    answers = ["n"] * 10 + ["y"] * 50
    (one,) = gold_accuracy(["a"] * 60, list(range(60)), answers, keys).raters
    assert (one.correct, one.n, one.accuracy, one.high) == (50, 50, 1, 1)
    assert one.low == pytest.approx(wilson(50, 50)[0])
    assert gold_accuracy(["a"] * 60, list(range(60)), answers, keys, window=None).correct == 50
    assert gold_accuracy(["a", "b"] * 30, list(range(60)), answers, keys, window=2).n == 4


def test_an_item_seen_before_does_not_count_again() -> None:
    found = gold_accuracy("aaab", [1, 1, 2, 1], "nyyy", {1: "y", 2: "y"})
    assert [(r.rater, r.correct, r.n) for r in found.raters] == [("a", 1, 2), ("b", 1, 1)]
    assert (found.repeats, found.correct, found.n) == (1, 2, 3)
    assert gold_accuracy("aaab", [1, 1, 2, 1], "nyyy", {1: "y", 2: "y"}, repeats=True).n == 4


def test_an_item_whose_key_is_null_has_none() -> None:
    """Nobody could be right on it."""
    for nothing in (None, math.nan):
        found = gold_accuracy("aabb", [1, 2, 1, 2], "ynyy", {1: "y", 2: nothing})  # type: ignore[dict-item]
        assert [(r.correct, r.n) for r in found.raters] == [(1, 1), (1, 1)]


def test_raters_come_by_first_appearance_in_arrays_too() -> None:
    found = gold_accuracy(np.array([7, 3, 7]), np.array([1, 1, 2]), np.array([0, 1, 1]), {1: 1, 2: 1})
    assert [(r.rater, r.correct, r.n) for r in found.raters] == [(7, 1, 2), (3, 1, 1)]


def crowd(missing: int) -> tuple[list[str], list[int], list[str]]:
    """Ten good raters and one bad on eleven items; the first `missing` good ones do not give the key of item 0."""
    rows = [(f"good {g}", i, "n" if i == 0 and g < missing else "y") for g in range(10) for i in range(11)]
    rows += [("bad", i, "n") for i in range(11)]
    raters, items, answers = zip(*rows, strict=True)
    return list(raters), list(items), list(answers)


def test_a_key_that_good_people_miss_is_set_aside() -> None:
    """metrics.md Q-18: more than 30 % of good annotators; 3 of 10 is not more. The bad one's miss speaks against no key."""
    keys = dict.fromkeys(range(11), "y")
    kept, aside = gold_accuracy(*crowd(3), keys), gold_accuracy(*crowd(4), keys)
    assert (kept.quarantined, kept.n, kept.correct) == ((), 121, 107)
    assert (aside.quarantined, aside.n, aside.correct) == ((0,), 110, 100)
    assert gold_accuracy(*crowd(10), keys, missed=1).quarantined == ()
    assert [r.accuracy for r in aside.raters] == [1] * 10 + [0]


def test_a_miss_does_not_make_its_own_judge_a_bad_one() -> None:
    """Five people miss key 0 and have the other two right: good on all other keys, though only 67 % over all three."""
    rows = [(person, i, "n" if i == 0 else "y") for person in "abcde" for i in range(3)]
    assert gold_accuracy(*zip(*rows, strict=True), dict.fromkeys(range(3), "y")).quarantined == (0,)


def test_one_person_is_not_enough_to_doubt_a_key() -> None:
    keys = dict.fromkeys(range(11), "y")
    rows = [("a", i, "n" if i == 0 else "y") for i in range(11)]
    assert gold_accuracy(*zip(*rows, strict=True), keys).quarantined == ()


def test_without_answers_there_is_no_accuracy() -> None:
    found = gold_accuracy(["a"], [1], ["y"], {})
    assert (found.raters, found.accuracy, found.low, found.n) == ((), None, None, 0)
    assert gold_accuracy(["a"], [1], [None], {1: "y"}).n == 0
    keys = dict.fromkeys(range(11), "y")
    raters, items, answers = crowd(10)
    only = gold_accuracy([*raters, "late"], [*items, 0], [*answers, "n"], keys).raters[-1]
    assert (only.rater, only.n, only.accuracy, only.low) == ("late", 0, None, None)  # all of their keys were set aside
    with pytest.raises(ValueError, match="more than 30 of the good"):
        gold_accuracy([], [], [], {}, missed=30)
    with pytest.raises(ValueError, match="a window of 0"):
        gold_accuracy([], [], [], {}, window=0)
    with pytest.raises(ValueError, match="1 raters, 0 items and 0 answers"):
        gold_accuracy(["a"], [], [], {})


def test_rogan_gladen() -> None:
    """metrics.md Q-21: observed 3 %, sensitivity .80, specificity .995 → 3.14 %."""
    found = corrected_rate(0.03, 0.80, 0.995, n=1000)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert round(found.value, 4) == 0.0314
    assert found.low < found.value < found.high
    assert not found.clipped
    perfect = corrected_rate(0.03, 1, 1, n=1000)
    assert (perfect.low, perfect.high) == pytest.approx(wilson(30, 1000))


@given(st.floats(0, 1), st.floats(0.55, 1), st.floats(0.55, 1))
def test_the_correction_undoes_what_reviewers_do(p: float, sensitivity: float, specificity: float) -> None:
    observed = p * sensitivity + (1 - p) * (1 - specificity)
    found = corrected_rate(min(observed, 1.0), sensitivity, specificity)
    assert found.value == pytest.approx(p, abs=1e-9)


def test_correction_at_its_ends() -> None:
    assert (corrected_rate(0.001, 0.8, 0.99).value, corrected_rate(0.001, 0.8, 0.99).clipped) == (0, True)
    assert (corrected_rate(0.9, 0.8, 0.99).value, corrected_rate(0.9, 0.8, 0.99).clipped) == (1, True)
    assert corrected_rate(0.3, 0.5, 0.5).reason == "reviewers no better than chance"
    assert corrected_rate(0.3, 0.4, 0.5).value is None
    assert corrected_rate(0.3, 0.8, 0.9, n=0).reason == "no sample"
    for observed, n in ((1.1, None), (math.nan, None), (0.1, -1)):
        with pytest.raises(ValueError, match="within 0 and 1"):
            corrected_rate(observed, 0.8, 0.9, n)
