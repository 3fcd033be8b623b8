"""Labels are encoded for another loss or metric.

## What it does
Flags one-hot rows under a sparse cross-entropy, class ids under a categorical one, two one-hot
columns against a single sigmoid, class ids that were scaled to fractions, and metrics that read
labels in the other encoding.

## Why is this bad
Some of these raise, with a message about shapes; others train without a word. Ids divided by 255
are all cut down to class 0; an argmax over a column of ids is always 0.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 10, size=(64, 1)) / 255
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 10, size=(64, 1))
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy")
```

## References
- [keras.utils.to_categorical](https://keras.io/api/utils/python_utils/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, MetricSpec, Severity
from lossmon.rules.compile_call import compile_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import counted_guesses
from lossmon.rules.judgement import binary_as_two_columns, scaled_ids, wrong_encoding
from lossmon.rules.metric_code import metric_with, own_name
from lossmon.rules.wording import labels_evidence, labels_text

code = "LM202"
name = "label-encoding-mismatch"
severity: Severity = "error"

_WANTS_IDS = {
    "sparse_categorical_accuracy": "CategoricalAccuracy",
    "sparse_top_k_categorical_accuracy": "TopKCategoricalAccuracy",
    "sparse_categorical_crossentropy": "CategoricalCrossentropy",
}
_WANTS_ROWS = {
    "categorical_accuracy": "SparseCategoricalAccuracy",
    "top_k_categorical_accuracy": "SparseTopKCategoricalAccuracy",
    "categorical_crossentropy": "SparseCategoricalCrossentropy",
    "binary_accuracy": "SparseCategoricalAccuracy",
    "f1_score": "SparseCategoricalAccuracy",
    "fbeta_score": "SparseCategoricalAccuracy",
    "auc": "SparseCategoricalAccuracy",
    "precision": "SparseCategoricalAccuracy",
    "recall": "SparseCategoricalAccuracy",
}
_OVERLAPS = ("mean_io_u", "io_u")
_OVERLAPS_OF_ROWS = {"one_hot_io_u": "IoU", "one_hot_mean_io_u": "MeanIoU"}


def check(facts: Facts) -> Iterator[Finding]:
    """Find labels in an encoding that the loss or a metric does not read."""
    for output in facts.outputs:
        problem = _loss_problem(output)
        if problem is not None:
            yield _finding(output, *problem)
            continue
        read = ((_metric_problem(output, metric), metric) for metric in output.metrics)
        problem, metric = next((p for p in read if p[0] is not None), (None, None))
        if problem is not None:
            yield _finding(output, *problem, metric)


def _loss_problem(output: OutputFacts) -> tuple[str, str] | None:
    loss = output.loss
    if loss is None:
        return None
    if binary_as_two_columns(output):
        return f"two one-hot columns, but one unit under {loss.name}", "y = y.argmax(axis=-1)"
    wrong = wrong_encoding(output)
    if wrong == "rows":
        fix = compile_with(output, loss='"categorical_crossentropy"')
        return f"rows over classes, but {loss.name} takes class ids", fix
    if wrong == "ids":
        fix = compile_with(output, loss='"sparse_categorical_crossentropy"')
        return f"class ids, but {loss.name} takes rows over classes", fix
    if scaled_ids(output):
        return f"fractions, but {loss.name} takes class ids 0, 1, 2, …", _unscaled(output)
    return None


def _metric_problem(output: OutputFacts, metric: MetricSpec) -> tuple[str, str] | None:
    kind = output.label_kind
    rows, ids = kind in ("one_hot", "soft"), kind == "class_ids"
    if metric.alias or (output.units or 1) < 2:
        return None
    if rows and metric.name in _WANTS_IDS:
        return _metric_fix(output, metric, "rows over classes", _WANTS_IDS[metric.name])
    if ids and metric.name in _WANTS_ROWS:
        return _metric_fix(output, metric, "class ids", _WANTS_ROWS[metric.name])
    if ids and metric.name in _OVERLAPS_OF_ROWS:
        return _overlap_fix(output, metric)
    sparse = metric.config.get("sparse_y_true")
    if metric.name in _OVERLAPS and ((rows and sparse is True) or (ids and sparse is False)):
        found = "rows over classes" if rows else "class ids"
        better = metric_with(output, metric, sparse_y_true=ids)
        fix = compile_with(output, instead={metric.key: better})
        return f"{found}, but {metric.key!r} has sparse_y_true={sparse}", fix
    return None


def _metric_fix(
    output: OutputFacts, metric: MetricSpec, found: str, better: str
) -> tuple[str, str]:
    guesses = counted_guesses(metric)
    k = f"k={guesses}, " if guesses else ""
    named = f'keras.metrics.{better}({k}name="{own_name(output, metric)}")'
    fix = compile_with(output, instead={metric.key: named})
    return f"{found}, which {metric.key!r} ({metric.label}) does not read", fix


def _overlap_fix(output: OutputFacts, metric: MetricSpec) -> tuple[str, str]:
    """The same overlap, of ids."""
    names = ("num_classes", "target_class_ids")
    kept = {name: metric.config[name] for name in names if name in metric.config}
    told = kept | {"sparse_y_pred": False, "name": own_name(output, metric)}
    arguments = ", ".join(f"{name}={value!r}" for name, value in told.items())
    better = f"keras.metrics.{_OVERLAPS_OF_ROWS[metric.name]}({arguments})"
    fix = compile_with(output, instead={metric.key: better})
    return f"class ids, which {metric.key!r} ({metric.label}) does not read", fix


def _unscaled(output: OutputFacts) -> str:
    labels = output.labels
    steps = [] if labels is None or labels.distinct is None else [v for v in labels.distinct if v]
    scale = round(1 / min(steps)) if steps and min(steps) > 0 else 255
    return f'y = (y * {scale}).round().astype("int32")'


def _finding(
    output: OutputFacts, problem: str, fix: str, metric: MetricSpec | None = None
) -> Finding:
    labels = output.labels
    assert labels is not None
    message = f"labels ({labels_text(labels)}) are {problem}."
    evidence = labels_evidence(labels) | {
        "loss": None if output.record.loss is None else output.record.loss.name,
        "units": output.units,
        "label_kind": output.label_kind,
    }
    if metric is not None:
        accuracy = output.record.accuracy_metric
        evidence |= {"metric": metric.key, "is_accuracy": metric == accuracy}
    return Finding(code, name, severity, output.name, message, fix, evidence)
