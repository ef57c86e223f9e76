"""Against Freireich's leukaemia trial, the printed output of a textbook, SciPy, hand counts and identities."""

from __future__ import annotations

import csv
import math
import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, poisson

from metrics.survival import (
    Survival,
    cumulative_incidence,
    early_attrition,
    expected_leavers,
    exponential_rate,
    kaplan_meier,
    logrank,
    person_period,
    unseen,
)

SHARED = Path(os.environ.get("PIECEWORK_SHARED", Path(__file__).resolve().parents[3] / "shared"))
RETENTION = SHARED / "data/hr_job_retention/job_retention.csv"

SIX_MP = "6,6,6,6+,7,9+,10,10+,11+,13,16,17+,19+,20+,22,23,25+,32+,32+,34+,35+"
PLACEBO = "1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23"


def parsed(text: str) -> tuple[list[float], list[bool]]:
    cells = text.split(",")
    return [float(cell.rstrip("+")) for cell in cells], [not cell.endswith("+") for cell in cells]


def curve(text: str) -> Survival:
    return kaplan_meier(*parsed(text))


def test_six_mp() -> None:
    found = curve(SIX_MP)
    rows = {row.time: row for row in found.rows if row.events}
    want = {
        6: (0.857143, 0.619718, 0.951552), 7: (0.806723, 0.563147, 0.922809), 10: (0.752941, 0.503200, 0.889362), 13: (0.690196, 0.431610, 0.849066),
        16: (0.627451, 0.367511, 0.804912), 22: (0.537815, 0.267779, 0.746791), 23: (0.448179, 0.188052, 0.680143),
    }  # fmt: skip
    assert {time: tuple(round(v, 6) for v in (row.survival, row.low, row.high)) for time, row in rows.items()} == want
    assert [round(row.se, 4) for row in rows.values()] == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert (sum(row.events for row in found.rows), sum(parsed(SIX_MP)[0])) == (9, 359)
    plain = [round(rows[6].survival + side * 1.959963984540054 * rows[6].se, 4) for side in (-1, 1)]
    assert plain == [0.7075, 1.0068]  # why bands are not drawn this way
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
    one = found.rows[0]
    assert (round(one.low, 6), round(one.high, 6)) == (0.670046, 0.975294)
    assert (sum(row.events for row in found.rows), sum(parsed(PLACEBO)[0])) == (21, 182)
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
    with pytest.raises(ValueError, match="exit that does not follow"):
        kaplan_meier([3], [True], entry=[math.nan])
    with pytest.raises(ValueError, match="differ in length"):
        kaplan_meier([3, 4], [True])


def test_quantiles_of_times_with_some_still_open() -> None:
    """6-MP: by 10 weeks a quarter has relapsed (S .752941 > .75 there, so 13), by 23 half; never 85 %."""
    found = curve(SIX_MP)
    assert [found.quantile(share) for share in (0.1, 0.25, 0.5, 0.85)] == [6, 13, 23, None]
    with pytest.raises(ValueError, match="a quantile of 1"):
        found.quantile(1)


@pytest.mark.skipif(not RETENTION.exists(), reason=f"the job retention survey is not at {SHARED}")
@pytest.mark.parametrize(
    ("column", "group", "printed"),
    [
        ("gender", "F", "1167 7 .994 .00226|1140 24 .973 .00477|1102 45 .933 .00739|1044 45 .893 .00919|987 30 .866 .01016|940 51 .819 .01154"
         "|882 43 .779 .01248|830 47 .735 .01333|770 40 .697 .01394|718 21 .676 .01422|687 57 .620 .01486|621 17 .603 .01501"),
        ("gender", "M", "2603 17 .993 .00158|2559 66 .968 .00347|2473 100 .929 .00508|2360 86 .895 .00607|2253 56 .873 .00660|2171 120 .824 .00756"
         "|2029 85 .790 .00812|1916 114 .743 .00875|1782 96 .703 .00918|1661 50 .682 .00938|1590 101 .638 .00972|1460 36 .623 .00983"),
        ("sentiment", "high", "3225 15 .995 .00120|3167 62 .976 .00272|3075 120 .938 .00429|2932 102 .905 .00522|2802 65 .884 .00571|2700 144 .837 .00662"
         "|2532 110 .801 .00718|2389 140 .754 .00778|2222 112 .716 .00818|2077 56 .696 .00835|1994 134 .650 .00871|1827 45 .634 .00882"),
        ("sentiment", "not high", "545 9 .983 .00546|532 28 .932 .01084|500 25 .885 .01373|472 29 .831 .01618|438 21 .791 .01758|411 27 .739 .01906"
         "|379 18 .704 .01987|357 21 .662 .02065|330 24 .614 .02136|302 15 .584 .02171|283 24 .534 .02209|254 8 .517 .02218"),
    ],
)  # fmt: skip
def test_job_retention(column: str, group: str, printed: str) -> None:
    """McNulty, Handbook of Regression Modeling in People Analytics, section 9.1: R's survfit, at risk, events, survival, standard error."""
    with RETENTION.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    mine = [r for r in rows if (r["gender"] if column == "gender" else "high" if int(r["sentiment"]) >= 7 else "not high") == group]
    found = kaplan_meier([float(r["month"]) for r in mine], [r["left"] == "1" for r in mine])
    want = [cell.split() for cell in printed.split("|")]
    assert [(row.at_risk, row.events) for row in found.rows] == [(int(n), int(d)) for n, d, *_ in want]
    assert [round(row.survival, 3) for row in found.rows] == [float(s) for *_, s, _ in want]
    assert [float(f"{row.se:.5f}") for row in found.rows] == [float(se) for *_, se in want]


