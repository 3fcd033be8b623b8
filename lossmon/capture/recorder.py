"""The writer thread: turns what the tap brought out into records, and stores them.

All arithmetic and all SQL happen here, while the next steps train. Where the thread keeps up, what
came is committed each tenth of a second, and steps that can wait each half of one. What becomes of
records while the database is away is told by `lossmon.store.delivery`.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol, cast

import numpy as np

from lossmon.capture.channel import Channel
from lossmon.capture.chunk import CallItem
from lossmon.capture.extended_logs import AwaitedLogs
from lossmon.capture.tap import Call
from lossmon.records import Finding, RunStatus
from lossmon.store import Delivery, Ending, Records, RunHeader, Trouble
from lossmon.trackers import Showing, Tracker

# Seconds between two looks at what came: with what is done then, a tenth.
LOOK_EVERY = 0.09
# Seconds that steps wait to be judged and stored together, which costs little more than for one of
# them: with what takes their place in the queue meanwhile, what a killed training loses.
JUDGE_EVERY = 0.45
HEARTBEAT_EVERY = 1.0
# After each judgement the interpreter is left to the training thread, which else had to wait for
# it up to Python's switch interval of 5 ms, longer than many a step takes.
YIELD = 50e-6
# Steps that may wait with their predictions before the following ones are recorded without
# (`verify="auto"`) or training waits (`verify="full"`).
WAITING_STEPS = 2048
WAITING_BYTES = 256 * 2**20
# Where nothing is known of the size of a step.
FIRST_STEP_BYTES = 8 * 2**20
# Seconds that other trackers have at the end to take what waits for them.
TRACKERS_WAIT = 20.0
# Items that are judged before the next commit, and about how many seconds that may take.
ITEMS_TOGETHER = 1024
JUDGE_FOR = 0.1


def bytes_of(values: int) -> int:
    """About the size of a step's tensors that predicts so many numbers, and has as many labels."""
    return 8 * values


