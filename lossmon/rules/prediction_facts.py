"""What the values of one output's predictions say, and what values it can take at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Rounding of float16 softmax rows of a thousand classes stays within this.
SUM_TOLERANCE = 2e-2
# Values this far outside [0, 1] are no rounding error.
RAW_MARGIN = 1e-3


@dataclass(frozen=True, slots=True)
class OutputRange:
    """The values that an output can take, whatever the weights.

    Attributes:
        low, high: bounds; infinite where there is none.
        normalised: whether it always sums to one along its class axis.
        proof: "graph" (the activation function is known) or "trial" (large random weights).
    """

    low: float
    high: float
    normalised: bool
    proof: str

    @property
    def bounded(self) -> bool:
        """Whether there is a bound on either side."""
        return np.isfinite(self.low) or np.isfinite(self.high)

    def within(self, low: float, high: float) -> bool:
        """Whether it can never leave [low, high].

        Args:
            low: the least, included.
            high: the greatest, included.
        """
        return low <= self.low and self.high <= high

    @property
    def text(self) -> str:
        """The range in words, such as "[0, 1]" or "[0, ∞)"."""
        left = f"[{self.low:.4g}" if np.isfinite(self.low) else "(-∞"
        right = f"{self.high:.4g}]" if np.isfinite(self.high) else "∞)"
        return f"{left}, {right}"


@dataclass(frozen=True, slots=True)
class PredictionFacts:
    """Predictions of one output on a sample of its inputs.

    Attributes:
        samples: samples predicted.
        sample_shape: shape of one sample's prediction, without the batch axis.
        dtype: their dtype.
        elements: values seen.
        nonfinite: NaN or infinite values; all else is about the finite ones.
        minimum, maximum: range of the values; None where nothing finite was seen.
        integer_valued: whether every value is a whole number.
        class_axis: the axis along which one sample's classes lie.
        sum_error: the largest distance of a sum along that axis from one; None without the axis.
    """

    samples: int
    sample_shape: tuple[int, ...]
    dtype: str
    elements: int
    nonfinite: int
    minimum: float | None
    maximum: float | None
    integer_valued: bool
    class_axis: int
    sum_error: float | None

    @property
    def rank(self) -> int:
        """Number of axes, the batch axis included."""
        return len(self.sample_shape) + 1

    @property
    def units(self) -> int:
        """Size of the class axis; 1 where each sample has a single number."""
        return self.sample_shape[self._sample_axis] if self.sample_shape else 1

    @property
    def _sample_axis(self) -> int:
        return self.class_axis if self.class_axis < 0 else self.class_axis - 1

    @property
    def outside_unit(self) -> bool:
        """Whether values outside [0, 1] were seen, which no probability has."""
        if self.minimum is None or self.maximum is None:
            return False
        return self.minimum < -RAW_MARGIN or self.maximum > 1 + RAW_MARGIN

    @property
    def distribution(self) -> bool:
        """Whether all seen are probability distributions over two classes or more."""
        if self.units < 2 or self.sum_error is None or self.outside_unit:
            return False
        return self.sum_error <= SUM_TOLERANCE

    @property
    def all_ones(self) -> bool:
        """Whether nothing but exactly 1.0 was seen."""
        return self.minimum == 1.0 == self.maximum


def describe_predictions(y_pred: Any, *, class_axis: int = -1) -> PredictionFacts:
    """Sum up the predictions of a batch.

    Args:
        y_pred: `(N, ...)`.
        class_axis: the axis along which one sample's classes lie.
    """
    raw = np.asarray(y_pred)
    values = raw.astype(np.float64)
    finite = values[np.isfinite(values)]
    sum_error = None
    if values.ndim >= 2 and finite.size:
        sums = values.sum(axis=class_axis)
        sums = sums[np.isfinite(sums)]
        sum_error = float(np.abs(sums - 1).max()) if sums.size else None
    return PredictionFacts(
        samples=len(raw),
        sample_shape=tuple(raw.shape[1:]),
        dtype=str(raw.dtype),
        elements=values.size,
        nonfinite=values.size - finite.size,
        minimum=float(finite.min()) if finite.size else None,
        maximum=float(finite.max()) if finite.size else None,
        integer_valued=bool(np.all(finite == np.rint(finite))),
        class_axis=class_axis,
        sum_error=sum_error,
    )
