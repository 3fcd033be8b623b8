"""Inputs that hold NaN or infinite values, and what they do to the predictions.

A layer may turn NaN into a number: of `max(NaN, 0)` some kernels make 0. The predictions are finite
then, but nothing else of such a sample counts any more, which a trial shows: a few sound samples
are given those of its values that are not finite.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.arrays import to_numpy
from lossmon.capture.facts import first_samples, rows_of
from lossmon.capture.forward import forward_as_predict, has_fixed_batch
from lossmon.capture.inputs import named_leaves
from lossmon.capture.specs import is_keras
from lossmon.records import Split
from lossmon.rules import Effect, SpoiledFacts

# Values of each array that are looked through, some milliseconds' worth; of more, even parts.
SEEN_VALUES = 2**24
_PARTS = 64
# Samples that the trial takes, fewer where they are large.
_TRIED = 8
_TRIED_VALUES = 2**20
# Of how far sound predictions lie apart, what rounding may make of one and the same prediction.
_SAME = 1e-5


class _Seen(NamedTuple):
    """One input, looked through: how much, and the sample that holds the fewest such values."""

    nonfinite: int = 0
    spoiled: int = 0
    elements: int = 0
    samples: int = 0
    fewest: float = math.inf
    row: int = 0


def spoiled_inputs(
    model: Any, x: Any, *, split: Split = "train", state: Any = None
) -> tuple[SpoiledFacts, ...]:
    """Find the inputs that hold NaN or infinite values.

    Args:
        model: a built model.
        x: a batch of its inputs, or all of them, nested as given to `fit`.
        split: the data that they are of.
        state: on JAX inside `fit`, the state that the train function was given.
    """
    seen = [
        (name, leaf, _look_through(values))
        for name, leaf in named_leaves(model, x) or ()
        for values in [_floats(leaf)]
        if values is not None
    ]
    return tuple(
        SpoiledFacts(
            name,
            split,
            one.nonfinite,
            one.elements,
            one.spoiled,
            one.samples,
            _effect(model, x, (leaf, one.row), state),
        )
        for name, leaf, one in seen
        if one.nonfinite
    )


def _floats(leaf: Any) -> NDArray[Any] | None:
    """An array that may hold such values; of what is no NumPy array, as much as is looked at."""
    count = rows_of(leaf)
    if not count:
        return None
    if type(leaf) is not np.ndarray:
        size = math.prod(int(length or 1) for length in leaf.shape[1:])
        leaf = to_numpy(first_samples(leaf, max(1, SEEN_VALUES // max(1, size))))
    return leaf if leaf is not None and leaf.dtype.kind == "f" and leaf.size else None


def _look_through(leaf: NDArray[Any]) -> _Seen:
    seen = _Seen()
    for start, part in _parts(leaf):
        seen = seen._replace(elements=seen.elements + part.size, samples=seen.samples + len(part))
        finite = np.isfinite(part)
        if finite.all():
            continue
        each = np.count_nonzero(~finite.reshape(len(part), -1), axis=1)
        rows = np.flatnonzero(each)
        mildest = int(rows[each[rows].argmin()])
        seen = seen._replace(
            nonfinite=seen.nonfinite + int(each.sum()), spoiled=seen.spoiled + rows.size
        )
        if each[mildest] < seen.fewest:
            seen = seen._replace(fewest=float(each[mildest]), row=start + mildest)
    return seen


def _parts(leaf: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Runs of samples with their places: all, or from all over the array."""
    count, most = len(leaf), max(1, SEEN_VALUES // (leaf.size // len(leaf)))
    each = max(1, min(count, most) // _PARTS)
    if count <= most:
        starts = range(0, count, each)
    else:
        starts = np.linspace(0, count - each, min(_PARTS, most)).astype(int).tolist()
    yield from ((start, leaf[start : start + each]) for start in starts)


def _effect(model: Any, x: Any, place: tuple[Any, int], state: Any) -> Effect | None:
    # A step of the user's own may make numbers of them before the model is called.
    if has_fixed_batch(model) or not is_keras(type(model).train_step):
        return None
    try:
        return _tried(model, x, place, state)
    except Exception:
        # Models take more kinds of inputs than can be put together here; unknown is not guilty.
        return None


def _tried(model: Any, x: Any, place: tuple[Any, int], state: Any) -> Effect | None:
    """What becomes of sound samples that are given those values of one input's row."""
    spoiled_leaf, row = place
    size = max(math.prod(leaf.shape[1:]) for leaf in keras.tree.flatten(x))
    most = max(2, min(_TRIED, _TRIED_VALUES // max(1, size)))
    sound = keras.tree.map_structure(lambda leaf: _sound(np.asarray(to_numpy(leaf[:most]))), x)
    one = np.asarray(to_numpy(spoiled_leaf[row : row + 1]))
    spoiled = keras.tree.map_structure(
        lambda leaf, others: _spoiled(one, others) if leaf is spoiled_leaf else others, x, sound
    )
    given = keras.tree.map_structure(lambda *both: np.concatenate(both), sound, spoiled)
    predicted = keras.tree.flatten(forward_as_predict(model, given, state))
    outputs = [np.asarray(to_numpy(y)) for y in predicted]
    before, after = zip(*(np.split(y.astype(np.float64), 2) for y in outputs), strict=True)
    if not all(np.isfinite(y).all() for y in before):
        return None
    if not all(np.isfinite(y).all() for y in after):
        return "spread"
    apart, left = _apart(before), _apart(after)
    # Of samples that hold nothing else, or predictions that are all the same, nothing can be said.
    if not apart or all(_alike(leaf) for leaf in keras.tree.flatten(spoiled)):
        return None
    return "lost" if left <= _SAME * apart else "handled"


def _sound(values: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.isfinite(values), values, np.zeros((), values.dtype))


def _spoiled(one: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.isfinite(one), others, one)


def _apart(outputs: Sequence[NDArray[Any]]) -> float:
    """How far the predictions of samples lie apart."""
    return max(float(np.ptp(y, axis=0).max()) for y in outputs)


def _alike(samples: NDArray[Any]) -> bool:
    return bool((np.isnan(samples) | (samples == samples[:1])).all())
