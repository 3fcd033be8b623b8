"""Read what the tap carried out of a step into NumPy, on the writer thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.tap import Step

Array = NDArray[Any]

_TENSORFLOW = keras.backend.backend() == "tensorflow"


@dataclass(frozen=True, slots=True)
class OutputValues:
    """One output's tensors of one step.

    Attributes:
        y_true, y_pred, sample_weight, mask, logits: as Keras' loss and metrics saw them; None where
            they were not given, or not copied out of the step.
        loss: Keras' own data loss of this output; None where the total is that.
        tracked: what Keras weighs the batch by in this output's own running mean, if it has one.
        accuracy_state: (total, count) of the accuracy metric before and after the step.
    """

    y_true: Array | None = None
    y_pred: Array | None = None
    sample_weight: Array | None = None
    mask: Array | None = None
    logits: Array | None = None
    loss: float | None = None
    tracked: float | None = None
    accuracy_state: Array | None = None


@dataclass(frozen=True, slots=True)
class StepValues:
    """All outputs of one step, and what belongs to the whole.

    Attributes:
        outputs: in the model's order.
        total_loss: what Keras minimises: data losses and penalties.
        size: samples in the batch.
        learning_rate: the optimiser's before the step.
        skipped: whether predictions were left behind to keep up.
        alone: whether the total is the only output's data loss and nothing else.
    """

    outputs: tuple[OutputValues, ...]
    total_loss: float | None
    size: int | None
    learning_rate: float | None
    skipped: bool
    alone: bool


def read(step: Step, accuracy_positions: tuple[int | None, ...]) -> StepValues:
    """Convert a step's tensors.

    Args:
        step: what the tap brought out.
        accuracy_positions: for each output, where its accuracy metric stands among the states.
    """
    tapped = step.tapped or {}
    states = _array(tapped.get("states"))
    carried = tapped.get("outputs", {})
    outputs = tuple(
        _output(
            carried.get(str(index), {}),
            None if position is None or states is None else states[position],
        )
        for index, position in enumerate(accuracy_positions)
    )
    return StepValues(
        outputs=outputs,
        total_loss=_scalar(tapped.get("total")),
        size=None if "size" not in tapped else int(_scalar(tapped["size"]) or 0),
        learning_rate=_scalar(tapped.get("learning_rate")),
        skipped=bool(tapped.get("skipped", False)),
        alone=bool(_scalar(tapped.get("alone"))),
    )


def _output(item: dict[str, Any], state: Array | None) -> OutputValues:
    return OutputValues(
        y_true=_array(item.get("y")),
        y_pred=_array(item.get("y_pred")),
        sample_weight=_array(item.get("sample_weight")),
        mask=_array(item.get("mask")),
        logits=_array(item.get("logits")),
        loss=_scalar(item.get("loss")),
        tracked=_scalar(item.get("tracked")),
        accuracy_state=state,
    )


def _array(value: Any) -> Array | None:
    if value is None:
        return None
    if _TENSORFLOW:  # Keras' own conversion takes thirty times as long, for every scalar.
        return value.numpy() if hasattr(value, "numpy") else np.asarray(value)
    return np.asarray(keras.ops.convert_to_numpy(value))


def _scalar(value: Any) -> float | None:
    """A float; the sum of what an unreduced loss (`reduction="none"`) left is not one number."""
    array = _array(value)
    return float(array) if array is not None and array.ndim == 0 else None


def scalar_logs(logs: Any) -> dict[str, float]:
    """Those of Keras' logs that are plain numbers."""
    if not isinstance(logs, dict):
        return {}
    found: dict[str, float | None] = {}
    for key, value in logs.items():
        found |= scalar_logs(value) if isinstance(value, dict) else {str(key): _scalar(value)}
    return {key: value for key, value in found.items() if value is not None}
