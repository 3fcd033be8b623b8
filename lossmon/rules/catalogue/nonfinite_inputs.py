"""Inputs hold NaN or infinite values, and the predictions show it.

## What it does
Flags an input with values that are not finite where predictions are not finite either. Where they
are, the model deals with missing values (or the samples looked at had none), and it is advice.

## Why is this bad
One NaN in a batch makes the loss NaN and, with it, every weight that the gradient touches.

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
from lossmon.rules.facts import Facts
from lossmon.rules.wording import input_text

code = "LM502"
name = "nonfinite-inputs"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find inputs with values that are not finite."""
    predictions = [o.predictions for o in facts.outputs if o.predictions is not None]
    spoiled = sum(seen.nonfinite for seen in predictions)
    for given in facts.inputs or ():
        if not given.nonfinite:
            continue
        so = f"{spoiled} predictions are not finite either" if spoiled else "predictions are finite"
        message = (
            f"{input_text(given)}: {given.nonfinite} of {given.elements} values are NaN or "
            f"infinite; {so}."
        )
        evidence = {
            "input": given.name,
            "nonfinite": given.nonfinite,
            "elements": given.elements,
            "samples": given.samples,
            "nonfinite_predictions": spoiled,
        }
        fix = "x = np.nan_to_num(x)  # or leave those samples out"
        grade: Severity = severity if spoiled else "info"
        yield Finding(code, name, grade, None, message, fix, evidence)
