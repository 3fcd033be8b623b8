"""Each chart of the dashboard from a database, in one call: for notebooks, reports and scripts.

    figures.history_of(lossmon.open_store(), "latest", axis="epoch").show()

A `run` is named as everywhere: by id, unique prefix, name or "latest", and `RunNotFound` is raised
where that fails; `output` is an output's name, None for the only one or the model as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from lossmon.analysis import class_levels, confusion
from lossmon.records import Split
from lossmon.store import Store
from lossmon_dashboard import figures
from lossmon_dashboard.figures.history_view import HistoryView
from lossmon_dashboard.run_tabs.history import read_history
from lossmon_dashboard.theme import Scheme


def history_of(store: Store, run: str, scheme: Scheme = "light", **view: Any) -> go.Figure:
    """Loss and accuracy over the training, with findings and episodes on the axis.

    Args:
        store: the database.
        run: the run.
        scheme: the colour scheme to draw for.
        view: fields of `HistoryView`: `axis`, `smooth`, `detail`, `value`, `log`, `output`.
    """
    return go.Figure(read_history(store, store.resolve(run), HistoryView(**view)).figure(scheme))


def calibration_of(
    store: Store, run: str, output: str | None = None, scheme: Scheme = "light"
) -> go.Figure:
    """Mean confidence minus share right, epoch by epoch.

    Args:
        store: the database.
        run: the run: its id, a unique prefix of that, its name, or "latest".
        output: an output's name; None for the only one, or the model as a whole.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    return _of_epochs(figures.plot_calibration, store, run, output, scheme)


def recoverable_of(
    store: Store, run: str, output: str | None = None, scheme: Scheme = "light"
) -> go.Figure:
    """How much of the validation loss is wrong confidence alone, epoch by epoch.

    Args:
        store: the database.
        run: the run: its id, a unique prefix of that, its name, or "latest".
        output: an output's name; None for the only one, or the model as a whole.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    return _of_epochs(figures.plot_recoverable, store, run, output, scheme)


def right_and_wrong_of(
    store: Store, run: str, output: str | None = None, scheme: Scheme = "light"
) -> go.Figure:
    """Mean loss over right and over wrong predictions, epoch by epoch.

    Args:
        store: the database.
        run: the run: its id, a unique prefix of that, its name, or "latest".
        output: an output's name; None for the only one, or the model as a whole.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    return _of_epochs(figures.plot_right_and_wrong, store, run, output, scheme)


def gap_of(
    store: Store, run: str, output: str | None = None, scheme: Scheme = "light"
) -> go.Figure:
    """Printed minus recomputed loss and accuracy, epoch by epoch.

    Args:
        store: the database.
        run: the run: its id, a unique prefix of that, its name, or "latest".
        output: an output's name; None for the only one, or the model as a whole.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    return _of_epochs(figures.plot_gap, store, run, output, scheme)


def printed_of(
    store: Store, run: str, output: str | None = None, scheme: Scheme = "light"
) -> go.Figure:
    """The printed accuracy against the one that was meant, epoch by epoch.

    Args:
        store: the database.
        run: the run: its id, a unique prefix of that, its name, or "latest".
        output: an output's name; None for the only one, or the model as a whole.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    return _of_epochs(figures.plot_printed, store, run, output, scheme)


def reliability_of(
    store: Store,
    run: str,
    epoch: int | None = None,
    output: str | None = None,
    scheme: Scheme = "light",
) -> go.Figure:
    """Share predicted right by confidence, in one validation epoch from 0; None for the last.

    Args:
        store: the database.
        run: the run: its id, a unique prefix of that, its name, or "latest".
        epoch: from 0; None for the last one that was recorded.
        output: an output's name; None for the only one, or the model as a whole.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    rows = store.epoch_rows(run, split="val", output=output)
    found = [row for row in rows if epoch is None or row["epoch"] == epoch]
    return figures.plot_reliability(found[-1]["reliability"] if found else None, scheme)


def mistaken_of(
    store: Store,
    run: str,
    epoch: int | None = None,
    output: str | None = None,
    scheme: Scheme = "light",
) -> go.Figure:
    """The confusion matrix of one validation epoch from 0; None for the last.

    Args:
        store: the database.
        run: the run: its id, a unique prefix of that, its name, or "latest".
        epoch: from 0; None for the last one that was recorded.
        output: an output's name; None for the only one, or the model as a whole.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    record = store.samples(run, epoch, output=output)
    return figures.plot_mistaken(None if record is None else confusion(record), scheme)


def by_class_of(
    store: Store,
    run: str,
    epoch: int | None = None,
    output: str | None = None,
    scheme: Scheme = "light",
) -> go.Figure:
    """Loss and share right of each class in one validation epoch from 0; None for the last.

    Args:
        store: the database.
        run: the run: its id, a unique prefix of that, its name, or "latest".
        epoch: from 0; None for the last one that was recorded.
        output: an output's name; None for the only one, or the model as a whole.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    record = store.samples(run, epoch, output=output)
    return figures.plot_by_class([] if record is None else class_levels(record), scheme)


def overlay_of(
    store: Store, runs: Sequence[str], split: Split = "val", scheme: Scheme = "light"
) -> go.Figure:
    """Loss and accuracy of several runs by epoch.

    Args:
        store: the database.
        runs: the runs, each named as everywhere.
        split: "train" or "val".
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    return figures.plot_overlay([store.run(run) for run in runs], split, scheme)


def pareto_of(store: Store, runs: Sequence[str], scheme: Scheme = "light") -> go.Figure:
    """Validation loss against validation accuracy of several runs.

    Args:
        store: the database.
        runs: the runs, each named as everywhere.
        scheme: "light" or "dark".

    Raises:
        RunNotFound: there is no such run.
    """
    return figures.plot_pareto([store.run(run) for run in runs], scheme)


def _of_epochs(
    plot: Callable[[Any, Scheme], go.Figure],
    store: Store,
    run: str,
    output: str | None,
    scheme: Scheme,
) -> go.Figure:
    return plot(store.epoch_rows(run, output=output), scheme)
