"""Classes compete for one probability, but samples carry several labels.

## What it does
Flags a softmax, in the output or inside a loss with `from_logits=True`, on labels with two ones or
more in a row.

## Why is this bad
A softmax shares out a total of 1. With two true labels neither can pass 0.5 without pushing the
other down, so the right answer has no place among the possible outputs.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=(64, 5))
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5, activation="softmax")])
model.compile(loss="categorical_crossentropy")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=(64, 5))
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5, activation="sigmoid")])
model.compile(loss="binary_crossentropy")
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import CATEGORICAL_LOSSES, from_logits
from lossmon.rules.wording import labels_evidence, where

code = "LM107"
name = "softmax-for-multilabel"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find softmaxes trained on rows of several labels."""
    for output in facts.outputs:
        if output.label_kind == "multi_hot" and output.loss is not None and _softmax(output):
            yield _finding(output)


def _softmax(output: OutputFacts) -> bool:
    loss = output.loss
    if loss is not None and loss.name in CATEGORICAL_LOSSES and from_logits(loss):
        return True
    return output.predictions is not None and output.predictions.distribution


def _finding(output: OutputFacts) -> Finding:
    labels = output.labels
    assert labels is not None
    assert labels.rows is not None
    message = (
        f"{labels.rows.multi_hot} of {labels.rows.rows} label rows hold two ones or more, but a "
        f"softmax over the {output.units} units of {where(output)} can give only one a high "
        "probability."
    )
    fix = (
        f'keras.layers.Dense({output.units}, activation="sigmoid")'
        '  # with loss="binary_crossentropy"'
    )
    evidence = labels_evidence(labels) | {
        "multi_label_rows": labels.rows.multi_hot,
        "rows": labels.rows.rows,
        "units": output.units,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
