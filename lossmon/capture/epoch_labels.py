"""Add up the labels of one epoch of one output, and its losses at the cap."""

from __future__ import annotations

from lossmon.capture.clipping import Clipped
from lossmon.capture.judged import Recomputed
from lossmon.capture.label_counts import LabelCounts, baselines, trained_constant_loss
from lossmon.records import EpochRecord, LossSpec, Split
from lossmon.rules import ClippedFacts


class EpochLabels:
    """The labels of one epoch of one split and output.

    Args:
        loss: the output's; None where it has none.
        scale: the factor that Keras multiplies it with.
    """

    def __init__(self, loss: LossSpec | None, scale: float) -> None:
        self._loss, self._scale = loss, scale
        self._counts: LabelCounts | None = None
        self._known = True
        self._clipped: Clipped | None = None
        self._rows = self._matches = 0

    def add(self, found: Recomputed) -> None:
        """Add some steps."""
        counts, clipped = found.labels, found.clipped
        alike = self._counts is None or counts is None or self._counts.alike(counts)
        self._known &= counts is not None and alike
        if self._known and counts is not None:
            self._counts = counts if self._counts is None else self._counts + counts
        if clipped is not None:
            before = self._clipped or Clipped(0, 0, clipped.cap)
            losses, capped = before.losses + clipped.losses, before.capped + clipped.capped
            self._clipped = Clipped(losses, capped, clipped.cap)
        if found.matches is not None:
            self._rows += found.matches[0]
            self._matches += found.matches[1]

    def close(
        self,
        record: EpochRecord,
        *,
        weighted: bool,
        trained: LabelCounts | None = None,
        guesses: int = 1,
    ) -> None:
        """Write the epoch's values into its record.

        Args:
            record: the epoch.
            weighted: whether weights make its loss another one.
            trained: the labels of the training in the same epoch; None where they are not known,
                or weigh otherwise.
            guesses: how many of a sample its accuracy counts.
        """
        counts = self.counts
        if counts is not None:
            record.baselines = baselines(
                counts, self._loss, weighted=weighted, scale=self._scale, guesses=guesses
            )
            if record.baselines is not None and record.split == "val":
                record.baselines["trained_constant_loss"] = (
                    None
                    if weighted or trained is None or self._loss is None
                    else trained_constant_loss(counts, trained, self._loss, scale=self._scale)
                )
        record.intended_exact_match = self._matches / self._rows if self._rows else None

    @property
    def counts(self) -> LabelCounts | None:
        """The labels of the epoch so far; None where they could not all be counted."""
        return self._counts if self._known else None

    def clipped(self, epoch: int, split: Split, output: str | None) -> ClippedFacts | None:
        """What the rules are told of losses at the cap; None where nothing is clipped."""
        if self._clipped is None:
            return None
        return ClippedFacts(epoch, split, output, *self._clipped)
