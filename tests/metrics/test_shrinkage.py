"""Shrinkage against the catalogue's check, batting averages, a likelihood written anew and SciPy; false discoveries against the paper."""

from __future__ import annotations

from math import exp, fsum, log, log1p

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from metrics import shrinkage
from metrics.shrinkage import Shrunk, benjamini_hochberg, beta_binomial

X, N = [0, 1, 2, 30, 5, 12, 3, 50], [10, 20, 100, 1000, 40, 300, 150, 900]
# Efron & Morris 1975, JASA 70(350), table 1: hits in the first 45 at bats of 1970, and the average over the rest of the season.
HITS = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
SEASON = [.346, .298, .276, .222, .273, .270, .263, .210, .269, .230, .264, .256, .303, .264, .226, .286, .316, .200]  # fmt: skip
BH = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1.0]  # fmt: skip


def loglik(x: np.ndarray, n: np.ndarray, a: float, b: float) -> float:
    return float(stats.betabinom.logpmf(x, n, a, b).sum())


def people(seed: int, many: int = 800) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """metrics.md Q-17: true rates beta (4, 96), samples lognormal around 150."""
    rng = np.random.default_rng(seed)
    n = np.maximum(1, rng.lognormal(5, 1, many)).astype(int)
    rates = rng.beta(4, 96, many)
    return rng.binomial(n, rates), n, rates


# The prior ---------------------------------------------------------------------------------------------------------------------
def test_the_check_of_metrics_md_7_8() -> None:
    found = beta_binomial(X, N)
    assert round(found.a, 4) == 12.6511  # type: ignore[arg-type]
    assert [round(m, 5) for m in found.mean] == [0.03932, 0.04115, 0.03558, 0.03251, 0.05018, 0.04030, 0.03389, 0.05170]
    assert (found.method, found.groups, found.few, found.capped, found.reason) == ("likelihood", 8, True, False, None)


def gain(a: float, b: float, a0: float, b0: float) -> float:
    """How much higher the log-likelihood is at (a, b): sums of logs of ratios near 1, so that the tenth digit is not lost."""
    terms = []
    for x, n in zip(X, N, strict=True):
        terms += [log1p((a - a0) / (a0 + i)) for i in range(x)] + [log1p((b - b0) / (b0 + i)) for i in range(n - x)]
        terms += [-log1p((a + b - a0 - b0) / (a0 + b0 + i)) for i in range(n)]
    return fsum(terms)


def test_the_b_of_metrics_md_7_8_is_where_a_search_stopped() -> None:
    """It prints a 12.6511, b 299.1053; the likelihood is highest at 12.651107 and 299.104810, and by less than 1e-10 so.

    299.1053 is where Nelder–Mead on the logarithms stops from (1, 10) with tolerances of 1e-8; from elsewhere it stops between 299.1041 and
    299.1054. The fourth decimal is the search's, not the likelihood's. Nothing is adjusted: the slopes by a and b are 0 where ours ends.
    """
    found = beta_binomial(X, N)
    assert found.a is not None
    assert found.b is not None
    assert (round(found.a, 6), round(found.b, 5)) == (12.651107, 299.10481)
    assert abs(found.b / 299.1053 - 1) < 1e-5
    for a in (found.a, 12.6511, 12.65111, 12.65112, 12.65114):  # what rounds to the printed a
        assert 0 < gain(found.a, found.b, a, 299.1053) < 1e-9
    by_all = [1 / (found.a + found.b + i) for n in N for i in range(n)]
    assert fsum([1 / (found.a + i) for x in X for i in range(x)]) == pytest.approx(fsum(by_all), rel=1e-9)
    assert fsum([1 / (found.b + i) for x, n in zip(X, N, strict=True) for i in range(n - x)]) == pytest.approx(fsum(by_all), rel=1e-9)


def test_the_prior_is_at_the_top_of_the_likelihood() -> None:
    x, n, _ = people(1)
    found = beta_binomial(x, n)
    assert found.a is not None
    assert found.b is not None
    top = loglik(x, n, found.a, found.b)
    for step in (0.999, 1.001):
        assert loglik(x, n, found.a * step, found.b) < top
        assert loglik(x, n, found.a, found.b * step) < top
        assert loglik(x, n, found.a * step, found.b * step) < top
    other = optimize.minimize(lambda t: -loglik(x, n, exp(t[0]), exp(t[1])), [log(2.0), log(50.0)], method="Nelder-Mead")
    assert (found.a, found.b) == pytest.approx(np.exp(other.x), rel=1e-3)


