"""Read what steps sent into chunks, on the writer thread."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.channel import Channel
from lossmon.capture.chunk import Array, CallItem, Chunk, Floats, OutputArrays, Place
from lossmon.capture.joint_channel import JointChannel
from lossmon.capture.layout import Layout, Layouts
from lossmon.capture.queue_channel import QueueChannel
from lossmon.records import Split

# Tensors that are read and judged together, so that they stay in the processor's cache.
CHUNK_BYTES = 2 * 2**20
CHUNK_STEPS = 256

_TENSORFLOW = keras.backend.backend() == "tensorflow"


class Reader:
    """Reads the calls of one run, in their order.

    Args:
        layouts: how to read what was sent.
        channels: where it waits.

    Attributes:
        channels: as given.
        step_bytes: size of the tensors of the latest step that brought some; 0 before.
    """

    def __init__(self, layouts: Layouts, channels: Mapping[Split, Channel]) -> None:
        self._layouts = layouts
        self.channels = channels
        self.step_bytes = 0
        self._spent = 0.0

    def spent(self) -> float:
        """Seconds of this thread that taking tensors cost since this was asked."""
        spent, self._spent = self._spent, 0.0
        return spent

    def read(self, items: Sequence[CallItem], *, tensors: bool = True) -> Iterator[Chunk]:
        """Read calls, and take what waits for them out of the queues.

        Args:
            items: the calls in order.
            tensors: whether to keep labels and predictions.
        """
        for (split, queued), group in groupby(items, key=_way):
            channel = self.channels[split]
            calls = list(group)
            if queued and isinstance(channel, JointChannel):
                runs = self._joint(channel, calls)
            elif queued and isinstance(channel, QueueChannel):
                runs = self._queued(channel, calls)
            else:
                runs = self._logged(calls)
            for run in runs:
                yield from run.chunks(tensors=tensors)

    def _queued(self, channel: QueueChannel, items: list[CallItem]) -> Iterator[_Run]:
        steps = [step for item in items for step in _steps(item)]
        vectors = channel.take(len(steps))
        for first, end in _alike(_kinds(vectors)):
            index, number = vectors[first, :2].tolist()
            start, layout, wanted = first, self._layouts[int(index)], number > 0.0
            while start < end:
                stop = min(end, start + self._limit(wanted))
                arrays, shapes = [], None
                if wanted:
                    began = time.thread_time()
                    arrays, shapes = channel.take_tensors(layout, vectors[start, 1], stop - start)
                    self._spent += time.thread_time() - began
                    self.step_bytes = sum(array.nbytes for array in arrays) // (stop - start)
                run = _Run(layout, steps[start:stop], vectors[start:stop, 2:], arrays, shapes)
                yield from [run] if layout.scalars else self._untapped(run.steps)
                start = stop
        yield from self._untapped(steps[len(vectors) :])

    def _joint(self, channel: JointChannel, items: list[CallItem]) -> Iterator[_Run]:
        steps = [step for item in items for step in _steps(item)]
        parts = channel.take(len(steps))
        self._spent += channel.spent()
        for part in parts:
            own, steps = steps[: len(part)], steps[len(part) :]
            if not part.layout.scalars:
                yield from self._untapped(own)
                continue
            if part.arrays:
                self.step_bytes = sum(array.nbytes for array in part.arrays) // len(part)
            size = self._limit(bool(part.arrays))
            for start in range(0, len(part), size):
                rows = slice(start, start + size)
                cut = part.part(rows)
                yield _Run(cut.layout, own[rows], cut.numbers, [*cut.arrays], cut.shapes)
        yield from self._untapped(steps)

    def _limit(self, with_tensors: bool) -> int:
        """Steps to read at once; one where their size is not known yet."""
        if not with_tensors:
            return CHUNK_STEPS
        return max(1, min(CHUNK_STEPS, CHUNK_BYTES // self.step_bytes)) if self.step_bytes else 1

    def _logged(self, items: list[CallItem]) -> Iterator[_Run]:
        runs = (run for item in items for run in self._read_logs(item))
        for _, group in groupby(runs, key=_Run.kind):
            yield from self._together(list(group))

    def _together(self, alike: list[_Run]) -> Iterator[_Run]:
        """Join steps of one kind, as many as are to be judged at once."""
        size = self._limit(bool(alike[0].arrays))
        for start in range(0, len(alike), size):
            part = alike[start : start + size]
            arrays = zip(*(run.arrays for run in part), strict=True)
            yield _Run(
                part[0].layout,
                [step for run in part for step in run.steps],
                np.concatenate([run.vectors for run in part]),
                [np.concatenate(array) for array in arrays],
                None,
            )

    def _read_logs(self, item: CallItem) -> Iterator[_Run]:
        steps = list(_steps(item))
        if not item.call.tapped:
            yield from self._untapped(steps[-1:])
        for step, sent in zip(steps, item.call.tapped, strict=False):
            yield self._read_step(step, sent)

    def _read_step(self, step: _Step, sent: dict[str, Any]) -> _Run:
        numbers = as_array(sent["vector"]).astype(np.float64)
        layout = self._layouts[int(numbers[0])]
        if not layout.scalars:
            return next(self._untapped([step]))
        places = map(str, range(len(layout.tensors)))
        arrays = [as_array(sent[place])[None] for place in places if place in sent]
        if arrays:
            self.step_bytes = sum(array.nbytes for array in arrays)
        return _Run(layout, [step], numbers[None, 2:], arrays, None)

    def _untapped(self, steps: Sequence[_Step]) -> Iterator[_Run]:
        """Steps of which nothing came out but their call's logs."""
        for step in steps:
            logs = scalar_logs(step.item.call.logs)
            layout = Layout(-1, tuple(f"log:{key}" for key in logs), (), ())
            yield _Run(layout, [step], np.array([[*logs.values()]]), [], None)


