from datetime import date

import pytest

from metrics.model import QueryError
from metrics.period import Period, Preset, resolve

THURSDAY = date(2026, 3, 12)


@pytest.mark.parametrize(
    ("preset", "start", "end", "before"),
    [
        ("today", "2026-03-12", "2026-03-12", ("2026-03-11", "2026-03-11")),
        ("yesterday", "2026-03-11", "2026-03-11", ("2026-03-10", "2026-03-10")),
        ("last_7_days", "2026-03-06", "2026-03-12", ("2026-02-27", "2026-03-05")),
        ("last_28_days", "2026-02-13", "2026-03-12", ("2026-01-16", "2026-02-12")),
        ("this_week", "2026-03-09", "2026-03-12", ("2026-03-02", "2026-03-05")),
        ("this_month", "2026-03-01", "2026-03-12", ("2026-02-01", "2026-02-12")),
        ("last_month", "2026-02-01", "2026-02-28", ("2026-01-01", "2026-01-31")),
        ("this_quarter", "2026-01-01", "2026-03-12", ("2025-10-01", "2025-12-10")),
    ],
)
def test_presets_and_what_they_are_compared_with(preset: Preset, start: str, end: str, before: tuple[str, str]) -> None:
    period = resolve(preset, THURSDAY)
    assert (str(period.start), str(period.end)) == (start, end)
    earlier = period.before("previous")
    assert (str(earlier.start), str(earlier.end)) == before


def test_a_month_is_compared_to_its_last_day() -> None:
    march = Period(date(2026, 3, 1), date(2026, 3, 31))
    assert march.before("previous") == Period(date(2026, 2, 1), date(2026, 2, 28))
    assert Period(date(2026, 2, 1), date(2026, 2, 28)).before("previous") == Period(date(2026, 1, 1), date(2026, 1, 31))
    assert resolve("this_month", date(2026, 3, 30)).before("previous") == Period(date(2026, 2, 1), date(2026, 2, 28))


def test_a_year_earlier_keeps_the_weekday() -> None:
    earlier = Period(THURSDAY, THURSDAY).before("last_year")
    assert earlier.start is not None
    assert (earlier.start, earlier.start.weekday()) == (date(2025, 3, 13), THURSDAY.weekday())


def test_a_range_must_not_end_before_it_starts_and_a_comparison_needs_both_ends() -> None:
    with pytest.raises(QueryError, match=r"ends .* before it starts"):
        Period(date(2026, 3, 2), date(2026, 3, 1))
    with pytest.raises(QueryError, match="first and a last day"):
        resolve("all", THURSDAY).before("previous")
