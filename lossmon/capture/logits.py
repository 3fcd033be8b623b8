"""Find the logits that TensorFlow's cross-entropies use behind a softmax or a sigmoid.

On TensorFlow, Keras computes a cross-entropy from the logits behind the activation whenever it can
still see them, so that its value has no clipping and no cap. A recomputation from the probabilities
would depart from it exactly where the model is badly wrong. JAX and torch have no such rescue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from lossmon.capture.forward import forward
from lossmon.capture.resolve import ResolvedOutput
from lossmon.records import LossSpec, MetricSpec

_ACTIVATION_OP = {
    "binary_crossentropy": "Sigmoid",
    "binary_focal_crossentropy": "Sigmoid",
    "categorical_crossentropy": "Softmax",
    "sparse_categorical_crossentropy": "Softmax",
}


def logits_behind(y_pred: Any, y_true: Any, loss: Any) -> Any | None:
    """The tensor that `loss` goes back to, or None where it uses `y_pred` itself.

    Args:
        y_pred: the model's output as the loss sees it, a tensor of the backend.
        y_true: its targets; their rank decides whether Keras squeezes `y_pred` first.
        loss: a Keras loss object, or None.
    """
    if keras.backend.backend() != "tensorflow" or loss is None or y_true is None:
        return None
    name = getattr(getattr(loss, "fn", None), "__name__", "")
    if name not in _ACTIVATION_OP or not _reaches_the_loss_untouched(y_pred, y_true, loss):
        return None
    return _behind(y_pred, name)


def _behind(y_pred: Any, function: str) -> Any | None:
    if hasattr(y_pred, "_keras_logits"):
        return y_pred._keras_logits
    import tensorflow as tf

    if tf.is_symbolic_tensor(y_pred) and y_pred.op.type == _ACTIVATION_OP[function]:
        return y_pred.op.inputs[0]
    return None


def _reaches_the_loss_untouched(y_pred: Any, y_true: Any, loss: Any) -> bool:
    """Whether no op stands between the output and the loss: a cast, a squeeze, a `where`."""
    if keras.backend.standardize_dtype(y_pred.dtype) != loss.dtype:
        return False
    ranks = len(y_pred.shape) - len(y_true.shape)
    if ranks == 1 and y_pred.shape[-1] == 1 and len(y_true.shape) != 1:
        return False
    if ranks == -1 and y_true.shape[-1] == 1 and len(y_pred.shape) == 1:
        return False
    return loss._fn_kwargs.get("ignore_class") is None


def told_of_logits(outputs: Sequence[ResolvedOutput]) -> bool:
    """Whether a cross-entropy, as loss or metric, is told on TensorFlow that it is given logits."""
    if keras.backend.backend() != "tensorflow":
        return False
    specs = [one for output in outputs for one in (output.record.loss, *output.record.metrics)]
    return any(_told(spec) for spec in specs)


def _told(spec: LossSpec | MetricSpec | None) -> bool:
    return spec is not None and spec.name in _ACTIVATION_OP and bool(spec.config.get("from_logits"))


def outputs_of_a_step(model: Any, x: Any) -> Any | None:
    """The outputs as a training step on TensorFlow has them before it runs: nothing is computed.

    Args:
        model: a built model.
        x: inputs of one batch, nested as the model takes them.

    Returns:
        Symbolic tensors, nested as the model gives them, or tensors where it runs eagerly; None
        where the model cannot be traced.
    """
    import tensorflow as tf

    if model.run_eagerly:
        return forward(model, x, training=True)
    traced: list[Any] = []

    def trace(given: Any) -> None:
        traced.append(forward(model, given, training=True))

    try:
        tf.function(trace).get_concrete_function(x)
    except Exception:
        # Not traced here, it is not known; a step that cannot be traced ends the training anyway.
        return None
    return traced[0]


def is_rescued(output: ResolvedOutput, y_true: Any, y_pred: Any) -> bool:
    """Whether a loss that is told of logits goes back to them behind an activation.

    Args:
        output: the output that it is the loss of.
        y_true: its targets.
        y_pred: its part of `outputs_of_a_step`.
    """
    told = _told(output.record.loss)
    return told and logits_behind(y_pred, y_true, output.loss_object) is not None


def rescued_metrics(output: ResolvedOutput, y_pred: Any) -> frozenset[str]:
    """The keys of the metrics that do likewise.

    Args:
        output: the output that they are of.
        y_pred: its part of `outputs_of_a_step`.
    """
    told = [metric for metric in output.record.metrics if _told(metric)]
    return frozenset(one.key for one in told if _behind(y_pred, one.name) is not None)
