"""The loss falls steadily, but hardly.

## What it does
Advises where, over ten epochs or more, the training loss falls beyond doubt (Mann-Kendall) and as
fast lately as at the beginning, but has covered less than a tenth of its way and is still about
where a constant answer would be. Silent where the fall levels off, which is the end of learning and
not its beginning, while a schedule raises the learning rate, and where another rule tells what is
wrong with the output, its loss or its targets.

## Why is this bad
Training works and will take ten times the epochs it needs to, or stop long before it is done.

## Example
```python
x = np.random.normal(size=(256, 8))
y = (x[:, 0] > 0).astype(int)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.SGD(1e-4), loss="binary_crossentropy")
model.fit(x, y, epochs=15, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(256, 8))
y = (x[:, 0] > 0).astype(int)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="binary_crossentropy")
model.fit(x, y, epochs=15, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Bengio 2012, [Practical recommendations](https://arxiv.org/abs/1206.5533), section 3.1
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.baselines import above_constant
from lossmon.rules.causes import known_cause
from lossmon.rules.epochs import rate_now, rate_raised
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import falls_steadily, motionless
from lossmon.rules.series import Series, loss_series
from lossmon.rules.trend import trend
from lossmon.rules.wording import epochs_text, learning_rate, number, of

code = "LM411"
name = "slow-convergence"
severity: Severity = "info"

_EPOCHS = 10
# Part of the loss that ten epochs should have taken away.
_HARDLY = 0.1


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose loss falls steadily and hardly."""
    for output in facts.outputs:
        train = loss_series(facts, output, "train")
        if train is None or len(train) < _EPOCHS or motionless(train):
            continue
        if rate_raised(facts, len(train)):
            continue
        if not _slow(train) or known_cause(facts, output) is not None:
            continue
        if above_constant(facts, output, train.last(1), at_least=1 - _HARDLY):
            yield _finding(output, train, rate_now(facts), facts.usual_rate)


def _slow(train: Series) -> bool:
    hardly = train.values[-1] >= (1 - _HARDLY) * train.values[0]
    return bool(hardly) and falls_steadily(train)


def _finding(
    output: OutputFacts, train: Series, rate: float | None, usual: float | None
) -> Finding:
    first, last = float(train.values[0]), float(train.values[-1])
    message = (
        f"the training loss{of(output)} fell only from {number(first)} to {number(last)} "
        f"{epochs_text(train.epochs[0], train.epochs[-1])}, and does not level off."
    )
    evidence = {
        "since_epoch": train.epochs[0] + 1,
        "loss": [first, last],
        "epochs": len(train),
        "trend_chance": trend(train.values).falling,
        "learning_rate": rate,
    }
    fix = learning_rate(rate, 10.0, usual)
    return Finding(code, name, severity, output.name, message, fix, evidence)
