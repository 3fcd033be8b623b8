"""Runs whose data are not what they are taken for are not weighed against others."""

from __future__ import annotations

from typing import Any

import pytest

from lossmon.analysis import left_out_sentences, misjudged_sentences, misjudging, weigh
from tests.analysis.validated import drawn, run, weighed

LABELS = drawn(0)
WORDS = {
    "LM505": "validation samples are training samples",
    "LM506": "the validation inputs are scaled otherwise than those of the training",
    "LM507": "the target is among the inputs",
}


def found_in(document: dict[str, Any], code: str, **values: Any) -> dict[str, Any]:
    """The same run with a finding."""
    usual = {"code": code, "rule": "told", "severity": "warning", "output": None, "evidence": {}}
    return document | {"findings": [*document["findings"], usual | values]}


def leak(name: str = "leak", code: str = "LM507", **values: Any) -> dict[str, Any]:
    return found_in(run(name, LABELS, sure=4.0), code, **values)


def healthy() -> dict[str, Any]:
    return run("healthy", LABELS)


@pytest.mark.parametrize("code", WORDS)
@pytest.mark.parametrize("severity", ["warning", "error"])
def test_neither_of_two_is_better(code: str, severity: str) -> None:
    documents, names = [leak(code=code, severity=severity), healthy()], ["leak", "healthy"]
    assert weigh(documents, names) == []
    assert left_out_sentences(documents, names) == [
        f"Left out: leak ({WORDS[code]}, {code}).",
        "Left out: healthy (no other can be judged).",
    ]
    assert misjudged_sentences(documents, names) == [
        f"The numbers of leak promise nothing of new samples: {WORDS[code]} ({code})."
    ]


@pytest.mark.parametrize(
    ("code", "severity"), [("LM505", "info"), ("LM506", "info"), ("LM408", "warning")]
)
def test_advice_and_other_rules_leave_a_run_in(code: str, severity: str) -> None:
    told = leak(code=code, severity=severity)
    assert misjudging(told["findings"]) is None
    assert misjudged_sentences([told, healthy()], ["leak", "healthy"]) == []
    assert weighed(told, healthy()).recommendations[0].best == "leak"


def test_the_others_are_weighed_without_it() -> None:
    poor = run("poor", LABELS, sure=0.3)
    found = weighed(leak(), healthy(), poor)
    assert [one.name for one in found.runs] == ["healthy", "poor"]
    assert {advice.best for advice in found.recommendations} == {"healthy"}
    assert {point.name for point in found.front} == {"healthy"}


def test_training_epochs_do_not_stand_in_for_the_validation() -> None:
    documents = [leak(code="LM505"), healthy()]
    for document in documents:
        (row,) = document["epochs"]
        document["epochs"] = [row | {"split": "train"}, row]
    assert weigh(documents, ["leak", "healthy"]) == []


def test_runs_of_one_fault_are_named_together_and_each_once() -> None:
    twice = found_in(leak(), "LM507")
    both = found_in(leak("other"), "LM505")
    assert misjudged_sentences([twice, both, healthy()], ["leak", "other", "healthy"]) == [
        f"The numbers of leak, other promise nothing of new samples: {WORDS['LM507']} (LM507).",
        f"The numbers of other promise nothing of new samples: {WORDS['LM505']} (LM505).",
    ]
    named = misjudging(both["findings"])
    assert named is not None
    assert (named.why, named.codes) == ("LM507 told, LM505 told", "LM507, LM505")


def test_of_several_outputs_only_the_one_is_left_out() -> None:
    documents = [leak(output="a"), healthy()]
    for document in documents:
        ((output,), (row,)) = document["outputs"], document["epochs"]
        document["outputs"] = [output | {"name": name} for name in "ab"]
        document["epochs"] = [row | {"output": name} for name in "ab"]
    names = ["leak", "healthy"]
    assert [found.output for found in weigh(documents, names)] == ["b"]
    assert misjudged_sentences(documents, names) == [
        f"The numbers of output a of leak promise nothing of new samples: {WORDS['LM507']} (LM507)."
    ]
