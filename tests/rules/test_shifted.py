"""Where validation data are of another kind, finding and verdict ask for the data first."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from lossmon.analysis import explain_divergence, verdict
from lossmon.capture.episodes import output_row
from lossmon.records import Finding
from lossmon.rules import evidence_terms, run_rules
from lossmon.rules.epochs import loss_of
from tests.rules.simulated import Classifier
from tests.rules.test_training_rules import Epochs, classifier, overfitted

OTHER = "that is no overfitting. The validation data are of another kind than the training data"


def shifted(seed: int) -> tuple[Classifier, Epochs]:
    """Overfits as well, but on inputs that say less of their labels from the first epoch on."""
    learner = classifier(seed, classes=3, sharpness=1.5, train=2000, val=2000)
    epochs: Epochs = []
    for i in range(25):
        learner.noise = 0.05
        epochs.append(learner.epoch(i, "train", 1.5 + 0.3 * i, seen=0.5 * i))
        learner.noise = 1.0
        epochs.append(learner.epoch(i, "val", 1.5 + 0.3 * i))
    return learner, epochs


def both(run: tuple[Classifier, Epochs]) -> tuple[Finding, str]:
    """The finding, and what the run page says in short."""
    learner, epochs = run[0], [replace(epoch, weight=float(epoch.n)) for epoch in run[1]]
    (finding,) = run_rules(learner.after(epochs), ["LM408"])
    rows = [asdict(epoch) for epoch in epochs]
    outputs = [output_row(learner.facts.outputs[0].record) | {"intended_metric": None}]
    document = {"status": "finished", "epochs": rows, "outputs": outputs, "verified": 1.0}
    document |= {"findings": [asdict(finding)], "environment": {}, "rules": []}
    return finding, verdict(document, explain_divergence(rows, outputs)).text


@pytest.mark.parametrize("seed", range(4))
def test_the_finding_asks_for_the_data_first_where_the_verdict_does(seed: int) -> None:
    finding, told = both(shifted(seed))
    assert "see first whether the validation data are of the same kind" in finding.message
    # What is called overfitting is not said to be none.
    assert "no overfitting" not in finding.message
    assert OTHER in told
    assert "same preprocessing" in finding.fix
    assert "with the same preprocessing" in told
    assert "EarlyStopping(" not in finding.fix
    exec(finding.fix, {"x": np.ones(3), "x_val": np.ones(3)})


@pytest.mark.parametrize("seed", range(4))
def test_overfitting_on_data_of_one_kind_is_told_as_before(seed: int) -> None:
    finding, told = both(overfitted(seed))
    assert "of another kind" not in finding.message + told
    assert finding.fix.startswith("keras.callbacks.EarlyStopping(")
    assert "It overfits since epoch" in told


def test_the_losses_of_the_first_epoch_prove_it() -> None:
    learner, epochs = shifted(0)
    finding, _ = both((learner, epochs))
    train, val = (loss_of(epoch) for epoch in epochs[:2])
    assert (finding.evidence["first_train_loss"], finding.evidence["first_val_loss"]) == (
        train,
        val,
    )
    assert f"{val:.4g} against {train:.4g}" in finding.message
    names = [term.name for term in evidence_terms(finding.evidence)]
    assert "validation loss of the first epoch" in names
