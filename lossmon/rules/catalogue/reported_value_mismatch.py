"""What Keras printed differs from what lossmon computed from the same predictions.

## What it does
Flags epochs whose reported loss or accuracy departs from the independent recomputation by more
than rounding can explain, and says which. A number that was printed wrong stays wrong: later epochs
that agree do not take the finding back.

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
from typing import NamedTuple

from lossmon.records import EpochRecord, Finding, Severity, Split
from lossmon.rules.facts import Facts
from lossmon.rules.wording import data, numbered_epochs

code = "LM402"
name = "reported-value-mismatch"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs of which an epoch did not verify, and tell which epochs."""
    epochs = () if facts.training is None else facts.training.epochs
    of_split: dict[tuple[str | None, Split], list[EpochRecord]] = {}
    for epoch in epochs:
        of_split.setdefault((epoch.output, epoch.split), []).append(epoch)
    found: dict[str | None, list[_Differing]] = {}
    for (output, _), mine in of_split.items():
        wrong = [epoch for epoch in mine if epoch.status == "mismatch"]
        if wrong:
            found.setdefault(output, []).append(_Differing(wrong, last=mine[-1].epoch))
    for differing in found.values():
        yield _finding(*differing)


class _Differing(NamedTuple):
    """The epochs of one split and output that did not verify, and the last one there is."""

    wrong: list[EpochRecord]
    last: int

    @property
    def numbers(self) -> str:
        return numbered_epochs([epoch.epoch for epoch in self.wrong])

    @property
    def named(self) -> str:
        noun = "epoch" if len(self.wrong) == 1 else "epochs"
        return f"{noun} {self.numbers} (of {self.last + 1})"


def _finding(shown: _Differing, *others: _Differing) -> Finding:
    epoch = shown.wrong[0]
    gaps = {"loss": epoch.loss_gap, "accuracy": epoch.accuracy_gap}
    reason = epoch.reason or ", ".join(f"{what} by {gap:+.4g}" for what, gap in gaps.items() if gap)
    first = f"; in epoch {epoch.epoch + 1}, " if shown.wrong[1:] else ": "
    too = "".join(f" So do {data(o.wrong[0].split)} values in {o.named}." for o in others)
    message = (
        f"{data(epoch.split)} values that Keras printed differ from the recomputed ones in "
        f"{shown.named}{first}{reason}.{too}"
    )
    fix = (
        'lossmon.Monitor(verify="full")'
        "  # compares each batch; definitions of your own must agree with those that Keras calls"
    )
    evidence = {
        "split": epoch.split,
        "wrong_epochs": shown.numbers,
        "loss_gap": epoch.loss_gap,
        "accuracy_gap": epoch.accuracy_gap,
        "reported_accuracy": epoch.reported_accuracy,
        "recomputed_accuracy": epoch.recomputed_accuracy,
        "reason": epoch.reason,
    }
    return Finding(code, name, severity, epoch.output, message, fix, evidence)
