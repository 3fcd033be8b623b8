"""What one epoch's confidence was worth, in numbers and plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon.analysis import is_uniform
from lossmon_dashboard.components.numbers import Told, numbers_told
from lossmon_dashboard.wording import number, share

Row = Mapping[str, Any]

NOTHING = (
    "Nothing is known of the confidence of this epoch. It takes validation data and an output "
    "all of whose values are probabilities."
)


def calibration_numbers(row: Row | None) -> html.Div | dmc.Text:
    """Calibration error, temperature and recoverable loss of an epoch.

    Args:
        row: the validation row of the epoch; None where there is none.
    """
    told = [] if row is None else [one for tell in _TELL if (one := tell(row)) is not None]
    if row is None or not told:
        return dmc.Text(NOTHING, size="sm")
    return numbers_told(told)


def _confidence(row: Row) -> Told | None:
    if row["confidence"] is None:
        return None
    gap = row["calibration_gap"]
    right = None if gap is None else row["confidence"] - gap
    return Told("sure", share(row["confidence"]), f"on average; {share(right)} are right")


def _error(row: Row) -> Told | None:
    error = row["expected_calibration_error"]
    if error is None:
        return None
    return Told(
        "calibration error (ECE)",
        number(error, 3),
        "how far confidence and share right lie apart, on average over 15 bands of confidence",
    )


def _temperature(row: Row) -> Told | None:
    heat = row["temperature"]
    if heat is None:
        return None
    if is_uniform(heat):
        none = "all answers equally likely have a smaller loss than these scores, however scaled"
        return Told("best temperature", "none", none)
    words = (
        "the model is surer than it is right"
        if heat > 1.02
        else "the model is less sure than it is right"
        if heat < 0.98
        else "nothing to gain"
    )
    return Told("best temperature", number(heat, 3), f"of the scores, for the least loss: {words}")


def _recoverable(row: Row) -> Told | None:
    loss, scaled = row["nll"], row["scaled_loss"]
    if loss is None or scaled is None:
        return None
    gained = max(loss - scaled, 0.0)
    part = f"{share(gained / loss)} of {number(loss, 3)}" if loss else "of no loss at all"
    return Told("recoverable loss", number(gained, 3), f"confidence alone, no skill: {part}")


def _brier(row: Row) -> Told | None:
    if row["brier"] is None:
        return None
    return Told("Brier score", number(row["brier"], 3), "squared error of all probabilities")


def _worst(row: Row) -> Told | None:
    part = row["worst_share"]
    if part is None:
        return None
    return Told("worst 1 % of samples", share(part), "is what they carry of the whole loss")


_TELL = (_confidence, _error, _temperature, _recoverable, _brier, _worst)
