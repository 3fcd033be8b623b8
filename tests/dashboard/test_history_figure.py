from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from lossmon_dashboard.figures import HistoryView, plot_history
from lossmon_dashboard.figures.axis import STEPS, TimeAxis, clock_axis, epoch_axis, sample_axis
from lossmon_dashboard.figures.curves import Curve, get_history_info
from lossmon_dashboard.figures.events import Event
from lossmon_dashboard.figures.lines import Line

from lossmon.analysis import exponential_average
from lossmon.store import Spans
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


def spans(**columns: list[float | None]) -> dict[str, Spans]:
    """Each batch a span; None is not known."""
    return {name: span_of(values) for name, values in columns.items()}


def span_of(values: list[float | None], size: int = 1) -> Spans:
    known = [(step, value) for step, value in enumerate(values) if value is not None]
    steps, found = (np.array([pair[i] for pair in known]) for i in (0, 1))
    odd = ~np.isfinite(found.astype(float))
    mean = np.where(odd, math.nan, found.astype(float))
    first = steps.astype(np.int64) * size
    return Spans(
        first,
        first + size - 1,
        np.where(odd, 0, size),
        mean,
        mean - (size > 1),
        mean + (size > 1),
        odd.astype(np.int64),
        np.where(odd, found.astype(float), 0.0),
        first,
    )


BATCHES = spans(
    loss=[2.0, 1.5],
    recomputed_loss=[2.0, math.inf],
    accuracy=[None, None],
    recomputed_accuracy=[None, None],
)


def info_of(epochs: Any, batches: Any, view: HistoryView, axis: TimeAxis = STEPS) -> dict[str, Any]:
    return {p.title: p.curves for p in get_history_info(epochs, batches, view, axis).panes}


def test_the_usual_view_shows_batches_epochs_and_the_intended_accuracy() -> None:
    assert info_of(EPOCHS, BATCHES, HistoryView()) == {
        "loss": (
            Curve(
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
            Curve(Line("train", (9,), (1.0,), ("1 · epoch 1",)), "train", "recomputed"),
            Curve(Line("val", (9,), (1.2,), ("1.2 · epoch 1",)), "val", "recomputed"),
        ),
        "accuracy": (
            Curve(Line("train", (9,), (0.5,), ("0.5 · epoch 1",)), "train", "recomputed"),
            Curve(Line("train, meant", (9,), (0.6,), ("0.6 · epoch 1",)), "train", "intended"),
        ),
    }


def test_what_was_not_recomputed_is_shown_as_keras_computed_it_and_says_so() -> None:
    rows = [row | {"recomputed_loss": None} for row in EPOCHS]
    info = info_of(rows, BATCHES, HistoryView(detail="epochs"))
    assert [(curve.line.name, curve.line.y, curve.kind) for curve in info["loss"]] == [
        ("train as Keras computed (not verified)", (1.01,), "own"),
        ("val as Keras computed (not verified)", (1.21,), "own"),
    ]


def test_all_three_values_can_be_seen_together() -> None:
    info = info_of(EPOCHS, BATCHES, HistoryView(detail="epochs", value="all"))
    train = [curve for curve in info["loss"] if curve.split == "train"]
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
    nothing = spans(loss=[], recomputed_loss=[], accuracy=[], recomputed_accuracy=[])
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
        ({"axis": "time", "smooth": "50"}, HistoryView(axis="time", smooth=50)),
    ],
)
def test_a_view_is_read_from_its_address(query: dict[str, str], view: HistoryView) -> None:
    assert HistoryView.from_query(query) == view


ODD = {"detail": "x", "value": "<b>", "scale": "?", "axis": "z", "smooth": "7"}


def test_an_address_that_makes_no_sense_is_the_usual_view() -> None:
    assert HistoryView.from_query(ODD) == HistoryView()


def test_a_long_run_has_a_band_from_the_least_to_the_greatest_batch() -> None:
    many = {**BATCHES, "recomputed_loss": span_of([2.0, 5.0, math.nan], size=64)}
    traces = as_json(plot_history([], many, HistoryView(smooth=50)))["data"]
    assert [(trace["name"], trace["y"]) for trace in traces] == [
        ("train, least to greatest batch", [1.0, 4.0, None]),
        ("train, least to greatest batch", [3.0, 6.0, None]),
        ("train, mean of batches", [2.0, 5.0, None]),
        ("train, moving average over 50 batches", [2.0, pytest.approx(4.78, abs=0.01), None]),
        ("not a finite number", [5.0]),
    ]
    assert traces[2]["text"][1] == "5 · mean of steps 64–127, 4 to 6"


