"""Every constructor argument of every built-in metric, at a value that is not its default.

The arguments are read from Keras itself: one that a newer Keras adds fails here until it is named.
Each case takes the way of a compiled program, from a live metric through `metric_spec`.
"""

from __future__ import annotations

import inspect
import itertools
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from lossmon.capture.specs import metric_spec
from lossmon.recompute import Accumulator, accumulator
from tests.recompute.batches import Array, Batch, sigmoid, softmax
from tests.recompute.conftest import IS_OLD

BACKEND: Any = keras.backend.backend()
SHARED = {"name", "dtype"}
# They wrap a definition, or track a number without labels: nothing to recompute.
BASES = {"Metric", "MeanMetricWrapper", "Mean", "Sum"}
ROWS, WIDTH, BATCHES = 40, 5, 3


class Arguments(NamedTuple):
    """The arguments of one metric.

    Attributes:
        kind: the batches that it is asked about.
        needed: those without a default.
        other: values other than the defaults, and other than the needed ones.
    """

    kind: str
    needed: dict[str, Any]
    other: dict[str, Any]


_CONSTRAINED: dict[str, Any] = {"num_thresholds": 30, "class_id": 1}
_COUNTED: dict[str, Any] = {"thresholds": [0.31, 0.62]}
_SHARES: dict[str, Any] = {"thresholds": 0.31, "top_k": 2, "class_id": 1}
_UNIONS: dict[str, Any] = {"num_classes": 4, "ignore_class": 2}
_SPARSE: dict[str, Any] = {"sparse_y_true": False, "sparse_y_pred": False, "axis": 1}
_TARGETS: dict[str, Any] = {"target_class_ids": [1, 3]}
_FIVE: dict[str, Any] = {"num_classes": WIDTH}
_SCORES: dict[str, Any] = {"average": "weighted", "threshold": 0.31}

METRICS: dict[str, Arguments] = {
    "AUC": Arguments(
        "binary",
        {},
        {
            "num_thresholds": 21,
            "curve": "PR",
            "summation_method": "majoring",
            "thresholds": [0.2, 0.7],
            "multi_label": True,
            "num_labels": WIDTH,
            "label_weights": [1.0, 2.0, 0.5, 0.25, 3.0],
            "from_logits": True,
        },
    ),
    "Accuracy": Arguments("found ids", {}, {}),
    "BinaryAccuracy": Arguments("binary", {}, {"threshold": 0.31}),
    "BinaryCrossentropy": Arguments("binary", {}, {"from_logits": True, "label_smoothing": 0.2}),
    "BinaryIoU": Arguments("column", {}, {"target_class_ids": [1], "threshold": 0.31}),
    "CategoricalAccuracy": Arguments("classes", {}, {}),
    "CategoricalCrossentropy": Arguments(
        "classes", {}, {"from_logits": True, "label_smoothing": 0.2, "axis": 1}
    ),
    "CategoricalHinge": Arguments("classes", {}, {}),
    "ConcordanceCorrelation": Arguments("real", {}, {"axis": 1}),
    "CosineSimilarity": Arguments("real", {}, {"axis": 1}),
    "F1Score": Arguments("classes", {}, _SCORES),
    "FBetaScore": Arguments("classes", {}, {**_SCORES, "beta": 2.0}),
    "FalseNegatives": Arguments("binary", {}, _COUNTED),
    "FalsePositives": Arguments("binary", {}, _COUNTED),
    "Hinge": Arguments("binary", {}, {}),
    "IoU": Arguments(
        "found ids", {**_FIVE, "target_class_ids": [0]}, {**_UNIONS, **_SPARSE, **_TARGETS}
    ),
    "KLDivergence": Arguments("classes", {}, {}),
    "LogCoshError": Arguments("real", {}, {}),
    "MeanAbsoluteError": Arguments("real", {}, {}),
    "MeanAbsolutePercentageError": Arguments("real", {}, {}),
    "MeanIoU": Arguments("found ids", _FIVE, {**_UNIONS, **_SPARSE}),
    "MeanSquaredError": Arguments("real", {}, {}),
    "MeanSquaredLogarithmicError": Arguments("positive", {}, {}),
    "OneHotIoU": Arguments(
        "classes",
        {**_FIVE, "target_class_ids": [0]},
        {**_UNIONS, **_TARGETS, "sparse_y_pred": True, "axis": 1},
    ),
    "OneHotMeanIoU": Arguments("classes", _FIVE, {**_UNIONS, "sparse_y_pred": True, "axis": 1}),
    "PearsonCorrelation": Arguments("real", {}, {"axis": 1}),
    "Poisson": Arguments("positive", {}, {}),
    "Precision": Arguments("binary", {}, _SHARES),
    "PrecisionAtRecall": Arguments("binary", {"recall": 0.5}, {**_CONSTRAINED, "recall": 0.8}),
    "R2Score": Arguments(
        "real", {}, {"class_aggregation": "variance_weighted_average", "num_regressors": 2}
    ),
    "Recall": Arguments("binary", {}, _SHARES),
    "RecallAtPrecision": Arguments(
        "binary", {"precision": 0.5}, {**_CONSTRAINED, "precision": 0.65}
    ),
    "RootMeanSquaredError": Arguments("real", {}, {}),
    "SensitivityAtSpecificity": Arguments(
        "binary", {"specificity": 0.5}, {**_CONSTRAINED, "specificity": 0.8}
    ),
    "SparseCategoricalAccuracy": Arguments("ids", {}, {}),
    "SparseCategoricalCrossentropy": Arguments(
        "ids", {}, {"from_logits": True, "ignore_class": 1, "axis": 1}
    ),
    "SparseTopKCategoricalAccuracy": Arguments("ids", {}, {"k": 2, "from_sorted_ids": True}),
    "SpecificityAtSensitivity": Arguments(
        "binary", {"sensitivity": 0.5}, {**_CONSTRAINED, "sensitivity": 0.8}
    ),
    "SquaredHinge": Arguments("binary", {}, {}),
    "TopKCategoricalAccuracy": Arguments("classes", {}, {"k": 2}),
    "TrueNegatives": Arguments("binary", {}, _COUNTED),
    "TruePositives": Arguments("binary", {}, _COUNTED),
}
# Arguments that Keras takes only with another one.
WITH: dict[tuple[str, str], dict[str, Any]] = {
    ("AUC", "num_labels"): {"multi_label": True},
    ("AUC", "label_weights"): {"multi_label": True},
    ("IoU", "axis"): {"sparse_y_true": False, "sparse_y_pred": False},
    ("MeanIoU", "axis"): {"sparse_y_true": False, "sparse_y_pred": False},
}


