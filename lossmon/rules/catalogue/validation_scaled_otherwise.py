"""Validation inputs are scaled otherwise than those of the training.

## What it does
Flags an input whose values are typically ten times as large in the validation data as in the
training data, or a tenth, or more than that: in more than half of the columns of a table, and of
images and sequences in all values together. The medians of their sizes are compared, zeros left
out, of columns with 64 such values or more in both. And a table whose columns are standardised in
the training data, or go from 0 to 1, and in the validation data two of three, and three at least,
are not: means beyond 2.2, standard deviations beyond 3 or below 0.2, and one of either beyond 5;
medians below -0.5 or above 1.5. It takes 30 samples of both; of fewer than 64 standard deviations
do not count. Inputs that the model looks up are left alone. Both must be arrays. Data that really
change so much from the one to the other are flagged, too.

It advises where a table was standardised twice: where in training and in validation data alike all
columns with more than two values, two at least, have mean 0 and standard deviation 1, exactly, and
hardly a value in common. Tables of up to 4 million values are added up, of 30 samples or more. Of
two tables that go from 0 to 1 nothing is said: many do so by their nature.

## Why is this bad
The model has learned from values of one scale and is judged by values of another: pixels that were
divided by 255 in the training data alone, a scaler that was fitted and never applied to `x_val`.
The validation loss and accuracy are then those of nonsense, however good the model is. Validation
data that were standardised by their own values show none of what sets them apart from the training
data, and the model in use, which is given a sample at a time, would see others.

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
from typing import Any

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts
from lossmon.rules.scale_facts import PreparedFacts, ScaleFacts
from lossmon.rules.wording import input_of, number

code = "LM506"
name = "validation-scaled-otherwise"
severity: Severity = "warning"

_APART = 10.0
_UNPREPARED = 2 / 3
_FEWEST = 3
_PREPARED = {
    "standardised": ("are not standardised", "are", "means"),
    "from 0 to 1": ("do not go from 0 to 1", "do", "medians"),
}
_FIX = (
    "print(abs(x).mean(axis=0), abs(x_val).mean(axis=0))  # prepare x_val as x was: / 255, "
    "scaler.transform(x_val)"
)

_FIX_OF_OWN = (
    "scaler = StandardScaler().fit(x)  # of the training data alone; then "
    "x, x_val = scaler.transform(x), scaler.transform(x_val)"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find inputs of another scale in the validation data."""
    looked_up = {given.name for given in facts.inputs or () if given.embedded}
    for given in facts.scales:
        apart = [one for one in given.factors if not 1 / _APART < one < _APART]
        if given.name in looked_up:
            continue
        if len(apart) > len(given.factors) / 2:
            yield _of_factors(given, apart)
        elif given.prepared is not None and _is_unprepared(given.prepared):
            yield _of_preparation(given, given.prepared)
        elif given.own:
            yield _of_own_statistics(given)


def _is_unprepared(prepared: PreparedFacts) -> bool:
    return len(prepared.typical) >= max(_FEWEST, _UNPREPARED * prepared.columns)


def _of_factors(given: ScaleFacts, apart: list[float]) -> Finding:
    least, most = number(min(apart)), number(max(apart))
    several = len(given.factors) > 1
    whose = f", in {len(apart)} of {len(given.factors)} columns that tell" if several else ""
    what = (
        f"its values are typically {least}{f' to {most}' if several else ''} times as large{whose}"
    )
    evidence = {
        "factors": [min(apart), max(apart)],
        "columns": len(given.factors),
        "columns_apart": len(apart),
    }
    return _finding(given, what, evidence)


def _of_preparation(given: ScaleFacts, prepared: PreparedFacts) -> Finding:
    least, most = number(min(prepared.typical)), number(max(prepared.typical))
    are_not, are, middle = _PREPARED[prepared.how]
    what = (
        f"{len(prepared.typical)} of {prepared.columns} columns {are_not}, as those of the "
        f"training data {are}, with {middle} from {least} to {most}"
    )
    evidence = {
        "prepared": prepared.how,
        "typical": [min(prepared.typical), max(prepared.typical)],
        "columns": prepared.columns,
        "columns_apart": len(prepared.typical),
    }
    return _finding(given, what, evidence)


def _of_own_statistics(given: ScaleFacts) -> Finding:
    message = (
        f"{input_of(given.name)} of the validation data was scaled by its own mean and standard "
        f"deviation, not by those of the training data: in both, {given.own} columns have mean 0 "
        "and standard deviation 1 exactly. Where the two differ is lost so, and a new sample alone "
        "cannot be scaled like that."
    )
    evidence = {"input": given.name, "samples": given.samples, "own_columns": given.own}
    return Finding(code, name, "info", None, message, _FIX_OF_OWN, evidence)


def _finding(given: ScaleFacts, what: str, evidence: dict[str, Any]) -> Finding:
    message = (
        f"{input_of(given.name)} of the validation data is scaled otherwise than that of the "
        f"training data: {what}."
    )
    seen = {"input": given.name, "samples": given.samples}
    return Finding(code, name, severity, None, message, _FIX, seen | evidence)
