"""Against metrics.md T-18, dates counted by hand over a Chinese holiday, and an exact distribution."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.forecast import Calendar, finish, little

# National Day 2025: off 1–8 October, worked Sunday 28 September and Saturday 11 October (General Office of the State Council, 2024).
NATIONAL = Calendar(off=frozenset(date(2025, 10, d) for d in range(1, 9)), working=frozenset({date(2025, 9, 28), date(2025, 10, 11)}))


def test_a_holiday_with_working_weekends_by_hand() -> None:
    """From Friday 26 September: 26, Sun 28, 29, 30, then 9, 10, Sat 11, 13 October."""
    days = [day.isoformat()[5:] for day in islice(NATIONAL.days(date(2025, 9, 26)), 8)]
    assert days == ["09-26", "09-28", "09-29", "09-30", "10-09", "10-10", "10-11", "10-13"]
    found = finish([100] * 20, 650, date(2025, 9, 26), NATIONAL, due=date(2025, 10, 10))
    assert (found.p50, found.p80, found.p95, found.on_time) == (date(2025, 10, 11),) * 3 + (0.0,)
    assert finish([100] * 20, 600, date(2025, 9, 27), NATIONAL, due=date(2025, 10, 11)).p50 == date(2025, 10, 11)
    assert finish([100] * 20, 500, date(2025, 9, 26), NATIONAL, rework=0.3).remaining == 650
    assert finish([100] * 20, 500, date(2025, 9, 26), NATIONAL, rework=0.3).p50 == date(2025, 10, 11)
    six = Calendar(week=frozenset(range(6)))
    assert [six.works(date(2025, 9, d)) for d in (27, 28)] == [True, False]


def test_against_the_exact_distribution_of_blocks() -> None:
    """Ten days, 0 for five and 100 for five: with blocks of five, 300 units are done within five days in 5 of the 10 starts."""
    found = finish([0] * 5 + [100] * 5, 300, date(2026, 1, 5), due=date(2026, 1, 9), draws=40_000)
    assert found.on_time == pytest.approx(sum(min(abs(5 - s), 10) <= 2 for s in range(10)) / 10, abs=0.01)


def test_weekdays_are_drawn_from_their_own() -> None:
    """Mondays bring nothing, other days 100: from a Monday 400 units end on the Friday, always; and by blocks they need not."""
    first = date(2026, 3, 2)
    dates = list(islice(Calendar().days(first), 20))
    past = [0.0 if day.weekday() == 0 else 100.0 for day in dates]
    found = finish(past, 400, date(2026, 3, 30), dates=dates, due=date(2026, 4, 3))
    assert (found.p50, found.p95, found.on_time) == (date(2026, 4, 3), date(2026, 4, 3), 1.0)
    saturday = Calendar(working=frozenset({date(2026, 4, 4)}))
    assert finish(past, 480, date(2026, 3, 30), saturday, dates=dates).p50 == date(2026, 4, 4)


def test_only_the_last_twenty_days_count_and_the_seed_decides() -> None:
    rng = np.random.default_rng(1)
    past = rng.gamma(4, 25, 20).tolist()
    start = date(2026, 3, 2)
    found = finish(past, 3000, start, due=date(2026, 4, 10), seed=4)
    assert found == finish([0.0] * 30 + past, 3000, start, due=date(2026, 4, 10), seed=4)
    assert found == finish(past, 3000, start, due=date(2026, 4, 10), seed=4)
    assert found.p50 is not None
    assert found.p95 is not None
    expected = next(islice(Calendar().days(start), int(3000 / np.mean(past)), None))
    assert abs(found.p50 - expected) <= timedelta(days=4)
    assert found.p50 < found.p95


def test_few_days_of_history_need_a_prior() -> None:
    few = finish([100] * 7, 500, date(2026, 3, 2))
    assert (few.p50, few.basis, few.n, few.reason) == (None, "prior", 7, "too little history")
    given = finish([], 500, date(2026, 3, 2), prior=(99.9, 100, 130))
    assert (given.p95, given.basis, given.reason) == (date(2026, 3, 6), "prior", None)
    sure = finish([], 500, date(2026, 3, 2), prior=(100, 100, 100))
    assert (sure.p50, sure.p95) == (date(2026, 3, 6), date(2026, 3, 6))
    for prior in ((-10, -5, -1), (130, 100, 99), (nan, 100, 100), (1, 3, 2)):
        with pytest.raises(ValueError, match="not least, likeliest and most"):
            finish([], 500, date(2026, 3, 2), prior=prior)


def test_a_triangular_prior_by_hand() -> None:
    """Least and likeliest 0, most 100 a day: one day brings 50 units in (1 − 50/100)² = 25 of 100 cases."""
    found = finish([], 50, date(2026, 3, 2), prior=(0, 0, 100), due=date(2026, 3, 2), draws=40_000)
    assert found.on_time == pytest.approx(0.25, abs=0.01)


def test_what_never_ends_and_what_is_done() -> None:
    never = finish([0] * 20, 1, date(2026, 3, 2), due=date(2027, 3, 2))
    assert (never.p50, never.on_time, never.reason) == (None, 0.0, "beyond the horizon")
    done = finish([5] * 20, 0, date(2026, 3, 2))
    assert (done.p50, done.reason) == (None, "nothing remains")
    for bad in ({"remaining": -1}, {"throughput": [nan] * 20}, {"throughput": [-1] * 20}, {"rework": -0.1}):
        with pytest.raises(ValueError, match="not below 0"):
            finish(**({"throughput": [1] * 20, "remaining": 5, "start": date(2026, 3, 2)} | bad))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="differ in length"):
        finish([1] * 20, 5, date(2026, 3, 2), dates=[date(2026, 3, 2)])
    days = list(islice(Calendar().days(date(2026, 3, 2)), 10))
    for dates in (days[::-1], [*days[:9], days[8]]):
        with pytest.raises(ValueError, match="not in order, or a day given twice"):
            finish([1] * 10, 5, date(2026, 4, 1), dates=dates)
    with pytest.raises(ValueError, match="both off and worked"):
        Calendar(off=frozenset({date(2026, 3, 2)}), working=frozenset({date(2026, 3, 2)}))
    with pytest.raises(ValueError, match="weekdays"):
        Calendar(week=frozenset())


@given(st.lists(st.integers(1, 100), min_size=8, max_size=20), st.integers(1, 500), st.integers(0, 5))
def test_dates_are_worked_in_order_and_no_sooner_than_the_best_days_allow(past: list[int], remaining: int, seed: int) -> None:
    start = date(2025, 9, 26)
    found = finish(past, remaining, start, NATIONAL, draws=200, seed=seed)
    assert found.p50 is not None
    assert found.p80 is not None
    assert found.p95 is not None
    assert found.p50 <= found.p80 <= found.p95
    assert all(NATIONAL.works(day) for day in (found.p50, found.p80, found.p95))
    ahead = list(islice(NATIONAL.days(start), 501))
    assert ahead[-(-remaining // max(past)) - 1] <= found.p50 <= found.p95 <= ahead[-(-remaining // min(past)) - 1]


def test_little() -> None:
    """metrics.md T-18: 12,000 in progress at 3,000 a day is 4.0 days; 160 bottles at 8 a month 20 months; an alarm beyond 20 %."""
    assert (little(12_000, 3_000).cycle, little(160, 8).cycle) == (4.0, 20.0)
    assert [(little(100, 10, w).gap, little(100, 10, w).apart) for w in (10, 8, 12.5, 7.5)] == [
        (0, False), (pytest.approx(0.2), False), (0.25, True), (0.25, True),
    ]  # fmt: skip
    assert (little(5, 0).cycle, little(5, 0).reason) == (None, "nothing comes out")
    assert little(0, 5, 3).gap is None
    with pytest.raises(ValueError, match="-1 in progress"):
        little(-1, 1)
