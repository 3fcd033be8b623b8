"""Questions that several rules ask of one output; None where the facts do not tell."""

from __future__ import annotations

from lossmon.records import MetricSpec
from lossmon.rules.facts import OutputFacts
from lossmon.rules.families import ACCURACIES, CROSSENTROPIES, from_logits
from lossmon.rules.prediction_facts import RAW_MARGIN


def probabilities(output: OutputFacts) -> bool | None:
    """Whether every value of the output is a probability: proven, disproven or not known.

    Values outside [0, 1] disprove it. Values inside prove it only where they are distributions
    over classes, or where the output can take no other: a linear head may happen to stay inside.
    """
    if output.predictions is not None and output.predictions.outside_unit:
        return False
    if output.predictions is not None and output.predictions.distribution:
        return True
    if output.range is not None:
        return output.range.within(-RAW_MARGIN, 1 + RAW_MARGIN)
    return None


def linear_head(output: OutputFacts) -> bool:
    """Whether nothing bounds the output: no activation, or one that proves to be none."""
    if output.record.activation is not None:
        return output.record.activation == "linear"
    return output.range is None or not output.range.bounded


def wants_probabilities(output: OutputFacts) -> bool:
    """Whether the loss takes the output for probabilities."""
    loss = output.loss
    if loss is None:
        return False
    return loss.name == "kl_divergence" or (loss.name in CROSSENTROPIES and not from_logits(loss))


def logits_by_contract(output: OutputFacts) -> bool:
    """Whether the loss takes the output for logits and nothing proves that wrong."""
    loss = output.loss
    if loss is None or loss.name not in CROSSENTROPIES or not from_logits(loss):
        return False
    return probabilities(output) is not True


def accuracies(output: OutputFacts) -> list[MetricSpec]:
    """The output's metrics that count right answers."""
    return [metric for metric in output.metrics if metric.name in ACCURACIES]
