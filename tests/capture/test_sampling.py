"""Gradients and units that are measured beside training: right, and without a trace on it."""

from __future__ import annotations

import random
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture import asking, sampling
from lossmon.capture.kernels import kernel_chain
from lossmon.rules import Facts, GradientFacts, TrainingFacts, UnitFacts, run_rules
from tests.capture.conftest import classes, features

N = 96
X = features(N)
IDS = classes(N)
FIT: dict[str, Any] = {"x": X, "y": IDS, "batch_size": 16, "epochs": 3, "verbose": 0}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[TrainingFacts]:
    """What the rules were told at the end of each epoch, with time for every measurement."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are measured on TensorFlow only")
    told: list[TrainingFacts] = []

    def listening(facts: Facts, *args: Any, **kwargs: Any) -> Any:
        if facts.training is not None:
            told.append(facts.training)
        return run_rules(facts, *args, **kwargs)

    monkeypatch.setattr(asking, "run_rules", listening)
    monkeypatch.setattr(sampling, "ALLOWANCE", 60.0)
    return told


def gradients_of(told: list[TrainingFacts]) -> list[GradientFacts]:
    return list(told[-1].gradients or ())


def units_of(told: list[TrainingFacts]) -> list[UnitFacts]:
    return list(told[-1].units or ())


def plain(optimizer: Any = "adam", dtype: str = "float32", **compile_arguments: Any) -> Any:
    keras.utils.set_random_seed(11)
    layers = keras.layers
    model: Any = keras.Sequential(
        [
            keras.Input((6,)),
            layers.GaussianNoise(0.1, dtype=dtype),
            layers.Dense(16, activation="relu", kernel_regularizer="l2", dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.Dropout(0.3, dtype=dtype),
            # Keras cannot add a half-precision penalty of activities to the loss.
            layers.Dense(
                8, "relu", activity_regularizer="l1" if dtype == "float32" else None, dtype=dtype
            ),
            layers.Dense(3, activation="softmax", dtype=dtype),
        ]
    )
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **compile_arguments
    )
    return model


WAYS: dict[str, dict[str, Any]] = {
    "graph": {},
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True},
    "several-steps": {"steps_per_execution": 3},
    "accumulation": {"optimizer": lambda: keras.optimizers.Adam(gradient_accumulation_steps=2)},
    "averages": {"optimizer": lambda: keras.optimizers.SGD(momentum=0.9, use_ema=True)},
    "loss-scaling": {
        "optimizer": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
    },
    "mixed": {"dtype": "mixed_float16", "jit_compile": False},
}


def made(way: str) -> Any:
    arguments = dict(WAYS[way])
    if "optimizer" in arguments:
        arguments["optimizer"] = arguments["optimizer"]()
    return plain(**arguments)


def random_states() -> tuple[Any, ...]:
    python, numpy = random.getstate(), np.random.get_state()
    return python, str(numpy)


@pytest.mark.parametrize("way", WAYS)
def test_training_is_bit_identical_while_gradients_are_measured(
    way: str, db: str, measured: list[TrainingFacts]
) -> None:
    bare = made(way)
    expected = bare.fit(**FIT, validation_split=0.25).history
    states = random_states()
    watched = made(way)
    history = watched.fit(**FIT, validation_split=0.25, callbacks=[lossmon.Monitor(db)]).history
    assert len(gradients_of(measured)) >= 3
    assert len(units_of(measured)) == 6
    assert history == expected
    assert random_states() == states
    pairs = [*zip(watched.variables, bare.variables, strict=True)]
    pairs += zip(watched.optimizer.variables, bare.optimizer.variables, strict=True)
    for ours, theirs in pairs:
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=ours.path)
    assert lossmon.open_store(db).run_document("latest")["troubles"] == []


def test_the_gradient_is_the_one_that_the_step_applies(
    db: str, measured: list[TrainingFacts]
) -> None:
    # With a learning rate of 1 the step changes a kernel by its gradient, dropout and noise drawn
    # alike, regularisers in it.
    model = plain(keras.optimizers.SGD(1.0))
    one_batch = FIT | {"batch_size": N, "shuffle": False, "epochs": 4}
    one_batch |= {"x": X[:48], "y": IDS[:48]}
    model.fit(**one_batch, callbacks=[lossmon.Monitor(db)])
    known = [g for g in gradients_of(measured) if g.layers[0].update is not None]
    assert len(known) == 3
    for gradient in known:
        assert [layer.layer for layer in gradient.layers] == [
            layer.name for layer in model.layers if isinstance(layer, keras.layers.Dense)
        ]
        for layer in gradient.layers:
            assert layer.update == pytest.approx(layer.gradient, rel=1e-4)


def test_the_norm_is_that_of_a_plain_tape(db: str, measured: list[TrainingFacts]) -> None:
    keras.utils.set_random_seed(2)
    model: Any = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.0, clipnorm=1.0), "sparse_categorical_crossentropy")
    data: Any = X[:32]
    model.fit(data, IDS[:32], epochs=2, shuffle=False, verbose=0, callbacks=[lossmon.Monitor(db)])
    errors = np.asarray(model(X[:32])) - np.eye(3)[IDS[:32]]
    kernel, bias = X[:32].T @ errors / 32, errors.mean(axis=0)
    last = gradients_of(measured)[-1]
    assert last.norm == pytest.approx(float(np.sqrt((kernel**2).sum() + (bias**2).sum())), rel=1e-4)
    assert last.layers[0].gradient == pytest.approx(float(np.sqrt((kernel**2).mean())), rel=1e-4)
    assert last.clipped


def test_rows_of_an_embedding_count_once(db: str, measured: list[TrainingFacts]) -> None:
    words = np.tile(np.array([[1, 1, 2, 0]]), (16, 1))
    model: Any = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Embedding(5, 2, embeddings_initializer="ones"),
            keras.layers.Flatten(),
            keras.layers.Dense(1, kernel_initializer="ones"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(words, np.zeros(16), epochs=2, verbose=0, callbacks=[lossmon.Monitor(db)])
    # The error is 8, its derivative 16; row 1 is looked up twice in each sample, by two columns.
    rows = 2 * (32.0**2 + 16.0**2 + 16.0**2)
    assert gradients_of(measured)[-1].norm == pytest.approx(np.sqrt(rows + 8 * 16**2 + 16**2))


def test_units_are_dead_where_no_sample_reaches_them(
    db: str, measured: list[TrainingFacts]
) -> None:
    model = plain(keras.optimizers.SGD(0.0))
    dense = model.layers[1]
    kernel, bias = dense.get_weights()
    bias[:5] = -100.0
    dense.set_weights([kernel, bias])
    model.fit(**FIT, callbacks=[lossmon.Monitor(db)])
    first = [units for units in units_of(measured) if units.layer == dense.name]
    assert [(u.epoch, u.samples, u.units, u.dead) for u in first] == [
        (i, N, 16, 5) for i in range(3)
    ]


class Own(keras.layers.Layer):
    """Code of the user's own, which must not run more often than training runs it."""

    def call(self, inputs: Any) -> Any:
        return inputs


