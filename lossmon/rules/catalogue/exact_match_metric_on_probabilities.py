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

import json
from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import EXACT_MATCH
from lossmon.rules.judgement import real_scores
from lossmon.rules.metric_code import own_name
from lossmon.rules.wording import number

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
        wrong = [metric for metric in output.metrics if _is_exact(metric) or _is_cut(metric)]
        if wrong:
            yield _finding(output, wrong)


def _is_exact(metric: MetricSpec) -> bool:
    return metric.name == EXACT_MATCH


def _is_cut(metric: MetricSpec) -> bool:
    return metric.name in _OVERLAPS and bool(metric.config.get("sparse_y_pred"))


def _better(output: OutputFacts, metric: MetricSpec) -> str:
    named = f"name={json.dumps(own_name(output, metric))}"
    if _is_exact(metric):
        return f"keras.metrics.{_FITTING[output.label_kind or 'binary']}({named})"
    ids = metric.config.get("target_class_ids")
    chosen = "" if ids is None else f"target_class_ids={list(ids)}, "
    if output.units == 1:
        return f"keras.metrics.BinaryIoU({chosen}{named})"
    title = "OneHotMeanIoU" if ids is None else "OneHotIoU"
    return f"keras.metrics.{title}(num_classes={output.units}, {chosen}{named})"


def _finding(output: OutputFacts, metrics: list[MetricSpec]) -> Finding:
    seen, metric = output.predictions, metrics[0]
    assert seen is not None
    message = (
        f"{metric.key!r} ({metric.label}) {_EXACT if _is_exact(metric) else _CUT}, but predictions "
        f"are real numbers ({number(seen.minimum)} … {number(seen.maximum)} seen)."
    )
    evidence = {
        "metric": metric.key,
        "prediction_min": seen.minimum,
        "prediction_max": seen.maximum,
        "label_kind": output.label_kind,
    }
    fix = compile_with(output, instead={m.key: _better(output, m) for m in metrics})
    return Finding(code, name, severity, output.name, message, fix, evidence)
