"""What the values of one output's labels say, summed up so that batches can be added together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Distinct values kept; beyond it labels are as good as continuous.
DISTINCT_CAP = 1024
# A row of probabilities written in float16 or as decimals still sums to one within this.
SUM_TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True)
class RowFacts:
    """Counts of rows along the class axis, by what kind of row they are.

    Attributes:
        rows: rows seen.
        width: entries in a row.
        zero: all-zero rows (void or padding).
        one_hot: one 1 among zeros.
        multi_hot: zeros and ones, with two ones or more.
        distribution: non-negative and summing to one; includes the one-hot rows.
        lone: rows with a single entry that is not zero; includes the one-hot rows.
        hot: the columns that hold a one in some one-hot row, ascending.
        sum_min, sum_max: the range of row sums.
    """

    rows: int
    width: int
    zero: int
    one_hot: int
    multi_hot: int
    distribution: int
    lone: int
    hot: tuple[int, ...]
    sum_min: float
    sum_max: float

    def merge(self, other: RowFacts) -> RowFacts:
        """The same over both sets of rows.

        Args:
            other: of other rows of the same labels.
        """
        return RowFacts(
            rows=self.rows + other.rows,
            width=self.width,
            zero=self.zero + other.zero,
            one_hot=self.one_hot + other.one_hot,
            multi_hot=self.multi_hot + other.multi_hot,
            distribution=self.distribution + other.distribution,
            lone=self.lone + other.lone,
            hot=tuple(sorted({*self.hot, *other.hot})),
            sum_min=min(self.sum_min, other.sum_min),
            sum_max=max(self.sum_max, other.sum_max),
        )


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """Labels of one output, by value; entries of zero weight or under a mask do not count.

    Attributes:
        samples: samples seen.
        sample_shape: shape of one sample's labels, without the batch axis.
        dtype: their dtype.
        elements: values judged.
        nonfinite: NaN or infinite values among them; all else is about the finite ones.
        minimum, maximum: their range; None where nothing finite was seen.
        distinct: the values that occur, ascending; None beyond `DISTINCT_CAP`.
        integer_valued: whether every value is a whole number, whatever the dtype.
        rows: kinds of rows along the class axis; None where there is no such axis.
        mean, variance: of all finite values together; None where nothing finite was seen.
    """

    samples: int
    sample_shape: tuple[int, ...]
    dtype: str
    elements: int
    nonfinite: int
    minimum: float | None
    maximum: float | None
    distinct: tuple[float, ...] | None
    integer_valued: bool
    rows: RowFacts | None
    mean: float | None = None
    variance: float | None = None

    @property
    def rank(self) -> int:
        """Number of axes, the batch axis included."""
        return len(self.sample_shape) + 1

    @property
    def distinct_text(self) -> str:
        """How many distinct values there are, in words: "214" or "more than 1024"."""
        return f"more than {DISTINCT_CAP}" if self.distinct is None else str(len(self.distinct))

    def only(self, *values: float) -> bool:
        """Whether nothing but these values occurs.

        Args:
            *values: any numbers.
        """
        return self.distinct is not None and set(self.distinct) <= set(values)

    def within(self, low: float, high: float) -> bool:
        """Whether all values lie in [low, high].

        Args:
            low: the least, included.
            high: the greatest, included.
        """
        if self.minimum is None or self.maximum is None:
            return False
        return low <= self.minimum and self.maximum <= high

    def merge(self, other: LabelFacts) -> LabelFacts:
        """The same over both: `describe(a).merge(describe(b))` is `describe` of a and b together.

        Mean and variance agree with it up to rounding.

        Args:
            other: facts of another batch of the same output.
        """
        lows = [v for v in (self.minimum, other.minimum) if v is not None]
        highs = [v for v in (self.maximum, other.maximum) if v is not None]
        rows = self.rows
        if rows is not None and other.rows is not None and rows.width == other.rows.width:
            rows = rows.merge(other.rows)
        mean, variance = self._moments_with(other)
        return replace(
            self,
            samples=self.samples + other.samples,
            elements=self.elements + other.elements,
            nonfinite=self.nonfinite + other.nonfinite,
            minimum=min(lows, default=None),
            maximum=max(highs, default=None),
            distinct=_union(self.distinct, other.distinct),
            integer_valued=self.integer_valued and other.integer_valued,
            rows=rows,
            mean=mean,
            variance=variance,
        )

    def _moments_with(self, other: LabelFacts) -> tuple[float | None, float | None]:
        """Mean and variance of both together (Chan, Golub and LeVeque 1979)."""
        ours, theirs = self.elements - self.nonfinite, other.elements - other.nonfinite
        if self.mean is None or self.variance is None or not ours:
            return other.mean, other.variance
        if other.mean is None or other.variance is None or not theirs:
            return self.mean, self.variance
        share, apart = theirs / (ours + theirs), other.mean - self.mean
        within = (1 - share) * self.variance + share * other.variance
        return self.mean + share * apart, within + share * (1 - share) * apart**2


def describe_labels(
    y_true: Any, *, weight: Any = None, mask: Any = None, class_axis: int = -1
) -> LabelFacts:
    """Sum up a batch of labels.

    Args:
        y_true: `(N, ...)`, any dtype.
        weight: sample weights, `(N,)` or as many leading axes of `y_true` as they have; labels of
            zero weight are left out, because whatever they hold is padding.
        mask: like `weight`; labels where it is False are left out.
        class_axis: the axis along which one sample's classes lie.

    Returns:
        The facts of these labels alone; see `LabelFacts.merge`.
    """
    labels = np.asarray(y_true)
    dtype = str(labels.dtype)
    kept = _kept(labels, weight, mask)
    values = labels.astype(np.float64)
    flat = values[kept] if kept is not None else values.reshape(-1)
    finite = flat[np.isfinite(flat)]
    distinct = np.unique(finite)
    return LabelFacts(
        samples=len(labels),
        sample_shape=tuple(labels.shape[1:]),
        dtype=dtype,
        elements=flat.size,
        nonfinite=flat.size - finite.size,
        minimum=float(finite.min()) if finite.size else None,
        maximum=float(finite.max()) if finite.size else None,
        distinct=_capped(distinct),
        integer_valued=bool(np.all(distinct == np.rint(distinct))),
        rows=_describe_rows(values, kept, class_axis),
        mean=float(finite.mean()) if finite.size else None,
        variance=float(finite.var()) if finite.size else None,
    )


def _describe_rows(
    values: NDArray[np.float64], kept: NDArray[np.bool_] | None, class_axis: int
) -> RowFacts | None:
    if values.ndim < 2 or values.shape[class_axis] < 2:
        return None
    rows = np.moveaxis(values, class_axis, -1).reshape(-1, values.shape[class_axis])
    if kept is not None:
        whole = np.moveaxis(kept, class_axis, -1).reshape(rows.shape)
        rows = rows[whole.all(axis=1)]
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return None
    sums = rows.sum(axis=1)
    binary = ((rows == 0) | (rows == 1)).all(axis=1)
    proper = (rows >= 0).all(axis=1) & (np.abs(sums - 1) <= SUM_TOLERANCE)
    return RowFacts(
        rows=len(rows),
        width=rows.shape[1],
        zero=int(np.sum(binary & (sums == 0))),
        one_hot=int(np.sum(binary & (sums == 1))),
        multi_hot=int(np.sum(binary & (sums >= 2))),
        distribution=int(np.sum(proper)),
        lone=int(np.sum((rows != 0).sum(axis=1) == 1)),
        hot=tuple(int(c) for c in np.flatnonzero(rows[binary & (sums == 1)].any(axis=0))),
        sum_min=float(sums.min()),
        sum_max=float(sums.max()),
    )


def _kept(labels: NDArray[Any], *parts: Any) -> NDArray[np.bool_] | None:
    """Which labels count, in their shape; None for all."""
    kept: NDArray[np.bool_] | None = None
    for part in parts:
        if part is None:
            continue
        counts = np.asarray(part) != 0
        while counts.ndim > labels.ndim and counts.shape[-1] == 1:
            counts = counts[..., 0]
        if counts.shape != labels.shape[: counts.ndim]:
            continue
        counts = counts.reshape(counts.shape + (1,) * (labels.ndim - counts.ndim))
        counts = np.broadcast_to(counts, labels.shape)
        kept = counts if kept is None else kept & counts
    return kept


def _union(
    ours: Sequence[float] | None, theirs: Sequence[float] | None
) -> tuple[float, ...] | None:
    if ours is None or theirs is None:
        return None
    return _capped(np.union1d(np.asarray(ours), np.asarray(theirs)))


def _capped(distinct: NDArray[np.float64]) -> tuple[float, ...] | None:
    return None if distinct.size > DISTINCT_CAP else tuple(float(v) for v in distinct)
