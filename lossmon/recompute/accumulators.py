"""Which accumulator answers to which metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import Parameter, signature
from typing import Any

from lossmon.recompute.accumulator import (
    Accumulator,
    MeanAccumulator,
    RootMeanSquaredErrorAccumulator,
)
from lossmon.recompute.area import AreaAccumulator
from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.definitions import UserDefinition, has_metric
from lossmon.recompute.detection import (
    ConstrainedAccumulator,
    ShareAccumulator,
    counted,
    precisions,
    recalls,
    specificities,
)
from lossmon.recompute.dtypes import metric_dtype
from lossmon.recompute.evaluation import UnknownDefinition
from lossmon.recompute.explained import ExplainedVarianceAccumulator
from lossmon.recompute.fscore import FScoreAccumulator
from lossmon.recompute.union import UnionAccumulator
from lossmon.records import MetricSpec


def _sensitivity_at(*, specificity: float, **rest: Any) -> Accumulator:
    return ConstrainedAccumulator(recalls, specificities, specificity, **rest)


def _specificity_at(*, sensitivity: float, **rest: Any) -> Accumulator:
    return ConstrainedAccumulator(specificities, recalls, sensitivity, **rest)


def _precision_at(*, recall: float, **rest: Any) -> Accumulator:
    return ConstrainedAccumulator(precisions, recalls, recall, **rest)


def _recall_at(*, precision: float, **rest: Any) -> Accumulator:
    return ConstrainedAccumulator(recalls, precisions, precision, **rest)


# A name is what Keras' own snake case makes of the class: IoU becomes io_u.
_BUILDERS: Mapping[str, Callable[..., Accumulator]] = {
    "root_mean_squared_error": RootMeanSquaredErrorAccumulator,
    "r2_score": ExplainedVarianceAccumulator,
    "true_positives": partial(ShareAccumulator, counted("tp")),
    "false_positives": partial(ShareAccumulator, counted("fp")),
    "true_negatives": partial(ShareAccumulator, counted("tn")),
    "false_negatives": partial(ShareAccumulator, counted("fn")),
    "precision": partial(ShareAccumulator, precisions),
    "recall": partial(ShareAccumulator, recalls),
    "sensitivity_at_specificity": _sensitivity_at,
    "specificity_at_sensitivity": _specificity_at,
    "precision_at_recall": _precision_at,
    "recall_at_precision": _recall_at,
    "auc": AreaAccumulator,
    "f_beta_score": FScoreAccumulator,
    "f1_score": partial(FScoreAccumulator, beta=1.0),
    "io_u": UnionAccumulator,
    "binary_io_u": partial(UnionAccumulator, num_classes=2, threshold=0.5),
    "mean_io_u": UnionAccumulator,
    "one_hot_io_u": partial(UnionAccumulator, sparse_y_true=False, sparse_y_pred=False),
    "one_hot_mean_io_u": partial(UnionAccumulator, sparse_y_true=False, sparse_y_pred=False),
}
_ALIASES: Mapping[str, str] = {
    "rmse": "root_mean_squared_error",
    "fbeta_score": "f_beta_score",
    "iou": "io_u",
    "binary_iou": "binary_io_u",
    "mean_iou": "mean_io_u",
    "one_hot_iou": "one_hot_io_u",
    "one_hot_mean_iou": "one_hot_mean_io_u",
}


def has_accumulator(
    name: str, *, custom: bool = False, extra: Mapping[str, UserDefinition] | None = None
) -> bool:
    """Return whether a metric of that name can be recomputed over many batches.

    Args:
        name: the definition's name, as `MetricSpec.name` holds it.
        custom: whether it is a user's own object: only `extra` and entry points answer for those.
        extra: the user's own definitions.

    >>> has_accumulator("auc"), has_accumulator("binary_accuracy"), has_accumulator("bleu")
    (True, True, False)
    """
    if has_metric(name, custom=custom, extra=extra):
        return True
    return not custom and _ALIASES.get(name, name) in _BUILDERS


def accumulator(
    spec: MetricSpec,
    *,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> Accumulator:
    """Return an empty accumulator: one way for all metrics, whatever they keep.

    Args:
        spec: the metric: name and arguments. Weights are passed to `add`, only for
            `weighted_metrics`.
        backend: whose order of operations is mirrored where they differ.
        extra: the user's own definitions, by name.

    Raises:
        UnknownDefinition: nothing here defines that metric, one of its arguments, or its dtype.

    >>> recall = accumulator(MetricSpec(key="recall", name="recall"))
    >>> recall.add([1, 1, 0], [0.9, 0.2, 0.8])
    >>> recall.add([1, 1], [0.7, 0.6])
    >>> recall.value()
    0.75
    """
    if has_metric(spec.name, custom=spec.custom, extra=extra):
        metric_dtype(spec)
        return MeanAccumulator(spec, backend=backend, extra=extra)
    builder = None if spec.custom else _BUILDERS.get(_ALIASES.get(spec.name, spec.name))
    fix = f"pass `metrics={{{spec.name!r}: your_numpy_function}}`"
    if builder is None:
        raise UnknownDefinition(f"no independent definition for `{spec.name}`; {fix}")
    metric_dtype(spec)
    config = _settings(spec, builder)
    try:
        return builder(**config)
    except TypeError as error:
        raise UnknownDefinition(
            f"the independent definition of `{spec.name}` does not take its arguments. "
            f"Received: {dict(spec.config)} ({error}). Fix: {fix}"
        ) from error


def _settings(spec: MetricSpec, builder: Callable[..., Accumulator]) -> dict[str, Any]:
    """Return the configured arguments: names, dtypes and epsilon only where it asks for them."""
    asked = {
        p.name for p in signature(builder).parameters.values() if p.kind is Parameter.KEYWORD_ONLY
    }
    return {
        k: v for k, v in spec.config.items() if k in asked or k not in ("name", "dtype", "epsilon")
    }
