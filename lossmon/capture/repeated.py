"""Validation data that are the training data themselves."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np

from lossmon.capture.spread import samples_within, spread_rows, taken

# Values of each array that are compared; of more, those of samples from all over it.
COMPARED_VALUES = 2**18


def repeated_samples(x: Any, validated: Any) -> int | None:
    """How many samples a model is validated on, where these are what it is trained on.

    Args:
        x: its training inputs, nested as given to `fit`.
        validated: the inputs that it is validated on, likewise.

    Returns:
        None where they are others, are no NumPy arrays, or hold the same sample again and again.
    """
    ours, theirs = keras.tree.flatten(x), keras.tree.flatten(validated)
    if len(ours) != len(theirs) or not all(map(_alike, ours, theirs)):
        return None
    samples = samples_within(sys.maxsize, ours)
    rows = spread_rows(samples, samples_within(COMPARED_VALUES, ours))
    pairs = [*zip(taken(ours, rows), taken(theirs, rows), strict=True)]
    if not all(_equal(one, other) for one, other in pairs):
        return None
    varied = any(not _equal(one, np.broadcast_to(one[:1], one.shape)) for one, _ in pairs)
    return samples if varied else None


def _alike(one: Any, other: Any) -> bool:
    arrays = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return arrays and one.ndim > 0 and one.shape == other.shape and one.dtype == other.dtype


def _equal(one: Any, other: Any) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
