"""The training loss swings from epoch to epoch and goes nowhere.

## What it does
Flags a training loss without trend over the last ten epochs that changes direction at least every
other epoch, by more than sampling explains and by a tenth or more of the run's first loss (or of a
constant answer's, where that is less). Silent where the learning rate was raised in between, as
cyclic schedules do, and where the loss stays above that of a constant answer: see
`learning-rate-out-of-range`.

## Why is this bad
Steps are so large that they jump across the valley instead of descending into it. Which loss the
run ends with is a matter of luck.

## Example
```python
x = np.random.normal(size=(1024, 8))
y = x[:, :1]
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(16, activation="tanh"),
    keras.layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.RMSprop(0.2), loss="mse")
model.fit(x, y, batch_size=256, epochs=25, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(1024, 8))
y = x[:, :1]
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(16, activation="tanh"),
    keras.layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.RMSprop(0.003), loss="mse")
model.fit(x, y, batch_size=256, epochs=25, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Goodfellow, Bengio, Courville 2016, Deep learning, section 11.4.1 (the learning rate)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.baselines import constant_loss
from lossmon.rules.catalogue.learning_rate_out_of_range import too_high
from lossmon.rules.epochs import rate_now, rate_raised
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import WINDOW, swings
from lossmon.rules.series import Series, loss_series
from lossmon.rules.wording import learning_rate, number, of

code = "LM410"
name = "oscillating-loss"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose training loss swings."""
    for output in facts.outputs:
        train = loss_series(facts, output, "train")
        swing = None if train is None else swing_of(facts, output, train)
        if train is None or swing is None:
            continue
        if not too_high(facts, output, train):
            yield _finding(output, train.last(WINDOW), swing, rate_now(facts))


def swing_of(facts: Facts, output: OutputFacts, train: Series) -> float | None:
    """How far the training loss swings, where no schedule made it; None where it is calm."""

    def rate_was_kept(count: int) -> bool:
        return not rate_raised(facts, WINDOW, until=train.epochs[count - 1])

    return swings(train, constant_loss(facts, output, train), counts=rate_was_kept)


def _finding(output: OutputFacts, recent: Series, swing: float, rate: float | None) -> Finding:
    low, high = float(recent.values.min()), float(recent.values.max())
    message = (
        f"the training loss{of(output)} swings between {number(low)} and {number(high)} "
        f"since epoch {recent.epochs[0] + 1}, by {number(swing)} from one epoch to the next, "
        "without getting anywhere."
    )
    evidence = {
        "since_epoch": recent.epochs[0] + 1,
        "loss_min": low,
        "loss_max": high,
        "typical_swing": swing,
        "standard_error": float(recent.errors.mean()),
        "learning_rate": rate,
    }
    fix = learning_rate(rate, 0.1) + "  # or a larger batch_size"
    return Finding(code, name, severity, output.name, message, fix, evidence)
