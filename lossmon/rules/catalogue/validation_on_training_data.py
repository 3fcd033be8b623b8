"""The validation data are the training data.

## What it does
Flags a training that is given the same NumPy arrays to train on and to validate on, or equal ones:
as many samples, in the same order. Of large arrays some thousand samples from all over are
compared. A few training samples among the validation data are not found.

## Why is this bad
The validation loss and accuracy are those of samples that the model has learned, so they say
nothing about new ones. Overfitting cannot show, and early stopping, best checkpoints and searches
choose by how well the training data are known by heart. (What `fit` prints of the training data
are means of an epoch in which the weights move. Who wants their loss with the weights held still
gets it by `Monitor(audit_train=True)`.)

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, validation_data=(x, y), verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, validation_split=0.25, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- [Training and evaluation with Keras](https://keras.io/guides/training_with_built_in_methods/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts

code = "LM505"
name = "validation-on-training-data"
severity: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find trainings that are validated on what they are trained on."""
    if facts.repeated is not None:
        message = (
            f"all {facts.repeated} validation samples are the training samples themselves: their "
            "loss and accuracy say nothing about new samples, and overfitting cannot show."
        )
        fix = "model.fit(x, y, validation_split=0.2)  # the last fifth; shuffle x and y before"
        evidence = {"samples": facts.repeated}
        yield Finding(code, name, severity, None, message, fix, evidence)
