"""The model of Dawid & Skene against their own data and a plain implementation."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metrics.truth import Model, Skills, dawid_skene
from tests.metrics.anaesthetists import observations

CLASSES = "1 4 2 2 2 2 1 3 2 2 4 3 1 2 1 1 1 1 2 2 2 2 2 2 1 1 2 1 1 1 1 3 1 2 2 4 2 3 3 1 1 1 2 1 2"


def fit(smoothing: float = 0.0) -> Skills:
    found = dawid_skene(*observations(), smoothing=smoothing).value
    assert found is not None
    return found


def test_anaesthetists() -> None:
    """metrics.md 7.6: Dawid & Skene 1979, tables 1 to 4."""
    found = fit()
    assert round(found.log_likelihood, 6) == -192.890881
    assert found.prior.round(4).tolist() == [0.3996, 0.4220, 0.1118, 0.0667]
    assert found.confusion[:, range(4), range(4)].round(2).tolist() == [
        [0.89, 0.88, 0.66, 0.44], [0.83, 0.63, 1, 1], [1, 0.79, 0.20, 0.33], [0.94, 0.84, 0.80, 0.67], [1, 0.73, 0.79, 0.67],
    ]  # fmt: skip
    assert list(found.estimate) == [int(c) for c in CLASSES.split()]
    assert [round(float(found.posterior[patient - 1].max()), 3) for patient in (7, 35, 38)] == [0.981, 0.948, 0.979]
    assert found.converged
    assert found.identified.all()
    assert found.accuracy == pytest.approx((found.prior * found.confusion[:, range(4), range(4)]).sum(axis=1))


def test_smoothing_moves_answers() -> None:
    """metrics.md 7.6: 0.01 moves none, 0.1 patient 12, and 0.5 patients 2 (to 3), 3, 12 and 38."""
    plain = fit().estimate
    moved = {s: [i for i, (a, b) in enumerate(zip(plain, fit(s).estimate, strict=True), 1) if a != b] for s in (0.01, 0.1, 0.5)}
    assert moved == {0.01: [], 0.1: [12], 0.5: [2, 3, 12, 38]}
    assert fit(0.5).estimate[1] == 3


def plain(rows: list[tuple[int, int, int]], k: int, model: Model, smoothing: float, turns: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The two steps, one observation at a time."""
    items, raters = max(i for i, _, _ in rows) + 1, max(r for _, r, _ in rows) + 1
    belief = np.zeros((items, k))
    for i, _, label in rows:
        belief[i, label] += 1
    belief /= belief.sum(axis=1, keepdims=True)
    likelihood = 0.0
    for _ in range(turns):
        prior = belief.mean(axis=0)
        table = np.full((raters, k, k), smoothing)
        for i, r, label in rows:
            table[r, :, label] += belief[i]
        if model == "one_coin":
            right = [sum(table[r, c, c] for c in range(k)) for r in range(raters)]
            if smoothing:
                right = [hits - (k - 1) * smoothing for hits in right]
            given = [sum(r == s for _, s, _ in rows) + k * smoothing for r in range(raters)]
            p = [hits / n for hits, n in zip(right, given, strict=True)]
            table = np.array([[[p[r] if a == b else (1 - p[r]) / (k - 1) for b in range(k)] for a in range(k)] for r in range(raters)])
        else:
            table /= np.where(table.sum(axis=2, keepdims=True) > 0, table.sum(axis=2, keepdims=True), 1)
        likelihood = 0.0
        for i in range(items):
            joint = prior.copy()
            for j, r, label in rows:
                if j == i:
                    joint *= table[r, :, label]
            likelihood += math.log(joint.sum())
            belief[i] = joint / joint.sum()
    return belief, table, likelihood


@given(st.integers(0, 10**6), st.sampled_from(["full", "one_coin"]), st.sampled_from([0.0, 0.01, 1.0]), st.integers(1, 6))
def test_against_a_plain_implementation(seed: int, model: Model, smoothing: float, turns: int) -> None:
    rng = random.Random(seed)
    truth = [rng.randrange(3) for _ in range(12)]
    rows = [
        (i, r, t if rng.random() < 0.7 else rng.randrange(3)) for i, t in enumerate(truth) for r in range(4) if r < 3 or rng.random() < 0.5
    ]
    assume(len({label for _, _, label in rows}) == 3 and max(r for _, r, _ in rows) == 3)
    belief, table, likelihood = plain(rows, 3, model, smoothing, turns)
    found = dawid_skene(*zip(*rows, strict=True), model=model, smoothing=smoothing, max_iterations=turns).value
    assert found is not None
    order = np.argsort(found.raters)
    assert found.posterior == pytest.approx(belief, abs=1e-9)
    assert np.nan_to_num(found.confusion[order]) == pytest.approx(table, abs=1e-9)
    assert found.log_likelihood == pytest.approx(likelihood)
    assert found.iterations <= turns


