"""What has been recorded and measured of the run so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lossmon.records import BatchRecord, EpochRecord, Split

EpisodeKind = Literal["loss_rises", "both_rise", "both_fall"]


@dataclass(frozen=True, slots=True)
class LayerGradient:
    """The gradient of one layer's kernel at one step; biases and scales do not count.

    Attributes:
        layer: the layer's name.
        gradient: root mean square of the gradient's entries, in units of loss per weight, without
            the loss scaling of mixed precision.
        weight: root mean square of the kernel's entries before the step.
        update: root mean square of what the step changed in them; None where not measured.
    """

    layer: str
    gradient: float
    weight: float
    update: float | None = None


@dataclass(frozen=True, slots=True)
class GradientFacts:
    """The gradients of one sampled train step.

    Attributes:
        step: optimiser steps made in the run before this one.
        epoch: the epoch of the step, from 0.
        norm: Euclidean norm of all gradients together, before any clipping.
        clipped: whether the optimiser clips gradients.
        layers: trainable kernels of layers that lie behind each other, from inputs to outputs.
    """

    step: int
    epoch: int
    norm: float
    clipped: bool = False
    layers: tuple[LayerGradient, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """The units of one layer with a rectifying activation, on one sampled batch.

    Attributes:
        layer: the layer's name.
        epoch: the epoch at whose end the batch was sampled, from 0.
        samples: samples in the batch.
        units: the layer's units; a channel of a convolution is one unit.
        dead: units that were 0 for every sample, at every position.
        zero_kernel: whether all of the layer's kernel was 0; None of a layer without one.
    """

    layer: str
    epoch: int
    samples: int
    units: int
    dead: int
    zero_kernel: bool | None = None


@dataclass(frozen=True, slots=True)
class ClippedFacts:
    """How many losses of one epoch sat at the cap that clipping probabilities makes.

    Attributes:
        epoch: the epoch, from 0.
        split: "train" or "val".
        output: name of the output; None for the only one.
        samples: samples whose loss was computed from clipped probabilities.
        capped: of those, the ones at the cap.
        cap: the largest loss there can be, in nats.
    """

    epoch: int
    split: Split
    output: str | None
    samples: int
    capped: int
    cap: float


@dataclass(frozen=True, slots=True)
class EpisodeFacts:
    """A span of epochs in which loss and accuracy of one output part ways.

    What an episode is, `lossmon.analysis` defines, for the rules as for the run page.

    Attributes:
        split: "val", or "train" where there was no validation.
        output: name of the output; None for the only one.
        kind: "loss_rises" (the accuracy holds), "both_rise" or "both_fall".
        first_epoch: the epoch in which it sets in, from 0.
        last_epoch: the epoch that it lasts to, included.
        loss: of these two epochs.
        accuracy: smoothed, at both ends.
        strength: standard errors by which the loss changed.
        p_value: chance of as clear an episode in a run of pure noise.
    """

    split: Split
    output: str | None
    kind: EpisodeKind
    first_epoch: int
    last_epoch: int
    loss: tuple[float, float]
    accuracy: tuple[float, float]
    strength: float
    p_value: float


@dataclass(frozen=True, slots=True)
class ShiftFacts:
    """Validation data of one output that were worse from the first epoch on.

    Which those are, `lossmon.analysis` defines, for the rules as for the run page.

    Attributes:
        output: name of the output; None for the only one.
        train: training loss of the first epoch.
        val: validation loss of the first epoch.
    """

    output: str | None
    train: float
    val: float


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What has been recorded of the run so far, oldest first; None for what was not measured.

    Attributes:
        batches: the most recent batches.
        epochs: the epochs that have ended, all splits and outputs.
        gradients: gradients of sampled steps.
        units: units of sampled batches, once an epoch.
        clipped: losses at the cap, one for each epoch, split and output that clips.
        episodes: where loss and accuracy parted ways, by output and time.
        shifts: whose validation data were worse from the first epoch on.
        ended: whether the training has finished: no more epochs will come.
    """

    batches: Sequence[BatchRecord] = ()
    epochs: Sequence[EpochRecord] = ()
    gradients: Sequence[GradientFacts] | None = None
    units: Sequence[UnitFacts] | None = None
    clipped: Sequence[ClippedFacts] | None = None
    episodes: Sequence[EpisodeFacts] | None = None
    shifts: Sequence[ShiftFacts] | None = None
    ended: bool = False
