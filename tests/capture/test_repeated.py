"""Trainings that are validated on samples that they are trained on."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from lossmon.capture.repeated import SEARCHED_SAMPLES, repeated_samples
from lossmon.capture.shared_data import shared_data
from lossmon.records import Finding
from lossmon.rules import Facts, RepeatedFacts, SharedFacts, all_rules
from tests.capture.conftest import classes, dense, features

X = np.random.default_rng(3).random((72, 6), np.float32)
NEW = np.random.default_rng(4).random((72, 6), np.float32)
WORDS = np.array([[f"word {place}"] for place in range(40)])


def known_of(x: Any, validated: Any) -> int | None:
    facts = repeated_samples(x, validated)
    return None if facts is None else facts.known


def test_samples_that_are_among_the_training_samples_are_counted() -> None:
    assert repeated_samples(X, X) == RepeatedFacts(72, 72, 72, 72 - 18, 18, 0, 1.0)
    assert known_of(X, X.copy()) == 72
    assert known_of(X, X[::-1]) == 72
    assert known_of(X, X[50:]) == 22
    assert known_of(X, NEW) == 0
    assert known_of(X, np.concatenate([NEW, X[:7]])) == 7
    assert known_of(X[:, 0], X[:9, 0]) == 9
    assert known_of(WORDS, WORDS[5:8]) == 3
    assert known_of(pd.DataFrame(X), pd.DataFrame(X[:20])) == 20


def test_all_inputs_of_a_sample_must_agree() -> None:
    shifted = [X, np.roll(X[:, :1], 1, axis=0)]
    assert known_of([X, X[:, :1]], (X[:20], X[:20, :1])) == 20
    assert known_of({"a": X, "b": X[:, :1]}, {"a": X, "b": shifted[1]}) == 0


def test_samples_that_agree_in_most_values_are_compared_whole() -> None:
    images = np.zeros((60, 32, 32, 1), np.uint8)
    images[:, 3, 4] = np.arange(60)[:, None]
    others = images.copy()
    others[:, 31, 31] = 1
    assert known_of(images, images[:30]) == 30
    assert known_of(images, others) == 0


def test_missing_values_are_alike() -> None:
    missing = X.copy()
    missing[:, 2] = np.nan
    assert known_of(missing, missing[:30].copy()) == 30


def test_training_samples_that_come_again_are_counted() -> None:
    twice = repeated_samples(np.concatenate([X, X, X, X]), NEW)
    assert twice is not None
    assert (twice.validated, twice.known) == (72, 0)
    assert 0.9 * twice.trained < twice.again <= twice.trained <= 72
    assert repeated_samples(np.ones((72, 6)), np.ones((50, 6))) == RepeatedFacts(
        50, 1, 1, 1, 1, 1, 1.0
    )


def test_copies_that_were_made_before_the_data_were_parted_are_advised_on() -> None:
    rare = np.concatenate([X, np.repeat(NEW[:9], 8, axis=0)])
    mixed = np.random.default_rng(0).permutation(rare)
    facts = repeated_samples(mixed[:108], mixed[108:])
    assert facts is not None
    known = sum(any((row == mine).all() for mine in mixed[:108]) for row in mixed[108:])
    assert facts.known_share == known / 36 > 0.3
    (finding,) = findings_of(facts)
    assert finding.severity == "info"
    assert f"{facts.known_share:.0%} of the validation samples are training samples" in (
        finding.message
    )
    # As many that come once more are too few to speak of.
    few = np.random.default_rng(0).permutation(np.concatenate([X, X[:5], NEW]))
    facts = repeated_samples(few[:100], few[100:])
    assert facts is not None
    assert findings_of(facts) == []


def test_of_large_data_a_part_is_looked_at() -> None:
    large = np.arange(4 * SEARCHED_SAMPLES, dtype=np.float32).reshape(-1, 2)
    facts = repeated_samples(large, large[: len(large) // 2])
    assert facts is not None
    assert (facts.samples, facts.validated, facts.trained) == (SEARCHED_SAMPLES, 512, 512)
    # Half of the training samples are looked through.
    assert 200 < facts.known < 312


@pytest.mark.parametrize(
    "validated",
    [X[:, :4], X.astype(np.float64), [X, X], None, X.tolist(), X[:0]],
    ids=["narrower", "another type", "two", "none", "a list", "empty"],
)
def test_what_cannot_be_compared_is_left_alone(validated: Any) -> None:
    assert repeated_samples(X, validated) is None


def test_files_are_not_read_through(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=X.shape)
    mapped[:] = X
    assert repeated_samples(mapped, X) is None
    assert repeated_samples(X, mapped[:20]) is None
    assert repeated_samples(X.astype(object), X.astype(object)) is None


def findings_of(facts: RepeatedFacts) -> list[Finding]:
    (rule,) = (rule for rule in all_rules() if rule.code == "LM505")
    return list(rule.check(Facts(outputs=(), repeated=facts)))


def messages_of(*counts: int) -> list[str]:
    return [finding.message for finding in findings_of(RepeatedFacts(*counts))]


def test_what_is_said_depends_on_how_many_are_known() -> None:
    assert messages_of(72, 72, 72, 54, 18, 0) == [
        "all 72 validation samples are training samples, too: their loss and accuracy say nothing "
        "about new samples, and overfitting cannot show."
    ]
    assert messages_of(10_000, 512, 200, 199, 512, 9) == [
        "200 of 512 validation samples that were looked up are training samples, too (of 512 "
        "training samples, 9 come again): the validation loss and accuracy look better than those "
        "of new samples, and overfitting shows too little."
    ]


@pytest.mark.parametrize(
    "counts",
    [
        (72, 72, 0, 0, 18, 0),
        # Data that repeat themselves, to about the same degree.
        (512, 512, 512, 512, 512, 512),
        (512, 512, 300, 290, 512, 260),
        # Too few to be told from those that come twice by their nature.
        (512, 512, 40, 40, 512, 0),
        (40, 40, 4, 4, 512, 0),
        (1, 1, 1, 1, 1, 0),
    ],
)
def test_what_may_be_so_by_nature_is_no_finding(counts: tuple[int, ...]) -> None:
    assert messages_of(*counts) == []


def repeating(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two parts, at random, of data in which the same samples come again and again."""
    drawn = np.random.default_rng(seed)
    kinds, columns = int(drawn.integers(2, 5)), int(drawn.integers(2, 7))
    data = drawn.integers(0, kinds, (1_000, columns)).astype(np.float32)
    place = int(drawn.integers(100, 900))
    return data[:place], data[place:]


