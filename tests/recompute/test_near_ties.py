from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.recompute import MetricValue, evaluate_metric
from lossmon.records import MetricSpec

HALF = np.float32(0.5)
NEXT = np.nextafter(HALF, np.float32(1.0))


def judged(name: str, y_true: Any, y_pred: Any, **arguments: Any) -> MetricValue:
    spec = MetricSpec(name, name, arguments)
    return evaluate_metric(spec, np.array(y_true), np.array(y_pred, dtype=np.float32))


@pytest.mark.parametrize(
    ("prediction", "near_ties"), [(HALF, 1), (NEXT, 1), (0.5001, 0), (0.4999, 0), (np.nan, 1)]
)
def test_threshold(prediction: float, near_ties: int) -> None:
    value = judged("binary_accuracy", [[1], [1]], [[0.9], [prediction]])

    assert value.near_ties == near_ties
    assert value.agrees(value.value + 0.5 * near_ties)
    assert not value.agrees(value.value + 0.5 * near_ties + 0.01)


@pytest.mark.parametrize(
    ("label", "scores", "near_ties"),
    [
        (0, [HALF, HALF, 0.0], 1),
        (1, [HALF, NEXT, 0.0], 1),
        (2, [HALF, NEXT, 0.0], 0),
        (0, [0.5, 0.4, 0.1], 0),
    ],
)
@pytest.mark.parametrize("name", ["sparse_categorical_accuracy", "categorical_accuracy"])
@pytest.mark.parametrize("weak", [0, 200], ids=["few classes", "many classes"])
def test_rivals(name: str, label: int, scores: list[float], near_ties: int, weak: int) -> None:
    scores = [*scores, *[-1.0] * weak]
    labels = [label] if name.startswith("sparse") else [np.eye(len(scores))[label]]
    certain = [1.0, *[0.0] * (len(scores) - 1)]

    assert judged(name, labels * 2, [scores, certain]).near_ties == near_ties


@pytest.mark.parametrize(
    ("k", "scores", "near_ties"),
    [
        (1, [HALF, HALF, 0.1], 1),
        (1, [HALF, NEXT, 0.1], 1),
        (2, [HALF, NEXT, 0.1], 0),
        (2, [HALF, HALF, HALF], 1),
        (1, [0.5, 0.6, 0.1], 0),
    ],
)
def test_rank(k: int, scores: list[float], near_ties: int) -> None:
    value = judged("sparse_top_k_categorical_accuracy", [0], [scores], k=k)

    assert value.near_ties == near_ties


def test_exact_match_one_rounding_away() -> None:
    value = judged("accuracy", [0.5, 0.5, 0.5], [HALF, NEXT, 0.6])

    assert (value.total, value.near_ties) == (1.0, 1)


def test_weights_of_near_ties_widen_the_tolerance() -> None:
    spec = MetricSpec("accuracy", "binary_accuracy")
    scores = np.array([[0.9], [0.5]], dtype=np.float32)

    value = evaluate_metric(spec, np.ones((2, 1)), scores, sample_weight=[3.0, 1.0])

    assert (value.value, value.near_ties) == (0.75, 1)
    assert value.agrees(1.0)
    assert not value.agrees(0.49)
