"""Try which values a model's outputs can take, by replacing weights where nobody sees it.

Predictions of one set of weights prove little. With the weights behind the head replaced by large
random ones, once with each sign and at two sizes, a linear head leaves every bound and grows with
the size; a sigmoid, a tanh or a softmax does not, whatever layer or operation it hides in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.rules import OutputRange

SIZES = (8.0, 512.0)
# An edge that moves less than this from size to size is a bound.
_STEADY = 1.5
_SUM_TOLERANCE = 2e-2

Call = Callable[[list[tuple[Any, Any]]], list[NDArray[np.float64]]]


def tried_ranges(model: Any, call: Call, class_axes: list[int]) -> list[OutputRange | None]:
    """The range of each output over large random weights.

    Args:
        model: a built model; its variables are read, never assigned.
        call: runs a forward pass with (variable, value) pairs put in place of the model's own and
            returns the outputs, flattened.
        class_axes: the class axis of each output.

    Returns:
        One range per output; None where the trial does not tell.
    """
    variables = _head_variables(model)
    unknown: list[OutputRange | None] = [None] * len(class_axes)
    if not variables:
        return unknown
    small, large = ([call(given) for given in _replacements(variables, size)] for size in SIZES)
    return [
        _range_of([outputs[i] for outputs in small], [outputs[i] for outputs in large], axis)
        for i, axis in enumerate(class_axes)
    ]


def _range_of(
    small: list[NDArray[np.float64]], large: list[NDArray[np.float64]], axis: int
) -> OutputRange | None:
    values = [*small, *large]
    if any(np.isnan(v).any() or not v.size for v in values):
        return None
    low = _edge(min(v.min() for v in small), min(v.min() for v in large))
    high = _edge(max(v.max() for v in small), max(v.max() for v in large))
    if low == high != 1.0:
        return None
    rows = [v for v in values if v.ndim > 1]
    sums = [np.abs(v.sum(axis=axis) - 1).max() for v in rows]
    normalised = len(sums) == len(values) and low >= 0 and max(sums) <= _SUM_TOLERANCE
    return OutputRange(low, high, normalised, proof="trial")


def _edge(small: float, large: float) -> float:
    """A bound, or infinity where the edge grows with the weights."""
    if abs(large) <= _STEADY * abs(small) + 1e-3:
        edge = max(small, large, key=abs)
        return float(round(edge)) if math.isclose(edge, round(edge), abs_tol=1e-3) else float(edge)
    return math.copysign(math.inf, large)


def _replacements(variables: list[Any], size: float) -> Iterator[list[tuple[Any, Any]]]:
    generator = np.random.default_rng(0)
    draws = [size * generator.standard_normal(tuple(v.shape)) for v in variables]
    for sign in (1.0, -1.0):
        replacement: list[tuple[Any, Any]] = []
        for variable, draw in zip(variables, draws, strict=True):
            value = keras.ops.convert_to_tensor(sign * draw, dtype=variable.dtype)
            constraint = getattr(variable, "constraint", None)
            replacement.append((variable, constraint(value) if constraint else value))
        yield replacement


def _head_variables(model: Any) -> list[Any]:
    """The trainable variables nearest to the outputs; of a model without a graph, its last ones."""
    trainable = {id(v) for v in model.trainable_variables}
    outputs = getattr(model, "outputs", None)
    if outputs:
        found = [v for tensor in outputs for v in _behind(tensor)]
    else:
        layers = [layer for layer in model.layers if layer.trainable_variables]
        found = layers[-1].trainable_variables if layers else model.trainable_variables
    unique = {id(v): v for v in found if id(v) in trainable}
    return [v for v in unique.values() if "float" in str(v.dtype)]


def _behind(tensor: Any) -> list[Any]:
    """The variables of the nearest operations before a symbolic tensor that have any."""
    history = getattr(tensor, "_keras_history", None)
    if history is None:
        return []
    operation = history.operation
    own = list(getattr(operation, "trainable_variables", []))
    if own and hasattr(operation, "outputs"):
        return [v for inner in operation.outputs for v in _behind(inner)] or own
    if own:
        return own
    node = operation._inbound_nodes[history.node_index]
    return [v for argument in node.input_tensors for v in _behind(argument)]
