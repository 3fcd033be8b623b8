"""Probabilities are given to a loss that applies the activation itself.

## What it does
Flags a cross-entropy with `from_logits=True`, or CTC, on an output that already is probabilities:
rows that sum to one, or values that cannot leave [0, 1]. Also flags a sigmoid or softmax stacked on
another, which shows in the range that the output can take.

## Why is this bad
The activation is applied a second time. Two sigmoids squeeze every prediction into
[0.5, 0.73], so the loss cannot come near zero and gradients shrink. On TensorFlow Keras goes back
to the scores behind the activation where no layer follows it. The loss is right then, and the
finding a warning that says so: on JAX and torch, or with a layer after the activation, it is wrong.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 10, size=64)
softmax = keras.layers.Dense(10, activation="softmax")
model = keras.Sequential([keras.Input((8,)), softmax, keras.layers.Softmax()])
model.compile(loss=keras.losses.SparseCategoricalCrossentropy())
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 10, size=64)
softmax = keras.layers.Dense(10, activation="softmax")
model = keras.Sequential([keras.Input((8,)), softmax])
model.compile(loss=keras.losses.SparseCategoricalCrossentropy())
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from lossmon.records import Finding, LossSpec, Severity
from lossmon.rules.compile_call import compile_with, loss_with
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import BINARY_LOSSES, CROSSENTROPIES, LOGIT_LOSSES, from_logits
from lossmon.rules.judgement import activated
from lossmon.rules.wording import range_evidence, where

code = "LM102"
name = "activation-applied-twice"
severity: Severity = "error"

_SIGMOID_OF_ONE = 1 / (1 + math.exp(-1))


def check(facts: Facts) -> Iterator[Finding]:
    """Find probabilities under from_logits=True, and stacked activations."""
    for output in facts.outputs:
        loss = output.loss
        if loss is None or loss.name not in CROSSENTROPIES | LOGIT_LOSSES:
            continue
        if loss.name in LOGIT_LOSSES:
            if activated(output):
                reason = f"{loss.name} applies the softmax again"
                yield _finding(output, reason, _no_activation(output))
        elif _stacked(output):
            yield _finding(
                output,
                "no weights can take it further, because one sigmoid or softmax stands on another",
                _one_activation(output, loss.name),
            )
        elif from_logits(loss) and activated(output):
            yield _rescued(output, loss) if output.rescued_loss else _from_logits(output)


def _one_activation(output: OutputFacts, loss: str) -> str:
    function = "sigmoid" if loss in BINARY_LOSSES else "softmax"
    return (
        f'keras.layers.Dense({output.units}, activation="{function}")  # and no activation after it'
    )


def _no_activation(output: OutputFacts) -> str:
    return f"keras.layers.Dense({output.units})  # and no activation after it"


def _stacked(output: OutputFacts) -> bool:
    values, units = output.range, output.units
    if values is None or units is None:
        return False
    if units == 1 or not values.normalised:
        return math.isclose(values.low, 0.5, abs_tol=1e-3) and math.isclose(
            values.high, _SIGMOID_OF_ONE, abs_tol=1e-3
        )
    highest = math.e / (math.e + units - 1)
    return math.isclose(values.high, highest, rel_tol=1e-2)


def _from_logits(output: OutputFacts) -> Finding:
    loss = output.loss
    assert loss is not None
    return _finding(
        output,
        f"{loss.name} with from_logits=True applies the activation again",
        compile_with(output, loss=loss_with(loss, from_logits=False)),
    )


def _rescued(output: OutputFacts, loss: LossSpec) -> Finding:
    finding = _finding(
        output,
        f"{loss.name} is told from_logits=True. Keras goes back to the scores behind the "
        "activation here, so the loss is right; on JAX or torch, or with a layer after the "
        "activation, it is not",
        compile_with(output, loss=loss_with(loss, from_logits=False)),
    )
    summary = "The loss is told from_logits=True of probabilities, right on TensorFlow alone"
    evidence = {**finding.evidence, "rescued": True, "summary": summary}
    return replace(finding, severity="warning", evidence=evidence)


def _finding(output: OutputFacts, reason: str, fix: str) -> Finding:
    loss, seen, values = output.loss, output.predictions, output.range
    assert loss is not None
    shown = "probabilities" if values is None else f"within {values.text}"
    message = f"{where(output)} is already {shown}; {reason}."
    evidence = {
        "loss": loss.name,
        "from_logits": from_logits(loss),
        "range": range_evidence(values),
        "row_sum_error": None if seen is None else seen.sum_error,
        "units": output.units,
    }
    return Finding(code, name, severity, output.name, message, fix, evidence)
