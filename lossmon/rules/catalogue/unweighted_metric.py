"""The loss is weighted, the accuracy is not.

## What it does
Advises where sample weights are given and an accuracy is among `metrics` rather than
`weighted_metrics`.

## Why is this bad
Plain `metrics` ignore sample and class weights, so padding or down-weighted samples count in full:
loss and accuracy then judge different data. (That may be what you want.)

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
sample_weight = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
sample_weight = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", weighted_metrics=["accuracy"])
```

## References
- [Model.compile](https://keras.io/api/models/model_training_apis/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts
from lossmon.rules.judgement import accuracies
from lossmon.rules.metric_code import metric_code

code = "LM308"
name = "unweighted-metric"
severity: Severity = "info"


def check(facts: Facts) -> Iterator[Finding]:
    """Find accuracies that ignore the weights of the loss."""
    for output in facts.outputs:
        counted = accuracies(output)
        if not output.weighted or not counted or any(metric.weighted for metric in counted):
            continue
        metric = counted[0]
        message = f"sample weights are given, but {metric.key!r} ignores them; the loss does not."
        own = metric_code(output, metric)
        fix = compile_with(output, instead={metric.key: None}, weighted=[own])
        evidence = {"metric": metric.key}
        yield Finding(code, name, severity, output.name, message, fix, evidence)
