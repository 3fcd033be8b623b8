"""What validation labels come to beside those of the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_iris

import lossmon

FLOWERS, KINDS = (np.asarray(side) for side in load_iris(return_X_y=True))
LAST = np.arange(len(KINDS)) >= 120


def trained(tmp_path: Path, x: Any, y: Any, **fit: Any) -> dict[str, Any]:
    keras.utils.set_random_seed(0)
    model: Any = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, activation="softmax")],
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    db = str(tmp_path / "runs.db")
    callbacks = [lossmon.Monitor(db, run="iris")]
    model.fit(x, y, epochs=2, batch_size=64, verbose=0, callbacks=callbacks, **fit)
    return lossmon.open_store(db).run("iris")


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (finding["severity"], finding["fix"].partition("(")[0])
        for finding in document["findings"]
        if finding["code"] == "LM204"
    ]


def test_what_is_sorted_by_class_is_to_be_shuffled_before_it_is_parted(tmp_path: Path) -> None:
    document = trained(tmp_path, FLOWERS, KINDS, validation_split=0.2)
    assert told(document) == [("warning", "order = np.random.permutation")]
    (finding,) = (finding for finding in document["findings"] if finding["code"] == "LM204")
    assert finding["message"].startswith(
        "all 30 validation labels are of class 2, those of the training of 3: "
    )


def test_one_class_that_is_held_back_may_be_meant(tmp_path: Path) -> None:
    held = {"validation_data": (FLOWERS[LAST], KINDS[LAST])}
    document = trained(tmp_path, FLOWERS[~LAST], KINDS[~LAST], **held)
    assert told(document) == [("info", "np.unique")]


def test_what_is_shuffled_is_no_finding(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(len(KINDS))
    document = trained(tmp_path, FLOWERS[order], KINDS[order], validation_split=0.2)
    assert told(document) == []


@pytest.mark.parametrize("weights", [None, {0: 1.0, 1: 1.0, 2: 5.0}])
def test_the_constant_of_the_training_labels_is_judged_by_those_of_the_validation(
    tmp_path: Path, weights: dict[int, float] | None
) -> None:
    document = trained(tmp_path, FLOWERS, KINDS, validation_split=0.2, class_weight=weights)
    best = [row["baselines"] for row in document["epochs"] if row["split"] == "val"][-1]
    assert best["constant_loss"] == 0.0
    # A sixth of the flowers that are trained on are of the kind of all that are validated on; with
    # class weights another constant is learned.
    expected = None if weights else pytest.approx(-np.log(20 / 120))
    assert best["trained_constant_loss"] == expected
    train = [row["baselines"] for row in document["epochs"] if row["split"] == "train"]
    assert all("trained_constant_loss" not in row for row in train)
