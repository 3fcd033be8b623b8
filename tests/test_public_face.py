"""What `import lossmon` gives, and what it does not load."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import keras
import pytest

import lossmon
from lossmon import errors

PROJECT = Path(__file__).parent.parent
HEAVY = ("keras", "tensorflow", "jax", "torch", "dash", "plotly", "pandas", "polars", "matplotlib")
LIGHT_MODULES = (
    *("lossmon", "lossmon.store", "lossmon.rules", "lossmon.recompute", "lossmon.cli"),
    *("lossmon.analysis", "lossmon.report", "lossmon.exchange", "lossmon.trackers"),
    *("lossmon.records", "lossmon.errors", "lossmon.demo"),
)


def test_every_promised_name_is_there() -> None:
    assert sorted(lossmon.__all__) == list(lossmon.__all__)
    assert dir(lossmon) == list(lossmon.__all__)
    assert all(getattr(lossmon, name) is not None for name in lossmon.__all__)


def test_every_name_of_lossmon_s_own_that_is_there_is_promised() -> None:
    own = {
        name
        for name, value in vars(lossmon).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", "").startswith("lossmon")
    }
    assert own <= set(lossmon.__all__)


def test_every_error_is_promised_and_of_one_tree() -> None:
    raised = {name for name, value in vars(errors).items() if _is_error(value)}
    assert raised <= set(lossmon.__all__)
    assert all(issubclass(getattr(errors, name), lossmon.LossmonError) for name in raised)


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Monitors'"):
        _ = lossmon.Monitors  # pyright: ignore[reportAttributeAccessIssue]


def test_monitor_is_a_keras_callback() -> None:
    assert issubclass(lossmon.Monitor, keras.callbacks.Callback)


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_import_loads_no_backend_and_no_dashboard(module: str) -> None:
    program = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_version_is_the_project_s() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert lossmon.__version__ == project["version"]
