"""Training and validation data that are one, as far as that shows without reading them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras.src.trainers.data_adapters import is_tf_dataset

from lossmon.capture.datasets import sharing, sliced_inputs
from lossmon.rules import SharedFacts

_ENDLESS = -1
"""What a `tf.data.Dataset` without end says that it holds."""


def shared_data(fit: Mapping[str, Any]) -> SharedFacts | None:
    """Tell whether a training is validated on its own data, by what they are made of alone.

    Args:
        fit: the arguments of `fit`; empty where unknown.

    Returns:
        None where the two have nothing in common, or where they may give other samples to the
        validation: iterators go on, data without end may be drawn anew, and a training may end
        before it has seen all.
    """
    data, leaves = fit.get("x"), keras.tree.flatten(fit.get("x"))
    if fit.get("val_x") is None or not leaves:
        return None
    how = "one_object" if _is_one_object(fit) else sharing(data, fit["val_x"])
    takes_all = how in ("one_object", "trained_whole")
    if how is None or (
        takes_all and not hasattr(leaves[0], "shape") and not _is_seen_whole(data, fit)
    ):
        return None
    return SharedFacts(type(leaves[0]).__name__.lstrip("_"), how)


def sliced_data(fit: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """The arrays that the datasets of a training go through, as `sliced_inputs` finds them.

    Args:
        fit: the arguments of `fit`; empty where unknown.

    Returns:
        None, too, where the training may end before it has seen all of its data.
    """
    trained, validated = fit.get("x"), fit.get("val_x")
    if not is_tf_dataset(trained) or not _is_seen_whole(trained, fit):
        return None
    return sliced_inputs(trained, validated)


def _is_one_object(fit: Mapping[str, Any]) -> bool:
    trained = keras.tree.flatten((fit.get("x"), fit.get("y")))
    validated = keras.tree.flatten((fit.get("val_x"), fit.get("val_y")))
    if len(trained) != len(validated):
        return False
    return all(one is other for one, other in zip(trained, validated, strict=True))


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
