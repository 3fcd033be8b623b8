"""A search of KerasTuner: one run a trial, of one project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

import lossmon

# Of KerasTuner's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def build(hp: Any) -> Any:
    units = hp.Int("units", 2, 8, step=2)
    layers = [keras.layers.Dense(units, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def test_each_trial_is_a_run_with_its_hyperparameters(tmp_path: Path) -> None:
    tuner = keras_tuner.RandomSearch(
        build, "val_loss", max_trials=2, directory=str(tmp_path), project_name="sizes"
    )
    db = tmp_path / "runs.db"
    watch = lossmon.Monitor(db, config={"data": "drawn"}, tags=["search"])
    tuner.search(X, Y, validation_split=0.25, epochs=2, callbacks=[watch], verbose=0)
    store = lossmon.open_store(db)
    rows = store.run_rows()
    trials = {
        trial_id: trial.hyperparameters.values for trial_id, trial in tuner.oracle.trials.items()
    }
    assert {row["name"] for row in rows} == {f"sizes-{trial}" for trial in trials}
    for row in rows:
        assert (row["project"], row["tags"], row["status"]) == ("sizes", ["search"], "finished")
        config = store.run_document(row["id"])["config"]
        assert config == {**trials[config["trial"]], "data": "drawn", "trial": config["trial"]}
        assert row["verified"] == 1.0
    assert watch.run_id is None


def test_what_the_monitor_is_given_goes_before(tmp_path: Path) -> None:
    tuner = keras_tuner.RandomSearch(
        build, "val_loss", max_trials=1, directory=str(tmp_path), project_name="sizes"
    )
    db = tmp_path / "runs.db"
    watch = lossmon.Monitor(db, run="mine", project="own")
    tuner.search(X, Y, validation_split=0.25, epochs=1, callbacks=[watch], verbose=0)
    (row,) = lossmon.open_store(db).run_rows()
    (trial,) = tuner.oracle.trials
    assert (row["name"], row["project"]) == (f"mine-{trial}", "own")
