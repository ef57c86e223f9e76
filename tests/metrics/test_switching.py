"""The switching rules, worked by hand as the summaries of ISO 2859-1 tell them, and the scheme's curve of Stephens & Larson.

Two of five, five in a row, five refused, a score of 30 and one refused are in published summaries (sqconline.com and two more). How
the score grows (2 or 3 a lot, 0 again) was found in no page that could be read: it is as the standard is commonly quoted, 9.3.3.2.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from metrics.acceptance_table import MASTER
from metrics.sampling import accept_probability
from metrics.switching import TIGHTER, Series, replay, scheme_probability

GOOD, BAD = (0, 1), (2, 1)


def severities(lots: str) -> str:
    """First letters of the severity after each lot; + is a lot accepted, - one refused."""
    return "".join(s.severity[0] for s in replay(GOOD if lot == "+" else BAD for lot in lots))


@pytest.mark.parametrize(
    ("lots", "want"),
    [
        ("-++++-", "nnnnnn"),  # two refused, but not within five lots
        ("+-++-", "nnnnt"),  # two within four
        ("-+++-", "nnnnt"),  # two within five
        ("--", "nt"),
        ("--+++++", "ntttttn"),  # five accepted in a row
        ("--++++-+++++", "nttttttttttn"),  # four are not five
        ("---+-+-+-", "ntttttttt"),  # four refused while tightened
        ("---+-+-+--+", "nttttttttdd"),  # the fifth: discontinued, and so it stays
        ("+++++++++++++++", "n" * 14 + "r"),  # fifteen lots at 2 points each
        ("++++++++++++++-+", "n" * 16),  # the score falls back to 0
        ("+++++++++++++++++-++", "n" * 14 + "rrrnnn"),  # one refused ends reduced inspection
        ("+++++++++++++++--", "n" * 14 + "rnn"),  # the lot refused while reduced is not counted again
    ],
)  # fmt: skip
def test_rules(lots: str, want: str) -> None:
    assert severities(lots) == want


def test_the_score_asks_for_one_step_tighter_from_two_up() -> None:
    """The increments are those that could not be checked against a readable source."""
    assert [s.score for s in replay([(1, 2), (1, 2), (2, 2), (1, 2)])] == [3, 6, 0, 3]
    assert [s.score for s in replay([(0, 0), (1, 1), (2, 1)])] == [2, 4, 0]
    assert Series().after(0, 20) == Series("normal", 0, (True,))  # no row of the table: never a reason for reduced inspection


def test_tighter_is_the_next_cell_to_the_left_in_the_master_table() -> None:
    seen = {}
    for line in MASTER.strip().splitlines()[1:]:
        cells = line.split()[2:]
        for left, right in pairwise(cells):
            if "/" in right and int(right.split("/")[0]) >= 2 and "/" in left:
                seen[int(right.split("/")[0])] = int(left.split("/")[0])
    assert seen == TIGHTER


def test_lots_submitted_again_and_unsteady_production() -> None:
    series = Series().after(2, 1)
    assert series.after(2, 1, original=False) == series
    almost = replay([GOOD] * 14)[-1]
    assert almost.after(0, 1, steady=False).severity == "normal"
    assert almost.after(0, 1, steady=False).after(0, 1).severity == "reduced"
    assert almost.after(0, 1).after(0, 1, steady=False) == Series()


def test_a_discontinued_series_resumes_tightened() -> None:
    stopped = replay([BAD] * 7)[-1]
    assert stopped.severity == "discontinued"
    assert stopped.resumed() == Series("tightened")
    with pytest.raises(ValueError, match="is normal, not discontinued"):
        Series().resumed()
    with pytest.raises(ValueError, match="cannot be negative"):
        Series().after(-1, 0)


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 2, 3, 5])), max_size=80))
def test_states_stay_within_the_rules(lots: list[tuple[int, int]]) -> None:
    steps = {"normal": {"tightened", "reduced"}, "tightened": {"normal", "discontinued"}, "reduced": {"normal"}, "discontinued": set()}
    before = Series()
    for series in replay(lots):
        assert series.severity == before.severity or series.severity in steps[before.severity]
        assert series.score < 30
        assert len(series.recent) <= 5
        assert series.severity == "normal" or series.score == 0
        before = series


def test_scheme_of_stephens_and_larson() -> None:
    """metrics.md 7.7, n = 200, Ac 7 and 5: p at Pa .95 = .01933, at .10 = .04588."""
    for pa, printed in ((0.95, 0.01933), (0.10, 0.04588)):
        assert round(float(brentq(lambda p, pa=pa: scheme_probability(200, 7, 5, p) - pa, 0.001, 0.2)), 5) == printed
    assert scheme_probability(200, 7, 5, 0) == 1
    assert scheme_probability(200, 7, 5, 1) == 0


def test_the_scheme_is_what_the_rules_do_in_the_long_run() -> None:
    """300,000 lots run through the rules, tightened never ending in discontinuation, reduced never wanted."""
    p, random = 0.03, np.random.default_rng(3)
    a, b = accept_probability(200, 7, p), accept_probability(200, 5, p)
    series, passed, lots = Series(), 0, 300_000
    for chance in random.random(lots).tolist():
        accepted = chance < (a if series.severity == "normal" else b)
        passed += accepted
        series = series.after(0 if accepted else 2, 1, steady=False)
        series = Series("tightened", 0, series.recent, 0) if series.severity == "tightened" else series
    assert passed / lots == pytest.approx(scheme_probability(200, 7, 5, p), abs=0.005)


@given(st.integers(20, 300), st.integers(0, 10), st.floats(0, 1))
def test_the_scheme_lies_between_its_two_plans(n: int, ac: int, p: float) -> None:
    tightened = max(ac - 2, 0)
    assert accept_probability(n, tightened, p) - 1e-12 <= scheme_probability(n, ac, tightened, p) <= accept_probability(n, ac, p) + 1e-12
