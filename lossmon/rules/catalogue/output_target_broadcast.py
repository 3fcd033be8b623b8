"""Targets and predictions of different shapes are stretched to fit each other.

## What it does
Flags losses that compare element by element where the shapes of one sample's target and prediction
differ, yet broadcast: one is repeated along an axis of the other. Flags metrics, too, that do not
fit `(N,)` to `(N, 1)` as the losses of the same name do: hinges, KL divergence and Poisson. Of a
loss class of your own, of which Keras does not fit the ranks, a copy is tried on a few samples: it
is flagged where its value does not depend on which target belongs to which prediction.

## Why is this bad
Every target is compared with predictions it does not belong to. The loss goes down to the spread
of the targets and no further, and no error is raised. A metric that meets `(N,)` with `(N, 1)`
averages over all N × N pairs.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.rand(64, 30)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
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
- [NumPy broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import ELEMENTWISE_LOSSES, UNALIGNED_METRICS
from lossmon.rules.judgement import binary_as_two_columns
from lossmon.rules.shapes import Shape, aligned, broadcastable, shape_text
from lossmon.rules.wording import metrics_text, where

code = "LM112"
name = "output-target-broadcast"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find silent broadcasting between targets and predictions."""
    for output in facts.outputs:
        if output.pairs_all:
            yield _of_own_loss(output)
        loss, labels, seen = output.loss, output.labels, output.predictions
        if loss is None or labels is None or seen is None or binary_as_two_columns(output):
            continue
        target, prediction = aligned(labels.sample_shape, seen.sample_shape)
        if loss.name in ELEMENTWISE_LOSSES and broadcastable(target, prediction):
            message = (
                f"targets have shape {shape_text(labels.sample_shape)} and {where(output)} has "
                f"shape {shape_text(seen.sample_shape)}: {loss.name} repeats one along the other."
            )
            fix = _fix(target, prediction)
            evidence = {
                "target_shape": [None, *labels.sample_shape],
                "prediction_shape": [None, *seen.sample_shape],
                "loss": loss.name,
            }
            yield Finding(code, name, severity, output.name, message, fix, evidence)
        elif target == prediction and broadcastable(labels.sample_shape, seen.sample_shape):
            yield from _of_metrics(output, labels.sample_shape, seen.sample_shape)


def _of_own_loss(output: OutputFacts) -> Finding:
    spec, name_of = output.record.loss, where(output)
    called = "its loss" if spec is None else f"`{spec.name}`"
    message = (
        f"targets have shape (N,) and {name_of} has shape (N, 1): {called} compares every target "
        "with every prediction. It is the same whichever belong together, so nothing can be "
        "learned from it but the targets' mean."
    )
    evidence = {
        "target_shape": [None],
        "prediction_shape": [None, 1],
        "loss": None if spec is None else spec.name,
        "summary": "Its loss compares every target with every prediction",
    }
    fix = (
        "y = y.reshape(-1, 1)  # or keras.ops.reshape(y_true, keras.ops.shape(y_pred)) in the loss"
    )
    return Finding(code, name, severity, output.name, message, fix, evidence)


def _of_metrics(output: OutputFacts, target: Shape, prediction: Shape) -> Iterator[Finding]:
    """Find metrics that pair all targets with all predictions where the loss does not."""
    pairing = [metric for metric in output.metrics if metric.name in UNALIGNED_METRICS]
    if not pairing:
        return
    message = (
        f"targets have shape {shape_text(target)} and {where(output)} has shape "
        f"{shape_text(prediction)}: {metrics_text(pairing)} compares every target with every "
        "prediction, which the loss does not."
    )
    sizes = ", ".join(map(str, (-1, *prediction)))
    evidence = {
        "target_shape": [None, *target],
        "prediction_shape": [None, *prediction],
        "metrics": [metric.key for metric in pairing],
    }
    fix = f"y = y.reshape({sizes})"
    yield Finding(code, name, severity, output.name, message, fix, evidence)


def _fix(target: tuple[int, ...], prediction: tuple[int, ...]) -> str:
    if len(target) == len(prediction) and prediction[-1] == 1:
        return f"keras.layers.Dense({target[-1]})"
    return "keras.layers.Flatten()  # before the last layer, or y = y.reshape(model.output_shape)"
