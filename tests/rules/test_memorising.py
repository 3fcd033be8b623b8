"""A model that learns its training samples, and nothing that holds for others."""

from __future__ import annotations

import numpy as np
import pytest

from lossmon.records import EpochRecord
from lossmon.rules.memorising import _agreement
from tests.rules.simulated import Classifier
from tests.rules.test_training_rules import (
    CODES,
    RECALLED,
    Epochs,
    asked,
    at_the_end,
    classifier,
    flags,
    overfitted,
)


def memorising(seed: int, *, knows: float = 0.04, **task: float) -> tuple[Classifier, Epochs]:
    """Scores that grow from epoch to epoch, and with them what is known of each sample itself."""
    learner = classifier(seed, **{"classes": 4, "sharpness": 0.0, **task})
    epochs: Epochs = []
    for i in range(20):
        epochs.append(learner.epoch(i, "train", knows * (i + 1), seen=0.3 * i))
        epochs.append(learner.epoch(i, "val", knows * (i + 1)))
    return learner, epochs


def test_labels_that_do_not_belong_to_their_inputs_are_named_and_nothing_else() -> None:
    named = [at_the_end(*memorising(seed)) for seed in range(20)]
    assert all(flags(found) <= {"LM404"} for found in named)
    told = [found["LM404"] for found in named if "LM404" in found]
    # By chance an accuracy may lie above the constant's.
    assert len(told) >= RECALLED
    for finding in told:
        evidence = finding.evidence
        assert evidence["split"] == "val"
        assert evidence["loss"] > evidence["constant_loss"] > evidence["train_loss"]
        assert finding.message.endswith("what it learns does not hold for the validation data.")


def test_it_is_not_named_before_ten_epochs() -> None:
    said = [{finding.code for finding in found} for found in asked(*memorising(0))]
    assert next(epoch for epoch, codes in enumerate(said) if "LM404" in codes) == 9


@pytest.mark.parametrize("val", [20, 100, 1000])
def test_an_accuracy_above_the_constants_keeps_it_silent(val: int) -> None:
    # Far too sure from the first epoch on, and right more often than not.
    for seed in range(20):
        learner, epochs = memorising(seed, sharpness=1.0, val=val, knows=8.0)
        assert "LM404" not in at_the_end(learner, epochs), seed


def test_a_validation_loss_that_was_once_below_the_constants_is_overfitting() -> None:
    for seed in range(20):
        assert flags(at_the_end(*overfitted(seed))) == {"LM408"}


def test_a_training_that_learns_nothing_either_is_told_otherwise() -> None:
    learner, epochs = memorising(0)
    still: list[EpochRecord] = [learner.epoch(i, "train", 0.01 * (i % 3)) for i in range(20)]
    both = sorted([*still, *(e for e in epochs if e.split == "val")], key=lambda e: e.epoch)
    named = at_the_end(learner, both)
    assert "train_loss" not in (named["LM404"].evidence if "LM404" in named else {})


def test_a_validation_loss_that_still_falls_keeps_it_silent() -> None:
    # Running means of a batch normalisation lag behind for many a short epoch.
    learner, epochs = memorising(0)
    for record in epochs:
        if record.split == "val":
            record.loss = record.recomputed_loss = 1.0 + 3.0 * 0.95**record.epoch
    assert epochs[-1].loss is not None
    assert epochs[-1].loss > 1.05 * 1.39
    assert "LM404" not in at_the_end(learner, epochs)


def test_epochs_of_which_right_and_wrong_are_not_known_are_left_out() -> None:
    learner, epochs = memorising(0)
    assert "LM404" in at_the_end(learner, epochs)
    epochs[-1].correct = epochs[-1].judged = None
    assert "LM404" in at_the_end(learner, epochs)


def test_without_validation_data_nothing_is_said() -> None:
    learner, epochs = memorising(0)
    assert at_the_end(learner, [e for e in epochs if e.split == "train"]).keys() <= {"LM407"}
    assert "LM404" in CODES


def test_rare_classes_that_are_found_keep_it_silent() -> None:
    # One sample of twelve is of the rare class: finding it shows in no accuracy.
    for seed in range(5):
        learner, epochs = memorising(seed, classes=2, prior=1.2)
        assert "LM404" in at_the_end(learner, epochs)
        for record in epochs:
            if record.split == "val":
                usual, other = sorted(row["count"] for row in record.class_counts or ())[::-1]
                found = other // 2
                record.class_counts = [
                    {
                        "label": 0,
                        "count": usual,
                        "predicted": usual,
                        "correct": usual - (other - found),
                    },
                    {"label": 1, "count": other, "predicted": other, "correct": found},
                ]
        assert "LM404" not in at_the_end(learner, epochs)


def test_agreement_beyond_chance_is_what_dealing_out_labels_anew_gives() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 400, p=[0.85, 0.1, 0.05])
    answers = np.where(rng.random(400) < 0.3, labels, rng.choice(3, 400, p=[0.9, 0.05, 0.05]))
    counts = [
        {
            "label": label,
            "count": float((labels == label).sum()),
            "predicted": float((answers == label).sum()),
            "correct": float(((labels == label) & (answers == label)).sum()),
        }
        for label in range(3)
    ]
    found = _agreement(EpochRecord(0, "val", None, 0.0, class_counts=counts))
    dealt = [np.mean(rng.permutation(labels) == answers) for _ in range(20_000)]
    expected = (np.mean(labels == answers) - np.mean(dealt)) / np.std(dealt)
    assert found == pytest.approx(expected, rel=0.03)


def test_agreement_is_not_asked_for_where_accuracy_tells_as_much() -> None:
    def record(*rows: tuple[int, int, int]) -> EpochRecord:
        names = ("count", "predicted", "correct")
        counts = [
            {"label": float(label), **dict(zip(names, map(float, row), strict=True))}
            for label, row in enumerate(rows)
        ]
        return EpochRecord(0, "val", None, 0.0, class_counts=counts)

    assert _agreement(record((50, 60, 40), (50, 40, 30))) is None
    assert _agreement(record((95, 60, 40), (50, 40, 30))) is None  # several labels each
    assert _agreement(record((90, 100, 90), (10, 0, 0))) is None
    assert _agreement(EpochRecord(0, "val", None, 0.0)) is None
