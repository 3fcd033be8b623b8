"""Each reason for a printed number to surprise is said in one sentence, and only where it holds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.capture.chunk import Chunk, Place
from lossmon.capture.epoch_facts import EpochEnd
from lossmon.capture.judged import Judged
from lossmon.capture.reconcile import EpochFacts, reconcile
from lossmon.capture.training_layers import training_layers
from lossmon.records import EpochRecord, MetricSpec
from tests.capture.conftest import classes, dense, features

CUT = MetricSpec(
    "accuracy",
    "binary_accuracy",
    {"threshold": 0.5},
    alias="accuracy",
    label="BinaryAccuracy(threshold=0.5)",
)
SPARSE = MetricSpec(
    "acc",
    "sparse_categorical_accuracy",
    alias="acc",
    label="SparseCategoricalAccuracy()",
)


def epoch(**values: Any) -> EpochRecord:
    usual: dict[str, Any] = {"n": 900, "batches": 40, "weight": 900.0, "coverage": 1.0}
    place: dict[str, Any] = {"epoch": 3, "split": "train", "output": None, "time": 0.0}
    return EpochRecord(**(place | usual | values))


@pytest.mark.parametrize(
    ("record", "facts", "said"),
    [
        (
            epoch(reported_loss=0.95123, audited_loss=0.91049),
            EpochFacts(last_batches=4, last_loss=0.92),
            "The printed loss 0.9512 is the mean of an epoch in which the weights moved; "
            "evaluated with the weights of its end, the training set gives 0.9105.",
        ),
        (
            epoch(
                reported_loss=0.95,
                reported_accuracy=0.64,
                audited_loss=0.91,
                audited_accuracy=0.68,
                batches=1,
            ),
            EpochFacts(),
            "The printed loss 0.95 and accuracy 0.64 are means of an epoch in which the weights "
            "moved; evaluated with the weights of its end, the training set gives 0.91 and 0.68.",
        ),
        (
            epoch(reported_loss=29012.4, reported_accuracy=0.5),
            EpochFacts(last_batches=4, last_loss=27011.6, last_accuracy=0.5),
            "The printed loss 29,012 and accuracy 0.5 are means of an epoch in which the weights "
            "moved; over its last 4 batches, that was 27,012 and 0.5.",
        ),
        (
            epoch(reported_loss=0.5),
            EpochFacts(last_batches=1, last_loss=math.nan),
            "The printed loss 0.5 is the mean of an epoch in which the weights moved; over its "
            "last batch, that was NaN.",
        ),
        (
            epoch(reported_loss=0.95, audited_loss=0.91),
            EpochFacts(held_by="the learning rate was 0", last_batches=4, last_loss=0.92),
            "No weight was trained in this epoch: the learning rate was 0.",
        ),
        (
            epoch(),
            EpochFacts(training_layers=("BatchNormalization", "Dropout", "the dropout of LSTM")),
            "BatchNormalization, Dropout and the dropout of LSTM act differently in training, "
            "where these values come from, than in validation.",
        ),
        (
            epoch(),
            EpochFacts(training_layers=("the dropout of LSTM",)),
            "The dropout of LSTM acts differently in training, where these values come from, than "
            "in validation.",
        ),
        (
            epoch(split="val", reported_loss=0.5, penalty=0.0123),
            EpochFacts(),
            "The printed loss holds a penalty of 0.0123 (regularisers, add_loss); without it, it "
            "is 0.4877.",
        ),
        (
            epoch(split="val", reported_loss=0.5, penalty=0.5, loss=0.5),
            EpochFacts(),
            "All of the printed loss is penalty (regularisers, add_loss).",
        ),
        (
            epoch(split="val", output="head", reported_loss=0.6, loss=0.55, penalty=3.0),
            EpochFacts(alike=True, penalty_printed=False),
            "Keras weighs all batches alike in the printed loss 0.6, whatever their size; with "
            "every sample alike, it is 0.55.",
        ),
        (
            epoch(split="val", reported_loss=0.5, weight=1234.5),
            EpochFacts(weighted=True, accuracy_metric=replace(CUT, config={}, alias=None)),
            "Sample or class weights count in the loss, not in the accuracy; they add up to 1,234 "
            "over 900 samples.",
        ),
        (
            epoch(split="val", reported_loss=0.5, weight=90.0),
            EpochFacts(weighted=True, accuracy_metric=replace(CUT, weighted=True, alias=None)),
            "Sample or class weights count in loss and accuracy; they add up to 90 over 900 "
            "samples.",
        ),
        (
            epoch(split="val", reported_loss=0.5, weight=90.0),
            EpochFacts(weighted=True),
            "Sample or class weights count in the loss; they add up to 90 over 900 samples.",
        ),
        (
            epoch(split="val"),
            EpochFacts(elements=3300, left_out=1234),
            "A mask leaves out 37.3 % of the elements, 1,234 of 3,300.",
        ),
        (
            epoch(split="val"),
            EpochFacts(elements=33_000_000, left_out=1),
            "A mask leaves out less than 0.1 % of the elements, 1 of 33,000,000.",
        ),
        (
            epoch(split="val", reported_accuracy=0.9),
            EpochFacts(accuracy_metric=SPARSE),
            "The printed `acc` is SparseCategoricalAccuracy, chosen by the shapes of labels and "
            "predictions alone.",
        ),
        (
            epoch(split="val", reported_accuracy=0.86, intended_accuracy=0.9708),
            EpochFacts(accuracy_metric=replace(CUT, config={})),
            "The printed `accuracy` is BinaryAccuracy(threshold=0.5), chosen by the shapes of "
            "labels and predictions alone; the accuracy that was meant is 0.9708.",
        ),
        (
            epoch(split="val", reported_accuracy=0.86, intended_accuracy=0.9708),
            EpochFacts(accuracy_metric=replace(SPARSE, alias=None)),
            "The printed `acc` is SparseCategoricalAccuracy; the accuracy that was meant is "
            "0.9708.",
        ),
        (
            epoch(split="val", reported_accuracy=0.86),
            EpochFacts(accuracy_metric=replace(CUT, alias=None)),
            "The accuracy counts predictions above 0.5 as 1, all others as 0.",
        ),
        (
            epoch(split="val", coverage=0.25),
            EpochFacts(),
            "Only 25 % of the samples were computed a second time.",
        ),
        (
            epoch(split="val", coverage=0.0),
            EpochFacts(),
            "None of the samples was computed a second time.",
        ),
    ],
)
def test_a_reason_is_one_sentence(record: EpochRecord, facts: EpochFacts, said: str) -> None:
    assert reconcile(record, facts) == [said]


@pytest.mark.parametrize(
    ("record", "facts"),
    [
        (epoch(reported_loss=0.5), EpochFacts(last_batches=4)),
        (epoch(reported_loss=0.5, batches=1), EpochFacts(last_batches=1, last_loss=0.4)),
        (epoch(reported_loss=0.50001), EpochFacts(last_batches=4, last_loss=0.50002)),
        (epoch(split="val", reported_loss=0.5), EpochFacts(last_batches=4, last_loss=0.4)),
        (epoch(split="val"), EpochFacts(training_layers=("Dropout",))),
        (epoch(split="val"), EpochFacts(held_by="the learning rate was 0")),
        (epoch(split="val", reported_loss=0.5, penalty=0.0), EpochFacts()),
        (epoch(split="val", reported_loss=0.5, penalty=1e-9), EpochFacts()),
        (epoch(split="val", reported_loss=0.5, penalty=0.1), EpochFacts(penalty_printed=False)),
        (epoch(split="val", reported_loss=0.5, loss=0.5), EpochFacts(alike=True)),
        (epoch(split="val", weight=90.0), EpochFacts(weighted=True)),
        (epoch(split="val"), EpochFacts(elements=90)),
        (epoch(split="val"), EpochFacts(accuracy_metric=CUT)),
        (
            epoch(split="val", reported_accuracy=0.9),
            EpochFacts(accuracy_metric=replace(SPARSE, alias=None)),
        ),
        (epoch(split="val", batches=0, coverage=0.0), EpochFacts()),
    ],
)
def test_what_does_not_apply_is_not_said(record: EpochRecord, facts: EpochFacts) -> None:
    assert reconcile(record, facts) == []


def test_reasons_of_training_come_first() -> None:
    record = epoch(reported_loss=0.5, penalty=0.1, reported_accuracy=0.9, coverage=0.5)
    facts = EpochFacts(
        accuracy_metric=CUT, training_layers=("Dropout",), last_batches=4, last_loss=0.4
    )
    starts = [sentence.split()[:3] for sentence in reconcile(record, facts)]
    assert starts == [
        ["The", "printed", "loss"],
        ["Dropout", "acts", "differently"],
        ["The", "printed", "loss"],
        ["The", "printed", "`accuracy`"],
        ["The", "accuracy", "counts"],
        ["Only", "50", "%"],
    ]


NUMBERS = st.none() | st.floats() | st.floats(0, 1)
COUNTS = st.integers(0, 2**40)


@given(
    st.fixed_dictionaries(
        {"split": st.sampled_from(["train", "val"]), "n": COUNTS, "batches": COUNTS}
        | {"weight": st.floats(), "coverage": st.floats(0, 1)}
        | dict.fromkeys(("reported_loss", "loss", "penalty", "audited_loss"), NUMBERS)
        | dict.fromkeys(("reported_accuracy", "intended_accuracy", "audited_accuracy"), NUMBERS)
    ),
    st.builds(
        EpochFacts,
        accuracy_metric=st.sampled_from([None, CUT, SPARSE]),
        training_layers=st.sampled_from([(), ("Dropout",)]),
        elements=st.integers(1000, 2**40),
        left_out=st.integers(0, 1000),
        last_batches=COUNTS,
        last_loss=NUMBERS,
        last_accuracy=NUMBERS,
    ),
)
def test_whatever_is_known_gives_whole_sentences(values: dict[str, Any], facts: EpochFacts) -> None:
    for sentence in reconcile(epoch(**values), facts):
        assert sentence.endswith(".")
        assert "None " not in sentence.replace("None of the samples", "")
        assert "  " not in sentence


def _batches(values: list[float], *, known: bool = True) -> Judged:
    places = [Place(0, 0, 0.0, 0.0)] * len(values)
    chunk = Chunk("train", 0, places, scalars={})
    sizes, taken = np.full(len(values), 16.0), np.array(values)
    judged = Judged(chunk, None, n=sizes, weight=sizes, printed_weight=sizes)
    if known:
        judged.total_loss = judged.accuracy_total = taken
        judged.accuracy_count = sizes
    return judged


@given(st.integers(1, 3000), st.integers(1, 256))
def test_the_end_of_an_epoch_is_about_its_last_tenth(batches: int, together: int) -> None:
    end = EpochEnd()
    for start in range(0, batches, together):
        stop = min(batches, start + together)
        end.add(_batches([float(number) for number in range(start, stop)]))
    last, loss, accuracy = end.means()
    assert batches / 10 <= last < batches / 10 + 1 + batches / 256
    expected = np.mean(np.arange(batches - last, batches))
    assert loss == pytest.approx(expected)
    assert accuracy == pytest.approx(expected / 16)


def test_the_end_of_an_epoch_without_values_is_not_known() -> None:
    end = EpochEnd()
    assert end.means() == (0, None, None)
    end.add(_batches([0.0], known=False))
    assert end.means() == (1, None, None)


class Own(keras.layers.Dropout):
    pass


@pytest.mark.parametrize(
    ("layer", "kinds"),
    [
        (keras.layers.Dropout(0.2), ("Dropout",)),
        (Own(0.2), ("Dropout",)),
        (keras.layers.Dropout(0.0), ()),
        (keras.layers.SpatialDropout1D(0.1), ("SpatialDropout1D",)),
        (keras.layers.GaussianNoise(0.3), ("GaussianNoise",)),
        (keras.layers.BatchNormalization(), ("BatchNormalization",)),
        (keras.layers.BatchNormalization(trainable=False), ()),
        (keras.layers.LSTM(2, dropout=0.1), ("the dropout of LSTM",)),
        (keras.layers.LSTM(2), ()),
        (keras.layers.RandomTranslation(0.1, 0.1), ("RandomTranslation",)),
        (keras.layers.LayerNormalization(), ()),
        (keras.Sequential([keras.layers.AlphaDropout(0.3)]), ("AlphaDropout",)),
    ],
)
def test_layers_that_act_in_training_are_known_by_class(layer: Any, kinds: tuple[str, ...]) -> None:
    assert training_layers(keras.Sequential([layer, keras.layers.Flatten()])) == kinds


def _sentences(recorded: Any, split: str, output: str | None = None) -> list[str]:
    rows = [r for r in recorded.epochs if (r["split"], r["output"]) == (split, output)]
    return rows[-1]["reconciliation"]


def test_reasons_are_found_in_a_real_fit(record: Any) -> None:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, kernel_regularizer="l2"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    labels = classes(count=2)
    recorded = record(
        model, features(), labels, class_weight={0: 1.0, 1: 3.0}, validation_split=0.25
    )
    train, val = _sentences(recorded, "train"), _sentences(recorded, "val")
    starts = ("The printed loss", "Dropout acts", "The printed loss holds", "Sample or class")
    shared = ("The printed `accuracy` is BinaryAccuracy(threshold=0.5)", "The accuracy counts")
    for sentence, start in zip(train, starts + shared, strict=True):
        assert sentence.startswith(start)
    for sentence, start in zip(val, (starts[2], *shared), strict=True):
        assert sentence.startswith(start)
    weights = np.where(labels[:54] == 1, 3.0, 1.0).sum()
    assert f"add up to {weights:.0f} over 54 samples" in train[3]
    assert "over its last batch, that was" in train[0]


def test_masks_and_unlike_batches_are_found_in_a_real_fit(record: Any) -> None:
    tokens = np.random.default_rng(0).integers(0, 4, (24, 5))
    inputs = keras.Input((5,))
    hidden = keras.layers.Embedding(4, 3, mask_zero=True)(inputs)
    model = keras.Model(
        inputs,
        {
            "next": keras.layers.Dense(4, "softmax", name="next")(hidden),
            "last": keras.layers.Dense(4, "softmax", name="last")(hidden[:, -1]),
        },
    )
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    recorded = record(model, tokens, {"next": tokens, "last": tokens[:, 0]})
    left_out = int((tokens == 0).sum())
    share = math.floor(left_out / 120 * 1000) / 10
    (mask,) = [s for s in _sentences(recorded, "train", "next") if s.startswith("A mask")]
    assert mask == f"A mask leaves out {share:g} % of the elements, {left_out} of 120."
    alike = [s for s in _sentences(recorded, "train", "next") if s.startswith("Keras weighs")]
    assert len(alike) == 1


def test_the_audit_is_what_the_printed_values_are_reconciled_with(record: Any) -> None:
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    recorded = record(model, features(), classes(), monitor={"audit_train": True})
    loss, accuracy = model.evaluate(features(), classes(), verbose=0)
    first, *_ = _sentences(recorded, "train")
    assert first.endswith(f"the training set gives {loss:.4g} and {accuracy:.4g}.")
