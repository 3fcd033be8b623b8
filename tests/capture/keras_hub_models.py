"""Models of KerasHub, with random weights: run by `make matrix ARGS=keras-hub`.

Not collected by other runs: KerasHub brings a TensorFlow of its own choice.
"""

from __future__ import annotations

from typing import Any

import keras
import keras_hub  # pyright: ignore[reportMissingImports]
import numpy as np
import pytest

import lossmon

# Of KerasHub, which makes data sets of arrays.
pytestmark = pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")

VOCABULARY, LENGTH = 50, 12
SMALL: dict[str, Any] = {
    "vocabulary_size": VOCABULARY,
    "num_layers": 1,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 32,
    "max_sequence_length": LENGTH,
}


@pytest.fixture
def tokens() -> tuple[Any, Any]:
    chance = np.random.default_rng(0)
    there = np.arange(LENGTH) < chance.integers(4, LENGTH + 1, (64, 1))
    return chance.integers(1, VOCABULARY, (64, LENGTH)) * there, there


def trained(model: keras.Model, *data: Any, db: str, **fit: Any) -> dict[str, Any]:
    monitor = lossmon.Monitor(db, verify="full")
    model.fit(*data, epochs=2, batch_size=16, verbose=0, callbacks=[monitor], **fit)  # pyright: ignore[reportArgumentType]
    run = lossmon.open_store(db).run("latest")
    assert (run["status"], run["verified"], run["troubles"]) == ("finished", 1.0, [])
    assert [f for f in run["findings"] if f["severity"] != "info"] == []
    return run


def test_a_classifier_of_texts(db: str, tokens: tuple[Any, Any]) -> None:
    ids, there = tokens
    backbone = keras_hub.models.BertBackbone(**SMALL)
    model = keras_hub.models.BertTextClassifier(backbone, num_classes=2, preprocessor=None)
    inputs = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": there}
    run = trained(model, inputs, ids[:, 0] > VOCABULARY // 2, db=db, validation_split=0.25)
    assert run["outputs"][0]["accuracy_metric"] == "SparseCategoricalAccuracy()"
    assert {row["split"] for row in run["epochs"]} == {"train", "val"}


def test_a_language_model(db: str, tokens: tuple[Any, Any]) -> None:
    ids, there = tokens
    backbone = keras_hub.models.GPT2Backbone(**SMALL)
    model = keras_hub.models.GPT2CausalLM(backbone, preprocessor=None)
    weight = np.roll(there, -1, axis=1).astype("float32")
    weight[:, -1] = 0.0
    inputs = {"token_ids": ids, "padding_mask": there}
    run = trained(model, inputs, np.roll(ids, -1, axis=1), db=db, sample_weight=weight)
    assert run["outputs"][0]["loss"] == "sparse_categorical_crossentropy"
