"""Rules that name what makes a printed number meaningless; they know facts, not keras."""

from __future__ import annotations

from lossmon.rules.answer_facts import Answer, AnswerFacts, find_answer
from lossmon.rules.engine import OnError, run_rules
from lossmon.rules.evidence import Term, evidence_terms
from lossmon.rules.facts import Facts, LabelKind, OutputFacts
from lossmon.rules.families import counted_guesses
from lossmon.rules.input_facts import InputFacts, describe_input
from lossmon.rules.intent import intended_metric
from lossmon.rules.label_facts import LabelFacts, RowFacts, describe_labels
from lossmon.rules.precedence import said_by
from lossmon.rules.prediction_facts import OutputRange, PredictionFacts, describe_predictions
from lossmon.rules.registry import (
    Rule,
    RulePage,
    all_rules,
    rule_faults,
    rule_pages,
    rule_summaries,
    select_rules,
)
from lossmon.rules.repeated_facts import RepeatedFacts, SharedFacts, Sharing
from lossmon.rules.scale_facts import ScaleFacts, describe_scales, own_statistics
from lossmon.rules.selection import RuleRequest, RuleSelection, change_text, rule_request
from lossmon.rules.sources import grades, listed, rule_selection
from lossmon.rules.spoiled_facts import Effect, SpoiledFacts
from lossmon.rules.training_facts import (
    ClippedFacts,
    EpisodeFacts,
    GradientFacts,
    LayerGradient,
    ShiftFacts,
    TrainingFacts,
    UnitFacts,
)
from lossmon.rules.weight_facts import WeightFacts, describe_weights, merged_weights

__all__ = [
    "Answer",
    "AnswerFacts",
    "ClippedFacts",
    "Effect",
    "EpisodeFacts",
    "Facts",
    "GradientFacts",
    "InputFacts",
    "LabelFacts",
    "LabelKind",
    "LayerGradient",
    "OnError",
    "OutputFacts",
    "OutputRange",
    "PredictionFacts",
    "RepeatedFacts",
    "RowFacts",
    "Rule",
    "RulePage",
    "RuleRequest",
    "RuleSelection",
    "ScaleFacts",
    "SharedFacts",
    "Sharing",
    "ShiftFacts",
    "SpoiledFacts",
    "Term",
    "TrainingFacts",
    "UnitFacts",
    "WeightFacts",
    "all_rules",
    "change_text",
    "counted_guesses",
    "describe_input",
    "describe_labels",
    "describe_predictions",
    "describe_scales",
    "describe_weights",
    "evidence_terms",
    "find_answer",
    "grades",
    "intended_metric",
    "listed",
    "merged_weights",
    "own_statistics",
    "rule_faults",
    "rule_pages",
    "rule_request",
    "rule_selection",
    "rule_summaries",
    "run_rules",
    "said_by",
    "select_rules",
]
