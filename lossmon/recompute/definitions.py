"""Which definition answers to which name: built in, the user's own, or another package's."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.metadata import entry_points
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.recompute import (
    accuracies,
    alignment,
    correlation,
    crossentropy,
    divergence,
    focal,
    generalised,
    margin,
    overlap,
    pairs,
    regression,
    sparse,
    topk,
)
from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.evaluation import UnknownDefinition
from lossmon.recompute.layout import AnyArray, floating
from lossmon.recompute.rounding import Elements, precision
from lossmon.records import LossSpec, MetricSpec

UserDefinition = Callable[[AnyArray, AnyArray], "Elements | npt.ArrayLike"]
"""A user's own definition: (y_true, y_pred in float64) → losses or matches per element.

It is called with one batch at a time. Pass it to `Monitor(losses=…)` or `Monitor(metrics=…)`, or
offer it to everyone who installs a package, in that package's `pyproject.toml`:

    [project.entry-points."lossmon.losses"]
    my_loss = "my_package.losses:my_loss_in_numpy"

    [project.entry-points."lossmon.metrics"]
    my_metric = "my_package.metrics:my_metric_in_numpy"
"""

LOSSES_GROUP, METRICS_GROUP = "lossmon.losses", "lossmon.metrics"
"""The groups of entry points that other packages offer their definitions in: each is named as the
loss or metric that it defines, and loads a `UserDefinition`."""

_NOT_ARGUMENTS = frozenset({"name", "dtype", "reduction", "fn"})


class Definition(NamedTuple):
    """A definition, bound to its arguments.

    Attributes:
        elements: (y_true, y_pred) of one batch → unreduced values.
        row_by_row: whether each row's values depend on that row of the last axis alone.
        by_id: whether labels are class ids, one for each row of scores.
        aligned: whether labels without the last axis of predictions are given one.
        sums: whether each value is the plain sum of terms, one for each class.
    """

    elements: Callable[[npt.ArrayLike, npt.ArrayLike], Elements]
    row_by_row: bool = False
    by_id: bool = False
    aligned: bool = False
    sums: bool = False


class _BuiltIn(NamedTuple):
    elements: Callable[..., Elements]
    arguments: frozenset[str]


def _define(elements: Callable[..., Elements]) -> _BuiltIn:
    parameters = inspect.signature(elements).parameters.values()
    keywords = (p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
    return _BuiltIn(elements, frozenset(keywords))


_LOSSES: Mapping[str, _BuiltIn] = {
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
    "sparse_categorical_crossentropy": _define(sparse.sparse_categorical_crossentropy_elements),
    "binary_focal_crossentropy": _define(focal.binary_focal_crossentropy_elements),
    "categorical_focal_crossentropy": _define(focal.categorical_focal_crossentropy_elements),
    "categorical_generalized_cross_entropy": _define(
        generalised.categorical_generalized_cross_entropy_elements
    ),
    "dice": _define(overlap.dice_elements),
    "tversky": _define(overlap.tversky_elements),
    "circle": _define(pairs.circle_elements),
    "ctc": _define(alignment.ctc_elements),
}

_METRICS: Mapping[str, _BuiltIn] = {
    **_LOSSES,
    "cosine_similarity": _define(divergence.cosine_direction_elements),
    "pearson_correlation": _define(correlation.pearson_correlation_elements),
    "concordance_correlation": _define(correlation.concordance_correlation_elements),
    "accuracy": _define(accuracies.accuracy_elements),
    "binary_accuracy": _define(accuracies.binary_accuracy_elements),
    "categorical_accuracy": _define(accuracies.categorical_accuracy_elements),
    "sparse_categorical_accuracy": _define(accuracies.sparse_categorical_accuracy_elements),
    "top_k_categorical_accuracy": _define(topk.top_k_categorical_accuracy_elements),
    "sparse_top_k_categorical_accuracy": _define(topk.sparse_top_k_categorical_accuracy_elements),
}

# Of these, a row's value is its own whatever other rows are there: batches may be put together.
# KL divergences stand alone, but for their bounds.
_ROW_BY_ROW = frozenset(_METRICS) - {
    "kl_divergence",
    "hinge",
    "squared_hinge",
    "categorical_generalized_cross_entropy",
    "dice",
    "tversky",
    "circle",
    "ctc",
}

_SUMS = frozenset(
    {
        "categorical_crossentropy",
        "categorical_focal_crossentropy",
        "cosine_similarity",
        "kl_divergence",
    }
)

_ALIGNED = frozenset(
    {
        "accuracy",
        "binary_accuracy",
        "concordance_correlation",
        "cosine_similarity",
        "huber",
        "log_cosh",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_error",
        "mean_squared_logarithmic_error",
        "pearson_correlation",
    }
)

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
    """Return whether a loss of that name can be recomputed.

    Args:
        name: the definition's name, or Keras' short form of it ("mse").
        custom: whether it is a user's own object: only `extra` and entry points answer for those,
            since a name proves nothing.
        extra: the user's own definitions.
    """
    if _user_definition(LOSSES_GROUP, name, extra) is not None:
        return True
    return not custom and _ALIASES.get(name, name) in _LOSSES


def has_metric(
    name: str, *, custom: bool = False, extra: Mapping[str, UserDefinition] | None = None
) -> bool:
    """Return whether a metric of that name can be recomputed.

    Args:
        name: the definition's name, or "accuracy" and the like as `MetricSpec.name` holds it.
        custom: whether it is a user's own object: only `extra` and entry points answer for those.
        extra: the user's own definitions, by name.
    """
    if _user_definition(METRICS_GROUP, name, extra) is not None:
        return True
    return not custom and _ALIASES.get(name, name) in _METRICS


def definition_of(
    spec: LossSpec | MetricSpec,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> Definition:
    """Find the definition, the user's own first, and bind it to its configured arguments.

    Args:
        spec: the loss or metric.
        backend: whose order of operations is mirrored.
        extra: the user's own definitions, by name; they win over the built-in ones.

    Raises:
        UnknownDefinition: nothing here defines it, or one of its arguments.
    """
    key = (id(spec), backend)
    held = _RESOLVED.get(key)
    if held is None or held.extra is not extra:
        if len(_RESOLVED) >= _MOST_RESOLVED:
            _RESOLVED.clear()
        held = _RESOLVED[key] = _Resolved(spec, extra, _resolve(spec, backend, extra))
    return held.definition


class _Resolved(NamedTuple):
    """A bound definition; it keeps the spec alive, so that its id stays its own."""

    spec: LossSpec | MetricSpec
    extra: Mapping[str, UserDefinition] | None
    definition: Definition


# The same specs come back with every batch.
_RESOLVED: dict[tuple[int, str], _Resolved] = {}
_MOST_RESOLVED = 256


def _resolve(
    spec: LossSpec | MetricSpec, backend: Backend, extra: Mapping[str, UserDefinition] | None
) -> Definition:
    group = LOSSES_GROUP if isinstance(spec, LossSpec) else METRICS_GROUP
    own = _user_definition(group, spec.name, extra)
    if own is not None:
        return Definition(partial(_user_elements, own))
    known, config = _built_in(spec)
    if "backend" in known.arguments:
        config["backend"] = backend
    name = _ALIASES.get(spec.name, spec.name)
    alone = name in _ROW_BY_ROW and config.get("axis", -1) == -1
    by_id, aligned = name.startswith("sparse_"), name in _ALIGNED
    elements = partial(known.elements, **config)
    return Definition(elements, alone, by_id, aligned, name in _SUMS)


def _built_in(spec: LossSpec | MetricSpec) -> tuple[_BuiltIn, dict[str, Any]]:
    """Return a built-in definition and the arguments to call it with."""
    known, argument = (_LOSSES, "losses") if isinstance(spec, LossSpec) else (_METRICS, "metrics")
    fix = f"pass `{argument}={{{spec.name!r}: your_numpy_function}}`"
    definition = None if spec.custom else known.get(_ALIASES.get(spec.name, spec.name))
    if definition is None:
        raise UnknownDefinition(f"no independent definition for `{spec.name}`; {fix}")
    config = {k: v for k, v in spec.config.items() if k not in _NOT_ARGUMENTS}
    if "epsilon" not in definition.arguments:
        # Keras' epsilon may be told of every loss and metric; not all of them use it.
        config.pop("epsilon", None)
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
    group: str, name: str, extra: Mapping[str, UserDefinition] | None
) -> UserDefinition | None:
    if extra is not None and name in extra:
        return extra[name]
    return _plugged(group).get(name)


@cache
def _plugged(group: str) -> Mapping[str, UserDefinition]:
    """Load the definitions of installed packages."""
    found: dict[str, UserDefinition] = {}
    for entry in entry_points(group=group):
        try:
            found[entry.name] = entry.load()
        except Exception as error:
            # Another package's fault must not keep lossmon from its own definitions.
            warnings.warn(
                f"lossmon: the definition {entry.value} could not be loaded: {error!r}",
                RuntimeWarning,
                stacklevel=2,
            )
    return found
