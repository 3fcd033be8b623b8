"""Samples of a model that learns nothing more: what wobbles from epoch to epoch, and what not."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from lossmon.analysis import Episode, find_episodes
from lossmon.analysis.paired import paired

Noise = Literal["confidence", "boundary", "skill", "all"]


class Samples(NamedTuple):
    """Losses and verdicts of each epoch and sample, shape `(E, N)`."""

    loss: Any
    correct: Any


def wobbling(rng: np.random.Generator, epochs: int, memory: float, *, heavy: bool = False) -> Any:
    """Autoregressive noise of variance one."""
    steps = rng.standard_t(3, epochs) / math.sqrt(3) if heavy else rng.normal(size=epochs)
    noise = np.empty(epochs)
    noise[0] = steps[0]
    for epoch in range(1, epochs):
        noise[epoch] = memory * noise[epoch - 1] + math.sqrt(1 - memory**2) * steps[epoch]
    return noise


def wobbling_samples(
    seed: int,
    epochs: int,
    kind: Noise,
    memory: float,
    *,
    heavy: bool = False,
    samples: int = 300,
    growth: float = 0.0,
    size: float = 1.0,
) -> Samples:
    """A binary classifier whose log-odds of the truth wobble.

    Args:
        seed: of the random numbers.
        epochs: how many.
        kind: what wobbles: how sure the model is ("confidence": the accuracy stays), where it
            draws the line ("boundary") or how much it knows ("skill": both move together).
        memory: how much of an epoch's wobble the next one carries.
        heavy: whether some epochs stick out.
        samples: how many.
        size: of all that wobbles.
        growth: how much surer the model gets over the second half: 0 is noise alone.
    """
    rng = np.random.default_rng(seed)

    def wobble(by: float) -> Any:
        return by * size * wobbling(rng, epochs, memory, heavy=heavy)[:, None]

    odds = np.tile(rng.normal(2.0, 1.6, samples), (epochs, 1))
    if kind in ("boundary", "all"):
        odds = odds + wobble(0.5) * rng.normal(size=samples)
    if kind in ("skill", "all"):
        odds = odds + wobble(0.25)
    if kind in ("confidence", "all"):
        odds = odds * np.exp(wobble(0.1))
    if kind != "confidence":
        odds = odds + 0.3 * size * rng.normal(size=odds.shape)
    later = np.maximum(np.linspace(-1.0, 1.0, epochs), 0.0)[:, None]
    odds = odds * (1.0 + growth * later)
    return Samples(np.logaddexp(0.0, -odds), odds > 0)


def episodes_of(known: Samples, *, pairs: bool = True, **options: Any) -> list[Episode]:
    """What is found of the epochs of these samples, with what is known of the samples or not."""
    loss, hits = known.loss, known.correct
    share, count = hits.mean(axis=1), loss.shape[1]
    smoothed = (count * share + 1.0) / (count + 2.0)
    covariance = ((loss * hits).mean(axis=1) - loss.mean(axis=1) * share) / count
    given: dict[str, Any] = {
        "covariance": covariance,
        "pairs": paired(loss, hits) if pairs else None,
    }
    return find_episodes(
        loss.mean(axis=1),
        loss.std(axis=1) / math.sqrt(count),
        share,
        np.sqrt(smoothed * (1.0 - smoothed) / (count + 2.0)),
        **(given | options),
    )
