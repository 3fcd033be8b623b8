"""What recomputing some steps will take, by what it took before."""

from __future__ import annotations

# Weight of the newest measurement.
_NEWEST = 0.2
# So many times the expected cost is believed at once.
_SURPRISE = 5.0
# Numbers of steps that differ by less than this share of their mean tell nothing of a step's part.
_SPREAD = 0.1
# A step's part is at least this share of what it takes on the whole, whatever noise says.
_LEAST_PART = 0.1


class ExpectedCost:
    """Seconds for some steps at once: a part for each time, and a part for each step.

    It is a line by least squares through the measurements, the newest weighted most. The first one
    counts only until there is a second: what is called for the first time takes far longer.
    """

    def __init__(self) -> None:
        self._measurements = 0
        self._weight = self._steps = self._seconds = self._squares = self._products = 0.0

    @property
    def is_provisional(self) -> bool:
        """Whether nothing is known but, at most, what the first time took."""
        return self._measurements < 2

    def learn(self, steps: int, seconds: float) -> float:
        """Take note of what so many steps, one at least, took.

        Returns:
            The part of it that is believed: a collection of garbage may have fallen into it.
        """
        if not self.is_provisional:
            seconds = min(seconds, _SURPRISE * self.of(steps))
        kept = 1.0 - _NEWEST if self._measurements > 1 else 0.0
        self._measurements += 1
        self._weight = kept * self._weight + 1.0
        self._steps = kept * self._steps + steps
        self._seconds = kept * self._seconds + seconds
        self._squares = kept * self._squares + steps * steps
        self._products = kept * self._products + steps * seconds
        return seconds

    def of(self, steps: float) -> float:
        """Seconds that so many steps will take; 0 before anything is known."""
        each_time, each_step = self.parts()
        return each_time + steps * each_step

    def parts(self) -> tuple[float, float]:
        """Seconds for each time, and for each step."""
        if not self._measurements:
            return 0.0, 0.0
        steps, seconds = self._steps / self._weight, self._seconds / self._weight
        on_the_whole = seconds / steps
        variance = self._squares / self._weight - steps * steps
        if variance <= (_SPREAD * steps) ** 2:
            return 0.0, on_the_whole
        slope = (self._products / self._weight - steps * seconds) / variance
        each_step = min(max(slope, _LEAST_PART * on_the_whole), on_the_whole)
        return seconds - steps * each_step, each_step
