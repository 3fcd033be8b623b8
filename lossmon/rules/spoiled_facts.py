"""What is known of samples whose inputs hold values that are not finite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lossmon.records import Split

Effect = Literal["spread", "lost", "handled"]


@dataclass(frozen=True, slots=True)
class SpoiledFacts:
    """Samples of one input that hold NaN or infinite values.

    Attributes:
        name: the input's name; None for the only one.
        split: the data that they are of.
        nonfinite: NaN or infinite values.
        elements: values looked at.
        spoiled: samples that hold some.
        samples: samples looked at.
        effect: what predictions of such samples are: "spread" (not finite either), "lost" (finite,
            but the same whatever else a sample holds), "handled" (finite, and they go by the other
            values); None where that could not be tried.
    """

    name: str | None
    split: Split
    nonfinite: int
    elements: int
    spoiled: int
    samples: int
    effect: Effect | None = None

    @property
    def suffers(self) -> bool:
        """Whether predictions of such samples are seen to suffer."""
        return self.effect in {"spread", "lost"}

    @property
    def spoils_training(self) -> bool:
        """Whether gradients that are not finite may come from it."""
        return self.split == "train" and self.effect != "handled"
