"""Samples from all over arrays: of every part, of every kind that takes turns, always the same."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.capture.spread import samples_within, spread_rows, taken


@given(st.integers(1, 5000), st.integers(1, 6000))
def test_places_are_spread(samples: int, count: int) -> None:
    rows = spread_rows(samples, count)
    assert np.array_equal(rows, np.unique(rows))
    assert (rows.min(), rows.max()) <= (samples / count, samples)
    assert rows.max() < samples
    assert np.diff(rows, prepend=0).max() <= 2 * max(1, samples / count) + 1
    assert len(rows) == samples if count >= samples else len(rows) <= count


@pytest.mark.parametrize("kinds", [2, 3, 10])
def test_kinds_that_take_turns_are_all_seen(kinds: int) -> None:
    rows = spread_rows(10_000, 10_000 // kinds)
    assert set(rows % kinds) == set(range(kinds))
    assert np.array_equal(rows, spread_rows(10_000, 10_000 // kinds))


def test_the_largest_array_bounds_the_samples() -> None:
    small, large = np.zeros((100, 2)), np.zeros((100, 4, 5))
    assert samples_within(1000, [small, None, np.float32(3)]) == 100
    assert samples_within(1000, {"a": small, "b": large}) == 50
    assert samples_within(3, large) == 1
    assert samples_within(7, None) == 7


def test_arrays_tensors_and_tables_are_taken_alike() -> None:
    import pandas as pd

    values, rows = np.arange(10), np.array([1, 4, 9])
    table: Any = pd.Series(values, index=values[::-1])
    kinds: list[Any] = [values, keras.ops.convert_to_tensor(values), table]
    assert [np.asarray(part).tolist() for part in taken(kinds, rows)] == [[1, 4, 9]] * 3
    alone = np.arange(5)
    assert taken([alone, None], rows)[0] is alone
