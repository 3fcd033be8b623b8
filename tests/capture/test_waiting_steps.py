"""Steps that wait some tenths of a second to be judged and stored together."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture import recorder
from lossmon.capture.judge import RunJudge
from lossmon.store import Records
from tests.capture import killing
from tests.capture.conftest import dense

STEPS = 100
X = np.random.default_rng(0).normal(size=(16 * STEPS, 6)).astype("float32")
IDS = np.random.default_rng(1).integers(0, 3, 16 * STEPS)


class Slowly(keras.callbacks.Callback):
    """Gives the writer thread time: a step takes five of its looks at what came."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        time.sleep(0.01)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many calls are judged each time."""
    monkeypatch.setattr("lossmon.capture.recorder.LOOK_EVERY", 0.002)
    monkeypatch.setattr("lossmon.capture.recorder.JUDGE_EVERY", 1e6)
    found: list[int] = []
    calls = RunJudge.calls

    def watched(self: RunJudge, items: Any, **hurried: Any) -> Any:
        found.append(len(items))
        return calls(self, items, **hurried)

    monkeypatch.setattr(RunJudge, "calls", watched)
    return found


@pytest.fixture
def train(record: Callable[..., Any]) -> Callable[..., Any]:
    def train(**monitor: Any) -> Any:
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        found = record(model, X, IDS, epochs=2, monitor=monitor, callbacks=[Slowly()])
        assert [row["step"] for row in found.batches] == list(range(2 * STEPS))
        assert {row["status"] for row in found.batches} == {"verified"}
        assert found.document["troubles"] == []
        return found

    return train


def test_steps_of_an_epoch_wait_for_one_another(
    judged: list[int], train: Callable[..., Any]
) -> None:
    train()
    # What the first judgement takes is no measure, so that a few follow it.
    assert len(judged) < 20
    assert sum(judged) == 2 * STEPS


def test_steps_wait_for_half_a_second_at_most(
    judged: list[int], train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.recorder.JUDGE_EVERY", 0.1)
    train()
    assert len(judged) > 10


def test_steps_that_take_up_room_do_not_wait(
    judged: list[int], train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.recorder.WAITING_STEPS", 20)
    train()
    assert max(judged) <= 20
    assert len(judged) < 2 * STEPS


def test_steps_do_not_wait_until_no_more_tensors_leave(
    judged: list[int], train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.SMALL_STEP", 1)
    monkeypatch.setattr("lossmon.capture.letting_out.steps_at_once", lambda _: 40)
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", 1e6)
    train()
    assert max(judged) < 40


@pytest.mark.parametrize("monitor", [{"verify": "full"}, {"extend_logs": True}], ids=str)
def test_steps_do_not_wait_where_somebody_waits_for_them(
    monitor: dict[str, Any], judged: list[int], train: Callable[..., Any]
) -> None:
    train(**monitor)
    assert len(judged) > STEPS // 2


def test_what_takes_long_to_judge_is_stored_in_parts(
    judged: list[int], train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = RunJudge.calls

    def slow(self: RunJudge, items: Any, **hurried: Any) -> Any:
        time.sleep(0.004 * len(items))
        return calls(self, items, **hurried)

    monkeypatch.setattr(RunJudge, "calls", slow)
    train()
    assert max(judged[1:]) <= recorder.JUDGE_FOR / 0.004
    assert len(judged) < STEPS


def test_what_comes_up_at_the_end_is_stored_however_long_judging_takes(
    record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[recorder.Recorder] = []
    begin = recorder.Recorder.__init__

    def begun(self: recorder.Recorder, *args: Any) -> None:
        made.append(self)
        begin(self, *args)

    def ended(_: RunJudge, *, finished: bool) -> Records:
        assert finished
        for number in range(3):
            made[0].trouble(f"trouble {number}", aloud=False)
        return Records()

    # One item at a time.
    monkeypatch.setattr("lossmon.capture.recorder.JUDGE_FOR", 0.0)
    monkeypatch.setattr(recorder.Recorder, "__init__", begun)
    monkeypatch.setattr(RunJudge, "end", ended)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    found = record(model, X, IDS, epochs=1)
    told = [trouble["message"] for trouble in found.document["troubles"]]
    assert told == ["trouble 0", "trouble 1", "trouble 2"]
    assert len(found.batches) == STEPS


TRAINING = """
import os, sys, time
import keras, numpy as np, lossmon

log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)

class Log(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        os.write(log, f"{time.time():.6f}\\n".encode())

x = np.random.default_rng(0).normal(size=(320_000, 8)).astype("float32")
y = (x[:, 0] > 0).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=100_000, verbose=0, callbacks=[lossmon.Monitor(sys.argv[1]), Log()])
"""


def told(log: Path) -> list[float]:
    return [float(line) for line in log.read_text().split("\n")[:-1]] if log.exists() else []


@pytest.mark.slow
@pytest.mark.parametrize("number", range(10))
def test_a_training_killed_at_any_moment_loses_a_second_at_most(
    number: int, tmp_path: Path
) -> None:
    db, log = tmp_path / "runs.db", tmp_path / "steps.txt"
    after = random.Random(number).uniform(0.0, 1.5)
    command = [sys.executable, "-c", TRAINING, str(db), str(log)]
    died = killing.kill(command, ready=lambda: len(told(log)) >= 1000, after=after)
    stored = [row["step"] for row in lossmon.open_store(str(db)).export_batches("latest")]
    assert stored == list(range(len(stored)))
    lost = [died - moment for moment in told(log)[len(stored) :]]
    assert max(lost, default=0.0) < 1.0
