"""Runs with a known cause: small networks that are really trained, and recorded epoch by epoch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from lossmon import recompute

Row = dict[str, Any]
Arrays = tuple[Any, Any]
OUTPUT: Row = {
    "name": None,
    "loss": "sparse_categorical_crossentropy",
    "reduction": "sum_over_batch_size",
    "shape": [None, 2],
}
_BATCH = 64


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        rates: learning rate of each epoch.
        units: hidden units.
        dropout: share of the inputs hidden in training.
    """

    rates: tuple[float, ...]
    units: int = 64
    dropout: float = 0.0
    decay: float = 0.0


def task(
    seed: int, train: int, val: int, *, flip: float = 0.0, rare: float | None = None, **more: Any
) -> tuple[Arrays, Arrays]:
    """Data of two classes; a share of all labels is flipped, or one class is rare."""
    weights = None if rare is None else [1.0 - rare, rare]
    options: dict[str, Any] = {
        "n_features": 20,
        "n_informative": 8,
        "n_redundant": 0,
        "flip_y": 0.0,
    } | more
    made: Any = make_classification(train + val, weights=weights, random_state=seed, **options)
    x, y = made
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(len(y)) < flip, 1 - y, y)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return (x[:train], y[:train]), (x[train:], y[train:])


def trained(train: Arrays, val: Arrays, recipe: Recipe, seed: int = 0) -> list[Row]:
    """The epochs of a training, as lossmon records them."""
    # Matrices so small are multiplied faster by one thread.
    with threadpool_limits(1):
        return _trained(train, val, recipe, seed)


def _trained(train: Arrays, val: Arrays, recipe: Recipe, seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    network = MLPClassifier(
        (recipe.units,), alpha=recipe.decay, random_state=seed, learning_rate_init=recipe.rates[0]
    )
    rows: list[Row] = []
    x, y = train
    network.partial_fit(x[:2], y[:2], classes=[0, 1])
    for epoch, rate in enumerate(recipe.rates):
        network._optimizer.learning_rate_init = rate
        seen: list[Any] = []
        order = rng.permutation(len(y))
        for batch in np.array_split(order, len(y) // _BATCH):
            shown = x[batch] * (rng.random(x[batch].shape) >= recipe.dropout)
            shown /= 1.0 - recipe.dropout
            seen.append(network.predict_proba(shown))
            with warnings.catch_warnings(action="ignore"):
                network.partial_fit(shown, y[batch])
        rows.append(recorded(epoch, "train", np.concatenate(seen), y[order], rate))
        rows.append(recorded(epoch, "val", network.predict_proba(val[0]), val[1], rate))
    return rows


def recorded(epoch: int, split: str, probabilities: Any, labels: Any, rate: float = 1e-3) -> Row:
    """The row of an epoch with these predictions."""
    losses = recompute.sparse_categorical_crossentropy(labels, probabilities)
    verdicts = recompute.judge(labels, probabilities)
    right = verdicts.correct
    bins = recompute.reliability(verdicts.confidence, right)
    counts = [
        {
            "label": label,
            "count": int((labels == label).sum()),
            "predicted": int((verdicts.predicted == label).sum()),
            "correct": int((right & (labels == label)).sum()),
        }
        for label in range(probabilities.shape[1])
    ]
    n = len(labels)
    return {
        "epoch": epoch,
        "split": split,
        "output": None,
        "step": epoch,
        "n": n,
        "weight": float(n),
        "coverage": 1.0,
        "loss": float(losses.mean()),
        "recomputed_loss": float(losses.mean()),
        "loss_squares": float((losses**2).sum()),
        "loss_correct": float(losses[right].mean()) if right.any() else None,
        "loss_wrong": float(losses[~right].mean()) if not right.all() else None,
        "correct": float(right.sum()),
        "judged": float(n),
        "confidence": float(verdicts.confidence.mean()),
        "calibration_gap": float(verdicts.confidence.mean() - right.mean()),
        "reliability": bins.rows(),
        "class_counts": counts,
        "learning_rate": rate,
    }
