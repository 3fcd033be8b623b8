"""Training with the monitor is training without it, whatever goes wrong inside."""

from __future__ import annotations

import gc
import sqlite3
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture import letting_out
from lossmon.capture.judge import RunJudge
from tests.capture.conftest import (
    classes,
    dense,
    exact_when_compiled,
    features,
    several_steps,
)

N = 90
X = features(N)
IDS = classes(N)


class Noisy(keras.layers.Layer):
    """Draws random numbers in inference too, as sampling layers of VAEs do."""

    def __init__(self) -> None:
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(3)

    def call(self, inputs: Any) -> Any:
        return inputs + 0.1 * keras.random.normal(keras.ops.shape(inputs), seed=self.seed_generator)


def _model(**compile_arguments: Any) -> Any:
    keras.utils.set_random_seed(11)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            Noisy(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compile_arguments
    )
    return model


def _generator() -> Any:
    rng = np.random.default_rng(2)
    while True:
        rows = rng.integers(0, N, 16)
        yield X[rows], IDS[rows]


SOURCES: dict[str, Callable[[], dict[str, Any]]] = {
    "arrays": lambda: {"x": X, "y": IDS, "batch_size": 16, "validation_split": 0.2},
    "weights": lambda: {"x": X, "y": IDS, "class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
    "generator": lambda: {"x": _generator(), "steps_per_epoch": 5, "shuffle": False},
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"jit_compile": True},
        {"run_eagerly": True},
        pytest.param({"steps_per_execution": 3}, marks=several_steps),
        pytest.param({"steps_per_execution": 3, "jit_compile": True}, marks=several_steps),
    ],
    ids=["graph", "jit", "eager", "several-steps", "several-jit"],
)
def test_weights_and_history_are_bit_identical(source: str, how: dict[str, Any], db: str) -> None:
    plain = _model(**how)
    expected = plain.fit(**SOURCES[source](), epochs=3, verbose=0)
    watched = _model(**how)
    history = watched.fit(**SOURCES[source](), epochs=3, verbose=0, callbacks=[lossmon.Monitor(db)])
    if "jit_compile" in how and keras.backend.backend() == "torch":
        # What `torch.compile` fuses depends on what the step calls: the last digit may differ.
        for key, values in expected.history.items():
            assert history.history[key] == pytest.approx(values, rel=1e-5)
        return
    for ours, theirs in zip(watched.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=ours.path)
    assert history.history == expected.history


@pytest.mark.parametrize(
    ("how", "scheduled"),
    [
        pytest.param({}, True, id="schedule"),
        pytest.param({}, False, id="plateau"),
        pytest.param({"jit_compile": True}, True, marks=exact_when_compiled, id="schedule-jit"),
        pytest.param({"steps_per_execution": 3}, False, marks=several_steps, id="plateau-several"),
    ],
)
# How Keras itself reads a rate that it changes.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_neither_verifying_nor_reading_the_rate_changes_a_bit(
    how: dict[str, Any], scheduled: bool, db: str
) -> None:
    def fitted(*callbacks: Any) -> tuple[Any, Any]:
        model = _model(**how)
        decay: Any = keras.optimizers.schedules.ExponentialDecay(0.05, 4, 0.9)
        model.compile(
            keras.optimizers.Adam(decay if scheduled else 0.05),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            **how,
        )
        changes = keras.callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=9.0)
        own = [] if scheduled else [changes]
        fit: dict[str, Any] = SOURCES["arrays"]() | {"epochs": 3, "verbose": 0}
        return model, model.fit(**fit, callbacks=[*own, *callbacks]).history

    plain, expected = fitted()
    for verify in ("auto", "full", "off"):
        watched, history = fitted(lossmon.Monitor(db, verify=verify))
        for ours, theirs in zip(watched.variables, plain.variables, strict=True):
            same = np.array_equal(np.asarray(ours), np.asarray(theirs))
            assert same, (verify, ours.path)
        assert history == expected, verify
        rates = {row["learning_rate"] for row in lossmon.open_store(db).export_batches("latest")}
        assert len(rates - {None}) > 1


@pytest.mark.parametrize("how", [{}, {"jit_compile": True}], ids=["default", "jit"])
def test_sampling_and_masks_change_no_bit(
    how: dict[str, Any], db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letting_out, "LARGE_STEP", 2)
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", -1.0)
    tokens = np.random.default_rng(5).integers(0, 4, (N, 7))

    def fitted(*callbacks: Any) -> tuple[Any, Any]:
        keras.utils.set_random_seed(11)
        layers = [
            keras.Input((7,), dtype="int32"),
            keras.layers.Embedding(20, 5, mask_zero=True),
            keras.layers.Dense(4, activation="softmax"),
        ]
        model = keras.Sequential(layers)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **how)
        fit: dict[str, Any] = {"epochs": 3, "batch_size": 16, "validation_split": 0.2, "verbose": 0}
        return model, model.fit(tokens, tokens, callbacks=[*callbacks], **fit)

    plain, expected = fitted()
    watched, history = fitted(lossmon.Monitor(db))
    document = lossmon.open_store(db).run_document("latest")
    assert 0.0 < min(row["coverage"] for row in document["epochs"] if row["coverage"]) < 1.0
    assert "mismatch" not in {row["status"] for row in document["epochs"]}
    if how and keras.backend.backend() == "torch":
        return
    for ours, theirs in zip(watched.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=ours.path)
    assert history.history == expected.history


