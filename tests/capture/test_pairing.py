"""Losses of the user's own that meet targets `(N,)` with predictions `(N, 1)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture.pairing import pairs_all

ops = keras.ops
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype("float32")
Y = X @ np.array([1.0, -2.0, 0.5], "float32") + 1.0


class Unaligned(keras.losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


class Aligned(keras.losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.square(ops.reshape(y_true, (-1, 1)) - y_pred)


class OfMeans(keras.losses.Loss):
    """Compares how both are distributed, whichever belong together."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.square(ops.mean(y_true) - ops.mean(y_pred))


class AllPairs(keras.losses.Loss):
    """Compares all with all by intent, whatever the ranks."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.mean(ops.abs(ops.reshape(y_true, (1, -1)) - y_pred))


class Counting(Unaligned):
    """Another loss at each call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def call(self, y_true: Any, y_pred: Any) -> Any:
        self.calls += 1
        return super().call(y_true, y_pred) * float(self.calls)


class Failing(keras.losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        raise RuntimeError("not to be called here")


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (Unaligned(), True),
        (Unaligned(reduction="sum"), True),
        (Counting(), True),
        (Aligned(), False),
        (OfMeans(), False),
        (AllPairs(), False),
        (Failing(), False),
        (keras.losses.MeanSquaredError(), False),
        (None, False),
    ],
)
def test_a_loss_that_pairs_all_is_told_from_others(loss: Any, expected: bool) -> None:
    assert pairs_all(loss, Y, X[:, :1]) is expected
    assert pairs_all(loss, Y[:, None], X[:, :1]) is False
    assert getattr(loss, "calls", 0) == 0


@pytest.mark.parametrize("targets", [Y[:3], np.ones(64)])
def test_too_little_to_tell_is_silent(targets: Any) -> None:
    assert pairs_all(Unaligned(), targets, X[:, :1]) is False


def trained(loss: Any, y: Any, *callbacks: Any) -> list[Any]:
    keras.utils.set_random_seed(1)
    model: Any = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", loss)
    model.fit(X, y, epochs=2, verbose=0, callbacks=list(callbacks))
    return model.get_weights()


def test_a_fit_is_told_of_it_and_goes_on_as_without(tmp_path: Path) -> None:
    db = str(tmp_path / "runs.db")
    watched = trained(Counting(), Y, lossmon.Monitor(db))
    alone = trained(Counting(), Y)
    assert all(np.array_equal(a, b) for a, b in zip(watched, alone, strict=True))
    (finding,) = (
        f for f in lossmon.open_store(db).run("latest")["findings"] if f["code"] == "LM112"
    )
    assert finding["severity"] == "error"
    assert "`Counting` compares every target with every prediction" in finding["message"]
    trained(Counting(), Y[:, None], lossmon.Monitor(db))
    assert lossmon.open_store(db).run("latest")["findings"] == []
