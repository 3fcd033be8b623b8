"""Inputs are far from the scale that weights are made for.

## What it does
Advises where the values of an input are large (a root mean square above 10) or its columns differ
in scale by more than a thousand, and the model has no layer of its own that scales or embeds them.

## Why is this bad
Initial weights are made for inputs of about unit size. Larger ones saturate units and make the
loss surface a narrow valley: training is slow or needs a tiny learning rate.

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
```

## References
- LeCun et al. 1998, Efficient backprop, section 4.3
- [Keras Normalization](https://keras.io/api/layers/preprocessing_layers/numerical/normalization/)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts
from lossmon.rules.input_facts import InputFacts
from lossmon.rules.wording import input_text, number

code = "LM501"
name = "unscaled-inputs"
severity: Severity = "info"

_LARGE = 10.0
_UNEVEN = 1e3
_SAMPLES = 8


def check(facts: Facts) -> Iterator[Finding]:
    """Find inputs far from unit scale."""
    for given in facts.inputs or ():
        if given.rescaled is not False or given.samples < _SAMPLES:
            continue
        problem = _problem(given)
        if problem is not None:
            yield _finding(given, problem)


def _problem(given: InputFacts) -> str | None:
    if given.mean is None or given.std is None:
        return None
    size = math.hypot(given.mean, given.std)
    if size > _LARGE:
        span = f"{number(given.minimum)} … {number(given.maximum)}"
        return f"values span {span} (root mean square {number(size)})"
    if given.tabular and given.column_stds is not None:
        low, high = given.column_stds
        if low > 0 and high / low > _UNEVEN:
            return f"standard deviations of the columns reach from {number(low)} to {number(high)}"
    return None


def _finding(given: InputFacts, problem: str) -> Finding:
    message = f"{input_text(given)}: {problem}, and no layer scales them."
    evidence = {
        "input": given.name,
        "samples": given.samples,
        "minimum": given.minimum,
        "maximum": given.maximum,
        "mean": given.mean,
        "std": given.std,
        "column_stds": given.column_stds and list(given.column_stds),
    }
    fix = "scale = keras.layers.Normalization(); scale.adapt(x)  # and put it first in the model"
    return Finding(code, name, severity, None, message, fix, evidence)