def test_masked_weights_are_changed_by_keras_alone(db: str) -> None:
    """On PyTorch Keras applies the mask to the weights in place, in every step anew."""
    steps = np.random.default_rng(3).normal(size=(16, 4, 3)).astype("float32")
    steps[:8, -1] = 0.0
    labels = np.random.default_rng(4).integers(0, 3, (16, 4))

    def fitted(*callbacks: Any) -> tuple[Any, Any]:
        keras.utils.set_random_seed(11)
        layers = [
            keras.layers.Masking(),
            keras.layers.GRU(4, return_sequences=True),
            keras.layers.Dense(3, activation="softmax"),
        ]
        model = keras.Sequential([keras.Input((4, 3)), *layers])
        model.compile("adam", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
        drawn = np.random.default_rng(5).gamma(2.0, size=(16, 4)).astype("float32")
        weights = keras.ops.convert_to_tensor(drawn)
        batches = ((steps, labels, weights) for _ in range(6))
        how: dict[str, Any] = {"steps_per_epoch": 3, "epochs": 2, "shuffle": False, "verbose": 0}
        model.fit(batches, callbacks=[*callbacks], **how)
        return model, weights

    plain, expected = fitted()
    watched, weights = fitted(lossmon.Monitor(db, verify="full"))
    np.testing.assert_array_equal(np.asarray(weights), np.asarray(expected))
    for ours, theirs in zip(watched.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=ours.path)
    document = lossmon.open_store(db).run_document("latest")
    assert {(row["status"], row["reason"]) for row in document["epochs"]} == {("verified", None)}


def test_the_model_is_left_as_it_was_found(db: str) -> None:
    model = _model()
    model.fit(X, IDS, verbose=0, validation_split=0.2)
    before = dict(vars(model))
    tracker = dict(vars(model._loss_tracker))
    model.fit(X, IDS, verbose=0, validation_split=0.2, callbacks=[lossmon.Monitor(db)])
    after = dict(vars(model))
    assert before.keys() == after.keys()
    assert after["train_function"] is before["train_function"]
    assert vars(model._loss_tracker) == tracker
    assert set(model.fit(X, IDS, verbose=0).history) == {"loss", "accuracy"}


def _traces(model: Any) -> list[int]:
    """How often the step was traced: every trace calls the model's layers once."""
    calls: list[int] = []
    layer, call = model.layers[0], model.layers[0].call

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return call(*args, **kwargs)

    layer.call = counted
    return calls


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch traces nothing")
def test_only_the_first_fit_traces(db: str) -> None:
    model = _model()
    model.fit(X, IDS, verbose=0, validation_split=0.2, callbacks=[lossmon.Monitor(db)])
    traces = _traces(model)
    for _ in range(2):
        model.fit(X, IDS, verbose=0, validation_split=0.2, callbacks=[lossmon.Monitor(db)])
        # One call each is the look at the first batch before the first step.
    assert len(traces) == 2
    document = lossmon.open_store(db).run_document("latest")
    assert document["verified"] == 1.0
    assert document["troubles"] == []


def test_a_model_compiled_anew_is_traced_anew(db: str) -> None:
    model = _model()
    model.fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db)])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db)])
    document = lossmon.open_store(db).run_document("latest")
    assert document["verified"] == 1.0
    rates = [row["learning_rate"] for row in lossmon.open_store(db).export_batches("latest")]
    assert rates == pytest.approx([0.01] * 3)


def test_a_model_that_was_monitored_can_be_freed(db: str) -> None:
    model = _model()
    model.fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db)])
    gone = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None


def test_two_fits_of_one_monitor_are_two_runs(db: str) -> None:
    model, monitor = _model(), lossmon.Monitor(db)
    model.fit(X, IDS, verbose=0, callbacks=[monitor])
    first = monitor.run_id
    model.fit(X, IDS, verbose=0, callbacks=[monitor])
    rows = lossmon.open_store(db).run_rows()
    assert [row["id"] for row in rows] == [monitor.run_id, first]
    assert [row["verified"] for row in rows] == [1.0, 1.0]


def test_an_error_in_the_judge_is_said_and_stored(
    db: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the judge is ill")

    monkeypatch.setattr(RunJudge, "calls", broken)
    history = _model().fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db)])
    assert len(history.history["loss"]) == 1
    assert capsys.readouterr().err.count("the judge is ill") == 1
    document = lossmon.open_store(db).run_document("latest")
    assert document["status"] == "finished"
    assert "the judge is ill" in document["troubles"][0]["message"]