times = st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 11)).filter(lambda t: t[2] < t[0]), max_size=40)


@given(times)
def test_the_curve_is_the_product_over_person_periods_whatever_the_order(rows: list[tuple[int, bool, int]]) -> None:
    durations, events, entry = ([row[i] for row in rows] for i in range(3))
    found = kaplan_meier(durations, events, entry)
    product, by_period = 1.0, {}
    for period, risk, hits in person_period(durations, events, entry).hazards():
        product *= 1 - hits / risk
        by_period[period] = (risk, product)
    for row in found.rows:
        assert (row.at_risk, row.survival) == (by_period[int(row.time)][0], pytest.approx(by_period[int(row.time)][1], abs=1e-12))
    backwards = kaplan_meier(durations[::-1], events[::-1], entry[::-1])
    assert [(r.time, r.at_risk, r.events, r.survival) for r in backwards.rows] == [
        (r.time, r.at_risk, r.events, r.survival) for r in found.rows
    ]


def test_person_period_logit_with_one_dummy_a_period_gives_the_curve() -> None:
    """metrics.md W-09: S(16) = .627451 and S(23) = .448179 on 6-MP. The logit is fitted by Newton's method, not from the counts."""
    durations, events = parsed(SIX_MP)
    table = person_period([int(d) for d in durations], events)
    seen = sorted({int(p) for p in table.period[table.event]})
    x = (table.period[:, None] == np.array(seen)).astype(float)
    keep = x.any(axis=1)
    x, y, beta = x[keep], table.event[keep].astype(float), np.zeros(len(seen))
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ beta))
        beta += np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]), x.T @ (y - p))
    survival = dict(zip(seen, np.cumprod(1 - 1 / (1 + np.exp(-beta))), strict=True))
    assert (round(survival[16], 6), round(survival[23], 6)) == (0.627451, 0.448179)
    assert len(table.person) == 359
    with pytest.raises(ValueError, match="whole periods"):
        person_period([2.5], [True])  # type: ignore[list-item]


def test_exponential_rates_of_the_leukaemia_trial() -> None:
    """metrics.md 7.1: 9/359 = .025070, 21/182 = .115385; the bounds have the tails of the Poisson count that they promise."""
    for text, events, time, rate in ((SIX_MP, 9, 359, 0.025070), (PLACEBO, 21, 182, 0.115385)):
        durations, left = parsed(text)
        found = exponential_rate(sum(left), sum(durations))
        assert (found.events, found.time, found.reason) == (events, time, None)
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        assert round(found.value, 6) == rate
        assert poisson.sf(events - 1, found.low * time) == pytest.approx(0.025)
        assert poisson.cdf(events, found.high * time) == pytest.approx(0.025)


def test_rates_of_nobody_and_of_nobody_leaving() -> None:
    nothing, none = exponential_rate(0, 0), exponential_rate(0, 100)
    assert (nothing.value, nothing.low, nothing.reason) == (None, None, "no time was watched")
    assert (none.value, none.low, round(none.high or 0, 6)) == (0, 0, 0.036889)  # 3.6889 ÷ 100: −ln .025
    for events, time in ((-1, 10), (1, 0), (1, math.nan), (0, -1)):
        with pytest.raises(ValueError, match="exponential_rate"):
            exponential_rate(events, time)


