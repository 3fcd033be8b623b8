"""Programs that use `fit` in their own way: they train as without lossmon, and are recorded."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import lossmon
from tests.capture.conftest import classes, dense, features

N = 64
X = features(N)
IDS = classes(N)


def _compiled(model: Any, **compile_arguments: Any) -> Any:
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compile_arguments
    )
    return model


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.head = keras.layers.Dense(3, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.head(inputs)


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    "build",
    [Subclassed, lambda: keras.Sequential([keras.layers.Dense(3, activation="softmax")])],
    ids=["subclassed", "sequential"],
)
def test_models_that_are_not_built_yet_are_verified(
    build: Callable[[], Any], eager: bool, record: Callable[..., Any]
) -> None:
    keras.utils.set_random_seed(5)
    plain = _compiled(build(), run_eagerly=eager)
    plain.fit(X, IDS, verbose=0, epochs=2, batch_size=16, validation_split=0.25)
    keras.utils.set_random_seed(5)
    model = _compiled(build(), run_eagerly=eager)
    recorded = record(model, X, IDS, validation_split=0.25)
    assert recorded.document["verified"] == 1.0
    assert recorded.document["troubles"] == []
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


class Guided(keras.Sequential):
    """The train step of Keras' guide to customising `fit`."""

    def train_step(self, data: Any) -> Any:
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss: Any = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_the_custom_step_of_the_guide_trains(record: Callable[..., Any]) -> None:
    layers = [keras.Input((6,)), keras.layers.Dense(3, activation="softmax")]
    recorded = record(_compiled(Guided(layers)), X, IDS, validation_split=0.25)
    assert recorded.document["troubles"] == []
    by_split = {row["split"]: row for row in recorded.epochs}
    assert by_split["train"]["status"] == "unverified"
    assert by_split["train"]["reported_accuracy"] is None or by_split["train"]["reported_loss"]
    assert by_split["val"]["status"] == "verified"


class Renaming(keras.Sequential):
    def train_step(self, data: Any) -> Any:
        return {f"net_{key}": value * 1.0 for key, value in super().train_step(data).items()}


def test_a_step_that_works_on_its_logs_sees_numbers_only(record: Callable[..., Any]) -> None:
    layers = [keras.Input((6,)), keras.layers.Dense(3, activation="softmax")]
    recorded = record(_compiled(Renaming(layers)), X, IDS)
    assert set(recorded.history.history) == {"net_accuracy", "net_loss"}
    assert recorded.document["troubles"] == []


