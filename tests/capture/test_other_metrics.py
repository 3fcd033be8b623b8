"""Metrics beside the accuracy: recomputed over the epoch, and compared with what Keras prints."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from lossmon.capture.chunk import Chunk
from lossmon.capture.judge import RunJudge
from tests.capture.conftest import classes, dense, features

N = 72
X = features(N)
IDS = classes(N)
ONE_HOT = np.eye(3, dtype="float32")[IDS]
BINARY = (IDS > 0).astype("float32")[:, None]
REAL = (X[:, :1] * 3.0 + 5.0).astype("float32")

M = keras.metrics

TASKS: dict[str, tuple[int, str | None, str, list[Any], Any]] = {
    "two classes": (
        1,
        "sigmoid",
        "bce",
        [
            M.Precision(),
            M.Recall(thresholds=0.4),
            M.AUC(),
            M.AUC(curve="PR", name="pr_auc"),
            M.BinaryCrossentropy(),
            M.TruePositives(),
        ],
        BINARY,
    ),
    "one-hot": (3, "softmax", "categorical_crossentropy", [M.F1Score(average="macro")], ONE_HOT),
    "class ids": (
        3,
        "softmax",
        "sparse_categorical_crossentropy",
        [M.MeanIoU(num_classes=3, sparse_y_pred=False, dtype="float32")],
        IDS,
    ),
    "one number": (
        1,
        None,
        "mse",
        [M.RootMeanSquaredError(), M.MeanAbsoluteError(), M.R2Score()],
        REAL,
    ),
    "four numbers": (4, None, "mse", [M.PearsonCorrelation()], X[:, :4] * 2.0 + X[:, 1:5]),
}


def _prints_the_other_count(row: dict[str, Any]) -> bool:
    """On PyTorch, Keras prints the variable that counts, which validation has moved on by then."""
    return keras.backend.backend() == "torch" and row["split"] == "train"


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("task", TASKS)
def test_metrics_are_verified(task: str, weighted: bool, record: Callable[..., Any]) -> None:
    units, activation, loss, templates, y = TASKS[task]
    metrics = [type(metric).from_config(metric.get_config()) for metric in templates]
    model = dense(units, activation)
    model.compile("adam", loss, **{"weighted_metrics" if weighted else "metrics": metrics})
    weight = np.random.default_rng(4).uniform(0.2, 2.0, N).astype("float32")
    given = {"sample_weight": weight} if weighted else {"validation_data": (X[:21], y[:21])}
    recorded = record(model, X, y, monitor={"rules": ()}, **given)
    for row in recorded.epochs:
        assert len(row["metrics"]) == len(metrics)
        for metric, found in zip(metrics, row["metrics"], strict=True):
            if metric.name == "true_positives" and not weighted and _prints_the_other_count(row):
                assert found["status"] == "mismatch"
                continue
            assert found["status"] == "verified", found
            assert found["recomputed"] == pytest.approx(found["reported"], rel=1e-5, abs=1e-6)
    train = [row for row in recorded.epochs if row["split"] == "train"]
    for place, metric in enumerate(metrics):
        printed = recorded.history.history[metric.name]
        assert [row["metrics"][place]["reported"] for row in train] == pytest.approx(printed)
    assert recorded.document["troubles"] == []


def test_the_metrics_of_each_output_stand_with_it(record: Callable[..., Any]) -> None:
    inputs = keras.Input((6,))
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(inputs)
    size = keras.layers.Dense(1, name="size")(inputs)
    model = keras.Model(inputs, {"kind": kind, "size": size})
    model.compile(
        "adam",
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        metrics={"kind": ["accuracy"], "size": ["mae", M.RootMeanSquaredError(name="root")]},
    )
    recorded = record(model, X, {"kind": IDS, "size": REAL})
    for row in recorded.epochs:
        keys = [found["key"] for found in row["metrics"] or ()]
        assert keys == (["size_mae", "size_root"] if row["output"] == "size" else [])
        unverified = [found for found in row["metrics"] or () if found["status"] != "verified"]
        assert unverified == [], recorded.document["troubles"]


def surprise(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def test_an_unknown_metric_is_unverified_with_the_way_out(record: Callable[..., Any]) -> None:
    model = dense(1, None)
    model.compile("adam", "mse", metrics=[surprise])
    recorded = record(model, X, REAL)
    (found,) = recorded.epochs[0]["metrics"]
    assert (found["status"], found["recomputed"]) == ("unverified", None)
    assert "no independent definition for `surprise`; pass `metrics=" in found["reason"]
    # The loss is verified nevertheless, and says so.
    assert recorded.document["verified"] == 1.0


def test_a_part_of_the_samples_verifies_no_epoch_metric(
    record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = itertools.count()

    def every_other_step(_: RunJudge, chunk: Chunk) -> np.ndarray:
        return np.array([step for step in range(len(chunk)) if next(seen) % 2], dtype=np.int64)

    monkeypatch.setattr(RunJudge, "_choose", every_other_step)
    model = dense(1, "sigmoid")
    model.compile("adam", "bce", metrics=[M.AUC()])
    recorded = record(model, X, BINARY, epochs=1)
    (found,) = recorded.epochs[0]["metrics"]
    assert 0.0 < recorded.epochs[0]["coverage"] < 1.0
    assert found["status"] == "unverified"
    assert "of the samples only" in found["reason"]


def test_what_rounding_alone_decides_is_no_mismatch(record: Callable[..., Any]) -> None:
    model = dense(1, None)
    model.compile("adam", "mse", metrics=[M.R2Score()])
    # Of constant targets there is no variance to explain; Keras divides by what rounding left.
    constant = np.full((17, 1), 0.12573022, dtype="float32")

    recorded = record(model, X[:17], constant, monitor={"rules": ()}, batch_size=17)

    for row in recorded.epochs:
        (found,) = row["metrics"]
        assert found["recomputed"] == 0.0
        if found["reported"] == 0.0:
            assert found["status"] == "verified"
        else:
            assert found["status"] == "unverified"
            assert found["reason"] == "rounding in Keras' sums can make it any number"