def test_the_prior_that_made_the_people_is_found() -> None:
    x, n, _ = people(2, 20000)
    for method in ("likelihood", "moments"):
        found = beta_binomial(x, n, method=method)  # type: ignore[arg-type]
        assert found.method == method
        assert (found.a, found.b) == pytest.approx((4, 96), rel=0.1)


def test_moments_by_hand() -> None:
    """Two people, 2 and 6 of 10: pooled .4, Σ n (p − .4)² ÷ .24 = .8 ÷ .24; correlation (3.3333 − 1) ÷ (2 × 9 × ½) = .259259."""
    found = beta_binomial([2, 6], [10, 10], method="moments")
    strength = 1 / ((0.8 / 0.24 - 1) / 9) - 1
    assert (found.a, found.b) == pytest.approx((0.4 * strength, 0.6 * strength))
    assert found.mean == pytest.approx([(2 + 0.4 * strength) / (10 + strength), (6 + 0.4 * strength) / (10 + strength)])


def test_a_covariate_that_separates_is_left_out() -> None:
    """The only event is the longest-serving one's: the likelihood rises for ever with the slope."""
    tenure = [100.0, *range(11)]
    found, plain = beta_binomial([1, *[0] * 11], [40] * 12, covariates={"tenure": tenure}), beta_binomial([1, *[0] * 11], [40] * 12)
    assert (found.method, list(found.coefficients)) == ("likelihood", ["intercept"])
    assert found.mean == pytest.approx(plain.mean)


def test_moments_serve_when_the_likelihood_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    direct = beta_binomial(X, N, method="moments")
    monkeypatch.setattr(shrinkage, "_likelihood", lambda *_: None)
    found = beta_binomial(X, N, volume=True)
    assert (found.method, list(found.coefficients)) == ("moments", ["intercept"])
    assert (found.a, found.b) == (direct.a, direct.b)


def test_the_prior_never_outweighs_five_median_samples() -> None:
    """Groups that do not differ at all: a + b would be infinite."""
    found = beta_binomial([10] * 30, [100] * 30)
    assert found.capped
    assert found.a + found.b == pytest.approx(500)  # type: ignore[operator]
    assert found.mean == pytest.approx([0.1] * 30, abs=0.001)
    assert not beta_binomial(X, N).capped


# What is known of each ------------------------------------------------------------------------------------------------------------
def test_posterior_against_scipys_beta() -> None:
    found = beta_binomial(X, N, level=0.9)
    for i, (x, n) in enumerate(zip(X, N, strict=True)):
        law = stats.beta(x + found.a, n - x + found.b)
        assert (found.mean[i], found.low[i], found.high[i]) == pytest.approx((law.mean(), law.ppf(0.05), law.ppf(0.95)))
        assert found.exceeding(0.05)[i] == pytest.approx(law.sf(0.05))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(40, 400)), min_size=2, max_size=40), st.booleans())
def test_everyone_moves_towards_the_prior_and_never_past_it(groups: list[tuple[int, int]], volume: bool) -> None:
    x, n = (np.array(part) for part in zip(*groups, strict=True))
    found = beta_binomial(x, n, volume)
    if found.reason is not None:
        assert x.sum() in (0, n.sum())
        return
    raw = x / n
    between = (found.mean - raw) * (found.prior - found.mean)
    assert (between >= -1e-12).all()
    assert (found.low <= found.high).all()
    assert ((found.mean > 0) & (found.mean < 1)).all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(40, 400)), min_size=3, max_size=20), st.randoms())
def test_order_does_not_matter(groups: list[tuple[int, int]], chance: object) -> None:
    before = beta_binomial(*zip(*groups, strict=True))
    places = list(range(len(groups)))
    chance.shuffle(places)  # type: ignore[attr-defined]
    after = beta_binomial(*zip(*(groups[i] for i in places), strict=True))
    assert after.mean == pytest.approx(before.mean[places], nan_ok=True, rel=1e-3)


def test_shrunk_rates_are_nearer_the_truth_and_the_list_of_the_worst_is_fairer() -> None:
    """The simulation of metrics.md Q-17: less than half the squared error, more of the true worst 40, and not those checked least."""
    for seed in range(3):
        x, n, rates = people(seed)
        found = beta_binomial(x, n)
        assert ((found.mean - rates) ** 2).mean() < 0.5 * ((x / n - rates) ** 2).mean()
        worst = set(np.argsort(-rates)[:40])
        raw, shrunk = np.argsort(-x / n, kind="stable")[:40], found.ranking(0.06)[:40]
        assert len(worst & set(shrunk)) > len(worst & set(raw))
        assert np.median(n[shrunk]) > 2 * np.median(n[raw])


