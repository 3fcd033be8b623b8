"""Samples from all over arrays that are too large to be read whole."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def samples_within(values: int, y: Any) -> int:
    """How many samples of targets hold no more than so many values in any array; 1 at least.

    Args:
        values: the most values of an array.
        y: targets, nested as given to `fit`; leaves are arrays or tensors.

    Returns:
        The number of all samples, where they are few enough.
    """
    shapes = [leaf.shape for leaf in keras.tree.flatten(y) if leaf is not None and len(leaf.shape)]
    counts = (int(shape[0]) for shape in shapes)
    bounds = (values // max(1, math.prod(shape[1:])) for shape in shapes)
    return max(1, min((*counts, *bounds), default=values))


def spread_rows(samples: int, count: int) -> Rows:
    """The places of `count` of so many samples, ascending: a random one in each equal part.

    Even distances would see only one kind of data whose kinds take turns. The same every time.
    """
    if count >= samples:
        return np.arange(samples)
    within = np.random.default_rng(0).random(count)
    return np.unique(((np.arange(count) + within) * (samples / count)).astype(np.int64))


def taken(structure: Any, rows: Rows) -> Any:
    """The samples of all arrays at these places; what has no such places stays as it is."""

    def take(leaf: Any) -> Any:
        if leaf is None or not len(leaf.shape) or not rows[-1] < leaf.shape[0] > len(rows):
            return leaf
        if keras.ops.is_tensor(leaf):
            return keras.ops.take(leaf, rows, axis=0)
        return getattr(leaf, "iloc", leaf)[rows]

    return keras.tree.map_structure(take, structure)
