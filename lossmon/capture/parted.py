"""Whether validation data are the rest of the array that a model is trained on."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def parted_in_order(x: Any, validated: Any) -> bool:
    """Tell whether what is validated on follows in memory what is trained on.

    So it does where `validation_split` parted an array, or a slice of it did.

    Args:
        x: the training inputs of a model, nested as given to `fit`.
        validated: the inputs that it is validated on, likewise.
    """
    ours, theirs = keras.tree.flatten(x), keras.tree.flatten(validated)
    return len(ours) == len(theirs) and all(map(_follows, ours, theirs))


def _follows(one: Any, other: Any) -> bool:
    if not all(isinstance(leaf, np.ndarray) and leaf.flags.c_contiguous for leaf in (one, other)):
        return False
    alike = one.dtype == other.dtype and one.shape[1:] == other.shape[1:]
    return alike and one.ctypes.data + one.nbytes == other.ctypes.data and bool(one.size)
