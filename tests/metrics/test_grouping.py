"""Groups as numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.grouping import numbered


@given(st.lists(st.one_of(st.text(max_size=2), st.integers(0, 3), st.none())))
def test_numbers_lead_back_to_the_values(values: list[str | int | None]) -> None:
    numbers, names = numbered(values)
    assert [names[i] for i in numbers] == values
    assert len(set(names)) == len(names) == len(set(values))
    assert names == list(dict.fromkeys(values))


@given(st.lists(st.integers(-5, 5)), st.integers(1, 10**6), st.sampled_from([np.int64, np.int32]))
def test_whole_numbers_near_each_other_or_far_apart_are_numbered_as_lists_are(values: list[int], unit: int, kind: type) -> None:
    numbers, names = numbered(np.array([unit * v for v in values], dtype=kind))
    want, theirs = numbered([unit * v for v in values])
    assert (numbers.tolist(), names) == (want.tolist(), theirs)


@given(st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(float("nan")))))
def test_arrays_are_numbered_as_lists_are_and_nan_is_one_group(values: list[float]) -> None:
    for given_ in (values, np.array(values), np.array(values, dtype=object), [v + 0.0 for v in values]):
        numbers, names = numbered(given_)
        assert len(names) == len({repr(v) for v in values})
        assert [names[i] for i in numbers] == pytest.approx(values, nan_ok=True)
        assert [repr(float(name)) for name in names] == list(dict.fromkeys(repr(v) for v in values))
