"""How far a value computed in low precision may honestly lie from the exact one.

Every definition carries, beside its values, a first-order forward error bound of the same value
computed in the precision that Keras uses (Higham, *Accuracy and Stability of Numerical
Algorithms*, 2002, chapters 3 and 4). Bounds are counted in **unit roundoffs** u = eps / 2, the
largest relative error of one correctly rounded operation, and are multiplied by u of the compute
dtype at the very end. The rules:

* `+ - * /`, square root, a cast: one u of the result; errors of the operands pass through.
* an absolute error is divided by the argument under a logarithm, so a relative error of k u in
  its argument is an absolute error of k u in its value.
* exp, log, log1p, tanh, pow: `FUNCTION` u of the result.
* a sum of n terms: `accumulation(n)` u of the sum of the terms' magnitudes, and for the last sum
  of all, over the batch, its drift (see `lossmon.recompute.drift`).

Only underflow is absolute: the dtype's smallest normal number for each element.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.recompute.drift import COVERED_TERMS, drift

FUNCTION = 4.0
"""Two units in the last place (four u): what Eigen, XLA and libm promise for exp, log and pow."""

_ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
_SMALLEST = {
    "float16": 2.0**-14,
    "bfloat16": 2.0**-126,
    "float32": 2.0**-126,
    "float64": 2.0**-1022,
}
EPSILON = 1e-7
"""What `keras.config.epsilon()` is unless it was set: what Keras clips to, or adds."""


class Precision(NamedTuple):
    """What a floating dtype makes of Keras' constants.

    Attributes:
        roundoff: unit roundoff u.
        epsilon: `keras.config.epsilon()`, 1e-7 by default, as that dtype holds it.
        ceiling: 1 - epsilon as that dtype holds it: 1 - 1.19e-7 in float32, 1 in float16.
        smallest: smallest normal number; what is smaller, backends may flush to 0.
    """

    roundoff: float
    epsilon: float
    ceiling: float
    smallest: float


@lru_cache(maxsize=16)
def precision(dtype: np.dtype[Any], epsilon: float = EPSILON) -> Precision:
    """Return the constants of a floating dtype; integers count as float32, as Keras casts them."""
    held = dtype if dtype.name in _ROUNDOFF else np.dtype(np.float32)
    ends = np.array([epsilon, 1.0 - epsilon]).astype(held).astype(np.float64)
    return Precision(_ROUNDOFF[held.name], float(ends[0]), float(ends[1]), _SMALLEST[held.name])


@lru_cache(maxsize=4096)
def accumulation(terms: int) -> float:
    """Bound the rounding errors of a sum, in unit roundoffs of the sum of magnitudes.

    The probabilistic bound λ √n (Higham and Mary, *A new approach to probabilistic rounding error
    analysis*, 2019) with λ = 2, or the certain n - 1 where that is less. It holds for any order of
    summation whose errors do not conspire; where they do, see `lossmon.recompute.drift`.

    >>> accumulation(1), accumulation(4), accumulation(10_000)
    (0.0, 3.0, 200.0)
    """
    return min(terms - 1.0, 2.0 * math.sqrt(terms)) if terms > 1 else 0.0


def sum_of(
    terms: npt.NDArray[np.float64],
    roundings: npt.NDArray[np.float64] | float,
    axis: int | tuple[int, ...] | None,
    constants: Precision,
) -> Elements:
    """Sum terms over axes and carry their bounds along, drift included where sums are long.

    Args:
        terms: what is summed.
        roundings: bound of each term's error; a number is relative to its magnitude.
        axis: the axes that go; all of them where None.
        constants: the precision that the backend sums in.
    """
    values = np.add.reduce(terms, axis=axis)
    magnitudes = np.abs(terms)
    number = terms.size // max(values.size, 1)
    errors = roundings * magnitudes if isinstance(roundings, float) else roundings
    carried = np.add.reduce(errors + accumulation(number) * magnitudes, axis=axis)
    if number > COVERED_TERMS:
        carried = carried + drift(terms) / constants.roundoff
    return Elements(np.asarray(values), np.asarray(carried))


class Elements(NamedTuple):
    """The unreduced values of a loss or metric.

    Attributes:
        values: float64, one per element.
        roundings: bound of |Keras' value - this value| in unit roundoffs of the compute dtype, same
            shape as `values`; None where the values are exact, as matches are.
        mask: elements that the definition itself leaves out (`ignore_class`), or None.
        ties: elements whose decision rounding could flip; None for losses.
    """

    values: npt.NDArray[np.float64]
    roundings: npt.NDArray[np.float64] | None = None
    mask: npt.NDArray[np.bool_] | None = None
    ties: npt.NDArray[np.bool_] | None = None


def mean_of(
    terms: npt.NDArray[np.float64], roundings: npt.NDArray[np.float64] | float, axis: int = -1
) -> Elements:
    """Average terms over one axis and carry their bounds along.

    Args:
        terms: what is averaged, shape `(..., D)`.
        roundings: bound of each term's error, same shape; a number is relative to the magnitude of
            terms that are all of one sign.
        axis: the axis that goes.
    """
    width = terms.shape[axis]
    values = np.add.reduce(terms, axis=axis) / width
    summing = accumulation(width) + 1.0
    if isinstance(roundings, float):
        return Elements(values, np.abs(values) * (roundings + summing))
    carried = np.add.reduce(roundings + summing * np.abs(terms), axis=axis) / width
    return Elements(values, carried)
