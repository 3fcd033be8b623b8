"""Generalised cross-entropy: between the cross-entropy (q → 0) and the absolute error (q = 1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.recompute.layout import Float64Array, floating, held
from lossmon.recompute.rounding import FUNCTION, Elements


def categorical_generalized_cross_entropy_elements(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, q: float = 0.5
) -> Elements:
    """Generalised cross-entropies with their bounds."""
    shares = floating(y_pred).astype(np.float64)
    ids = np.asarray(y_true).astype(np.int64)
    chosen = np.arange(shares.shape[-1]) == ids[..., None]
    # A product with 0 keeps NaN and infinity alive, as in Keras.
    share = np.add.reduce(shares * chosen, axis=-1)
    exponent = held(q, y_pred)
    power = np.power(share, exponent)
    values = (1.0 - power) / exponent
    return Elements(values, FUNCTION * power / exponent + 2.0 * np.abs(values))


def categorical_generalized_cross_entropy(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, q: float = 0.5
) -> Float64Array:
    """(1 - p^q) / q of the class that the label names.

    Source: Zhang and Sabuncu, *Generalized cross entropy loss for training deep neural networks
    with noisy labels*, 2018.

    Args:
        y_true: class ids, shape `(...)`; an id that names no class costs 1 / q. A column `(N, 1)`
            is compared with *every* row, `(N, N)`, as in Keras.
        y_pred: probabilities, shape `(..., C)`.
        q: between 0 and 1; the larger, the less a wrong label weighs.

    Returns:
        Float64, shape `(...)`.

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]])
    array([1.])
    """
    return categorical_generalized_cross_entropy_elements(y_true, y_pred, q=q).values
