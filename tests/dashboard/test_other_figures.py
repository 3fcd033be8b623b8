from __future__ import annotations

import math
from typing import Any

from lossmon_dashboard.components.comparison_table import comparison_csv
from lossmon_dashboard.figures import (
    plot_calibration,
    plot_multiples,
    plot_overlay,
    plot_pareto,
    plot_reliability,
    plot_right_and_wrong,
)
from lossmon_dashboard.figures.calibration import _CalibrationInfo, _get_calibration_info
from lossmon_dashboard.figures.lines import Line, legend_name
from lossmon_dashboard.figures.overlay import _get_overlay_info, _OverlayInfo, overlay_lines
from lossmon_dashboard.figures.panes import steady_range
from lossmon_dashboard.figures.pareto import _get_pareto_info, _Place
from lossmon_dashboard.figures.reliability import _get_reliability_info, _ReliabilityInfo
from lossmon_dashboard.figures.right_and_wrong import (
    _get_right_and_wrong_info,
    _RightAndWrongInfo,
)
from lossmon_dashboard.theme import run_styles

from tests.dashboard.tree import as_json


def epoch(split: str = "val", **values: Any) -> dict[str, Any]:
    row = {"epoch": 0, "step": 4, "split": split, "output": None}
    known = dict.fromkeys(("calibration_gap", "loss_wrong", "loss_correct"))
    return row | known | values


def test_calibration_keeps_the_splits_apart() -> None:
    rows = [epoch("train", calibration_gap=-0.1), epoch("val", calibration_gap=0.25)]
    assert _get_calibration_info(rows) == _CalibrationInfo(
        train=Line("train", (1,), (-0.1,), ("-0.1 · epoch 1",)),
        val=Line("val", (1,), (0.25,), ("0.25 · epoch 1",)),
    )


def test_right_and_wrong_is_judged_on_val_where_there_is_one() -> None:
    rows = [epoch("train", loss_wrong=1.0), epoch("val", loss_wrong=3.0, loss_correct=0.1)]
    assert _get_right_and_wrong_info(rows) == _RightAndWrongInfo(
        split="val",
        wrong=Line("val, predicted wrong", (1,), (3.0,), ("3 · epoch 1",)),
        right=Line("val, predicted right", (1,), (0.1,), ("0.1 · epoch 1",)),
    )
    assert _get_right_and_wrong_info(rows[:1]).split == "train"


def test_reliability_says_each_band_in_words() -> None:
    band = {"low": 0.8, "high": 1.0, "count": 40.0, "confidence": 0.9, "accuracy": 0.75}
    assert _get_reliability_info([band]) == _ReliabilityInfo(
        centres=(0.9,),
        widths=(1.0 - 0.8,),
        accuracy=(0.75,),
        confidence=(0.9,),
        hover=("40 predictions<br>sure: 90 %, right: 75 %",),
    )


def document(name: str, *values: float | None, **ends: Any) -> dict[str, Any]:
    epochs = [
        {
            "epoch": place,
            "step": 10 * place + 9,
            "split": "val",
            "output": None,
            "loss": 9.0,
            "recomputed_loss": value,
            "accuracy": None,
            "recomputed_accuracy": None,
        }
        for place, value in enumerate(values)
    ]
    return {"id": name, "name": name, "epochs": epochs, "findings": [], **ends}


def test_overlay_prefers_the_recomputed_value_and_counts_epochs_from_one() -> None:
    info = _get_overlay_info([document("a", 2.0, None, math.nan)], "val")
    line = Line(
        "a",
        (1, 2, 3),
        (2.0, 9.0, None),
        ("2 · epoch 1", "9 · epoch 2", "NaN · epoch 3"),
        ((3, "NaN"),),
    )
    assert info == _OverlayInfo(
        loss=(line,), accuracy=(Line("a", (), (), ()),), names=("a",), struck=(False,)
    )


def test_of_a_misread_accuracy_the_meant_one_is_drawn() -> None:
    misread, sound = document("misread", 0.5, 0.4), document("sound", 0.5)
    values = {"accuracy": 0.86, "recomputed_accuracy": 0.86, "reported_accuracy": 0.8596}
    for row in (*misread["epochs"], *sound["epochs"]):
        row.update(values)
    for row in misread["epochs"]:
        row["intended_accuracy"] = 0.97
    ends = {"val_loss": 0.4, "val_accuracy": 0.86}
    drawn = as_json(plot_overlay([misread, sound], "val"))
    titles = [drawn["layout"][axis]["title"]["text"] for axis in ("yaxis", "yaxis2")]
    assert titles == ["loss", "accuracy, as meant"]
    assert [trace["name"] for trace in drawn["data"][2:]] == [
        "misread (accuracy as meant)",
        "sound",
    ]
    assert [trace["y"] for trace in drawn["data"][2:]] == [[0.97, 0.97], [0.86]]
    assert drawn["data"][2]["text"][0] == "0.97 · epoch 1, as meant (printed 0.8596)"
    apart = as_json(plot_multiples([misread, sound], "val", "accuracy"))["layout"]["annotations"]
    assert [one["text"] for one in apart] == ["misread (accuracy as meant)", "sound"]
    chosen = as_json(plot_pareto([misread | ends | {"val_intended_accuracy": 0.97}, sound | ends]))
    assert chosen["layout"]["yaxis"]["title"]["text"] == "validation accuracy, as meant"
    rows = comparison_csv([misread, sound], "val").splitlines()
    assert [row.rpartition(",")[2] for row in rows] == ["meant_accuracy", "0.97", "0.97", "0.86"]


