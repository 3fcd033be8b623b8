"""Finding and run page tell one story of where loss and accuracy part ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest

from lossmon.analysis import explain_divergence
from lossmon.capture.episodes import output_row
from lossmon.records import EpochRecord, Finding
from lossmon.rules import evidence_terms, run_rules
from tests.rules.simulated import Classifier, Task
from tests.rules.test_training_rules import overfitted

Run = tuple[Classifier, list[EpochRecord]]
EPOCHS = 12


def told(learner: Classifier, records: list[EpochRecord]) -> dict[str, Finding]:
    return {f.code: f for f in run_rules(learner.after(records), ["LM406", "LM408"])}


def shown(learner: Classifier, records: list[EpochRecord]) -> list[tuple[str, int, int]]:
    """What the run page makes of the same rows."""
    rows = [asdict(record) for record in records]
    episodes = explain_divergence(rows, [output_row(learner.facts.outputs[0].record)])
    return [(e.kind, e.first_epoch + 1, e.last_epoch + 1) for e in episodes]


def moving(seed: int, sharpness: Callable[[float], float], noise: Callable[[float], float]) -> Run:
    """A run whose sureness and knowledge change with time, which goes from 0 to 1."""
    learner = Classifier(Task(train=2000, val=4000), np.random.default_rng(seed))
    records: list[EpochRecord] = []
    for number, at in enumerate(np.linspace(0, 1, EPOCHS)):
        learner.noise = 0.0
        records.append(learner.epoch(number, "train", 3.0, seen=0.3 * number))
        learner.noise = noise(at)
        records.append(learner.epoch(number, "val", sharpness(at)))
    return learner, records


def both_rise(seed: int) -> Run:
    return moving(seed, lambda at: 3.0 + 57.0 * at**2, lambda at: 1.2 - 0.8 * at)


def both_fall(seed: int) -> Run:
    return moving(seed, lambda at: 25.0 - 22.0 * at**0.7, lambda at: 0.5 + 0.7 * at)


def both_worse(seed: int) -> Run:
    return moving(seed, lambda at: 3.0 + 2.0 * at, lambda at: 0.1 + 1.2 * at)


@pytest.mark.parametrize(
    ("run", "kind"),
    [(both_rise, "both_rise"), (both_fall, "both_fall"), (overfitted, "loss_rises")],
)
@pytest.mark.parametrize("seed", [0, 2])
def test_the_finding_is_the_episode_of_the_run_page(
    run: Callable[[int], Run], kind: str, seed: int
) -> None:
    learner, records = run(seed)
    spoken = False
    for epoch in range(4, records[-1].epoch + 1, 2):
        so_far = [record for record in records if record.epoch <= epoch]
        finding = told(learner, so_far).get("LM406")
        if finding is None:
            assert shown(learner, so_far) == []
            continue
        spoken = True
        evidence = finding.evidence
        since, until = evidence["since_epoch"], evidence["until_epoch"]
        assert shown(learner, so_far)[-1] == (evidence["kind"], since, until)
        assert f"since epoch {since} (of {epoch + 1})" in finding.message
        assert evidence["p_value"] < 0.05
    assert spoken
    assert told(learner, records)["LM406"].evidence["kind"] == kind


def test_overfitting_says_what_the_accuracy_did() -> None:
    held, lost = told(*overfitted(0)), told(*both_worse(0))
    before, after = held["LM408"].evidence["smoothed_val_accuracy"]
    assert abs(after - before) < 0.03
    said = f"accuracy, smoothed, went from {before:.1%} to {after:.1%}"
    assert said in held["LM408"].message
    # One number of one thing, wherever it is told.
    assert [before, after] == held["LM406"].evidence["smoothed_accuracy"]
    terms = [{t.name: t.value for t in evidence_terms(f.evidence)} for f in held.values()]
    shown_as = [
        value for own in terms for name, value in own.items() if name.endswith("accuracy, smoothed")
    ]
    assert shown_as == [f"{before:.4g} → {after:.4g}"] * 2
    assert not any(name.endswith("accuracy") for own in terms for name in own)
    assert set(held) == {"LM406", "LM408"}
    # Loss and accuracy get worse together: overfitting, and no divergence.
    assert set(lost) == {"LM408"}
    before, after = lost["LM408"].evidence["val_accuracy"]
    assert after < before - 0.1
    assert f"accuracy went from {before:.1%} to {after:.1%}" in lost["LM408"].message
    assert shown(*both_worse(0)) == []


def test_a_rise_of_both_is_no_overfitting() -> None:
    assert set(told(*both_rise(0))) == {"LM406"}


def test_a_divergence_that_is_undone_is_withdrawn_and_stays_history() -> None:
    learner, records = overfitted(0)
    last = records[-1].epoch
    recovered = [learner.epoch(last + i, "val", 1.5) for i in range(1, 9)]
    assert set(told(learner, records)) == {"LM406", "LM408"}
    assert told(learner, records + recovered) == {}
    assert shown(learner, records + recovered)[0][0] == "loss_rises"
