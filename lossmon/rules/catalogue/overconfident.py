"""Probabilities promise more than the model keeps.

## What it does
Advises where, on validation data, the mean confidence exceeds the share predicted right by surely
more than 5 points in each of the last three epochs. The standard error is binomial, over samples
rather than their elements, corrected for the number of epochs; at least 100 samples. Silent where
the output is 1.0 by construction, which no temperature mends.

## Why is this bad
A probability of 0.99 that is right nine times in ten misleads whoever decides by it. The loss pays
for it on every mistake, while the accuracy shows nothing.

## Example
```python
x = np.random.normal(size=(1200, 20))
y = (x[:, 0] + np.random.normal(size=1200) > 0).astype(int)
model = keras.Sequential([
    keras.Input((20,)),
    keras.layers.Dense(64, activation="relu"),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy")
train, val = (x[:200], y[:200]), (x[200:], y[200:])
model.fit(*train, 8, 5, validation_data=val, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(1200, 20))
y = (x[:, 0] + np.random.normal(size=1200) > 0).astype(int)
model = keras.Sequential([
    keras.Input((20,)),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy")
train, val = (x[:200], y[:200]), (x[200:], y[200:])
model.fit(*train, 8, 5, validation_data=val, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Guo et al. 2017, [On calibration of modern neural networks](https://arxiv.org/abs/1706.04599)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import EpochRecord, Finding, Severity
from lossmon.rules.catalogue.softmax_over_one_unit import always_one
from lossmon.rules.epochs import records_of, samples_of, trailing
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import BINARY_LOSSES
from lossmon.rules.judgement import logits_by_contract
from lossmon.rules.series import Series, accuracy_series
from lossmon.rules.trend import critical
from lossmon.rules.wording import epochs_text, where

code = "LM407"
name = "overconfident"
severity: Severity = "info"

_EPOCHS = 3
_SAMPLES = 100
# A gap that changes decisions.
_MATTERS = 0.05


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose confidence exceeds their accuracy."""
    for output in facts.outputs:
        hits = accuracy_series(facts, output, "val")
        if hits is None or always_one(output):
            continue
        over = _over(records_of(facts, output, "val"), hits)
        if len(over) >= _EPOCHS:
            yield _finding(output, over, _errors(hits)[over[-1].epoch])


def _over(records: list[EpochRecord], hits: Series) -> list[EpochRecord]:
    """The last epochs, in all of which the gap surely matters."""
    errors, needed = _errors(hits), critical(len(hits))

    def surely(record: EpochRecord) -> bool:
        gap, error = record.calibration_gap, errors.get(record.epoch)
        if gap is None or error is None or samples_of(record) < _SAMPLES:
            return False
        return gap - needed * error > _MATTERS

    return trailing(records, surely)


def _errors(hits: Series) -> dict[int, float]:
    return dict(zip(hits.epochs, hits.errors.tolist(), strict=True))


def _finding(output: OutputFacts, over: list[EpochRecord], error: float) -> Finding:
    first, last = over[0], over[-1]
    assert last.calibration_gap is not None
    assert last.confidence is not None
    message = (
        f"{where(output)} is {last.confidence:.1%} sure on average and right in "
        f"{last.confidence - last.calibration_gap:.1%} of the validation data "
        f"{epochs_text(first.epoch, last.epoch)}."
    )
    evidence = {
        "split": last.split,
        "since_epoch": first.epoch + 1,
        "confidence": last.confidence,
        "accuracy": last.confidence - last.calibration_gap,
        "gap": last.calibration_gap,
        "standard_error": error,
        "expected_calibration_error": last.expected_calibration_error,
        "samples": samples_of(last),
    }
    return Finding(code, name, severity, output.name, message, _fix(output), evidence)


def _fix(output: OutputFacts) -> str:
    """Code that fits the temperature on validation data."""
    predicted, labels = "model.predict(x_val)", "y_val"
    if output.name is not None:
        predicted = f"keras.tree.flatten({predicted})[{output.place}]"
        labels = f"keras.tree.flatten({labels})[{output.place}]"
    binary = output.loss is not None and output.loss.name in BINARY_LOSSES
    rows = "ravel()" if binary else f"reshape(-1, {output.units})"
    scores = f"{predicted}.{rows}"
    if not logits_by_contract(output):
        clipped = f"np.clip({scores}, 1e-7, 1 - 1e-7)"
        scores = f"-np.log(1 / {clipped} - 1)" if binary else f"np.log({clipped})"
    one_hot = not binary and not output.sparse
    classes = f"{labels}.{rows}.argmax(axis=1)" if one_hot else f"{labels}.ravel()"
    fitted = f"lossmon.analysis.fit_temperature({scores}, {classes})"
    return f"print({fitted}.temperature)  # divide logits by it"
