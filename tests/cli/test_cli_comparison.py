"""`lossmon compare` fits a narrow terminal without breaking words."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

from lossmon.cli.comparison import broken_at_parts, print_comparison
from lossmon.store import open_store
from tests.cli.conftest import Invoke, Seeded


def test_a_narrow_terminal_breaks_names_between_their_parts(invoke: Invoke) -> None:
    text = invoke("compare", "healthy", "faulty", columns=56).stdout
    assert re.search(r"^loss is +binary_ +mean_squared_ *\n +crossentropy +error", text, re.M)
    assert re.search(r"^model\.parameters  ", text, re.M)
    assert re.search(r"^findings +fine +LM301 *$", text, re.M)
    assert "LM301 accuracy-with-regression" in invoke("compare", "healthy", "faulty").stdout


def test_what_the_numbers_are_is_said_once_where_all_are_the_same(seeded: Seeded) -> None:
    run = open_store(seeded.db).run_document("healthy")
    with (console := Console(width=72)).capture() as told:
        print_comparison(console, [run | {"name": f"again-{n}"} for n in range(8)])
    text = told.get()
    assert text.startswith("loss is binary_crossentropy, accuracy is BinaryAccuracy(")
    assert text.count("loss is") == text.count("accuracy is") == 1
    assert text.count("val loss") == 2


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("sparse_categorical_crossentropy", 20, ["sparse_categorical_", "crossentropy"]),
        ("SparseCategoricalAccuracy()", 12, ["Sparse", "Categorical", "Accuracy()"]),
        ("BinaryAccuracy(threshold=0.5)", 20, ["BinaryAccuracy(", "threshold=0.5)"]),
        ("two words", 5, ["two words"]),
        ("main: mean_squared_error", 13, ["main: mean_squared_", "error"]),
        ("α_β-γ/δ", 3, ["α_", "β-", "γ/δ"]),
        ("indivisible", 4, ["indivisible"]),
        ("MSE", 0, ["M", "S", "E"]),
    ],
)
def test_words_go_on_where_their_parts_begin(text: str, width: int, lines: list[str]) -> None:
    assert broken_at_parts(text, width).split("\n") == lines
