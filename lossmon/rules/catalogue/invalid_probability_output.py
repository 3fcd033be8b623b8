"""A loss that takes probabilities is given values that no probability can have.

## What it does
Flags a cross-entropy without `from_logits=True` on an output with an activation (tanh, relu, elu,
a normalisation) that leaves [0, 1]. An output without any activation is
`missing-output-activation`.

## Why is this bad
Keras clips whatever comes to [1e-7, 1 - 1e-7]. Half of a tanh's values are clipped to 1e-7, where
no gradient flows; a relu's zeros have no gradient at all.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="tanh")])
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
from lossmon.rules.families import CLASS_LOSSES
from lossmon.rules.judgement import (
    activation_for,
    linear_head,
    probabilities,
    wants_probabilities,
)
from lossmon.rules.wording import number, range_evidence, where

code = "LM106"
name = "invalid-probability-output"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find activations whose values are no probabilities under a loss that takes them."""
    for output in facts.outputs:
        if output.loss is not None and no_probabilities(output):
            yield _finding(output, output.loss.name)


def no_probabilities(output: OutputFacts) -> bool:
    """Whether an activation gives a loss that takes probabilities what none can be."""
    loss = output.loss
    if loss is None or not wants_probabilities(output) or linear_head(output):
        return False
    one_unit = loss.name in CLASS_LOSSES and output.units == 1
    return probabilities(output) is False and not one_unit


def _finding(output: OutputFacts, loss: str) -> Finding:
    values, seen = output.range, output.predictions
    known = output.record.activation
    span = "unknown" if values is None else values.text
    minimum = None if seen is None else seen.minimum
    maximum = None if seen is None else seen.maximum
    head = f" ({known})" if known else ""
    message = (
        f"{loss} takes probabilities, but {where(output)}{head} ranges over {span} "
        f"({number(minimum)} … {number(maximum)} seen)."
    )
    fix = f'keras.layers.Dense({output.units}, activation="{activation_for(output)}")'
    evidence = {
        "loss": loss,
        "activation": known,
        "range": range_evidence(values),
        "prediction_min": minimum,
        "prediction_max": maximum,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
