"""Inputs hold NaN or infinite values, and the predictions suffer from it.

## What it does
Flags an input, of the training or of the validation data, with values that are not finite where
predictions of such samples are not finite either, or where they are the same whatever else such a
sample holds: a layer made a number of NaN, as `relu` and `max` do on some devices, and loss and
predictions look sound. A few sound samples are given the values of such a sample to find out.
Where predictions go by the other values of such samples, the model deals with missing values (by
`keras.ops.nan_to_num` in a layer, say), and it is advice. Once the gradient of a training with such
samples is seen not to be finite any more, that is told as well. Of arrays so much is looked through
as takes some milliseconds, once; of datasets the first batch of the training data.

## Why is this bad
One NaN in a batch makes the gradient NaN and, with it, every weight that it touches, even where the
loss stays a number. In validation data the loss is that of answers which know nothing of their
sample.

## Example
```python
x = np.random.rand(64, 8)
x[5, 2] = np.nan
y = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## Use instead
```python
x = np.random.rand(64, 8)
x[5, 2] = np.nan
x = np.nan_to_num(x, nan=0.5)
y = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## References
- [numpy.nan_to_num](https://numpy.org/doc/stable/reference/generated/numpy.nan_to_num.html)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.catalogue.exploding_gradient import lost_gradients
from lossmon.rules.facts import Facts
from lossmon.rules.spoiled_facts import Effect, SpoiledFacts
from lossmon.rules.training_facts import GradientFacts
from lossmon.rules.wording import input_of

code = "LM502"
name = "nonfinite-inputs"
severity: Severity = "warning"

_EFFECTS: dict[Effect | None, str] = {
    "spread": "predictions of such samples are not finite either",
    "lost": "predictions of such samples are finite, but the same whatever else a sample holds: "
    "some layer (`relu` and `max` may) makes a number of them",
    "handled": "predictions of such samples are finite and go by their other values",
    None: "what predictions of such samples are could not be tried",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Find inputs with such values, and tell first of those that predictions suffer from."""
    told = sorted(facts.spoiled, key=lambda given: not given.suffers)
    if told:
        lost = _lost_by_them(facts)
        grade: Severity = severity if told[0].suffers or lost is not None else "info"
        message, evidence = " ".join(map(_sentence, told)), _evidence(told[0])
        fix = "\n".join(dict.fromkeys(map(_fix, told)))
        if lost is not None:
            evidence["since_epoch"] = lost.epoch + 1
            message += f" The gradient is not finite since epoch {lost.epoch + 1}: weights are NaN."
        yield Finding(code, name, grade, None, message, fix, evidence)


def _lost_by_them(facts: Facts) -> GradientFacts | None:
    """The first gradient that is not finite since, if such samples may have made it so."""
    lost = lost_gradients(facts)
    return lost[0] if lost and any(given.spoils_training for given in facts.spoiled) else None


def _sentence(given: SpoiledFacts) -> str:
    return (
        f"{input_of(given.name)}{' of the validation data' if given.split == 'val' else ''}: "
        f"{given.nonfinite} of {given.elements} values are NaN or infinite, in {given.spoiled} "
        f"of {given.samples} samples; {_EFFECTS[given.effect]}."
    )


def _fix(given: SpoiledFacts) -> str:
    x = "x_val" if given.split == "val" else "x"
    return f"{x} = np.nan_to_num({x})  # or leave those samples out"


def _evidence(given: SpoiledFacts) -> dict[str, object]:
    return {
        "input": given.name,
        "split": given.split,
        "nonfinite": given.nonfinite,
        "elements": given.elements,
        "spoiled_samples": given.spoiled,
        "samples": given.samples,
    }
