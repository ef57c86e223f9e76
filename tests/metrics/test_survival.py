"""Against Freireich's leukaemia trial, and left truncation against a hand count."""

import math

import pytest

from metrics.survival import kaplan_meier

SIX_MP = "6,6,6,6+,7,9+,10,10+,11+,13,16,17+,19+,20+,22,23,25+,32+,32+,34+,35+"
PLACEBO = "1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23"


def curve(text: str):
    cells = text.split(",")
    return kaplan_meier([float(cell.rstrip("+")) for cell in cells], [not cell.endswith("+") for cell in cells])


def test_six_mp() -> None:
    found = curve(SIX_MP)
    rows = {row.time: row for row in found.rows if row.events}
    want = {
        6: (0.857143, 0.619718, 0.951552), 7: (0.806723, 0.563147, 0.922809), 10: (0.752941, 0.503200, 0.889362), 13: (0.690196, 0.431610, 0.849066),
        16: (0.627451, 0.367511, 0.804912), 22: (0.537815, 0.267779, 0.746791), 23: (0.448179, 0.188052, 0.680143),
    }  # fmt: skip
    assert {time: tuple(round(v, 6) for v in (row.survival, row.low, row.high)) for time, row in rows.items()} == want
    assert found.median == 23
    assert [(row.at_risk, row.events, row.censored) for row in found.rows][:3] == [(21, 3, 1), (17, 1, 0), (16, 0, 1)]


def test_placebo() -> None:
    found = curve(PLACEBO)
    survival = {row.time: round(row.survival, 6) for row in found.rows}
    assert survival == {
        1: 0.904762, 2: 0.809524, 3: 0.761905, 4: 0.666667, 5: 0.571429, 8: 0.380952, 11: 0.285714, 12: 0.190476, 15: 0.142857, 17: 0.095238,
        22: 0.047619, 23: 0,
    }  # fmt: skip
    assert found.median == 8
    eight = found.at(9)
    assert eight is not None
    assert (round(eight.low, 6), round(eight.high, 6)) == (0.183067, 0.577789)
    assert math.isnan(found.rows[-1].low)


def test_nobody_is_known_beyond_the_last_observation() -> None:
    assert curve(SIX_MP).at(36) is None
    after_all_died = curve(PLACEBO).at(90)
    assert after_all_died is not None
    assert after_all_died.survival == 0
    before = curve(SIX_MP).at(2)
    assert before is not None
    assert (before.survival, before.low) == (1.0, 1.0)
    assert kaplan_meier([], []).at(90) is None


def test_left_truncation_counts_people_only_once_they_are_watched() -> None:
    """At 3: those with entry < 3 and exit ≥ 3 are three (exits 3, 4, 6); at 6: two are (6 and 8)."""
    found = kaplan_meier([3, 4, 6, 8], [True, False, True, False], entry=[0, 1, 2, 5])
    assert [(row.time, row.at_risk, row.events) for row in found.rows] == [(3, 3, 1), (4, 2, 0), (6, 2, 1), (8, 1, 0)]
    assert [round(row.survival, 6) for row in found.rows] == [0.666667, 0.666667, 0.333333, 0.333333]
    with pytest.raises(ValueError, match="exit that does not follow"):
        kaplan_meier([3], [True], entry=[3])
    with pytest.raises(ValueError, match="differ in length"):
        kaplan_meier([3, 4], [True])
