"""Steps of one kind in NumPy arrays, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.tap import Call
from lossmon.records import Split

Array = NDArray[Any]
Floats = NDArray[np.float64]


class CallItem(NamedTuple):
    """One call of the train or test function with the place of its first step in the run."""

    step: int
    epoch: int
    batch: int
    call: Call


@dataclass(frozen=True, slots=True)
class OutputArrays:
    """One output's tensors of K steps, as Keras' loss and metrics saw them, `(K, N, ...)`.

    Attributes:
        y_true, y_pred, sample_weight, mask: None where they were not given.
        loss_mask: a mask that the loss saw and the metrics did not.
        given_weight: the sample weights that the loss saw, where Keras changed them in place before
            the metrics saw them.
        logits: what the loss goes back to behind the output, if it does.
    """

    y_true: Array | None = None
    y_pred: Array | None = None
    sample_weight: Array | None = None
    mask: Array | None = None
    loss_mask: Array | None = None
    logits: Array | None = None
    given_weight: Array | None = None

    def __getitem__(self, rows: Any) -> OutputArrays:
        """Some of the steps."""
        tensors = (getattr(self, field.name) for field in fields(self))
        return OutputArrays(*(None if tensor is None else tensor[rows] for tensor in tensors))

    @property
    def weight_of_loss(self) -> Array | None:
        """The sample weights that the loss saw."""
        return self.sample_weight if self.given_weight is None else self.given_weight

    @property
    def mask_of_loss(self) -> Array | None:
        """The mask that the loss saw."""
        return self.mask if self.loss_mask is None else self.loss_mask


class Place(NamedTuple):
    """Where a step stands in the run, and when it was."""

    step: int
    batch: int
    started: float
    seconds: float


@dataclass(slots=True)
class Chunk:
    """K steps of one split and epoch that sent the same things in the same shapes.

    Attributes:
        split, epoch: of all of them.
        places: of each.
        scalars: Keras' own values by name, each `(K,)`.
        outputs: the tensors of each output by its index; empty where none came out.
        tapped: whether more than the logs came out.
        withheld: whether tensors could have come out and did not.
        stands_for: steps of which only each last one came out.
    """

    split: Split
    epoch: int
    places: list[Place]
    scalars: Mapping[str, Floats]
    outputs: Mapping[int, OutputArrays] = field(default_factory=dict)
    tapped: bool = True
    withheld: bool = False
    stands_for: int = 1

    def __len__(self) -> int:
        return len(self.places)

    def one_by_one(self) -> Iterator[Chunk]:
        """The same steps, each alone."""
        for row, place in enumerate(self.places):
            part = slice(row, row + 1)
            yield replace(
                self,
                places=[place],
                scalars={name: values[part] for name, values in self.scalars.items()},
                outputs={index: tensors[part] for index, tensors in self.outputs.items()},
            )

    def log(self, key: str) -> Floats | None:
        """What Keras printed under a key after each step, `(K,)`."""
        return self.scalars.get(f"log:{key}")

    @property
    def samples(self) -> Floats:
        """The number of samples of each step, `(K,)`; 0 where it is not known."""
        size = self.scalars.get("size")
        return np.zeros(len(self)) if size is None else size


def joined(steps: Array | None) -> Any:
    """The rows of K steps in one array; None of None."""
    return None if steps is None else steps.reshape(-1, *steps.shape[2:])
