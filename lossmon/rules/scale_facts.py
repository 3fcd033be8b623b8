"""What the scales of training and validation inputs say, beside one another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Preparation = Literal["standardised", "from 0 to 1"]

FEWEST = 64
"""Values other than 0 of a column that its typical size is told by."""
FEWEST_PREPARED = 30
"""Samples that show whether a table was prepared, by where its columns lie."""
_MOST = 0.9
"""The share of the columns of a prepared table that show it: some may have been left out."""

_EXACT = 1e-4
"""What rounding leaves of a mean of 0 and a standard deviation of 1 of float32."""
_BY_CHANCE = 3e-3
"""Likewise, in standard errors of a mean: parts that are scaled alike come as near once in 400."""
_SHARED = 0.1
"""Of the values of a column that was scaled otherwise, equal ones are rare."""

_ROUNDED = 1e-3
"""What half precision may be beside 0 and 1."""


@dataclass(frozen=True, slots=True)
class PreparedFacts:
    """A table whose columns were prepared in the training data, and what they are elsewhere.

    Attributes:
        how: "standardised" where the columns have mean 0 and standard deviation 1, "from 0 to 1"
            where they fill that range.
        columns: those that tell: with more than two values.
        typical: of each of them that is prepared otherwise in the validation data its mean there,
            or, of those from 0 to 1, its median.
    """

    how: Preparation
    columns: int
    typical: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScaleFacts:
    """How large the values of one input are in the validation data, of training data once.

    Attributes:
        name: the input's name; None for the only one.
        samples: samples looked at of the validation data.
        factors: of each column of a table that could be judged by how much its values are larger
            in the validation data: the medians of their sizes, zeros left out, divided. Of other
            inputs the one factor of all values.
        prepared: of a table whose columns are all scaled alike in the training data.
        own: columns of a table whose means are 0 and whose standard deviations are 1 in either
            data, exactly, by statistics of its own; 0 where that is not so of all of them.
    """

    name: str | None
    samples: int
    factors: tuple[float, ...]
    prepared: PreparedFacts | None = None
    own: int = 0


def describe_scales(x: Any, validated: Any, *, name: str | None = None) -> ScaleFacts:
    """Set the scales of two samples of one input beside one another.

    Args:
        x: of the training data, `(N, ...)`, numbers of any dtype.
        validated: of the validation data, `(M, ...)`, likewise.
        name: the input's name; None for the only one.

    >>> describe_scales(np.ones((64, 1)), np.full((64, 1), 255)).factors
    (255.0,)
    """
    before, after = np.asarray(x), np.asarray(validated)
    sizes, others = _sizes(before), _sizes(after)
    known = np.isfinite(sizes) & np.isfinite(others)
    factors = tuple((others[known] / sizes[known]).tolist())
    is_table = before.ndim == 2 and min(len(before), len(after)) >= FEWEST_PREPARED
    return ScaleFacts(name, len(after), factors, _prepared(before, after) if is_table else None)


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


def own_statistics(x: Any, validated: Any) -> int:
    """Count the columns of a table that were standardised in both data, in each by its own values.

    Args:
        x: all of the training data, `(N, columns)`, numbers of any dtype.
        validated: all of the validation data, likewise.

    Returns:
        0 unless that is so of all columns with more than two values, two at least.

    >>> x = np.random.default_rng(0).random((60, 2))
    >>> own = [(part - part.mean(axis=0)) / part.std(axis=0) for part in (x[:30], x[30:])]
    >>> own_statistics(*own), own_statistics(x[:30], x[30:])
    (2, 0)
    """
    before, after = np.asarray(x), np.asarray(validated)
    if min(len(before), len(after)) < FEWEST_PREPARED:
        return 0
    columns = 0
    for ours, theirs in zip(before.T, after.T, strict=True):
        if _has_several(ours) and _has_several(theirs):
            if not (_is_exact(ours) and _is_exact(theirs) and _are_apart(ours, theirs)):
                return 0
            columns += 1
    return columns if columns > 1 else 0


def _has_several(column: NDArray[Any]) -> bool:
    return bool(((column != column.min()) & (column != column.max())).any())


def _is_exact(column: NDArray[Any]) -> bool:
    allowed = min(_EXACT, _BY_CHANCE / math.sqrt(len(column)))
    deviation = column.std(dtype=np.float64)
    # pandas divides by one sample less.
    deviations = np.array([1, math.sqrt(1 - 1 / len(column))])
    exact = abs(deviations - deviation).min() < allowed
    return bool(exact and abs(column.mean(dtype=np.float64)) < allowed)


def _are_apart(ours: NDArray[Any], theirs: NDArray[Any]) -> bool:
    """Whether values of the one are none of the other: scaled alike, what is equal stays so."""
    return bool(np.isin(theirs, ours).mean() < _SHARED)


def _prepared(before: NDArray[Any], after: NDArray[Any]) -> PreparedFacts | None:
    ours, theirs = before.astype(np.float64), after.astype(np.float64)
    least, most = ours.min(axis=0), ours.max(axis=0)
    several = ((ours != least) & (ours != most)).any(axis=0)
    finite = np.isfinite(ours).all(axis=0) & np.isfinite(theirs).all(axis=0)
    ours, theirs = ours[:, several & finite], theirs[:, several & finite]
    return (_standardised(ours, theirs) or _ranged(ours, theirs)) if ours.size else None


def _standardised(before: Floats, after: Floats) -> PreparedFacts | None:
    centred = abs(before.mean(axis=0)) < 0.15
    if (centred & (abs(before.std(axis=0) - 1) < 0.2)).mean() < _MOST:
        return None
    means, stds = after.mean(axis=0), after.std(axis=0)
    # A straight line of which the last fifth is the validation data has 2.17 there, and 0.25. And
    # where these are another kind of data, such as other classes, no column is far away.
    apart, furthest = abs(means) > 2.2, abs(means)
    # Of fewer samples with heavy tails one value may be the whole deviation.
    if min(len(before), len(after)) >= FEWEST:
        apart |= (stds > 3) | (stds < 0.2)
        furthest = np.maximum(furthest, stds)
    far = bool(furthest.max() > 5)
    return PreparedFacts("standardised", len(means), tuple(means[apart].tolist()) if far else ())


def _ranged(before: Floats, after: Floats) -> PreparedFacts | None:
    least, most = before.min(axis=0), before.max(axis=0)
    within = (least > -_ROUNDED) & (most < 1 + _ROUNDED)
    if (within & (most - least > 0.5)).mean() < _MOST:
        return None
    medians = np.median(after, axis=0)
    apart = abs(medians - 0.5) > 1
    return PreparedFacts("from 0 to 1", len(medians), tuple(medians[apart].tolist()))
