"""Hands on what was recorded to other trackers, on a thread of its own."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lossmon.records import SEVERITIES, EpochRecord, Finding
from lossmon.trackers.tracker import Shown, Tracker

# What may wait for trackers that are slow; more is not shown to them, which is said.
WAITING = 10_000
_MEASURES = ("loss", "accuracy")


class _News(NamedTuple):
    epochs: Sequence[EpochRecord]
    findings: Sequence[Finding]
    withdrawn: Sequence[Finding]


class Showing:
    """Shows epochs and findings to trackers, however slow they are.

    Thread safety: `show` and `end` may be called from one thread, which waits in `end` alone.

    Args:
        trackers: to show to.
        tell: told once of each tracker what went wrong; called on another thread.
    """

    def __init__(self, trackers: Sequence[Tracker], tell: Callable[[str], None]) -> None:
        self._trackers = list(trackers)
        self._tell = tell
        self._news: queue.Queue[_News | None] = queue.Queue(WAITING)
        self._standing: dict[tuple[str, str | None], Finding] = {}
        self._epoch = 0
        self._full = False
        self._thread = threading.Thread(target=self._work, name="lossmon-trackers", daemon=True)
        self._thread.start()

    def show(
        self,
        epochs: Sequence[EpochRecord],
        findings: Sequence[Finding] = (),
        withdrawn: Sequence[Finding] = (),
    ) -> None:
        """Show what is new of a run; returns at once.

        Args:
            epochs: values of epochs that are new.
            findings: those that are new.
            withdrawn: those that no longer stand.
        """
        if not epochs and not findings and not withdrawn:
            return
        try:
            self._news.put_nowait(_News(list(epochs), list(findings), list(withdrawn)))
        except queue.Full:
            if not self._full:
                self._full = True
                self._tell("other trackers are too slow: they are not shown all epochs.")

    def end(self, timeout: float) -> None:
        """Show what waits, for so many seconds at most, and end.

        Args:
            timeout: seconds.
        """
        ends = time.monotonic() + timeout
        with contextlib.suppress(queue.Full):
            self._news.put(None, timeout=timeout)
        self._thread.join(max(0.0, ends - time.monotonic()))
        if self._thread.is_alive():
            names = ", ".join(tracker.name for tracker in self._trackers)
            self._tell(f"{names} did not take the last values within {timeout:.0f} s.")

    def _work(self) -> None:
        while (news := self._news.get()) is not None:
            for record in news.epochs:
                self._epoch = record.epoch
                shown = Shown(dict(_values(record)), record.epoch, record.time)
                self._ask(lambda tracker, shown=shown: tracker.log(shown))
            if news.findings or news.withdrawn:
                for finding in news.withdrawn:
                    self._standing.pop((finding.code, finding.output), None)
                for finding in news.findings:
                    self._standing[finding.code, finding.output] = finding
                told = sorted(self._standing.values(), key=_gravity)
                self._ask(lambda tracker, told=told: tracker.tell(told, self._epoch))
        self._ask(lambda tracker: tracker.end())

    def _ask(self, what: Callable[[Tracker], None]) -> None:
        for tracker in list(self._trackers):
            try:
                what(tracker)
            # Whatever another program raises.
            except Exception as error:
                self._trackers.remove(tracker)
                self._tell(f"nothing more is shown to {tracker.name}: {error!r}")


def _gravity(finding: Finding) -> tuple[int, str]:
    return SEVERITIES.index(finding.severity), finding.code


def _values(record: EpochRecord) -> Iterator[tuple[str, float]]:
    """What is shown of an epoch, under the keys of Keras' logs."""
    where = "" if record.output is None else f"{record.output}_"
    prefix = f"lossmon/{'val_' if record.split == 'val' else ''}{where}"
    for measure in _MEASURES:
        recomputed: float | None = getattr(record, f"recomputed_{measure}")
        value: float | None = getattr(record, measure) if recomputed is None else recomputed
        if value is not None:
            yield prefix + measure, value
    if record.intended_accuracy is not None:
        yield f"{prefix}intended_accuracy", record.intended_accuracy
    if record.calibration_gap is not None and not math.isnan(record.calibration_gap):
        yield f"{prefix}calibration_gap", record.calibration_gap
    yield f"{prefix}verified", float(record.status == "verified")