class _Step(NamedTuple):
    item: CallItem
    place: Place


class _Run(NamedTuple):
    """Steps of one layout that came out one after another."""

    layout: Layout
    steps: list[_Step]
    vectors: Floats
    arrays: list[Array]
    shapes: NDArray[np.int32] | None

    def kind(self) -> object:
        shapes = tuple((array.shape[1:], array.dtype) for array in self.arrays)
        return self.layout.index, self.layout.scalars, shapes

    def chunks(self, *, tensors: bool) -> Iterator[Chunk]:
        """Cut it where epochs or shapes part, and leave out what does not belong to the run."""
        kinds = np.array([(step.item.epoch, step.item.call.recorded) for step in self.steps])
        for start, end in _alike(*([kinds] if self.shapes is None else [kinds, self.shapes])):
            item = self.steps[start].item
            if item.call.recorded:
                yield self._chunk(item.epoch, slice(start, end), tensors=tensors)

    def _chunk(self, epoch: int, rows: slice, *, tensors: bool) -> Chunk:
        call = self.steps[rows.start].item.call
        outputs = self._outputs(rows) if tensors else {}
        return Chunk(
            split=call.split,
            epoch=epoch,
            places=[step.place for step in self.steps[rows]],
            scalars=dict(zip(self.layout.scalars, self.vectors[rows].T, strict=False)),
            outputs=outputs,
            tapped=self.layout.index >= 0,
            withheld=bool(self.layout.tensors) and not outputs,
            stands_for=1 if call.queued or call.tapped else call.steps,
        )

    def _outputs(self, rows: slice) -> dict[int, OutputArrays]:
        parts: dict[int, dict[str, Array]] = {}
        sizes = [] if self.shapes is None else self.shapes[rows.start].tolist()
        for (kind, output), array in zip(self.layout.tensors, self.arrays, strict=False):
            own, sizes = sizes[: array.ndim - 1], sizes[array.ndim - 1 :]
            # Where steps of several shapes were read together, the smaller ones are padded.
            cut = array[(rows, *map(slice, own))]
            parts.setdefault(output, {})[kind] = cut
        return {output: OutputArrays(**kinds) for output, kinds in parts.items()}


def _kinds(vectors: Floats) -> Floats:
    """What is the same of steps of one layout whose tensors left one after another, or did not."""
    layouts, numbers = vectors[:, 0], vectors[:, 1]
    left = (numbers > 0.0).astype(np.float64)
    return np.stack([layouts, left, left * (numbers - np.arange(len(numbers)))], axis=1)


def _alike(*tables: Array) -> Iterator[tuple[int, int]]:
    """From where to where the rows of each table are the same."""
    if all((table == table[:1]).all() for table in tables):
        return pairwise((0, len(tables[0]))) if len(tables[0]) else pairwise(())
    cuts = [np.flatnonzero(np.diff(table, axis=0).any(axis=1)) + 1 for table in tables]
    bounds = {0, len(tables[0])}.union(*(places.tolist() for places in cuts))
    return pairwise(sorted(bounds))


def _way(item: CallItem) -> tuple[Split, bool]:
    return item.call.split, item.call.queued


def _steps(item: CallItem) -> Iterator[_Step]:
    """The steps of a call with their places; a validation step stands at the train step before."""
    call = item.call
    if call.steps == 1:  # a loop costs as much again
        yield _Step(item, Place(item.step, item.batch, call.started, call.seconds))
        return
    each = call.seconds / max(1, call.steps)
    for number in range(call.steps):
        step = item.step + (number if call.split == "train" else 0)
        yield _Step(item, Place(step, item.batch + number, call.started + number * each, each))


def as_array(value: Any) -> Array:
    """A tensor of the backend in NumPy."""
    if _TENSORFLOW:  # Keras' own conversion takes thirty times as long, for every scalar.
        return value.numpy() if hasattr(value, "numpy") else np.asarray(value)
    return np.asarray(keras.ops.convert_to_numpy(value))


def scalar_logs(logs: Any) -> dict[str, float]:
    """Those of Keras' logs that are plain numbers."""
    if not isinstance(logs, dict):
        return {}
    found: dict[str, float] = {}
    for key, value in logs.items():
        if isinstance(value, dict):
            found |= scalar_logs(value)
        elif (array := as_array(value)).ndim == 0 and array.dtype.kind in "biuf":
            found[str(key)] = float(array)
    return found