def test_logrank_of_the_leukaemia_trial() -> None:
    (a, da), (b, db) = parsed(SIX_MP), parsed(PLACEBO)
    found = logrank(a + b, da + db, ["6-MP"] * 21 + ["placebo"] * 21)
    assert found.statistic is not None
    assert found.p is not None
    assert (round(found.statistic, 6), f"{found.p:.4e}", found.df, round(found.variance[0, 0], 6)) == (16.792941, "4.1688e-05", 1, 6.256961)
    assert [(g.group, g.n, g.observed, round(g.expected, 6)) for g in found.groups] == [
        ("6-MP", 21, 9, 19.250501),
        ("placebo", 21, 21, 10.749499),
    ]


def test_logrank_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(7)
    for _ in range(20):
        time, event, group = rng.integers(0, 30, 80), rng.random(80) < 0.7, rng.random(80) < 0.4
        x, y = (stats.CensoredData.right_censored(time[g], ~event[g]) for g in (group, ~group))
        want = stats.logrank(x, y)
        found = logrank(time.tolist(), event.tolist(), group.tolist())
        assert (found.statistic, found.p) == (pytest.approx(want.statistic**2), pytest.approx(want.pvalue))
        ecdf = stats.ecdf(x).sf
        mine = {row.time: row.survival for row in kaplan_meier(time[group].tolist(), event[group].tolist()).rows}
        assert [mine[t] for t in ecdf.quantiles] == pytest.approx(ecdf.probabilities.tolist(), abs=1e-12)


def test_strata_add_and_groups_never_together_cannot_be_compared() -> None:
    (a, da), (b, db) = parsed(SIX_MP), parsed(PLACEBO)
    durations, events, groups = a + b, da + db, ["m"] * 21 + ["p"] * 21
    once = logrank(durations, events, groups)
    twice = logrank(durations * 2, events * 2, groups * 2, strata=[1] * 42 + [2] * 42)
    assert twice.statistic == pytest.approx(2 * (once.statistic or 0))
    apart = logrank(durations, events, groups, strata=groups)
    assert (apart.statistic, apart.df, apart.p, apart.n) == (None, None, None, 42)
    assert apart.reason
    assert logrank([1, 2], [True, True], ["a", "a"]).reason == "fewer than two groups"
    assert logrank([], [], []).statistic is None
    with pytest.raises(ValueError, match="differ in length"):
        logrank([1, 2], [True, True], ["a"])


def test_logrank_with_left_truncation_by_hand() -> None:
    """Events at 3 (at risk a1, b1; one a goes) and 5 (b1 b2 a2; one b goes): expected a = 1/2 + 1/3, variance 1/4 + 2/9."""
    found = logrank([3, 5, 6, 7], [True, True, False, False], ["a", "b", "a", "b"], entry=[0, 1, 3, 4])
    assert found.groups[0].expected == pytest.approx(1 / 2 + 1 / 3)
    assert found.variance[0, 0] == pytest.approx(1 / 4 + 2 / 9)
    assert found.statistic == pytest.approx((1 - 5 / 6) ** 2 / (17 / 36))


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["quit", "dismissed", None])), min_size=1, max_size=30))
def test_incidences_and_survival_add_to_one(rows: list[tuple[int, str | None]]) -> None:
    durations, causes = [d for d, _ in rows], [c for _, c in rows]
    found = cumulative_incidence(durations, causes)
    survival = kaplan_meier(durations, [c is not None for c in causes]).rows[-1].survival
    assert sum(cells[-1].incidence for cells in found.values()) + survival == pytest.approx(1)


def test_one_cause_is_kaplan_meier_upside_down_and_two_are_less_than_that() -> None:
    durations, events = parsed(SIX_MP)
    alone = cumulative_incidence(durations, ["relapse" if e else None for e in events])["relapse"]
    km = [row for row in kaplan_meier(durations, events).rows if row.events]
    assert [row.incidence for row in alone] == pytest.approx([1 - row.survival for row in km])
    assert [row.se for row in alone] == pytest.approx([row.se for row in km])
    both = cumulative_incidence([1, 2, 3, 4], ["a", "b", "a", None])
    assert [row.incidence for row in both["a"]] == pytest.approx([1 / 4, 1 / 2])
    assert 1 - kaplan_meier([1, 2, 3, 4], [True, False, True, False]).rows[2].survival == pytest.approx(1 - 3 / 4 * 1 / 2)
    # Without censoring the incidence is a proportion, its variance the binomial one.
    plain = cumulative_incidence([1, 2, 3, 4, 5], ["a", "b", "a", "b", "a"])["a"]
    assert [row.se for row in plain] == pytest.approx([math.sqrt(p * (1 - p) / 5) for p in (0.2, 0.4, 0.6)])
    assert cumulative_incidence([], []) == {}


