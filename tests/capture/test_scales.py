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
from lossmon.rules import Facts, all_rules, describe_scales, own_statistics
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


def standardised(x: Any) -> Any:
    return StandardScaler().fit_transform(x)


def parts(name: str, samples: int, seed: int = 0) -> tuple[Any, Any]:
    x, _ = LOADERS[name](return_X_y=True)
    x = np.random.default_rng(seed).permutation(x)
    return x[:-samples], x[-samples:]


@pytest.mark.parametrize("samples", [30, 60])
@pytest.mark.parametrize("kind", ["float64", "float32"])
@pytest.mark.parametrize("name", LOADERS)
def test_parts_that_were_standardised_each_by_itself_are_known(
    name: str, kind: str, samples: int
) -> None:
    ours, theirs = (standardised(part).astype(kind) for part in parts(name, samples))
    (found,) = compared_scales(built(ours.shape[1]), ours, theirs)
    assert 2 <= found.own <= ours.shape[1]


def test_what_pandas_and_numpy_standardise_is_known() -> None:
    ours, theirs = map(pd.DataFrame, parts("wine", 54))
    by_pandas = [(part - part.mean()) / part.std() for part in (ours, theirs)]
    (found,) = compared_scales(built(13), *by_pandas)
    assert found.own == 13
    both = [part.to_numpy().astype("float32") for part in (ours, theirs)]
    by_numpy = [(part - part.mean(axis=0)) / (part.std(axis=0) + 1e-7) for part in both]
    (found,) = compared_scales(built(13), *by_numpy)
    assert found.own == 13


@pytest.mark.parametrize("samples", [30, 75])
@pytest.mark.parametrize("name", LOADERS)
def test_parts_that_were_scaled_alike_are_not_said_to_be_scaled_by_themselves(
    name: str, samples: int
) -> None:
    for seed in range(8):
        train, rest = parts(name, samples, seed)
        scaler = StandardScaler().fit(train)
        ours, whole = scaler.transform(train), standardised(np.concatenate([train, rest]))
        assert own_statistics(ours, scaler.transform(rest)) == 0
        assert own_statistics(whole[:-samples], whole[-samples:]) == 0
        # What is validated on its training samples, or on all of which the training is a part.
        assert own_statistics(ours, ours[::-1]) == 0
        assert own_statistics(ours, np.concatenate([ours, ours])) == 0
        assert own_statistics(whole[:-samples], whole) == 0
        assert own_statistics(MinMaxScaler().fit_transform(train), ours[:samples]) == 0


def test_columns_that_are_balanced_by_design_tell_nothing() -> None:
    levels = np.array([-1.0, 0.0, 1.0]) * np.sqrt(1.5)
    grid = np.stack([np.tile(levels, 30), np.repeat(levels, 30)], axis=1)
    assert own_statistics(grid, grid[::-1].copy()) == 0
    signs = np.random.default_rng(0).permutation(np.repeat([-1.0, 1.0], 36))
    table = np.stack([signs, signs[::-1]], axis=1)
    assert own_statistics(table, table[::-1]) == 0
    one = standardised(features(72, 1)), standardised(features(90, 1)[40:])
    assert own_statistics(*one) == 0


def test_a_table_that_was_standardised_by_itself_is_advised_on(record: Any) -> None:
    x, y = features(120), classes(120)
    scaler = StandardScaler().fit(x[:72])
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    ours, theirs = scaler.transform(x[:72]), standardised(x[72:])
    run = record(model, ours, y[:72], validation_data=(theirs, y[72:]), epochs=1)
    (told,) = (found for found in run.document["findings"] if found["code"] == "LM506")
    assert told["severity"] == "info"
    assert "scaled by its own mean and standard deviation, not by those of the" in told["message"]
    right = record(
        model, ours, y[:72], validation_data=(scaler.transform(x[72:]), y[72:]), epochs=1
    )
    assert flags(right) == []
