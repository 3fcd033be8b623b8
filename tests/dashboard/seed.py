"""Runs as a training would record them, written through the real `RunWriter`.

`python -m tests.dashboard.seed PATH` makes a database to look at.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lossmon.records import (
    BatchRecord,
    EpochRecord,
    Finding,
    LossSpec,
    MetricSpec,
    OutputRecord,
    RunRecord,
    RunStatus,
    Split,
)
from lossmon.store.names import new_run_id
from lossmon.store.writer import RunWriter

BATCHES = 12
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"

SPARSE = LossSpec("sparse_categorical_crossentropy")
BINARY = LossSpec("binary_crossentropy")
SQUARED = LossSpec("mean_squared_error")


def accuracy(label: str, **config: Any) -> MetricSpec:
    return MetricSpec("accuracy", "accuracy", config=config, alias="accuracy", label=label)


@dataclass
class Scenario:
    """The shape of a run: what its values are at each point of its training, 0 to 1."""

    name: str
    loss: LossSpec = SPARSE
    metric: MetricSpec | None = None
    intended: MetricSpec | None = None
    findings: tuple[Finding, ...] = ()
    epochs: int = 12
    start: float = 2.3
    end: float = 0.08
    overfit: float = 0.0
    accuracy_end: float = 0.97
    intended_lift: float | None = None
    nan_from: int | None = None
    project: str | None = "digits"
    tags: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    audited: bool = False
    reasons: tuple[str, ...] = ()
    status: RunStatus | None = "finished"
    unverified: str | None = None
    troubles: tuple[str, ...] = ()

    def record(self, age: float = 0.0) -> RunRecord:
        return RunRecord(
            id=new_run_id(),
            name=self.name,
            project=self.project,
            started=time.time() - age,
            host=socket.gethostname(),
            pid=os.getpid(),
            tags=self.tags,
            config=self.config,
            environment={
                "backend": "tensorflow",
                "versions": {"keras": "3.15.1", "python": "3.11"},
            },
            model={"name": "sequential", "parameters": 25_450, "optimizer": {"name": "adam"}},
            epochs_planned=self.epochs,
            steps_planned=self.epochs * BATCHES,
        )

    def output_records(self) -> tuple[OutputRecord, ...]:
        return tuple(
            OutputRecord(
                name=name,
                layer=name or "dense_1",
                shape=(None, 10),
                dtype="float32",
                activation="softmax",
                loss=self.loss,
                accuracy_metric=self.metric,
                intended_metric=self.intended,
                metrics=() if self.metric is None else (self.metric,),
            )
            for name in (self.outputs or (None,))
        )


def _loss(scenario: Scenario, split: Split, done: float) -> float:
    fall = scenario.end + (scenario.start - scenario.end) * math.exp(-4.5 * done)
    return fall + (0.05 + scenario.overfit * done**2 if split == "val" else 0.0)


def _accuracy(scenario: Scenario, split: Split, done: float) -> float | None:
    if scenario.metric is None:
        return None
    reached = scenario.accuracy_end * (1 - 0.85 * math.exp(-5 * done))
    return max(reached - (0.02 if split == "val" else 0.0), 0.0)


def epoch_of(scenario: Scenario, epoch: int, split: Split, output: str | None) -> EpochRecord:
    done = (epoch + 1) / scenario.epochs
    loss, right = _loss(scenario, split, done), _accuracy(scenario, split, done)
    broken = scenario.nan_from is not None and epoch >= scenario.nan_from
    value = math.nan if broken else loss
    confidence = None if right is None else min(0.995, right + 0.04 + 0.1 * scenario.overfit * done)
    lift = scenario.intended_lift
    own = None if scenario.unverified else value
    judged = right is not None and scenario.loss is not SQUARED
    return EpochRecord(
        epoch=epoch,
        split=split,
        output=output,
        time=time.time(),
        step=(epoch + 1) * BATCHES - 1,
        batches=BATCHES,
        n=BATCHES * 32,
        weight=BATCHES * 32.0,
        reported_loss=value + 0.02,
        loss=value,
        recomputed_loss=own,
        penalty=0.0,
        loss_gap=None if own is None else 0.02,
        reported_accuracy=right,
        accuracy=right,
        recomputed_accuracy=None if scenario.unverified else right,
        intended_accuracy=None if lift is None or right is None else right + lift,
        accuracy_gap=None if right is None else 0.0,
        correct=right * BATCHES * 32 if judged and right is not None else None,
        judged=BATCHES * 32.0 if judged else None,
        loss_squares=1.6 * loss**2 * BATCHES * 32 if judged else None,
        confidence=confidence,
        calibration_gap=None if confidence is None or right is None else confidence - right,
        expected_calibration_error=0.03 if right is not None else None,
        loss_correct=loss * 0.4 if right is not None else None,
        loss_wrong=loss * 3.1 if right is not None else None,
        coverage=0.0 if scenario.unverified else 1.0,
        status="unverified" if scenario.unverified else "verified",
        reason=scenario.unverified,
        reliability=_reliability(scenario, right) if split == "val" else None,
        audited_loss=loss if scenario.audited and split == "train" else None,
        audited_accuracy=right if scenario.audited and split == "train" else None,
        reconciliation=list(scenario.reasons),
    )


def _reliability(scenario: Scenario, right: float | None) -> list[dict[str, float]] | None:
    if right is None:
        return None
    return [
        {
            "low": low / 10,
            "high": (low + 1) / 10,
            "count": float(low * low),
            "confidence": low / 10 + 0.05,
            "accuracy": max(0.0, low / 10 + 0.04 - 0.15 * scenario.overfit),
        }
        for low in range(3, 10)
    ]


def batches_of(scenario: Scenario, epoch: int, output: str | None) -> Iterator[BatchRecord]:
    noise = np.random.default_rng(epoch)
    for batch in range(BATCHES):
        done = (epoch + batch / BATCHES) / scenario.epochs
        loss = _loss(scenario, "train", done) * float(1 + 0.18 * noise.normal())
        right = _accuracy(scenario, "train", done)
        if right is not None:
            right = min(1.0, max(0.0, right + 0.04 * float(noise.normal())))
        broken = scenario.nan_from is not None and epoch >= scenario.nan_from
        value = math.nan if broken else loss
        yield BatchRecord(
            step=epoch * BATCHES + batch,
            epoch=epoch,
            batch=batch,
            split="train",
            output=output,
            time=time.time(),
            n=32,
            weight=32.0,
            loss=value,
            recomputed_loss=None if scenario.unverified else value,
            reported_loss=value,
            accuracy=right,
            recomputed_accuracy=None if scenario.unverified else right,
            reported_accuracy=right,
            learning_rate=1e-3,
            status="unverified" if scenario.unverified else "verified",
            reason=scenario.unverified,
        )


def write_epoch(writer: RunWriter, scenario: Scenario, epoch: int) -> None:
    """Record one epoch of every output, and of the whole model where there are several."""
    names: list[str | None] = [None, *scenario.outputs]
    writer.write(
        batches=[record for name in names for record in batches_of(scenario, epoch, name)],
        epochs=[
            epoch_of(scenario, epoch, split, name) for name in names for split in ("train", "val")
        ],
        findings=scenario.findings,
    )


def start(db: str, scenario: Scenario, age: float = 0.0, epochs: int | None = None) -> RunWriter:
    """Record a run up to an epoch (all of them by default) and leave it running."""
    writer = RunWriter.open(db, scenario.record(age), scenario.output_records())
    for epoch in range(scenario.epochs if epochs is None else epochs):
        write_epoch(writer, scenario, epoch)
    for message in scenario.troubles:
        writer.trouble(message)
    return writer


def write(db: str, scenario: Scenario, age: float = 60.0) -> str:
    """Record a whole run and return its id."""
    writer = start(db, scenario, age)
    if scenario.status is not None:
        writer.finish(scenario.status)
    writer.close()
    return writer.run_id


REGRESSION = Finding(
    code="LM301",
    rule="accuracy-with-regression",
    severity="error",
    output=None,
    message="The targets are real numbers: `accuracy` compares them for equality with 0 or 1, so "
    "the number it prints means nothing.",
    fix='model.compile(loss="mean_squared_error", optimizer="sgd", metrics=["mae"])',
    evidence={
        "label_min": 25.0,
        "label_max": 346.0,
        "label_distinct": 214,
        "metrics": ["accuracy"],
    },
)
THRESHOLD = Finding(
    code="LM302",
    rule="accuracy-threshold-on-logits",
    severity="error",
    output=None,
    message="The output is a logit, but the accuracy cuts it at 0.5, that is at a probability of "
    "0.62.",
    fix="metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)]",
    evidence={"metrics": ["accuracy"], "threshold": 0.5, "probability_at_threshold": 0.62},
)
OVERFITTING = Finding(
    code="LM408",
    rule="overfitting",
    severity="warning",
    output=None,
    message="Validation loss has risen for 7 epochs while training loss fell.",
    fix="callbacks=[keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)]",
    evidence={
        "since_epoch": 11,
        "until_epoch": 20,
        "val_loss": [0.589, 1.053],
        "train_loss": [0.267, 0.105],
    },
)
NONFINITE = Finding(
    code="LM401",
    rule="nonfinite-loss",
    severity="error",
    output=None,
    message="The loss is NaN since epoch 5.",
    fix="keras.optimizers.Adam(learning_rate=1e-4, clipnorm=1.0)",
    evidence={"split": "train", "since_epoch": 5, "step": 48, "loss": "nan"},
)

SOFTMAX = accuracy("SparseCategoricalAccuracy")
CUT = accuracy("BinaryAccuracy(threshold=0.5)", threshold=0.5)

SCENARIOS = (
    Scenario(
        "digits-cnn",
        metric=SOFTMAX,
        tags=("baseline",),
        config={"units": 64, "lr": 1e-3},
        audited=True,
        reasons=(
            "The printed loss holds a penalty of 0.02 (regularisers, add_loss); without it, it is "
            "0.1047.",
            "The printed `accuracy` is SparseCategoricalAccuracy, chosen by the shapes of labels "
            "and predictions alone.",
        ),
    ),
    Scenario(
        "diabetes-accuracy",
        loss=SQUARED,
        metric=CUT,
        findings=(REGRESSION,),
        start=29000.0,
        end=2900.0,
        accuracy_end=0.0,
        project="diabetes",
    ),
    Scenario("diabetes", loss=SQUARED, start=29000.0, end=2900.0, project="diabetes", epochs=30),
    Scenario(
        "breast-cancer-logits",
        loss=LossSpec("binary_crossentropy", {"from_logits": True}),
        metric=CUT,
        intended=MetricSpec("accuracy", "binary_accuracy", label="BinaryAccuracy(threshold=0.0)"),
        findings=(THRESHOLD,),
        start=0.7,
        accuracy_end=0.897,
        intended_lift=0.035,
        project="breast-cancer",
    ),
    Scenario(
        "digits-overfit",
        metric=SOFTMAX,
        findings=(OVERFITTING,),
        overfit=0.9,
        epochs=20,
        tags=("mlp", "no dropout"),
        config={"units": 512, "lr": 1e-3},
    ),
    Scenario("digits-nan", metric=SOFTMAX, nan_from=4, findings=(NONFINITE,), epochs=7),
    Scenario("two-heads", metric=SOFTMAX, outputs=("kind", "colour"), project=None, epochs=8),
    Scenario(
        "custom-step",
        metric=accuracy("my_accuracy"),
        project=None,
        epochs=5,
        unverified="the train step never calls compute_metrics",
        status="failed",
        troubles=("the queue was full: 14 batches were not recorded",),
    ),
    Scenario(HOSTILE, metric=SOFTMAX, epochs=3, project="<b>bold</b>", tags=("<i>tag</i>",)),
)
LIVE = Scenario("digits-live", metric=SOFTMAX, epochs=40, status=None)


def seed(db: str) -> dict[str, str]:
    """Record every scenario; returns run ids by name."""
    return {
        scenario.name: write(db, scenario, age=30.0 * (len(SCENARIOS) - place))
        for place, scenario in enumerate(SCENARIOS)
    }


if __name__ == "__main__":
    seed(sys.argv[1])