def test_expected_leavers_by_hand_and_where_the_curve_ends() -> None:
    """20 people, one gone on each of days 1–20: of those 5 days in, 5 of 15 go within 5 days; nobody is judged past day 11 (10 at risk)."""
    line = kaplan_meier(list(range(1, 21)), [True] * 20)
    found = expected_leavers([5, 5, 5, 9], line, 5)
    assert (found.leavers, found.n, found.unknown) == (pytest.approx(1.0), 3, 1)
    own = 3 * (1 / 3) * (2 / 3)
    reach = 1.959963984540054 * math.sqrt(own + 9 * (2 / 3) ** 2 * sum(1 / (n * (n - 1)) for n in range(11, 16)))
    assert (found.low, found.high) == (max(0, math.floor(1 - reach)), min(3, math.ceil(1 + reach)))
    # Of many people the doubt about the curve is most of the doubt: Σ 1 ÷ (n(n − 1)) over 11…15 is 1/10 − 1/15.
    # With five of 15 seen to leave, the upper end is that of a beta-binomial with 6 and 10.
    many = expected_leavers([5] * 1000, line, 5)
    reach = 1.959963984540054 * math.sqrt(1000 * 2 / 9 + (1000 * 2 / 3) ** 2 * (1 / 10 - 1 / 15))
    assert many.low == math.floor(1000 / 3 - reach)
    assert many.high == betabinom.ppf(0.975, 1000, 6, 10) > math.ceil(1000 / 3 + reach)
    # Five are watched from the start, twenty more from day 3: too few on day 1 to judge who is new.
    late = kaplan_meier([1, *range(4, 28)], [True] * 25, entry=[0] * 5 + [3] * 20)
    assert [expected_leavers([now], late, 5).unknown for now in (0, 0.5, 3)] == [1, 1, 0]
    assert expected_leavers([40], line, 5).leavers is None
    assert expected_leavers([], line, 5).reason
    assert expected_leavers([1], kaplan_meier([], []), 5).unknown == 1
    with pytest.raises(ValueError, match="horizon"):
        expected_leavers([1], line, 0)


def test_the_interval_of_expected_leavers_holds_what_happens() -> None:
    rng, inside = np.random.default_rng(3), 0
    for _ in range(300):
        past = rng.exponential(100, 150)
        found = expected_leavers([20.0] * 60, kaplan_meier(np.minimum(past, 120).tolist(), (past < 120).tolist()), 30)
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= int((rng.exponential(100, 60) < 30).sum()) <= found.high
    assert inside >= 0.93 * 300


def test_nobody_seen_to_leave_is_not_nobody_who_will() -> None:
    """Five of a tenure at which 40 were watched and none left: of 45, of whom one or two leave, is that more than 2.5 % likely to be of the five?"""
    quiet = kaplan_meier([30] * 40, [False] * 40)
    found = expected_leavers([1] * 5, quiet, 15)
    assert (found.leavers, found.low, found.high) == (0, 0, 1)
    assert 5 / 45 > 0.025 > 5 * 4 / (45 * 44)
    assert expected_leavers([1] * 400, quiet, 15).high == betabinom.ppf(0.975, 400, 1, 40)
    # One left on day 20: within a window before it nobody has, within one with it one in 40.
    once = kaplan_meier([20] + [30] * 39, [True] + [False] * 39)
    before, after = expected_leavers([1] * 50, once, 15), expected_leavers([10] * 50, once, 15)
    assert (before.leavers, before.high) == (0, betabinom.ppf(0.975, 50, 1, 40))
    assert (after.leavers, after.high) == (pytest.approx(50 / 40), betabinom.ppf(0.975, 50, 2, 39))
    both = expected_leavers([1] * 50 + [10] * 50, once, 15)
    assert both.high == before.high + after.high  # type: ignore[operator]
    # The fewest of the window count: 40 until day 10, then 12.
    thinning = kaplan_meier([10] * 28 + [30] * 12, [False] * 40)
    assert [expected_leavers([1] * 50, thinning, days).high for days in (8, 12)] == [betabinom.ppf(0.975, 50, 1, n) for n in (40, 12)]
    for watched in ([], [0], [math.nan]):
        with pytest.raises(ValueError, match="nobody"):
            unseen(watched)


