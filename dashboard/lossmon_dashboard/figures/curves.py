"""The curves of a training, loss and accuracy, as data: what the chart of a run is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from lossmon.records import Split
from lossmon_dashboard.figures.axis import TimeAxis
from lossmon_dashboard.figures.history_view import (
    PREFIX,
    HistoryView,
    Measure,
    Value,
    batch_column,
)
from lossmon_dashboard.figures.lines import Line, epoch_line
from lossmon_dashboard.figures.spanned import (
    Filling,
    Spanned,
    SpansOfBatches,
    full_batch,
    smoothed_line,
    spanned_line,
)

Row = Mapping[str, Any]
BATCHES = ("batch", "smooth")
"""The kinds of curves that are made of batches."""

_SUFFIX: dict[Value, str] = {
    "recomputed": "",
    "own": " as Keras computed",
    "reported": " as printed",
}


class Curve(NamedTuple):
    """A line, of which split, and of what."""

    line: Line
    split: Split
    kind: Literal["batch", "smooth", "recomputed", "own", "reported", "intended"]

    @property
    def part(self) -> str:
        """What names it within its pane."""
        return self.kind if self.kind in BATCHES else f"{self.split}-{self.kind}"


class Pane(NamedTuple):
    """The curves of a measure; the batches once more with their band."""

    title: Measure
    spanned: Spanned | None
    curves: tuple[Curve, ...]


class HistoryInfo(NamedTuple):
    """All that is drawn."""

    panes: tuple[Pane, ...]
    log: bool


class Seen(NamedTuple):
    """How the batches of a measure are drawn, so that more of them can be added.

    Attributes:
        column: which column of the batch rows.
        single: whether as single batches, not as means within a band.
        average: their moving average so far; None where there is none.
        averaged: over how many full batches.
        full: how many samples the largest batch has; None where that is not known.
        verified: the splits that have epochs whose value was recomputed.
    """

    column: str
    single: bool
    average: float | None = None
    averaged: float = 0.0
    full: float | None = None
    verified: tuple[Split, ...] = ()


def get_history_info(
    epochs: Sequence[Row],
    batches: SpansOfBatches,
    view: HistoryView,
    axis: TimeAxis,
    seen: Mapping[Measure, Seen] | None = None,
) -> HistoryInfo:
    """What is drawn of some epochs and batches.

    Args:
        epochs: epoch rows of one output.
        batches: columns of training batches of the same output.
        view: what to show.
        axis: what the common axis counts.
        seen: how the batches before these are drawn; None where these are all.
    """
    drawn = seen or {
        measure: drawn_batches(measure, batches, view) for measure in get_args(Measure)
    }
    panes = (_pane(measure, epochs, batches, view, axis, seen=drawn[measure]) for measure in drawn)
    return HistoryInfo(tuple(pane for pane in panes if pane.curves), view.log)


def _pane(
    measure: Measure,
    epochs: Sequence[Row],
    batches: SpansOfBatches,
    view: HistoryView,
    axis: TimeAxis,
    *,
    seen: Seen,
) -> Pane:
    spanned, curves = None, list[Curve]()
    spans = batches[seen.column]
    if view.detail != "epochs" and len(spans.mean):
        filling = Filling.of(spans, batches, seen.full)
        spanned = spanned_line(spans, axis, filling, single=seen.single)
        curves.append(Curve(spanned.line, "train", "batch"))
        if view.smooth:
            before = seen.average, seen.averaged
            smooth = smoothed_line(spans, axis, filling, view.smooth, before, single=seen.single)
            curves.append(Curve(smooth, "train", "smooth"))
    return Pane(measure, spanned, (*curves, *_epoch_curves(epochs, measure, view, axis, seen=seen)))


def _epoch_curves(
    epochs: Sequence[Row],
    measure: Measure,
    view: HistoryView,
    axis: TimeAxis,
    *,
    seen: Seen,
) -> list[Curve]:
    if view.detail == "batches":
        return []
    curves: list[Curve] = []
    for split in get_args(Split):
        of = [row for row in epochs if row["split"] == split]
        places = axis.places_of([row["step"] for row in of])
        rows = [{**row, "place": place} for row, place in zip(of, places, strict=True)]
        for value in _values(view.value):
            known = split in seen.verified or split in verified_splits(of, measure)
            curves.append(_value_curve(rows, measure, split, value, known=known))
        if measure == "accuracy":
            line = _line(f"{split}, meant", rows, "intended_accuracy")
            curves.append(Curve(line, split, "intended"))
    return [curve for curve in curves if curve.line.x]


def _values(chosen: Value) -> tuple[Literal["recomputed", "own", "reported"], ...]:
    return ("reported", "own", "recomputed") if chosen == "all" else (chosen,)


def _value_curve(
    rows: Sequence[Row],
    measure: Measure,
    split: Split,
    value: Literal["recomputed", "own", "reported"],
    *,
    known: bool,
) -> Curve:
    column = PREFIX[value] + measure
    if value == "recomputed" and not known:
        name = f"{split}{_SUFFIX['own']} (not verified)"
        return Curve(_line(name, rows, measure), split, "own")
    return Curve(_line(split + _SUFFIX[value], rows, column), split, value)


def _line(name: str, rows: Sequence[Row], column: str) -> Line:
    return epoch_line(name, rows, column, axis="place")


def verified_splits(epochs: Iterable[Row], measure: Measure) -> set[Split]:
    """The splits that have epochs whose value was recomputed."""
    column = PREFIX["recomputed"] + measure
    return {row["split"] for row in epochs if row.get(column) is not None}


def drawn_batches(measure: Measure, batches: SpansOfBatches, view: HistoryView) -> Seen:
    """How the batches of a measure are drawn where none are yet."""
    wanted = batch_column(measure, view)
    column = wanted if len(batches[wanted].mean) else measure
    return Seen(column, batches[column].single, full=full_batch(batches))
