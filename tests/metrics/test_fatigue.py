"""Against an ordinary regression with every dummy written out, effects put in by hand, and the coverage of the interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from metrics.fatigue import Fatigue, fit


def made(
    seed: int, people: int = 12, days: int = 5, units: int = 24, slope: float = 0.03, spread: float = 0.0
) -> tuple[Sequence[object], ...]:
    """Shifts of eight hours in two projects, the hard one mostly late; seconds grow by `slope` an hour, a person's own ± `spread`."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        own = slope + rng.normal(0, spread)
        for day in range(days):
            level = rng.normal(0, 0.3)
            for since in np.sort(rng.uniform(0, 8, units)):
                hard = rng.random() < since / 10
                rest = (since % 2) * 60
                log = 4 + level + own * since + 0.7 * hard + 0.001 * rest + rng.normal(0, 0.1)
                rows.append((math.exp(log), since, person, day, "hard" if hard else "easy", rest))
    return tuple(zip(*rows, strict=True))


def test_against_all_dummies_written_out() -> None:
    """Frisch–Waugh–Lovell: the same coefficients and the same clustered errors as least squares with a column for every shift."""
    stats = pytest.importorskip("scipy.stats")
    seconds, since, person, day, project, rest = (np.array(column) for column in made(1))
    found = fit(seconds, since, person.tolist(), day.tolist(), project.tolist(), rest)
    used = since >= 0.25
    hour, shift = np.floor(since[used]).astype(int) + 1, (person * 100 + day)[used]
    x = np.column_stack(
        [hour == h for h in (1, 3, 4, 5, 6, 7, 8)] + [project[used] == "hard", rest[used]] + [shift == s for s in np.unique(shift)]
    ).astype(float)
    y = np.log(seconds[used])
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    left, bread = y - x @ beta, np.linalg.inv(x.T @ x)
    scores = np.array([x[person[used] == p].T @ left[person[used] == p] for p in range(12)])
    n, k = len(y), 9
    errors = np.sqrt(np.diag(bread @ scores.T @ scores @ bread) * 12 / 11 * (n - 1) / (n - k))
    reach = stats.t.ppf(0.975, 11) * errors
    others = [row for row in found.hours if row.hour != 2]
    assert [row.change for row in others] == pytest.approx(np.expm1(beta[:7]))
    assert [row.low for row in others] == pytest.approx(np.expm1(beta - reach)[:7])
    assert [row.high for row in others] == pytest.approx(np.expm1(beta + reach)[:7])
    assert (found.n, found.shifts, found.people) == (n, 60, 12)
    assert sum(row.n for row in found.hours) == n


def test_blocks_of_shifts_say_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in any order, shifts summed seven at a time; names of people and shifts that are far apart as numbers."""
    seconds, since, person, day, project, rest = (np.array(column) for column in made(4))
    whole = fit(seconds, since, person, day, project.tolist(), rest)
    order = np.random.default_rng(0).permutation(len(seconds))
    monkeypatch.setattr("metrics.fatigue._CELLS", 7 * 11)
    monkeypatch.setattr("metrics.fatigue._SMALL", 0)
    parts = fit(seconds[order], since[order], 10**9 * person[order], 10**12 * day[order], project[order].tolist(), rest[order])
    assert (parts.n, parts.shifts, parts.people) == (whole.n, whole.shifts, whole.people) == (sum(since >= 0.25), 60, 12)
    for a, b in zip(parts.hours, whole.hours, strict=True):
        assert (a.hour, a.n, a.alert) == (b.hour, b.n, b.alert)
        assert (a.change, a.low, a.high) == pytest.approx((b.change, b.low, b.high), abs=1e-9)
    assert (parts.slope, parts.low, parts.high) == pytest.approx((whole.slope, whole.low, whole.high), abs=1e-9)


def test_the_slope_put_in_comes_out_and_hard_work_kept_for_late_does_not_count() -> None:
    data = made(2, people=30)
    found = fit(*data)  # type: ignore[arg-type]
    assert found.low is not None
    assert found.high is not None
    assert found.low < math.expm1(0.03) < found.high
    pooled = fit(*data[:4])  # type: ignore[arg-type]
    assert (pooled.slope or 0) > 2 * (found.slope or 0)
    assert found.hours[1].change == 0
    assert [row.alert for row in found.hours] == [False] * 6 + [(row.change or 0) > 0.15 for row in found.hours[6:]]


def test_the_interval_holds_the_truth_when_people_differ() -> None:
    inside = 0
    for seed in range(60):
        found = fit(*made(seed, people=20, days=3, units=12, spread=0.02))  # type: ignore[arg-type]
        assert found.low is not None
        assert found.high is not None
        inside += found.low < math.expm1(0.03) < found.high
    assert inside >= 52


def test_alert_only_when_sure() -> None:
    rng = np.random.default_rng(0)
    rows = [(100 * 1.3 ** (h >= 5) * math.exp(rng.normal(0, 0.02)), h + 0.5, p, d) for p in range(5) for d in range(6) for h in range(8)]
    assert [row.hour for row in fit(*zip(*rows, strict=True)).hours if row.alert] == [6, 7, 8]
    loose = [(s * math.exp(rng.normal(0, 3)), *rest) for s, *rest in rows]
    assert not any(row.alert for row in fit(*zip(*loose, strict=True)).hours if (row.low or 0) <= 0)


def test_what_cannot_be_told() -> None:
    def shifts(n: int, hours: Sequence[float]) -> Fatigue:
        rows = [(100.0 + h, h, "a", day) for day in range(n) for h in hours]
        return fit(*zip(*rows, strict=True)) if rows else fit([], [], [], [])

    assert shifts(19, [0.5, 1.5]).reason == "too few shifts"
    assert shifts(0, []).hours == ()
    assert shifts(20, [0.5, 2.5]).reason == "no work in the reference hour"
    assert shifts(20, [0.1, 1.5, 2.5]).n == 40
    apart = [(100.0, 1.5, "a", day) for day in range(20)] + [(200.0, 5.5, "a", 100 + day) for day in range(20)]
    never = fit(*zip(*apart, strict=True))
    assert [(row.hour, row.change) for row in never.hours] == [(2, 0.0), (6, None)]
    assert never.slope is None
    for seconds, hours in ((0.0, 1.0), (math.inf, 1.0), (math.nan, 1.0), (1.0, math.inf), (1.0, math.nan), (1.0, -1.0)):
        with pytest.raises(ValueError, match="not above 0"):
            fit([seconds], [hours], ["a"], [1])
    with pytest.raises(ValueError, match="differ in length"):
        fit([1.0], [1.0], ["a"], [])
