"""A per-unit accuracy is counted over rows that share one label out.

## What it does
Flags a binary accuracy on three units or more where every label row is one-hot, or soft (smoothing,
mixup: a distribution over the classes).

## Why is this bad
Each zero of a one-hot row counts as a right answer. With ten classes a model that always says no is
90 % accurate, and a random guess 82 %. A soft label such as 0.9 equals neither 0 nor 1, so no
prediction of it is ever right.

## Example
```python
x = np.random.rand(64, 8)
y = np.eye(10)[np.random.randint(0, 10, size=64)]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="categorical_crossentropy", metrics=["binary_accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.eye(10)[np.random.randint(0, 10, size=64)]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="categorical_crossentropy", metrics=["categorical_accuracy"])
```

## References
- [Keras accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.judgement import shares_one_label
from lossmon.rules.metric_code import as_class
from lossmon.rules.wording import labels_evidence, labels_text

code = "LM306"
name = "elementwise-accuracy-inflated"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find per-unit accuracies on one-hot rows."""
    # A first batch of multi-label rows may happen to hold one label in each.
    for output in () if facts.more_to_come else facts.outputs:
        metrics = [metric for metric in output.metrics if metric.name == "binary_accuracy"]
        if metrics and shares_one_label(output):
            yield _finding(output, metrics)


def _finding(output: OutputFacts, metrics: list[MetricSpec]) -> Finding:
    labels, metric = output.labels, metrics[0]
    assert labels is not None
    assert labels.rows is not None
    width = labels.rows.width
    idle = 1 - 1 / width if output.label_kind == "one_hot" else None
    reason = (
        f"rows are distributions ({labels_text(labels)}): a share such as 0.9 equals neither 0 "
        "nor 1, and is never right."
        if idle is None
        else f"all {labels.rows.rows} rows are one-hot: a model that says no to every class "
        f"already scores {idle:.1%}."
    )
    message = f"{metric.key!r} ({metric.label}) counts each of {width} units, but {reason}"
    evidence = labels_evidence(labels) | {
        "metric": metric.key,
        "units": width,
        "rows": labels.rows.rows,
        "accuracy_of_all_zeros": None if idle is None else round(idle, 6),
    }
    fix = compile_with(output, instead=as_class("CategoricalAccuracy", output, metrics))
    return Finding(code, name, severity, output.name, message, fix, evidence)
