"""Cox's regression against the leukaemia trial, statsmodels, a sum over risk sets written out, and identities."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metrics import survival
from metrics.hazard import Cox, cox
from tests.metrics.test_survival import PLACEBO, SIX_MP, parsed


def trial() -> tuple[list[float], list[bool], list[int]]:
    (a, da), (b, db) = parsed(SIX_MP), parsed(PLACEBO)
    return a + b, da + db, [0] * 21 + [1] * 21


def test_the_leukaemia_trial() -> None:
    """metrics.md 7.1: beta 1.572125, se .412397, HR 4.816873, which is exp of the beta as printed; unrounded it is 4.816874."""
    durations, events, placebo = trial()
    found = cox(durations, events, {"placebo": placebo})
    one = found.effect("placebo")
    assert one.beta is not None
    assert one.se is not None
    assert (round(one.beta, 6), round(one.se, 6), round(math.exp(round(one.beta, 6)), 6)) == (1.572125, 0.412397, 4.816873)
    assert one.ratio == math.exp(one.beta)
    assert one.low == pytest.approx(math.exp(one.beta - 1.959963984540054 * one.se))
    assert (found.n, found.events, found.reason) == (42, 30, None)
    assert survival.cox is cox


rows = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 6), st.booleans(), st.integers(0, 1), st.integers(-3, 3)), min_size=8, max_size=40
)


@given(rows, st.booleans())
@settings(max_examples=60, deadline=None)
def test_against_statsmodels(rows: list[tuple[int, int, bool, int, int]], late: bool) -> None:
    """PHReg's Efron likelihood, slope and curvature at what was found: ties in plenty, with and without late entry.

    PHReg counts those who enter at an event time among those at risk at it; entries are whole, so half a unit more takes them out.
    """
    regression = pytest.importorskip("statsmodels.duration.hazard_regression")
    entry, more, died, group, score = (np.array(column) for column in zip(*rows, strict=True))
    exits = (entry + more).astype(float)
    found = cox(exits, died, {"group": group, "score": score}, entry if late else None)
    assume(not found.reason and not any(effect.reason for effect in found.effects))
    x = np.column_stack([group, score]).astype(float)
    model = regression.PHReg(exits, x, status=died.astype(int), entry=entry + 0.5 if late else None, ties="efron")
    betas = np.array([effect.beta for effect in found.effects])
    assert found.log_likelihood == pytest.approx(model.loglike(betas), abs=1e-8)
    assert found.without == pytest.approx(model.loglike(np.zeros(2)), abs=1e-8)
    curvature = model.hessian(betas)
    assert model.score(betas) / np.sqrt(-np.diag(curvature)) == pytest.approx([0, 0], abs=1e-6)
    assert [effect.se for effect in found.effects] == pytest.approx(np.sqrt(np.diag(np.linalg.inv(-curvature))).tolist(), rel=1e-5)


def written_out(rows: list[tuple[int, int, bool, int, int]], beta: float) -> float:
    """Efron's log-likelihood of one covariate, one event after the other."""
    total = 0.0
    for time in {entry + more for entry, more, died, *_ in rows if died}:
        risk = [math.exp(beta * x) for entry, more, _, _, x in rows if entry < time <= entry + more]
        gone = [(beta * x, math.exp(beta * x)) for entry, more, died, _, x in rows if died and entry + more == time]
        for k in range(len(gone)):
            total += gone[k][0] - math.log(sum(risk) - k / len(gone) * sum(w for _, w in gone))
    return total


@given(rows)
def test_no_other_beta_does_better(rows: list[tuple[int, int, bool, int, int]]) -> None:
    entry, more, died, _, x = zip(*rows, strict=True)
    found = cox([a + b for a, b in zip(entry, more, strict=True)], died, {"x": x}, entry)
    (one,) = found.effects
    if one.beta is None or one.se is None:
        assert found.reason
        return
    best = written_out(rows, one.beta)
    assert found.log_likelihood == pytest.approx(best, abs=1e-8)
    for beta in (one.beta - one.se, one.beta - 0.01, one.beta + 0.01, one.beta + one.se, 0.0):
        assert written_out(rows, beta) <= best + 1e-9


