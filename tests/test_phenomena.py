"""Each phenomenon is explained by its true cause; of the controls nothing is claimed."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any, NamedTuple

import keras
import pytest

import lossmon
from lossmon.demo import examples_directory

# Keras' schedules read the learning rate in a way that NumPy deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PHENOMENA = examples_directory() / "phenomena"
CAUSES = {
    "class_imbalance": "rare-class",
    "distribution_shift": "shifted-data",
    "label_noise": "noisy-labels",
    "learning_rate_jump": "learning-rate",
}
# What one of them is about must not be claimed of another.
OWN = {*CAUSES.values(), "shifted-labels", "growing-caution"}
CONTROLS = ("dropout", "few_validation_samples", "healthy")


# Why training and validation loss differ, told of these and of no others.
SPLITS = {"dropout": "measured-while-training", "distribution_shift": "shifted-data"}


class Told(NamedTuple):
    document: Any
    episodes: list[lossmon.analysis.Divergence]
    printed: str

    @property
    def causes(self) -> list[set[str]]:
        return [{cause.name for cause in episode.causes} for episode in self.episodes]


def trained(name: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Run an example as a reader would, without its progress bar."""
    database = str(directory / "runs.db")
    monkeypatch.setenv("LOSSMON_DB", database)
    printed = io.StringIO()
    keras.config.disable_interactive_logging()
    with contextlib.redirect_stdout(printed):
        source = (PHENOMENA / f"{name}.py").read_text()
        exec(compile(source, name, "exec"), {"__name__": "__main__", "__doc__": name})
    keras.config.enable_interactive_logging()
    store, run = lossmon.open_store(database), name.replace("_", "-")
    document = store.run(run)
    found = lossmon.analysis.explain_divergence(
        document["epochs"], document["outputs"], store.sample_reader(run)
    )
    splits = lossmon.analysis.explain_splits(document["epochs"], document["outputs"])
    assert [one.cause for one in splits] == ([SPLITS[name]] if name in SPLITS else [])
    return Told(document, found, printed.getvalue())


def test_every_example_is_judged() -> None:
    assert {script.stem for script in PHENOMENA.glob("*.py")} == {*CAUSES, *CONTROLS}


def demand_one_story(told: Told) -> None:
    """The finding is the last episode that the epochs show, and the run page shows it too."""
    document = told.document
    by_epochs = lossmon.analysis.explain_divergence(document["epochs"], document["outputs"])
    last = [(e.split, e.kind, e.first_epoch + 1, e.last_epoch + 1) for e in by_epochs][-1:]
    found = [f["evidence"] for f in document["findings"] if f["code"] == "LM406"]
    names = ("split", "kind", "since_epoch", "until_epoch")
    assert [tuple(evidence[name] for name in names) for evidence in found] == last
    for _, kind, since, until in last:
        assert any(
            episode.kind == kind and episode.first_epoch < until and episode.last_epoch + 1 > since
            for episode in told.episodes
        )


@pytest.mark.parametrize("name", CAUSES)
def test_the_true_cause_is_named_and_no_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = trained(name, tmp_path, monkeypatch)
    assert told.causes
    named: set[str] = set().union(*told.causes)
    assert named & OWN == {CAUSES[name]}
    # Of a jump it is samples that change sides; else those that were wrong all along.
    assert named & {"wrong-predictions", "turned-predictions"}
    assert told.printed.startswith("Epochs ")
    assert "of the validation data" in told.printed  # which samples they are
    assert told.document["verified"] == 1.0
    demand_one_story(told)


@pytest.mark.parametrize("name", CONTROLS)
def test_nothing_is_claimed_of_a_control(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = trained(name, tmp_path, monkeypatch)
    assert told.causes == []
    demand_one_story(told)
    assert [f for f in told.document["findings"] if f["severity"] != "info"] == []
    assert "Epochs" not in told.printed
    if name == "dropout":
        last = {row["split"]: row for row in told.document["epochs"]}
        assert last["train"]["reported_loss"] > last["val"]["reported_loss"]
        assert last["train"]["audited_loss"] < last["train"]["reported_loss"]
        assert "Dropout acts differently in training" in told.printed
