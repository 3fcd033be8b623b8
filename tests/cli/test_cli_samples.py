"""`lossmon show --samples` says which validation samples turned, and which are the worst."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lossmon.records import EpochRecord, SampleRecord, SampleSet
from lossmon.store import RunWriter
from tests.cli.conftest import Invoke
from tests.dashboard.seed import SOFTMAX, Scenario

LABELS = np.array([0, 1, 0, 1, 0])
PREDICTED = np.array([[0, 1, 1, 1, 1], [0, 0, 0, 1, 1], [0, 1, 0, 0, 1]])
LOSS = np.array([[0.5, 0.25, 2, 1, 1], [0.25, 3, 0.5, 0.5, 2], [0.25, 0.5, 0.25, 4, np.nan]])


def sampled(epoch: int, **fields: Any) -> SampleRecord:
    predicted = PREDICTED[epoch]
    sure = np.full(5, 0.75, np.float32)
    samples = SampleSet(np.arange(5, dtype=np.uint64) + 255, "inputs", LABELS)
    given: dict[str, Any] = {
        "correct": predicted == LABELS,
        "confidence": sure,
        "predicted": predicted,
        "samples": samples,
    }
    return SampleRecord(epoch, "val", None, LOSS[epoch].astype(np.float32), **(given | fields))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    db = str(tmp_path_factory.mktemp("samples") / "runs.db")
    nothing: dict[str, Any] = {"correct": None, "confidence": None, "predicted": None}
    runs = {
        "told-apart": [sampled(epoch) for epoch in range(3)],
        "shuffled": [sampled(0), sampled(2, samples=None)],
        "regression": [sampled(0, **nothing), sampled(1, **nothing)],
    }
    for name, records in runs.items():
        scenario = Scenario(name, metric=SOFTMAX)
        writer = RunWriter.open(db, scenario.record(), scenario.output_records())
        epochs = [
            EpochRecord(epoch, "val", None, 0.0, recomputed_loss=loss)
            for epoch, loss in enumerate([0.95, 0.9, 1.3])
        ]
        writer.write(epochs=epochs, samples=records)
        writer.finish("finished")
        writer.close()
    return db


def shown(invoke: Invoke, db: str, *arguments: str) -> Any:
    document = json.loads(invoke("show", *arguments, "--db", db, "--json").stdout)
    (samples,) = document["samples"]
    return samples


def test_by_default_from_the_best_epoch_to_the_last(invoke: Invoke, db: str) -> None:
    samples = shown(invoke, db, "told-apart", "--samples")
    assert (samples["output"], samples["epochs"], samples["n"]) == (None, [1, 2], 5)
    assert samples["keyed_by"] == "inputs"
    positions = {kind: change["positions"] for kind, change in samples["turned"].items()}
    assert positions == {
        "stayed_right": [0, 2],
        "stayed_wrong": [4],
        "turned_wrong": [3],
        "turned_right": [1],
    }
    worst = samples["worst"]
    assert [row["position"] for row in worst] == [4, 3, 1, 0, 2]
    assert worst[0]["loss"] == "NaN"
    assert worst[1] == {
        "position": 3,
        "key": "0000000000000102",
        "loss": 4.0,
        "label": 1,
        "predicted": 0,
        "confidence": pytest.approx(0.75, abs=2e-5),
        "correct": False,
    }


def test_the_table_says_the_same(invoke: Invoke, db: str) -> None:
    lines = invoke("show", "told-apart", "--between", "1", "2", "--db", db).stdout.splitlines()
    rows = [line.split() for line in lines]
    assert next(row[:9] for row in rows if row[:1] == ["epochs"]) == [
        "epochs",
        "1",
        "→",
        "2",
        "samples",
        "worse",
        "in",
        "the",
        "loss",
    ]
    assert ["turned", "wrong", "1", "1", "+0.55", "1"] in rows
    assert ["1", "3", "1", "0", "0.75"] in rows


def test_samples_that_cannot_be_told_apart_are_not_compared(invoke: Invoke, db: str) -> None:
    samples = shown(invoke, db, "shuffled", "--samples")
    assert (samples["turned"], samples["keyed_by"]) == (None, None)
    assert samples["worst"][1]["label"] is None
    assert "turned wrong" not in invoke("show", "shuffled", "--samples", "--db", db).stdout


def test_a_regression_has_its_worst_samples(invoke: Invoke, db: str) -> None:
    assert shown(invoke, db, "regression", "--samples")["worst"][0]["position"] == 1
    text = invoke("show", "regression", "--samples", "--db", db).stdout
    assert "worst, epoch 2" in text
    assert "predicted" not in text.partition("worst, epoch 2")[2]


@pytest.mark.parametrize("epochs", [("1", "4"), ("0", "1"), ("a", "b")])
def test_epochs_without_samples_are_refused(
    invoke: Invoke, db: str, epochs: tuple[str, str]
) -> None:
    result = invoke("show", "told-apart", "--between", *epochs, "--db", db)
    assert result.exit_code == 2
    assert "Error" in result.stderr


def test_a_recorded_training_shows_its_samples(invoke: Invoke) -> None:
    document = json.loads(invoke("show", "healthy", "--samples", "--json").stdout)
    (samples,) = document["samples"]
    assert (samples["n"], samples["keyed_by"]) == (143, "inputs")
    counts = [change["samples"] for change in samples["turned"].values()]
    assert sum(counts) == 143


def test_a_run_without_samples_says_why_there_may_be_none(invoke: Invoke, db: str) -> None:
    scenario = Scenario("bare", metric=SOFTMAX)
    RunWriter.open(db, scenario.record(), scenario.output_records()).close()
    assert "no validation samples" in invoke("show", "bare", "--samples", "--db", db).stdout
