from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossmon.errors import InvalidArgument
from lossmon.recompute import Accumulator, UnknownDefinition, accumulator, has_accumulator
from lossmon.recompute.accumulators import _BUILDERS
from lossmon.records import MetricSpec
from tests.recompute.batches import EAGER, Array, Batch, sigmoid, softmax

BACKEND: Any = keras.backend.backend()
SEEDS = st.integers(0, 2**32 - 1)
Draw = Callable[[np.random.Generator], Batch]


def binary(rng: np.random.Generator, shape: tuple[int, ...], whole: bool = False) -> Batch:
    scores = sigmoid(rng.normal(size=shape) * rng.choice([0.1, 1.0, 6.0]))
    extremes = rng.choice(np.array([0.0, 1.0, 0.5], dtype=np.float32), shape)
    scores = np.where(rng.random(shape) < 0.1, extremes, scores)
    labels = (rng.random(shape) < 0.2 + 0.6 * scores).astype(np.float32)
    return Batch(labels, scores, weights(rng, shape[0], whole))


def weights(rng: np.random.Generator, samples: int, whole: bool = False) -> Array | None:
    if rng.random() < 0.5:
        return None
    return rng.integers(0, 4, samples) if whole else rng.gamma(1.0, size=samples)


def column(rng: np.random.Generator) -> Batch:
    return binary(rng, (int(rng.integers(1, 40)), 1))


def flat(rng: np.random.Generator) -> Batch:
    return binary(rng, (int(rng.integers(2, 40)),))


def labelled(rng: np.random.Generator) -> Batch:
    return binary(rng, (int(rng.integers(2, 40)), 4))


def logits(rng: np.random.Generator) -> Batch:
    batch = column(rng)
    return Batch(batch.y_true, rng.normal(size=batch.y_pred.shape).astype(np.float32))


def classes(rng: np.random.Generator) -> Batch:
    rows = int(rng.integers(2, 40))
    scores = softmax(rng.normal(size=(rows, 5)) * rng.choice([0.1, 1.0, 6.0]))
    ids = np.where(rng.random(rows) < 0.5, scores.argmax(axis=-1), rng.integers(0, 5, rows))
    return Batch(np.eye(5, dtype=np.float32)[ids], scores, weights(rng, rows))


def one_hot(rng: np.random.Generator) -> Batch:
    batch = classes(rng)
    return Batch(batch.y_true, batch.y_pred, weights(rng, len(batch.y_pred), whole=True))


def ids(rng: np.random.Generator) -> Batch:
    rows = int(rng.integers(2, 40))
    return Batch(rng.integers(0, 5, rows), rng.integers(0, 5, rows), weights(rng, rows, whole=True))


def image(rng: np.random.Generator) -> Batch:
    drawn = binary(rng, (3, 5, 4, 1))
    return Batch(drawn.y_true, drawn.y_pred)


def real(rng: np.random.Generator) -> Batch:
    shape = (int(rng.integers(2, 40)), 3)
    targets = rng.normal(size=shape) * [1.0, 10.0, 0.1] + [0.0, 5.0, 0.0]
    guesses = targets + rng.normal(size=shape) * rng.choice([0.01, 0.3, 2.0])
    return Batch(targets, guesses.astype(np.float32), weights(rng, shape[0]))


