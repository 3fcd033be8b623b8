"""Whether a model computes its loss in a way of its own."""

from __future__ import annotations

from typing import Any

import keras


def override(model: Any) -> str | None:
    """The first method of a model, or of its class, that replaces how Keras computes the loss."""
    for name in ("compute_loss", "train_step", "test_step"):
        if getattr(type(model), name) is not getattr(keras.Model, name) or name in vars(model):
            return name
    return None
