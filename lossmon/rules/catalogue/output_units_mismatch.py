"""The output has another size than its targets.

## What it does
Flags shapes of targets and predictions that fit together in no way: element-wise losses whose
shapes do not even broadcast, one-hot rows of another width than the units, ids on other positions
than the predictions. Where the targets are ids of the output's units, it is the loss that is wrong
and not the units.

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
from lossmon.rules.catalogue.regression_loss_for_classification import with_crossentropy
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import CATEGORICAL_LOSSES, ELEMENTWISE_LOSSES, SPARSE_LOSSES, class_axis
from lossmon.rules.judgement import (
    accuracies,
    activated,
    binary_as_two_columns,
    ids_of_units,
    wrong_encoding,
)
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
            if ids_of_units(output):
                message += f" The targets look like class ids of its {output.units} units."
            evidence = {
                "target_shape": [None, *labels.sample_shape],
                "prediction_shape": [None, *seen.sample_shape],
                "loss": loss.name,
            }
            fix = _fix(output, labels.sample_shape)
            yield Finding(code, name, severity, output.name, message, fix, evidence)


def _fix(output: OutputFacts, target: Shape) -> str:
    units = f"keras.layers.Dense({target[-1] if target else 1})"
    if not ids_of_units(output):
        return units
    loss = with_crossentropy(output, "sparse_categorical_crossentropy")
    if accuracies(output) or activated(output):
        return loss
    return f"{loss}\n# or, if the targets are amounts: {units}"


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
