"""Which learning rate is usual for an optimizer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from lossmon.capture.facts import gather_facts
from lossmon.capture.usual_rate import usual_rate

OPTIMIZERS = keras.optimizers


class Own(OPTIMIZERS.Adam):
    pass


@pytest.mark.parametrize(
    ("optimizer", "usual"),
    [
        (OPTIMIZERS.SGD(10.0), 1e-2),
        (OPTIMIZERS.AdamW(1e-6), 1e-3),
        (OPTIMIZERS.RMSprop(0.5), 1e-3),
        (OPTIMIZERS.LossScaleOptimizer(OPTIMIZERS.Adam(1.0)), 1e-3),
        # Papers and frameworks disagree: 1.0 is as usual as 0.001.
        (OPTIMIZERS.Adadelta(1.0), None),
        (Own(1.0), None),
        (None, None),
    ],
)
def test_a_rate_is_usual_for_some(optimizer: Any, usual: float | None) -> None:
    assert usual_rate(optimizer) == usual


def test_facts_hold_it() -> None:
    model: Any = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(OPTIMIZERS.SGD(3.0), "mse")
    assert gather_facts(model, np.ones((4, 2)), np.ones((4, 1))).usual_rate == 1e-2
