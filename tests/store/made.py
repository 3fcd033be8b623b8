"""Records that the tests of the store write."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np

from lossmon.records import (
    BatchRecord,
    EpochRecord,
    Finding,
    LossSpec,
    MetricSpec,
    OutputRecord,
    RunRecord,
    SampleRecord,
    SampleSet,
)
from lossmon.store import RunWriter, new_run_id

STARTED = 1_700_000_000.0

FINDING = Finding(
    "LM301",
    "accuracy-with-regression",
    "error",
    None,
    "targets are real numbers",
    "metrics=['mae']",
    {"distinct": 214, "least": 25.0},
)

OUTPUT = OutputRecord(
    name=None,
    layer="dense_1",
    shape=(None, 1),
    dtype="float32",
    activation="sigmoid",
    loss=LossSpec("binary_crossentropy", {"from_logits": False}),
    loss_weight=1.0,
    accuracy_metric=MetricSpec(
        "accuracy", "binary_accuracy", {}, alias="accuracy", label="BinaryAccuracy(threshold=0.5)"
    ),
    metrics=(MetricSpec("auc", "auc", label="AUC()"),),
)


def run_record(**fields: Any) -> RunRecord:
    given: dict[str, Any] = {
        "id": new_run_id(),
        "name": "a-run",
        "project": "tests",
        "started": time.time(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
    }
    return RunRecord(**(given | fields))


def batch(step: Any, **fields: Any) -> BatchRecord:
    given: dict[str, Any] = {
        "step": step,
        "epoch": 0,
        "batch": step,
        "split": "train",
        "output": None,
    }
    given |= {"time": STARTED + step, "n": 32, "weight": 32.0}
    return BatchRecord(**(given | fields))


def epoch(number: int, split: str = "train", **fields: Any) -> EpochRecord:
    given: dict[str, Any] = {
        "epoch": number,
        "split": split,
        "output": None,
        "time": STARTED + number,
    }
    return EpochRecord(**(given | fields))


def sample_record(number: int, n: int = 60, **fields: Any) -> SampleRecord:
    """An epoch of samples of a classifier, of values that packing keeps as they are."""
    rng = np.random.default_rng(number)
    labels = np.arange(n) % 4
    predicted = np.where(rng.random(n) < 0.8, labels, 3 - labels)
    given: dict[str, Any] = {
        "epoch": number,
        "split": "val",
        "output": None,
        "loss": (rng.integers(0, 1000, n) / 64).astype(np.float32),
        "correct": predicted == labels,
        "confidence": (rng.integers(0, 32_767, n) / 32_766).astype(np.float32),
        "predicted": predicted,
        "samples": SampleSet(np.arange(n, dtype=np.uint64) * 977, "inputs", labels),
    }
    return SampleRecord(**(given | fields))


def open_writer(db: str | Path, **fields: Any) -> RunWriter:
    return RunWriter.open(db, run_record(**fields), [OUTPUT])
