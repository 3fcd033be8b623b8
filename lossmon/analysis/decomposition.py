"""What a loss is made of, sample by sample, and which samples turned between two epochs."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.noise import Floats
from lossmon.analysis.parts import Level
from lossmon.errors import InvalidArgument

Bools = npt.NDArray[np.bool_]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Change(NamedTuple):
    """What became of some samples between two epochs.

    Attributes:
        samples: how many they are.
        worse: of how many the loss rose.
        loss: what they add to the change of the mean loss over all samples.
    """

    samples: int
    worse: int
    loss: float


class Margins(NamedTuple):
    """By how much predictions are right or wrong, -1 to 1: see `margins`.

    Attributes:
        mean: over all predictions.
        right, wrong: over the right and over the wrong ones; None where there are none.
        p05, p25, median, p75, p95: what so many hundredths of them do not exceed.
    """

    mean: float
    right: float | None
    wrong: float | None
    p05: float
    p25: float
    median: float
    p75: float
    p95: float


class Turns(NamedTuple):
    """All samples by what became of them; their `loss` adds up to the change of the mean loss.

    Attributes:
        stayed_right: right before and after; those `worse` lost confidence only.
        stayed_wrong: wrong before and after; those `worse` are wrong with more conviction.
        turned_wrong: right before, wrong after.
        turned_right: wrong before, right after.
    """

    stayed_right: Change
    stayed_wrong: Change
    turned_wrong: Change
    turned_right: Change


def right_and_wrong(loss: npt.ArrayLike, correct: npt.ArrayLike) -> Level:
    """Mean loss over right and over wrong samples.

    Args:
        loss: of each sample, shape `(N,)`.
        correct: whether each is predicted right, shape `(N,)`.

    >>> right_and_wrong([0.1, 0.3, 2.0, 4.0], [True, True, False, False])
    Level(right=0.5, loss_right=0.2, loss_wrong=3.0, wrong=2.0)
    """
    losses, hits = _pair(loss, correct)
    return Level(
        float(hits.mean()),
        float(losses[hits].mean()) if hits.any() else 0.0,
        float(losses[~hits].mean()) if not hits.all() else 0.0,
        float((~hits).sum()),
    )


def worst_share(loss: npt.ArrayLike, worst: float = 0.01) -> float:
    """Return the share of the total loss that the samples of largest loss carry.

    Args:
        loss: of each sample, shape `(N,)`, none below 0.
        worst: which part of the samples; at least one is taken.

    Returns:
        0 to 1; 0 where the total is 0.

    Raises:
        InvalidArgument: there are no losses, or `worst` is no share above 0.

    >>> worst_share([1.0] * 99 + [101.0])
    0.505
    """
    losses = np.asarray(loss, dtype=np.float64)
    if losses.ndim != 1 or not losses.size or not 0 < worst <= 1:
        raise InvalidArgument(
            "expected losses (N,), N > 0, and a part from 0 to 1. "
            f"Received: {losses.shape} and {worst}. Fix: worst=0.01"
        )
    count = max(1, math.ceil(worst * losses.size))
    total = float(losses.sum())
    largest = np.partition(losses, losses.size - count)[losses.size - count :]
    return float(largest.sum()) / total if total else 0.0


def margins(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> Floats:
    """Return the probability of the true class minus that of the likeliest other one.

    Above 0 the prediction is right. Source: Schapire et al., *Boosting the margin*, 1998.

    Args:
        probabilities: shape `(N, C)`, C > 1.
        labels: class ids, shape `(N,)`.

    Returns:
        -1 to 1, float64, shape `(N,)`.

    Raises:
        InvalidArgument: there is not one id of a class for each row, or one class only.

    >>> margins([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]], [0, 1]).round(6)
    array([ 0.5, -0.3])
    """
    chances = np.array(probabilities, dtype=np.float64)
    ids = np.asarray(labels).astype(np.intp)
    if chances.ndim != 2 or chances.shape[1] < 2 or ids.shape != chances.shape[:1]:
        raise InvalidArgument(
            "expected probabilities (N, C), C > 1, and labels (N,). "
            f"Received: {chances.shape} and {ids.shape}. Fix: two columns for a binary output."
        )
    rows = np.arange(len(ids))
    own = chances[rows, ids].copy()
    chances[rows, ids] = -np.inf
    return own - chances.max(axis=1)


def summarise_margins(of_each: npt.ArrayLike, correct: npt.ArrayLike) -> Margins:
    """Mean and quantiles of margins, apart for right and wrong predictions.

    Args:
        of_each: margins, shape `(N,)`.
        correct: whether each is predicted right, shape `(N,)`.

    >>> summarise_margins([0.5, 0.9, -0.4], [True, True, False]).right
    0.7
    """
    values, hits = _pair(of_each, correct)
    return Margins(
        float(values.mean()),
        float(values[hits].mean()) if hits.any() else None,
        float(values[~hits].mean()) if not hits.all() else None,
        *np.quantile(values, _QUANTILES).tolist(),
    )


def turns(
    loss_before: npt.ArrayLike,
    correct_before: npt.ArrayLike,
    loss_after: npt.ArrayLike,
    correct_after: npt.ArrayLike,
) -> Turns:
    """Sort the samples by what became of them between two epochs.

    Args:
        loss_before: of each sample, shape `(N,)`.
        correct_before: whether each was predicted right, shape `(N,)`.
        loss_after: of the same samples in the same order.
        correct_after: whether each is predicted right then.

    Raises:
        InvalidArgument: all four are not of the same samples.
    """
    (one, was), (two, has) = _pair(loss_before, correct_before), _pair(loss_after, correct_after)
    if one.shape != two.shape:
        raise InvalidArgument(
            "expected the same samples in both epochs. "
            f"Received: {one.shape} and {two.shape}. Fix: pair the samples by their key."
        )
    rise = two - one
    return Turns(*(_change(rise, of) for of in (was & has, ~was & ~has, was & ~has, ~was & has)))


def _change(rise: Floats, of: Bools) -> Change:
    return Change(int(of.sum()), int((rise[of] > 0).sum()), float(rise[of].sum()) / rise.size)


def _pair(loss: npt.ArrayLike, correct: npt.ArrayLike) -> tuple[Floats, Bools]:
    losses, hits = np.asarray(loss, dtype=np.float64), np.asarray(correct, dtype=np.bool_)
    if losses.ndim != 1 or losses.shape != hits.shape or not losses.size:
        raise InvalidArgument(
            "expected one number and one verdict a sample, of one shape (N,), N > 0. "
            f"Received: {losses.shape} and {hits.shape}. Fix: one of each for every sample."
        )
    return losses, hits
