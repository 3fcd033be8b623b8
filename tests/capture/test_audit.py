"""The audit tells what `evaluate` tells, and training with it is training without it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from tests.capture.conftest import (
    classes,
    dense,
    exact_when_compiled,
    features,
    several_steps,
)
from tests.capture.test_never_harm import Noisy

N = 90
X = features(N)
IDS = classes(N)
WEIGHTS = np.linspace(0.2, 2.0, N).astype("float32")


class Rows(keras.utils.PyDataset):
    """Shuffles its rows when an epoch ends, and counts how often that is."""

    def __init__(self) -> None:
        super().__init__()
        self.order = np.arange(N)
        self.ended = 0

    @property
    def num_batches(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        rows = self.order[index * 15 : (index + 1) * 15]
        return X[rows], IDS[rows]

    def on_epoch_end(self) -> None:
        self.ended += 1
        np.random.default_rng(self.ended).shuffle(self.order)


def _model(**compile_arguments: Any) -> Any:
    keras.utils.set_random_seed(11)
    layers = keras.layers
    inputs = keras.Input((6,))
    hidden = layers.Dense(16, activation="relu", kernel_regularizer="l2")(inputs)
    hidden = Noisy()(layers.Dropout(0.3)(layers.BatchNormalization()(hidden)))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(hidden))
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compile_arguments
    )
    return model


def _noiseless() -> Any:
    keras.utils.set_random_seed(11)
    model = dense(kernel_regularizer="l2")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _plain_dataset() -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, IDS)).batch(16)


def _numpy_rows() -> Iterator[Any]:
    """Draws from NumPy's global random numbers, on the thread that reads ahead."""
    while True:
        rows = np.random.randint(0, N, 16)
        yield X[rows], IDS[rows]


BACKEND = keras.backend.backend()
needs_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's data sets")

SOURCES: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[], Any] | Any]] = {
    "arrays": (lambda: {"x": X, "y": IDS, "batch_size": 16, "validation_split": 0.2}, True),
    "weights": (lambda: {"x": X, "y": IDS, "sample_weight": WEIGHTS}, True),
    "class-weights": (lambda: {"x": X, "y": IDS, "class_weight": {0: 1.0, 1: 2.0}}, True),
    "pair": (lambda: {"x": X, "y": IDS, "steps_per_epoch": 4}, (X, IDS)),
    "dataset": (lambda: {"x": _plain_dataset().shuffle(9), "shuffle": False}, _plain_dataset),
    "generator": (
        lambda: {"x": _numpy_rows(), "steps_per_epoch": 5, "shuffle": False},
        (X, IDS, WEIGHTS),
    ),
}


def _source(name: str) -> tuple[Callable[[], dict[str, Any]], Any]:
    given, wanted = SOURCES[name]
    return given, wanted() if callable(wanted) else wanted


def _case(source: str, *values: Any) -> Any:
    marks = [needs_tensorflow] if "dataset" in source or "shuffle" in source else []
    return pytest.param(source, *values, marks=marks)


@pytest.mark.parametrize(
    ("source", "how"),
    [
        *(_case(source, {}) for source in SOURCES),
        pytest.param("arrays", {"jit_compile": True}, marks=exact_when_compiled),
        ("arrays", {"run_eagerly": True}),
        pytest.param("arrays", {"steps_per_execution": 3}, marks=several_steps),
    ],
    ids=str,
)
def test_training_is_bit_identical_with_and_without(
    source: str, how: dict[str, Any], db: str
) -> None:
    data, wanted = _source(source)
    plain = _model(**how)
    expected = plain.fit(**data(), epochs=3, verbose=0, validation_data=(X[:30], IDS[:30]))
    states = random.getstate()
    audited = _model(**how)
    history = audited.fit(
        **data(),
        epochs=3,
        verbose=0,
        validation_data=(X[:30], IDS[:30]),
        callbacks=[lossmon.Monitor(db, audit_train=wanted)],
    )
    assert history.history == expected.history
    assert random.getstate() == states
    kept = [*zip(audited.variables, plain.variables, strict=True)]
    kept += zip(audited.metrics_variables, plain.metrics_variables, strict=True)
    for ours, theirs in kept:
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=ours.path)
    document = lossmon.open_store(db).run_document("latest")
    assert document["troubles"] == []
    train = [row for row in document["epochs"] if row["split"] == "train"]
    assert all(row["audited_loss"] is not None for row in train)
    assert all(row["n"] <= 30 for row in document["epochs"] if row["split"] == "val")


