"""The way out of TensorFlow's compiled steps whose tensors are small: all of a step together.

What a small step lets out costs less than asking each step whether it is wanted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.channel import alike
from lossmon.capture.layout import Carried, Layout, Layouts
from lossmon.capture.queue_channel import dequeue, laid_out, seen, shapes_of, size_of

# Steps that are taken out at once: enough that a call costs little for each, and few enough that
# their copies take up little memory.
AT_ONCE = 512


class Sent(NamedTuple):
    """Steps of one layout that left one after another, one row each.

    Attributes:
        layout: of all of them.
        numbers: its scalars, `(K, scalars)`.
        times: when they left, Unix seconds, `(K,)`.
        arrays: its tensors, each `(K, ...)` and padded where their shapes differ; none where they
            were thrown away.
        shapes: of all tensors of a step, `(K, dimensions)`.
    """

    layout: Layout
    numbers: NDArray[np.float64]
    times: NDArray[np.float64]
    arrays: Sequence[NDArray[Any]]
    shapes: NDArray[np.int32] | None

    def __len__(self) -> int:
        return len(self.times)

    def part(self, rows: slice) -> Sent:
        """Some of the steps."""
        arrays = [array[rows] for array in self.arrays]
        shapes = None if self.shapes is None else self.shapes[rows]
        return Sent(self.layout, self.numbers[rows], self.times[rows], arrays, shapes)


class _Way(NamedTuple):
    """The queue of one layout."""

    layout: Layout
    queue: Any


class JointChannel:
    """Numbers and tensors leave each step through one TensorFlow queue.

    Tensors leave whether they are wanted or not, so that the step holds no condition; where nobody
    takes them, `drop` bounds the memory they take up.

    Thread safety: `take` is called on one other thread; `drop` may be called meanwhile.

    Args:
        layouts: the model's.
    """

    holds_back = False
    queues = True

    def __init__(self, layouts: Layouts) -> None:
        self._layouts = layouts
        self._ways: dict[tuple[int, str], _Way] = {}
        self._taking = threading.Lock()
        self._taken = 0
        self._spent = 0.0
        self._ahead: list[Sent] = []

    def send(self, carried: Carried) -> dict[str, Any] | None:
        """Put all that is carried into one queue."""
        import tensorflow as tf

        layout, tensors = laid_out(carried, self._layouts)
        values = alike([*carried.scalars.values()])
        numbers = tf.stack(values) if values else tf.zeros((0,))
        self._put(layout, numbers, [*tensors.values()])
        return None

    def _put(self, layout: Layout, numbers: Any, tensors: Sequence[Any]) -> None:
        import tensorflow as tf

        sizes = [shapes_of(tensors)] if tensors else []
        # By their times steps of several layouts, each with a queue of its own, keep their order.
        sent = [*tensors, *sizes, tf.timestamp(), numbers]
        self._queue_of(layout, numbers.dtype.name, sized=bool(sizes)).enqueue(sent)

    def _queue_of(self, layout: Layout, dtype: str, *, sized: bool) -> Any:
        import tensorflow as tf

        if (layout.index, dtype) not in self._ways:
            kinds = [*layout.kinds, *([("int32", 1)] if sized else []), ("float64", 0), (dtype, 1)]
            with tf.init_scope(), tf.device("CPU:0"):
                queue = tf.queue.PaddingFIFOQueue(
                    -1, [tf.as_dtype(name) for name, _ in kinds], [[None] * r for _, r in kinds]
                )
            self._ways[layout.index, dtype] = _Way(layout, queue)
        return self._ways[layout.index, dtype].queue

    def pass_on(self, sent: dict[str, Any]) -> None:
        """See `Channel`; nothing leaves with the logs."""

    def carry(self, steps: float) -> None:
        """See `Channel`; tensors leave always."""

    def lets_out(self) -> bool:
        """See `Channel`."""
        return True

    def drop(self) -> None:
        """See `Channel`; the numbers stay."""
        with self._taking:
            while self._gather(with_tensors=False):
                pass

    def clear(self) -> None:
        """See `Channel`."""
        self.drop()
        self._ahead.clear()

    def sent(self) -> int:
        """See `Channel`."""
        with self._taking:
            return self._taken + sum(size_of(way.queue) for way in self._ways.values())

    def take(self, count: int) -> list[Sent]:
        """The oldest `count` steps, fewer if fewer were sent; never waits."""
        with self._taking:
            # More than were asked for, those of the next epoch too: a call costs as much as a
            # hundred steps.
            while sum(map(len, self._ahead)) < count and self._gather():
                pass
            ahead, self._ahead, taken = self._ahead, [], list[Sent]()
            for sent in ahead:
                part = sent.part(slice(0, count))
                taken.extend([part] if part else [])
                if len(sent) > count:
                    self._ahead.append(sent.part(slice(count, None)))
                count -= len(part)
            return taken

    def spent(self) -> float:
        """Seconds of the taking thread that copying tensors cost since this was asked."""
        spent, self._spent = self._spent, 0.0
        return spent

    def _gather(self, *, with_tensors: bool = True) -> int:
        """Take out what waits, not too much of it; how many steps that were."""
        waiting = [(way, size_of(way.queue)) for way in [*self._ways.values()]]
        waiting = [(way, count) for way, count in waiting if count]
        began = time.thread_time()
        if len(waiting) == 1:
            ((way, count),) = waiting
            found = [_read(way, min(count, AT_ONCE), with_tensors=with_tensors)]
        else:
            found = _in_order([_read(*few, with_tensors=with_tensors) for few in waiting])
        if any(sent.arrays for sent in found):
            self._spent += time.thread_time() - began
        count = sum(map(len, found))
        self._taken += count
        self._ahead += found
        return count


def _read(way: _Way, count: int, *, with_tensors: bool) -> Sent:
    *tensors, times, numbers = dequeue(way.queue, count)
    arrays = [seen(tensor) for tensor in tensors] if with_tensors else []
    shapes = arrays.pop() if arrays else None
    wide = seen(numbers).astype(np.float64)
    return Sent(way.layout, wide, seen(times), arrays, shapes)


def _in_order(parts: Sequence[Sent]) -> list[Sent]:
    """Steps of several layouts as they left."""
    rows = sorted(
        (left, place, row)
        for place, part in enumerate(parts)
        for row, left in enumerate(part.times.tolist())
    )
    found: list[Sent] = []
    for place, together in groupby(rows, key=lambda row: row[1]):
        first, *_, last = [row for *_, row in together] * 2
        found.append(parts[place].part(slice(first, last + 1)))
    return found
