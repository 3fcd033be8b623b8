"""The model gives every sample the same class.

## What it does
Flags a classifier that has predicted one class alone for all samples in each of the last epochs
(validation, or training without it), although the labels hold others, and whose loss is no better
than that of a constant. Five epochs in a row are asked for, and that the training loss has stopped
falling; from then on it stands until an epoch predicts a second class. Which class it is may
change. Where one class holds nine tenths of the labels, predicting nothing else proves nothing:
silent.

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
from lossmon.rules.baselines import DOMINANT, baseline, class_shares
from lossmon.rules.catalogue.constant_inputs import all_constant
from lossmon.rules.catalogue.dead_units import dead_layers, deadly_rate, usual_rate_instead
from lossmon.rules.epochs import judged_split, loss_of, records_of, trailing
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import falling
from lossmon.rules.series import loss_series
from lossmon.rules.standing import raised_at
from lossmon.rules.wording import data, epochs_text, where

code = "LM403"
name = "constant-predictor"
severity: Severity = "warning"

# Epochs in a row.
_EPOCHS = 5
# A loss this far below the constant's shows that predictions do differ.
_BETTER = 0.97


def check(facts: Facts) -> Iterator[Finding]:
    """Find classifiers that give every sample the same class."""
    for output in facts.outputs:
        constant = constant_epochs(facts, output)
        # Where nothing can be learned another rule says why.
        if constant and facts.trainable is not False and not all_constant(facts):
            yield _finding(output, constant, facts)


def constant_epochs(facts: Facts, output: OutputFacts) -> list[EpochRecord]:
    """The last epochs, all of which the output predicted as a constant; empty where it does not."""
    records = records_of(facts, output, judged_split(facts, output))
    alone = trailing(records, lambda record: _one_of_several(output, record))
    train = loss_series(facts, output, "train")
    if train is None or len(alone) < _EPOCHS:
        return []

    def shown(count: int) -> bool:
        seen = alone[:count]
        if count < _EPOCHS or not all(_no_better(output, r) for r in seen[-_EPOCHS:]):
            return False
        return not falling(train.first(sum(e <= seen[-1].epoch for e in train.epochs)))

    return alone if raised_at(len(alone), shown, holds=lambda _: True) is not None else []


def _one_of_several(output: OutputFacts, record: EpochRecord) -> bool:
    best = baseline(output, record)
    if best is None or best.accuracy is None or loss_of(record) is None:
        return False
    return best.accuracy < DOMINANT and _predicted(record) is not None


def _no_better(output: OutputFacts, record: EpochRecord) -> bool:
    best, loss = baseline(output, record), loss_of(record)
    return best is not None and loss is not None and loss > _BETTER * best.loss


def _predicted(record: EpochRecord) -> int | None:
    """The only class that was predicted; None where there were several."""
    classes = [int(row["label"]) for row in record.class_counts or () if row["predicted"]]
    return classes[0] if len(classes) == 1 else None


def _finding(output: OutputFacts, constant: list[EpochRecord], facts: Facts) -> Finding:
    first, last = constant[0], constant[-1]
    alike = trailing(constant, lambda record: _predicted(record) == _predicted(last))
    changed = f", class {_predicted(last)} since epoch {alike[0].epoch + 1}"
    same = len(alike) == len(constant)
    best, shares = baseline(output, last), class_shares(last)
    assert best is not None
    assert shares is not None
    judged = int(last.judged or last.n)
    message = (
        f"{where(output)} predicted {f'class {_predicted(last)}' if same else 'one class'} for "
        f"all {judged} {data(last.split)} samples {epochs_text(first.epoch, last.epoch)}"
        f"{'' if same else changed}; its accuracy is that class's share, "
        f"{shares[_predicted(last) or 0]:.1%}."
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
    too_fast = deadly_rate(facts)
    if too_fast is not None and dead_layers(facts):
        message = f"{message[:-1]}; {too_fast}, and units are dead."
        evidence["summary"] = "The learning rate is so high that every sample gets the same class"
        fix = usual_rate_instead(facts)
    return Finding(code, name, severity, output.name, message, fix, evidence)
