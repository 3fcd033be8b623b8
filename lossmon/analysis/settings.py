"""What runs are called, and the settings in which they differ."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from lossmon.analysis.history import Row

_LONGEST_WHOLE = 1e15
_SEEDS = ("seed", "random_seed", "random_state", "rng_seed")


def distinct_names(documents: Sequence[Row]) -> list[str]:
    """Return the runs' names; with the beginning of their ids where names are not distinct.

    Args:
        documents: the runs, as `Store.run` gives them.
    """
    names = [document["name"] for document in documents]
    return [
        name if names.count(name) == 1 else f"{name} ({document['id'][:6]})"
        for name, document in zip(names, documents, strict=True)
    ]


def differing_settings(documents: Sequence[Row]) -> list[tuple[str, list[Any]]]:
    """Return the settings that are not the same in all, of those that `run_settings` tells.

    Args:
        documents: the runs, as `Store.run` gives them.

    Returns:
        By name, each with its value in every run, in their order; None where it has none.
    """
    flat = [run_settings(document) for document in documents]
    keys = sorted({key for settings in flat for key in settings})
    rows = [(key, [settings.get(key) for settings in flat]) for key in keys]
    return [(key, values) for key, values in rows if len(set(map(setting_key, values))) > 1]


def run_settings(document: Row) -> dict[str, Any]:
    """Return what a run was set up with, as one flat dictionary: `optimizer.learning_rate`.

    Args:
        document: the run, as `Store.run` gives it.
    """
    return flattened(setting_parts(document))


def setting_parts(document: Row) -> dict[str, Any]:
    """Return a run's config, model, optimiser, amounts of data, epochs asked for, and seed.

    Args:
        document: the run, as `Store.run` gives it.
    """
    model = unnumbered(document["model"] or {})
    # Names of layers are numbered through a process: they would differ between equal models.
    model.pop("summary", None)
    optimizer = model.pop("optimizer", None) or {}
    epochs, seed = document.get("epochs_planned"), (document.get("environment") or {}).get("seed")
    return {
        "config": document["config"] or {},
        "model": model,
        "optimizer": optimizer,
        "data": run_data(document),
        "fit": {} if epochs is None else {"epochs": epochs},
        "environment": {} if seed is None else {"seed": seed},
    }


def unnumbered(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return a described model with what Keras calls it and its optimiser, but for the numbers.

    Keras numbers what has no name through a process, so that equal models would differ.

    Args:
        model: the `model` of a run, as `Store.run` gives it.
    """
    found = dict(model)
    optimizer = dict(found.get("optimizer") or {})
    if optimizer:
        found["optimizer"] = optimizer
    for part, given in ((found, _keras_names(found.get("class"))), (optimizer, r"\w+")):
        if name := re.fullmatch(rf"({given})_\d+", str(part.get("name"))):
            part["name"] = name[1]
    return found


def _keras_names(of_class: Any) -> str:
    """A pattern of what Keras calls a model without a name, but for the number."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(of_class)).lower()
    return "|".join(map(re.escape, (snake, "functional", "model")))


def run_data(document: Row) -> dict[str, int]:
    """Return how much data a run was trained and judged on, as far as that is known.

    Args:
        document: the run, as `Store.run` gives it.

    Returns:
        `train_samples` and `val_samples` of an epoch, and `batch_size`.
    """
    found: dict[str, int | None] = {}
    for split in ("train", "val"):
        rows = [r for r in document["epochs"] if r["split"] == split and r["output"] is None]
        found[f"{split}_samples"] = max((row["n"] or 0 for row in rows), default=None)
    found["batch_size"] = document.get("batch_size")
    return {key: value for key, value in found.items() if value}


def flattened(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings within settings by dotted keys: `optimizer.rate`.

    Args:
        settings: a mapping, of which values may be mappings.
        prefix: what all keys begin with.
    """
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flattened(cast("Mapping[str, Any]", value), f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def is_seed(key: str) -> bool:
    """Whether a setting says where random numbers began.

    Args:
        key: its dotted key.
    """
    return key.rpartition(".")[2].lower() in _SEEDS


def setting_key(value: Any) -> str:
    """Return a text that is the same for settings that are: 0 and 0.0 are, 1 and True are not.

    Args:
        value: of a setting.
    """
    return json.dumps(_unified(value), sort_keys=True, default=str)


def _unified(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_unified(part) for part in cast("Sequence[Any]", value)]
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value).items()
        return {key: _unified(part) for key, part in parts}
    return value


def setting_text(value: Any) -> str:
    """Return a setting as it was written, where Keras keeps it in float32; 0.0 as 0.

    Args:
        value: of a setting.
    """
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _LONGEST_WHOLE:
            return str(int(value))
        with np.errstate(over="ignore"):
            short = np.float32(value)
        # To the digit: two settings that differ are never written alike.
        return str(short) if float(short) == value else str(value)
    return str(value)
