"""Random batches for each family of definitions, saturated values included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import settings
from hypothesis import strategies as st

Array = npt.NDArray[Any]

# The first eager call of each operation compiles kernels: no deadline can be fair to it.
EAGER = settings(deadline=None, max_examples=40, derandomize=True)

SATURATED_PROBABILITIES = np.array([0.0, 1.0, 1e-8, 1.0 - 1e-7, 0.5], dtype=np.float32)
SATURATED_LOGITS = np.array([-100.0, 100.0, 0.0, 16.0, -16.0], dtype=np.float32)


@dataclass(frozen=True)
class Batch:
    """What one step hands to a loss or metric."""

    y_true: Array
    y_pred: Array
    sample_weight: Array | None = None
    mask: Array | None = None


@st.composite
def batches(draw: st.DrawFn, kind: str, *, weighted: bool = True, saturate: bool = True) -> Batch:
    """Draw a batch.

    Args:
        draw: Hypothesis' own.
        kind: `real`, `positive`, `margin`, `binary` or `classes` or `ids`, the last three with
            `-logits` or `-probabilities` appended.
        weighted: whether sample weights and masks may be drawn.
        saturate: whether certain predictions may be mixed in.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    leading = draw(st.lists(st.integers(1, 7), min_size=1, max_size=3))
    if draw(st.booleans()):
        leading[0] = draw(st.integers(8, 200))
    width = draw(st.integers(2, 12) if "c" in kind or "ids" in kind else st.integers(1, 12))
    spread = draw(st.sampled_from([0.01, 1.0, 10.0]))
    share = draw(st.sampled_from([0.0, 0.3])) if saturate else 0.0
    y_true, y_pred = _labelled(rng, kind, (*leading, width), spread, share)
    weight, mask = None, None
    if weighted:
        weight = _weights(draw, rng, tuple(leading))
        mask = rng.random(leading) < 0.7 if draw(st.booleans()) else None
    return Batch(y_true, y_pred, weight, mask)


def _labelled(
    rng: np.random.Generator, kind: str, shape: tuple[int, ...], spread: float, share: float
) -> tuple[Array, Array]:
    scores = (spread * rng.normal(size=shape)).astype(np.float32)
    if kind == "real":
        return rng.normal(size=shape), scores
    if kind == "positive":
        return rng.gamma(1.0, size=shape), np.abs(scores)
    if kind == "margin":
        return rng.choice([-1.0, 1.0], size=shape), scores
    labels, form = kind.split("-")
    predictions = _saturated(rng, scores, SATURATED_LOGITS, share)
    if form == "probabilities":
        simple = sigmoid(scores) if labels == "binary" else softmax(scores)
        predictions = _saturated(rng, simple, SATURATED_PROBABILITIES, share)
    ids = rng.integers(0, shape[-1], size=shape[:-1])
    if labels == "binary":
        return rng.integers(0, 2, size=shape), predictions
    return (ids if labels == "ids" else np.eye(shape[-1])[ids]), predictions


def _saturated(rng: np.random.Generator, values: Array, extremes: Array, share: float) -> Array:
    return np.where(rng.random(values.shape) < share, rng.choice(extremes, values.shape), values)


def _weights(draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...]) -> Array | None:
    form = draw(st.sampled_from(["none", "elements", "column", "zeros"]))
    if form == "none":
        return None
    weights = rng.gamma(1.0, size=shape).astype(np.float32)
    if form == "zeros":
        weights *= rng.random(shape) < 0.5
    # Keras drops a last axis of 1 from matches of rank 2, and then refuses a column of weights.
    fits = len(shape) == 1 or shape[-1] > 1
    return weights[..., None] if form == "column" and fits else weights


def softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def sigmoid(scores: Array) -> Array:
    return (1.0 / (1.0 + np.exp(-scores.astype(np.float64)))).astype(np.float32)