def test_a_batch_of_fewer_samples_weighs_less_and_says_so() -> None:
    known: dict[str, list[float | None]] = {
        **{name: [1.0, 1.0, 9.0] for name in ("loss", "recomputed_loss")},
        **{name: [None, None, None] for name in ("accuracy", "recomputed_accuracy")},
    }
    view = HistoryView(smooth=10)
    batches = spans(**known, n=[64, 64, 16])
    batch, smooth = (curve.line for curve in info_of([], batches, view)["loss"])
    assert batch.y == (1.0, 1.0, 9.0)
    assert batch.hover == ("1 · step 0", "1 · step 1", "9 · step 2, 16 of 64 samples")
    assert smooth.y == tuple(exponential_average([1.0, 1.0, 9.0], [1, 1, 0.25], span=10))
    # Where nobody knows how many samples there were, all batches weigh the same.
    _, alike = (curve.line for curve in info_of([], spans(**known), view)["loss"])
    assert alike.y == tuple(exponential_average([1.0, 1.0, 9.0], span=10))


ENDS: list[dict[str, Any]] = [
    {"epoch": e, "split": "train", "step": 10 * e + 9, "n": 320, "time": 100.0 + 60 * e}
    for e in range(3)
]


@pytest.mark.parametrize(
    ("axis", "title", "places"),
    [
        (STEPS, "training step", [4.0, 9.0, 34.0]),
        (epoch_axis(ENDS, 10), "epoch", [0.5, 1.0, 3.5]),
        (sample_axis(ENDS, 32), "training samples seen", [160.0, 320.0, 1120.0]),
        (
            clock_axis([(e["step"], e["time"]) for e in ENDS], 40.0, "noon"),
            "seconds since the start, noon",
            [30.0, 60.0, 210.0],
        ),
    ],
)
def test_one_training_is_counted_in_four_ways(
    axis: TimeAxis, title: str, places: list[float]
) -> None:
    assert (axis.title, axis.places_of([4, 9, 34])) == (title, pytest.approx(places))
    assert [axis.step_of(place) for place in places] == pytest.approx([4, 9, 34])


def test_the_pointer_is_told_places_in_the_words_of_the_axis() -> None:
    axis = epoch_axis(ENDS, 10)
    assert axis.batches_of([0, 9, 10, 34]) == [
        *("epoch 1, batch 1", "epoch 1, batch 10", "epoch 2, batch 1", "epoch 4, batch 5"),
    ]
    assert STEPS.batches_of([1200]) == ["step 1,200"]
    # Where epochs are not known, nobody can tell how many batches there were.
    assert epoch_axis([ENDS[0], ENDS[2]]).batches_of([9, 15]) == ["epoch 1, batch 10", "step 15"]
    for known in (axis, STEPS, sample_axis(ENDS, 32), clock_axis([(0, 7200.0)], 0.0)):
        layout = as_json(plot_history(ENDS, BATCHES, HistoryView(), axis=known))["layout"]
        assert layout["xaxis"]["unifiedhovertitle"]["text"] == known.pointer
    assert clock_axis([(0, 7200.0)], 0.0).pointer == "%{x:.4~g} minutes"


def test_an_axis_is_there_before_the_first_epoch_has_ended() -> None:
    assert epoch_axis([], 10).places_of([4]) == [0.5]
    assert clock_axis([(0, 7200.0), (1, 14_400.0)], 0.0).title == "hours since the start"


def test_findings_and_episodes_stand_in_a_lane_of_the_same_axis() -> None:
    events = [
        Event("Epochs 2–3: <b>", "why", "episode::1", 19, 29),
        Event("Overfitting", "word " * 99, "finding:LM408:", None, severity="warning"),
    ]
    axis = epoch_axis(ENDS, 10)
    figure = as_json(
        plot_history(ENDS, BATCHES, HistoryView(axis="epoch"), events=events, axis=axis)
    )
    lane = [trace for trace in figure["data"] if trace.get("customdata")]
    ends = [(trace["x"][0], trace["x"][-1], trace["customdata"][0]) for trace in lane]
    assert ends == [
        (2.0, 3.0, "episode::1"),
        (pytest.approx(0.1), pytest.approx(0.1), "finding:LM408:"),
    ]
    assert lane[0]["text"][0].startswith("Epochs 2–3: &lt;b&gt;<br>")
    assert lane[1]["text"][0].endswith("<br>…")
    bands = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert {(band["x0"], band["x1"]) for band in bands} == {(2.0, 3.0)}
    assert figure["layout"]["meta"] == {"axis": "epoch"}


def test_of_findings_that_set_in_at_once_the_gravest_lies_uppermost() -> None:
    grades: list[Any] = ["error", "info", "warning"]
    events = [Event(grade, "why", f"finding:{grade}:", 19, severity=grade) for grade in grades]
    figure = as_json(plot_history(ENDS, BATCHES, HistoryView(), events=events))
    drawn = [trace["customdata"][0] for trace in figure["data"] if trace.get("customdata")]
    assert drawn == ["finding:info:", "finding:warning:", "finding:error:"]
