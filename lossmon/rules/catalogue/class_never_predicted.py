"""A class is never predicted, and the accuracy does not show it.

## What it does
Tells of a classifier that has not predicted one of its classes once in the last five epochs or more
(validation, or training without it), although its loss is better than a constant's by a twentieth
or more, and fell by less than a fiftieth in that time, or the training is over. The class must have
so many samples that surely three of four like them are missed: 17, of pixels as many as make 17
pictures. Where the loss is no better than a constant's it tells of it only where one class holds
nine tenths of the labels or more: see `constant-predictor` and `no-better-than-baseline` for
others. Silent as well without an accuracy, and beside any metric that may show it, such as
precision, recall, the area under a curve or one of your own.

## Why is this bad
It need not be: where a class is rare and hard to tell, its probability may rightly stay below one
half, and the loss rewards it all the same. But whoever goes by the accuracy takes a model that
never says "yes" for one that can: where one sample in twenty is a "yes", 95 % are right.

## Example
```python
x = np.random.randint(0, 2, (2000, 4))
y = (np.random.rand(2000) < 0.02 + 0.25 * x[:, 0]).astype(int)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(
    optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy", metrics=["accuracy"]
)
model.fit(x, y, validation_split=0.5, epochs=20, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.randint(0, 2, (2000, 4))
y = (np.random.rand(2000) < 0.02 + 0.25 * x[:, 0]).astype(int)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(
    optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy", metrics=["accuracy", "AUC"]
)
model.fit(x, y, validation_split=0.5, epochs=20, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- [Classification on imbalanced data](https://www.tensorflow.org/tutorials/structured_data/imbalanced_data)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lossmon.records import EpochRecord, Finding, Severity
from lossmon.rules.baselines import AS_BAD, DOMINANT, baseline
from lossmon.rules.epochs import judged_split, loss_of, records_of, samples_of, trailing
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import (
    ACCURACIES,
    BINARY_LOSSES,
    COUNTING_ACCURACIES,
    CROSSENTROPIES,
    REGRESSION_LOSSES,
    from_logits,
)
from lossmon.rules.series import Series, loss_series
from lossmon.rules.trend import share_at_least
from lossmon.rules.wording import data, epochs_text, number, where

code = "LM416"
name = "class-never-predicted"
severity: Severity = "info"

# Epochs in a row.
_EPOCHS = 5
# Part of a loss that is left when it has hardly fallen in as many epochs.
_SETTLED = 0.98
# Share of such samples that is surely missed.
_MISSED = 0.75
_MOST_NAMED = 4
# Axes of predictions of one class for each sample, as class weights need them.
_ROWS = 2
# They say nothing of single classes.
_BLIND = ACCURACIES | CROSSENTROPIES | REGRESSION_LOSSES


def check(facts: Facts) -> Iterator[Finding]:
    """Find classifiers that leave out a class."""
    for output in facts.outputs:
        split = judged_split(facts, output)
        losses = loss_series(facts, output, split)
        ended = facts.training is not None and facts.training.ended
        if losses is not None and (ended or _settled(losses)) and _goes_by_accuracy(output):
            yield from _found(output, records_of(facts, output, split))


def _settled(losses: Series) -> bool:
    """Whether the loss has hardly fallen of late: while it falls, the class may still come."""
    medians = losses.blocks()
    return len(medians) > _EPOCHS and bool(medians[-1] > _SETTLED * medians[-1 - _EPOCHS])


def _found(output: OutputFacts, records: list[EpochRecord]) -> Iterator[Finding]:
    last = [_missed(output, record) for record in records[-_EPOCHS:]]
    missed = set[int].intersection(*last) if len(last) == _EPOCHS else set[int]()
    if missed:
        since = trailing(records, lambda record: missed <= _missed(output, record))
        yield _finding(output, since, sorted(missed))


def _goes_by_accuracy(output: OutputFacts) -> bool:
    """Whether accuracies alone judge its decisions, which are those that are counted by class."""
    printed, loss = output.record.accuracy_metric, output.loss
    if loss is None or printed is None or output.record.intended_metric is not None:
        return False
    if any(metric.custom or metric.name not in _BLIND for metric in output.record.metrics):
        return False
    if loss.name not in BINARY_LOSSES:
        return printed.name in COUNTING_ACCURACIES
    usual = 0.0 if from_logits(loss) else 0.5
    cut = printed.config.get("threshold", 0.5)
    return output.units == 1 and printed.name == "binary_accuracy" and cut == usual


def _missed(output: OutputFacts, record: EpochRecord) -> set[int]:
    """The classes of one epoch that have enough samples and were not predicted."""
    best, loss = baseline(output, record), loss_of(record)
    rows = record.class_counts or ()
    judged = sum(row["count"] for row in rows)
    if best is None or loss is None:
        return set()
    if loss > AS_BAD * best.loss and (best.accuracy or 0.0) < DOMINANT:
        return set()
    if not judged or judged != sum(row["predicted"] for row in rows):
        return set()
    # Elements of one sample go together.
    each = min(samples_of(record) / judged, 1.0)

    def matters(samples: float) -> bool:
        return share_at_least(samples, samples) >= _MISSED

    return {
        int(row["label"]) for row in rows if not row["predicted"] and matters(row["count"] * each)
    }


def _finding(output: OutputFacts, since: list[EpochRecord], missed: list[int]) -> Finding:
    first, last = since[0], since[-1]
    best = baseline(output, last)
    assert best is not None
    assert last.correct is not None
    assert last.judged
    counts = [row["count"] for row in last.class_counts or ()]
    samples, right = int(sum(counts[label] for label in missed)), last.correct / last.judged
    which = f"class {missed[0]}" if len(missed) == 1 else f"classes {_listed(missed)}"
    message = (
        f"{where(output)} never predicted {which} {epochs_text(first.epoch, last.epoch)}, which "
        f"{samples} of {int(sum(counts))} {data(last.split)} labels name. Its accuracy, "
        f"{right:.1%}, hides that: one answer to everything would have {best.accuracy or 0.0:.1%}. "
        f"Its loss, {number(loss_of(last))}, is {_beside(loss_of(last), best.loss)}."
    )
    evidence = {
        "split": last.split,
        "since_epoch": first.epoch + 1,
        "missed_classes": missed,
        "missed_samples": samples,
        "samples": int(sum(counts)),
        "accuracy": right,
        "constant_accuracy": best.accuracy,
        "loss": loss_of(last),
        "constant_loss": best.loss,
    }
    fix = _fix(output, {label: max(counts) / counts[label] for label in missed})
    return Finding(code, name, severity, output.name, message, fix, evidence)


def _beside(loss: float | None, constant: float) -> str:
    """How a loss compares with that of a constant answer."""
    if loss is None or loss > AS_BAD * constant:
        how = "hardly better" if loss is not None and loss < constant else "no better"
        return f"{how} than a constant's, {number(constant)}"
    return f"better than a constant's, {number(constant)}: it does tell samples apart"


def _listed(missed: Sequence[int]) -> str:
    named, more = missed[:_MOST_NAMED], len(missed) - _MOST_NAMED
    return ", ".join(map(str, named)) + (f" and {more} more" if more > 0 else "")


def _fix(output: OutputFacts, ratios: Mapping[int, float]) -> str:
    """Code that lets the classes count for more, or that shows how near they come."""
    if output.name is None and output.rank == _ROWS:
        weights = ", ".join(f"{label}: {ratio:.3g}" for label, ratio in ratios.items())
        return (
            f"model.fit(x, y, class_weight={{{weights}}})  # if missing them costs more; or cut "
            "probabilities elsewhere"
        )
    label, place = next(iter(ratios)), output.place
    scores = f"keras.tree.flatten(model.predict(x_val))[{place}]"
    column = 0 if output.units == 1 else label
    return f"print({scores}[..., {column}].{'min' if output.units == 1 and not label else 'max'}())"
