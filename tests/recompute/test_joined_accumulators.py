"""The rows of many batches, added at once, are what the batches are one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.recompute import Accumulator, accumulator
from lossmon.records import MetricSpec
from tests.recompute.batches import Array, sigmoid, softmax

BATCHES, ROWS, CLASSES = 6, 8, 4
RNG = np.random.default_rng(3)
SCORES: Array = RNG.normal(size=(BATCHES, ROWS, CLASSES)).astype(np.float32)
IDS: Array = RNG.integers(0, CLASSES, (BATCHES, ROWS))
BITS: Array = RNG.integers(0, 2, (BATCHES, ROWS, 1))
MULTICLASS = (np.eye(CLASSES)[IDS], softmax(SCORES))
BINARY = (BITS, sigmoid(SCORES[..., :1]))
REAL = (RNG.normal(size=SCORES.shape), SCORES)
METRICS: list[tuple[str, dict[str, Any], tuple[Array, Array]]] = [
    ("precision", {}, BINARY),
    ("recall", {"top_k": 2}, MULTICLASS),
    ("auc", {}, BINARY),
    ("auc", {"multi_label": True, "curve": "PR"}, MULTICLASS),
    ("precision_at_recall", {"recall": 0.4}, BINARY),
    ("f1_score", {"average": "macro"}, MULTICLASS),
    ("mean_io_u", {"num_classes": CLASSES}, (IDS, SCORES.argmax(-1))),
    ("root_mean_squared_error", {}, REAL),
    ("r2_score", {}, REAL),
    ("binary_accuracy", {}, BINARY),
    ("categorical_crossentropy", {}, MULTICLASS),
    ("pearson_correlation", {}, REAL),
]


def joined(stack: Array) -> Array:
    return stack.reshape(-1, *stack.shape[2:])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "config", "data"), METRICS)
def test_joined_rows_are_their_batches(
    name: str, config: dict[str, Any], data: tuple[Array, Array], weighted: bool
) -> None:
    weight = RNG.random((BATCHES, ROWS)).astype(np.float32) if weighted else None
    spec = MetricSpec(name, name, config)
    together, one_by_one = accumulator(spec), accumulator(spec)

    for _ in range(2):
        rows = None if weight is None else joined(weight)
        together.add(joined(data[0]), joined(data[1]), rows, batches=BATCHES)
        for index in range(BATCHES):
            own = None if weight is None else weight[index]
            one_by_one.add(data[0][index], data[1][index], own)

    np.testing.assert_allclose(together.value(), one_by_one.value(), rtol=1e-12)
    np.testing.assert_allclose(together.tolerance(), one_by_one.tolerance(), rtol=1e-9)


def test_a_mean_measures_its_drift_batch_by_batch() -> None:
    """A float32 total of equal batches drifts with their number, however they are added."""
    values = np.full((2000, 3, 1), 0.1, dtype=np.float32)
    zeros = np.zeros_like(values)

    def tolerance(batches: int) -> float:
        mine: Accumulator = accumulator(MetricSpec("m", "mean_absolute_error"))
        for rows in np.split(values, len(values) // batches):
            mine.add(joined(zeros[:batches]), joined(rows), batches=batches)
        return float(np.asarray(mine.tolerance()))

    assert tolerance(100) == pytest.approx(tolerance(1), rel=1e-9)
