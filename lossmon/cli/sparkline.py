"""Small curves made of block characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = "▁▂▃▄▅▆▇█"
# What is not a finite number stands out in a curve, as it does in the dashboard.
_BROKEN = "✕"


def sparkline(values: Sequence[float | None], width: int = 16) -> str:
    """Draw a curve, as many characters wide at most.

    Args:
        values: in order; None where there is none.
        width: more values than that are drawn by the greatest of those that share a place.

    Returns:
        The lowest value as ▁ and the highest as █, ✕ where a value is NaN or infinite, a space
        where there is none; empty where there is nothing to draw.
    """
    places = [_of_place(part) for part in _parts(values, width)]
    finite = [value for value in places if value is not None and math.isfinite(value)]
    if len(places) < 2 or all(value is None for value in places):
        return ""
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    return "".join(_sign(value, low, high) for value in places)


def _parts(values: Sequence[float | None], width: int) -> list[Sequence[float | None]]:
    count = min(width, len(values))
    ends = [round(place * len(values) / count) for place in range(count + 1)] if count else [0]
    return [values[first:last] for first, last in pairwise(ends)]


def _of_place(part: Sequence[float | None]) -> float | None:
    """The greatest of some values, or one of them that is not finite."""
    known = [value for value in part if value is not None]
    broken = [value for value in known if not math.isfinite(value)]
    return (broken or [max(known, default=None)])[0]


def _sign(value: float | None, low: float, high: float) -> str:
    if value is None:
        return " "
    if not math.isfinite(value):
        return _BROKEN
    share = (value - low) / (high - low) if high > low else 0.0
    return _BLOCKS[min(len(_BLOCKS) - 1, int(share * len(_BLOCKS)))]
