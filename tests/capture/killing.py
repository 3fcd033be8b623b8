"""Trainings that are killed with SIGKILL."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence


def kill(command: Sequence[str], *, ready: Callable[[], bool], after: float) -> float:
    """Start a training, and kill it some seconds after it is ready, as it tells by what it writes.

    Returns:
        When it was killed, Unix seconds.
    """
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as training:
        try:
            deadline = time.monotonic() + 120
            while not ready() and time.monotonic() < deadline:
                assert training.poll() is None
                time.sleep(0.02)
            time.sleep(after)
        finally:
            moment = time.time()
            training.send_signal(signal.SIGKILL)
    assert training.returncode == -signal.SIGKILL
    return moment
