"""A classification loss is trained on quantities.

## What it does
Flags a cross-entropy or a hinge whose targets are real numbers that name no class. Targets within
[0, 1] are valid for a binary cross-entropy (pixels, ratings, soft labels) and stay silent.

## Why is this bad
The loss reads targets as classes or probabilities. A binary cross-entropy with targets beyond
[0, 1] has no lowest value; a sparse one cuts the decimals off.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.uniform(-3, 3, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="binary_crossentropy")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.uniform(-3, 3, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## References
- [Keras regression losses](https://keras.io/api/losses/regression_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import BINARY_LOSSES, HINGE_LOSSES, SPARSE_LOSSES
from lossmon.rules.judgement import OVERSHOOT, accuracies, scaled_ids
from lossmon.rules.wording import labels_evidence, labels_text

code = "LM110"
name = "classification-loss-on-continuous-targets"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find classification losses on real-valued targets."""
    for output in facts.outputs:
        if output.loss is not None and _quantities(output, output.loss.name):
            yield _finding(output, output.loss.name)


def _quantities(output: OutputFacts, loss: str) -> bool:
    kind, labels = output.label_kind, output.labels
    if labels is None:
        return False
    if loss in BINARY_LOSSES:
        return kind == "continuous" and not labels.within(-OVERSHOOT, 1 + OVERSHOOT)
    if loss in SPARSE_LOSSES and output.sparse:
        return kind == "continuous" and not scaled_ids(output)
    return loss in HINGE_LOSSES and kind == "continuous" and not labels.within(-1.1, 1.1)


def _finding(output: OutputFacts, loss: str) -> Finding:
    labels = output.labels
    assert labels is not None
    message = (
        f"targets span {labels_text(labels)}: quantities, but {loss} reads them as classes or "
        "probabilities."
    )
    counted = {metric.key: '"mae"' for metric in accuracies(output)}
    fix = compile_with(output, loss='"mse"', instead=counted)
    evidence = labels_evidence(labels) | {"loss": loss}
    return Finding(code, name, severity, output.name, message, fix, evidence)
