"""A constant answer would do as well.

## What it does
Flags a model whose loss has stopped falling at 95 % or more of what the best constant answer
reaches on the same labels: the entropy of their shares for a cross-entropy, their variance for a
mean squared error. It must be so in six epochs in a row after ten in all, on training and on
validation data where both can be judged. Flags as well a model that learns its training data and
in no three epochs together, of ten or more, had a validation loss more than 5 % below the
constant's, and has a larger one now: what it learns holds for its training samples alone. Silent
where the accuracy is significantly above the share of the largest class, and where rare classes are
found significantly more often than by chance. Once found, it stands until the loss of three epochs
together is more than 5 % below the constant's, or the answers are surely better than its.
At the end of a training of six epochs or more it is flagged with less patience: where the loss was
never more than 5 % below the constant's, is above it in each of the last three epochs and
significantly so in the last, unless it falls so fast that as many epochs again would bring it
below, or has come down at all in fewer than ten. A classifier that ends after ten epochs or more is
flagged as well where neither its loss was ever more than 5 % below the constant's nor its accuracy
is above it, on training and on validation data, and it does not fall as fast as that. A model
without trainable weights whose loss stays as bad as that from the first epoch on is told that it
has none. Where another rule tells what is wrong with the output, its loss or its targets, that is
to be mended first.

## Why is this bad
Loss and accuracy can look respectable and hold no more than the frequencies of the labels. The
inputs may carry nothing about them, may be shuffled against them, or the model cannot use them.

## Example
```python
x = np.random.rand(400, 4)
y = np.random.permutation(np.repeat([0, 1], 200))
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy")
model.fit(x, y, epochs=30, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.rand(400, 4)
y = (x[:, 0] > 0.5).astype(int)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy")
model.fit(x, y, epochs=30, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- [A recipe for training neural networks](https://karpathy.github.io/2019/04/25/recipe/)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import EpochRecord, Finding, Severity
from lossmon.rules.baselines import AS_BAD, Baseline, above_constant, baseline, lead_over
from lossmon.rules.catalogue.constant_inputs import all_constant
from lossmon.rules.catalogue.constant_predictor import constant_epochs
from lossmon.rules.catalogue.dead_units import dead_layers
from lossmon.rules.catalogue.learning_rate_out_of_range import too_high, too_low
from lossmon.rules.catalogue.oscillating_loss import swing_of
from lossmon.rules.catalogue.vanishing_gradient import vanishing
from lossmon.rules.causes import known_cause
from lossmon.rules.epochs import judged_split, loss_of, rate_now, records_of, trailing, until
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.memorising import Beside, learns_by_heart, memorises_now, still_no_better
from lossmon.rules.movement import no_gradient
from lossmon.rules.progress import FEWEST, WINDOW, falling, motionless, rise
from lossmon.rules.series import BLOCK, Series, loss_series, share_error
from lossmon.rules.standing import raised_at
from lossmon.rules.trend import critical
from lossmon.rules.wording import data, epochs_text, learning_rate, number, of

code = "LM404"
name = "no-better-than-baseline"
severity: Severity = "warning"

_MATCH = (
    "print(y[:20], y_val[:20])  # does each label belong to its x? are both sets of one kind? "
    "if so: a smaller model, more data"
)
_TRAIN = "model.trainable = True  # before model.compile; or of the layers alone that are to learn"
_TRY_FEW = "model.fit(x[:32], y[:32], epochs=200)  # can it learn 32 samples? do x and y match?"
_IS_IT_ALIKE = "print(model.predict(x[:5]), x.std(axis=0))  # same output for different inputs?"
# Part of the way from a constant's accuracy to 1 beyond which no model is called bad.
_GOOD = 0.5


def check(facts: Facts) -> Iterator[Finding]:
    """Find outputs that a constant would match."""
    for output in facts.outputs:
        if facts.trainable is False:
            yield from _untrained(facts, output)
            continue
        train, val = (Beside.of(facts, output, split) for split in ("train", "val"))
        judged = train if val is None else val
        if judged is None or loss_series(facts, output, "train") is None:
            continue
        if _found(facts, output, train, judged):
            by_heart = val is not None and train is not None and learns_by_heart(train, val)
            if by_heart and val is not None and train is not None:
                yield _memorised(train, val)
            elif not _another_trouble(facts, output):
                yield _finding(facts, judged)
        elif _ends_above(facts, judged) and not _another_trouble(facts, output):
            yield _ended(facts, train, judged)
        elif _ends_beside(facts, train, judged) and not _another_trouble(facts, output):
            yield _beside(facts, judged)


def _found(facts: Facts, output: OutputFacts, train: Beside | None, judged: Beside) -> bool:
    """Whether it was found while training went on, and still is so."""

    def shown(count: int) -> bool:
        now, epoch = judged.first(count), judged.series.epochs[count - 1]
        if train is not None and now.series.split == "val" and memorises_now(train, now):
            return True
        return not now.is_better and _is_stuck(until(facts, epoch), output)

    count = raised_at(len(judged), shown, holds=lambda n: still_no_better(judged.first(n)))
    return count is not None


def _is_stuck(facts: Facts, output: OutputFacts) -> bool:
    """Whether the loss has stopped falling where a constant's is, for no other known reason."""
    train = loss_series(facts, output, "train")
    if train is None or len(train) < WINDOW or (falling(train) and not no_gradient(facts)):
        return False
    enough = len(_failing_epochs(facts, output)) >= FEWEST
    return enough and not _another_trouble(facts, output)


