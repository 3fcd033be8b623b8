"""Runs that repeat one setting are recognised, and no others are taken for such."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lossmon.analysis import grouping_keys, seed_groups
from lossmon.analysis.grouping import group_runs
from lossmon.errors import InvalidArgument

BY_RATE = {"optimizer.learning_rate=0.001": [0, 1], "optimizer.learning_rate=0.005": [2, 3]}


def document(name: str, project: str | None = None, tags: Any = (), **config: Any) -> Any:
    said = {"id": name, "name": name, "config": config, "project": project, "tags": list(tags)}
    return said | {"model": None, "environment": {}, "outputs": [], "epochs": []}


def test_runs_that_differ_in_their_seed_alone_are_repeats() -> None:
    runs = [document(str(seed), units=u, seed=seed) for u in (8, 16) for seed in (1, 2, 3)]
    assert seed_groups(runs) == {"units=8": [0, 1, 2], "units=16": [3, 4, 5]}
    nested = [document("a", data={"random_state": 1}), document("b", data={"random_state": 2})]
    assert seed_groups(nested) == {"same config": [0, 1]}


def test_without_a_seed_nothing_is_taken_for_a_repeat() -> None:
    """Equal configs may hide what was not written down."""
    assert seed_groups([document("a", units=8), document("b", units=8)]) == {}
    assert seed_groups([document("a", units=8, seed=1), document("b", units=9, seed=1)]) == {}


def test_runs_are_grouped_by_what_is_asked_for() -> None:
    runs = [
        document("a", "one", ("x", "y"), rate=1, deep={"er": 3}),
        document("b", "two", ("y", "x"), rate=1, deep={"er": 4}),
    ]
    assert seed_groups(runs, "project") == {"one": [0], "two": [1]}
    assert seed_groups(runs, "tags") == {"x, y": [0, 1]}
    assert seed_groups(runs, "rate") == seed_groups(runs, "config.rate") == {"rate=1": [0, 1]}
    assert seed_groups(runs, "deep.er") == {"deep.er=3": [0], "deep.er=4": [1]}
    with pytest.raises(InvalidArgument, match=r"'units' .* none in 'a'"):
        seed_groups(runs, "units")


def recorded(name: str, rate: float = 0.001, seed: int | None = None, **config: Any) -> Any:
    """A run of which lossmon recorded all that it can."""
    model = {
        "name": "sequential",
        "class": "Sequential",
        "config_hash": "aaaa",
        # As Keras keeps it.
        "optimizer": {"name": "adam", "learning_rate": float(np.float32(rate))},
    }
    row = {"split": "train", "output": None, "n": 90, "weight": 90.0, "learning_rate": rate}
    return document(name, **config) | {
        "model": model,
        "environment": {"argv": ["train.py"]} | ({} if seed is None else {"seed": seed}),
        "outputs": [{"loss": "mse", "loss_config": {}, "loss_weight": None, "reduction": "sum"}],
        "epochs": [row, row],
        "batch_size": 32,
        "epochs_planned": 2,
    }


def same(_: Sequence[int]) -> bool:
    return True


def four() -> list[Any]:
    return [recorded(f"{r}-{s}", r, s) for r in (0.001, 0.005) for s in (0, 1)]


def test_runs_are_grouped_by_what_was_recorded_of_them() -> None:
    runs = four()
    assert seed_groups(runs, "optimizer.learning_rate") == BY_RATE
    assert grouping_keys(runs) == ["optimizer.learning_rate"]
    assert seed_groups(runs, "environment.seed")["environment.seed=1"] == [1, 3]
    assert seed_groups(runs, "data.batch_size") == {"data.batch_size=32": [0, 1, 2, 3]}
    assert seed_groups(runs, "fit.epochs") == {"fit.epochs=2": [0, 1, 2, 3]}
    with pytest.raises(InvalidArgument, match=r"of the settings: optimizer\.learning_rate, "):
        seed_groups(runs, "lr")


def test_what_was_recorded_alike_but_for_the_seed_is_repeated() -> None:
    groups, told = group_runs(four(), same_data=same)
    assert groups == BY_RATE
    assert told is not None
    assert "nothing that was recorded differs but the seed" in told
    groups, _ = group_runs([*four()[:2], recorded("alone", 0.01, 0)], same_data=same)
    assert groups == {"same settings": [0, 1], "run alone": [2]}


def test_what_differs_in_nothing_is_repeated_where_no_seed_was_set() -> None:
    runs = [recorded("a"), recorded("b")]
    assert group_runs(runs, same_data=same).groups == {"same settings": [0, 1]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model", "config_hash"), "bbbb"),
        (("model", "config_hash"), None),
        (("model", "optimizer", "iterations"), 100),
        (("environment", "argv"), ["train.py", "--augment"]),
        (("environment", "git_commit"), "cccc"),
        (("outputs", 0, "loss_custom"), True),
        (("outputs", 0, "loss_config"), {"label_smoothing": 0.1}),
        (("epochs", 0, "weight"), 45.0),
        (("epochs", 1, "learning_rate"), 0.1),
        (("epochs_planned",), 3),
        (("batch_size",), 16),
        (("environment", "seed"), 0),
    ],
)
def test_whatever_else_is_another_makes_no_repeat(path: Sequence[Any], value: Any) -> None:
    runs = [recorded("a", seed=0), copy.deepcopy(recorded("b", seed=1))]
    assert group_runs(runs, same_data=same).groups
    *folders, last = path
    place = runs[1]
    for folder in folders:
        place = place[folder]
    place[last] = value
    if value is None:
        runs[0]["model"]["config_hash"] = None
    assert group_runs(runs, same_data=same).groups == {}


def test_runs_on_other_data_are_no_repeats_unless_they_say_so() -> None:
    groups, told = group_runs(four())
    assert groups == {}
    assert told is not None
    assert "0.001-0 and 0.001-1 may be repeats" in told
    assert "group them by `optimizer.learning_rate`" in told
    assert 'Monitor(config={"seed": …})' in told


def test_a_seed_among_the_arguments_is_no_difference() -> None:
    runs = [recorded("a"), recorded("b")]
    for arguments in ((["--seed", "0"], ["--seed", "1"]), (["--seed=0"], ["seed=1"])):
        for run, more in zip(runs, arguments, strict=True):
            run["environment"]["argv"] = ["train.py", *more]
        assert group_runs(runs, same_data=same).groups


def test_what_lossmon_looked_at_is_no_difference() -> None:
    runs = [recorded("a"), recorded("b")]
    runs[0]["environment"]["validation_compared"] = True
    assert group_runs(runs, same_data=same).groups


def test_a_config_that_names_the_seed_alone_does_not_hide_another_setting() -> None:
    runs = [recorded(f"{r}-{s}", r, seed=s) for r in (0.001, 0.005) for s in (0, 1)]
    for run in runs:
        run["config"] = {"seed": run["environment"].pop("seed")}
    assert seed_groups(runs) == BY_RATE


def test_settings_of_their_own_are_one_training_each() -> None:
    groups, told = group_runs([recorded("a", 0.001), recorded("b", 0.005)], same_data=same)
    assert groups == {}
    assert told is not None
    assert told.startswith("each was trained once: ")
    assert told.endswith('`Monitor(config={"seed": …})`.')


def test_what_is_said_of_repeats_is_of_the_runs_that_are_asked_for() -> None:
    runs = [*four(), recorded("c", 0.1), recorded("d", 0.2)]
    told = group_runs(runs, same_data=same, among=[4, 5]).told
    assert told is not None
    assert told.startswith("each was trained once: ")
    told = group_runs(four(), among=[0, 1]).told
    assert told is not None
    assert told.startswith("0.001-0 and 0.001-1 may be repeats")
