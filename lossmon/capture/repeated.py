"""Validation samples that are among the training samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.arrays import table_to_numpy
from lossmon.capture.spread import Rows, spread_rows
from lossmon.rules import RepeatedFacts

ASKED_SAMPLES = 512
"""Samples that are looked up; of more, some from all over the data."""
SEARCHED_SAMPLES = 2**17
"""Training samples among which they are looked up, likewise."""
_LOOKED_AT = 2048
_KEY = 8
_CANDIDATES = 8

Place = tuple[NDArray[np.int64], ...]


def repeated_samples(x: Any, validated: Any) -> RepeatedFacts | None:
    """Look validation samples up among the training samples, and some of these likewise.

    Those that agree in the few values that tell samples apart best are compared whole.

    Args:
        x: the training inputs of a model, nested as given to `fit`.
        validated: the inputs that it is validated on, likewise.

    Returns:
        None where these are no arrays of NumPy or tables of numbers of the same shapes and dtypes.
        Files that are mapped into memory are left alone: they would be read whole.
    """
    ours, theirs = _arrays(x), _arrays(validated)
    if len(ours) != len(theirs) or not all(map(_alike, ours, theirs)):
        return None
    searched = spread_rows(len(ours[0]), SEARCHED_SAMPLES)
    asked = spread_rows(len(theirs[0]), ASKED_SAMPLES)
    # Never more of ours: of more samples a larger part is of rare kinds. And most are left to be
    # searched through, for both alike.
    own = searched[spread_rows(len(searched), max(1, min(len(asked), len(searched) // 4)))]
    places = [_telling(leaf, asked) for leaf in theirs]
    keys = _keys(theirs, asked, places)
    validated = dict(zip(keys, asked.tolist(), strict=True))
    trained = dict(zip(_keys(ours, own, places), own.tolist(), strict=True))
    known: dict[bytes, list[int]] = {key: [] for key in (*validated, *trained)}
    for row, key in zip(searched.tolist(), _keys(ours, searched, places), strict=True):
        if key in known:
            known[key].append(row)
    looked_up = {*own.tolist()}
    others = {key: [row for row in rows if row not in looked_up] for key, rows in known.items()}
    among = _found(theirs, validated, ours, known)
    return RepeatedFacts(
        samples=len(theirs[0]),
        validated=len(validated),
        known=len(among),
        known_of_others=len(_found(theirs, validated, ours, others)),
        trained=len(trained),
        again=len(_found(ours, trained, ours, others)),
        known_share=sum(key in among for key in keys) / len(keys),
    )


def _arrays(given: Any) -> list[Any]:
    """The arrays of a structure, tables as the arrays that Keras makes of them."""
    leaves = keras.tree.flatten(given)
    return [table_to_numpy(leaf) if hasattr(leaf, "iloc") else leaf for leaf in leaves]


def _alike(one: Any, other: Any) -> bool:
    if not all(isinstance(leaf, np.ndarray) and leaf.ndim for leaf in (one, other)):
        return False
    readable = not any(isinstance(leaf, np.memmap) or leaf.dtype.hasobject for leaf in (one, other))
    filled = bool(one.size and other.size)
    return readable and filled and one.shape[1:] == other.shape[1:] and one.dtype == other.dtype


def _telling(leaf: NDArray[Any], rows: Rows) -> Place:
    """The places of the values within a sample in which these samples differ most often."""
    shape = leaf.shape[1:]
    looked_at = np.unravel_index(spread_rows(math.prod(shape), _LOOKED_AT), shape) if shape else ()
    values = _values(leaf, rows, looked_at)
    different = (values[1:] != values[:-1]).sum(axis=0)
    best = np.argsort(-different, kind="stable")[:_KEY]
    return tuple(axis[best] for axis in looked_at)


def _values(leaf: NDArray[Any], rows: Rows, place: Place) -> NDArray[Any]:
    return leaf[(rows[:, None], *place)]


def _keys(leaves: Sequence[NDArray[Any]], rows: Rows, places: Sequence[Place]) -> list[bytes]:
    """The values of samples that tell them apart, as bytes."""
    parts = (
        np.ascontiguousarray(_values(leaf, rows, place)).view(np.uint8).reshape(len(rows), -1)
        for leaf, place in zip(leaves, places, strict=True)
    )
    joined = np.hstack([*parts])
    return joined.view(f"V{joined.shape[1]}").ravel().tolist()


def _found(
    leaves: Sequence[NDArray[Any]],
    rows: Mapping[bytes, int],
    among: Sequence[NDArray[Any]],
    candidates: Mapping[bytes, list[int]],
) -> set[bytes]:
    """Which of the samples at these rows are equal to one of their candidates."""
    return {
        key
        for key, row in rows.items()
        if any(
            all(_equal(one[row], other[place]) for one, other in zip(leaves, among, strict=True))
            for place in candidates[key][:_CANDIDATES]
        )
    }


def _equal(one: Any, other: Any) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
