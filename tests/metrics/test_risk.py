"""The discrete-time hazard against statsmodels, the Kaplan–Meier curve, chances known because they were put in, and pairs counted one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metrics.risk import Risk, fit, recalibrate, validate
from metrics.survival import kaplan_meier, person_period
from tests.metrics.test_survival import SIX_MP, parsed, times


@given(times)
@settings(deadline=None)  # SciPy is loaded by the first example
def test_with_a_level_for_every_period_the_product_is_kaplan_meier(rows: list[tuple[int, bool, int]]) -> None:
    """metrics.md W-09, 7.10: late entry, periods in which nobody leaves and a last one in which all do included."""
    durations, events, entry = ([row[i] for row in rows] for i in range(3))
    table = person_period(durations, events, entry)
    found = fit(table.period, table.event, min_events=1)
    if not any(events):
        assert (found.baseline.size, found.reason) == (0, "too few have left")
        return
    survival = np.cumprod(np.nan_to_num(1 - found.hazards(range(1, len(found.baseline) + 1)), nan=1.0))
    for row in kaplan_meier(durations, events, entry).rows:
        assert survival[int(row.time) - 1] == pytest.approx(row.survival, abs=1e-9)


def test_six_mp() -> None:
    """metrics.md W-09: S(16) = .627451, S(23) = .448179."""
    durations, events = parsed(SIX_MP)
    table = person_period([int(d) for d in durations], events)
    found = fit(table.period, table.event, min_events=9)
    survival = np.cumprod(1 - found.baseline)
    assert (round(float(survival[15]), 6), round(float(survival[22]), 6)) == (0.627451, 0.448179)
    assert (found.n, found.events) == (359, 9)
    # Fewer than ten were watched after week 16: no chance is given that reaches beyond.
    assert found.leaving([0, 10, 14], 6).tolist() == pytest.approx([1 - 0.857143, 1 - 0.627451 / 0.752941, math.nan], abs=1e-6, nan_ok=True)
    assert fit(table.period, table.event).reason == "too few have left"


panel = st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.integers(-3, 3), st.integers(0, 1)), min_size=20, max_size=80)


@given(panel)
@settings(max_examples=50, deadline=None)
def test_against_statsmodels(rows: list[tuple[int, bool, int, int]]) -> None:
    """Logit with one dummy a period: its likelihood, slope and standard errors where this one ends."""
    models = pytest.importorskip("statsmodels.discrete.discrete_model")
    period, left, income, night = (np.array(column) for column in zip(*rows, strict=True))
    found = fit(period, left, {"income": income, "night": night}, min_events=1)
    assume(not found.reason and all(effect.beta is not None for effect in found.effects))
    some = np.array([0 < left[period == p].sum() < (period == p).sum() for p in period])
    seen = np.unique(period[some])
    x = np.column_stack([*(period[some] == p for p in seen), income[some], night[some]]).astype(float)
    assume(np.linalg.matrix_rank(x) == x.shape[1])
    model = models.Logit(left[some].astype(float), x)
    betas = np.array([effect.beta for effect in found.effects], dtype=float)
    means = np.array([income.mean(), night.mean()])
    logits = np.log(found.baseline[seen - 1] / (1 - found.baseline[seen - 1])) - betas @ means
    at = np.concatenate((logits, betas))
    assert found.log_likelihood == pytest.approx(model.loglike(at), abs=1e-8)
    curvature = -model.hessian(at)
    assert model.score(at) / np.sqrt(np.diag(curvature)) == pytest.approx(np.zeros(len(at)), abs=1e-6)
    assert [effect.se for effect in found.effects] == pytest.approx(np.sqrt(np.diag(np.linalg.inv(curvature)))[-2:].tolist(), rel=1e-5)
    inside = found.hazards(period[some], {"income": income[some], "night": night[some]})
    assert inside == pytest.approx(model.predict(at), abs=1e-9)


def weeks(seed: int, people: int, long: int = 30) -> dict[str, np.ndarray]:
    """Person-weeks of people whose logit of leaving is −3.4 − .04 × week + .8 × pay cut + .5 × night, until they leave or week `long`."""
    rng = np.random.default_rng(seed)
    cut, night = rng.integers(0, 2, people), rng.normal(size=people)
    found: dict[str, list[np.ndarray]] = {"person": [], "period": [], "left": [], "cut": [], "night": []}
    there = np.ones(people, dtype=bool)
    for week in range(1, long + 1):
        chance = 1 / (1 + np.exp(3.4 + 0.04 * week - 0.8 * cut - 0.5 * night))
        gone = there & (rng.random(people) < chance)
        who = np.flatnonzero(there)
        for name, column in (
            ("person", who),
            ("period", np.full(len(who), week)),
            ("left", gone[who]),
            ("cut", cut[who]),
            ("night", night[who]),
        ):
            found[name].append(column)
        there &= ~gone
    return {name: np.concatenate(columns) for name, columns in found.items()}


def model(seed: int, people: int, tenure: str = "periods") -> Risk:
    rows = weeks(seed, people)
    return fit(rows["period"], rows["left"], {"cut": rows["cut"], "night": rows["night"]}, tenure)  # type: ignore[arg-type]


@pytest.mark.parametrize("tenure", ["periods", "spline"])
def test_what_was_put_in_comes_out(tenure: str) -> None:
    found = model(1, 20_000, tenure)
    for name, beta in (("cut", 0.8), ("night", 0.5)):
        (one,) = [effect for effect in found.effects if effect.name == name]
        assert one.low is not None
        assert one.high is not None
        assert one.low < math.exp(beta) < one.high
        assert one.high / one.low < 1.2
    chances = found.leaving([0, 8], 4, {"cut": [1, 0], "night": [0.0, 1.0]})
    want = [
        1 - math.prod(1 - 1 / (1 + math.exp(3.4 + 0.04 * (tenure + k) - score)) for k in (1, 2, 3, 4))
        for tenure, score in ((0, 0.8), (8, 0.5))
    ]
    assert chances == pytest.approx(want, rel=0.08)


def test_a_spline_is_smooth_and_a_straight_line_where_the_hazard_is_one() -> None:
    """Three knots or more bend; beyond the outer ones the logit is straight. With leavers in two periods only, it is a line."""
    rows = weeks(2, 5_000)
    found = fit(rows["period"], rows["left"], tenure="spline")
    logit = np.log(found.baseline / (1 - found.baseline))
    last = int(np.quantile(rows["period"][rows["left"]], 0.95))
    assert np.abs(np.diff(logit, 2)[last:]).max() < 1e-9
    assert np.abs(np.diff(logit, 2)[2:last]).max() > 1e-6
    two = fit([1] * 10 + [2] * 8, [True] * 2 + [False] * 8 + [True] * 2 + [False] * 6, tenure="spline", min_events=4)
    assert two.baseline.tolist() == pytest.approx([0.2, 0.25])


def test_the_expected_leavers_of_a_team_and_their_interval() -> None:
    """The mean is the sum of the chances; of 200 teams of later people, 95 of 100 intervals have the number that went."""
    found, inside = model(3, 2_000), 0
    for seed in range(200):
        later = weeks(1_000 + seed, 60, long=8)
        first = later["period"] == 1
        covariates = {"cut": later["cut"][first], "night": later["night"][first]}
        said = found.expected([0] * 60, 8, covariates)
        assert said.leavers == pytest.approx(found.leaving([0] * 60, 8, covariates).sum())
        assert said.low is not None
        assert said.high is not None
        inside += said.low <= int(later["left"].sum()) <= said.high
    assert inside >= 186
    alone = found.expected([0, 500], 8, {"cut": [0, 0], "night": [0, 0]})
    assert (alone.n, alone.unknown) == (1, 1)
    assert found.expected([500], 8, {"cut": [0], "night": [0]}).leavers is None


def test_the_delta_method_is_the_slope_of_the_sum() -> None:
    """The interval of a very large team is all doubt about the coefficients: compare with the spread of models fitted anew."""
    sums = []
    for seed in range(40):
        sums.append(float(model(50 + seed, 1_000).expected([0, 4], 6, {"cut": [1, 0], "night": [0.5, 0.0]}).leavers or 0))
    one = model(50, 1_000)
    many = one.expected([0] * 5_000 + [4] * 5_000, 6, {"cut": [1] * 5_000 + [0] * 5_000, "night": [0.5] * 5_000 + [0.0] * 5_000})
    assert many.low is not None
    assert many.high is not None
    reach = (many.high - many.low) / 2 / 1.959963984540054 / 5_000
    assert reach == pytest.approx(float(np.std(sums)), rel=0.3)


def test_drivers_are_what_raises_the_odds_most_of_what_can_be_changed() -> None:
    found = model(1, 20_000)
    odds = {effect.name: effect.ratio for effect in found.effects}
    who = {"cut": [1, 0], "night": [2.0, -1.0]}
    first, second = found.drivers(who, ["cut", "night", "weather"])
    assert [name for name, _ in first] == ["night", "cut"]
    assert second == ()
    assert found.drivers(who, ["cut"], count=1)[0][0][0] == "cut"
    ((_, two),), ((_, one),) = found.drivers({"cut": [1, 0], "night": [2.0, 1.0]}, ["night"])
    assert two / one == pytest.approx(odds["night"])


def test_no_model_says_why_and_gives_nothing() -> None:
    few = fit([1, 1], [True, False], {"cut": [0, 1]})
    assert (few.log_likelihood, few.baseline.size, few.n, few.events, few.reason) == (None, 0, 2, 1, "too few have left")
    assert few.effects[0].beta is None
    for call in (lambda: few.hazards([1]), lambda: few.leaving([0], 1), lambda: few.expected([0], 1), lambda: few.drivers({}, [])):
        with pytest.raises(ValueError, match="there is no model"):
            call()
    rows = weeks(5, 300)
    cut = rows["cut"]
    assert fit(rows["period"], rows["left"], {"a": cut, "b": 2 * cut}).reason == "covariates say the same"
    leak = fit(rows["period"], rows["left"], {"notice": rows["left"].astype(float)})
    assert leak.reason == "a covariate tells who leaves"
    constant = fit(rows["period"], rows["left"], {"site": np.ones(len(cut)), "cut": cut})
    assert [effect.reason for effect in constant.effects] == ["does not vary", None]
    assert fit([], []).reason == "too few have left"


def test_nobody_seen_to_leave_is_not_nobody_who_will() -> None:
    """40 watched for two periods, one of whom leaves in the third: of those about to spend the first two, one may leave all the same."""
    table = person_period([2] * 20 + [3] * 20, [False] * 39 + [True])
    found = fit(table.period, table.event, min_events=1)
    assert found.baseline.tolist() == pytest.approx([0, 0, 1 / 20])
    quiet = found.expected([0] * 5, 2)
    assert (quiet.leavers, quiet.low, quiet.high) == (0, 0, 1)
    both = found.expected([0] * 5 + [2] * 5, 1)
    assert both.high == 1 + (found.expected([2] * 5, 1).high or 0)


def test_what_must_not_be_used_is_refused() -> None:
    for name in ("Sex", "age", "民族", "location"):
        with pytest.raises(ValueError, match="must not be used"):
            fit([1], [True], {name: [1.0]})


def test_impossible_input_is_refused() -> None:
    found = model(6, 1_000)
    for call, words in (
        (lambda: fit([0], [True]), "a period below 1"),
        (lambda: fit([1, 2], [True]), "one period and one outcome"),
        (lambda: fit([1.5], [True]), "not a whole number"),  # type: ignore[list-item]
        (lambda: fit([math.nan], [True]), "not a whole number"),  # type: ignore[list-item]
        (lambda: fit([1], [math.nan]), "true or false"),  # type: ignore[list-item]
        (lambda: recalibrate([0.5], [None]), "true or false"),  # type: ignore[list-item]
        (lambda: fit([1], [True], {"x": [1, 2]}), "2 values of x for 1 rows"),
        (lambda: found.hazards([1]), "cut, night not given for 1 rows"),
        (lambda: found.hazards([0], {"cut": [0], "night": [0]}), "a period below 1"),
        (lambda: found.leaving([-1], 4, {"cut": [0], "night": [0]}), "a period below 0"),
        (lambda: found.leaving([1], 0, {"cut": [0], "night": [0]}), "a horizon of 0"),
        (lambda: validate([1.2], [True]), "a chance outside"),
        (lambda: validate([0.2], []), "1 chances for 0 people"),
        (lambda: validate([0.2], [True], []), "0 groups for 1 people"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


# Does it hold? -----------------------------------------------------------------------------------------------------------
@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40))
def test_scores_counted_one_by_one(rows: list[tuple[int, bool]]) -> None:
    p, left = [a / 10 for a, _ in rows], [b for _, b in rows]
    found = validate(p, left)
    assert found.brier == pytest.approx(sum((a - b) ** 2 for a, b in zip(p, left, strict=True)) / len(rows))
    assert found.without == pytest.approx(np.var(left))
    pairs = [(a > b) + (a == b) / 2 for a, x in zip(p, left, strict=True) if x for b, y in zip(p, left, strict=True) if not y]
    assert found.auc == (None if not pairs else pytest.approx(np.mean(pairs)))
    assert (sum(part.n for part in found.parts), sum(part.left for part in found.parts)) == (len(rows), sum(left))
    assert sum(part.expected for part in found.parts) == pytest.approx(sum(p))


def test_on_later_people_the_model_holds_and_one_that_is_off_is_put_right() -> None:
    rows = weeks(77, 6_000)
    p = model(1, 20_000).hazards(rows["period"], {"cut": rows["cut"], "night": rows["night"]})
    found = validate(p, rows["left"])
    assert found.calibration.intercept == pytest.approx(0, abs=0.25)
    assert found.calibration.slope == pytest.approx(1, abs=0.08)
    assert found.auc is not None
    assert found.auc > 0.6
    assert found.brier is not None
    assert found.brier < (found.without or 0)
    assert all(part.low <= part.expected / part.n <= part.high for part in found.parts[1:-1])
    logit = np.log(p / (1 - p))
    wrong = 1 / (1 + np.exp(-(0.7 + 1.5 * logit)))
    back = recalibrate(wrong, rows["left"])
    assert back.apply(wrong) == pytest.approx(found.calibration.apply(p), abs=1e-9)
    assert back.slope == pytest.approx((found.calibration.slope or 0) / 1.5)


def test_recalibration_against_statsmodels() -> None:
    models = pytest.importorskip("statsmodels.discrete.discrete_model")
    rng = np.random.default_rng(8)
    p = rng.uniform(0.05, 0.6, 400)
    left = rng.random(400) < p**1.3
    found = recalibrate(p, left)
    want = models.Logit(left.astype(float), np.column_stack([np.ones(400), np.log(p / (1 - p))])).fit(disp=0)
    assert [found.intercept, found.slope] == pytest.approx(want.params.tolist(), abs=1e-5)


def test_calibration_where_nothing_can_be_told() -> None:
    assert recalibrate([0.2] * 30, [True] * 9 + [False] * 21).reason == "too few left or stayed"
    assert recalibrate([0.2] * 30, [True] * 15 + [False] * 15).reason == "all chances are the same"
    assert recalibrate([0.8] * 15 + [0.2] * 15, [True] * 15 + [False] * 15).reason == "the chances tell who leaves"
    assert recalibrate([0.2], [True]).apply([0.2, 0.3]).tolist() == [0.2, 0.3]
    nothing = validate([], [])
    assert (nothing.brier, nothing.auc, nothing.parts, nothing.disparity, nothing.blocked) == (None, None, (), None, False)


def test_a_model_that_is_off_for_one_group_is_blocked() -> None:
    """By hand: 20 expected of each and 2 of a few who are not judged, 42 in all; 21 and 21 left, then 27 and 15: 1.05 and 1.35 of all."""
    p, group = [0.2] * 200 + [0.5] * 4, ["a"] * 100 + ["b"] * 100 + ["c"] * 4

    def outcome(a: int, b: int) -> list[bool]:
        return [i < a for i in range(100)] + [i < b for i in range(100)] + [False] * 4

    fair, unfair = validate(p, outcome(21, 21), group), validate(p, outcome(27, 15), group)
    assert (fair.disparity, fair.blocked) == (pytest.approx(0.05), False)
    assert (unfair.disparity, unfair.blocked) == (pytest.approx(0.35), True)
    assert [(part.name, part.n, part.left) for part in unfair.groups] == [("a", 100, 27), ("b", 100, 15), ("c", 4, 0)]
    assert validate(p, outcome(21, 21)).disparity is None
