"""Ways out of steps that XLA compiles, which can neither fill a queue nor decide what to return."""

from __future__ import annotations

from typing import Any

import keras

from lossmon.capture.channel import LogsChannel
from lossmon.capture.joint_channel import JointChannel
from lossmon.capture.layout import Carried, Layouts
from lossmon.capture.queue_channel import QueueChannel


class XlaChannel(QueueChannel):
    """TensorFlow queues that are filled right behind a step that XLA compiles.

    Args:
        layouts: the model's.
        always: see `QueueChannel`.
    """

    def __init__(self, layouts: Layouts, *, always: bool = False) -> None:
        super().__init__(layouts, always=always)
        self._inside = LogsChannel(layouts, eager=False)

    def lets_out(self) -> bool:
        """See `Channel`; in another form XLA might fuse the step's operations otherwise."""
        return True

    def send(self, carried: Carried) -> dict[str, Any]:
        """Return all of it, by the index of its layout, for the compiled step to return."""
        return _for_the_step(carried, self._layouts, self._inside)

    def pass_on(self, sent: dict[str, Any]) -> None:
        """Fill the queues with what left the compiled step."""
        for index, values in sent.items():
            layout = self._layouts[int(index)]
            numbers = values["vector"]
            scalars = {name: numbers[place + 2] for place, name in enumerate(layout.scalars)}
            tensors = {key: values[str(place)] for place, key in enumerate(layout.tensors)}
            super().send(Carried(scalars, tensors))


class XlaJointChannel(JointChannel):
    """One TensorFlow queue that is filled right behind a step that XLA compiles.

    Args:
        layouts: the model's.
    """

    def __init__(self, layouts: Layouts) -> None:
        super().__init__(layouts)
        self._inside = LogsChannel(layouts, eager=False)

    def send(self, carried: Carried) -> dict[str, Any]:
        """Return all of it, by the index of its layout, for the compiled step to return."""
        return _for_the_step(carried, self._layouts, self._inside)

    def pass_on(self, sent: dict[str, Any]) -> None:
        """Fill the queue with what left the compiled step."""
        for index, values in sent.items():
            layout = self._layouts[int(index)]
            tensors = [values[str(place)] for place, _ in enumerate(layout.tensors)]
            self._put(layout, values["vector"][2:], tensors)


def _for_the_step(carried: Carried, layouts: Layouts, inside: LogsChannel) -> dict[str, Any]:
    kinds = {
        key: (keras.backend.standardize_dtype(tensor.dtype), len(tensor.shape))
        for key, tensor in carried.tensors.items()
    }
    return {str(layouts.of(carried, kinds).index): inside.told(carried)}


class TwinChannel(LogsChannel):
    """The logs of steps that are compiled in two forms, with labels and predictions and without.

    The form without them is compiled when the first sample is asked for, by `carry`, and not for
    the sake of a writer that has fallen behind: compiling takes longer than catching up.

    Args:
        layouts: the model's.
    """

    def __init__(self, layouts: Layouts) -> None:
        super().__init__(layouts, eager=False)

    def carry(self, steps: float) -> None:
        """See `Channel`; none at all is not heeded."""
        if steps:
            self._steps = steps

    def lets_out(self) -> bool:
        """See `Channel`."""
        self._steps -= 1
        return self._steps >= 0
