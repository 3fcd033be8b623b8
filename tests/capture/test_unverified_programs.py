"""What cannot be verified says so, with the reason; never silently "verified"."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lossmon.capture.budget import Budget
from tests.capture.conftest import classes, dense, features, several_steps

N = 64
X = features(N)
IDS = classes(N)
REAL = X[:, 0] * 2.0


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Deliberately broken: right where the label is not the predicted class."""
    predicted = keras.ops.argmax(y_pred, axis=-1)
    label = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), predicted.dtype)
    return keras.ops.cast(keras.ops.not_equal(label, predicted), "float32")


def true_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return (y_pred.argmax(axis=-1) == y_true).astype("float64")


def weird_loss(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.square(y_pred - y_true) ** 1.5, axis=-1)


def statuses(recorded: Any) -> set[str]:
    return {row["status"] for row in (*recorded.epochs, *recorded.batches)}


def reasons(recorded: Any) -> str:
    return " | ".join({row["reason"] or "" for row in (*recorded.epochs, *recorded.batches)})


def test_a_broken_metric_named_accuracy_is_never_verified(record: Callable[..., Any]) -> None:
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[accuracy])
    recorded = record(model, X, IDS, validation_split=0.25)
    assert statuses(recorded) == {"unverified"}
    assert "no independent definition for `accuracy`" in reasons(recorded)
    assert recorded.document["verified"] == 0.0
    # What Keras printed is still there, beside the loss, which can be recomputed.
    assert recorded.epochs[0]["reported_accuracy"] is not None
    assert recorded.epochs[0]["recomputed_loss"] is not None


def test_an_independent_definition_shows_a_broken_metric_as_mismatch(
    record: Callable[..., Any],
) -> None:
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[accuracy])
    recorded = record(model, X, IDS, monitor={"metrics": {"accuracy": true_accuracy}})
    assert statuses(recorded) == {"mismatch"}
    row = recorded.epochs[0]
    assert row["recomputed_accuracy"] == pytest.approx(1.0 - row["reported_accuracy"])
    rules = [finding["rule"] for finding in recorded.document["findings"]]
    assert "reported-value-mismatch" in rules


