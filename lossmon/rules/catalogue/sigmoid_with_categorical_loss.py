"""A cross-entropy over classes is given independent probabilities.

## What it does
Flags a categorical cross-entropy (plain or sparse) without `from_logits=True` on an output whose
units each lie in [0, 1] but do not sum to one: a sigmoid per class.

## Why is this bad
The loss takes one distribution over classes. Keras divides the sigmoids by their sum, so a model
that says 0.9 to everything looks undecided instead of wrong. TensorFlow goes back to the logits and
trains a softmax instead; JAX and torch do not, so the same program trains two different models.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 5, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5, activation="sigmoid")])
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 5, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import CLASS_LOSSES, from_logits
from lossmon.rules.prediction_facts import RAW_MARGIN
from lossmon.rules.wording import number, where

code = "LM105"
name = "sigmoid-with-categorical-loss"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find per-unit probabilities under a loss over classes."""
    for output in facts.outputs:
        loss = output.loss
        if loss is None or loss.name not in CLASS_LOSSES or from_logits(loss):
            continue
        if _independent(output):
            yield _finding(output, loss.name)


def _independent(output: OutputFacts) -> bool:
    """Whether every unit is a probability of its own."""
    values, seen = output.range, output.predictions
    if values is None or seen is None or seen.units < 2 or seen.sum_error is None:
        return False
    inside = values.within(-RAW_MARGIN, 1 + RAW_MARGIN) and not seen.outside_unit
    return inside and not values.normalised and not seen.distribution


def _finding(output: OutputFacts, loss: str) -> Finding:
    seen = output.predictions
    assert seen is not None
    message = (
        f"{loss} takes one distribution over the {seen.units} units of {where(output)}, but each "
        f"lies in [0, 1] by itself and rows miss a sum of 1 by up to {number(seen.sum_error)}."
    )
    if output.label_kind == "multi_hot":
        fix = compile_with(output, loss='"binary_crossentropy"')
    else:
        fix = f'keras.layers.Dense({seen.units}, activation="softmax")'
    evidence = {
        "loss": loss,
        "units": seen.units,
        "prediction_min": seen.minimum,
        "prediction_max": seen.maximum,
        "row_sum_error": seen.sum_error,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
