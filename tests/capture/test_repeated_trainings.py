"""Trainings with several seeds are recognised by what is recorded of a `fit` alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import lossmon
from lossmon.analysis import Weighing, weigh
from tests.capture.conftest import features

X = features(96)
Y = (X[:, 0] > 0).astype("float32")


def compiled(rate: float, *, dropout: float = 0.0) -> Any:
    layers = [keras.Input((6,)), keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid")]
    model: Any = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def train(db: Path, name: str, model: Any, x: Any = X) -> None:
    monitor = lossmon.Monitor(db, run=name)
    model.fit(
        x[:64],
        Y[:64],
        validation_data=(x[64:], Y[64:]),
        epochs=1,
        verbose=0,
        callbacks=[monitor],
    )


def weighed(db: Path, *names: str) -> Weighing:
    store = lossmon.open_store(db)
    documents = [store.run_document(name) for name in names]
    (found,) = weigh(
        documents, names, lambda run, epoch, out: store.samples(run, epoch, output=out)
    )
    return found


def test_settings_with_several_seeds_are_compared_over_them(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    for rate in (0.001, 0.1):
        for seed in (0, 1):
            keras.utils.set_random_seed(seed)
            train(db, f"{rate}-{seed}", compiled(rate))
    found = weighed(db, "0.001-0", "0.001-1", "0.1-0", "0.1-1")
    assert {group.name: group.runs for group in found.groups} == {
        "optimizer.learning_rate=0.001": ("0.001-0", "0.001-1"),
        "optimizer.learning_rate=0.1": ("0.1-0", "0.1-1"),
    }
    assert {difference.basis for difference in found.group_differences} == {"seeds"}
    run = lossmon.open_store(db).run("0.1-1")
    assert run["environment"]["seed"] == 1
    assert "iterations" not in run["model"]["optimizer"]


def test_what_is_no_repeat_is_not_taken_for_one(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    keras.utils.set_random_seed(0)
    model = compiled(0.01)
    train(db, "first", model)
    for seed, (name, other, x) in enumerate(
        [
            ("went-on", model, X),
            ("dropout", compiled(0.01, dropout=0.5), X),
            ("scaled", compiled(0.01), np.float32(100) * X),
            ("again", compiled(0.01), X),
        ]
    ):
        keras.utils.set_random_seed(seed + 1)
        train(db, name, other, x)
        repeated = {group.name: group.runs for group in weighed(db, "first", name).groups}
        assert repeated == ({"same settings": ("first", "again")} if name == "again" else {})