def _another_trouble(facts: Facts, output: OutputFacts) -> bool:
    """Whether another rule says better why the run does not learn."""
    train = loss_series(facts, output, "train")
    if train is None or all_constant(facts) or too_low(facts, output) is not None:
        return True
    moving = rise(train) is not None or swing_of(facts, output, train) is not None
    moving = moving or too_high(facts, output, train)
    return moving or bool(constant_epochs(facts, output) or dead_layers(facts))


def _ends_above(facts: Facts, judged: Beside) -> bool:
    """Whether a training has ended that a constant surely outdoes, and was not about to pass it."""
    if facts.training is None or not facts.training.ended or len(judged) < FEWEST:
        return False
    if not judged.never_better or judged.tells_more():
        return False
    if not judged.exceeds(BLOCK) or not judged.exceeds(1, surely=True):
        return False
    values = judged.series.values
    if len(judged) < WINDOW:
        # So few epochs do not show whether what came down is still falling.
        return bool(values[-1] >= values[0])
    if not falling(judged.series):
        return True
    missing, lately = values[-1] - judged.constant, values[-1 - len(values) // 2] - values[-1]
    return bool(missing > lately)


def _ends_beside(facts: Facts, train: Beside | None, judged: Beside) -> bool:
    """Whether a classifier has ended that never left a constant's loss nor its accuracy."""
    if facts.training is None or not facts.training.ended or len(judged) < WINDOW:
        return False
    known = [judged] if train is None else [train, judged]
    if not all(beside.never_better and not beside.tells_more() for beside in known):
        return False
    # Hard regressions explain a few percent of the variance, and no accuracy shows that they do.
    if lead_over(judged.output, judged.records[-1]) is None:
        return False
    values = judged.series.values
    missing, lately = (
        values[-1] - AS_BAD * judged.constant,
        values[-1 - len(values) // 2] - values[-1],
    )
    return bool(missing > max(lately, 0.0))


def _failing_epochs(facts: Facts, output: OutputFacts) -> list[EpochRecord]:
    """The last epochs, in all of which the constant was as good on whatever can be judged."""
    failing: dict[int, EpochRecord | None] = {}
    for split in ("train", "val"):
        for record in records_of(facts, output, split):
            if baseline(output, record) is None:
                continue
            failed_so_far = failing.get(record.epoch, record) is not None
            failing[record.epoch] = record if failed_so_far and _fails(output, record) else None
    last = trailing(list(failing.values()), lambda record: record is not None)
    return [record for record in last if record is not None]


def _fails(output: OutputFacts, record: EpochRecord) -> bool:
    best, loss = baseline(output, record), loss_of(record)
    if best is None or loss is None or loss <= AS_BAD * best.loss:
        return False
    lead = lead_over(output, record)
    return lead is None or lead <= critical() * share_error(record)


def _untrained(facts: Facts, output: OutputFacts) -> Iterator[Finding]:
    """Say of a model that cannot learn, and is bad, why it is."""
    splits = dict.fromkeys((judged_split(facts, output), "train"))
    series = (loss_series(facts, output, split) for split in splits)
    bad = [one for one in series if one is not None and _stays_bad(facts, output, one)]
    if not bad:
        return
    first, *_, last = records_of(facts, output, bad[0].split)
    best, lead = baseline(output, last), lead_over(output, last)
    assert best is not None
    if lead is not None and lead > _GOOD * (1 - (best.accuracy or 0.0)):
        return
    message = (
        f"the model has no trainable weights: the {data(last.split)} loss{of(output)} stays at "
        f"{number(loss_of(last))} {epochs_text(first.epoch, last.epoch)}, and {number(best.loss)} "
        f"({best.name}) is what a constant reaches."
    )
    evidence = {"summary": "The model has no trainable weights", **_evidence(first, last, best)}
    yield Finding(code, name, severity, output.name, message, _TRAIN, evidence)


def _stays_bad(facts: Facts, output: OutputFacts, losses: Series) -> bool:
    return motionless(losses) and above_constant(facts, output, losses, at_least=AS_BAD)


def _finding(facts: Facts, judged: Beside) -> Finding:
    output, records = judged.output, judged.records
    since = trailing(records, lambda record: _no_less(output, record)) or records[-1:]
    first, last = since[0], since[-1]
    best = baseline(output, last)
    assert best is not None
    train = loss_series(facts, output, "train")
    why, fix = "" if train is None or falling(train) else "; it has stopped falling", _TRY_FEW
    if no_gradient(facts):
        why, fix = "; the gradient of every kernel is 0", _IS_IT_ALIKE
    cause, far_above = known_cause(facts, output), judged.series.values[-1] > best.loss / AS_BAD
    # What is merely advised keeps a loss from coming down to a constant's, and not there.
    if cause is not None and (far_above or cause.severity != "info"):
        why, fix = f"{why}; {_mend_first(cause)}", cause.fix
    message = (
        f"the {data(last.split)} loss{of(output)}, {number(loss_of(last))}, is no better than "
        f"{number(best.loss)} ({best.name}), which a constant reaches, "
        f"{epochs_text(first.epoch, last.epoch)}{why}."
    )
    evidence = {**_summary(judged, since, best), **_evidence(first, last, best)}
    return Finding(code, name, severity, output.name, message, fix, evidence)


def _summary(judged: Beside, since: list[EpochRecord], best: Baseline) -> dict[str, object]:
    """What is said in one line, where a constant is better and not merely as good in each epoch."""
    far_above = judged.series.values[-1] > best.loss / AS_BAD
    if not far_above or not judged.exceeds(len(since), surely=True):
        return {}
    return {"summary": "A constant answer would do better"}


def _no_less(output: OutputFacts, record: EpochRecord) -> bool:
    best, loss = baseline(output, record), loss_of(record)
    return best is not None and loss is not None and loss > AS_BAD * best.loss


def _memorised(train: Beside, val: Beside) -> Finding:
    output, first, last = val.output, val.records[0], val.records[-1]
    best = baseline(output, last)
    assert best is not None
    message = (
        f"the validation loss{of(output)}, {number(loss_of(last))}, is above {number(best.loss)} "
        f"({best.name}), which a constant reaches, and was in no three epochs together more than "
        f"{1 - AS_BAD:.0%} below it, while the training loss fell to "
        f"{number(float(train.series.values[-1]))}: what it learns does not hold for the "
        "validation data."
    )
    evidence = {
        "summary": "What it learns does not hold for the validation data",
        **_evidence(first, last, best),
        "train_loss": float(train.series.values[-1]),
    }
    return Finding(code, name, severity, output.name, message, _MATCH, evidence)


def _ended(facts: Facts, train: Beside | None, judged: Beside) -> Finding:
    """What is said of a training that has ended before it was found."""
    output, last = judged.output, judged.records[-1]
    since = trailing(judged.records, lambda record: _exceeds(output, record))
    best = baseline(output, last)
    assert best is not None
    errors = (judged.series.values[-1] - best.loss) / judged.series.errors[-1]
    message = (
        f"the training has ended with a {data(last.split)} loss{of(output)} of "
        f"{number(loss_of(last))}, above {number(best.loss)} ({best.name}), which a constant "
        f"reaches, {epochs_text(since[0].epoch, last.epoch)}: by {errors:.1f} standard errors"
    )
    evidence = {
        **_summary(judged, since, best),
        **_evidence(since[0], last, best),
        "standard_errors": float(errors),
    }
    fix = _TRY_FEW
    if train is not None and judged is not train and train.series.values[-1] < train.constant:
        message += f", while the training loss fell to {number(float(train.series.values[-1]))}."
        evidence["train_loss"], fix = float(train.series.values[-1]), _MATCH
    elif (cause := known_cause(facts, output)) is not None:
        message, fix = f"{message}. {_mend_first(cause)}.", cause.fix
    elif falling(judged.series):
        message += (
            f". It still fell, from {number(float(judged.series.values[0]))} in the first epoch, "
            "too slowly to get below it in as many epochs again."
        )
        faster = learning_rate(rate_now(facts), 10.0, facts.usual_rate)
        fix = f"{faster}  # or more epochs; are x and y scaled?"
    else:
        message += "."
    return Finding(code, name, severity, output.name, message, fix, evidence)


def _mend_first(cause: Finding) -> str:
    return f"{cause.code} ({cause.rule}) tells what is to be mended first"


def _beside(facts: Facts, judged: Beside) -> Finding:
    """What is said of a training that has ended and may just have begun to learn."""
    output, last = judged.output, judged.records[-1]
    since = trailing(judged.records, lambda record: _no_less(output, record)) or [last]
    best = baseline(output, last)
    assert best is not None
    message = (
        f"the training has ended with a {data(last.split)} loss{of(output)} of "
        f"{number(loss_of(last))}, about the {number(best.loss)} ({best.name}) that a constant "
        f"reaches, {epochs_text(since[0].epoch, last.epoch)}, and an accuracy no better than its."
    )
    fix, cause = _TRY_FEW, known_cause(facts, output)
    if cause is not None and cause.severity != "info":
        message, fix = f"{message[:-1]}; {_mend_first(cause)}.", cause.fix
    elif (faint := vanishing(facts)) is not None:
        message, fix = f"{message[:-1]}; {faint.message}", faint.fix
    elif falling(judged.series):
        message = f"{message[:-1]}; it still falls."
        fix = (
            f"model.fit(x, y, epochs={2 * (last.epoch + 1)})  # it may just have begun to learn; "
            "or relu in place of sigmoid or tanh where layers are many"
        )
    return Finding(code, name, severity, output.name, message, fix, _evidence(since[0], last, best))


def _exceeds(output: OutputFacts, record: EpochRecord) -> bool:
    best, loss = baseline(output, record), loss_of(record)
    return best is not None and loss is not None and loss > best.loss


def _evidence(first: EpochRecord, last: EpochRecord, best: Baseline) -> dict[str, object]:
    right = last.correct / last.judged if last.correct is not None and last.judged else None
    return {
        "split": last.split,
        "since_epoch": first.epoch + 1,
        "loss": loss_of(last),
        "constant_loss": best.loss,
        "accuracy": right,
        "constant_accuracy": best.accuracy,
    }
