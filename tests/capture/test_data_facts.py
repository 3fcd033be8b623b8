"""`check` reads labels from all over the data, and is silent on what too few of them show."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from lossmon.capture import data_facts
from lossmon.capture.check import check
from lossmon.capture.first_look import CERTAIN_SAMPLES

N = 2 * CERTAIN_SAMPLES
BATCH = 32
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 5)).astype("float32")
WORDS = np.where(np.arange(6) < 4, RNG.integers(1, 9, (N, 6)), 0)
ONE_EACH = np.eye(5, dtype="float32")[np.arange(N) % 5]
SEVERAL = (RNG.random((N, 5)) < 0.4).astype("float32")
# The first samples are unlike the rest.
LATE = np.where(np.arange(N)[:, None] < 2 * BATCH, ONE_EACH, SEVERAL)
ELEMENTWISE = ["binary-loss-for-multiclass", "elementwise-accuracy-inflated"]


def classifier(units: int = 5, activation: str = "sigmoid", *more: Any) -> Any:
    model: Any = keras.Sequential([keras.Input((5,)), *more, layers.Dense(units, activation)])
    model.compile("sgd", "binary_crossentropy", metrics=["binary_accuracy"])
    return model


def tagger(activation: str, loss: str, metric: str) -> Any:
    """A model whose predictions carry a mask."""
    stack = [layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3, return_sequences=True)]
    model: Any = keras.Sequential(
        [keras.Input((6,), dtype="int32"), *stack, layers.Dense(5, activation)]
    )
    model.compile("sgd", loss, metrics=[metric])
    return model


def multi_label_tagger() -> Any:
    return tagger("sigmoid", "binary_crossentropy", "binary_accuracy")


def each_word(labels: np.ndarray) -> np.ndarray:
    return np.repeat(labels[:, None], 6, axis=1)


def rules(*arguments: Any) -> list[str]:
    return [finding.rule for finding in check(*arguments)]


class Batches(keras.utils.PyDataset):
    """Batches that may take their time.

    Args:
        x, y: of all samples.
        seconds: that a batch takes.
    """

    def __init__(self, x: Any, y: Any, seconds: float = 0.0) -> None:
        super().__init__()
        self.x, self.y, self.seconds = x, y, seconds

    def __len__(self) -> int:
        return N // BATCH

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        time.sleep(self.seconds)
        part = slice(BATCH * index, BATCH * (index + 1))
        return self.x[part], self.y[part]


def test_sorted_ids_under_a_mask_are_not_degenerate() -> None:
    model = tagger("softmax", "sparse_categorical_crossentropy", "accuracy")
    ids = each_word(np.sort(np.arange(N) % 5))
    assert rules(model, WORDS, ids) == []


def test_labels_under_a_mask_are_read_from_all_over_the_arrays() -> None:
    assert rules(multi_label_tagger(), WORDS, each_word(LATE)) == []
    assert rules(multi_label_tagger(), WORDS, each_word(ONE_EACH)) == ELEMENTWISE


def test_labels_under_the_masks_of_batches_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_facts, "LABEL_SECONDS", 3600.0)
    assert rules(multi_label_tagger(), Batches(WORDS, each_word(LATE))) == []
    assert rules(multi_label_tagger(), Batches(WORDS, each_word(ONE_EACH))) == ELEMENTWISE


def test_large_arrays_are_read_all_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_facts, "LABEL_VALUES", N)
    assert rules(classifier(), X, LATE) == []
    assert rules(classifier(), X, ONE_EACH) == ELEMENTWISE


def test_large_arrays_of_features_are_still_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_facts, "LABEL_VALUES", N)
    assert rules(classifier(), ONE_EACH, ONE_EACH) == []


class Slow(layers.Layer):
    """A layer that makes the model's own call a long one."""

    def call(self, inputs: Any) -> Any:
        time.sleep(0.1)
        return inputs


def test_the_models_own_call_takes_no_time_from_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_facts, "LABEL_SECONDS", 0.09)
    assert rules(classifier(5, "sigmoid", Slow()), Batches(X, LATE)) == []
    assert rules(classifier(5, "sigmoid", Slow()), Batches(X, ONE_EACH)) == ELEMENTWISE


@pytest.mark.parametrize("labels", [LATE, ONE_EACH], ids=["late", "one each"])
def test_batches_that_take_long_show_too_few_labels(
    labels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_facts, "LABEL_SECONDS", 0.0)
    assert rules(classifier(), Batches(X, labels, seconds=0.01)) == []


def test_of_batches_no_more_is_read_than_the_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_facts, "LABEL_SECONDS", 0.2)
    read = itertools.count()

    def endless() -> Iterator[Any]:
        while True:
            next(read)
            yield X[:BATCH], ONE_EACH[:BATCH]

    facts = data_facts.facts_of_batches(classifier(), endless())
    assert facts is not None
    assert not facts.complete
    labels = facts.outputs[0].labels
    assert labels is not None
    assert labels.samples == BATCH * (next(read) - 1)
