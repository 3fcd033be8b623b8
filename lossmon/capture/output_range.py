"""What values an output can take, whatever its weights: proven from the graph or by trying.

Layer *names* prove nothing and the predictions of one set of weights prove little: a linear head
may happen to stay within [0, 1]. Two things prove more. In a functional graph the activation
*function* of Keras' own layer is known. And any head can be tried: with its weights replaced by
large random ones a linear head leaves every bound, a sigmoid does not.
"""

from __future__ import annotations

import math
from typing import Any

import keras

from lossmon.capture.specs import is_keras
from lossmon.rules import OutputRange

# Layers that move values around without changing them.
_CARRIERS = (
    "Reshape", "Flatten", "Permute", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D", "RepeatVector", "Cropping1D", "Cropping2D", "Cropping3D", "Masking",
    "Identity", "Squeeze", "ExpandDims", "Transpose", "ActivityRegularization", "GetItem", "Cast",
)  # fmt: skip
# Layers with weights whose last act is to apply their `activation`.
_WEIGHTED = (
    "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
    "Conv3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
)  # fmt: skip
# Here a gate between 0 and 1 follows, which keeps within the bounds of these functions.
_GATED = ("LSTM", "GRU")
_GATES = ("sigmoid", "hard_sigmoid")
_KEPT_BY_GATES = ("tanh", "sigmoid", "hard_sigmoid", "relu", "linear")
_FUNCTION_LAYERS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu"}
_INFINITE = math.inf
# Bounds of Keras' activation functions, from their definitions.
_RANGES = {
    "linear": (-_INFINITE, _INFINITE),
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, _INFINITE),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, _INFINITE),
    "exponential": (0.0, _INFINITE),
    "elu": (-1.0, _INFINITE),
    "leaky_relu": (-_INFINITE, _INFINITE),
}


def producing_layer(tensor: Any) -> str | None:
    """The name of the operation that made a symbolic output, or None."""
    operation = _operation(tensor)
    return None if operation is None else operation.name


def known_activation(tensor: Any) -> str | None:
    """The activation whose values a symbolic output holds, where Keras' own code shows it.

    Args:
        tensor: a `KerasTensor` of a functional model, or None.

    Returns:
        "linear", "sigmoid", "softmax", …; None where the graph does not tell, and where one
        squashing function stands on another.
    """
    operation = _operation(tensor)
    if operation is None or not is_keras(type(operation)):
        return None
    if type(operation).__name__ in ("Functional", "Sequential"):
        return known_activation(operation.outputs[0]) if len(operation.outputs) == 1 else None
    inputs = keras.tree.flatten(operation.input)
    own = operation.layer if type(operation).__name__ == "TimeDistributed" else operation
    if len(inputs) != 1 or not is_keras(type(own)):
        return None
    return _activation_of(own, inputs[0])


def _activation_of(layer: Any, given: Any) -> str | None:
    kind = type(layer).__name__
    if kind in _WEIGHTED:
        constrained = getattr(layer, "kernel_constraint", None) is not None
        return None if constrained else _function_name(layer.activation)
    if kind in (*_GATED, "SimpleRNN"):
        return _recurrent_function(layer, gated=kind in _GATED)
    below = known_activation(given)
    if kind in _CARRIERS:
        return below
    if kind == "Activation":
        function = _function_name(layer.activation)
    else:
        function = None if _other_axis(layer) else _FUNCTION_LAYERS.get(kind)
    if function == "linear":
        return below
    return None if below in ("sigmoid", "softmax", "tanh") else function


def _recurrent_function(layer: Any, *, gated: bool) -> str | None:
    function = _function_name(layer.activation)
    if layer.return_state or (gated and _function_name(layer.recurrent_activation) not in _GATES):
        return None
    return function if not gated or function in _KEPT_BY_GATES else None


def _other_axis(layer: Any) -> bool:
    """Whether a function works along another axis than the last."""
    axis = getattr(layer, "axis", -1)
    return axis not in (-1, len(layer.output.shape) - 1)


def fitted_head(tensor: Any) -> bool | None:
    """Whether trainable weights of its own make each unit of an output, so that it can be constant.

    Args:
        tensor: a `KerasTensor` of a functional model, or None.

    Returns:
        True behind a trainable layer of Keras' own with weights, False behind a frozen one; None
        where the graph does not tell, or where the units are made of other tensors (a dot product
        of candidates).
    """
    operation = _operation(tensor)
    if operation is None or not is_keras(type(operation)):
        return None
    kind = type(operation).__name__
    if kind in ("Functional", "Sequential"):
        return fitted_head(operation.outputs[0]) if len(operation.outputs) == 1 else None
    own = operation.layer if kind == "TimeDistributed" else operation
    if type(own).__name__ in _WEIGHTED:
        return bool(own.trainable_variables)
    inputs = keras.tree.flatten(operation.input)
    unmoved = kind in ("Activation", "Dropout", "Identity", *_FUNCTION_LAYERS)
    return fitted_head(inputs[0]) if unmoved and len(inputs) == 1 else None


def graph_range(activation: str | None, units: int | None) -> OutputRange | None:
    """The range of a known activation function; None where it is not known.

    Args:
        activation: what `known_activation` returned.
        units: size of the class axis.
    """
    if activation == "softmax" and units == 1:
        return OutputRange(1.0, 1.0, normalised=True, proof="graph")
    if activation not in _RANGES:
        return None
    low, high = _RANGES[activation]
    return OutputRange(low, high, normalised=activation == "softmax", proof="graph")


def _operation(tensor: Any) -> Any:
    history = getattr(tensor, "_keras_history", None)
    return None if history is None else history.operation


def _function_name(function: Any) -> str | None:
    return getattr(function, "__name__", None) if is_keras(function) else None
