"""What is known of one run at one epoch, as models are compared by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lossmon.analysis.history import Row, history, samples
from lossmon.analysis.intervals import mean_error
from lossmon.analysis.noise import Floats
from lossmon.records import Split


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one epoch, one by one.

    Attributes:
        loss: of each, shape `(N,)`.
        correct: whether it was predicted right, shape `(N,)`.
        keys: what a sample is recognised by in other runs, shape `(N,)`, each once; None where all
            runs have the same samples in the same order.
    """

    loss: Floats
    correct: npt.NDArray[np.bool_]
    keys: npt.NDArray[Any] | None = None


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
    """

    name: str
    loss: float
    loss_error: float | None
    correct: float | None = None
    judged: float | None = None
    samples: Samples | None = None

    @classmethod
    def of_samples(cls, name: str, samples: Samples) -> Measured:
        """Sum up the samples of a run."""
        hits, (mean, error) = samples.correct, mean_error(samples.loss)
        return cls(name, mean, error, float(hits.sum()), float(hits.size), samples)

    @property
    def accuracy(self) -> float | None:
        """Share predicted right."""
        return self.correct / self.judged if self.correct is not None and self.judged else None


def last_measured(name: str, epochs: Iterable[Row], output: Row, split: Split) -> Measured | None:
    """The last epoch of one output and split of a recorded run.

    Args:
        name: how the run is called.
        epochs: the run's epochs, as `Store.epoch_rows` gives them.
        output: the output, as `Store.output_rows` gives it.
        split: "train" or "val".

    Returns:
        None where no epoch tells right predictions from wrong ones.
    """
    found = history(epochs, output, split)
    if found is None:
        return None
    # The elements of one sample count as one.
    count = samples(found.rows[-1])
    return Measured(
        name,
        float(found.loss[-1]),
        float(found.loss_error[-1]),
        count * float(found.accuracy[-1]),
        count,
    )
