"""Loss and accuracy have moved apart.

## What it does
Tells of the last episode of divergence that has not been undone, on validation data, or on training
data without any: epochs in which loss and accuracy both rose, both fell, or the loss rose while the
accuracy held, by more than sampling error and wobble together explain in any span of the run. It
is an episode of `lossmon.analysis`, found from the values of the epochs. The run page, `show` and
the report find it in the same way, and read the samples one by one where they were recorded: they
may tell of smaller changes, and place one a little otherwise. It is undone where the loss or an
accuracy that moved has gone more than half of the way back. Where loss and accuracy get worse
together they say the same, and this is silent: see `overfitting`.

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

import numpy as np

from lossmon.records import Finding, Severity
from lossmon.rules.epochs import loss_of, records_of
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.series import Point
from lossmon.rules.training_facts import EpisodeFacts
from lossmon.rules.wording import data, epochs_text, loss_key, moved_text, of

code = "LM406"
name = "loss-accuracy-divergence"
severity: Severity = "info"

# Epochs whose median stands for the present.
_PRESENT = 3
_WORDS = {
    "loss_rises": "loss{} rose while accuracy held",
    "both_rise": "loss and accuracy{} both rose",
    "both_fall": "loss and accuracy{} both fell",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose loss and accuracy have moved apart and stay so."""
    for output in facts.outputs:
        episode = episode_now(facts, output)
        if episode is not None:
            yield _finding(facts, output, episode)


def episode_now(facts: Facts, output: OutputFacts) -> EpisodeFacts | None:
    """The last episode of an output, unless it has been undone since."""
    known = () if facts.training is None else facts.training.episodes or ()
    mine = [episode for episode in known if episode.output == output.name]
    return mine[-1] if mine and not _undone(facts, output, mine[-1]) else None


def _undone(facts: Facts, output: OutputFacts, episode: EpisodeFacts) -> bool:
    present = [
        (loss, record.correct / record.judged)
        for record in records_of(facts, output, episode.split)[-_PRESENT:]
        if (loss := loss_of(record)) is not None and record.correct is not None and record.judged
    ]
    if not present:
        return False
    loss, accuracy = np.median(present, axis=0).tolist()
    moved = episode.kind != "loss_rises"
    return _went_back(episode.loss, loss) or (moved and _went_back(episode.accuracy, accuracy))


def _went_back(ends: tuple[float, float], now: float) -> bool:
    before, after = ends
    return abs(now - before) < abs(now - after)


def _finding(facts: Facts, output: OutputFacts, episode: EpisodeFacts) -> Finding:
    present = records_of(facts, output, episode.split)[-1].epoch
    before, after = map(Point, (episode.first_epoch, episode.last_epoch), episode.loss)
    right, right_then = episode.accuracy
    message = (
        f"{data(episode.split)} {_WORDS[episode.kind].format(of(output))} "
        f"{epochs_text(episode.first_epoch, present)}: loss {moved_text(before, after)}, "
        f"accuracy, smoothed, {right:.1%} → {right_then:.1%}."
    )
    evidence = {
        "split": episode.split,
        "since_epoch": episode.first_epoch + 1,
        "until_epoch": episode.last_epoch + 1,
        "kind": episode.kind,
        "loss": list(episode.loss),
        "smoothed_accuracy": list(episode.accuracy),
        "loss_standard_errors": episode.strength,
        "p_value": episode.p_value,
    }
    monitor = json.dumps(loss_key(output, episode.split))
    fix = (
        f'keras.callbacks.EarlyStopping(monitor={monitor}, mode="min")'
        "  # or of the accuracy: which do you need?"
    )
    return Finding(code, name, severity, output.name, message, fix, evidence)
