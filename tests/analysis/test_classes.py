from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lossmon.analysis import class_levels, confusion, largest_losses, sample_row
from lossmon.records import SampleRecord, SampleSet


def record(
    labels: list[int] | None,
    predicted: list[int],
    loss: list[float],
    weights: list[float] | None = None,
) -> SampleRecord:
    truth = None if labels is None else np.array(labels)
    samples = SampleSet(
        np.arange(len(loss), dtype=np.uint64),
        "inputs",
        truth,
        None if weights is None else np.array(weights, np.float32),
    )
    answers: Any = np.array(predicted)
    right = None if truth is None else answers == truth
    return SampleRecord(0, "val", None, np.array(loss, np.float32), right, None, answers, samples)


RECORD = record([3, 3, 5, 5, 7], [3, 5, 5, 3, 5], [0.5, 2.0, 0.25, 4.0, 9.0], [1, 1, 1, 1, 0])


def test_labels_are_counted_against_predictions_without_masked_samples() -> None:
    found = confusion(RECORD)
    assert found is not None
    assert (found.classes.tolist(), found.counts.tolist()) == ([3, 5], [[1, 1], [1, 1]])
    assert found.left_out == 0


def test_of_many_classes_those_that_are_mistaken_are_shown() -> None:
    found = confusion(record([0, 1, 2, 3, 4], [0, 4, 2, 3, 4], [0.1] * 5), most=3)
    assert found is not None
    assert (found.classes.tolist(), found.left_out) == ([0, 1, 4], 2)
    assert found.counts.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]


def test_each_class_has_its_share_right_and_its_loss() -> None:
    assert [tuple(level) for level in class_levels(RECORD)] == [
        (3, 2, 0.5, 1.25),
        (5, 2, 0.5, 2.125),
    ]


def test_where_samples_have_no_class_there_is_nothing_to_tell() -> None:
    odd = record(None, [1, 2], [1.0, 2.0])
    assert (confusion(odd), class_levels(odd)) == (None, [])


def test_the_worst_samples_come_first_and_what_is_no_number_before_all() -> None:
    odd = record([0, 1, 0], [0, 0, 0], [1.0, math.nan, 3.0])
    assert largest_losses(odd, 2).tolist() == [1, 2]
    assert largest_losses(RECORD, 2).tolist() == [3, 1]
    assert sample_row(RECORD, 3) == {
        "position": 3,
        "key": "0000000000000003",
        "loss": pytest.approx(4.0),
        "label": 5,
        "predicted": 3,
        "confidence": None,
        "correct": False,
    }
