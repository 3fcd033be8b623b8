"""The learning rate shows by its symptoms to be far too high or far too low.

## What it does
Flags, from the loss and never from the number itself: too high, where the training loss swings for
ten epochs and stays above what a constant answer reaches, beyond its standard error; too low, where
the loss is no better than a constant's, has changed since the first epoch by no more than 1e-4 of
itself, and falls along a straight line within that or stands still. Silent where something else
holds the loss (no trainable weights, inputs that are all the same, kernels whose gradient is 0,
targets that are not scaled or out of reach), where steps do move the weights, and while a schedule
raises the rate.

## Why is this bad
Steps too large throw the weights about, so that not even the frequencies of the labels are learned.
Steps too small are lost in rounding: the run costs time and changes nothing.

## Example
```python
x = np.random.normal(size=(1024, 8))
y = x[:, :1]
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(64, activation="tanh"),
    keras.layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.RMSprop(0.5), loss="mse")
model.fit(x, y, batch_size=256, epochs=25, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(1024, 8))
y = x[:, :1]
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(64, activation="tanh"),
    keras.layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.RMSprop(0.003), loss="mse")
model.fit(x, y, batch_size=256, epochs=25, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Smith 2017, [Cyclical learning rates](https://arxiv.org/abs/1506.01186), section 3.3
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lossmon.records import Finding, Severity
from lossmon.rules.baselines import AS_BAD, above_constant, baseline, constant_loss
from lossmon.rules.catalogue.constant_inputs import all_constant
from lossmon.rules.catalogue.constant_predictor import constant_epochs
from lossmon.rules.catalogue.dead_units import dead_layers
from lossmon.rules.causes import known_cause
from lossmon.rules.epochs import judged_split, rate_now, rate_raised, records_of
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.movement import moves, no_gradient
from lossmon.rules.progress import WINDOW, falls_straight, motionless, swings, unchanged
from lossmon.rules.series import Series, loss_series
from lossmon.rules.trend import critical
from lossmon.rules.wording import data, epochs_text, learning_rate, number, of

code = "LM415"
name = "learning-rate-out-of-range"
severity: Severity = "warning"

# Of targets that are far away, or out of reach, no loss comes nearer by greater steps.
_OF_TARGETS = ("LM109", "LM504")


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose loss shows that steps are far too large or too small."""
    for output in facts.outputs:
        train = loss_series(facts, output, "train")
        if train is not None and too_high(facts, output, train):
            yield _finding(facts, output, train.last(WINDOW), high=True)
        elif (still := too_low(facts, output)) is not None:
            yield _finding(facts, output, still, high=False)


def too_high(facts: Facts, output: OutputFacts, train: Series) -> bool:
    """Whether the training loss swings and is surely above a constant's in every recent epoch."""
    # The same samples come every epoch: what swings above the constant's loss is the weights.
    swing = swings(train, constant_loss(facts, output, train), sampling=False)
    if swing is None or rate_raised(facts, WINDOW):
        return False
    recent = train.last(WINDOW)
    surely = replace(recent, values=recent.values - critical() * recent.errors)
    return above_constant(facts, output, surely)


def too_low(facts: Facts, output: OutputFacts) -> Series | None:
    """The loss that stays where it was because steps are too small; None where they are not."""
    still = loss_series(facts, output, judged_split(facts, output))
    if still is None or not motionless(still) or _another_cause(facts, output):
        return None
    train = loss_series(facts, output, "train")
    shown = [still] if train is None or not motionless(train) else [still, train]
    if not unchanged(still) and not any(map(falls_straight, shown)):
        return None
    return still if above_constant(facts, output, still, at_least=AS_BAD) else None


def _another_cause(facts: Facts, output: OutputFacts) -> bool:
    """Whether greater steps would not help."""
    if facts.trainable is False or all_constant(facts) or no_gradient(facts) or moves(facts):
        return True
    if rate_raised(facts, len(records_of(facts, output, "train"))):
        return True
    cause = known_cause(facts, output)
    if cause is not None and cause.code in _OF_TARGETS:
        return True
    return bool(constant_epochs(facts, output) or dead_layers(facts))


def _finding(facts: Facts, output: OutputFacts, losses: Series, *, high: bool) -> Finding:
    rate = rate_now(facts)
    best = baseline(output, records_of(facts, output, losses.split)[-1])
    assert best is not None
    low, top = float(losses.values.min()), float(losses.values.max())
    what = f"swings between {number(low)} and {number(top)}" if high else f"stays at {number(top)}"
    message = (
        f"the learning rate of {number(rate)} is too {'high' if high else 'low'}: the "
        f"{data(losses.split)} loss{of(output)} {what} "
        f"{epochs_text(losses.epochs[0], losses.epochs[-1])}, and {number(best.loss)} "
        f"({best.name}) is what a constant reaches."
    )
    evidence = {
        "summary": f"The learning rate is far too {'high' if high else 'low'}",
        "split": losses.split,
        "since_epoch": losses.epochs[0] + 1,
        "learning_rate": rate,
        "loss_min": low,
        "loss_max": top,
        "constant_loss": best.loss,
    }
    fix = learning_rate(rate, 0.01 if high else 100.0, facts.usual_rate)
    return Finding(code, name, severity, output.name, message, fix, evidence)
