"""Labels lie outside what the loss can take.

## What it does
Flags class ids below 0 or beyond the last unit under a sparse cross-entropy; labels other than 0
and 1 under a binary cross-entropy or a hinge; negative targets under a loss with a logarithm;
labels that are NaN or infinite under any of Keras' losses.
Judged by values, whatever the dtype. Labels of zero weight, under a mask or equal to
`ignore_class` do not count, and neither do targets that overshoot [0, 1] by a tenth.

## Why is this bad
Keras does not look. An id out of range gives NaN, zero or an error depending on backend and
device; a binary cross-entropy with the label 2 has no lowest value and falls towards -∞. One label
that is NaN makes the loss NaN, and with it all weights.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(1, 11, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(1, 11, size=64) - 1
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy")
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, LossSpec, Severity
from lossmon.rules.compile_call import compile_with, loss_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import (
    BINARY_LOSSES,
    HINGE_LOSSES,
    ID_LOSSES,
    LOGARITHMIC_LOSSES,
    SPARSE_LOSSES,
)
from lossmon.rules.label_facts import LabelFacts
from lossmon.rules.wording import labels_evidence, labels_text, number

code = "LM201"
name = "labels-out-of-range"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find labels that the loss cannot take."""
    for output in facts.outputs:
        loss, labels = output.loss, output.labels
        if loss is None or labels is None:
            continue
        if labels.nonfinite:
            yield _not_numbers(output, loss, labels)
            continue
        if labels.minimum is None or labels.maximum is None:
            continue
        problem = _problem(output, loss, labels)
        if problem is not None:
            allowed, fix = problem
            message = f"labels span {labels_text(labels)}; {loss.name} takes {allowed}."
            evidence = labels_evidence(labels) | {"loss": loss.name, "units": output.units}
            yield Finding(code, name, severity, output.name, message, fix, evidence)


def _not_numbers(output: OutputFacts, loss: LossSpec, labels: LabelFacts) -> Finding:
    message = (
        f"{labels.nonfinite} of {labels.elements} labels are NaN or infinite; {loss.name} of them "
        "is no number."
    )
    fix = "known = np.isfinite(y).reshape(len(y), -1).all(axis=1); x, y = x[known], y[known]"
    evidence = labels_evidence(labels) | {"nonfinite": labels.nonfinite, "loss": loss.name}
    return Finding(code, name, severity, output.name, message, fix, evidence)


def _problem(output: OutputFacts, loss: LossSpec, labels: LabelFacts) -> tuple[str, str] | None:
    if loss.name in ID_LOSSES:
        return _ids_problem(output, loss, labels)
    if loss.name in BINARY_LOSSES and output.label_kind in ("integers", "signed_binary"):
        return "0 and 1", _binary_fix(labels)
    if loss.name in HINGE_LOSSES and output.label_kind == "integers":
        return "-1 and 1 (or 0 and 1)", "y = np.where(y == positive_class, 1, -1)"
    if loss.name in LOGARITHMIC_LOSSES and (labels.minimum or 0.0) < 0:
        return "targets of 0 and more", compile_with(output, loss='"mse"')
    return None


def _ids_problem(output: OutputFacts, loss: LossSpec, labels: LabelFacts) -> tuple[str, str] | None:
    units = output.units
    if output.label_kind != "class_ids" or units is None:
        return None
    ignored = loss.config.get("ignore_class")
    known = [labels.minimum, labels.maximum] if labels.distinct is None else labels.distinct
    ids = [value for value in known if value is not None and value != ignored]
    if not ids or (min(ids) >= 0 and max(ids) < units):
        return None
    allowed = f"ids 0 … {units - 1} for {units} units"
    if min(ids) >= 1 and max(ids) - min(ids) < units:
        return allowed, f"y = y - {number(min(ids))}"
    if min(ids) < 0 and loss.name in SPARSE_LOSSES:
        ignoring = loss_with(loss, ignore_class=int(min(ids)))
        return allowed, compile_with(output, loss=ignoring)
    return allowed, f"keras.layers.Dense({number(max(ids) + 1)})  # one unit per class"


def _binary_fix(labels: LabelFacts) -> str:
    if labels.distinct is not None and len(labels.distinct) == 2:
        return f"y = (y == {number(labels.maximum)}).astype('float32')"
    classes = number((labels.maximum or 0) + 1)
    return (
        f'keras.layers.Dense({classes}, activation="softmax")'
        '  # with loss="sparse_categorical_crossentropy"'
    )
