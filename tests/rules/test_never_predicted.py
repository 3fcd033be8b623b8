"""A class that is never predicted is told where an accuracy hides it, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lossmon.records import EpochRecord, Finding, LossSpec, MetricSpec, OutputRecord
from lossmon.rules import Facts, OutputFacts, describe_labels, describe_predictions, run_rules
from tests.rules.simulated import healthy

ACCURACY = MetricSpec("accuracy", "binary_accuracy", {"threshold": 0.5})
RECORD = OutputRecord(
    None,
    shape=(None, 1),
    loss=LossSpec("binary_crossentropy"),
    accuracy_metric=ACCURACY,
    metrics=(ACCURACY,),
)
OUTPUT = OutputFacts(
    RECORD,
    describe_labels(np.array([[0.0], [1.0]])),
    describe_predictions(np.array([[0.1], [0.2]])),
    compiled_used=True,
)
# The label entropy is 0.325.
LOSSES = [0.3, 0.27, 0.26, 0.255, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25]


def epoch(number: int, loss: float = 0.25, found: int = 0, **more: Any) -> EpochRecord:
    """Nine hundred of class 0, a hundred of class 1, of which some are found."""
    counts = [
        {"label": 0, "count": 900, "predicted": 1000 - found, "correct": 900},
        {"label": 1, "count": 100, "predicted": found, "correct": found},
    ]
    usual: dict[str, Any] = {
        "n": 1000,
        "recomputed_loss": loss,
        "loss_squares": 200.0,
        "correct": 900.0 + found,
        "judged": 1000.0,
        "class_counts": counts,
        "coverage": 1.0,
    }
    return EpochRecord(number, "val", None, 0.0, **(usual | more))


def told(epochs: Sequence[EpochRecord], output: OutputFacts = OUTPUT) -> list[Finding]:
    return run_rules(Facts((output,)).after((), epochs), ["LM416"])


def epochs(losses: Sequence[float] = LOSSES, found: int = 0, **more: Any) -> list[EpochRecord]:
    return [epoch(i, loss, found, **more) for i, loss in enumerate(losses)]


def with_metrics(*metrics: MetricSpec, **changes: Any) -> OutputFacts:
    record = replace(RECORD, metrics=(ACCURACY, *metrics), **changes)
    return replace(OUTPUT, record=record)


def test_a_class_that_is_never_predicted_is_told_with_what_hides_it() -> None:
    (finding,) = told([*epochs(LOSSES[:2], found=5), *[e for e in epochs() if e.epoch > 1]])
    assert finding.severity == "info"
    assert finding.message == (
        "the output never predicted class 1 since epoch 3 (of 10), which 100 of 1000 validation "
        "labels name. Its accuracy, 90.0%, hides that: one answer to everything would have 90.0%. "
        "Its loss, 0.25, is better than a constant's, 0.3251: it does tell samples apart."
    )
    assert finding.fix.startswith("model.fit(x, y, class_weight={1: 9})")
    assert finding.evidence["missed_classes"] == [1]
    assert finding.evidence["missed_samples"] == 100


def test_of_an_output_among_several_it_is_shown_how_near_the_class_comes() -> None:
    records = [replace(e, output="kind") for e in epochs()]
    named = replace(OUTPUT, record=replace(RECORD, name="kind"), place=1)
    (finding,) = told(records, named)
    assert finding.fix == "print(keras.tree.flatten(model.predict(x_val))[1][..., 0].max())"


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (0.32, "Its loss, 0.32, is hardly better than a constant's, 0.3251."),
        (0.34, "Its loss, 0.34, is no better than a constant's, 0.3251."),
    ],
)
def test_of_nine_tenths_of_one_class_it_is_told_of_a_loss_no_better_than_a_constants(
    loss: float, said: str
) -> None:
    (finding,) = told(epochs([0.4, 0.36, *[loss] * 8]))
    assert finding.message.endswith(said)


def test_once_no_epoch_will_come_a_loss_that_fell_to_the_end_is_no_reason_to_wait() -> None:
    records = epochs([0.5 * 0.93**i for i in range(10)])
    assert told(records) == []
    ended = Facts((OUTPUT,)).after((), records, ended=True)
    assert [finding.code for finding in run_rules(ended, ["LM416"])] == ["LM416"]


RARE = [
    {"label": 0, "count": 984, "predicted": 1000, "correct": 984},
    {"label": 1, "count": 16, "predicted": 0, "correct": 0},
]
COMMON = [
    {"label": 0, "count": 850, "predicted": 1000, "correct": 850},
    {"label": 1, "count": 150, "predicted": 0, "correct": 0},
]
SEVERAL = [
    {"label": 0, "count": 900, "predicted": 990, "correct": 890},
    {"label": 1, "count": 100, "predicted": 0, "correct": 0},
]


@pytest.mark.parametrize(
    "records",
    [
        epochs(found=1),
        [*epochs()[:-1], epoch(9, found=1)],
        epochs([0.3] * 4),
        epochs([0.45, 0.43, *[0.42] * 8], class_counts=COMMON),  # no better than a constant
        epochs([0.5 * 0.93**i for i in range(10)]),  # still learns
        epochs([0.04] * 10, class_counts=RARE),
        epochs(class_counts=SEVERAL),
        epochs(class_counts=None),
        # A hundred pixels of each picture: those of one go together.
        epochs(n=10),
    ],
    ids=["found", "found last", "few", "constant", "falls", "rare", "several", "none", "pixels"],
)
def test_what_is_not_known_to_be_missed_is_not_told(records: list[EpochRecord]) -> None:
    assert told(records) == []


@pytest.mark.parametrize(
    "output",
    [
        with_metrics(MetricSpec("recall", "recall")),
        with_metrics(MetricSpec("auc", "auc")),
        with_metrics(MetricSpec("own", "macro", custom=True)),
        with_metrics(accuracy_metric=None),
        with_metrics(accuracy_metric=replace(ACCURACY, config={"threshold": 0.2})),
        with_metrics(intended_metric=ACCURACY),
        replace(OUTPUT, weighted=True),
        replace(OUTPUT, compiled_used=False),
    ],
)
def test_whoever_goes_by_more_than_an_accuracy_is_told_nothing(output: OutputFacts) -> None:
    assert told(epochs(), output) == []


def test_a_loss_as_metric_hides_it_as_well() -> None:
    assert told(epochs(), with_metrics(MetricSpec("mse", "mean_squared_error")))


def test_healthy_runs_predict_each_class() -> None:
    named = [
        seed
        for seed in range(200)
        for learner, run in [healthy(seed)]
        if run_rules(learner.after(run), ["LM416"])
    ]
    assert named == []
