"""`lossmon show` says where loss and accuracy of a run part ways, and why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossmon.records import EpochRecord, Finding, MetricSpec
from lossmon.store import RunWriter
from tests.analysis.trained import OUTPUT, Recipe, Row, recorded, task, trained
from tests.cli.conftest import Invoke, Seeded
from tests.dashboard.seed import SOFTMAX, SQUARED, Scenario


@pytest.fixture(scope="module")
def overfitted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run whose only rare class is guessed with more and more confidence."""
    db = str(tmp_path_factory.mktemp("divergence") / "runs.db")
    data = task(3, 800, 4000, rare=0.06, class_sep=0.8)
    rows: list[Row] = trained(*data, Recipe((5e-3,) * 30, 128))
    scenario = Scenario("rare", metric=SOFTMAX)
    writer = RunWriter.open(db, scenario.record(), scenario.output_records())
    writer.write(epochs=[EpochRecord(time=0.0, **row) for row in rows])
    writer.finish("finished")
    writer.close()
    assert OUTPUT["loss"] == scenario.loss.name
    return db


def test_show_tells_each_episode_in_sentences(invoke: Invoke, overfitted: str) -> None:
    text = " ".join(invoke("show", "rare", "--db", overfitted).stdout.split())
    document = json.loads(invoke("show", "rare", "--db", overfitted, "--json").stdout)
    (episode,) = document["divergence"]
    assert f"in short: {document['verdict']['text']}" in text
    first, last = episode["first_epoch"] + 1, episode["last_epoch"] + 1
    assert f"It overfits since epoch {first}: validation loss rose" in text
    assert f"(epoch {last}) while training loss fell" in text
    assert f"where loss and accuracy part ways {episode['summary']}" in text
    assert all(f"– {cause['sentence']}" in text for cause in episode["causes"])
    assert f"– {episode['advice']}" in text


def test_show_tells_confidence_margins_and_why_the_splits_differ(
    invoke: Invoke, tmp_path: Path
) -> None:
    scenario = Scenario("shifted", metric=SOFTMAX)
    writer = RunWriter.open(tmp_path / "runs.db", scenario.record(), scenario.output_records())
    rng = np.random.default_rng(0)
    known: dict[str, float | None] = {"mean": 0.41, "right": 0.62, "wrong": -0.37, "median": 0.55}
    labels = rng.integers(0, 2, 3000)
    for epoch in range(4):
        for split, sure in (("train", 0.9), ("val", 0.7)):
            share = np.where((rng.random(3000) < sure) == (labels == 1), sure, 1 - sure)
            row = recorded(epoch, split, np.stack([1 - share, share], axis=1), labels)
            margins = known if split == "val" else None
            writer.write(epochs=[EpochRecord(time=0.0, **row, margins=margins)])
    writer.close()
    db = str(tmp_path / "runs.db")
    text = " ".join(invoke("show", "shifted", "--db", db).stdout.split())
    assert "lead of the true class over the best other, median 0.55" in text
    assert "mean lead where predictions are right 0.62 mean lead where they are wrong -0.37" in text
    document = json.loads(invoke("show", "shifted", "--db", db, "--json").stdout)
    (difference,) = document["splits"]
    assert difference["cause"] == "shifted-data"
    assert f"training and validation {difference['sentence']}" in text
    assert document["epochs"][-1]["margins"] == known


def test_json_holds_the_evidence(invoke: Invoke, overfitted: str) -> None:
    document = json.loads(invoke("show", "rare", "--db", overfitted, "--json").stdout)
    (episode,) = document["divergence"]
    assert (episode["split"], episode["kind"], episode["output"]) == ("val", "loss_rises", None)
    assert 0 <= episode["first_epoch"] < episode["last_epoch"] <= 29
    assert episode["length"] == episode["last_epoch"] - episode["first_epoch"] + 1
    assert 0 <= episode["p_value"] <= 0.05
    (rare,) = (cause for cause in episode["causes"] if cause["name"] == "rare-class")
    assert rare["evidence"]["label"] == 1
    assert rare["evidence"]["share_of_wrong"] > 0.5


