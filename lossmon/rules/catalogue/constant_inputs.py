"""An input, or a column of it, never varies.

## What it does
Advises where an input is the same for every sample of the first batch, or columns of a table hold
one value other than 0 in all of them; 64 samples are asked for. Columns of zeros are left alone
(borders of images, rare categories), and so is what the model embeds. It is a warning where every
input is the same for all samples and a loss of Keras' own compares the output with labels that do
differ: all that can be learned is a constant.

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
    grade: Severity = "warning" if all_constant(facts) and _labels_differ(facts) else severity
    for given in facts.inputs or ():
        if _judged(given) and (what := _constant(given)) is not None:
            yield _finding(given, what, grade)


def all_constant(facts: Facts) -> bool:
    """Whether nothing that comes in differs from sample to sample."""
    inputs = facts.inputs or ()
    return bool(inputs) and all(_judged(given) and _is_constant(given) for given in inputs)


def _labels_differ(facts: Facts) -> bool:
    """Whether an output is compared with labels that no constant could match."""
    labels = [output.labels for output in facts.outputs if output.loss is not None]
    return any(seen.distinct is None or len(seen.distinct) > 1 for seen in labels if seen)


def _judged(given: InputFacts) -> bool:
    return given.samples >= _SAMPLES and given.embedded is False


def _is_constant(given: InputFacts) -> bool:
    return len(given.constant) == given.columns


def _constant(given: InputFacts) -> str | None:
    if _is_constant(given):
        return f"all {given.samples} samples are the same"
    if not given.tabular or not given.constant_nonzero:
        return None
    columns = given.constant_nonzero
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    shown = ", ".join(map(str, columns[:_SHOWN]))
    verb = "column {} has" if len(columns) == 1 else "columns {} have"
    return f"{verb.format(shown + more)} one value in all {given.samples} samples"


def _finding(given: InputFacts, what: str, grade: Severity) -> Finding:
    nothing = "" if grade == severity else ", and nothing can be learned from them"
    message = f"{input_text(given)}: {what}{nothing}."
    evidence = {
        "input": given.name,
        "samples": given.samples,
        "columns": given.columns,
        "constant": list(given.constant),
    }
    fix = "np.flatnonzero(np.ptp(x, axis=0) == 0)  # is this the column you meant?"
    if grade != severity:
        fix = "print(x[0], x[-1])  # what made them alike?"
    return Finding(code, name, grade, None, message, fix, evidence)