def test_credible_intervals_hold_what_they_promise() -> None:
    x, n, rates = people(4, 4000)
    found = beta_binomial(x, n)
    assert ((found.low <= rates) & (rates <= found.high)).mean() == pytest.approx(0.95, abs=0.012)


def test_batting_averages() -> None:
    """Efron & Morris: the averages of 45 at bats, shrunk, foretell the season with less than a third of the squared error."""
    found = beta_binomial(HITS, [45] * 18)
    raw, season = np.array(HITS) / 45, np.array(SEASON)
    assert ((found.mean - season) ** 2).sum() < ((raw - season) ** 2).sum() / 3
    assert list(np.argsort(-found.mean, kind="stable")) == list(range(18))
    assert found.mean.max() - found.mean.min() < 0.4 * (raw.max() - raw.min())


def test_ranking_is_by_the_chance_of_exceeding_and_leaves_out_the_unknown() -> None:
    found = beta_binomial([*X, None, 0], [*N, 50, 0])
    chance = found.exceeding(0.05)
    order = found.ranking(0.05)
    assert sorted(order) == list(range(8))
    assert list(chance[order]) == sorted(chance[:8], reverse=True)
    assert order[0] == 7  # 50 of 900 is surer to be above 5 % than 5 of 40, though its rate is lower
    assert 50 / 900 < 5 / 40
    with pytest.raises(ValueError, match="a limit of 5"):
        found.ranking(5)


