"""An input, or a column of it, never varies.

## What it does
Advises where an input is the same for every sample of the first batch, or columns of a table hold
one value other than 0 in all of them; 64 samples are asked for. Columns of zeros are left alone
(borders of images, rare categories), and so is what the model embeds.

## Why is this bad
What does not vary cannot tell samples apart. Often a column was misread, or a feature was joined
that is missing for these rows and filled with a default.

## Example
```python
x = np.random.rand(64, 8)
x[:, 2] = 0.37
y = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## References
- [scikit-learn VarianceThreshold](https://scikit-learn.org/stable/modules/feature_selection.html)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts
from lossmon.rules.input_facts import InputFacts
from lossmon.rules.wording import input_text

code = "LM503"
name = "constant-inputs"
severity: Severity = "info"

_SAMPLES = 64
_SHOWN = 5


def check(facts: Facts) -> Iterator[Finding]:
    """Find inputs and columns that do not vary."""
    for given in facts.inputs or ():
        if given.samples < _SAMPLES or given.embedded is not False:
            continue
        what = _constant(given)
        if what is not None:
            yield _finding(given, what)


def _constant(given: InputFacts) -> str | None:
    if len(given.constant) == given.columns:
        return f"all {given.samples} samples are the same"
    if not given.tabular or not given.constant_nonzero:
        return None
    columns = given.constant_nonzero
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    shown = ", ".join(map(str, columns[:_SHOWN]))
    verb = "column {} has" if len(columns) == 1 else "columns {} have"
    return f"{verb.format(shown + more)} one value in all {given.samples} samples"


def _finding(given: InputFacts, what: str) -> Finding:
    message = f"{input_text(given)}: {what}."
    evidence = {
        "input": given.name,
        "samples": given.samples,
        "columns": given.columns,
        "constant": list(given.constant),
    }
    fix = "np.flatnonzero(np.ptp(x, axis=0) == 0)  # is this the column you meant?"
    return Finding(code, name, severity, None, message, fix, evidence)
