"""What the scales of training and validation inputs say, beside one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 64
"""Values other than 0 of a column that its typical size is told by."""


@dataclass(frozen=True, slots=True)
class ScaleFacts:
    """How large the values of one input are in the validation data, of training data once.

    Attributes:
        name: the input's name; None for the only one.
        samples: samples looked at of the validation data.
        factors: of each column of a table that could be judged by how much its values are larger
            in the validation data: the medians of their sizes, zeros left out, divided. Of other
            inputs the one factor of all values.
    """

    name: str | None
    samples: int
    factors: tuple[float, ...]


def describe_scales(x: Any, validated: Any, *, name: str | None = None) -> ScaleFacts:
    """Set the scales of two samples of one input beside one another.

    Args:
        x: of the training data, `(N, ...)`, numbers of any dtype.
        validated: of the validation data, `(M, ...)`, likewise.
        name: the input's name; None for the only one.

    >>> describe_scales(np.ones((64, 1)), np.full((64, 1), 255)).factors
    (255.0,)
    """
    before, after = _sizes(np.asarray(x)), _sizes(np.asarray(validated))
    known = np.isfinite(before) & np.isfinite(after)
    return ScaleFacts(name, len(validated), tuple((after[known] / before[known]).tolist()))


def _sizes(values: NDArray[Any]) -> Floats:
    """The median size of each column; NaN where too few values tell."""
    columns = values if values.ndim == 2 else values.reshape(-1, 1)
    sizes = np.abs(columns.astype(np.float64))
    told = np.isfinite(sizes) & (sizes > 0)
    counts = told.sum(axis=0)
    ascending = np.sort(np.where(told, sizes, np.inf), axis=0)
    middle = np.stack([(counts - 1) // 2, counts // 2]).clip(min=0)
    medians = np.take_along_axis(ascending, middle, axis=0).mean(axis=0)
    return np.where(counts >= FEWEST, medians, np.nan)
