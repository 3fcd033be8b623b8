"""How much of a loss is over- or underconfidence alone: temperature scaling.

Source: Guo, Pleiss, Sun and Weinberger, *On calibration of modern neural networks*, ICML 2017.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.noise import Floats
from lossmon.errors import InvalidArgument

# T is looked for between these: beyond them the loss no longer changes.
_COLDEST, _HOTTEST = 1e-3, 1e3
_NEARLY = 1.01
_STEPS = 60
_PRECISE = 1e-9


class Temperature(NamedTuple):
    """The temperature that gives the smallest loss.

    Attributes:
        temperature: T, above 1 of overconfident models; scores are divided by it. It ends
            at 1,000, see `is_uniform`.
        loss: mean negative log-likelihood as it is, nats.
        scaled_loss: the same at T.
    """

    temperature: float
    loss: float
    scaled_loss: float

    @property
    def recoverable(self) -> float:
        """The part of the loss that scaling takes away, nats; never below 0."""
        return max(self.loss - self.scaled_loss, 0.0)


def is_uniform(temperature: float) -> bool:
    """Whether the loss is least where scores are scaled to nothing: all answers equally likely.

    Args:
        temperature: as `fit_temperature` found it.
    """
    return temperature > _HOTTEST / _NEARLY


def fit_temperature(scores: npt.ArrayLike, labels: npt.ArrayLike) -> Temperature:
    """Fit the temperature by Newton's method on 1 / T, in which the loss is convex.

    Args:
        scores: logits, or logarithms of probabilities: shape `(N, C)`, or `(N,)` for class 1 of a
            binary output (log-odds).
        labels: class ids, shape `(N,)`.

    Raises:
        InvalidArgument: shapes do not fit, or scores are not finite.

    >>> round(fit_temperature([[2.0, 0.0]] * 4, [0, 0, 0, 1]).temperature, 6)
    1.820478
    """
    raw = np.asarray(scores, dtype=np.float64)
    classes = np.asarray(labels).astype(np.intp)
    rows = np.stack([np.zeros_like(raw), raw], axis=1) if raw.ndim == 1 else raw
    if rows.ndim != 2 or classes.shape != rows.shape[:1] or not rows.size:
        raise InvalidArgument(
            "expected scores (N, C) or (N,) and labels (N,), N > 0. "
            f"Received: {raw.shape} and {classes.shape}. Fix: one row of scores for each label."
        )
    if not np.isfinite(rows).all():
        raise InvalidArgument(
            "expected finite scores. Received: NaN or infinite ones. Fix: clip probabilities "
            "before the logarithm, as Keras does at 1e-7."
        )
    own = rows[np.arange(len(rows)), classes]
    # Only differences from the label's score matter.
    gaps = rows - own[:, None]
    inverse = _minimum(gaps)
    return Temperature(1.0 / inverse, _at(gaps, 1.0)[0], _at(gaps, inverse)[0])


def _at(gaps: Floats, inverse: float) -> tuple[float, float, float]:
    """Loss at 1 / T, its slope and its curvature."""
    scaled = inverse * gaps
    top = scaled.max(axis=1, keepdims=True)
    powers = np.exp(scaled - top)
    total = powers.sum(axis=1)
    first = np.einsum("nc,nc->n", powers, gaps) / total
    second = np.einsum("nc,nc,nc->n", powers, gaps, gaps) / total
    loss = np.log(total) + top[:, 0]
    return float(loss.mean()), float(first.mean()), float((second - first**2).mean())


def _minimum(gaps: Floats) -> float:
    """Newton's steps, halved back into the bracket that the signs of slopes leave."""
    low, high, inverse = 1.0 / _HOTTEST, 1.0 / _COLDEST, 1.0
    for _ in range(_STEPS):
        _, slope, curvature = _at(gaps, inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        step = inverse - slope / curvature if curvature > 0 else high
        following = step if low < step < high else np.sqrt(low * high)
        if abs(following - inverse) <= _PRECISE * inverse:
            return float(following)
        inverse = float(following)
    return inverse
