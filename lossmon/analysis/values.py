"""What an epoch's record says of confidence and calibration, named for people."""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.analysis.history import Row

_VALUES = {
    "confidence": "mean confidence",
    "calibration_gap": "calibration gap (confidence − share right)",
    "expected_calibration_error": "confidence is off by, on average (calibration error)",
    "loss_correct": "mean loss of right predictions",
    "loss_wrong": "mean loss of wrong predictions",
    "worst_share": "share of the loss that the worst 1 % carry",
    "brier": "squared error of the probabilities (Brier score)",
    "temperature": "divisor of the scores that fits best (temperature)",
    "scaled_loss": "loss at that temperature",
}
_MARGINS = {
    "median": "lead of the true class over the best other, median",
    "right": "mean lead where predictions are right",
    "wrong": "mean lead where they are wrong",
}


def no_confidence(epoch: Row) -> str | None:
    """Say why nothing is known of how sure a classifier is of its predictions.

    Args:
        epoch: with the fields of `EpochRecord`.

    Returns:
        None where something is known, or where nothing was judged at all.
    """
    if epoch.get("correct") is None or epoch.get("confidence") is not None:
        return None
    return (
        "Its predictions are not all probabilities (from 0 to 1, and 1 in sum over the classes), "
        "so that nothing can be said of how sure it is."
    )


def calibration_values(epoch: Row) -> Iterator[tuple[str, float]]:
    """Yield each value that is known of an epoch, under what it is called.

    Args:
        epoch: with the fields of `EpochRecord`, or none.
    """
    for key, title in _VALUES.items():
        if epoch.get(key) is not None:
            yield title, epoch[key]
    margins = epoch.get("margins") or {}
    for key, title in _MARGINS.items():
        if margins.get(key) is not None:
            yield title, margins[key]
