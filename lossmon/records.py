"""The plain records that pass between the rooms: no arithmetic, no SQL, no keras.

Words are those of docs/numbers.md. Losses are in the unit of their definition (nats for
cross-entropies), accuracies are shares from 0 to 1, times are seconds, `time` is a Unix time stamp.
`output` is None for the model as a whole: the only output of a one-output model, or the weighted
total that Keras prints as `loss` where there are several. `None` means "not known", never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Severity = Literal["error", "warning", "info"]
Split = Literal["train", "val"]
RunStatus = Literal["running", "finished", "failed", "interrupted"]
Verification = Literal["verified", "mismatch", "unverified"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found.

    Attributes:
        code: stable code such as "LM301".
        rule: stable name such as "accuracy-with-regression".
        severity: "error" (a printed number is meaningless, or the loss is not the one meant),
            "warning", or "info" (advice, not a flag).
        output: name of the output it is about; None for a one-output model or the whole model.
        message: what is wrong, in one or two plain sentences.
        fix: code that the user can paste.
        evidence: the values that prove it; JSON-serialisable.
    """

    code: str
    rule: str
    severity: Severity
    output: str | None
    message: str
    fix: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a program.

    Attributes:
        path: the file, relative to the working directory where it lies below it.
        line: from 1; within the cell where there is one.
        column: from 1; None where it is not known.
        cell: number of the notebook's cell, from 1, counting all kinds; None in other files.
    """

    path: str
    line: int
    column: int | None = None
    cell: int | None = None

    def __str__(self) -> str:
        if self.cell is None:
            return f"{self.path}:{self.line}"
        return f"{self.path}, cell {self.cell}, line {self.line}"


@dataclass(frozen=True, slots=True)
class LocatedFinding:
    """A finding with the calls of a program that it is about.

    Attributes:
        finding: what was found.
        compile: where the model was compiled; None where that is not known.
        fit: where it was to be trained; None likewise.
    """

    finding: Finding
    compile: Location | None = None
    fit: Location | None = None


@dataclass(frozen=True, slots=True)
class LossSpec:
    """A loss as it was resolved, in words that `lossmon.recompute` understands.

    Attributes:
        name: the definition's name, e.g. "sparse_categorical_crossentropy"; for an object without
            an independent definition, the name of the user's function or class.
        config: its arguments, e.g. {"from_logits": True}.
        reduction: "sum_over_batch_size", "sum", "mean", "mean_with_sample_weight" or "none".
        custom: True for a user's own function or class.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    reduction: str = "sum_over_batch_size"
    custom: bool = False


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric as it was resolved.

    Attributes:
        key: the key that Keras prints it under, e.g. "accuracy" or "head_acc".
        name: the definition's name, e.g. "binary_accuracy"; a custom object's own name.
        config: its arguments, e.g. {"threshold": 0.5}.
        weighted: whether it is one of `weighted_metrics`.
        alias: the word that was resolved from shapes ("accuracy", "acc"), else None.
        label: how to write it for people, e.g. "BinaryAccuracy(threshold=0.5)".
        custom: True for a user's own function or class.
    """

    key: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weighted: bool = False
    alias: str | None = None
    label: str = ""
    custom: bool = False


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One output of the model and what is judged on it.

    Attributes:
        name: the output's name; None where the model has one.
        layer: the layer that it comes from.
        shape: with None for the batch axis.
        dtype: as Keras writes it, e.g. "float32".
        activation: the activation behind it, where that is known.
        loss: the loss that it was resolved to; None where it has none.
        loss_weight: its factor in the total loss.
        accuracy_metric: what the printed accuracy is; None where none is printed.
        intended_metric: the accuracy that was meant, where the printed one is misread.
        metrics: every metric of this output, as resolved.
    """

    name: str | None
    layer: str | None = None
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None
    activation: str | None = None
    loss: LossSpec | None = None
    loss_weight: float | None = None
    accuracy_metric: MetricSpec | None = None
    intended_metric: MetricSpec | None = None
    metrics: tuple[MetricSpec, ...] = ()


