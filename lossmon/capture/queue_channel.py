"""The way out of TensorFlow's compiled steps that tensors of any size can take: queues."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.channel import vector
from lossmon.capture.layout import Carried, Layout, Layouts, TensorKey

Vector = NDArray[np.float64]
_NONE = np.zeros((0, 0))


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
        self._tensors: dict[int, Any] = {}
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
        queue = self._queue_of(layout)
        wanted: Any = True if self._always else tf.convert_to_tensor(self._left) > 0.0
        leaves = 1.0 if self._always else tf.cast(wanted, "float32")
        numbers = vector(layout.index, [leaves, *carried.scalars.values()])

        def enqueue() -> Any:
            return queue.enqueue([*plain.values(), shapes_of([*plain.values()])])

        def enqueue_one_of() -> Any:
            self._left.assign_sub(1.0, read_value=False)
            enqueue()
            return tf.constant(True)

        # Tensors leave only with steps whose loss and metrics went well, and a vector only behind
        # its tensors: else the queues would be out of step after a step that failed.
        with tf.control_dependencies([numbers]):
            if self._always:
                done = enqueue()
            else:
                done = tf.cond(wanted, enqueue_one_of, lambda: tf.constant(False))
        with tf.control_dependencies([done]):
            self._vectors.enqueue([tf.identity(numbers)])
        return None

    def _queue_of(self, layout: Layout) -> Any:
        import tensorflow as tf

        if layout.index not in self._tensors:
            kinds = [*layout.kinds, ("int32", 1)]
            with tf.init_scope(), tf.device("CPU:0"):
                self._tensors[layout.index] = tf.queue.PaddingFIFOQueue(
                    -1, [tf.as_dtype(name) for name, _ in kinds], [[None] * r for _, r in kinds]
                )
        return self._tensors[layout.index]

    def pass_on(self, sent: dict[str, Any]) -> None:
        """See `Channel`; nothing leaves with the logs."""

    def drop(self) -> None:
        """See `Channel`; steps keep their tensors in."""

    def carry(self, steps: float) -> None:
        """See `Channel`."""
        import tensorflow as tf

        if isinstance(self._left, tf.distribute.DistributedValues):
            self._left.assign(steps)
            return
        # The same in a third of the time.
        value = tf.constant(steps, tf.float32)
        tf.raw_ops.AssignVariableOp(resource=self._left.handle, value=value)

    def sent(self) -> int:
        """See `Channel`."""
        with self._counting:
            return self._taken + size_of(self._vectors)

    def take(self, count: int) -> Vector:
        """The vectors of the oldest `count` steps, fewer if fewer were sent; never waits.

        They may be padded at their ends.
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
        return vectors.numpy()

    def take_tensors(self, layout: Layout, count: int) -> tuple[list[Any], NDArray[np.int32]]:
        """The tensors of the oldest `count` steps of a layout that sent them.

        Returns:
            One array for each tensor with the steps along its first axis, padded where their shapes
            differ; and the shapes, one row a step.
        """
        queue = self._tensors[layout.index]
        if size_of(queue) < count:  # taking more than there is would wait for ever
            raise LookupError(f"the tensors of {count} steps were expected to have come out")
        if count == 1:  # as they are, without a copy
            *tensors, shapes = (tensor.numpy()[None] for tensor in _dequeue_one(queue))
            return tensors, shapes
        *tensors, shapes = dequeue(queue, count)
        return [tensor.numpy() for tensor in tensors], shapes.numpy()

    def clear(self) -> None:
        """See `Channel`."""
        self._take_all()
        self._ahead = _NONE
        for queue in self._tensors.values():
            dequeue(queue, size_of(queue))


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