def test_a_train_function_made_anew_within_the_fit_is_adopted(
    record: Callable[..., Any],
) -> None:
    class Freeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                self.model.make_train_function(force=True)
                self.model.make_test_function(force=True)

    recorded = record(
        _compiled(dense()), X, IDS, epochs=3, validation_split=0.25, callbacks=[Freeze()]
    )
    assert set(recorded.history.history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert len(recorded.epochs) == 6
    assert recorded.document["verified"] == 1.0


def test_batches_of_many_sizes_in_one_call_train(record: Callable[..., Any]) -> None:
    def generate() -> Any:
        for length in (3, 5, 4, 2):
            yield np.ones((4, length, 2), "float32"), np.ones((4, 1), "float32")

    signature = (tf.TensorSpec((None, None, 2)), tf.TensorSpec((None, 1)))
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    data = data.apply(tf.data.experimental.assert_cardinality(4))
    layers = [keras.Input((None, 2)), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse", steps_per_execution=2)
    recorded = record(model, data, shuffle=False)
    assert len(recorded.history.history["loss"]) == 2
    assert {row["status"] for row in recorded.batches} == {"verified"}
    assert [row["step"] for row in recorded.batches] == list(range(8))


def test_steps_of_many_shapes_are_verified(record: Callable[..., Any]) -> None:
    def generate() -> Any:
        for length in (3, 5, 4, 2, 5, 5):
            yield np.ones((4, length, 2), "float32"), np.ones((4, length), "int32")

    signature = (tf.TensorSpec((None, None, 2)), tf.TensorSpec((None, None), tf.int32))
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    data = data.apply(tf.data.experimental.assert_cardinality(6))
    layers = [keras.Input((None, 2)), keras.layers.Dense(4, activation="softmax")]
    recorded = record(_compiled(keras.Sequential(layers)), data, shuffle=False)
    assert recorded.document["verified"] == 1.0
    assert recorded.document["troubles"] == []
    assert {row["coverage"] for row in recorded.epochs} == {1.0}
    assert [row["judged"] for row in recorded.batches][:6] == [12, 20, 16, 8, 20, 20]


def test_large_predictions_of_unknown_length_come_out_of_some_steps(
    record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.LARGE_STEP", 10)
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", -1.0)
    layers = [keras.Input((None, 2)), keras.layers.Dense(4, activation="softmax")]
    model = _compiled(keras.Sequential(layers))
    recorded = record(model, np.ones((64, 5, 2), "float32"), np.zeros((64, 5), "int32"))
    assert 0.0 < recorded.epochs[0]["coverage"] < 1.0
    assert recorded.epochs[0]["status"] == "verified"
    assert "of the samples" in recorded.epochs[0]["reason"]


@pytest.mark.parametrize("order", [("full", "auto"), ("auto", "full")])
def test_steps_that_let_everything_out_serve_no_fit_that_samples_them(
    order: tuple[str, str], record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.LARGE_STEP", 10)
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", -1.0)
    model = _compiled(dense())
    for verify in order:
        recorded = record(model, X, IDS, monitor={"verify": verify})
        covered = [row["coverage"] for row in recorded.epochs]
        assert all(share == 1.0 if verify == "full" else share < 1.0 for share in covered)
        assert "mismatch" not in {row["status"] for row in recorded.batches}


def test_a_fit_after_one_that_was_broken_off_is_not_added_to_it(db: str) -> None:
    class Break(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    model = _compiled(dense())
    # As in a notebook, where the last error is kept, and with it all that the fit held.
    with pytest.raises(KeyboardInterrupt) as kept:
        model.fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db), Break()])
    history = model.fit(X, IDS, verbose=0)
    assert set(history.history) == {"accuracy", "loss"}
    assert "compute_metrics" not in vars(model)
    document = lossmon.open_store(db).run_document("latest")
    assert document["status"] == "interrupted"
    assert document["batches"] == 2
    assert kept.value.__traceback__ is not None
    gc.collect()


def test_an_evaluation_that_fails_within_a_callback_ends_nothing(
    record: Callable[..., Any],
) -> None:
    class Clumsy(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            with pytest.raises(ValueError, match="incompatible"):
                self.model.evaluate(X[:, :2], IDS, verbose=0)

    recorded = record(_compiled(dense()), X, IDS, callbacks=[Clumsy()])
    assert recorded.document["status"] == "finished"
    assert recorded.document["verified"] == 1.0
    assert len(recorded.epochs) == 2


def test_a_used_monitor_can_be_copied_and_pickled(tmp_path: Path) -> None:
    monitor = lossmon.Monitor(tmp_path / "runs.db")
    _compiled(dense()).fit(X, IDS, verbose=0, callbacks=[monitor])
    assert copy.deepcopy(monitor).run_id is None
    assert pickle.loads(pickle.dumps(monitor)).run_id is None
    assert lossmon.open_store(tmp_path / "runs.db").run_rows()[0]["id"] == monitor.run_id


class Curious(keras.callbacks.Callback):
    """Evaluates the model where Keras runs callbacks."""

    def __init__(self, *places: str) -> None:
        super().__init__()
        for place in places:
            setattr(self, place, self.evaluate)

    def evaluate(self, *_: Any) -> None:
        self.model.evaluate(X[:20], IDS[:20], verbose=0, batch_size=8)


def test_an_evaluation_within_a_callback_is_no_part_of_the_run(
    record: Callable[..., Any],
) -> None:
    curious = Curious("on_train_begin", "on_epoch_end")
    recorded = record(
        _compiled(dense()), X, IDS, epochs=3, validation_split=0.25, callbacks=[curious]
    )
    assert recorded.document["verified"] == 1.0
    assert recorded.document["troubles"] == []
    assert [row["n"] for row in recorded.epochs] == [48, 16] * 3
    assert len(recorded.batches) == 3 * (3 + 1)


def test_an_evaluation_that_spoils_what_keras_prints_is_told(record: Callable[..., Any]) -> None:
    """Keras resets its running means before `on_epoch_begin`: what comes then is printed too."""
    recorded = record(_compiled(dense()), X, IDS, callbacks=[Curious("on_epoch_begin")])
    assert {row["status"] for row in recorded.epochs} == {"mismatch"}
    assert {row["status"] for row in recorded.batches} == {"verified"}


def test_a_step_that_failed_leaves_the_others_in_step(record: Callable[..., Any]) -> None:
    class Wrong(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                with pytest.raises(tf.errors.InvalidArgumentError):
                    self.model.evaluate(X[:16], np.full(16, 7), verbose=0)

    recorded = record(
        _compiled(dense()), X, IDS, epochs=3, validation_split=0.25, callbacks=[Wrong()]
    )
    assert {row["status"] for row in recorded.batches} == {"verified"}
    assert {row["status"] for row in recorded.epochs} == {"verified"}
    assert recorded.document["troubles"] == []


def test_a_model_compiled_anew_within_the_fit_says_so(record: Callable[..., Any]) -> None:
    class Unfreeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                _compiled(self.model)
                self.model.make_train_function()

    recorded = record(_compiled(dense()), X, IDS, epochs=3, callbacks=[Unfreeze()])
    first, *others = recorded.epochs
    assert first["status"] == "verified"
    assert {row["status"] for row in others} == {"unverified"}
    assert all("compiled anew within the fit" in row["reason"] for row in others)
    assert len(recorded.history.history["loss"]) == 3


def test_evaluations_take_no_sample_of_large_predictions_away(
    record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.LARGE_STEP", 8)
    curious = Curious("on_epoch_end")
    recorded = record(
        _compiled(dense()), X, IDS, epochs=16, validation_split=0.25, callbacks=[curious]
    )
    val = [row["coverage"] for row in recorded.epochs if row["split"] == "val"]
    assert sum(share > 0.0 for share in val) > 1


def test_a_metric_that_two_outputs_share_is_no_mismatch(record: Callable[..., Any]) -> None:
    inputs = keras.Input((6,))
    heads = [keras.layers.Dense(3, activation="softmax", name=name)(inputs) for name in "ab"]
    model = keras.Model(inputs, heads)
    shared = keras.metrics.SparseCategoricalAccuracy()
    model.compile("adam", ["sparse_categorical_crossentropy"] * 2, metrics=[[shared], [shared]])
    recorded = record(model, X, [IDS, IDS])
    assert "mismatch" not in {row["status"] for row in recorded.batches}


DEAF = """
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, 2)
import keras, numpy as np, lossmon
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse", metrics=["acc"])
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
model.fit(x, x[:, 0] * 3, verbose=0, epochs=2, callbacks=[lossmon.Monitor(sys.argv[1])])
print("trained")
"""


def test_nobody_listening_on_standard_error_ends_nothing(tmp_path: Path) -> None:
    program = [sys.executable, "-c", DEAF, str(tmp_path / "runs.db")]
    done = subprocess.run(program, capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout == "trained\n"
    codes = [f["code"] for f in lossmon.open_store(tmp_path / "runs.db").finding_rows("latest")]
    assert "LM301" in codes


def test_what_the_user_replaced_on_the_model_is_put_back(record: Callable[..., Any]) -> None:
    model = _compiled(dense())
    original = model.compute_metrics

    def mine(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return {**original(x, y, y_pred, sample_weight), "mine": keras.ops.convert_to_tensor(1.0)}

    model.compute_metrics = mine
    recorded = record(model, X, IDS)
    assert model.compute_metrics is mine
    assert set(recorded.history.history) == {"accuracy", "loss", "mine"}
    assert recorded.document["verified"] == 1.0
