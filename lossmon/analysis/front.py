"""Loss against accuracy: what nothing else beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lossmon.analysis.measured import Measured


def pareto_front(runs: Sequence[Measured]) -> list[Measured]:
    """Return runs, or epochs of runs, that no other one beats in loss and accuracy both.

    Those without an accuracy, or with a loss that is not finite, are left out.

    Args:
        runs: in any order, which is kept.
    """
    known = [
        (run.loss, -run.accuracy, place)
        for place, run in enumerate(runs)
        if run.accuracy is not None and math.isfinite(run.loss)
    ]
    front: list[int] = []
    best = (math.inf, math.inf)
    for loss, miss, place in sorted(known):
        if miss < best[1] or (loss, miss) == best:
            best = (loss, miss)
            front.append(place)
    return [runs[place] for place in sorted(front)]
