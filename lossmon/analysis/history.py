"""One output's recorded epochs on one split as arrays, with the standard errors they allow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
_NEEDED = ("recomputed_loss", "loss_squares", "correct", "judged")


@dataclass(frozen=True, slots=True)
class History:
    """The epochs of one output and split whose predictions were judged right or wrong.

    Attributes:
        split: "train" or "val".
        output: the output's name; None for the only one.
        rows: the epochs' records, oldest first, with the fields of `EpochRecord`.
        loss, loss_error: mean loss of each epoch and its standard error, shape `(E,)`.
        accuracy, accuracy_error: share predicted right and its standard error, shape `(E,)`.
        covariance: of loss and accuracy over draws of the samples, shape `(E,)`; NaN where the loss
            is not the mean over right and wrong predictions.
    """

    split: Split
    output: str | None
    rows: tuple[Row, ...]
    loss: Floats
    loss_error: Floats
    accuracy: Floats
    accuracy_error: Floats
    covariance: Floats

    def __len__(self) -> int:
        return len(self.rows)


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
    name = output.get("name")
    wanted = (row for row in epochs if row["split"] == split and row["output"] == name)
    rows = _alike(sorted((row for row in wanted if _known(row)), key=lambda row: row["epoch"]))
    if not rows:
        return None
    several = output.get("loss") == "binary_crossentropy" and _units(output) != 1
    return History(
        split,
        name,
        tuple(rows),
        np.array([row["recomputed_loss"] for row in rows]),
        np.array([_loss_error(row, several_labels=several) for row in rows]),
        np.array([row["correct"] / row["judged"] for row in rows]),
        np.array([_share_error(row) for row in rows]),
        np.array([_covariance(row) for row in rows]),
    )


def is_mean(output: Row) -> bool:
    """Whether an epoch's loss of an output is the mean of its samples' losses."""
    return output.get("reduction") in _MEANS


def _known(row: Row) -> bool:
    values = [row.get(name) for name in _NEEDED]
    if not all(v is not None and math.isfinite(v) for v in values):
        return False
    return 0 <= row["correct"] <= row["judged"] and samples(row) >= 2


def _alike(rows: list[Row]) -> list[Row]:
    """Epochs that were recomputed whole, where those are most; of others a part stands for all."""
    whole = [row for row in rows if row["coverage"] >= 1.0]
    return whole if 2 * len(whole) >= len(rows) else rows


def _units(output: Row) -> int | None:
    shape: Sequence[int | None] = output.get("shape") or (1,)
    return shape[-1]


def samples(row: Row) -> float:
    """The samples of an epoch that were judged; the elements of one sample count as one."""
    return min(row["n"] * row["coverage"], row["judged"])


def weighted(row: Row) -> bool:
    """Whether samples weigh differently in the loss."""
    return not math.isclose(row["weight"], row["n"], rel_tol=1e-6)


def _loss_error(row: Row, *, several_labels: bool) -> float:
    """Standard error of a mean; of weighted losses a bound from their squares."""
    count = samples(row)
    # Squared losses: one for each prediction, or for each sample that has several labels.
    square = row["loss_squares"] / (count if several_labels else row["judged"])
    mean = row["recomputed_loss"]
    if row["coverage"] < 1.0:  # the mean of those whose squares these are
        mean = 0.0 if several_labels else sum(costs(row))
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
    return _DEVIATIONS * _loss_error(row, several_labels=False)


def _covariance(row: Row) -> float:
    """Of the means: what the right ones add to the loss, less what as many of all would."""
    known = costs(row)
    if weighted(row) or not made_of(known, row["recomputed_loss"], part_error(row)):
        return math.nan
    share = row["correct"] / row["judged"]
    return (known[0] - share * sum(known)) / samples(row)
