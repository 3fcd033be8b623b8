"""Programs of every supported kind: each recorded value is recomputed, and agrees with Keras'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from tests.capture.conftest import classes, dense, features

N = 72
X = features(N)
IDS = classes(N)
ONE_HOT = np.eye(3, dtype="float32")[IDS]
BINARY = (IDS > 0).astype("float32")
REAL = (X[:, :2].sum(axis=1) * 3.0 + 5.0).astype("float32")
POSITIVE = np.abs(REAL) + 0.5
SIGNED = np.where(BINARY > 0, 1.0, -1.0).astype("float32")
MULTI_HOT = (features(N, 4) > 0).astype("float32")

L = keras.losses
M = keras.metrics

CASES: dict[str, tuple[int, str | None, Any, list[Any], Any]] = {
    "mse": (1, None, "mse", [], REAL),
    "mse-rank-2": (1, None, "mean_squared_error", [], REAL[:, None]),
    "mse-float64-targets": (1, None, "mse", [], REAL.astype("float64") * 1e6 + 0.1),
    "mae": (1, None, "mae", ["mse"], REAL),
    "mape": (1, None, "mape", [], POSITIVE),
    "msle": (1, "softplus", "msle", [], POSITIVE),
    "huber": (1, None, L.Huber(delta=2.0), [], REAL),
    "hinge": (1, "tanh", "hinge", [], SIGNED),
    "hinge-of-0-1": (1, "tanh", "hinge", [], BINARY),
    "squared-hinge": (1, "tanh", "squared_hinge", [], SIGNED),
    "categorical-hinge": (3, None, "categorical_hinge", ["accuracy"], ONE_HOT),
    "bce": (1, "sigmoid", "binary_crossentropy", ["accuracy"], BINARY),
    "bce-logits": (
        1,
        None,
        L.BinaryCrossentropy(from_logits=True),
        [M.BinaryAccuracy(threshold=0.0)],
        BINARY[:, None],
    ),
    "bce-smoothed": (1, "sigmoid", L.BinaryCrossentropy(label_smoothing=0.1), ["acc"], BINARY),
    "bce-multi-label": (4, "sigmoid", "bce", [M.BinaryAccuracy()], MULTI_HOT),
    "cce": (3, "softmax", "categorical_crossentropy", ["accuracy"], ONE_HOT),
    "cce-logits-smoothed": (
        3,
        None,
        L.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        ["accuracy"],
        ONE_HOT,
    ),
    "scce": (3, "softmax", "sparse_categorical_crossentropy", ["accuracy"], IDS),
    "scce-rank-2": (3, "softmax", "sparse_categorical_crossentropy", ["acc"], IDS[:, None]),
    "scce-logits": (
        3,
        None,
        L.SparseCategoricalCrossentropy(from_logits=True),
        ["accuracy"],
        IDS.astype("float32"),
    ),
    "scce-ignored-class": (
        3,
        "softmax",
        L.SparseCategoricalCrossentropy(ignore_class=2),
        [],
        IDS,
    ),
    "scce-sum": (3, "softmax", L.SparseCategoricalCrossentropy(reduction="sum"), [], IDS),
    "top-2": (
        3,
        "softmax",
        "categorical_crossentropy",
        [M.TopKCategoricalAccuracy(k=2, name="accuracy")],
        ONE_HOT,
    ),
    "sparse-top-2": (
        3,
        "softmax",
        "sparse_categorical_crossentropy",
        [M.SparseTopKCategoricalAccuracy(k=2, name="accuracy")],
        IDS,
    ),
    "accuracy-of-regression": (1, None, "mean_squared_error", ["acc"], REAL),
    "log-cosh": (1, None, "log_cosh", [], REAL),
    "cosine": (4, None, "cosine_similarity", [], MULTI_HOT + 0.5),
    "kl-divergence": (3, "softmax", "kl_divergence", ["accuracy"], ONE_HOT),
    "poisson": (1, "softplus", "poisson", [], POSITIVE),
    "binary-focal": (1, "sigmoid", "binary_focal_crossentropy", ["accuracy"], BINARY[:, None]),
    "binary-focal-logits": (
        1,
        None,
        L.BinaryFocalCrossentropy(gamma=3.0, apply_class_balancing=True, from_logits=True),
        [],
        BINARY[:, None],
    ),
    "categorical-focal": (3, "softmax", L.CategoricalFocalCrossentropy(), ["accuracy"], ONE_HOT),
    "dice": (4, "sigmoid", "dice", [], MULTI_HOT),
    "tversky": (4, "sigmoid", L.Tversky(alpha=0.3, beta=0.7), [], MULTI_HOT),
    "crossentropy-by-shape": (3, "softmax", "crossentropy", ["accuracy"], IDS),
}


def assert_all_verified(recorded: Any, *, rows: int) -> None:
    unverified = [
        (row["epoch"], row["split"], row["output"], row["reason"])
        for row in recorded.epochs
        if row["status"] != "verified"
    ]
    assert unverified == []
    assert len(recorded.epochs) == rows
    assert {row["coverage"] for row in recorded.epochs} == {1.0}
    assert {row["status"] for row in recorded.batches} == {"verified"}
    assert recorded.document["verified"] == 1.0
    assert recorded.document["troubles"] == []


@pytest.mark.parametrize("case", CASES)
def test_losses_and_accuracies_are_verified(case: str, record: Callable[..., Any]) -> None:
    units, activation, loss, metrics, y = CASES[case]
    model = dense(units, activation)
    model.compile("adam", loss, metrics=metrics)
    recorded = record(model, X, y, validation_data=(X[:21], y[:21]))
    assert_all_verified(recorded, rows=4)
    for row in recorded.batches:
        assert row["recomputed_loss"] == pytest.approx(row["loss"], rel=1e-5, abs=1e-7)
    # 72 samples in batches of 16: the last batch is a part of one.
    assert [row["n"] for row in recorded.batches if row["split"] == "train"][4] == 8
    last = recorded.epochs[-2]
    assert last["reported_loss"] == pytest.approx(recorded.history.history["loss"][-1], rel=1e-6)


@pytest.mark.parametrize("weighting", ["sample", "class", "zeros", "weighted_metrics"])
def test_weights_are_verified(weighting: str, record: Callable[..., Any]) -> None:
    model = dense()
    metrics = {"weighted_metrics" if weighting == "weighted_metrics" else "metrics": ["accuracy"]}
    model.compile("adam", "sparse_categorical_crossentropy", **metrics)
    weight = np.random.default_rng(3).random(N).astype("float32")
    if weighting == "zeros":
        weight[::3] = 0.0
    given = (
        {"class_weight": {0: 0.5, 1: 2.0, 2: 1.0}}
        if weighting == "class"
        else {"sample_weight": weight}
    )
    recorded = record(model, X, IDS, **given)
    assert_all_verified(recorded, rows=2)
    if weighting == "sample":
        total = sum(row["weight"] for row in recorded.batches if row["epoch"] == 0)
        assert total == pytest.approx(float(weight.sum()), rel=1e-6)


def test_penalty_is_kept_apart(record: Callable[..., Any]) -> None:
    model = dense(kernel_regularizer=keras.regularizers.L2(0.05))
    # A learning rate of 0 keeps the weights, so that the penalty is known for every batch.
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    penalty = float(sum(float(loss) for loss in model.losses))
    recorded = record(model, X, IDS, validation_data=(X, IDS))
    assert_all_verified(recorded, rows=4)
    for row in recorded.batches:
        assert row["penalty"] == pytest.approx(penalty, rel=1e-5)
    epoch = recorded.epochs[0]
    assert epoch["reported_loss"] == pytest.approx(epoch["loss"] + penalty, rel=1e-6)


def test_masked_sequences_are_verified(record: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    tokens = rng.integers(1, 20, (N, 7))
    tokens[: N // 2, 4:] = 0
    model = keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            keras.layers.Embedding(20, 5, mask_zero=True),
            keras.layers.GRU(6, return_sequences=True),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    recorded = record(model, tokens, rng.integers(0, 4, (N, 7)))
    assert_all_verified(recorded, rows=2)
    judged = sum(row["judged"] for row in recorded.batches if row["epoch"] == 0)
    assert judged == np.count_nonzero(tokens)


def _two_heads(nested: type) -> Any:
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(hidden)
    size = keras.layers.Dense(1, name="size")(hidden)
    outputs = {"kind": kind, "size": size} if nested is dict else [kind, size]
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize("nested", [list, dict])
@pytest.mark.parametrize("loss_weights", [None, 0.25])
def test_several_outputs_are_verified_one_by_one(
    nested: type, loss_weights: float | None, record: Callable[..., Any]
) -> None:
    model = _two_heads(nested)
    names = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    weights = None if loss_weights is None else {"kind": 1.0, "size": loss_weights}
    model.compile("adam", names, loss_weights=weights, metrics={"kind": ["accuracy"]})
    targets = {"kind": IDS, "size": REAL} if nested is dict else [IDS, REAL]
    recorded = record(model, X, targets, validation_split=0.25)
    assert_all_verified(recorded, rows=2 * 2 * 3)
    assert {row["output"] for row in recorded.epochs} == {"kind", "size", None}
    by_output = {row["output"]: row for row in recorded.batches if row["step"] == 0}
    total = by_output["kind"]["loss"] + (loss_weights or 1.0) * by_output["size"]["loss"]
    assert by_output[None]["recomputed_loss"] == pytest.approx(total, rel=1e-6)
    assert by_output["size"]["recomputed_accuracy"] is None
    assert by_output["kind"]["recomputed_accuracy"] is not None


@pytest.mark.parametrize("shared", ["layer", "tensor"])
def test_outputs_of_one_name_are_verified_one_by_one(
    shared: str, record: Callable[..., Any]
) -> None:
    left, right = keras.Input((6,)), keras.Input((6,))
    head = keras.layers.Dense(3, activation="softmax", name="head")
    first = head(left)
    outputs = [first, head(right) if shared == "layer" else first]
    model = keras.Model([left, right], outputs)
    losses = ["sparse_categorical_crossentropy"] * 2
    model.compile("adam", losses, loss_weights=[1.0, 0.5], metrics=[["accuracy"], ["accuracy"]])
    inputs, labels = [X, X[::-1].copy()], [IDS, (IDS + 1) % 3]
    others = [0.9 * part for part in inputs]
    recorded = record(model, inputs, labels, validation_data=(others, labels))
    assert_all_verified(recorded, rows=2 * 2 * 3)
    assert recorded.document["findings"] == []
    assert [output["name"] for output in recorded.document["outputs"]] == ["head", "head_1"]
    assert len(recorded.batches) == 2 * 2 * 5 * 3
    by_output = {row["output"]: row for row in recorded.batches if row["step"] == 0}
    total = by_output["head"]["loss"] + 0.5 * by_output["head_1"]["loss"]
    assert by_output[None]["recomputed_loss"] == pytest.approx(total, rel=1e-6)
    history = recorded.history.history
    for name, key in {"head": "head_accuracy", "head_1": "head_accuracy_1"}.items():
        of_output = [row for row in recorded.epochs if row["output"] == name]
        printed = {
            split: [row["reported_accuracy"] for row in of_output if row["split"] == split]
            for split in ("train", "val")
        }
        assert printed == {"train": history[key], "val": history[f"val_{key}"]}
        rows = {row["split"]: row["reported_loss"] for row in of_output if row["epoch"] == 1}
        last = {"train": history["head_loss"][1], "val": history["val_head_loss"][1]}
        assert rows == (last if name == "head_1" else {"train": None, "val": None})


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
def test_an_output_without_loss_is_left_out(record: Callable[..., Any]) -> None:
    model = _two_heads(list)
    model.compile("adam", ["sparse_categorical_crossentropy", None], metrics=[["accuracy"], None])
    recorded = record(model, X, [IDS, REAL])
    assert_all_verified(recorded, rows=2 * 2)
    assert {row["output"] for row in recorded.epochs} == {"kind", None}


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
@pytest.mark.parametrize("metrics", [["mae"], [M.MeanSquaredError(name="accuracy")], ["accuracy"]])
def test_an_output_without_loss_has_its_metrics_and_no_loss(
    metrics: list[Any], record: Callable[..., Any]
) -> None:
    model = _two_heads(list)
    losses = ["sparse_categorical_crossentropy", None]
    model.compile("adam", losses, metrics=[None, metrics])
    recorded = record(model, X, [IDS, REAL], validation_split=0.25)
    assert_all_verified(recorded, rows=2 * 2 * 3)
    history = recorded.history.history
    size = [row for row in recorded.epochs if row["output"] == "size"]
    assert [row["split"] for row in size] == ["train", "val"] * 2
    for row in size:
        assert (row["reported_loss"], row["loss"], row["recomputed_loss"]) == (None, None, None)
        key = next(key for key in history if key.startswith("size_"))
        printed = history[key if row["split"] == "train" else f"val_{key}"][row["epoch"]]
        if row["metrics"]:
            (metric,) = row["metrics"]
            assert (metric["key"], metric["status"]) == (key, "verified")
            assert metric["recomputed"] == pytest.approx(printed, rel=1e-5)
        else:
            assert row["reported_accuracy"] == printed
    # Metrics beside the accuracy are those of epochs: there is nothing to tell of a batch.
    told = {row["output"] for row in recorded.batches}
    assert told == ({"kind", None, "size"} if metrics == ["accuracy"] else {"kind", None})


def test_saturated_predictions_are_verified(record: Callable[..., Any]) -> None:
    """Behind a softmax TensorFlow uses the logits: a wrong answer may cost more than the cap."""
    model = dense()
    model.compile(
        keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.layers[-1].set_weights([w * 100.0 for w in model.layers[-1].get_weights()])
    recorded = record(model, X * 50.0, IDS)
    assert_all_verified(recorded, rows=2)
    worst = max(row["loss"] for row in recorded.batches)
    assert worst > 100.0 if keras.backend.backend() == "tensorflow" else worst < 16.2


@pytest.mark.parametrize("how", ["eager", "jit", "mixed"])
def test_ways_of_running_are_verified(how: str, record: Callable[..., Any]) -> None:
    policy = keras.config.dtype_policy()
    if how == "mixed":
        keras.config.set_dtype_policy("mixed_float16")
    try:
        model = dense()
    finally:
        keras.config.set_dtype_policy(policy)
    model.compile(
        "adam",
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        run_eagerly=how == "eager",
        jit_compile=how == "jit",
    )
    assert_all_verified(record(model, X, IDS, validation_split=0.25), rows=4)


SOURCES = ["generator", "pydataset", "dict"]
if keras.backend.backend() == "tensorflow":
    SOURCES.append("dataset")


@pytest.mark.parametrize("source", SOURCES)
def test_sources_of_data_are_verified(source: str, record: Callable[..., Any]) -> None:
    class Parts(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            part = slice(18 * index, 18 * (index + 1))
            return X[part], IDS[part]

    def generate() -> Any:
        while True:
            yield X[:16], IDS[:16]
            yield X[16:40], IDS[16:40]

    model = dense()
    if source == "dict":
        inputs = {name: keras.Input((6,), name=name) for name in ("left", "right")}
        joined = keras.layers.Concatenate()(list(inputs.values()))
        model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(joined))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    data: dict[str, tuple[Any, ...]] = {
        "generator": (generate(),),
        "pydataset": (Parts(),),
        "dict": ({"left": X, "right": X * 2}, IDS),
    }
    if source == "dataset":
        import tensorflow as tf

        data["dataset"] = (tf.data.Dataset.from_tensor_slices((X, IDS)).batch(20),)
    # Keras itself warns that it cannot shuffle these sources.
    given = {"shuffle": False} | ({"steps_per_epoch": 3} if source == "generator" else {})
    assert_all_verified(record(model, *data[source], **given), rows=2)


HEADS: dict[str, tuple[list[Any], str, Any]] = {
    "softmax in the layer": ([keras.layers.Dense(3, activation="softmax")], "scce", IDS),
    "softmax layer": ([keras.layers.Dense(3), keras.layers.Softmax()], "scce", IDS),
    "softmax then reshape": (
        [keras.layers.Dense(3, activation="softmax"), keras.layers.Reshape((3,))],
        "scce",
        IDS,
    ),
    "categorical": ([keras.layers.Dense(3, activation="softmax")], "cce", ONE_HOT),
    "sigmoid under a categorical loss": (
        [keras.layers.Dense(3, activation="sigmoid")],
        "cce",
        ONE_HOT,
    ),
    "sigmoid": ([keras.layers.Dense(1, activation="sigmoid")], "bce", BINARY[:, None]),
    "sigmoid, labels without an axis": (
        [keras.layers.Dense(1, activation="sigmoid")],
        "bce",
        BINARY,
    ),
    "sigmoid without an axis": (
        [keras.layers.Dense(1, activation="sigmoid"), keras.layers.Reshape(())],
        "bce",
        BINARY,
    ),
    "softmax taken for logits": ([keras.layers.Dense(3, activation="softmax")], "logits", IDS),
    "float16 softmax": (
        [keras.layers.Dense(3, activation="softmax", dtype="float16")],
        "scce",
        IDS,
    ),
}
LOSSES = {
    "scce": "sparse_categorical_crossentropy",
    "cce": "categorical_crossentropy",
    "bce": "binary_crossentropy",
    "logits": L.SparseCategoricalCrossentropy(from_logits=True),
}


@pytest.mark.filterwarnings("ignore:.*received `from_logits=True`.*:UserWarning")
@pytest.mark.parametrize("head", HEADS)
def test_heads_that_are_surely_wrong_are_verified(head: str, record: Callable[..., Any]) -> None:
    """Where clipping, the cap or the rescue of the logits decides, the values agree too."""
    layers, loss, y = HEADS[head]
    layers = [type(layer).from_config(layer.get_config()) for layer in layers]
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile(keras.optimizers.SGD(0.0), LOSSES[loss])
    model.layers[0].set_weights([w * 40.0 for w in model.layers[0].get_weights()])
    recorded = record(model, X * 20.0, y, monitor={"rules": ()})
    assert_all_verified(recorded, rows=2)
    worst = max(row["loss"] for row in recorded.batches)
    # On torch, where nothing is clipped, probabilities that sum to zero make it NaN: on both sides.
    assert worst > 0.1 or (np.isnan(worst) and keras.backend.backend() == "torch")
