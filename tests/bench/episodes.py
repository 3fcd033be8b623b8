"""How often an episode is found where there is one, and where there is only noise."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from tests.analysis.wobbles import Noise, Samples, episodes_of, wobbling_samples

RUNS, NOISY_RUNS = 30, 100
AFTER = (10, 15, 25, 40)
NOISE_AFTER = (10, 40, 100, 200)
KINDS: tuple[Noise, ...] = ("confidence", "boundary", "skill", "all")
NOISES: tuple[tuple[float, bool], ...] = ((0.0, False), (0.0, True), (0.5, False), (0.7, False))

# What is known: the loss and its error, its errors beside the accuracy's too, each sample.
KNOWN: dict[str, dict[str, Any]] = {
    "loss alone": {"pairs": False, "covariance": None},
    "beside the accuracy": {"pairs": False},
    "sample by sample": {},
}


def report(console: Console) -> None:
    """Print both shares."""
    with threadpool_limits(1):
        for name, runs in (("digits", _digits), ("two classes", _two_classes)):
            known = list(runs(RUNS))
            for epochs in AFTER:
                _print(console, f"{name}, overfitted, {epochs} epochs", _first(known, epochs))
    for kind in KINDS:
        for memory, heavy in NOISES:
            for epochs in NOISE_AFTER:
                noise = [
                    wobbling_samples(seed, epochs, kind, memory, heavy=heavy)
                    for seed in range(NOISY_RUNS)
                ]
                tails = ", heavy tails" if heavy else ""
                title = f"noise of {kind}, memory {memory}{tails}, {epochs} epochs"
                _print(console, title, noise, smallest=0.0)


def _print(console: Console, title: str, runs: Sequence[Samples], **options: Any) -> None:
    found = {
        name: sum(bool(episodes_of(run, **(given | options))) for run in runs)
        for name, given in KNOWN.items()
    }
    told = ", ".join(f"{name} {count}" for name, count in found.items())
    console.print(f"{title}, of {len(runs)} runs: {told}", highlight=False)


def _first(runs: Sequence[Samples], epochs: int) -> list[Samples]:
    return [Samples(run.loss[:epochs], run.correct[:epochs]) for run in runs]


def _digits(runs: int) -> Iterator[Samples]:
    """As the demo's: 300 digits, a large step and small batches, so that the loss jumps about."""
    pixels, digits = load_digits(return_X_y=True)
    for seed in range(runs):
        parts: Any = train_test_split(
            pixels / 16.0, digits, train_size=300, stratify=digits, random_state=seed
        )
        yield _overfitted(parts, (128, 128), 0.01, 8, seed)


def _two_classes(runs: int) -> Iterator[Samples]:
    """A loss that rises smoothly, on so few samples that they are the greater doubt."""
    for seed in range(runs):
        made: Any = make_classification(
            1300, n_features=20, n_informative=8, n_redundant=0, flip_y=0.05, random_state=seed
        )
        x, y = made
        parts = (x[:300] / x.std(axis=0), x[300:] / x.std(axis=0), y[:300], y[300:])
        yield _overfitted(parts, (64,), 0.01, 32, seed)


def _overfitted(
    parts: tuple[Any, ...], units: tuple[int, ...], rate: float, batch: int, seed: int
) -> Samples:
    """Train on the first part; what each epoch makes of the validation samples."""
    x, x_val, y, y_val = parts
    settings: dict[str, Any] = {"batch_size": batch, "learning_rate_init": rate, "alpha": 0.0}
    network: Any = MLPClassifier(units, random_state=seed, **settings)
    losses: list[Any] = []
    verdicts: list[Any] = []
    for _ in range(max(AFTER)):
        with warnings.catch_warnings(action="ignore"):
            network.partial_fit(x, y, classes=np.unique(y))
        shares: Any = network.predict_proba(x_val)
        own = shares[np.arange(len(y_val)), y_val]
        losses.append(-np.log(np.clip(own, 1e-7, 1.0)))
        verdicts.append(shares.argmax(axis=1) == y_val)
    return Samples(np.array(losses), np.array(verdicts))
