"""Trainings that are validated on their own training data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.capture.repeated import COMPARED_VALUES, repeated_samples
from tests.capture.conftest import classes, dense, features

X = np.random.default_rng(3).random((72, 6), np.float32)


def changed(values: np.ndarray, row: int) -> np.ndarray:
    copy = values.copy()
    copy[row] += 1
    return copy


def test_the_same_arrays_are_found_and_equal_ones() -> None:
    missing = X.copy()
    missing[4, 2] = np.nan
    words = np.array([["a"], ["b"], ["c"]])
    assert repeated_samples(X, X) == 72
    assert repeated_samples(X, X.copy()) == 72
    assert repeated_samples(missing, missing.copy()) == 72
    assert repeated_samples(words, words.copy()) == 3
    assert repeated_samples([X, X[:, :1]], (X, X[:, :1])) == 72
    assert repeated_samples({"a": X}, {"a": X.copy()}) == 72


@pytest.mark.parametrize(
    "validated",
    [X[:50], X[::-1], changed(X, 71), X.astype(np.float64), [X, X], None, X.tolist()],
    ids=["fewer", "another order", "one differs", "another type", "two", "none", "a list"],
)
def test_others_are_not(validated: Any) -> None:
    assert repeated_samples(X, validated) is None


def test_samples_that_are_all_alike_tell_nothing() -> None:
    assert repeated_samples(np.ones((72, 6)), np.ones((72, 6))) is None
    assert repeated_samples([np.ones((72, 6)), X], [np.ones((72, 6)), X]) == 72


def test_large_arrays_are_compared_in_part() -> None:
    large = np.arange(8 * COMPARED_VALUES, dtype=np.float32).reshape(-1, 16)
    assert repeated_samples(large, large.copy()) == len(large)
    # As where the data were shuffled, or another half of them is meant.
    assert repeated_samples(large, np.roll(large, 1, axis=0)) is None


@pytest.mark.parametrize(
    ("validation", "found"),
    [
        ({"validation_data": (features(), classes())}, True),
        ({"validation_data": (features(90)[18:], classes(90)[18:])}, False),
        ({"validation_split": 0.5}, False),
        ({}, False),
    ],
    ids=["on training data", "on others", "on a half", "not at all"],
)
def test_a_training_is_told(record: Any, validation: dict[str, Any], found: bool) -> None:
    model = dense()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    run = record(model, features(), classes(), epochs=1, **validation)
    told = [finding for finding in run.document["findings"] if finding["code"] == "LM505"]
    assert bool(told) is found
    if told:
        assert told[0]["severity"] == "warning"
        assert told[0]["message"].startswith("all 72 validation samples are the training samples")
