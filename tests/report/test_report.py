"""A report says all that is known of its runs, and what they are called stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from markdown_it import MarkdownIt

from lossmon.analysis import doubts
from lossmon.cli.options import sample_source
from lossmon.errors import MissingExtra
from lossmon.records import EpochRecord
from lossmon.report import figures, html_page, markdown, report_of, save_figures
from lossmon.report.figures import inert
from lossmon.report.files import curve_keys
from lossmon.store import RunWriter, open_store
from tests.analysis.sampled import RECORDS, ROWS
from tests.dashboard.seed import HOSTILE, SCENARIOS, SOFTMAX, Scenario
from tests.report.conftest import Reported


class _Reader(HTMLParser):
    """The elements, attributes, ids and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def test_a_report_of_one_run_holds_all_that_is_known(reported: Reported) -> None:
    report = reported("digits-overfit")
    text = " ".join(_Reader(html_page(report)).text.split())
    (run,) = report.runs
    (episode,) = run.episodes
    for told in (
        "LM408 overfitting",
        "Validation loss has risen for 7 epochs",
        "EarlyStopping(patience=3, restore_best_weights=True)",
        f"digits-overfit: {run.verdict.text}",
        "It overfits since epoch 11",
        "epochs: 11 to 20; validation loss: 0.589 → 1.053",
        episode.summary,
        episode.advice,
        *(cause.sentence for cause in episode.causes),
        "calibration gap",
        "config.units 512",
        "SparseCategoricalAccuracy",
        "validation, last, 95 % interval",
        "version of keras 3.15.1",
    ):
        assert told in text, told
    assert "More than noise?" not in text


def test_where_a_call_to_paste_goes_is_told(reported: Reported) -> None:
    report = reported("diabetes-accuracy")
    told = "(goes in place of your compile call)"
    assert told in _Reader(html_page(report)).text
    assert told in markdown(report)


def test_a_report_of_several_runs_compares_them(reported: Reported) -> None:
    report = reported("digits-cnn", "digits-overfit")
    once = "Each was trained once: with another seed they may end otherwise."
    assert report.summary[-1] == once
    page = html_page(report)
    text = " ".join(_Reader(page).text.split())
    assert "2 runs compared" in text
    assert "p < 0.001: digits-cnn is better." in text
    assert "For probabilities: digits-cnn, by its loss." in text
    assert "config.units 64 512" in text
    assert page.count("<figure") == 6  # curves and Pareto of both, curves and reliability of each
    assert (
        "None: the runs were set up alike."
        in _Reader(html_page(reported("digits-cnn", "digits-cnn"))).text
    )


def test_each_output_of_several_is_drawn(reported: Reported) -> None:
    page = _Reader(html_page(reported("two-heads", "two-heads")))
    labels = [value for name, value in page.attributes if name == "aria-label"]
    (run,) = reported("two-heads").runs
    for of in ("", ", output kind", ", output colour"):
        assert f"Loss and accuracy of the runs{of} by epoch" in labels
        assert any(re.fullmatch(rf"Loss and accuracy of [^,]+{of} by epoch", n) for n in labels)
    heads = [figures.curves([run.document], [run.name], output) for output in ("kind", "colour")]
    for head, output in zip(heads, ("kind", "colour"), strict=True):
        loss, accuracy = head.axes
        rows = [r for r in run.document["epochs"] if (r["output"], r["split"]) == (output, "val")]
        drawn = {line.get_label(): list(np.asarray(line.get_ydata())) for line in loss.lines}
        assert drawn["validation"] == [row["recomputed_loss"] for row in rows]
        assert accuracy.get_ylabel() == "accuracy"
    assert curve_keys(reported("digits-cnn", "two-heads").runs) == ["curves"]


def test_of_a_misread_accuracy_the_meant_one_is_drawn(reported: Reported) -> None:
    (run,) = reported("breast-cancer-logits").runs
    _, accuracy = figures.curves([run.document], [run.name]).axes
    rows = [row for row in run.document["epochs"] if row["split"] == "val"]
    drawn = {line.get_label(): list(np.asarray(line.get_ydata())) for line in accuracy.lines}
    assert drawn["validation"] == [row["intended_accuracy"] for row in rows]
    assert accuracy.get_ylabel() == "accuracy, as meant"


def test_an_accuracy_that_means_nothing_is_drawn_pale(reported: Reported) -> None:
    means, nothing = reported("digits-cnn", "diabetes-accuracy").runs
    documents, names = [means.document, nothing.document], [means.name, nothing.name]
    loss, accuracy = figures.curves(documents, names).axes
    drawn = {str(line.get_label()): line.get_alpha() for line in accuracy.lines}
    assert drawn == {means.name: None, nothing.name: 0.3}
    assert [line.get_alpha() for line in loss.lines] == [None, None]
    assert "does not mean" in accuracy.get_ylabel()
    (alone,) = figures.curves([means.document], [means.name]).axes[1:]
    assert alone.get_ylabel() == "accuracy"
    assert nothing.values.head[2] == "accuracy, which does not mean what it says"
    assert means.values.head[2] == "accuracy"


def test_an_accuracy_that_is_lost_later_is_pale_from_there_on(reported: Reported) -> None:
    (run,) = reported("digits-nan").runs
    accuracy = figures.curves([run.document], [run.name]).axes[1]
    drawn = [(line.get_alpha(), len(np.asarray(line.get_xdata()))) for line in accuracy.lines]
    assert drawn == [(None, 4), (0.3, 3)] * 2
    assert "does not mean" in accuracy.get_ylabel()
    assert run.values.head[2] == "accuracy, which from epoch 5 on does not mean what it says"


