"""Which layers of a model act differently in training than in validation and in use."""

from __future__ import annotations

from typing import Any

import keras

_ALWAYS = (
    "AlphaDropout", "AugMix", "BatchNormalization", "CutMix", "Dropout", "GaussianDropout",
    "GaussianNoise", "MixUp", "RandAugment", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D",
)  # fmt: skip
# What says how strongly such a layer acts; at 0 it does nothing.
_STRENGTHS = ("rate", "stddev")
# Of recurrent layers and their cells.
_DROPOUTS = ("dropout", "recurrent_dropout")


def training_layers(model: Any) -> tuple[str, ...]:
    """The kinds of layers whose call differs in training, by Keras' own classes.

    Args:
        model: a built `keras.Model`.

    Returns:
        Class names of Keras, such as "Dropout" or "BatchNormalization", sorted, each once; a
        subclass counts as what it derives from. Layers that are switched off (rate 0, a frozen
        batch normalisation) are left out, and layers of the user's own are not known.
    """
    kinds = (_kind(layer) for layer in model._flatten_layers(include_self=False))
    return tuple(sorted({kind for kind in kinds if kind is not None}))


def _kind(layer: Any) -> str | None:
    own = next(c.__name__ for c in type(layer).__mro__ if c.__module__.startswith("keras."))
    if own in _ALWAYS or (own.startswith("Random") and _is_public_layer(own)):
        return own if _acts(layer, own) else None
    if any(_positive(layer, name) for name in _DROPOUTS):
        return f"the dropout of {own.removesuffix('Cell')}"
    return None


def _is_public_layer(name: str) -> bool:
    return hasattr(keras.layers, name)


def _acts(layer: Any, own: str) -> bool:
    if own == "BatchNormalization":
        return bool(layer.trainable)
    known = [name for name in _STRENGTHS if hasattr(layer, name)]
    return not known or any(_positive(layer, name) for name in known)


def _positive(layer: Any, name: str) -> bool:
    value = getattr(layer, name, None)
    return isinstance(value, (int, float)) and value > 0
