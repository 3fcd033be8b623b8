"""Intersection over union of classes, from a confusion matrix.

Source: Jaccard, *The distribution of the flora in the alpine zone*, 1912.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lossmon.recompute.accumulator import SINGLE
from lossmon.recompute.accuracies import TIE
from lossmon.recompute.layout import AnyArray, Float64Array, floating
from lossmon.recompute.rounding import EPSILON, accumulation, precision

_NOTHING = 1e-9
"""A union that is no larger than this holds nothing."""


class UnionAccumulator:
    """The mean over classes of intersection / union (`keras.metrics.IoU` and its kin).

    Args:
        num_classes: classes 0, 1, …; what is labelled or predicted beyond them is left out.
        target_class_ids: the classes that are averaged; all of them where None.
        ignore_class: a class whose elements are left out.
        sparse_y_true: whether labels are class ids rather than one number a class.
        sparse_y_pred: whether predictions are.
        axis: the class axis of what is not.
        threshold: for binary scores: the cut from which on they count as class 1.
        dtype: Keras' `dtype`; where it is an integer one (as by default), weights lose their
            fractions.
        epsilon: `keras.config.epsilon()`.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        target_class_ids: Sequence[int] | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
        threshold: float | None = None,
        dtype: str | None = None,
        epsilon: float = EPSILON,
    ) -> None:
        self._epsilon = epsilon
        self._classes = num_classes
        self._targets = list(range(num_classes) if target_class_ids is None else target_class_ids)
        self._ignored, self._axis, self._threshold = ignore_class, axis, threshold
        self._sparse_true, self._sparse_pred = sparse_y_true, sparse_y_pred
        self._whole = "int" in (dtype or "int")
        self._matrix = np.zeros((num_classes, num_classes))
        self._doubt = 0.0
        self._elements = 0

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,  # noqa: ARG002  # Keras does not heed it here.
        *,
        batches: int = 1,  # noqa: ARG002  # Whole numbers are exact however they are added.
    ) -> None:
        """Take in one batch, or several; whatever its shape, it is flattened."""
        labels = np.asarray(y_true)
        labels = labels if self._sparse_true else np.asarray(labels.argmax(axis=self._axis))
        predicted, doubtful = self._predicted(np.asarray(y_pred))
        true, chosen = labels.ravel().astype(np.int64), predicted.ravel().astype(np.int64)
        weights = np.ones(true.shape)
        if sample_weight is not None:
            given = np.asarray(sample_weight, dtype=np.float32).astype(np.float64).ravel()
            weights = np.broadcast_to(np.trunc(given) if self._whole else given, true.shape)
        kept = (true >= 0) & (true < self._classes) & (chosen >= 0) & (chosen < self._classes)
        if self._ignored is not None:
            kept &= true != self._ignored
        cell = true[kept] * self._classes + chosen[kept]
        found = np.bincount(cell, weights[kept], self._classes**2)
        self._matrix += found.reshape(self._matrix.shape)
        self._doubt += float(np.abs(weights[doubtful.ravel()]).sum())
        self._elements += true.size

    def value(self) -> float:
        """Return the mean over the target classes that occur at all."""
        shares, valid = self._shares(0.0)
        return float(shares.sum() / (valid.sum() + self._epsilon))

    def tolerance(self) -> float:
        """Bound its error: near ties, each in any class; two quotients and a mean."""
        shares, valid = self._shares(0.0)
        low, high = self._shares(-self._doubt)[0], self._shares(self._doubt)[0]
        steps = 6.0 + accumulation(len(shares))
        if not self._whole:
            steps += 4.0 * accumulation(self._elements)
        reach = np.maximum(high - shares, shares - low) + SINGLE.roundoff * steps * np.abs(shares)
        return float(reach.sum() / (valid.sum() + self._epsilon))

    def _predicted(self, scores: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Return class ids, and where rounding could change them."""
        tie = TIE * precision(floating(scores).dtype).roundoff
        if self._threshold is not None:
            cut = np.float32(self._threshold)
            single = scores.astype(np.float32)
            return single >= cut, ~(np.abs(single - cut) > tie * (abs(cut) or 1.0))
        if self._sparse_pred:
            return scores, np.zeros(scores.shape, dtype=bool)
        strongest = scores.max(axis=self._axis, keepdims=True)
        near = ~(strongest - scores > tie * np.abs(strongest))
        return np.asarray(scores.argmax(axis=self._axis)), near.sum(axis=self._axis) > 1

    def _shares(self, moved: float) -> tuple[Float64Array, Float64Array]:
        """Return intersection / union of the target classes, and which of them occur."""
        own = np.diagonal(self._matrix)
        union = self._matrix.sum(axis=0) + self._matrix.sum(axis=1) - own
        own, union = own[self._targets], union[self._targets]
        valid = union > _NOTHING
        part = np.clip(own + moved, 0.0, None)
        shares = np.minimum(part / (np.maximum(union - moved, part) + self._epsilon), 1.0)
        return np.where(valid, shares, 0.0), valid.astype(np.float64)
