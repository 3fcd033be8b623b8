"""What a run keeps of the error that ended its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lossmon.capture.last_words import MOST, last_words
from lossmon.store import ENDED_WITH, open_store
from tests.capture.conftest import dense, features

GRAPH = """Graph execution error:

Detected at node compile_loss/mse/sub defined at (most recent call last):
  File "mine.py", line 15, in <module>

  File "trainer.py", line 399, in fit

Incompatible shapes: [32] vs. [32,10]
\t [[{{node compile_loss/mse/sub}}]] [Op:__inference_step_1]"""


def test_what_was_wrong_is_left_of_a_hundred_lines() -> None:
    assert last_words(ValueError(GRAPH)) == (
        "ValueError: Graph execution error: Incompatible shapes: [32] vs. [32,10] "
        "[[{{node compile_loss/mse/sub}}]] [Op:__inference_step_1]"
    )
    assert last_words(KeyboardInterrupt()) == "KeyboardInterrupt"
    assert len(last_words(ValueError("x" * 2 * MOST))) == MOST


def test_the_error_that_ended_a_fit_is_kept_with_its_run(
    record: Callable[..., Any], db: str
) -> None:
    model = dense(4)
    model.compile("adam", "mse")
    with pytest.raises(Exception, match=r"\w") as raised:
        record(model, features(16), features(16)[:, :3])
    run = open_store(db).run("latest")
    assert run["status"] == "failed"
    said = [trouble["message"] for trouble in run["troubles"]]
    assert said == [ENDED_WITH + last_words(raised.value)]
