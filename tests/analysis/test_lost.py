"""Runs that ended with a loss that is not finite: compared at an earlier epoch, and told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.analysis import compared_at, doubts
from tests.analysis.trained import OUTPUT
from tests.analysis.validated import drawn, run, weighed

VALUES: dict[str, Any] = {**OUTPUT, "loss": "mean_squared_error", "shape": [None, 1]}
NONE = dict.fromkeys(("loss", "recomputed_loss", "loss_squares", "loss_correct", "loss_wrong"))


def ended(document: dict[str, Any], loss: float | None) -> dict[str, Any]:
    """The same run, with one more epoch."""
    (row,) = document["epochs"]
    return document | {"epochs": [row, row | dict.fromkeys(NONE, loss) | {"epoch": 2}]}


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_run_that_ended_with_no_number_is_told_apart(loss: float) -> None:
    labels = drawn(0)
    found = weighed(run("calm", labels), ended(run("lost", labels, sure=3.0), loss))
    assert found.lost[0] == ("lost", 1, 2)
    told = "lost is compared at epoch 2 of 3: its last loss is not a finite number."
    assert told in list(doubts(found))
    assert compared_at(found) == "last validation epoch with a finite loss"
    assert found.document()["lost"] == [{"name": "lost", "epoch": 1, "last": 2}]


def test_nothing_is_said_of_others() -> None:
    labels = drawn(0)
    for other in (run("other", labels), ended(run("other", labels), None)):
        found = weighed(run("calm", labels), other)
        assert found.lost == ()
        assert compared_at(found) == "last validation epoch"


def test_models_of_values_are_compared_at_their_last_finite_epoch_too() -> None:
    labels = drawn(0)
    lost = ended(run("lost", labels, sure=3.0), np.nan)
    documents = [document | {"outputs": [VALUES]} for document in (run("calm", labels), lost)]
    for document in documents:
        for row in document["epochs"]:
            row |= {"correct": None, "judged": None}
    found = weighed(*documents)
    assert found.lost[0] == ("lost", 1, 2)
    assert [one.epoch for one in found.runs] == [1, 1]
    assert found.recommendations[0].best is not None
