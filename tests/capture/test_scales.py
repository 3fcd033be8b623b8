"""Validation inputs that are scaled otherwise than those of the training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from lossmon.capture.scales import compared_scales
from lossmon.rules import Facts, all_rules, describe_scales
from tests.capture.conftest import classes, features

LOADERS = {
    "breast cancer": load_breast_cancer,
    "iris": load_iris,
    "diabetes": load_diabetes,
    "digits": load_digits,
    "wine": load_wine,
}


def built(width: int, **input_of: Any) -> Any:
    return keras.Sequential([keras.Input((width,), **input_of), keras.layers.Dense(3)])


def said_of(x: Any, validated: Any) -> list[str]:
    (rule,) = (rule for rule in all_rules() if rule.code == "LM506")
    facts = Facts(outputs=(), scales=(describe_scales(x, validated),))
    return [finding.message for finding in rule.check(facts)]


def flags(run: Any) -> list[str]:
    found = run.document["findings"]
    return [f["message"] for f in found if f["code"] == "LM506"]


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("seed", range(4))
def test_parts_of_one_set_are_scaled_alike(name: str, seed: int) -> None:
    x, _ = LOADERS[name](return_X_y=True)
    x = np.random.default_rng(seed).permutation(x)
    for some in (x, StandardScaler().fit_transform(x)):
        (found,) = compared_scales(built(x.shape[1]), some[:-70], some[-70:])
        assert found.samples == 70
        assert sum(not 0.1 < one < 10 for one in found.factors) <= len(found.factors) / 2
        assert said_of(some[:-70], some[-70:]) == []


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
@pytest.mark.parametrize("samples", [30, 45, 75])
@pytest.mark.parametrize("name", LOADERS)
def test_parts_of_other_kinds_that_are_scaled_alike_are_no_finding(
    name: str, samples: int, scaler: Any
) -> None:
    x, y = LOADERS[name](return_X_y=True)
    for key in (y, *np.asarray(x).T):
        ascending = x[np.argsort(key, kind="stable")]
        train, rest = ascending[:-samples], ascending[-samples:]
        assert said_of(scaler.fit_transform(train), scaler.transform(rest)) == []


@pytest.mark.parametrize(
    ("name", "scaler", "said"),
    [
        ("iris", StandardScaler(), "3 of 4 columns are not standardised, as those of the "),
        ("iris", MinMaxScaler(), "3 of 4 columns do not go from 0 to 1, as those of the "),
        ("wine", StandardScaler(), "11 of 13 columns are not standardised, as those of the "),
        ("wine", MinMaxScaler(), "11 of 13 columns do not go from 0 to 1, as those of the "),
    ],
)
def test_a_table_that_was_not_prepared_is_found(name: str, scaler: Any, said: str) -> None:
    x, _ = LOADERS[name](return_X_y=True)
    x = np.random.default_rng(2).permutation(x)
    (message,) = said_of(scaler.fit_transform(x[:-70]), x[-70:])
    assert said in message


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
@pytest.mark.parametrize(("name", "samples"), [("iris", 30), ("iris", 45), ("wine", 54)])
def test_a_small_table_that_was_not_prepared_is_found(name: str, samples: int, scaler: Any) -> None:
    x, _ = LOADERS[name](return_X_y=True)
    x = np.random.default_rng(2).permutation(x)
    train, rest = x[:-samples], x[-samples:]
    assert len(said_of(scaler.fit_transform(train), rest)) == 1
    assert said_of(scaler.transform(train), scaler.transform(rest)) == []
    assert said_of(scaler.transform(train), rest[:29]) == []


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
@pytest.mark.parametrize("seed", range(20))
def test_small_parts_of_columns_with_heavy_tails_are_no_finding(seed: int, scaler: Any) -> None:
    drawn = np.random.default_rng(seed)
    x = np.exp(2 * drawn.normal(size=(120, 6)))
    train, rest = x[:-32], x[-32:]
    assert said_of(scaler.fit_transform(train), scaler.transform(rest)) == []


@pytest.mark.parametrize("name", ["breast cancer", "digits"])
def test_a_scaler_that_was_not_applied_is_found(record: Any, name: str) -> None:
    x, y = LOADERS[name](return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    scaled = x[:-70] / 16 if name == "digits" else StandardScaler().fit_transform(x[:-70])
    model = keras.Sequential(
        [keras.Input((x.shape[1],)), keras.layers.Dense(10, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    (message,) = flags(record(model, scaled, y[:-70], validation_data=(x[-70:], y[-70:]), epochs=1))
    assert message.startswith("the input of the validation data is scaled otherwise than that of ")
    assert message.endswith(" columns that tell.")


def test_images_are_judged_by_all_their_values(record: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (72, 4, 4, 1)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    (message,) = flags(
        record(model, pixels / 255, classes(), validation_data=(pixels, classes()), epochs=1)
    )
    assert message.endswith("its values are typically 255 times as large.")
    right = record(model, pixels, classes(), validation_data=(pixels[::-1], classes()), epochs=1)
    assert flags(right) == []


def test_the_input_that_differs_is_named_and_what_is_looked_up_is_left_alone(record: Any) -> None:
    ids = np.random.default_rng(0).integers(1, 5, (72, 6))
    left, right = keras.Input((6,), name="left"), keras.Input((6,), dtype="int32", name="words")
    words = keras.layers.Flatten()(keras.layers.Embedding(100, 2)(right))
    both = keras.layers.Concatenate()([left, words])
    model = keras.Model([left, right], keras.layers.Dense(3, activation="softmax")(both))
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = features(), classes()
    (message,) = flags(
        record(model, [x, ids], y, validation_data=([x[::-1] * 1e3, 20 * ids], y), epochs=1)
    )
    assert message.startswith("input 'left' of the validation data")


@pytest.mark.parametrize(
    ("x", "validated"),
    [
        (features(63), features(63) * 100),
        (np.eye(72, 6), 100 * np.eye(72, 6)),
        (features().tolist(), (features() * 100).tolist()),
        (features(), None),
    ],
    ids=["few samples", "few values", "lists", "nothing"],
)
def test_what_is_not_known_is_not_judged(x: Any, validated: Any) -> None:
    scales = [] if validated is None else compared_scales(built(6), x, validated)
    assert not any(found.factors for found in scales)


def test_frames_are_judged_as_arrays_are() -> None:
    x = pd.DataFrame(features())
    (found,) = compared_scales(built(6), x, x * 50)
    assert found.factors == pytest.approx([50.0] * 6)


def test_values_that_are_not_finite_do_not_count() -> None:
    x = features()
    spoiled = x.copy()
    spoiled[0] = np.inf
    spoiled[1] = np.nan
    (found,) = compared_scales(built(6), x, spoiled)
    assert found.factors == pytest.approx([1.0] * 6, rel=0.2)
