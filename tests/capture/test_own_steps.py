"""Steps that make something else of a batch than it shows, and models trained within callbacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

import lossmon
from tests.capture.conftest import classes, features

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="train_step takes other arguments elsewhere"
)

X, IDS = features(48, 5), classes(48)
HOT = np.eye(3, dtype="float32")[IDS]


class Mixup(keras.Model):
    def train_step(self, data: Any) -> Any:
        x = data[0]
        y: Any = keras.ops.one_hot(data[1], 3)
        return super().train_step((0.7 * x + 0.3 * x[::-1], 0.7 * y + 0.3 * y[::-1]))


class ToIds(keras.Model):
    def train_step(self, data: Any) -> Any:
        return super().train_step((data[0], keras.ops.argmax(data[1], -1)))


class Twice(keras.Model):
    def train_step(self, data: Any) -> Any:
        super().train_step(data)
        return super().train_step(data)


class Same(keras.Model):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class Unpacking(keras.Model):
    def train_step(self, data: Any) -> Any:
        return super().train_step((data["features"], data["label"]))


class Uncalled(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.inner = keras.layers.Dense(1)

    def train_step(self, data: Any) -> Any:
        return {"size": keras.ops.mean(self.inner(data[0]))}


class Spoiling(keras.callbacks.Callback):
    """Evaluates within an epoch, which resets what Keras prints."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            self.model.evaluate(X[:8], 50.0 * X[:8, :1], verbose=0)


