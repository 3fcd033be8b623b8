"""The word `accuracy` became a metric that does not fit the labels.

## What it does
Flags an argmax accuracy on multi-label rows or on a single unit, an argmax over the batch on
outputs of rank 1, and a 0/1 accuracy on labels of -1 and 1.

## Why is this bad
Keras resolves the word from shapes alone. With several labels per row it compares the position of
the *first* label with that of the largest output; with predictions of shape `(N,)` it takes one
argmax over the whole batch; with labels of -1 no prediction of the negative class is ever right.
The argmax over a single unit is always 0, whatever is predicted.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=(64, 5))
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=(64, 5))
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["binary_accuracy"])
```

## References
- [Keras accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import CLASS_KINDS, Facts, OutputFacts
from lossmon.rules.families import HINGE_LOSSES, MULTICLASS_LOSSES
from lossmon.rules.judgement import logits_by_contract
from lossmon.rules.metric_code import own_name
from lossmon.rules.wording import labels_evidence

code = "LM305"
name = "accuracy-alias-mismatch"
severity: Severity = "error"


_ARGMAX = ("categorical_accuracy", "sparse_categorical_accuracy")


def check(facts: Facts) -> Iterator[Finding]:
    """Find accuracies that were resolved to the wrong count."""
    for output in facts.outputs:
        asked = ((metric, _problem(output, metric)) for metric in output.metrics)
        found = [(metric, problem) for metric, problem in asked if problem is not None]
        if found:
            yield _finding(output, found)


def _problem(output: OutputFacts, metric: MetricSpec) -> tuple[str, str] | None:
    kind = output.label_kind
    threshold = "0.0" if logits_by_contract(output) else "0.5"
    per_label = (
        f'keras.metrics.BinaryAccuracy(threshold={threshold}, name="{own_name(output, metric)}")'
    )
    if metric.name == "categorical_accuracy" and output.rank == 1 and kind in CLASS_KINDS:
        return "takes one argmax over the whole batch, because the output has rank 1", per_label
    if metric.name in _ARGMAX and output.units == 1 and kind in CLASS_KINDS:
        return "takes the argmax over a single unit, which is always 0", per_label
    if metric.name == "categorical_accuracy" and kind == "multi_hot":
        return "compares argmaxes, but rows hold several labels", _for_rows(output, per_label)
    if metric.name == "binary_accuracy" and kind == "signed_binary":
        return "knows 0 and 1, but the labels are -1 and 1", _for_signs(output, per_label)
    return None


def _for_rows(output: OutputFacts, per_label: str) -> str:
    several = output.loss is not None and output.loss.name in MULTICLASS_LOSSES
    return per_label if not several else "keras.metrics.TopKCategoricalAccuracy(k=1)"


def _for_signs(output: OutputFacts, per_label: str) -> str:
    hinge = output.loss is not None and output.loss.name in HINGE_LOSSES
    cut = per_label.replace("0.5", "0.0") if hinge else per_label
    return f"{cut}  # with y = (y + 1) / 2"


def _finding(output: OutputFacts, found: list[tuple[MetricSpec, tuple[str, str]]]) -> Finding:
    metric, (problem, better) = found[0]
    labels = output.labels
    assert labels is not None
    word = (
        f"the word {metric.alias!r} became {metric.label}, which"
        if metric.alias
        else (f"{metric.key!r} ({metric.label})")
    )
    counts = labels.rows
    shown = ""
    if counts is not None and counts.multi_hot:
        shown = f" ({counts.multi_hot} of {counts.rows} rows hold two or more)"
    message = f"{word} {problem}{shown}."
    _, noted, note = better.partition("  #")
    instead = {m.key: code_text.partition("  #")[0] for m, (_, code_text) in found}
    fix = compile_with(output, instead=instead) + noted + note
    evidence = labels_evidence(labels) | {
        "metric": metric.key,
        "resolved": metric.label,
        "multi_label_rows": None if counts is None else counts.multi_hot,
        "rows": None if counts is None else counts.rows,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
