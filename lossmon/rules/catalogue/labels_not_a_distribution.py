"""Rows of labels do not sum to one under a loss that takes distributions.

## What it does
Flags a categorical cross-entropy, or a KL divergence behind a softmax, whose label rows are neither
one-hot nor soft. Rows of zeros (void or padding) are fine; rows of several ones are
`softmax-for-multilabel`, and one-hot rows that each carry a weight of their own (a policy gradient)
are left alone.

## Why is this bad
Each row's loss is weighted by its sum. Percentages weigh a hundred times too much, and negative
entries reward wrong answers.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.uniform(0, 100, size=(64, 4))
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, activation="softmax")])
model.compile(loss="categorical_crossentropy")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.uniform(0, 100, size=(64, 4))
y = y / y.sum(axis=-1, keepdims=True)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, activation="softmax")])
model.compile(loss="categorical_crossentropy")
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import CATEGORICAL_LOSSES
from lossmon.rules.label_facts import LabelFacts, RowFacts
from lossmon.rules.wording import labels_evidence, number

code = "LM203"
name = "labels-not-a-distribution"
severity: Severity = "error"

# Entries of scaled one-hot rows take two values, or three with a stray one.
_FEW = 3


def check(facts: Facts) -> Iterator[Finding]:
    """Find label rows that are no distribution under a categorical cross-entropy."""
    for output in facts.outputs:
        loss = output.loss
        if loss is None or output.labels is None or not _between_distributions(output, loss.name):
            continue
        rows = output.labels.rows
        if rows is None or rows.width != output.units or output.label_kind == "multi_hot":
            continue
        if rows.distribution + rows.zero < rows.rows and not _weighted(output.labels, rows):
            yield _finding(output, loss.name, rows)


def _weighted(labels: LabelFacts, rows: RowFacts) -> bool:
    """Whether each row is a one-hot row times a weight of its own, as policy gradients have it."""
    varied = labels.distinct is None or len(labels.distinct) > _FEW
    return rows.lone + rows.zero == rows.rows and varied


def _between_distributions(output: OutputFacts, loss: str) -> bool:
    """Whether the loss compares distributions; a KL divergence does where the output is one."""
    softmax = output.predictions is not None and output.predictions.distribution
    return loss in CATEGORICAL_LOSSES or (loss == "kl_divergence" and softmax)


def _finding(output: OutputFacts, loss: str, rows: RowFacts) -> Finding:
    assert output.labels is not None
    wrong = rows.rows - rows.distribution - rows.zero
    message = (
        f"{loss} takes rows that sum to 1, but {wrong} of {rows.rows} label rows do not: sums span "
        f"{number(rows.sum_min)} … {number(rows.sum_max)}."
    )
    evidence = labels_evidence(output.labels) | {
        "rows": rows.rows,
        "not_a_distribution": wrong,
        "sum_min": rows.sum_min,
        "sum_max": rows.sum_max,
    }
    fix = "y = y / y.sum(axis=-1, keepdims=True)"
    return Finding(code, name, severity, output.name, message, fix, evidence)
