"""The output has another size than its targets.

## What it does
Flags shapes of targets and predictions that fit together in no way: element-wise losses whose
shapes do not even broadcast, one-hot rows of another width than the units, ids on other positions
than the predictions.

## Why is this bad
Keras raises, at the first batch or deep inside a compiled step, with a message about tensors rather
than about the model.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.rand(64, 30)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(31)])
model.compile(loss="mse")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.rand(64, 30)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(30)])
model.compile(loss="mse")
```

## References
- [Keras losses](https://keras.io/api/losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, LossSpec, Severity
from lossmon.rules.facts import Facts
from lossmon.rules.families import CATEGORICAL_LOSSES, ELEMENTWISE_LOSSES, SPARSE_LOSSES, class_axis
from lossmon.rules.judgement import binary_as_two_columns, wrong_encoding
from lossmon.rules.shapes import Shape, aligned, broadcastable, shape_text
from lossmon.rules.wording import where

code = "LM113"
name = "output-units-mismatch"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find targets and predictions whose shapes do not fit."""
    for output in facts.outputs:
        loss, labels, seen = output.loss, output.labels, output.predictions
        if loss is None or labels is None or seen is None:
            continue
        if binary_as_two_columns(output) or wrong_encoding(output):
            continue
        if _misfit(loss, labels.sample_shape, seen.sample_shape):
            message = (
                f"targets have shape {shape_text(labels.sample_shape)} and {where(output)} has "
                f"shape {shape_text(seen.sample_shape)}: {loss.name} cannot compare them."
            )
            units = labels.sample_shape[-1] if labels.sample_shape else 1
            evidence = {
                "target_shape": [None, *labels.sample_shape],
                "prediction_shape": [None, *seen.sample_shape],
                "loss": loss.name,
            }
            fix = f"keras.layers.Dense({units})"
            yield Finding(code, name, severity, output.name, message, fix, evidence)


def _misfit(loss: LossSpec, labels: Shape, predictions: Shape) -> bool:
    target, prediction = aligned(labels, predictions)
    if loss.name in ELEMENTWISE_LOSSES:
        return target != prediction and not broadcastable(target, prediction)
    if loss.name in CATEGORICAL_LOSSES:
        return bool(prediction) and prediction[-1] > 1 and target != prediction
    if loss.name in SPARSE_LOSSES and predictions and class_axis(loss) == -1:
        ids = labels[:-1] if len(labels) == len(predictions) else labels
        return ids != predictions[:-1]
    return False
