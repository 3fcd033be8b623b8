"""Where a run stands: does its loss fall, rise, swing, or stand still, beyond what noise explains?

All of it on logarithms where losses are positive, so that a loss of 1e-4 is judged like one of 10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lossmon.rules.series import BLOCK, Point, Series
from lossmon.rules.standing import raised_at
from lossmon.rules.trend import ALPHA, critical, median, trend, turning_points

# Fewer epochs show no trend worth speaking of.
FEWEST = 6
# Recent epochs in which a run is looked at.
WINDOW = 10
# With this chance noise passes for learning, which keeps rules silent.
_STILL_LEARNING = 0.02
_CLEAR_TREND = 0.05
# With this chance noise passes for the end of what was found.
_SURELY = 0.001
# Part of what was learned, and of the loss itself, that a rise or a swing must undo to matter.
_MATTERS = 0.1
# A relative change of the loss that float32 rounding and the order of batches account for.
_ROUNDING = 1e-4
# What float32 rounding alone accounts for.
_ROUNDING_ALONE = 1e-6
# Part of the early speed that the late one still has, where nothing levels off.
_STEADY = 0.7
# Share of all movement that is along a straight line, where steps are too small to bend it.
_STRAIGHT = 0.9


class Rise(NamedTuple):
    """A loss that has left its minimum for good.

    Attributes:
        start: position of its lowest block in the series.
        before: the least loss of that block.
        after: the last block's median.
        errors: by how many standard errors it rose.
        needed: by how many it had to.
    """

    start: int
    before: Point
    after: Point
    errors: float
    needed: float


def falling(series: Series) -> bool:
    """Whether there is any sign that the value still falls: then patience is the right advice."""
    windows = (series.last(FEWEST), series.last(2 * FEWEST))
    return any(trend(window.values).falling < _STILL_LEARNING for window in windows)


def rise(series: Series) -> Rise | None:
    """The rise since the minimum, where noise does not explain it and it matters.

    The block of the last epochs lies above the lowest block by more standard errors than chance
    gives in any epoch of the run, the epochs between show a trend or have undone all that had been
    learned, and the rise is a tenth or more both of the loss itself and of what had been learned.
    Once it is known, it stands as long as the loss surely lies above its minimum by as much.
    """
    count = raised_at(
        len(series),
        raised=lambda n: _sets_in(series.first(n)),
        holds=lambda n: _above_lowest(series.first(n), critical()) is not None,
    )
    if count is None:
        return None
    needed = critical(len(series))
    return _above_lowest(series, needed) or _above_lowest(series, critical())


def _sets_in(series: Series) -> bool:
    risen = _above_lowest(series, critical(len(series)))
    if risen is None:
        return False
    return trend(series.since(risen.start).values).rising <= _CLEAR_TREND or _undone(series)


def _above_lowest(series: Series, needed: float) -> Rise | None:
    """How far the last block lies above the lowest, where that is sure and matters."""
    medians = series.blocks()
    if len(series) < FEWEST or len(medians) - 1 - (start := int(medians.argmin())) < BLOCK:
        return None
    errors = float(series.log().changes()[start])
    before, after = float(medians[start]), float(medians[-1])
    learned = float(series.values[0]) - before
    if errors < needed or after - before < _MATTERS * max(abs(before), learned):
        return None
    return Rise(start, series.lowest(start), series.typical(-1), errors, needed)


def _undone(series: Series) -> bool:
    """Whether from some epoch on, a block or more, all lie above each of the block or more before.

    In random order that is as rare as a clear trend.
    """
    highest_before = np.maximum.accumulate(series.values)[:-1]
    lowest_after = np.minimum.accumulate(series.values[::-1])[::-1][1:]
    return bool((lowest_after > highest_before)[BLOCK - 1 : len(series) - BLOCK].any())


def swings(
    series: Series,
    constant: float | None,
    *,
    sampling: bool = True,
    counts: Callable[[int], bool] = lambda _: True,
) -> float | None:
    """How far the value swings from epoch to epoch, where it goes nowhere; None where it is calm.

    Over the last epochs there is no trend, the direction changes at least every other time, and
    the typical swing exceeds both its standard error and a tenth of the scale of the loss: of the
    run's first value, or of what a constant answer reaches where that is less. Once it is known,
    it stands as long as the swing is as large and the value does not fall beyond doubt.

    Args:
        series: the loss of each epoch.
        constant: the loss of the best constant answer; None where it is not known.
        sampling: whether the swing must exceed the sampling error as well.
        counts: whether a swing may be found after so many epochs.
    """

    def at(count: int) -> float | None:
        return _swing(series.first(count), constant, sampling=sampling)

    def raised(count: int) -> bool:
        known, recent = series.first(count), series.first(count).last(WINDOW)
        if at(count) is None or falling(known) or not counts(count):
            return False
        return turning_points(recent.values) >= (WINDOW - 2) / 2

    def holds(count: int) -> bool:
        recent = series.first(count).last(WINDOW)
        return at(count) is not None and trend(recent.values).falling > _SURELY

    return None if raised_at(len(series), raised, holds) is None else at(len(series))


def _swing(series: Series, constant: float | None, *, sampling: bool) -> float | None:
    recent = series.last(WINDOW)
    if len(recent) < WINDOW:
        return None
    swing = median(np.abs(np.diff(recent.values)))
    # Half of all swings exceed their median: no correction for the number of epochs is needed.
    noise = critical() * median(recent.errors) * np.sqrt(2) if sampling else 0.0
    first = abs(float(series.values[0]))
    scale = first if constant is None else min(first, constant)
    return swing if swing > max(noise, _MATTERS * scale) else None


def motionless(series: Series) -> bool:
    """Whether the value has hardly changed since the first epoch."""
    if len(series) < FEWEST:
        return False
    return bool(np.ptp(series.values) <= _ROUNDING * abs(float(series.values[0])))


def unchanged(series: Series) -> bool:
    """Whether the value is still the same, but for rounding alone."""
    return bool(np.ptp(series.values) <= _ROUNDING_ALONE * abs(float(series.values[0])))


def falls_steadily(series: Series) -> bool:
    """Whether the value falls beyond doubt, and as fast lately as at the beginning."""
    if trend(series.values).falling > ALPHA:
        return False
    first, middle, last = (float(part.mean()) for part in np.array_split(series.values, 3))
    return middle - last >= _STEADY * (first - middle)


def falls_straight(series: Series) -> bool:
    """Whether the value falls along a straight line, as it does where the gradient stays the same.

    What wavers about a level, or has just come down to it, does not.
    """
    if not falls_steadily(series):
        return False
    line = float(np.corrcoef(series.values, np.arange(len(series)))[0, 1])
    return line < 0 and line**2 >= _STRAIGHT
