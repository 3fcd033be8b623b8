"""A metric prints the loss a second time.

## What it does
Advises where a metric has the definition and arguments of the loss, and nothing sets them apart: no
penalty, no weights, one output.

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

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts

code = "LM307"
name = "redundant-metric"
severity: Severity = "info"


def check(facts: Facts) -> Iterator[Finding]:
    """Find metrics that repeat the loss."""
    if len(facts.outputs) != 1 or facts.penalties is not False:
        return
    output = facts.outputs[0]
    loss = output.loss
    if loss is None or output.weighted or output.masked:
        return
    for metric in output.metrics:
        if metric.name == loss.name and metric.config == loss.config:
            message = f"{metric.key!r} repeats the loss ({loss.name}); it tells nothing more."
            fix = compile_with(output, instead={metric.key: None})
            evidence = {"metric": metric.key, "loss": loss.name}
            yield Finding(code, name, severity, output.name, message, fix, evidence)
