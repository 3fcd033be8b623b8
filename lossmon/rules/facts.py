"""What is known when the rules are asked. `None` means "not known", and keeps a rule silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lossmon.records import BatchRecord, EpochRecord, LossSpec, MetricSpec, OutputRecord
from lossmon.rules.answer_facts import AnswerFacts
from lossmon.rules.input_facts import InputFacts
from lossmon.rules.label_facts import LabelFacts
from lossmon.rules.prediction_facts import OutputRange, PredictionFacts
from lossmon.rules.repeated_facts import RepeatedFacts, SharedFacts
from lossmon.rules.scale_facts import ScaleFacts
from lossmon.rules.spoiled_facts import SpoiledFacts
from lossmon.rules.training_facts import (
    ClippedFacts,
    EpisodeFacts,
    GradientFacts,
    ShiftFacts,
    TrainingFacts,
    UnitFacts,
)
from lossmon.rules.weight_facts import WeightFacts, merged_weights
from lossmon.rules.written import WrittenCompile

LabelKind = Literal[
    "class_ids",
    "binary",
    "signed_binary",
    "one_hot",
    "multi_hot",
    "soft",
    "integers",
    "unit_interval",
    "continuous",
]
# Labels that name classes rather than quantities.
CLASS_KINDS: tuple[LabelKind, ...] = (
    "class_ids",
    "binary",
    "signed_binary",
    "one_hot",
    "multi_hot",
    "soft",
)


@dataclass(frozen=True, slots=True)
class OutputFacts:
    """One output of the model, with what was seen of its labels and predictions.

    Attributes:
        record: the output as it was resolved: loss, metrics, shape.
        labels: what its labels say by their values.
        predictions: what its predictions say by their values.
        range: what values it can take at all.
        compiled_used: whether training really calls the compiled loss and metrics with these
            labels; False where `train_step`, `compute_loss` or the like is the user's own.
        weighted: whether sample or class weights come with its labels.
        weights: what those say by their values; None where they were not seen.
        masked: whether its predictions carry a Keras mask.
        reconstruction: whether its labels are the model's own input.
        fitted_head: whether trainable weights of its own make each of its units.
        written: what `compile` was given for all outputs, as code; None where it is not known.
        place: which of them this one is.
        rescued_loss: whether a cross-entropy with `from_logits=True` is right all the same where
            the output is activated: TensorFlow's goes back to the scores behind the activation.
        rescued_metrics: the keys of its metrics that do likewise.
        pairs_all: whether its loss, one of the user's own, was seen to compare every target with
            every prediction.
    """

    record: OutputRecord
    labels: LabelFacts | None = None
    predictions: PredictionFacts | None = None
    range: OutputRange | None = None
    compiled_used: bool | None = None
    weighted: bool = False
    weights: WeightFacts | None = None
    masked: bool = False
    reconstruction: bool = False
    fitted_head: bool | None = None
    written: WrittenCompile | None = None
    place: int = 0
    rescued_loss: bool = False
    rescued_metrics: frozenset[str] = frozenset()
    pairs_all: bool = False

    @property
    def name(self) -> str | None:
        """The output's name; None for the only output."""
        return self.record.name

    @property
    def loss(self) -> LossSpec | None:
        """The loss that training calls with these labels, if it is one of Keras' own."""
        loss = self.record.loss
        return loss if self.compiled_used and loss is not None and not loss.custom else None

    @property
    def metrics(self) -> tuple[MetricSpec, ...]:
        """The metrics that training calls with these labels, if they are Keras' own."""
        if not self.compiled_used:
            return ()
        return tuple(metric for metric in self.record.metrics if not metric.custom)

    @property
    def units(self) -> int | None:
        """Size of the class axis of the predictions; 1 where a sample has a single number."""
        if self.predictions is not None:
            return self.predictions.units
        shape = self.record.shape
        if shape is None:
            return None
        return shape[-1] if len(shape) > 1 else 1

    @property
    def rank(self) -> int | None:
        """Number of axes of the predictions, the batch axis included."""
        if self.predictions is not None:
            return self.predictions.rank
        return None if self.record.shape is None else len(self.record.shape)

    @property
    def sparse(self) -> bool | None:
        """Whether labels lack the class axis that predictions have, by Keras' own test."""
        if self.labels is None or self.rank is None or self.units is None:
            return None
        if self.units < 2:
            return False
        shape = self.labels.sample_shape
        return self.labels.rank < self.rank or (bool(shape) and shape[-1] == 1)

    @property
    def label_kind(self) -> LabelKind | None:
        """What the labels are, judged by their values against the shape of the predictions."""
        labels, units = self.labels, self.units
        if labels is None or units is None or labels.minimum is None:
            return None
        if self.sparse:
            return "class_ids" if labels.integer_valued else "continuous"
        if labels.rows is not None and units > 1:
            return _kind_of_rows(labels)
        return _kind_of_numbers(labels)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules may ask.

    Attributes:
        outputs: the model's outputs, in order.
        backend: the Keras backend's name.
        penalties: whether regularisers or `add_loss` take part in the loss.
        complete: whether the labels are all there are (or a whole epoch of them), rather than a
            batch that may happen to hold one class.
        more_to_come: whether more labels will be seen before long, so that what rests on none
            being otherwise has to wait.
        training: the run so far; None before training.
        inputs: the model's inputs, in order.
        spoiled: inputs that hold NaN or infinite values, of training and of validation data.
        trainable: whether the model has any weights that training may change.
        usual_rate: the learning rate that is usual for its optimizer, where there is one.
        repeated: how many validation samples are among the training samples, where that was seen.
        scales: how large inputs are in the validation data, beside the training data.
        parted_in_order: whether the validation data are what follows the training data in the
            same array.
        shared: how training and validation data are one, by what they are made of.
        answers: columns of the inputs in which a target can be read.
    """

    outputs: tuple[OutputFacts, ...]
    backend: str | None = None
    penalties: bool | None = None
    complete: bool = False
    more_to_come: bool = False
    training: TrainingFacts | None = None
    inputs: tuple[InputFacts, ...] | None = None
    spoiled: tuple[SpoiledFacts, ...] = ()
    trainable: bool | None = None
    usual_rate: float | None = None
    repeated: RepeatedFacts | None = None
    scales: tuple[ScaleFacts, ...] = ()
    parted_in_order: bool = False
    shared: SharedFacts | None = None
    answers: tuple[AnswerFacts, ...] = ()

    def merge(self, later: Facts) -> Facts:
        """Add the labels of a later batch; predictions stay those of the first.

        Args:
            later: facts of the same model gathered from another batch.
        """
        outputs = tuple(
            replace(
                ours,
                labels=_merged(ours.labels, theirs.labels),
                weights=merged_weights(ours.weights, theirs.weights),
            )
            for ours, theirs in zip(self.outputs, later.outputs, strict=True)
        )
        return replace(self, outputs=outputs, complete=self.complete or later.complete)

    def after(
        self,
        batches: Sequence[BatchRecord],
        epochs: Sequence[EpochRecord],
        *,
        gradients: Sequence[GradientFacts] | None = None,
        units: Sequence[UnitFacts] | None = None,
        clipped: Sequence[ClippedFacts] | None = None,
        episodes: Sequence[EpisodeFacts] | None = None,
        shifts: Sequence[ShiftFacts] | None = None,
        ended: bool = False,
    ) -> Facts:
        """The same facts with what has been recorded and measured of the run so far.

        Args:
            batches: the most recent batches.
            epochs: the epochs that have ended.
            gradients: gradients of sampled steps; None where they were not measured.
            units: units of sampled batches, likewise.
            clipped: losses at the cap, likewise.
            episodes: where loss and accuracy parted ways, likewise.
            shifts: whose validation data were worse from the first epoch on, likewise.
            ended: whether no more epochs will come.
        """
        training = TrainingFacts(
            batches, epochs, gradients, units, clipped, episodes, shifts, ended
        )
        return replace(self, training=training)


def _merged(ours: LabelFacts | None, theirs: LabelFacts | None) -> LabelFacts | None:
    if ours is None or theirs is None:
        return ours or theirs
    return ours.merge(theirs)


def _kind_of_rows(labels: LabelFacts) -> LabelKind:
    rows = labels.rows
    if rows is not None and labels.only(0.0, 1.0) and rows.one_hot + rows.multi_hot:
        return "multi_hot" if rows.multi_hot else "one_hot"
    if rows is not None and rows.distribution and rows.distribution + rows.zero == rows.rows:
        return "soft"
    return _kind_of_numbers(labels)


def _kind_of_numbers(labels: LabelFacts) -> LabelKind:
    if labels.only(0.0, 1.0):
        return "binary"
    if labels.only(-1.0, 1.0):
        return "signed_binary"
    if labels.integer_valued:
        return "integers"
    return "unit_interval" if labels.within(0.0, 1.0) else "continuous"
