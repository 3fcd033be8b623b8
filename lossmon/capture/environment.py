"""What a run was made with: versions, backend, device, command line, commit."""

from __future__ import annotations

import platform
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
from keras.src.utils.rng_utils import get_random_seed

from lossmon.capture.config_hash import config_hash
from lossmon.store import without_passwords

_MOST_LAYERS = 200
_PACKAGES = ("lossmon", "keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "torch")


def environment(seed: int | None = None, validation_compared: bool | None = None) -> dict[str, Any]:
    """The facts that a person needs to repeat the run.

    Args:
        seed: as `set_seed` gives it.
        validation_compared: whether validation samples were looked up among the training samples;
            None without any.

    Returns:
        JSON-serialisable: `versions`, `python`, `platform`, `backend`, `floatx`, `devices`, `argv`
        (passwords in URLs hidden), `directory` (its name only) and, where they are known,
        `git_commit`, `seed` and `validation_compared`.
    """
    facts: dict[str, Any] = {
        "versions": _versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "backend": keras.backend.backend(),
        "floatx": keras.config.floatx(),
        "devices": _devices(),
        "argv": without_passwords(sys.argv),
        "directory": Path.cwd().name,
    }
    known = {
        "git_commit": _git_commit(),
        "seed": seed,
        "validation_compared": validation_compared,
    }
    return facts | {key: value for key, value in known.items() if value is not None}


def set_seed() -> int | None:
    """The seed that this thread gave `keras.utils.set_random_seed`; None without one."""
    seed = get_random_seed()
    return None if seed is None else int(seed)


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _devices() -> list[str]:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return [device.name for device in tf.config.list_logical_devices()]
    if backend == "jax":
        import jax  # pyright: ignore[reportMissingImports]

        return [str(device) for device in jax.devices()]
    if backend == "torch":
        import torch  # pyright: ignore[reportMissingImports]

        return ["cuda" if torch.cuda.is_available() else "cpu"]
    return []


def _git_commit() -> str | None:
    """The commit that is checked out in the working directory, if it is one of git's."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def describe_model(model: Any) -> dict[str, Any]:
    """Name, size and optimiser of a compiled model, JSON-serialisable."""
    optimizer = model.optimizer
    return {
        "name": model.name,
        "class": type(model).__name__,
        "parameters": int(model.count_params()) if model.built else None,
        "layers": len(model.layers),
        "summary": [_layer(layer) for layer in model.layers[:_MOST_LAYERS]],
        "config_hash": config_hash(model),
        "optimizer": _optimizer(optimizer) if optimizer is not None else None,
        "jit_compile": bool(model.jit_compile),
        "run_eagerly": bool(model.run_eagerly),
        "steps_per_execution": int(model.steps_per_execution),
        "dtype_policy": model.dtype_policy.name,
    }


def _optimizer(optimizer: Any) -> dict[str, Any]:
    """Its settings; of one that has trained before, its `iterations` too."""
    before = 0
    with suppress(Exception):
        before = int(optimizer.iterations)
    return _plain(optimizer.get_config()) | ({"iterations": before} if before else {})


def _layer(layer: Any) -> dict[str, Any]:
    """One line of `model.summary()`: name, class, shape of the output, weights."""
    shape, parameters = None, None
    # Layers of one's own may not know either.
    with suppress(Exception):
        shape = _plain(layer.output.shape)
    with suppress(Exception):
        parameters = int(layer.count_params())
    return {
        "name": layer.name,
        "class": type(layer).__name__,
        "shape": shape,
        "parameters": parameters,
        "trainable": bool(layer.trainable),
    }


def _plain(value: Any) -> Any:
    """The same value in types that JSON knows; the rest as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    return str(value)
