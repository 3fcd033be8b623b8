"""Datasets of TensorFlow that are made of one, and what of that is told of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lossmon.capture.datasets import sharing, sliced_inputs
from lossmon.capture.repeated import repeated_samples
from lossmon.capture.shared_data import shared_data, sliced_data
from tests.capture.conftest import classes, dense, features

tf: Any = pytest.importorskip("tensorflow")

X, Y = features(120), classes(120)


def made(x: Any = X, y: Any = Y) -> Any:
    return tf.data.Dataset.from_tensor_slices((x, y))


def numbered() -> Any:
    return tf.data.Dataset.from_tensor_slices(np.arange(60))


def kept(data: Any) -> Any:
    """Through all that leaves nothing out."""
    data = data.cache().shuffle(60).map(same, num_parallel_calls=2).map(same).repeat(1)
    data = data.batch(12, num_parallel_calls=2).unbatch().batch(12).prefetch(1)
    return data.with_options(tf.data.Options())


def same(*sample: Any) -> Any:
    return sample


def other(*sample: Any) -> Any:
    return sample


def told_of(record: Any, x: Any, validated: Any, **fit: Any) -> list[str]:
    model = dense()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    run = record(model, x, validation_data=validated, epochs=1, shuffle=False, **fit)
    found = run.document["findings"]
    return [one["message"] for one in found if one["code"] == "LM505"]


def parted(data: Any, size: int = 20) -> tuple[Any, Any]:
    return data.skip(size), data.take(size)


def shards(data: Any) -> tuple[Any, Any]:
    return data.shard(2, 0), data.shard(2, 1)


CASES: dict[str, tuple[Callable[[Any], tuple[Any, Any]], str | None]] = {
    "one": (lambda data: (data, data), "trained_whole"),
    "both whole": (lambda data: (kept(data), kept(data)), "trained_whole"),
    "a part of it": (lambda data: (kept(data), data.take(9)), "trained_whole"),
    "some of it": (lambda data: (data, data.filter(lambda *_: True)), "trained_whole"),
    "the other way": (lambda data: (data.take(9), data.batch(12)), "validated_whole"),
    "the other way, made otherwise": (lambda data: (data.take(9), data.map(other)), None),
    "parted": (parted, None),
    "made otherwise": (lambda data: (data.map(same), data.map(other)), None),
    "made of it for the training": (lambda data: (data.map(other), data), "trained_whole"),
    "shuffled a little": (lambda data: parted(data.shuffle(11)), None),
    "shuffled within a tenth": (lambda data: parted(data.shuffle(12)), "parted_anew"),
    "parted, each kept": (lambda data: tuple(kept(part) for part in parted(data)), None),
    "sharded": (shards, None),
    "shuffled first": (lambda data: parted(data.shuffle(60)), "parted_anew"),
    "with a seed": (lambda data: parted(data.shuffle(60, seed=1)), "parted_anew"),
    "shuffled and mapped": (lambda data: parted(data.shuffle(60).map(same)), "parted_anew"),
    "shards of shuffled": (
        lambda data: (data.shuffle(60).shard(2, 0), data.shuffle(60).shard(2, 1)),
        None,
    ),
    "shards of one shuffled": (lambda data: shards(data.shuffle(60)), "parted_anew"),
    "one order": (lambda data: parted(data.shuffle(60, reshuffle_each_iteration=False)), None),
    "kept in a cache": (lambda data: parted(data.shuffle(60).cache()), None),
    "shuffled behind": (lambda data: (data.skip(9).shuffle(60), data.take(9).shuffle(60)), None),
    "by what they are": (
        lambda data: (
            data.shuffle(60).filter(lambda *_: True),
            data.shuffle(60).filter(lambda *_: False),
        ),
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_two_datasets_share(case: str) -> None:
    make, how = CASES[case]
    assert sharing(*make(made())) == how


def test_what_comes_of_different_sources_shares_nothing() -> None:
    assert sharing(made(), made()) is None
    assert sharing(made(), None) is None
    assert sharing([X], [X]) is None
    x = tf.constant(X)
    assert sharing(x, x) is None
    assert sharing(tf.data.Dataset.zip((made(), made())), made()) is None


def test_numbers_that_are_looked_up_may_mean_other_samples() -> None:
    def of_training(place: Any) -> Any:
        return tf.gather(X, place)

    def of_validation(place: Any) -> Any:
        return tf.gather(X[60:], place)

    def of_pairs(left: Any, right: Any, y: Any) -> Any:
        return (left, right), y

    known = tf.data.Dataset.from_tensor_slices((X, X, Y)).map(of_pairs)
    new = tf.data.Dataset.from_tensor_slices((X[:40], X[::-1][:40].copy(), 1 - Y[:40]))
    pairs = sliced_inputs(known, new.map(of_pairs))
    assert pairs
    facts = repeated_samples(*pairs)
    assert facts
    assert facts.known == 0
    places = tf.data.Dataset.range(60)
    assert sharing(places.map(of_training), places.map(of_validation)) is None
    assert sliced_inputs(numbered().map(of_training), numbered().map(of_validation)) is None
    # But what is parted anew, is, whatever it is.
    assert sharing(*parted(places.shuffle(60).map(of_training))) == "parted_anew"
    # Nor are the last steps of a sequence those before them.
    rows = tf.data.Dataset.from_tensor_slices(X)
    steps = rows.map(lambda row: (row[:-2], row[-2])), rows.map(lambda row: (row[1:-1], row[-1]))
    assert sharing(*steps) is None
    assert sliced_inputs(*steps) is None
    # And where nothing is looked up they are the samples.
    assert sharing(numbered(), numbered()) is None
    assert sliced_inputs(numbered(), numbered()) is not None


def test_arrays_that_datasets_go_through_are_known() -> None:
    found = sliced_inputs(made().batch(12), made(X[90:], Y[90:]).shuffle(30).batch(12))
    assert found is not None
    np.testing.assert_array_equal(found[0], X)
    facts = repeated_samples(*found)
    assert facts
    assert (facts.known, facts.validated) == (30, 30)


def test_behind_one_function_all_that_makes_a_sample_is_compared() -> None:
    found = sliced_inputs(kept(made()), kept(made(X[90:], Y[90:])))
    assert found is not None
    np.testing.assert_array_equal(found[0][1], Y)
    facts = repeated_samples(*found)
    assert facts
    assert (facts.known, facts.validated) == (30, 30)


def test_arrays_of_inputs_that_are_nested() -> None:
    given = ({"b": X, "a": X[:, :2]}, Y)
    data = tf.data.Dataset.from_tensor_slices(given).batch(12)
    found = sliced_inputs(data, data)
    assert found
    assert {name: array.shape for name, array in found[0].items()} == {
        "a": (120, 2),
        "b": (120, 6),
    }


@pytest.mark.parametrize(
    "data",
    [
        made().take(9),
        made().skip(9).batch(3),
        made().filter(lambda *_: True),
        tf.data.Dataset.from_tensor_slices((["a", "b"], [0, 1])),
        tf.data.Dataset.from_tensors((X, Y)),
        tf.data.Dataset.from_tensor_slices((X, X, X, Y)),
        tf.data.Dataset.from_tensor_slices((tf.ragged.constant([[1], [2, 3]]), [0, 1])),
        tf.data.Dataset.from_tensor_slices((tf.sparse.from_dense(X), Y)),
        tf.data.Dataset.range(60),
        X,
        None,
    ],
    ids=[
        *("take", "skip", "filter", "texts", "whole", "four", "ragged", "sparse", "range"),
        *("array", "nothing"),
    ],
)
def test_arrays_of_which_a_part_is_left_out_are_not_compared(data: Any) -> None:
    assert sliced_inputs(data, made()) is None
    assert sliced_inputs(made(), data) is None


def test_the_same_arrays_in_two_datasets_are_told(record: Any) -> None:
    train = made().shuffle(120).batch(16)
    (message,) = told_of(record, train, made(X[40:], Y[40:]).batch(16))
    assert message.startswith("all 80 validation samples are training samples, too: ")
    new = np.random.default_rng(9).random((40, 6), np.float32)
    assert told_of(record, train, made(new, Y[:40]).batch(16)) == []


def test_one_dataset_in_two_is_told(record: Any) -> None:
    data = made()
    (message,) = told_of(record, data.shuffle(120).batch(16), data.take(30).batch(16))
    assert message.startswith("all validation samples are training samples, too: both datasets ")
    (message,) = told_of(record, data.take(30).batch(16), data.batch(16))
    assert message.startswith("all training samples are validation samples, too: both datasets ")
    assert told_of(record, data.skip(30).batch(16), data.take(30).batch(16)) == []


def test_what_is_parted_behind_a_shuffle_is_told_and_its_fix_parts_it_for_good(
    record: Any,
) -> None:
    def samples(part: Any) -> set[bytes]:
        return {x.numpy().tobytes() for x, _ in part}

    train, val = parted(made().shuffle(120))
    (message,) = told_of(record, train.batch(16), val.batch(16))
    assert message.startswith("validation samples of one reading are training samples of others: ")
    # So it is: a share of them at each reading.
    assert any(samples(train) & samples(val) for _ in range(3))
    train, val = parted(made().shuffle(120, seed=0, reshuffle_each_iteration=False))
    assert told_of(record, train.shuffle(100).batch(16), val.batch(16)) == []
    assert not any(samples(train) & samples(val) for _ in range(3))


def test_a_training_that_ends_before_it_has_seen_all_is_not_judged() -> None:
    data = made().batch(12)
    for val in (data.take(3), made().batch(12)):
        fit = {"x": data, "val_x": val, "epochs": 1}
        assert (shared_data(fit) or sliced_data(fit)) is not None
        assert shared_data(fit | {"steps_per_epoch": 3}) is None
        assert sliced_data(fit | {"steps_per_epoch": 3}) is None
        endless = fit | {"x": data.repeat()}
        assert shared_data(endless) is None
        assert sliced_data(endless) is None


def test_whether_they_were_compared_is_kept(record: Any) -> None:
    model = dense()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    val = made(X[80:], Y[80:])
    run = record(
        model, made(X[:80], Y[:80]).batch(16), validation_data=val.batch(16), shuffle=False
    )
    assert run.document["environment"]["validation_compared"] is True
    train, val = parted(made(), 40)
    run = record(model, train.batch(16), validation_data=val.batch(16), shuffle=False)
    assert run.document["environment"]["validation_compared"] is False
