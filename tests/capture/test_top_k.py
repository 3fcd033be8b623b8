"""An accuracy that counts several guesses of a sample, through `fit`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.analysis import verdict
from tests.capture.conftest import classes, dense, features


def recorded(name: str, db: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """A model that was trained, its run, and the last epoch on its validation data."""
    keras.utils.set_random_seed(5)
    model = dense()
    metric = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name=name)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[metric])
    fit: dict[str, Any] = {"epochs": 2, "verbose": 0, "validation_data": (features(), classes())}
    monitor = lossmon.Monitor(db)
    model.fit(features()[:20], classes()[:20], callbacks=[monitor], **fit)
    document = lossmon.open_store(db).run_document("latest")
    (last,) = [row for row in document["epochs"] if (row["epoch"], row["split"]) == (1, "val")]
    return model, document, last


def first_guesses(model: Any) -> float:
    return float(np.mean(np.argmax(model.predict(features(), verbose=0), axis=-1) == classes()))


def test_one_that_is_called_accuracy_is_recorded_with_the_one_that_was_meant(db: str) -> None:
    model, document, last = recorded("accuracy", db)
    assert last["intended_accuracy"] == pytest.approx(first_guesses(model))
    assert last["reported_accuracy"] > last["intended_accuracy"]
    counts = np.bincount(classes())
    assert last["baselines"]["majority_accuracy"] == pytest.approx(counts.max() / counts.sum())
    assert "is misread" in verdict(document).text


def test_one_that_says_so_is_compared_with_what_as_many_guesses_reach(db: str) -> None:
    model, document, last = recorded("top_2_accuracy", db)
    assert last["intended_accuracy"] is None
    counts = np.sort(np.bincount(classes()))
    expected = counts[-2:].sum() / counts.sum()
    assert last["baselines"]["majority_accuracy"] == pytest.approx(expected)
    assert last["correct"] / last["judged"] == pytest.approx(first_guesses(model))
    assert f"the largest alone is right on {first_guesses(model):.3g}" in verdict(document).text
