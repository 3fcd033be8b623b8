"""A binary cross-entropy is averaged over the units of a one-of-many classifier.

## What it does
Flags a binary cross-entropy on three units or more where every label row is one-hot: each sample
has exactly one class.

## Why is this bad
Each class becomes a yes/no question of its own, and nearly all answers are no. The loss is small
from the start, the classes do not compete, and the printed loss cannot be compared with a
categorical one. (It is a known recipe with mixed labels; then it is meant.)

## Example
```python
x = np.random.rand(64, 8)
y = np.eye(10)[np.random.randint(0, 10, size=64)]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.eye(10)[np.random.randint(0, 10, size=64)]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import BINARY_LOSSES, from_logits
from lossmon.rules.judgement import single_label
from lossmon.rules.metric_code import as_class
from lossmon.rules.wording import labels_evidence

code = "LM108"
name = "binary-loss-for-multiclass"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find binary cross-entropies on one-hot rows."""
    # A first batch of multi-label rows may happen to hold one label in each.
    for output in () if facts.more_to_come else facts.outputs:
        loss = output.loss
        if loss is not None and loss.name in BINARY_LOSSES and single_label(output):
            yield _finding(output, loss.name, logits=from_logits(loss))


def _finding(output: OutputFacts, loss: str, *, logits: bool) -> Finding:
    labels, seen = output.labels, output.predictions
    assert labels is not None
    assert labels.rows is not None
    softmax = seen is not None and seen.distribution
    message = (
        f"all {labels.rows.rows} label rows name exactly one of {labels.rows.width} classes, but "
        f"{loss} asks {labels.rows.width} separate yes/no questions."
    )
    counting = [metric for metric in output.metrics if metric.name == "binary_accuracy"]
    counted = as_class("CategoricalAccuracy", output, counting)
    if softmax:
        fix = compile_with(output, loss='"categorical_crossentropy"', instead=counted)
    elif logits:
        better = "keras.losses.CategoricalCrossentropy(from_logits=True)"
        fix = compile_with(output, loss=better, instead=counted)
    else:
        fix = (
            f'keras.layers.Dense({output.units}, activation="softmax")'
            '  # with loss="categorical_crossentropy"'
        )
    evidence = labels_evidence(labels) | {
        "loss": loss,
        "one_hot_rows": labels.rows.one_hot,
        "rows": labels.rows.rows,
        "units": output.units,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
