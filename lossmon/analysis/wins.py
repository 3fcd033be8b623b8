"""Which of two models is better on more samples, over all of them and class by class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lossmon.analysis.intervals import holm, sign_test
from lossmon.analysis.measured import Samples
from lossmon.analysis.noise import Floats


class Wins(NamedTuple):
    """Two models against one another, sample by sample.

    Attributes:
        label: class of the samples; None for all of them.
        samples: how many.
        first, second: on how many the one, or the other has the smaller loss.
        only_first, only_second: how many only the one, or only the other predicts right.
        loss: mean loss of the first minus that of the second.
        p_value: chance of so unequal numbers of wins where none is better (sign test), corrected
            by Holm's method for all classes looked at.
        decisive: how few samples, of those on which the one of smaller mean is better, outweigh all
            on which the other is; 0 where the means are equal or not finite.
    """

    label: int | None
    samples: int
    first: int
    second: int
    only_first: int
    only_second: int
    loss: float
    p_value: float
    decisive: int


def count_wins(first: Samples, second: Samples) -> list[Wins]:
    """Count on which samples each of two models is better: all first, then each class.

    Args:
        first: the samples under one model.
        second: the same samples in the same order under the other; their classes are those of the
            first. Where either knows no right or wrong, none is right alone.

    Returns:
        Numbers of samples: of all first, then of each class that both know, by id.
    """
    whole = _counted(None, first, second)
    if first.labels is None:
        return [whole]
    places = {label: np.flatnonzero(first.labels == label) for label in np.unique(first.labels)}
    classes = [
        _counted(int(label), first.at(place), second.at(place)) for label, place in places.items()
    ]
    raised = holm([one.p_value for one in classes]).tolist()
    return [whole, *(c._replace(p_value=p) for c, p in zip(classes, raised, strict=True))]


def _counted(label: int | None, first: Samples, second: Samples) -> Wins:
    apart = first.loss - second.loss
    one, two = int((apart < 0).sum()), int((apart > 0).sum())
    return Wins(
        label,
        apart.size,
        one,
        two,
        _only(first, second),
        _only(second, first),
        float(apart.mean()),
        sign_test(one, two),
        _decisive(apart),
    )


def _only(one: Samples, other: Samples) -> int:
    """How many samples only the one predicts right."""
    if one.correct is None or other.correct is None:
        return 0
    return int((one.correct & ~other.correct).sum())


def _decisive(apart: Floats) -> int:
    mean = float(apart.mean()) if apart.size else 0.0
    if not mean or not np.isfinite(mean):
        return 0
    gains = -apart if mean < 0 else apart
    largest = np.sort(gains[gains > 0])[::-1]
    return int(np.searchsorted(np.cumsum(largest), -gains[gains < 0].sum(), side="right")) + 1
