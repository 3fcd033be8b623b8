from __future__ import annotations

from typing import Any

import pytest

from lossmon.analysis import differing_settings, seed_groups, setting_text, unnumbered

Row = dict[str, Any]


def run(model: str, of_class: str, optimizer: str) -> Row:
    return {
        "config": {},
        "model": {"name": model, "class": of_class, "optimizer": {"name": optimizer}},
        "epochs": [],
    }


def test_numbers_that_keras_gives_are_no_difference() -> None:
    runs = [run("my_net", "MyNet", "adam"), run("my_net_3", "MyNet", "adam_3")]
    assert differing_settings(runs) == []
    runs = [run("functional", "Functional", "sgd"), run("functional_12", "Functional", "sgd_1")]
    assert differing_settings(runs) == []


def test_names_that_people_give_are() -> None:
    runs = [run("resnet_50", "Functional", "adam"), run("resnet_101", "Functional", "sgd_1")]
    assert differing_settings(runs) == [
        ("model.name", ["resnet_50", "resnet_101"]),
        ("optimizer.name", ["adam", "sgd"]),
    ]


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (0, 0.0, False),
        (1_000_000, 1e6, False),
        ([8, 0], [8.0, 0.0], False),
        (1, True, True),
        (0.0, False, True),
        (0, "0", True),
        (1, None, True),
    ],
)
def test_equal_numbers_are_no_difference_and_truth_is_no_number(
    one: Any, other: Any, differ: bool
) -> None:
    runs = [run("m", "M", "sgd") | {"config": {"rate": value}} for value in (one, other)]
    assert differing_settings(runs) == ([("config.rate", [one, other])] if differ else [])
    seeded = [{**r, "config": {**r["config"], "seed": s}} for s, r in enumerate(runs)]
    about = {"name": "", "project": None, "tags": [], "environment": {}, "outputs": []}
    groups = seed_groups([{"id": str(s), **about, **r} for s, r in enumerate(seeded)])
    assert groups == ({} if differ else {f"rate={setting_text(one)}": [0, 1]})


def test_a_model_of_which_nothing_is_known_stays_so() -> None:
    assert unnumbered({}) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0010000000474974513, "0.001"),
        (0.001, "0.001"),
        (0.1, "0.1"),
        (0.123456789, "0.123456789"),
        (1e300, "1e+300"),
        (3, "3"),
        (3.0, "3"),
        (0.0, "0"),
        (True, "True"),
        ("relu", "relu"),
    ],
)
def test_a_setting_is_told_as_it_was_written(value: Any, text: str) -> None:
    assert setting_text(value) == text
