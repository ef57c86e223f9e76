"""Agreement against published tables and brute force over all pairs of ratings."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.agreement import (
    Scale,
    _alike,
    alpha_by_item,
    cohen_kappa,
    cohen_kappa_labels,
    confusion_table,
    dawid_skene,
    fleiss_kappa,
    gold_accuracy,
    krippendorff_alpha,
    percent_agreement,
)

SHARED = Path(os.environ.get("PIECEWORK_SHARED", Path(__file__).resolve().parents[3] / "shared"))
SETS = [name for name in ("active_CF_amt", "active_ZenCrowd_us") if (SHARED / "oracles" / f"dev_{name}.json").exists()]


def matrix(*rows: str) -> list[list[int | None]]:
    return [[int(cell) if cell.isdigit() else None for cell in row] for row in rows]


# Krippendorff's examples: three coders of 15 units (fast-krippendorff's sample, also Wikipedia's) and four observers of 12 (Content Analysis, ch. 11).
THREE = matrix("*****34121133*3", "1*213343*******", "**21344*21133*4")
FOUR = matrix("123321412***", "1233224125*3", "*3332342251*", "12332441251*")
SCALES: tuple[Scale, ...] = ("nominal", "ordinal", "interval", "ratio")
# Fleiss 1971's worked layout, ten subjects and 14 raters (Wikipedia, “Fleiss' kappa”).
TEN = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]  # fmt: skip


# Published numbers -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("ratings", "want"),
    [(THREE, (0.691358, 0.806721, 0.810845, 0.808944)), (FOUR, (0.743421, 0.815388, 0.849107, 0.797403))],
    ids=["three coders", "four observers"],
)
def test_alpha(ratings: list[list[int | None]], want: tuple[float, ...]) -> None:
    """metrics.md 7.5."""
    found = [krippendorff_alpha(ratings, scale, draws=0).value for scale in SCALES]
    assert tuple(round(value, 6) for value in found if value is not None) == want


def test_alpha_counts_only_items_with_two_ratings() -> None:
    found = krippendorff_alpha(FOUR)
    assert (found.items, found.ratings) == (11, 40)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.743421 < found.high


@pytest.mark.parametrize(
    ("table", "want"), [([[20, 5], [10, 15]], 0.4), ([[45, 15], [25, 15]], 0.130435), ([[25, 35], [5, 35]], 0.259259), ([[118, 5], [2, 0]], -0.023392)]
)  # fmt: skip
def test_cohen(table: list[list[int]], want: float) -> None:
    """metrics.md 7.5."""
    found = cohen_kappa(table)
    assert found.value is not None
    assert round(found.value, 6) == want


def test_the_prevalence_paradox_is_told_beside_kappa() -> None:
    """metrics.md Q-19: agreement 94.4 %, kappa −0.023."""
    found = cohen_kappa([[118, 5], [2, 0]], categories=["fine", "wrong"])
    assert found.agreement == pytest.approx(0.944)
    assert found.prevalence == (("fine", pytest.approx(243 / 250)), ("wrong", pytest.approx(7 / 250)))


def test_fleiss() -> None:
    """metrics.md 7.5; the table's own margins and mean P are printed as .378 and .213."""
    found = fleiss_kappa(TEN)
    assert found.value is not None
    assert found.agreement is not None
    assert (round(found.value, 6), round(found.agreement, 3), found.items, found.ratings) == (0.209931, 0.378, 10, 140)
    assert round(sum(share**2 for _, share in found.prevalence), 3) == 0.213


# Brute force -------------------------------------------------------------------------------------------------------------
def brute(items: Sequence[int], values: Sequence[int], distance: Callable[[int, int], float]) -> float | None:
    """Alpha from every ordered pair of ratings, as the definition says."""
    groups: dict[int, list[int]] = {}
    for item, value in zip(items, values, strict=True):
        groups.setdefault(item, []).append(value)
    paired = [group for group in groups.values() if len(group) > 1]
    whole = [value for group in paired for value in group]
    observed = sum(sum(distance(a, b) for a, b in permutations(group, 2)) / (len(group) - 1) for group in paired)
    expected = sum(distance(a, b) for a, b in permutations(whole, 2))
    return 1 - (len(whole) - 1) * observed / expected if expected else None


