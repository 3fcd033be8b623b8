"""The output can never reach some of its targets.

## What it does
Flags targets beyond what the output's last activation can give: values above 1 behind a sigmoid,
negative values behind a relu, values outside [-1, 1] behind a tanh. The range is that of the known
activation function, or what remains when the weights are replaced by large random ones.

## Why is this bad
The loss has a floor that no training can pass, and the model ends saturated at the nearest bound,
where gradients vanish.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.uniform(10, 90, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="mse")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.uniform(10, 90, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## References
- [Keras activations](https://keras.io/api/layers/activations/)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import BINARY_LOSSES, REGRESSION_LOSSES
from lossmon.rules.label_facts import LabelFacts
from lossmon.rules.prediction_facts import OutputRange
from lossmon.rules.wording import labels_evidence, labels_text, range_evidence, where

code = "LM109"
name = "output-range-misses-targets"
severity: Severity = "warning"

# Rounding and noise may carry targets past a bound by this share of the range.
_MARGIN = 0.05


def check(facts: Facts) -> Iterator[Finding]:
    """Find targets outside of what the output can give."""
    for output in facts.outputs:
        labels, values = output.labels, output.range
        if labels is None or values is None or not _compared(output):
            continue
        if values.low < values.high and _misses(labels, values):
            yield _finding(output, labels, values)


def _compared(output: OutputFacts) -> bool:
    """Whether the loss pulls predictions towards the targets' own values."""
    if output.loss is None or output.sparse:
        return False
    binary = output.loss.name in BINARY_LOSSES and output.label_kind == "continuous"
    return binary or output.loss.name in REGRESSION_LOSSES


def _misses(labels: LabelFacts, values: OutputRange) -> bool:
    if labels.minimum is None or labels.maximum is None:
        return False
    width = values.high - values.low
    if not math.isfinite(width):
        width = labels.maximum - labels.minimum
    margin = _MARGIN * width
    return labels.minimum < values.low - margin or labels.maximum > values.high + margin


def _finding(output: OutputFacts, labels: LabelFacts, values: OutputRange) -> Finding:
    head = f" ({output.record.activation})" if output.record.activation else ""
    message = (
        f"targets span {labels_text(labels)}, but {where(output)}{head} can only give "
        f"{values.text}."
    )
    evidence = labels_evidence(labels) | {
        "range": range_evidence(values),
        "activation": output.record.activation,
        "proof": values.proof,
    }
    fix = f"keras.layers.Dense({output.units})  # no activation; or scale y into {values.text}"
    return Finding(code, name, severity, output.name, message, fix, evidence)
