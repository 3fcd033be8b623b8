"""The loss is no longer a number.

## What it does
Flags the first batch or epoch whose loss is NaN or infinite, or whose predictions hold such values.

## Why is this bad
From there on every weight that the gradient touches is NaN as well. Nothing that training prints
afterwards means anything, and it does not recover.

## Example
```python
x = np.random.rand(64, 8)
y = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse", optimizer=keras.optimizers.SGD(1e15))
model.fit(x, y, epochs=5, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.rand(64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse", optimizer=keras.optimizers.SGD(1e-2, clipnorm=1.0))
model.fit(x, y, epochs=5, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- [Keras TerminateOnNaN](https://keras.io/api/callbacks/terminate_on_nan/)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from lossmon.records import BatchRecord, EpochRecord, Finding, Severity
from lossmon.rules.facts import Facts

code = "LM401"
name = "nonfinite-loss"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find the first non-finite loss of each output."""
    if facts.training is None:
        return
    seen: set[str | None] = set()
    for record in (*facts.training.batches, *facts.training.epochs):
        if record.output not in seen and _nonfinite(record):
            seen.add(record.output)
            yield _finding(record)


def _nonfinite(record: BatchRecord | EpochRecord) -> bool:
    losses = (record.loss, record.recomputed_loss, record.reported_loss)
    return record.nonfinite > 0 or any(v is not None and not math.isfinite(v) for v in losses)


def _finding(record: BatchRecord | EpochRecord) -> Finding:
    value = next(
        (v for v in (record.loss, record.reported_loss) if v is not None and not math.isfinite(v)),
        None,
    )
    place = f"epoch {record.epoch + 1}"
    if isinstance(record, BatchRecord):
        place += f", batch {record.batch}"
    what = f"the loss is {value}" if value is not None else "predictions are NaN or infinite"
    message = f"{what} ({record.split}) since {place}; nothing printed after that means anything."
    evidence = {
        "split": record.split,
        "epoch": record.epoch,
        "step": record.step,
        "loss": None if value is None else str(value),
        "nonfinite_predictions": record.nonfinite,
        "learning_rate": record.learning_rate,
    }
    rate = record.learning_rate
    lower = "1e-3" if rate is None or not math.isfinite(rate) else f"{rate / 10:.3g}"
    fix = (
        f"model.compile(optimizer=keras.optimizers.Adam({lower}, clipnorm=1.0), loss=model.loss)"
        "  # and look for NaN in x and y"
    )
    return Finding(code, name, severity, record.output, message, fix, evidence)
