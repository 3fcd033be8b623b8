"""`lossmon show` says where loss and accuracy of a run part ways, and why."""

from __future__ import annotations

import json

import pytest

from lossmon.records import EpochRecord
from lossmon.store import RunWriter
from tests.analysis.trained import OUTPUT, Recipe, Row, task, trained
from tests.cli.conftest import Invoke, Seeded
from tests.dashboard.seed import SOFTMAX, Scenario


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
    assert f"where loss and accuracy part ways {episode['summary']}" in text
    assert all(f"– {cause['sentence']}" in text for cause in episode["causes"])
    assert f"– {episode['advice']}" in text


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
