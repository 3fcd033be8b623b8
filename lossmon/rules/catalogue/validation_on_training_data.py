"""Validation samples are training samples.

## What it does
Looks validation samples up among the training samples, by their inputs: 512 of them, or all of
fewer, each kind once. Some training samples are looked up among the others likewise, for some data
repeat themselves by their nature. Flags a training if by a tenth more of its validation samples are
known than of these, and more than chance explains. Arrays and tables of numbers are looked at, and
131,072 training samples where there are more. Where the training data repeat themselves as often,
a tenth of the validation samples or more gets advice alone: that may be the nature of the data, or
come of copies that were made before they were parted. A few training samples among the validation
data are not found, nor any that were changed in the least. Datasets of
TensorFlow that go through arrays from end to end are looked at like these. Of other datasets,
loaders and the like nothing is read: they are flagged where one and the same object is given as
training and as validation data, but no iterator, nothing without end, and not where
`steps_per_epoch` may leave some of it out. And datasets of TensorFlow where both are made of one of
which either leaves nothing out, or where both are parts (`take`, `skip`, `shard`) of data that
`shuffle` draws anew whenever they are read, within a tenth of them or more: each epoch parts them
otherwise. Where functions of their own (`map`) may make other samples for the validation, nothing
is said.

## Why is this bad
The validation loss and accuracy are in part those of samples that the model has learned, so they
promise too much of new ones. Overfitting shows late or not at all, and early stopping, best
checkpoints and searches choose by how well the training data are known by heart. (What `fit` prints
of the training data are means of an epoch in which the weights move. Who wants their loss with the
weights held still gets it by `Monitor(audit_train=True)`.)

## Example
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, validation_data=(x[40:], y[40:]), verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.rand(64, 8)
y = np.random.randint(0, 2, size=64)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
model.fit(
    x[:40],
    y[:40],
    validation_data=(x[40:], y[40:]),
    verbose=0,
    callbacks=[lossmon.Monitor()],
)
```

## References
- [Training and evaluation with Keras](https://keras.io/guides/training_with_built_in_methods/)
- [Common pitfalls: data leakage](https://scikit-learn.org/stable/common_pitfalls.html)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts
from lossmon.rules.repeated_facts import RepeatedFacts, SharedFacts

code = "LM505"
name = "validation-on-training-data"
severity: Severity = "warning"

_FEWEST = 5
_EXCESS = 0.1
_ERRORS = 4.0
"""Standard errors of a difference between shares, which chance exceeds once in 30,000 trainings."""
_NOTHING_NEW = "their loss and accuracy say nothing about new samples, and overfitting cannot show"
_LOOKS_BETTER = (
    "the validation loss and accuracy look better than those of new samples, and overfitting shows "
    "too little"
)
_FIX = (
    "model.fit(x, y, validation_split=0.2)  # the last fifth; drop what comes twice and shuffle "
    "x and y before"
)

_FIX_OF_COPIES = (
    "x_train, x_val, y_train, y_val = train_test_split(x, y)  # before samples are copied; then "
    "copy those of the training part alone"
)
_FIX_OF_PARTS = (
    "data = data.shuffle(n, seed=0, reshuffle_each_iteration=False)  # before take and skip; then "
    "shuffle the training part again"
)
_FIX_OF_ONE = (
    "model.fit(train_data, validation_data=val_data)  # made of samples that were parted before "
    "they were shuffled"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find trainings that are validated on what they are trained on."""
    given = facts.repeated
    if given is None and facts.shared is not None:
        yield _of_shared(facts.shared)
    if given is None or given.known < _FEWEST:
        return
    if _more_than_usual(given):
        yield _of_training_samples(given)
    elif given.known_share >= _EXCESS:
        yield _of_data_that_repeat_themselves(given)


def _of_training_samples(given: RepeatedFacts) -> Finding:
    effect = _NOTHING_NEW if given.known == given.validated else _LOOKS_BETTER
    message = f"{_who(given)} are training samples, too{_usually(given)}: {effect}."
    return Finding(code, name, severity, None, message, _FIX, _evidence(given))


def _of_data_that_repeat_themselves(given: RepeatedFacts) -> Finding:
    message = (
        f"{given.known_share:.0%} of the validation samples are training samples, too; of "
        f"{given.trained} training samples, {given.again} come again as well. That may be the "
        "nature of the data; where samples were copied before they were parted, to balance the "
        "classes for instance, the validation loss and accuracy promise too much."
    )
    summary = "Validation samples come again among the training samples, as these do themselves"
    evidence = {"summary": summary, "known_share": given.known_share, **_evidence(given)}
    return Finding(code, name, "info", None, message, _FIX_OF_COPIES, evidence)


def _evidence(given: RepeatedFacts) -> dict[str, Any]:
    return {
        "val_samples": given.samples,
        "looked_up": given.validated,
        "known": given.known,
        "train_looked_up": given.trained,
        "train_again": given.again,
    }


def _of_shared(given: SharedFacts) -> Finding:
    new = f"Unless it makes new samples whenever it is read, {_NOTHING_NEW}."
    message, fix = {
        "one_object": (
            "all validation samples are training samples, too: `fit` is given one and the same "
            f"{given.kind} as x and as validation_data. {new}",
            _FIX_OF_ONE,
        ),
        "trained_whole": (
            "all validation samples are training samples, too: both datasets that `fit` is given "
            f"are made of one, and the training leaves nothing of it out. {new}",
            _FIX_OF_ONE,
        ),
        "validated_whole": (
            "all training samples are validation samples, too: both datasets that `fit` is given "
            f"are made of one, and the validation leaves nothing of it out: {_LOOKS_BETTER}.",
            _FIX_OF_ONE,
        ),
        "parted_anew": (
            "validation samples of one reading are training samples of others: the data are parted "
            "(take, skip or shard) behind a shuffle that draws another order whenever they are "
            f"read, in each epoch: {_LOOKS_BETTER}.",
            _FIX_OF_PARTS,
        ),
    }[given.how]
    evidence = {"shared": given.kind, "how_shared": given.how}
    return Finding(code, name, severity, None, message, fix, evidence)


def _more_than_usual(given: RepeatedFacts) -> bool:
    known, again = given.known_of_others, given.again
    excess = known / given.validated - again / given.trained
    both = (known + again) / (given.validated + given.trained)
    error = math.sqrt(both * (1 - both) * (1 / given.validated + 1 / given.trained))
    return excess >= _EXCESS and excess >= _ERRORS * error


def _who(given: RepeatedFacts) -> str:
    looked_up = "" if given.validated == given.samples else " that were looked up"
    count = (
        f"all {given.known}"
        if given.known == given.validated
        else f"{given.known} of {given.validated}"
    )
    return f"{count} validation samples{looked_up}"


def _usually(given: RepeatedFacts) -> str:
    if not given.again:
        return ""
    return f" (of {given.trained} training samples, {given.again} come again)"
