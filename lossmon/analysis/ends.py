"""How far the loss and the accuracy of one epoch may lie from those of all data."""

from __future__ import annotations

import math

from lossmon.analysis.history import Row, history, samples
from lossmon.analysis.intervals import wilson

_DEVIATIONS = 1.959963984540054
"""Standard errors on either side of a mean in a 95 % interval."""


def loss_interval(row: Row, output: Row) -> tuple[float, float] | None:
    """The 95 % interval of an epoch's validation loss, by the spread of its samples' losses.

    Args:
        row: the epoch, with the fields of `EpochRecord`.
        output: the only output of the model: `loss`, `reduction` and `shape`.

    Returns:
        None where the loss is no mean over samples whose spread is known.
    """
    found = history([row], {**output, "name": row["output"]}, row["split"])
    if found is None:
        return None
    value, error = float(found.loss[0]), float(found.loss_error[0])
    reach = _DEVIATIONS * error
    if not math.isfinite(reach):
        return None
    # A loss that fell below 0 has no end there.
    return (value - reach if value < 0.0 else max(value - reach, 0.0), value + reach)


def accuracy_interval(row: Row) -> tuple[float, float] | None:
    """Wilson's 95 % interval of an epoch's accuracy.

    Args:
        row: the epoch, with the fields of `EpochRecord`.

    Returns:
        None where the accuracy is not the share of samples predicted right: of weighted samples,
        or of an accuracy that counts something else.
    """
    shown = row["accuracy"] if row["recomputed_accuracy"] is None else row["recomputed_accuracy"]
    if shown is None or row["correct"] is None or not row["judged"]:
        return None
    share, count = row["correct"] / row["judged"], samples(row)
    if count < 1 or not 0 <= share <= 1 or not math.isclose(share, shown, abs_tol=1e-6):
        return None
    return wilson(share * count, count)
