"""Epochs that a sentence names count from 1, and the losses named with them stand in the table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise

import pytest

from lossmon.analysis import explain_divergence, verdict
from lossmon.analysis.words import loss_text
from lossmon.capture.episodes import output_row
from lossmon.records import EpochRecord, Finding, Split
from lossmon.rules import run_rules
from lossmon.rules.epochs import loss_of
from lossmon.rules.wording import number
from tests.rules.simulated import Classifier, Regression
from tests.rules.test_divergence_rule import both_fall, both_rise
from tests.rules.test_training_rules import diverging, overfitted

AnyRun = tuple[Classifier | Regression, list[EpochRecord]]
NAMED = re.compile(r"([-\d.e]+) \(epoch (\d+)\)")
SAID = {"LM406": 2, "LM408": 4, "LM409": 2}


def table(records: list[EpochRecord], split: Split) -> dict[int, float]:
    """Losses by epochs as people count them."""
    return {r.epoch + 1: loss for r in records if r.split == split and (loss := loss_of(r))}


def findings(run: AnyRun) -> dict[str, Finding]:
    learner, records = run
    return {f.code: f for f in run_rules(learner.after(records), list(SAID))}


@pytest.mark.parametrize("run", [both_rise, both_fall, overfitted, diverging])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_losses_are_those_of_the_epochs_named(run: Callable[[int], AnyRun], seed: int) -> None:
    learner, records = run(seed)
    found = findings((learner, records))
    assert found
    for code, finding in found.items():
        named = NAMED.findall(finding.message)
        assert len(named) == SAID[code], finding.message
        for place, (value, epoch) in enumerate(named):
            split: Split = "train" if code == "LM409" or place > 1 else "val"
            assert number(table(records, split)[int(epoch)]) == value, finding.message
        since = re.search(r"since epoch (\d+) \(of (\d+)\)", finding.message)
        assert since is not None
        assert since[1] == named[0][1]
        assert int(since[2]) == records[-1].epoch + 1
        assert (finding.evidence["since_epoch"], finding.evidence["until_epoch"]) == (
            int(named[0][1]),
            int(named[1][1]),
        )
        risen = float(named[1][0]) - float(named[0][0])
        assert (risen > 0) == (finding.evidence.get("kind") != "both_fall")


@pytest.mark.parametrize("run", [both_rise, both_fall, overfitted])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_explanations_name_losses_of_their_epochs(run: Callable[[int], AnyRun], seed: int) -> None:
    learner, records = run(seed)
    rows = [asdict(record) for record in records]
    losses = table(records, "val")
    episodes = explain_divergence(rows, [output_row(learner.facts.outputs[0].record)])
    assert episodes
    for episode in episodes:
        first, last = episode.first_epoch + 1, episode.last_epoch + 1
        ends = f"{loss_text(losses[first])} → {loss_text(losses[last])}"
        assert episode.summary.startswith(f"Epochs {first}–{last}: validation loss ")
        assert ends in episode.summary
    assert all(one.last_epoch <= two.first_epoch for one, two in pairwise(episodes))


def test_two_rules_name_one_onset_of_one_rise() -> None:
    both = [findings(overfitted(seed)) for seed in range(4)]
    for found in both:
        first = [NAMED.findall(found[code].message)[0] for code in ("LM406", "LM408")]
        assert first[0] == first[1], found


def test_the_onset_and_the_least_loss_are_told_apart_wherever_one_is_named() -> None:
    """Seeds of which both are the same epoch, and others."""
    apart = [seed for seed in range(6) if _told_of_one_rise(seed)]
    assert 0 < len(apart) < 6


def _told_of_one_rise(seed: int) -> bool:
    """Whether the onset is not the epoch of the least loss."""
    learner, records = overfitted(seed)
    finding = findings((learner, records))["LM408"]
    losses, rows = table(records, "val"), [asdict(record) for record in records]
    least, since = min(losses, key=lambda epoch: losses[epoch]), finding.evidence["since_epoch"]
    outputs = [output_row(learner.facts.outputs[0].record) | {"intended_metric": None}]
    episodes = explain_divergence(rows, outputs)
    document = {"status": "finished", "epochs": rows, "outputs": outputs, "verified": 1.0}
    document |= {"findings": [asdict(finding)], "environment": {}, "rules": []}
    *_, overfits = verdict(document, episodes).points
    assert overfits.said.startswith(f"It overfits since epoch {since}")
    assert f"epoch {least}" in overfits.then
    assert f"stop at epoch {least}" in episodes[-1].advice
    assert (finding.evidence["least_epoch"], finding.evidence["least_loss"]) == (
        least,
        losses[least],
    )
    apart = least != since
    assert (f"its least {number(losses[least])} at epoch {least}," in finding.message) == apart
    assert (f"(least validation loss at epoch {least})" in overfits.said) == apart
    assert (", of the least loss," in episodes[-1].advice) == apart
    return apart
