"""Targets are far larger than anything the model puts out at first.

## What it does
Advises where a regression loss compares targets that reach beyond 10 with first predictions that
are less than a tenth of their size. A model that scales its own output, or was trained before,
predicts in the right size: silent.

## Why is this bad
The first steps do nothing but move the bias towards the mean of the targets. Their gradients are in
the targets' own unit, squared for a squared error: they call for another learning rate.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.uniform(100.0, 900.0, size=(64, 1))
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.uniform(100.0, 900.0, size=(64, 1))
y = (y - y.mean()) / y.std()
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## References
- Chollet 2021, Deep learning with Python, section 4.3 (predicting house prices)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.wording import labels_evidence, labels_text, number, of

code = "LM504"
name = "unscaled-targets"
severity: Severity = "info"

# Losses in the unit of the targets or its square; relative ones do not mind the scale.
_LOSSES = frozenset({"mean_squared_error", "mean_absolute_error", "huber", "log_cosh"})
_LARGE = 10.0
_SMALLER = 0.1
_SAMPLES = 8


def check(facts: Facts) -> Iterator[Finding]:
    """Find regressions whose targets dwarf the predictions."""
    for output in facts.outputs:
        if output.loss is None or output.loss.name not in _LOSSES or output.labels is None:
            continue
        target = _largest(output.labels.minimum, output.labels.maximum)
        seen = output.predictions
        guess = None if seen is None else _largest(seen.minimum, seen.maximum)
        if target is None or guess is None or output.labels.samples < _SAMPLES:
            continue
        if target > _LARGE and guess < _SMALLER * target:
            yield _finding(output, guess)


def _largest(minimum: float | None, maximum: float | None) -> float | None:
    return None if minimum is None or maximum is None else max(abs(minimum), abs(maximum))


def _finding(output: OutputFacts, guess: float) -> Finding:
    labels, seen = output.labels, output.predictions
    assert labels is not None
    assert seen is not None
    message = (
        f"targets{of(output)} span {labels_text(labels)}, its first predictions stay below "
        f"{number(guess)} in size."
    )
    evidence = labels_evidence(labels) | {
        "label_mean": labels.mean,
        "prediction_min": seen.minimum,
        "prediction_max": seen.maximum,
    }
    fix = "y = (y - y.mean(axis=0)) / y.std(axis=0)  # keep both to undo it after predict"
    return Finding(code, name, severity, output.name, message, fix, evidence)
