"""What is attached to `fit`: nothing, what people use today, and lossmon."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras

import lossmon
from lossmon.errors import MissingExtra
from tests.bench import disk
from tests.bench.names import BARE, CSV, EMPTY, TENSORBOARD


class BatchCsv(keras.callbacks.Callback):
    """Writes what Keras says of each batch to a file, and does not lose it to a crash."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._file = self.path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        values = logs or {}
        self._writer.writerow((batch, values["loss"], values["accuracy"]))
        self._file.flush()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._file.close()


def callbacks(contender: str, folder: Path) -> list[Any]:
    """The callbacks of a contender for one fit; what they write goes to the folder."""
    if contender == BARE:
        return []
    if contender == EMPTY:
        return [keras.callbacks.Callback()]
    if contender == CSV:
        return [BatchCsv(folder / "batches.csv")]
    if contender == TENSORBOARD:
        if find_spec("tensorboard") is None:
            raise MissingExtra("tensorboard", "the bench's TensorBoard callback", "bench")
        every_batch: Any = 1  # as documented; the annotation says "epoch" or "batch" only
        return [keras.callbacks.TensorBoard(str(folder / "tensorboard"), update_freq=every_batch)]
    return [lossmon.Monitor(disk.database(contender, folder), verify=contender)]
