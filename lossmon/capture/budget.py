"""How much recomputation the training can bear: a share of the time of its own steps."""

from __future__ import annotations

import math
from collections.abc import Generator, Hashable
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.allowance import Allowance, processor_time
from lossmon.capture.expected_cost import ExpectedCost

# Of the time of the steps; the rest of the time the processor belongs to training. With half of it
# a twentieth of a small CNN's steps is recomputed, with this most of them.
SHARE = 0.02
# Of steps whose predictions are large: to compute with them keeps the memory busy as well, which
# costs training more than that time. A language-model head took 4.1 % longer with 2 % for it than
# with none, and 2.4 % with this.
LARGE_SHARE = 0.005
# Seconds of recomputation that every run may spend, so that short runs are recomputed whole.
ALLOWANCE = 1.0
# To recompute fewer steps than that takes nearly as long: it is put off until so many can be paid.
LEAST = 32


class _Choice(NamedTuple):
    """What was chosen of some steps.

    Attributes:
        of: what they are a part of.
        steps: how many.
        whole: whether all were chosen.
    """

    of: Hashable
    steps: int
    whole: bool


class Budget:
    """Decides which steps are recomputed, by what recomputing cost before.

    Args:
        share: seconds of processor time to spend for each second of steps; infinite for all.
    """

    def __init__(self, share: float = SHARE) -> None:
        self._time = Allowance(share, ALLOWANCE)
        self._owed = 0.0
        self._cost = ExpectedCost()
        self._fraction = 0.0
        self._before = _Choice(None, 0, whole=False)

    def earn(self, seconds: float) -> None:
        """Take note of the time that steps took."""
        self._time.earn(seconds)

    def afford(self, at_most: int) -> int:
        """How many of the next steps can be recomputed, if so many come at most."""
        return int(max(0.0, min(at_most, self._affordable())))

    def choose(self, steps: int, of: Hashable = None) -> NDArray[np.int64]:
        """Which of so many steps to recompute: evenly spread, as many as can be afforded.

        Few steps are recomputed all or not at all; so are many of which the part that can be
        afforded would take mainly what recomputing takes each time, however many steps there are.

        Args:
            steps: how many.
            of: what they are a part of, as their epoch. A few steps behind more of the same go as
                those went: the last batch, which is cheap, neither stands for the rest nor lacks.
        """
        # What the first time took says too little, and one chunk is never much.
        affordable = math.inf if self._cost.is_provisional else self._affordable()
        before = self._before
        if of is not None and of == before.of and steps < min(before.steps, LEAST):
            # Fewer each time: what goes beyond the budget has an end.
            self._before = before._replace(steps=steps)
            return np.arange(steps if before.whole else 0)
        self._before = _Choice(of, steps, whole=affordable >= steps)
        if affordable >= steps:
            return np.arange(steps)
        each_time, each_step = self._cost.parts()
        if affordable < max(LEAST, each_time / each_step):
            return np.arange(0)
        reached = self._fraction + np.arange(1, steps + 1) * (affordable / steps)
        chosen = np.diff(np.floor(reached), prepend=0.0) > 0.0
        self._fraction = float(reached[-1] % 1.0)
        return np.flatnonzero(chosen)

    def owe(self, seconds: float) -> None:
        """Take note of what it cost to read steps that are recomputed next."""
        self._owed += seconds

    def pay(self, seconds: float) -> None:
        """Take note of what it cost to read steps of which some may be recomputed, or none."""
        self._time.spend(seconds)

    @contextmanager
    def spend(self, steps: int) -> Generator[None]:
        """Measure what recomputing so many steps costs this thread."""
        with processor_time() as taken:
            yield
        if not steps:
            return
        spent, self._owed = taken.seconds + self._owed, 0.0
        self._time.spend(self._cost.learn(steps, spent))

    def _affordable(self) -> float:
        each_time, each_step = self._cost.parts()
        return (self._time.left - each_time) / each_step if each_step else math.inf