@pytest.mark.parametrize(
    "step", ["opening.first_look", "session.describe_model", "opening.RuleAsker"]
)
def test_an_error_before_the_first_step_is_kept_from_training(
    step: str, db: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("nothing works today")

    monkeypatch.setattr(f"lossmon.capture.{step}", broken)
    history = _model().fit(X, IDS, verbose=0, epochs=2, callbacks=[lossmon.Monitor(db)])
    assert len(history.history["loss"]) == 2
    assert "nothing works today" in capsys.readouterr().err


def test_a_folder_that_is_made_for_the_database_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "folder" / "runs.db"
    _model().fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(path)])
    assert len(lossmon.open_store(path).runs()) == 1
    # Without blanks: where lines break depends on the length of the path.
    said = "".join(capsys.readouterr().err.split())
    assert said.count("folder/runs.db,inafolderthatismadeforit.") == 1
    for known in (path, path.with_name("other.db")):
        _model().fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(known)])
        assert capsys.readouterr().err == ""


def test_an_unusable_database_does_not_stop_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "not-a-database.db"
    path.write_text("these are not the tables you are looking for" * 100)
    history = _model().fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(str(path))])
    assert len(history.history["loss"]) == 1
    told = capsys.readouterr().err
    assert "not-a-database.db" in told.replace("\n", "")


def written(path: Path) -> int:
    """How many batches other connections can read."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'batches'").fetchone()
        return connection.execute("SELECT count(*) FROM batches").fetchone()[0] if known else 0


def test_a_database_that_goes_away_does_not_stop_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.db"

    class Vandal(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            while epoch == 1 and not written(path):
                time.sleep(0.05)
            if epoch == 1:
                with closing(sqlite3.connect(path)) as connection:
                    connection.execute("DROP TABLE batches")

    history = _model().fit(
        X, IDS, verbose=0, epochs=3, callbacks=[Vandal(), lossmon.Monitor(str(path))]
    )
    assert len(history.history["loss"]) == 3
    assert "did not take all of run" in capsys.readouterr().err.replace("\n", " ")


class Stop(keras.callbacks.Callback):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("mine")])
def test_a_broken_off_run_is_closed_and_the_model_freed(error: BaseException, db: str) -> None:
    model = _model()

    def fit() -> None:
        with pytest.raises(type(error)):
            model.fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db), Stop(error)])

    fit()
    error.__traceback__ = None
    assert "compute_metrics" not in vars(model)
    document = lossmon.open_store(db).run_document("latest")
    assert document["status"] == "interrupted"
    assert len(document["epochs"]) == 1


def test_an_error_of_the_step_itself_reaches_the_user_and_the_run(db: str) -> None:
    model = _model(run_eagerly=True)

    def ill(*_: Any, **__: Any) -> Any:
        raise ValueError("the step is ill")

    def generate() -> Any:
        yield X[:16], IDS[:16]
        yield X[:16], IDS[:16]
        model.layers[0].call = ill
        yield X[:16], IDS[:16]

    with pytest.raises(ValueError, match="the step is ill"):
        model.fit(
            generate(), steps_per_epoch=3, verbose=0, shuffle=False, callbacks=[lossmon.Monitor(db)]
        )
    document = lossmon.open_store(db).run_document("latest")
    assert document["status"] == "failed"
    assert "the step is ill" in document["troubles"][0]["message"]
    assert "compute_metrics" not in vars(model)


def test_strict_refuses_before_the_first_step(db: str) -> None:
    model = dense(1, None)
    model.compile(loss="mean_squared_error", optimizer="sgd", metrics=["acc"])
    before = [np.array(w) for w in model.get_weights()]
    with pytest.raises(lossmon.InvalidCombination, match="LM301") as caught:
        model.fit(X, X[:, 0] * 3.3, verbose=0, callbacks=[lossmon.Monitor(db, strict=True)])
    assert caught.value.findings[0].rule == "accuracy-with-regression"
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    document = lossmon.open_store(db).run_document("latest")
    assert document["status"] == "failed"
    assert [f["code"] for f in document["findings"] if f["severity"] == "error"] == ["LM301"]
    assert "compute_metrics" not in vars(model)
    history = model.fit(X, X[:, 0] * 3.3, verbose=0)
    assert set(history.history) == {"loss", "acc"}


def test_a_second_monitor_of_one_fit_says_so_and_leaves_the_first_alone(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _model()
    other = lossmon.Monitor(str(tmp_path / "other.db"))
    model.fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db), other])
    said = " ".join(capsys.readouterr().err.split())
    assert "a `fit` expected one lossmon.Monitor. Received: several." in said
    assert lossmon.open_store(db).run_rows()[0]["verified"] == 1.0
    assert not (tmp_path / "other.db").exists()
    assert "compute_metrics" not in vars(model)


def test_an_error_of_the_watch_costs_no_record(
    db: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("labels cannot be read")

    monkeypatch.setattr("lossmon.capture.watch.describe_labels", broken)
    # Of arrays all labels are known before the first step.
    batches = ((X[start : start + 30], IDS[start : start + 30]) for start in range(0, N, 30))
    monitor = lossmon.Monitor(db)
    _model().fit(batches, steps_per_epoch=3, shuffle=False, verbose=0, callbacks=[monitor])
    assert capsys.readouterr().err.count("labels cannot be read") == 1
    assert len(list(lossmon.open_store(db).export_batches("latest"))) == 3
