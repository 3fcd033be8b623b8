from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.recompute import evaluate_metric
from lossmon.records import MetricSpec
from tests.recompute.batches import EAGER, Batch, batches

ACCURACIES: list[tuple[str, str, dict[str, Any]]] = [
    ("Accuracy", "ids-logits", {}),
    ("BinaryAccuracy", "binary-probabilities", {"threshold": 0.5}),
    ("BinaryAccuracy", "binary-logits", {"threshold": 0.3}),
    ("CategoricalAccuracy", "classes-probabilities", {}),
    ("CategoricalAccuracy", "classes-logits", {}),
    ("SparseCategoricalAccuracy", "ids-probabilities", {}),
    ("SparseCategoricalAccuracy", "ids-logits", {}),
    ("TopKCategoricalAccuracy", "classes-logits", {"k": 2}),
    ("SparseTopKCategoricalAccuracy", "ids-logits", {"k": 1}),
    ("SparseTopKCategoricalAccuracy", "ids-probabilities", {"k": 2}),
]
MEANS: list[tuple[str, str, dict[str, Any]]] = [
    ("MeanSquaredError", "real", {}),
    ("MeanAbsoluteError", "real", {}),
    ("MeanAbsolutePercentageError", "real", {}),
    ("MeanSquaredLogarithmicError", "positive", {}),
    ("LogCoshError", "real", {}),
    ("KLDivergence", "classes-probabilities", {}),
    ("Poisson", "positive", {}),
    ("CosineSimilarity", "real", {}),
    ("Hinge", "margin", {}),
    ("SquaredHinge", "margin", {}),
    ("CategoricalHinge", "classes-logits", {}),
    ("BinaryCrossentropy", "binary-probabilities", {"label_smoothing": 0.1}),
    ("BinaryCrossentropy", "binary-logits", {"from_logits": True}),
    ("CategoricalCrossentropy", "classes-probabilities", {}),
    ("SparseCategoricalCrossentropy", "ids-logits", {"from_logits": True}),
    ("SparseCategoricalCrossentropy", "ids-probabilities", {"ignore_class": 0}),
]
BACKEND: Any = keras.backend.backend()
NAMES = {"LogCoshError": "log_cosh"}


def keras_metric(name: str, config: dict[str, Any], batch: Batch) -> Any:
    """Keras' own metric object after one batch."""
    predictions: Any = keras.ops.convert_to_tensor(batch.y_pred)
    if batch.mask is not None:
        predictions._keras_mask = keras.ops.convert_to_tensor(batch.mask)
    metric = getattr(keras.metrics, name)(**config)
    metric.update_state(batch.y_true, predictions, sample_weight=batch.sample_weight)
    return metric


def spec_of(name: str, config: dict[str, Any]) -> MetricSpec:
    metric: Any = getattr(keras.metrics, name)(**config)
    key = str(metric.name)
    return MetricSpec(key, NAMES.get(name, key), metric.get_config())


def judged_like(name: str, batch: Batch) -> Batch:
    """`Accuracy` compares labels with labels: round the predictions to ids."""
    if name != "Accuracy":
        return batch
    ids = np.clip(np.rint(batch.y_pred[..., 0]), 0, 3).astype(np.float32)
    return Batch(batch.y_true, ids, batch.sample_weight, batch.mask)


@pytest.mark.parametrize(("name", "kind", "config"), ACCURACIES)
@EAGER
@given(data=st.data())
def test_unweighted_accuracies_are_equal_counts(
    name: str, kind: str, config: dict[str, Any], data: st.DataObject
) -> None:
    batch = judged_like(name, data.draw(batches(kind, weighted=False)))
    rows = batch.y_pred.reshape(-1, batch.y_pred.shape[-1])
    if name == "Accuracy":
        batch = Batch(batch.y_true.ravel(), batch.y_pred.ravel())
    elif "Sparse" in name:
        batch = Batch(batch.y_true.ravel(), rows)
    else:
        batch = Batch(batch.y_true.reshape(rows.shape), rows)
    scale = 1.0 if name != "BinaryAccuracy" else float(rows.shape[-1])

    metric = keras_metric(name, config, batch)
    value = evaluate_metric(spec_of(name, config), batch.y_true, batch.y_pred, backend=BACKEND)

    assert value.count == float(metric.count)
    assert round(value.total * scale) == round(float(metric.total) * scale)
    assert value.agrees(float(metric.result()))


