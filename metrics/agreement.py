"""Agreement between annotators (一致率): percent agreement, the kappas of Cohen and Fleiss, and Krippendorff's alpha.

Chance-corrected figures come with the raw agreement and the prevalence of the categories: where one category is nearly everything, kappa
can be below 0 at 94 % agreement (the prevalence paradox, Feinstein & Cicchetti 1990, J. Clin. Epidemiol. 43(6)).
Skill without and with known answers is in `metrics.truth` and `metrics.gold`; their functions can be had from here too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from metrics.gold import corrected_rate as corrected_rate
from metrics.gold import gold_accuracy as gold_accuracy
from metrics.grouping import Column, chosen, numbered, present
from metrics.intervals import DRAWS, MIN_RESAMPLED, bootstrap_ratio
from metrics.truth import dawid_skene as dawid_skene

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Scale = Literal["nominal", "ordinal", "interval", "ratio"]
Distance = Callable[[Hashable, Hashable], float]
Reason = Literal["no sample", "all the same", "too few items", "no variation"]
Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

MAX_DISTINCT = 5_000  # values between which every distance is worked out
MAX_WIDTH = 32  # different ratings of an item up to which items are told alike
_ROUNDING = 1e-12  # a share of a sum of squares that is none of it
_BLOCK = 2_000_000  # numbers held at a time while resampling: 16 MB


@dataclass(frozen=True, slots=True)
class Agreement:
    """`value` (at most 1; 0 = as chance would) with its bootstrap interval over items, from `ratings` on `items` that have at least two.

    `agreement` is the share of pairs of ratings of an item that are equal, each item counting once. `prevalence` is the share of each
    category among these ratings, the largest first; empty for interval, ratio and custom distances. `reason` says what is None and why:
    “no sample” (no item has two ratings) and “all the same” (chance alone gives full agreement): no value, never 1; “too few items”
    (under 10) and “no variation” (no resample differs): no interval.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int
    ratings: int
    agreement: float | None
    prevalence: tuple[tuple[Hashable, float], ...]
    reason: Reason | None = None


def percent_agreement(ratings: Iterable[Sequence[Hashable]], level: float = 0.95, draws: int = DRAWS, seed: int = 0) -> Agreement:
    """Percent agreement (一致百分比): the chance that two ratings of an item are equal, averaged over items with at least two.

    `ratings` has one row a rater and one column an item; None or NaN is a rating not given. Fleiss 1971's mean P where all items have as
    many ratings. Interval: bootstrap over items. Raises ValueError for rows of different lengths.

    >>> percent_agreement([[1, 2, 3], [1, 2, 4], [1, None, None]]).value
    0.6666666666666666
    """
    cells = _cells(*_pairs(ratings))
    found = bootstrap_ratio(cells.equal, np.ones(len(cells.equal)), level=level, draws=draws, seed=seed)
    reason: Reason | None = "too few items" if found.reason == "too few clusters" else found.reason
    return Agreement(
        found.value, found.low, found.high, len(cells.size), cells.ratings, found.value, _prevalence(cells.names, cells.totals()), reason
    )


def confusion_table(first: Column, second: Column) -> tuple[tuple[Hashable, ...], NDArray[np.int64]]:
    """Categories, and how often the first rater gave the row's and the second the column's; items that one of them left out are not counted.

    Raises ValueError for lengths that differ.

    >>> confusion_table("yynn", "ynnn")[1].tolist()
    [[1, 1], [0, 2]]
    """
    if len(first) != len(second):
        raise ValueError(f"confusion_table: {len(first)} ratings of the first, {len(second)} of the second")
    both = present(first) & present(second)
    one, other = chosen(first, both), chosen(second, both)
    names: list[Hashable]
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and object not in (one.dtype, other.dtype):
        codes, names = numbered(np.column_stack((one, other)).ravel())
    else:
        codes, names = numbered([value for pair in zip(one, other, strict=True) for value in pair])
    k = len(names)
    return tuple(names), np.bincount(codes[::2] * k + codes[1::2], minlength=k * k).reshape(k, k).astype(np.int64)


