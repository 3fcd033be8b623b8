"""Losses sit at the cap, where there is no gradient.

## What it does
Flags a cross-entropy of which a share of the samples, surely above 1 %, has the largest value that
clipped probabilities allow (16.1 nats in float32). The bound is Wilson's, at 99 %. Of an activation
that gives no probabilities `invalid-probability-output` tells.

## Why is this bad
Keras clips probabilities to [1e-7, 1 - 1e-7]. A sample beyond that has a constant loss, hence no
gradient: the worst mistakes are the ones that training does not see, and the printed loss
understates them. From logits nothing is clipped.

## Example
```python
x = np.random.rand(400, 4)
y = np.random.randint(0, 3, size=400)
wide = keras.initializers.RandomNormal(stddev=60.0)
scores = keras.layers.Dense(3, kernel_initializer=wide)
model = keras.Sequential([
    keras.Input((4,)), scores, keras.layers.Softmax(), keras.layers.Reshape((3,))
])
model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
model.fit(x, y, epochs=3, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.rand(400, 4)
y = np.random.randint(0, 3, size=400)
scores = keras.layers.Dense(3)
model = keras.Sequential([
    keras.Input((4,)), scores, keras.layers.Softmax(), keras.layers.Reshape((3,))
])
model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
model.fit(x, y, epochs=3, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- [Keras probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.catalogue.invalid_probability_output import no_probabilities
from lossmon.rules.compile_call import compile_with, loss_with
from lossmon.rules.epochs import trailing
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import CROSSENTROPIES
from lossmon.rules.logit_metrics import metrics_on_logits
from lossmon.rules.training_facts import ClippedFacts
from lossmon.rules.trend import share_at_least
from lossmon.rules.wording import data, epochs_text, number, of

code = "LM405"
name = "loss-clipped"
severity: Severity = "warning"

# Share of samples without a gradient that a run does not miss.
_NEGLIGIBLE = 0.01


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs of which many losses sit at the cap."""
    clipped = None if facts.training is None else facts.training.clipped
    for output in facts.outputs if clipped else ():
        if no_probabilities(output):
            continue
        for split in ("train", "val"):
            mine = [c for c in clipped or () if (c.split, c.output) == (split, output.name)]
            capped = trailing(mine, _too_many)
            if capped and output.loss is not None:
                yield _finding(output, capped)
                break


def _too_many(clipped: ClippedFacts) -> bool:
    return share_at_least(clipped.capped, clipped.samples) > _NEGLIGIBLE


def _finding(output: OutputFacts, capped: list[ClippedFacts]) -> Finding:
    assert output.loss is not None
    first, last = capped[0], capped[-1]
    message = (
        f"{last.capped} of {last.samples} {data(last.split)} losses{of(output)} sit at the cap of "
        f"{number(last.cap)} {epochs_text(first.epoch, last.epoch)}: they have no gradient."
    )
    evidence = {
        "split": last.split,
        "since_epoch": first.epoch + 1,
        "capped": last.capped,
        "samples": last.samples,
        "share_at_least": share_at_least(last.capped, last.samples),
        "cap": last.cap,
    }
    fix = "model.optimizer.learning_rate = 1e-4"
    if output.loss.name in CROSSENTROPIES:
        loss = loss_with(output.loss, from_logits=True)
        fix = compile_with(output, loss=loss, instead=metrics_on_logits(output))
        fix += "  # and no softmax or sigmoid in the model"
    return Finding(code, name, severity, output.name, message, fix, evidence)