@pytest.mark.parametrize(("name", "kind", "config"), ACCURACIES + MEANS)
@EAGER
@given(data=st.data())
def test_weights_masks_and_ranks(
    name: str, kind: str, config: dict[str, Any], data: st.DataObject
) -> None:
    batch = judged_like(name, data.draw(batches(kind)))

    metric = keras_metric(name, config, batch)
    value = evaluate_metric(
        spec_of(name, config),
        batch.y_true,
        batch.y_pred,
        sample_weight=batch.sample_weight,
        mask=batch.mask,
        backend=BACKEND,
    )

    assert value.count == pytest.approx(float(metric.count), rel=1e-6)
    assert value.agrees(float(metric.result())), (float(metric.result()), value)


@pytest.mark.parametrize(
    ("name", "true_shape", "pred_shape"),
    [
        ("BinaryAccuracy", (6,), (6, 1)),
        ("BinaryAccuracy", (6, 3), (6, 1)),
        ("CategoricalAccuracy", (6,), (6,)),
        ("SparseCategoricalAccuracy", (6, 1), (6, 3)),
        ("SparseCategoricalAccuracy", (6, 4, 1), (6, 4, 3)),
        ("SparseTopKCategoricalAccuracy", (6, 1), (6, 9)),
        ("MeanSquaredError", (6,), (6, 1)),
        ("Hinge", (6,), (6, 1)),
    ],
)
def test_shapes_that_differ(
    name: str, true_shape: tuple[int, ...], pred_shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, size=true_shape)
    batch = Batch(labels, rng.random(pred_shape).astype(np.float32))

    metric = keras_metric(name, {}, batch)
    value = evaluate_metric(spec_of(name, {}), batch.y_true, batch.y_pred, backend=BACKEND)

    assert value.count == float(metric.count)
    assert value.agrees(float(metric.result())), (float(metric.result()), value)


@pytest.mark.parametrize("name", ["CategoricalAccuracy", "TopKCategoricalAccuracy"])
def test_nan_scores_are_judged_as_the_backend_judges_them(name: str) -> None:
    labels = np.eye(3)[[0, 1, 2, 0]]
    scores = np.array([[np.nan, 1, 2], [1, 3, np.nan], [0, 1, 2], [np.nan] * 3], dtype=np.float32)
    config = {"k": 1} if name.startswith("Top") else {}

    metric = keras_metric(name, config, Batch(labels, scores))

    value = evaluate_metric(spec_of(name, config), labels, scores, backend=BACKEND)

    assert value.total == float(metric.total)


def test_large_ids_collide_in_half_precision_as_in_keras() -> None:
    ids = np.array([2049, 2048])
    scores = np.zeros((2, 2050), dtype=np.float16)
    scores[:, 2048] = 1.0

    metric = keras_metric("SparseCategoricalAccuracy", {}, Batch(ids, scores))
    value = evaluate_metric(spec_of("SparseCategoricalAccuracy", {}), ids, scores, backend=BACKEND)

    assert value.total == float(metric.total) == 2.0


def test_sorted_ids() -> None:
    config = {"k": 2, "from_sorted_ids": True}
    batch = Batch(np.array([2, 1, 5]), np.array([[1, 2, 3], [0, 2, 1], [5, 5, 5]], np.float32))

    metric = keras_metric("SparseTopKCategoricalAccuracy", config, batch)
    value = evaluate_metric(
        spec_of("SparseTopKCategoricalAccuracy", config), batch.y_true, batch.y_pred
    )

    assert value.total == float(metric.total) == 2.0
