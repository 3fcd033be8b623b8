"""The charts of a run's tabs, and what stands beside them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from lossmon_dashboard import figures
from lossmon_dashboard.components.calibration import calibration_numbers
from lossmon_dashboard.components.epochs import epoch_pair, epoch_slider, followed, pair_followed
from lossmon_dashboard.components.samples import sample_columns, sample_rows, turned_table

from lossmon.analysis import ClassLevel, Confusion
from lossmon.records import SampleRecord, SampleSet
from tests.dashboard.tree import as_json, components, words


def epoch(number: int, split: str = "val", **fields: Any) -> dict[str, Any]:
    return {"epoch": number, "split": split, "step": 10 * number + 9, **fields}


def lines(figure: Any) -> dict[str, Any]:
    return {trace["name"]: trace for trace in as_json(figure)["data"]}


def test_a_gap_that_is_rounding_looks_like_nothing_and_a_mismatch_does_not() -> None:
    gap: dict[str, Any] = {"loss_gap": 1e-8, "accuracy_gap": None, "loss": 2.0}
    quiet = [epoch(0, **gap, status="verified"), epoch(1, **gap, status="unverified")]
    figure = as_json(figures.plot_gap(quiet))
    assert figure["layout"]["yaxis"]["range"] == pytest.approx([-0.0024, 0.0024])
    assert "yaxis2" not in figure["layout"]
    assert lines(figure)["val"]["marker"]["symbol"] == ["circle", "circle-open"]
    loud = [epoch(0, loss_gap=0.5, accuracy_gap=math.nan, loss=2.0, status="mismatch")]
    traces = lines(figures.plot_gap(loud))
    assert traces["val"]["marker"]["symbol"] == ["x"]
    assert traces["not a finite number"]["text"] == ["NaN"]
    assert as_json(figures.plot_gap([]))["layout"]["annotations"]


def test_the_printed_accuracy_is_drawn_against_the_one_that_was_meant() -> None:
    rows = [epoch(0, reported_accuracy=0.4, intended_accuracy=0.9)]
    traces = lines(figures.plot_printed(rows))
    assert {name: trace["y"] for name, trace in traces.items()} == {
        "val, printed": [0.4],
        "val, meant": [0.9],
    }
    nothing = [epoch(0, reported_accuracy=0.4, intended_accuracy=None)]
    assert "meant" in as_json(figures.plot_printed(nothing))["layout"]["annotations"][0]["text"]


def test_the_recoverable_loss_lies_between_two_lines() -> None:
    traces = lines(figures.plot_recoverable([epoch(0, nll=0.4, scaled_loss=0.3)]))
    assert (traces["validation loss"]["y"], traces["validation loss"]["fill"]) == ([0.4], "tonexty")
    assert traces["with the best temperature"]["y"] == [0.3]
    assert as_json(figures.plot_recoverable([]))["layout"]["annotations"]
    (said,) = as_json(figures.plot_recoverable([], nothing="None: why"))["layout"]["annotations"]
    assert said["text"] == "None: why"


def test_mistakes_are_shaded_by_their_share_of_the_class() -> None:
    counts = np.array([[8, 2], [0, 4]])
    mistakes, right = as_json(figures.plot_mistaken(Confusion(np.array([3, 5]), counts, 0)))["data"]
    assert mistakes["z"] == [[None, 0.2], [None, None]]
    assert right["z"] == [[0.8, None], [None, 1.0]]
    assert [mistakes["text"][0], right["text"][0]] == [["", "2"], ["8", ""]]
    assert mistakes["hovertext"][0][1] == "class 3 predicted as 5<br>2 samples, 20 % of the class"
    assert as_json(figures.plot_mistaken(None))["layout"]["annotations"]


def test_the_costliest_class_is_on_top() -> None:
    levels = [ClassLevel(0, 5, 1.0, 0.1), ClassLevel(1, 5, 0.4, 2.0)]
    loss, right = as_json(figures.plot_by_class(levels))["data"]
    assert (loss["y"], loss["x"], right["x"]) == (["1", "0"], [2.0, 0.1], [0.4, 1.0])
    layout = as_json(figures.plot_by_class(levels))["layout"]
    # A number and "0%" at the ends that meet stay apart on a phone.
    assert layout["xaxis2"]["domain"][0] - layout["xaxis"]["domain"][1] >= 0.12
    many = [ClassLevel(label, 1, None, float(label)) for label in range(30)]
    figure = as_json(figures.plot_by_class(many))
    assert (len(figure["data"]), len(figure["data"][0]["y"])) == (1, 20)
    assert "10 of less loss not shown" in figure["layout"]["yaxis"]["title"]["text"]


def test_what_confidence_was_worth_is_said_in_words() -> None:
    row: dict[str, Any] = {
        "confidence": 0.75,
        "calibration_gap": 0.25,
        "expected_calibration_error": 0.051,
        "temperature": 3.0,
        "nll": 0.4,
        "scaled_loss": 0.3,
        "brier": None,
        "worst_share": 0.25,
    }
    said = words(calibration_numbers(row))
    assert "75 % on average; 50 % are right" in said
    assert "surer than it is right" in said
    assert "0.1 confidence alone, no skill: 25 % of 0.4" in said
    assert "Brier" not in said
    useless = words(calibration_numbers(row | {"temperature": 1e3}))
    assert "none" in useless
    assert "all answers equally likely have a smaller loss" in useless
    nothing = dict.fromkeys(row)
    assert words(calibration_numbers(nothing)) == words(calibration_numbers(None))


def sliders(content: Any) -> Any:
    return next(part for part in components(content) if type(part).__name__.endswith("Slider"))


def test_a_slider_follows_the_last_epoch_until_another_is_chosen() -> None:
    assert sliders(epoch_slider("e", "Epoch", range(40))).value == 40
    assert sliders(epoch_slider("e", "Epoch", range(40), "7")).value == 7
    assert sliders(epoch_slider("e", "Epoch", [], "99")).disabled
    assert followed(range(41), 40, 40)[::2] == (41, 41)
    assert followed(range(41), 40, 7)[0] == 41
    assert not isinstance(followed(range(41), 40, 7)[2], int)
    assert sliders(epoch_pair("e", range(40), "3-12")).value == [3, 12]
    assert sliders(epoch_pair("e", range(40), "3-99")).value == [1, 40]
    assert pair_followed(range(41), 40, [5, 40])[2] == [5, 41]
    assert pair_followed(range(41), 41, [5, 40])[0] is pair_followed(range(41), 41, None)[2]


def test_samples_tell_what_became_of_them_and_are_bounded() -> None:
    size = 300
    samples = SampleSet(np.arange(size, dtype=np.uint64), "inputs", np.zeros(size, np.int64))
    loss = np.arange(size, dtype=np.float32)
    right = np.ones(size, np.bool_)
    before = SampleRecord(0, "val", None, loss, right, None, None, samples)
    turned = right.copy()
    turned[7] = False
    after = SampleRecord(1, "val", None, loss * 2, turned, None, None, samples)
    worst = sample_rows(before, after, "worst")
    assert (len(worst), worst[0]["position"], worst[0]["rise"]) == (100, 299, 299.0)
    (row,) = sample_rows(before, after, "turned_wrong")
    assert (row["position"], row["became"], row["loss"]) == (7, "right → wrong", 14.0)
    assert "turned wrong 1 1 +0.02333" in words(turned_table(before, after))
    assert turned_table(after, after) is None
    assert sample_rows(after, after, "worst")[0]["rise"] is None


def test_of_a_regression_losses_are_told_and_nothing_of_right_and_wrong() -> None:
    same = SampleSet(np.arange(3, dtype=np.uint64), "inputs")
    before, after = (
        SampleRecord(at, "val", None, np.array(losses, np.float32), samples=same)
        for at, losses in enumerate(([1.0, 4.0, 2.0], [1.5, 3.0, 0.5]))
    )
    assert [column["field"] for column in sample_columns(after)] == ["position", "loss", "rise"]
    for kind in ("worst", "turned_wrong"):
        rows = sample_rows(before, after, kind)
        assert [(row["position"], row["loss"], row["rise"]) for row in rows] == [
            (1, 3.0, -1.0),
            (0, 1.5, 0.5),
            (2, 0.5, -1.5),
        ]
    assert "became" in [column["field"] for column in sample_columns(None)]
