"""What a traced step carries out: which numbers, and which tensors beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TensorKey = tuple[str, int]
"""What a tensor is, as the fields of `OutputArrays` are called, and of which output."""


@dataclass(slots=True)
class Carried:
    """What one step carries out.

    Attributes:
        scalars: numbers by name, as tensors of rank 0 or as constants of the trace.
        tensors: labels, predictions and what belongs to them.
    """

    scalars: dict[str, Any] = field(default_factory=dict)
    tensors: dict[TensorKey, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read what a step carried out, which is one vector of numbers and some tensors.

    Attributes:
        index: its place among all layouts; every vector begins with it.
        scalars: the names of the vector's further numbers, in order.
        tensors: what the tensors are, in order.
        kinds: their dtypes and ranks, in order.
    """

    index: int
    scalars: tuple[str, ...]
    tensors: tuple[TensorKey, ...]
    kinds: tuple[tuple[str, int], ...]


class Layouts:
    """All layouts of one model; a step that is traced again finds its own."""

    def __init__(self) -> None:
        self._known: list[Layout] = []

    def __getitem__(self, index: int) -> Layout:
        return self._known[index]

    def of(self, carried: Carried, kinds: Mapping[TensorKey, tuple[str, int]]) -> Layout:
        """The layout of what a step carries out.

        Args:
            carried: the step's numbers and tensors.
            kinds: dtype and rank of each tensor.
        """
        tensors = tuple(carried.tensors)
        asked = (tuple(carried.scalars), tensors, tuple(kinds[key] for key in tensors))
        for layout in self._known:
            if (layout.scalars, layout.tensors, layout.kinds) == asked:
                return layout
        self._known.append(Layout(len(self._known), *asked))
        return self._known[-1]
