"""The loss is weighted, the accuracy is not.

## What it does
Advises where sample or class weights are given, some samples weigh more than others, and an
accuracy is among `metrics` rather than `weighted_metrics`.

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

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.judgement import accuracies
from lossmon.rules.metric_code import metric_code
from lossmon.rules.weight_facts import WeightFacts
from lossmon.rules.wording import number

code = "LM308"
name = "unweighted-metric"
severity: Severity = "info"


def check(facts: Facts) -> Iterator[Finding]:
    """Find accuracies that ignore the weights of the loss."""
    for output in facts.outputs:
        counted = accuracies(output)
        if counted and not any(metric.weighted for metric in counted):
            weights = output.weights
            if weights is not None and weights.differ:
                yield _finding(output, counted[0], weights)


def _finding(output: OutputFacts, metric: MetricSpec, weights: WeightFacts) -> Finding:
    left_out = f", {weights.zero} of them 0" if weights.zero else ""
    message = (
        f"{metric.key!r} counts every sample as 1, the loss does not: weights span "
        f"{number(weights.minimum)} … {number(weights.maximum)} ({weights.elements} "
        f"seen{left_out}, mean {number(weights.mean)})."
    )
    fix = compile_with(output, instead={metric.key: None}, weighted=[metric_code(output, metric)])
    evidence = {
        "metric": metric.key,
        "weight_min": weights.minimum,
        "weight_max": weights.maximum,
        "weight_mean": weights.mean,
        "weights_zero": weights.zero,
        "weights_seen": weights.elements,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
