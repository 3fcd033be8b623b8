"""The training loss rises.

## What it does
Flags a training loss that has left its minimum upwards: by more standard errors than chance gives
in any epoch of the run (Bonferroni), with a trend (Mann-Kendall) over at least three epochs or at
once, to above all that came before for three epochs or more, and by a tenth or more of the loss and
of what had been learned. A spike that recovers is no divergence.

## Why is this bad
Training minimises this very number. If it rises for epochs, the steps overshoot (a learning rate
too high, gradients without bound), and what was learned is being lost.

## Example
```python
x = np.random.normal(size=(64, 8))
y = x[:, 0]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.75), loss="mse")
model.fit(x, y, batch_size=64, epochs=15, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(64, 8))
y = x[:, 0]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
model.fit(x, y, batch_size=64, epochs=15, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Goodfellow, Bengio, Courville 2016, Deep learning, section 11.4.1 (the learning rate)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.epochs import rate_before_raise, rate_now
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import Rise, rise
from lossmon.rules.series import Series, loss_series
from lossmon.rules.wording import epochs_text, learning_rate, moved_text, number, of

code = "LM409"
name = "diverging-loss"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose training loss rises."""
    for output in facts.outputs:
        train = loss_series(facts, output, "train")
        risen = None if train is None else rise(train)
        if train is not None and risen is not None:
            yield _finding(facts, output, train, risen)


def _finding(facts: Facts, output: OutputFacts, train: Series, risen: Rise) -> Finding:
    since, rate = risen.before.epoch, rate_now(facts)
    fell_at = rate_before_raise(facts, since)
    message = (
        f"the training loss{of(output)} rose {epochs_text(since, train.epochs[-1])}: "
        f"{moved_text(risen.before, risen.after)}."
    )
    evidence = {
        "since_epoch": since + 1,
        "until_epoch": risen.after.epoch + 1,
        "loss": [risen.before.value, risen.after.value],
        "standard_errors": risen.errors,
        "standard_errors_needed": risen.needed,
        "learning_rate": rate,
    }
    fix = learning_rate(rate, 0.1, facts.usual_rate) + "  # or clipnorm=1.0 in the optimizer"
    if fell_at is not None:
        fix = f"{learning_rate(fell_at, 1.0)}  # as in epoch {since + 1}; it is {number(rate)} now"
    return Finding(code, name, severity, output.name, message, fix, evidence)
