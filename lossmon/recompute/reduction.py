"""Weights, masks and reductions: from elements to the one number that Keras reports.

Mirrors `keras.losses.loss.reduce_weighted_values` for losses and
`keras.metrics.reduction_metrics.reduce_to_samplewise_values` for metrics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.errors import InvalidArgument
from lossmon.recompute.layout import AnyArray, Float64Array, align_ranks
from lossmon.recompute.rounding import Precision, accumulation, drift

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")

WEIGHTING = 4.0
"""Roundings of one weighted element: total / valid of a mask, its product with the weight, the
product with the value, the final division."""


class ReducedLoss(NamedTuple):
    """A reduced loss.

    Attributes:
        value: the loss; with reduction "none" the mean of the weighted elements, which is what
            Keras shows for it.
        weights: effective weights, mask included, of a shape that broadcasts with the elements;
            None where there are none.
        magnitude: the same reduction over the elements' magnitudes, the scale of its rounding.
        carried: the same reduction over the elements' own roundings, 0 without them.
        drift: the same share of the drift of a plain running sum.
        terms: number of elements that were summed.
        sums: sums that the value rests on: 2 where weights are summed as well.
    """

    value: float
    weights: Float64Array | None
    magnitude: float
    carried: float
    drift: float
    terms: int
    sums: int

    def tolerance(self, constants: Precision) -> float:
        """Bound the whole error: carried by elements, weighting, summing, underflow."""
        steps = 1.0 if self.weights is None else WEIGHTING
        steps += self.sums * accumulation(self.terms)
        roundings = self.carried + steps * self.magnitude
        return constants.roundoff * roundings + self.drift + constants.smallest * self.terms


def reduce_loss(
    elements: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    reduction: str = "sum_over_batch_size",
    roundings: Float64Array | None = None,
    dtype: npt.DTypeLike = np.float32,
) -> ReducedLoss:
    """Weigh and reduce elementwise losses.

    Args:
        elements: losses, shape `(N, ...)`.
        sample_weight: weights that fit the elements up to one axis of length 1. They multiply the
            elements; `sum_over_batch_size` still divides by the *number* of elements.
        mask: true where an element counts. With a mean, what counts is scaled by total / valid.
        reduction: one of `REDUCTIONS`.
        roundings: bounds of the elements' errors, reduced alongside.
        dtype: the compute dtype that the drift is measured in.

    Raises:
        InvalidArgument: the reduction is not known.

    >>> reduce_loss([1.0, 2.0, 3.0], sample_weight=[1, 0, 1]).value
    1.3333333333333333
    >>> reduce_loss([1.0, 2.0, 3.0], mask=[True, False, True]).value
    2.0
    """
    if reduction not in REDUCTIONS:
        raise InvalidArgument(
            f"`reduction` must be one of {', '.join(REDUCTIONS)}. Received: "
            f"reduction={reduction!r}. Fix: pass the loss' own `reduction`."
        )
    values = np.asarray(elements, dtype=np.float64)
    weights = masked_weights(sample_weight, mask, rescale=reduction not in _UNSCALED)
    if weights is not None:
        values, weights = align_ranks(values, weights)
        if roundings is not None:
            heft = np.abs(weights)
            roundings = heft * align_ranks(roundings, weights)[0]
            if not np.isfinite(roundings).all():
                # What weighs nothing may be as uncertain as it likes.
                roundings = np.where(heft == 0.0, 0.0, roundings)
        values = values * weights
    divisor = _divisor(values, weights, reduction)
    return ReducedLoss(
        _share(values, divisor),
        weights,
        _share(np.abs(values), abs(divisor)),
        0.0 if roundings is None else _share(roundings, abs(divisor)),
        drift(values, dtype) / abs(divisor) if divisor else 0.0,
        values.size,
        2 if reduction == "mean_with_sample_weight" and weights is not None else 1,
    )


_UNSCALED = ("sum", "mean_with_sample_weight", "none")


def masked_weights(
    sample_weight: npt.ArrayLike | None, mask: npt.ArrayLike | None, *, rescale: bool
) -> AnyArray | None:
    """Merge a mask into sample weights, as `keras.losses.loss.apply_mask` does.

    Weights pass through float32 as in Keras. With `rescale`, entries that count weigh total / valid
    (0 where none count), so that a later division by the number of all leaves their mean.
    """
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float32).astype(np.float64)
    if mask is None:
        return weights
    kept = np.asarray(mask, dtype=np.float64)
    if rescale:
        valid = float(np.add.reduce(kept, axis=None))
        kept = (kept != 0.0) * (kept.size / valid if valid else 0.0)
    if weights is None:
        return kept
    kept, weights = align_ranks(kept, weights)
    return weights * kept


def _divisor(values: AnyArray, weights: AnyArray | None, reduction: str) -> float:
    if reduction == "sum" or values.ndim == 0:
        return 1.0
    if reduction == "mean_with_sample_weight" and weights is not None:
        return float(np.add.reduce(weights, axis=None))
    return float(values.size)


def _share(values: AnyArray, divisor: float) -> float:
    """Divide a sum; by zero it is 0, as `divide_no_nan` has it."""
    return float(np.add.reduce(values, axis=None)) / divisor if divisor else 0.0


@dataclass(frozen=True, slots=True)
class Samplewise:
    """What one batch adds to Keras' `Mean`.

    Attributes:
        total: sum over samples of the weighted sample means.
        count: sum over samples of the mean weights; the number of samples without weights.
        drift: how far a plain float32 running sum of the total drifts.
    """

    total: float
    count: float
    drift: float = 0.0


def accumulate_mean(
    values: AnyArray,
    weights: AnyArray | None,
    values_mask: npt.NDArray[np.bool_] | None = None,
) -> Samplewise:
    """Reduce elementwise values to what `keras.metrics.Mean.update_state` adds for one batch.

    Values are averaged down to the weights' rank, weighted, then averaged to one per sample;
    weights are broadcast, then averaged to one per sample.

    Args:
        values: elementwise values, shape `(N, ...)`, or a scalar.
        weights: sample weights with the prediction's mask merged in, or None.
        values_mask: mask that the definition put on its own values (`ignore_class`); Keras looks at
            it only where there are weights.

    >>> accumulate_mean(np.array([[1.0, 0.0], [1.0, 1.0]]), None)
    Samplewise(total=1.5, count=2.0, drift=0.0)
    """
    if weights is None:
        samples = _mean_from_axis(values, 1)
        number = float(values.shape[0] if values.ndim else 1)
        return Samplewise(float(np.add.reduce(samples, axis=None)), number, drift(samples))
    if values_mask is not None:
        kept, weights = align_ranks(values_mask.astype(np.float64), weights)
        weights = weights * kept
    values, weights = align_ranks(values, weights)
    rank = weights.ndim
    values = _mean_from_axis(values, rank)
    weights = np.broadcast_to(weights, values.shape)
    samples = _mean_from_axis(values * weights, 1)
    sample_weights = _mean_from_axis(weights, 1) if rank > 1 else weights
    return Samplewise(
        float(np.add.reduce(samples, axis=None)),
        float(np.add.reduce(sample_weights, axis=None)),
        drift(samples),
    )


def _mean_from_axis(values: AnyArray, first: int) -> AnyArray:
    """Average over the axes from `first` on."""
    if values.ndim <= first:
        return values
    axes: Any = tuple(range(first, values.ndim))
    return np.add.reduce(values, axis=axes) / math.prod(values.shape[first:])
