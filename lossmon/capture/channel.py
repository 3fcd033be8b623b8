"""The ways by which values leave a step: in its logs, or through queues beside them."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.layout import Carried, Layout, Layouts

Vector = NDArray[np.float64]


class Channel(Protocol):
    """One way out of the train step or of the test step.

    `send` runs inside the step; `carry` and `sent` on any thread.

    Attributes:
        holds_back: whether each step can be told to keep its tensors in, at next to no cost.
    """

    holds_back: bool

    def send(self, carried: Carried) -> dict[str, Any] | None:
        """Let values out; what is returned has to leave with the step's logs."""
        ...

    def carry(self, steps: float) -> None:
        """Let the tensors of the next `steps` steps out, and none after; the numbers always."""
        ...

    def sent(self) -> int | None:
        """How many steps have sent since the channel was made; None where nobody counts."""
        ...

    def pass_on(self, sent: dict[str, Any]) -> None:
        """Take what `send` returned, behind one compiled step and before the next one."""
        ...


class LogsChannel:
    """The values leave as a part of the step's logs.

    Args:
        layouts: the model's.
        eager: whether the step runs anew each time, so that it can be told what to send.
    """

    def __init__(self, layouts: Layouts, *, eager: bool) -> None:
        self._layouts = layouts
        self._eager = self.holds_back = eager
        self._steps = math.inf
        self._passed: list[dict[str, Any]] = []

    def send(self, carried: Carried) -> dict[str, Any]:
        """Return the vector, and the tensors where they are wanted, by their place."""
        wanted = bool(carried.tensors) and not (self._eager and self._steps < 1)
        self._steps -= self._eager
        kinds = {
            key: (keras.backend.standardize_dtype(tensor.dtype), len(tensor.shape))
            for key, tensor in carried.tensors.items()
        }
        layout = self._layouts.of(carried, kinds)
        numbers = [float(wanted), *carried.scalars.values()]
        sent = {"vector": vector(layout.index, numbers)}
        if wanted:
            sent |= {str(place): tensor for place, tensor in enumerate(carried.tensors.values())}
        return sent

    def carry(self, steps: float) -> None:
        """See `Channel`; a compiled step sends its tensors always."""
        self._steps = steps

    def sent(self) -> None:
        """See `Channel`."""
        return

    def pass_on(self, sent: dict[str, Any]) -> None:
        """See `Channel`."""
        self._passed.append(sent)

    def take_passed(self) -> list[dict[str, Any]]:
        """What the steps of the latest call passed on, in their order."""
        passed, self._passed = self._passed, []
        return passed


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

    def __init__(self, layouts: Layouts, *, always: bool = False) -> None:
        import tensorflow as tf

        self._layouts = layouts
        self._always = always
        self.holds_back = not always
        self._tensors: dict[int, Any] = {}
        self._counting = threading.Lock()
        self._taken = 0
        with tf.init_scope(), tf.device("CPU:0"):
            # TensorFlow has a fast way for dtypes that are not given by name.
            self._vectors = tf.queue.PaddingFIFOQueue(-1, [tf.float64], [[None]])
            self._left: Any = tf.Variable(tf.constant(math.inf), trainable=False)

    def send(self, carried: Carried) -> dict[str, Any] | None:
        """Put the vector into one queue, and the tensors into another where they are wanted."""
        import tensorflow as tf

        plain = {k: t for k, t in carried.tensors.items() if _has_rank(t)}
        carried = Carried(carried.scalars, plain)
        kinds = {key: (tensor.dtype.name, len(tensor.shape)) for key, tensor in plain.items()}
        layout = self._layouts.of(carried, kinds)
        if not plain:
            self._vectors.enqueue([vector(layout.index, [0.0, *carried.scalars.values()])])
            return None
        queue = self._queue_of(layout)
        wanted: Any = True if self._always else tf.convert_to_tensor(self._left) > 0.0
        leaves = 1.0 if self._always else tf.cast(wanted, "float32")
        numbers = vector(layout.index, [leaves, *carried.scalars.values()])

        def enqueue() -> Any:
            shapes = tf.concat([tf.shape(tensor) for tensor in plain.values()], axis=0)
            return queue.enqueue([*plain.values(), shapes])

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
            return self._taken + _size(self._vectors)

    def take(self, count: int) -> Vector:
        """The vectors of the oldest `count` steps, fewer if fewer were sent; never waits."""
        with self._counting:
            count = min(count, _size(self._vectors))
            self._taken += count
            (vectors,) = _dequeue(self._vectors, count)
        return vectors.numpy()

    def take_tensors(self, layout: Layout, count: int) -> tuple[list[Any], NDArray[np.int32]]:
        """The tensors of the oldest `count` steps of a layout that sent them.

        Returns:
            One array for each tensor with the steps along its first axis, padded where their shapes
            differ; and the shapes, one row a step.
        """
        queue = self._tensors[layout.index]
        if _size(queue) < count:  # taking more than there is would wait for ever
            raise LookupError(f"the tensors of {count} steps were expected to have come out")
        if count == 1:  # as they are, without a copy
            *tensors, shapes = (tensor.numpy()[None] for tensor in _dequeue_one(queue))
            return tensors, shapes
        *tensors, shapes = _dequeue(queue, count)
        return [tensor.numpy() for tensor in tensors], shapes.numpy()

    def clear(self) -> None:
        """Throw away what nobody took: steps of an earlier `fit` that was broken off."""
        self.take(_size(self._vectors))
        for queue in self._tensors.values():
            _dequeue(queue, _size(queue))


def _size(queue: Any) -> int:
    import tensorflow as tf

    return int(tf.raw_ops.QueueSizeV2(handle=queue.queue_ref))


def _dequeue(queue: Any, count: int) -> Sequence[Any]:
    import tensorflow as tf

    return tf.raw_ops.QueueDequeueManyV2(
        handle=queue.queue_ref, n=count, component_types=queue.dtypes
    )


def _dequeue_one(queue: Any) -> Sequence[Any]:
    import tensorflow as tf

    return tf.raw_ops.QueueDequeueV2(handle=queue.queue_ref, component_types=queue.dtypes)


def _has_rank(tensor: Any) -> bool:
    import tensorflow as tf

    return isinstance(tensor, tf.Tensor) and getattr(tensor.shape, "rank", None) is not None


def vector(index: int, numbers: Sequence[Any]) -> Any:
    """All numbers of a step in one tensor, which costs less than many.

    It begins with the layout's index, and with whether the tensors left too.
    """
    values = [float(index), *numbers]
    if keras.backend.backend() != "tensorflow":
        return keras.ops.stack([keras.ops.cast(value, "float32") for value in values])
    import tensorflow as tf

    return tf.cast(tf.stack(_alike(values)), "float64")


def _alike(values: Sequence[Any]) -> list[Any]:
    """All of one floating type, with as few casts as can be."""
    import tensorflow as tf

    known = [value.dtype for value in values if isinstance(value, tf.Tensor)]
    wide = tf.float64 if tf.float64 in known else tf.float32
    return [tf.cast(value, wide) if isinstance(value, tf.Tensor) else value for value in values]
