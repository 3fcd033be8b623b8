"""Live Keras loss and metric objects, described in the words of `lossmon.records`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from lossmon.metric_words import ACCURACY_WORDS
from lossmon.records import LossSpec, MetricSpec

# In the order in which the accuracy of an output is looked for.
ACCURACY_FAMILY = (
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "accuracy",
    "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
)
_EPSILON = 1e-7  # Keras' own default
# What a person needs to tell two metrics of one class apart.
_TELLING = ("threshold", "thresholds", "k", "top_k", "from_logits", "curve", "class_id")


def loss_spec(loss: Any) -> LossSpec:
    """Describe a resolved `keras.losses.Loss`.

    Args:
        loss: the object that Keras calls, as found in the model's compiled losses.

    Returns:
        Its definition's name, all arguments (defaults included), and its reduction. Anything that
        is not Keras' own code is `custom`.
    """
    reduction = str(getattr(loss, "reduction", None) or "none")
    function = getattr(loss, "fn", None)
    if not is_keras(type(loss)) or (function is not None and not is_keras(function)):
        return LossSpec(_own_name(function or loss), _unusual_dtype(loss), reduction, custom=True)
    if function is None:
        config = _settings(loss) | _precision(loss)
        return LossSpec(snake_case(type(loss).__name__), config, reduction)
    given = getattr(loss, "_fn_kwargs", {})
    config = _arguments(function, given) | _precision(loss)
    return LossSpec(function.__name__, config, reduction)


def metric_spec(metric: Any, key: str, *, weighted: bool, alias: str | None) -> MetricSpec:
    """Describe a resolved `keras.metrics.Metric`.

    Args:
        metric: the live metric.
        key: the key that Keras prints its value under.
        weighted: whether it is one of `weighted_metrics`.
        alias: the word that the user wrote, when it was resolved from shapes.

    Returns:
        Its definition's name, arguments, and a label for people.
    """
    function = getattr(metric, "_fn", None)
    if not is_keras(type(metric)) or (function is not None and not is_keras(function)):
        own = _own_name(function or metric)
        return MetricSpec(key, own, _unusual_dtype(metric), weighted, alias, own, custom=True)
    if function is None:
        name, config = snake_case(type(metric).__name__), _settings(metric)
    else:
        name = function.__name__
        config = _arguments(function, getattr(metric, "_fn_kwargs", {}))
    config |= _precision(metric)
    return MetricSpec(key, name, config, weighted, alias, _label(name, config, metric))


def alias_of(metric: Any, written: list[Any]) -> str | None:
    """The word that this metric was resolved from, or None.

    Args:
        metric: a live metric.
        written: the flattened `metrics` and `weighted_metrics` arguments of `compile`.
    """
    if any(metric is item for item in written) or not is_keras(type(metric)):
        return None
    fits = type(metric) in (
        keras.metrics.BinaryAccuracy,
        keras.metrics.CategoricalAccuracy,
        keras.metrics.SparseCategoricalAccuracy,
    )
    return metric.name if fits and metric.name.lower() in ACCURACY_WORDS else None


def accuracy_index(specs: tuple[MetricSpec, ...]) -> int | None:
    """Which of an output's metrics is *the* accuracy: the word's, the family's, or one so named."""
    for index, spec in enumerate(specs):
        if spec.alias:
            return index
    for name in ACCURACY_FAMILY:
        for index, spec in enumerate(specs):
            if spec.name == name and not spec.custom:
                return index
    for index, spec in enumerate(specs):
        if spec.custom and spec.key.lower() in ACCURACY_WORDS:
            return index
    return None


def is_keras(thing: Any) -> bool:
    """Whether a class or function is Keras' own code rather than a user's."""
    module = getattr(thing, "__module__", None) or ""
    return module == "keras" or module.startswith("keras.")


def snake_case(name: str) -> str:
    """`MeanIoU` → `mean_io_u`, exactly as Keras names its definitions."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _own_name(thing: Any) -> str:
    if isinstance(thing, partial):
        return _own_name(thing.func)
    return getattr(thing, "__name__", None) or type(thing).__name__


def _arguments(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The definition's arguments with its defaults filled in; labels and predictions left out."""
    parameters = list(inspect.signature(function).parameters.values())[2:]
    defaults = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    return {**defaults, **given}


def _settings(item: Any) -> dict[str, Any]:
    config = item.get_config()
    return {k: v for k, v in config.items() if k not in ("name", "dtype", "reduction")}


def _precision(item: Any) -> dict[str, Any]:
    """The dtype that it computes in and the constant that it clips by, where they are not usual."""
    unusual = _unusual_dtype(item)
    epsilon = keras.config.epsilon()
    return unusual if epsilon == _EPSILON else unusual | {"epsilon": epsilon}


def _unusual_dtype(item: Any) -> dict[str, Any]:
    dtype = _held(keras.backend.standardize_dtype(getattr(item, "dtype", None) or "float32"))
    usual = "int32" if isinstance(item, keras.metrics.IoU) else "float32"
    return {} if dtype == usual else {"dtype": dtype}


def _held(dtype: str) -> str:
    """The dtype that the backend makes of it: JAX has 64 bits only where they were asked for."""
    if keras.backend.backend() != "jax":
        return dtype
    import jax  # pyright: ignore[reportMissingImports]

    return dtype if jax.config.read("jax_enable_x64") else dtype.replace("64", "32")


def _label(name: str, config: Mapping[str, Any], metric: Any) -> str:
    own = type(metric).__name__
    title = "".join(word.title() for word in name.split("_")) if own.endswith("Wrapper") else own
    found = ((k, config.get(k)) for k in _TELLING)
    given = ((k, v.item() if isinstance(v, np.generic) else v) for k, v in found)
    # A threshold of 0 equals False, and tells much.
    told = [f"{k}={value!r}" for k, value in given if value is not None and value is not False]
    return f"{title}({', '.join(told)})"