class Evaluated(keras.callbacks.Callback):
    """Evaluates by itself at the end of each epoch, and notes what it is called for."""

    def __init__(self, **data: Any) -> None:
        super().__init__()
        self.data = data
        self.found: list[dict[str, float]] = []
        self.called: list[str] = []

    def on_test_begin(self, logs: Any = None) -> None:
        self.called.append("test")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.called.append("epoch")
        self.found.append(self.model.evaluate(**self.data, verbose=0, return_dict=True))


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("arrays", {"x": X[:72], "y": IDS[:72]}),
        ("weights", {"x": X, "y": IDS, "sample_weight": WEIGHTS}),
        (
            "class-weights",
            {"x": X, "y": IDS, "sample_weight": np.where(IDS == 1, 2.0, 1.0)},
        ),
        ("pair", {"x": X, "y": IDS}),
        _case("dataset", {"x": X, "y": IDS}),
        ("generator", {"x": X, "y": IDS, "sample_weight": WEIGHTS}),
    ],
)
def test_values_are_those_of_evaluate(source: str, data: dict[str, Any], db: str) -> None:
    given, wanted = _source(source)
    model = _noiseless()
    evaluated = Evaluated(**data)
    arguments = {"epochs": 2, "verbose": 0} | given()
    monitor = lossmon.Monitor(db, audit_train=wanted)
    model.fit(**arguments, callbacks=[evaluated, monitor])
    rows = lossmon.open_store(db).run_document("latest")["epochs"]
    train = [row for row in rows if row["split"] == "train"]
    assert [row["audited_loss"] for row in train] == pytest.approx(
        [values["loss"] for values in evaluated.found], rel=1e-6
    )
    assert [row["audited_accuracy"] for row in train] == [
        values["accuracy"] for values in evaluated.found
    ]
    assert all(row["audited_loss"] is None for row in rows if row["split"] == "val")
    validations = ["test"] if "validation_split" in arguments else []
    assert evaluated.called == [*validations, "epoch"] * 2


def test_each_output_has_its_own(db: str) -> None:
    inputs = keras.Input((6,))
    heads = {"kind": keras.layers.Dense(3, "softmax", name="kind")(inputs)}
    heads["size"] = keras.layers.Dense(1, name="size")(inputs)
    model: Any = keras.Model(inputs, heads)
    model.compile(
        "sgd",
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        metrics={"kind": ["accuracy"]},
    )
    evaluated = Evaluated(x=X, y={"kind": IDS, "size": X[:, 0]})
    model.fit(
        **evaluated.data, verbose=0, callbacks=[evaluated, lossmon.Monitor(db, audit_train=True)]
    )
    (found,) = evaluated.found
    rows = lossmon.open_store(db).run_document("latest")["epochs"]
    values = {row["output"]: (row["audited_loss"], row["audited_accuracy"]) for row in rows}
    assert values == {
        None: (pytest.approx(found["loss"], rel=1e-6), None),
        "kind": (pytest.approx(found["kind_loss"], rel=1e-6), found["kind_accuracy"]),
        "size": (pytest.approx(found["size_loss"], rel=1e-6), None),
    }


def test_the_model_keeps_no_trace(db: str) -> None:
    model = _model()
    model.fit(X, IDS, verbose=0)
    before = vars(model).keys() | set()
    model.fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db, audit_train=True)])
    assert vars(model).keys() == before


def test_stopping_is_left_to_others(db: str) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 1

    callbacks = [Stop(), lossmon.Monitor(db, audit_train=True)]
    assert _model().fit(X, IDS, verbose=0, epochs=5, callbacks=callbacks).epoch == [0, 1]


