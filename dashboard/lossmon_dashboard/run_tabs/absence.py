"""Why a tab of a run has nothing to show, and what to do about it.

A tab that can never be filled says so instead of showing empty charts. Where values may still
come, as in a run whose first epoch has not ended, nothing is said: the charts will fill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import dash_mantine_components as dmc

from lossmon.analysis import no_confidence
from lossmon.rules.families import REGRESSION_LOSSES
from lossmon_dashboard.components.code import paste_ready
from lossmon_dashboard.components.panel import panel
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store

Row = Mapping[str, Any]

MOST_SAMPLES = 20_000
"""What `Monitor` records sample by sample where nothing else is asked for."""

COLUMNS = (
    *("split", "n", "accuracy", "recomputed_accuracy", "correct", "confidence", "status", "reason"),
)
"""What is read of each epoch."""


class Absence(NamedTuple):
    """What is missing, why, and the code that brings it in the next run, where there is such."""

    title: str
    words: str
    code: str | None = None


def absent_panel(absence: Absence) -> dmc.Paper:
    """The panel that stands in place of all others."""
    code = () if absence.code is None else (paste_ready(absence.code),)
    return panel(absence.title, absence.words, *code)


def read_rows(run: OpenedRun) -> tuple[Sequence[Row], bool]:
    """The epochs of a run, and whether no more will come."""
    store = current_store()
    ended = store.run_summary(run.id)["status"] != "running"
    return store.epoch_rows(run.id, columns=COLUMNS), ended


def no_calibration(rows: Sequence[Row], outputs: Iterable[Row], *, ended: bool) -> Absence | None:
    """Why nothing is known of how sure the model is; None where something is, or may come.

    Args:
        rows: the epochs, with `COLUMNS`.
        outputs: the outputs of the model.
        ended: whether no more epochs will come.
    """
    title = "Nothing to calibrate"
    if any(row["confidence"] is not None for row in rows):
        return None
    if not rows:
        return _no_epoch(title) if ended else None
    losses = sorted({output["loss"] for output in outputs if output["loss"]})
    if losses and REGRESSION_LOSSES.issuperset(losses):
        return Absence(
            title,
            f"This is a regression ({', '.join(losses)}): its outputs are values, not the "
            "probabilities of classes. Calibration asks of a classifier whether it is as often "
            "right as it is sure.",
        )
    return Absence(
        title,
        "Calibration asks whether a classifier is as often right as it is sure, for which its "
        "outputs must be the probabilities of one class. "
        f"{no_confidence(rows[-1]) or _unknown(rows)}",
    )


def no_temperature(rows: Sequence[Row], *, several: bool, sampled: bool, ended: bool) -> str | None:
    """Why there is no recoverable loss; None where there is, or may come.

    Args:
        rows: the epochs of what is looked at, with `split` and `nll`.
        several: whether that is a model of several outputs as a whole.
        sampled: whether its validation samples were recorded one by one.
        ended: whether no more epochs will come.
    """
    validated = [row for row in rows if row["split"] == "val"]
    if any(row["nll"] is not None for row in validated):
        return None
    if several:
        return "Each output has its own: choose one above."
    if not validated:
        return "None: this run had no validation data." if ended else None
    if sampled:
        return (
            "None: a temperature scales the probabilities of classes, which the values of this "
            "output are not (or they are more than two million an epoch)."
        )
    if not ended:
        return None
    return (
        "None: the temperature is found from validation samples one by one, which were not "
        "recorded. The tab Samples says why."
    )


def no_accuracy(rows: Sequence[Row], outputs: Iterable[Row], *, ended: bool) -> Absence | None:
    """Why there is no accuracy for the loss to part ways with; arguments as above."""
    title = "No accuracy to set against the loss"
    if _known(rows, "correct", "confidence"):
        return None
    if not rows:
        return _no_epoch(title) if ended else None
    printed = _known(rows, "accuracy", "recomputed_accuracy")
    losses = sorted({output["loss"] for output in outputs if output["loss"]})
    if losses and REGRESSION_LOSSES.issuperset(losses):
        words = "This does not apply to a regression: its predictions are near or far, not right."
        meaningless = " The accuracy that it prints says nothing of them." if printed else ""
        return Absence(title, words + meaningless)
    if printed:
        return None
    return Absence(
        title,
        "Here is shown where loss and accuracy say different things. This run was compiled "
        "without an accuracy.",
        'model.compile(..., metrics=["accuracy"])',
    )


def no_samples(rows: Sequence[Row], *, ended: bool) -> Absence | None:
    """Why no validation sample was recorded, in a run of which none was; arguments as above."""
    title = "No samples"
    if not ended:
        return None
    validated = [row for row in rows if row["split"] == "val"]
    if not validated:
        return _no_validation(title)
    samples = max(row["n"] or 0 for row in validated)
    if samples > MOST_SAMPLES:
        most = -(-samples // 10_000) * 10_000
        return Absence(
            title,
            f"The validation data has {samples:,} samples. Up to {MOST_SAMPLES:,} are recorded "
            "one by one; more are when the monitor is told so.",
            f"lossmon.Monitor(samples={most:_})",
        )
    reason = _unknown(validated)
    if reason:
        return Absence(title, f"No sample of this run could be looked at. {reason}")
    return Absence(
        title,
        "The validation samples of this run were not recorded one by one: the monitor was told so "
        "(samples=False), it would have taken too long, or not all predictions could be seen. "
        "Whatever time it takes, they are recorded by:",
        'lossmon.Monitor(verify="full")',
    )


def _known(rows: Sequence[Row], *names: str) -> bool:
    return any(row[name] is not None for row in rows for name in names)


def _no_epoch(title: str) -> Absence:
    return Absence(title, "This run ended before its first epoch did.")


def _no_validation(title: str) -> Absence:
    return Absence(
        title,
        "This run had no validation data, of which each sample would be recorded.",
        "model.fit(x, y, validation_data=(x_val, y_val), callbacks=[lossmon.Monitor()])",
    )


def _unknown(rows: Sequence[Row]) -> str:
    """What kept the last epoch from being computed again."""
    last = rows[-1]
    reason = last["reason"] if last["status"] == "unverified" else None
    return f"Its predictions could not be judged: {reason}." if reason else ""
