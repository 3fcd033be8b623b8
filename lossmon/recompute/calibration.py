"""Calibration: does a confidence of 80 % mean right in 80 % of cases?

Sources: Brier, *Verification of forecasts expressed in terms of probability*, 1950; Naeini, Cooper
and Hauskrecht, *Obtaining well calibrated probabilities using Bayesian binning*, AAAI 2015; Guo,
Pleiss, Sun and Weinberger, *On calibration of modern neural networks*, ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lossmon.errors import InvalidArgument
from lossmon.recompute.confidence import class_ids
from lossmon.recompute.layout import AnyArray, Float64Array, align_ranks


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability histogram over equal-width bins; histograms of batches add up.

    Attributes:
        weight: weight in each bin, shape `(bins,)`; the number of elements without weights.
        confidence: weighted sum of confidences in each bin.
        correct: weighted sum of right predictions in each bin.
    """

    weight: Float64Array
    confidence: Float64Array
    correct: Float64Array

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(
            self.weight + other.weight,
            self.confidence + other.confidence,
            self.correct + other.correct,
        )

    def rows(self) -> list[dict[str, float]]:
        """Return the bins that are not empty: edges, weight, mean confidence, accuracy.

        >>> reliability([0.875, 0.625], [True, False], bins=2).rows()
        [{'low': 0.5, 'high': 1.0, 'count': 2.0, 'confidence': 0.75, 'accuracy': 0.5}]
        """
        bins = len(self.weight)
        return [
            {
                "low": index / bins,
                "high": (index + 1) / bins,
                "count": float(self.weight[index]),
                "confidence": float(self.confidence[index] / self.weight[index]),
                "accuracy": float(self.correct[index] / self.weight[index]),
            }
            for index in np.flatnonzero(self.weight).tolist()
        ]


def reliability(
    confidence: npt.ArrayLike,
    correct: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    bins: int = 15,
) -> Reliability:
    """Sort predictions into bins of confidence.

    Bin m of M holds confidences in ((m - 1) / M, m / M], and 0 goes to the first (Guo et al. 2017).
    NaN confidences belong nowhere and are left out.

    Args:
        confidence: probabilities of the predicted classes, shape `(M,)`.
        correct: whether the predictions are right, shape `(M,)`.
        weights: how much each counts, shape `(M,)`; 1 each where None.
        bins: number of bins, 15 as in Guo et al.

    Raises:
        InvalidArgument: `bins` is not positive.

    >>> reliability([0.2, 0.9, 1.0], [True, True, False], bins=2).weight
    array([1., 2.])
    """
    if bins < 1:
        raise InvalidArgument(f"`bins` must be positive. Received: bins={bins}. Fix: bins=15")
    sure = np.asarray(confidence, dtype=np.float64)
    hits = np.asarray(correct, dtype=np.float64)
    heft = np.ones_like(sure) if weights is None else np.asarray(weights, dtype=np.float64)
    known = ~np.isnan(sure)
    sure, hits, heft = sure[known], hits[known], heft[known]
    index = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    return Reliability(
        _per_bin(index, heft, bins),
        _per_bin(index, heft * sure, bins),
        _per_bin(index, heft * hits, bins),
    )


def _per_bin(index: npt.NDArray[np.int64], amounts: Float64Array, bins: int) -> Float64Array:
    return np.asarray(np.bincount(index, amounts, bins), dtype=np.float64)


def expected_calibration_error(histogram: Reliability) -> float:
    """Mean over bins of |accuracy - mean confidence|, by weight (Naeini et al. 2015).

    Args:
        histogram: predictions by confidence, as `reliability` gives them.

    Returns:
        A share from 0 to 1; NaN where the histogram is empty.

    >>> round(expected_calibration_error(reliability([0.9, 0.8], [True, False])), 6)
    0.45
    """
    total = float(histogram.weight.sum())
    if not total:
        return float("nan")
    return float(np.abs(histogram.correct - histogram.confidence).sum()) / total


def brier_score(
    y_true: npt.ArrayLike, probabilities: npt.ArrayLike, *, binary: bool = False
) -> Float64Array:
    """Squared distance between forecast and outcome, per element.

    Brier's score of 1950 sums over all classes, and ranges from 0 to 2; for one binary number per
    element the usual half of it, (p - y)², from 0 to 1.

    Args:
        y_true: class ids `(...)` or `(..., 1)`, or labels of the shape of the probabilities.
        probabilities: shape `(..., C)`, or `(..., D)` for D binary outputs.
        binary: whether each number is the probability of class 1 of its own.

    Returns:
        Float64, shape `(...)`, or `(..., D)` where `binary`.

    >>> brier_score([1], [[0.2, 0.8]]).round(6), brier_score([[1.0]], [[0.8]], binary=True).round(6)
    (array([0.08]), array([[0.04]]))
    """
    labels, forecast = np.asarray(y_true), np.asarray(probabilities, dtype=np.float64)
    if binary:
        labels, forecast = align_ranks(labels, forecast)
        return (forecast - labels) ** 2
    return ((forecast - _outcomes(labels, forecast)) ** 2).sum(axis=-1)


def _outcomes(labels: AnyArray, forecast: Float64Array) -> AnyArray:
    if labels.shape == forecast.shape:
        return labels
    ids = class_ids(labels, forecast.shape).reshape(forecast.shape[:-1])
    return np.arange(forecast.shape[-1]) == ids[..., None]
