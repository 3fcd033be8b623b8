"""What other rules say that keeps a loss high, whatever the learning rate is."""

from __future__ import annotations

from lossmon.records import SEVERITIES, Finding
from lossmon.rules.catalogue import (
    activation_applied_twice,
    binary_loss_for_multiclass,
    categorical_loss_on_one_unit,
    classification_loss_on_continuous_targets,
    invalid_probability_output,
    label_encoding_mismatch,
    labels_not_a_distribution,
    labels_out_of_range,
    missing_output_activation,
    output_range_misses_targets,
    output_target_broadcast,
    output_units_mismatch,
    regression_loss_for_classification,
    sigmoid_with_categorical_loss,
    softmax_for_multilabel,
    softmax_over_one_unit,
    unscaled_targets,
)
from lossmon.rules.facts import Facts, OutputFacts

_RULES = (
    missing_output_activation,
    activation_applied_twice,
    softmax_over_one_unit,
    categorical_loss_on_one_unit,
    sigmoid_with_categorical_loss,
    invalid_probability_output,
    softmax_for_multilabel,
    binary_loss_for_multiclass,
    output_range_misses_targets,
    classification_loss_on_continuous_targets,
    regression_loss_for_classification,
    output_target_broadcast,
    output_units_mismatch,
    labels_out_of_range,
    label_encoding_mismatch,
    labels_not_a_distribution,
    unscaled_targets,
)


def known_cause(facts: Facts, output: OutputFacts) -> Finding | None:
    """What stands of an output's loss, activation or targets that is to be mended first.

    Returns:
        The gravest finding; None where there is none.
    """
    found = [f for rule in _RULES for f in rule.check(facts) if f.output == output.name]
    return min(found, key=lambda finding: SEVERITIES.index(finding.severity), default=None)