METRICS: list[tuple[str, Draw, dict[str, Any]]] = [
    ("RootMeanSquaredError", real, {}),
    ("R2Score", real, {}),
    ("R2Score", real, {"class_aggregation": None}),
    ("R2Score", real, {"class_aggregation": "variance_weighted_average"}),
    ("R2Score", real, {"num_regressors": 2}),
    ("TruePositives", column, {}),
    ("FalsePositives", flat, {"thresholds": [0.7, 0.2]}),
    ("TrueNegatives", labelled, {"thresholds": 0.3}),
    ("FalseNegatives", column, {"thresholds": [0.0, 0.5, 1.0]}),
    ("Precision", column, {}),
    ("Precision", image, {}),
    ("Precision", labelled, {"class_id": 2, "thresholds": [0.1, 0.5, 0.9]}),
    ("Precision", classes, {"top_k": 2}),
    ("Recall", flat, {}),
    ("Recall", classes, {"top_k": 3, "class_id": 1}),
    ("Recall", column, {"thresholds": [0.25, 0.5, 0.75]}),
    ("SensitivityAtSpecificity", column, {"specificity": 0.6}),
    ("SpecificityAtSensitivity", column, {"sensitivity": 0.5, "num_thresholds": 20}),
    ("PrecisionAtRecall", column, {"recall": 0.8, "num_thresholds": 1}),
    ("PrecisionAtRecall", labelled, {"recall": 0.5}),
    ("RecallAtPrecision", labelled, {"precision": 0.7, "class_id": 0}),
    ("AUC", column, {}),
    ("AUC", labelled, {"num_thresholds": 11}),
    ("AUC", flat, {"summation_method": "minoring"}),
    ("AUC", column, {"summation_method": "majoring"}),
    ("AUC", column, {"curve": "PR"}),
    ("AUC", column, {"curve": "PR", "summation_method": "majoring"}),
    ("AUC", column, {"curve": "PRGAIN"}),
    ("AUC", logits, {"from_logits": True}),
    ("AUC", column, {"thresholds": [0.8, 0.1, 0.45]}),
    ("AUC", labelled, {"multi_label": True, "num_thresholds": 50}),
    ("AUC", labelled, {"multi_label": True, "curve": "PR", "label_weights": [1.0, 2.0, 0.5, 0.0]}),
    ("AUC", labelled, {"label_weights": [1.0, 2.0, 0.5, 1.0]}),
    ("FBetaScore", classes, {"beta": 2.0, "average": "macro"}),
    ("FBetaScore", labelled, {"beta": 0.5, "threshold": 0.4}),
    ("F1Score", classes, {"average": "weighted"}),
    ("F1Score", classes, {"average": "micro"}),
    ("F1Score", classes, {}),
    ("IoU", ids, {"num_classes": 5, "target_class_ids": [0, 3]}),
    ("IoU", ids, {"num_classes": 4, "target_class_ids": [0, 3], "ignore_class": 1}),
    ("BinaryIoU", image, {}),
    ("BinaryIoU", flat, {"target_class_ids": [1], "threshold": 0.3, "dtype": "float32"}),
    ("MeanIoU", ids, {"num_classes": 5}),
    ("OneHotIoU", one_hot, {"num_classes": 5, "target_class_ids": [1, 2]}),
    ("OneHotMeanIoU", one_hot, {"num_classes": 5}),
    ("BinaryAccuracy", column, {}),
    ("CategoricalCrossentropy", classes, {}),
    ("CosineSimilarity", real, {}),
]


