"""A metric made for probabilities is given raw scores.

## What it does
Flags AUC, precision, recall, counts of true and false positives, and cross-entropy metrics on an
output of logits, unless they are told (`from_logits=True`, `thresholds=0`, `top_k`).

## Why is this bad
AUC sweeps thresholds from 0 to 1: logits beyond are never separated. Precision and recall cut at
0.5, which on a logit is p = 0.62. A cross-entropy clips the scores and prints a number with no
meaning.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(
    loss=keras.losses.BinaryCrossentropy(from_logits=True), metrics=[keras.metrics.AUC()]
)
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.AUC(from_logits=True)],
)
```

## References
- [Keras classification metrics based on true/false
  positives](https://keras.io/api/metrics/classification_metrics/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.facts import CLASS_KINDS, Facts, OutputFacts
from lossmon.rules.families import CROSSENTROPIES
from lossmon.rules.judgement import logits_by_contract
from lossmon.rules.wording import compile_with, metrics_text, number

code = "LM303"
name = "probability-metric-on-logits"
severity: Severity = "warning"

_SWEEPING = (
    "precision_at_recall",
    "recall_at_precision",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
)
_CUTTING = (
    "precision",
    "recall",
    "true_positives",
    "true_negatives",
    "false_positives",
    "false_negatives",
)
_ONE_THRESHOLD = ("binary_io_u", "f1_score", "fbeta_score")
_TOLD = (
    "auc",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
# These cannot be told that they are given logits.
_INSTEAD = dict.fromkeys(_SWEEPING, "AUC(from_logits=True)") | {
    "kl_divergence": "CategoricalCrossentropy(from_logits=True)"
}


def check(facts: Facts) -> Iterator[Finding]:
    """Find metrics that take logits for probabilities."""
    for output in facts.outputs:
        fixes = [(m, _better(m)) for m in output.metrics if _raw_scores(output, m)]
        taken = [(metric, fix) for metric, fix in fixes if fix is not None]
        if taken:
            yield _finding(output, [m for m, _ in taken], [fix for _, fix in taken])


def _raw_scores(output: OutputFacts, metric: MetricSpec) -> bool:
    if logits_by_contract(output):
        return True
    # Whatever the loss, thresholds from 0 to 1 do not reach scores beyond. Where the loss itself
    # takes them for probabilities the activation is missing, and that is another finding.
    sweeping = metric.name == "auc" or metric.name in _SWEEPING
    loss = output.record.loss
    taken = loss is not None and loss.name in CROSSENTROPIES
    seen = output.predictions is not None and output.predictions.outside_unit
    return sweeping and seen and not taken and output.label_kind in CLASS_KINDS


def _better(metric: MetricSpec) -> str | None:
    """The metric as it should be, or None where it does take logits."""
    title = metric.label.split("(")[0]
    if metric.name in _TOLD:
        return None if metric.config.get("from_logits") else f"{title}(from_logits=True)"
    if metric.name in _INSTEAD:
        return _INSTEAD[metric.name]
    if metric.name in _ONE_THRESHOLD:
        threshold = metric.config.get("threshold")
        cuts = threshold is not None and 0 < threshold < 1
        return f"{title}(threshold=0.0)" if cuts else None
    if metric.name not in _CUTTING or metric.config.get("top_k") is not None:
        return None
    thresholds = metric.config.get("thresholds")
    given = thresholds if isinstance(thresholds, (list, tuple)) else [thresholds]
    if all(value is not None and not 0 < value < 1 for value in given):
        return None
    return f"{title}(thresholds=0.0)"


def _finding(output: OutputFacts, metrics: list[MetricSpec], better: list[str]) -> Finding:
    seen = output.predictions
    minimum = None if seen is None else seen.minimum
    maximum = None if seen is None else seen.maximum
    message = (
        f"{metrics_text(metrics)} must be given probabilities, but the output is raw scores "
        f"({number(minimum)} … {number(maximum)} seen)."
    )
    fix = compile_with(output, metrics="[" + ", ".join(f"keras.metrics.{m}" for m in better) + "]")
    evidence = {
        "metrics": [m.key for m in metrics],
        "prediction_min": minimum,
        "prediction_max": maximum,
        "loss": None if output.record.loss is None else output.record.loss.name,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
