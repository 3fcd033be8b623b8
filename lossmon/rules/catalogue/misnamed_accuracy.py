"""What is printed as `accuracy` is another metric.

## What it does
Flags metrics of Keras that were named `accuracy` or `acc` and are none: a top-k accuracy with a k
of 2 or more, or one that counts no right answers at all, such as a precision. Metrics of your own
are not judged by their names. Silent where the labels are none that a top-k accuracy reads: see
`label-encoding-mismatch` and `accuracy-with-regression`.

## Why is this bad
The progress bar, the history and every tracker show it under that name, and readers take it for the
share of right answers. Five guesses among ten classes are right half of the time, so a top-5
accuracy of 0.5 is no better than chance.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 10, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(
    loss="sparse_categorical_crossentropy",
    metrics=[keras.metrics.SparseTopKCategoricalAccuracy(k=5, name="accuracy")],
)
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 10, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(
    loss="sparse_categorical_crossentropy",
    metrics=[
        "accuracy",
        keras.metrics.SparseTopKCategoricalAccuracy(k=5, name="top_5_accuracy"),
    ],
)
```

## References
- [Keras accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, LabelKind, OutputFacts
from lossmon.rules.families import counted_guesses
from lossmon.rules.judgement import is_misnamed
from lossmon.rules.metric_code import metric_with
from lossmon.rules.wording import class_name

code = "LM310"
name = "misnamed-accuracy"
severity: Severity = "warning"

_WRAPPER = "MeanMetricWrapper"
# Of other labels another rule speaks, and no name is right.
_READ: dict[str, tuple[LabelKind | None, ...]] = {
    "sparse_top_k_categorical_accuracy": (None, "class_ids", "binary"),
    "top_k_categorical_accuracy": (None, "one_hot", "soft", "multi_hot"),
}


def check(facts: Facts) -> Iterator[Finding]:
    """Find metrics that are called an accuracy and are none."""
    for output in facts.outputs:
        for metric in output.metrics:
            kinds = _READ.get(metric.name)
            if is_misnamed(output, metric) and (kinds is None or output.label_kind in kinds):
                yield _finding(output, metric)


def _renamed(output: OutputFacts, metric: MetricSpec) -> str:
    """Code of the same metric under a name that says what it is."""
    if guesses := counted_guesses(metric):
        title = f"keras.metrics.{class_name(metric.name)}"
        return f'{title}(k={guesses}, name="top_{guesses}_accuracy")'
    # Of a function that was wrapped the word is enough.
    code = metric_with(output, metric, name=metric.name)
    return json.dumps(metric.name) if _WRAPPER in code else code


def _finding(output: OutputFacts, metric: MetricSpec) -> Finding:
    guesses = counted_guesses(metric)
    units = output.record.shape[-1] if output.record.shape else None
    chance = guesses / units if guesses and units else None
    message = f"{metric.key!r} is {metric.label}, "
    if guesses:
        of = "outputs" if units is None else f"of {units} outputs"
        message += f"which counts a class among the {guesses} largest {of} as right"
        message += "." if chance is None else f": a random guess scores {min(chance, 1.0):.1%}."
    else:
        message += "which is no share of right answers."
    shown = output.record.accuracy_metric
    evidence: dict[str, Any] = {
        "metric": metric.key,
        "resolved": metric.label,
        "guesses": guesses or None,
        "is_accuracy": shown is None or shown == metric,
    }
    if chance is not None:
        evidence["accuracy_of_guessing"] = round(min(chance, 1.0), 6)
    fix = compile_with(output, instead={metric.key: _renamed(output, metric)})
    return Finding(code, name, severity, output.name, message, fix, evidence)
