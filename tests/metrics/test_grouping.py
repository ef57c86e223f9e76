"""Groups as numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metrics.grouping import numbered


@given(st.lists(st.one_of(st.text(max_size=2), st.integers(0, 3), st.none())))
def test_numbers_lead_back_to_the_values(values: list[str | int | None]) -> None:
    numbers, names = numbered(values)
    assert [names[i] for i in numbers] == values
    assert len(set(names)) == len(names) == len(set(values))
    assert names == list(dict.fromkeys(values))
