"""The demo, end to end: what it records is what the examples promise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console

import lossmon
from lossmon import demo
from lossmon.analysis import Divergence, explain_divergence, verdict
from lossmon.store import Store

_FLAGS = {
    "diabetes-accuracy": {"accuracy-with-regression"},
    "breast-cancer-logits": {"accuracy-threshold-on-logits"},
    "breast-cancer-softmax": {"softmax-over-one-unit"},
    "digits-overfit": {"overfitting"},
}
_SOUND = ("digits-cnn", "breast-cancer-sigmoid", "diabetes-regression", "digits-overfit")


_SHORT = """
import keras, lossmon, numpy as np
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = np.ones((4, 2))
model.fit(x, x[:, :1], verbose=0, callbacks=[lossmon.Monitor(run="{}")])
"""


class _Demo(NamedTuple):
    store: Store
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> _Demo:
    database = tmp_path_factory.mktemp("demo") / "demo.db"
    done = subprocess.run(
        [Path(sys.executable).with_name("lossmon"), "demo", "--no-dashboard"],
        env=os.environ | {"LOSSMON_DB": str(database), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return _Demo(lossmon.open_store(database), done.stdout, done.stderr)


@pytest.fixture(scope="module")
def store(finished: _Demo) -> Store:
    return finished.store


@pytest.fixture(scope="module")
def runs(store: Store) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in store.run_rows()}


def _flags(run: Mapping[str, Any]) -> set[str]:
    return {finding["rule"] for finding in run["findings"] if finding["severity"] != "info"}


def test_each_example_is_recorded_once_and_finished(
    runs: dict[str, dict[str, Any]], store: Store
) -> None:
    names = [name.replace("_", "-") for name in demo.EXAMPLES]
    assert [row["name"] for row in reversed(store.run_rows())] == names
    assert {row["status"] for row in runs.values()} == {"finished"}
    assert {row["project"] for row in runs.values()} == {"demo"}


def test_exactly_the_faulty_runs_are_flagged(runs: dict[str, dict[str, Any]]) -> None:
    assert {name: _flags(run) for name, run in runs.items() if _flags(run)} == _FLAGS


def test_overconfidence_is_explained_and_nothing_is_claimed_of_healthy_runs(store: Store) -> None:
    causes = {
        name: [cause.name for episode in explained(store, name) for cause in episode.causes]
        for name in ("digits-overfit", "digits-cnn", "breast-cancer-sigmoid")
    }
    told = set(causes["digits-overfit"])
    assert {"wrong-predictions", "overconfidence", "memorising"} <= told
    assert not told & {"noisy-labels", "rare-class", "shifted-data", "learning-rate"}
    assert causes["digits-cnn"] == causes["breast-cancer-sigmoid"] == []


def explained(store: Store, name: str) -> list[Divergence]:
    document = store.run(name)
    return explain_divergence(document["epochs"], document["outputs"], store.sample_reader(name))


def test_the_episode_of_the_readme_is_beyond_doubt_and_names_its_samples(store: Store) -> None:
    (episode,) = explained(store, "digits-overfit")
    assert (episode.kind, episode.split) == ("loss_rises", "val")
    assert episode.p_value < 1e-6
    assert episode.first_epoch < 15 < episode.last_epoch
    assert episode.loss[1] > 1.3 * episode.loss[0]
    first, *_ = episode.causes
    assert first.name == "wrong-predictions"
    assert "misclassified before and after, nearly all of that from" in first.sentence
    assert len(first.evidence["positions"]) == min(first.evidence["samples"], 20)
    temperature = next(c for c in episode.causes if c.name == "recoverable-loss")
    assert temperature.evidence["scaled_loss"] < episode.loss[0]


def test_what_is_told_of_overfitting_is_told_alike_everywhere(store: Store) -> None:
    document = store.run("digits-overfit")
    episodes = explained(store, "digits-overfit")
    (episode,) = episodes
    found = {finding["code"]: finding["evidence"] for finding in document["findings"]}
    ends = (episode.first_epoch + 1, episode.last_epoch + 1, list(episode.loss))
    for code, key in (("LM406", "loss"), ("LM408", "val_loss")):
        evidence = found[code]
        assert (evidence["since_epoch"], evidence["until_epoch"], evidence[key]) == ends
    (learned,) = [c.evidence["train_loss"] for c in episode.causes if c.name == "memorising"]
    trained = {row["epoch"]: row for row in store.epoch_rows("digits-overfit", "train")}
    assert learned == found["LM408"]["train_loss"]
    assert learned == [
        trained[epoch]["recomputed_loss"] for epoch in (episode.first_epoch, episode.last_epoch)
    ]
    told = verdict(document, episodes).text
    assert f"± {episode.accuracy_margin:.3f}" in told
    assert f"(epoch {episode.last_epoch + 1})" in told


def test_nothing_is_said_of_probabilities_that_no_one_is_told(store: Store) -> None:
    document = store.run("breast-cancer-softmax")
    assert "LM407" not in {finding["code"] for finding in document["findings"]}
    for row in document["epochs"]:
        assert row["nll"] is row["brier"] is row["margins"] is None


@pytest.mark.parametrize("name", _SOUND)
def test_every_value_of_a_sound_run_is_verified(runs: dict[str, dict[str, Any]], name: str) -> None:
    assert runs[name]["verified"] == 1.0


def test_terminal_names_each_flag_once_and_shows_progress(finished: _Demo) -> None:
    for rules in _FLAGS.values():
        for rule in rules:
            assert finished.stderr.count(rule) == 1
    for number, name in enumerate(demo.EXAMPLES, start=1):
        assert f"{number}/7 {name}" in finished.stdout


def test_healthy_runs_converge_without_overfitting(store: Store) -> None:
    for name in ("digits-cnn", "breast-cancer-sigmoid", "diabetes-regression"):
        losses = [row["recomputed_loss"] for row in store.epoch_rows(name, "val")]
        assert losses[-1] < 0.6 * losses[0]
        assert losses[-1] < 1.25 * min(losses)


def test_regression_run_has_no_accuracy_and_a_penalty(store: Store) -> None:
    rows = store.epoch_rows("diabetes-regression", "train")
    assert {row["reported_accuracy"] for row in rows} == {None}
    assert all(row["penalty"] > 0.0 for row in rows)


def test_accuracy_of_the_regression_says_nothing_while_it_learns(store: Store) -> None:
    rows = store.epoch_rows("diabetes-accuracy", "val")
    assert {row["reported_accuracy"] for row in rows} == {0.0}
    assert rows[-1]["recomputed_loss"] < 0.7 * rows[0]["recomputed_loss"]


def test_accuracy_on_logits_is_far_below_the_intended_one(store: Store) -> None:
    rows = store.epoch_rows("breast-cancer-logits", "val")
    missing = [row["intended_accuracy"] - row["reported_accuracy"] for row in rows]
    assert missing[-1] > 0.05
    assert sum(difference > 0.1 for difference in missing) >= len(rows) / 2


def test_softmax_over_one_unit_never_answers_but_one(store: Store) -> None:
    rows = store.epoch_rows("breast-cancer-softmax", "val")
    ones, samples = 107, 171
    assert {round(row["recomputed_accuracy"] * samples) for row in rows} == {ones}
    assert {row["n"] for row in rows} == {samples}


def test_overfitting_run_loses_on_loss_and_holds_its_accuracy(store: Store) -> None:
    rows = store.epoch_rows("digits-overfit", "val")
    best = min(rows, key=lambda row: row["recomputed_loss"])
    assert best["epoch"] < len(rows) / 2
    assert rows[-1]["recomputed_loss"] > 1.3 * best["recomputed_loss"]
    assert rows[-1]["reported_accuracy"] > best["reported_accuracy"] - 0.01


def test_ids_of_the_recorded_runs_come_back_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = str(tmp_path / "short.db")
    monkeypatch.setenv("LOSSMON_DB", "untouched.db")
    monkeypatch.setattr(demo, "_PLACES", (tmp_path,))
    monkeypatch.setattr(demo, "EXAMPLES", ("second", "first"))
    for name in demo.EXAMPLES:
        (tmp_path / f"{name}.py").write_text(_SHORT.format(name))
    with (tmp_path / "console.txt").open("w") as file:
        ids = demo.run_demo(database, console=Console(file=file))
    store = lossmon.open_store(database)
    assert [store.run(run)["name"] for run in ids] == ["second", "first"]
    assert os.environ["LOSSMON_DB"] == "untouched.db"


def test_missing_scikit_learn_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(lossmon.MissingExtra, match=r"pip install 'lossmon\[demo\]'"):
        demo.run_demo(None, console=Console(quiet=True))


def test_missing_examples_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_PLACES", (tmp_path,))
    with pytest.raises(lossmon.LossmonError, match="Fix: pip install"):
        demo.examples_directory()


def test_importing_the_demo_leaves_keras_alone() -> None:
    program = "import sys, lossmon.demo; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
