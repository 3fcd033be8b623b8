"""What all tests share: a quiet backend, and no database of the developer's own."""

from __future__ import annotations

import gc
import os
import tempfile

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.pop("LOSSMON_DB", None)
os.environ["LOSSMON_SPOOL"] = tempfile.mkdtemp(prefix="lossmon-spool-")

# Seconds; the time limit of all other tests would end them on a busy machine.
SLOW_TIMEOUT = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let thousands of drawn programs take the time that they need."""
    for item in items:
        if item.get_closest_marker("slow") is not None:
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT))


def pytest_collection_finish() -> None:
    """Keep the collector from looking, in every test anew, through all that was imported."""
    gc.collect()
    gc.freeze()
