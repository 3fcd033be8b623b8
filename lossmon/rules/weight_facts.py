"""What the values of one output's sample weights say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """Sample weights of one output, class weights included.

    Attributes:
        elements: weights seen; positions of a sequence have one each.
        zero: of those, the ones that are 0, which leave a sample out.
        minimum, maximum: their range.
        total: their sum.
    """

    elements: int
    zero: int
    minimum: float
    maximum: float
    total: float

    @property
    def differ(self) -> bool:
        """Whether some samples weigh more than others."""
        return self.minimum < self.maximum

    @property
    def mean(self) -> float:
        """The mean weight."""
        return self.total / self.elements

    def merge(self, other: WeightFacts) -> WeightFacts:
        """The same over both, up to rounding.

        Args:
            other: facts of another batch of the same output.
        """
        return WeightFacts(
            elements=self.elements + other.elements,
            zero=self.zero + other.zero,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            total=self.total + other.total,
        )


def describe_weights(weight: Any) -> WeightFacts | None:
    """Sum up the weights of a batch.

    Args:
        weight: of any shape and dtype; None where there are none.

    Returns:
        None where there are none, or not all of them are finite.
    """
    if weight is None:
        return None
    values = np.asarray(weight, dtype=np.float64)
    if not values.size or not np.isfinite(values).all():
        return None
    return WeightFacts(
        elements=values.size,
        zero=int(np.sum(values == 0)),
        minimum=float(values.min()),
        maximum=float(values.max()),
        total=float(values.sum()),
    )


def merged_weights(ours: WeightFacts | None, theirs: WeightFacts | None) -> WeightFacts | None:
    """Return the weights of two batches together; those of one where the other has none.

    Args:
        ours: of one batch.
        theirs: of the other.
    """
    if ours is None or theirs is None:
        return ours or theirs
    return ours.merge(theirs)
