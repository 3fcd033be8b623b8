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
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.noise import Blocks, Changes, Floats, blocks
from lossmon.analysis.paired import Paired
from lossmon.analysis.spans import Bools, Kind, Places, Series, Spans, block_size
from lossmon.errors import InvalidArgument

FEWEST = 6
"""Epochs below which there are no two blocks to compare."""
SHARED = 0.7
"""Correlation of one sample's loss between two epochs that is taken for granted.

Between the epoch of the least validation loss and the last one it was 0.72 to 1.0 in multilayer
perceptrons overfitted to six data sets, with and without wrong labels.
"""

# What makes less than this part of a change is its beginning or its tail.
_SMALL_PART = 0.25
# Two-sided 95 %.
_NORMAL_95 = 1.959964

Since = Literal["nothing", "stayed", "returned", "went on"]


@dataclass(frozen=True, slots=True)
class Episode:
    """A span of epochs in which loss and accuracy part ways.

    Attributes:
        kind: "loss_rises" (the accuracy holds), "both_rise" or "both_fall".
        start: position of the epoch in which it sets in: of those that the smoothed loss says, the
            one before its end whose loss lies farthest back.
        end: position of the epoch that it lasts to, included: the last one, unless the smoothed
            loss has stopped or turned, or the accuracy does otherwise.
        since: what the smoothed loss has done after that, till the last epoch: "nothing" where
            there is none, "stayed", "returned" or "went on".
        loss: the very loss of these two epochs.
        accuracy: smoothed accuracy at both ends, shares.
        strength: standard errors by which the loss changed.
        accuracy_margin: the change of the accuracy is known to this much up or down, 95 %.
        p_value: chance of an episode as clear as this in a run of pure noise, corrected for all
            spans looked at.
    """

    kind: Kind
    start: int
    end: int
    since: Since
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
    covariance: npt.ArrayLike | None = None,
    pairs: Paired | None = None,
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
        covariance: of mean loss and accuracy over draws of the samples, shape `(E,)`: with it, a
            rise of the loss is judged apart from what goes with the accuracy.
        pairs: how the errors of the epochs go together, where the samples are known one by one.
        alpha: chance of any episode in a run of pure noise.
        shared: correlation of one sample's values between two epochs, 0 to 1, without `pairs`.
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
    rows = np.array(_rows(loss, loss_error, accuracy, accuracy_error))
    kept = np.flatnonzero(np.isfinite(rows).all(axis=0))
    if len(kept) < FEWEST:
        return []
    unknown = np.full(rows.shape[1], np.nan)
    both = unknown if covariance is None else np.asarray(covariance, dtype=np.float64)
    series = Series.of(rows[:, kept], both[kept], None if pairs is None else pairs.of(kept))
    search = _Search.of(series, alpha, shared, smallest)
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
    """Leave out rises that follow one another: they are parts of one in which the accuracy fell.

    Of two of which one is small beside the other, only that one is left out.
    """
    left_out: set[int] = set()
    for place, (one, two) in enumerate(pairwise(episodes)):
        if one.kind == two.kind == "loss_rises" and two.start - one.end < size:
            smaller, larger = sorted((place, place + 1), key=lambda i: _change(episodes[i]))
            left_out.add(smaller)
            if _change(episodes[smaller]) > _SMALL_PART * _change(episodes[larger]):
                left_out.add(larger)
    return [episode for place, episode in enumerate(episodes) if place not in left_out]


def _change(episode: Episode) -> float:
    before, after = episode.loss
    return abs(after - before)


def _moved(episode: Episode, kept: Places) -> Episode:
    return replace(episode, start=int(kept[episode.start]), end=int(kept[episode.end]))


class _Choice(NamedTuple):
    kind: Kind
    span: int


