"""Why training and validation loss differ: told where the epochs show it, and else not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.analysis import SplitDifference, explain_splits
from tests.analysis.trained import OUTPUT, Arrays, Recipe, Row, recorded, task, trained

STEADY = Recipe((1e-3,) * 6, decay=1e-3)


def explained(epochs: list[Row], **last: Any) -> list[SplitDifference]:
    told = [row | last if row["split"] == "train" and row["epoch"] == 5 else row for row in epochs]
    return explain_splits(told, [OUTPUT])


def of(split: str, epochs: list[Row]) -> list[Row]:
    return [row for row in epochs if row["split"] == split]


@pytest.fixture(scope="module")
def data() -> tuple[Arrays, Arrays]:
    return task(3, 4000, 2000, class_sep=1.5)


@pytest.fixture(scope="module")
def alike(data: tuple[Arrays, Arrays]) -> list[Row]:
    return trained(*data, STEADY)


@pytest.fixture(scope="module")
def hidden(data: tuple[Arrays, Arrays]) -> list[Row]:
    return trained(*data, Recipe((1e-3,) * 6, dropout=0.4))


def test_of_data_of_one_kind_nothing_is_told(alike: list[Row]) -> None:
    assert explained(alike) == []


def test_validation_data_of_another_kind_are_told(data: tuple[Arrays, Arrays]) -> None:
    train, (x, y) = data
    worse = x + 2.0 * np.random.default_rng(0).normal(size=x.shape)
    epochs = trained(train, (worse, y), STEADY)
    (found,) = explained(epochs)
    assert (found.cause, found.output) == ("shifted-data", None)
    assert found.val > found.train
    assert "of another kind" in found.sentence
    # Of epochs from the middle of a training nobody can say what was still new.
    assert explained([row | {"epoch": row["epoch"] + 1} for row in epochs]) == []


def test_dropout_makes_training_look_worse(hidden: list[Row]) -> None:
    (unknown,) = explained(hidden)
    assert unknown.cause is None
    assert unknown.train > unknown.val
    assert unknown.sentence.endswith("Monitor(audit_train=True) tells which.")
    held, high = unknown.val, 1.5 * unknown.train
    (found,) = explained(hidden, audited_loss=held + 0.2, penalty=0.2)
    assert found.cause == "measured-while-training"
    assert f"with the weights held still it is {held:.3g}" in found.sentence
    (easier,) = explained(hidden, audited_loss=high)
    assert easier.cause == "easier-validation"
    assert easier.document() == {
        "output": None,
        "cause": "easier-validation",
        "train": easier.train,
        "val": easier.val,
        "sentence": easier.sentence,
    }


def test_overfitting_is_no_shift() -> None:
    train, val = task(5, 300, 2000, flip=0.1)
    epochs = trained(train, val, Recipe((5e-3,) * 20, units=128))
    assert of("val", epochs)[-1]["recomputed_loss"] > 2 * of("train", epochs)[-1]["recomputed_loss"]
    assert explain_splits(epochs, [OUTPUT]) == []


@pytest.mark.parametrize("change", ["weights", "sequences", "missing", "few"])
def test_what_cannot_be_compared_is_not(hidden: list[Row], change: str) -> None:
    changed = {
        "weights": [row | {"weight": 2.0 * row["n"]} for row in hidden],
        "sequences": [row | {"correct": None, "judged": None} for row in hidden],
        "missing": [row for row in hidden if (row["split"], row["epoch"]) != ("val", 4)],
        "few": [row for row in hidden if row["epoch"] < 2],
    }
    output = OUTPUT | ({"shape": [None, 8, 2]} if change == "sequences" else {})
    assert explain_splits(changed[change], [output]) == []


def test_samples_few_enough_to_be_chance_are_not_told() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    epochs: list[Row] = []
    for epoch in range(6):
        for split, sure in (("train", 0.75), ("val", 0.7)):
            right = rng.random(60) < 0.8
            share = np.where(right == (labels == 1), sure, 1 - sure)
            shares = np.stack([1 - share, share], axis=1)
            epochs.append(recorded(epoch, split, shares, labels))
    assert explained(epochs) == []


VALUES: Row = {**OUTPUT, "loss": "mean_squared_error", "shape": [None, 1]}


def errors_of_values(seed: int, *, worse: float, val: int = 500) -> list[Row]:
    """The epochs of a model of values whose squared errors are far from normal."""
    rng = np.random.default_rng(seed)
    of_split = {
        "train": np.exp(rng.normal(size=4000)),
        "val": worse * np.exp(rng.normal(size=val)),
    }
    return [
        {
            "epoch": epoch,
            "split": split,
            "output": None,
            "coverage": 1.0,
            "n": each.size,
            "weight": float(each.size),
            "correct": None,
            "judged": None,
            "recomputed_loss": float(losses.mean()),
            "loss_squares": float((losses**2).sum()),
        }
        for epoch in range(8)
        for split, each in of_split.items()
        for losses in [each * (1 + 1 / (1 + epoch))]
    ]


def test_values_of_another_kind_are_told_as_well() -> None:
    (found,) = explain_splits(errors_of_values(0, worse=3.0), [VALUES])
    assert (found.cause, found.output) == ("shifted-data", None)
    assert found.val > 2 * found.train
    assert "The validation data are of another kind" in found.sentence


def test_values_of_one_kind_are_called_neither_other_nor_easier() -> None:
    """Few of them miss the largest errors, which is no sign of anything."""
    told = [
        difference
        for seed in range(100)
        for difference in explain_splits(errors_of_values(seed, worse=1.0, val=50), [VALUES])
    ]
    assert told == []


def test_sequences_of_values_may_be_masked_and_are_not_judged() -> None:
    epochs = errors_of_values(0, worse=3.0)
    assert explain_splits(epochs, [VALUES | {"shape": [None, 8, 1]}]) == []
    assert explain_splits(epochs, [VALUES | {"shape": None}]) == []
