"""How far a classifier's confidence can be taken at its word, from one epoch's predictions.

Sources: Murphy, *A new vector partition of the probability score*, 1973; Naeini, Cooper and
Hauskrecht, *Obtaining well calibrated probabilities using Bayesian binning*, AAAI 2015; Guo et al.,
*On calibration of modern neural networks*, ICML 2017; Bröcker, *Estimating reliability and
resolution of probability forecasts*, 2012; Kumar, Liang and Ma, *Verified uncertainty calibration*,
NeurIPS 2019.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.intervals import wilson
from lossmon.analysis.noise import Floats
from lossmon.errors import InvalidArgument

Binning = Literal["width", "mass"]


class Band(NamedTuple):
    """One bin of a reliability diagram.

    Attributes:
        low, high: edges, or least and largest confidence of equal-mass bins.
        predictions: how many.
        confidence: their mean confidence.
        accuracy: share of them that is right.
        interval: where that share lies on all data, 95 % (Wilson).
    """

    low: float
    high: float
    predictions: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


class Brier(NamedTuple):
    """The Brier score of binary forecasts and its parts (Murphy 1973).

    `score` = `reliability` - `resolution` + `uncertainty` + `within`, exactly.

    Attributes:
        score: mean of (p - y)², 0 to 1.
        reliability: mean squared miscalibration of the bins; smaller is better.
        resolution: how far apart the bins' outcomes lie; larger is better.
        uncertainty: variance of the outcomes, which no forecast changes.
        within: what forecasts that differ within a bin add (Stephenson, Coelho and Jolliffe 2008).
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def calibration_gap(confidence: npt.ArrayLike, correct: npt.ArrayLike) -> float:
    """Return mean confidence minus share right: above 0 the model is surer than it is right.

    Args:
        confidence: probability of each predicted class, shape `(N,)`.
        correct: whether each prediction is right, shape `(N,)`.

    Returns:
        A difference of shares, -1 to 1.

    >>> round(calibration_gap([0.9, 0.7], [True, False]), 6)
    0.3
    """
    sure, hits = _pair(confidence, correct)
    return float(sure.mean() - hits.mean())


def reliability_diagram(
    confidence: npt.ArrayLike,
    correct: npt.ArrayLike,
    *,
    bins: int = 15,
    binning: Binning = "width",
) -> list[Band]:
    """Return the share right at each level of confidence; empty bins are left out.

    Args:
        confidence: probability of each predicted class, shape `(N,)`.
        correct: whether each prediction is right, shape `(N,)`.
        bins: how many.
        binning: "width": ((m - 1) / M, m / M], as Guo et al.; "mass": as many predictions in each,
            equal confidences staying together.

    Returns:
        Bins by confidence, ascending, each with Wilson's interval.
    """
    sure, hits = _pair(confidence, correct)
    place = _places(sure, bins, binning)
    return [
        _band(index, sure[place == index], hits[place == index], bins, binning)
        for index in np.unique(place).tolist()
    ]


def _band(index: int, sure: Floats, hits: Floats, bins: int, binning: Binning) -> Band:
    edges = (index / bins, (index + 1) / bins)
    if binning == "mass":
        edges = (float(sure.min()), float(sure.max()))
    share = float(hits.mean())
    return Band(*edges, len(sure), float(sure.mean()), share, wilson(hits.sum(), len(hits)))


def calibration_error(
    confidence: npt.ArrayLike,
    correct: npt.ArrayLike,
    *,
    bins: int = 15,
    binning: Binning = "width",
) -> float:
    """Return the expected calibration error: mean of |accuracy - confidence| over bins, by size.

    It is biased upwards: noise alone makes bins miss (see `squared_calibration_error`).

    Args:
        confidence: probability of each predicted class, shape `(N,)`.
        correct: whether each prediction is right, shape `(N,)`.
        bins: how many.
        binning: bins of equal "width", or of equal "mass" (Nixon et al. 2019).

    Returns:
        A share from 0 to 1.

    >>> round(calibration_error([0.9, 0.8], [True, False]), 6)
    0.45
    """
    sure, hits = _pair(confidence, correct)
    place = _places(sure, bins, binning)
    return float(np.abs(np.bincount(place, hits - sure)).sum()) / len(sure)


def squared_calibration_error(
    confidence: npt.ArrayLike,
    correct: npt.ArrayLike,
    *,
    bins: int = 15,
    binning: Binning = "mass",
    debiased: bool = True,
) -> float:
    """Return the mean over bins of (accuracy - confidence)², by size.

    The plug-in value of a perfectly calibrated model is not 0 but about bins / (4 N): each bin's
    sampling variance p (1 - p) / (n - 1) is taken off where `debiased` (Bröcker 2012; Kumar et al.
    2019), which can make it negative. Bins of one prediction tell nothing and are left out then.

    Args:
        confidence: probability of each predicted class, shape `(N,)`.
        correct: whether each prediction is right, shape `(N,)`.
        bins: how many.
        binning: bins of equal "width", or of equal "mass" (Nixon et al. 2019).
        debiased: whether what noise alone makes of it is taken off.

    Returns:
        A squared share; below 0 where noise would explain more than there is.
    """
    sure, hits = _pair(confidence, correct)
    place = _places(sure, bins, binning)
    count = np.bincount(place).astype(np.float64)
    kept = count > (1 if debiased else 0)
    if not kept.any():
        return float("nan")
    count, share = count[kept], np.bincount(place, hits)[kept] / count[kept]
    misses = (share - np.bincount(place, sure)[kept] / count) ** 2
    if debiased:
        misses = misses - share * (1.0 - share) / (count - 1.0)
    return float((count * misses).sum() / count.sum())


