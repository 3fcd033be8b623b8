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
    # Of outputs of one name the keys are numbered; the word that was written is not.
    return metric.alias or (
        metric.key.removeprefix(f"{output.name}_") if output.name else metric.key
    )


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
    given = metric_code(output, metric)
    if not isinstance(ast.parse(given, mode="eval").body, ast.Call):
        given = f"keras.metrics.{metric.label.split('(')[0]}(name={own_name(output, metric)!r})"
    return with_arguments(given, (), **changes)


def with_arguments(code: str, positional: Sequence[str], **changes: object) -> str:
    """Code of a call with other values of some of its arguments, which come first.

    Args:
        code: the call.
        positional: what those are called that it takes by position, as far as one may be changed.
        **changes: the values by name.
    """
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    told = {name: repr(value) for name, value in changes.items()}
    # `...` stands for what could not be told.
    given = [ast.unparse(argument) for argument in call.args if ast.unparse(argument) != "..."]
    for place, name in enumerate(positional[: len(given)]):
        given[place] = told.pop(name, given[place])
    kept = {word.arg or "**": ast.unparse(word.value) for word in call.keywords}
    named = told | {name: value for name, value in kept.items() if name not in changes}
    shown = [f"**{value}" if name == "**" else f"{name}={value}" for name, value in named.items()]
    return f"{ast.unparse(call.func)}({_in_double_quotes(', '.join([*given, *shown]))})"


def as_class(
    title: str, output: OutputFacts, metrics: Sequence[MetricSpec]
) -> dict[str, str | None]:
    """By key, code of a metric of Keras' own in the place of each, under the same name."""
    return {
        metric.key: f"keras.metrics.{title}(name={json.dumps(own_name(output, metric))})"
        for metric in metrics
    }


def _in_double_quotes(code: str) -> str:
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', code)
