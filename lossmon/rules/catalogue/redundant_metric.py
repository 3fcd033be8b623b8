"""A metric prints the loss a second time.

## What it does
Advises where a metric has the definition and arguments of the loss, and nothing sets them apart: no
penalty, no weights, no mask, one output. Once an epoch was printed, both numbers are told; where
they differ by more than rounding, this is silent.

## Why is this bad
It costs time in every step and tells nothing that the loss does not.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse", metrics=["mse"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse", metrics=["mae"])
```

## References
- [Keras metrics](https://keras.io/api/metrics/)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from lossmon.records import Finding, LossSpec, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.epochs import records_of
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.wording import number

code = "LM307"
name = "redundant-metric"
severity: Severity = "info"

# Relative difference of two means that add up the same float32 values otherwise.
_ROUNDING = 1e-3


def check(facts: Facts) -> Iterator[Finding]:
    """Find metrics that repeat the loss."""
    if len(facts.outputs) != 1 or facts.penalties is not False:
        return
    output = facts.outputs[0]
    loss = output.loss
    if loss is None or output.weighted or output.masked:
        return
    for metric in output.metrics:
        if metric.name != loss.name or metric.config != loss.config:
            continue
        printed = _printed(facts, output, metric)
        if printed is None or math.isclose(*printed, rel_tol=_ROUNDING):
            yield _finding(output, loss, metric, printed)


def _printed(facts: Facts, output: OutputFacts, metric: MetricSpec) -> tuple[float, float] | None:
    """Loss and metric as Keras printed them for the first epoch; None before it has ended."""
    for record in records_of(facts, output, "train")[:1]:
        value = record.reported.get(metric.key)
        if record.reported_loss is not None and value is not None:
            return record.reported_loss, value
    return None


def _finding(
    output: OutputFacts, loss: LossSpec, metric: MetricSpec, printed: tuple[float, float] | None
) -> Finding:
    arguments = ", ".join(f"{key}={value}" for key, value in loss.config.items())
    message = (
        f"{metric.key!r} repeats the loss, {loss.name}({arguments}): one output, 0 penalties, "
        f"{0 if output.labels is None else output.labels.samples} samples without weights"
    )
    if printed is not None:
        message += f"; in the first epoch they were {number(printed[1])} and {number(printed[0])}"
    evidence = {
        "metric": metric.key,
        "loss": loss.name,
        "arguments": dict(loss.config),
        "outputs": 1,
        "penalties": 0,
        "weighted_samples": 0,
        "samples": None if output.labels is None else output.labels.samples,
        "printed_loss": None if printed is None else printed[0],
        "printed_metric": None if printed is None else printed[1],
    }
    fix = compile_with(output, instead={metric.key: None})
    return Finding(code, name, severity, output.name, f"{message}.", fix, evidence)
