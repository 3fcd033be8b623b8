"""What is known of one run at one epoch, as models are compared by it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lossmon.analysis.history import Row, history, is_mean, samples
from lossmon.analysis.intervals import mean_error
from lossmon.analysis.judged_labels import JudgedLabels, judged_labels
from lossmon.analysis.noise import Floats
from lossmon.records import SampleRecord, Split


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one epoch, one by one.

    Attributes:
        loss: of each, shape `(N,)`.
        correct: whether it was predicted right, shape `(N,)`; None where nothing is right or wrong.
        keys: what a sample is recognised by in other runs, shape `(N,)`, each once; None where all
            runs have the same samples in the same order.
        labels: class ids, shape `(N,)`; None where not known.
        chance: probability of class 1, of two classes, shape `(N,)`; None where not known.
    """

    loss: Floats
    correct: npt.NDArray[np.bool_] | None
    keys: npt.NDArray[Any] | None = None
    labels: npt.NDArray[np.int64] | None = None
    chance: Floats | None = None

    @property
    def two_classes(self) -> tuple[Floats, npt.NDArray[np.int64]] | None:
        """Probability of class 1 and the labels; None of more classes, or where not known."""
        if self.chance is None or self.labels is None or not np.isfinite(self.chance).all():
            return None
        return self.chance, self.labels

    def at(self, places: npt.NDArray[np.intp]) -> Samples:
        """Only the samples at these places, in their order.

        Args:
            places: positions, int, shape `(M,)`.
        """

        def some(array: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
            return None if array is None else array[places]

        return Samples(
            self.loss[places],
            some(self.correct),
            some(self.keys),
            some(self.labels),
            some(self.chance),
        )


def samples_of(record: SampleRecord | None) -> Samples | None:
    """The recorded samples of an epoch, to be compared with those of other runs.

    Samples of weight 0 (masked ones) are left out; others count alike, whatever they weigh.

    Args:
        record: as `Store.samples` gives it.

    Returns:
        None where they cannot be recognised in other runs.
    """
    if record is None or record.samples is None:
        return None
    known = record.samples
    weights = np.ones(known.keys.size) if known.weights is None else known.weights
    found = Samples(
        record.loss.astype(np.float64), record.correct, known.keys, known.labels, _chance(record)
    )
    return found.at(np.flatnonzero(weights > 0))


def _chance(record: SampleRecord) -> Floats | None:
    """Probability of class 1 where no other class than 0 and 1 is to be seen."""
    labels = None if record.samples is None else record.samples.labels
    if labels is None or record.predicted is None or record.confidence is None:
        return None
    if not np.isin(labels, (0, 1)).all() or not np.isin(record.predicted, (0, 1)).all():
        return None
    sure = record.confidence.astype(np.float64)
    if np.isnan(sure).any():
        return None
    return np.where(record.predicted == 1, sure, 1.0 - sure)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run at one epoch.

    Attributes:
        name: what it is called.
        loss: mean loss.
        loss_error: its standard error; None where not known.
        correct: samples predicted right; None where there is no accuracy.
        judged: samples judged.
        samples: the samples one by one, where known.
        epoch: which one, from 0; None where that does not matter.
        labels: what it was validated by; None where not all of it is known.
    """

    name: str
    loss: float
    loss_error: float | None
    correct: float | None = None
    judged: float | None = None
    samples: Samples | None = None
    epoch: int | None = None
    labels: JudgedLabels | None = None

    @classmethod
    def of_samples(cls, name: str, samples: Samples) -> Measured:
        """Sum up the samples of a run.

        Args:
            name: how the run is called.
            samples: of one output and epoch.
        """
        hits, (mean, error) = samples.correct, mean_error(samples.loss)
        if hits is None:
            return cls(name, mean, error, samples=samples)
        return cls(name, mean, error, float(hits.sum()), float(hits.size), samples)

    def is_apart(self, other: Measured) -> bool:
        """Whether it is known to be validated on samples that are not the same.

        Args:
            other: another run.
        """
        if self.labels is None or other.labels is None:
            return False
        return self.labels.differ(other.labels)

    @property
    def accuracy(self) -> float | None:
        """Share predicted right."""
        return self.correct / self.judged if self.correct is not None and self.judged else None


def measured_epochs(name: str, epochs: Iterable[Row], output: Row, split: Split) -> list[Measured]:
    """Return each epoch of one output and split that tells right from wrong, in order.

    Args:
        name: how the run is called.
        epochs: the run's epochs, as `Store.epoch_rows` gives them.
        output: the output, as `Store.output_rows` gives it.
        split: "train" or "val".
    """
    found = history(epochs, output, split)
    if found is None:
        return []
    values = zip(found.rows, found.loss, found.loss_error, found.accuracy, strict=True)
    return [
        # The elements of one sample count as one.
        Measured(
            name,
            float(loss),
            float(error),
            samples(row) * float(share),
            samples(row),
            epoch=row["epoch"],
            labels=judged_labels(row),
        )
        for row, loss, error, share in values
    ]


def measured_losses(name: str, epochs: Iterable[Row], output: Row) -> list[Measured]:
    """Return each epoch of one output with a finite validation loss, in order, without its error.

    A loss of values has their unit: it can be compared on the same samples only, one by one.

    Args:
        name: how the run is called.
        epochs: the run's epochs, as `Store.epoch_rows` gives them.
        output: the output, as `Store.output_rows` gives it.
    """
    if not is_mean(output):
        return []
    own = (row for row in epochs if row["split"] == "val" and row["output"] == output.get("name"))
    known = (
        row
        for row in own
        if row["recomputed_loss"] is not None and math.isfinite(row["recomputed_loss"])
    )
    return [
        Measured(
            name,
            float(row["recomputed_loss"]),
            None,
            epoch=row["epoch"],
            labels=judged_labels(row),
        )
        for row in sorted(known, key=lambda row: row["epoch"])
    ]


def last_measured(name: str, epochs: Iterable[Row], output: Row, split: Split) -> Measured | None:
    """Return the last of `measured_epochs`; None where there is none.

    Args:
        name: how the run is called.
        epochs: the run's epochs, as `Store.epoch_rows` gives them.
        output: the output, as `Store.output_rows` gives it.
        split: "train" or "val".
    """
    found = measured_epochs(name, epochs, output, split)
    return found[-1] if found else None
