"""Validation data sample by sample: gathered over a whole pass, on the writer thread alone.

A pass is recorded whole or not at all, and only where it is small: within the limit, and within a
share of the time of the training's own steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lossmon.capture.allowance import Allowance, processor_time
from lossmon.capture.chunk import Chunk
from lossmon.capture.judged import Judged
from lossmon.capture.plan import Plan
from lossmon.capture.sample_epoch import sample_record, sample_values
from lossmon.capture.sample_keys import SampleKeys
from lossmon.capture.sample_part import SamplePart, sample_part
from lossmon.records import EpochRecord, SampleRecord

if TYPE_CHECKING:
    from lossmon.capture.options import Options

# Samples of validation data that are recorded one by one unless told otherwise, and the most
# numbers that may be predicted for them; also the most that temperature and Brier score are
# computed of, which takes some fifty bytes for each.
SAMPLES = 20_000
PREDICTIONS = 2**21
# The most that are kept in memory of one pass where more samples were asked for.
ASKED_PREDICTIONS = 2**26
# Of the time of all steps; and seconds that every run may spend, so that short ones are recorded.
SHARE = 0.03
ALLOWANCE = 2.0


class SampleGathering:
    """Gathers the samples of one run's validation passes.

    Args:
        plan: what is judged on each output.
        keys: recognises the samples.
        limit: the most samples; above it nothing is recorded.
        bounded: whether the time it may take is bounded.
        tell: told once where the samples cannot be recorded; the rest of the run is.
    """

    def __init__(
        self,
        plan: Plan,
        keys: SampleKeys,
        limit: int,
        *,
        bounded: bool,
        tell: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._keys = keys
        self._limit = limit
        self._values = PREDICTIONS if limit <= SAMPLES else ASKED_PREDICTIONS
        self._names = [output.name for output in plan.outputs]
        self._time = Allowance(SHARE if bounded else math.inf, ALLOWANCE)
        self._spent = self._cost = 0.0
        self._tell = tell
        self._given_up = False
        self._next: int | None = None
        self._seen = self._predicted = 0
        self._parts: dict[int, list[SamplePart] | None] = {}

    def earn(self, seconds: float) -> None:
        """Take note of the time that steps took."""
        self._time.earn(seconds)

    @property
    def gathers(self) -> bool:
        """Whether the pass that is under way, or the next one, is to be recorded."""
        return not self._given_up and (self._next is not None or self._time.left >= self._cost)

    def wants(self, chunk: Chunk) -> bool:
        """Whether all of a chunk is to be recomputed, as a part of a pass that is recorded."""
        if chunk.split != "val" or self._given_up:
            return False
        if chunk.places[0].batch == 0:
            self._begin()
        whole = chunk.outputs and chunk.stands_for == 1
        if not whole or [place.batch for place in chunk.places] != self._expected(chunk):
            self._next = None
        return self._next is not None

    def _expected(self, chunk: Chunk) -> list[int]:
        return [] if self._next is None else list(range(self._next, self._next + len(chunk)))

    def _begin(self) -> None:
        self._parts, self._seen, self._predicted = {}, 0, 0
        self._next = 0 if self._time.left >= self._cost else None

    def add(self, chunk: Chunk, rows: Sequence[Judged]) -> None:
        """Add a chunk that was wanted, as it was judged."""
        assert self._next is not None
        self._next += len(chunk)
        sizes = [tensors.y_pred for tensors in chunk.outputs.values() if tensors.y_pred is not None]
        self._seen += max((y.shape[0] * y.shape[1] for y in sizes), default=0)
        self._predicted += sum(y.size for y in sizes)
        if self._seen > self._limit or self._predicted > self._values:
            self.give_up()
            return
        with self._guarded():
            for row in rows:
                if row.has_loss and row.output in self._names:
                    self._add(self._names.index(row.output), chunk, row)

    def _add(self, index: int, chunk: Chunk, row: Judged) -> None:
        spec, found = self._plan.outputs[index].loss, row.recomputed
        part = None
        if spec is not None and found is not None and found.elements is not None:
            part = sample_part(spec, chunk.outputs[index], found.elements, found.scale)
        parts = self._parts.setdefault(index, [])
        if part is None or parts is None or (parts and parts[0].kind != part.kind):
            self._parts[index] = None
        else:
            parts.append(part)

    def close(self, epochs: Sequence[EpochRecord]) -> list[SampleRecord]:
        """End an epoch: what its pass says of it goes into its records.

        Args:
            epochs: the records of all splits and outputs.

        Returns:
            The samples of each output, where the pass was gathered whole.
        """
        parts, self._parts = self._parts, {}
        whole, self._next = self._next is not None, None
        records: list[SampleRecord] = []
        with self._guarded(), self.spend():
            for index, gathered in parts.items() if whole else ():
                for epoch in epochs:
                    if gathered and self._is_of(epoch, index, gathered):
                        few = self._predicted <= PREDICTIONS
                        sample_values(epoch, gathered, probabilities=few)
                        records.append(sample_record(epoch, gathered, self._keys, index))
        if whole:
            self._cost = self._spent
        self._spent = 0.0
        return records

    def _is_of(self, epoch: EpochRecord, index: int, gathered: Sequence[SamplePart]) -> bool:
        """Whether an epoch's record is that of all these samples."""
        same = epoch.split == "val" and epoch.output == self._names[index]
        return same and sum(len(part.loss) for part in gathered) == epoch.n

    def give_up(self) -> None:
        """Record no more samples in this run."""
        self._given_up, self._next, self._parts = True, None, {}
        self._keys.forget()

    @contextmanager
    def _guarded(self) -> Generator[None]:
        """An error costs the samples, and nothing else of the run."""
        try:
            yield
        except Exception as error:
            self.give_up()
            self._tell(f"validation samples are recorded no more: {error!r}")

    @contextmanager
    def spend(self) -> Generator[None]:
        """Measure what the samples cost this thread."""
        with processor_time() as spent:
            yield
        self._time.spend(spent.seconds)
        self._spent += spent.seconds


def sample_gathering(
    plan: Plan, options: Options, inputs: Any, tell: Callable[[str], None]
) -> SampleGathering | None:
    """What gathers a run's samples; None where none are to be recorded.

    Args:
        plan: what is judged on each output.
        options: what the user asked for.
        inputs: the validation data's, where they are known.
        tell: see `SampleGathering`.
    """
    if not options.samples or options.verify == "off":
        return None
    bounded = options.verify != "full"
    return SampleGathering(plan, SampleKeys(inputs), options.samples, bounded=bounded, tell=tell)
