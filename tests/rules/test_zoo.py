"""Programs as people write them: the correct ones draw no flag, the faulty ones the right name."""

from __future__ import annotations

import keras
import pytest

from tests.rules.zoo import (
    correct_classifiers,
    correct_regressions,
    correct_structures,
    faulty_labels,
    faulty_losses,
)
from tests.rules.zoo.making import Faulty, Programs

# Keras warns by itself of some of the faults.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:keras")

CORRECT: dict[str, Programs] = {
    "one of many": correct_classifiers.ONE_OF_MANY,
    "yes or no": correct_classifiers.YES_OR_NO,
    "several at once": correct_classifiers.SEVERAL_AT_ONCE,
    "quantities": correct_regressions.QUANTITIES,
    "series and pictures": correct_regressions.SERIES_AND_PICTURES,
    "codes": correct_regressions.CODES,
    "sequences": correct_structures.SEQUENCES,
    "maps": correct_structures.MAPS,
    "several outputs": correct_structures.SEVERAL_OUTPUTS,
    "own ways": correct_structures.OWN_WAYS,
}
FAULTY: dict[str, Faulty] = {
    "activations": faulty_losses.ACTIVATIONS,
    "one unit": faulty_losses.ONE,
    "families": faulty_losses.FAMILIES,
    "ranges": faulty_losses.RANGES,
    "quantities": faulty_losses.QUANTITIES,
    "labels": faulty_labels.LABELS,
    "accuracies": faulty_labels.ACCURACIES,
}


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, made in CORRECT.items() for name in made]
)
def test_a_correct_program_is_silent(group: str, name: str) -> None:
    keras.utils.set_random_seed(0)
    found = CORRECT[group][name]().findings()
    assert [f"{finding.rule}: {finding.message}" for finding in found] == []


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, made in FAULTY.items() for name in made]
)
def test_a_fault_is_named(group: str, name: str) -> None:
    keras.utils.set_random_seed(0)
    rules, program = FAULTY[group][name]
    assert {finding.rule for finding in program().findings()} == rules
