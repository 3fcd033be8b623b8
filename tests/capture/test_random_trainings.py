"""Programs drawn at random and trained: told as `check` tells them, and never a mismatch."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings

import lossmon
from tests.rules.drawn_heads import Head, N
from tests.rules.drawn_programs import DrawnProgram, programs
from tests.rules.injected_faults import Fault
from tests.rules.test_random_programs import faulty_programs

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:keras"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SLOW_DRAWS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
SHORT = settings(max_examples=6, deadline=None, suppress_health_check=SLOW_DRAWS)
LONG = settings(SHORT, max_examples=150)

Found = set[tuple[str, str | None]]


def fit(program: DrawnProgram, *callbacks: Any) -> None:
    x, y, weight = program.data()
    how: dict[str, Any] = {"epochs": 2, "batch_size": N // 4, "verbose": 0}
    program.compiled().fit(x, y, sample_weight=weight, callbacks=[*callbacks], **how)


def demand_same_error(program: DrawnProgram, error: Exception) -> None:
    """PyTorch cannot train some programs, which then fail without a monitor too."""
    with pytest.raises(type(error), match=re.escape(str(error))):
        fit(program)


def trained(program: DrawnProgram) -> tuple[Found, dict[str, Any]]:
    """What `check` finds, and the document of two epochs of training."""
    x, y, weight = program.data()
    checked = lossmon.check(program.compiled(), x, y, weight)
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "runs.db"
        try:
            fit(program, lossmon.Monitor(db, verify="full"))
        except Exception as error:
            demand_same_error(program, error)
            reject()
        document = lossmon.open_store(db).run_document("latest")
    return {(f.code, f.output) for f in checked if f.severity != "info"}, document


def told(document: dict[str, Any]) -> Found:
    """What the rules of outputs, labels and metrics found."""
    flags = [found for found in document["findings"] if found["severity"] != "info"]
    return {(f["code"], f["output"]) for f in flags if f["code"] < "LM4"}


def demand_as_checked(program: DrawnProgram) -> None:
    checked, document = trained(program)
    assert told(document) == checked
    assert document["troubles"] == []
    reasons = {row["reason"] for row in document["epochs"] if row["status"] != "verified"}
    assert reasons == set()


def demand_told(drawn: tuple[DrawnProgram, Fault]) -> None:
    program, fault = drawn
    assume(fault.trains)
    checked, document = trained(program)
    assert told(document) == checked
    assert document["troubles"] == []
    assert "mismatch" not in {row["status"] for row in document["epochs"]}


CASES: list[tuple[Callable[..., None], Any]] = [
    (demand_as_checked, programs()),
    (demand_told, faulty_programs()),
]


@pytest.mark.parametrize(("demand", "drawn"), CASES, ids=["right", "faulty"])
@pytest.mark.parametrize(
    "long", [pytest.param(False, id="few"), pytest.param(True, id="many", marks=pytest.mark.slow)]
)
def test_training_tells_what_check_tells(
    demand: Callable[..., None], drawn: Any, long: bool
) -> None:
    (LONG if long else SHORT)(given(drawn)(demand))()


def test_outputs_whose_losses_keras_prints_under_one_name() -> None:
    """Keras prints the last one's; it is no word about the others."""
    rng = np.random.default_rng(0)
    heads = tuple(
        Head("regression", 2, None, "mse", (), rng.normal(size=(N, 2)).astype("float32"))
        for _ in range(2)
    )
    program = DrawnProgram(
        "table", "subclassed", "list", heads, weighted=False, in_weighted=False, seed=3
    )
    _, document = trained(program)
    assert {row["status"] for row in document["epochs"]} == {"verified"}
    printed = {row["output"]: row["reported_loss"] is not None for row in document["epochs"]}
    assert printed == {None: True, "output_1": False, "output_2": True}


def test_what_a_head_without_a_graph_gives_is_tried_in_training_too() -> None:
    labels = np.random.default_rng(0).integers(0, 2, (N, 3)).astype("float32")
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    head = Head("several labels, logits", 3, "sigmoid", loss, (), labels)
    program = DrawnProgram(
        "table", "subclassed", "list", (head,), weighted=False, in_weighted=False, seed=3
    )
    checked, document = trained(program)
    assert told(document) == checked == {("LM102", None)}
