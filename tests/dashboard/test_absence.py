"""A tab that can never be filled says why, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from lossmon_dashboard.run_tabs.absence import (
    MOST_SAMPLES,
    Absence,
    no_accuracy,
    no_calibration,
    no_samples,
    no_temperature,
)
from lossmon_dashboard.shell import render

from lossmon.capture.samples import SAMPLES
from tests.dashboard.tree import components, words


def row(**values: Any) -> dict[str, Any]:
    unknown = ("accuracy", "recomputed_accuracy", "correct", "confidence", "reason")
    known = dict.fromkeys(unknown)
    return {"split": "val", "n": 384, "status": "verified", **known, **values}


SQUARED = [{"loss": "mean_squared_error"}, {"loss": "huber"}, {"loss": None}]
SPARSE = [{"loss": "sparse_categorical_crossentropy"}]


def said(absence: Absence | None) -> str:
    assert absence is not None
    return " ".join(part for part in absence if part is not None)


@pytest.mark.parametrize("ended", [True, False])
def test_a_regression_has_nothing_to_calibrate_and_no_accuracy(ended: bool) -> None:
    rows = [row()]
    told = said(no_calibration(rows, SQUARED, ended=ended))
    assert "a regression (huber, mean_squared_error)" in told
    assert "near or far, not right" in said(no_accuracy(rows, SQUARED, ended=ended))
    printed = said(no_accuracy([row(accuracy=0.0)], SQUARED, ended=ended))
    assert "does not apply to a regression" in printed
    assert printed.endswith("The accuracy that it prints says nothing of them.")
    # A regression loss on class probabilities is known by its values.
    assert no_accuracy([row(accuracy=0.5, correct=192)], SQUARED, ended=ended) is None
    assert no_calibration([row(confidence=0.9)], SQUARED, ended=ended) is None


def test_what_could_not_be_judged_says_why() -> None:
    rows = [row(status="unverified", reason="the train step never calls compute_metrics")]
    told = said(no_calibration(rows, SPARSE, ended=True))
    assert told.endswith("could not be judged: the train step never calls compute_metrics.")
    assert 'metrics=["accuracy"]' in said(no_accuracy(rows, SPARSE, ended=True))
    assert no_accuracy([row(accuracy=0.5)], SPARSE, ended=True) is None


def test_predictions_that_are_no_probabilities_are_said_to_be_none() -> None:
    told = said(no_calibration([row(correct=300)], SPARSE, ended=True))
    assert "not all probabilities" in told
    assert no_calibration([row(correct=300, confidence=0.9)], SPARSE, ended=True) is None


def test_what_may_still_come_is_waited_for() -> None:
    assert no_calibration([], SPARSE, ended=False) is None
    assert no_accuracy([], SPARSE, ended=False) is None
    assert no_samples([row()], ended=False) is None
    for absence in (no_calibration([], SPARSE, ended=True), no_accuracy([], SQUARED, ended=True)):
        assert "ended before its first epoch" in said(absence)


@pytest.mark.parametrize(
    ("rows", "known", "told"),
    [
        ([row(nll=None)], {"sampled": True}, "which the values of this output are not"),
        ([row(nll=None)], {}, "which were not recorded"),
        ([row(split="train", nll=None)], {}, "no validation data"),
        ([row(nll=None)], {"several": True}, "choose one"),
        # Of a training that goes on they may still come.
        ([row(nll=None)], {"sampled": True, "ended": False}, "which the values of this output"),
        ([row(nll=None)], {"ended": False}, None),
        ([row(split="train", nll=None)], {"ended": False}, None),
        ([row(nll=0.3), row(nll=None)], {}, None),
    ],
)
def test_a_recoverable_loss_that_never_comes_says_why(
    rows: list[dict[str, Any]], known: dict[str, bool], told: str | None
) -> None:
    why = no_temperature(rows, **{"several": False, "sampled": False, "ended": True, **known})
    assert why is None if told is None else told in str(why)


def test_samples_that_were_not_recorded_say_what_records_them() -> None:
    assert "validation_data=" in said(no_samples([row(split="train")], ended=True))
    assert "Monitor(samples=60_000)" in said(no_samples([row(n=54_321)], ended=True))
    assert 'Monitor(verify="full")' in said(no_samples([row()], ended=True))
    told = said(no_samples([row(status="unverified", reason="verify='off'")], ended=True))
    assert told.endswith("could not be judged: verify='off'.")
    assert MOST_SAMPLES == SAMPLES


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("run", "tab", "told"),
    [
        ("diabetes", "calibration", "Nothing to calibrate This is a regression"),
        ("diabetes", "divergence", "No accuracy to set against the loss"),
        ("diabetes", "samples", "No samples The validation samples of this run were not"),
    ],
)
def test_such_a_tab_has_no_charts(run: str, tab: str, told: str) -> None:
    page = render(f"/run/{run}", f"?tab={tab}")
    assert told in words(page)
    assert not [part for part in components(page) if type(part).__name__ in ("Graph", "AgGrid")]
