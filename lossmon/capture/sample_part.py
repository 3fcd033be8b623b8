"""The samples of some validation steps one by one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossmon import recompute
from lossmon.capture.chunk import Array, Floats, OutputArrays
from lossmon.capture.explain import Kind, counted, kind_of
from lossmon.records import LossSpec


class SamplePart(NamedTuple):
    """M samples of one output.

    Attributes:
        loss: of each, `(M,)`.
        rows: its labels, the same numbers for ids of classes as for one-hot rows, `(M, L)`.
        weights: `(M,)`, 0 of masked ones; None where all are 1.
        kind: what its predictions stand for; None where they are not told right from wrong.
        labels, predicted: class ids, `(M, D)`; D is 1 but for several labels a sample.
        correct, confidence: of each of them, `(M, D)`.
        scores: probabilities or logits, `(M, C)`, or `(M, D)` of binary outputs.
        from_logits: which of them.
    """

    loss: Floats
    rows: Array
    weights: Floats | None
    kind: Kind | None = None
    labels: Array | None = None
    predicted: Array | None = None
    correct: Array | None = None
    confidence: Array | None = None
    scores: Array | None = None
    from_logits: bool = False


def sample_part(
    spec: LossSpec, tensors: OutputArrays, elements: Floats, scale: float
) -> SamplePart | None:
    """Take K steps of one output apart.

    Args:
        spec: the output's loss.
        tensors: labels and predictions, `(K, N, ...)`.
        elements: the recomputed losses before weights and reduction, `(K, N, ...)`.
        scale: the factor that Keras multiplies the loss with.

    Returns:
        None where the loss is not one of samples.
    """
    y_true, y_pred = tensors.y_true, tensors.y_pred
    if y_true is None or y_pred is None or y_true.dtype.kind not in "biuf":
        return None
    steps = y_pred.shape[:2]
    if not elements.shape[:2] == y_true.shape[:2] == steps or not elements.size:
        return None
    samples = steps[0] * steps[1]
    kept = counted(tensors, elements.shape)
    loss = _mean(elements.reshape(samples, -1), kept) * scale
    part = SamplePart(loss, _targets(y_true, samples), _weights(tensors, kept, samples))
    kind = kind_of(spec, y_pred)
    if kind is None or elements.size != samples:
        return part
    return _judged(part, kind, spec, tensors)


def _mean(losses: Floats, kept: NDArray[np.bool_] | None) -> Floats:
    """The mean over each sample's positions, of those that count."""
    if losses.shape[1] == 1:
        return losses[:, 0]
    if kept is None:
        return losses.mean(axis=1)
    each = kept.reshape(losses.shape)
    count = np.maximum(np.count_nonzero(each, axis=1), 1)
    return np.where(each, losses, 0.0).sum(axis=1) / count


def _targets(y_true: Array, samples: int) -> Array:
    return y_true.reshape(samples, -1).astype(np.float32)


def _weights(tensors: OutputArrays, kept: NDArray[np.bool_] | None, samples: int) -> Floats | None:
    """One weight for each sample; of weights by position only whether any counts."""
    given = tensors.weight_of_loss
    weights = np.ones(samples)
    if given is not None and given.size == samples:
        weights = given.reshape(samples).astype(np.float64)
    if kept is not None:
        weights = weights * kept.reshape(samples, -1).any(axis=1)
    return None if (weights == 1.0).all() else weights


def _judged(part: SamplePart, kind: Kind, spec: LossSpec, tensors: OutputArrays) -> SamplePart:
    assert tensors.y_true is not None
    assert tensors.y_pred is not None
    labels, scores, samples = tensors.y_true, tensors.y_pred, len(part.loss)
    # Where logits were found behind the output, the output itself is probabilities.
    from_logits = tensors.logits is None and bool(spec.config.get("from_logits"))
    found = recompute.judge(
        labels.reshape(samples, *labels.shape[2:]),
        scores.reshape(samples, *scores.shape[2:]),
        from_logits=from_logits,
        binary=kind == "binary",
    )
    each, rest = divmod(found.correct.size, samples)
    if rest or not each:
        return part
    confidence, predicted, label, correct = (
        values.reshape(samples, each) for values in (found.confidence, *_ids(found))
    )
    behind: Any = tensors.logits
    return part._replace(
        rows=label.astype(np.float32),
        kind=kind,
        labels=label,
        predicted=predicted,
        correct=correct,
        confidence=confidence,
        scores=(scores if behind is None else behind).reshape(samples, -1),
        from_logits=from_logits or behind is not None,
    )


def _ids(found: recompute.Judgement) -> tuple[Array, Array, Array]:
    return found.predicted, found.label, found.correct
