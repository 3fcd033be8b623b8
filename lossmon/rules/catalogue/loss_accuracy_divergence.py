"""Loss and accuracy are moving apart.

## What it does
Tells of a span of epochs, up to the present, in which the smoothed loss and accuracy both rise or
both fall (validation, or training without it). Both must move by more standard errors than chance
gives in any such span of the run (sampling error and wobble together, corrected for the number of
spans), and both must show a trend.

## Why is this bad
It need not be: loss also rewards confidence, accuracy counts. When both rise, the model is right
more often and surer of its mistakes; when both fall, it grows more cautious. But from there on
"the better model" depends on which of the two you need, and early stopping on one loses the other.

## Example
```python
x = np.random.normal(size=(5000, 40))
y = (x[:, 0] > 0).astype(int)
outlier = np.arange(5000) % 20 == 0
x_val = x[1000:] * np.where(outlier, 10.0, 1.0)[1000:, None]
y_val = np.where(outlier, 1 - y, y)[1000:]
model = keras.Sequential([keras.Input((40,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
model.fit(
    x[:1000],
    y[:1000],
    validation_data=(x_val, y_val),
    validation_batch_size=1000,
    epochs=12,
    verbose=0,
    callbacks=[lossmon.Monitor()],
)
```

## Use instead
```python
x = np.random.normal(size=(5000, 40))
y = (x[:, 0] > 0).astype(int)
x_val = x[1000:]
y_val = y[1000:]
model = keras.Sequential([keras.Input((40,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
model.fit(
    x[:1000],
    y[:1000],
    validation_data=(x_val, y_val),
    validation_batch_size=1000,
    epochs=12,
    verbose=0,
    callbacks=[lossmon.Monitor()],
)
```

## References
- Guo et al. 2017, [On calibration of modern neural networks](https://arxiv.org/abs/1706.04599)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from lossmon.records import Finding, Severity
from lossmon.rules.epochs import judged_split
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.series import BLOCK, Series, accuracy_series, loss_series
from lossmon.rules.trend import critical, trend
from lossmon.rules.wording import epochs_text, loss_key, number, where

code = "LM406"
name = "loss-accuracy-divergence"
severity: Severity = "info"

_CLEAR_TREND = 0.05


class Episode(NamedTuple):
    """Epochs in which loss and accuracy move the same way.

    Attributes:
        start: position of the first one in the series.
        loss_errors, accuracy_errors: standard errors by which each has risen since.
    """

    start: int
    loss_errors: float
    accuracy_errors: float


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose loss and accuracy move the same way now."""
    for output in facts.outputs:
        split = judged_split(facts, output)
        losses = loss_series(facts, output, split)
        hits = accuracy_series(facts, output, split)
        if losses is None or hits is None:
            continue
        episode = episode_now(losses, hits)
        if episode is not None:
            yield _finding(output, losses, hits, episode)


def episode_now(losses: Series, hits: Series) -> Episode | None:
    """The clearest episode that lasts until now; None where loss and accuracy agree."""
    if losses.epochs != hits.epochs:
        return None
    losses = losses.log()
    # Spans of which the first and the last block do not overlap.
    pairs = list(zip(losses.changes().tolist(), hits.changes().tolist(), strict=True))[:-BLOCK]
    # Each span is looked at for both rising and both falling.
    needed = critical(2 * len(pairs))
    found = [Episode(start, *pair) for start, pair in enumerate(pairs)]
    clear = [e for e in found if _strength(e) > needed and _trends(losses, hits, e)]
    return max(clear, key=_strength, default=None)


def _strength(episode: Episode) -> float:
    same_way = episode.loss_errors * episode.accuracy_errors > 0
    return min(abs(episode.loss_errors), abs(episode.accuracy_errors)) if same_way else 0.0


def _trends(losses: Series, hits: Series, episode: Episode) -> bool:
    trends = [trend(series.since(episode.start).values) for series in (losses, hits)]
    up = episode.loss_errors > 0
    return all((t.rising if up else t.falling) < _CLEAR_TREND for t in trends)


def _finding(output: OutputFacts, losses: Series, hits: Series, episode: Episode) -> Finding:
    start = episode.start
    way = "rise" if episode.loss_errors > 0 else "fall"
    before, after = (float(losses.blocks()[i]) for i in (start, -1))
    right_before, right_after = (float(hits.blocks()[i]) for i in (start, -1))
    message = (
        f"{losses.split} loss and accuracy of {where(output)} both {way} "
        f"{epochs_text(losses.epochs[start], losses.epochs[-1])}: loss {number(before)} → "
        f"{number(after)}, accuracy {right_before:.1%} → {right_after:.1%}."
    )
    evidence = {
        "split": losses.split,
        "since_epoch": losses.epochs[start] + 1,
        "direction": way,
        "loss": [before, after],
        "accuracy": [right_before, right_after],
        "loss_standard_errors": episode.loss_errors,
        "accuracy_standard_errors": episode.accuracy_errors,
    }
    monitor = json.dumps(loss_key(output, losses.split))
    fix = (
        f'keras.callbacks.EarlyStopping(monitor={monitor}, mode="min")'
        "  # or of the accuracy: which do you need?"
    )
    return Finding(code, name, severity, output.name, message, fix, evidence)
