"""How large the inputs are that a model is trained on, and those that it is validated on."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.arrays import to_numpy
from lossmon.capture.inputs import named_leaves
from lossmon.capture.spread import samples_within, spread_rows, taken
from lossmon.rules import ScaleFacts, describe_scales, own_statistics

# Values of each array that are looked at, those of samples from all over it.
SEEN_VALUES = 2**18
# Values of each table that are added up, all of them: what is exact shows in nothing less.
WHOLE_VALUES = 2**22


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
    known = (_compared(name, one, other) for (name, one), (_, other) in pairs)
    return tuple(facts for facts in known if facts is not None)


def _compared(name: str | None, x: Any, validated: Any) -> ScaleFacts | None:
    one, other = _some(x), _some(validated)
    if one is None or other is None or one.shape[1:] != other.shape[1:]:
        return None
    facts = describe_scales(one, other, name=name)
    tables = [_table(x), _table(validated)]
    if any(table is None for table in tables):
        return facts
    return replace(facts, own=own_statistics(*tables))


def _table(leaf: Any) -> NDArray[Any] | None:
    """The whole of a table of floats that is not too large, and no file."""
    if isinstance(leaf, np.memmap) or len(leaf.shape) != 2:
        return None
    values = to_numpy(leaf) if math.prod(leaf.shape) <= WHOLE_VALUES else None
    return values if values is not None and values.dtype.kind == "f" else None


def _some(leaf: Any) -> NDArray[Any] | None:
    if not isinstance(leaf, np.ndarray) and not hasattr(leaf, "iloc"):
        return None
    if not leaf.ndim or not len(leaf):
        return None
    rows = spread_rows(len(leaf), samples_within(SEEN_VALUES, leaf))
    values = to_numpy(taken(leaf, rows))
    return values if values is not None and values.dtype.kind in "biuf" else None
