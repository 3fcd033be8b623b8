"""A `compile` call as it stands in a program, and the same with some of it changed."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lossmon.static.values import Head, Loss, Metric

# Those that `keras.Model.compile` takes by position.
ARGUMENTS = (
    *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"),
    *("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"),
)
METRIC_LISTS = ("metrics", "weighted_metrics")

Entries = Sequence[tuple[Metric | None, str]]


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """Its parts as code of the program.

    Attributes:
        model: the model that is compiled.
        arguments: each argument by its name, in order.
        lists: the entries of `metrics` and `weighted_metrics` that are lists, and what is known of
            each.
        unpacked: what it unpacks besides: `**options`.
    """

    model: str = "model"
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])
    lists: Mapping[str, Entries] = field(default_factory=dict[str, Entries])
    unpacked: tuple[str, ...] = ()

    def changed(
        self, *, loss: str | None = None, instead: Mapping[str, str | None] | None = None
    ) -> str:
        """The call with another loss or other metrics, all else as it is written.

        Args:
            loss: code of the other loss.
            instead: by the keys of metrics, code that takes the place of each; None for nothing.
        """
        shown = dict(self.arguments)
        if loss is not None:
            shown["loss"] = loss
        for name, entries in self.lists.items():
            kept = [_better(metric, code, instead or {}) for metric, code in entries]
            # What takes the place of two metrics is needed once.
            codes = dict.fromkeys(code for code in kept if code is not None)
            shown[name] = f"[{', '.join(codes)}]"
        told = [f"{name}={code}" for name, code in shown.items()]
        return f"{self.model}.compile({', '.join([*told, *self.unpacked])})"


@dataclass(frozen=True, slots=True)
class Compiled:
    """One call of `compile`, as far as its text tells."""

    loss: Loss | None
    metrics: tuple[Metric, ...]
    head: Head | None
    written: WrittenCall

    @property
    def loss_name(self) -> str:
        """The name of its loss; empty where that is not known."""
        return (self.loss.name or "") if self.loss is not None else ""

    def cuts_between(self, metric: Metric) -> bool:
        """Whether an accuracy of two classes cuts the output at a threshold between 0 and 1."""
        if metric.name == "alias":
            return self.head is not None and self.head.units == 1
        threshold = metric.options.get("threshold", 0.5)
        between = isinstance(threshold, (int, float)) and 0 < threshold < 1
        return metric.name == "binary_accuracy" and between


def code_of(node: ast.expr, source: str) -> str:
    """Code of an expression in one line, in the program's own spelling where it stands in one.

    Args:
        node: the expression.
        source: the text that it was parsed from.
    """
    written = ast.get_source_segment(source, node)
    return ast.unparse(node) if written is None or "\n" in written else written


def _better(metric: Metric | None, code: str, instead: Mapping[str, str | None]) -> str | None:
    return code if metric is None else instead.get(metric.key, code)
