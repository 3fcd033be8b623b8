"""A regression loss trains a classifier.

## What it does
Flags a regression loss (mean squared error and its kin) on an output whose labels name classes:
0/1, one-hot rows or class ids. With an accuracy metric it is a warning, without one it is advice.

## Why is this bad
The squared error of a probability is bounded, so a confidently wrong sample hardly pulls, and
gradients vanish behind a saturated sigmoid or softmax. Training is slower and ends worse than with
a cross-entropy. The accuracy counts something; the loss is not a classifier's loss. (A
least-squares classifier or a Brier score is a sound choice when it is meant.)

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="mse", metrics=["accuracy"])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
- Glorot and Bengio, [Understanding the difficulty of training deep feedforward neural
  networks](https://proceedings.mlr.press/v9/glorot10a.html), section 4.1
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, LossSpec, Severity
from lossmon.rules.compile_call import compile_with, loss_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import REGRESSION_LOSSES
from lossmon.rules.judgement import accuracies, linear_head, probabilities
from lossmon.rules.logit_metrics import metrics_on_logits
from lossmon.rules.wording import labels_evidence

code = "LM111"
name = "regression-loss-for-classification"
severity: Severity = "warning"

_FITTING = {
    "binary": ("0 or 1", "binary_crossentropy"),
    "one_hot": ("one-hot rows", "categorical_crossentropy"),
    "multi_hot": ("rows of zeros and ones", "binary_crossentropy"),
    "soft": ("rows that sum to one", "categorical_crossentropy"),
    "class_ids": ("class ids", "sparse_categorical_crossentropy"),
}
# Without an accuracy metric, soft rows may be distillation and ids may be quantities.
_CERTAIN = ("binary", "one_hot")


def check(facts: Facts) -> Iterator[Finding]:
    """Find regression losses on class labels."""
    # A first batch of quantities may happen to hold whole numbers, or zeros and ones.
    for output in () if facts.more_to_come else facts.outputs:
        loss, kind = output.loss, output.label_kind
        if loss is None or loss.name not in REGRESSION_LOSSES or kind not in _FITTING:
            continue
        counted = accuracies(output)
        if counted or (kind in _CERTAIN and _varied(output) and not output.reconstruction):
            yield _finding(output, loss.name, kind, counted=bool(counted))


def _varied(output: OutputFacts) -> bool:
    """Whether both 0 and 1 occur; a target of zeros alone may be a residual."""
    labels = output.labels
    return labels is not None and labels.minimum != labels.maximum


def with_crossentropy(output: OutputFacts, fitting: str) -> str:
    """A `compile` with another loss, which takes logits where the output is scores.

    Args:
        output: of a classifier.
        fitting: the name of the cross-entropy that takes its labels.
    """
    if probabilities(output) is not False and not linear_head(output):
        return compile_with(output, loss=f'"{fitting}"')
    loss = loss_with(LossSpec(fitting), from_logits=True)
    return compile_with(output, loss=loss, instead=metrics_on_logits(output))


def _finding(output: OutputFacts, loss: str, kind: str, *, counted: bool) -> Finding:
    assert output.labels is not None
    described, fitting = _FITTING[kind]
    message = f"the labels are classes ({described}), but the loss is {loss}, a regression loss."
    if counted:
        message += " The accuracy counts right answers; the loss is not a classifier's loss."
    fix = with_crossentropy(output, fitting)
    evidence = labels_evidence(output.labels) | {"loss": loss, "label_kind": kind}
    grade: Severity = severity if counted else "info"
    return Finding(code, name, grade, output.name, message, fix, evidence)