def test_an_accuracy_that_means_nothing_is_drawn_as_such() -> None:
    found = {"code": "LM301", "rule": "accuracy-with-regression", "evidence": {}}
    since = {"split": "train", "since_epoch": 2}
    lost = {"code": "LM401", "rule": "nonfinite-loss", "evidence": since}
    ends = {"val_loss": 0.4, "val_accuracy": 0.1}
    runs = [
        document("quantities", 0.5, 0.4, findings=[found], **ends),
        document("lost", 0.5, math.nan, findings=[lost], **ends),
        document("sound", 0.5, 0.4, **ends),
    ]
    for run in runs:
        for row in run["epochs"]:
            row["accuracy"] = row["recomputed_accuracy"] = 0.1
    names = [
        "quantities (accuracy: LM301)",
        "lost (accuracy: LM401 from epoch 2)",
    ]
    drawn = as_json(plot_overlay(runs, "val"))["data"]
    hits = [trace for trace in drawn if trace["uid"].startswith("accuracy-")]
    assert [trace["name"] for trace in hits] == [*names, "sound"]
    assert hits[0]["text"] == [f"0.1 · epoch {number}, misread (LM301)" for number in (1, 2)]
    assert hits[1]["text"] == ["0.1 · epoch 1", "0.1 · epoch 2, misread (LM401)"]
    struck = [trace["marker"].get("symbol") == "circle-x-open" for trace in hits]
    assert struck == [True, False, False]
    assert [trace.get("opacity", 1) < 1 for trace in hits] == struck
    # Its loss is what it says.
    assert not any("symbol" in t["marker"] for t in drawn if t["uid"].startswith("loss-0"))
    apart = as_json(plot_multiples(runs, "val", "accuracy"))
    assert [one["text"] for one in apart["layout"]["annotations"]] == [*names, "sound"]
    crossed = [t["marker"]["symbol"] for t in apart["data"] if t.get("marker")]
    assert crossed == ["circle-x-open"]
    places = [
        t for t in as_json(plot_pareto(runs))["data"] if t.get("marker", {}).get("size", 0) > 10
    ]
    assert [(t["name"], t["marker"]["symbol"]) for t in places[::2]] == [
        (names[0], "circle-x-open"),
        ("sound", "circle"),
    ]


def test_pareto_knows_which_runs_are_beaten_on_both_counts() -> None:
    runs = [
        document("low loss", val_loss=0.1, val_accuracy=0.8),
        document("beaten", val_loss=0.3, val_accuracy=0.7),
        document("no accuracy", val_loss=0.1, val_accuracy=None),
        document("broken", val_loss=math.nan, val_accuracy=0.9),
        document("high accuracy", val_loss=0.2, val_accuracy=0.9),
    ]
    assert _get_pareto_info(runs).places == (
        _Place(0, "low loss", 0.1, 0.8, best=True),
        _Place(1, "beaten", 0.3, 0.7, best=False),
        _Place(4, "high accuracy", 0.2, 0.9, best=True),
    )


def test_pareto_s_front_is_of_all_epochs() -> None:
    def row(epoch: int, loss: float, accuracy: float | None) -> dict[str, Any]:
        return {"epoch": epoch, "split": "val", "output": None, "loss": loss} | {
            "accuracy": accuracy,
            "recomputed_loss": None,
            "recomputed_accuracy": None,
        }

    rows = [row(0, 0.5, 0.5), row(1, 0.2, 0.8), row(2, math.nan, 0.9), row(3, 0.4, 0.7)]
    runs = [
        document("own", val_loss=0.4, val_accuracy=0.7) | {"epochs": rows},
        document("other", val_loss=0.3, val_accuracy=0.9) | {"epochs": []},
    ]
    info = _get_pareto_info(runs)
    assert info.front == ((0.2, 0.8), (0.3, 0.9))
    assert [[point.epoch for point in of] for of in info.epochs] == [[0, 1, 3], []]
    assert len(as_json(plot_pareto(runs))["data"]) == 5
    apart = as_json(plot_pareto(runs, comparable=False))["data"]
    assert "not beaten on both" not in [trace["name"] for trace in apart]
    symbols = [trace["marker"]["symbol"] for trace in apart if "symbol" in trace["marker"]]
    assert set(symbols) == {"circle-open"}


