"""One output's recorded epochs on one split as arrays, with the standard errors they allow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossmon.analysis.noise import Floats
from lossmon.records import Split

Row = Mapping[str, Any]

# Reductions under which an epoch's loss is the mean of its samples' losses.
_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
EPISODE_COLUMNS = (
    *("epoch", "split", "output", "step", "n", "weight", "coverage"),
    *("recomputed_loss", "loss_squares", "correct", "judged", "loss_correct", "loss_wrong"),
)
"""The columns of epoch rows that episodes are found by."""

TOLERANCE = 0.01
"""What right and wrong predictions add to a loss must give it but for this much of it."""

_DEVIATIONS = 4.0
_OF_LOSS = ("recomputed_loss", "loss_squares")


@dataclass(frozen=True, slots=True)
class Losses:
    """The epochs of one output and split whose loss is the mean of their samples' losses.

    Attributes:
        split: "train" or "val".
        output: the output's name; None for the only one.
        rows: the epochs' records, oldest first, with the fields of `EpochRecord`.
        loss, loss_error: mean loss of each epoch and its standard error, shape `(E,)`.
    """

    split: Split
    output: str | None
    rows: tuple[Row, ...]
    loss: Floats
    loss_error: Floats

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class History(Losses):
    """Those whose predictions were judged right or wrong.

    Attributes:
        accuracy, accuracy_error: share predicted right and its standard error, shape `(E,)`.
        covariance: of loss and accuracy over draws of the samples, shape `(E,)`; NaN where the loss
            is not the mean over right and wrong predictions.
    """

    accuracy: Floats
    accuracy_error: Floats
    covariance: Floats


def history(epochs: Iterable[Row], output: Row, split: Split) -> History | None:
    """Gather the epochs of one output and split.

    Args:
        epochs: epoch rows with the fields of `EpochRecord`, as `Store.epoch_rows` gives them.
        output: what is judged on the output: `name`, `loss`, `reduction`, `shape`, as
            `Store.output_rows` gives it.
        split: "train" or "val".

    Returns:
        None where no epoch tells right from wrong, or where the loss is no mean over samples.
    """
    if not is_mean(output):
        return None
    rows = _rows(epochs, output, split, _judged)
    if not rows:
        return None
    several = output.get("loss") == "binary_crossentropy" and _units(output) != 1
    return History(
        split,
        output.get("name"),
        tuple(rows),
        np.array([row["recomputed_loss"] for row in rows]),
        np.array([_loss_error(row, by_sample=several) for row in rows]),
        np.array([row["correct"] / row["judged"] for row in rows]),
        np.array([_share_error(row) for row in rows]),
        np.array([_covariance(row) for row in rows]),
    )


def losses(epochs: Iterable[Row], output: Row, split: Split) -> Losses | None:
    """Gather the losses of one output and split, also where nothing is told right from wrong.

    Args:
        epochs: as `history` takes them.
        output: likewise.
        split: "train" or "val".

    Returns:
        None where the loss is no mean over samples, and of models of values that give several
        positions of a sample, of which some may be masked.
    """
    rows = list(epochs)
    judged, shape = history(rows, output, split), output.get("shape")
    if judged is not None or not is_mean(output) or not shape or len(shape) > 2:
        return judged
    known = _rows(rows, output, split, _summed)
    if not known:
        return None
    return Losses(
        split,
        output.get("name"),
        tuple(known),
        np.array([row["recomputed_loss"] for row in known]),
        np.array([_loss_error(row, by_sample=True) for row in known]),
    )


def is_mean(output: Row) -> bool:
    """Whether an epoch's loss of an output is the mean of its samples' losses."""
    return output.get("reduction") in _MEANS


def _rows(
    epochs: Iterable[Row], output: Row, split: Split, known: Callable[[Row], bool]
) -> list[Row]:
    name = output.get("name")
    wanted = (row for row in epochs if row["split"] == split and row["output"] == name)
    return _alike(sorted(filter(known, wanted), key=lambda row: row["epoch"]))


def _judged(row: Row) -> bool:
    known = _are_finite(row, *_OF_LOSS, "correct", "judged")
    return known and 0 <= row["correct"] <= row["judged"] and samples(row) >= 2


def _summed(row: Row) -> bool:
    return _are_finite(row, *_OF_LOSS) and samples(row) >= 2


def _are_finite(row: Row, *names: str) -> bool:
    values = [row.get(name) for name in names]
    return all(value is not None and math.isfinite(value) for value in values)


def _alike(rows: list[Row]) -> list[Row]:
    """Epochs that were recomputed whole, where those are most; of others a part stands for all."""
    whole = [row for row in rows if row["coverage"] >= 1.0]
    return whole if 2 * len(whole) >= len(rows) else rows


def _units(output: Row) -> int | None:
    shape: Sequence[int | None] = output.get("shape") or (1,)
    return shape[-1]


def samples(row: Row) -> float:
    """The samples of an epoch that were judged; the elements of one sample count as one."""
    seen = row["n"] * row["coverage"]
    return seen if row["judged"] is None else min(seen, row["judged"])


def weighted(row: Row) -> bool:
    """Whether samples weigh differently in the loss."""
    return not math.isclose(row["weight"], row["n"], rel_tol=1e-6)


def _loss_error(row: Row, *, by_sample: bool) -> float:
    """Standard error of a mean; of weighted losses a bound from their squares."""
    count = samples(row)
    # Squared losses: one for each prediction, or for each sample that has several labels or none.
    square = row["loss_squares"] / (count if by_sample else row["judged"])
    mean = row["recomputed_loss"]
    if row["coverage"] < 1.0:  # the mean of those whose squares these are
        mean = 0.0 if by_sample else sum(costs(row))
    variance = square if weighted(row) else square - mean**2
    return math.sqrt(max(variance, 0.0) / count)


def _share_error(row: Row) -> float:
    """Binomial standard error, one success and one failure added (Agresti and Coull 1998)."""
    count = samples(row)
    share = (count * row["correct"] / row["judged"] + 1.0) / (count + 2.0)
    return math.sqrt(share * (1.0 - share) / (count + 2.0))


def costs(row: Row) -> tuple[float, float]:
    """What right and what wrong predictions add to the mean loss, where they are all of it."""
    share = row["correct"] / row["judged"]
    return share * (row.get("loss_correct") or 0.0), (1.0 - share) * (row.get("loss_wrong") or 0.0)


def made_of(costs_of_both: tuple[float, float], loss: float, error: float = 0.0) -> bool:
    """Whether a loss is what right and wrong predictions add to it.

    Args:
        costs_of_both: what they add, as `costs` gives it.
        loss: the loss.
        error: by how much that of some samples may lie from it, where they stand for all.
    """
    return abs(sum(costs_of_both) - loss) <= TOLERANCE * abs(loss) + error


def part_error(row: Row) -> float:
    """By how much the loss of what was recomputed may lie from that of the whole epoch."""
    if row["coverage"] >= 1.0:
        return 0.0
    return _DEVIATIONS * _loss_error(row, by_sample=False)


def _covariance(row: Row) -> float:
    """Of the means: what the right ones add to the loss, less what as many of all would."""
    known = costs(row)
    if weighted(row) or not made_of(known, row["recomputed_loss"], part_error(row)):
        return math.nan
    share = row["correct"] / row["judged"]
    return (known[0] - share * sum(known)) / samples(row)
