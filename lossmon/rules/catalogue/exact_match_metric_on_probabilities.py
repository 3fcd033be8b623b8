"""An accuracy asks whether a probability equals a label exactly.

## What it does
Flags the class `keras.metrics.Accuracy` on an output of real numbers with class labels, and IoU
metrics that take predictions for class ids (`sparse_y_pred=True`). On ids that the model itself
outputs (an argmax) they are right.

## Why is this bad
`Accuracy()` is not what the word `"accuracy"` becomes: it counts predictions that are exactly equal
to the label. A probability of 0.97 is not 1, so the number is about 0 however good the model is.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=[keras.metrics.Accuracy()])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy()])
```

## References
- [Keras accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import EXACT_MATCH
from lossmon.rules.judgement import real_scores
from lossmon.rules.wording import compile_with, number

code = "LM304"
name = "exact-match-metric-on-probabilities"
severity: Severity = "error"

_FITTING = {
    "binary": "BinaryAccuracy",
    "multi_hot": "BinaryAccuracy",
    "one_hot": "CategoricalAccuracy",
    "soft": "CategoricalAccuracy",
    "class_ids": "SparseCategoricalAccuracy",
}
_EXACT = "counts predictions that equal the label exactly"
_CUT = "cuts predictions down to whole class ids (sparse_y_pred=True)"
_OVERLAPS = ("io_u", "mean_io_u")


def check(facts: Facts) -> Iterator[Finding]:
    """Find exact equality between scores and class labels."""
    for output in facts.outputs:
        if not real_scores(output) or output.label_kind not in _FITTING:
            continue
        for metric in output.metrics:
            if metric.name == EXACT_MATCH:
                yield _finding(output, metric, _EXACT, _FITTING[output.label_kind])
                break
            if metric.name in _OVERLAPS and metric.config.get("sparse_y_pred"):
                yield _finding(output, metric, _CUT, _overlap(output, metric))
                break


def _overlap(output: OutputFacts, metric: MetricSpec) -> str:
    if output.units == 1:
        return "BinaryIoU"
    return "OneHotMeanIoU" if metric.name == "mean_io_u" else "OneHotIoU"


def _finding(output: OutputFacts, metric: MetricSpec, what: str, better: str) -> Finding:
    seen = output.predictions
    assert seen is not None
    message = (
        f"{metric.key!r} ({metric.label}) {what}, but predictions are real numbers "
        f"({number(seen.minimum)} … {number(seen.maximum)} seen)."
    )
    classes = f"num_classes={output.units}, " if better == "OneHotMeanIoU" else ""
    evidence = {
        "metric": metric.key,
        "prediction_min": seen.minimum,
        "prediction_max": seen.maximum,
        "label_kind": output.label_kind,
    }
    fix = compile_with(output, metrics=f'[keras.metrics.{better}({classes}name="{metric.key}")]')
    return Finding(code, name, severity, output.name, message, fix, evidence)
