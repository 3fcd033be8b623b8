"""Runs on the same validation data are compared sample by sample, however it is ordered."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

import lossmon
from lossmon.analysis import Measured, Samples, Weighing, weigh_need
from lossmon.analysis.grouping import ONE_TRAINING
from lossmon.cli.difference_text import print_answer, print_weighings
from tests.cli.conftest import Invoke

HELD_BACK = 200


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """A model that sees all features, and one that sees five; their validation orders differ."""
    db = str(tmp_path_factory.mktemp("paired") / "runs.db")
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x).astype("float32")
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order], y[order]
    mixed = np.random.default_rng(1).permutation(HELD_BACK)
    chances: dict[str, Any] = {}
    for name, features, places in (("all", 30, np.arange(HELD_BACK)), ("five", 5, mixed)):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((30,)),
                keras.layers.Lambda(lambda rows, kept=features: rows[:, :kept]),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile(keras.optimizers.Adam(0.05), loss="binary_crossentropy", metrics=["accuracy"])
        val = x[:HELD_BACK][places], y[:HELD_BACK][places]
        monitor = lossmon.Monitor(db, run=name)
        model.fit(x[200:], y[200:], validation_data=val, epochs=3, callbacks=[monitor])
        chances[name] = np.asarray(model.predict_on_batch(x[:HELD_BACK]))[:, 0].astype(float)
    return db, chances | {"labels": y[:HELD_BACK]}


def compared(invoke: Invoke, db: str, *options: str) -> Any:
    done = invoke("compare", "all", "five", "--db", db, "--json", *options)
    (found,) = json.loads(done.stdout)[0]["comparisons"]
    return found


def test_losses_and_accuracies_are_paired(invoke: Invoke, two_models: Any) -> None:
    db, truth = two_models
    found = compared(invoke, db)
    loss, hits, area = found["differences"]
    assert area["measure"] == "area"
    assert [d["basis"] for d in (loss, hits)] == ["paired", "paired"]
    assert found["shared_samples"] == HELD_BACK
    labels = truth["labels"]
    costs = [-np.log(np.where(labels == 1, p, 1 - p)) for p in (truth["all"], truth["five"])]
    assert loss["interval"]["value"] == pytest.approx(np.mean(costs[0] - costs[1]), rel=1e-3)
    expected: Any = stats.ttest_rel(*costs)
    assert loss["p_value"] == pytest.approx(expected.pvalue, rel=1e-2)
    right = [(truth[name] > 0.5) == labels for name in ("all", "five")]
    whole, *classes = found["wins"]
    assert whole["only_first"] == (right[0] & ~right[1]).sum()
    assert whole["only_second"] == (right[1] & ~right[0]).sum()
    assert [c["samples"] for c in classes] == [(labels == 0).sum(), (labels == 1).sum()]


def test_ranking_is_judged_by_the_area(invoke: Invoke, two_models: Any) -> None:
    db, truth = two_models
    weighed = compared(invoke, db, "--need", "ranking")
    (found,) = weighed["recommendations"]
    expected = {name: roc_auc_score(truth["labels"], truth[name]) for name in ("all", "five")}
    assert found["values"] == pytest.approx(expected, abs=1e-4)
    assert found["best"] == "all"
    (area,) = weighed["differences"]
    assert (area["measure"], area["basis"], area["better"]) == ("area", "paired", "all")
    assert area["means"] == pytest.approx([expected["all"], expected["five"]], abs=1e-4)
    assert weighed["wins"] == weighed["front"] == []
    text = " ".join(
        invoke("compare", "all", "five", "--db", db, "--need", "ranking").stdout.split()
    )
    assert re.search(r"area under the ROC curve, all minus five: \S+ \(\S+ to \S+\)", text)


def test_decisions_are_judged_by_their_cost(invoke: Invoke, two_models: Any) -> None:
    db, truth = two_models
    (found,) = compared(invoke, db, "--cost", "1,9")["recommendations"]
    labels = truth["labels"]
    for name in ("all", "five"):
        decided = truth[name] >= 0.1
        paid = np.where(labels == 1, 9 * ~decided, decided).mean()
        assert found["values"][name] == pytest.approx(paid)


def test_what_is_shared_is_said(invoke: Invoke, two_models: Any) -> None:
    db, _ = two_models
    text = " ".join(invoke("compare", "all", "five", "--db", db).stdout.split())
    assert (
        "more than noise? (last validation epoch; 200 shared samples, compared one by one)" in text
    )
    assert re.search(
        r"minus five: \S+ \(\S+ to \S+\), [\d.]+ against [\d.]+ on the 200 shared", text
    )
    assert "sample by sample: all has the smaller loss on " in text
    assert "For ranking: all" in text


def test_other_samples_are_no_unknown_samples() -> None:
    losses = np.linspace(0, 1, 20)
    runs = [
        Measured.of_samples(name, Samples(losses, losses < 0.5, np.arange(20) + first))
        for name, first in (("one", 0), ("other", 100))
    ]
    known = Weighing(None, "val", tuple(runs), (), (), (), (), (), (), ())
    bare = tuple(replace(run, samples=None) for run in runs)
    # As where a loss is no number, so that it cannot be compared in pairs.
    same = tuple(replace(run, samples=runs[0].samples) for run in runs)
    with (console := Console(width=200)).capture() as told:
        print_weighings(console, [known, replace(known, runs=bare), replace(known, runs=same)])
    apart = "samples not known to be the same: a difference may be one of the data"
    unknown = "samples not known one by one: small differences may be missed"
    assert told.get().split("\n")[1::2] == [
        f"more than noise? (last validation epoch; {apart})",
        *[f"more than noise? (last validation epoch; {unknown})"] * 2,
    ]


def test_the_answer_stands_first_and_what_may_gainsay_it_beside_it(
    invoke: Invoke, two_models: Any
) -> None:
    db, _ = two_models
    text = " ".join(invoke("compare", "all", "five", "--db", db).stdout.split())
    assert text.startswith("in short: For probabilities: all, by its loss. ")
    assert text.index("Each was trained once") < text.index("status")
    losses = np.linspace(0, 1, 20)
    runs = [
        Measured.of_samples(name, Samples(losses + more, losses < 0.5, np.arange(20) + first))
        for name, first, more in (("one", 0, 0), ("other", 100, 9))
    ]
    advice = (weigh_need(runs, "probabilities"),)
    apart = Weighing(None, "val", tuple(runs), (), (), (), (), (), (), advice, ONE_TRAINING)
    with (console := Console(width=200)).capture() as told:
        print_answer(console, [apart])
        print_answer(console, [])
    assert told.get().split("\n")[::2] == [
        "in short: For probabilities: one, by its loss. Samples not known to be the same: a "
        "difference may be one of the data. Each was trained once: with another seed they may end "
        "otherwise.",
        "in short: Which of these runs is better cannot be told.",
        "",
    ]
