"""The loss is no longer a number.

## What it does
Flags an output whose loss is NaN or infinite, or whose predictions hold such values, from the first
such batch or epoch on until a later epoch is finite again.

## Why is this bad
From there on every weight that the gradient touches is NaN as well. Nothing that training prints
afterwards means anything, and it does not recover. An accuracy may still look like one: predictions
that are NaN all count as one class.

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

from lossmon.records import BatchRecord, EpochRecord, Finding, Severity, Split
from lossmon.rules.epochs import trailing
from lossmon.rules.facts import Facts
from lossmon.rules.training_facts import TrainingFacts
from lossmon.rules.wording import data

code = "LM401"
name = "nonfinite-loss"
severity: Severity = "error"


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose loss is not finite now, and tell since when."""
    if facts.training is None:
        return
    seen: set[str | None] = set()
    records = (*facts.training.batches, *facts.training.epochs)
    places: dict[tuple[str | None, Split], None] = {(r.output, r.split): None for r in records}
    for output, split in places:
        first = None if output in seen else since_when(facts.training, output, split)
        if first is not None:
            seen.add(output)
            yield _finding(first, _spoiled_by(facts, first.split))


def since_when(
    training: TrainingFacts, output: str | None, split: Split
) -> BatchRecord | EpochRecord | None:
    """Return the first of the values, up to the present, that are not finite; None if it passed."""
    epochs = [e for e in training.epochs if (e.output, e.split) == (output, split)]
    batches = [b for b in training.batches if (b.output, b.split) == (output, split)]
    spoiled = trailing(epochs, _nonfinite)
    since = spoiled[0].epoch if spoiled else epochs[-1].epoch + 1 if epochs else 0
    places = [batch for batch in batches if batch.epoch >= since and _nonfinite(batch)]
    if not spoiled or (places and places[0].epoch == spoiled[0].epoch):
        return places[0] if places else None
    return spoiled[0]  # the recent batches do not reach back as far


def _nonfinite(record: BatchRecord | EpochRecord) -> bool:
    losses = (record.loss, record.recomputed_loss, record.reported_loss)
    return record.nonfinite > 0 or any(v is not None and not math.isfinite(v) for v in losses)


def _spoiled_by(facts: Facts, split: Split) -> Split | None:
    """The data whose inputs make the loss what it is; None where none are known to."""
    spread = [given.split for given in facts.spoiled if given.effect == "spread"]
    return next((own for own in ("train", split) if own in spread), None)


def _finding(record: BatchRecord | EpochRecord, spoiled: Split | None) -> Finding:
    value = next(
        (v for v in (record.loss, record.reported_loss) if v is not None and not math.isfinite(v)),
        None,
    )
    place = f"epoch {record.epoch + 1}"
    if isinstance(record, BatchRecord):
        place += f", batch {record.batch}"
    what = f"the loss is {value}" if value is not None else "predictions are NaN or infinite"
    message = (
        f"{what} ({data(record.split)}) since {place}; nothing printed after that means anything."
    )
    evidence = {
        "split": record.split,
        "since_epoch": record.epoch + 1,
        "step": record.step,
        "loss": None if value is None else str(value),
        "nonfinite_predictions": record.nonfinite,
        "learning_rate": record.learning_rate,
    }
    rate = record.learning_rate
    lower = 1e-3 if rate is None or not math.isfinite(rate) else min(rate / 10, 1e-3)
    fix = (
        f"model.compile(optimizer=keras.optimizers.Adam({lower:.3g}, clipnorm=1.0))"
        "  # on a model built anew: these weights are lost; and look for NaN in x and y"
    )
    if spoiled is not None:
        # Neither clipping nor a lower rate helps there.
        x = "x_val" if spoiled == "val" else "x"
        fix = f"{x} = np.nan_to_num({x})  # see LM502"
        if spoiled == "train":
            fix += "; and a model built anew: these weights are lost"
    return Finding(code, name, severity, record.output, message, fix, evidence)
