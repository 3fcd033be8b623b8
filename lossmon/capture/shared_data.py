"""One object that is given to `fit` as training data and as validation data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras

_ENDLESS = -1
"""What a `tf.data.Dataset` without end says that it holds."""


def shared_data(fit: Mapping[str, Any]) -> str | None:
    """Tell by identity alone whether a training is validated on its own data; nothing is read.

    Args:
        fit: the arguments of `fit`; empty where unknown.

    Returns:
        The type of that data. None where the two are not the same, or where they may give other
        samples to the validation: iterators go on, data without end may be drawn anew, and a
        training may end before it has seen all.
    """
    trained = keras.tree.flatten((fit.get("x"), fit.get("y")))
    validated = keras.tree.flatten((fit.get("val_x"), fit.get("val_y")))
    if len(trained) != len(validated) or fit.get("val_x") is None:
        return None
    if any(one is not other for one, other in zip(trained, validated, strict=True)):
        return None
    data = trained[0]
    seen_whole = hasattr(data, "shape") or _is_seen_whole(data, fit)
    return type(data).__name__.lstrip("_") if seen_whole else None


def _is_seen_whole(data: Any, fit: Mapping[str, Any]) -> bool:
    if hasattr(data, "__next__"):
        return False
    batches, steps = _batches(data), fit.get("steps_per_epoch")
    if steps is None:
        return batches != math.inf
    return batches is not None and steps * fit.get("epochs", 1) >= batches


def _batches(data: Any) -> float | None:
    """How many batches it holds; None where it does not know."""
    try:
        if hasattr(data, "num_batches"):
            return math.inf if data.num_batches is None else int(data.num_batches)
        if hasattr(data, "cardinality"):
            count = int(data.cardinality())
            return math.inf if count == _ENDLESS else count if count >= 0 else None
        return len(data)
    except Exception:
        # It may be of anyone's own making, and this is no reason not to look at the rest.
        return None
