"""The time axis of a run: the same training counted in steps, epochs, samples or by the clock.

Each is a piecewise linear function of the step, known where epochs end; so whatever a chart shows
lies on one axis, and a zoom on it is a range of steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

AxisName = Literal["step", "epoch", "time", "samples"]
Row = Mapping[str, Any]

AXIS_COLUMNS = ("epoch", "split", "step", "n", "time")
"""The columns of epoch rows that an axis is made of."""

_UNITS = (("seconds", 1.0, 180.0), ("minutes", 60.0, 10_800.0), ("hours", 3600.0, 259_200.0))
_DAYS = ("days", 86_400.0)


class TimeAxis(NamedTuple):
    """What the common axis counts.

    Attributes:
        name: which.
        title: what is written at it.
        steps: where places are known, ascending.
        places: these places.
    """

    name: AxisName
    title: str
    steps: tuple[float, ...] = ()
    places: tuple[float, ...] = ()

    def places_of(self, steps: Iterable[float]) -> list[float]:
        """Where steps lie; beyond what is known it goes on as in the end."""
        wanted = np.asarray(list(steps), dtype=np.float64)
        if self.name == "step" or len(self.steps) < 2:
            return wanted.tolist()
        return _along(wanted, self.steps, self.places).tolist()

    def place_of(self, step: float) -> float:
        """Where one step lies."""
        return self.places_of([step])[0]

    @property
    def pointer(self) -> str:
        """What the pointer is told of a place, as plotly takes it."""
        unit = self.title.partition(" ")[0]
        return {
            "step": "step %{x:,.0f}",
            "epoch": "epoch %{x:.2~f}",
            "samples": "%{x:,.0f} training samples",
            "time": f"%{{x:.4~g}} {unit}",
        }[self.name]

    def batches_of(self, steps: Sequence[int]) -> list[str]:
        """What steps are called: on an axis of epochs epoch and batch, from 1, where known."""
        if self.name != "epoch" or len(self.steps) < 2:
            return [f"step {step:,}" for step in steps]
        wanted = np.asarray(steps, dtype=np.int64)
        before = np.clip(np.searchsorted(self.steps, wanted) - 1, 0, len(self.steps) - 2)
        ends, places = np.asarray(self.steps), np.asarray(self.places)
        # Only behind the end of an epoch, and within the one that follows it, it is known which.
        whole = (places[before] % 1 == 0) & (places[before + 1] - places[before] <= 1)
        batches = (wanted - ends[before]).astype(np.int64)
        epochs = places[before].astype(np.int64) + 1
        return [
            f"epoch {epoch:,}, batch {batch:,}" if known else f"step {step:,}"
            for epoch, batch, step, known in zip(
                epochs.tolist(), batches.tolist(), wanted.tolist(), whole.tolist(), strict=True
            )
        ]

    def step_of(self, place: float) -> float:
        """The step that lies at a place: the inverse."""
        if self.name == "step" or len(self.steps) < 2:
            return place
        return float(_along(np.array([place]), self.places, self.steps)[0])


STEPS = TimeAxis("step", "training step")


def _along(wanted: Any, known: Sequence[float], values: Sequence[float]) -> Any:
    """Interpolation that goes on beyond both ends as it was before them."""
    found = np.interp(wanted, known, values)
    for end, inner, beyond in ((0, 1, wanted < known[0]), (-1, -2, wanted > known[-1])):
        run = known[end] - known[inner]
        slope = (values[end] - values[inner]) / run if run else 0.0
        found = np.where(beyond, values[end] + slope * (wanted - known[end]), found)
    return found


def epoch_axis(epochs: Sequence[Row], steps_an_epoch: float | None = None) -> TimeAxis:
    """Count epochs: 1 where the first has ended.

    Args:
        epochs: epoch rows with `AXIS_COLUMNS`.
        steps_an_epoch: how many steps are planned for an epoch; None where that is not known.
    """
    knots = [(row["step"], row["epoch"] + 1.0) for row in _ends(epochs)]
    return _axis("epoch", "epoch", knots, steps_an_epoch and 1.0 / steps_an_epoch)


def sample_axis(epochs: Sequence[Row], batch_size: float | None = None) -> TimeAxis:
    """Count the samples that the model was trained on.

    Args:
        epochs: epoch rows with `AXIS_COLUMNS`.
        batch_size: samples of a batch, for an epoch that has not ended; None: as before it.
    """
    ends = _ends(epochs)
    totals = np.cumsum([row["n"] or 0 for row in ends], dtype=np.float64).tolist()
    knots = [(row["step"], total) for row, total in zip(ends, totals, strict=True)]
    return _axis("samples", "training samples seen", knots, batch_size)


def clock_axis(
    times: Sequence[tuple[float, float]], started: float, when: str | None = None
) -> TimeAxis:
    """Count the time since a run began, pauses included, in a unit that fits.

    Args:
        times: steps and when they were made, Unix seconds, ascending.
        started: when the run began, Unix seconds.
        when: the same in words.
    """
    longest = max((time - started for _, time in times), default=0.0)
    unit, seconds = next(((u, s) for u, s, most in _UNITS if longest <= most), _DAYS)
    knots = [(step, (time - started) / seconds) for step, time in times]
    title = f"{unit} since the start" + (f", {when}" if when else "")
    return _axis("time", title, knots, None)


def _ends(epochs: Sequence[Row]) -> list[Row]:
    split = "train" if any(row["split"] == "train" for row in epochs) else "val"
    return sorted((row for row in epochs if row["split"] == split), key=lambda row: row["step"])


def _axis(
    name: AxisName, title: str, knots: Sequence[tuple[float, float]], rate: float | None
) -> TimeAxis:
    """An axis through some places that begins with 0 before the first step."""
    known = {-1.0: 0.0} | {float(step): float(place) for step, place in knots if step > -1}
    if rate is not None:
        # What has not ended goes on as planned.
        last = max(known)
        known[last + 1.0] = known[last] + rate
    steps = sorted(known)
    # Interpolation back from places to steps needs places that never fall.
    places = np.maximum.accumulate([known[step] for step in steps]).tolist()
    return TimeAxis(name, title, tuple(steps), tuple(places))
