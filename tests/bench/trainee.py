"""The process of one contender: it trains for a turn whenever it is told to.

`python -m tests.bench.trainee WORKLOAD CONTENDER FOLDER TURNS` prints one line of JSON after the
first epoch, after each turn and at the end; for each line on standard input it trains on.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import threading
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import keras

from tests.bench.contenders import callbacks
from tests.bench.hooks import timed_hooks, without_allowance
from tests.bench.ratios import Turn
from tests.bench.workloads import WORKLOADS, Workload

# What works in the background is done when the process has used next to no CPU for longer than it
# waits for more work.
_QUIET_SECONDS = 0.25
_QUIET_CPU = 0.015
# The unit of `ru_maxrss`, in bytes.
_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024


class Turns(keras.callbacks.Callback):
    """Stands last among the callbacks, so that an epoch ends after all they do then.

    Args:
        workload: what is trained.
        hooks: gains the time in lossmon around each step.

    Attributes:
        resumed: when training began or went on, on the clock of `time.perf_counter`.
    """

    def __init__(self, workload: Workload, hooks: list[float]) -> None:
        super().__init__()
        self._workload = workload
        self._hooks = hooks
        self._ends: list[float] = []
        self.resumed = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._ends.append(time.perf_counter())
        if epoch % self._workload.epochs == 0:
            _settle()
            _tell(self._turn()._asdict() if epoch else {"first": self._ends[0] - self.resumed})
            _wait()
            self._ends.clear()
            self._hooks.clear()
            self.resumed, self._cpu = time.perf_counter(), time.process_time()
            self._writer = _used_by_lossmon()

    def _turn(self) -> Turn:
        batches, epochs = self._workload.batches, self._workload.epochs
        return Turn(
            # In the first epoch caches fill, and the queue of what works in the background, which
            # has as much to do afterwards as it is given.
            wall=(self._ends[-1] - self._ends[0]) / ((epochs - 1) * batches),
            cpu=(time.process_time() - self._cpu) / (epochs * batches),
            hooks=statistics.median(self._hooks) if self._hooks else None,
            writer=self._written(epochs * batches),
        )

    def _written(self, batches: int) -> float | None:
        used = _used_by_lossmon()
        if used is None or self._writer is None:
            return None
        return (used - self._writer) / batches


def _used_by_lossmon() -> float | None:
    """CPU seconds of lossmon's threads; None where there are none, or nothing tells."""
    own = [thread for thread in threading.enumerate() if thread.name.startswith("lossmon-")]
    if not own or not hasattr(time, "pthread_getcpuclockid"):
        return None
    clocks = [time.pthread_getcpuclockid(thread.ident) for thread in own if thread.ident]
    return sum(map(time.clock_gettime, clocks))


def _settle() -> None:
    used = _QUIET_CPU
    while used >= _QUIET_CPU:
        began = time.process_time()
        time.sleep(_QUIET_SECONDS)
        used = time.process_time() - began


def _tell(message: dict[str, Any]) -> None:
    sys.__stdout__.write(json.dumps(message) + "\n")
    sys.__stdout__.flush()


def _wait() -> None:
    if not sys.stdin.readline():
        sys.exit("the bench was broken off")


def main(name: str, contender: str, folder: str, turns: str) -> None:
    """Train."""
    workload = WORKLOADS[name]
    keras.utils.set_random_seed(0)
    model, x, y = workload.build()
    attached = callbacks(contender, Path(folder))
    with without_allowance(), timed_hooks() as hooks:
        by_turns = Turns(workload, hooks)
        model.fit(
            x,
            y,
            batch_size=workload.batch_size,
            epochs=1 + int(turns) * workload.epochs,
            verbose=0,
            callbacks=[*attached, by_turns],
        )
    end = time.perf_counter() - by_turns.resumed
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MEMORY_UNIT
    _tell({"end": end, "memory": memory})


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):  # what a callback prints is no measurement
        main(*sys.argv[1:])
