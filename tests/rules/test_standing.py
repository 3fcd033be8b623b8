"""What was found stands until the values themselves are better, whatever a rule asks before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lossmon.records import EpochRecord, Finding
from lossmon.rules import run_rules
from lossmon.rules.progress import falling, rise
from lossmon.rules.series import Series, loss_series
from lossmon.rules.standing import looks, raised_at
from lossmon.rules.trend import critical
from tests.rules.simulated import Classifier, Regression
from tests.rules.test_clearing import BARE, gradients
from tests.rules.test_memorising import memorising
from tests.rules.test_training_rules import (
    Epochs,
    asked,
    classifier,
    constant,
    oscillating,
)


def told(learner: Classifier | Regression, records: Epochs, code: str) -> list[Finding | None]:
    """What a rule says after each epoch."""
    return [
        next((finding for finding in found if finding.code == code), None)
        for found in asked(learner, records)
    ]


def series(*values: float, error: float = 0.01) -> Series:
    array = np.array(values, float)
    return Series("val", tuple(range(len(values))), array, np.full(len(values), error))


def test_what_was_found_stands_while_it_holds() -> None:
    assert raised_at(9, lambda n: n == 6, lambda n: n > 5) == 6
    assert raised_at(9, lambda n: n == 6, lambda n: n != 8) is None
    assert raised_at(9, lambda n: n == 6, lambda n: n != 9) is None
    assert raised_at(9, lambda n: n in (3, 8), lambda n: n != 5) == 8
    assert raised_at(0, lambda _: True, lambda _: True) is None


def test_long_runs_are_looked_at_after_the_same_epochs_however_long_they_are() -> None:
    assert [*looks(4)] == [4, 3, 2, 1]
    assert {*looks(900)} == {count for count in looks(1000) if count <= 900}
    assert len([*looks(10_000)]) < 350


def single(learner: Classifier, number: int, answer: int) -> list[EpochRecord]:
    bias = np.eye(3)[answer] * 0.1
    return [learner.epoch(number, split, 0.0, bias=bias) for split in ("train", "val")]


def test_a_constant_answer_stays_one_when_the_class_changes() -> None:
    learner = classifier(0, classes=3, noise=0.0)
    epochs = [e for i in range(15) for e in single(learner, i, 0 if i < 12 else 1)]
    found = told(learner, epochs, "LM403")
    assert all(found[5:])
    last = found[-1]
    assert last is not None
    assert last.message.startswith(
        "the output predicted one class for all 300 validation samples since epoch 1 (of 15), "
        "class 1 since epoch 13; its accuracy is that class's share, "
    )
    varied = [*epochs, *(learner.epoch(15, split, 1.0) for split in ("train", "val"))]
    assert told(learner, varied, "LM403")[-1] is None


def test_a_constant_answer_stays_one_while_the_training_loss_creeps_down() -> None:
    learner, epochs = constant(0)
    for record in epochs:
        if record.epoch > 8 and record.split == "train":
            assert record.recomputed_loss is not None
            record.recomputed_loss = 1.12 - 0.001 * record.epoch
    train = loss_series(learner.after(epochs), learner.facts.outputs[0], "train")
    assert train is not None
    assert falling(train)
    assert all(told(learner, epochs, "LM403")[8:])


def lucky(epochs: Epochs, since: int, share: float) -> None:
    """An accuracy on validation data that is as much above the largest class's share."""
    for record in epochs:
        if record.split == "val" and record.epoch >= since:
            assert record.judged
            largest = max(row["count"] for row in record.class_counts or ())
            record.correct = largest + share * record.judged


def test_labels_that_do_not_belong_stay_named_while_the_loss_is_above_a_constants() -> None:
    learner, epochs = memorising(0)
    found = told(learner, epochs, "LM404")
    first = next(i for i, finding in enumerate(found) if finding is not None)
    assert all(found[first:])
    # Above three points, and not more than some epoch of so many has by chance.
    lucky(epochs, 15, 0.05)
    assert all(told(learner, epochs, "LM404")[first:])
    lucky(epochs, 15, 0.2)
    assert told(learner, epochs, "LM404")[-1] is None


def test_a_loss_that_falls_but_stays_above_a_constants_takes_nothing_back() -> None:
    learner, epochs = memorising(0)
    for record in epochs:
        if record.split == "val" and record.epoch >= 12:
            record.recomputed_loss = 1.8 - 0.02 * record.epoch
    found = told(learner, epochs, "LM404")
    assert found[11] is not None
    assert all(found[11:])
    better = [replace(e, recomputed_loss=1.2) if e.split == "val" else e for e in epochs[-6:]]
    assert told(learner, [*epochs[:-6], *better], "LM404")[-1] is None


def rising_then(*later: float) -> Series:
    fall, climb = np.linspace(1.0, 0.2, 8), np.linspace(0.25, 0.8, 12)
    return series(*fall, *climb, *later)


def test_a_loss_that_comes_halfway_back_has_still_risen() -> None:
    halfway = rising_then(*np.linspace(0.8, 0.5, 40))
    found = rise(halfway)
    assert found is not None
    assert (found.before.value, found.after.value) == (0.2, halfway.values[-2])
    assert rise(rising_then(*np.linspace(0.8, 0.21, 40))) is None


def test_a_rise_is_not_taken_back_because_more_epochs_are_looked_at() -> None:
    # As sure as a rise among 15 epochs must be, and less than one among 60.
    values = [1.0, 0.9, 0.8, 0.8, 0.8, *np.linspace(0.82, 1.1, 7), *[1.1] * 48]
    known = series(*values, error=0.085)
    assert rise(known.first(15)) is not None
    found = rise(known)
    assert found is not None
    assert found.needed <= found.errors < critical(60)


def test_a_swing_stands_while_it_is_as_large() -> None:
    learner, epochs = oscillating(0)
    # A schedule that raises the rate, and epochs that happen to fall one after another.
    raised = [replace(r, learning_rate=1e-3 if r.epoch < 17 else 1e-2) for r in epochs]
    assert told(learner, raised, "LM410")[-1] is not None
    shares = [0.5 + 0.5 * s for s in (1.0, 0.6, 0.2, -0.3, 1.0, -1.0, 1.0, 0.4)]
    more = [learner.epoch(20 + i, "train", share) for i, share in enumerate(shares)]
    assert all(told(learner, epochs + more, "LM410")[20:])
    calm = [learner.epoch(28 + i, "train", 0.95) for i in range(10)]
    assert told(learner, epochs + more + calm, "LM410")[-1] is None


def test_a_gradient_that_grew_and_stays_large_stays_named() -> None:
    norms = [1.0] * 4 + [2.0**i for i in range(12)] + [2.0**11] * 40

    def found(sampled: list[float]) -> list[Finding]:
        known = gradients(sampled, [[]] * len(sampled))
        return run_rules(BARE.after((), (), gradients=known), ["LM413"])

    (finding,) = found(norms)
    assert finding.message == (
        "the norm of the gradient is 2048, 128 times what it was, since epoch 2."
    )
    assert found([*norms, 60.0, 50.0, 40.0]) == []
    assert found([1.0, 3.0, 2.0] * 30) == []
