"""The validation loss has turned up while the training loss falls on.

## What it does
Flags a validation loss that lies above its minimum by a tenth or more, of itself and of all that it
had fallen by, and by more standard errors than chance gives in any epoch of the run, with a trend
over at least three epochs, while the training loss fell significantly in the same time. Errors are
those of the samples, of which half the variance is taken to be shared between epochs (real runs
share more), and the wobble from epoch to epoch.
Silent while the accuracy rises significantly: see `loss-accuracy-divergence`. Where the accuracy
holds, both rules speak; where it falls, loss and accuracy say the same, and this one alone does.
Silent where neither validation loss nor accuracy was ever better than a constant's, when there is
nothing that could get lost: see `no-better-than-baseline`.
Once found, it stands as long as the validation loss is surely a tenth or more above its minimum.
Where the validation loss was clearly the larger one from the first epoch on, when each training
sample was still new, it says so and asks first whether both sets are of one kind: what is due to
other data, no regularisation mends.

## Why is this bad
From the minimum on the model learns the training samples rather than what they have in common. Its
probabilities on new data get worse with every epoch, even where the accuracy holds.

## Example
```python
x = np.random.normal(size=(1200, 20))
y = (x[:, 0] + np.random.normal(size=1200) > 0).astype(int)
model = keras.Sequential([
    keras.Input((20,)),
    keras.layers.Dense(64, activation="relu"),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
train, val = (x[:200], y[:200]), (x[200:], y[200:])
model.fit(*train, validation_data=val, epochs=15, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(1200, 20))
y = (x[:, 0] + np.random.normal(size=1200) > 0).astype(int)
model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
train, val = (x[:200], y[:200]), (x[200:], y[200:])
model.fit(*train, validation_data=val, epochs=15, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Prechelt 1998, Early stopping: but when?
- [Keras EarlyStopping](https://keras.io/api/callbacks/early_stopping/)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from lossmon.records import Finding, Severity
from lossmon.rules.catalogue.loss_accuracy_divergence import episode_now
from lossmon.rules.facts import EpisodeFacts, Facts, OutputFacts, ShiftFacts
from lossmon.rules.memorising import memorises, never_better
from lossmon.rules.progress import Rise, rise
from lossmon.rules.series import BLOCK, Point, Series, accuracy_series, loss_series
from lossmon.rules.trend import critical
from lossmon.rules.wording import epochs_text, loss_key, moved_text, number, of

code = "LM408"
name = "overfitting"
severity: Severity = "warning"

_COMPARE = (
    "print(x.mean(), x.std(), x_val.mean(), x_val.std())  # do x and x_val come from one source, "
    "with the same preprocessing? if so: EarlyStopping, more data, dropout"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs whose validation loss rises while the training loss falls."""
    for output in facts.outputs:
        val, train = (loss_series(facts, output, split) for split in ("val", "train"))
        risen = None if val is None else rise(val)
        if val is None or train is None or risen is None:
            continue
        if never_better(facts, output) or memorises(facts, output):
            continue
        fell = _fell_since(train, val.epochs[risen.start])
        if fell is not None and not _accuracy_rises(facts, output):
            episode = _told_elsewhere(facts, output)
            told = risen if episode is None else _between(episode, risen)
            fell = _at_the_same(train, told) or fell
            hits = _accuracies(facts, output, told) if episode is None else episode.accuracy
            found = _finding(output, val, told, fell, hits, smoothed=episode is not None)
            yield _with_shift(found, _shift(facts, output))


def _accuracy_rises(facts: Facts, output: OutputFacts) -> bool:
    """Whether the accuracy rises as well: then the two move apart, and nothing is lost yet."""
    episode = episode_now(facts, output)
    return episode is not None and (episode.split, episode.kind) == ("val", "both_rise")


def _told_elsewhere(facts: Facts, output: OutputFacts) -> EpisodeFacts | None:
    """The rise that `loss-accuracy-divergence` tells of: the same is not told in two ways."""
    episode = episode_now(facts, output)
    if episode is None or (episode.split, episode.kind) != ("val", "loss_rises"):
        return None
    before, after = episode.loss
    return episode if before < after else None


