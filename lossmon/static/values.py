"""What an expression is known to be from the text alone; None stands for all that is not known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Name:
    """Something that was imported, by its full name, e.g. "keras.layers.Dense"."""

    path: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal number, text, truth value or None."""

    value: Any


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of Keras.

    Attributes:
        kind: "dense", "activation" or "other".
        units: of a dense layer; None where they are not known.
        activation: its name; None where it is not known.
    """

    kind: str
    units: int | None = None
    activation: str | None = None


@dataclass(frozen=True, slots=True)
class Tensor:
    """A symbolic tensor, by the last layers that made it."""

    layers: tuple[Layer | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss by its definition's name.

    Attributes:
        name: as `lossmon.records.LossSpec` spells it; None for one that is not Keras' own.
        from_logits: as it was written; None where that is not known.
        code: the call that makes it; None of a word or a function.
    """

    name: str | None
    from_logits: bool | None = False
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of Keras.

    Attributes:
        key: the name that Keras prints it under.
        name: its definition's name; "alias" for the words `accuracy` and `acc`.
        options: its arguments.
        code: the call that makes it; None of a word or a function.
    """

    key: str
    name: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What a model ends in.

    Attributes:
        units: size of its last axis; None where it is not known.
        activation: the name of its activation.
        stacked: whether that stands on another sigmoid or softmax.
    """

    units: int | None
    activation: str
    stacked: bool = False


@dataclass(slots=True, eq=False)
class Model:
    """A `keras.Sequential` or `keras.Model`, which later statements may change.

    Attributes:
        layers: its last layers in order; None for one that is not known.
        custom: whether a method of it was replaced, so that nothing is known of its training.
    """

    layers: list[Layer | None] = field(default_factory=list["Layer | None"])
    custom: bool = False

    def obscure(self) -> None:
        """Forget what it ends in."""
        self.layers.append(None)

    @property
    def head(self) -> Head | None:
        """What it ends in, where that is certain."""
        last = self.layers[-1] if self.layers else None
        before = self.layers[-2] if len(self.layers) > 1 else None
        if last is None or last.kind == "other" or last.activation is None:
            return None
        if last.kind == "dense":
            return Head(last.units, last.activation)
        if before is None or before.kind != "dense":
            # A softmax gives probabilities whatever comes in; a linear activation tells nothing.
            known = last.activation in ("softmax", "sigmoid")
            return Head(None, last.activation) if known else None
        if before.activation == "linear":
            return Head(before.units, last.activation)
        squeezing = ("softmax", "sigmoid")
        stacked = before.activation in squeezing and last.activation in squeezing
        return Head(before.units, last.activation, stacked=True) if stacked else None


Value = Name | Constant | Layer | Tensor | Loss | Metric | Model | None