@given(rows, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_order_and_units_do_not_matter(rows: list[tuple[int, int, bool, int, int]], shuffler: object) -> None:
    """Order does not matter; a covariate in other units has the same p."""

    def fitted(rows: list[tuple[int, int, bool, int, int]], unit: float = 1.0) -> Cox:
        entry, more, died, _, x = zip(*rows, strict=True)
        return cox([a + b for a, b in zip(entry, more, strict=True)], died, {"x": [unit * v + 7 for v in x]}, entry)

    found = fitted(rows)
    assume(not found.reason)
    shuffled = list(rows)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    again, feet = fitted(shuffled), fitted(rows, 3.28)
    assert again.effects[0].beta == pytest.approx(found.effects[0].beta, abs=1e-9)
    assert feet.effects[0].beta == pytest.approx((found.effects[0].beta or 0) / 3.28, abs=1e-9)
    assert feet.effects[0].p == pytest.approx(found.effects[0].p, abs=1e-9)


def test_the_ratio_put_in_comes_out_and_late_entry_matters() -> None:
    """20,000 people, hazard × 2 with a dormitory place and × 1.5 a standard deviation of pay cut; half come under observation late."""
    rng = np.random.default_rng(4)
    dormitory, cut = rng.integers(0, 2, 20_000), rng.normal(size=20_000)
    stay = rng.exponential(1 / (0.01 * 2.0**dormitory * 1.5**cut))
    since = np.where(rng.random(20_000) < 0.5, rng.uniform(0, 100, 20_000), -1.0)
    seen = stay > since
    end = np.minimum(stay, 150)[seen]
    found = cox(end, (stay < 150)[seen], {"dormitory": dormitory[seen], "cut": cut[seen]}, since[seen])
    for name, ratio in (("dormitory", 2.0), ("cut", 1.5)):
        one = found.effect(name)
        assert one.low is not None
        assert one.high is not None
        assert one.low < ratio < one.high
        assert one.high / one.low < 1.1
    assert found.p is not None
    assert found.p < 1e-12


def test_what_cannot_be_fitted_says_why() -> None:
    durations, events, placebo = trial()
    assert cox([], [], {"x": []}).reason == "nobody was watched"
    assert cox([3.0, 4.0], [False, False], {"x": [0, 1]}).reason == "nobody has left"
    assert cox(durations, events, {}).reason == "no covariate varies"
    assert cox(durations, events, {"x": [5] * 42}).reason == "no covariate varies"
    assert cox(durations, events, {"x": placebo, "y": [1 - p for p in placebo]}).reason == "covariates say the same"
    never = cox([1, 2, 6, 7], [True, True, True, True], {"x": [0, 0, 1, 1]}, entry=[0, 0, 5, 5])
    assert never.reason == "covariates never differ at an exit"
    separated = cox([1, 2, 3, 4, 5, 6], [True] * 6, {"x": [9, 7, 5, 3, 2, 1], "y": [0, 1, 0, 1, 1, 0]})
    assert separated.reason == "a covariate tells who leaves"
    assert [(e.name, e.beta, e.ratio, e.low, e.reason) for e in separated.effects] == [
        (n, None, None, None, separated.reason) for n in "xy"
    ]
    assert (separated.p, separated.log_likelihood, separated.n, separated.events) == (None, None, 6, 6)
    with pytest.raises(KeyError):
        separated.effect("z")


def test_a_constant_covariate_is_left_out() -> None:
    durations, events, placebo = trial()
    found, alone = cox(durations, events, {"site": [3] * 42, "placebo": placebo}), cox(durations, events, {"placebo": placebo})
    assert (found.effect("site").beta, found.effect("site").reason) == (None, "does not vary")
    assert found.effect("placebo") == alone.effect("placebo")


def test_impossible_input_is_refused() -> None:
    for covariates, words in (
        ({"x": [1, 2]}, "2 values of x for 3 rows"),
        ({"x": [1, math.nan, 2]}, "a value of x is missing or not finite"),
    ):
        with pytest.raises(ValueError, match=words):
            cox([1, 2, 3], [True] * 3, covariates)
    with pytest.raises(ValueError, match="exit that does not follow"):
        cox([3], [True], {"x": [1]}, entry=[3])
    with pytest.raises(ValueError, match="true or false"):
        cox([3, 4], [math.nan, False], {"x": [1, 2]})  # type: ignore[list-item]
    with pytest.raises(ValueError, match="a confidence level of 1"):
        cox(*trial()[:2], {"x": trial()[2]}, level=1)


def test_ties_hardly_move_the_ratio() -> None:
    """The same people, told by the hundredth of a day, the week and the fortnight."""
    rng = np.random.default_rng(9)
    x = rng.integers(0, 2, 3000)
    stay = rng.exponential(1 / (0.02 * 1.8**x))
    ratios = [cox(np.ceil(stay / unit), [True] * 3000, {"x": x}).effects[0].ratio or 0.0 for unit in (0.01, 7, 14)]
    assert all(abs(a / b - 1) < 0.03 for a, b in pairwise(ratios))
