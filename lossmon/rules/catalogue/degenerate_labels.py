"""There is nothing to tell apart: the labels hold one class only.

## What it does
Flags a classifier whose labels are all the same, or nearly all empty rows, once all labels (or a
whole epoch of them) have been seen. With an accuracy metric it is a warning, without one advice:
a generator that is trained against "all real" does it on purpose.

Tells as well of validation labels that are all of one class where those of the training are not:
a warning where the validation data are what follows the training data in the same array, as
`validation_split` takes it, else advice, since one patient or one day may be left out on purpose.

## Why is this bad
The best answer is a constant. The accuracy rises to 1 and the loss falls to 0 in an epoch, which
looks like success; usually a column or a file was misread. Validation on one class shows how often
that class is named, and nothing of how well it is told from the others; its cause is mostly an
array that is sorted by class.

## Example
```python
x = np.random.rand(64, 8)
y = np.ones(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = (x[:, 0] > 0.5).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## References
- [Keras classification example](https://keras.io/examples/structured_data/imbalanced_classification/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import EpochRecord, Finding, Severity
from lossmon.rules.epochs import records_of
from lossmon.rules.facts import Facts, LabelKind, OutputFacts
from lossmon.rules.families import CATEGORICAL_LOSSES, CROSSENTROPIES
from lossmon.rules.judgement import accuracies
from lossmon.rules.label_facts import LabelFacts
from lossmon.rules.wording import labels_evidence, number

code = "LM204"
name = "degenerate-labels"
severity: Severity = "warning"

_ENOUGH_SAMPLES = 16
# Beyond this share of empty rows, padding is no longer an explanation for a row per sample.
_EMPTY_SHARE = 0.9
_OF_ONE_CLASS_EACH: tuple[LabelKind, ...] = ("class_ids", "integers", "binary", "one_hot")
_SHUFFLE = (
    "order = np.random.permutation(len(x)); x, y = x[order], y[order]  # before validation_split, "
    "which takes the last rows as they stand"
)
_LOOK = "np.unique(y_val, axis=0, return_counts=True)  # meant to be of one class?"


def check(facts: Facts) -> Iterator[Finding]:
    """Find classifiers whose labels do not vary, in the training or in the validation."""
    for output in facts.outputs:
        labels = output.labels
        if output.loss is None or output.loss.name not in CROSSENTROPIES:
            continue
        yield from _of_validation(facts, output)
        if labels is None:
            continue
        if not output.fitted_head:
            # A frozen judge of generated samples, or candidates of which the first is right.
            continue
        if labels.samples < _ENOUGH_SAMPLES or not _complete(facts, output, labels):
            continue
        problem = _problem(output, labels)
        if problem is not None:
            yield _finding(output, labels, problem)


def _of_validation(facts: Facts, output: OutputFacts) -> Iterator[Finding]:
    """Find validation labels of one class where those of the training are of several."""
    if facts.training is None or output.label_kind not in _OF_ONE_CLASS_EACH:
        return
    trained = max((len(_present(r)) for r in records_of(facts, output, "train")), default=0)
    for record in records_of(facts, output, "val"):
        present = _present(record)
        whole = record.coverage >= 1.0 and record.n >= _ENOUGH_SAMPLES
        if not whole or len(present) != 1 or trained < 2:
            continue
        only, samples = next(iter(present.items()))
        message = (
            f"all {samples} validation labels are of class {only}"
            f", those of the training of {trained}: loss and accuracy of the validation are those "
            "of one class, and show nothing of how well it is told from the others."
        )
        evidence = {
            "split": "val",
            "only_class": only,
            "samples": samples,
            "trained_classes": trained,
            "summary": "All validation labels are of one class",
        }
        grade: Severity = severity if facts.parted_in_order else "info"
        fix = _SHUFFLE if facts.parted_in_order else _LOOK
        yield Finding(code, name, grade, output.name, message, fix, evidence)
        return


def _present(record: EpochRecord) -> dict[int, int]:
    """How often each class occurs among the labels of an epoch."""
    counts = {int(row["label"]): int(row["count"]) for row in record.class_counts or ()}
    return {label: count for label, count in counts.items() if count}


def _complete(facts: Facts, output: OutputFacts, labels: LabelFacts) -> bool:
    """Whether a whole epoch of labels has been seen, not a batch that holds one class by chance."""
    if facts.complete:
        return True
    epochs = () if facts.training is None else facts.training.epochs
    return any(
        epoch.split == "train" and epoch.output == output.name and 0 < epoch.n <= labels.samples
        for epoch in epochs
    )


def _problem(output: OutputFacts, labels: LabelFacts) -> str | None:
    rows = labels.rows
    if labels.distinct is not None and len(labels.distinct) == 1:
        return f"all {labels.elements} labels are {number(labels.minimum)}"
    if rows is None or output.label_kind != "one_hot":
        return None
    if rows.one_hot == rows.rows and len(rows.hot) == 1:
        return f"all {rows.rows} one-hot rows name class {rows.hot[0]}"
    flat = len(labels.sample_shape) == 1 and output.loss is not None
    empty = rows.zero > _EMPTY_SHARE * rows.rows
    if flat and empty and output.loss is not None and output.loss.name in CATEGORICAL_LOSSES:
        return f"{rows.zero} of {rows.rows} label rows are all zero and count for nothing"
    return None


def _finding(output: OutputFacts, labels: LabelFacts, problem: str) -> Finding:
    message = f"{problem}; the best answer is a constant, and the accuracy will not show it."
    rows = labels.rows
    evidence = labels_evidence(labels) | {
        "zero_rows": None if rows is None else rows.zero,
        "rows": None if rows is None else rows.rows,
    }
    fix = "np.unique(y, axis=0, return_counts=True)  # is this the column you meant?"
    grade: Severity = severity if accuracies(output) else "info"
    return Finding(code, name, grade, output.name, message, fix, evidence)
