"""What the bench changes about lossmon: it looks at a clock, and begins as in a long run."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from lossmon.capture import budget, sampling
from lossmon.capture.tap import Tap


@contextmanager
def timed_hooks() -> Generator[list[float]]:
    """Yield a list that gains, with each step, the seconds spent in lossmon around Keras' own."""
    hooks: list[float] = []
    run = Tap._run

    def timed(tap: Tap, function: Any, args: tuple[Any, ...]) -> Any:
        inside = 0.0

        def clocked(*given: Any) -> Any:
            nonlocal inside
            began = time.perf_counter()
            try:
                return function(*given)
            finally:
                inside = time.perf_counter() - began

        began = time.perf_counter()
        try:
            return run(tap, clocked, args)
        finally:
            hooks.append(time.perf_counter() - began - inside)

    with mock.patch.object(Tap, "_run", timed):
        yield hooks


@contextmanager
def without_allowance() -> Generator[None]:
    """Begin with what `verify="auto"` grants every run already spent.

    Else the bench's short fits would be recomputed whole, which a long run is not.
    """
    with mock.patch.object(budget, "ALLOWANCE", 0.0), mock.patch.object(sampling, "ALLOWANCE", 0.0):
        yield
