"""One entry point for losses and one for metrics: by name, as Keras' objects would compute them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.errors import LossmonError
from lossmon.recompute import accuracies, crossentropy, divergence, margin, regression, topk
from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.evaluation import LossEvaluation, MetricValue
from lossmon.recompute.layout import AnyArray, Float64Array, align_ranks, floating
from lossmon.recompute.reduction import accumulate_mean, masked_weights, reduce_loss
from lossmon.recompute.rounding import Elements, accumulation, precision
from lossmon.records import LossSpec, MetricSpec

UserDefinition = Callable[[AnyArray, AnyArray], "Elements | npt.ArrayLike"]
"""A user's own definition: (y_true, y_pred in float64) → losses or matches per element."""

ENTRY_POINT_GROUP = "lossmon.recompute"

_NOT_ARGUMENTS = frozenset({"name", "dtype", "reduction", "fn"})
_PRECISIONS = ("float32", "float64")
_WEIGHTING = 4.0


class UnknownDefinition(LossmonError, LookupError):
    """There is no independent definition of a loss or metric."""


class _Definition(NamedTuple):
    elements: Callable[..., Elements]
    arguments: frozenset[str]


def _define(elements: Callable[..., Elements]) -> _Definition:
    parameters = inspect.signature(elements).parameters.values()
    keywords = (p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
    return _Definition(elements, frozenset(keywords))


_LOSSES: Mapping[str, _Definition] = {
    "mean_squared_error": _define(regression.squared_error_elements),
    "mean_absolute_error": _define(regression.absolute_error_elements),
    "mean_absolute_percentage_error": _define(regression.absolute_percentage_error_elements),
    "mean_squared_logarithmic_error": _define(regression.squared_logarithmic_error_elements),
    "huber": _define(regression.huber_elements),
    "log_cosh": _define(regression.log_cosh_elements),
    "kl_divergence": _define(divergence.kl_divergence_elements),
    "poisson": _define(divergence.poisson_elements),
    "cosine_similarity": _define(divergence.cosine_similarity_elements),
    "hinge": _define(margin.hinge_elements),
    "squared_hinge": _define(margin.squared_hinge_elements),
    "categorical_hinge": _define(margin.categorical_hinge_elements),
    "binary_crossentropy": _define(crossentropy.binary_crossentropy_elements),
    "categorical_crossentropy": _define(crossentropy.categorical_crossentropy_elements),
    "sparse_categorical_crossentropy": _define(
        crossentropy.sparse_categorical_crossentropy_elements
    ),
}

_METRICS: Mapping[str, _Definition] = {
    **_LOSSES,
    "cosine_similarity": _define(divergence.cosine_direction_elements),
    "accuracy": _define(accuracies.accuracy_elements),
    "binary_accuracy": _define(accuracies.binary_accuracy_elements),
    "categorical_accuracy": _define(accuracies.categorical_accuracy_elements),
    "sparse_categorical_accuracy": _define(accuracies.sparse_categorical_accuracy_elements),
    "top_k_categorical_accuracy": _define(topk.top_k_categorical_accuracy_elements),
    "sparse_top_k_categorical_accuracy": _define(topk.sparse_top_k_categorical_accuracy_elements),
}

_ALIASES: Mapping[str, str] = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}


def has_loss(
    name: str, *, custom: bool = False, extra: Mapping[str, UserDefinition] | None = None
) -> bool:
    """Tell whether a loss of that name can be recomputed.

    Args:
        name: the definition's name, or Keras' short form of it ("mse").
        custom: whether it is a user's own object: only `extra` and entry points answer for those,
            since a name proves nothing.
        extra: the user's own definitions.
    """
    return _is_defined(name, _LOSSES, custom, extra)


def has_metric(
    name: str, *, custom: bool = False, extra: Mapping[str, UserDefinition] | None = None
) -> bool:
    """Tell whether a metric of that name can be recomputed; arguments as for `has_loss`."""
    return _is_defined(name, _METRICS, custom, extra)