@dataclass(slots=True)
class RunRecord:
    """One `fit` call.

    Attributes:
        id: twelve hexadecimal characters.
        name: the user's, or a made-up one; need not be unique.
        project: what it belongs to; None where nothing was said.
        started: Unix seconds.
        host: name of the machine that trains.
        pid: the training process there.
        tags: the user's words to find it by.
        notes: the user's free text.
        environment: versions, backend, device, argv, git commit, ….
        model: name, class, parameters, optimizer and its settings, ….
        config: the user's own.
        rules: how the rules were changed: [{"change": "select", "ignore" or "severity", "rules",
            "severity", "source"}].
        job: what the ranks of a distributed job have in common; None outside of one.
        rank: this process's rank in it, from 0.
        world_size: how many ranks it has.
        epochs_planned: epochs asked of `fit`, those before `initial_epoch` included.
        steps_planned: optimiser steps that all of these make; None where not known before.
        verify: "auto", "full" or "off".
    """

    id: str
    name: str
    project: str | None
    started: float
    host: str
    pid: int
    tags: tuple[str, ...] = ()
    notes: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    rules: Sequence[Mapping[str, Any]] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    epochs_planned: int | None = None
    steps_planned: int | None = None
    verify: str = "auto"
    job: str | None = None
    rank: int | None = None
    world_size: int | None = None


@dataclass(slots=True)
class BatchRecord:
    """One batch of one output.

    Attributes:
        step: optimiser steps made in the run before this one (0 for the first); for `val`, the
            last train step before it.
        epoch: from 0.
        batch: index within the epoch, from 0.
        split: "train" or "val".
        output: the output's name; None for the model as a whole.
        time: when the step ended, Unix seconds.
        n: samples in the batch.
        weight: sum of the sample weights (n where there are none).
        loss: the batch's own data loss as Keras computed it, without the penalty.
        recomputed_loss: the same by `lossmon.recompute`, float64.
        penalty: sum of `model.losses` (regularisers, add_loss).
        reported_loss: what Keras showed callbacks: a running mean, penalty included.
        accuracy, recomputed_accuracy, reported_accuracy: likewise for the accuracy metric.
        intended_accuracy: the accuracy that was meant, where the printed one is misread.
        correct: elements predicted right.
        judged: elements judged: samples, or labels where each sample has several.
        confidence: mean probability of the predicted class; None where some predictions are none.
        loss_correct, loss_wrong: mean loss over the right and over the wrong elements.
        loss_squares: sum over samples of squared sample losses.
        nonfinite: elements of the predictions that are NaN or infinite.
        learning_rate: the optimiser's, at this step.
        seconds: wall time of the step.
        status, reason: verification of this row; the reason is None when verified.
    """

    step: int
    epoch: int
    batch: int
    split: Split
    output: str | None
    time: float
    n: int = 0
    weight: float = 0.0
    loss: float | None = None
    recomputed_loss: float | None = None
    penalty: float | None = None
    reported_loss: float | None = None
    accuracy: float | None = None
    recomputed_accuracy: float | None = None
    reported_accuracy: float | None = None
    intended_accuracy: float | None = None
    correct: float | None = None
    judged: float | None = None
    confidence: float | None = None
    loss_correct: float | None = None
    loss_wrong: float | None = None
    loss_squares: float | None = None
    nonfinite: int = 0
    learning_rate: float | None = None
    seconds: float | None = None
    status: Verification = "unverified"
    reason: str | None = None


