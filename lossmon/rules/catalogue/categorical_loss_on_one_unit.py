"""A cross-entropy over classes is given a single unit.

## What it does
Flags `categorical_crossentropy` and `sparse_categorical_crossentropy` on an output whose class axis
has one entry.

## Why is this bad
A distribution over one class is always 1. The loss is 0 (or constant) from the first step, nothing
is learned, and Keras trains on without an error.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=(64, 1)).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="categorical_crossentropy")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=(64, 1)).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy")
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.catalogue.regression_loss_for_classification import with_crossentropy
from lossmon.rules.facts import Facts
from lossmon.rules.families import CLASS_LOSSES
from lossmon.rules.wording import where

code = "LM104"
name = "categorical-loss-on-one-unit"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find multi-class losses on one unit."""
    for output in facts.outputs:
        loss = output.loss
        if loss is None or loss.name not in CLASS_LOSSES or output.units != 1:
            continue
        message = (
            f"{loss.name} needs one unit per class, but {where(output)} has one unit: the loss is "
            "constant and nothing is learned."
        )
        fix = with_crossentropy(output, "binary_crossentropy")
        evidence = {"loss": loss.name, "units": 1}
        yield Finding(code, name, severity, output.name, message, fix, evidence)
