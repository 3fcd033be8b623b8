"""Data that come in PyTorch's own containers; run by `make backend BACKEND=torch`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import lossmon

X = np.random.default_rng(0).normal(size=(72, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")


def loader() -> Any:
    torch: Any = pytest.importorskip("torch")
    tensors = torch.as_tensor(X), torch.as_tensor(Y)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), batch_size=12)


@pytest.mark.parametrize("same", [True, False])
def test_one_loader_for_both_is_told(tmp_path: Any, same: bool) -> None:
    db, data = str(tmp_path / "runs.db"), loader()
    model: Any = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    validated = data if same else loader()
    model.fit(data, validation_data=validated, verbose=0, callbacks=[lossmon.Monitor(db)])
    codes = [finding["code"] for finding in lossmon.open_store(db).run("latest")["findings"]]
    assert ("LM505" in codes) is same
