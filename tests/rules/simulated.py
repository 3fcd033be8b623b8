"""Runs put together from a model of learning, sample by sample, so that their noise is real.

The inputs say of each sample a vector of scores; its label is drawn from their softmax at the
`sharpness` of the data. What the model knows at an epoch is the same scores at the sharpness it
has learned so far, seen through the noise of its weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossmon.capture.episodes import episode_facts, shift_facts
from lossmon.records import EpochRecord, LossSpec, MetricSpec, OutputRecord, Split
from lossmon.rules import Facts, OutputFacts, describe_labels, describe_predictions

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Task:
    """Data, and how noisily a model learns it."""

    classes: int = 3
    train: int = 800
    val: int = 300
    sharpness: float = 3.0
    noise: float = 0.05
    prior: float = 0.0


class Classifier:
    """A classification run; `sharpness` per epoch says what the model does."""

    def __init__(self, task: Task, rng: np.random.Generator) -> None:
        self.task, self.rng, self.noise = task, rng, task.noise
        self._data = {"train": self._draw(task.train), "val": self._draw(task.val)}
        labels = self._data["train"][1]
        softmax = np.full((4, task.classes), 1 / task.classes)
        accuracy = MetricSpec("accuracy", "sparse_categorical_accuracy")
        record = OutputRecord(
            None,
            shape=(None, task.classes),
            loss=LossSpec("sparse_categorical_crossentropy"),
            accuracy_metric=accuracy,
            metrics=(accuracy,),
        )
        output = OutputFacts(
            record, describe_labels(labels), describe_predictions(softmax), compiled_used=True
        )
        self.facts = Facts((output,))

    @property
    def _bias(self) -> Floats:
        return self.task.prior * np.linspace(-1, 1, self.task.classes)

    def _draw(self, n: int) -> tuple[Floats, Any]:
        scores = self.rng.normal(size=(n, self.task.classes))
        chances = _softmax(self.task.sharpness * scores + self._bias)
        labels = (chances.cumsum(axis=1) > self.rng.random((n, 1))).argmax(axis=1)
        return scores, labels

    def epoch(
        self,
        number: int,
        split: Split,
        sharpness: float,
        *,
        bias: Floats | None = None,
        seen: float = 0.0,
        rate: float = 1e-3,
    ) -> EpochRecord:
        """The record of one epoch.

        Args:
            number: from 0.
            split: train or val.
            sharpness: factor on the scores.
            bias: added to all logits; the data's own by default.
            seen: how much the model has learned of each train sample itself.
            rate: the learning rate.
        """
        scores, labels = self._data[split]
        logits = sharpness * scores + (self._bias if bias is None else bias)
        logits += self.noise * sharpness * self.rng.normal(size=logits.shape)
        logits[np.arange(len(labels)), labels] += seen if split == "train" else 0.0
        return _record(number, split, _softmax(logits), labels, rate)

    def after(self, epochs: Sequence[EpochRecord]) -> Facts:
        """What is known when these epochs have ended."""
        return _after(self.facts, epochs)


class Regression:
    """A regression run under mean squared error; the model knows `share` of the signal."""

    def __init__(self, task: Task, rng: np.random.Generator, *, scale: float = 1.0) -> None:
        self.rng, self.scale, self.noise = rng, scale, 0.02
        self._data = {"train": self._draw(task.train), "val": self._draw(task.val)}
        targets = self._data["train"][1]
        record = OutputRecord(None, shape=(None, 1), loss=LossSpec("mean_squared_error"))
        guess = describe_predictions(rng.normal(size=(8, 1)))
        output = OutputFacts(record, describe_labels(targets[:, None]), guess, compiled_used=True)
        self.facts = Facts((output,))

    def _draw(self, n: int) -> tuple[Floats, Floats]:
        signal = self.rng.normal(size=n)
        return signal, self.scale * (signal + 0.5 * self.rng.normal(size=n))

    def epoch(self, number: int, split: Split, share: float, *, rate: float = 1e-3) -> EpochRecord:
        """The record of one epoch."""
        signal, targets = self._data[split]
        wobbling = share + self.noise * self.rng.normal()
        squares = (targets - self.scale * wobbling * signal) ** 2
        return EpochRecord(
            number,
            split,
            None,
            0.0,
            n=len(squares),
            recomputed_loss=float(squares.mean()),
            loss_squares=float((squares**2).sum()),
            coverage=1.0,
            learning_rate=rate,
        )

    def after(self, epochs: Sequence[EpochRecord]) -> Facts:
        """What is known when these epochs have ended."""
        return _after(self.facts, epochs)


def healthy(seed: int) -> tuple[Classifier | Regression, list[EpochRecord]]:
    """A run that learns, levels off, and wobbles as it goes; all of it drawn from the seed."""
    rng = np.random.default_rng(seed)
    task = Task(
        classes=int(rng.integers(2, 11)),
        train=int(rng.integers(100, 2000)),
        val=int(rng.integers(50, 800)),
        sharpness=float(rng.uniform(1.0, 5.0)),
        noise=float(rng.uniform(0.0, 0.3)),
        prior=float(rng.choice([0.0, 0.0, 1.0, 2.0])),
    )
    learner = Classifier(task, rng) if rng.random() < 0.7 else Regression(task, rng)
    full = task.sharpness if isinstance(learner, Classifier) else 1.0
    return learner, _levelling_off(learner, rng, full)


def _after(facts: Facts, epochs: Sequence[EpochRecord]) -> Facts:
    outputs = [output.record for output in facts.outputs]
    episodes, shifts = episode_facts(outputs, epochs), shift_facts(outputs, epochs)
    return facts.after((), epochs, episodes=episodes, shifts=shifts)


def _levelling_off(
    learner: Classifier | Regression, rng: np.random.Generator, full: float
) -> list[EpochRecord]:
    speed, wobble = rng.uniform(0.05, 0.8), rng.uniform(0.0, 0.05)
    start, epochs = rng.uniform(0.0, 0.3), int(rng.integers(10, 50))
    validated = rng.random() < 0.8
    records: list[EpochRecord] = []
    for number in range(epochs):
        learned = 1 - (1 - start) * np.exp(-speed * (number + 0.5))
        now = float(full * learned * np.exp(wobble * rng.normal()))
        records.append(learner.epoch(number, "train", now))
        if validated:
            records.append(learner.epoch(number, "val", now))
    return records


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _record(number: int, split: Split, chances: Floats, labels: Any, rate: float) -> EpochRecord:
    n, classes = chances.shape
    losses = -np.log(np.maximum(chances[np.arange(n), labels], 1e-300))
    predicted = chances.argmax(axis=1)
    right = predicted == labels
    counts = [np.bincount(v, minlength=classes) for v in (labels, predicted, labels[right])]
    return EpochRecord(
        number,
        split,
        None,
        0.0,
        n=n,
        recomputed_loss=float(losses.mean()),
        loss_squares=float((losses**2).sum()),
        correct=float(right.sum()),
        judged=float(n),
        confidence=float(chances.max(axis=1).mean()),
        calibration_gap=float(chances.max(axis=1).mean() - right.mean()),
        class_counts=[
            {"label": i, "count": int(a), "predicted": int(b), "correct": int(c)}
            for i, (a, b, c) in enumerate(zip(*counts, strict=True))
        ],
        coverage=1.0,
        learning_rate=rate,
    )
