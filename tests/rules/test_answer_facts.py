"""Targets that stand in a column of the inputs, in these or in other numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from lossmon.rules import Answer, find_answer

LOADERS: dict[str, Any] = {
    "breast cancer": load_breast_cancer,
    "iris": load_iris,
    "diabetes": load_diabetes,
    "digits": load_digits,
    "wine": load_wine,
}
CLASSED = sorted({*LOADERS} - {"diabetes"})
IN_OTHER_NUMBERS = {
    "standardised": lambda y: StandardScaler().fit_transform(y[:, None])[:, 0].astype("float32"),
    "from 0 to 1": lambda y: MinMaxScaler().fit_transform(y[:, None])[:, 0],
    "negated": lambda y: -y,
    "other codes": lambda y: np.random.default_rng(3).permutation(50)[y.astype(int)],
}
OF_AMOUNTS = {
    "the same": lambda y: y,
    "another unit": lambda y: 32 + 1.8 * y,
    "a logarithm": np.log,
    "of one more": lambda y: np.log1p(y).astype("float32"),
}


def of(name: str) -> tuple[Any, Any]:
    return LOADERS[name](return_X_y=True)


def describe_answer(x: Any, y: Any, *, classes: bool | None = None) -> Answer | None:
    named = np.issubdtype(np.asarray(y).dtype, np.integer) or np.ndim(y) == 2
    return find_answer(x, y, classes=named if classes is None else classes)


def joined(x: Any, *columns: Any) -> Any:
    return np.column_stack([x, *columns])


@pytest.mark.parametrize("name", LOADERS)
def test_real_tables_do_not_hold_their_target(name: str) -> None:
    x, y = of(name)
    for given in (x, StandardScaler().fit_transform(x), x.astype("float32")):
        assert describe_answer(given, y) is None
        assert describe_answer(given, np.eye(300)[y.astype(int)] if name in CLASSED else y) is None


@pytest.mark.parametrize("name", CLASSED)
def test_a_column_of_classes_is_found(name: str) -> None:
    x, y = of(name)
    found = describe_answer(joined(x, y), y)
    assert found
    assert (found.columns, found.same, found.one_hot) == ((x.shape[1],), True, False)
    assert not found.amounts


@pytest.mark.parametrize("how", IN_OTHER_NUMBERS)
@pytest.mark.parametrize("name", CLASSED)
def test_a_column_of_classes_is_found_in_other_numbers(name: str, how: str) -> None:
    x, y = of(name)
    for target in (y, y[:, None].astype("float32"), np.eye(y.max() + 1)[y]):
        found = describe_answer(joined(IN_OTHER_NUMBERS[how](y), x), target)
        assert found
        assert (found.columns, found.one_hot) == ((0,), False)
        assert not found.same or how == "from 0 to 1"


@pytest.mark.parametrize("drop_first", [False, True])
def test_one_hot_columns_tell_the_class_together(drop_first: bool) -> None:
    x, y = of("wine")
    dummies = pd.get_dummies(y, drop_first=drop_first).to_numpy()
    found = describe_answer(joined(x, dummies), y)
    assert found
    assert found.columns == (*range(13, 15 if drop_first else 16),)
    assert found.one_hot
    assert not found.same
    found = describe_answer(joined(x, dummies), pd.get_dummies(y).to_numpy())
    assert found
    assert found.same


def test_a_part_of_the_classes_is_not_the_target() -> None:
    x, y = of("wine")
    assert describe_answer(joined(x, y == 2), y) is None
    # Codes that two classes share.
    assert describe_answer(joined(x, y // 2), y) is None


@pytest.mark.parametrize("how", OF_AMOUNTS)
def test_a_column_of_amounts_is_found(how: str) -> None:
    x, y = of("diabetes")
    column = OF_AMOUNTS[how](y)
    found = describe_answer(joined(x, column), y)
    assert found
    assert (found.columns, found.same, found.amounts) == ((10,), how == "the same", True)
    # And the other way: the price in the table, its logarithm as target.
    found = describe_answer(joined(y, x).astype("float32"), column.astype("float32"))
    assert found
    assert found.columns == (0,)


def test_what_only_goes_along_with_the_target_is_left_alone() -> None:
    generator = np.random.default_rng(0)
    days = np.arange(200.0)
    cases = np.cumsum(generator.random(200))
    noise = generator.normal(size=200)
    assert describe_answer(joined(days, noise), cases) is None
    for measured in (np.round(cases + 0.1 * noise, 2), cases.round(0)):
        assert describe_answer(joined(measured, noise), cases) is None
    # A threshold decides the class, which is what is to be learned.
    assert describe_answer(joined(noise, days), (noise > 0).astype(int)) is None
    # An identifier is another one in every sample.
    assert describe_answer(joined(days, noise), generator.integers(0, 3, 200)) is None


def test_one_huge_value_of_both_makes_them_no_target() -> None:
    generator = np.random.default_rng(0)
    cost, revenue = generator.uniform(0, 1e4, (2, 500))
    cost[7] = revenue[7] = 999_999_999.0
    assert describe_answer(joined(cost, generator.random(500)), revenue) is None
    found = describe_answer(joined(revenue / 3, cost), revenue)
    assert found
    assert found.columns == (0,)


def test_one_sample_in_which_they_differ_is_enough() -> None:
    x, y = of("breast cancer")
    almost = y.copy()
    almost[17] = 1 - almost[17]
    assert describe_answer(joined(x, almost), y) is None
    _, amounts = of("diabetes")
    almost = amounts.copy()
    almost[17] += 1
    assert describe_answer(joined(almost, almost[::-1]), amounts) is None


def test_chance_in_few_samples_is_no_finding() -> None:
    generator = np.random.default_rng(0)
    # A thousand words of which each is in few texts, and three of a hundred that are spam.
    words = generator.random((100, 1000)) < 0.03
    spam = np.zeros(100)
    spam[[3, 40, 77]] = 1
    words[:, 5] = spam
    assert describe_answer(words, spam) is None
    # Truth tables, and eight numbers on a line.
    table = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert describe_answer(table, table[:, 0] & table[:, 1]) is None
    assert describe_answer(table, table[:, 0]) is None
    assert describe_answer(np.column_stack([np.arange(8), np.ones(8)]), 2 * np.arange(8)) is None
    assert describe_answer(joined(np.arange(63) % 2, np.ones(63)), np.arange(63) % 2) is None


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(100),
        np.full(100, np.nan),
        np.array(["yes", "no"] * 50),
        np.random.default_rng(0).random((100, 3)),
        np.random.default_rng(0).random((100, 4, 1)),
        np.zeros((0, 1)),
        np.where(np.arange(100) % 2, np.inf, 0.0),
    ],
    ids=["constant", "nan", "text", "several", "steps", "empty", "infinite"],
)
def test_other_targets_are_left_alone(y: Any) -> None:
    column = y if y.ndim < 3 and y.dtype.kind == "f" else np.zeros(len(y))
    assert describe_answer(column, y) is None


@pytest.mark.parametrize("scale", [1e-300, 1e300, -750.0, 750.0])
def test_amounts_of_any_size_warn_of_nothing(scale: float) -> None:
    x, y = of("diabetes")
    x[3, 2], x[4, 3] = np.nan, np.inf
    found = describe_answer(joined(x, y * scale), y * scale)
    assert found
    assert found.columns == (10,)
