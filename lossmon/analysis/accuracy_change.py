"""How the accuracy has changed, and whether it has fallen since the epoch of the least loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lossmon.analysis.episodes import SHARED
from lossmon.analysis.history import History
from lossmon.analysis.noise import blocks, changes
from lossmon.analysis.spans import block_size
from lossmon.analysis.words import accuracy_text

NORMAL_95 = 1.959964
"""Standard errors that 95 % of normal values lie within."""


class AccuracyChange(NamedTuple):
    """How the accuracy changed between two epochs.

    Attributes:
        before, after: shares predicted right.
        margin: the change is known to this much up or down, 95 %.
        smoothed: whether the shares are means over the epochs around.
    """

    before: float
    after: float
    margin: float
    smoothed: bool = False

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def text(self) -> str:
        """Both shares, and how well the change is known."""
        moved = f"{accuracy_text(self.before)} → {accuracy_text(self.after)}"
        moved += ", smoothed" if self.smoothed else ""
        return f"{moved} ({self.change:+.3f} ± {self.margin:.3f})"


def fall_since(judged: History, epoch: int) -> AccuracyChange | None:
    """How far the accuracy has fallen from an epoch to the last one; None where it surely has not.

    Told are the epochs around both, against sampling error and wobble together, as of an episode.

    Args:
        judged: the epochs of one output and split.
        epoch: the earlier one, from 0, such as that of the least loss.
    """
    places = {row["epoch"]: place for place, row in enumerate(judged.rows)}
    size = block_size(len(judged))
    last = len(judged) - size
    if epoch not in places:
        return None
    first = max(places[epoch] - size // 2, 0)
    # Blocks that share epochs are one level.
    if last - first < size:
        return None
    accuracy = blocks(judged.accuracy, judged.accuracy_error, size)
    found = changes(accuracy, np.array([first]), np.array([last]), SHARED)
    before, after = accuracy.medians[[first, last]].tolist()
    change = AccuracyChange(before, after, NORMAL_95 * float(found.errors[0]), smoothed=True)
    return change if change.change < -change.margin else None
