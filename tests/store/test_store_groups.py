"""What is said of runs together."""

from __future__ import annotations

from typing import Any

import pytest

from lossmon.store.run_pages import grouped


def listed(status: str, loss: float) -> dict[str, Any]:
    return {
        "id": f"{status}-{loss}",
        "project": "digits",
        "status": status,
        "flags": 0,
        "started": 0.0,
        "loss_name": "mse",
        "accuracy_metric": None,
        "val_loss": loss,
    }


@pytest.mark.parametrize("other", ["interrupted", "failed", "running"])
def test_values_are_of_the_runs_that_were_trained_to_their_end(other: str) -> None:
    runs = [listed("finished", 0.1), listed(other, 0.9), listed("finished", 0.3)]
    (group,) = grouped(runs, "project")
    assert group.spreads["val_loss"].mean == pytest.approx(0.2)
    assert group.spreads["val_loss"].runs == 2
    assert group.runs == ("finished-0.1", f"{other}-0.9", "finished-0.3")
    assert group.statuses == {"finished": 2, other: 1}


def test_where_none_was_they_are_of_all() -> None:
    (group,) = grouped([listed("running", 0.1), listed("failed", 0.3)], "project")
    assert group.spreads["val_loss"].runs == 2
