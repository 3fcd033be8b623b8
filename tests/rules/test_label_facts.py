"""Label facts add up: splitting, weights of zero and dtypes change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lossmon.rules import describe_labels
from lossmon.rules.label_facts import DISTINCT_CAP

LABELS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(2, 12), st.integers(1, 4)),
    elements=st.one_of(st.sampled_from([0.0, 1.0, 2.0, -1.0, 0.5]), st.floats(-1e3, 1e3)),
)


@settings(max_examples=80, deadline=None)
@given(LABELS, st.integers(1, 11))
def test_splitting_a_batch_changes_nothing(labels: np.ndarray, at: int) -> None:
    at = min(at, len(labels) - 1)
    merged = describe_labels(labels[:at]).merge(describe_labels(labels[at:]))
    whole = describe_labels(labels)
    assert (merged.mean, merged.variance) == pytest.approx((whole.mean, whole.variance), abs=1e-9)
    assert replace(merged, mean=whole.mean, variance=whole.variance) == whole


@settings(max_examples=50, deadline=None)
@given(LABELS, st.data())
def test_a_weight_of_zero_is_absence(labels: np.ndarray, data: st.DataObject) -> None:
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(labels), max_size=len(labels))))
    weighted = describe_labels(labels, weight=kept * 2.5)
    alone = describe_labels(labels[kept])
    assert (weighted.minimum, weighted.maximum) == (alone.minimum, alone.maximum)
    assert (weighted.distinct, weighted.rows) == (alone.distinct, alone.rows)
    assert weighted == describe_labels(labels, mask=kept)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32"])
def test_the_dtype_does_not_matter(dtype: str) -> None:
    facts = describe_labels(np.eye(3)[[0, 1, 2, 1]].astype(dtype))
    assert facts.integer_valued
    assert facts.only(0.0, 1.0)
    assert facts.rows is not None
    assert (facts.rows.one_hot, facts.rows.hot) == (4, (0, 1, 2))


def test_rows_are_counted_by_kind() -> None:
    rows = np.array([[0, 0, 0], [0, 1, 0], [1, 1, 0], [0.2, 0.3, 0.5], [40, 30, 30]])
    counted = describe_labels(rows).rows
    assert counted is not None
    assert (counted.rows, counted.zero, counted.one_hot) == (5, 1, 1)
    assert (counted.multi_hot, counted.distribution) == (1, 2)
    assert (counted.sum_min, counted.sum_max) == (0.0, 100.0)


def test_rows_lie_along_the_class_axis() -> None:
    first = np.moveaxis(np.eye(3)[[[0, 1], [2, 2]]], -1, 1)
    counted = describe_labels(first, class_axis=1).rows
    assert counted is not None
    assert (counted.rows, counted.width, counted.one_hot) == (4, 3, 4)


def test_weights_per_step_leave_out_steps() -> None:
    ids = np.array([[1, 2, -1], [3, -1, -1]])
    facts = describe_labels(ids, weight=ids >= 0)
    assert (facts.minimum, facts.maximum, facts.elements) == (1.0, 3.0, 3)


def test_values_that_are_no_numbers_are_counted() -> None:
    facts = describe_labels(np.array([1.0, np.nan, np.inf]))
    assert (facts.nonfinite, facts.minimum, facts.maximum) == (2, 1.0, 1.0)


def test_many_values_are_as_good_as_continuous() -> None:
    few, many = np.arange(DISTINCT_CAP), np.arange(DISTINCT_CAP + 1)
    assert len(describe_labels(few).distinct or ()) == DISTINCT_CAP
    facts = describe_labels(many)
    assert facts.distinct is None
    assert facts.distinct_text == f"more than {DISTINCT_CAP}"
    assert not facts.only(*range(DISTINCT_CAP + 1))


def test_no_labels_at_all() -> None:
    facts = describe_labels(np.zeros(4), weight=np.zeros(4))
    assert (facts.elements, facts.minimum) == (0, None)
    assert not facts.within(-1, 1)
    assert facts.merge(describe_labels(np.ones(2))).minimum == 1.0
