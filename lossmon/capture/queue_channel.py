"""The way out of TensorFlow's compiled steps that tensors of any size can take: queues."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.channel import vector
from lossmon.capture.layout import Carried, Layout, Layouts, TensorKey

Vector = NDArray[np.float64]
_NONE = np.zeros((0, 0))
# Steps whose tensors leave are counted, in float32 as all that leaves beside them, and anew from 1
# after so many.
_COUNTED = 2.0**23


class _Way(NamedTuple):
    """The queue of one layout's tensors, and how many steps have put theirs into it."""

    queue: Any
    count: Any


class QueueChannel:
    """The values leave through TensorFlow queues, without a word in Python.

    An output of a `tf.function` costs the training thread about 30 us; a queue costs none of it,
    and the steps of one call (`steps_per_execution`) leave one by one.

    Thread safety: `take` and `take_tensors` are called on one other thread.

    Args:
        layouts: the model's.
        always: whether the tensors leave in every step, whatever `carry` is told: the step then
            holds no condition, nor the operations that decide it.
    """

    queues = True

    def __init__(self, layouts: Layouts, *, always: bool = False) -> None:
        import tensorflow as tf

        self._layouts = layouts
        self._always = always
        self.holds_back = not always
        self._tensors: dict[int, _Way] = {}
        self._last: dict[int, float] = {}
        self._expected = math.inf
        self._counting = threading.Lock()
        self._taken = 0
        self._ahead = _NONE
        with tf.init_scope(), tf.device("CPU:0"):
            # TensorFlow has a fast way for dtypes that are not given by name.
            self._vectors = tf.queue.PaddingFIFOQueue(-1, [tf.float64], [[None]])
            self._left: Any = tf.Variable(tf.constant(math.inf), trainable=False)

    def send(self, carried: Carried) -> dict[str, Any] | None:
        """Put the vector into one queue, and the tensors into another where they are wanted."""
        import tensorflow as tf

        layout, plain = laid_out(carried, self._layouts)
        if not plain:
            self._vectors.enqueue([vector(layout.index, [0.0, *carried.scalars.values()])])
            return None
        queue, count = self._way_of(layout)

        def enqueue() -> Any:
            number = tf.math.floormod(tf.convert_to_tensor(count), _COUNTED) + 1.0
            count.assign(number, read_value=False)
            # Not after the step's loss and metrics: their size in memory would be held until then.
            with tf.control_dependencies(
                [queue.enqueue([*plain.values(), shapes_of([*plain.values()])])]
            ):
                return tf.identity(number)

        def enqueue_one_of() -> Any:
            self._left.assign_sub(1.0, read_value=False)
            return enqueue()

        if self._always:
            number = enqueue()
        else:
            wanted = tf.convert_to_tensor(self._left) > 0.0
            number = tf.cond(wanted, enqueue_one_of, lambda: tf.constant(0.0))
        # By its number a vector finds its tensors, also behind those of a step that failed.
        self._vectors.enqueue([vector(layout.index, [number, *carried.scalars.values()])])
        return None

    def _way_of(self, layout: Layout) -> _Way:
        import tensorflow as tf

        if layout.index not in self._tensors:
            kinds = [*layout.kinds, ("int32", 1)]
            with tf.init_scope(), tf.device("CPU:0"):
                queue = tf.queue.PaddingFIFOQueue(
                    -1, [tf.as_dtype(name) for name, _ in kinds], [[None] * r for _, r in kinds]
                )
                count: Any = tf.Variable(tf.constant(0.0), trainable=False)
            self._tensors[layout.index] = _Way(queue, count)
        return self._tensors[layout.index]

    def pass_on(self, sent: dict[str, Any]) -> None:
        """See `Channel`; nothing leaves with the logs."""

    def drop(self) -> None:
        """See `Channel`; steps keep their tensors in."""

    def carry(self, steps: float) -> None:
        """See `Channel`."""
        import tensorflow as tf

        self._expected = steps
        if isinstance(self._left, tf.distribute.DistributedValues):
            self._left.assign(steps)
            return
        # The same in a third of the time.
        value = tf.constant(steps, tf.float32)
        tf.raw_ops.AssignVariableOp(resource=self._left.handle, value=value)

    def lets_out(self) -> bool:
        """See `Channel`; the steps themselves decide where several make up a call."""
        self._expected -= 1.0
        return self._expected >= 0.0

    def sent(self) -> int:
        """See `Channel`."""
        with self._counting:
            return self._taken + size_of(self._vectors)

    def take(self, count: int) -> Vector:
        """The vectors of the oldest `count` steps, fewer if fewer were sent; never waits.

        Each begins with its layout's index, and with the number of its tensors, 0 where they did
        not leave. They may be padded at their ends.
        """
        if len(self._ahead) < count:
            # All at once, for steps of the next epoch too: a call costs as much as a hundred steps.
            self._ahead = _joined(self._ahead, self._take_all())
        taken, self._ahead = self._ahead[:count], self._ahead[count:]
        return taken

    def _take_all(self) -> Vector:
        with self._counting:
            count = size_of(self._vectors)
            self._taken += count
            (vectors,) = dequeue(self._vectors, count)
        return seen(vectors)

    def take_tensors(
        self, layout: Layout, first: float, count: int
    ) -> tuple[list[Any], NDArray[np.int32]]:
        """The tensors of some steps of a layout that left one after another.

        Args:
            layout: of the steps.
            first: the number of the first one's.
            count: how many steps.

        Returns:
            One array for each tensor with the steps along its first axis, padded where their shapes
            differ; and the shapes, one row a step.
        """
        queue, _ = self._tensors[layout.index]
        # Those of steps that failed behind them have no vector.
        alone = int((first - self._last.get(layout.index, 0.0) - 1.0) % _COUNTED)
        if size_of(queue) < alone + count:  # taking more than there is would wait for ever
            raise LookupError(f"the tensors of {count} steps were expected to have come out")
        if alone:
            dequeue(queue, alone)
        self._last[layout.index] = (first + count - 2.0) % _COUNTED + 1.0
        if count == 1:
            *tensors, shapes = (seen(tensor)[None] for tensor in _dequeue_one(queue))
            return tensors, shapes
        *tensors, shapes = dequeue(queue, count)
        return [seen(tensor) for tensor in tensors], seen(shapes)

    def clear(self) -> None:
        """See `Channel`."""
        self._take_all()
        self._ahead = _NONE
        for index, (queue, count) in self._tensors.items():
            dequeue(queue, size_of(queue))
            self._last[index] = float(count)


