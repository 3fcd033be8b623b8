"""Labels counted, the best constant answer, and losses at the cap, each against a second way."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from lossmon.capture.chunk import OutputArrays
from lossmon.capture.clipping import count_clipped
from lossmon.capture.label_counts import (
    baselines,
    count_labels,
    count_matches,
    trained_constant_loss,
)
from lossmon.records import LossSpec, MetricSpec

RNG = np.random.default_rng(5)
IDS = RNG.choice(4, p=[0.5, 0.3, 0.2, 0.0], size=(3, 40))
ROWS = np.eye(4)[IDS]
HOT = (RNG.random((3, 40, 5)) < [0.1, 0.2, 0.5, 0.7, 0.9]).astype(float)
REAL = RNG.normal(3.0, 2.0, size=(3, 40, 2))


def arrays(y_true: Any, units: int, **more: Any) -> OutputArrays:
    return OutputArrays(y_true, np.full((*y_true.shape[:2], units), 0.3), **more)


def best(spec: LossSpec, tensors: OutputArrays) -> dict[str, Any]:
    counts = count_labels(spec, tensors)
    assert counts is not None
    found = baselines(counts, spec, weighted=False)
    assert found is not None
    return found


def constant_loss(loss: Any, y_true: Any, constant: Any) -> float:
    """What Keras says of predicting the constant for every row."""
    flat = y_true.reshape(-1, *y_true.shape[2:])
    rows = np.broadcast_to(constant, (len(flat), len(constant)))
    return float(loss(flat.astype("float64"), rows))


each_loss = pytest.mark.parametrize(
    ("name", "loss", "labels", "units"),
    [
        ("sparse_categorical_crossentropy", keras.losses.SparseCategoricalCrossentropy(), IDS, 4),
        ("categorical_crossentropy", keras.losses.CategoricalCrossentropy(), ROWS, 4),
        ("binary_crossentropy", keras.losses.BinaryCrossentropy(), HOT, 5),
        ("mean_squared_error", keras.losses.MeanSquaredError(), REAL, 2),
    ],
)


@each_loss
def test_no_constant_beats_the_one_that_is_named(
    name: str, loss: Any, labels: Any, units: int
) -> None:
    found = best(LossSpec(name), arrays(labels, units))
    each = np.eye(units)[labels] if labels.ndim == 2 else labels
    mean = each.reshape(-1, units).mean(axis=0)
    assert found["constant_loss"] == pytest.approx(constant_loss(loss, labels, mean), abs=2e-5)
    for _ in range(5):
        other = np.clip(mean + 0.05 * RNG.normal(size=units), 1e-3, None)
        assert constant_loss(loss, labels, other) >= found["constant_loss"] - 2e-5


@each_loss
def test_a_constant_is_judged_by_other_labels(
    name: str, loss: Any, labels: Any, units: int
) -> None:
    trained, judged = labels[:1], labels[1:]
    each = np.eye(units)[trained] if trained.ndim == 2 else trained
    mean = each.reshape(-1, units).mean(axis=0)
    counts = [count_labels(None, arrays(part, units)) for part in (judged, trained)]
    assert counts[0] is not None
    assert counts[1] is not None
    found = trained_constant_loss(counts[0], counts[1], LossSpec(name), scale=2.0)
    assert found == pytest.approx(2.0 * constant_loss(loss, judged, mean), rel=1e-4)


def test_a_class_that_is_not_trained_on_costs_what_keras_clips_to() -> None:
    judged = count_labels(None, arrays(np.full((1, 5), 3), 4))
    trained = count_labels(None, arrays(np.array([[0, 1, 2, 0]]), 4))
    assert judged is not None
    assert trained is not None
    spec = LossSpec("sparse_categorical_crossentropy")
    assert trained_constant_loss(judged, trained, spec) == pytest.approx(-np.log(1e-7))
    assert baselines(judged, spec, weighted=False) == {
        "rows": 5,
        "majority_accuracy": 1.0,
        "majority_class": 3,
        "label_entropy": 0.0,
        "constant_loss": 0.0,
    }
    assert str((baselines(judged, spec, weighted=False) or {})["constant_loss"]) == "0.0"


def test_smoothed_labels_have_a_constant_of_their_own() -> None:
    smoothed = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    spec = LossSpec("categorical_crossentropy", {"label_smoothing": 0.1})
    constant = ROWS.reshape(-1, 4).mean(axis=0) * 0.9 + 0.025
    expected = constant_loss(smoothed, ROWS, constant)
    assert best(spec, arrays(ROWS, 4))["constant_loss"] == pytest.approx(expected, abs=2e-5)


def test_the_majority_is_that_of_the_metric_that_fits() -> None:
    ids, hot = best(LossSpec("x"), arrays(IDS, 4)), best(LossSpec("x"), arrays(HOT, 5))
    counts = np.bincount(IDS.reshape(-1))
    assert ids["majority_class"] == int(counts.argmax())
    assert ids["majority_accuracy"] == counts.max() / IDS.size
    shares = HOT.reshape(-1, 5).mean(axis=0)
    assert hot["majority_accuracy"] == pytest.approx(np.maximum(shares, 1 - shares).mean())
    assert "majority_class" not in hot
    assert "majority_accuracy" not in best(LossSpec("x"), arrays(REAL, 2))


@pytest.mark.parametrize("guesses", [1, 2, 3, 4, 9])
def test_the_majority_of_several_guesses_is_that_of_the_most_frequent_classes(guesses: int) -> None:
    counts = count_labels(None, arrays(IDS, 4))
    assert counts is not None
    found = baselines(counts, None, weighted=False, guesses=guesses) or {}
    # Scores that rank the classes by how often they occur, the same for every sample.
    ranked = np.bincount(IDS.reshape(-1), minlength=4).astype("float32")
    scores = np.tile(ranked, (IDS.size, 1))
    keras_says = keras.metrics.sparse_top_k_categorical_accuracy(IDS.reshape(-1), scores, k=guesses)
    expected = np.asarray(keras.ops.convert_to_numpy(keras_says), np.float64).mean()
    assert found["majority_accuracy"] == pytest.approx(expected)


def test_of_several_labels_a_row_no_constant_is_told_for_several_guesses() -> None:
    counts = count_labels(None, arrays(HOT, 5))
    assert counts is not None
    assert "majority_accuracy" in (baselines(counts, None, weighted=False) or {})
    assert "majority_accuracy" not in (baselines(counts, None, weighted=False, guesses=2) or {})


def test_masked_ignored_and_weightless_labels_do_not_count() -> None:
    mask = RNG.random(IDS.shape) < 0.5
    counts = count_labels(None, arrays(IDS, 4, mask=mask))
    assert counts is not None
    np.testing.assert_array_equal(counts.totals, np.bincount(IDS[mask], minlength=4))
    weight = mask.astype(np.float32)[..., None]
    weighted = count_labels(None, arrays(IDS, 4, sample_weight=weight))
    assert weighted is not None
    np.testing.assert_array_equal(weighted.totals, counts.totals)
    ignoring = count_labels(LossSpec("s", {"ignore_class": 0}), arrays(IDS, 4))
    assert ignoring is not None
    assert ignoring.rows == np.count_nonzero(IDS)


def test_parts_add_up_to_the_whole() -> None:
    for labels, units in ((IDS, 4), (ROWS, 4), (HOT, 5), (REAL, 2)):
        whole = count_labels(None, arrays(labels, units))
        first, rest = (
            count_labels(None, arrays(labels[part], units)) for part in (slice(1), slice(1, 3))
        )
        assert whole is not None
        assert first is not None
        assert rest is not None
        both = first + rest
        np.testing.assert_allclose(both.totals, whole.totals)
        assert (both.rows, both.single, both.binary) == (whole.rows, whole.single, whole.binary)


def test_weights_leave_the_loss_of_a_constant_unknown() -> None:
    spec = LossSpec("binary_crossentropy")
    counts = count_labels(spec, arrays(HOT, 5))
    assert counts is not None
    assert (baselines(counts, spec, weighted=True) or {})["constant_loss"] is None


def test_matches_are_samples_whose_labels_are_all_right() -> None:
    scores = RNG.random(HOT.shape)
    spec = MetricSpec("meant", "binary_accuracy", {"threshold": 0.5})
    rows = [
        np.array_equal(s > 0.5, h > 0.5)
        for s, h in zip(scores.reshape(-1, 5), HOT.reshape(-1, 5), strict=True)
    ]
    assert count_matches(spec, OutputArrays(HOT, scores)) == (len(rows), sum(rows))
    assert count_matches(spec, OutputArrays(HOT[..., :1], scores[..., :1])) is None


def test_losses_at_the_cap_are_counted_where_keras_has_no_gradient() -> None:
    p = np.array([1e-9, 1e-8, 1e-5, 0.5, 1 - 1e-9, 1.0], np.float32)[None, :, None]
    spec = LossSpec("binary_crossentropy")
    for label, capped in ((1.0, 2), (0.0, 2)):
        tensors = OutputArrays(np.full(p.shape, label), p)
        found = count_clipped(spec, tensors, np.zeros(p.shape[:2]))
        assert found is not None
        assert (found.losses, found.capped) == (6, capped)
        assert found.cap == pytest.approx(-math.log(1e-7))


def test_logits_and_smoothed_labels_have_no_cap() -> None:
    tensors = OutputArrays(np.zeros((1, 4, 1)), np.zeros((1, 4, 1)))
    for config in ({"from_logits": True}, {"label_smoothing": 0.1}):
        spec = LossSpec("binary_crossentropy", config)
        assert count_clipped(spec, tensors, np.zeros((1, 4))) is None
    behind = OutputArrays(np.zeros((1, 4, 1)), np.zeros((1, 4, 1)), logits=np.zeros((1, 4, 1)))
    assert count_clipped(LossSpec("binary_crossentropy"), behind, np.zeros((1, 4))) is None
