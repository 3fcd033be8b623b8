"""What Keras printed differs from what lossmon computed from the same predictions.

## What it does
Flags epochs whose reported loss or accuracy departs from the independent recomputation by more
than rounding can explain, until a later epoch of the same split agrees again.

## Why is this bad
One of the two numbers is wrong, and people steer by the printed one. The usual reasons: a custom
metric named "accuracy" that counts something else, a metric that keeps state across epochs, or a
loss that adds something of its own.

## Example
```python
def accuracy(y_true, y_pred):
    return keras.ops.ones_like(y_pred[:, 0])

def definition(y_true, y_pred):
    return (y_pred[:, 0] > 0.5) == y_true

x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=[accuracy])
monitor = lossmon.Monitor(metrics={"accuracy": definition})
model.fit(x, y, epochs=2, verbose=0, callbacks=[monitor])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=2, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- [Keras custom metrics](https://keras.io/api/metrics/base_metric/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import EpochRecord, Finding, Severity
from lossmon.rules.epochs import trailing
from lossmon.rules.facts import Facts
from lossmon.rules.wording import data

code = "LM402"
name = "reported-value-mismatch"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose last epochs did not verify, and tell since when."""
    epochs = () if facts.training is None else facts.training.epochs
    seen: set[str | None] = set()
    for output, split in dict.fromkeys((epoch.output, epoch.split) for epoch in epochs):
        mine = [epoch for epoch in epochs if (epoch.output, epoch.split) == (output, split)]
        last = trailing(mine, lambda epoch: epoch.status == "mismatch")
        if last and output not in seen:
            seen.add(output)
            yield _finding(last[0])


def _finding(epoch: EpochRecord) -> Finding:
    gaps = {"loss": epoch.loss_gap, "accuracy": epoch.accuracy_gap}
    shown = ", ".join(f"{what} by {gap:+.4g}" for what, gap in gaps.items() if gap)
    message = (
        f"{data(epoch.split)} values that Keras printed differ from the recomputed ones since "
        f"epoch {epoch.epoch + 1}: {epoch.reason or shown}."
    )
    fix = (
        'lossmon.Monitor(verify="full")'
        "  # compares each batch; definitions of your own must agree with those that Keras calls"
    )
    evidence = {
        "split": epoch.split,
        "since_epoch": epoch.epoch + 1,
        "loss_gap": epoch.loss_gap,
        "accuracy_gap": epoch.accuracy_gap,
        "reported_accuracy": epoch.reported_accuracy,
        "recomputed_accuracy": epoch.recomputed_accuracy,
        "reason": epoch.reason,
    }
    return Finding(code, name, severity, epoch.output, message, fix, evidence)