@dataclass(slots=True)
class EpochRecord:
    """One epoch of one split and output.

    Attributes:
        epoch: from 0.
        split: "train" or "val".
        output: the output's name; None for the model as a whole.
        time: when it ended, Unix seconds.
        step: the last train step of the epoch.
        batches: batches seen.
        n, weight, loss, recomputed_loss, penalty, accuracy, recomputed_accuracy: as of a batch,
            over the whole epoch; where a part of it was recomputed, with Keras' own of the rest.
        intended_accuracy, correct, judged, confidence, loss_correct, loss_wrong: likewise.
        loss_squares, nonfinite, status, reason: likewise, of what was recomputed.
        reported_loss, reported_accuracy: what Keras printed at its end.
        learning_rate: the optimiser's, at its end.
        seconds: wall time.
        coverage: share of the samples whose values were recomputed.
        loss_gap, accuracy_gap: reported − recomputed, same span, same terms (the penalty is added
            to the recomputed loss before it is compared).
        calibration_gap: mean confidence − share predicted right.
        expected_calibration_error: over 15 equal-width bins (Naeini et al. 2015).
        reliability: [{"low", "high", "count", "confidence", "accuracy"}] of non-empty bins.
        class_counts: [{"label", "count", "predicted", "correct"}].
        reported: every key of the logs as Keras printed it.
        audited_loss, audited_accuracy: of the whole training set as `evaluate` gives them with the
            weights held still after the epoch, the penalty included; None unless `audit_train`.
        reconciliation: sentences that say why the printed numbers differ from what a reader may
            expect, such as those of `evaluate` on the same data.
        intended_exact_match: share of the samples all of whose labels are right, where several
            labels each are meant and the printed accuracy is misread.
        baselines: what the best constant answer reaches on the same labels: {"rows",
            "majority_accuracy", "majority_class", "label_entropy", "constant_loss"}, as far as
            they make sense; of validation also "trained_constant_loss", what the best constant
            answer to the training labels of the epoch reaches.
        nll: mean negative log-likelihood, nats, every sample weighing the same; of classifiers'
            validation data only, as are the following.
        temperature, scaled_loss: the temperature that makes it least, and what it is then (Guo et
            al. 2017).
        brier: mean over samples of the squared error of all their probabilities.
        brier_reliability, brier_resolution, brier_uncertainty: its parts over 15 equal-width bins
            of each class (Murphy 1973).
        worst_share: share of the summed sample losses that the worst 1 % of the samples carry.
        margins: by how much predictions are right or wrong (Schapire et al. 1998): probability of
            the true class minus that of the likeliest other one: {"mean", "right", "wrong" (means
            over right and over wrong predictions), "p05", "p25", "median", "p75", "p95"}.
        metrics: the other metrics of the epoch: [{"key", "label", "reported", "recomputed",
            "status", "reason"}].
    """

    epoch: int
    split: Split
    output: str | None
    time: float
    step: int = 0
    batches: int = 0
    n: int = 0
    weight: float = 0.0
    reported_loss: float | None = None
    loss: float | None = None
    recomputed_loss: float | None = None
    penalty: float | None = None
    loss_gap: float | None = None
    reported_accuracy: float | None = None
    accuracy: float | None = None
    recomputed_accuracy: float | None = None
    intended_accuracy: float | None = None
    accuracy_gap: float | None = None
    correct: float | None = None
    judged: float | None = None
    confidence: float | None = None
    calibration_gap: float | None = None
    expected_calibration_error: float | None = None
    loss_correct: float | None = None
    loss_wrong: float | None = None
    loss_squares: float | None = None
    nonfinite: int = 0
    learning_rate: float | None = None
    seconds: float | None = None
    coverage: float = 0.0
    status: Verification = "unverified"
    reason: str | None = None
    reliability: list[dict[str, float]] | None = None
    class_counts: list[dict[str, float]] | None = None
    reported: Mapping[str, float] = field(default_factory=dict)
    audited_loss: float | None = None
    audited_accuracy: float | None = None
    reconciliation: list[str] | None = None
    intended_exact_match: float | None = None
    baselines: dict[str, Any] | None = None
    nll: float | None = None
    temperature: float | None = None
    scaled_loss: float | None = None
    brier: float | None = None
    brier_reliability: float | None = None
    brier_resolution: float | None = None
    brier_uncertainty: float | None = None
    worst_share: float | None = None
    margins: dict[str, float | None] | None = None
    metrics: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SampleSet:
    """The samples of one validation set, as one output sees them.

    Attributes:
        keys: what each sample is recognised by in other runs, uint64, shape `(N,)`, each once.
        keyed_by: what the keys are made of: "inputs" (and labels), wherever the sample stands; or
            "positions" where inputs are out of reach: the position and the labels of all samples.
        labels: class ids, shape `(N,)`; None where a sample is not of one class.
        weights: of the samples, 0 of masked ones, shape `(N,)`; None where all weigh 1.
    """

    keys: NDArray[np.uint64]
    keyed_by: Literal["inputs", "positions"]
    labels: NDArray[np.int64] | None = None
    weights: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SampleRecord:
    """What one epoch made of each sample of one output, all in one order, shape `(N,)` each.

    Attributes:
        epoch: from 0.
        split: "val".
        output: the output's name; None for the only one.
        loss: of each sample, before its weight.
        correct: whether it was predicted right, in all its labels where it has several; None where
            there is no right or wrong.
        confidence: probability of the predicted class (mean of several labels), NaN where a
            prediction is no probability; None likewise.
        predicted: the predicted class, 0 or 1 of a binary output; None where a sample has several.
        samples: which samples these are; None where their order is not that of the first epoch.
    """

    epoch: int
    split: Split
    output: str | None
    loss: NDArray[np.float32]
    correct: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float32] | None = None
    predicted: NDArray[np.int64] | None = None
    samples: SampleSet | None = None