@pytest.mark.parametrize("seed", range(40))
def test_parts_of_data_that_repeat_themselves_get_advice_alone(seed: int) -> None:
    facts = repeated_samples(*repeating(seed))
    assert facts is not None
    assert facts.known
    assert {finding.severity for finding in findings_of(facts)} <= {"info"}


@pytest.mark.parametrize(
    ("validation", "found"),
    [
        ({"validation_data": (features(), classes())}, "all 72 validation samples are"),
        ({"validation_data": (features()[::-2], classes()[::-2])}, "all 36 validation samples are"),
        ({"validation_data": (features(90)[24:], classes(90)[24:])}, "48 of 66 validation samples"),
        ({"validation_data": (features(90)[72:], classes(90)[72:])}, None),
        ({"validation_split": 0.5}, None),
        ({}, None),
    ],
    ids=["on training data", "on some of them", "on some and others", "others", "a half", "none"],
)
def test_a_training_is_told(record: Any, validation: dict[str, Any], found: str | None) -> None:
    model = dense()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    run = record(model, features(), classes(), epochs=1, **validation)
    told = [finding for finding in run.document["findings"] if finding["code"] == "LM505"]
    assert bool(told) is (found is not None)
    if found is not None:
        assert told[0]["severity"] == "warning"
        assert told[0]["message"].startswith(found)


class Batches(keras.utils.PyDataset):
    def __init__(self, x: Any, y: Any, *, endless: bool = False) -> None:
        super().__init__()
        self.x, self.y, self.endless = x, y, endless

    @property
    def num_batches(self) -> Any:
        return None if self.endless else 6

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rows = slice(index % 6 * 12, index % 6 * 12 + 12)
        return self.x[rows], self.y[rows]


def dataset() -> Any:
    tf: Any = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((features(), classes())).batch(12)


def test_batches_that_are_made_twice_are_not_read(record: Any) -> None:
    x, y = features(), classes()
    assert told_of(record, Batches(x, y), Batches(x, y)) == []


def told_of(record: Any, x: Any, validated: Any, **fit: Any) -> list[str]:
    model = dense()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    run = record(model, x, validation_data=validated, epochs=1, shuffle=False, **fit)
    return [found["message"] for found in run.document["findings"] if found["code"] == "LM505"]


@pytest.mark.parametrize("make", [dataset, lambda: Batches(features(), classes())])
def test_one_object_for_both_is_told(record: Any, make: Callable[[], Any]) -> None:
    data = make()
    (message,) = told_of(record, data, data)
    kind = type(data).__name__.lstrip("_")
    assert message.startswith("all validation samples are training samples, too: `fit` is given")
    assert f"one and the same {kind} as x and as validation_data" in message
    assert len(told_of(record, data, data, steps_per_epoch=6)) == 1
    assert told_of(record, data, data, steps_per_epoch=3, validation_steps=6) == []


def test_data_without_end_may_be_new_each_time(record: Any) -> None:
    data = dataset().repeat()
    assert told_of(record, data, data, steps_per_epoch=6, validation_steps=2) == []
    data = Batches(features(), classes(), endless=True)
    assert told_of(record, data, data, steps_per_epoch=6, validation_steps=2) == []


def test_a_generator_goes_on(record: Any) -> None:
    batches = (batch for batch in itertools.repeat((features(), classes())))
    assert told_of(record, batches, batches, steps_per_epoch=2, validation_steps=1) == []


def test_of_data_without_a_length_one_read_is_all_of_it() -> None:
    data = dataset().filter(lambda *_: True)
    assert shared_data({"x": data, "val_x": data}) == SharedFacts("FilterDataset", "one_object")
    assert shared_data({"x": data, "val_x": data, "steps_per_epoch": 6, "epochs": 9}) is None
    assert shared_data({"x": data, "val_x": None}) is None
    assert shared_data({}) is None


def test_tensors_are_known_by_identity() -> None:
    x, y = keras.ops.convert_to_tensor(features()), classes()
    shared = SharedFacts(type(x).__name__, "one_object")
    assert shared_data({"x": x, "y": y, "val_x": x, "val_y": y}) == shared
    assert shared_data({"x": x, "y": y, "val_x": x, "val_y": y.copy()}) is None
    assert shared_data({"x": [x, x], "y": y, "val_x": [x], "val_y": y}) is None


@pytest.mark.parametrize(
    ("validated", "compared"),
    [
        ((NEW, classes()), True),
        ((keras.ops.convert_to_tensor(NEW), classes()), False),
        (Batches(NEW, classes()), False),
        (None, None),
    ],
    ids=["arrays", "tensors", "batches", "nothing"],
)
def test_whether_they_were_compared_is_kept(record: Any, validated: Any, compared: Any) -> None:
    model = dense()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    run = record(model, X, classes(), validation_data=validated, epochs=1)
    assert run.document["environment"].get("validation_compared") is compared
