"""The ways by which values leave a step; the plain one is in its logs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import keras

from lossmon.capture.layout import Carried, Layouts


class Channel(Protocol):
    """One way out of the train step or of the test step.

    `send` runs inside the step; `carry` and `sent` on any thread.

    Attributes:
        holds_back: whether each step can be told to keep its tensors in, at next to no cost.
        queues: whether values leave beside the logs, and wait there to be taken.
    """

    holds_back: bool
    queues: bool

    def send(self, carried: Carried) -> dict[str, Any] | None:
        """Let values out; what is returned has to leave with the step's logs."""
        ...

    def carry(self, steps: float) -> None:
        """Let the tensors of the next `steps` steps out, and none after; the numbers always."""
        ...

    def drop(self) -> None:
        """Throw away the tensors that wait, where steps cannot be told to keep theirs in."""
        ...

    def clear(self) -> None:
        """Throw away all that waits: steps of an earlier `fit` that was broken off."""
        ...

    def lets_out(self) -> bool:
        """Whether the next step may let its tensors out, as far as is known; asked once a step."""
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

    queues = False

    def __init__(self, layouts: Layouts, *, eager: bool) -> None:
        self._layouts = layouts
        self._eager = self.holds_back = eager
        self._steps = math.inf
        self._passed: list[dict[str, Any]] = []

    def send(self, carried: Carried) -> dict[str, Any] | None:
        """See `Channel`."""
        return self.told(carried)

    def told(self, carried: Carried) -> dict[str, Any]:
        """The vector, and the tensors where they are wanted, by their place."""
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

    def drop(self) -> None:
        """See `Channel`; they leave with the logs, and go with them."""

    def clear(self) -> None:
        """See `Channel`; nothing waits."""

    def lets_out(self) -> bool:
        """See `Channel`."""
        return True

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


class DirectChannel(LogsChannel):
    """The values are handed over by the step itself, in Python, whatever runs around it.

    For steps that PyTorch compiles: logs that hold now more and now less it would compile anew.

    Args:
        layouts: the model's.
    """

    def __init__(self, layouts: Layouts) -> None:
        super().__init__(layouts, eager=True)

    def send(self, carried: Carried) -> None:
        """Pass on what else would be returned."""
        self.pass_on(self.told(carried))


def vector(index: int, numbers: Sequence[Any]) -> Any:
    """All numbers of a step in one tensor, which costs less than many.

    It begins with the layout's index, and with whether the tensors left too.
    """
    values = [float(index), *numbers]
    if keras.backend.backend() != "tensorflow":
        return keras.ops.stack([keras.ops.cast(value, "float32") for value in values])
    import tensorflow as tf

    return tf.cast(tf.stack(alike(values)), "float64")


def alike(values: Sequence[Any]) -> list[Any]:
    """All of one floating type, with as few casts as can be."""
    import tensorflow as tf

    known = [value.dtype for value in values if isinstance(value, tf.Tensor)]
    wide = tf.float64 if tf.float64 in known else tf.float32
    return [tf.cast(value, wide) if isinstance(value, tf.Tensor) else value for value in values]