def own_loss(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.square(y_true - y_pred[:, 0]))


@pytest.mark.parametrize("own", ["layer", "lambda", "loss"])
def test_the_users_own_code_is_not_run_for_a_measurement(
    own: str, db: str, measured: list[TrainingFacts]
) -> None:
    between = {"layer": [Own()], "lambda": [keras.layers.Lambda(lambda x: x)], "loss": []}[own]
    hidden, head = keras.layers.Dense(4, "relu"), keras.layers.Dense(3, "softmax")
    model: Any = keras.Sequential([keras.Input((6,)), hidden, *between, head])
    model.compile("adam", own_loss if own == "loss" else "sparse_categorical_crossentropy")
    model.fit(**FIT, callbacks=[lossmon.Monitor(db)])
    assert (gradients_of(measured), units_of(measured)) == ([], [])
    assert lossmon.open_store(db).run_document("latest")["troubles"] == []


def test_nothing_is_measured_that_the_run_has_no_time_for(
    db: str, measured: list[TrainingFacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "ALLOWANCE", 0.0)
    monkeypatch.setattr(sampling, "SHARE", 1e-6)  # the steps of a busy machine are long
    plain().fit(**FIT, callbacks=[lossmon.Monitor(db)])
    assert (gradients_of(measured), units_of(measured)) == ([], [])


@pytest.mark.parametrize(("most", "kept"), [(2**18, 16), (15, 5), (1, 1)])
def test_of_large_predictions_fewer_samples_are_measured(
    most: int, kept: int, db: str, measured: list[TrainingFacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    made = sampling.Gradients.__init__

    def noting(self: Any, model: Any, x: Any, *others: Any) -> None:
        sizes.append(len(x))
        made(self, model, x, *others)

    monkeypatch.setattr(sampling.Gradients, "__init__", noting)
    monkeypatch.setattr(sampling, "GRADIENT_VALUES", most)
    plain().fit(**FIT, callbacks=[lossmon.Monitor(db)])  # which predicts three values a sample
    assert sizes == [kept]
    assert gradients_of(measured)


def test_a_measurement_that_fails_is_the_last_and_says_nothing(
    db: str,
    measured: list[TrainingFacts],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[int] = []

    def failing(self: Any, step: int, epoch: int) -> Any:
        asked.append(step)
        raise MemoryError("too large")

    monkeypatch.setattr(sampling.Gradients, "measure", failing)
    plain().fit(**FIT, callbacks=[lossmon.Monitor(db)])
    assert len(asked) == 1
    assert gradients_of(measured) == []
    assert "large" not in capsys.readouterr().err


def test_the_chain_is_the_longest_way_through_the_graph() -> None:
    dense = keras.layers.Dense
    left, right = keras.Input((4,)), keras.Input((4,))
    inner = keras.Sequential(
        [keras.Input((4,)), dense(4, name="inner_1"), dense(4, name="inner_2")]
    )
    short = dense(4, name="short")(right)
    long = inner(dense(4, name="first")(left))
    attended = keras.layers.MultiHeadAttention(1, 2, name="attention")
    both = keras.layers.Add()([short, long])
    looked = attended(keras.ops.expand_dims(both, 1), keras.ops.expand_dims(both, 1))
    shared = dense(4, name="shared")
    out = shared(shared(keras.layers.Flatten()(looked)))
    chain = kernel_chain(keras.Model([left, right], out))
    names = [kernels.layer for kernels in chain]
    assert names == ["first", "inner_1", "inner_2", "attention", "shared"]
    assert [len(kernels.variables) for kernels in chain] == [1, 1, 1, 4, 1]


def test_frozen_kernels_are_no_part_of_the_chain() -> None:
    model = plain()
    model.layers[1].trainable = False
    assert [kernels.layer for kernels in kernel_chain(model)] == [
        layer.name for layer in model.layers[-2:]
    ]