def ranks(values: Sequence[int], items: Sequence[int]) -> Callable[[int, int], float]:
    """The ordinal distance from its own definition: ratings between c and k, the ends counting half, squared."""
    counted = [v for v, i in zip(values, items, strict=True) if list(items).count(i) > 1]

    def between(c: int, k: int) -> float:
        low, high = min(c, k), max(c, k)
        return (sum(low <= v <= high for v in counted) - (counted.count(c) + counted.count(k)) / 2) ** 2

    return between


observations = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=25)


@given(observations)
def test_alpha_is_what_every_pair_says(rows: list[tuple[int, int]]) -> None:
    items, values = [i for i, _ in rows], [v for _, v in rows]
    distances: dict[Scale, Callable[[int, int], float]] = {
        "nominal": lambda a, b: float(a != b),
        "ordinal": ranks(values, items),
        "interval": lambda a, b: float(a - b) ** 2,
        "ratio": lambda a, b: ((a - b) / (a + b)) ** 2 if a + b else 0.0,
    }
    for scale, distance in distances.items():
        want, found = brute(items, values, distance), alpha_by_item(items, values, scale, draws=0)
        assert (found.value is None) == (want is None)
        assert want is None or found.value == pytest.approx(want, abs=1e-9)
        own = alpha_by_item(items, values, distance, draws=0) if scale != "ordinal" else found  # type: ignore[arg-type]
        assert own.value == (None if found.value is None else pytest.approx(found.value, abs=1e-9))


@given(observations, st.randoms(use_true_random=False))
def test_alpha_does_not_depend_on_order_names_or_units(rows: list[tuple[int, int]], random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    name = dict(enumerate(random.sample("abcdefgh", 5)))
    one = alpha_by_item([i for i, _ in rows], [v for _, v in rows], draws=0).value
    other = alpha_by_item([f"item {i}" for i, _ in shuffled], [name[v] for _, v in shuffled], draws=0).value
    assert other == (None if one is None else pytest.approx(one))
    metres = alpha_by_item([i for i, _ in rows], [v for _, v in rows], "interval", draws=0).value
    feet = alpha_by_item([i for i, _ in rows], [32 + 3.28 * v for _, v in rows], "interval", draws=0).value
    assert feet == (None if metres is None else pytest.approx(metres, abs=1e-9))


@given(st.integers(2, 5).flatmap(lambda m: st.lists(st.lists(st.integers(0, 3), min_size=m, max_size=m), min_size=1, max_size=12)))
def test_alpha_is_fleiss_with_a_correction_for_few_ratings(rows: list[list[int]]) -> None:
    """Every item rated by m: 1 − alpha = (1 − kappa) × (N − 1) ÷ N for N ratings."""
    counts = [[row.count(c) for c in range(4)] for row in rows]
    kappa, alpha = fleiss_kappa(counts, draws=0), krippendorff_alpha(list(zip(*rows, strict=True)), draws=0)
    if kappa.value is None:
        assert alpha.value is None
    else:
        assert alpha.value is not None
        assert 1 - alpha.value == pytest.approx((1 - kappa.value) * (alpha.ratings - 1) / alpha.ratings)
    assert alpha.agreement == pytest.approx(kappa.agreement)
    assert percent_agreement(list(zip(*rows, strict=True)), draws=10).value == pytest.approx(kappa.agreement)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_cohen_of_two_lists(pairs: list[tuple[int, int]]) -> None:
    """Agreement of the pairs against that of each first rating with each second one."""
    first, second = zip(*pairs, strict=True)
    names, table = confusion_table(first, second)
    found = cohen_kappa(table, names, draws=0)
    seen = np.mean([a == b for a, b in pairs])
    chance = np.mean([[a == b for b in second] for a in first])
    assert found.agreement == pytest.approx(seen)
    assert found.value == (None if chance == 1 else pytest.approx((seen - chance) / (1 - chance)))


@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3))), min_size=1, max_size=30))
def test_cohen_from_labels_is_cohen_of_their_table(pairs: list[tuple[int, int | None]]) -> None:
    first, second = zip(*pairs, strict=True)
    names, table = confusion_table(first, second)
    assert cohen_kappa_labels(first, second, draws=50) == cohen_kappa(table, names, draws=50)
    numbers = np.array([math.nan if v is None else v for v in second], dtype=float)
    assert cohen_kappa_labels(np.array(first, dtype=float), numbers, draws=50) == cohen_kappa_labels(first, second, draws=50)


