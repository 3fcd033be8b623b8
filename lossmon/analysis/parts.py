"""Where a change of the mean loss comes from: right predictions, wrong ones, or turned ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lossmon.analysis.history import Row, costs, made_of, part_error


class Level(NamedTuple):
    """Loss and its parts over some epochs.

    Attributes:
        right: share predicted right.
        loss_right: mean loss of a right prediction.
        loss_wrong: mean loss of a wrong one.
        wrong: how many were predicted wrong in one epoch.
    """

    right: float
    loss_right: float
    loss_wrong: float
    wrong: float


class Parts(NamedTuple):
    """A change of the mean loss, split up: the three add up to it.

    Attributes:
        wrong: by wrong predictions that cost more or less.
        right: by right predictions that cost more or less.
        turned: by predictions that turned from right to wrong or back.
    """

    wrong: float
    right: float
    turned: float

    @property
    def total(self) -> float:
        """The whole change."""
        return self.wrong + self.right + self.turned


def level(rows: Sequence[Row]) -> Level | None:
    """Average some epochs; None where the loss is not the mean over right and wrong predictions.

    That is so under weights, and where a sample has several predictions.

    Args:
        rows: epoch rows with the fields of `EpochRecord`.
    """
    table = [(row["correct"] / row["judged"], *costs(row), row["recomputed_loss"]) for row in rows]
    right, cost_right, cost_wrong, loss = np.mean(table, axis=0).tolist()
    error = float(np.mean([part_error(row) for row in rows]))
    if not made_of((cost_right, cost_wrong), loss, error):
        return None
    return Level(
        right,
        cost_right / right if right else 0.0,
        cost_wrong / (1.0 - right) if right < 1.0 else 0.0,
        float(np.mean([row["judged"] - row["correct"] for row in rows])),
    )


def parts(before: Level, after: Level) -> Parts:
    """Split up the change from one level to another.

    The rates are weighted by the mean of both shares, the shares by the mean of both rates
    (Kitagawa, *Components of a difference between two rates*, 1955), so that nothing is left over.

    Args:
        before: shares and mean losses of one epoch.
        after: those of a later one.

    >>> parts(Level(0.5, 0.1, 2.0, 10), Level(0.5, 0.1, 4.0, 10))
    Parts(wrong=1.0, right=0.0, turned=0.0)
    """
    right = (before.right + after.right) / 2
    cost = before.loss_wrong + after.loss_wrong - before.loss_right - after.loss_right
    return Parts(
        (1.0 - right) * (after.loss_wrong - before.loss_wrong),
        right * (after.loss_right - before.loss_right),
        (before.right - after.right) * cost / 2,
    )
