"""What validation samples are recognised by in other runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import keras
import numpy as np
from keras.src.trainers.data_adapters.array_data_adapter import can_convert_arrays
from numpy.typing import NDArray

from lossmon.capture.arrays import to_numpy
from lossmon.records import SampleSet

Keys = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

# Of larger inputs so many values are hashed, evenly spread.
HASHED_VALUES = 4096
_ROWS_AT_ONCE = 256
# After so many rows the interpreter is left to the training thread.
_YIELD = 50e-6
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # odd: its multiples are all different


class SampleKeys:
    """Recognises the samples of one run's validation data.

    Args:
        inputs: what `fit` validates on, nested as given to it: arrays in whose order Keras reads
            them; None where the inputs are anything else.
    """

    def __init__(self, inputs: Any) -> None:
        self._inputs = inputs
        self._hashes: list[bytes] | None = None
        self._known: dict[int, tuple[bytes, SampleSet]] = {}

    def of(
        self,
        output: int,
        rows: Bytes,
        labels: NDArray[np.int64] | None,
        weights: NDArray[np.float32] | None,
    ) -> SampleSet | None:
        """Return the set of an epoch's samples.

        Args:
            output: place of the output.
            rows: the labels of each sample as bytes, shape `(N, ...)`.
            labels: class ids, where each sample is of one class.
            weights: of the samples, where not all are 1.

        Returns:
            None where the labels are not those of the first epoch, in their order.
        """
        told = blake2b(rows.tobytes(), digest_size=16).digest()
        if output not in self._known:
            self._known[output] = told, self._first(rows, told, labels, weights)
        before, found = self._known[output]
        if told != before:
            return None
        if _alike(found.weights, weights):
            return found
        return SampleSet(found.keys, found.keyed_by, found.labels, weights)

    def forget(self) -> None:
        """Let go of the inputs, which nobody needs to hash any more."""
        self._inputs = None

    def _first(
        self,
        rows: Bytes,
        told: bytes,
        labels: NDArray[np.int64] | None,
        weights: NDArray[np.float32] | None,
    ) -> SampleSet:
        if self._hashes is None:
            self._hashes = _hashes_of(self._inputs, len(rows))
            self.forget()
        if len(self._hashes) < len(rows):
            return SampleSet(_by_position(told, len(rows)), "positions", labels, weights)
        return SampleSet(_by_input(self._hashes, rows), "inputs", labels, weights)


def _alike(one: NDArray[Any] | None, two: NDArray[Any] | None) -> bool:
    if one is None or two is None:
        return one is two
    return np.array_equal(one, two)


def _by_position(told: bytes, count: int) -> Keys:
    first = np.frombuffer(told[:8], "<u8").astype(np.uint64)
    return first + np.arange(count, dtype=np.uint64) * _GOLDEN


def _by_input(hashes: list[bytes], rows: Bytes) -> Keys:
    """Keys of inputs and labels; of equal samples the second one is another than the first."""
    seen = Counter[bytes]()
    keys: list[bytes] = []
    for inputs, row in zip(hashes, rows, strict=False):
        key = _hash(inputs, row.tobytes())
        seen[key] += 1
        keys.append(key if seen[key] == 1 else _hash(key, str(seen[key]).encode()))
        if len(keys) % _ROWS_AT_ONCE == 0:
            time.sleep(_YIELD)
    return np.frombuffer(b"".join(keys), "<u8").astype(np.uint64)


def _hash(*parts: bytes) -> bytes:
    told = blake2b(digest_size=8)
    for part in parts:
        told.update(part)
    return told.digest()


def _hashes_of(inputs: Any, count: int) -> list[bytes]:
    """A hash of each of the first samples' inputs; none where they cannot be read."""
    if inputs is None or not can_convert_arrays((inputs,)):
        return []
    given = [leaf for leaf in keras.tree.flatten(inputs) if leaf is not None]
    known = [leaf for leaf in map(to_numpy, given) if leaf is not None and leaf.ndim]
    if len(known) != len(given) or any(leaf.dtype.kind not in "biuf" for leaf in known):
        return []
    if min((len(leaf) for leaf in known), default=0) < count:
        return []
    return [
        _hash(*(row.tobytes() for row in parts))
        for start in range(0, count, _ROWS_AT_ONCE)
        for parts in _rows(known, start, min(count, start + _ROWS_AT_ONCE))
    ]


def _rows(leaves: list[NDArray[Any]], start: int, stop: int) -> Iterator[tuple[Bytes, ...]]:
    time.sleep(_YIELD)
    return zip(*(_plain(leaf[start:stop]) for leaf in leaves), strict=True)


def _plain(rows: NDArray[Any]) -> Bytes:
    """The rows' values as bytes: the same for the same values of another precision."""
    flat = rows.reshape(len(rows), -1)
    step = -(-flat.shape[1] // HASHED_VALUES) or 1
    dtype = "<f4" if flat.dtype.kind == "f" else "<i8"
    return np.ascontiguousarray(flat[:, ::step].astype(dtype)).view(np.uint8)