def brier(
    probability: npt.ArrayLike, outcome: npt.ArrayLike, *, bins: int = 15, binning: Binning = "mass"
) -> Brier:
    """Brier score of binary forecasts with its decomposition.

    Args:
        probability: forecast of class 1 (or confidence), shape `(N,)`.
        outcome: 1 or 0 (or whether the prediction is right), shape `(N,)`.
        bins: how many bins the parts are taken over.
        binning: bins of equal "width" or "mass".
    """
    forecast, truth = _pair(probability, outcome)
    place = _places(forecast, bins, binning)
    count = np.bincount(place).astype(np.float64)
    filled = np.flatnonzero(count)
    share = np.zeros_like(count)
    mean = np.zeros_like(count)
    share[filled] = np.bincount(place, truth)[filled] / count[filled]
    mean[filled] = np.bincount(place, forecast)[filled] / count[filled]
    base, total = float(truth.mean()), len(truth)
    apart = forecast - mean[place]
    within = apart**2 - 2.0 * apart * (truth - share[place])
    return Brier(
        float(((forecast - truth) ** 2).mean()),
        float((count * (mean - share) ** 2).sum() / total),
        float((count[filled] * (share[filled] - base) ** 2).sum() / total),
        base * (1.0 - base),
        float(within.mean()),
    )


def brier_of_classes(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, *, bins: int = 15
) -> Brier:
    """Brier score of forecasts of several classes: the sum over classes, 0 to 2, part by part.

    Args:
        probabilities: shape `(N, C)`.
        labels: class ids, shape `(N,)`.
        bins: of equal width, for each class.

    Raises:
        InvalidArgument: there is not one id of a class for each row of probabilities.

    >>> round(brier_of_classes([[0.8, 0.2], [0.4, 0.6]], [0, 0]).score, 6)
    0.4
    """
    shares, ids = np.asarray(probabilities, dtype=np.float64), np.asarray(labels).astype(np.intp)
    if shares.ndim != 2 or ids.shape != shares.shape[:1] or not shares.size:
        raise InvalidArgument(
            "expected probabilities (N, C) and labels (N,), N > 0. "
            f"Received: {shares.shape} and {ids.shape}. Fix: one row for each label."
        )
    total, classes = shares.shape
    place = np.clip(np.ceil(shares * bins).astype(np.intp) - 1, 0, bins - 1)
    place += np.arange(classes) * bins
    own = place[np.arange(total), ids]
    size = classes * bins
    count = np.bincount(place.ravel(), minlength=size).astype(np.float64)
    filled = count > 0
    hits = np.bincount(own, minlength=size)[filled] / count[filled]
    mean = np.bincount(place.ravel(), shares.ravel(), size)[filled] / count[filled]
    base = np.bincount(ids, minlength=classes) / total
    error = np.square(shares)
    error[np.arange(total), ids] = np.square(1.0 - shares[np.arange(total), ids])
    score = float(error.sum()) / total
    weight = count[filled] / total
    reliability = float((weight * (mean - hits) ** 2).sum())
    resolution = float((weight * (hits - np.repeat(base, bins)[filled]) ** 2).sum())
    uncertainty = float((base * (1.0 - base)).sum())
    within = score - reliability + resolution - uncertainty
    return Brier(score, reliability, resolution, uncertainty, within)


def _places(sure: Floats, bins: int, binning: Binning) -> npt.NDArray[np.intp]:
    if bins < 1:
        raise InvalidArgument(f"expected `bins` to be positive. Received: {bins}. Fix: bins=15")
    if binning == "width":
        return np.clip(np.ceil(sure * bins).astype(np.intp) - 1, 0, bins - 1)
    order = np.argsort(sure)
    ascending, ranks = sure[order], np.arange(len(sure))
    ranks[1:][ascending[1:] == ascending[:-1]] = 0
    place = np.empty_like(ranks)
    # All of equal values have the rank of their first one, so that they share a bin.
    place[order] = np.maximum.accumulate(ranks) * bins // len(sure)
    return place


def _pair(confidence: npt.ArrayLike, correct: npt.ArrayLike) -> tuple[Floats, Floats]:
    sure = np.asarray(confidence, dtype=np.float64)
    hits = np.asarray(correct, dtype=np.float64)
    if sure.shape != hits.shape or sure.ndim != 1 or not sure.size:
        raise InvalidArgument(
            "expected two arrays of one shape (N,), N > 0. "
            f"Received: {sure.shape} and {hits.shape}. Fix: one value for each prediction."
        )
    return sure, hits
