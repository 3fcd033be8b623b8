"""Validation inputs are scaled otherwise than those of the training.

## What it does
Flags an input whose values are typically ten times as large in the validation data as in the
training data, or a tenth, or more than that: in more than half of the columns of a table, and of
images and sequences in all values together. The medians of their sizes are compared, zeros left
out, of columns with 64 such values or more in both; inputs that the model looks up are left alone.
Both must be arrays. Data that really grow so much from the one to the other are flagged, too.

## Why is this bad
The model has learned from values of one scale and is judged by values of another: pixels that were
divided by 255 in the training data alone, a scaler that was fitted and never applied to `x_val`.
The validation loss and accuracy are then those of nonsense, however good the model is.

## Example
```python
x = np.random.randint(0, 256, size=(64, 8, 8, 1)).astype("float32")
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([
    keras.Input((8, 8, 1)),
    keras.layers.Flatten(),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
model.fit(
    x[:32] / 255,
    y[:32],
    validation_data=(x[32:], y[32:]),
    verbose=0,
    callbacks=[lossmon.Monitor()],
)
```

## Use instead
```python
x = np.random.randint(0, 256, size=(64, 8, 8, 1)).astype("float32")
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([
    keras.Input((8, 8, 1)),
    keras.layers.Rescaling(1 / 255),
    keras.layers.Flatten(),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
model.fit(
    x[:32], y[:32], validation_data=(x[32:], y[32:]), verbose=0, callbacks=[lossmon.Monitor()]
)
```

## References
- [Common pitfalls: inconsistent preprocessing](https://scikit-learn.org/stable/common_pitfalls.html)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts
from lossmon.rules.scale_facts import ScaleFacts
from lossmon.rules.wording import input_of, number

code = "LM506"
name = "validation-scaled-otherwise"
severity: Severity = "warning"

_APART = 10.0
_FIX = (
    "print(abs(x).mean(axis=0), abs(x_val).mean(axis=0))  # prepare x_val as x was: / 255, "
    "scaler.transform(x_val)"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find inputs of another scale in the validation data."""
    looked_up = {given.name for given in facts.inputs or () if given.embedded}
    for given in facts.scales:
        apart = [one for one in given.factors if not 1 / _APART < one < _APART]
        if given.name not in looked_up and len(apart) > len(given.factors) / 2:
            yield _finding(given, apart)


def _finding(given: ScaleFacts, apart: list[float]) -> Finding:
    least, most = number(min(apart)), number(max(apart))
    several = len(given.factors) > 1
    whose = f", in {len(apart)} of {len(given.factors)} columns that tell" if several else ""
    message = (
        f"{input_of(given.name)} of the validation data is scaled otherwise than that of the "
        f"training data: its values are typically {least}{f' to {most}' if several else ''} times "
        f"as large{whose}."
    )
    evidence = {
        "input": given.name,
        "samples": given.samples,
        "factors": [min(apart), max(apart)],
        "columns": len(given.factors),
        "columns_apart": len(apart),
    }
    return Finding(code, name, severity, None, message, _FIX, evidence)