def test_the_interval_holds_what_happens_where_hardly_anybody_leaves() -> None:
    """Teams of 30 at risks so small that most histories show no leaver, or one."""
    rng = np.random.default_rng(5)
    for share in (0.002, 0.01, 0.03):
        inside = 0
        for _ in range(200):
            gone = rng.random(40) < share
            found = expected_leavers([1] * 30, kaplan_meier(np.where(gone, rng.integers(2, 12, 40), 30), gone), 15)
            assert found.high is not None
            inside += int(rng.binomial(30, share)) <= found.high
        assert inside >= 0.95 * 200, share


def test_one_early_exit_of_one_watched_makes_the_curve_nothing_and_says_so() -> None:
    found = kaplan_meier([1, 5, 6, 7], [True] * 4, entry=[0, 2, 2, 2])
    assert [row.survival for row in found.rows] == [0] * 4
    assert found.warning == "all gone before others came"
    later = kaplan_meier([5, 6, 7], [True] * 3, entry=[2, 2, 2])  # as of those who stayed until 2
    assert [row.survival for row in later.rows] == pytest.approx([2 / 3, 1 / 3, 0])
    assert later.warning is kaplan_meier([1, 5], [True, False], entry=[0, 0]).warning is None
    gone = cumulative_incidence([1, 5, 6], ["a", "b", "a"], entry=[0, 2, 2])
    (late,) = gone["b"]
    assert (late.incidence, late.se) == (0, 0)
    assert math.isnan(late.low)
    assert math.isnan(late.high)


def test_an_event_that_is_null_is_refused() -> None:
    for events in ([math.nan, False], [None, True], ["yes", "no"], [2, 1]):
        for call in (
            lambda e: kaplan_meier([1, 2], e),
            lambda e: logrank([1, 2], e, ["a", "b"]),
            lambda e: person_period([1, 2], e),
            lambda e: early_attrition([1, 2], e, [3, 3]),
        ):
            with pytest.raises(ValueError, match="true or false"):
                call(events)
    whole = kaplan_meier([1, 2, 3], [True, False, True])
    for events in ([1, 0, 1], [1.0, 0.0, 1.0], np.array([True, False, True], dtype=object)):
        assert kaplan_meier([1, 2, 3], events).rows[:2] == whole.rows[:2]  # type: ignore[arg-type]


def test_early_attrition_on_matured_hires_and_what_the_naive_rate_hides() -> None:
    """Hires spread over 180 days, 35 % gone by day 90 (metrics.md W-07): matured and Kaplan–Meier are near, all hires are far too low."""
    rng = random.Random(11)
    ages = [rng.uniform(0, 180) for _ in range(20_000)]
    stays = [rng.expovariate(-math.log(0.65) / 90) for _ in ages]
    left = [stay <= age for stay, age in zip(stays, ages, strict=True)]
    spent = [min(pair) for pair in zip(stays, ages, strict=True)]
    found = early_attrition(spent, left, ages)
    assert found.rate == pytest.approx(0.35, abs=0.015)
    assert found.estimate == pytest.approx(0.35, abs=0.015)
    naive = sum(gone and time <= 90 for gone, time in zip(left, spent, strict=True)) / len(ages)
    assert naive < 0.30


def test_early_attrition_by_hand() -> None:
    """Of the hires aged 90 and over (300, 200, 90, 400) two left by day 90, one on it; the young leaver only counts in the estimate."""
    found = early_attrition([30, 200, 90, 100, 20, 50], [True, False, True, True, True, False], [300, 200, 90, 400, 40, 50])
    assert (found.rate, found.left, found.n) == (0.5, 2, 4)
    assert found.share_of_leavers == 3 / 4
    assert found.estimate == pytest.approx(1 - 5 / 6 * 4 / 5 * 2 / 3)
    young = early_attrition([10], [True], [30])
    assert (young.rate, young.low, young.n) == (None, None, 0)
    assert young.reason == "no hire is old enough"
    everybody = early_attrition([10, 20], [True, True], [100, 100])
    assert (everybody.estimate, everybody.estimate_low, everybody.estimate_high) == (1, None, None)
    assert early_attrition([], [], []).share_of_leavers is None
    with pytest.raises(ValueError, match="one age a hire"):
        early_attrition([40], [True], [30])
