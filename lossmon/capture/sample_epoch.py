"""One epoch of validation samples: the record of each, and what their probabilities say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lossmon import analysis, recompute
from lossmon.capture.chunk import Array, Floats
from lossmon.capture.sample_keys import SampleKeys
from lossmon.capture.sample_part import SamplePart
from lossmon.records import EpochRecord, SampleRecord

_EPSILON = 1e-7  # as Keras clips probabilities
# An output that says other probabilities than its logits do is no view of them; half precision is.
_OTHER = 1e-2


def sample_record(
    epoch: EpochRecord, parts: Sequence[SamplePart], keys: SampleKeys, output: int
) -> SampleRecord:
    """Return the samples of an epoch one by one.

    Args:
        epoch: which one.
        parts: all of its samples, in order.
        keys: recognises them.
        output: place of the output.
    """
    first = parts[0]
    judged = first.kind is not None
    single = judged and first.labels is not None and first.labels.shape[1] == 1
    weights = _weights(parts)
    labels = _column(_all(parts, "labels")) if single else None
    rows = np.ascontiguousarray(_all(parts, "rows"))
    return SampleRecord(
        epoch.epoch,
        epoch.split,
        epoch.output,
        _single(_all(parts, "loss")),
        np.asarray(_all(parts, "correct").all(axis=1)) if judged else None,
        _single(_all(parts, "confidence").mean(axis=1)) if judged else None,
        _column(_all(parts, "predicted")) if single else None,
        keys.of(
            output,
            rows.view(np.uint8).reshape(len(rows), -1),
            labels,
            None if weights is None else _single(weights),
        ),
    )


def sample_values(
    epoch: EpochRecord, parts: Sequence[SamplePart], *, probabilities: bool = True
) -> None:
    """Write into an epoch's record what its samples say of it; weights but 0 play no part.

    Args:
        epoch: its record.
        parts: all of its samples.
        probabilities: whether what takes all probabilities is to be computed.
    """
    losses, weights = _all(parts, "loss"), _weights(parts)
    kept = np.ones(len(losses), np.bool_) if weights is None else weights != 0
    losses = losses[kept]
    if losses.size and np.isfinite(losses).all() and losses.min() >= 0.0:
        epoch.worst_share = analysis.worst_share(losses)
    first = parts[0]
    if first.kind is None or not kept.any() or not probabilities:
        return
    scores = _all(parts, "scores")[kept].astype(np.float64)
    labels, correct = _all(parts, "labels")[kept], _all(parts, "correct")[kept]
    confidence = _all(parts, "confidence")[kept]
    binary = first.kind == "binary"
    if not binary:
        among = (labels[:, 0] >= 0) & (labels[:, 0] < scores.shape[1])
        scores, labels, correct = scores[among], labels[among], correct[among]
        confidence = confidence[among]
    shares = recompute.predicted_probabilities(scores, from_logits=first.from_logits, binary=binary)
    if not labels.size or scores.shape[0] != labels.shape[0]:
        return
    known = recompute.are_probabilities(shares, binary=binary)
    if known.all() and np.isfinite(scores).all() and _are_told(shares, confidence, binary=binary):
        _write(epoch, scores if first.from_logits else None, shares, labels, binary=binary)
        _write_margins(epoch, shares, labels, correct, binary=binary)


def _write(
    epoch: EpochRecord, logits: Floats | None, shares: Floats, labels: Array, *, binary: bool
) -> None:
    if binary:
        # Of several labels each is a forecast of its own.
        shares, labels = shares.reshape(-1), labels.reshape(-1)
        logits = None if logits is None else logits.reshape(-1)
        found = analysis.brier(shares, labels, binning="width")
    else:
        labels = labels[:, 0]
        found = analysis.brier_of_classes(shares, labels)
    clipped = np.clip(shares, _EPSILON, 1.0 - _EPSILON)
    scores = logits if logits is not None else np.log(clipped)
    if binary and logits is None:
        scores = scores - np.log1p(-clipped)
    fitted = analysis.fit_temperature(scores, labels)
    epoch.nll, epoch.scaled_loss = fitted.loss, fitted.scaled_loss
    epoch.temperature = fitted.temperature
    epoch.brier, epoch.brier_reliability = found.score, found.reliability
    epoch.brier_resolution, epoch.brier_uncertainty = found.resolution, found.uncertainty


def _write_margins(
    epoch: EpochRecord, shares: Floats, labels: Array, correct: Array, *, binary: bool
) -> None:
    if binary:
        each = (2.0 * shares - 1.0) * (2.0 * labels - 1.0)
    else:
        each = analysis.margins(shares, labels[:, 0])
    epoch.margins = analysis.summarise_margins(each.reshape(-1), correct.reshape(-1))._asdict()


def _are_told(shares: Floats, confidence: Floats, *, binary: bool) -> bool:
    """Whether the output says these probabilities; a softmax over one unit does not."""
    surest = np.maximum(shares, 1.0 - shares) if binary else shares.max(axis=1, keepdims=True)
    return bool((np.abs(surest - confidence) <= _OTHER).all())


def _all(parts: Sequence[SamplePart], name: str) -> Array:
    return np.concatenate([getattr(part, name) for part in parts])


def _weights(parts: Sequence[SamplePart]) -> Floats | None:
    if all(part.weights is None for part in parts):
        return None
    return np.concatenate([np.ones(len(p.loss)) if p.weights is None else p.weights for p in parts])


def _single(values: Array) -> Array:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _column(values: Array) -> Array:
    return values[:, 0].astype(np.int64)
