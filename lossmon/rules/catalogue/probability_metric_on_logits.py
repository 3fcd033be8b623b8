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
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import CLASS_KINDS, Facts, OutputFacts
from lossmon.rules.families import CROSSENTROPIES
from lossmon.rules.judgement import logits_by_contract
from lossmon.rules.logit_metrics import SWEEPING, on_logits
from lossmon.rules.wording import metrics_text, number

code = "LM303"
name = "probability-metric-on-logits"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find metrics that take logits for probabilities."""
    for output in facts.outputs:
        fixes = [(m, on_logits(output, m)) for m in output.metrics if _raw_scores(output, m)]
        taken = [(metric, fix) for metric, fix in fixes if fix is not None]
        if taken:
            yield _finding(output, taken)


def _raw_scores(output: OutputFacts, metric: MetricSpec) -> bool:
    if logits_by_contract(output):
        return True
    # Whatever the loss, thresholds from 0 to 1 do not reach scores beyond. Where the loss itself
    # takes them for probabilities the activation is missing, and that is another finding.
    sweeping = metric.name == "auc" or metric.name in SWEEPING
    loss = output.record.loss
    taken = loss is not None and loss.name in CROSSENTROPIES
    seen = output.predictions is not None and output.predictions.outside_unit
    return sweeping and seen and not taken and output.label_kind in CLASS_KINDS


def _finding(output: OutputFacts, taken: list[tuple[MetricSpec, str]]) -> Finding:
    metrics = [metric for metric, _ in taken]
    seen = output.predictions
    minimum = None if seen is None else seen.minimum
    maximum = None if seen is None else seen.maximum
    message = (
        f"{metrics_text(metrics)} must be given probabilities, but the output is raw scores "
        f"({number(minimum)} … {number(maximum)} seen)."
    )
    fix = compile_with(output, instead={metric.key: better for metric, better in taken})
    evidence = {
        "metrics": [m.key for m in metrics],
        "prediction_min": minimum,
        "prediction_max": maximum,
        "loss": None if output.record.loss is None else output.record.loss.name,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
