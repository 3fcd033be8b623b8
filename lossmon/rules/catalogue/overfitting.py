"""The validation loss has turned up while the training loss falls on.

## What it does
Flags a validation loss that lies above its minimum by a tenth or more and by more standard errors
than chance gives in any epoch of the run, with a trend over at least three epochs, while the
training loss fell significantly in the same time. Errors are those of the samples, of which half
the variance is taken to be shared between epochs (real runs share more), and the wobble from epoch
to epoch.
Silent while the accuracy rises significantly: see `loss-accuracy-divergence`. Where the accuracy
holds, both rules speak; where it falls, loss and accuracy say the same, and this one alone does.

## Why is this bad
From the minimum on the model learns the training samples rather than what they have in common. Its
probabilities on new data get worse with every epoch, even where the accuracy holds.

## Example
```python
x = np.random.normal(size=(1200, 20))
y = (x[:, 0] + np.random.normal(size=1200) > 0).astype(int)
model = keras.Sequential([
    keras.Input((20,)),
    keras.layers.Dense(64, activation="relu"),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
train, val = (x[:200], y[:200]), (x[200:], y[200:])
model.fit(*train, validation_data=val, epochs=15, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(1200, 20))
y = (x[:, 0] + np.random.normal(size=1200) > 0).astype(int)
model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
train, val = (x[:200], y[:200]), (x[200:], y[200:])
model.fit(*train, validation_data=val, epochs=15, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Prechelt 1998, Early stopping: but when?
- [Keras EarlyStopping](https://keras.io/api/callbacks/early_stopping/)
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.catalogue.loss_accuracy_divergence import episode_now
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import Rise, rise
from lossmon.rules.series import BLOCK, Series, accuracy_series, loss_series
from lossmon.rules.trend import critical
from lossmon.rules.wording import epochs_text, loss_key, number, where

code = "LM408"
name = "overfitting"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose validation loss rises while the training loss falls."""
    for output in facts.outputs:
        val, train = (loss_series(facts, output, split) for split in ("val", "train"))
        risen = None if val is None else rise(val)
        if val is None or train is None or risen is None:
            continue
        fell = _fell_since(train, val.epochs[risen.start])
        if fell is not None and not _accuracy_rises(facts, output):
            hits = _accuracy_since(facts, output, val.epochs[risen.start])
            yield _finding(output, val, risen, fell, hits)


def _accuracy_rises(facts: Facts, output: OutputFacts) -> bool:
    """Whether the accuracy rises as well: then the two move apart, and nothing is lost yet."""
    episode = episode_now(facts, output)
    return episode is not None and (episode.split, episode.kind) == ("val", "both_rise")


def _accuracy_since(facts: Facts, output: OutputFacts, epoch: int) -> tuple[float, float] | None:
    """The validation accuracy at an epoch and now; None where right and wrong are not told."""
    hits = accuracy_series(facts, output, "val")
    if hits is None or epoch not in hits.epochs:
        return None
    medians = hits.blocks()
    start = min(hits.epochs.index(epoch), len(medians) - 1)
    return None if start < 0 else (float(medians[start]), float(medians[-1]))


def _fell_since(train: Series, epoch: int) -> tuple[float, float] | None:
    """The training loss at an epoch and now, where it fell significantly in between."""
    start = sum(before < epoch for before in train.epochs)
    medians = train.blocks()
    if len(medians) - 1 - start < BLOCK or train.log().changes()[start] > -critical():
        return None
    return float(medians[start]), float(medians[-1])


def _finding(
    output: OutputFacts,
    val: Series,
    risen: Rise,
    fell: tuple[float, float],
    hits: tuple[float, float] | None,
) -> Finding:
    since = val.epochs[risen.start]
    message = (
        f"the validation loss of {where(output)} rose from {number(risen.before)} to "
        f"{number(risen.after)} {epochs_text(since, val.epochs[-1])}, while the training loss fell "
        f"from {number(fell[0])} to {number(fell[1])}"
    )
    told = (
        ""
        if hits is None
        else f"; the validation accuracy went from {hits[0]:.1%} to {hits[1]:.1%}"
    )
    message += f"{told}."
    evidence = {
        "since_epoch": since + 1,
        "val_loss": [risen.before, risen.after],
        "train_loss": list(fell),
        "val_accuracy": None if hits is None else list(hits),
        "standard_errors": risen.errors,
        "standard_errors_needed": risen.needed,
    }
    monitor = json.dumps(loss_key(output, "val"))
    fix = (
        f"keras.callbacks.EarlyStopping(monitor={monitor}, patience=5, restore_best_weights=True)"
        "  # or more data, dropout, weight decay"
    )
    return Finding(code, name, severity, output.name, message, fix, evidence)
