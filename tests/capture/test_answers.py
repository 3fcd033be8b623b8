"""Targets among the inputs of real trainings, as `fit` and `check` are given them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

import lossmon
from tests.capture.conftest import classes, dense, features

LOADERS: dict[str, Any] = {"breast cancer": load_breast_cancer, "diabetes": load_diabetes}
TABLE = LOADERS["breast cancer"](as_frame=True).frame


def classifier(*widths: int) -> Any:
    inputs = [keras.Input((width,), name=f"of_{width}") for width in widths]
    joined = keras.layers.concatenate(inputs) if len(inputs) > 1 else inputs[0]
    output = keras.layers.Dense(1, activation="sigmoid")(joined)
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], output)
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    return model


def flags(found: Any) -> list[Any]:
    return [finding for finding in found if finding.code == "LM507"]


def of_run(run: Any) -> list[dict[str, Any]]:
    return [finding for finding in run.document["findings"] if finding["code"] == "LM507"]


def test_a_table_whose_target_was_not_dropped(record: Any) -> None:
    run = record(classifier(31), TABLE, TABLE["target"], epochs=1, validation_split=0.2)
    (found,) = of_run(run)
    assert found["message"].startswith(
        "column 30 ('target') of the input is the target, in all 455 "
    )
    assert found["evidence"]["answer_names"] == ["target"]
    assert found["evidence"]["samples"] == 455
    namespace = {"x": TABLE}
    exec(found["fix"], namespace)
    left = namespace["x"]
    assert [*left.columns] == [*TABLE.columns[:-1]]
    assert not flags(lossmon.check(classifier(30), left.to_numpy(), TABLE["target"]))


def test_check_finds_it_before_anything_is_trained() -> None:
    x = ((TABLE - TABLE.mean()) / TABLE.std()).to_numpy("float32")
    (found,) = flags(lossmon.check(classifier(31), x, TABLE["target"].to_numpy()))
    assert found.message.startswith("column 30 of the input is the target in other numbers, ")
    namespace = {"x": x, "np": np}
    exec(found.fix, namespace)
    assert namespace["x"].shape == (569, 30)


def test_a_column_that_is_an_input_of_its_own(record: Any) -> None:
    x, y = TABLE.to_numpy()[:, :30], TABLE["target"].to_numpy()
    given = {"of_30": x, "of_1": 1 - y[:, None]}
    (found,) = of_run(record(classifier(30, 1), given, y, epochs=1))
    assert found["message"].startswith("input 'of_1' is the target in other numbers, in all 569 ")
    assert found["fix"] == "# leave input 'of_1' out of the data and of the model"


def test_amounts_and_their_logarithm(record: Any) -> None:
    table = LOADERS["diabetes"](as_frame=True).frame
    model = dense(1, None, width=11)
    model.compile(loss="mse")
    run = record(model, table, np.log1p(table["target"]), epochs=1)
    (found,) = of_run(run)
    assert "column 10 ('target') of the input is the target in other numbers" in found["message"]


def test_of_several_outputs_it_is_said_whose(record: Any) -> None:
    inputs = keras.Input((31,))
    names = ("alive", "old")
    outputs = {name: keras.layers.Dense(1, "sigmoid", name=name)(inputs) for name in names}
    model = keras.Model(inputs, outputs)
    model.compile(loss=dict.fromkeys(names, "binary_crossentropy"))
    y = {"old": TABLE["mean area"].to_numpy() > 600, "alive": TABLE["target"].to_numpy()}
    (found,) = of_run(record(model, TABLE.to_numpy(), y, epochs=1))
    assert found["output"] == "alive"
    assert found["message"].startswith("column 30 of the input is the target of output 'alive', ")


@pytest.mark.parametrize("batch", [128, 512])
def test_of_batches_the_first_one_is_looked_at(record: Any, batch: int) -> None:
    tf: Any = pytest.importorskip("tensorflow")

    x, y = TABLE.to_numpy("float32"), TABLE["target"].to_numpy()
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch)
    found = of_run(record(classifier(31), data, epochs=1, shuffle=False))
    checked = flags(lossmon.check(classifier(31), data))
    # 128 samples may agree with a column that only foretells the class.
    assert [f["evidence"]["samples"] for f in found] == ([512] if batch == 512 else [])
    assert [f.evidence["samples"] for f in checked] == ([512] if batch == 512 else [])
    assert all("in all 512 samples of the first batch" in f.message for f in checked)
    assert all(f.fix.startswith("# leave column 30 of the input out where") for f in checked)


def test_of_many_samples_some_tell_where_to_look_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossmon.capture.answers.SEEN_VALUES", 31 * 300)
    x, y = TABLE.to_numpy(), TABLE["target"].to_numpy()
    (found,) = flags(lossmon.check(classifier(31), x, y))
    assert found.evidence["samples"] == 569
    # Each of these columns differs from the target in one sample.
    almost = np.where(np.eye(569, dtype=bool), 1 - y[:, None], y[:, None])
    assert not flags(lossmon.check(classifier(569), almost, y))


def test_wide_tables_are_looked_through() -> None:
    x = np.random.default_rng(0).random((400, 6000), np.float32)
    y = np.arange(400) % 2
    x[:, 5321] = y
    (found,) = flags(lossmon.check(classifier(6000), x, y))
    assert found.evidence["answer_columns"] == [5321]


def test_columns_of_truth_values_beside_numbers(record: Any) -> None:
    # pandas makes objects of such a table.
    table = TABLE.assign(target=TABLE["target"] == 1)
    assert np.asarray(table).dtype.hasobject
    (found,) = of_run(record(classifier(31), table, TABLE["target"], epochs=1))
    assert "column 30 ('target') of the input is the target" in found["message"]
    (found,) = flags(lossmon.check(classifier(31), table, TABLE["target"]))
    assert "column 30 ('target') of the input is the target" in found.message


def test_check_knows_the_names_of_a_table() -> None:
    table = LOADERS["diabetes"](as_frame=True).frame
    model = dense(1, None, width=11)
    model.compile(loss="mse")
    (found,) = flags(lossmon.check(model, table, table["target"]))
    assert found.fix.startswith("x = x.drop(columns=['target'])")


@pytest.mark.parametrize(
    "table",
    [
        TABLE.set_axis(range(31), axis=1),
        TABLE.set_axis(["a"] * 31, axis=1),
        TABLE.set_axis(pd.MultiIndex.from_product([["a"], range(31)]), axis=1),
        TABLE.to_numpy(),
    ],
    ids=["numbered", "alike", "nested", "array"],
)
def test_columns_that_no_name_tells_apart_are_counted(table: Any) -> None:
    (found,) = flags(lossmon.check(classifier(31), table, TABLE["target"]))
    assert found.message.startswith("column 30 of the input is the target, in all 569 samples: ")
    namespace = {"x": table, "np": np}
    exec(found.fix, namespace)
    np.testing.assert_array_equal(namespace["x"], TABLE.to_numpy()[:, :30])


def test_amounts_in_a_table_whose_columns_are_numbered_are_an_exercise() -> None:
    x = pd.DataFrame(features(90))
    model = dense(1, None)
    model.compile(loss="mse")
    assert not flags(lossmon.check(model, x, 3 * x[1]))


def test_a_column_of_one_input_of_several(record: Any) -> None:
    given = {"of_3": features(569, 3), "of_31": TABLE.to_numpy()}
    (found,) = of_run(record(classifier(3, 31), given, TABLE["target"].to_numpy(), epochs=1))
    assert found["message"].startswith("column 30 of input 'of_31' is the target, in all 569 ")
    assert found["fix"] == "# leave column 30 of input 'of_31' out where the data are made"


def test_an_input_that_has_the_shape_of_the_target(record: Any) -> None:
    y = TABLE["target"].to_numpy()[:, None]
    given = {"of_30": TABLE.to_numpy()[:, :30], "of_1": y}
    (found,) = of_run(record(classifier(30, 1), given, y, epochs=1))
    assert found["message"].startswith("input 'of_1' is the target, in all 569 samples: ")


class Margin(keras.layers.Layer):
    """Takes labels for a loss of its own, as ArcFace does."""

    def call(self, given: Any) -> Any:
        scores, labels = given
        return keras.ops.sigmoid(scores + 0.0 * labels)


def test_labels_that_a_layer_of_ones_own_takes_are_left_alone() -> None:
    x, label = keras.Input((30,), name="x"), keras.Input((1,), name="label")
    model = keras.Model([x, label], Margin()([keras.layers.Dense(1)(x), label]))
    model.compile(loss="binary_crossentropy")
    table, y = TABLE.to_numpy()[:, :30], TABLE["target"].to_numpy()[:, None]
    assert not flags(lossmon.check(model, {"x": table, "label": y}, y))


def test_an_error_of_the_look_keeps_nothing_else_from_being_found(
    monkeypatch: pytest.MonkeyPatch, record: Any
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("of anyone's own making")

    monkeypatch.setattr("lossmon.capture.answers.find_answer", fail)
    monkeypatch.setattr("lossmon.capture.validation_facts.repeated_samples", fail)
    model = dense(1, None, width=31)
    model.compile(loss="mse", metrics=["accuracy"])
    run = record(model, TABLE.to_numpy(), TABLE["mean area"].to_numpy(), validation_split=0.3)
    assert "LM301" in {finding["code"] for finding in run.document["findings"]}


def test_an_input_that_does_not_lead_to_the_output_tells_it_nothing() -> None:
    x, label = keras.Input((30,), name="x"), keras.Input((1,), name="label")
    outputs = {
        "cls": keras.layers.Dense(1, "sigmoid", name="cls")(x),
        "decoded": keras.layers.Dense(30, name="decoded")(keras.layers.concatenate([x, label])),
    }
    model = keras.Model([x, label], outputs)
    model.compile(loss={"cls": "binary_crossentropy", "decoded": "mse"})
    table, y = TABLE.to_numpy()[:, :30], TABLE["target"].to_numpy()[:, None]
    targets = {"cls": y, "decoded": np.roll(table, 1, axis=0)}
    assert not flags(lossmon.check(model, {"x": table, "label": y}, targets))


def autoencoder() -> tuple[Any, Any, Any]:
    model = dense(6, None)
    model.compile(loss="mse")
    x = np.eye(6, dtype="float32")[classes(90, 6)]
    return model, x, x


def autoencoder_of_a_mixed_table() -> tuple[Any, Any, Any]:
    inputs = keras.Input((9,))
    outputs = {
        "amounts": keras.layers.Dense(6, name="amounts")(inputs),
        "kind": keras.layers.Dense(3, "softmax", name="kind")(inputs),
    }
    model = keras.Model(inputs, outputs)
    model.compile(loss={"amounts": "mse", "kind": "categorical_crossentropy"})
    amounts, kind = features(90), np.eye(3, dtype="float32")[classes(90)]
    return model, np.hstack([amounts, kind]), {"amounts": amounts, "kind": kind}


def segments() -> tuple[Any, Any, Any]:
    """Seven segments that show a digit: all of them tell it, and none is one class."""
    model = dense(8, width=3)
    model.compile(loss="sparse_categorical_crossentropy")
    y = np.arange(400) % 8
    return model, ((y[:, None] >> np.arange(3)) & 1).astype("float32"), y


def grades() -> tuple[Any, Any, Any]:
    model = dense(1, None, width=2)
    model.compile(loss="mse")
    x = np.arange(100) % 10
    return model, np.stack([x, np.ones(100)], axis=1), 2 * x + 1


def a_strong_sign() -> tuple[Any, Any, Any]:
    """One column of many is right of all samples but two in a hundred."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 3000)
    x = generator.random((3000, 2000), np.float32)
    x[:, 5] = np.where(generator.random(3000) < 0.02, 1 - y, y)
    return classifier(2000), x, y


