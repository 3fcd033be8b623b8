"""How many losses sit at the cap that clipping probabilities makes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lossmon.capture.chunk import Floats, OutputArrays
from lossmon.capture.explain import Bools, counted
from lossmon.records import LossSpec

_CATEGORICAL = ("categorical_crossentropy", "sparse_categorical_crossentropy")
_EPSILON = 1e-7  # Keras' own default
# Of the cap: what rounding leaves of it.
_ROUNDING = 1e-5


class Clipped(NamedTuple):
    """Losses that were computed from clipped probabilities.

    Attributes:
        losses: how many; one for each sample, position and label.
        capped: those of them at the cap.
        cap: the largest loss there can be, in nats.
    """

    losses: int
    capped: int
    cap: float


def count_clipped(spec: LossSpec, tensors: OutputArrays, elements: Floats) -> Clipped | None:
    """Count the losses at the cap.

    Args:
        spec: the loss.
        tensors: labels and predictions of K steps, `(K, N, ...)`.
        elements: the recomputed losses before weights and reduction, `(K, N, ...)`.

    Returns:
        None where nothing is clipped (logits), or where the cap depends on the label (smoothing).
    """
    smoothed = spec.config.get("label_smoothing")
    if spec.custom or spec.config.get("from_logits") or tensors.logits is not None or smoothed:
        return None
    epsilon = float(spec.config.get("epsilon") or _EPSILON)
    cap = -math.log(epsilon)
    if spec.name in _CATEGORICAL:
        capped = elements >= cap * (1 - _ROUNDING)
    elif spec.name == "binary_crossentropy":
        capped = _binary(tensors, epsilon)
    else:
        return None
    if capped is None:
        return None
    kept = counted(tensors, elements.shape)
    if kept is None:
        return Clipped(capped.size, int(np.count_nonzero(capped)), cap)
    # Of several labels for each element all count or none.
    each = kept.reshape(kept.shape + (1,) * (capped.ndim - kept.ndim)) & np.ones_like(capped)
    return Clipped(int(np.count_nonzero(each)), int(np.count_nonzero(capped & each)), cap)


def _binary(tensors: OutputArrays, epsilon: float) -> Bools | None:
    """Which labels were given next to no chance, `(K, N, ..., D)`; None of other labels."""
    y_true, y_pred = tensors.y_true, tensors.y_pred
    if y_true is None or y_pred is None or y_true.size != y_pred.size:
        return None
    labels, ceiling = y_true.reshape(y_pred.shape), float(np.float32(1) - np.float32(epsilon))
    return ((labels == 1) & (y_pred <= epsilon)) | ((labels == 0) & (y_pred >= ceiling))
