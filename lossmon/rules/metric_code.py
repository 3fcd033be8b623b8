"""Metrics as code: as they were given, or with other arguments."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence

from lossmon.records import MetricSpec
from lossmon.rules.facts import OutputFacts


def own_name(output: OutputFacts, metric: MetricSpec) -> str:
    """A metric's own name, without the output's that Keras prints before it."""
    return metric.key.removeprefix(f"{output.name}_") if output.name else metric.key


def metric_code(output: OutputFacts, metric: MetricSpec) -> str:
    """Code of a metric of an output as it was given, with the user's own word or name.

    Args:
        output: the output.
        metric: one of its metrics.
    """
    if output.written is not None:
        own = output.written.outputs[output.place]
        for metrics in (own.metrics, own.weighted_metrics):
            if metric.key in metrics:
                return metrics[metric.key]
    return json.dumps(metric.alias) if metric.alias else f"keras.metrics.{metric.label}"


def metric_with(output: OutputFacts, metric: MetricSpec, **changes: object) -> str:
    """Code of a metric as it is but for some of its arguments.

    Args:
        output: the output.
        metric: one of its metrics, of Keras' own.
        **changes: other values of its arguments.
    """
    given = ast.parse(metric_code(output, metric), mode="eval").body
    title = metric.label.split("(")[0]
    told = {name: repr(value) for name, value in changes.items()}
    if not isinstance(given, ast.Call):
        return f"keras.metrics.{title}({_told(told)}, name={json.dumps(own_name(output, metric))})"
    kept = {word.arg: ast.unparse(word.value) for word in given.keywords if word.arg}
    return f"{ast.unparse(given.func)}({_told(told | {k: kept[k] for k in kept if k not in told})})"


def as_class(
    title: str, output: OutputFacts, metrics: Sequence[MetricSpec]
) -> dict[str, str | None]:
    """By key, code of a metric of Keras' own in the place of each, under the same name."""
    return {
        metric.key: f"keras.metrics.{title}(name={json.dumps(own_name(output, metric))})"
        for metric in metrics
    }


def _told(arguments: dict[str, str]) -> str:
    shown = ", ".join(f"{name}={code}" for name, code in arguments.items())
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', shown)
