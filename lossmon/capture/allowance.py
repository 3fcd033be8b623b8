"""The time that a part of lossmon may take: some seconds, and a share of what the steps take."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager


class Allowance:
    """Seconds that are earned by the training's own steps, and spent.

    Args:
        share: seconds earned by each second of steps; infinite for as many as are wanted.
        seconds: what there is to begin with.

    Attributes:
        left: what there is now; below 0 where more was spent.
    """

    def __init__(self, share: float, seconds: float) -> None:
        self._share = share
        self.left = seconds if math.isfinite(share) else math.inf

    def earn(self, seconds: float) -> None:
        """Take note of the time that steps took."""
        if math.isfinite(self.left):
            self.left += self._share * seconds

    def spend(self, seconds: float) -> None:
        """Take away what was spent."""
        self.left -= seconds


class Spent:
    """What a block of code took.

    Attributes:
        seconds: of this thread's processor time.
    """

    seconds = 0.0


@contextmanager
def processor_time() -> Generator[Spent]:
    """Measure the processor time that this thread takes within the block, where it ends well."""
    spent, began = Spent(), time.thread_time()
    yield spent
    spent.seconds = time.thread_time() - began
