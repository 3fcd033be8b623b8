"""What the labels of an epoch are, counted, and what the best constant answer to them reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lossmon.capture.chunk import Array, Floats, OutputArrays
from lossmon.capture.explain import counted
from lossmon.recompute.rounding import EPSILON
from lossmon.records import LossSpec, MetricSpec

# More columns or classes than this are no classifier's, and not worth counting.
COLUMNS = 100_000
_CATEGORICAL = ("categorical_crossentropy", "sparse_categorical_crossentropy")


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """Labels of one output, added up; those under a mask or of weight 0 are left out.

    Attributes:
        rows: samples and positions.
        totals: sum of each column; of class ids how often each one occurs.
        squares: sum of each column's squares.
        single: whether each row names one class: ids, or one-hot rows.
        binary: whether nothing but 0 and 1 occurs.
        ids: whether they are ids of classes rather than columns of numbers.
    """

    rows: int
    totals: Floats
    squares: Floats
    single: bool
    binary: bool
    ids: bool

    def __add__(self, other: LabelCounts) -> LabelCounts:
        return LabelCounts(
            self.rows + other.rows,
            self.totals + other.totals,
            self.squares + other.squares,
            self.single and other.single,
            self.binary and other.binary,
            self.ids and other.ids,
        )

    def alike(self, other: LabelCounts) -> bool:
        """Whether two are of one kind, and of as many columns or classes."""
        return self.ids == other.ids and self.totals.shape == other.totals.shape


def count_labels(spec: LossSpec | None, tensors: OutputArrays) -> LabelCounts | None:
    """Count the labels of K steps.

    Args:
        spec: the loss, which may leave out one class.
        tensors: labels and predictions, `(K, N, ...)`.

    Returns:
        None where labels do not belong to predictions one by one, or as the class of a row.
    """
    y_true, y_pred = tensors.y_true, tensors.y_pred
    if y_true is None or y_pred is None or y_true.dtype.kind not in "biuf":
        return None
    classes = y_pred.shape[-1] if y_pred.ndim > 2 else 1
    if classes > COLUMNS:
        return None
    rows = y_pred.shape[:-1] if y_pred.ndim > 2 else y_pred.shape
    kept = counted(tensors, rows)
    if classes > 1 and y_true.size * classes == y_pred.size:
        ids = y_true.reshape(rows)
        ignored = None if spec is None else spec.config.get("ignore_class")
        return _count_ids(ids.reshape(-1) if kept is None else ids[kept], classes, ignored)
    if y_true.size != y_pred.size:
        return None
    labels = y_true.reshape(*rows, classes)
    return _count_rows(labels.reshape(-1, classes) if kept is None else labels[kept])


def _count_ids(ids: Array, classes: int, ignored: Any) -> LabelCounts | None:
    whole = ids.astype(np.int64)
    known = (whole >= 0) & (whole < classes) & (whole == ids)
    if ignored is not None:
        known &= whole != ignored
    counts = np.bincount(whole[known], minlength=classes).astype(np.float64)
    return LabelCounts(int(known.sum()), counts, counts, single=True, binary=True, ids=True)


def _count_rows(labels: Array) -> LabelCounts | None:
    values = labels.astype(np.float64)
    if not np.isfinite(values).all():
        return None
    totals, squares = values.sum(axis=0), np.square(values).sum(axis=0)
    binary = bool(((labels == 0) | (labels == 1)).all())
    single = binary and labels.shape[1] > 1 and bool((values.sum(axis=1) == 1).all())
    return LabelCounts(len(labels), totals, squares, single, binary, ids=False)


def baselines(
    counts: LabelCounts,
    spec: LossSpec | None,
    *,
    weighted: bool,
    scale: float = 1.0,
    guesses: int = 1,
) -> dict[str, Any] | None:
    """What the best constant answer reaches on an epoch's labels.

    Of several columns it is a constant for each.

    Args:
        counts: the labels.
        spec: the loss that the constant is chosen for.
        weighted: whether weights make its loss another one.
        scale: the factor that Keras multiplies the loss with.
        guesses: how many of a sample its accuracy counts: of a top-k accuracy k. Where a row names
            several classes nothing is said of such an accuracy.

    Returns:
        `rows`; of class labels `majority_accuracy`, `majority_class` (where a row names one) and
        `label_entropy` in nats (mean of the columns, where a row names several); `constant_loss`,
        None where the loss is another than a cross-entropy or the mean squared error.
    """
    if not counts.rows:
        return None
    shares = counts.totals / counts.rows
    found: dict[str, Any] = {"rows": counts.rows}
    if counts.single:
        found["majority_accuracy"] = float(min(np.sort(shares)[-guesses:].sum(), 1.0))
        found["majority_class"] = int(shares.argmax())
        found["label_entropy"] = _entropy(shares)
    elif counts.binary and guesses == 1:
        found["majority_accuracy"] = float(np.maximum(shares, 1 - shares).mean())
        found["label_entropy"] = _binary_entropy(shares)
    loss = None if spec is None or weighted else _constant_loss(counts, spec, shares)
    return found | {"constant_loss": None if loss is None else loss * scale}


def trained_constant_loss(
    counts: LabelCounts, trained: LabelCounts, spec: LossSpec, *, scale: float = 1.0
) -> float | None:
    """What the best constant answer to the training labels reaches on others.

    Args:
        counts: the labels that it is judged by.
        trained: those of the training epoch.
        spec: the loss that the constant is chosen for.
        scale: the factor that Keras multiplies the loss with.

    Returns:
        None where the loss is another than a cross-entropy or the mean squared error, and where
        the two are not labels of one kind.
    """
    if not counts.rows or not trained.rows or not counts.alike(trained):
        return None
    answer = trained.totals / trained.rows
    loss = _constant_loss(counts, spec, counts.totals / counts.rows, answer)
    return None if loss is None else loss * scale


def _constant_loss(
    counts: LabelCounts, spec: LossSpec, shares: Floats, answer: Floats | None = None
) -> float | None:
    """The loss of an answer, the best one unless another is given."""
    if spec.custom or spec.reduction in ("none", "sum"):
        return None
    answer = shares if answer is None else answer
    smoothing = float(spec.config.get("label_smoothing") or 0.0)
    if spec.name in _CATEGORICAL and counts.single:
        kept, spread = 1 - smoothing, smoothing / len(shares)
        return _cross_entropy(shares * kept + spread, answer * kept + spread)
    if spec.name == "binary_crossentropy" and counts.binary:
        kept, spread = 1 - smoothing, smoothing / 2
        return _binary_entropy(shares * kept + spread, answer * kept + spread)
    if spec.name == "mean_squared_error" and not counts.ids:
        squares = counts.squares / counts.rows - 2 * answer * shares + np.square(answer)
        return float(np.maximum(squares, 0.0).mean())
    return None


def _cross_entropy(shares: Floats, answer: Floats) -> float:
    positive = shares > 0
    # As Keras clips what is certain and wrong.
    logs = np.log(np.maximum(answer[positive], EPSILON))
    return float(-(shares[positive] * logs).sum()) + 0.0


def _entropy(shares: Floats) -> float:
    return _cross_entropy(shares, shares)


def _binary_entropy(shares: Floats, answer: Floats | None = None) -> float:
    """Of each column's share against the rest; the mean of all columns."""
    answer = shares if answer is None else answer
    return (_cross_entropy(shares, answer) + _cross_entropy(1 - shares, 1 - answer)) / len(shares)


def count_matches(spec: MetricSpec, tensors: OutputArrays) -> tuple[int, int] | None:
    """How many rows of several labels there are, and of how many every label is right.

    Args:
        spec: the accuracy that was meant; its threshold cuts the predictions.
        tensors: labels and predictions, `(K, N, ..., D)`.

    Returns:
        None where a row has a single label.
    """
    y_true, y_pred = tensors.y_true, tensors.y_pred
    several = spec.name == "binary_accuracy" and y_pred is not None and y_pred.ndim > 2
    if not several or y_pred is None or y_true is None or y_true.shape != y_pred.shape:
        return None
    if y_pred.shape[-1] < 2:
        return None
    right = (y_pred > spec.config.get("threshold", 0.5)) == (y_true > 0.5)
    rows, kept = right.all(axis=-1), counted(tensors, y_pred.shape[:-1])
    counting = rows if kept is None else rows[kept]
    return int(counting.size), int(np.count_nonzero(counting))
