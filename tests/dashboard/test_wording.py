from __future__ import annotations

import math

import pytest
from lossmon_dashboard.wording import breakable, count, duration, listing, number, sentence, share


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.084123, "0.08412"),
        (0.5, "0.5"),
        (-0.02, "-0.02"),
        (3190.4, "3,190"),
        (999_999.0, "999,999"),
        (1e6, "1.00e+06"),
        (3.2e-7, "3.20e-07"),
        (math.nan, "NaN"),
        (math.inf, "+inf"),
        (-math.inf, "-inf"),
    ],
)
def test_numbers_have_sensible_digits(value: float | None, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(1.0, "100 %"), (0.99999, "99.9 %"), (0.5, "50 %"), (0.0, "0 %"), (None, "–")],
)
def test_only_the_whole_is_called_100_percent(value: float | None, words: str) -> None:
    assert share(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.42, "0.4 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_counts_take_their_plural() -> None:
    assert [count(1, "epoch"), count(2, "epoch"), count(1200, "batch")] == [
        "1 epoch",
        "2 epochs",
        "1,200 batches",
    ]


def test_lists_read_as_sentences() -> None:
    assert [listing([]), listing(["a"]), listing(["a", "b", "c"])] == ["", "a", "a, b and c"]


def test_rule_names_read_as_words() -> None:
    assert sentence("accuracy-with-regression") == "Accuracy with regression"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("model.optimizer.learning_rate", ["model.", "optimizer.", "learning_", "rate"]),
        ("SparseCategoricalAccuracy()", ["Sparse", "Categorical", "Accuracy()"]),
        ("lr=0.001, beta_1=1e-07", ["lr=", "0.001, beta_", "1=1e-07"]),
        ("0.12345 1.2.3 v1.2 x64_2", ["0.12345 1.2.3 v1.2 x64_2"]),
        ("two words. And a third", ["two words. And a third"]),
        ("", [""]),
    ],
)
def test_long_names_go_on_between_their_parts(text: str, parts: list[str]) -> None:
    assert breakable(text).split("\N{ZERO WIDTH SPACE}") == parts
