"""The output can never reach some of its targets.

## What it does
Flags targets beyond what the output's last activation can give: values above 1 behind a sigmoid,
negative values behind a relu, values outside [-1, 1] behind a tanh, a 0 behind a relu whose values
are taken for logits (their sigmoid is 0.5 at least). The range is that of the known
activation function, or what remains when the weights are replaced by large random ones.

## Why is this bad
The loss has a floor that no training can pass, and the model ends saturated at the nearest bound,
where gradients vanish.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.uniform(10, 90, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="mse")
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.uniform(10, 90, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
```

## References
- [Keras activations](https://keras.io/api/layers/activations/)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from lossmon.records import Finding, Severity
from lossmon.rules.facts import CLASS_KINDS, Facts, OutputFacts
from lossmon.rules.families import (
    BINARY_LOSSES,
    HINGE_LOSSES,
    LOGARITHMIC_LOSSES,
    REGRESSION_LOSSES,
    from_logits,
)
from lossmon.rules.judgement import probabilities
from lossmon.rules.label_facts import LabelFacts
from lossmon.rules.prediction_facts import OutputRange
from lossmon.rules.wording import labels_evidence, labels_text, range_evidence, where

code = "LM109"
name = "output-range-misses-targets"
severity: Severity = "warning"

# Rounding and noise may carry targets past a bound by this share of the range.
_MARGIN = 0.05
# By how much where the edge is what a trial happened to reach, rather than a round number.
_TRIED_MARGIN = 0.25


def check(facts: Facts) -> Iterator[Finding]:
    """Find targets outside of what the output can give."""
    for output in facts.outputs:
        labels, values = output.labels, _compared_range(output)
        if labels is None or values is None or not _compared(output):
            continue
        if values.low < values.high and _misses(labels, values):
            yield _finding(output, labels, values)


def _compared_range(output: OutputFacts) -> OutputRange | None:
    """The range of what meets the targets: of logits, that of the sigmoid behind them."""
    values, loss = output.range, output.loss
    if values is None or loss is None or not _bounded_logits(output):
        return values
    return replace(values, low=_sigmoid(values.low), high=_sigmoid(values.high))


def _bounded_logits(output: OutputFacts) -> bool:
    """Whether a known activation bounds what a binary loss takes for logits."""
    loss, values = output.loss, output.range
    binary = loss is not None and loss.name in BINARY_LOSSES and from_logits(loss)
    graph = values is not None and values.proof == "graph" and values.bounded
    return binary and graph and probabilities(output) is not True


def _sigmoid(logit: float) -> float:
    return 0.0 if logit == -math.inf else 1 / (1 + math.exp(-logit))


def _compared(output: OutputFacts) -> bool:
    """Whether the loss pulls predictions towards the targets' own values."""
    if output.loss is None or output.labels is None or output.sparse:
        return False
    if output.loss.name in LOGARITHMIC_LOSSES and (output.labels.minimum or 0.0) < 0:
        return False  # of targets that the loss cannot take another rule speaks
    binary = output.loss.name in BINARY_LOSSES and (
        output.label_kind == "continuous"
        or (
            output.label_kind in ("binary", "multi_hot", "unit_interval")
            and _bounded_logits(output)
        )
    )
    signs = output.loss.name in HINGE_LOSSES and output.label_kind == "signed_binary"
    return binary or signs or output.loss.name in REGRESSION_LOSSES


def _misses(labels: LabelFacts, values: OutputRange) -> bool:
    if labels.minimum is None or labels.maximum is None:
        return False
    width = values.high - values.low
    if not math.isfinite(width):
        width = labels.maximum - labels.minimum
    low = labels.minimum < values.low - width * _margin(values, values.low)
    return low or labels.maximum > values.high + width * _margin(values, values.high)


def _margin(values: OutputRange, edge: float) -> float:
    exact = values.proof == "graph" or edge == round(edge) if math.isfinite(edge) else True
    return _MARGIN if exact else _TRIED_MARGIN


def _finding(output: OutputFacts, labels: LabelFacts, values: OutputRange) -> Finding:
    head = f" ({output.record.activation})" if output.record.activation else ""
    message = (
        f"targets span {labels_text(labels)}, but {where(output)}{head} can only give "
        f"{values.text}."
    )
    evidence = labels_evidence(labels) | {
        "range": range_evidence(values),
        "activation": output.record.activation,
        "proof": values.proof,
    }
    fix = f"keras.layers.Dense({output.units})  # no activation"
    if output.label_kind not in CLASS_KINDS:
        fix += f"; or scale y into {values.text}"
    return Finding(code, name, severity, output.name, message, fix, evidence)
