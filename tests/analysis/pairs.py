"""Two models on the same samples, drawn so that what is true of them is known."""

from __future__ import annotations

import numpy as np

from lossmon.analysis import Measured, Samples


def drawn_samples(
    rng: np.random.Generator,
    count: int,
    *,
    knows: float = 1.5,
    sure: float = 1.0,
    hard: float = 1.0,
) -> list[Samples]:
    """Two models of one skill on the same two-class samples; their errors are not the same.

    Args:
        rng: what is drawn from.
        count: samples.
        knows: how far the classes lie apart.
        sure: factor of the second model's scores, which changes no ranking.
        hard: spread of what both models find hard.
    """
    labels = rng.integers(0, 2, count)
    common = rng.normal(size=count) * hard + (2 * labels - 1) * knows / 2
    return [
        of_scores(factor * (common + 0.5 * rng.normal(size=count)), labels)
        for factor in (1.0, sure)
    ]


def of_scores(scores: np.ndarray, labels: np.ndarray) -> Samples:
    """Samples of a model whose log-odds of class 1 are given."""
    chance = 1 / (1 + np.exp(-scores))
    loss = np.logaddexp(0, -(2 * labels - 1) * scores)
    keys = np.arange(labels.size)
    return Samples(loss, (chance > 0.5) == (labels == 1), keys, labels.astype(np.int64), chance)


def named(samples: list[Samples]) -> list[Measured]:
    return [Measured.of_samples(name, of) for name, of in zip("ab", samples, strict=False)]
