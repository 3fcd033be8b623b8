"""Trainings as processes, and the account of what became of their records."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lossmon.store import Store, check_database, open_store, sync
from tests.store.delivering_process import EPOCH


class Training(NamedTuple):
    """A process of `tests.store.delivering_process`."""

    name: str
    process: subprocess.Popen[str]
    told: list[str]

    def wait(self, timeout: float = 120) -> int:
        """Wait for its end, and return how many batches it handed over."""
        assert self.process.stdout is not None
        # Not by `communicate`, which leaves out what is in the buffer of the lines read before: all
        # of it, on a machine so busy that the process has ended by then.
        with self.process.stdout as output:
            self.told.extend(output.read().split("\n"))
        self.process.wait(timeout)
        counts = [int(line.split()[0]) for line in self.told if line.endswith("ended") or line]
        return counts[-1] if counts else 0

    def begin(self) -> None:
        """Wait until it has handed over something."""
        assert self.process.stdout is not None
        while not self.told or self.told[-1] in {"", "0"}:
            self.told.append(self.process.stdout.readline().strip())


def start(db: str | Path, name: str, seconds: float, *fault: str) -> Training:
    command = [sys.executable, "-m", "tests.store.delivering_process", str(db), name, str(seconds)]
    process = subprocess.Popen(
        [*command, *fault], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return Training(name, process, [])


def account(db: str | Path, handed_over: dict[str, int]) -> Store:
    """Demand that all batches of finished runs are there, each once, or were declared dropped."""
    assert check_database(db) == []
    store = open_store(db)
    runs = {row["name"]: row for row in store.run_rows()}
    assert sorted(runs) == sorted(handed_over)
    for name, count in handed_over.items():
        steps = steps_of(store, name)
        run = runs[name]
        assert steps == sorted(set(steps))
        assert set(steps) <= set(range(count))
        assert run["batches"] == len(steps)
        assert len(steps) + run["dropped"] == count
        epochs = [row["epoch"] for row in store.epoch_rows(name)]
        assert epochs == list(range(count // EPOCH))
        assert run["status"] == "finished"
        assert 0 < run["duration"] < 600
    return store


def steps_of(store: Store, name: str) -> Sequence[int]:
    return [row["step"] for row in store.export_batches(name)]


def synced() -> None:
    """Deliver what waits, as a person would, and demand that nothing does any longer."""
    assert [one for one in sync() if one.problem] == []
    assert sync() == []