def test_a_loss_that_is_not_reduced_is_unverified_with_that_reason(
    record: Callable[..., Any],
) -> None:
    model = dense()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(reduction="none"))
    recorded = record(model, X, IDS, validation_split=0.25)
    assert statuses(recorded) == {"unverified"}
    assert {row["reason"] for row in (*recorded.epochs, *recorded.batches)} == {
        'under reduction="none" Keras makes no single loss of a batch, and prints a mean over '
        "samples"
    }
    for row in recorded.epochs:
        assert row["recomputed_loss"] == pytest.approx(row["reported_loss"], rel=1e-5)


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
def test_an_output_with_metrics_alone_is_as_sure_as_they_are(record: Callable[..., Any]) -> None:
    def own(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(y_pred - y_true, axis=-1)

    inputs = keras.Input((6,))
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(inputs)
    model = keras.Model(inputs, [kind, keras.layers.Dense(1, name="size")(inputs)])
    model.compile("adam", ["sparse_categorical_crossentropy", None], metrics=[None, [own]])
    recorded = record(model, X, [IDS, REAL])
    size = next(row for row in recorded.epochs if row["output"] == "size")
    assert size["metrics"][0]["reported"] == recorded.history.history["size_own"][0]
    assert size["status"] == "unverified"
    assert "no independent definition for `own`" in size["reason"]


def test_a_custom_loss_is_verified_by_the_users_own_definition(
    record: Callable[..., Any],
) -> None:
    def independent(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return (np.abs(y_pred - y_true[:, None]) ** 3.0).mean(axis=-1)

    model = dense(1, None)
    model.compile("adam", weird_loss)
    unknown = record(model, X, REAL[:, None])
    assert statuses(unknown) == {"unverified"}
    assert "no independent definition for `weird_loss`; pass `losses=" in reasons(unknown)
    known = record(
        model,
        X,
        REAL[:, None],
        monitor={"losses": {"weird_loss": lambda t, p: (np.abs(p - t) ** 3.0).mean(axis=-1)}},
    )
    assert statuses(known) == {"verified"}
    wrong = record(model, X, REAL[:, None], monitor={"losses": {"weird_loss": independent}})
    assert "verified" not in statuses(wrong)


class OwnLoss(keras.Sequential):
    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        return keras.ops.mean(keras.ops.abs(y - y_pred)) * 3.0


class OwnStep(keras.Sequential):
    def train_step(self, data: Any) -> Any:
        x, y = data[:2]
        y_pred = self(x, training=True)
        return {"loss": keras.ops.mean(keras.ops.square(y - y_pred))}


class ForgottenMean(keras.Sequential):
    def train_step(self, data: Any) -> Any:
        x, y = data[:2]
        return self.compute_metrics(x, y, self(x, training=True))


def _own(kind: type) -> Any:
    return kind([keras.Input((6,)), keras.layers.Dense(1)])


def test_a_loss_that_no_step_adds_to_its_mean_is_said(record: Callable[..., Any]) -> None:
    model = _own(ForgottenMean)
    model.compile("sgd", "mse", metrics=["mae"])
    recorded = record(model, X, REAL[:, None])
    assert recorded.history.history["loss"] == [0.0] * len(recorded.history.epoch)
    assert "train_step is overridden, and Keras prints a loss of 0: nothing adds" in reasons(
        recorded
    )


def test_an_overridden_compute_loss_is_unverified_with_that_reason(
    record: Callable[..., Any],
) -> None:
    model = _own(OwnLoss)
    model.compile("adam", "mse")
    recorded = record(model, X, REAL[:, None])
    assert statuses(recorded) == {"unverified"}
    assert "compute_loss is overridden" in reasons(recorded)
    row = recorded.epochs[0]
    assert row["reported_loss"] == pytest.approx(row["loss"], rel=1e-6)


def test_a_step_without_compute_metrics_is_recorded_from_its_logs(
    record: Callable[..., Any],
) -> None:
    model = _own(OwnStep)
    model.compile("adam", "mse")
    recorded = record(model, X, REAL[:, None])
    assert statuses(recorded) == {"unverified"}
    assert "does not call compute_metrics" in reasons(recorded)
    assert [row["reported_loss"] for row in recorded.epochs] == pytest.approx(
        recorded.history.history["loss"]
    )


def test_a_model_without_compiled_loss_is_unverified(record: Callable[..., Any]) -> None:
    class Add(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            self.add_loss(keras.ops.mean(keras.ops.square(inputs)))
            return inputs

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2), Add()])
    model.compile("adam")
    recorded = record(model, X)
    assert statuses(recorded) == {"unverified"}
    assert "no compiled loss" in reasons(recorded)
    assert recorded.epochs[0]["penalty"] == pytest.approx(recorded.epochs[0]["reported_loss"])


