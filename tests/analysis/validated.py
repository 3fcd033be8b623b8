"""Runs that were validated on data of their own, or on the same, as comparisons are given them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossmon.analysis import Weighing, weigh
from lossmon.records import SampleRecord, SampleSet
from tests.analysis.trained import OUTPUT, recorded


def run(
    name: str, labels: Any, *, sure: float = 2.0, first: int = 0, **config: Any
) -> dict[str, Any]:
    """A run whose predictions are right the more often the surer they are."""
    rng = np.random.default_rng(len(name) + first)
    share = 1 / (1 + np.exp(-sure * (2 * labels - 1) + rng.normal(size=labels.size)))
    row = recorded(1, "val", np.stack([1 - share, share], axis=1), labels)
    row |= {"baselines": counted(labels), "accuracy": row["correct"] / labels.size}
    keys = np.arange(labels.size, dtype=np.uint64) + np.uint64(first)
    losses = -np.log(np.where(labels == 1, share, 1 - share))
    sure_of = np.maximum(share, 1 - share).astype(np.float32)
    place = (1, "val", None, losses.astype(np.float32))
    predicted = (share > 0.5).astype(np.int64)
    samples = SampleRecord(
        *place, predicted == labels, sure_of, predicted, SampleSet(keys, "inputs", labels)
    )
    return {
        "id": name,
        "name": name,
        "status": "finished",
        "config": config,
        "findings": [],
        "model": None,
        "environment": {},
        "outputs": [OUTPUT],
        "epochs": [row],
        "samples": samples,
    }


def counted(labels: Any) -> dict[str, Any]:
    shares = np.bincount(labels) / labels.size
    return {
        "rows": labels.size,
        "majority_accuracy": float(shares.max()),
        "majority_class": int(shares.argmax()),
        "label_entropy": float(-(shares * np.log(shares)).sum()),
    }


def drawn(seed: int, count: int = 400, share: float = 0.5) -> Any:
    return (np.random.default_rng(seed).random(count) < share).astype(np.int64)


def weighed(*runs: dict[str, Any], sampled: bool = True) -> Weighing:
    known = {document["id"]: document["samples"] for document in runs}
    names = [document["name"] for document in runs]
    (found,) = weigh(runs, names, (lambda name, *_: known[name]) if sampled else None)
    return found
