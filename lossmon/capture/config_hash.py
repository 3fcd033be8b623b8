"""What is the same for two models that were written alike."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

from lossmon.capture.specs import is_keras

_DIGITS = 12


def config_hash(model: Any) -> str | None:
    """Return a hash of a model's `get_config`, but for names and seeds.

    Args:
        model: a Keras model.

    Returns:
        The same for models of the same layers with the same settings; None where the config does
        not tell all: of subclassed models, and of layers or functions of the user's own.
    """
    # Functions of the user's own are serialised with it, which may warn and raise anything.
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        layers = list(model._flatten_layers())
        if not all(is_keras(type(layer)) for layer in layers):
            return None
        names = {layer.name: f"#{place}" for place, layer in enumerate(layers)}
        plain = _plain(model.get_config(), names)
        told = json.dumps([type(model).__name__, plain], sort_keys=True)
        return sha256(told.encode()).hexdigest()[:_DIGITS]
    return None


class _NotTold(Exception):
    """The config holds something whose code it does not hold."""


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    """A config with other names, and without seeds."""
    if isinstance(value, Mapping):
        if not _is_whole(value):
            raise _NotTold
        return {str(key): _plain(part, names) for key, part in value.items() if key != "seed"}
    if isinstance(value, (list, tuple)):
        return [_plain(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else value


def _is_whole(part: Mapping[Any, Any]) -> bool:
    """Whether it tells all: of functions and classes of the user's own the names say nothing."""
    if "module" in part:
        return str(part["module"]).startswith("keras") and part.get("registered_name") is None
    # Code, in the two ways that Keras writes it.
    return part.get("class_name") != "__lambda__" and set(part) != {"value"}
