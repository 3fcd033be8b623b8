"""Keras that cannot be watched is named, with the fix, before anything is trained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import lossmon
from lossmon.capture.supported import demand_supported


@pytest.mark.parametrize("version", ["2.15.0", "3.0.5", "3.12.4"])
def test_an_older_keras_is_refused(version: str) -> None:
    with pytest.raises(lossmon.UnsupportedKeras, match=r"Fix: pip install 'keras>=3\.13'"):
        demand_supported(version)


@pytest.mark.parametrize("version", ["3.13.0", "3.15.0", "4.0.0", "3.14.0.dev2026"])
def test_a_newer_keras_is_taken(version: str) -> None:
    demand_supported(version)


def test_an_older_keras_is_named_when_the_monitor_is_touched(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("__version__ = '2.15.0'")
    program = "import lossmon; lossmon.Monitor"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "expected Keras 3.13 or newer. Received: Keras 2.15.0" in done.stderr


def test_a_model_of_keras_2_is_refused() -> None:
    # Only its name is real: tf_keras would bring a second TensorFlow.
    legacy = type("Sequential", (), {"__module__": "tf_keras.src.engine.sequential"})
    with pytest.raises(lossmon.UnsupportedKeras, match="unset TF_USE_LEGACY_KERAS"):
        lossmon.Monitor().set_model(legacy())
    model = keras.Sequential([keras.layers.Dense(1)])
    lossmon.Monitor().set_model(model)
