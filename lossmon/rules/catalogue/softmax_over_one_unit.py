"""A softmax over a single unit is 1 for every input.

## What it does
Flags an output whose class axis has one unit and that is exactly 1.0 whatever the input and
whatever the weights.

## Why is this bad
Softmax divides each value by the sum over the axis. Over one unit that is always 1, so the model
predicts the same for every input, and the accuracy is the share of ones among the labels. Do not
be misled by a loss that falls all the same: on TensorFlow, Keras computes a cross-entropy from the
score before the softmax, so that the weights learn what the output never shows.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="softmax")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## References
- [Keras activations](https://keras.io/api/layers/activations/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.wording import where

code = "LM103"
name = "softmax-over-one-unit"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs of one unit that are 1.0 by construction."""
    for output in facts.outputs:
        trained = output.compiled_used and output.record.loss is not None
        if trained and always_one(output):
            yield _finding(output)


def always_one(output: OutputFacts) -> bool:
    """Whether an output is 1.0 by construction."""
    if output.units != 1:
        return False
    if output.predictions is not None and not output.predictions.all_ones:
        return False
    if output.range is not None:
        return output.range.low == 1.0 == output.range.high
    return output.record.activation == "softmax" and output.predictions is not None


def _finding(output: OutputFacts) -> Finding:
    seen = output.predictions
    samples = 0 if seen is None else seen.samples
    message = (
        f"{where(output)} is exactly 1.0 for all {samples} samples tried and whatever the weights: "
        "a softmax over one unit is constant. The accuracy is the share of ones among the labels, "
        "even where the printed loss falls."
    )
    continuous = output.label_kind in ("continuous", "integers")
    fix = (
        "keras.layers.Dense(1)"
        if continuous
        else 'keras.layers.Dense(1, activation="sigmoid")  # with loss="binary_crossentropy"'
    )
    evidence = {"units": 1, "samples": samples, "prediction_min": 1.0, "prediction_max": 1.0}
    return Finding(code, name, severity, output.name, message, fix, evidence)
