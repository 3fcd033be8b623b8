"""An accuracy counts matches between a regression's targets and class decisions.

## What it does
Flags an accuracy metric on an output whose targets are real numbers. Decided by the targets'
values: 0/1 targets and one-hot rows are classes whatever the loss, and soft rows that sum to one
are too. Whole numbers may be class ids as well as amounts: where one unit learns them and none from
0 on is left out, the fix names both ways out.

## Why is this bad
Keras resolves the word `accuracy` from shapes alone. On a regression it becomes an equality test
between real numbers and 0 or 1, or a comparison of argmaxes. The number that is printed counts
nothing anyone asked for, and it may well look like progress.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.uniform(25, 346, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mean_squared_error", optimizer="sgd", metrics=["acc"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.uniform(25, 346, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mean_squared_error", optimizer="sgd", metrics=["mae"])
```

## References
- [Keras accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
- [Keras regression metrics](https://keras.io/api/metrics/regression_metrics/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import MULTICLASS_LOSSES, REGRESSION_LOSSES
from lossmon.rules.judgement import accuracies, like_class_ids
from lossmon.rules.wording import labels_evidence, labels_text, number

code = "LM301"
name = "accuracy-with-regression"
severity: Severity = "error"

_MEANING = {
    "binary_accuracy": "compares them for equality with 0 or 1",
    "categorical_accuracy": "compares the position of their largest entry",
    "sparse_categorical_accuracy": "compares them with the number of a unit",
    "accuracy": "asks whether prediction and target are exactly the same real number",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Find accuracy metrics on real-valued targets."""
    for output in facts.outputs:
        metrics = accuracies(output)
        if metrics and _real_valued(output):
            yield _finding(output, metrics, complete=facts.complete)


def _real_valued(output: OutputFacts) -> bool:
    loss = output.record.loss
    if loss is not None and loss.name in MULTICLASS_LOSSES:
        return False
    if output.label_kind == "integers":
        return loss is not None and loss.name in REGRESSION_LOSSES
    return output.label_kind in ("continuous", "unit_interval")


def _finding(output: OutputFacts, metrics: list[MetricSpec], *, complete: bool) -> Finding:
    labels, metric = output.labels, metrics[0]
    assert labels is not None
    meaning = _MEANING.get(metric.name, "ranks units by them")
    message = (
        f"targets span {labels_text(labels)}; {metric.key!r} ({metric.label}) {meaning}. "
        "The number it prints means nothing for a regression."
    )
    ids = like_class_ids(output, complete=complete)
    if ids:
        message += " Or are these whole numbers class ids?"
    evidence = labels_evidence(labels) | {
        "metrics": [m.key for m in metrics],
        "resolved": metric.label,
        "loss": None if output.record.loss is None else output.record.loss.name,
    }
    fix = compile_with(output, instead={metric.key: '"mae"' for metric in metrics})
    if ids:
        evidence["may_be_class_ids"] = True
        fix += "  # if the targets are amounts\n"
        fix += _as_classes(output, metrics, labels.maximum if complete else None)
    return Finding(code, name, severity, output.name, message, fix, evidence)


def _as_classes(output: OutputFacts, metrics: list[MetricSpec], greatest: float | None) -> str:
    classes = "classes" if greatest is None else number(greatest + 1)
    instead = {metric.key: '"accuracy"' for metric in metrics}
    call = compile_with(output, loss='"sparse_categorical_crossentropy"', instead=instead)
    return (
        "# If they are class ids, the last layer and the call are:\n"
        f'# keras.layers.Dense({classes}, activation="softmax")\n'
        f"# {call}"
    )
