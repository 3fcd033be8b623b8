"""What each contender costs a training: each in a process of its own, all of them by turns.

The turns of a round lie a second apart, so that what else the machine does weighs on all alike, and
a process of its own shows what CPU time and memory are a contender's own. On Linux a process begins
with the peak memory of the one that started it: this one must import no backend.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from tests.bench import disk
from tests.bench.names import MONITORED
from tests.bench.ratios import Fit, Measured, Rounds, Turn, measured
from tests.bench.workloads import WORKLOADS

T = TypeVar("T")
# The first makes lossmon's databases, the following show how they grow.
FITS = 2
# Of fewer values than that, most of the disk goes to what is stored once a run.
_VALUES_TO_WEIGH = 20_000


class Trainee:
    """The process of one contender; see `trainee`.

    Attributes:
        first: seconds from the call of `fit` to the end of its first epoch.
    """

    def __init__(self, workload: str, contender: str, folder: Path, turns: int) -> None:
        given = [workload, contender, str(folder), str(turns)]
        command = [sys.executable, "-m", "tests.bench.trainee", *given]
        self._log = folder / f"{contender}.log"
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.first: float = self._heard()["first"]

    def __enter__(self) -> Trainee:
        return self

    def __exit__(self, *_: object) -> None:
        # Without an input a process that is waiting for its turn ends.
        self._process.__exit__(None, None, None)

    def go_on(self) -> dict[str, Any]:
        """Let it train for a turn, or return from `fit`; returns what it says of that."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"expected a measurement from {self._process.args}. Received: its end, with exit "
                f"code {self._process.wait()}. Fix: what it said last:\n"
                f"{self._log.read_text(encoding='utf-8')[-2000:]}"
            )
        return json.loads(line)


def measure(
    workload: str, contenders: Sequence[str], console: Console, fits: int, turns: int | None = None
) -> Measured:
    """Measure one of the `WORKLOADS`; the console shows how far it is.

    Args:
        workload: its name.
        contenders: whom to compare, the bare fit among them.
        console: to show it on.
        fits: of each contender.
        turns: of each fit; by default as many as the workload says.
    """
    turns = turns or WORKLOADS[workload].turns
    rounds, ended = list[Rounds](), list[Mapping[str, Fit]]()
    with tempfile.TemporaryDirectory() as folder, console.status(workload) as status:
        for index in range(fits):
            status.update(f"{workload}: fit {index + 1} of {fits}")
            taken, fit = fit_by_turns(workload, contenders, Path(folder), turns)
            rounds.append(taken)
            ended.append(fit)
            for trouble in disk.troubles(contenders, Path(folder)):
                console.print(trouble, style="yellow", markup=False)
    return measured(workload, rounds, ended)


def fit_by_turns(
    workload: str, contenders: Sequence[str], folder: Path, turns: int
) -> tuple[list[dict[str, Turn]], dict[str, Fit]]:
    """Fit once with each contender; returns the turns, round by round, and the fits."""
    sizes = {name: disk.size(disk.database(name, folder)) for name in contenders}
    rounds: list[dict[str, Turn]] = []
    with ExitStack() as stack:
        fits = {
            name: stack.enter_context(Trainee(workload, name, folder, turns)) for name in contenders
        }
        for index in range(turns):
            order = rotated(contenders, index)
            rounds.append({name: Turn(**fits[name].go_on()) for name in order})
        ends = {name: fit.go_on() for name, fit in fits.items()}
    ended = {
        name: Fit(fits[name].first, **ends[name])._replace(**_recorded(name, folder, sizes[name]))
        for name in contenders
    }
    return rounds, ended


def rotated(contenders: Sequence[T], index: int) -> list[T]:
    """The contenders, each round beginning with the next one."""
    start = index % len(contenders)
    return [*contenders[start:], *contenders[:start]]


def _recorded(name: str, folder: Path, before: int) -> dict[str, Any]:
    """Coverage, and how much the database has grown for each value."""
    if name not in MONITORED:
        return {}
    db = disk.database(name, folder)
    growth = disk.size(db) - before
    scalars, coverage = disk.last_run(db)
    weighed = before > 0 and scalars >= _VALUES_TO_WEIGH
    return {"coverage": coverage, "bytes": growth / scalars if weighed else None}
