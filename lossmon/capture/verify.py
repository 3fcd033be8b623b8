"""Compare Keras' value with the recomputed one: verified, mismatch or unverified, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossmon.records import Verification

Floats = NDArray[np.float64]


class Verdict(NamedTuple):
    """The outcome of one comparison; the reason is None when verified outright."""

    status: Verification
    reason: str | None = None


VERIFIED = Verdict("verified")
OFF = 'verify="off"'
SAMPLED = 'not among the steps that verify="auto" recomputes within its share of their time'
# In rows of batches, where these words would take more room than what was measured.
BRIEF: dict[str | None, str] = {OFF: "off", SAMPLED: "not sampled"}
_LARGEST = 3.4028234663852886e38  # of float32
_ORDER: dict[Verification, int] = {"verified": 0, "unverified": 1, "mismatch": 2}


def worst(*verdicts: Verdict) -> Verdict:
    """The verdict that counts for a row: mismatch before unverified before verified."""
    return max(verdicts, key=lambda v: (_ORDER[v.status], v.reason is not None))


def worst_each(*verdicts: Sequence[Verdict]) -> list[Verdict]:
    """`worst`, row by row, of columns of the same length."""
    return [
        row[0] if row.count(row[0]) == len(row) else worst(*row)  # nearly always
        for row in zip(*verdicts, strict=True)
    ]


def compare(what: str, keras: float, recomputed: float, tolerance: float) -> Verdict:
    """Compare one value of Keras' with the recomputed one.

    Args:
        what: the name of the value, for the reason.
        keras: Keras' own value.
        recomputed: lossmon's.
        tolerance: absolute; what rounding in Keras' dtype can account for.

    Returns:
        Verified within the tolerance, where both are the same non-finite value, and where Keras'
        is infinite because the recomputed one lies beyond float32.
    """
    if math.isnan(keras) and math.isnan(recomputed):
        return VERIFIED
    if keras == recomputed or abs(keras - recomputed) <= tolerance:
        return VERIFIED
    if math.isinf(keras) and abs(recomputed) > _LARGEST:
        return VERIFIED
    return Verdict(
        "mismatch",
        f"{what}: Keras says {keras:.9g}, recomputed {recomputed:.9g}, "
        f"gap {keras - recomputed:.3g}, tolerance {tolerance:.2g}",
    )


def compare_all(what: str, keras: Floats, recomputed: Floats, tolerance: Floats) -> list[Verdict]:
    """`compare`, element by element; all are `(R,)`."""
    with np.errstate(invalid="ignore"):
        agrees = (keras == recomputed) | (np.abs(keras - recomputed) <= tolerance)
    verdicts = [VERIFIED] * len(keras)
    for row in np.flatnonzero(~agrees).tolist():
        values = (float(keras[row]), float(recomputed[row]), float(tolerance[row]))
        verdicts[row] = compare(what, *values)
    return verdicts
