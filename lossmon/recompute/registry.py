"""One entry point for losses and one for metrics: by name, as Keras' objects would compute them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.definitions import UserDefinition
from lossmon.recompute.evaluation import LossEvaluation, MetricValue
from lossmon.recompute.layout import AnyArray, Float64Array
from lossmon.recompute.stacked import evaluate_losses, evaluate_metrics, loss_elements_of
from lossmon.records import LossSpec, MetricSpec


def loss_elements(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> Float64Array:
    """Return the losses of a batch before weights and reduction.

    Args:
        spec: the loss: name, arguments; its reduction plays no part.
        y_true: labels in their own dtype, one row a sample.
        y_pred: predictions in their own dtype, one row a sample.
        backend: whose order of operations is mirrored where they differ.
        extra: the user's own definitions, by name; they win over the built-in ones.

    Returns:
        float64; the shape of the predictions without the axes that the loss sums or takes the mean
        over, for most the last one: `(N,)` of `(N, C)`.

    Raises:
        UnknownDefinition: nothing here defines that loss or one of its arguments.
    """
    labels, predictions = np.asarray(y_true)[None], np.asarray(y_pred)[None]
    with np.errstate(all="ignore"):
        return loss_elements_of(spec, labels, predictions, backend, extra).values[0]


def evaluate_loss(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> LossEvaluation:
    """Recompute a loss as a `keras.losses.Loss` with this configuration computes it.

    Labels and predictions are cast to the loss' dtype first (float32), as Keras does; everything
    after that is float64.

    Args:
        spec: the loss: name, arguments, reduction.
        y_true: labels in their own dtype, one row a sample.
        y_pred: predictions in their own dtype, one row a sample. Where TensorFlow went back to the
            logits behind a softmax or sigmoid, pass those, and `from_logits=True` in the config.
        sample_weight: weights per sample or element (class weights included), or None.
        mask: the prediction's `_keras_mask`, or None.
        backend: whose order of operations is mirrored where they differ.
        extra: the user's own definitions, by name; they win over the built-in ones.

    Raises:
        UnknownDefinition: nothing here defines that loss or one of its arguments.

    >>> spec = LossSpec("mean_squared_error")
    >>> evaluation = evaluate_loss(spec, np.zeros((2, 1)), np.array([[1.0], [3.0]]))
    >>> evaluation.value, evaluation.agrees(5.0000001), evaluation.agrees(5.0001)
    (5.0, True, False)
    """
    found = evaluate_losses(
        spec,
        np.asarray(y_true)[None],
        np.asarray(y_pred)[None],
        sample_weight=_stack_of_one(sample_weight),
        mask=_stack_of_one(mask),
        backend=backend,
        extra=extra,
    )
    weights = None if found.weights is None else found.weights[0]
    return LossEvaluation(
        float(found.values[0]), found.elements[0], weights, float(found.tolerances[0])
    )


def evaluate_metric(
    spec: MetricSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> MetricValue:
    """Recompute what one batch adds to a `keras.metrics.MeanMetricWrapper`.

    Args:
        spec: the metric: name and arguments. Whether it is weighted is the caller's business: pass
            `sample_weight` only for `weighted_metrics`.
        y_true: labels in their own dtype, one row a sample.
        y_pred: predictions in their own dtype, one row a sample; metrics do not cast them, unlike
            losses.
        sample_weight: weights per sample or element, or None.
        mask: the prediction's `_keras_mask`, or None.
        backend: whose order of operations is mirrored where they differ.
        extra: the user's own definitions, by name; they win over the built-in ones.

    Raises:
        UnknownDefinition: nothing here defines that metric or one of its arguments.

    >>> spec = MetricSpec(key="accuracy", name="binary_accuracy", config={"threshold": 0.5})
    >>> metric = evaluate_metric(spec, np.array([[0.0], [1.0]]), np.array([[0.2], [0.4]]))
    >>> metric.total, metric.count, metric.value, metric.near_ties
    (1.0, 2.0, 0.5, 0)
    """
    found = evaluate_metrics(
        spec,
        np.asarray(y_true)[None],
        np.asarray(y_pred)[None],
        sample_weight=_stack_of_one(sample_weight),
        mask=_stack_of_one(mask),
        backend=backend,
        extra=extra,
    )
    total, count, value, near_ties, tolerance = (side[0].item() for side in found[:5])
    return MetricValue(total, count, value, near_ties, tolerance)


def _stack_of_one(values: npt.ArrayLike | None) -> AnyArray | None:
    return None if values is None else np.asarray(values)[None]
