from __future__ import annotations

from typing import Any

from lossmon.analysis import differing_settings, unnumbered

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


def test_a_model_of_which_nothing_is_known_stays_so() -> None:
    assert unnumbered({}) == {}
