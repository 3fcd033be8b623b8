"""What the labels of a validation epoch come to: where they differ, so do the samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from lossmon.analysis.history import Row


class JudgedLabels(NamedTuple):
    """The labels of all samples of an epoch.

    Attributes:
        rows: how many there are.
        majority_class: the most frequent class; None of others than ids of classes.
        majority_accuracy: its share; None of real targets.
        label_entropy: in nats; None likewise.
    """

    rows: int
    majority_class: int | None = None
    majority_accuracy: float | None = None
    label_entropy: float | None = None

    def differ(self, other: JudgedLabels) -> bool:
        """Whether they are surely not the labels of the same samples.

        Args:
            other: those that another run was judged by.
        """
        known = zip(self, other, strict=True)
        return any(
            not math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)
            for one, two in known
            if one is not None and two is not None
        )


def judged_labels(row: Row) -> JudgedLabels | None:
    """Return what the labels of an epoch come to; None where not all of them were seen.

    Args:
        row: the epoch, with the fields of `EpochRecord`.
    """
    known = row.get("baselines")
    if row["split"] != "val" or not known or row["coverage"] < 1.0:
        return None
    return JudgedLabels(*(known.get(name) for name in JudgedLabels._fields))


def validated_apart(documents: Sequence[Row]) -> bool:
    """Return whether some two runs are known to be validated on samples that are not the same.

    Args:
        documents: the runs, as `Store.run` gives them.
    """
    last = [
        {row["output"]: judged_labels(row) for row in document["epochs"] if row["split"] == "val"}
        for document in documents
    ]
    outputs = dict.fromkeys(output for own in last for output in own)
    return any(any_differ(own.get(output) for own in last) for output in outputs)


def any_differ(labels: Iterable[JudgedLabels | None]) -> bool:
    """Return whether some two of them are surely not those of the same samples."""
    known = {own for own in labels if own is not None}
    return any(one.differ(two) for one, two in combinations(known, 2))
