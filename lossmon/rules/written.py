"""What `compile` was given, as code that gives it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Keys that lead to an output in an argument of `compile`: names in a dict, places in a list.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class WrittenOutput:
    """What was given for one output. `...` stands for arguments that cannot be told.

    Attributes:
        loss_path: where its entry is in `loss`; () where the argument is the entry.
        metrics_path: likewise in `metrics` and `weighted_metrics`.
        loss: code of its loss; None where it has none.
        loss_weight: code of its weight; None where it has none.
        metrics: code of each of its metrics by the key that Keras prints it under.
        weighted_metrics: likewise.
    """

    loss_path: Path = ()
    metrics_path: Path = ()
    loss: str | None = None
    loss_weight: str | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    weighted_metrics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrittenCompile:
    """What was given for all of them.

    Attributes:
        outputs: one entry per output, in order.
        settings: code of further arguments that are not as they are by default.
        optimizer: code of the optimizer; "model.optimizer" where no other can be told.
    """

    outputs: tuple[WrittenOutput, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    optimizer: str = "model.optimizer"