def test_cohen_from_labels_by_hand() -> None:
    """The paradox of metrics.md Q-19, as 125 items that two raters judged."""
    first = ["fine"] * 123 + ["wrong"] * 2
    second = ["fine"] * 118 + ["wrong"] * 5 + ["fine"] * 2
    found = cohen_kappa_labels(first, second)
    assert found.value is not None
    assert (round(found.value, 6), found.agreement, found.items, found.ratings) == (-0.023392, 0.944, 125, 250)
    assert cohen_kappa_labels([None, "a"], ["a", None]).reason == "no sample"
    with pytest.raises(ValueError, match="2 ratings of the first, 1 of the second"):
        cohen_kappa_labels(["a", "b"], ["a"])


# Resampling --------------------------------------------------------------------------------------------------------------
def resampled(items: Sequence[int], values: Sequence[int], scale: Scale, draws: int) -> list[float]:
    """Whole items drawn with replacement, one after the other, alpha of each draw worked out anew."""
    rng, groups = np.random.default_rng(5), {item: [v for i, v in zip(items, values, strict=True) if i == item] for item in set(items)}
    found = []
    for _ in range(draws):
        drawn = [groups[i] for i in rng.choice(list(groups), len(groups)).tolist()]
        rows = [(place, v) for place, group in enumerate(drawn) for v in group]
        found.append(alpha_by_item([i for i, _ in rows], [v for _, v in rows], scale, draws=0).value)
    return [v for v in found if v is not None]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kinds", ["few", "many"])
