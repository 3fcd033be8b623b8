"""Curves whose points stand for several batches: a mean, and a band from least to greatest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from lossmon.analysis import exponential_average
from lossmon.store import Spans
from lossmon_dashboard.figures.axis import TimeAxis
from lossmon_dashboard.figures.lines import Line
from lossmon_dashboard.figures.saved import saved_as
from lossmon_dashboard.theme import faint
from lossmon_dashboard.wording import number, numbers

Floats = npt.NDArray[np.float64]
SpansOfBatches = Mapping[str, Spans]

BAND = "train, least to greatest batch"
SAMPLES = "n"
"""The column of batches that tells how many samples each has."""


class Spanned(NamedTuple):
    """A curve of batches.

    Attributes:
        line: the mean of each span, or each batch where spans are one batch.
        band: least and greatest value of each span; None where spans are one batch.
    """

    line: Line
    band: tuple[tuple[float | None, ...], tuple[float | None, ...]] | None


class Filling(NamedTuple):
    """How many samples batches have, against a full one: the last of an epoch may have fewer.

    Attributes:
        samples: of a batch of each span, on average; NaN where it is not known.
        full: of the largest batch; None where that is not known.
    """

    samples: Floats
    full: float | None

    @classmethod
    def of(cls, spans: Spans, batches: SpansOfBatches, full: float | None) -> Filling:
        """That of some spans, looked up in those of the column `SAMPLES`."""
        samples, known = np.full(len(spans.first_step), math.nan), batches.get(SAMPLES)
        if known is not None and len(known.first_step):
            last = len(known.first_step) - 1
            at = np.searchsorted(known.first_step, spans.first_step).clip(max=last)
            found = known.first_step[at] == spans.first_step
            samples[found] = known.mean[at][found]
        return cls(samples, full)

    @property
    def shares(self) -> Floats:
        """How much of a full batch a batch of each span is; 1 where that is not known."""
        if not self.full:
            return np.ones(len(self.samples))
        return np.nan_to_num(self.samples / self.full, nan=1.0)

    @property
    def words(self) -> list[str]:
        """What is said of each batch that is not full; empty of others."""
        full = self.full or 0.0
        return [
            f", {n:,.0f} of {full:,.0f} samples" if n < full else "" for n in self.samples.tolist()
        ]


def full_batch(batches: SpansOfBatches) -> float | None:
    """How many samples the largest batch has; None where that is not known."""
    known = batches.get(SAMPLES)
    return None if known is None or not len(known.high) else float(known.high.max())


def one_span(size: int) -> Spans:
    """One span of so many batches whose value is 0."""
    whole, value = np.zeros(1, np.int64), np.zeros(1)
    ends = {"first_step": whole, "last_step": whole + size - 1, "odd_step": whole}
    values = dict.fromkeys(("mean", "low", "high", "odd"), value)
    return Spans(**ends, **values, count=whole + size, broken=whole, size=size)


def spanned_line(spans: Spans, axis: TimeAxis, filling: Filling, *, single: bool) -> Spanned:
    """The curve of some batches, with all that sticks out of it; a band unless `single`."""
    name = "train, each batch" if single else "train, mean of batches"
    places = _places(spans, axis, single=single)
    hover = _hover(spans, axis, filling, single=single)
    line = Line(name, places, _finite(spans.mean), hover, _lost(spans, axis))
    return Spanned(line, None if single else (_finite(spans.low), _finite(spans.high)))


def smoothed_line(
    spans: Spans,
    axis: TimeAxis,
    filling: Filling,
    over: int,
    before: tuple[float | None, float] = (None, 0.0),
    *,
    single: bool,
) -> Line:
    """The exponential moving average over about so many batches, see `moving_average`."""
    smooth = moving_average(spans, filling, over, before)
    name = f"train, moving average over {over} batches"
    hover = tuple(f"{value} · average" for value in numbers(smooth.tolist()))
    return Line(name, _places(spans, axis, single=single), _finite(smooth), hover)


def moving_average(
    spans: Spans, filling: Filling, over: int, before: tuple[float | None, float] = (None, 0.0)
) -> Floats:
    """The exponential moving average over about so many full batches, debiased.

    A batch that has fewer samples counts for as much less.

    Args:
        spans: batches.
        filling: how many samples they have.
        over: over about how many of them.
        before: the average up to them, and of how many full batches it is: where it goes on.
    """
    (average, count), counts = before, spans.count * filling.shares
    if average is None:
        return exponential_average(spans.mean, counts, span=over)
    # A first value of that many batches puts the average exactly where it was.
    means, counts = np.append(average, spans.mean), np.append(count, counts)
    return exponential_average(means, counts, span=over)[1:]


def draw_band(spanned: Spanned, colour: str) -> list[go.Scatter]:
    """The band as two traces, to be drawn below its line."""
    if spanned.band is None:
        return []
    edge: dict[str, Any] = {
        "x": spanned.line.x,
        "mode": "lines",
        "line": {"width": 0.5, "color": faint(colour, 0.35)},
        "hoverinfo": "skip",
        "name": BAND,
        "legendgroup": BAND,
    }
    low, high = spanned.band
    filled = {"fill": "tonexty", "fillcolor": faint(colour, 0.2)}
    return [
        saved_as(go.Scatter(y=low, showlegend=False, **edge), line="train, least batch"),
        saved_as(
            go.Scatter(y=high, showlegend=True, **filled, **edge), line="train, greatest batch"
        ),
    ]


def _places(spans: Spans, axis: TimeAxis, *, single: bool) -> tuple[float, ...]:
    if single:
        return tuple(axis.places_of(spans.first_step.tolist()))
    return tuple(axis.places_of(((spans.first_step + spans.last_step) / 2).tolist()))


def _finite(values: Floats) -> tuple[float | None, ...]:
    if np.isfinite(values).all():
        return tuple(values.tolist())
    return tuple(value if math.isfinite(value) else None for value in values.tolist())


def _lost(spans: Spans, axis: TimeAxis) -> tuple[tuple[float, str], ...]:
    odd = spans.broken > 0
    places = axis.places_of(spans.odd_step[odd].tolist())
    kinds = (number(value) for value in spans.odd[odd].tolist())
    return tuple(zip(places, kinds, strict=True))


def _hover(spans: Spans, axis: TimeAxis, filling: Filling, *, single: bool) -> tuple[str, ...]:
    first = spans.first_step.tolist()
    if single:
        values = np.where(np.isnan(spans.mean), spans.odd, spans.mean)
        told = zip(numbers(values.tolist()), axis.batches_of(first), filling.words, strict=True)
        return tuple(f"{value} · {batch}{samples}" for value, batch, samples in told)
    values = (numbers(part.tolist()) for part in (spans.mean, spans.low, spans.high))
    return tuple(
        f"{mean} · mean of steps {first:,}–{last:,}, {low} to {high}"
        for first, last, mean, low, high in zip(
            first, spans.last_step.tolist(), *values, strict=True
        )
    )
