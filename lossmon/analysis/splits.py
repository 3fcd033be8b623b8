"""Why training and validation loss differ, where the epochs show it.

The training loss of an epoch is a mean over batches, each predicted before the step that it causes,
with dropout and augmentation active and the weights moving; the validation loss is that of the
weights at the epoch's end. In the first epoch each training sample is still new when it is
predicted, so that both should be alike, and validation the lower one (Blum, Kalai and Langford,
*Beating the hold-out*, COLT 1999).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from lossmon.analysis.history import History, Losses, Row, losses, weighted
from lossmon.analysis.noise import Floats
from lossmon.analysis.words import loss_text, loss_texts

SplitCause = Literal["shifted-data", "measured-while-training", "easier-validation"]

SHIFTED: SplitCause = "shifted-data"
"""The cause of validation data that were worse from the first epoch on."""

# Standard errors, and the part of the loss, that a difference must exceed to be told.
_SURE, _MATTERS = 3.0, 0.1
# Epochs from the first one in which validation must be the worse.
_FIRST = 3
# Relative error of the first training loss above which the set is so small that its second and
# third epoch may overfit it.
_SMALL = 0.05


@dataclass(frozen=True, slots=True)
class SplitDifference:
    """Why the loss of one split lies above that of the other.

    Attributes:
        output: the output's name; None for the only one.
        cause: "shifted-data" (validation is of another kind, where training samples are
            shuffled and no batch normalisation lags behind), "measured-while-training" (dropout,
            augmentation and moving weights), "easier-validation"; None where it may be either of
            the last two.
        train: the training loss that it is seen in.
        val: the validation loss of the same epoch.
        sentence: the same for people.
    """

    output: str | None
    cause: SplitCause | None
    train: float
    val: float
    sentence: str

    def document(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return asdict(self)


def explain_splits(epochs: Iterable[Row], outputs: Iterable[Row]) -> list[SplitDifference]:
    """Explain why training and validation loss of a run differ.

    Args:
        epochs: the run's epochs with the fields of `EpochRecord`, as `Store.epoch_rows` gives them.
        outputs: its outputs, as `Store.output_rows` gives them.

    Returns:
        Of classifiers whose samples all weigh the same, where the difference is more than noise
        and not that of a model which has learned its training samples by heart. Of models of values
        only that validation was worse from the start, where each sample has one row of values.
    """
    rows = list(epochs)
    found = (_of_output(rows, output) for output in outputs)
    return [difference for difference in found if difference is not None]


def _of_output(rows: list[Row], output: Row) -> SplitDifference | None:
    train, val = (losses(rows, output, split) for split in ("train", "val"))
    if train is None or val is None or len(train) < _FIRST:
        return None
    if [r["epoch"] for r in train.rows] != [r["epoch"] for r in val.rows]:
        return None
    if any(weighted(row) for row in (*train.rows, *val.rows)):
        return None
    above = val.loss - train.loss
    # Other samples: their errors add up.
    errors = np.hypot(train.loss_error, val.loss_error)
    if _worse_from_the_start(train, above, errors):
        return _shifted(train, val)
    late = len(train) // 2
    # Few losses of values often miss the largest ones, and look easier by chance.
    if isinstance(val, History) and _clearly(-above[late:], errors[late:], val.loss[late:]):
        return _easier(train, val)
    return None


def _worse_from_the_start(train: Losses, above: Floats, errors: Floats) -> bool:
    enough = train.loss_error[0] < _SMALL * train.loss[0]
    first = slice(_FIRST)
    started = train.rows[0]["epoch"] == 0
    return bool(started and enough and _clearly(above[first], errors[first], train.loss[first]))


def _clearly(excess: Floats, errors: Floats, scale: Floats) -> bool:
    return bool(((excess > _SURE * errors) & (excess > _MATTERS * np.abs(scale))).all())


def _shifted(train: Losses, val: Losses) -> SplitDifference:
    one, two = float(train.loss[0]), float(val.loss[0])
    lower, higher = loss_texts((one, two))
    return SplitDifference(
        val.output,
        SHIFTED,
        one,
        two,
        f"Validation loss lay above training loss from the first epoch on ({higher} "
        f"against {lower}), when each training sample was still new: that is no "
        "overfitting. The validation data are of another kind than the training data, or the "
        "training samples come in some order instead of shuffled, or the running means of batch "
        "normalisation lag behind.",
    )


def _easier(train: Losses, val: Losses) -> SplitDifference:
    one, two = float(train.loss[-1]), float(val.loss[-1])
    audited, penalty = train.rows[-1].get("audited_loss"), train.rows[-1].get("penalty") or 0.0
    higher, lower = loss_texts((one, two))
    said = f"Training loss ({higher}) lies above validation loss ({lower})"
    while_training = (
        "it is measured while training, with dropout or augmentation active and the weights moving"
    )
    if audited is None:
        told = (
            f"{said}: {while_training}, or the validation data are easier. "
            "Monitor(audit_train=True) tells which."
        )
        return SplitDifference(val.output, None, one, two, told)
    at_rest = audited - penalty
    held = f"with the weights held still it is {loss_text(at_rest)}"
    if at_rest > two * (1.0 + _MATTERS):
        told = f"{said}, and {held}: the validation data are easier."
        return SplitDifference(val.output, "easier-validation", one, two, told)
    told = (
        f"{said} because {while_training}; {held}. The model is no better on new samples than on "
        "its own."
    )
    return SplitDifference(val.output, "measured-while-training", one, two, told)
