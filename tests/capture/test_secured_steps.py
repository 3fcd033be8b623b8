"""Steps that are secured each tenth of a second, and judged together once a second."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture.judge import RunJudge
from lossmon.records import BatchRecord
from lossmon.store import Delivery, Records, SecuredSteps
from tests.capture import killing
from tests.capture.conftest import dense

STEPS = 500
ROWS = 16 * STEPS
KILLED = "not recomputed: training was killed before the writer thread came to it"
X = np.random.default_rng(0).normal(size=(ROWS, 6)).astype("float32")
IDS = np.random.default_rng(1).integers(0, 3, ROWS)
# What is known of a step without its labels and predictions.
KERAS_OWN = [
    "epoch",
    "batch",
    "split",
    "output",
    "time",
    "seconds",
    "n",
    "loss",
    "penalty",
    "reported_loss",
    "accuracy",
    "reported_accuracy",
    "learning_rate",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "spool"
    monkeypatch.setenv("LOSSMON_SPOOL", str(folder))
    return folder


@pytest.fixture
def secured(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[BatchRecord]:
    """What is secured from here on."""
    monkeypatch.setattr("lossmon.capture.recorder.LOOK_EVERY", 0.01)
    kept: list[BatchRecord] = []
    keep = SecuredSteps.keep

    def watched(self: SecuredSteps, records: Records) -> bool:
        kept.extend(records.batches)
        return keep(self, records)

    monkeypatch.setattr(SecuredSteps, "keep", watched)
    return kept


def classifier(**how: Any) -> Any:
    model = dense(kernel_regularizer="l2")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **how)
    return model


def two_outputs() -> Any:
    inputs = keras.Input((6,))
    one = keras.layers.Dense(3, activation="softmax", name="one")(inputs)
    two = keras.layers.Dense(1, activation="sigmoid", name="two")(inputs)
    model = keras.Model(inputs, {"one": one, "two": two})
    losses = {"one": "sparse_categorical_crossentropy", "two": "binary_crossentropy"}
    metrics = {"one": ["accuracy"], "two": ["accuracy"]}
    model.compile("adam", losses, metrics=metrics, loss_weights={"one": 1.0, "two": 0.25})
    return model


def demand_same(secured: list[BatchRecord], stored: list[dict[str, Any]], reason: str) -> None:
    """What was secured is what is stored, but for what is known by judging alone."""
    known = {(row["step"], row["split"], row["output"], row["batch"]): row for row in stored}
    assert len(known) == len(stored)
    for record in secured:
        row = known[record.step, record.split, record.output, record.batch]
        for name in KERAS_OWN:
            assert getattr(record, name) == row[name], name
        assert record.recomputed_loss is None
        assert record.status == "unverified"
        assert record.reason == reason


class Case(NamedTuple):
    """A model, its labels, how it is watched, and up to how many predicted values all leave."""

    make: Callable[[], Any]
    labels: Any = IDS
    verify: str = "auto"
    small: int = 2**13


TWO = {"one": IDS, "two": (IDS > 0).astype("float32")[:, None]}
CASES = {
    "all-leave": Case(classifier),
    "some-leave": Case(classifier, small=1),
    "none-leave": Case(classifier, verify="off"),
    "several-steps": Case(lambda: classifier(steps_per_execution=8)),
    "jit": Case(lambda: classifier(jit_compile=True)),
    "two-outputs": Case(two_outputs, TWO, small=1),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.usefixtures("folder")
def test_what_is_secured_is_what_keras_said(
    case: Case,
    record: Callable[..., Any],
    secured: list[BatchRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.SMALL_STEP", case.small)
    verify = {"verify": case.verify}
    recorded = record(case.make(), X, case.labels, validation_split=0.1, monitor=verify)
    assert {row.split for row in secured} >= {"train"}
    demand_same(secured, recorded.batches, "off" if case.verify == "off" else KILLED)
    whole = [row for row in recorded.batches if row["split"] == "train" and row["output"] is None]
    assert [row["step"] for row in whole] == list(range(2 * STEPS * 9 // 10))
    assert recorded.document["troubles"] == []
    assert KILLED not in {str(row["reason"]) for row in recorded.batches}


def test_a_folder_that_takes_nothing_costs_no_record(
    record: Callable[..., Any], secured: list[BatchRecord], folder: Path
) -> None:
    folder.write_text("")
    recorded = record(classifier(), X, IDS)
    assert [row["step"] for row in recorded.batches] == list(range(2 * STEPS))
    assert {row["status"] for row in recorded.epochs} == {"verified"}
    assert recorded.document["troubles"] == []
    # It was tried once, and left.
    assert len({record.step for record in secured}) == len(secured) < 100


def test_an_error_of_our_own_costs_no_record(
    record: Callable[..., Any], secured: list[BatchRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(RunJudge, "foretell", broken)
    recorded = record(classifier(), X, IDS)
    assert [row["step"] for row in recorded.batches] == list(range(2 * STEPS))
    assert {row["status"] for row in recorded.epochs} == {"verified"}
    (trouble,) = recorded.document["troubles"]
    assert trouble["message"] == "steps could not be secured: RuntimeError('broken')"
    assert secured == []


@pytest.mark.parametrize("monitor", [{"verify": "full"}, {"extend_logs": True}], ids=str)
def test_where_somebody_waits_for_them_steps_are_judged_at_once(
    monitor: dict[str, Any], record: Callable[..., Any], secured: list[BatchRecord]
) -> None:
    recorded = record(classifier(), X, IDS, monitor=monitor)
    assert secured == []
    assert [row["step"] for row in recorded.batches] == list(range(2 * STEPS))


def test_what_is_not_stored_stays_secured(
    record: Callable[..., Any], secured: list[BatchRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[int] = []
    monkeypatch.setattr(Delivery, "holds", property(lambda _: True))
    monkeypatch.setattr(SecuredSteps, "forget", lambda _, last: forgotten.append(last))
    record(classifier(), X, IDS)
    assert secured
    assert forgotten == []


class Slowly(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        time.sleep(0.005)


@pytest.mark.parametrize(("room", "times"), [(20, range(6, 101)), (10_000, range(2, 5))])
def test_steps_that_take_up_room_are_not_put_off(
    room: int,
    times: range,
    record: Callable[..., Any],
    secured: list[BatchRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[int] = []
    calls = RunJudge.calls

    def watched(self: RunJudge, items: Any, **hurried: Any) -> Any:
        judged.append(len(items))
        return calls(self, items, **hurried)

    monkeypatch.setattr("lossmon.capture.recorder.JUDGE_EVERY", 1e6)
    monkeypatch.setattr("lossmon.capture.recorder.WAITING_STEPS", room)
    monkeypatch.setattr(RunJudge, "calls", watched)
    record(classifier(), X[:1600], IDS[:1600], epochs=1, callbacks=[Slowly()])
    assert sum(judged) == 100
    assert len(judged) in times
    assert secured


def test_steps_are_secured_while_others_are_judged(
    record: Callable[..., Any], secured: list[BatchRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    calls, keep = RunJudge.calls, SecuredSteps.keep

    def slow(self: RunJudge, items: Any, **hurried: Any) -> Any:
        time.sleep(0.004 * len(items))
        return calls(self, items, **hurried)

    def watched(self: SecuredSteps, records: Records) -> bool:
        waited.extend(time.time() - one.time for one in records.batches if one.split == "train")
        return keep(self, records)

    monkeypatch.setattr("lossmon.capture.recorder.JUDGE_EVERY", 0.3)
    monkeypatch.setattr(RunJudge, "calls", slow)
    monkeypatch.setattr(SecuredSteps, "keep", watched)
    recorded = record(classifier(), X, IDS, validation_split=0.1)
    demand_same(secured, recorded.batches, KILLED)
    # To judge all of an epoch takes two seconds.
    assert len(waited) > STEPS
    assert max(waited) < 0.7
    assert {row["status"] for row in recorded.batches} == {"verified"}


def test_steps_are_not_put_off_until_no_more_tensors_leave(
    record: Callable[..., Any], secured: list[BatchRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.SMALL_STEP", 1)
    monkeypatch.setattr("lossmon.capture.letting_out.steps_at_once", lambda _: 40)
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", 1e6)
    monkeypatch.setattr("lossmon.capture.recorder.JUDGE_EVERY", 1e6)
    recorded = record(classifier(), X[:3200], IDS[:3200], epochs=1, callbacks=[Slowly()])
    assert {row["status"] for row in recorded.batches} == {"verified"}
    assert len(recorded.batches) == 200
    assert secured


TRAINING = """
import os, sys, time
import keras, numpy as np, lossmon
from lossmon.capture import recorder

log = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT)
if sys.argv[4:]:
    recorder.JUDGE_EVERY = recorder.WAITING_STEPS = 1e9

class Log(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        os.write(log, f"{time.time():.6f}\\n".encode())

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(320_000, 8)).astype("float32")
y = (x[:, 0] > 0).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
monitor = lossmon.Monitor(sys.argv[1], verify=sys.argv[2])
model.fit(x, y, epochs=100_000, verbose=0, callbacks=[monitor, Log()])
"""


class Killed(NamedTuple):
    """What is left of a training that was killed.

    Attributes:
        spools: names of what waits on this machine.
        rows: the batches that whoever opens the database finds.
        lost: how long before its end each of the others was made.
    """

    spools: list[str]
    rows: list[dict[str, Any]]
    lost: list[float]


def kill(folder: Path, *arguments: str, after: float) -> Killed:
    """Train, and kill it some seconds after a thousand steps of its first, long epoch."""
    db, log = folder / "runs.db", folder / "steps.txt"
    command = [sys.executable, "-c", TRAINING, str(db), arguments[0], str(log), *arguments[1:]]
    died = killing.kill(command, ready=lambda: len(_told(log)) >= 1000, after=after)
    spools = [file.name for file in folder.glob("spool/*.spool")]
    rows = list(lossmon.open_store(str(db)).export_batches("latest"))
    assert [row["step"] for row in rows] == list(range(len(rows)))
    (run,) = lossmon.open_store(str(db)).run_rows()
    assert (run["status"], run["batches"]) == ("interrupted", len(rows))
    assert list(folder.glob("spool/*")) == []
    return Killed(spools, rows, [died - moment for moment in _told(log)[len(rows) :]])


def _told(log: Path) -> list[float]:
    return [float(line) for line in log.read_text().split("\n")[:-1]] if log.exists() else []


@pytest.mark.parametrize("verify", ["auto", "off"])
@pytest.mark.usefixtures("folder")
def test_of_a_killed_training_whoever_reads_finds_what_was_not_judged(
    verify: str, tmp_path: Path
) -> None:
    killed = kill(tmp_path, verify, "not judged", after=1.5)
    (spool,) = killed.spools
    assert spool.endswith("-0.steps.spool")
    # Of a second and a half, on a busy machine.
    assert max(killed.lost, default=0.0) < 0.7
    reasons = [row["reason"] for row in killed.rows]
    assert reasons.count("off" if verify == "off" else KILLED) > 500


@pytest.mark.slow
@pytest.mark.parametrize("number", range(10))
@pytest.mark.usefixtures("folder")
def test_a_training_killed_at_any_moment_loses_a_tenth_of_a_second(
    number: int, tmp_path: Path
) -> None:
    killed = kill(tmp_path, "auto", after=random.Random(number).uniform(0.0, 1.5))
    assert max(killed.lost, default=0.0) <= 0.1
