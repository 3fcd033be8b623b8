"""A run as another program recorded it, and how its logged values become records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lossmon.records import BatchRecord, EpochRecord, RunStatus, Split

_SPLITS: tuple[tuple[Split, re.Pattern[str]], ...] = (
    ("val", re.compile(r"(val|valid|validation|eval)[_/.]")),
    ("train", re.compile(r"(train|training)[_/.]")),
)
_ACCURACY = re.compile(r"(.*[_/.])?(accuracy|acc)")
_RATES = ("learning_rate", "lr")


@dataclass(frozen=True, slots=True)
class Point:
    """What was logged at one moment.

    Attributes:
        epoch: from 0.
        step: optimiser steps made before, or whatever the program counted by.
        values: by key; those of validation data bear a prefix such as "val_".
        time: Unix seconds, where known.
    """

    epoch: int
    step: int
    values: Mapping[str, float]
    time: float | None = None


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A run of another program, as it is stored here.

    Attributes:
        name: of the run.
        program: what recorded it, such as "Keras CSVLogger".
        origin: where it was read from.
        epochs, batches: unverified records.
        project, config, tags, notes: as far as the program knew them.
        started, ended: Unix seconds.
        status: how it ended.
    """

    name: str
    program: str
    origin: str
    epochs: Sequence[EpochRecord]
    batches: Sequence[BatchRecord] = ()
    started: float = 0.0
    ended: float = 0.0
    status: RunStatus = "finished"
    project: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: tuple[str, ...] = ()
    notes: str | None = None


def reason(program: str) -> str:
    """Why no value of such a run is verified."""
    return f"imported from {program}: as it was logged, nothing was recomputed"


def epoch_records(points: Sequence[Point], program: str, time: float) -> list[EpochRecord]:
    """Turn what was logged once an epoch into records of the model as a whole.

    The logged loss stands for the epoch's own one too, because nothing else is known of it: where
    the model has penalties they are in it, and that of training is a running mean.

    Args:
        points: in order.
        program: what logged them.
        time: of the points that bear none, Unix seconds.
    """
    return [record for point in points for record in _of_epoch(point, program, time)]


def batch_records(points: Sequence[Point], program: str, time: float) -> list[BatchRecord]:
    """Turn what was logged once a training batch into records.

    Keras hands callbacks the running mean of an epoch: what was logged is taken for that.
    """
    found: list[BatchRecord] = []
    counted: dict[int, int] = {}
    for point in points:
        batch = counted[point.epoch] = counted.get(point.epoch, -1) + 1
        record = BatchRecord(
            step=point.step,
            epoch=point.epoch,
            batch=batch,
            split="train",
            output=None,
            time=time if point.time is None else point.time,
            reported_loss=point.values.get("loss"),
            reported_accuracy=_first(point.values, _accuracies(point.values)),
            learning_rate=_first(point.values, _RATES),
            reason=reason(program),
        )
        found.append(record)
    return found


def split_of(key: str) -> tuple[Split | None, str]:
    """The split that a key names, if it names one, and the key without that."""
    for split, prefix in _SPLITS:
        if match := prefix.match(key):
            return split, key[match.end() :]
    return None, key


def _of_epoch(point: Point, program: str, time: float) -> Iterator[EpochRecord]:
    by_split: dict[Split, dict[str, float]] = {"train": {}, "val": {}}
    for key, value in point.values.items():
        split, plain = split_of(key)
        by_split[split or "train"][plain] = value
    for split, values in by_split.items():
        if not values:
            continue
        loss, accuracy = values.get("loss"), _first(values, _accuracies(values))
        yield EpochRecord(
            epoch=point.epoch,
            split=split,
            output=None,
            time=time if point.time is None else point.time,
            step=point.step,
            reported_loss=loss,
            loss=loss,
            reported_accuracy=accuracy,
            accuracy=accuracy,
            learning_rate=_first(values, _RATES),
            reason=reason(program),
            reported=values,
        )


def _accuracies(values: Mapping[str, float]) -> list[str]:
    """The keys of accuracies, those of the whole model first."""
    return sorted(filter(_ACCURACY.fullmatch, values), key=len)


def _first(values: Mapping[str, float], keys: Sequence[str]) -> float | None:
    return next((values[key] for key in keys if key in values), None)
