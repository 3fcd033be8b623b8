"""Divergence: spans of epochs in which loss and accuracy part ways, beyond what noise explains.

Loss should fall where accuracy rises. They part where both rise, where both fall, and where the
loss rises while the accuracy holds (within its error, or three points). A loss that falls while the
accuracy holds is ordinary learning, and a loss that rises while the accuracy falls is an ordinary
loss of skill: there both say the same.

A change counts where it exceeds the sampling error and the wobble from epoch to epoch together
(`lossmon.analysis.noise`), at a level that is divided by the number of spans looked at
(Bonferroni). In simulations of pure noise, white, heavy-tailed or with a memory of up to 0.5, at
most 4 % of the runs had an episode at `alpha` = 0.05; with a memory of 0.7 it was up to 11 % of the
runs of 200 epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.noise import Blocks, Changes, Floats, blocks, changes
from lossmon.errors import InvalidArgument

Kind = Literal["loss_rises", "both_rise", "both_fall"]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

FEWEST = 6
"""Epochs below which there are no two blocks to compare."""
SHARED = 0.7
"""Correlation of one sample's loss between two epochs that is taken for granted.

Between the epoch of the least validation loss and the last one it was 0.72 to 1.0 in multilayer
perceptrons overfitted to six data sets, with and without wrong labels.
"""

# Blocks that are compared with one another: of longer runs only so many.
_MOST_BLOCKS = 400
# An accuracy holds where it fell by fewer standard errors than this (one-sided 5 %, one look), or
# by less than three points.
_HELD_ERRORS, _HELD_POINTS = 1.645, 0.03
# Two-sided 95 %.
_NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Episode:
    """A span of epochs in which loss and accuracy part ways.

    Attributes:
        kind: "loss_rises" (the accuracy holds), "both_rise" or "both_fall".
        start: position of the epoch in which it sets in.
        end: position of the epoch that it lasts to, included.
        loss: smoothed loss at both ends.
        accuracy: smoothed accuracy at both ends, shares.
        strength: standard errors by which the loss changed.
        accuracy_margin: the change of the accuracy is known to this much up or down, 95 %.
        p_value: chance of an episode as clear as this in a run of pure noise, corrected for all
            spans looked at.
    """

    kind: Kind
    start: int
    end: int
    loss: tuple[float, float]
    accuracy: tuple[float, float]
    strength: float
    accuracy_margin: float
    p_value: float

    @property
    def length(self) -> int:
        """How many epochs it lasts."""
        return self.end - self.start + 1


def find_episodes(
    loss: npt.ArrayLike,
    loss_error: npt.ArrayLike,
    accuracy: npt.ArrayLike,
    accuracy_error: npt.ArrayLike,
    *,
    alpha: float = 0.05,
    shared: float = SHARED,
    smallest: float = 0.05,
) -> list[Episode]:
    """Find where loss and accuracy part ways.

    Args:
        loss: mean loss of each epoch, shape `(E,)`, on the same samples each time.
        loss_error: its standard error from the spread of the samples, shape `(E,)`.
        accuracy: share predicted right in each epoch, shape `(E,)`.
        accuracy_error: its standard error, shape `(E,)`.
        alpha: chance of any episode in a run of pure noise.
        shared: correlation of one sample's values between two epochs, 0 to 1.
        smallest: part of the loss by which it must change at least to be worth telling.

    Returns:
        Episodes that do not overlap, in the order of time. Epochs whose values are not finite are
        passed over.

    Raises:
        InvalidArgument: the series are not of one length.

    >>> loss = np.concatenate([np.linspace(1, 0.3, 10), np.linspace(0.3, 0.9, 20)])
    >>> loss += 0.004 * np.tile([1, -1, -1], 10)
    >>> held = np.full(30, 0.9)
    >>> [episode] = find_episodes(loss, np.full(30, 0.02), held, np.full(30, 0.01))
    >>> episode.kind, episode.end
    ('loss_rises', 29)
    """
    series = np.array(_rows(loss, loss_error, accuracy, accuracy_error))
    kept = np.flatnonzero(np.isfinite(series).all(axis=0))
    if len(kept) < FEWEST:
        return []
    search = _Search.of(series[:, kept], alpha, shared, smallest)
    found = [search.episode(choice) for choice in search.choices()]
    ordered = sorted(found, key=lambda episode: episode.start)
    return [_moved(episode, kept) for episode in _apart(ordered, search.size)]


def _rows(*series: npt.ArrayLike) -> list[Floats]:
    rows = [np.asarray(part, dtype=np.float64) for part in series]
    shapes = [row.shape for row in rows]
    if any(row.ndim != 1 for row in rows) or len(set(shapes)) > 1:
        raise InvalidArgument(
            "expected `loss`, `loss_error`, `accuracy` and `accuracy_error` of one shape (E,). "
            f"Received: {shapes}. Fix: give one value an epoch."
        )
    return rows


def _apart(episodes: Sequence[Episode], size: int) -> list[Episode]:
    """Leave out rises that follow one another: they are parts of one in which the accuracy fell."""
    left_out: set[int] = set()
    for place, (one, two) in enumerate(pairwise(episodes)):
        if one.kind == two.kind == "loss_rises" and two.start - one.end < size:
            left_out |= {place, place + 1}
    return [episode for place, episode in enumerate(episodes) if place not in left_out]


def _moved(episode: Episode, kept: Places) -> Episode:
    start, end = int(kept[episode.start]), int(kept[episode.end])
    return Episode(
        episode.kind,
        start,
        end,
        episode.loss,
        episode.accuracy,
        episode.strength,
        episode.accuracy_margin,
        episode.p_value,
    )


class _Choice(NamedTuple):
    kind: Kind
    span: int


class _Spans(NamedTuple):
    """All spans looked at: from which block to which, and what changed; shape `(S,)`."""

    first: Places
    last: Places
    loss: Changes
    accuracy: Changes


class _Search(NamedTuple):
    """The spans of one run, and which of them are episodes."""

    size: int
    loss: Blocks
    accuracy: Blocks
    logarithmic: bool
    spans: _Spans
    kinds: dict[Kind, Bools]
    looks: int

    @classmethod
    def of(cls, series: Floats, alpha: float, shared: float, smallest: float) -> _Search:
        loss, loss_error, accuracy, accuracy_error = series
        size = _block_size(loss.size)
        logarithmic = bool((loss > 0).all())
        if logarithmic:
            # Losses of all sizes compare by their ratios.
            loss, loss_error = np.log(loss), loss_error / loss
        of_loss, of_accuracy = (
            blocks(loss, loss_error, size),
            blocks(accuracy, accuracy_error, size),
        )
        first, last = _pairs(len(of_loss.medians), size)
        spans = _Spans(
            first,
            last,
            changes(of_loss, first, last, shared),
            changes(of_accuracy, first, last, shared),
        )
        # Each span is looked at for a rise and for a fall.
        looks = 2 * len(first)
        least = np.log1p(smallest) if logarithmic else smallest * float(np.abs(loss).mean())
        kinds = _kinds(spans, alpha / looks, least) if looks else {}
        return cls(size, of_loss, of_accuracy, logarithmic, spans, kinds, looks)

    def choices(self) -> list[_Choice]:
        """The clearest episode, then the clearest of those beside it, and so on."""
        strengths: dict[Kind, Floats] = {kind: self._strength(kind) for kind in self.kinds}
        found: list[_Choice] = []
        while strengths:
            clearest: list[tuple[float, Kind]] = [
                (float(clear.max()), kind) for kind, clear in strengths.items()
            ]
            strength, kind = max(clearest)
            span = int(strengths[kind].argmax())
            if strength <= 0.0:
                break
            found.append(_Choice(kind, span))
            start, end = self.spans.first[span], self.spans.last[span]
            beside = (self.spans.last <= start) | (self.spans.first >= end)
            strengths = {kind: clear * beside for kind, clear in strengths.items()}
        return found

    def _strength(self, kind: Kind) -> Floats:
        clear = np.abs(self.spans.loss.ratios)
        if kind != "loss_rises":
            clear = np.minimum(clear, np.abs(self.spans.accuracy.ratios))
        return np.where(self.kinds[kind], np.minimum(clear, 1e6), 0.0)

    def episode(self, choice: _Choice) -> Episode:
        """The episode of a span, its ends moved to where the loss leaves one level for another."""
        kind, span = choice
        first, last = int(self.spans.first[span]), int(self.spans.last[span])
        start, end = self._tightened(first, last)
        values = self.loss.medians[[start, end]]
        before, after = (np.exp(values) if self.logarithmic else values).tolist()
        tails = [self.spans.loss.tails(rising=kind != "both_fall")[span]]
        if kind != "loss_rises":
            tails.append(self.spans.accuracy.tails(rising=kind == "both_rise")[span])
        return Episode(
            kind,
            self._epoch(start),
            self._epoch(end),
            (before, after),
            (float(self.accuracy.medians[start]), float(self.accuracy.medians[end])),
            float(abs(self.spans.loss.ratios[span])),
            _NORMAL_95 * float(self.spans.accuracy.errors[span]),
            float(min(self.looks * max(tails), 1.0)),
        )

    def _tightened(self, first: int, last: int) -> tuple[int, int]:
        """Onset: the last block still at the level of the start; end: the first at the last one."""
        medians = self.loss.medians[first : last + 1]
        near = np.sqrt(2.0 * self.loss.noise)
        rising = medians[-1] >= medians[0]
        path = medians if rising else -medians
        start = int(np.flatnonzero(path <= path[0] + near)[-1])
        end = int(np.flatnonzero(path >= path[-1] - near)[0])
        return (first + start, first + end) if start < end else (first, last)

    def _epoch(self, block: int) -> int:
        """The epoch that a block stands for: its middle, or the end of the run."""
        if block == 0:
            return 0
        final = len(self.loss.medians) - 1
        return block + (self.size - 1 if block == final else self.size // 2)


def _block_size(epochs: int) -> int:
    """Longer runs have room for more smoothing, and more epochs that may stick out."""
    return 3 if epochs < 30 else 5 if epochs < 100 else 7


def _pairs(count: int, size: int) -> tuple[Places, Places]:
    """Blocks that share no epoch, two by two."""
    stride = -(-count // _MOST_BLOCKS)
    chosen = np.unique(np.append(np.arange(0, count, stride), count - 1))
    first, last = np.triu_indices(len(chosen), 1)
    first, last = chosen[first], chosen[last]
    apart = last - first >= size
    return first[apart], last[apart]


def _kinds(spans: _Spans, level: float, least: float) -> dict[Kind, Bools]:
    loss, accuracy = spans.loss, spans.accuracy
    loss_up = (loss.tails(rising=True) < level) & (loss.sizes >= least)
    loss_down = (loss.tails(rising=False) < level) & (loss.sizes <= -least)
    accuracy_up = accuracy.tails(rising=True) < level
    held = (accuracy.ratios > -_HELD_ERRORS) | (accuracy.sizes > -_HELD_POINTS)
    accuracy_down = accuracy.tails(rising=False) < level
    return {
        "loss_rises": loss_up & ~accuracy_up & held,
        "both_rise": loss_up & accuracy_up,
        "both_fall": loss_down & accuracy_down,
    }
