"""Precision, recall and their kin: shares of a confusion matrix at one or more thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lossmon.recompute.accumulator import SINGLE
from lossmon.recompute.layout import Float64Array
from lossmon.recompute.thresholds import Cells, ThresholdCounts

Thresholds = float | Sequence[float] | None


class Interval:
    """A value with the lowest and the highest that rounding allows it to be."""

    def __init__(self, value: Float64Array, low: Float64Array, high: Float64Array) -> None:
        self.value, self.low, self.high = value, low, high

    def reach(self) -> Float64Array:
        """Return the greater distance from the value to either end."""
        return np.asarray(np.maximum(self.high - self.value, self.value - self.low))


def _ratio(above: Float64Array, below: Float64Array) -> Float64Array:
    return np.asarray(np.divide(above, below, out=np.zeros_like(below), where=below != 0.0))


def precisions(cells: Cells, relative: float) -> Interval:
    """Return what part of the predicted positives is positive, 0 where none is predicted."""
    least, most = cells.tp - cells.tp_down, cells.tp + cells.tp_up
    fewest, more = cells.fp - cells.fp_down, cells.fp + cells.fp_up
    value = _ratio(cells.tp, cells.tp + cells.fp)
    low = np.minimum(_ratio(least, least + more), value)
    high = np.maximum(_ratio(most, most + fewest), value)
    # Whole numbers are exact.
    slack = 2.0 * (relative + SINGLE.roundoff) if relative else 0.0
    return Interval(value, low * (1.0 - slack), high * (1.0 + slack))


def recalls(cells: Cells, relative: float) -> Interval:
    """Return what part of the positives is predicted: a doubt moves them within the positives."""
    return _within(cells.tp, cells.fn, cells.tp_up, cells.tp_down, relative)


def specificities(cells: Cells, relative: float) -> Interval:
    """Return what part of the negatives is predicted negative."""
    return _within(cells.tn, cells.fp, cells.fp_down, cells.fp_up, relative)


def _within(
    part: Float64Array, rest: Float64Array, up: Float64Array, down: Float64Array, relative: float
) -> Interval:
    whole = part + rest
    slack = 2.0 * (relative + SINGLE.roundoff) if relative else 0.0
    low, high = _ratio(part - down, whole), _ratio(part + up, whole)
    return Interval(_ratio(part, whole), low - slack, high + slack)


class ShareAccumulator:
    """A share of the confusion matrix (`keras.metrics.Precision`, `Recall`).

    Args:
        shares: which share.
        thresholds: one, or several for an array of values; 0.5 where None.
        top_k: how many of a row's scores count; all of them are then positive.
        class_id: the only class that is looked at.
    """

    def __init__(
        self,
        shares: Callable[[Cells, float], Interval],
        *,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        self._shares = shares
        cuts = as_list(thresholds, 0.5 if top_k is None else -1e10)
        self._alone = len(cuts) == 1
        self._counts = ThresholdCounts(cuts, top_k=top_k, class_id=class_id)

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,  # noqa: ARG002  # Keras does not heed it here.
        *,
        batches: int = 1,
    ) -> None:
        """Take in one batch, or several."""
        self._counts.add(y_true, y_pred, sample_weight, batches)

    def value(self) -> float | Float64Array:
        """Return the share at each threshold, a number for one; 0 where there is nothing."""
        return self._shown(self._found().value)

    def tolerance(self) -> float | Float64Array:
        """Bound its error: near ties either way, rounding."""
        found = self._found()
        return self._shown(found.reach() + 2.0 * SINGLE.roundoff * found.value)

    def _found(self) -> Interval:
        return self._shares(self._counts.cells(), self._counts.relative_error())

    def _shown(self, values: Float64Array) -> float | Float64Array:
        return float(values[0, 0]) if self._alone else values[0]


def counted(name: str) -> Callable[[Cells, float], Interval]:
    """Return the function that reads one cell of the confusion matrix: "tp", "fp", "fn", "tn"."""

    def read(cells: Cells, relative: float) -> Interval:
        value: Float64Array = getattr(cells, name)
        up, down, whole = cells.fp_up, cells.fp_down, cells.fp + cells.tn
        if name in ("tp", "fn"):
            up, down, whole = cells.tp_up, cells.tp_down, cells.tp + cells.fn
        if name in ("fn", "tn"):
            # Keras may subtract what is above from the whole.
            up, down, rounding = down, up, relative * np.abs(whole)
        else:
            rounding = relative * np.abs(value)
        return Interval(value, value - down - rounding, value + up + rounding)

    return read


class ConstrainedAccumulator:
    """The best of one share where another is high enough (`keras.metrics.PrecisionAtRecall`, …).

    Args:
        best: the share that is maximised over the thresholds.
        constrained: the share that must reach `value`.
        value: what it must reach.
        num_thresholds: evenly spread over [0, 1]; a single one is 0.5.
        class_id: the only class that is looked at.
    """

    def __init__(
        self,
        best: Callable[[Cells, float], Interval],
        constrained: Callable[[Cells, float], Interval],
        value: float,
        *,
        num_thresholds: int = 200,
        class_id: int | None = None,
    ) -> None:
        self._best, self._constrained = best, constrained
        self._floor = np.float32(value)
        cuts = [0.5] if num_thresholds == 1 else list(np.linspace(0.0, 1.0, num_thresholds))
        self._counts = ThresholdCounts(cuts, class_id=class_id)

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,  # noqa: ARG002  # Keras does not heed it here.
        *,
        batches: int = 1,
    ) -> None:
        """Take in one batch, or several."""
        self._counts.add(y_true, y_pred, sample_weight, batches)

    def value(self) -> float:
        """Return the best share; 0 where no threshold is good enough."""
        best, constrained = self._found()
        return self._highest(best.value, constrained.value)

    def tolerance(self) -> float:
        """Bound its error: thresholds that may or may not be good enough, the shares' own."""
        best, constrained = self._found()
        value = self._highest(best.value, constrained.value)
        low = self._highest(best.low, constrained.low)
        high = self._highest(best.high, constrained.high)
        return max(high - value, value - low) + 2.0 * SINGLE.roundoff * value

    def _found(self) -> tuple[Interval, Interval]:
        cells, relative = self._counts.cells(), self._counts.relative_error()
        return self._best(cells, relative), self._constrained(cells, relative)

    def _highest(self, best: Float64Array, constrained: Float64Array) -> float:
        # Keras compares quotients in float32: 4 / 5 is not less than 0.8 there.
        feasible = constrained.astype(np.float32) >= self._floor
        return float(np.where(feasible, best, 0.0).max(initial=0.0))


def as_list(value: Any, default: float) -> list[float]:
    """Return one threshold or several as a list."""
    if value is None:
        return [default]
    return list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]
