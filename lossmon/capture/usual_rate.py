"""The learning rate that is usual for an optimizer."""

from __future__ import annotations

from typing import Any

from keras import optimizers

from lossmon.capture.specs import is_keras

# Of others (Adadelta, Adagrad, Ftrl) papers and frameworks disagree by a factor of a thousand.
_USUAL = (
    (optimizers.SGD, 1e-2),
    ((optimizers.Adam, optimizers.Adamax, optimizers.Nadam, optimizers.RMSprop), 1e-3),
)


def usual_rate(optimizer: Any) -> float | None:
    """The learning rate that Keras gives an optimizer; None where none is usual.

    Args:
        optimizer: a model's; None where it has none.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not is_keras(type(inner)):
        return None
    return next((rate for kinds, rate in _USUAL if isinstance(inner, kinds)), None)
