"""Sample records as bytes and back.

What there is of each sample is held measure by measure, each byte of the numbers in a plane of its
own, which zlib makes smaller:

- a loss in 3 bytes: float32 rounded to 15 binary places (relative error up to 2⁻¹⁶), NaN and the
  infinities included;
- a confidence in 15 bits, in steps of 1 / 32,766 from 0 to 1, 32,767 for NaN, and whether the
  prediction is right in the 16th;
- the predicted class in 1, 2 or 4 bytes, as many as it takes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossmon.records import SampleRecord, SampleSet, Split
from lossmon.store.damage import damage_named

LOSS, JUDGED, PREDICTED = "loss", "loss,correct,confidence", "loss,correct,confidence,predicted"
_BYTES = {LOSS: (3,), JUDGED: (5,), PREDICTED: (6, 7, 9)}
"""Of a sample."""
_STEPS = 32_766
_NAN = 32_767
_DROPPED = 8  # bits of a float32


class PackedSet(NamedTuple):
    """The row of a `SampleSet`, but for its run."""

    id: str
    split: Split
    output: str | None
    n: int
    keyed_by: str
    keys: bytes
    labels: bytes | None
    weights: bytes | None


class PackedSamples(NamedTuple):
    """The row of a `SampleRecord`, but for its run; with the row of its set."""

    epoch: int
    split: Split
    output: str | None
    n: int
    sample_set: PackedSet | None
    measures: str
    packed: bytes


def pack(record: SampleRecord) -> PackedSamples:
    """Return a record as it is stored."""
    planes = [_loss_planes(record.loss)]
    measures = LOSS
    if record.correct is not None and record.confidence is not None:
        measures = JUDGED
        planes.append(_planes(_judged(record.correct, record.confidence)))
        if record.predicted is not None:
            measures = PREDICTED
            planes.append(_planes(_smallest(record.predicted)))
    return PackedSamples(
        record.epoch,
        record.split,
        record.output,
        len(record.loss),
        None if record.samples is None else pack_set(record.samples, record.split, record.output),
        measures,
        zlib.compress(b"".join(planes)),
    )


def unpack(row: Mapping[str, Any], samples: SampleSet | None) -> SampleRecord:
    """Return the record of a row of `samples`.

    Raises:
        Damaged: the row is not as `pack` makes them.
    """
    with damage_named("a record of samples"):
        return _unpacked(row, samples)


def _unpacked(row: Mapping[str, Any], samples: SampleSet | None) -> SampleRecord:
    n, content = row["n"], np.frombuffer(zlib.decompress(row["packed"]), np.uint8)
    if n * len(content) == 0 or len(content) / n not in _BYTES[row["measures"]]:
        raise ValueError(f"{len(content)} bytes of {n} samples")
    bits = _joined(content[: 3 * n], n, np.uint32) << np.uint32(_DROPPED)
    correct = confidence = predicted = None
    if row["measures"] != LOSS:
        judged = _joined(content[3 * n : 5 * n], n, np.uint16)
        correct = (judged & 1).astype(np.bool_)
        steps = judged >> 1
        confidence = np.where(steps == _NAN, np.nan, steps / _STEPS).astype(np.float32)
    if row["measures"] == PREDICTED:
        predicted = _joined(content[5 * n :], n, np.uint32).astype(np.int64)
    place = (row["epoch"], row["split"], row["output"])
    return SampleRecord(*place, bits.view(np.float32), correct, confidence, predicted, samples)


def pack_set(samples: SampleSet, split: Split, output: str | None) -> PackedSet:
    """Return a set as it is stored; its id tells it from all others of its run."""
    parts = (
        samples.keys.astype("<u8").tobytes(),
        None if samples.labels is None else zlib.compress(samples.labels.astype("<i8").tobytes()),
        None if samples.weights is None else zlib.compress(samples.weights.astype("<f4").tobytes()),
    )
    told = blake2b(f"{split} {output!r} {samples.keyed_by}".encode(), digest_size=8)
    for part in parts:
        told.update(b"-" if part is None else part)
    return PackedSet(told.hexdigest(), split, output, len(samples.keys), samples.keyed_by, *parts)


def unpack_set(row: Mapping[str, Any]) -> SampleSet:
    """Return the set of a row of `sample_sets`.

    Raises:
        Damaged: the row is not as `pack_set` makes them.
    """
    labels, weights, n = row["labels"], row["weights"], row["n"]
    with damage_named("a set of samples"):
        return SampleSet(
            _numbers(row["keys"], "<u8", n).astype(np.uint64, copy=False),
            row["keyed_by"],
            None if labels is None else _inflated(labels, "<i8", n).astype(np.int64),
            None if weights is None else _inflated(weights, "<f4", n).astype(np.float32),
        )


def _inflated(content: bytes, dtype: str, n: int) -> NDArray[Any]:
    return _numbers(zlib.decompress(content), dtype, n)


def _numbers(content: bytes, dtype: str, n: int) -> NDArray[Any]:
    return np.frombuffer(content, dtype).reshape(n)


def _loss_planes(loss: NDArray[np.float32]) -> bytes:
    known = np.where(np.isnan(loss), np.float32(np.nan), loss).astype(np.float32)
    bits, dropped = known.view(np.uint32), np.uint32(_DROPPED)
    # To nearest, ties to even; the largest finite ones are cut, so as to stay finite.
    half = np.uint32((1 << (_DROPPED - 1)) - 1) + ((bits >> dropped) & np.uint32(1))
    rounded = (bits + half).astype(np.uint32)
    finite = np.isfinite(known) & np.isfinite(rounded.view(np.float32))
    return _planes(np.where(finite, rounded, bits) >> dropped, 3)


def _judged(correct: NDArray[np.bool_], confidence: NDArray[np.float32]) -> NDArray[np.uint16]:
    known = ~np.isnan(confidence)
    steps = np.rint(np.clip(np.where(known, confidence, 0.0), 0.0, 1.0) * _STEPS)
    shifted = np.where(known, steps, _NAN).astype(np.uint16) << np.uint16(1)
    return (shifted | correct).astype(np.uint16)


def _smallest(classes: NDArray[np.int64]) -> NDArray[Any]:
    largest = int(classes.max(initial=0))
    return classes.astype(np.min_scalar_type(largest) if largest < 2**16 else np.uint32)


def _planes(values: NDArray[Any], size: int | None = None) -> bytes:
    """All first bytes, then all second ones, and so on, of unsigned integers."""
    each = values.astype(values.dtype.newbyteorder("<")).view(np.uint8).reshape(len(values), -1)
    return each[:, :size].T.tobytes()


def _joined(content: NDArray[np.uint8], n: int, dtype: type[Any]) -> NDArray[Any]:
    """The integers of their planes, as many as there are."""
    planes = content.reshape(-1, n)
    return np.bitwise_or.reduce(
        [plane.astype(dtype) << dtype(8 * place) for place, plane in enumerate(planes)]
    )
