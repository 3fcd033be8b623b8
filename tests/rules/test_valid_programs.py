"""Correct programs draw no error and no warning, however they look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers, losses, metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import scale

import lossmon
from tests.rules.programs import (
    BINARY_LOGITS,
    ROWS_LOGITS,
    SPARSE_LOGITS,
    Program,
    cut_at_zero,
    ids,
    multi_hot,
    one_hot,
    reals,
    soft,
)


def flags(model: keras.Model, x: Any, y: Any, weight: Any = None) -> list[str]:
    found = lossmon.check(model, x, y, weight)
    return [f"{f.rule}: {f.message}" for f in found if f.severity != "info"]


Inner = tuple[int, ...]
Recipe = Callable[[int, Inner, int], Program]

# Units, inner axes and a seed → a program; each is right by its loss's own definition.
RECIPES: dict[str, Recipe] = {
    "softmax, ids": lambda c, i, s: Program(
        c, "softmax", "sparse_categorical_crossentropy", ["accuracy"], ids(c, *i, seed=s)
    ),
    "logits, ids": lambda c, i, s: Program(
        c, None, SPARSE_LOGITS, ["accuracy"], ids(c, *i, seed=s)
    ),
    "softmax, one-hot": lambda c, i, s: Program(
        c, "softmax", "categorical_crossentropy", ["acc", "mse"], one_hot(c, *i, seed=s)
    ),
    "logits, one-hot": lambda c, i, s: Program(
        c, None, ROWS_LOGITS, ["accuracy"], one_hot(c, *i, seed=s)
    ),
    "softmax, soft": lambda c, i, s: Program(
        c, "softmax", losses.CategoricalCrossentropy(), ["accuracy"], soft(c, *i, seed=s)
    ),
    "softmax, soft, KL": lambda c, i, s: Program(
        c, "softmax", "kl_divergence", ["accuracy"], soft(c, *i, seed=s)
    ),
    "sigmoid, binary": lambda c, i, s: Program(
        1, "sigmoid", "binary_crossentropy", ["accuracy", "AUC"], ids(2, *i, seed=s)
    ),
    "logit, binary": lambda c, i, s: Program(
        1, None, BINARY_LOGITS, [cut_at_zero()], ids(2, *i, seed=s)
    ),
    "sigmoid, multi-label": lambda c, i, s: Program(
        c, "sigmoid", "binary_crossentropy", ["binary_accuracy"], multi_hot(c, *i, seed=s)
    ),
    "logits, multi-label": lambda c, i, s: Program(
        c, None, BINARY_LOGITS, [metrics.AUC(from_logits=True)], multi_hot(c, *i, seed=s)
    ),
    "regression": lambda c, i, s: Program(c, None, "mse", ["mae"], reals(-5, 900, *i, c, seed=s)),
    "bounded regression": lambda c, i, s: Program(
        c, "sigmoid", "mae", ["mse"], reals(0, 1, *i, c, seed=s)
    ),
    "tanh regression": lambda c, i, s: Program(
        c, "tanh", "huber", None, reals(-1, 1, *i, c, seed=s)
    ),
    "positive regression": lambda c, i, s: Program(
        c, "softplus", "mean_squared_logarithmic_error", None, reals(0, 70, *i, c, seed=s)
    ),
    "counts": lambda c, i, s: Program(
        c, "exponential", "poisson", ["mae"], np.floor(reals(0, 9, *i, c, seed=s))
    ),
    "pixels with BCE": lambda c, i, s: Program(
        c, "sigmoid", "binary_crossentropy", None, reals(0, 1, *i, c, seed=s)
    ),
    "smoothed real/fake": lambda c, i, s: Program(
        1, "sigmoid", "binary_crossentropy", None, ids(2, *i, seed=s) * 0.95 + 0.05
    ),
    "hinge, one-hot": lambda c, i, s: Program(
        c, None, "categorical_hinge", ["categorical_accuracy"], one_hot(c, *i, seed=s)
    ),
    "top k": lambda c, i, s: Program(
        c,
        "softmax",
        "sparse_categorical_crossentropy",
        [metrics.SparseTopKCategoricalAccuracy(k=2)],
        ids(c, *i, seed=s),
    ),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    recipe=st.sampled_from(sorted(RECIPES)),
    classes=st.integers(5, 12),
    inner=st.sampled_from([(), (4,), (2, 3)]),
    seed=st.integers(0, 99),
    dtype=st.sampled_from(["float32", "float64", "int32", "uint8"]),
    hidden=st.booleans(),
    weighted=st.booleans(),
)
def test_random_valid_programs_are_silent(
    recipe: str,
    classes: int,
    inner: Inner,
    seed: int,
    dtype: str,
    *,
    hidden: bool,
    weighted: bool,
) -> None:
    program = RECIPES[recipe](classes, inner, seed)
    labels = program.labels
    if np.array_equal(labels, labels.astype(dtype)):
        labels = labels.astype(dtype)
    model = program.build(hidden=hidden and program.activation is not None)
    weight = np.linspace(0, 2, len(labels)) if weighted else None
    assert flags(model, program.inputs(), labels, weight) == []


def dense(units: int, activation: str | None, width: int = 5) -> Any:
    return keras.Sequential([keras.Input((width,)), layers.Dense(units, activation=activation)])


X = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
HALF = np.arange(64) % 2


def test_healthy_demo_programs() -> None:
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    network = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert lossmon.check(network, x.reshape(-1, 8, 8, 1), y) == []
    wide = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(256, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    wide.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert lossmon.check(wide, x[:80], y[:80]) == []
    x, y = load_breast_cancer(return_X_y=True)
    binary = dense(1, "sigmoid", 30)
    binary.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    assert [f.code for f in lossmon.check(binary, x, y)] == ["LM501"]
    assert lossmon.check(binary, scale(x), y) == []
    x, y = load_diabetes(return_X_y=True)
    y = np.asarray(y)
    for more in ([], ["mae"], ["mae", "root_mean_squared_error"]):
        regression = dense(1, None, 10)
        regression.compile("adam", "mse", metrics=more)
        assert lossmon.check(regression, x, (y - y.mean()) / y.std()) == []


def test_a_least_squares_classifier_is_a_warning_and_no_more() -> None:
    model = dense(1, None)
    model.compile(loss="mse", metrics=["accuracy"])
    (finding,) = lossmon.check(model, X, HALF)
    assert (finding.rule, finding.severity) == ("regression-loss-for-classification", "warning")
    # Compiled anew the model would keep its metrics: Keras only replaces those that are given.
    model = dense(1, None)
    model.compile(loss="mse")
    (finding,) = lossmon.check(model, X, HALF)
    assert finding.severity == "info"


@pytest.mark.parametrize(
    ("model", "labels"),
    [
        (dense(2, "softmax"), HALF),
        (dense(128, "softmax"), np.arange(64) % 10),
        (dense(10, "softmax"), (np.arange(64) % 10).astype("float32")[:, None]),
    ],
)
def test_units_and_label_dtypes_are_free(model: keras.Model, labels: np.ndarray) -> None:
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    assert flags(model, X, labels) == []


def test_a_zero_head_with_logits_is_no_sigmoid() -> None:
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(1, kernel_initializer="zeros", name="sigmoid")]
    )
    model.compile(loss=BINARY_LOGITS, metrics=[cut_at_zero()])
    assert flags(model, X, HALF) == []


def test_a_softmax_over_positions_of_one_unit() -> None:
    given_ = keras.Input((6, 5))
    scores = layers.Flatten()(layers.Dense(1)(given_))
    model = keras.Model(given_, layers.Softmax()(scores))
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x = np.random.default_rng(0).normal(size=(64, 6, 5))
    assert flags(model, x, np.arange(64) % 6) == []


def test_a_mixture_of_softmaxes_is_a_distribution() -> None:
    given_ = keras.Input((5,))
    parts = [layers.Dense(4, activation="softmax")(given_) for _ in range(2)]
    model = keras.Model(given_, layers.Average()(parts))
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    assert flags(model, X, np.arange(64) % 4) == []


def test_classes_may_lie_along_another_axis() -> None:
    given_ = keras.Input((3, 6, 6))
    model = keras.Model(given_, layers.Softmax(axis=1)(given_))
    model.compile(loss=losses.CategoricalCrossentropy(axis=1))
    x = np.random.default_rng(0).normal(size=(16, 3, 6, 6))
    labels = np.moveaxis(np.eye(3)[np.random.default_rng(0).integers(0, 3, (16, 6, 6))], -1, 1)
    assert flags(model, x, labels) == []


def test_ids_that_the_model_outputs_may_be_compared_exactly() -> None:
    given_ = keras.Input((5,))
    model = keras.Model(given_, keras.ops.argmax(layers.Dense(3)(given_), axis=-1))
    model.compile(metrics=[metrics.Accuracy()])
    assert flags(model, X, np.arange(64) % 3) == []


def test_a_custom_loss_is_not_judged() -> None:
    def contrastive(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.square(y_pred), axis=-1)

    model = dense(32, "relu")
    model.compile(loss=contrastive, metrics=["mae"])
    assert flags(model, X, np.arange(64) % 10) == []


def test_an_autoencoder_of_one_hot_features() -> None:
    x = np.eye(5)[np.arange(64) % 5]
    model = dense(5, "sigmoid")
    model.compile(loss="binary_crossentropy", metrics=["binary_accuracy"])
    assert flags(model, x, x) == []


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_half_precision_probabilities(policy: str) -> None:
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(300, activation="softmax", dtype=policy)]
    )
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    assert flags(model, X, np.arange(64) % 300) == []


def test_padding_rows_without_a_label() -> None:
    labels = np.eye(4)[np.random.default_rng(0).integers(0, 4, (64, 6))]
    labels[:, 2:] = 0
    given_ = keras.Input((6, 5))
    model = keras.Model(given_, layers.Dense(4, activation="softmax")(given_))
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    x = np.random.default_rng(0).normal(size=(64, 6, 5))
    assert flags(model, x, labels) == []


def test_residuals_trained_towards_zero() -> None:
    model = dense(1, None)
    model.compile(loss="mse", metrics=["mae"])
    assert lossmon.check(model, X, np.zeros(64)) == []