class TrainingAside(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self._inside = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not self._inside:
            self._inside = True
            self.model.fit(X[:16], IDS[:16], batch_size=8, verbose=0)
            self._inside = False


def model_of(kind: type[keras.Model], loss: str, units: int = 3) -> Any:
    inputs = keras.Input((5,))
    activation = "softmax" if units > 1 else None
    model = kind(inputs, keras.layers.Dense(units, activation=activation)(inputs))
    model.compile("adam", loss, metrics=["accuracy"] if units > 1 else None)
    return model


def both_ways(
    db: Path, make: Callable[[], Any], fit: Callable[[Any, list[Any]], Any]
) -> tuple[dict[str, Any], Any]:
    """The document of a recorded training, which must be as without lossmon, and its model."""
    results: list[Any] = []
    model: Any = None
    for callbacks in ([], [lossmon.Monitor(db, verify="full")]):
        keras.utils.set_random_seed(0)
        model = make()
        history = fit(model, callbacks).history
        results.append((history, [weights.tobytes() for weights in model.get_weights()]))
    assert results[0] == results[1]
    return lossmon.open_store(db).run_document("latest"), model


@pytest.mark.parametrize("batch_size", [16, 3])
@pytest.mark.parametrize(
    ("kind", "y", "name"),
    [(Mixup, IDS, "CategoricalAccuracy"), (ToIds, HOT, "SparseCategoricalAccuracy")],
)
def test_accuracy_is_what_keras_makes_of_the_labels_within_the_step(
    tmp_path: Path, kind: Any, y: Any, name: str, batch_size: int
) -> None:
    loss = name.replace("Accuracy", "Crossentropy")
    document, model = both_ways(
        tmp_path / "runs.db",
        lambda: model_of(kind, loss),
        lambda m, callbacks: m.fit(
            X, y, batch_size, epochs=2, verbose=0, shuffle=False, callbacks=callbacks
        ),
    )
    assert [type(made).__name__ for made in model._compile_metrics.metrics] == [name]
    assert document["outputs"][0]["accuracy_metric"] == f"{name}()"
    assert {row["status"] for row in document["epochs"]} == {"verified"}
    assert document["epochs"][-1]["accuracy_gap"] == pytest.approx(0.0, abs=1e-6)
    assert (document["findings"], document["troubles"]) == ([], [])


def test_accuracy_is_what_keras_makes_of_sizes_that_are_open(tmp_path: Path) -> None:
    import tensorflow as tf

    def sequences() -> Any:
        rng = np.random.default_rng(3)
        for length in (1, 3, 2, 4):
            x = rng.normal(size=(4, length, 5)).astype("float32")
            yield x, (x[..., 0] > 0).astype("float32")

    def tagger() -> Any:
        inputs = keras.Input((None, 5))
        hidden = keras.layers.Dense(1, activation="sigmoid")(inputs)
        model = keras.Model(inputs, keras.ops.squeeze(hidden, -1))
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        return model

    shape = tf.TensorSpec((None, None, 5)), tf.TensorSpec((None, None))
    document, _ = both_ways(
        tmp_path / "runs.db",
        tagger,
        lambda model, callbacks: model.fit(
            tf.data.Dataset.from_generator(sequences, output_signature=shape).repeat(),
            steps_per_epoch=4,
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        ),
    )
    # The batch of length 1 would have made it a BinaryAccuracy.
    assert document["outputs"][0]["accuracy_metric"] == "CategoricalAccuracy()"
    assert [finding["code"] for finding in document["findings"]] == ["LM305"]
    assert document["epochs"][0]["status"] == "verified"


def test_names_that_keras_numbers_are_the_same_afterwards(tmp_path: Path) -> None:
    names = []
    for monitored in (False, True):
        keras.backend.clear_session()
        model = model_of(keras.Model, "binary_crossentropy", 1)
        model.compile("sgd", "BinaryCrossentropy", metrics=["Precision", "AUC"])
        if monitored:
            lossmon.check(model, X, (IDS == 1).astype("float32"))
        callbacks = [lossmon.Monitor(tmp_path / "runs.db", rules=[])] if monitored else []
        history = model.fit(X, (IDS == 1).astype("float32"), verbose=0, callbacks=callbacks)
        names.append((list(history.history), keras.metrics.Precision().name))
    assert names[0] == names[1]


def test_steps_that_count_twice_are_not_verified(tmp_path: Path) -> None:
    document, _ = both_ways(
        tmp_path / "runs.db",
        lambda: model_of(Twice, "sparse_categorical_crossentropy"),
        lambda model, callbacks: model.fit(X, IDS, 16, verbose=0, callbacks=callbacks),
    )
    (row,) = document["epochs"]
    assert (row["status"], row["recomputed_loss"]) == ("unverified", None)
    assert "more than once" in row["reason"]
    assert document["findings"] == []


@pytest.mark.parametrize(("spoiled", "status"), [(False, "verified"), (True, "unverified")])
def test_what_an_own_step_prints_is_compared(tmp_path: Path, spoiled: bool, status: str) -> None:
    document, _ = both_ways(
        tmp_path / "runs.db",
        lambda: model_of(Same, "mse", 1),
        lambda model, callbacks: model.fit(
            *(X, X[:, :1], 16),
            verbose=0,
            callbacks=[*([Spoiling()] if spoiled else []), *callbacks],
        ),
    )
    (row,) = document["epochs"]
    assert row["status"] == status
    assert document["findings"] == []


def test_data_that_an_own_step_takes_apart_is_no_trouble(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tensorflow as tf

    arrays: Any = {"features": X, "label": IDS}
    data = tf.data.Dataset.from_tensor_slices(arrays).batch(16)
    document, _ = both_ways(
        tmp_path / "runs.db",
        lambda: model_of(Unpacking, "sparse_categorical_crossentropy"),
        lambda model, callbacks: model.fit(data, shuffle=False, verbose=0, callbacks=callbacks),
    )
    assert document["epochs"][0]["status"] == "verified"
    assert document["troubles"] == []
    assert capsys.readouterr().err == ""


def test_a_model_that_is_never_called_is_no_trouble(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def uncalled() -> Any:
        model = Uncalled()
        model.compile("sgd")
        return model

    document, _ = both_ways(
        tmp_path / "runs.db",
        uncalled,
        lambda model, callbacks: model.fit(X, IDS, verbose=0, callbacks=callbacks),
    )
    assert (document["status"], document["troubles"]) == ("finished", [])
    assert capsys.readouterr().err == ""


def test_training_within_a_callback_is_no_part_of_the_epoch(tmp_path: Path) -> None:
    document, _ = both_ways(
        tmp_path / "runs.db",
        lambda: model_of(keras.Model, "sparse_categorical_crossentropy"),
        lambda model, callbacks: model.fit(
            X, IDS, 16, epochs=2, verbose=0, callbacks=[TrainingAside(), *callbacks]
        ),
    )
    assert [(row["n"], row["status"]) for row in document["epochs"]] == [(48, "verified")] * 2
    assert document["batches"] == 6
    assert document["findings"] == []


class Counting(keras.layers.Layer):
    """Keeps a running scale in places that Keras does not know of."""

    def __init__(self, place: str) -> None:
        super().__init__()
        import tensorflow as tf

        scale = tf.Variable(tf.constant(1.0), trainable=False)
        module: Any = tf.Module()
        module.scale = scale
        self.kept: Any = {"list": [scale], "dict": {"scale": scale}, "module": module}[place]
        self.scale_of = {
            "list": lambda: self.kept[0],
            "dict": lambda: self.kept["scale"],
            "module": lambda: self.kept.scale,
        }[place]

    def call(self, x: Any) -> Any:
        import tensorflow as tf

        scale = self.scale_of()
        scale.assign(0.9 * scale + 0.3 * tf.math.reduce_std(x))
        return x / scale


@pytest.mark.parametrize("place", ["list", "dict", "module"])
def test_state_that_keras_does_not_know_of_is_left_alone(tmp_path: Path, place: str) -> None:
    def make() -> Any:
        model = keras.Sequential(
            [keras.Input((5,)), Counting(place), keras.layers.Dense(3, activation="softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    both_ways(
        tmp_path / "runs.db",
        make,
        lambda model, callbacks: model.fit(X, IDS, 16, verbose=0, callbacks=callbacks),
    )
    model = make()
    model(X[:8])
    before = float(model.layers[0].scale_of())
    lossmon.check(model, X, IDS)
    assert float(model.layers[0].scale_of()) == before


def test_rules_are_asked_of_sparse_data(tmp_path: Path) -> None:
    sparse = csr_matrix(np.where(X > 0, X, 0.0))
    model = model_of(keras.Model, "mse", 1)
    model.compile(loss="mse", metrics=["accuracy"])
    target = 3.0 * X[:, :1]
    assert "LM301" in [finding.code for finding in lossmon.check(model, sparse, target)]
    with pytest.raises(lossmon.InvalidCombination):
        model.fit(
            sparse,
            target,
            verbose=0,
            callbacks=[lossmon.Monitor(tmp_path / "runs.db", strict=True)],
        )


def test_ragged_data_is_no_trouble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import tensorflow as tf

    class Averaging(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.Variable(tf.random.normal((10, 4), seed=1))
            self.head = keras.layers.Dense(3, activation="softmax")

        def call(self, x: Any) -> Any:
            rows = tf.ragged.map_flat_values(lambda ids: tf.gather(self.table, ids), x)
            return self.head(tf.reduce_mean(rows, 1))

    def make() -> Any:
        model = Averaging()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    ragged = tf.ragged.constant([list(range(1, 2 + k % 4)) for k in range(48)], dtype=tf.int32)
    data = tf.data.Dataset.from_tensor_slices((ragged, IDS)).batch(16)
    document, _ = both_ways(
        tmp_path / "runs.db",
        make,
        lambda model, callbacks: model.fit(data, shuffle=False, verbose=0, callbacks=callbacks),
    )
    assert document["epochs"][0]["status"] == "verified"
    assert document["troubles"] == []
    assert "lossmon" not in capsys.readouterr().err
