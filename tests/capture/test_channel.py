"""Numbers leave the steps in order, however many are taken at once."""

from __future__ import annotations

import keras
import pytest

from lossmon.capture.channel import QueueChannel
from lossmon.capture.layout import Carried, Layouts

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