def _chosen(name: str, given: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    config = dict(given)
    for argument in dict(given):
        config |= WITH.get((name, argument), {})
    return config


CASES = [
    (name, _chosen(name, chosen), weighted, masked)
    for name, (_, _, other) in METRICS.items()
    for size in range(min(len(other), 2) + 1)
    for chosen in itertools.combinations(other.items(), size)
    # Pairs of arguments with weights and a mask only.
    for weighted in (False, True)[size // 2 :]
    for masked in (False, True)[size // 2 :]
]
# Not covered: Keras has no value for these.
REFUSED_BY_KERAS: dict[tuple[str, str], str] = {
    ("SparseCategoricalCrossentropy", "axis"): "Only axis=-1",
    # They add up the classes along that axis too, which their counts do not have.
    **{
        (name, "axis"): "Invalid reduction dimension"
        for name in ("IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU")
    },
}


def batch_of(
    kind: str, config: dict[str, Any], *, weighted: bool, masked: bool, seed: int
) -> Batch:
    """A batch on which the arguments of `config` matter."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(ROWS, WIDTH)).astype(np.float32)
    ids = np.where(rng.random(ROWS) < 0.5, scores.argmax(axis=-1), rng.integers(0, WIDTH, ROWS))
    y_true: Array = rng.normal(size=scores.shape) + scores
    y_pred: Array = scores
    if kind == "positive":
        y_true, y_pred = np.abs(y_true), np.abs(scores)
    elif kind in ("binary", "column"):
        columns = slice(0, 1 if kind == "column" else WIDTH)
        chances = sigmoid(scores)[:, columns]
        y_true = (rng.random(chances.shape) < chances).astype(np.float32)
        y_pred = scores[:, columns] if config.get("from_logits") else chances
    elif kind in ("classes", "ids", "found ids"):
        shown = scores if config.get("from_logits") else softmax(scores)
        found = scores.argmax(axis=-1)
        if config.get("from_sorted_ids"):
            shown = np.argsort(-scores, axis=-1)[:, :3].astype(np.float32)
        one_hot = kind == "classes" or not config.get("sparse_y_true", True)
        by_score = kind != "found ids" or not config.get("sparse_y_pred", True)
        y_true = np.eye(WIDTH, dtype=np.float32)[ids] if one_hot else ids
        y_pred = shown if by_score and not config.get("sparse_y_pred") else found
    if config.get("axis") == 1:
        # Classes lie between the rows and a last axis.
        y_true, y_pred = (
            np.moveaxis(np.reshape(side, (ROWS // 4, 4, *side.shape[1:])), 1, -1)
            for side in (y_true, y_pred)
        )
    shape: tuple[int, ...] = y_pred.shape[:1]
    if config.get("axis") == 1:
        shape = (ROWS // 4, 4)
    weights = rng.gamma(1.0, size=shape).astype(np.float32) if weighted else None
    return Batch(y_true, y_pred, weights, rng.random(shape) < 0.7 if masked else None)


def drawn(name: str, config: dict[str, Any], *, weighted: bool, masked: bool) -> list[Batch]:
    kind = METRICS[name].kind
    return [
        batch_of(kind, config, weighted=weighted, masked=masked, seed=seed)
        for seed in range(11, 11 + BATCHES)
    ]


def _whole(weights: Array | None) -> Array | None:
    return None if weights is None else np.ceil(weights).astype(np.int32)


def both(name: str, config: dict[str, Any], batches: list[Batch]) -> tuple[Array, Accumulator]:
    """What Keras says of some batches, and what is recomputed."""
    metric = getattr(keras.metrics, name)(**{**METRICS[name].needed, **config})
    weighted = batches[0].sample_weight is not None
    if weighted and isinstance(metric, keras.metrics.IoU):
        # They count in whole numbers, and warn of weights that are none.
        batches = [replace(b, sample_weight=_whole(b.sample_weight)) for b in batches]
    mine = accumulator(metric_spec(metric, name, weighted=weighted, alias=None), backend=BACKEND)
    for batch in batches:
        predictions: Any = keras.ops.convert_to_tensor(batch.y_pred)
        if batch.mask is not None:
            predictions._keras_mask = keras.ops.convert_to_tensor(batch.mask)
        metric.update_state(batch.y_true, predictions, sample_weight=batch.sample_weight)
        mine.add(batch.y_true, batch.y_pred, batch.sample_weight, batch.mask)
    value: Any = keras.ops.convert_to_numpy(metric.result() * 1.0)
    return np.asarray(value, dtype=np.float64), mine


@pytest.mark.skipif(IS_OLD, reason="Keras before 3.15 lacks some of the arguments")
def test_every_argument_of_every_metric_is_named_at_another_value() -> None:
    classes = {n: c for n, c in vars(keras.metrics).items() if inspect.isclass(c)}
    arguments = {
        name: {
            parameter.name: parameter.default
            for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]
            if parameter.name not in SHARED
        }
        for name, kind in classes.items()
        if name not in BASES
    }

    assert {name: set(given.other) for name, given in METRICS.items()} == {
        name: set(defaults) for name, defaults in arguments.items()
    }
    for name, given in METRICS.items():
        defaults = {**arguments[name], **given.needed}
        assert all(value != defaults[argument] for argument, value in given.other.items()), name


@pytest.mark.parametrize(("name", "config", "weighted", "masked"), CASES)
def test_arguments(name: str, config: dict[str, Any], weighted: bool, masked: bool) -> None:
    batches = drawn(name, config, weighted=weighted, masked=masked)
    refused = [REFUSED_BY_KERAS.get((name, argument)) for argument in config]
    if any(refused) and BACKEND == "tensorflow":
        with pytest.raises(Exception, match=None if IS_OLD else next(filter(None, refused))):
            both(name, config, batches)
        return

    expected, mine = both(name, config, batches)

    value, tolerance = np.asarray(mine.value()), np.asarray(mine.tolerance())
    assert value.shape == expected.shape
    assert (np.abs(value - expected) <= tolerance).all(), (expected, value, tolerance)
    # Correlations and cosines have signs and cancel: they are of order 1 before that.
    limit = 2e-3 if _holds_the_tie(name, config) else 1e-4
    assert (tolerance <= limit * np.maximum(np.abs(expected), 1.0)).all(), (tolerance, expected)


def _holds_the_tie(name: str, config: dict[str, Any]) -> bool:
    """Whether 0.7, which one of the scores all but equals, is a threshold of an area."""
    even = config.get("num_thresholds") == 21 and "thresholds" not in config
    return name == "AUC" and (even or 0.7 in config.get("thresholds", ()))


@pytest.mark.parametrize("config", [{"thresholds": [0.2, 0.7]}, {"num_thresholds": 21}])
def test_one_score_is_all_that_leaves_an_area_in_doubt(config: dict[str, Any]) -> None:
    batches = drawn("AUC", config, weighted=False, masked=False)
    cut, roundoff = np.float32(0.7), 2.0**-24
    near = [np.abs(b.y_pred.astype(np.float64) - cut) <= 5.0 * roundoff * cut for b in batches]
    apart = [
        replace(b, y_pred=np.where(close, cut - np.float32(32.0 * roundoff), b.y_pred))
        for b, close in zip(batches, near, strict=True)
    ]

    _, doubtful = both("AUC", config, batches)
    expected, certain = both("AUC", config, apart)

    assert sum(int(close.sum()) for close in near) == 1
    assert certain.value() == doubtful.value()
    assert doubtful.tolerance() > 1e-4
    assert np.abs(certain.value() - expected) <= certain.tolerance() <= 1e-5
