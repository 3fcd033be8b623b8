"""Smoothing of curves whose points stand for several values each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.analysis.noise import Floats
from lossmon.errors import InvalidArgument


def exponential_average(
    means: npt.ArrayLike, counts: npt.ArrayLike | None = None, *, span: float
) -> Floats:
    """Return the exponential moving average, debiased: as if there were no values before the first.

    Each value weighs 1 - 2 / (span + 1) times as much as the one after it, so that about 86 % of
    the weight lies on the last `span` values (pandas' `ewm(span=…, adjust=True)`; the division by
    the weight so far is that of Kingma and Ba, *Adam*, 2015).

    Args:
        means: values, or means of several of them, shape `(N,)`; what is not finite is passed over.
        counts: how many values each stands for, shape `(N,)`; 1 where None.
        span: over about how many values to average, 1 or more.

    Returns:
        Shape `(N,)`; NaN before the first finite value.

    Raises:
        InvalidArgument: `span` is below 1, or shapes differ.

    >>> exponential_average([1.0, 2.0, 2.0], span=3).round(4).tolist()
    [1.0, 1.6667, 1.8571]
    >>> exponential_average([1.0, 2.0], [1, 2], span=3).round(4).tolist()
    [1.0, 1.8571]
    """
    values = np.asarray(means, dtype=np.float64)
    numbers = np.ones(values.shape) if counts is None else np.asarray(counts, dtype=np.float64)
    if span < 1 or values.ndim != 1 or numbers.shape != values.shape:
        raise InvalidArgument(
            "expected `means` and `counts` of one shape (N,) and a `span` of 1 or more. "
            f"Received: {values.shape}, {numbers.shape} and {span!r}. Fix: e.g. span=50."
        )
    kept = (1.0 - 2.0 / (span + 1.0)) ** numbers
    smooth = np.full(values.shape, np.nan)
    total = weight = 0.0
    for place in np.flatnonzero(np.isfinite(values)):
        total = kept[place] * total + (1.0 - kept[place]) * values[place]
        weight = kept[place] * weight + (1.0 - kept[place])
        smooth[place] = total / weight
    return smooth
