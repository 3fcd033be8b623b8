"""Weights, masks and reductions: from elements to the one number that Keras reports of a batch.

All work on stacks of K batches of one shape: the first axis counts batches. Mirrors
`keras.losses.loss.reduce_weighted_values` for losses and
`keras.metrics.reduction_metrics.reduce_to_samplewise_values` for metrics.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.errors import InvalidArgument
from lossmon.recompute.drift import alike_drifts, drifts
from lossmon.recompute.layout import AnyArray, Float64Array, align_ranks, align_stacks
from lossmon.recompute.rounding import Elements, Precision, accumulation

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")

WEIGHTING = 4.0
"""Roundings of one weighted element: total / valid of a mask, its product with the weight, the
product with the value, the final division."""


_UNSCALED = ("sum", "mean_with_sample_weight", "none")


class ReducedLosses(NamedTuple):
    """The reduced losses of K batches.

    Attributes:
        values: the losses, shape `(K,)`; with reduction "none" the means of the weighted elements,
            which is what Keras shows for it.
        weights: effective weights, masks included, of a shape that broadcasts with the elements;
            None where there are none.
        tolerances: bounds of the whole error, shape `(K,)`: carried by elements, weighting,
            summing, drift of a plain running sum, underflow.
    """

    values: Float64Array
    weights: AnyArray | None
    tolerances: Float64Array


def reduce_losses(
    elements: Elements,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    reduction: str = "sum_over_batch_size",
    dtype: npt.DTypeLike = np.float32,
    constants: Precision,
    width: int = 1,
    sums: bool = False,
) -> ReducedLosses:
    """Weigh and reduce elementwise losses.

    Args:
        elements: losses and their bounds, shape `(K, N, ...)`.
        sample_weight: weights `(K, ...)` that fit the elements up to one axis of length 1. They
            multiply the elements; `sum_over_batch_size` still divides by the *number* of elements.
        mask: true where an element counts, `(K, ...)`. With a mean, what counts is scaled by
            total / valid of its batch.
        reduction: one of `REDUCTIONS`.
        dtype: the compute dtype that the drift is measured in.
        constants: the precision of that dtype.
        width: of how many terms each element is made, e.g. classes, those that are 0 left out.
        sums: whether it is their plain sum.

    Raises:
        InvalidArgument: the reduction is not known.
    """
    if reduction not in REDUCTIONS:
        raise InvalidArgument(
            f"`reduction` must be one of {', '.join(REDUCTIONS)}. Received: "
            f"reduction={reduction!r}. Fix: pass the loss' own `reduction`."
        )
    values, bounds = elements.values, elements.roundings
    weights = masked_weights(sample_weight, mask, rescale=reduction not in _UNSCALED)
    if weights is not None:
        values, weights = align_stacks(values, weights)
        bounds = None if bounds is None else _weighed(align_stacks(bounds, weights)[0], weights)
        values = values * weights
    divisor = _divisor(values, weights, reduction)
    flat = _flat(values)
    terms = flat.shape[1]
    steps = 1.0 if weights is None else WEIGHTING
    steps += (1 if isinstance(divisor, float) else 2) * accumulation(terms)
    carried = steps * np.add.reduce(magnitudes(flat), axis=1)
    if bounds is not None:
        carried = carried + np.add.reduce(_flat(bounds), axis=1)
    # XLA makes one sum of two that nothing comes between.
    merged_axes = max(values.ndim - 2, 0) if sums and weights is None else 0
    alike = alike_drifts(flat, width, constants.roundoff, merged_axes=merged_axes)
    drifted = np.maximum(drifts(flat, dtype), alike)
    errors = _share(constants.roundoff * carried + drifted, np.abs(divisor))
    return ReducedLosses(
        _share(np.add.reduce(flat, axis=1), divisor), weights, errors + constants.smallest * terms
    )


def masked_weights(
    sample_weight: npt.ArrayLike | None, mask: npt.ArrayLike | None, *, rescale: bool
) -> AnyArray | None:
    """Merge masks into sample weights, as `keras.losses.loss.apply_mask` does for each batch.

    Weights pass through float32 as in Keras. With `rescale`, entries that count weigh total / valid
    (0 where none count), so that a later division by the number of all leaves their mean.

    Args:
        sample_weight: shape `(K, ...)`, or None.
        mask: shape `(K, ...)`, or None.
        rescale: whether what counts makes up for what does not.
    """
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float32).astype(np.float64)
    if mask is None:
        return weights
    kept = np.asarray(mask, dtype=np.float64)
    if rescale:
        flat = _flat(kept)
        valid = np.add.reduce(flat, axis=1, keepdims=True)
        factor = flat.shape[1] / np.where(valid != 0.0, valid, np.inf)
        kept = ((flat != 0.0) * factor).reshape(kept.shape)
    if weights is None:
        return kept
    kept, weights = align_stacks(kept, weights)
    return weights * kept


def _weighed(bounds: AnyArray, weights: AnyArray) -> AnyArray:
    """Scale bounds by weights: what weighs nothing may be as uncertain as it likes."""
    heft = np.abs(weights)
    bounds = heft * bounds
    return bounds if np.isfinite(bounds).all() else np.where(heft == 0.0, 0.0, bounds)


def _divisor(values: AnyArray, weights: AnyArray | None, reduction: str) -> float | Float64Array:
    """Return what each batch's sum is divided by: one number, or one for each batch."""
    if reduction == "sum" or values.ndim == 1:
        return 1.0
    if reduction == "mean_with_sample_weight" and weights is not None:
        return np.add.reduce(_flat(weights), axis=1)
    return float(values[0].size) if len(values) else 1.0


