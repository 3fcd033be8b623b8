"""A cross-entropy that takes probabilities is given raw scores.

## What it does
Flags a cross-entropy without `from_logits=True` on an output that is not a probability: nothing
bounds it, so it leaves [0, 1]. Likewise a KL divergence, a generalised cross-entropy, a Dice or a
Tversky loss, which always take probabilities.

## Why is this bad
Keras divides by the row sum and clips to [1e-7, 1 - 1e-7] whatever comes. A negative score becomes
a probability of 1e-7 with no gradient at all, so training stalls or wanders, without any error.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 10, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10)])
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 10, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10)])
model.compile(
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
)
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.compile_call import compile_with, loss_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import CLASS_LOSSES, CROSSENTROPIES
from lossmon.rules.judgement import (
    activation_for,
    linear_head,
    probabilities,
    wants_probabilities,
)
from lossmon.rules.logit_metrics import metrics_on_logits
from lossmon.rules.wording import number, where

code = "LM101"
name = "missing-output-activation"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find raw scores under a loss that takes probabilities."""
    for output in facts.outputs:
        if not wants_probabilities(output) or probabilities(output) is not False:
            continue
        if linear_head(output) and not _another_fault(output):
            yield _finding(output)


def _another_fault(output: OutputFacts) -> bool:
    """Whether the loss itself is wrong here, so that an activation would repair nothing."""
    loss = output.loss
    one_unit = loss is not None and loss.name in CLASS_LOSSES and output.units == 1
    return one_unit or output.label_kind == "continuous"


def _finding(output: OutputFacts) -> Finding:
    loss, seen = output.loss, output.predictions
    assert loss is not None
    span = "" if seen is None else f" ({number(seen.minimum)} … {number(seen.maximum)} seen)"
    message = (
        f"{loss.name} takes probabilities, but {where(output)} is raw scores{span}: there is no "
        f"sigmoid or softmax{' and no from_logits=True' if loss.name in CROSSENTROPIES else ''}."
    )
    evidence = {
        "loss": loss.name,
        "from_logits": False,
        "prediction_min": None if seen is None else seen.minimum,
        "prediction_max": None if seen is None else seen.maximum,
        "units": output.units,
    }
    return Finding(code, name, severity, output.name, message, _fix(output), evidence)


def _fix(output: OutputFacts) -> str:
    loss = output.loss
    assert loss is not None
    if loss.name not in CROSSENTROPIES:
        return f'keras.layers.Dense({output.units}, activation="{activation_for(output)}")'
    told = loss_with(loss, from_logits=True)
    return compile_with(output, loss=told, instead=metrics_on_logits(output))
