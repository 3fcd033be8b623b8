"""How far a running sum goes wrong whose roundings do not average out.

`lossmon.recompute.rounding.accumulation` bounds sums whose rounding errors are independent of one
another. Those of equal terms are not, nor are those of terms too small to count beside the sum. XLA
adds long rows in order on CPU, where the error grows to n / 4 unit roundoffs: a million losses of
an untrained model may be wrong in the second digit.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

COVERED_TERMS = 64
"""Up to so many terms `accumulation` covers whatever they are: 2 √64 = 64 / 4."""

_ADDED_AT_ONCE = 65_536
_LOOKED_AT = 64
_ROUNDED_ALIKE = 16.0
"""Terms were seen to drift together that differ by less than so many steps of a sum's numbers."""

_LONGEST_TILES = (20_480, 1_048_576)
"""How many terms of steps, and of pixels, XLA was seen to add in order, in sums of 20 million."""


def drift(values: npt.NDArray[np.float64], dtype: npt.DTypeLike = np.float32) -> float:
    """Measure how far a plain running sum in the compute dtype drifts from the exact one.

    >>> drift(np.full(1000, 0.25)), drift(np.full(1_000_000, 0.1)) > 100.0
    (0.0, True)
    """
    return float(drifts(values.reshape(1, values.size), dtype)[0])


def drifts(
    rows: npt.NDArray[np.float64], dtype: npt.DTypeLike = np.float32
) -> npt.NDArray[np.float64]:
    """Measure the `drift` of each row, shape `(K, M)` to `(K,)`."""
    if rows.shape[1] <= COVERED_TERMS:
        return np.zeros(len(rows))
    running = np.zeros((len(rows), 1), dtype)
    for start in range(0, rows.shape[1], _ADDED_AT_ONCE):
        piece = rows[:, start : start + _ADDED_AT_ONCE].astype(dtype)
        piece[:, :1] += running
        running = np.add.accumulate(piece, axis=1, out=piece)[:, -1:]
    return np.abs(running[:, 0].astype(np.float64) - np.add.reduce(rows, axis=1))


def alike_drifts(
    rows: npt.NDArray[np.float64], width: int, roundoff: float, *, merged_axes: int = 0
) -> npt.NDArray[np.float64]:
    """Bound what sums of like terms lose, in whatever order they are added.

    XLA parts long sums into tiles, so that they drift otherwise than in the rows' own order. How
    many terms are like another is estimated from some of the elements. Where XLA makes one sum of
    the elements and of the terms in them, terms are alike, too, where they hardly differ beside
    the step between numbers of a tile's sum.

    Args:
        rows: the elements that are summed, shape `(K, M)`.
        width: of how many terms each element is made.
        roundoff: the unit roundoff that they are summed in.
        merged_axes: over how many axes of steps or pixels elements' own terms are added with those
            of others; 0 where each element is made first.

    Returns:
        Shape `(K,)`, in the unit of the sums; 0 where no element is like another.

    >>> alike_drifts(np.full((1, 99), 0.5), 1, 2.0**-24) * 2.0**24
    array([1237.5])
    >>> alike_drifts(np.arange(99.0)[None], 1, 2.0**-24)
    array([0.])
    """
    number = rows.shape[1]
    merged = merged_axes > 0 and width > 1
    terms = number + width
    if merged:
        terms = min(number * width, _LONGEST_TILES[min(merged_axes, 2) - 1])
    if terms <= COVERED_TERMS or number < 2:
        return np.zeros(len(rows))
    seen = np.abs(rows if number <= _LOOKED_AT else rows[:, _scattered(number)]).astype(np.float32)
    seen.sort(axis=1)
    alike = np.zeros(seen.shape, dtype=np.bool_)
    np.equal(seen[:, 1:], seen[:, :-1], out=alike[:, 1:])
    alike[:, :-1] |= alike[:, 1:]
    if not merged and not alike.any():
        return np.zeros(len(rows))
    sums = np.add.reduce(np.abs(rows), axis=1)
    counting = seen > 0.0
    if merged:
        least = np.min(seen, axis=1, initial=np.inf, where=counting)
        step = 2.0 * roundoff * sums * terms / (number * width)
        alike |= ((seen[:, -1] - least) / width <= _ROUNDED_ALIKE * step)[:, None]
    alike &= counting
    lost = roundoff * sums * np.mean(alike, axis=1) * (terms / 4.0)
    # No addition loses more than what it adds.
    return np.minimum(lost, np.mean(seen * alike, axis=1, dtype=np.float64) * number)


@lru_cache(maxsize=256)
def _scattered(number: int) -> npt.NDArray[np.int64]:
    """Return some positions that no period of the elements, such as pixels a sample, falls in with.

    >>> len(_scattered(1_000_000)), len(_scattered(65))
    (64, 57)
    """
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    return np.unique((np.arange(_LOOKED_AT) * golden % 1.0 * number).astype(np.int64))
