"""Trainings that are right are recorded to their end without a flag, whatever the seed."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import lossmon
from tests.rules.zoo.trainings import TRAININGS

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SEEDS = range(5)
# Those that take about a second.
QUICK = (
    "cycles",
    "policy gradient",
    "pairs within the batch",
    "noise of a diffusion",
    "one in a thousand",
    "other classes",
    "mixed up",
    "validated on one class",
    "counted",
)


def demand_silence(name: str, seed: int, path: Path) -> None:
    keras.utils.set_random_seed(seed)
    TRAININGS[name](np.random.default_rng(seed)).fit(lossmon.Monitor(path / "runs.db"))
    document = lossmon.open_store(path / "runs.db").run_document("latest")
    flags = [
        f"{f['code']}: {f['message']}" for f in document["findings"] if f["severity"] != "info"
    ]
    assert flags == []
    assert document["troubles"] == []
    assert "mismatch" not in {row["status"] for row in document["epochs"]}


@pytest.mark.parametrize("name", QUICK)
def test_a_right_training_ends_without_a_flag(name: str, tmp_path: Path) -> None:
    demand_silence(name, 7, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", TRAININGS)
def test_right_trainings_with_many_seeds(name: str, seed: int, tmp_path: Path) -> None:
    demand_silence(name, seed, tmp_path)
