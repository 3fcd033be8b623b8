"""How much longer a step takes: models that train in one process, all of them by turns.

Two processes that do the same differ by more than lossmon adds. Here all contenders have one
process in common, a turn lasts some seconds, and two bare fits show how far those that do the
same lie apart; the others are compared with the mean of the two.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.bench.names import AUTO, BARE, LABELS, OFF
from tests.bench.overhead import rotated
from tests.bench.workloads import WORKLOADS, Workload

CONTENDERS = (BARE, BARE, OFF, AUTO)
SECONDS = 480.0
"""Of training, for each model."""
# As long as steps may wait to be judged: those of an untimed block before are judged in timed ones.
_BLOCK_SECONDS = 1.0
_BLOCKS = 1
# Seconds in which the last steps of a turn are judged, in nobody's time.
_REST = 0.3
_RESAMPLED = 2_000


class Ratio(NamedTuple):
    """A ratio of mean times between the ends of its 95 % confidence interval."""

    low: float
    mean: float
    high: float


def ratio(times: np.ndarray, bare: np.ndarray) -> Ratio:
    """How much longer a contender's steps take than those of the bare fit.

    Args:
        times: seconds of a step, (rounds,).
        bare: those of what it is compared with in the same rounds, (rounds,).

    Returns:
        The ratio of the means, and the percentiles of it over rounds drawn with replacement
        (bootstrap, Efron 1979).
    """
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(bare), (_RESAMPLED, len(bare)))
    spread = times[drawn].mean(axis=1) / bare[drawn].mean(axis=1)
    low, high = np.percentile(spread, (2.5, 97.5)).tolist()
    return Ratio(low, float(times.mean() / bare.mean()), high)


def report(console: Console, names: Sequence[str] = ("cnn", "lm")) -> None:
    """Train each model for some minutes, and print how much longer a step takes."""
    for name in names:
        workload = WORKLOADS[name]
        times = by_turns(workload, CONTENDERS, SECONDS)
        first, second, *others = times
        bare = (first + second) / 2
        console.print(f"{workload.label}: {bare.mean() * 1e3:.1f} ms a step, {len(bare)} rounds")
        made = Table("", "mean", "95 % interval", box=None, pad_edge=False)
        rows = [("a bare fit beside the other", ratio(second, first))]
        for contender, own in zip(CONTENDERS[2:], others, strict=True):
            rows.append((f"{LABELS[contender]} beside both", ratio(own, bare)))
        for label, found in rows:
            made.add_row(label, f"×{found.mean:.3f}", f"{found.low:.3f}–{found.high:.3f}")
        console.print(made)


def by_turns(workload: Workload, contenders: Sequence[str], seconds: float) -> list[np.ndarray]:
    """Train all contenders in turn.

    Args:
        workload: what is trained.
        contenders: by what is attached to `fit`; the first one is bare.
        seconds: until the last round begins.

    Returns:
        Of each contender the mean seconds of a step in each round, (rounds,).
    """
    from tests.bench.hooks import without_allowance

    trainees: list[_Trainee] = []
    with tempfile.TemporaryDirectory() as folder, without_allowance(), ExitStack() as stack:
        block = _steps_of_a_block(workload, Path(folder))
        for number, contender in enumerate(contenders):
            own = Path(folder, str(number))
            own.mkdir()
            trainees.append(stack.enter_context(_Trainee(workload, contender, own, block)))
        began = time.perf_counter()
        rounds: list[list[float]] = []
        while time.perf_counter() - began < seconds:
            order = rotated(list(range(len(trainees))), len(rounds))
            took = {place: trainees[place].go_on() for place in order}
            rounds.append([took[place] for place in range(len(trainees))])
    return list(np.array(rounds).T)


def _steps_of_a_block(workload: Workload, folder: Path) -> int:
    """So many steps that in each block of them steps are judged about once."""
    folder = folder / "first"
    folder.mkdir()
    with _Trainee(workload, BARE, folder, 8) as trainee:
        step = statistics.median(trainee.go_on() for _ in range(3))
    return math.ceil(_BLOCK_SECONDS / step)


class _Trainee:
    """A fit in a thread of its own, an epoch of which is a turn.

    Args:
        workload: what is trained.
        contender: what is attached.
        folder: where that writes.
        block: steps before those that are timed, and a third of those.
    """

    def __init__(self, workload: Workload, contender: str, folder: Path, block: int) -> None:
        self._turns = _turns(block)
        self._thread = threading.Thread(
            target=self._train, args=(workload, contender, folder, (1 + _BLOCKS) * block)
        )
        self._fault: BaseException | None = None

    def __enter__(self) -> _Trainee:
        self._thread.start()
        self._await()  # the first epoch traces the step
        return self

    def __exit__(self, *_: object) -> None:
        self._turns.over = True
        self._turns.begin.release()
        self._thread.join()

    def go_on(self) -> float:
        """Train for a turn; returns the mean seconds of a step."""
        self._turns.begin.release()
        self._await()
        time.sleep(_REST)
        return self._turns.step

    def _await(self) -> None:
        self._turns.ended.acquire()
        if self._fault is not None:
            raise self._fault

    def _train(self, workload: Workload, contender: str, folder: Path, batches: int) -> None:
        import keras

        from tests.bench.contenders import callbacks

        try:
            keras.utils.set_random_seed(0)
            model, *data = workload.build()
            wanted = batches * workload.batch_size
            x, y = (np.resize(one, (wanted, *one.shape[1:])) for one in data)
            given = [*callbacks(contender, folder), self._turns]
            model.fit(
                x, y, batch_size=workload.batch_size, epochs=10**6, verbose=0, callbacks=given
            )
        except BaseException as error:
            self._fault = error
        finally:
            self._turns.ended.release()


def _turns(block: int) -> Any:
    """The callback that ends a turn with each epoch; keras is imported here for the first time."""
    import keras

    class Turns(keras.callbacks.Callback):
        """Stands last among the callbacks, so that an epoch ends after all they do then."""

        def __init__(self) -> None:
            super().__init__()
            self.begin, self.ended = threading.Semaphore(0), threading.Semaphore(0)
            self.over = False
            self.step = math.nan
            self._since = 0.0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            # The first steps fill caches, and the queue of what works in the background.
            if batch == block:
                self._since = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.step = (time.perf_counter() - self._since) / (_BLOCKS * block)
            self.ended.release()
            self.begin.acquire()
            self.model.stop_training = self.over

    return Turns()
