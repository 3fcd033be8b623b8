"""Connectionist temporal classification: labels without a place in time.

Source: Graves, Fernández, Gomez and Schmidhuber, *Connectionist temporal classification*, 2006.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import Backend, log_softmax
from lossmon.recompute.evaluation import UnknownDefinition
from lossmon.recompute.layout import AnyArray, Float64Array, floating
from lossmon.recompute.rounding import FUNCTION, Elements, accumulation

_BLANK = 0
_LOG_3 = math.log(3.0)
"""What the three ways into a state add to its logarithm at most."""


def ctc_elements(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, backend: Backend = "tensorflow"
) -> Elements:
    """CTC losses with their bounds.

    Raises:
        UnknownDefinition: a label has no place in the classes, or needs more time than there is:
            what Keras returns then is the backend's own (torch: infinity).
    """
    logits = floating(y_pred).astype(np.float64)
    labels = np.asarray(y_true).astype(np.int64)
    steps, classes = logits.shape[1:]
    if labels.size and not ((labels >= 0) & (labels < classes)).all():
        raise UnknownDefinition(
            f"`ctc` is defined for class ids from 0 to {classes - 1}. Received: ids from "
            f"{labels.min()} to {labels.max()}. Fix: one unit for the blank and each class."
        )
    log_p, common = log_softmax(logits, -1)
    values = -_log_likelihood(log_p, labels)
    if backend != "torch" and np.isposinf(values).any():
        raise UnknownDefinition(
            "`ctc` is defined where labels fit into the time steps. Received: a label that needs "
            f"more than {steps} steps. Fix: shorter labels or more time steps."
        )
    heights = np.abs(log_p).max(axis=-1)
    emitted = common[..., 0] + (FUNCTION + 1.0) * np.minimum(heights, np.abs(values)[:, None])
    # Rounding errors of single steps do not conspire (Higham and Mary, 2019, with λ = 2).
    chance = 2.0 * np.sqrt(np.add.reduce(emitted * emitted, axis=1))
    joining = np.abs(values) + 2.0 * steps * _LOG_3
    roundings = chance + (accumulation(2 * steps) + 1.0) * joining
    roundings += FUNCTION * _LOG_3 * accumulation(steps)
    return Elements(values, np.where(np.isfinite(values), roundings, 0.0))


def ctc(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """-log of the probability of all alignments of a label with the time steps.

    Args:
        y_true: class ids, padded with 0 at the end, shape `(N, L)`; 0 is also the blank.
        y_pred: logits, shape `(N, T, C)`.

    Returns:
        Float64, nats, shape `(N,)`.

    >>> ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]]).round(6)
    array([0.287682])
    """
    return ctc_elements(y_true, y_pred).values


def _log_likelihood(log_p: Float64Array, labels: AnyArray) -> Float64Array:
    """Run the forward recursion over blank, first class, blank, second class, …, blank."""
    rows, width = labels.shape
    states = np.full((rows, 2 * width + 1), _BLANK, dtype=np.int64)
    states[:, 1::2] = labels
    emitted = np.take_along_axis(log_p, states[:, None, :], axis=-1)
    skips = np.zeros(states.shape, dtype=bool)
    skips[:, 3::2] = labels[:, 1:] != labels[:, :-1]
    forward = np.full(states.shape, -np.inf)
    forward[:, :2] = emitted[:, 0, :2]
    for step in range(1, log_p.shape[1]):
        entered = forward.copy()
        entered[:, 1:] = np.logaddexp(entered[:, 1:], forward[:, :-1])
        skipped = np.where(skips[:, 2:], forward[:, :-2], -np.inf)
        entered[:, 2:] = np.logaddexp(entered[:, 2:], skipped)
        forward = entered + emitted[:, step]
    last = 2 * np.count_nonzero(labels, axis=1)[:, None]
    ends = np.take_along_axis(forward, np.concatenate([last, np.maximum(last - 1, 0)], axis=1), 1)
    return np.where(last[:, 0] > 0, np.logaddexp(ends[:, 0], ends[:, 1]), ends[:, 0])