def _shift(facts: Facts, output: OutputFacts) -> ShiftFacts | None:
    known = () if facts.training is None else facts.training.shifts or ()
    return next((shift for shift in known if shift.output == output.name), None)


def _between(episode: EpisodeFacts, risen: Rise) -> Rise:
    ends = (episode.first_epoch, episode.last_epoch)
    before, after = map(Point, ends, episode.loss)
    return risen._replace(before=before, after=after)


def _accuracies(facts: Facts, output: OutputFacts, risen: Rise) -> tuple[float, float] | None:
    """The validation accuracy of both epochs; None where right and wrong are not told."""
    hits = accuracy_series(facts, output, "val")
    known = {} if hits is None else dict(zip(hits.epochs, hits.values.tolist(), strict=True))
    before, after = known.get(risen.before.epoch), known.get(risen.after.epoch)
    return None if before is None or after is None else (before, after)


def _fell_since(train: Series, epoch: int) -> tuple[Point, Point] | None:
    """The training loss about an epoch and now, where it fell significantly in between."""
    start = sum(before < epoch for before in train.epochs)
    medians = train.blocks()
    if len(medians) - 1 - start < BLOCK or train.log().changes()[start] > -critical():
        return None
    return train.typical(start), train.typical(-1)


def _at_the_same(train: Series, told: Rise) -> tuple[Point, Point] | None:
    """The training loss of the epochs that are told of; None where it did not fall between them."""
    known = dict(zip(train.epochs, train.values.tolist(), strict=True))
    epochs = told.before.epoch, told.after.epoch
    if not known.keys() >= set(epochs):
        return None
    before, after = (Point(epoch, known[epoch]) for epoch in epochs)
    return (before, after) if after.value < before.value else None


def _finding(
    output: OutputFacts,
    val: Series,
    risen: Rise,
    fell: tuple[Point, Point],
    hits: tuple[float, float] | None,
    *,
    smoothed: bool,
) -> Finding:
    since, least = risen.before.epoch, val.least()
    # Who is told of both epochs elsewhere sees here that one is not the other.
    below = f", its least {number(least.value)} at epoch {least.epoch + 1}"
    message = (
        f"the validation loss{of(output)} rose {epochs_text(since, val.epochs[-1])}: "
        f"{moved_text(risen.before, risen.after)}{'' if least.epoch == since else below}, while "
        f"the training loss fell, {moved_text(*fell)}"
    )
    if hits is not None:
        accuracy = "the validation accuracy, smoothed," if smoothed else "the validation accuracy"
        message += f"; {accuracy} went from {hits[0]:.1%} to {hits[1]:.1%}"
    message += "."
    evidence = {
        "since_epoch": since + 1,
        "until_epoch": risen.after.epoch + 1,
        "least_epoch": least.epoch + 1,
        "least_loss": least.value,
        "val_loss": [risen.before.value, risen.after.value],
        "train_loss": [point.value for point in fell],
        "train_epochs": [point.epoch + 1 for point in fell],
        "smoothed_val_accuracy" if smoothed else "val_accuracy": hits and list(hits),
        "standard_errors": risen.errors,
        "standard_errors_needed": risen.needed,
    }
    monitor = json.dumps(loss_key(output, "val"))
    fix = (
        f"keras.callbacks.EarlyStopping(monitor={monitor}, patience=5, restore_best_weights=True)"
        "  # or more data, dropout, weight decay"
    )
    return Finding(code, name, severity, output.name, message, fix, evidence)


def _with_shift(finding: Finding, shift: ShiftFacts | None) -> Finding:
    """The same finding, where validation was worse before anything could be learned by heart."""
    if shift is None:
        return finding
    message = (
        f"{finding.message} In the first epoch, when each training sample was still new, it was "
        f"the larger one already, {number(shift.val)} against {number(shift.train)}: see first "
        "whether the validation data are of the same kind as the training data, whether training "
        "samples come shuffled, and whether running means of batch normalisation lag behind."
    )
    first = {"first_val_loss": shift.val, "first_train_loss": shift.train}
    return replace(finding, message=message, fix=_COMPARE, evidence={**finding.evidence, **first})
