"""Whether a loss of the user's own compares every target with every prediction."""

from __future__ import annotations

import copy
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.arrays import to_numpy
from lossmon.capture.specs import is_keras

_SAMPLES = 32
_FEWEST = 4
_SURE = 1e-3
_ROUNDING = 1e-5


def pairs_all(loss: Any, y_true: Any, y_pred: Any) -> bool:
    """Tell whether a loss pairs targets `(N,)` with all predictions `(N, 1)`, by trying a copy.

    Then it is the same in whatever order the targets come, and another one with targets `(N, 1)`.
    Keras fits the ranks for functions, not for subclasses of `keras.losses.Loss`.

    Args:
        loss: the live object; it is not called itself, since it may count its calls.
        y_true: targets; they need not be those of these samples.
        y_pred: predictions.
    """
    if not isinstance(loss, keras.losses.Loss) or is_keras(type(loss)):
        return False
    if any(isinstance(value, keras.layers.Layer) for value in vars(loss).values()):
        return False  # Models are not copied.
    targets, predictions = to_numpy(y_true), to_numpy(y_pred)
    if targets is None or predictions is None or targets.ndim != 1 or predictions.ndim != 2:
        return False
    count = min(len(targets), len(predictions), _SAMPLES)
    if count < _FEWEST or predictions.shape[1] != 1:
        return False
    try:
        return _is_of_all_pairs(loss, targets[:count], predictions[:count])
    except Exception:
        # What it makes of a few samples is the user's business, and comes up in training.
        return False


def _is_of_all_pairs(loss: Any, targets: NDArray[Any], predictions: NDArray[Any]) -> bool:
    def value(of: NDArray[Any]) -> float:
        found: Any = to_numpy(_copied(loss)(of, predictions))
        return float(np.mean(found))

    flat, turned = value(targets), value(targets[::-1])
    paired, crossed = value(targets[:, None]), value(targets[::-1, None])
    scale = abs(flat) + abs(paired)
    matters = abs(paired - crossed) > _SURE * scale and abs(flat - paired) > _SURE * scale
    return matters and abs(flat - turned) <= _ROUNDING * scale


def _copied(loss: Any) -> Any:
    """Copy a loss with all that it holds; Keras itself copies those alone that are registered."""
    made = object.__new__(type(loss))
    vars(made).update({name: copy.deepcopy(held) for name, held in vars(loss).items()})
    return made
