"""Runs whose loss is no finite number at their end: they are compared at an earlier epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lossmon.analysis.eligible import Eligible
from lossmon.analysis.history import Row


class Lost(NamedTuple):
    """A run that ended with a loss that is not finite.

    Attributes:
        name: how it is called.
        epoch: at which it is compared, from 0.
        last: its last epoch, from 0.
    """

    name: str
    epoch: int
    last: int


def lost(one: Eligible, documents: Sequence[Row]) -> Iterator[Lost]:
    """Find the runs of a comparison that ended so.

    Args:
        one: runs that can be compared.
        documents: all runs, as `Store.run` gives them.
    """
    for place, epochs in zip(one.places, one.epochs, strict=True):
        rows = [
            row
            for row in documents[place]["epochs"]
            if (row["split"], row["output"]) == (one.split, one.output)
        ]
        last = max(rows, key=lambda row: row["epoch"])
        loss, compared = last["loss"], epochs[-1]
        if loss is not None and not math.isfinite(loss) and compared.epoch is not None:
            yield Lost(compared.name, compared.epoch, last["epoch"])


def lost_words(one: Lost) -> str:
    """Return at which epoch a run is compared, and why, in a sentence."""
    return (
        f"{one.name} is compared at epoch {one.epoch + 1} of {one.last + 1}: "
        "its last loss is not a finite number."
    )
