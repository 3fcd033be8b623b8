"""Try which values a model's outputs can take, by replacing weights where nobody sees it.

Predictions of one set of weights prove little. With the weights behind the head replaced by large
random ones, once with each sign and at several sizes, a linear head leaves every bound and grows
with the size; a sigmoid, a tanh or a softmax ends at its bounds, whatever layer or operation it
hides in. Where an edge neither stays nor grows, nothing is known.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.arrays import to_numpy
from lossmon.capture.forward import values_of
from lossmon.capture.output_range import graph_range
from lossmon.capture.resolve import ResolvedOutput, split_outputs
from lossmon.rules import OutputRange, describe_predictions
from lossmon.rules.families import PROBABILITY_LOSSES, REGRESSION_LOSSES, class_axis, from_logits

# The last is tried where the others do not tell: small inputs need large weights.
SIZES = (8.0, 512.0, 32768.0)
# Beyond this a trial costs more time and memory than its answer is worth.
TRIED_PARAMETERS = 50_000_000
# An edge that moves less than this share from size to size is a bound, and one that grows by this
# factor is none. A bounded function may grow on its way, but not far.
_STEADY, _GROWN, _FAR = 0.01, 4.0, 4.0
_SUM_TOLERANCE = 2e-2

Call = Callable[[list[tuple[Any, Any]]], list[NDArray[np.float64]]]


def output_ranges(
    model: Any, x: Any, resolved: list[ResolvedOutput], y_pred: Any, state: Any = None
) -> list[OutputRange | None]:
    """The range of each output, from the graph where it tells, else by trial where it matters.

    Args:
        model: a built model; its variables are read, never assigned.
        x: a few samples of its inputs.
        resolved: its outputs.
        y_pred: predictions, nested as the model returns them, or None.
        state: on JAX inside `fit`, the state that the train function was given.

    Returns:
        One range per output; None where nothing is proven.
    """
    known = [
        graph_range(output.record.activation, units=(1, *(output.record.shape or ())[1:])[-1])
        for output in resolved
    ]
    predictions = [None] * len(resolved)
    if y_pred is not None:
        predictions = [pred for _, pred, _ in split_outputs(resolved, None, y_pred, None)]
    open_questions = (
        values is None and _matters(output, pred)
        for values, output, pred in zip(known, resolved, predictions, strict=True)
    )
    if not any(open_questions):
        return known
    tried = _tried(model, x, resolved, state)
    return [values or trial for values, trial in zip(known, tried, strict=True)]


def _matters(output: ResolvedOutput, y_pred: Any) -> bool:
    """Whether some rule could use the range of this output."""
    loss = output.record.loss
    if loss is None or y_pred is None:
        return False
    seen = describe_predictions(to_numpy(y_pred), class_axis=class_axis(loss))
    if loss.name not in PROBABILITY_LOSSES | REGRESSION_LOSSES:
        return seen.units == 1 and seen.all_ones
    # Scores outside of [0, 1] are what a loss from logits takes.
    return not (from_logits(loss) and seen.outside_unit)


def _tried(
    model: Any, x: Any, resolved: list[ResolvedOutput], state: Any
) -> list[OutputRange | None]:
    own = values_of(model, state)

    def call(replacement: list[tuple[Any, Any]]) -> list[NDArray[np.float64]]:
        with warnings.catch_warnings(), keras.StatelessScope(state_mapping=[*own, *replacement]):
            # Overflow under weights that are not the model's own concerns nobody.
            warnings.simplefilter("ignore")
            outputs = model(x, training=False)
        flat = [pred for _, pred, _ in split_outputs(resolved, None, outputs, None)]
        return [np.asarray(to_numpy(v), dtype=np.float64) for v in flat]

    try:
        if model.count_params() <= TRIED_PARAMETERS:
            return tried_ranges(model, call, [class_axis(o.record.loss) for o in resolved])
    except Exception:
        # Any weights but its own may be too much for a model; then the trial tells nothing, and
        # what is not known keeps the rules silent.
        pass
    return [None] * len(resolved)


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
    variables = _head_variables(model, len(class_axes))
    unknown: list[OutputRange | None] = [None] * len(class_axes)
    if not variables:
        return unknown
    ranges = unknown
    tried: list[list[list[NDArray[np.float64]]]] = []
    for size in SIZES:
        tried.append([call(given) for given in _replacements(variables, size)])
        if len(tried) > 1:
            ranges = [
                _range_of([[outputs[i] for outputs in signs] for signs in tried], axis)
                for i, axis in enumerate(class_axes)
            ]
            if None not in ranges:
                break
    return ranges


def _range_of(tried: list[list[NDArray[np.float64]]], axis: int) -> OutputRange | None:
    """The range of one output from what it gave, size by size; None where that does not tell."""
    values = [output for signs in tried for output in signs]
    if any(np.isnan(v).any() or not v.size for v in values):
        return None
    low = _edge(*(min(v.min() for v in signs) for signs in tried[-2:]))
    high = _edge(*(max(v.max() for v in signs) for signs in tried[-2:]))
    if low is None or high is None or low == high != 1.0:
        return None
    # Other weights than those that were replaced may make this output.
    if low < high and all(np.allclose(v, values[0], rtol=0, atol=1e-6) for v in values[1:]):
        return None
    rows = [v for v in values if v.ndim > 1]
    sums = [float(np.abs(v.sum(axis=axis) - 1).max()) for v in rows]
    normalised = len(sums) == len(values) and low >= 0 and max(sums) <= _SUM_TOLERANCE
    return OutputRange(low, high, normalised, proof="trial")


def _edge(small: float, large: float) -> float | None:
    """A bound, infinity where the edge grows with the weights, None where it does neither."""
    if abs(large) > _FAR and abs(large) >= _GROWN * abs(small):
        return math.copysign(math.inf, large)
    if not math.isclose(small, large, rel_tol=_STEADY, abs_tol=1e-3):
        return None
    edge = max(small, large, key=abs)
    return float(round(edge)) if math.isclose(edge, round(edge), abs_tol=1e-3) else float(edge)


def _replacements(variables: list[Any], size: float) -> Iterator[list[tuple[Any, Any]]]:
    # Other weights for each size: two that agree by chance would look like a bound.
    generator = np.random.default_rng(int(size))
    draws = [size * generator.standard_normal(tuple(v.shape)) for v in variables]
    for sign in (1.0, -1.0):
        replacement: list[tuple[Any, Any]] = []
        for variable, draw in zip(variables, draws, strict=True):
            value = keras.ops.convert_to_tensor(sign * draw, dtype=variable.dtype)
            constraint = getattr(variable, "constraint", None)
            replacement.append((variable, constraint(value) if constraint else value))
        yield replacement


def _head_variables(model: Any, heads: int) -> list[Any]:
    """The trainable variables nearest to the outputs; of a model without a graph, its last ones."""
    trainable = {id(v) for v in model.trainable_variables}
    outputs = getattr(model, "outputs", None)
    if outputs:
        found = [v for tensor in outputs for v in _behind(tensor)]
    else:
        layers = [layer for layer in model.layers if layer.trainable_variables]
        last = [v for layer in layers[-heads:] for v in layer.trainable_variables]
        found = last or model.trainable_variables
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
