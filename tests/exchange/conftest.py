"""One training that Keras' own loggers and lossmon recorded side by side."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path
from typing import NamedTuple

import keras
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import lossmon

EPOCHS = 3


class Trained(NamedTuple):
    """Where each logger left its record, and the database of lossmon."""

    folder: Path
    db: str
    run: str

    def source(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("exchange")
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1)])
    # The accuracy cuts logits as if they were probabilities: a finding to hand on.
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
    watch = lossmon.Monitor(run="watched", db=str(folder / "runs.db"), verify="full")
    callbacks = [
        watch,
        keras.callbacks.CSVLogger(str(folder / "log.csv")),
        keras.callbacks.TensorBoard(str(folder / "events"), update_freq=1),  # pyright: ignore[reportArgumentType]
    ]
    with warnings.catch_warnings():
        # Of Keras' own TensorBoard callback, on its way to TensorFlow.
        warnings.simplefilter("ignore", DeprecationWarning)
        history = model.fit(
            *(x, y),
            batch_size=128,
            epochs=EPOCHS,
            validation_split=0.2,
            callbacks=callbacks,
            verbose=0,  # pyright: ignore[reportArgumentType]
        )
    (folder / "history.json").write_text(json.dumps(history.history))
    (folder / "history.pkl").write_bytes(pickle.dumps(history.history))
    return Trained(folder, str(folder / "runs.db"), "watched")
