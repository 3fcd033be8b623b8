"""The ways of training that people use, as small programs: each is fitted under a monitor.

README's table of them is made from this list, by `python -m tests.capture.ways`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from tests.capture.conftest import classes, dense, features

N = 64
X = features(N)
IDS = classes(N)
REAL = X[:, :1] * 2.0
VERIFIED = "verified"

Record = Callable[..., Any]


class Way(NamedTuple):
    """One way of training.

    Attributes:
        name: as the README calls it.
        verdict: "verified", or why not.
        fit: trains under the monitor; returns what was recorded.
        reason: words that the recorded reason holds, where it is not verified.
        on: verdict and reason on other backends, where they differ.
        only: the backends that it can be tried on; others do not have it, or need TensorFlow.
    """

    name: str
    verdict: str
    fit: Callable[[Record], Any]
    reason: str = ""
    on: Mapping[str, tuple[str, str]] = {}
    only: tuple[str, ...] = ("tensorflow", "jax", "torch")

    @property
    def expected(self) -> tuple[str, str]:
        """Verdict and reason on the present backend."""
        return self.on.get(keras.backend.backend(), (self.verdict, self.reason))

    def says(self, backend: str) -> str:
        """What the README says of it on a backend."""
        if backend not in self.only:
            return "–"
        return self.on.get(backend, (self.verdict, ""))[0]


def _classifier(**compile_arguments: Any) -> Any:
    model = dense()
    given = {"metrics": ["accuracy"]} | compile_arguments
    model.compile(given.pop("optimizer", "adam"), "sparse_categorical_crossentropy", **given)
    return model


def _plain(**compile_arguments: Any) -> Callable[[Record], Any]:
    return lambda record: record(_classifier(**compile_arguments), X, IDS, validation_split=0.25)


def _with_policy(policy: str) -> Callable[[Record], Any]:
    def fit(record: Record) -> Any:
        usual = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            model = dense()
        finally:
            keras.config.set_dtype_policy(usual)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return record(model, X, IDS, validation_split=0.25)

    return fit


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="relu")
        self.head = keras.layers.Dense(3, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.head(self.hidden(inputs))


def _subclassed(record: Record) -> Any:
    model = Subclassed()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return record(model, X, IDS, validation_split=0.25)


def _weights(record: Record) -> Any:
    weight = np.random.default_rng(3).random(N).astype("float32")
    return record(_classifier(weighted_metrics=["accuracy"]), X, IDS, sample_weight=weight)


def _class_weights(record: Record) -> Any:
    return record(_classifier(), X, IDS, class_weight={0: 0.5, 1: 2.0, 2: 1.0})


def _tokens() -> Any:
    rng = np.random.default_rng(5)
    tokens = rng.integers(1, 20, (N, 7))
    tokens[: N // 2, 4:] = 0
    return tokens, rng.integers(0, 4, (N, 7))


def _masked(record: Record) -> Any:
    layers = [
        keras.Input((7,), dtype="int32"),
        keras.layers.Embedding(20, 5, mask_zero=True),
        keras.layers.GRU(6, return_sequences=True),
        keras.layers.Dense(4, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return record(model, *_tokens())


class Activity(keras.layers.Layer):
    def call(self, inputs: Any) -> Any:
        self.add_loss(keras.ops.mean(keras.ops.square(0.1 * inputs)))
        return inputs


def _penalties(record: Record) -> Any:
    layers = [
        keras.Input((6,)),
        keras.layers.Dense(8, activation="relu", kernel_regularizer="l2"),
        Activity(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return record(model, X, IDS, validation_split=0.25)


def _two_heads(record: Record) -> Any:
    inputs = keras.Input((6,))
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(inputs)
    size = keras.layers.Dense(1, name="size")(inputs)
    model = keras.Model(inputs, {"kind": kind, "size": size})
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    model.compile(
        "adam", losses, loss_weights={"kind": 1.0, "size": 0.3}, metrics={"kind": ["accuracy"]}
    )
    return record(model, X, {"kind": IDS, "size": REAL}, validation_split=0.25)


def _lists(record: Record) -> Any:
    left, right = keras.Input((3,)), keras.Input((3,))
    both = keras.layers.Concatenate()([left, right])
    kind = keras.layers.Dense(3, activation="softmax")(both)
    size = keras.layers.Dense(1)(both)
    model = keras.Model([left, right], [kind, size])
    model.compile("adam", ["sparse_categorical_crossentropy", "mse"], metrics=[["accuracy"], []])
    return record(model, [X[:, :3], X[:, 3:]], [IDS, REAL], validation_split=0.25)


def _dicts(record: Record) -> Any:
    inputs = {name: keras.Input((3,), name=name) for name in ("left", "right")}
    both = keras.layers.Concatenate()([inputs["left"], inputs["right"]])
    heads = {
        "kind": keras.layers.Dense(3, activation="softmax", name="kind")(both),
        "size": keras.layers.Dense(1, name="size")(both),
    }
    model = keras.Model(inputs, heads)
    model.compile(
        "adam",
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    given = {"left": X[:, :3], "right": X[:, 3:]}
    return record(model, given, {"kind": IDS, "size": REAL}, validation_split=0.25)


def _without_loss(record: Record) -> Any:
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(8, name="hidden")(inputs)
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(hidden)
    model = keras.Model(inputs, [kind, hidden])
    model.compile("adam", ["sparse_categorical_crossentropy", None], metrics=[["accuracy"], []])
    return record(model, X, [IDS, X[:, :1]], validation_split=0.25)


def _smoothed(record: Record) -> Any:
    model = dense()
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile("adam", loss, metrics=["accuracy"])
    return record(model, X, np.eye(3, dtype="float32")[IDS], validation_split=0.25)


class OwnMetrics(keras.Sequential):
    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        logs = super().compute_metrics(x, y, y_pred, sample_weight)
        return {**logs, "mean": keras.ops.mean(y_pred)}


class OwnSteps(keras.Sequential):
    def train_step(self, *args: Any) -> Any:
        return super().train_step(*args)

    def test_step(self, *args: Any) -> Any:
        return super().test_step(*args)


class OwnLoss(keras.Sequential):
    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        return 2.0 * super().compute_loss(*args, **kwargs)


class OwnLoop(keras.Sequential):
    def train_step(self, *given: Any) -> Any:
        if keras.backend.backend() == "jax":
            return {"loss": keras.ops.mean(keras.ops.square(given[1][0]))}, given[0]
        (data,) = given
        labels = keras.ops.cast(data[1], "float32")
        y_pred = self(data[0], training=True)
        return {"loss": keras.ops.mean(keras.ops.square(labels - y_pred))}


def _own(kind: type, metrics: tuple[str, ...] = ("accuracy",)) -> Callable[[Record], Any]:
    def fit(record: Record) -> Any:
        model = kind([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=list(metrics) or None)
        return record(model, X, IDS[:, None])

    return fit


def _dataset(record: Record) -> Any:
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X, IDS)).shuffle(N).batch(20).repeat()
    return record(_classifier(), data, steps_per_epoch=3, shuffle=False)


def _generator(record: Record) -> Any:
    def generate() -> Any:
        while True:
            yield X[:16], IDS[:16]
            yield X[16:40], IDS[16:40]

    return record(_classifier(), generate(), steps_per_epoch=3, shuffle=False)


def _loader(record: Record) -> Any:
    import torch  # pyright: ignore[reportMissingImports]
    from torch.utils.data import (  # pyright: ignore[reportMissingImports]
        DataLoader,
        TensorDataset,
    )

    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(IDS))
    return record(_classifier(), DataLoader(data, batch_size=20, shuffle=True), shuffle=False)


class Parts(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        part = slice(16 * index, 16 * (index + 1))
        return X[part], IDS[part]


def _pydataset(record: Record) -> Any:
    return record(_classifier(), Parts(workers=2), shuffle=False)


def _schedule(record: Record) -> Any:
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=1)
    return record(
        _classifier(),
        X,
        IDS,
        validation_data=(X, IDS),
        validation_freq=2,
        initial_epoch=3,
        epochs=8,
        callbacks=[stop],
    )


def _again(record: Record) -> Any:
    model = _classifier()
    record(model, X, IDS, validation_split=0.25)
    model.evaluate(X, IDS, verbose=0)
    model.fit(X, IDS, verbose=0)
    return record(model, X[:40], IDS[:40], validation_split=0.25)


def _in_turn(record: Record) -> Any:
    first, second = _classifier(), _classifier()
    for model in (first, second, first):
        record(model, X, IDS)
    return record(second, X, IDS)


def _in_threads(record: Record) -> Any:
    other = threading.Thread(target=record, args=(_classifier(), X, IDS), kwargs={"epochs": 4})
    other.start()
    recorded = record(_classifier(), X, IDS, epochs=4)
    other.join()
    return recorded


WAYS = [
    Way("the default: a graph, XLA on JAX, eager on PyTorch", VERIFIED, _plain()),
    Way("`run_eagerly=True`", VERIFIED, _plain(run_eagerly=True)),
    Way("`jit_compile=True`", VERIFIED, _plain(jit_compile=True)),
    Way(
        "`steps_per_execution` above 1",
        VERIFIED,
        _plain(steps_per_execution=3),
        only=("tensorflow", "jax"),
    ),
    Way(
        "the same with `jit_compile=True`",
        VERIFIED,
        _plain(jit_compile=True, steps_per_execution=3),
        only=("tensorflow", "jax"),
    ),
    Way(
        "the same with `run_eagerly=True`",
        VERIFIED,
        _plain(run_eagerly=True, steps_per_execution=3),
        only=("tensorflow", "jax"),
    ),
    Way("mixed precision, float16", VERIFIED, _with_policy("mixed_float16")),
    Way("mixed precision, bfloat16", VERIFIED, _with_policy("mixed_bfloat16")),
    Way(
        "gradient accumulation",
        VERIFIED,
        _plain(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)),
    ),
    Way("subclassed models, built by their first batch", VERIFIED, _subclassed),
    Way("several inputs and outputs, as lists", VERIFIED, _lists),
    Way("several inputs and outputs, as dicts", VERIFIED, _dicts),
    Way("several outputs, `loss_weights`", VERIFIED, _two_heads),
    Way("outputs whose loss is `None`", VERIFIED, _without_loss),
    Way("`sample_weight`, `weighted_metrics`", VERIFIED, _weights),
    Way("`class_weight`", VERIFIED, _class_weights),
    Way("label smoothing", VERIFIED, _smoothed),
    Way("masks (`Embedding`, `Masking`) and recurrent outputs", VERIFIED, _masked),
    Way("regularisers and `add_loss`", VERIFIED, _penalties),
    Way("overridden `compute_metrics`", VERIFIED, _own(OwnMetrics)),
    Way(
        "overridden `train_step` and `test_step` that call the model's own",
        VERIFIED,
        _own(OwnSteps),
    ),
    Way(
        "overridden `compute_loss`",
        "unverified: the loss is not the compiled one",
        _own(OwnLoss),
        "compute_loss is overridden",
    ),
    Way(
        "`train_step` without `compute_metrics`",
        "unverified: labels and predictions do not come out",
        # Keras itself cannot print a metric that no step calls.
        _own(OwnLoop, metrics=()),
        "does not call compute_metrics",
    ),
    Way("`tf.data`", VERIFIED, _dataset, only=("tensorflow",)),
    Way("PyTorch's `DataLoader`", VERIFIED, _loader, only=("torch",)),
    Way("generators", VERIFIED, _generator),
    Way("`PyDataset` with workers", VERIFIED, _pydataset),
    Way("`validation_freq`, `initial_epoch`, early stopping", VERIFIED, _schedule),
    Way("several `fit` and `evaluate` of one model", VERIFIED, _again),
    Way("two models in turn", VERIFIED, _in_turn),
    Way("two models in threads", VERIFIED, _in_threads),
]

# Replicas are tested in a process of their own.
ELSEWHERE = [
    (
        "`tf.distribute` with several replicas",
        "unverified: predictions of one replica alone come out",
        "–",
        "–",
    ),
]
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


def table() -> str:
    """The README's table."""
    rows = [(way.name, *map(way.says, BACKENDS)) for way in WAYS] + ELSEWHERE
    head = [("way of training", *BACKENDS.values()), ("---",) * (1 + len(BACKENDS))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [*head, *rows])


if __name__ == "__main__":
    print(table())  # noqa: T201
