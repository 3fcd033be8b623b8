from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from lossmon_dashboard.figures import HistoryView, plot_history
from lossmon_dashboard.figures.history import _Curve, _get_history_info, _HistoryInfo
from lossmon_dashboard.figures.lines import Line

from tests.dashboard.tree import as_json

EPOCHS = [
    {
        "epoch": 0,
        "step": 9,
        "split": "train",
        "loss": 1.01,
        "recomputed_loss": 1.0,
        "reported_loss": 1.5,
        "accuracy": 0.5,
        "recomputed_accuracy": 0.5,
        "reported_accuracy": 0.4,
        "intended_accuracy": 0.6,
    },
    {
        "epoch": 0,
        "step": 9,
        "split": "val",
        "loss": 1.21,
        "recomputed_loss": 1.2,
        "reported_loss": 1.2,
        "accuracy": None,
        "recomputed_accuracy": None,
        "reported_accuracy": None,
        "intended_accuracy": None,
    },
]


def series(**columns: list[float | None]) -> dict[str, Any]:
    length = len(next(iter(columns.values())))
    masked = {
        name: np.ma.masked_array(
            [math.nan if value is None else value for value in values],
            mask=[value is None for value in values],
        )
        for name, values in columns.items()
    }
    return {"step": np.arange(length), **masked}


BATCHES = series(
    loss=[2.0, 1.5],
    recomputed_loss=[2.0, math.inf],
    accuracy=[None, None],
    recomputed_accuracy=[None, None],
)


def test_the_usual_view_shows_batches_epochs_and_the_intended_accuracy() -> None:
    assert _get_history_info(EPOCHS, BATCHES, HistoryView()) == _HistoryInfo(
        loss=(
            _Curve(
                Line(
                    "train, each batch",
                    (0, 1),
                    (2.0, None),
                    ("2 · step 0", "+inf · step 1"),
                    ((1, "+inf"),),
                ),
                "train",
                "batch",
            ),
            _Curve(Line("train", (9,), (1.0,), ("1 · epoch 1",)), "train", "recomputed"),
            _Curve(Line("val", (9,), (1.2,), ("1.2 · epoch 1",)), "val", "recomputed"),
        ),
        accuracy=(
            _Curve(Line("train", (9,), (0.5,), ("0.5 · epoch 1",)), "train", "recomputed"),
            _Curve(
                Line("train, as intended", (9,), (0.6,), ("0.6 · epoch 1",)), "train", "intended"
            ),
        ),
        log=False,
    )


def test_what_was_not_recomputed_is_shown_as_keras_computed_it_and_says_so() -> None:
    rows = [row | {"recomputed_loss": None} for row in EPOCHS]
    info = _get_history_info(rows, BATCHES, HistoryView(detail="epochs"))
    assert [(curve.line.name, curve.line.y, curve.kind) for curve in info.loss] == [
        ("train as Keras computed (not verified)", (1.01,), "own"),
        ("val as Keras computed (not verified)", (1.21,), "own"),
    ]


def test_all_three_values_can_be_seen_together() -> None:
    info = _get_history_info(EPOCHS, BATCHES, HistoryView(detail="epochs", value="all"))
    train = [curve for curve in info.loss if curve.split == "train"]
    assert [(curve.kind, curve.line.y) for curve in train] == [
        ("reported", (1.5,)),
        ("own", (1.01,)),
        ("recomputed", (1.0,)),
    ]


def test_the_panes_share_one_time_axis() -> None:
    layout = as_json(plot_history(EPOCHS, BATCHES, HistoryView(log=True)))["layout"]
    assert layout["xaxis"]["matches"] == "x2"
    assert (layout["yaxis"]["type"], layout["yaxis"]["title"]["text"]) == ("log", "loss")
    assert layout["yaxis2"]["title"]["text"] == "accuracy"


def test_values_that_are_not_finite_are_marked() -> None:
    traces = as_json(plot_history(EPOCHS, BATCHES, HistoryView()))["data"]
    marks = [trace for trace in traces if trace["name"] == "not a finite number"]
    assert [(list(mark["x"]), list(mark["text"])) for mark in marks] == [([1], ["+inf"])]


def test_a_run_without_accuracy_has_one_pane() -> None:
    rows = [row | {"recomputed_accuracy": None, "intended_accuracy": None} for row in EPOCHS]
    rows = [row | {"accuracy": None} for row in rows]
    assert "yaxis2" not in as_json(plot_history(rows, BATCHES, HistoryView()))["layout"]


def test_before_the_first_value_the_chart_says_so() -> None:
    nothing = series(loss=[], recomputed_loss=[], accuracy=[], recomputed_accuracy=[])
    layout = as_json(plot_history([], nothing, HistoryView()))["layout"]
    assert "first values appear" in layout["annotations"][0]["text"].replace("<br>", " ")


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ({}, HistoryView()),
        (
            {"detail": "epochs", "value": "all", "scale": "log", "output": "head"},
            HistoryView("epochs", "all", log=True, output="head"),
        ),
        ({"detail": "batches", "value": "reported"}, HistoryView("batches", "reported")),
    ],
)
def test_a_view_is_read_from_its_address(query: dict[str, str], view: HistoryView) -> None:
    assert HistoryView.from_query(query) == view


def test_an_address_that_makes_no_sense_is_the_usual_view() -> None:
    assert HistoryView.from_query({"detail": "x", "value": "<b>", "scale": "?"}) == HistoryView()