class _Search(NamedTuple):
    """The spans of one run, and which of them are episodes."""

    size: int
    values: Floats
    loss: Blocks
    steadied: Blocks
    accuracy: Blocks
    logarithmic: bool
    spans: Spans
    kinds: dict[Kind, Bools]

    @classmethod
    def of(cls, series: Series, alpha: float, shared: float, smallest: float) -> _Search:
        size = block_size(series.loss.size)
        among = None if series.paired is None else series.paired.loss
        loss = blocks(series.loss, series.loss_error, size, among)
        # Whether an accuracy holds is judged by what so many samples show of any, paired or not:
        # else the least loss of skill would end the episode of a loss that doubles.
        accuracy = blocks(series.accuracy, series.accuracy_error, size)
        steadied = series.steadied(size) or loss
        spans = Spans.of(loss, steadied, accuracy, size, shared)
        small = smallest * float(np.abs(series.loss).mean())
        least = np.log1p(smallest) if series.logarithmic else small
        kinds = spans.kinds(alpha / spans.looks, least) if spans.looks else {}
        return cls(size, series.loss, loss, steadied, accuracy, series.logarithmic, spans, kinds)

    def choices(self) -> list[_Choice]:
        """The largest episode, then the largest of those beside it, and so on."""
        sizes: dict[Kind, Floats] = {kind: self._sizes(kind) for kind in self.kinds}
        found: list[_Choice] = []
        while sizes:
            largest: list[tuple[float, Kind]] = [
                (float(some.max()), kind) for kind, some in sizes.items()
            ]
            size, kind = max(largest)
            if size <= 0.0:
                break
            span = self._lasting(kind, sizes[kind])
            found.append(_Choice(kind, span))
            start, end = self.spans.first[span], self.spans.last[span]
            beside = (self.spans.last <= start) | (self.spans.first >= end)
            sizes = {kind: some * beside for kind, some in sizes.items()}
        return found

    def _lasting(self, kind: Kind, sizes: Floats) -> int:
        """The largest span; up to the run's last block where the loss has stayed at its level.

        That noise made an earlier block the farthest does not end an episode.
        """
        span = int(sizes.argmax())
        of = self._path_of(kind)
        first, last = int(self.spans.first[span]), int(self.spans.last[span])
        since = np.abs(of.medians[last:] - of.medians[last])
        whole = (self.spans.first == first) & (self.spans.last == len(of.medians) - 1) & (sizes > 0)
        return int(whole.argmax()) if whole.any() and (since <= of.wobbles).all() else span

    def _sizes(self, kind: Kind) -> Floats:
        """How much changes over each episode, in errors of a usual span.

        Not in its own: where the samples' errors are known, parts of a rise may be clearer than the
        whole.
        """
        size = self._judged_by(kind).usual_ratios()
        if kind != "loss_rises":
            size = np.minimum(size, self.spans.accuracy.usual_ratios())
        return np.where(self.kinds[kind], size, 0.0)

    def _judged_by(self, kind: Kind) -> Changes:
        """What the loss of such an episode is judged by."""
        return self.spans.steadied if kind == "loss_rises" else self.spans.loss

    def _path_of(self, kind: Kind) -> Blocks:
        """The smoothed loss that this is the change of."""
        return self.steadied if kind == "loss_rises" else self.loss

    def episode(self, choice: _Choice) -> Episode:
        """The episode of a span, its ends moved to where the loss leaves one level for another."""
        kind, span = choice
        path, rising = self._path_of(kind), kind != "both_fall"
        first, last = int(self.spans.first[span]), int(self.spans.last[span])
        start, end = _tightened(path, first, last, self.size)
        onset, until = self._ends(start, end, rising=rising)
        values = self.values[[onset, until]]
        before, after = (np.exp(values) if self.logarithmic else values).tolist()
        tails = [self._judged_by(kind).tails(rising=rising)[span]]
        if kind != "loss_rises":
            tails.append(self.spans.accuracy.tails(rising=kind == "both_rise")[span])
        return Episode(
            kind,
            onset,
            until,
            self._since(end, until, rising=rising),
            (before, after),
            (float(self.accuracy.medians[start]), float(self.accuracy.medians[end])),
            float(abs(self._judged_by(kind).ratios[span])),
            _NORMAL_95 * float(self.spans.accuracy.errors[span]),
            float(min(self.spans.looks * max(tails), 1.0)),
        )

    def _ends(self, start: int, end: int, *, rising: bool) -> tuple[int, int]:
        """The epochs that two blocks stand for, between which the loss itself moves the same way.

        The last one is the middle of its block, or the end of the run, unless that one sticks out.
        """
        climb = self.values if rising else -self.values
        last = len(self.loss.medians) - 1
        until = end + (self.size - 1 if end == last else self.size // 2)
        onset = start + int(climb[start : min(start + self.size, until)].argmin())
        if climb[until] <= climb[onset]:
            block = climb[end : end + self.size]
            until = end + int(np.argsort(block)[self.size // 2])
        return onset, until

    def _since(self, end: int, until: int, *, rising: bool) -> Since:
        """What the smoothed loss did from the end of an episode to that of the run."""
        change = self.loss.medians[-1] - self.loss.medians[end]
        if until == len(self.values) - 1:
            return "nothing"
        if abs(change) <= self.loss.wobbles:
            return "stayed"
        return "went on" if (change > 0) == rising else "returned"


def _tightened(of: Blocks, first: int, last: int, size: int) -> tuple[int, int]:
    """Onset: the last block still at the level of the start; end: where the movement stopped."""
    medians = of.medians[first : last + 1]
    path = medians if medians[-1] >= medians[0] else -medians
    start = int(np.flatnonzero(path <= path[0] + of.wobbles)[-1])
    end = int(np.flatnonzero(path >= path[-1] - of.wobbles)[0])
    if start >= end:
        return first, last
    stopped = _stopped(path, start, end, of.wobbles, size)
    return first + start, first + end if stopped else last


def _stopped(path: Floats, start: int, end: int, wobbles: float, size: int) -> bool:
    """Whether a rise is over where it first reaches its last level.

    It is where it rose less in the blocks after that than in as many before, by more than the
    wobble. Fewer blocks than share an epoch tell nothing.
    """
    later = len(path) - 1 - end
    before = path[end] - path[max(start, end - later)]
    return later >= size and bool(before - (path[-1] - path[end]) > wobbles)