def test_runs_without_an_episode_say_nothing(invoke: Invoke, seeded: Seeded) -> None:
    assert "part ways" not in invoke("show", "healthy").stdout
    assert json.loads(invoke("show", "healthy", "--json").stdout)["divergence"] == []


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that knows the data, and two that know less of them and differ by chance alone."""
    db = str(tmp_path_factory.mktemp("models") / "runs.db")
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-3 * truth))).astype(int)
    for name, known in (("good", 3.0), ("poor", 0.5), ("poor-too", 0.5)):
        share = 1 / (1 + np.exp(-known * (truth + 0.1 * rng.normal(size=4000))))
        row = recorded(0, "val", np.stack([1 - share, share], axis=1), labels)
        scenario = Scenario(name, metric=SOFTMAX)
        writer = RunWriter.open(db, scenario.record(), scenario.output_records())
        writer.write(epochs=[EpochRecord(time=0.0, **row)])
        writer.finish("finished")
        writer.close()
    return db


def test_compare_says_what_is_more_than_noise(invoke: Invoke, two_models: str) -> None:
    done = invoke("compare", "good", "poor", "poor-too", "--db", two_models)
    text = " ".join(done.stdout.split())
    assert text.startswith("in short: For probabilities: good, by its loss. For decisions: ")
    assert "more than noise? (last validation epoch; samples not known one by one: " in text
    assert "p < 0.001: good is better" in text
    assert text.count("the p of a difference is how often equally good models would differ") == 1
    assert "For probabilities: good, by its loss." in text
    assert "– good, poor and poor-too may be repeats of one setting: what was recorded" in text
    assert text.endswith('train each with its seed in the config: `Monitor(config={"seed": …})`.')
    same = " ".join(invoke("compare", "poor", "poor-too", "--db", two_models).stdout.split())
    assert "For probabilities: no evidence of a difference in loss." in same


def test_compare_as_json_holds_each_difference(invoke: Invoke, two_models: str) -> None:
    done = invoke("compare", "good", "poor", "--db", two_models, "--json")
    for document in json.loads(done.stdout):
        loss, _ = document["differences"]
        assert (loss["measure"], loss["basis"], loss["better"]) == ("loss", "unpaired", "good")
        assert loss["interval"]["low"] < loss["interval"]["value"] < loss["interval"]["high"] < 0


def test_compare_says_which_accuracy_it_judges_by(invoke: Invoke, tmp_path: Path) -> None:
    labels = np.arange(200) % 2
    share = np.where(np.arange(200) < 190, labels, 1 - labels) * 0.8 + 0.1
    row = recorded(0, "val", np.stack([1 - share, share], axis=1), labels)
    db = str(tmp_path / "runs.db")
    cut = MetricSpec("accuracy", "binary_accuracy", label="BinaryAccuracy(threshold=0.0)")
    code = Finding("LM302", "accuracy-threshold-on-logits", "warning", None, "cut at 0.5", "", {})
    right: dict[str, Any] = {"recomputed_accuracy": 0.95}
    told: dict[str, Any] = {"intended_accuracy": 0.95, "recomputed_accuracy": 0.6, "accuracy": 0.6}
    for scenario, values in (
        (Scenario("right", metric=SOFTMAX), right),
        (Scenario("misread", metric=SOFTMAX, intended=cut), told),
    ):
        writer = RunWriter.open(db, scenario.record(), scenario.output_records())
        writer.write(epochs=[EpochRecord(time=0.0, **row | values)])
        writer.write(findings=[code] if values is told else [])
        writer.finish("finished")
        writer.close()
    text = invoke("compare", "right", "misread", "--db", db).stdout
    rows = {line[:14].strip(): line.split()[-2:] for line in text.splitlines()}
    assert (rows["val accuracy"], rows["val meant"]) == (["0.95", "0.6*"], ["–", "0.95"])
    assert (
        "judged by the accuracy that was meant, not the printed one "
        "(misread, LM302: 0.95 instead of 0.6)."
    ) in " ".join(text.split())
    assert "meant" not in invoke("compare", "healthy", "faulty").stdout


def test_compare_answers_the_need_that_is_named(invoke: Invoke, two_models: str) -> None:
    asked = ("compare", "good", "poor", "--db", two_models)
    text = " ".join(invoke(*asked, "--need", "decisions").stdout.split())
    assert "For decisions: no evidence of a difference in accuracy." in text
    assert "For probabilities" not in text
    text = " ".join(invoke(*asked, "--cost", "1,10").stdout.split())
    assert "needs the probabilities of two classes, sample by sample" in text


@pytest.mark.parametrize(
    "options",
    [
        ("--cost", "1"),
        ("--cost", "0,1"),
        ("--cost", "a,b"),
        ("--threshold", "1.5"),
        ("--cost", "1,2", "--need", "ranking"),
        ("--group-by", "units"),
    ],
)
def test_compare_refuses_what_makes_no_sense(
    invoke: Invoke, two_models: str, options: tuple[str, ...]
) -> None:
    done = invoke("compare", "good", "poor", "--db", two_models, *options)
    assert done.exit_code == 2
    assert "Received: " in done.stderr
    assert "Fix: " in done.stderr


@pytest.fixture(scope="module")
def two_settings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two settings, three seeds each; one setting knows more of the data."""
    db = str(tmp_path_factory.mktemp("settings") / "runs.db")
    rng = np.random.default_rng(1)
    truth = rng.normal(size=500)
    labels = (rng.random(500) < 1 / (1 + np.exp(-3 * truth))).astype(int)
    for units, known in ((8, 0.5), (64, 3.0)):
        for seed in (1, 2, 3):
            scenario = Scenario(
                f"{units}-{seed}", metric=SOFTMAX, config={"units": units, "seed": seed}
            )
            writer = RunWriter.open(db, scenario.record(), scenario.output_records())
            for epoch in range(2):
                scores = known * (truth + 0.05 * rng.normal(size=500))
                share = 1 / (1 + np.exp(-scores))
                row = recorded(epoch, "val", np.stack([1 - share, share], axis=1), labels)
                writer.write(epochs=[EpochRecord(time=0.0, **row)])
            writer.finish("finished")
            writer.close()
    return db