def _joined(first: Vector, second: Vector) -> Vector:
    """Vectors one below the other, padded where those of one part are longer."""
    if not len(first):
        return second
    width = max(first.shape[1], second.shape[1])
    return np.concatenate([np.pad(v, ((0, 0), (0, width - v.shape[1]))) for v in (first, second)])


def size_of(queue: Any) -> int:
    """How many steps wait."""
    import tensorflow as tf

    return int(tf.raw_ops.QueueSizeV2(handle=queue.queue_ref))


def dequeue(queue: Any, count: int) -> Sequence[Any]:
    """The oldest `count` steps, of which there must be so many: else it waits for ever."""
    import tensorflow as tf

    return tf.raw_ops.QueueDequeueManyV2(
        handle=queue.queue_ref, n=count, component_types=queue.dtypes
    )


def _dequeue_one(queue: Any) -> Sequence[Any]:
    import tensorflow as tf

    return tf.raw_ops.QueueDequeueV2(handle=queue.queue_ref, component_types=queue.dtypes)


def seen(tensor: Any) -> NDArray[Any]:
    """A tensor in NumPy, to be read only: its own memory, which `Tensor.numpy` would copy."""
    array = np.asarray(tensor)
    array.flags.writeable = False
    return array


def laid_out(carried: Carried, layouts: Layouts) -> tuple[Layout, dict[TensorKey, Any]]:
    """The layout of what a step carries out, and those tensors that can leave."""
    plain = {key: tensor for key, tensor in carried.tensors.items() if _has_rank(tensor)}
    kinds = {key: (tensor.dtype.name, len(tensor.shape)) for key, tensor in plain.items()}
    return layouts.of(Carried(carried.scalars, plain), kinds), plain


def shapes_of(tensors: Sequence[Any]) -> Any:
    """The shapes of tensors, one after the other, as one tensor."""
    import tensorflow as tf

    return tf.concat([tf.shape(tensor) for tensor in tensors], axis=0)


def _has_rank(tensor: Any) -> bool:
    import tensorflow as tf

    return isinstance(tensor, tf.Tensor) and getattr(tensor.shape, "rank", None) is not None