def test_a_data_set_is_not_told_that_its_epoch_ends(db: str) -> None:
    alone, data = Rows(), Rows()
    plain = _noiseless()
    expected = plain.fit(alone, epochs=3, verbose=0)
    monitor = lossmon.Monitor(db, audit_train=data)
    history = _noiseless().fit(data, epochs=3, verbose=0, callbacks=[monitor])
    assert (data.ended, history.history) == (alone.ended, expected.history)
    (*_, last) = lossmon.open_store(db).run_document("latest")["epochs"]
    assert last["audited_loss"] == pytest.approx(plain.evaluate(X, IDS, verbose=0)[0], rel=1e-5)


def _shuffled() -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, IDS)).shuffle(N).batch(16)


REFUSED: dict[str, Callable[[], tuple[dict[str, Any], Any, str]]] = {
    "generator": lambda: (
        {"x": _numpy_rows(), "steps_per_epoch": 3, "shuffle": False},
        True,
        "x of type generator",
    ),
    "dataset": lambda: ({"x": _plain_dataset(), "shuffle": False}, True, "x of type _BatchDataset"),
    "same-shuffle": lambda: (
        {"x": (data := _shuffled()), "shuffle": False},
        data.prefetch(1),
        "a dataset behind the same `shuffle`",
    ),
    "misfit": lambda: ({"x": X, "y": IDS}, (X[:, :3], IDS), "`evaluate` failed"),
}


@pytest.mark.parametrize("case", [_case(refused) for refused in REFUSED])
def test_what_cannot_be_audited_is_said_once_and_training_goes_on(
    case: str, db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data, wanted, said = REFUSED[case]()
    monitor = lossmon.Monitor(db, audit_train=wanted)
    history = _model().fit(**data, epochs=3, verbose=0, callbacks=[monitor])
    assert len(history.history["loss"]) == 3
    assert " ".join(capsys.readouterr().err.split()).count(said) == 1
    document = lossmon.open_store(db).run_document("latest")
    (trouble,) = document["troubles"]
    assert said in trouble["message"]
    assert document["status"] == "finished"
    assert {row["audited_loss"] for row in document["epochs"]} == {None}


@needs_tensorflow
def test_each_reading_of_a_shuffle_moves_it_on() -> None:
    data = _shuffled()
    first, second = ([ids.tolist() for _, ids in data.as_numpy_iterator()] for _ in range(2))
    assert first != second


def test_an_evaluation_that_fails_leaves_the_metrics(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _model()
    expected.fit(X, IDS, verbose=0)
    model = _model()

    def broken(*_: Any, **__: Any) -> None:
        model.reset_metrics()
        raise RuntimeError("no room")

    monkeypatch.setattr(model, "evaluate", broken)
    model.fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db, audit_train=True)])
    for ours, theirs in zip(model.metrics_variables, expected.metrics_variables, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_the_arrays_are_let_go_when_fit_ends(db: str) -> None:
    monitor = lossmon.Monitor(db, audit_train=True)
    _model().fit(X, IDS, verbose=0, callbacks=[monitor])
    assert monitor._session is not None
    assert monitor._session._audit is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "Received: NoneType"),
        ("yes", "Received: str"),
        (_numpy_rows(), "Received: generator"),
        ((X,), "Received: (ndarray)"),
        ((X, IDS, WEIGHTS, X), "Received: (ndarray, ndarray, ndarray, ndarray)"),
        (([1, "a"], IDS), "Received: (list, ndarray)"),
        ((X, IDS[:5]), "Received: arrays of lengths 90, 5"),
    ],
)
def test_bad_data_is_refused_at_once(value: Any, expected: str) -> None:
    with pytest.raises(lossmon.InvalidArgument, match="`audit_train` ") as caught:
        lossmon.Monitor(audit_train=value)
    assert expected in str(caught.value)
    assert "Fix: " in str(caught.value)


@needs_tensorflow
def test_data_without_end_is_refused_at_once() -> None:
    with pytest.raises(lossmon.InvalidArgument, match="without end"):
        lossmon.Monitor(audit_train=_plain_dataset().repeat())
