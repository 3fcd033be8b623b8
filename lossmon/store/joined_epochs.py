"""The epochs of a distributed job: those of its ranks put together, where that has a meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lossmon.records import Verification

Row = Mapping[str, Any]

COLUMNS = (
    *("epoch", "split", "output", "n", "weight", "judged", "coverage", "status"),
    *("loss", "recomputed_loss", "accuracy", "recomputed_accuracy"),
)
"""What is needed of each rank's rows."""
_VALUES = COLUMNS[-4:]
_WORST: tuple[Verification, ...] = ("mismatch", "unverified", "verified")


def join_epochs(ranks: Sequence[Sequence[Row]], world_size: int) -> list[dict[str, Any]]:
    """Return loss and accuracy of a job's epochs, over the samples of all its ranks.

    A mean over several ranks is the mean of theirs, each by its number of samples. That is the mean
    over all samples for the loss, which lossmon weighs so within a rank too; for the accuracy where
    every sample counts the same number of elements, which weights and masks change.

    Args:
        ranks: the epoch rows of each rank.
        world_size: how many ranks the job has.

    Returns:
        A row of each epoch, split and output of which all ranks know the loss: "epoch", "split",
        "output", "n" (of all ranks), "loss", "recomputed_loss", "accuracy",
        "recomputed_accuracy" (None where it has no meaning, or a rank does not know it), "coverage"
        and "status", which is the worst of the ranks'.
    """
    found: dict[tuple[Any, ...], list[Row]] = {}
    for rows in ranks:
        for row in rows:
            found.setdefault((row["epoch"], row["split"], row["output"]), []).append(row)
    joined = (_joined(rows) for rows in found.values() if len(rows) == world_size)
    return [row for row in joined if any(row[name] is not None for name in _VALUES)]


def _joined(rows: Sequence[Row]) -> dict[str, Any]:
    first, seen = rows[0], [row["n"] or 0 for row in rows]
    recomputed = [n * row["coverage"] for n, row in zip(seen, rows, strict=True)]
    alike = _count_alike(rows)
    values = {
        "loss": _mean(rows, "loss", seen),
        "recomputed_loss": _mean(rows, "recomputed_loss", recomputed),
        "accuracy": _mean(rows, "accuracy", seen) if alike else None,
        "recomputed_accuracy": _mean(rows, "recomputed_accuracy", recomputed) if alike else None,
    }
    return {
        **{name: first[name] for name in ("epoch", "split", "output")},
        "n": sum(seen),
        **values,
        "coverage": sum(recomputed) / sum(seen) if sum(seen) else 0.0,
        "status": min((row["status"] for row in rows), key=_WORST.index),
    }


def _mean(rows: Sequence[Row], name: str, weights: Sequence[float]) -> float | None:
    if any(row[name] is None for row in rows) or not sum(weights):
        return None
    return sum(w * row[name] for w, row in zip(weights, rows, strict=True)) / sum(weights)


def _count_alike(rows: Sequence[Row]) -> bool:
    """Whether an accuracy counts as many elements of a sample on one rank as on another."""
    elements: list[float] = []
    for row in rows:
        judged = (row["n"] or 0) * row["coverage"]
        if row["weight"] != row["n"] or not row["judged"] or not judged:
            return False
        elements.append(row["judged"] / judged)
    return all(math.isclose(one, elements[0], rel_tol=1e-9) for one in elements)
