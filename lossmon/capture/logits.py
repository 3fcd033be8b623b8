"""Find the logits that TensorFlow's cross-entropies use behind a softmax or a sigmoid.

On TensorFlow, Keras computes a cross-entropy from the logits behind the activation whenever it can
still see them, so that its value has no clipping and no cap. A recomputation from the probabilities
would depart from it exactly where the model is badly wrong. JAX and torch have no such rescue.
"""

from __future__ import annotations

from typing import Any

import keras

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
    if hasattr(y_pred, "_keras_logits"):
        return y_pred._keras_logits
    import tensorflow as tf

    if tf.is_symbolic_tensor(y_pred) and y_pred.op.type == _ACTIVATION_OP[name]:
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
