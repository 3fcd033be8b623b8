"""What it takes to recompute the losses of many batches at once, and one by one."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from lossmon.recompute import evaluate_loss, evaluate_losses
from lossmon.records import LossSpec

BATCHES, ROWS, CLASSES = 64, 32, 10
REPEATS = 15

_rng = np.random.default_rng(0)
_SHAPE = (BATCHES, ROWS, CLASSES)
LOGITS = _rng.normal(size=_SHAPE).astype(np.float32)
_POWERS = np.exp(LOGITS)
PROBABILITIES = _POWERS / _POWERS.sum(axis=-1, keepdims=True)
IDS = _rng.integers(0, CLASSES, (BATCHES, ROWS))
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[IDS]

CASES = (
    (LossSpec("sparse_categorical_crossentropy"), IDS, PROBABILITIES),
    (LossSpec("sparse_categorical_crossentropy", {"from_logits": True}), IDS, LOGITS),
    (LossSpec("categorical_crossentropy"), ONE_HOT, PROBABILITIES),
    (LossSpec("binary_crossentropy"), ONE_HOT, PROBABILITIES),
    (LossSpec("categorical_focal_crossentropy"), ONE_HOT, PROBABILITIES),
    (LossSpec("kl_divergence"), ONE_HOT, PROBABILITIES),
    (LossSpec("mean_squared_error"), ONE_HOT, LOGITS),
    (LossSpec("mean_absolute_error"), ONE_HOT, LOGITS),
    (LossSpec("huber"), ONE_HOT, LOGITS),
    (LossSpec("poisson"), ONE_HOT, PROBABILITIES),
    (LossSpec("hinge"), ONE_HOT, LOGITS),
    (LossSpec("cosine_similarity"), ONE_HOT, LOGITS),
)


def report(console: Console) -> None:
    """Measure all cases and print them."""
    made = Table(
        *("loss", "at once", "one by one"),
        title=f"{BATCHES} batches of {ROWS} × {CLASSES}, microseconds a batch",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for spec, y_true, y_pred in CASES:
        at_once = _microseconds(lambda s=spec, t=y_true, p=y_pred: evaluate_losses(s, t, p))
        apart = _microseconds(
            lambda s=spec, t=y_true, p=y_pred: [
                evaluate_loss(s, true, pred) for true, pred in zip(t, p, strict=True)
            ]
        )
        name = f"{spec.name}{', logits' if spec.config else ''}"
        made.add_row(name, f"{at_once:.1f}", f"{apart:.1f}")
    console.print(made)


def _microseconds(call: Callable[[], Any]) -> float:
    """Median time of a call, for one of its batches."""
    call()
    return statistics.median(timeit.repeat(call, number=1, repeat=REPEATS)) / BATCHES * 1e6
