"""Steps that PyTorch compiles are not compiled again and again because of lossmon."""

from __future__ import annotations

from typing import Any

import keras
import pytest

import lossmon
from tests.capture.conftest import classes, dense, features

# Where it is named, `collect_ignore` does not leave it out.
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="torch.compile compiles Keras on PyTorch"
)


class NothingNew(keras.callbacks.Callback):
    """After the first epoch, whatever would be compiled again raises."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        torch.compiler.set_stance("fail_on_recompile")

    def on_train_end(self, logs: Any = None) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        torch.compiler.set_stance("default")


@pytest.mark.parametrize(
    ("verify", "large"), [("off", 2**20), ("auto", 2**20), ("auto", 2), ("full", 2**20)]
)
def test_steps_are_not_compiled_again_after_the_first_epoch(
    verify: Any, large: int, db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of large steps some let their tensors out, and some do not.
    monkeypatch.setattr("lossmon.capture.letting_out.LARGE_STEP", large)
    monkeypatch.setattr("lossmon.capture.recorder.LOOK_EVERY", 0.0)
    keras.utils.set_random_seed(7)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=True)
    watch = [lossmon.Monitor(db, verify=verify), NothingNew()]
    fit: dict[str, Any] = {"epochs": 4, "batch_size": 8, "validation_split": 0.25, "verbose": 0}
    try:
        model.fit(features(), classes(), callbacks=watch, **fit)
    finally:
        NothingNew().on_train_end()
    document = lossmon.open_store(db).run_document("latest")
    assert document["status"] == "finished"
    assert document["troubles"] == []
    statuses = {row["status"] for row in document["epochs"]}
    assert statuses == ({"unverified"} if verify == "off" else {"verified"})