@given(st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_rows_may_come_in_any_order(shuffler: random.Random) -> None:
    rows = list(zip(*observations(), strict=True))
    shuffler.shuffle(rows)
    found, want = dawid_skene(*zip(*rows, strict=True)).value, fit()
    assert found is not None
    assert found.classes == want.classes == (1, 2, 3, 4)
    assert dict(zip(found.items, found.estimate, strict=True)) == dict(zip(want.items, want.estimate, strict=True))
    assert found.log_likelihood == pytest.approx(want.log_likelihood)


def test_skills_come_back_from_made_up_raters() -> None:
    """2,000 items, five raters right 95, 85, 75, 65 and 55 % of the time, one coin each."""
    rng = np.random.default_rng(5)
    skills, truth = [0.95, 0.85, 0.75, 0.65, 0.55], rng.integers(0, 3, 2000)
    wrong = (truth[:, None] + rng.integers(1, 3, (2000, 5))) % 3
    labels = np.where(rng.random((2000, 5)) < skills, truth[:, None], wrong)
    items, raters = np.repeat(np.arange(2000), 5), np.tile(np.arange(5), 2000)
    for model in ("one_coin", "full"):
        found = dawid_skene(items.tolist(), raters.tolist(), labels.ravel().tolist(), model=model).value
        assert found is not None
        assert found.accuracy == pytest.approx(skills, abs=0.03)
        assert np.mean(np.array(found.estimate) == truth) > np.mean(labels[:, 0] == truth)


def test_known_answers_are_kept_and_pull_the_rest() -> None:
    """Two of three raters always wrong: votes say the opposite of the truth, until five known items tell who is right."""
    items = [i for i in range(20) for _ in range(3)]
    raters = ["good", "bad", "worse"] * 20
    labels = [label for i in range(20) for label in ("yn"[i % 2], "ny"[i % 2], "ny"[i % 2])]
    swapped, told = (
        dawid_skene(items, raters, labels).value,
        dawid_skene(items, raters, labels, gold={i: "yn"[i % 2] for i in range(11)}).value,
    )
    assert swapped is not None
    assert told is not None
    assert swapped.estimate[:2] == ("n", "y")
    assert told.estimate == tuple("yn" * 10)
    assert told.accuracy.round(6).tolist() == [1, 0, 0]
    assert dawid_skene(items, raters, labels, gold={"elsewhere": "maybe"}).value is not None


def test_a_null_answer_is_no_known_one() -> None:
    items, raters, labels = [i for i in range(4) for _ in range(3)], "abc" * 4, "yynnnyyyynnn"
    plain = dawid_skene(items, raters, labels).value
    for nothing in (None, math.nan):
        found = dawid_skene(items, raters, labels, gold={1: nothing}).value
        assert plain is not None
        assert found is not None
        assert (found.classes, found.estimate) == (("n", "y"), plain.estimate)


def test_smoothing_of_one_coin_by_hand() -> None:
    """All answers known, a rater right on 3 of 4 with 3 classes: (3 + s) of (4 + 3 s), the rest falling evenly on the other two."""
    keys, given_ = {0: "x", 1: "y", 2: "z", 3: "x"}, "xyzy"
    items, raters = [*range(4), 0, 0], [*"aaaa", "b", "c"]
    for s in (0.0, 1.0, 0.5):
        found = dawid_skene(items, raters, [*given_, "x", "x"], "one_coin", s, gold=keys).value
        assert found is not None
        right = (3 + s) / (4 + 3 * s)
        assert found.confusion[0] == pytest.approx(np.full((3, 3), (1 - right) / 2) + np.eye(3) * (right - (1 - right) / 2))


def test_what_nothing_compares_is_marked() -> None:
    """Items 0 to 4 and raters a, b, c hang together; item 5 with its own rater does not, and item 6 has two labels only."""
    rows = [(i, r, "xy"[i % 2]) for i in range(5) for r in "abc"] + [(5, "d", "x")] * 3 + [(6, "a", "x"), (6, "b", "x")]
    found = dawid_skene(*zip(*rows, strict=True)).value
    assert found is not None
    assert found.identified.tolist() == [True] * 5 + [False, False]
    assert found.accuracy[:3].tolist() == [1, 1, 1]
    assert np.isnan(found.accuracy[3])
    assert np.isnan(found.confusion[3, 1]).all()  # d met no item of class y


@pytest.mark.parametrize(
    ("rows", "reason"), [([], "no labels"), ([(1, "a", "x")] * 4, "one class"), ([(1, "a", "x"), (1, "b", "y"), (2, "a", "x")], "too few labels")]
)  # fmt: skip
def test_undefined(rows: list[tuple[int, str, str]], reason: str) -> None:
    columns = list(zip(*rows, strict=True)) or [[], [], []]
    found = dawid_skene(*columns)  # type: ignore[arg-type]
    assert (found.value, found.reason, found.n) == (None, reason, len(rows))


def test_refused() -> None:
    with pytest.raises(ValueError, match="1 items, 2 raters and 1 labels"):
        dawid_skene([1], ["a", "b"], ["x"])
    for row, what in (((None, "a", "x"), "an item"), ((1, math.nan, "x"), "a rater"), ((1, "a", None), "a label")):
        with pytest.raises(ValueError, match=f"{what} is null"):
            dawid_skene(*([value] for value in row))
    with pytest.raises(ValueError, match="0 iterations"):
        dawid_skene([1], ["a"], ["x"], max_iterations=0)
    with pytest.raises(ValueError, match="a smoothing of nan"):
        dawid_skene([1], ["a"], ["x"], smoothing=math.nan)
    with pytest.raises(ValueError, match="a smoothing of -1"):
        dawid_skene([1], ["a"], ["x"], smoothing=-1)
    with pytest.raises(ValueError, match="no model 'two_coins'"):
        dawid_skene([1], ["a"], ["x"], model="two_coins")  # type: ignore[arg-type]