def loss_elements(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> Float64Array:
    """Return the losses of a batch before weights and reduction; see `evaluate_loss`."""
    with np.errstate(all="ignore"):
        return _loss_elements(spec, y_true, y_pred, backend, extra)[0].values


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
        y_true: labels in their own dtype.
        y_pred: predictions in their own dtype. Where TensorFlow went back to the logits behind a
            softmax or sigmoid, pass those logits, and `from_logits=True` in the spec's config.
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
    with np.errstate(all="ignore"):
        elements, roundoff = _loss_elements(spec, y_true, y_pred, backend, extra)
        kept = _both(mask, elements.mask)
        reduced = reduce_loss(
            elements.values,
            sample_weight=sample_weight,
            mask=kept,
            reduction=spec.reduction,
            roundings=elements.roundings,
        )
    tolerance = roundoff * reduced.roundings()
    return LossEvaluation(reduced.value, elements.values, reduced.weights, tolerance)


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
        y_true: labels in their own dtype.
        y_pred: predictions in their own dtype; metrics, unlike losses, do not cast them.
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
    with np.errstate(all="ignore"):
        elements = _elements(spec, y_true, y_pred, backend=backend, extra=extra)
        weights = masked_weights(sample_weight, mask, rescale=False)
        mean = accumulate_mean(elements.values, weights, elements.mask)
        uncertain = _uncertainty(elements, weights, precision(floating(y_pred).dtype).roundoff)
    near_ties = 0 if elements.ties is None else int(np.count_nonzero(elements.ties))
    if not mean.count:
        return MetricValue(mean.total, mean.count, 0.0, near_ties, 0.0)
    value, tolerance = mean.total / mean.count, uncertain / abs(mean.count)
    return MetricValue(mean.total, mean.count, value, near_ties, tolerance)


def _uncertainty(elements: Elements, weights: AnyArray | None, roundoff: float) -> float:
    """Bound the error of a metric's total: near ties in full, roundings of elements and sums."""
    heft = None if weights is None else np.abs(weights)
    magnitude = accumulate_mean(np.abs(elements.values), heft, elements.mask).total
    size = elements.values.size
    # Totals and counts are sums of their own, and float32 whatever the predictions are.
    steps = 2.0 * accumulation(size) + _WEIGHTING
    bound = precision(np.dtype(np.float32)).roundoff * steps * magnitude
    if elements.roundings is not None:
        carried = accumulate_mean(elements.roundings, heft, elements.mask).total
        bound += roundoff * carried
    if elements.ties is not None and elements.ties.any():
        bound += accumulate_mean(elements.ties.astype(np.float64), heft).total
    return bound


def _loss_elements(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    backend: Backend,
    extra: Mapping[str, UserDefinition] | None,
) -> tuple[Elements, float]:
    """Return elements and the unit roundoff of the loss' dtype."""
    dtype = _loss_dtype(spec)
    predictions = np.asarray(y_pred, dtype=dtype)
    labels: AnyArray = np.asarray(y_true)
    if not spec.custom:
        labels, predictions = align_ranks(labels.astype(dtype, copy=False), predictions)
    elements = _elements(spec, labels, predictions, backend=backend, extra=extra)
    return elements, precision(dtype).roundoff


def _loss_dtype(spec: LossSpec) -> np.dtype[Any]:
    name = spec.config.get("dtype") or "float32"
    if name not in _PRECISIONS:
        raise UnknownDefinition(
            f"`{spec.name}` is defined for the dtypes {' and '.join(_PRECISIONS)}. Received: "
            f"dtype={name!r}. Fix: leave the loss' `dtype` at its default, float32."
        )
    return np.dtype(name)


def _elements(
    spec: LossSpec | MetricSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    backend: Backend,
    extra: Mapping[str, UserDefinition] | None,
) -> Elements:
    """Find the definition, the user's own first, and call it with the configured arguments."""
    own = _user_definition(spec.name, extra)
    if own is not None:
        return _user_elements(own, y_true, y_pred)
    definition, config = _definition(spec)
    if "backend" in definition.arguments:
        config["backend"] = backend
    return definition.elements(y_true, y_pred, **config)


def _definition(spec: LossSpec | MetricSpec) -> tuple[_Definition, dict[str, Any]]:
    """Return a built-in definition and the arguments to call it with."""
    known, argument = (_LOSSES, "losses") if isinstance(spec, LossSpec) else (_METRICS, "metrics")
    fix = f"pass `{argument}={{{spec.name!r}: your_numpy_function}}`"
    definition = None if spec.custom else known.get(_ALIASES.get(spec.name, spec.name))
    if definition is None:
        raise UnknownDefinition(f"no independent definition for `{spec.name}`; {fix}")
    config = {k: v for k, v in spec.config.items() if k not in _NOT_ARGUMENTS}
    unknown = config.keys() - definition.arguments
    if unknown:
        raise UnknownDefinition(
            f"the independent definition of `{spec.name}` takes the arguments "
            f"{sorted(definition.arguments)}. Received: {sorted(unknown)}. Fix: {fix}"
        )
    return definition, config


def _user_elements(
    definition: UserDefinition, y_true: npt.ArrayLike, y_pred: npt.ArrayLike
) -> Elements:
    """Call a user's definition; without a bound of its own it must agree in half the digits.

    √u is what remains of a dtype's digits when nothing is known of the operations but that no more
    than half of them cancel.
    """
    predictions = floating(y_pred)
    result = definition(np.asarray(y_true), predictions.astype(np.float64))
    if isinstance(result, Elements):
        return result
    values = np.asarray(result, dtype=np.float64)
    return Elements(values, np.abs(values) / math.sqrt(precision(predictions.dtype).roundoff))


def _user_definition(
    name: str, extra: Mapping[str, UserDefinition] | None
) -> UserDefinition | None:
    if extra is not None and name in extra:
        return extra[name]
    return _entry_point_definitions().get(name)


@cache
def _entry_point_definitions() -> Mapping[str, UserDefinition]:
    return {point.name: point.load() for point in entry_points(group=ENTRY_POINT_GROUP)}


def _is_defined(
    name: str,
    known: Mapping[str, _Definition],
    custom: bool,
    extra: Mapping[str, UserDefinition] | None,
) -> bool:
    if _user_definition(name, extra) is not None:
        return True
    return not custom and _ALIASES.get(name, name) in known


def _both(first: npt.ArrayLike | None, second: AnyArray | None) -> AnyArray | None:
    if first is None or second is None:
        return second if first is None else np.asarray(first)
    return np.asarray(first, dtype=np.bool_) & second
