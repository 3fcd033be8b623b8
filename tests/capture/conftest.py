"""Databases and small real data for tests that train."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

import lossmon

# What other backends alone have: `make backend` runs it.
collect_ignore = ["test_distributed_jobs.py"]
if keras.backend.backend() != "tensorflow":
    # Of what leaves steps through TensorFlow's queues.
    collect_ignore = ["test_waiting_steps.py"]
if keras.backend.backend() != "torch":
    collect_ignore += ["test_torch_compile.py", "test_torch_data.py"]
if find_spec("keras_hub") is None:
    # `make matrix` runs it in an environment of its own.
    collect_ignore.append("keras_hub_models.py")

several_steps = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras has no steps_per_execution on PyTorch"
)

exact_when_compiled = pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="what torch.compile fuses differs by what a step calls",
)


class Recorded(NamedTuple):
    """What one monitored `fit` left behind."""

    model: Any
    history: Any
    store: Any
    document: dict[str, Any]
    batches: list[dict[str, Any]]

    @property
    def epochs(self) -> list[dict[str, Any]]:
        return self.document["epochs"]


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture
def record(db: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fit a model under a monitor, and read back what was stored."""
    # What collects garbage in a process of many tests must not keep steps from being recomputed.
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", 60.0)

    def run(model: Any, *data: Any, monitor: dict[str, Any] | None = None, **fit: Any) -> Recorded:
        callbacks = [*fit.pop("callbacks", ()), lossmon.Monitor(db, **(monitor or {}))]
        arguments = {"verbose": 0, "epochs": 2, "batch_size": 16} | fit
        if not isinstance(data[0], (np.ndarray, list, dict, tuple)):
            del arguments["batch_size"]
        history = model.fit(*data, callbacks=callbacks, **arguments)
        store = lossmon.open_store(db)
        batches = list(store.export_batches("latest"))
        return Recorded(model, history, store, store.run_document("latest"), batches)

    return run


@pytest.fixture(autouse=True)
def _seeded() -> None:
    keras.utils.set_random_seed(7)


def features(n: int = 72, width: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, width)).astype("float32")


def classes(n: int = 72, count: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, count, n)


def dense(units: int = 3, activation: str | None = "softmax", width: int = 6, **hidden: Any) -> Any:
    return keras.Sequential(
        [
            keras.Input((width,)),
            keras.layers.Dense(8, activation="relu", **hidden),
            keras.layers.Dense(units, activation=activation),
        ]
    )
