"""Speed after allowing for difficulty, against worked numbers and its own invariants."""

from __future__ import annotations

import math

import pytest

from metrics.standardised import Pace, efficiency, pace


def judged(rows: list[tuple[str, str, int, float, float]]) -> list[Pace]:
    return pace(*([row[i] for row in rows] for i in range(5)))  # type: ignore[arg-type]


def test_the_crude_and_the_adjusted_order_are_opposite() -> None:
    """metrics.md T-06: reference 60/h easy, 10/h hard; A 22.0/h crude but 1.100, B 49.8/h crude but 0.996."""
    reference = [(w, p, 1, r, 4.0) for w in ("r1", "r2", "r3", "r4", "r5") for p, r in (("easy", 60.0), ("hard", 10.0))]
    mine = [("A", "easy", 1, 66.0, 2.0), ("A", "hard", 1, 11.0, 8.0), ("B", "easy", 1, 60.0, 8.0), ("B", "hard", 1, 9.0, 2.0)]
    found = {p.unit: p for p in judged([*mine, *reference])}
    assert (found["A"].observed, found["A"].expected) == (220.0, 200.0)
    assert found["A"].ratio == pytest.approx(1.100)
    assert (found["B"].observed, found["B"].expected) == (498.0, 500.0)
    assert found["B"].ratio == pytest.approx(0.996)
    assert found["A"].observed / found["A"].hours == 22.0
    assert found["B"].observed / found["B"].hours == pytest.approx(49.8)


def test_shrinkage_against_a_worked_analysis_of_variance() -> None:
    """Three people, two weeks each, log ratios ±d around their own mean: within = 2·3·d²/3, intervals by hand."""
    d, means = 0.05, {"a": math.log(1.2), "b": 0.0, "c": math.log(1 / 1.2)}
    rows = [(w, "p", week, 10 * math.exp(m + s * d), 8.0) for w, m in means.items() for week, s in ((1, 1), (2, -1))]
    found = {p.unit: p for p in judged(rows)}
    middle = 10 * math.cosh(d)  # b's rate over both weeks, the median
    ys = {w: [math.log(10 * math.exp(m + s * d) / middle) for s in (1, -1)] for w, m in means.items()}
    grand = sum(sum(y) for y in ys.values()) / 6
    within = sum((v - sum(y) / 2) ** 2 for y in ys.values() for v in y) / 3
    above = sum(2 * (sum(y) / 2 - grand) ** 2 for y in ys.values()) / 2
    between = (above - within) / 2
    keep = between / (between + within / 2)
    assert found["a"].ratio == pytest.approx(1.2)
    assert found["a"].shrunk == pytest.approx(1.2**keep)  # towards the middle person, whose ratio is 1
    assert found["b"].shrunk == pytest.approx(1)
    assert math.log(found["a"].high / found["a"].low) == pytest.approx(2 * 1.959963984540054 * math.sqrt(keep * within / 2))
    assert [found[w].band for w in "abc"] == ["faster", "middle", "slower"]


def test_noise_alone_makes_nobody_fast() -> None:
    """Eight alike people, each with a long week at 10 an hour and three short ones, the last at 20: all are in the middle, nobody at 1.09."""
    rows = [(p, "p", w, 20.0 if w == 3 else 10.0, 1.0 if w else 8.0) for p in "abcdefgh" for w in range(4)]
    for p in judged(rows):
        assert p.ratio == pytest.approx(1)
        assert (p.shrunk, p.low, p.high, p.band) == (1.0, None, None, "middle")


def test_who_did_nothing_has_a_ratio_of_nothing_and_no_interval() -> None:
    rows = [(p, "p", w, 0.0 if p == "a" else 10.0 + w + i, 8.0) for i, p in enumerate("abcd") for w in (1, 2)]
    found = judged(rows)[0]
    assert (found.unit, found.ratio, found.shrunk, found.low, found.band) == ("a", 0.0, None, None, "unsure")


def test_hours_are_those_that_can_be_compared() -> None:
    """a works 8 hours with others and 2 alone."""
    rows = [*[(p, "p", w, 10.0, 4.0) for p in "abc" for w in (1, 2)], ("a", "alone", 1, 99.0, 2.0)]
    found = judged(rows)[0]
    assert (found.hours, found.compared, found.observed, found.expected) == (8.0, 0.8, 80.0, 80.0)


def test_missing_numbers_are_left_out_and_negative_ones_refused() -> None:
    rows = [(p, "p", w, 10.0 + w, 8.0) for p in "abc" for w in (1, 2)]
    for wrong in (("d", "p", 1, math.nan, 8.0), ("d", "p", 1, 10.0, math.nan), ("d", "p", 1, 10.0, 0.0), ("d", "p", 1, None, 8.0)):
        assert judged([*rows, wrong]) == judged(rows)  # type: ignore[list-item]
    for wrong in (("d", "p", 1, -1.0, 8.0), ("d", "p", 1, 10.0, -8.0)):
        with pytest.raises(ValueError, match="a negative rate, or negative hours"):
            judged([*rows, wrong])


def test_without_company_or_repeats_nothing_is_claimed() -> None:
    alone = judged([("a", "p", 1, 10.0, 8.0), ("b", "q", 1, 10.0, 8.0)])
    assert [(p.ratio, p.shrunk, p.band, p.compared) for p in alone] == [(None, None, "unsure", 0.0)] * 2
    once = judged([(w, "p", 1, r, 8.0) for w, r in (("a", 8.0), ("b", 10.0), ("c", 12.0))])
    assert [round(p.ratio or 0, 2) for p in once] == [0.8, 1.0, 1.2]
    assert {p.band for p in once} == {"unsure"}


def test_minutes_of_work_are_left_out_and_nothing_in_gives_nothing_out() -> None:
    assert judged([]) == []
    found = judged([("a", "p", 1, 1000.0, 0.1), *[(w, "p", 1, 10.0, 8.0) for w in "bcd"]])
    assert [p.unit for p in found] == ["b", "c", "d"]
    assert [p.ratio for p in found] == [1.0, 1.0, 1.0]


def test_standard_hours_earned_are_not_the_crude_order() -> None:
    """metrics.md T-06, standards of 60 and 360 s: A earns 11.0 h in 10 (1.10), B 9.8 h in 10 (0.98), though B does 49.8 an hour and A 22."""
    a, b = efficiency([132, 88], [60, 360], [2, 8]), efficiency([480, 18], [60, 360], [8, 2])
    assert [(round(found.earned, 6), round(found.ratio or 0, 6)) for found in (a, b)] == [(11.0, 1.1), (9.8, 0.98)]
    assert [(132 + 88) / a.hours, (480 + 18) / b.hours] == [22.0, 49.8]


def test_work_without_a_standard_is_told_and_left_out() -> None:
    found = efficiency([132, 50], [60, None], [2, 3], [True, False])
    assert (found.ratio, found.hours, found.missing, found.provisional) == (pytest.approx(1.1), 2, 1, True)
    none = efficiency([50], [None], [3])
    assert (none.ratio, none.missing, none.reason) == (None, 1, "no hours with a standard")
    assert efficiency([], [], []).ratio is None
    with pytest.raises(ValueError, match="a standard that is not above 0"):
        efficiency([1], [0], [1])
