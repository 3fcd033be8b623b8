"""What Keras printed differs from what lossmon computed from the same predictions.

## What it does
Flags epochs whose reported loss or accuracy departs from the independent recomputation by more
than rounding can explain.

## Why is this bad
One of the two numbers is wrong, and people steer by the printed one. The usual reasons: a custom
metric named "accuracy" that counts something else, a metric that keeps state across epochs, or a
loss that adds something of its own.

## Example
```python
def accuracy(y_true, y_pred):
    return keras.ops.ones_like(y_pred[:, 0])

x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=[accuracy])
history = model.fit(x, y, epochs=1, verbose=0)
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=1, verbose=0)
```

## References
- [Keras custom metrics](https://keras.io/api/metrics/base_metric/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import EpochRecord, Finding, Severity
from lossmon.rules.facts import Facts

code = "LM402"
name = "reported-value-mismatch"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find, for each output and split, the first epoch that did not verify."""
    if facts.training is None:
        return
    first: dict[tuple[str | None, str], EpochRecord] = {}
    count: dict[tuple[str | None, str], int] = {}
    for epoch in facts.training.epochs:
        if epoch.status == "mismatch":
            key = (epoch.output, epoch.split)
            first.setdefault(key, epoch)
            count[key] = count.get(key, 0) + 1
    for key, epoch in first.items():
        yield _finding(epoch, count[key])


def _finding(epoch: EpochRecord, epochs: int) -> Finding:
    gaps = {"loss": epoch.loss_gap, "accuracy": epoch.accuracy_gap}
    shown = ", ".join(f"{what} by {gap:+.4g}" for what, gap in gaps.items() if gap)
    reason = f" ({epoch.reason})" if epoch.reason else ""
    message = (
        f"{epoch.split} values that Keras printed differ from the recomputed ones since epoch "
        f"{epoch.epoch + 1}: {shown or 'see the verification table'}{reason}."
    )
    fix = "lossmon.Monitor(metrics={...}, losses={...})  # give your own definitions in NumPy"
    evidence = {
        "split": epoch.split,
        "epoch": epoch.epoch,
        "epochs": epochs,
        "loss_gap": epoch.loss_gap,
        "accuracy_gap": epoch.accuracy_gap,
        "reported_accuracy": epoch.reported_accuracy,
        "recomputed_accuracy": epoch.recomputed_accuracy,
        "reason": epoch.reason,
    }
    return Finding(code, name, severity, epoch.output, message, fix, evidence)
