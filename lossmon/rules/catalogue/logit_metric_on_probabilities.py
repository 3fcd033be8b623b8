"""A metric made for raw scores is given probabilities.

## What it does
Flags metrics with `from_logits=True` on an output that already is probabilities, and accuracies,
precisions, recalls, counts, F-scores and overlaps whose thresholds no prediction can be on both
sides of: 0 or less, 1 or more. Silent where the loss takes the output for logits as well: see
`activation-applied-twice`.

## Why is this bad
A threshold of 0 is right on logits. On probabilities everything lies above it, so the accuracy is
the share of positive labels and the recall is 1, whatever the model says. A second sigmoid moves
probabilities into [0.5, 0.73]: the AUC loses most of its thresholds, a cross-entropy is another
number than that of the loss. (On TensorFlow Keras goes back to the scores behind the activation
where no layer follows it, and the cross-entropy is right; the finding says so then.)

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy(threshold=0.5)])
```

## References
- [Keras accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import CLASS_KINDS, Facts, OutputFacts
from lossmon.rules.families import from_logits
from lossmon.rules.judgement import activated
from lossmon.rules.logit_metrics import on_probabilities, separates_nothing, thresholds_of
from lossmon.rules.prediction_facts import PredictionFacts
from lossmon.rules.wording import metrics_text, number

code = "LM309"
name = "logit-metric-on-probabilities"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find metrics that take probabilities for logits."""
    for output in facts.outputs:
        loss, seen = output.loss, output.predictions
        as_logits = loss is not None and from_logits(loss)
        classes = output.label_kind is None or output.label_kind in CLASS_KINDS
        if seen is None or as_logits or not classes or not activated(output):
            continue
        misled = [metric for metric in output.metrics if _misled(metric, seen)]
        wrong = [metric for metric in misled if metric.key not in output.rescued_metrics]
        if misled:
            yield _finding(output, seen, wrong or misled)


def _misled(metric: MetricSpec, seen: PredictionFacts) -> bool:
    return bool(metric.config.get("from_logits")) or separates_nothing(metric, seen)


def _finding(output: OutputFacts, seen: PredictionFacts, metrics: list[MetricSpec]) -> Finding:
    metric = metrics[0]
    told, cuts = bool(metric.config.get("from_logits")), thresholds_of(metric)
    rescued = metric.key in output.rescued_metrics
    one = len(metrics) == 1
    does = f"{'cuts' if one else 'cut'} at {' and '.join(map(number, cuts))}"
    if told:
        does = f"{'applies' if one else 'apply'} the activation again"
    if rescued:
        does = f"{'is' if one else 'are'} told from_logits=True"
    message = (
        f"{metrics_text(metrics)} {does}, but predictions are probabilities already "
        f"({number(seen.minimum)} … {number(seen.maximum)} seen)"
    )
    message += "." if told else ", none of them on the other side."
    if rescued:
        message += (
            " Keras goes back to the scores behind the activation here, so the number is right; "
            "on JAX or torch, or with a layer after the activation, it is not."
        )
    evidence = {
        "metrics": [m.key for m in metrics],
        "from_logits": told,
        "thresholds": list(cuts),
        "prediction_min": seen.minimum,
        "prediction_max": seen.maximum,
    }
    if rescued:
        summary = (
            "A metric is told from_logits=True of probabilities, and right on TensorFlow alone"
        )
        evidence |= {"rescued": True, "summary": summary}
    better = {m.key: on_probabilities(output, m) for m in metrics}
    fix = compile_with(output, instead=better)
    return Finding(code, name, severity, output.name, message, fix, evidence)