def test_the_interval_is_that_of_drawing_items_again(scale: Scale, kinds: str) -> None:
    """Of few kinds of items, how many of each are drawn; of many, the items: both as drawing them one after the other."""
    rng = np.random.default_rng(3)
    truth = rng.integers(1, 4, 120)
    spread = (lambda: rng.integers(0, 2, 120) * (rng.random(120) < 0.5)) if kinds == "few" else (lambda: rng.integers(0, 9, 120))
    values = np.concatenate([truth + spread() for _ in range(2 if kinds == "few" else 4)])
    items = np.tile(np.arange(120), len(values) // 120)
    found = alpha_by_item(items, values, scale, draws=4000)
    low, high = np.quantile(resampled(items.tolist(), values.tolist(), scale, 400), [0.025, 0.975])
    width = high - low
    assert found.low == pytest.approx(low, abs=0.12 * width)
    assert found.high == pytest.approx(high, abs=0.12 * width)


@given(observations, st.integers(1, 4))
def test_items_of_one_kind_count_as_often_as_they_are_there(rows: list[tuple[int, int]], copies: int) -> None:
    """Every item several times over, under other names: alpha by every pair of ratings."""
    items, values = [7 * c + i for c in range(copies) for i, _ in rows], [v for _ in range(copies) for _, v in rows]
    want = brute(items, values, lambda a, b: float(a != b))
    assert alpha_by_item(items, values, draws=0).value == (None if want is None else pytest.approx(want, abs=1e-9))
    many = alpha_by_item(items, [v * 10**15 for v in values], "interval", draws=0).value
    few = brute(items, values, lambda a, b: float(a - b) ** 2)
    assert many == (None if few is None else pytest.approx(few, abs=1e-9))


def test_items_with_very_many_different_ratings_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above MAX_WIDTH every item is a kind of its own: the same value."""
    rng = np.random.default_rng(2)
    items, values = rng.integers(0, 20, 200), rng.integers(0, 9, 200)
    alike = alpha_by_item(items, values, "interval")
    monkeypatch.setattr("metrics.agreement.MAX_WIDTH", 2)
    apart = alpha_by_item(items, values, "interval")
    assert apart.value == pytest.approx(alike.value)
    assert (apart.low, apart.high) == (pytest.approx(alike.low, abs=0.03), pytest.approx(alike.high, abs=0.03))


@given(st.lists(st.lists(st.integers(0, 2**40), min_size=3, max_size=3), min_size=1, max_size=12))
def test_kinds_are_the_different_columns_however_large_the_numbers(columns: list[list[int]]) -> None:
    columns = columns + columns[:2]
    first, kind, often = _alike(np.array(columns, dtype=np.int64).T)
    assert len(first) == len({tuple(column) for column in columns})
    for i, column in enumerate(columns):
        assert columns[first[kind[i]]] == column
        assert often[kind[i]] == columns.count(column)


# Undefined, small, and refused -------------------------------------------------------------------------------------------
def test_everybody_always_saying_the_same_is_no_evidence() -> None:
    """Expected disagreement is 0: undefined, not 1 (metrics.md Q-19)."""
    same = [[1] * 20, [1] * 20]
    assert [f.value for f in (krippendorff_alpha(same), krippendorff_alpha(same, "interval"), cohen_kappa([[20, 0], [0, 0]]))] == [None] * 3
    assert [f.reason for f in (krippendorff_alpha(same), fleiss_kappa([[3, 0]] * 20), cohen_kappa([[20]]))] == ["all the same"] * 3
    assert krippendorff_alpha(same).agreement == 1
    assert krippendorff_alpha([[0.1] * 3, [0.1] * 3], "interval").value is None  # though 6 × 0.1 ÷ 6 is not 0.1


def test_arrays_and_lists_say_the_same() -> None:
    items, values = np.array([0, 0, 1, 1, 1, 2, 2, 3]), np.array([5.0, 3.0, 3.0, 3.0, math.nan, 1.0, 5.0, 1.0])
    for scale in SCALES:
        assert alpha_by_item(items, values, scale) == alpha_by_item(items.tolist(), values.tolist(), scale)
    assert krippendorff_alpha(np.array([[1.0, 2.0, math.nan], [1.0, 1.0, 2.0]])) == krippendorff_alpha([[1, 2, None], [1, 1, 2]])


def test_without_two_ratings_of_anything_there_is_nothing_to_compare() -> None:
    for found in (krippendorff_alpha([]), krippendorff_alpha([[1, None], [math.nan, 2]]), cohen_kappa([[0, 0], [0, 0]]), fleiss_kappa([])):
        assert (found.value, found.low, found.agreement, found.items, found.reason) == (None, None, None, 0, "no sample")
    assert percent_agreement([[1, 2]]).value is None


def test_what_is_said_of_no_item_says_nothing() -> None:
    items, values = [1, 1, 2, 2, 3, 3], ["y", "y", "n", "n", "y", "n"]
    for gap in (None, math.nan):
        assert alpha_by_item([*items, gap, gap], [*values, "y", "n"]) == alpha_by_item(items, values)
    numbers = np.array([1.0, 1.0, 2.0, 2.0, math.nan, math.nan])
    assert alpha_by_item(numbers, np.array([1.0, 1.0, 2.0, 1.0, 1.0, 2.0])) == alpha_by_item([1, 1, 2, 2], [1.0, 1.0, 2.0, 1.0])


def test_intervals_need_ten_items_and_some_variation() -> None:
    assert krippendorff_alpha(matrix("112233", "112232")).reason == "too few items"
    assert krippendorff_alpha(matrix("1122331122", "1122331122")).reason == "no variation"
    assert percent_agreement(matrix("112233", "112232")).reason == "too few items"
    found = krippendorff_alpha(FOUR, draws=0)
    assert (found.low, found.high, found.reason) == (None, None, None)


def test_the_same_seed_gives_the_same_interval() -> None:
    one, two, other = (krippendorff_alpha(FOUR, draws=200, seed=seed) for seed in (1, 1, 2))
    assert one == two
    assert (one.low, one.high) != (other.low, other.high)
    wide, narrow = (cohen_kappa([[20, 5], [10, 15]], level=level) for level in (0.99, 0.5))
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low < 0.4


def test_the_interval_of_kappa_holds_its_value_as_often_as_it_says() -> None:
    """400 samples of 80 items from a table whose kappa is 0.4: the 90 % interval has it in 85 to 95 of 100."""
    random = np.random.default_rng(11)
    tables = random.multinomial(80, [0.4, 0.1, 0.2, 0.3], size=400).reshape(-1, 2, 2)
    found = [cohen_kappa(table, level=0.9, draws=300) for table in tables]
    held = np.mean([f.low is not None and f.high is not None and f.low <= 0.4 <= f.high for f in found])
    assert 0.85 <= held <= 0.95


def test_a_distance_of_ones_own() -> None:
    """1 − IoU of intervals on a line, by hand: pairs 0, 1/2 and 1 apart."""

    def apart(a, b) -> float:
        shared = max(0, min(a[1], b[1]) - max(a[0], b[0]))
        return 1 - shared / (a[1] - a[0] + b[1] - b[0] - shared)

    ratings = [[(0, 2), (4, 6)], [(0, 1), (4, 6)]]
    observed = 2 * 0.5  # item one, both ways; item two agrees
    expected = 2 * (0.5 + 1 + 1 + 1 + 1)
    found = krippendorff_alpha(ratings, apart)
    assert found.value == pytest.approx(1 - 3 * observed / expected)
    assert found.prevalence == ()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: krippendorff_alpha([[1, 2], [1]]), "all rows are of one length"),
        (lambda: krippendorff_alpha([["a", 2], ["a", 2]], "ordinal"), "'a' is not a number"),
        (lambda: krippendorff_alpha([[-1, 2], [1, 2]], "ratio"), "-1 is below 0"),
        (lambda: krippendorff_alpha([[1, 2], [1, 2]], "cosine"), "no distance 'cosine'"),
        (lambda: krippendorff_alpha([[1, 2], [1, 3]], level=1), "a confidence level of 1"),
        (lambda: alpha_by_item([1], []), "1 items for 0 ratings"),
        (lambda: alpha_by_item([i // 2 for i in range(6000)], list(range(6000)), "ratio"), "6,000 different ratings"),
        (lambda: cohen_kappa([[1, 2]]), "not square"),
        (lambda: cohen_kappa([[1.5]]), "not a whole number"),
        (lambda: cohen_kappa([[1]], ["a", "b"]), "2 names for 1"),
        (lambda: fleiss_kappa([[1, 1], [2, 1]]), "same whole number of raters"),
        (lambda: fleiss_kappa([[1, 0]]), "at least two"),
        (lambda: fleiss_kappa([[1.5, 1.5], [1, 2]]), "same whole number of raters"),  # type: ignore[list-item]
        (lambda: fleiss_kappa([[-1, 3], [1, 1]]), "same whole number of raters"),
        (lambda: confusion_table([1], []), "1 ratings of the first, 0 of the second"),
    ],
)  # fmt: skip
def test_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# Real logs ---------------------------------------------------------------------------------------------------------------
def read(name: str) -> tuple[list[str], list[str], list[str], dict[str, str]]:
    """Items, workers and labels of a set, and the true class of each item: “truth>label” where a label was refused, else the label."""
    folder = SHARED / "data" / name
    work = list(csv.DictReader((folder / "annotations.csv").read_text(encoding="utf-8").splitlines()))
    verdicts = {row["event_id"]: row for row in csv.DictReader((folder / "reviews.csv").read_text(encoding="utf-8").splitlines())}
    truth: dict[str, str] = {}
    for row in work:
        verdict = verdicts[row["event_id"]]
        right = row["x_label"] if verdict["verdict"] == "accept" else verdict["error_type"].split(">")[0]
        assert truth.setdefault(row["item_id"], right) == right
    return [r["item_id"] for r in work], [r["worker_id"] for r in work], [r["x_label"] for r in work], truth


@pytest.mark.skipif(not SETS, reason=f"the public logs and their oracles are not at {SHARED}")
@pytest.mark.parametrize("name", SETS)
def test_accuracy_of_the_public_logs(name: str) -> None:
    """Every row's label against the truth: the oracle's accept rates, to their printed digits."""
    items, workers, labels, truth = read(name)
    oracle = json.loads((SHARED / "oracles" / f"dev_{name}.json").read_text(encoding="utf-8"))
    found = gold_accuracy(workers, items, labels, truth, window=None, missed=1, repeats=True)
    assert (found.n, found.correct, found.quarantined) == (oracle["reviews"], oracle["accept_final"], ())
    assert [round(v or 0, 6) for v in (found.accuracy, found.low, found.high)] == [oracle["accept_rate_final"], *oracle["accept_wilson95"]]
    people = {r.rater: r for r in found.raters}
    assert len(people) == oracle["workers"]
    rates = [r.accuracy for r in found.raters if r.accuracy is not None]
    assert round(float(np.mean(rates)), 6) == oracle["worker_accept_macro"]
    assert round(float(np.median(rates)), 6) == oracle["worker_accept_median"]
    for worst in oracle["worst5_n>=30"]:
        one = people[worst["worker"]]
        assert (one.n, *(round(v or 0, 6) for v in (one.accuracy, one.low, one.high))) == (worst["n"], worst["acc"], *worst["wilson"])
    dropped = gold_accuracy(workers, items, labels, truth, window=None, missed=1)
    assert (dropped.repeats, dropped.n) == (oracle["repeat_worker_item"], oracle["reviews"] - oracle["repeat_worker_item"])


@pytest.mark.skipif(not SETS, reason=f"the public logs and their oracles are not at {SHARED}")
@pytest.mark.parametrize("name", SETS)
def test_agreement_of_the_public_logs(name: str) -> None:
    """Alpha against counting pairs by category; the estimated classes are right more often than a row's label is."""
    items, workers, labels, truth = read(name)
    groups: dict[str, list[str]] = {}
    for item, label in zip(items, labels, strict=True):
        groups.setdefault(item, []).append(label)
    whole = [label for group in groups.values() for label in group]
    assert min(map(len, groups.values())) >= 2
    observed = sum(sum(a != b for a, b in permutations(group, 2)) / (len(group) - 1) for group in groups.values())
    expected = len(whole) ** 2 - sum(whole.count(c) ** 2 for c in set(whole))
    found = alpha_by_item(items, labels, draws=50)
    assert found.value == pytest.approx(1 - (len(whole) - 1) * observed / expected)
    skills = dawid_skene(items, workers, labels).value
    assert skills is not None
    assert skills.converged
    right = np.mean([truth[str(item)] == estimate for item, estimate in zip(skills.items, skills.estimate, strict=True)])
    assert right > np.mean([truth[item] == label for item, label in zip(items, labels, strict=True)])
    # What the docstring of `dawid_skene` says of these sets: per cent right of the full model, of the majority and of one coin.
    votes = {item: max(sorted(set(group)), key=group.count) for item, group in groups.items()}
    coin = dawid_skene(items, workers, labels, model="one_coin").value
    assert coin is not None
    flipped = np.mean([truth[str(item)] == estimate for item, estimate in zip(coin.items, coin.estimate, strict=True)])
    said = (right, np.mean([truth[item] == label for item, label in votes.items()]), flipped)
    assert [round(100 * float(share)) for share in said] == {"active_ZenCrowd_us": [82, 87, 90], "active_CF_amt": [84, 85, 86]}[name]
