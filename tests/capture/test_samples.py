"""Each validation sample by itself, against what the model predicts when asked again."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from lossmon import analysis, recompute
from lossmon.capture import samples as gathering
from lossmon.capture.sample_keys import HASHED_VALUES, SampleKeys
from tests.capture.conftest import Recorded, classes, dense, features

X, Y = features(), classes()
HOT = np.eye(3, dtype="float32")[Y]
REAL = features(72, 2)
BITS = (features(72, 4) > 0.3).astype("float32")
SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
# What 15 places of a loss and Keras' float32 predictions account for.
CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}


def fitted(record: Any, model: Any, loss: Any, y: Any, **fit: Any) -> Recorded:
    model.compile("sgd", loss, metrics=fit.pop("metrics", None))
    return record(model, X, y, **({"validation_data": (X, y)} | fit))


def last(run: Recorded, output: str | None = None) -> Any:
    """The record of the last epoch; not of its type, whose parts may be None."""
    found = run.store.samples(run.document["id"], output=output)
    assert found is not None
    return found


def keys_of(run: Recorded) -> list[int]:
    found = last(run).samples
    assert found is not None
    return found.keys.tolist()


@pytest.mark.parametrize(
    ("loss", "y", "activation"),
    [
        (SPARSE, Y, "softmax"),
        (SPARSE, Y[:, None], "softmax"),
        (CATEGORICAL, HOT, "softmax"),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), Y, None),
    ],
)
def test_classes(record: Any, loss: Any, y: Any, activation: str | None) -> None:
    run = fitted(record, dense(3, activation), loss, y, metrics=["accuracy"])
    scores = run.model.predict(X, verbose=0)
    shares = recompute.predicted_probabilities(scores, from_logits=activation is None)
    found = last(run)
    assert (found.epoch, found.split, found.output) == (1, "val", None)
    np.testing.assert_allclose(found.loss, -np.log(shares[np.arange(72), Y]), **CLOSE)
    assert np.array_equal(found.predicted, scores.argmax(axis=1))
    assert np.array_equal(found.correct, scores.argmax(axis=1) == Y)
    np.testing.assert_allclose(found.confidence, shares.max(axis=1), **CLOSE)
    assert found.samples.keyed_by == "inputs"
    assert np.array_equal(found.samples.labels, Y)
    assert found.samples.weights is None


def test_what_the_probabilities_say_is_in_the_epochs(record: Any) -> None:
    run = fitted(record, dense(3), SPARSE, Y, metrics=["accuracy"])
    train, row = ([r for r in run.epochs if r["split"] == s][-1] for s in ("train", "val"))
    assert (train["nll"], train["worst_share"]) == (None, None)
    shares = run.model.predict(X, verbose=0).astype("float64")
    assert row["nll"] == pytest.approx(row["recomputed_loss"], rel=1e-5)
    assert row["scaled_loss"] <= row["nll"]
    scaled = np.log(shares) / row["temperature"]
    scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    assert row["scaled_loss"] == pytest.approx(-scaled[np.arange(72), Y].mean(), rel=1e-4)
    assert row["brier"] == pytest.approx(((shares - HOT) ** 2).sum(axis=1).mean(), rel=1e-4)
    frequency = HOT.mean(axis=0)
    assert row["brier_uncertainty"] == pytest.approx((frequency * (1 - frequency)).sum())
    losses = -np.log(shares[np.arange(72), Y])
    assert row["worst_share"] == pytest.approx(losses.max() / losses.sum(), rel=1e-4)
    others = np.where(HOT, -1.0, shares).max(axis=1)
    margins, hits = shares[np.arange(72), Y] - others, shares.argmax(axis=1) == Y
    assert train["margins"] is None
    assert row["margins"]["right"] == pytest.approx(margins[hits].mean(), abs=1e-5)
    assert row["margins"]["wrong"] == pytest.approx(margins[~hits].mean(), abs=1e-5)
    assert row["margins"]["median"] == pytest.approx(np.median(margins), abs=1e-5)
    assert row["margins"]["p05"] == pytest.approx(np.quantile(margins, 0.05), abs=1e-5)


def test_two_classes_of_one_unit(record: Any) -> None:
    y = (Y == 1).astype("float32")
    run = fitted(record, dense(1, "sigmoid"), "binary_crossentropy", y)
    share = run.model.predict(X, verbose=0)[:, 0].astype("float64")
    found = last(run)
    np.testing.assert_allclose(found.loss, -np.log(np.where(y, share, 1 - share)), **CLOSE)
    assert np.array_equal(found.predicted, share > 0.5)
    assert np.array_equal(found.samples.labels, y)
    row = run.epochs[-1]
    assert row["nll"] == pytest.approx(row["recomputed_loss"], rel=1e-5)
    assert row["brier"] == pytest.approx(((share - y) ** 2).mean(), rel=1e-4)
    margins = np.where(y == 1, 2 * share - 1, 1 - 2 * share)
    assert row["margins"]["mean"] == pytest.approx(margins.mean(), abs=1e-5)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="other backends take the loss of the output"
)
@pytest.mark.filterwarnings("ignore:You are using a softmax over axis:UserWarning")
def test_an_output_that_hides_its_logits_is_not_judged_by_them(record: Any) -> None:
    y = (Y == 1).astype("float32")
    run = fitted(record, dense(1, "softmax"), "binary_crossentropy", y)
    row = run.epochs[-1]
    assert row["status"] == "verified"
    assert row["confidence"] == 1.0
    assert row["nll"] is row["brier"] is row["temperature"] is row["margins"] is None


def test_several_labels_are_right_where_all_of_them_are(record: Any) -> None:
    run = fitted(record, dense(4, "sigmoid"), "binary_crossentropy", BITS)
    shares = run.model.predict(X, verbose=0)
    found = last(run)
    assert np.array_equal(found.correct, ((shares > 0.5) == BITS).all(axis=1))
    sure = np.maximum(shares, 1 - shares).mean(axis=1)
    np.testing.assert_allclose(found.confidence, sure, **CLOSE)
    assert (found.predicted, found.samples.labels) == (None, None)


def test_regression_has_losses_alone(record: Any) -> None:
    run = fitted(record, dense(2, None), "mse", REAL)
    found = last(run)
    expected = ((run.model.predict(X, verbose=0) - REAL) ** 2).mean(axis=1)
    np.testing.assert_allclose(found.loss, expected, **CLOSE)
    assert (found.correct, found.confidence, found.predicted) == (None, None, None)
    assert found.samples.keyed_by == "inputs"
    assert run.epochs[-1]["nll"] is None
    assert run.epochs[-1]["worst_share"] is not None


def test_a_map_of_labels_has_the_mean_loss_of_its_positions(record: Any) -> None:
    model = keras.Sequential([keras.Input((6, 1)), keras.layers.Dense(3, activation="softmax")])
    y = np.repeat(Y[:, None], 6, axis=1)
    weight = (np.arange(72 * 6).reshape(72, 6) % 3 > 0).astype("float32")
    model.compile("sgd", SPARSE)
    run = record(model, X[..., None], y, validation_data=(X[..., None], y, weight))
    shares = run.model.predict(X[..., None], verbose=0)
    losses = -np.log(np.take_along_axis(shares, y[..., None], axis=2))[..., 0]
    found = last(run)
    np.testing.assert_allclose(found.loss, (losses * weight).sum(1) / weight.sum(1), **CLOSE)
    assert found.correct is None


def test_weights_are_kept_beside_unweighted_losses(record: Any) -> None:
    weight = np.linspace(0, 2, 72).astype("float32")
    run = fitted(record, dense(3), SPARSE, Y, validation_data=(X, Y, weight))
    found = last(run)
    np.testing.assert_array_equal(found.samples.weights, weight)
    np.testing.assert_allclose(
        (found.loss * weight).mean(), run.epochs[-1]["recomputed_loss"], rtol=1e-4
    )


def test_each_output_has_its_samples(record: Any) -> None:
    inputs = keras.Input((6,))
    heads = [keras.layers.Dense(u, a, name=n)(inputs) for u, a, n in _HEADS]
    model = keras.Model(inputs, heads)
    model.compile("sgd", {"kind": SPARSE, "size": "mse"}, loss_weights={"kind": 1.0, "size": 0.5})
    y = {"kind": Y, "size": REAL}
    run = record(model, X, y, validation_data=(X, y))
    kind, size = run.model.predict(X, verbose=0)
    np.testing.assert_allclose(last(run, "kind").loss, -np.log(kind[np.arange(72), Y]), **CLOSE)
    expected = ((size - REAL) ** 2).mean(axis=1)
    np.testing.assert_allclose(last(run, "size").loss, expected, **CLOSE)
    assert run.store.sample_epochs("latest") == []


_HEADS = [(3, "softmax", "kind"), (2, None, "size")]


def test_a_sample_is_recognised_wherever_it_stands(record: Any) -> None:
    order = np.random.default_rng(3).permutation(72)
    ids = fitted(record, dense(3), SPARSE, Y)
    hot = fitted(record, dense(3), CATEGORICAL, HOT, validation_data=(X[order], HOT[order]))
    split = fitted(record, dense(3), SPARSE, Y, validation_data=None, validation_split=0.25)
    assert np.array_equal(np.array(keys_of(ids))[order], keys_of(hot))
    assert keys_of(split) == keys_of(ids)[54:]


def keys(x: Any, labels: Any) -> list[int]:
    rows = np.ascontiguousarray(labels, np.float32)[:, None].view(np.uint8)
    found = SampleKeys(x).of(0, rows, None, None)
    assert found is not None
    return found.keys.tolist()


def test_the_precision_of_inputs_makes_no_other_sample() -> None:
    assert keys(X.astype("float64"), Y) == keys(X, Y)
    assert keys({"a": Y.astype("int32"), "b": X}, Y) == keys({"a": Y, "b": X}, Y)


def test_one_other_value_or_label_makes_another_sample() -> None:
    other, relabelled = X.copy(), Y.copy()
    other[5, 2] += 1e-3
    relabelled[7] = (Y[7] + 1) % 3
    base = keys(X, Y)
    for changed, place in ((keys(other, Y), 5), (keys(X, relabelled), 7)):
        assert [a == b for a, b in zip(base, changed, strict=True)].count(False) == 1
        assert changed[place] != base[place]


def test_equal_samples_have_keys_of_their_own_whatever_the_order() -> None:
    twice, labels = np.concatenate([X, X[:9]]), np.concatenate([Y, Y[:9]])
    found = keys(twice, labels)
    assert len(set(found)) == 81
    assert found[:72] == keys(X, Y)
    assert sorted(keys(twice[::-1], labels[::-1])) == sorted(found)


def test_of_large_inputs_some_values_count() -> None:
    large = np.zeros((3, 3 * HASHED_VALUES), np.float32)
    other = large.copy()
    other[:, 3::9] = 1.0
    assert keys(large, Y[:3]) != keys(other, Y[:3])


@pytest.mark.parametrize("x", [None, X[:50], np.array(["a"] * 72), iter([X])])
def test_without_inputs_a_set_is_recognised_by_all_its_labels(x: Any) -> None:
    positions = keys(x, Y)
    assert len(set(positions)) == 72
    assert positions == keys(None, Y)
    assert not set(positions) & set(keys(None, Y[::-1]))
    assert not set(positions) & set(keys(X, Y))


def test_a_dataset_is_recognised_by_its_labels_and_no_more_once_they_move(record: Any) -> None:
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((X, Y))
    still = fitted(record, dense(3), SPARSE, Y, validation_data=data.batch(16))
    found = still.store.sample_records("latest")
    assert [record.samples.keyed_by for record in found] == ["positions", "positions"]
    assert found[0].samples is found[1].samples
    moving = fitted(record, dense(3), SPARSE, Y, validation_data=data.shuffle(72).batch(16))
    first, second = moving.store.sample_records("latest")
    assert first.samples is not None
    assert second.samples is None
    assert len(second.loss) == 72


@pytest.mark.parametrize(
    "monitor", [{"verify": "off"}, {"samples": False}, {"samples": 71}, {"samples": 0}]
)
def test_nothing_is_recorded_where_it_was_not_asked_for(
    record: Any, monitor: dict[str, Any]
) -> None:
    run = fitted(record, dense(3), SPARSE, Y, monitor=monitor)
    assert run.store.sample_epochs("latest") == []
    assert run.epochs[-1]["temperature"] is None
    assert run.document["troubles"] == []


def test_a_limit_of_as_many_samples_is_none(record: Any) -> None:
    run = fitted(record, dense(3), SPARSE, Y, monitor={"samples": 72})
    assert run.store.sample_epochs("latest") == [0, 1]


def test_a_pass_that_would_take_too_long_is_left_out(
    record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "ALLOWANCE", 0.0)
    monkeypatch.setattr(gathering, "SHARE", 0.0)
    run = fitted(record, dense(3), SPARSE, Y, epochs=3)
    # What the first one takes is not known before.
    assert run.store.sample_epochs("latest") == [0]
    assert {row["coverage"] for row in run.epochs} == {1.0}
    full = fitted(record, dense(3), SPARSE, Y, epochs=3, monitor={"verify": "full"})
    assert full.store.sample_epochs("latest") == [0, 1, 2]


@pytest.mark.parametrize("broken", ["sample_part", "sample_values", "sample_record"])
def test_an_error_costs_the_samples_and_nothing_else(
    record: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("of samples")

    monkeypatch.setattr(gathering, broken, fails)
    run = fitted(record, dense(3), SPARSE, Y)
    assert run.store.sample_epochs("latest") == []
    assert {row["status"] for row in run.epochs} == {"verified"}
    assert len(run.epochs) == 4
    (trouble,) = run.document["troubles"]
    assert "recorded no more: ZeroDivisionError('of samples')" in trouble["message"]


def test_inputs_are_hashed_as_far_as_they_are_validated_on(record: Any) -> None:
    run = fitted(record, dense(3), SPARSE, Y, validation_steps=2)
    assert len(last(run).loss) == 32
    assert keys_of(run) == keys(X, Y)[:32]


def test_too_many_predictions_are_not_kept(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PREDICTIONS", 72 * 3 - 1)
    run = fitted(record, dense(3), SPARSE, Y)
    assert run.store.sample_epochs("latest") == []
    asked = fitted(record, dense(3), SPARSE, Y, monitor={"samples": gathering.SAMPLES + 1})
    assert asked.store.sample_epochs("latest") == [0, 1]
    assert asked.epochs[-1]["worst_share"] is not None
    assert asked.epochs[-1]["temperature"] is None


def test_an_evaluation_in_a_callback_is_no_part_of_it(record: Any) -> None:
    class Evaluates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.evaluate(X, Y, verbose=0)

    run = fitted(record, dense(3), SPARSE, Y, callbacks=[Evaluates()], validation_freq=2, epochs=4)
    assert run.store.sample_epochs("latest") == [1, 3]


def test_nan_losses_stay_nan(record: Any) -> None:
    broken = X.copy()
    broken[3] = np.nan
    # A relu may make a number of NaN.
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    run = fitted(record, model, SPARSE, Y, validation_data=(broken, Y))
    found = last(run)
    assert np.flatnonzero(np.isnan(found.loss)).tolist() == [3]
    assert np.flatnonzero(np.isnan(found.confidence)).tolist() == [3]
    assert run.epochs[-1]["worst_share"] is None


@pytest.mark.parametrize(
    ("loss", "y", "head"),
    [
        ("binary_crossentropy", BITS[:, :1], (1, None)),
        (SPARSE, Y, (3, None)),
        (SPARSE, Y, (3, "sigmoid")),
    ],
    ids=["scores of one unit", "scores of classes", "shares that are not 1 in sum"],
)
def test_what_is_no_probability_has_no_confidence(
    record: Any, loss: str, y: Any, head: tuple[int, str | None]
) -> None:
    run = fitted(record, dense(*head), loss, y, metrics=["accuracy"])
    for row in run.epochs:
        assert row["judged"] == 72
        assert row["correct"] == pytest.approx(row["accuracy"] * 72)
        assert (row["confidence"], row["calibration_gap"]) == (None, None)
        assert (row["expected_calibration_error"], row["reliability"]) == (None, None)
    assert all(row["correct"] is not None for row in run.batches)
    found = last(run)
    assert np.isnan(found.confidence).any()
    assert np.array_equal(found.correct.sum(), run.epochs[-1]["correct"])
    assert analysis.no_confidence(run.epochs[-1]) is not None
    known = analysis.samples_of(found)
    assert known is not None
    assert known.two_classes is None


def test_scores_are_not_called_overconfident(record: Any) -> None:
    x, y = features(240), classes(240, 2)
    model = dense(1, None)
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    run = record(model, x, y, validation_data=(x, y), epochs=6)
    found = {finding["rule"] for finding in run.document["findings"]}
    assert "missing-output-activation" in found
    assert "overconfident" not in found