def test_a_loss_of_add_loss_beside_an_accuracy_is_not_called_verified(
    record: Callable[..., Any],
) -> None:
    class Add(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            self.add_loss(keras.ops.mean(keras.ops.square(inputs)))
            return inputs

    head = keras.layers.Dense(3, activation="softmax")
    model = keras.Sequential([keras.Input((6,)), head, Add()])
    model.compile("adam", metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")])
    recorded = record(model, X, IDS)
    assert statuses(recorded) == {"unverified"}
    assert "no compiled loss" in reasons(recorded)
    row = recorded.epochs[0]
    assert (row["loss"], row["recomputed_loss"]) == (None, None)
    assert row["penalty"] == pytest.approx(row["reported_loss"])
    assert row["recomputed_accuracy"] == pytest.approx(row["reported_accuracy"])


@several_steps
@pytest.mark.parametrize(
    ("samples", "how"),
    [(64, {}), (56, {}), (56, {"jit_compile": True}), (56, {"run_eagerly": True})],
    ids=["even", "uneven", "jit", "eager"],
)
def test_the_steps_of_one_call_come_out_one_by_one(
    samples: int, how: dict[str, Any], record: Callable[..., Any]
) -> None:
    model = dense()
    how = {"metrics": ["accuracy"], "steps_per_execution": 3, **how}
    model.compile("adam", "sparse_categorical_crossentropy", **how)
    recorded = record(model, X[:samples], IDS[:samples], validation_data=(X[:40], IDS[:40]))
    assert statuses(recorded) == {"verified"}
    assert {row["coverage"] for row in recorded.epochs} == {1.0}
    train = [row for row in recorded.batches if row["split"] == "train"]
    assert [row["step"] for row in train] == list(range(8))
    assert [row["batch"] for row in train] == [0, 1, 2, 3] * 2
    assert sum(row["n"] for row in train) == 2 * samples
    val = [row for row in recorded.batches if row["split"] == "val"]
    assert [(row["step"], row["batch"], row["n"]) for row in val] == [
        (step, batch, n) for step in (3, 7) for batch, n in enumerate((16, 16, 8))
    ]


def test_verify_off_records_keras_own_values(record: Callable[..., Any]) -> None:
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    recorded = record(model, X, IDS, monitor={"verify": "off"})
    assert statuses(recorded) == {"unverified"}
    assert 'verify="off"' in reasons(recorded)
    assert {row["coverage"] for row in recorded.epochs} == {0.0}
    for row in recorded.batches:
        assert row["loss"] is not None
        assert row["accuracy"] is not None
        assert row["recomputed_loss"] is None


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"run_eagerly": True},
        {"jit_compile": True},
        pytest.param({"jit_compile": True, "steps_per_execution": 2}, marks=several_steps),
    ],
    ids=["graph", "eager", "jit", "several-jit"],
)
def test_large_predictions_come_out_of_some_steps(
    how: dict[str, Any], record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.LARGE_STEP", 2)
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", -1.0)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **how)
    recorded = record(model, X, IDS, validation_split=0.25)
    first = {row["split"]: row for row in recorded.epochs if row["epoch"] == 0}
    for row in first.values():
        assert row["status"] == "verified"
        assert 0.0 < row["coverage"] <= 1.0
    assert first["train"]["coverage"] < 1.0
    left = [row for row in recorded.batches if row["status"] == "unverified"]
    assert left
    assert {row["reason"] for row in left} == {"not sampled"}
    # Keras' own values are recorded for every batch.
    assert all(row["loss"] is not None and row["accuracy"] is not None for row in left)


@pytest.mark.parametrize(
    ("verify", "large", "share"), [("auto", 2, 0.005), ("auto", 2**20, 0.02), ("full", 2, math.inf)]
)
def test_large_predictions_may_take_less_of_the_time(
    verify: str,
    large: int,
    share: float,
    record: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[float] = []

    def budget(share: float) -> Budget:
        given.append(share)
        return Budget(share)

    monkeypatch.setattr("lossmon.capture.letting_out.LARGE_STEP", large)
    monkeypatch.setattr("lossmon.capture.opening.Budget", budget)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    record(model, X, IDS, monitor={"verify": verify}, epochs=1)
    assert given == [share]


@pytest.mark.parametrize("how", [{}, {"jit_compile": True}], ids=["graph", "jit"])
def test_large_predictions_come_out_of_all_steps_where_that_was_asked(
    how: dict[str, Any], record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.LARGE_STEP", 2)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **how)
    recorded = record(model, X, IDS, monitor={"verify": "full"})
    assert statuses(recorded) == {"verified"}
    assert {row["coverage"] for row in recorded.epochs} == {1.0}


@pytest.mark.parametrize("small", [1, 2**13], ids=["told", "all"])
def test_what_costs_more_than_its_share_is_recomputed_for_some_steps(
    small: int, record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.SMALL_STEP", small)
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", -1.0)
    monkeypatch.setattr("lossmon.capture.recorder.LOOK_EVERY", 0.0)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    recorded = record(model, X, IDS, epochs=12, validation_split=0.25)
    assert {row["status"] for row in recorded.epochs if row["coverage"]} == {"verified"}
    assert any(row["coverage"] < 1.0 for row in recorded.epochs)
    assert "not sampled" in reasons(recorded)


@pytest.mark.parametrize("small", [1, 2**13], ids=["told", "all"])
@pytest.mark.parametrize("how", [{}, {"jit_compile": True}], ids=["graph", "jit"])
def test_a_writer_that_falls_behind_is_said_not_hidden(
    small: int, how: dict[str, Any], record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.SMALL_STEP", small)
    monkeypatch.setattr("lossmon.capture.recorder.WAITING_STEPS", 1)

    from lossmon.capture.judge import RunJudge

    calls = RunJudge.calls

    def slow(self: Any, items: Any, **hurried: Any) -> Any:
        time.sleep(0.1)
        return calls(self, items, **hurried)

    monkeypatch.setattr(RunJudge, "calls", slow)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **how)
    recorded = record(model, X, IDS, epochs=4)
    assert "fallen behind" in reasons(recorded)
    assert len(recorded.batches) == 4 * 4
    assert any(row["coverage"] < 1.0 for row in recorded.epochs)
    assert "mismatch" not in statuses(recorded)


def test_the_end_of_a_fit_does_not_wait_for_the_next_commit(
    record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the thread is waited for: what came after the first commit would be lost.
    monkeypatch.setattr("lossmon.capture.recorder.LOOK_EVERY", 90.0)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    recorded = record(model, X, IDS, epochs=3)
    assert statuses(recorded) == {"verified"}
    assert len(recorded.batches) == 3 * 4


REPLICAS = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np, lossmon
x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")

def fitted(rate, *callbacks):
    keras.utils.set_random_seed(3)
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        layers = [keras.layers.Dense(8), keras.layers.Dropout(0.3 * bool(rate))]
        model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(rate), "mse", metrics=["mae"])
    fit = model.fit(x, x[:, 0], batch_size=16, epochs=2, verbose=0, shuffle=False,
                    validation_data=(x, x[:, 0]), callbacks=[*callbacks])
    return model, fit.history

bare, expected = fitted(0.1)
model, history = fitted(0.1, lossmon.Monitor(sys.argv[1]))
assert history == expected, (history, expected)
for ours, theirs in zip(model.get_weights(), bare.get_weights(), strict=True):
    np.testing.assert_array_equal(ours, theirs)
document = lossmon.open_store(sys.argv[1]).run_document("latest")
assert document["troubles"] == [], document["troubles"]
for row in document["epochs"]:
    assert row["status"] == "unverified", row
    assert "2 replicas" in row["reason"], row
    assert row["reported_loss"] is not None

# What Keras prints, and is recorded, is of all replicas: with a rate of 0 the weights stand still.
model, history = fitted(0.0, lossmon.Monitor(sys.argv[1]))
whole = float(np.mean((np.asarray(model(x))[:, 0] - x[:, 0]) ** 2))
for row in lossmon.open_store(sys.argv[1]).run_document("latest")["epochs"]:
    np.testing.assert_allclose(row["reported_loss"], whole, rtol=1e-6)
"""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")
def test_replicas_are_recorded_from_their_logs(tmp_path: Path) -> None:
    program = [sys.executable, "-c", REPLICAS, str(tmp_path / "runs.db")]
    done = subprocess.run(program, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_definition_that_fails_makes_its_rows_unverified(record: Callable[..., Any]) -> None:
    def picky(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if len(y_true) == 8:
            raise ZeroDivisionError("not today")
        return (np.abs(y_pred - y_true) ** 3.0).mean(axis=-1)

    model = dense(1, None)
    model.compile("adam", weird_loss)
    recorded = record(
        model, X[:56], REAL[:56, None], monitor={"losses": {"weird_loss": picky}}, shuffle=False
    )
    assert len(recorded.batches) == 8
    assert [row["status"] for row in recorded.batches] == [*["verified"] * 3, "unverified"] * 2
    assert "not today" in reasons(recorded)
    assert {row["coverage"] for row in recorded.epochs} == {48 / 56}
    assert {row["status"] for row in recorded.epochs} == {"unverified"}
    assert [finding["code"] for finding in recorded.document["findings"]] == []
