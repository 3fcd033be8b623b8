"""An accuracy cuts raw scores at a threshold made for probabilities.

## What it does
Flags a binary accuracy with a threshold between 0 and 1 on an output of logits: the loss is a
binary cross-entropy with `from_logits=True`, or a hinge whose scores fall below 0.

## Why is this bad
A probability of 0.5 is a logit of 0. Cut at 0.5, a logit must exceed p = 0.62 to count as positive,
so the printed accuracy is that of another classifier, usually a worse one.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
)
```

## References
- [Keras accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import CLASS_KINDS, Facts, OutputFacts
from lossmon.rules.families import BINARY_LOSSES
from lossmon.rules.judgement import cut_at_zero
from lossmon.rules.logit_metrics import cuts_between
from lossmon.rules.metric_code import metric_with
from lossmon.rules.wording import metrics_text

code = "LM302"
name = "accuracy-threshold-on-logits"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find binary accuracies that cut logits."""
    for output in facts.outputs:
        # Labels of -1 and 1 need more than another threshold: that is accuracy-alias-mismatch.
        classes = output.label_kind in CLASS_KINDS and output.label_kind != "signed_binary"
        if not cut_at_zero(output) or not (classes or output.label_kind is None):
            continue
        cutting = [metric for metric in output.metrics if cuts_between(metric)]
        if cutting:
            yield _finding(output, cutting)


def _finding(output: OutputFacts, metrics: list[MetricSpec]) -> Finding:
    loss, metric = output.loss, metrics[0]
    assert loss is not None
    threshold = float(metric.config["threshold"])
    actual = 1 / (1 + math.exp(-threshold))
    message = f"{metrics_text(metrics)} cuts raw scores at {threshold:g}, where the boundary is 0"
    if loss.name in BINARY_LOSSES:
        message += f": on logits that is a probability of {actual:.2f}, not {threshold:g}"
    message += "."
    better = {m.key: metric_with(output, m, threshold=0.0) for m in metrics}
    fix = compile_with(output, instead=better)
    evidence = {
        "metrics": [m.key for m in metrics],
        "threshold": threshold,
        "probability_at_threshold": round(actual, 4) if loss.name in BINARY_LOSSES else None,
        "loss": loss.name,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