def cohen_kappa(
    table: Sequence[Sequence[int]] | NDArray[np.int64],
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Agreement:
    """Cohen's kappa of two raters: (agreement − expected) ÷ (1 − expected), from the square table of counts (see `confusion_table`).

    Expected agreement is that of two raters with these marginals who know nothing of the item. Interval: bootstrap over items.
    Cohen 1960, Educ. Psychol. Meas. 20(1), doi:10.1177/001316446002000104. Raises ValueError for a table that is not square, counts that are
    negative or broken, or as many names as there are not categories.

    >>> found = cohen_kappa([[118, 5], [2, 0]])
    >>> round(found.value, 6), found.agreement, [round(share, 3) for _, share in found.prevalence]
    (-0.023392, 0.944, [0.972, 0.028])
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any() or (counts != np.floor(counts)).any():
        raise ValueError("cohen_kappa: the table is not square, or a count is not a whole number from 0 up")
    names = list(range(len(counts))) if categories is None else list(categories)
    if len(names) != len(counts):
        raise ValueError(f"cohen_kappa: {len(names)} names for {len(counts)} categories")
    n = int(counts.sum())
    if n == 0:
        return Agreement(None, None, None, 0, 0, None, (), "no sample")
    value = float(_cohen(counts[None])[0])
    agreement, prevalence = float(np.trace(counts)) / n, _prevalence(names, counts.sum(0) + counts.sum(1))
    chances = counts.ravel() / n
    low, high, reason = _interval(
        value, n, lambda rng: _cohen(rng.multinomial(n, chances, size=draws).astype(np.float64).reshape(-1, *counts.shape)), level, seed
    )
    return Agreement(None if np.isnan(value) else value, low, high, n, 2 * n, agreement, prevalence, reason)


def cohen_kappa_labels(first: Column, second: Column, level: float = 0.95, draws: int = DRAWS, seed: int = 0) -> Agreement:
    """`cohen_kappa` of two raters' labels, item by item; items that one of them left out (None, NaN) are not counted.

    Raises ValueError for lengths that differ.

    >>> found = cohen_kappa_labels(["cat", "dog", "cat", None], ["cat", "dog", "dog", "cat"])
    >>> round(found.value, 4), found.items, found.reason
    (0.4, 3, 'too few items')
    """
    names, table = confusion_table(first, second)
    return cohen_kappa(table, names, level, draws, seed)


def _cohen(tables: Floats) -> Floats:
    n = tables.sum(axis=(1, 2))
    observed = np.trace(tables, axis1=1, axis2=2) / n
    expected = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1) / n**2
    return np.where(expected < 1, (observed - expected) / np.where(expected < 1, 1 - expected, 1), np.nan)


def fleiss_kappa(
    counts: Sequence[Sequence[int]] | NDArray[np.int64],
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Agreement:
    """Fleiss' kappa: one row an item, one column a category, how many of the item's raters chose it; as many raters for every item.

    (mean agreement of an item's pairs − Σ share²) ÷ (1 − Σ share²). Interval: bootstrap over items. Fleiss 1971, Psychol. Bull. 76(5),
    doi:10.1037/h0031619. Raises ValueError for items with different numbers of raters (alpha takes them) or fewer than two, and
    for counts that are negative or broken.

    >>> round(fleiss_kappa([[3, 0], [0, 3], [2, 1]]).value, 4)
    0.55
    """
    table = np.asarray(counts, dtype=np.float64)
    if not table.size:
        return Agreement(None, None, None, 0, 0, None, (), "no sample")
    m = float(table[0].sum())
    if table.ndim != 2 or (table < 0).any() or (table != np.floor(table)).any() or m < 2 or (table.sum(axis=1) != m).any():
        raise ValueError("fleiss_kappa: every item needs the same whole number of raters, at least two; krippendorff_alpha takes the rest")
    names = list(range(table.shape[1])) if categories is None else list(categories)
    if len(names) != table.shape[1]:
        raise ValueError(f"fleiss_kappa: {len(names)} names for {table.shape[1]} categories")
    n = len(table)
    equal = (table * (table - 1)).sum(axis=1) / (m * (m - 1))
    first, kind, often = _alike(table.T.astype(np.int64))
    alike, agree = table[first], equal[first]

    def kappa(weights: Floats) -> Floats:
        expected = ((weights @ alike / (n * m)) ** 2).sum(axis=1)
        return np.where(expected < 1, (weights @ agree / n - expected) / np.where(expected < 1, 1 - expected, 1), np.nan)

    value = float(kappa(often[None])[0])
    low, high, reason = _interval(value, n, lambda rng: _over_items(kappa, kind, often, table.shape[1], draws, rng), level, seed)
    prevalence = _prevalence(names, table.sum(axis=0))
    return Agreement(None if np.isnan(value) else value, low, high, n, int(n * m), float(equal.mean()), prevalence, reason)


def krippendorff_alpha(
    ratings: Iterable[Sequence[Hashable]],
    distance: Scale | Distance = "nominal",
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Agreement:
    """Krippendorff's alpha: 1 − observed ÷ expected disagreement; any number of raters, ratings may be missing.

    `ratings` has one row a rater and one column an item; None or NaN is a rating not given. `distance` is a scale (nominal 名义, ordinal 定序,
    interval 定距, ratio 定比; all but the first need numbers) or a function of two ratings, 0 for equal ones, whose value is taken as
    it is, such as 1 − IoU of two boxes given as tuples. Interval: bootstrap over items, the same seed giving the same one; `draws` 0
    leaves it out. Krippendorff 2019, Content Analysis, 4th ed., ch. 12; Hayes & Krippendorff 2007, doi:10.1080/19312450709336664.
    Raises ValueError for rows of different lengths, ratings that the scale cannot take, and more than 5,000 different values of a ratio or
    custom distance.

    >>> coders = ["*****34121133*3", "1*213343*******", "**21344*21133*4"]
    >>> round(krippendorff_alpha([[None if c == "*" else int(c) for c in coder] for coder in coders]).value, 6)
    0.691358
    """
    return alpha_by_item(*_pairs(ratings), distance, level, draws, seed)


def alpha_by_item(
    items: Column,
    values: Column,
    distance: Scale | Distance = "nominal",
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Agreement:
    """`krippendorff_alpha` of a log: position i says that somebody gave `values[i]` to `items[i]`; with a None or NaN it says nothing.

    >>> round(alpha_by_item([1, 1, 2, 2, 3, 3], ["y", "y", "n", "n", "y", "n"]).value, 4)
    0.4444
    """
    cells = _cells(items, values, ordered=distance in ("ordinal", "interval", "ratio"))
    agreement = float(cells.equal.mean()) if len(cells.size) else None
    prevalence = _prevalence(cells.names, cells.totals()) if distance in ("nominal", "ordinal") else ()
    if not len(cells.size):
        return Agreement(None, None, None, 0, 0, None, (), "no sample")
    alike, kind, often = cells.alike()
    alpha = _statistic(alike, distance)
    value, n = float(alpha(often[None])[0]), len(cells.size)
    low, high, reason = _interval(value, n, lambda rng: _over_items(alpha, kind, often, len(cells.names), draws, rng), level, seed)
    return Agreement(None if np.isnan(value) else value, low, high, n, cells.ratings, agreement, prevalence, reason)


# Items and what they were given ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Items with at least two ratings: `count[i]` ratings of item `item[i]` are `names[code[i]]`; `size` ratings and `equal` share an item."""

    item: Codes
    code: Codes
    count: Floats
    size: Floats
    equal: Floats
    names: list[Hashable]

    @property
    def ratings(self) -> int:
        return int(self.size.sum())

    def totals(self) -> Floats:
        """Ratings of each value."""
        return np.bincount(self.code, weights=self.count, minlength=len(self.names)).astype(np.float64)

    def table(self) -> Floats | csr_array:
        """How often each item was given each value; sparse where it is large."""
        if len(self.size) * len(self.names) > _BLOCK:
            from scipy.sparse import csr_array  # a moment to import: not before it is needed

            return csr_array((self.count, (self.item, self.code)), shape=(len(self.size), len(self.names)))
        found = np.zeros((len(self.size), len(self.names)))
        found[self.item, self.code] = self.count
        return found

    def alike(self) -> tuple[_Cells, Codes, Floats]:
        """One item of each kind, items being of one kind when they have the same ratings; the kind of each item; how many there are of each."""
        start = np.cumsum(np.bincount(self.item)) - np.bincount(self.item)
        rank = np.arange(len(self.item)) - start[self.item]
        if rank.max() >= MAX_WIDTH:
            return self, np.arange(len(self.size)), np.ones(len(self.size))
        columns = np.zeros((int(rank.max()) + 1, len(self.size)), dtype=np.int64)
        columns[rank, self.item] = 1 + self.code * (int(self.count.max()) + 1) + self.count.astype(np.int64)
        first, kind, often = _alike(columns)
        picked = np.zeros(len(self.size), dtype=bool)
        picked[first] = True
        here = picked[self.item]
        place = np.empty(len(self.size), dtype=np.intp)
        place[first] = np.arange(len(first))
        item, code, count = place[self.item[here]], self.code[here], self.count[here]
        order = np.argsort(item, kind="stable")
        return _Cells(item[order], code[order], count[order], self.size[first], self.equal[first], self.names), kind, often


def _alike(columns: NDArray[np.int64]) -> tuple[Codes, Codes, Floats]:
    """Items (positions) with the same whole numbers in every column: the first of each kind, each item's kind, how many there are of each."""
    base, key, reach = int(columns.max(initial=0)) + 1, np.zeros(columns.shape[1], dtype=np.int64), 1
    for column in columns:
        if reach * base >= 2**62:
            names, key = np.unique(key, return_inverse=True)
            reach = len(names)
        key, reach = key * base + column, reach * base
    _, first, kind, often = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return first.astype(np.intp), kind.astype(np.intp), often.astype(np.float64)


def _cells(items: Column, values: Column, ordered: bool = False) -> _Cells:
    if len(items) != len(values):
        raise ValueError(f"{len(items)} items for {len(values)} ratings")
    kept, (item, _) = present(values) & present(items), numbered(items)
    kept &= np.bincount(item, weights=kept)[item] >= 2 if len(item) else kept
    item = np.unique(item[kept], return_inverse=True)[1]
    code, names = numbered(chosen(values, kept))
    if ordered:
        code, names = _sorted(code, names)
    keys, count = np.unique(item * max(len(names), 1) + code, return_counts=True)
    item, code = keys // max(len(names), 1), keys % max(len(names), 1)
    size = np.bincount(item, weights=count).astype(np.float64)
    equal = (np.bincount(item, weights=count.astype(np.float64) ** 2) - size) / (size * (size - 1))
    return _Cells(item, code, count.astype(np.float64), size, equal, names)


def _pairs(ratings: Iterable[Sequence[Hashable]]) -> tuple[list[int], list[Hashable]]:
    rows = [row.tolist() if isinstance(row, np.ndarray) else list(row) for row in ratings]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("ratings: one row a rater, one column an item, so all rows are of one length")
    return [place for row in rows for place in range(len(row))], [value for row in rows for value in row]


def _sorted(code: Codes, names: list[Hashable]) -> tuple[Codes, list[Hashable]]:
    wrong = [name for name in names if not isinstance(name, int | float)]
    if wrong:
        raise ValueError(f"the rating {wrong[0]!r} is not a number: use the nominal scale or a distance of your own")
    order = np.argsort(np.array(names, dtype=np.float64), kind="stable")
    place = np.empty(len(names), dtype=np.intp)
    place[order] = np.arange(len(names))
    return place[code], [names[i] for i in order.tolist()]


def _prevalence(names: Sequence[Hashable], totals: Floats) -> tuple[tuple[Hashable, float], ...]:
    whole = float(totals.sum())
    shares = [(name, total / whole) for name, total in zip(names, totals.tolist(), strict=True)] if whole else []
    return tuple(sorted(shares, key=lambda share: -share[1]))


# Alpha as a function of how often each item counts -----------------------------------------------------------------------
def _statistic(cells: _Cells, distance: Scale | Distance) -> Callable[[Floats], Floats]:
    """Alpha by row of weights, one column an item. Disagreements are Σ over an item's pairs ÷ (its ratings − 1), and Σ over all ÷ (all − 1)."""
    less_one, given = cells.size - 1, cells.table()
    if distance == "nominal":
        differ = (cells.size**2 - cells.size * (cells.equal * less_one + 1)) / less_one
        return lambda w: _alpha(w @ differ, w @ given, lambda n: n.sum(axis=1) ** 2 - (n**2).sum(axis=1))
    if distance == "interval":
        numbers = np.array(cells.names, dtype=np.float64)
        numbers = numbers - cells.totals() @ numbers / cells.size.sum()
        sums, squares = given @ numbers, given @ numbers**2
        spread = 2 * (cells.size * squares - sums**2) / less_one

        def measured(w: Floats) -> Floats:
            whole, square = w @ cells.size, w @ squares
            expected = 2 * (whole * square - (w @ sums) ** 2)
            told = (expected > _ROUNDING * whole * square) & (len(numbers) > 1)
            return np.where(told, 1 - (whole - 1) * (w @ spread) / np.where(told, expected, 1), np.nan)

        return measured
    if distance == "ordinal":

        def ranked(w: Floats) -> Floats:
            n = np.asarray(w @ given)
            x = np.cumsum(n, axis=1) - n / 2  # the distance is that of mean ranks
            x -= (n * x).sum(axis=1, keepdims=True) / n.sum(axis=1, keepdims=True)
            apart = 2 * (cells.size * (x * x @ given.T) - (x @ given.T) ** 2) / less_one
            return _alpha((w * apart).sum(axis=1), n, lambda n: 2 * n.sum(axis=1) * (n * x * x).sum(axis=1))

        return ranked
    between = _distances(cells.names, distance)
    ends = np.cumsum(np.bincount(cells.item))[:-1]
    parts = zip(np.split(cells.code, ends), np.split(cells.count, ends), strict=True)
    apart = np.array([count @ between[np.ix_(code, code)] @ count for code, count in parts]) / less_one
    return lambda w: _alpha(w @ apart, w @ given, lambda n: ((n @ between) * n).sum(axis=1))


def _alpha(observed: Floats, totals: Floats, disagreement: Callable[[Floats], Floats]) -> Floats:
    totals = np.asarray(totals)
    expected = disagreement(totals)
    told = ((totals > 0).sum(axis=1) > 1) & (expected > 0)
    return np.where(told, 1 - (totals.sum(axis=1) - 1) * observed / np.where(told, expected, 1), np.nan)


def _distances(names: list[Hashable], distance: Scale | Distance) -> Floats:
    if len(names) > MAX_DISTINCT:
        raise ValueError(f"{len(names):,} different ratings: every pair is compared, so {MAX_DISTINCT:,} at most; sample items or round")
    if callable(distance):
        return np.array([[distance(a, b) if i != j else 0.0 for j, b in enumerate(names)] for i, a in enumerate(names)], dtype=np.float64)
    if distance != "ratio":
        raise ValueError(f"no distance {distance!r}; there are nominal, ordinal, interval, ratio, or a function of two ratings")
    x = np.array(names, dtype=np.float64)
    if (x < 0).any():
        raise ValueError(f"the rating {x.min():g} is below 0: a ratio scale has a true zero")
    total = x[:, None] + x
    return ((x[:, None] - x) / np.where(total > 0, total, 1)) ** 2


def _over_items(
    statistic: Callable[[Floats], Floats], kind: Codes, often: Floats, width: int, draws: int, rng: np.random.Generator
) -> Floats:
    """The statistic of items drawn again and again. Items of one kind are one another's equal: drawn is how many of each kind there are."""
    n, kinds = len(kind), len(often)
    block = max(1, _BLOCK // max(kinds, width))
    found = []
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        if 8 * kinds > n:
            weights = np.empty((rows, kinds))
            for row in weights:
                row[:] = np.bincount(kind[rng.integers(0, n, n, dtype=np.int32)], minlength=kinds)
        else:
            weights = rng.multinomial(n, often / n, size=rows).astype(np.float64)
        found.append(statistic(weights))
    return np.concatenate(found) if found else np.zeros(0)


def _interval(
    value: float, n: int, draw: Callable[[np.random.Generator], Floats], level: float, seed: int
) -> tuple[float | None, float | None, Reason | None]:
    """Percentiles of the resamples that have a value; why there is none."""
    if not 0 < level < 1:
        raise ValueError(f"a confidence level of {level}")
    if np.isnan(value):
        return None, None, "all the same"
    if n < MIN_RESAMPLED:
        return None, None, "too few items"
    found = draw(np.random.default_rng(seed))
    if not len(found):
        return None, None, None
    found = found[~np.isnan(found)]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2]) if len(found) else (0.0, 0.0)
    return (None, None, "no variation") if low == high else (float(low), float(high), None)
