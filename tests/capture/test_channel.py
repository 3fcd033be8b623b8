"""Numbers leave the steps in order, however many are taken at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture.joint_channel import JointChannel
from lossmon.capture.judge import RunJudge
from lossmon.capture.layout import Carried, Layouts
from lossmon.capture.queue_channel import QueueChannel, size_of
from tests.capture.conftest import classes, dense, features

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow has queues"
)


def test_steps_are_taken_ahead_of_those_that_are_asked_for() -> None:
    channel = QueueChannel(Layouts())
    for step in range(4):
        channel.send(Carried({"loss": float(step)}))
    assert channel.take(1)[:, 2].tolist() == [0.0]
    channel.send(Carried({"loss": 4.0, "size": 32.0}))  # of another layout, and longer
    assert channel.sent() == 5
    taken = channel.take(10)
    assert taken[:, 2].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert taken[:, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert taken[-1, 3] == 32.0
    assert (len(channel.take(1)), channel.sent()) == (0, 5)


def test_what_an_earlier_fit_left_is_thrown_away() -> None:
    channel = QueueChannel(Layouts())
    for step in range(3):
        channel.send(Carried({"loss": float(step)}))
    channel.take(1)
    channel.clear()
    assert len(channel.take(1)) == 0


def carried(step: int, rows: int = 2, **further: float) -> Carried:
    predicted = np.full((rows, 3), float(step), np.float32)
    tensors = {("y_pred", 0): keras.ops.convert_to_tensor(predicted)}
    return Carried({"loss": float(step), **further}, tensors)


def test_tensors_of_steps_that_failed_behind_them_are_passed_over() -> None:
    layouts = Layouts()
    channel = QueueChannel(layouts)
    for step in range(7):
        if step in (0, 3, 4):  # as where the step's metrics raise an error afterwards
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(channel._vectors, "enqueue", lambda values: None)
                channel.send(carried(step))
        else:
            channel.send(carried(step))
    numbers = channel.take(10)[:, 1].tolist()
    assert numbers == [2.0, 3.0, 6.0, 7.0]
    for number, steps in [(2.0, [1.0, 2.0]), (6.0, [5.0]), (7.0, [6.0])]:
        (predicted,), _ = channel.take_tensors(layouts[0], number, len(steps))
        assert predicted[:, 0, 0].tolist() == steps
    with pytest.raises(LookupError, match="expected to have come out"):
        channel.take_tensors(layouts[0], 8.0, 1)


def test_tensors_are_read_where_they_are() -> None:
    layouts = Layouts()
    channel = QueueChannel(layouts)
    sent = carried(0)
    channel.send(sent)
    channel.take(1)
    ((predicted,), shapes) = channel.take_tensors(layouts[0], 1.0, 1)
    (tensor,) = sent.tensors.values()
    assert np.shares_memory(predicted, np.asarray(tensor))
    assert not predicted.flags.writeable
    assert shapes.tolist() == [[2, 3]]


def test_large_tensors_that_stay_in_are_no_part_of_the_step(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.letting_out.LARGE_STEP", 10)
    monkeypatch.setattr("lossmon.capture.budget.ALLOWANCE", -1.0)
    send = QueueChannel.send
    traced: list[tuple[str, bool]] = []
    sent: list[int] = []

    def listening(channel: QueueChannel, carried: Carried) -> Any:
        split = "train" if "learning_rate" in carried.scalars else "val"
        traced.append((split, bool(carried.tensors)))
        return send(channel, carried)

    monkeypatch.setattr(QueueChannel, "send", listening)

    def fitted(*monitors: lossmon.Monitor) -> Any:
        keras.utils.set_random_seed(3)
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        for fit in range(2):
            attached = [*monitors[fit : fit + 1]]
            fitting: dict[str, Any] = {"validation_split": 0.5, "verbose": 0, "batch_size": 8}
            model.fit(features(64), classes(64), epochs=2, callbacks=attached, **fitting)
            sent.append(len(traced))
        return model

    monitors = lossmon.Monitor(db), lossmon.Monitor(db)
    plain, watched = fitted(), fitted(*monitors)
    # TensorFlow traces each form more than once, but not again for the second fit.
    forms = [("train", True), ("train", False), ("val", True), ("val", False)]
    assert list(dict.fromkeys(traced)) == forms
    assert sent[2] == sent[3] == len(traced)
    for ours, theirs in zip(watched.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=ours.path)
    for monitor in monitors:
        run = lossmon.open_store(db).run_document(monitor.run_id or "")
        covered = {(row["split"], row["coverage"] > 0.0) for row in run["epochs"][:2]}
        assert covered == {("train", True), ("val", True)}
        assert all(row["coverage"] < 1.0 for row in run["epochs"])
        assert run["troubles"] == []


def test_the_count_of_tensors_begins_anew_before_float32_loses_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lossmon.capture.queue_channel._COUNTED", 3.0)
    layouts = Layouts()
    channel = QueueChannel(layouts)
    for step in range(5):
        channel.send(carried(step))
    assert channel.take(5)[:, 1].tolist() == [1.0, 2.0, 3.0, 1.0, 2.0]
    for number, steps in [(1.0, [0.0, 1.0, 2.0]), (1.0, [3.0, 4.0])]:
        (predicted,), _ = channel.take_tensors(layouts[0], number, len(steps))
        assert predicted[:, 0, 0].tolist() == steps
    channel.send(carried(5))
    channel.clear()
    channel.send(carried(6))
    (predicted,), _ = channel.take_tensors(layouts[0], channel.take(1)[0, 1], 1)
    assert predicted[:, 0, 0].tolist() == [6.0]


def test_numbers_and_tensors_that_leave_together_are_taken_together() -> None:
    channel = JointChannel(Layouts())
    for step, rows in enumerate([2, 2, 1]):
        channel.send(carried(step, rows))
    (first,) = channel.take(1)
    assert (first.numbers.tolist(), len(first)) == ([[0.0]], 1)
    (others,) = channel.take(10)
    assert others.numbers.tolist() == [[1.0], [2.0]]
    assert others.arrays[0][:, 0, 0].tolist() == [1.0, 2.0]
    assert others.shapes is not None
    assert others.shapes.tolist() == [[2, 3], [1, 3]]
    assert (channel.take(1), channel.sent()) == ([], 3)


def test_steps_of_several_layouts_keep_their_order() -> None:
    channel = JointChannel(Layouts())
    for step in range(6):
        channel.send(carried(step, size=32.0) if step in (2, 3, 5) else carried(step))
    taken = channel.take(6)
    assert [part.numbers[:, 0].tolist() for part in taken] == [[0.0, 1.0], [2.0, 3.0], [4.0], [5.0]]
    assert [part.arrays[0][:, 0, 0].tolist() for part in taken] == [[0, 1], [2, 3], [4], [5]]


def test_of_what_is_dropped_the_numbers_stay() -> None:
    channel = JointChannel(Layouts())
    for step in range(3):
        channel.send(carried(step))
    channel.drop()
    channel.send(carried(3))
    dropped, kept = channel.take(4)
    assert (dropped.numbers.tolist(), list(dropped.arrays)) == ([[0.0], [1.0], [2.0]], [])
    assert (kept.numbers.tolist(), len(kept.arrays)) == ([[3.0]], 1)
    channel.send(carried(4))
    channel.clear()
    assert (channel.take(1), channel.sent()) == ([], 5)


def test_what_waits_for_a_writer_that_hangs_is_bounded(
    record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.capture.recorder.WAITING_STEPS", 8)
    goes_on, calls = threading.Event(), RunJudge.calls

    def hanging(self: RunJudge, items: Any, **hurried: Any) -> Any:
        goes_on.wait()
        return calls(self, items, **hurried)

    monkeypatch.setattr(RunJudge, "calls", hanging)
    waiting: list[int] = []
    drops, drop = [], JointChannel.drop

    def seen(channel: JointChannel) -> None:
        waiting.extend(size_of(way.queue) for way in channel._ways.values())
        drops.append(drop(channel))

    monkeypatch.setattr(JointChannel, "drop", seen)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    release = keras.callbacks.LambdaCallback(on_train_end=lambda logs: goes_on.set())
    recorded = record(
        model,
        features(64),
        classes(64),
        epochs=3,
        batch_size=2,
        callbacks=[release],
    )
    assert len(drops) >= 3 * 32 // 10
    assert max(waiting) <= 9
    # Nothing is lost but the second look.
    assert len(recorded.batches) == 3 * 32
    assert all(row["loss"] is not None for row in recorded.batches)
    assert {row["status"] for row in recorded.batches} == {"verified", "unverified"}


def test_steps_that_have_grown_are_traced_anew(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fitted_twice(*monitors: lossmon.Monitor) -> Any:
        keras.utils.set_random_seed(3)
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        for fit, small in enumerate([2**13, 1]):
            monkeypatch.setattr("lossmon.capture.letting_out.SMALL_STEP", small)
            data = features(64), classes(64)
            model.fit(*data, validation_split=0.25, verbose=0, callbacks=[*monitors[fit : fit + 1]])
        return model

    monitors = lossmon.Monitor(db), lossmon.Monitor(db)
    plain, watched = fitted_twice(), fitted_twice(*monitors)
    kinds = [type(monitor._session._tap.carrier.channels["train"]) for monitor in monitors]
    assert kinds == [JointChannel, QueueChannel]
    for ours, theirs in zip(watched.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=ours.path)
    for monitor in monitors:
        run = lossmon.open_store(db).run_document(monitor.run_id or "")
        assert {(row["status"], row["coverage"]) for row in run["epochs"]} == {("verified", 1.0)}
        assert run["troubles"] == []
