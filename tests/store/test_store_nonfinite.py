from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.store.nonfinite import (
    decode_json,
    document,
    encode_json,
    nonfinite_kinds,
    restore_kinds,
    storable_text,
)

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet="ab$é"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet="ab$é"), inner),
)


@given(documents)
def test_a_document_comes_back_as_it_was_through_strict_json(value: Any) -> None:
    text = json.dumps(encode_json(value), allow_nan=False)
    assert repr(decode_json(json.loads(text))) == repr(value)
    assert document(value) == text


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (np.float32(0.5), 0.5),
        (np.float64("-inf"), {"$nonfinite": "-inf"}),
        (np.int64(7), 7),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([math.nan]), [{"$nonfinite": "nan"}]),
        ((1, "a"), [1, "a"]),
        ({1: True}, {"1": True}),
        (ValueError("x"), "x"),
        ("nul\0, lone \ud800", "nul\ufffd, lone ?"),
    ],
)
def test_what_is_not_json_becomes_json(value: Any, encoded: Any) -> None:
    assert encode_json(value) == encoded
    assert document({"in it": [value]}) == json.dumps({"in it": [encoded]})


def test_kinds_of_a_row() -> None:
    kinds = nonfinite_kinds({"a": math.nan, "b": math.inf, "c": -math.inf, "d": 1.0, "e": None})
    assert kinds == {"a": "nan", "b": "+inf", "c": "-inf"}
    restored = restore_kinds(json.dumps(kinds))
    assert math.isnan(restored["a"])
    assert restored["b"] == math.inf
    assert restored["c"] == -math.inf
    assert restore_kinds(None) == {}


def test_storable_text_leaves_ordinary_text_alone() -> None:
    assert storable_text("naïve 🦉 '; DROP TABLE runs") == "naïve 🦉 '; DROP TABLE runs"