def steps_at_once(values: int) -> int:
    """How many steps may wait that let out so many predicted numbers, and as many labels, each."""
    return max(1, min(WAITING_STEPS, WAITING_BYTES // max(1, bytes_of(values))))


@dataclass(frozen=True, slots=True)
class EpochItem:
    """An epoch ended, with the logs that Keras printed and those of an audit, if there was one.

    Attributes:
        awaited: takes the records of the epoch, where training waits for them.
    """

    epoch: int
    step: int
    logs: dict[str, float]
    time: float
    audited: dict[str, float] = field(default_factory=dict)
    awaited: AwaitedLogs | None = None


class Judge(Protocol):
    """What turns items into records; lives on the writer thread alone."""

    @property
    def step_bytes(self) -> int:
        """Size of what waits for one step, as far as is known; 0 before."""
        ...

    def calls(self, items: Sequence[CallItem], *, hurried: bool = False) -> Records:
        """Judge calls of the train and test functions."""
        ...

    @property
    def let_out(self) -> int:
        """Of how many steps tensors leave until some are judged; 0 where of all, or of none."""
        ...

    def epoch(self, item: EpochItem) -> Records:
        """Judge one epoch."""
        ...

    def catch_up(self) -> Records:
        """Judge what was put off until now."""
        ...

    def end(self, *, finished: bool) -> Records:
        """Judge what is left when no step comes any more; a run that finished, as a whole."""
        ...


@dataclass(frozen=True, slots=True)
class Beginning:
    """All that is needed to record a run.

    Attributes:
        puts_off: whether steps whose values wait in a queue may wait to be judged.
        step_bytes: about the size of a step's tensors, until the judge knows it; 0 where so few of
            them wait that it does not matter.
    """

    header: RunHeader
    findings: Sequence[Finding]
    judge: Judge
    environment: Callable[[], dict[str, Any]]
    channels: Sequence[Channel]
    wait_when_full: bool
    puts_off: bool = True
    trackers: Sequence[Tracker] = ()
    step_bytes: int = FIRST_STEP_BYTES


class Recorder:
    """One background thread for one run.

    Thread safety: `put`, `trouble` and `stop` may be called from any thread and return at once,
    except `put` with `verify="full"` while too many steps wait, and `stop`.

    Args:
        beginning: the run and where it goes.
        say: told, on the writer thread, what the user must hear.
    """

    def __init__(self, beginning: Beginning, say: Callable[[str], None]) -> None:
        self._begin = beginning
        self._say = say
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._waiting = self._put = self._dropped = 0
        self._carrying = True
        self._changing = threading.Lock()
        self._delivery = Delivery(beginning.header, say)
        self._at_once = ITEMS_TOGETHER
        self._unwritten = Records(findings=list(beginning.findings))
        trackers = beginning.trackers
        self._showing = Showing(trackers, self.trouble) if trackers else None
        self._began = time.monotonic()
        self._progress = 0
        self._hurry = False
        self._stopping = threading.Event()
        self._said: set[str] = set()
        self._pressing = self._is_behind = False
        self._last_written = self._looked = self._judged = 0.0
        self._thread = threading.Thread(target=self._work, name="lossmon-writer", daemon=True)
        self._thread.start()

    def put(self, item: CallItem | EpochItem) -> None:
        """Hand over one item; predictions stay in the steps while the thread has fallen behind."""
        if isinstance(item, CallItem):
            self._waiting += item.call.steps
            self._put += item.call.steps
            if self._too_many(self._waiting):
                item = self._when_full(item)
        self._hand_over(item, pressing=not (self._begin.puts_off and _is_queued(item)))

    def _hand_over(self, item: Any, *, pressing: bool = True) -> None:
        self._queue.put(item)
        if pressing:
            self._pressing = True

    def _too_many(self, steps: int) -> bool:
        return steps > WAITING_STEPS or steps * self._step_bytes > WAITING_BYTES

    @property
    def _step_bytes(self) -> int:
        return self._begin.step_bytes and (self._begin.judge.step_bytes or self._begin.step_bytes)

    def _when_full(self, item: CallItem) -> CallItem:
        if not self._begin.wait_when_full:
            self._carry(0.0)
            if self._too_many(self._put - self._dropped):
                self._dropped = self._put
                for channel in self._begin.channels:
                    channel.drop()
            return item._replace(call=without_tensors(item.call))
        while self._queue.qsize() > 1 and self._thread.is_alive():
            time.sleep(0.001)
        return item

    def _carry(self, steps: float) -> None:
        """Let tensors out of the steps, or keep them in."""
        with self._changing:
            if self._carrying == bool(steps):
                return
            self._carrying = bool(steps)
            for channel in self._begin.channels:
                channel.carry(steps)

    def trouble(self, message: str, *, aloud: bool = True) -> None:
        """Store with the run what went wrong, once; and say it, unless the user knows already."""
        self._hand_over(_Trouble(message, aloud))

    def stop(self, status: RunStatus, timeout: float = 60.0) -> bool:
        """Write all that waits, give the run its end, and join the thread.

        After `timeout` seconds the steps that still wait are recorded without being recomputed;
        the thread is given up only when it has not moved for that long. Tells whether it ended.
        """
        self._hand_over(_Stop(status))
        self._stopping.set()
        if threading.current_thread() is self._thread:
            # A list of callbacks may be collected on any thread; this one cannot wait for itself.
            return False
        began = moved = time.monotonic()
        seen = -1
        while self._thread.is_alive() and time.monotonic() - moved < timeout:
            self._thread.join(timeout / 10)
            self._hurry = time.monotonic() - began > timeout
            if self._progress != seen:
                moved, seen = time.monotonic(), self._progress
        if self._thread.is_alive():
            self._say(
                f"the last steps could not be judged within {timeout:.0f} s; they are not recorded."
            )
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._begin.header.run.environment = self._begin.environment()
        except Exception as error:
            self._note(f"the environment could not be described: {error!r}")
        stop: _Stop | None = None
        # Of a training that diverges all is infinite before long: findings say so, NumPy need not.
        with np.errstate(all="ignore"):
            while stop is None:
                stop = self._drain()
                self._flush()
            self._end_showing()
        ending = Ending(stop.status, time.time(), self._seconds())
        self._delivery.finish(ending)

    def _end_showing(self) -> None:
        if self._showing is not None:
            self._showing.end(TRACKERS_WAIT)
            for item in self._at_hand(ITEMS_TOGETHER):
                self._take(item)
            self._flush()

    def _seconds(self) -> float:
        """How long the run was trained: by a clock that nobody sets."""
        return self._begin.header.seconds + time.monotonic() - self._began

    def _drain(self) -> _Stop | None:
        """Judge what came since the last time, or wait for something to come."""
        self._await()
        self._judged = time.monotonic()
        items = self._at_hand(self._at_once)
        self._is_behind = len(items) == self._at_once
        for judged_together, group in groupby(items, key=_is_call):
            together = list(group)
            for item in [together] if judged_together else together:
                self._take(item)
                time.sleep(YIELD)
        if not self._carrying and self._waiting <= 0:
            self._carry(math.inf)
        stops = [item for item in items if isinstance(item, _Stop)]
        if stops:
            finished = stops[0].status == "finished"
            self._judge("the end", lambda judge: judge.end(finished=finished))
        else:
            self._judge("what was put off", lambda judge: judge.catch_up())
        # Judging the last steps may have brought up troubles, which come after the stop.
        for item in self._at_hand(ITEMS_TOGETHER) if stops else ():
            self._take(item)
        return stops[0] if stops else None

    def _await(self) -> None:
        """Wait until something is to be judged, or a sign of life to be given.

        Waking once for many steps costs training less than waking for each; at the end, where
        `fit` waits for this thread, it is awake at once.
        """
        while not self._is_behind:
            self._stopping.wait(max(0.0, self._looked + LOOK_EVERY - time.monotonic()))
            self._looked = now = time.monotonic()
            if self._pressing or self._due(now) or now - self._last_written >= HEARTBEAT_EVERY:
                break
        # Before what is at hand is taken: what comes then may press again.
        self._pressing = False

    def _due(self, now: float) -> bool:
        """Whether steps have waited for long, or for what would keep tensors from leaving.

        That is before the room for them is more than half full, and before the tensors that may
        leave have left.
        """
        late = self._waiting > 0 and now - self._judged >= JUDGE_EVERY
        let_out = self._begin.judge.let_out
        return late or self._too_many(2 * self._waiting) or 0 < let_out <= 4 * self._waiting

    def _at_hand(self, most: int) -> list[Any]:
        """What is in the queue now, up to so many items."""
        items: list[Any] = []
        while len(items) < most:
            try:
                items.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return items

    def _take(self, item: Any) -> None:
        if isinstance(item, _Trouble):
            self._note(item.message, aloud=item.aloud)
        elif isinstance(item, EpochItem):
            self._judge("an epoch", lambda judge: judge.epoch(item))
            if item.awaited is not None:
                item.awaited.put([e for e in self._unwritten.epochs if e.epoch == item.epoch])
        elif isinstance(item, list):
            calls = cast("list[CallItem]", item)
            began = time.monotonic()
            self._judge("steps", lambda judge: judge.calls(calls, hurried=self._hurry))
            each = (time.monotonic() - began) / len(calls)
            self._at_once = max(1, min(ITEMS_TOGETHER, int(JUDGE_FOR / max(each, 1e-9))))
            self._waiting -= sum(call.call.steps for call in calls)

    def _judge(self, what: str, ask: Callable[[Judge], Records]) -> None:
        self._progress += 1
        try:
            self._unwritten.extend(ask(self._begin.judge))
        except Exception as error:
            self._note(f"{what} could not be judged: {error!r}")

    def _note(self, message: str, *, aloud: bool = True) -> None:
        if message not in self._said:
            self._said.add(message)
            self._unwritten.troubles.append(Trouble(time.time(), message))
            if aloud:
                self._say(message)

    def _flush(self) -> None:
        now = time.monotonic()
        if self._unwritten or now - self._last_written >= HEARTBEAT_EVERY:
            records, self._unwritten = self._unwritten, Records()
            self._delivery.send(records)
            if self._showing is not None:
                self._showing.show(records.epochs, records.findings, records.withdrawn)
            self._last_written = now


@dataclass(frozen=True, slots=True)
class _Stop:
    status: RunStatus


@dataclass(frozen=True, slots=True)
class _Trouble:
    message: str
    aloud: bool


def _is_call(item: Any) -> bool:
    return isinstance(item, CallItem)


def _is_queued(item: Any) -> bool:
    return isinstance(item, CallItem) and item.call.queued


def without_tensors(call: Call) -> Call:
    """The same call with Keras' own values only, where its tensors came with the logs."""
    return call._replace(tapped=[{"vector": sent["vector"]} for sent in call.tapped])