def a_line() -> tuple[Any, Any, Any]:
    model = dense(1, None, width=1)
    model.compile(loss="mse")
    x = features(90, 1)
    return model, x, 2 * x - 1


def an_exercise() -> tuple[Any, Any, Any]:
    model = dense(1, None)
    model.compile(loss="mse")
    x = features(90)
    return model, x, 3 * x[:, 2]


def a_recurrence() -> tuple[Any, Any, Any]:
    model = keras.Sequential([keras.Input((6, 2)), keras.layers.GRU(3), keras.layers.Dense(1)])
    model.compile(loss="mse")
    x = np.stack([features(90), features(90)], axis=-1)
    return model, x, x[:, 0, 0]


def looked_up() -> tuple[Any, Any, Any]:
    x = np.random.default_rng(0).integers(0, 2, (90, 6))
    layers = [keras.layers.Embedding(2, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    return model, x, x[:, 3]


class Own(keras.Model):
    """Does with its data what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any
    ) -> Any:
        return keras.ops.mean(keras.ops.square(y_pred - keras.ops.sum(x, axis=1, keepdims=True)))


def own_loss() -> tuple[Any, Any, Any]:
    model = Own()
    model.compile(loss="mse")
    x = features(90)
    return model, x, x[:, 0]


SILENT = (
    autoencoder,
    autoencoder_of_a_mixed_table,
    segments,
    grades,
    a_strong_sign,
    a_line,
    an_exercise,
    a_recurrence,
    looked_up,
    own_loss,
)


@pytest.mark.parametrize("made", SILENT)
def test_silent_where_that_is_what_is_to_be_learned(record: Any, made: Any) -> None:
    model, x, y = made()
    assert not flags(lossmon.check(model, x, y))
    assert not of_run(record(model, x, y, epochs=1))


@pytest.mark.parametrize("kind", ["list", "ragged", "sparse", "sparse tensor", "empty"])
def test_what_is_no_table_stops_nothing(kind: Any) -> None:
    from scipy.sparse import csr_matrix

    from lossmon.capture.answers import _answers
    from lossmon.capture.resolve import resolve

    y = TABLE["target"].to_numpy()
    model = classifier(31)
    outputs = resolve(model, y, model(np.zeros((1, 31))))
    if kind == "sparse":
        x: Any = csr_matrix(TABLE.to_numpy())
    elif kind in {"ragged", "sparse tensor"}:
        tf: Any = pytest.importorskip("tensorflow")
        ragged = tf.ragged.constant([[1.0], [1.0, 2.0]])
        x = ragged if kind == "ragged" else tf.sparse.from_dense(TABLE.to_numpy())
    else:
        x = np.zeros((0, 31)) if kind == "empty" else [[np.zeros(4)]]
    assert [*_answers(model, outputs, model(np.zeros((1, 31))), x, y, whole=True)] == []
