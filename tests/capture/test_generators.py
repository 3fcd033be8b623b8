"""A generator that cannot be rewound: each batch is trained once, in order, and recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from tests.capture.conftest import features

BATCH, STEPS, EPOCHS = 8, 5, 3
X = features(BATCH * STEPS * EPOCHS)
Y = X[:, :1] * 3 - 1


class Source:
    """Batches that come once, and what became of them."""

    def __init__(self, count: int) -> None:
        self.given: list[int] = []
        self.count = count

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for number in range(self.count):
            self.given.append(number)
            part = slice(number * BATCH, (number + 1) * BATCH)
            yield X[part], Y[part]


def trained(source: Source, *callbacks: Any) -> list[Any]:
    keras.utils.set_random_seed(2)
    model: Any = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
    model.fit(
        iter(source),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    )
    return model.get_weights()


@pytest.mark.parametrize("verify", ["full", "off"])
def test_each_batch_is_trained_once_and_in_order(verify: Any, tmp_path: Path) -> None:
    alone, watched = Source(STEPS * EPOCHS), Source(STEPS * EPOCHS)
    weights = trained(alone)
    db = tmp_path / "runs.db"
    assert all(
        np.array_equal(a, b)
        for a, b in zip(weights, trained(watched, lossmon.Monitor(db, verify=verify)), strict=True)
    )
    assert watched.given == alone.given == list(range(STEPS * EPOCHS))
    document = lossmon.open_store(db).run_document("latest")
    trains = [row for row in document["epochs"] if row["split"] == "train"]
    assert [row["n"] for row in trains] == [STEPS * BATCH] * EPOCHS
    assert document["troubles"] == []


def test_the_losses_are_those_of_the_batches_in_order(tmp_path: Path) -> None:
    """A batch that was skipped, or came twice, would show."""
    own: list[float] = []

    class Own(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            part = slice(len(own) * BATCH, (len(own) + 1) * BATCH)
            predicted = X[part] @ np.asarray(self.model.layers[-1].kernel) + np.asarray(
                self.model.layers[-1].bias
            )
            own.append(float(np.mean((predicted - Y[part]) ** 2)))

    db = tmp_path / "runs.db"
    trained(Source(STEPS * EPOCHS), lossmon.Monitor(db, verify="full"), Own())
    store = lossmon.open_store(db)
    losses = store.batches(store.runs()["id"][0])["recomputed_loss"]
    assert np.asarray(losses) == pytest.approx(own, rel=1e-4)


def test_a_generator_that_ends_early_loses_nothing(tmp_path: Path) -> None:
    """Keras trains on the batches that it peeked at once more, in the epochs that are left."""
    steps: list[int] = []
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(batch)
    )
    source = Source(STEPS + 2)
    db = tmp_path / "runs.db"
    with pytest.warns(UserWarning, match="ran out of data"):
        trained(source, lossmon.Monitor(db, verify="full"), count)
    assert source.given == list(range(STEPS + 2))
    store = lossmon.open_store(db)
    batches = store.batches(store.runs()["id"][0])
    assert list(batches["batch"]) == steps
    assert set(batches["status"]) == {"verified"}
    assert len(steps) >= STEPS + 2
