"""Arguments of losses and metrics, one of each family, through a whole monitored training."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from tests.capture.conftest import classes, dense, features

L, M = keras.losses, keras.metrics
N = 48
X = features(N)
IDS = classes(N)
ONE_HOT = np.eye(3, dtype="float32")[IDS]
BINARY = (IDS > 0).astype("float32")[:, None]
REAL = (X[:, :2] * 3.0 + 5.0).astype("float32")


class Case(NamedTuple):
    """A program.

    Attributes:
        units: of the last layer.
        activation: of it.
        loss: what makes it.
        metrics: what makes them, and why each is unverified, None where it is verified.
        y: labels.
        reason: why the loss is unverified, None where it is verified.
    """

    units: int
    activation: str | None
    loss: Callable[[], Any]
    metrics: dict[str, tuple[Callable[[str], Any], str | None]]
    y: Any
    reason: str | None = None


def _verified(make: Callable[..., Any], **config: Any) -> tuple[Callable[[str], Any], None]:
    return (lambda name: make(name=name, **config)), None


def _refused(
    make: Callable[..., Any], reason: str, **config: Any
) -> tuple[Callable[[str], Any], str]:
    return (lambda name: make(name=name, **config)), reason


CASES: dict[str, Case] = {
    "binary crossentropy": Case(
        1,
        None,
        lambda: L.BinaryCrossentropy(from_logits=True, label_smoothing=0.2, reduction="sum"),
        {
            "area": _verified(M.AUC, from_logits=True, curve="PR", num_thresholds=21),
            "entropy": _verified(M.BinaryCrossentropy, from_logits=True, label_smoothing=0.2),
        },
        BINARY,
    ),
    "binary focal": Case(
        1,
        "sigmoid",
        lambda: L.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.6, gamma=1.3),
        {
            "shares": _refused(
                M.Precision, "Keras prints no single number", thresholds=[0.31, 0.62]
            ),
            "cells": _verified(M.FalseNegatives, thresholds=0.31),
        },
        BINARY,
    ),
    "categorical focal": Case(
        3,
        None,
        lambda: L.CategoricalFocalCrossentropy(alpha=0.6, gamma=1.3, from_logits=True),
        {"score": _verified(M.FBetaScore, beta=2.0, average="weighted", threshold=0.31)},
        ONE_HOT,
    ),
    "generalised": Case(
        3,
        "softmax",
        lambda: L.CategoricalGeneralizedCrossEntropy(q=0.8),
        {"top": _verified(M.SparseTopKCategoricalAccuracy, k=2)},
        IDS,
    ),
    "sparse, a class left out": Case(
        3,
        None,
        lambda: L.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=1, reduction="mean_with_sample_weight"
        ),
        {
            "entropy": _verified(M.SparseCategoricalCrossentropy, from_logits=True, ignore_class=1),
            "union": _verified(M.MeanIoU, num_classes=3, ignore_class=2, sparse_y_pred=False),
        },
        IDS,
    ),
    "huber": Case(
        2,
        None,
        lambda: L.Huber(delta=0.3, reduction="mean"),
        {
            "explained": _verified(M.R2Score, class_aggregation="variance_weighted_average"),
            "root": _verified(M.RootMeanSquaredError, dtype="float64"),
        },
        REAL,
    ),
    "cosine": Case(
        2,
        None,
        lambda: L.CosineSimilarity(axis=1, reduction="sum"),
        {
            "agreement": _verified(M.ConcordanceCorrelation, axis=1),
            "cosine": _verified(M.CosineSimilarity, axis=1),
        },
        REAL,
    ),
    "tversky": Case(
        3,
        "softmax",
        lambda: L.Tversky(alpha=0.2, beta=0.9, axis=[1]),
        {
            "union": _verified(M.OneHotIoU, num_classes=3, target_class_ids=[0, 2]),
            "recall": _verified(M.Recall, top_k=2, class_id=1),
        },
        ONE_HOT,
    ),
    "dice": Case(
        1,
        "sigmoid",
        lambda: L.Dice(axis=[0, 1]),
        {"union": _verified(M.BinaryIoU, target_class_ids=[1], threshold=0.31)},
        BINARY,
    ),
    "circle": Case(
        3,
        None,
        lambda: L.Circle(gamma=20.0, margin=0.2, remove_diagonal=False),
        {},
        IDS,
    ),
    "float64": Case(
        2,
        None,
        lambda: L.LogCosh(dtype="float64"),
        {"absolute": _verified(M.MeanAbsoluteError, dtype="float64")},
        REAL,
    ),
    "float16": Case(
        2,
        None,
        lambda: L.MeanSquaredError(dtype="float16"),
        {"root": _refused(M.RootMeanSquaredError, "dtype='float16'", dtype="float16")},
        REAL,
        "dtype='float16'",
    ),
}

# In Keras 3.13 the loss can leave out a class, and the metric cannot.
if "ignore_class" not in signature(M.SparseCategoricalCrossentropy.__init__).parameters:
    del CASES["sparse, a class left out"]


@pytest.mark.parametrize("name", CASES)
def test_arguments_are_verified_in_a_training(name: str, record: Callable[..., Any]) -> None:
    case = CASES[name]
    model = dense(case.units, case.activation)
    metrics = [make(key) for key, (make, _) in case.metrics.items()]
    model.compile("adam", case.loss(), metrics=metrics)

    recorded = record(
        model,
        X,
        case.y,
        monitor={"verify": "full", "rules": ()},
        validation_data=(X[:21], case.y[:21]),
    )

    assert [row["split"] for row in recorded.epochs] == ["train", "val"] * 2
    assert recorded.document["troubles"] == []
    for row in recorded.epochs:
        _assert_told(row, case.reason)
        found = {metric["key"]: metric for metric in row["metrics"] or ()}
        # The accuracy is recomputed batch by batch, and stands apart.
        assert set(found) == set(case.metrics) - {"top"}
        for key, metric in found.items():
            _assert_told(metric, case.metrics[key][1])
    if case.reason is None:
        assert {row["status"] for row in recorded.batches} == {"verified"}
        assert {row["coverage"] for row in recorded.epochs} == {1.0}
        for row in recorded.batches:
            assert row["recomputed_loss"] == pytest.approx(row["loss"], rel=1e-6)
        accuracies = {row["recomputed_accuracy"] is None for row in recorded.epochs}
        assert accuracies == {"top" not in case.metrics}


def _assert_told(row: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        assert row["status"] == "verified", row
    else:
        assert row["status"] == "unverified", row
        assert reason in row["reason"]