@pytest.mark.parametrize("name", [scenario.name for scenario in SCENARIOS])
def test_every_kind_of_run_can_be_reported(reported: Reported, name: str) -> None:
    report = reported(name)
    assert html_page(report).startswith("<!doctype html>")
    assert markdown(report).startswith("# ")


def test_a_page_asks_for_nothing_and_runs_nothing(reported: Reported) -> None:
    page = _Reader(html_page(reported("digits-cnn", HOSTILE, "digits-overfit")))
    assert not page.elements & {"script", "img", "link", "iframe", "object", "embed", "image", "b"}
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        if name in ("href", "xlink:href", "src"):
            assert value.startswith("#"), value
        if "url(" in value:
            assert re.fullmatch(r"url\(#[\w.-]+\)", value), value
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert HOSTILE in page.text
    assert "<b>bold</b>" in page.text


def test_a_report_is_the_same_each_time(reported: Reported) -> None:
    assert html_page(reported("digits-cnn")) == html_page(reported("digits-cnn"))


def test_names_are_text_in_markdown_too(reported: Reported) -> None:
    text = markdown(reported(HOSTILE, "digits-cnn"))
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or []]
    assert not {token.type for token in [*tokens, *inline]} & {
        *("html_block", "html_inline", "image", "link_open", "code_inline"),
    }
    shown = "".join(child.content for child in inline)
    assert HOSTILE.replace('"', "") in shown.replace('"', "").replace("&quot;", "")
    assert "| config.units | – | 64 |" in text.replace("\\", "")


def test_figures_are_files_that_open(reported: Reported, tmp_path: Path) -> None:
    saved = save_figures(reported("digits-cnn", HOSTILE), tmp_path / "new", ("svg", "png"))
    assert {path.name for path in saved} >= {
        *(
            "compare-curves.svg",
            "compare-pareto.png",
            "run-1-curves.svg",
            "run-2-reliability-1.png",
        ),
    }
    for path in saved:
        content = path.read_bytes()
        assert (
            ElementTree.fromstring(content).tag.endswith("svg")
            if path.suffix == ".svg"
            else (content.startswith(b"\x89PNG"))
        )
    drawn = (tmp_path / "new" / "compare-curves.svg").read_text()
    assert "digits-cnn" in drawn
    assert "<img" not in drawn


@pytest.mark.parametrize("name", ["$x^{", "_hidden", "\\frac", "漢字 🎈", "a" * 300, "%s {0}"])
def test_odd_names_can_be_drawn(reported: Reported, name: str, tmp_path: Path) -> None:
    report = reported("digits-cnn")
    (run,) = report.runs
    report.runs[0].__dict__["name"] = name
    figure = figures.curves([run.document, run.document], [name, "other"])
    drawn = ElementTree.fromstring(figures.rendered(figure, "svg"))
    texts = {
        (element.text or "").strip() for element in drawn.iter() if element.tag.endswith("text")
    }
    assert inert(name) in texts
    assert figures.rendered(figure, "png").startswith(b"\x89PNG")


def test_without_matplotlib_the_extra_is_named(
    reported: Reported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"lossmon\[report\]"):
        html_page(reported("digits-cnn"))
    assert markdown(reported("digits-cnn")).startswith("# digits-cnn")


def test_the_samples_that_a_rise_comes_from_are_named(tmp_path: Path) -> None:
    scenario = Scenario("overconfident", metric=SOFTMAX)
    writer = RunWriter.open(tmp_path / "runs.db", scenario.record(), scenario.output_records())
    epochs = [EpochRecord(time=0.0, **row) for row in ROWS]
    writer.write(epochs=epochs, samples=list(RECORDS.values()))
    writer.close()
    store = open_store(tmp_path / "runs.db")
    report = report_of([store.run("latest")], sample_source(store))
    (episode,) = report.runs[0].episodes
    assert "samples that the model became surer of" in episode.explanation
    (bare,) = report_of([store.run("latest")]).runs[0].episodes
    assert "surer of" not in bare.explanation


def test_runs_on_other_samples_are_not_passed_off_as_unknown_ones(tmp_path: Path) -> None:
    for name, first in (("one", 0), ("other", 10_000)):
        scenario = Scenario(name, metric=SOFTMAX)
        writer = RunWriter.open(tmp_path / "runs.db", scenario.record(), scenario.output_records())
        last = RECORDS[max(RECORDS)]
        known = replace(last.samples, keys=last.samples.keys + np.uint64(first))
        writer.write(
            epochs=[EpochRecord(time=0.0, **ROWS[-1])], samples=[replace(last, samples=known)]
        )
        writer.close()
    store = open_store(tmp_path / "runs.db")
    documents = [store.run(name) for name in ("one", "other")]
    report = report_of(documents, sample_source(store))
    (one,) = report.weighings
    better = one.recommendations[0]._replace(best="one", as_good=())
    assert list(doubts(replace(one, recommendations=(better,)))) == [
        "Samples not known to be the same: a difference may be one of the data."
    ]
    ((where, _),) = report.compared
    assert where.endswith("samples not known to be the same: a difference may be one of the data")
    ((where, _),) = report_of(documents).compared
    assert where == (
        "Last validation epoch; samples not known one by one: small differences may be missed"
    )