NAMES = [f"{units}-{seed}" for units in (8, 64) for seed in (1, 2, 3)]


def test_runs_that_a_line_has_no_room_for_stand_below_the_others(
    invoke: Invoke, two_settings: str
) -> None:
    def rows(columns: int) -> dict[str, list[list[str]]]:
        done = invoke("compare", *NAMES, "--db", two_settings, columns=columns)
        found: dict[str, list[list[str]]] = {}
        for line in done.stdout.split("what cannot")[0].split("more than")[0].splitlines():
            title, *cells = re.split(r"\s{1,}", line.strip()) if line.strip() else [""]
            found.setdefault(title, []).append(cells)
        return found

    wide, narrow = rows(160), rows(80)
    for title in ("status", "epochs", "verified"):
        (all_of_them,) = wide[title]
        assert len(all_of_them) == len(NAMES)
        assert [len(cells) for cells in narrow[title]] == [3, 3]
        assert [cell for cells in narrow[title] for cell in cells] == all_of_them
    # No id is folded.
    assert sum(len(cells) == 2 and len(title) == 12 for title, (cells, *_) in narrow.items()) == 2


def test_seeds_are_repeats_of_their_setting(invoke: Invoke, two_settings: str) -> None:
    text = " ".join(invoke("compare", *NAMES, "--db", two_settings).stdout.split())
    assert re.search(r"units=8 \(3 runs\): loss 0\.\d+ ± \d", text)
    assert "loss over seeds, units=8 minus units=64: +0." in text
    assert "For probabilities: units=64, by its loss." in text
    assert "each was trained once" not in text
    document = json.loads(invoke("compare", *NAMES, "--db", two_settings, "--json").stdout)[0]
    (found,) = document["comparisons"]
    assert [group["runs"] for group in found["groups"]] == [NAMES[:3], NAMES[3:]]
    assert {d["basis"] for d in found["group_differences"]} == {"seeds"}
    assert found["recommendations"][0]["best"] == "units=64"
    assert {point["epoch"] for point in found["front"]} <= {0, 1}


def test_other_keys_can_make_the_groups(invoke: Invoke, two_settings: str) -> None:
    asked = ("compare", *NAMES, "--db", two_settings, "--group-by", "seed", "--json")
    (found,) = json.loads(invoke(*asked).stdout)[0]["comparisons"]
    assert [group["name"] for group in found["groups"]] == ["seed=1", "seed=2", "seed=3"]
    assert all(d["better"] is None for d in found["group_differences"])


def test_runs_of_different_losses_are_not_compared(invoke: Invoke) -> None:
    text = " ".join(invoke("compare", "healthy", "faulty").stdout.split())
    assert "more than noise" not in text
    assert text.endswith(
        "what cannot be compared – These runs do not mean the same by loss: the values cannot be "
        "compared (binary_crossentropy of healthy; mean_squared_error of faulty)."
    )
    documents = json.loads(invoke("compare", "healthy", "faulty", "--json").stdout)
    assert [document["differences"] for document in documents] == [[], []]


def test_of_three_runs_the_two_of_one_loss_are_compared(invoke: Invoke, two_models: str) -> None:
    scenario = Scenario("numbers", loss=SQUARED)
    writer = RunWriter.open(two_models, scenario.record(), scenario.output_records())
    writer.close()
    asked = ("compare", "numbers", "good", "poor", "--db", two_models)
    text = " ".join(invoke(*asked).stdout.split())
    assert "– Left out: numbers (no other run has the loss mean_squared_error)." in text
    assert "For probabilities: good, by its loss." in text
    assert len(json.loads(invoke(*asked, "--json").stdout)[0]["not_compared"]) == 2
    scenario = Scenario("begun", metric=SOFTMAX)
    RunWriter.open(two_models, scenario.record(), scenario.output_records()).close()
    text = " ".join(invoke("compare", "begun", "good", "poor", "--db", two_models).stdout.split())
    assert "cannot be compared – Left out: begun (no epoch" in text
    assert "do not mean the same" not in text
    assert "p < 0.001: good is better" in text


def test_the_same_run_twice_is_not_compared(invoke: Invoke, two_models: str) -> None:
    done = invoke("compare", "good", "good", "--db", two_models)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "each once. Received: good good" in done.stderr