def snake_case(name: str) -> str:
    """As Keras names its definitions: `MeanIoU` becomes `mean_io_u`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def name_of(metric: Any) -> str:
    own = snake_case(type(metric).__name__)
    return own if own in _BUILDERS else str(metric.name)


def spec_of(metric: Any, config: dict[str, Any]) -> MetricSpec:
    return MetricSpec("metric", name_of(metric), {**metric.get_config(), **config})


def fed(metric: Any, config: dict[str, Any], drawn: list[Batch]) -> Accumulator:
    mine = accumulator(spec_of(metric, config), backend=BACKEND)
    for batch in drawn:
        weight = batch.sample_weight
        metric.update_state(batch.y_true, batch.y_pred, sample_weight=weight)
        mine.add(batch.y_true, batch.y_pred, weight)
    return mine


@pytest.mark.parametrize(("name", "draw", "config"), METRICS)
@settings(EAGER, max_examples=15)
@given(seed=SEEDS)
def test_every_metric_is_keras_own_within_rounding(
    name: str, draw: Draw, config: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    metric = getattr(keras.metrics, name)(**config)

    mine = fed(metric, config, [draw(rng) for _ in range(seed % 3 + 1)])

    expected: Array = np.asarray(keras.ops.convert_to_numpy(metric.result() * 1.0), dtype=float)
    value, tolerance = np.asarray(mine.value()), np.asarray(mine.tolerance())
    assert value.shape == expected.shape
    gap = np.where(np.isnan(value) & np.isnan(expected), 0.0, np.abs(value - expected))
    assert (gap <= tolerance).all(), (value, expected, gap, tolerance)


@pytest.mark.parametrize(("name", "draw", "config"), METRICS)
def test_tolerances_are_of_the_order_of_rounding(
    name: str, draw: Draw, config: dict[str, Any]
) -> None:
    rng = np.random.default_rng(12)
    metric = getattr(keras.metrics, name)(**config)
    drawn = [draw(rng) for _ in range(20)]
    # Scores on a threshold are in doubt by right, as are saturated ones: move them off.
    off = [np.where(np.isin(b.y_pred, [0.0, 0.5, 1.0]), 0.51, b.y_pred) for b in drawn]
    scores = [p.astype(np.float32) for p in off]

    mine = fed(
        metric,
        config,
        [Batch(b.y_true, p, b.sample_weight) for b, p in zip(drawn, scores, strict=True)],
    )

    value, tolerance = np.asarray(mine.value()), np.asarray(mine.tolerance())
    # Keras gets negatives by subtracting from the whole: that is their scale.
    scale = float(sum(p.size for p in scores)) if name.endswith("tives") else 1.0
    assert (tolerance <= 3e-5 * np.maximum(np.abs(value), scale)).all(), (value, tolerance)


def test_areas_are_those_of_scikit_learn_where_thresholds_are_dense() -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(3)
    scores = rng.integers(1, 200, 500) / 200.0
    labels = (rng.random(500) < scores).astype(int)

    def area(**config: Any) -> float:
        mine = accumulator(MetricSpec("auc", "auc", {"num_thresholds": 401, **config}))
        mine.add(labels, scores)
        return float(mine.value())

    assert area() == pytest.approx(roc_auc_score(labels, scores), rel=1e-12)
    assert area(curve="PR") == pytest.approx(average_precision_score(labels, scores), rel=0.01)


def test_scores_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score, jaccard_score, precision_score, r2_score, recall_score

    rng = np.random.default_rng(5)
    batch = Batch(rng.integers(0, 2, 300), rng.random(300))
    cut = batch.y_pred > 0.5

    def value(name: str, true: Array, pred: Array, **config: Any) -> Any:
        mine = accumulator(MetricSpec(name, name, config))
        mine.add(true[:100], pred[:100])
        mine.add(true[100:], pred[100:])
        return mine.value()

    assert value("precision", *pair(batch)) == pytest.approx(precision_score(batch.y_true, cut))
    assert value("recall", *pair(batch)) == pytest.approx(recall_score(batch.y_true, cut))
    union = jaccard_score(batch.y_true, cut, average="macro")
    assert value("binary_io_u", *pair(batch)) == pytest.approx(union, rel=1e-6)
    rows = rng.random((300, 4))
    truth = np.eye(4)[rng.integers(0, 4, 300)]
    macro = f1_score(truth.argmax(1), rows.argmax(1), average="macro")
    assert value("f1_score", truth, rows, average="macro") == pytest.approx(macro, rel=1e-5)
    assert value("r2_score", truth, rows) == pytest.approx(r2_score(truth, rows), rel=1e-6)


def pair(batch: Batch) -> tuple[Array, Array]:
    return batch.y_true, batch.y_pred


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("precision", {}),
        ("auc", {}),
        ("auc", {"curve": "PR"}),
        ("precision_at_recall", {"recall": 0.5}),
    ],
)
def test_a_near_tie_widens_the_tolerance_to_both_outcomes(
    name: str, config: dict[str, Any]
) -> None:
    cut = 100 / 199 if name != "precision" else 0.5
    labels, scores = [1, 0, 1, 0], np.array([0.9, 0.1, cut, 0.3])

    def value(shift: float) -> tuple[float, float]:
        mine = accumulator(MetricSpec(name, name, config))
        mine.add(labels, (scores + np.array([0.0, 0.0, shift, 0.0])).astype(np.float32))
        return float(mine.value()), float(mine.tolerance())

    value_at, tolerance = value(0.0)

    assert all(abs(value(shift)[0] - value_at) <= tolerance for shift in (-1e-4, 1e-4))
    assert value(1e-4)[1] < 1e-5


def test_splitting_a_batch_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    for name, draw, config in METRICS:
        metric = getattr(keras.metrics, name)(**config)
        batch = draw(rng)
        whole, parts = (accumulator(spec_of(metric, config), backend=BACKEND) for _ in range(2))
        whole.add(batch.y_true, batch.y_pred, batch.sample_weight)
        for rows in (slice(0, 1), slice(1, None)):
            if len(batch.y_true[rows]):
                weight = None if batch.sample_weight is None else batch.sample_weight[rows]
                parts.add(batch.y_true[rows], batch.y_pred[rows], weight)

        np.testing.assert_allclose(parts.value(), whole.value(), rtol=1e-9, atol=1e-12)


def test_a_mean_heeds_the_mask() -> None:
    mine = accumulator(MetricSpec("acc", "binary_accuracy"))

    mine.add([[1], [1]], [[0.9], [0.1]], mask=[True, False])

    assert mine.value() == 1.0


def test_nothing_seen_is_zero() -> None:
    for name in ("precision", "auc", "mean_squared_error", "rmse"):
        mine = accumulator(MetricSpec(name, name))
        assert (mine.value(), mine.tolerance()) == (0.0, 0.0)


def test_what_is_not_known_says_so() -> None:
    assert not has_accumulator("bleu")
    assert not has_accumulator("auc", custom=True)
    with pytest.raises(UnknownDefinition, match=r"`bleu`; pass `metrics=\{"):
        accumulator(MetricSpec("bleu", "bleu"))
    with pytest.raises(UnknownDefinition, match=r"Received: \{'slope': 2\}"):
        accumulator(MetricSpec("auc", "auc", {"slope": 2}))
    with pytest.raises(InvalidArgument, match="curve='S'"):
        accumulator(MetricSpec("auc", "auc", {"curve": "S"}))
