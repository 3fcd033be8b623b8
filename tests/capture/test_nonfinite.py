"""How many predictions of each step are NaN or infinite."""

from __future__ import annotations

from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest

from lossmon.capture import output_judge
from lossmon.capture.output_judge import count_nonfinite


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("at_once", [2**18, 64])
def test_each_is_counted_in_its_step(
    dtype: Any, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_judge, "_SLICE", at_once)
    predictions = np.ones((3, 500), dtype)
    predictions[1, 5] = np.inf
    predictions[2, [7, 8, 499]] = np.nan, -np.inf, np.inf
    assert count_nonfinite(predictions).tolist() == [0.0, 1.0, 3.0]


def test_a_sum_that_overflows_is_no_proof() -> None:
    assert count_nonfinite(np.full((2, 500), 3e38, np.float32)).tolist() == [0.0, 0.0]


def test_a_training_that_diverges_is_judged_without_a_warning(record: Any) -> None:
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    model: Any = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    # Threefold errors each step: of some batch the sum of squares is beyond float32, not the mean.
    model.compile(keras.optimizers.SGD(2.0), "mse", metrics=["mse", "mae"])
    run = record(model, x, 100 * x[:, :1], epochs=30)
    assert run.document["troubles"] == []
    assert "RuntimeWarning" not in str(run.document)
    assert "LM401" in [finding["code"] for finding in run.document["findings"]]
