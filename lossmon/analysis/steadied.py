"""What a loss does apart from what the accuracy explains of it.

Where the weights make a step that hurts, the loss jumps and the accuracy drops with it. That says
nothing of the two parting ways, but it is most of what a validation loss wobbles by. So the loss is
also judged as it would be at an accuracy held still: the accuracy is a control variate, with the
slope that the changes from epoch to epoch show.
"""

from __future__ import annotations

import numpy as np

from lossmon.analysis.noise import Floats, bends

# Pairs of so many epochs at most are looked at for a slope.
_MOST_VALUES = 500


def slope(loss: Floats, accuracy: Floats) -> float:
    """How much of a loss goes with the accuracy, from epoch to epoch; never above 0.

    The median of the slopes between all pairs (Theil 1950, Sen 1968) of bends, which are free of
    any straight trend: a loss that rises for good while the accuracy falls makes no slope.

    Args:
        loss: shape `(E,)`.
        accuracy: shape `(E,)`.

    >>> hits = np.array([0.9, 0.8, 0.9, 0.85, 0.9, 0.9, 0.7])
    >>> round(slope(np.arange(7) - 2 * hits, hits), 6)
    -2.0
    """
    if loss.size < 4:
        return 0.0
    thinned = slice(None, None, -(-loss.size // _MOST_VALUES))
    high, wide = bends(loss)[thinned], bends(accuracy)[thinned]
    one, two = np.triu_indices(high.size, 1)
    run = wide[two] - wide[one]
    moved = np.abs(run) > 1e-9
    if not moved.any():
        return 0.0
    return min(float(np.median((high[two] - high[one])[moved] / run[moved])), 0.0)


def steadied_error(
    loss_error: Floats, accuracy_error: Floats, covariance: Floats, by: float
) -> Floats:
    """Sampling error of a loss less what goes with the accuracy, all shapes `(E,)`.

    Args:
        loss_error: standard error of the loss.
        accuracy_error: that of the accuracy.
        covariance: of both, over draws of the samples.
        by: the slope.
    """
    variance = loss_error**2 + (by * accuracy_error) ** 2 - 2.0 * by * covariance
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