# Volume and tenure ------------------------------------------------------------------------------------------------------------------
def taught(seed: int, many: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """People who err less the more they do and the longer they stay: logit mean = −2 − 0.3 ln n − 0.05 months, a + b = 80."""
    rng = np.random.default_rng(seed)
    n = np.maximum(5, rng.lognormal(4, 1, many)).astype(int)
    tenure = rng.uniform(0, 24, many)
    mean = 1 / (1 + np.exp(2 + 0.3 * np.log(n) + 0.05 * tenure - 1.5))
    rates = rng.beta(80 * mean, 80 * (1 - mean))
    return rng.binomial(n, rates), n, tenure, rates


def test_volume_and_tenure_are_found_and_help() -> None:
    x, n, tenure, rates = taught(1)
    found, plain = beta_binomial(x, n, volume=True, covariates={"tenure": tenure}), beta_binomial(x, n)
    assert list(found.coefficients) == ["intercept", "log n", "tenure"]
    assert found.coefficients["log n"] == pytest.approx(-0.3, abs=0.06)
    assert found.coefficients["tenure"] == pytest.approx(-0.05, abs=0.008)
    assert found.coefficients["intercept"] == pytest.approx(-0.5, abs=0.3)
    assert found.a + found.b == pytest.approx(80, rel=0.2)  # type: ignore[operator]
    assert ((found.mean - rates) ** 2).mean() < 0.9 * ((plain.mean - rates) ** 2).mean()
    few = n < 30
    assert abs((found.mean - rates)[few].mean()) < abs((plain.mean - rates)[few].mean())


def test_regression_is_at_the_top_of_the_likelihood() -> None:
    x, n, tenure, _ = taught(2, 400)
    found = beta_binomial(x, n, volume=True, covariates={"tenure": tenure})
    design = np.column_stack([np.ones(400), np.log(n), tenure])
    strength = found.a + found.b  # type: ignore[operator]

    def value(coefficients: np.ndarray, total: float) -> float:
        mean = 1 / (1 + np.exp(-design @ coefficients))
        return float(stats.betabinom.logpmf(x, n, total * mean, total * (1 - mean)).sum())

    at = np.array(list(found.coefficients.values()))
    top = value(at, strength)
    assert found.prior == pytest.approx(1 / (1 + np.exp(-design @ at)))
    for i, step in enumerate((0.01, 0.003, 0.001)):
        for sign in (-1, 1):
            moved = at.copy()
            moved[i] += sign * step
            assert value(moved, strength) < top
    assert max(value(at, strength * 0.98), value(at, strength * 1.02)) < top


def test_a_covariate_that_does_not_vary_is_left_out() -> None:
    plain, same = beta_binomial(X, N), beta_binomial(X, N, covariates={"tenure": [6] * 8})
    assert same.coefficients == plain.coefficients
    assert list(same.mean) == list(plain.mean)


# Undefined and impossible -------------------------------------------------------------------------------------------------------------
def test_people_without_a_sample_are_neither_used_nor_guessed() -> None:
    found, plain = beta_binomial([*X, 0, None], [*N, 0, 7], covariates={"tenure": [*range(8), None, None]}), beta_binomial(X, N)
    assert found.groups == plain.groups == 8
    for part in (found.mean, found.low, found.high, found.prior, found.exceeding(0.05)):
        assert np.isnan(part[8:]).all()
        assert not np.isnan(part[:8]).any()


def undefined(found: Shrunk) -> bool:
    return (found.a, found.b, found.method) == (None, None, None) and bool(np.isnan(found.mean).all()) and found.ranking(0.1).size == 0


def test_no_prior_says_why() -> None:
    for x, n, reason in (
        ([], [], "no sample"),
        ([0, None], [0, 5], "no sample"),
        ([3, 0], [10, 0], "one group"),
        ([0] * 30, [50] * 30, "no events"),
        ([50] * 30, [50] * 30, "only events"),
    ):
        found = beta_binomial(x, n)  # type: ignore[arg-type]
        assert found.reason == reason
        assert undefined(found)
    assert [beta_binomial([1, 2] * k, [30, 40] * k).few for k in (9, 10)] == [True, False]


def test_impossible_input_is_refused() -> None:
    for call, words in (
        (lambda: beta_binomial([1, 6], [5, 5]), "group 1: a count of 6 out of 5"),
        (lambda: beta_binomial([-1, 2], [5, 5]), "group 0: a count of -1 out of 5"),
        (lambda: beta_binomial([1], [5, 5]), "1 counts for 2 sizes"),
        (lambda: beta_binomial(X, N, level=1.0), r"a confidence level of 1\.0"),
        (lambda: beta_binomial(X, N, covariates={"tenure": [1, 2]}), "tenure: 2 values for 8 groups"),
        (lambda: beta_binomial(X, N, covariates={"tenure": [1, 2, None, 4, 5, 6, 7, 8]}), "tenure: no value for group 2"),
        (lambda: beta_binomial(X, N, volume=True, covariates={"log n": range(8)}), "log n: the name of the volume"),
        (lambda: benjamini_hochberg([0.5, 1.5]), "a p outside 0…1"),
        (lambda: benjamini_hochberg([0.5], 0), "a false discovery rate of 0"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


# False discoveries ----------------------------------------------------------------------------------------------------------------------
def test_the_fifteen_tests_of_benjamini_and_hochberg() -> None:
    """At 5 % the procedure believes the first four, Bonferroni the first three."""
    found = benjamini_hochberg(BH, 0.05)
    assert list(found.flagged) == [True] * 4 + [False] * 11
    assert sum(p <= 0.05 / 15 for p in BH) == 3
    assert found.tests == 15
    assert found.adjusted[3] == pytest.approx(0.0095 * 15 / 4)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=50), st.floats(0.001, 0.999))
def test_adjusted_p_are_scipys_and_missing_ones_no_tests(p: list[float | None], rate: float) -> None:
    found = benjamini_hochberg(p, rate)
    given_ = [v for v in p if v is not None]
    assert found.tests == len(given_)
    if given_:
        theirs = stats.false_discovery_control(given_)
        assert found.adjusted[[v is not None for v in p]] == pytest.approx(theirs)
        k = max((k for k, v in enumerate(sorted(given_), 1) if v <= k / len(given_) * rate * (1 - 1e-9)), default=0)
        assert found.flagged.sum() >= k
    assert not found.flagged[[v is None for v in p]].any()


def test_false_alarms_among_those_believed_stay_below_the_rate() -> None:
    """800 people, 80 of them really worse: of those believed at 10 %, at most a tenth are false on average."""
    rng = np.random.default_rng(9)
    false, worse = [], np.arange(800) < 80
    for _ in range(200):
        z = rng.normal(np.where(worse, 3.5, 0.0), 1.0)
        flagged = benjamini_hochberg(2 * stats.norm.sf(np.abs(z))).flagged
        false.append((flagged & ~worse).sum() / max(1, flagged.sum()))
    assert 0.06 < np.mean(false) < 0.105
