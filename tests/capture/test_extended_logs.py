"""Other callbacks may go by what was recomputed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon

X = np.random.default_rng(0).normal(size=(96, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
ACCURACIES = (
    ("accuracy_recomputed", "recomputed_accuracy"),
    ("accuracy_intended", "intended_accuracy"),
)


def fit(db: Path, *more: Any, **arguments: Any) -> tuple[Any, list[Any]]:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="head")])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    watch = lossmon.Monitor(db, verify="full", **arguments)
    data: dict[str, Any] = {"x": X, "y": Y, "validation_split": 0.25, "epochs": 3, "verbose": 0}
    history = model.fit(**data, callbacks=[watch, *more])
    return history, model.get_weights()


def test_other_callbacks_see_what_was_recomputed(tmp_path: Path) -> None:
    # A loss that falls is no improvement to it: the second epoch is the last.
    stop = keras.callbacks.EarlyStopping("val_loss_recomputed", mode="max", patience=1)
    history, _ = fit(tmp_path / "runs.db", stop, extend_logs=True)
    assert history.epoch == [0, 1]
    rows = lossmon.open_store(tmp_path / "runs.db").epoch_rows("latest", output=None)
    for row in rows:
        prefix = "val_" if row["split"] == "val" else ""
        for key, name in (("loss_recomputed", "recomputed_loss"), *ACCURACIES):
            assert row[name] is not None
            assert history.history[prefix + key][row["epoch"]] == row[name]
    assert not any("recomputed" in key for key in rows[0]["reported"])


def test_weights_are_the_same_and_logs_are_left_alone_unless_asked(tmp_path: Path) -> None:
    plain, weights = fit(tmp_path / "a.db")
    extended, same = fit(tmp_path / "b.db", extend_logs=True)
    assert sorted(plain.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert {key: extended.history[key] for key in plain.history} == plain.history
    assert all(np.array_equal(a, b) for a, b in zip(weights, same, strict=True))


def test_a_writer_that_does_not_answer_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.extended_logs.ANSWER_WAIT", 0.0)
    history, _ = fit(tmp_path / "runs.db", extend_logs=True)
    assert len(history.epoch) == 3
    troubles = lossmon.open_store(tmp_path / "runs.db").run_document("latest")["troubles"]
    assert ["to extend the logs by" in trouble["message"] for trouble in troubles] == [True]


@pytest.mark.parametrize("name", ["extend_logs", "strict"])
def test_it_is_asked_for_by_true_or_false(name: str) -> None:
    said = f"`{name}` must be True or False. Received: {name}='no'. Fix: leave it out for False."
    with pytest.raises(lossmon.InvalidArgument, match=re.escape(said)):
        lossmon.Monitor(**{name: "no"})  # pyright: ignore[reportArgumentType]
