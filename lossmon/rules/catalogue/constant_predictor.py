"""The model gives every sample the same class.

## What it does
Flags a classifier that has predicted one and the same class for every sample of the last epochs
(validation, or training without it), although the labels hold others, and whose loss is no better
than that of a constant. Five epochs in a row are asked for, and that the loss has stopped falling.
Where one class holds nine tenths of the labels, predicting nothing else proves nothing: silent.

## Why is this bad
The accuracy is the share of that class, which looks like a result. The model has learned the
frequencies of the labels and nothing of the inputs: dead units, a learning rate far off, or inputs
that do not vary.

## Example
```python
x = np.random.rand(200, 8)
y = (x[:, 0] > 0.4).astype(int)
negative = keras.initializers.RandomUniform(-1.0, -0.1)
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(16, activation="relu", kernel_initializer=negative),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(0.1), loss="binary_crossentropy")
model.fit(x, y, epochs=30, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.rand(200, 8)
y = (x[:, 0] > 0.4).astype(int)
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(16, activation="relu"),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(0.1), loss="binary_crossentropy")
model.fit(x, y, epochs=30, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Zhang et al. 2021, AUTOTRAINER: an automatic DNN training problem detection and repair system
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import EpochRecord, Finding, Severity
from lossmon.rules.baselines import baseline, class_shares
from lossmon.rules.catalogue.constant_inputs import all_constant
from lossmon.rules.epochs import judged_split, loss_of, records_of, trailing
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import falling
from lossmon.rules.series import loss_series
from lossmon.rules.wording import data, epochs_text, where

code = "LM403"
name = "constant-predictor"
severity: Severity = "warning"

# Epochs in a row.
_EPOCHS = 5
# Share of one class from which on predicting nothing else proves nothing.
_DOMINANT = 0.9
# A loss this far below the constant's shows that predictions do differ.
_BETTER = 0.97


def check(facts: Facts) -> Iterator[Finding]:
    """Find classifiers that give every sample the same class."""
    for output in facts.outputs:
        constant = constant_epochs(facts, output)
        # Where nothing can be learned another rule says why.
        if constant and facts.trainable is not False and not all_constant(facts):
            yield _finding(output, constant)


def constant_epochs(facts: Facts, output: OutputFacts) -> list[EpochRecord]:
    """The last epochs, all of which the output predicted as a constant; empty where it does not."""
    records = records_of(facts, output, judged_split(facts, output))
    constant = trailing(records, lambda record: _is_constant(output, record))
    if len(constant) < _EPOCHS or len({_predicted(record) for record in constant}) > 1:
        return []
    train = loss_series(facts, output, "train")
    return [] if train is None or falling(train) else constant


def _is_constant(output: OutputFacts, record: EpochRecord) -> bool:
    best, loss = baseline(output, record), loss_of(record)
    if best is None or best.accuracy is None or loss is None or _predicted(record) is None:
        return False
    return best.accuracy < _DOMINANT and loss > _BETTER * best.loss


def _predicted(record: EpochRecord) -> int | None:
    """The only class that was predicted; None where there were several."""
    classes = [int(row["label"]) for row in record.class_counts or () if row["predicted"]]
    return classes[0] if len(classes) == 1 else None


def _finding(output: OutputFacts, constant: list[EpochRecord]) -> Finding:
    first, last = constant[0], constant[-1]
    best, shares = baseline(output, last), class_shares(last)
    assert best is not None
    assert shares is not None
    judged = int(last.judged or last.n)
    message = (
        f"{where(output)} predicted class {_predicted(last)} for all {judged} "
        f"{data(last.split)} samples {epochs_text(first.epoch, last.epoch)}; its accuracy is that "
        f"class's share, {shares[_predicted(last) or 0]:.1%}."
    )
    evidence = {
        "split": last.split,
        "since_epoch": first.epoch + 1,
        "predicted_class": _predicted(last),
        "samples": judged,
        "label_shares": [round(float(share), 4) for share in shares],
        "loss": loss_of(last),
        "constant_loss": best.loss,
    }
    fix = "print(model.predict(x[:5]), x.std(axis=0))  # same output for different inputs?"
    return Finding(code, name, severity, output.name, message, fix, evidence)