def _share(sums: Float64Array, divisor: float | Float64Array) -> Float64Array:
    """Divide sums; by zero it is 0, as `divide_no_nan` has it."""
    if isinstance(divisor, float):
        return sums / divisor if divisor else np.zeros_like(sums)
    return np.divide(sums, divisor, out=np.zeros_like(sums), where=divisor != 0.0)


def magnitudes(values: AnyArray) -> AnyArray:
    """Return absolute values: the values themselves where none is negative."""
    return values if values.min(initial=0.0) >= 0.0 else np.abs(values)


def _flat(stack: AnyArray) -> AnyArray:
    """Flatten each batch, `(K, ...)` to `(K, M)`."""
    return stack.reshape(len(stack), math.prod(stack.shape[1:]))


class Samplewise(NamedTuple):
    """What each of K batches adds to Keras' `Mean`; all of shape `(K,)`.

    Attributes:
        totals: sums over samples of the weighted sample means.
        counts: sums over samples of the mean weights; the number of samples without weights.
        drifts: how far plain float32 running sums of the totals drift.
    """

    totals: Float64Array
    counts: Float64Array
    drifts: Float64Array


def accumulate_means(
    values: AnyArray,
    weights: AnyArray | None,
    values_mask: npt.NDArray[np.bool_] | None = None,
) -> Samplewise:
    """Reduce elementwise values to what `keras.metrics.Mean.update_state` adds for each batch.

    Values are averaged down to the weights' rank, weighted, then averaged to one per sample;
    weights are broadcast, then averaged to one per sample.

    Args:
        values: elementwise values, shape `(K, N, ...)`, or `(K,)` where a batch has one only.
        weights: sample weights with the predictions' masks merged in, `(K, ...)`, or None.
        values_mask: mask that the definition put on its own values (`ignore_class`); Keras looks at
            it only where there are weights.

    >>> accumulate_means(np.array([[[1.0, 0.0], [1.0, 1.0]]]), None).totals
    array([1.5])
    """
    if weights is None:
        samples = _flat(_mean_from_axis(values, 2))
        counts = np.full(len(samples), float(samples.shape[1]))
        totals = np.add.reduce(samples, axis=1, dtype=np.float64)
        return Samplewise(totals, counts, drifts(samples))
    if values_mask is not None:
        kept, weights = align_stacks(values_mask.astype(np.float64), weights)
        weights = weights * kept
    values, weights = align_ranks(values, weights, batch_axes=1)
    rank = weights.ndim
    values = _mean_from_axis(values, rank)
    weights = np.broadcast_to(weights, values.shape)
    samples = _flat(_mean_from_axis(values * weights, 2))
    sample_weights = _flat(_mean_from_axis(weights, 2))
    totals, counts = (np.add.reduce(side, axis=1) for side in (samples, sample_weights))
    return Samplewise(totals, counts, drifts(samples))


def _mean_from_axis(values: AnyArray, first: int) -> AnyArray:
    """Average over the axes from `first` on."""
    if values.ndim <= first:
        return values
    width = math.prod(values.shape[first:])
    flat = values.reshape(*values.shape[:first], width)
    return np.add.reduce(flat, axis=-1, dtype=np.float64) / width
