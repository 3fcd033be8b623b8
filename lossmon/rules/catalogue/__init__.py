"""The rules that lossmon brings, one module each."""

from __future__ import annotations

from types import ModuleType

from lossmon.rules.catalogue import (
    accuracy_alias_mismatch,
    accuracy_threshold_on_logits,
    accuracy_with_regression,
    activation_applied_twice,
    categorical_loss_on_one_unit,
    labels_out_of_range,
    missing_output_activation,
    nonfinite_loss,
    regression_loss_for_classification,
    reported_value_mismatch,
    softmax_over_one_unit,
)

RULES: tuple[ModuleType, ...] = (
    missing_output_activation,
    activation_applied_twice,
    softmax_over_one_unit,
    categorical_loss_on_one_unit,
    regression_loss_for_classification,
    labels_out_of_range,
    accuracy_with_regression,
    accuracy_threshold_on_logits,
    accuracy_alias_mismatch,
    nonfinite_loss,
    reported_value_mismatch,
)
