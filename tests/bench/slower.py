"""How much longer a step takes: models that train in one process, all of them by turns.

Two processes that do the same differ by more than lossmon adds. Here all contenders have one
process in common and take turns of a tenth of a second, so that what the machine does meanwhile
falls on all of them alike; two bare fits show how far those that do the same lie apart, and the
others are compared with the mean of the two. A writer thread judges in turns of its own training
alone, as often in the time of that as it would if nothing else were trained.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.bench.names import AUTO, BARE, LABELS, OFF
from tests.bench.overhead import rotated
from tests.bench.workloads import WORKLOADS, Workload

CONTENDERS = (BARE, BARE, OFF, AUTO)
MODELS = (
    WORKLOADS["cnn"],
    WORKLOADS["cnn"]._replace(label="CNN 28×28, batch 128", batch_size=128),
    WORKLOADS["lm"],
)
SECONDS = 240.0
"""Of training, for each model."""
# Of the steps that are timed in a turn; more than the writer thread waits between two looks.
_TURN_SECONDS = 0.1
# Before them, for each of them: steps that fill the caches anew.
_LEAD = 0.25
_EPOCH = 512
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


def report(console: Console) -> None:
    """Train each model for some minutes, and print how much longer a step takes."""
    for workload in MODELS:
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

    with tempfile.TemporaryDirectory() as folder, without_allowance(), ExitStack() as stack:
        steps = _steps_of_a_turn(workload, Path(folder))
        stack.enter_context(_judged_in_own_turns(len(contenders)))
        trainees: list[_Trainee] = []
        for number, contender in enumerate(contenders):
            own = Path(folder, str(number))
            own.mkdir()
            trainees.append(stack.enter_context(_Trainee(workload, contender, own, steps)))
        began = time.perf_counter()
        rounds: list[list[float]] = []
        while time.perf_counter() - began < seconds:
            order = rotated(list(range(len(trainees))), len(rounds))
            took = {place: trainees[place].go_on() for place in order}
            rounds.append([took[place] for place in range(len(trainees))])
    return list(np.array(rounds).T)


def _steps_of_a_turn(workload: Workload, folder: Path) -> int:
    folder = folder / "first"
    folder.mkdir()
    with _Trainee(workload, BARE, folder, 4) as trainee:
        step = statistics.median(trainee.go_on() for _ in range(8))
    return math.ceil(_TURN_SECONDS / step)


@contextmanager
def _judged_in_own_turns(contenders: int) -> Generator[None]:
    """Let writer threads judge while the steps of their own training are timed, and then alone."""
    from lossmon.capture import recorder
    from lossmon.capture.recorder import Recorder

    # Of the time that passes, this part is one of timed steps.
    times = contenders * (1.0 + _LEAD)
    due, begin = Recorder._due, Recorder.__init__
    turns: dict[Recorder, Any] = {}

    def begun(own: Recorder, *args: Any) -> None:
        turns[own] = _TURN_OF_THIS_THREAD.turn
        begin(own, *args)

    def in_turn(own: Recorder, now: float) -> bool:
        turn = turns[own]
        return (turn.is_timed or turn.over) and due(own, now)

    with (
        mock.patch.object(Recorder, "__init__", begun),
        mock.patch.object(Recorder, "_due", in_turn),
        mock.patch.object(recorder, "JUDGE_EVERY", recorder.JUDGE_EVERY * times),
        mock.patch.object(recorder, "HEARTBEAT_EVERY", recorder.HEARTBEAT_EVERY * times),
    ):
        yield


_TURN_OF_THIS_THREAD = threading.local()


class _Trainee:
    """A fit in a thread of its own, which goes on for a turn each time.

    Args:
        workload: what is trained.
        contender: what is attached.
        folder: where that writes.
        steps: that are timed in a turn.
    """

    def __init__(self, workload: Workload, contender: str, folder: Path, steps: int) -> None:
        self._turns = _turns(steps)
        self._thread = threading.Thread(target=self._train, args=(workload, contender, folder))
        self._fault: BaseException | None = None

    def __enter__(self) -> _Trainee:
        self._thread.start()
        self._await()  # the first turn traces the step
        return self

    def __exit__(self, *_: object) -> None:
        self._turns.over = True
        self._turns.begin.release()
        self._thread.join()

    def go_on(self) -> float:
        """Train for a turn; returns the mean seconds of a step."""
        self._turns.begin.release()
        self._await()
        return self._turns.step

    def _await(self) -> None:
        self._turns.ended.acquire()
        if self._fault is not None:
            raise self._fault

    def _train(self, workload: Workload, contender: str, folder: Path) -> None:
        import keras

        from tests.bench.contenders import callbacks

        try:
            _TURN_OF_THIS_THREAD.turn = self._turns
            keras.utils.set_random_seed(0)
            model, *data = workload.build()
            wanted = _EPOCH * workload.batch_size
            x, y = (np.resize(one, (wanted, *one.shape[1:])) for one in data)
            given = [*callbacks(contender, folder), self._turns]
            model.fit(
                x, y, batch_size=workload.batch_size, epochs=10**6, verbose=0, callbacks=given
            )
        except BaseException as error:
            self._fault = error
        finally:
            self._turns.ended.release()


def _turns(steps: int) -> Any:
    """The callback that ends turns; keras is imported here for the first time."""
    import keras

    lead = math.ceil(_LEAD * steps)

    class Turns(keras.callbacks.Callback):
        """Stands last among the callbacks."""

        def __init__(self) -> None:
            super().__init__()
            self.begin, self.ended = threading.Semaphore(0), threading.Semaphore(0)
            self.is_timed = self.over = False
            self.step = math.nan
            self._batches, self._since = 0, 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            # To begin one takes as long as many steps, and is nothing that is compared.
            self.is_timed, self._batches = False, 0

        # Not at its end: for that Keras would turn the logs of each batch into numbers.
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if self._batches == lead:
                self.is_timed, self._since = True, time.perf_counter()
            elif self._batches == lead + steps:
                self.step = (time.perf_counter() - self._since) / steps
                self.is_timed, self._batches = False, 0
                self.ended.release()
                self.begin.acquire()
                self.model.stop_training = self.over
            self._batches += 1

    return Turns()
