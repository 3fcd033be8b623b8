"""How the errors of two epochs go together, from the samples that both were measured on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.history import History
from lossmon.analysis.noise import Floats
from lossmon.analysis.samples import SampleReader, same_samples
from lossmon.records import SampleRecord

# Values that are held in memory at once; longer or larger runs are judged by their epochs alone.
_MOST_VALUES, _MOST_EPOCHS = 2**24, 1000
_EPOCHS_AT_ONCE = 50
# The samples' own mean must be the recorded loss but for this much of it.
_TOLERANCE = 1e-3


class Paired(NamedTuple):
    """Sampling covariances of the epochs of one run, shape `(E, E)` each.

    Attributes:
        loss: of the mean losses.
        accuracy: of the shares predicted right.
        both: of the loss of one epoch (rows) and the accuracy of another (columns).
    """

    loss: Floats
    accuracy: Floats
    both: Floats

    def of(self, places: npt.NDArray[np.intp]) -> Paired:
        """The same of some epochs."""
        chosen = np.ix_(places, places)
        return Paired(*(matrix[chosen] for matrix in self))

    def scaled(self, by: Floats) -> Paired:
        """The same with the losses divided, shape `(E,)`."""
        return Paired(
            self.loss / np.outer(by, by), self.accuracy, np.asarray(self.both / by[:, None])
        )

    def steadied(self, by: float) -> Floats:
        """Covariances of the losses less so many times the accuracies."""
        return self.loss - by * (self.both + self.both.T) + by * by * self.accuracy


def paired(loss: npt.ArrayLike, correct: npt.ArrayLike) -> Paired:
    """Covariances over draws of the samples.

    Args:
        loss: of each epoch and sample, shape `(E, N)`, N > 1.
        correct: whether it was predicted right, shape `(E, N)`.

    >>> found = paired([[1.0, 3.0], [2.0, 4.0]], [[1, 0], [1, 0]])
    >>> found.loss.tolist(), float(found.both[0, 0])
    ([[1.0, 1.0], [1.0, 1.0]], -0.5)
    """
    losses, hits = (_scaled(values) for values in (loss, correct))
    count = losses.values.shape[1]
    own, of_hits, both = (
        (one.values @ two.values.T) * np.outer(one.scales, two.scales) / (count * (count - 1))
        for one, two in ((losses, losses), (hits, hits), (losses, hits))
    )
    return Paired(own, of_hits, both)


class _Scaled(NamedTuple):
    """Rows less their means, divided by scales: the squares of large losses have no float32."""

    values: npt.NDArray[np.float32]
    scales: Floats


def _scaled(values: npt.ArrayLike) -> _Scaled:
    array = np.asarray(values, dtype=np.float32)
    centred = array - array.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    scales = np.abs(centred).max(axis=1).astype(np.float64)
    scales[scales == 0.0] = 1.0
    return _Scaled(centred / scales[:, None].astype(np.float32), scales)


def paired_epochs(judged: History, samples: SampleReader | None) -> Paired | None:
    """Read the covariances of a run's epochs from its samples.

    Returns:
        None unless each epoch's samples were recorded, the same ones in each, unweighted and
        finite, and as many as can be held in memory.
    """
    rows = judged.rows
    held = len(rows) * max(row["n"] for row in rows)
    if samples is None or judged.split != "val" or len(rows) > _MOST_EPOCHS or held > _MOST_VALUES:
        return None
    wanted = [row["epoch"] for row in rows]
    losses: list[npt.NDArray[np.float32]] = []
    hits: list[npt.NDArray[np.bool_]] = []
    first: SampleRecord | None = None
    for start in range(0, len(wanted), _EPOCHS_AT_ONCE):
        some = wanted[start : start + _EPOCHS_AT_ONCE]
        found = samples(judged.output, some)
        first = first or (found[0] if found else None)
        if first is None or not _whole(found, some, first):
            return None
        losses += [record.loss for record in found]
        hits += [record.correct for record in found if record.correct is not None]
    return _checked(np.array(losses), np.array(hits), judged)


def _whole(found: Sequence[SampleRecord], wanted: Sequence[int], first: SampleRecord) -> bool:
    if [record.epoch for record in found] != wanted:
        return False
    return all(
        record.correct is not None
        and record.samples is not None
        and record.samples.weights is None
        and same_samples(record, first)
        for record in found
    )


def _checked(
    loss: npt.NDArray[np.float32], correct: npt.NDArray[np.bool_], judged: History
) -> Paired | None:
    """The covariances, where these are the samples that the epochs' values are means of."""
    if loss.shape[1] < 2 or not np.isfinite(loss).all():
        return None
    means = loss.mean(axis=1, dtype=np.float64)
    if not np.allclose(means, judged.loss, rtol=_TOLERANCE, atol=1e-9):
        return None
    return paired(loss, correct)