def test_figures_without_data_say_why() -> None:
    figures = [
        plot_calibration([]),
        plot_right_and_wrong([]),
        plot_reliability(None),
        plot_overlay([], "val"),
        plot_pareto([document("alone", val_loss=1.0, val_accuracy=1.0)]),
    ]
    assert all(as_json(figure)["layout"]["annotations"][0]["text"] for figure in figures)


def test_names_are_drawn_as_text_and_not_as_markup() -> None:
    hostile = document('<a href="https://evil.example">x</a>', 1.0, val_loss=1, val_accuracy=1)
    for figure in (plot_overlay([hostile], "val"), plot_pareto([hostile, hostile])):
        names = [trace["name"] for trace in as_json(figure)["data"]]
        assert not [name for name in names if "<" in name]


def test_long_names_are_cut() -> None:
    assert legend_name("x" * 60) == "x" * 39 + "…"


def test_flat_lines_get_an_axis_of_their_own_size() -> None:
    assert steady_range([0.5, None, 0.5]) == [0.45, 0.55]
    assert steady_range([0.1, 0.2]) is None
    assert steady_range([]) is None


def test_runs_keep_their_style_and_none_repeats() -> None:
    for scheme in ("light", "dark"):
        runs = [f"{number:012x}" for number in range(42)]
        styles = run_styles(runs, scheme)
        assert len(set(styles)) == 42
        assert len({colour for colour, _ in run_styles(runs[:7], scheme)}) == 7
        # A run looks alone as it does beside others that came later.
        assert run_styles(runs[:1], scheme) == styles[:1]
        assert run_styles(runs[:1] * 2, scheme)[0] == styles[0]


def test_epochs_are_laid_beside_one_another_by_step_time_and_samples() -> None:
    def row(epoch: int, split: str, time: float) -> dict[str, Any]:
        place = {"epoch": epoch, "split": split, "output": None, "step": 10 * epoch + 9, "n": 320}
        return place | {"time": time, "loss": 1.0, "recomputed_loss": None}

    rows = [row(e, split, 1000.0 + 400 * e) for e in (0, 1, 2) for split in ("train", "val")]
    began = "1970-01-01T00:15:00+00:00"
    run = {"id": "a", "name": "a", "epochs": rows, "findings": [], "started": began}
    # Resumed at 1500, after 450 s of training: the pause does not count.
    resumed = run | {"resumes": [{"time": "1970-01-01T00:25:00+00:00", "seconds": 450.0}]}
    assert overlay_lines([run], "val", "loss", "step") == ("step", (approximately(10, 20, 30),))
    title, (line,) = overlay_lines([run], "val", "loss", "samples")
    assert (title, line.x) == ("training samples seen", (320, 640, 960))
    title, (line, other) = overlay_lines([run, resumed], "val", "loss", "time")
    assert title == "minutes of training"
    assert line.x == (100 / 60, 500 / 60, 900 / 60)
    assert other.x == (100 / 60, 500 / 60, 750 / 60)


def approximately(*steps: int) -> Line:
    return Line("a", steps, (1.0,) * 3, tuple(f"1 · epoch {e}" for e in (1, 2, 3)))


def test_many_runs_have_a_pane_each() -> None:
    runs = [document(f"<b>{number}", 1.0, float(number)) for number in range(8)]
    figure = as_json(plot_multiples(runs, "val"))
    assert len(figure["layout"]["annotations"]) == 8
    assert "&lt;b&gt;0" in figure["layout"]["annotations"][0]["text"]
    assert len(figure["data"]) == 16
    axes = [figure["layout"][f"xaxis{place or ''}"] for place in (0, *range(2, 9))]
    titles = [axis.get("title", {}).get("text") for axis in axes]
    assert titles == [None] * 5 + ["epoch"] * 3, "of each column the lowest pane that has a curve"
    assert [axis.get("showticklabels", True) for axis in axes] == [False] * 5 + [True] * 3
    assert as_json(plot_multiples(runs, "val", "accuracy"))["layout"]["annotations"][0]["text"]


def test_many_runs_are_named_by_the_pointer_and_runs_of_one_epoch_are_seen() -> None:
    ends = {"val_loss": 0.1, "val_accuracy": 0.8}
    runs = [document(f"run {place}", 0.5, **ends) for place in range(13)]
    runs.append(document("long", *[0.5] * 9, **ends))
    ends_of_runs = [
        trace
        for trace in as_json(plot_pareto(runs))["data"]
        if trace.get("marker", {}).get("size") == 13
    ]
    assert [trace["showlegend"] for trace in ends_of_runs] == [False] * 14
    drawn = as_json(plot_multiples(runs, "val"))["data"]
    modes = [trace["mode"] for trace in drawn if "hovertemplate" in trace]
    assert modes == ["lines+markers"] * 13 + ["lines"]
