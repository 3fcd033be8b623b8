"""How large the inputs are that a model is trained on, and those that it is validated on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.arrays import to_numpy
from lossmon.capture.inputs import named_leaves
from lossmon.capture.spread import samples_within, spread_rows, taken
from lossmon.rules import ScaleFacts, describe_scales

# Values of each array that are looked at, those of samples from all over it.
SEEN_VALUES = 2**18


def compared_scales(model: Any, x: Any, validated: Any) -> tuple[ScaleFacts, ...]:
    """Set the scales of each input beside one another.

    Args:
        model: a built model.
        x: its training inputs, nested as given to `fit`.
        validated: the inputs that it is validated on, likewise.

    Returns:
        Of the inputs that are dense numbers of one shape in both.
    """
    pairs = zip(named_leaves(model, x) or (), named_leaves(model, validated) or (), strict=False)
    known = [(name, _some(one), _some(other)) for (name, one), (_, other) in pairs]
    return tuple(
        describe_scales(one, other, name=name)
        for name, one, other in known
        if one is not None and other is not None and one.shape[1:] == other.shape[1:]
    )


def _some(leaf: Any) -> NDArray[Any] | None:
    if not isinstance(leaf, np.ndarray) and not hasattr(leaf, "iloc"):
        return None
    if not leaf.ndim or not len(leaf):
        return None
    rows = spread_rows(len(leaf), samples_within(SEEN_VALUES, leaf))
    values = to_numpy(taken(leaf, rows))
    return values if values is not None and values.dtype.kind in "biuf" else None
