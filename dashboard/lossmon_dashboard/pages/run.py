"""One run: what happened, and can its numbers be trusted?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, no_update

from lossmon.analysis import Divergence, explain_divergence, explain_splits
from lossmon.store import Store
from lossmon_dashboard import figures
from lossmon_dashboard.clock import viewer_zone
from lossmon_dashboard.components.accuracy_meaning import accuracy_meanings, accuracy_panel
from lossmon_dashboard.components.divergence import divergence_panel
from lossmon_dashboard.components.findings import finding_panel
from lossmon_dashboard.components.notice import not_found
from lossmon_dashboard.components.panel import drawn, keep_view
from lossmon_dashboard.components.printed_and_meant import printed_and_meant
from lossmon_dashboard.components.run_header import run_header, run_summary
from lossmon_dashboard.components.run_panels import output_choices, run_panels
from lossmon_dashboard.components.run_settings import run_settings
from lossmon_dashboard.components.verification import (
    verification_rows,
    verification_summary,
)
from lossmon_dashboard.figures.history import HistoryView, batch_column
from lossmon_dashboard.links import RUN
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH, Scheme

PATH = RUN
NAME = "Run"
Row = Mapping[str, Any]


def layout(argument: str | None = None, **query: str) -> dmc.Container | dmc.Center:
    """The page of a run, to be filled by callbacks.

    Args:
        argument: id, unique prefix or name of the run, or `latest`.
        query: the view, see `HistoryView`.

    Raises:
        RunNotFound: no run, or several, answer to that name.
        StoreError: the database cannot be read.
    """
    if argument is None:
        return not_found("This address names no run.")
    store = current_store()
    run = store.resolve(argument)
    outputs = store.output_rows(run)
    view = HistoryView.from_query(query)
    return dmc.Container(
        dmc.Stack(
            [
                dcc.Store(id="run-id", data=run),
                dcc.Store(id="run-span"),
                *run_panels(outputs, view),
            ],
            gap="md",
        ),
        size=PAGE_WIDTH,
        px=0,
    )


def register(app: dash.Dash) -> None:
    """Connect the panels to the run, the controls and the colour scheme."""

    @app.callback(
        Output("run-header", "children"),
        Output("run-findings", "children"),
        Output("run-accuracy", "children"),
        Output("run-divergence", "children"),
        Output("run-printed", "children"),
        Output("run-verification", "rowData"),
        Output("run-verified", "children"),
        Output("run-settings", "children"),
        Output("run-output", "data"),
        Output("run-output-choice", "hidden"),
        Input("revision", "data"),
        Input("run-id", "data"),
    )
    def describe(_: Any, run: str) -> tuple[Any, ...]:
        return described(run)

    @app.callback(
        Output(drawn("run-history"), "data"),
        inputs={
            "revision": Input("revision", "data"),
            "chosen": {
                "detail": Input("run-detail", "value"),
                "value": Input("run-value", "value"),
                "output": Input("run-output", "value"),
            },
            "log": Input("run-log", "checked"),
            "scheme": Input("scheme", "data"),
            "place": {"span": Input("run-span", "data"), "run": State("run-id", "data")},
        },
    )
    def draw_history(
        revision: Any,
        chosen: dict[str, str],
        log: bool,
        scheme: Scheme | None,
        place: dict[str, Any],
    ) -> Any:
        del revision
        if scheme is None:
            return no_update
        return history_figure(place["run"], chosen_view(chosen, log), scheme, place["span"])

    @app.callback(
        Output(drawn("run-right-and-wrong"), "data"),
        Output(drawn("run-calibration"), "data"),
        Output(drawn("run-reliability"), "data"),
        Output("run-confidence", "display"),
        Input("revision", "data"),
        Input("run-output", "value"),
        Input("scheme", "data"),
        State("run-id", "data"),
    )
    def draw_confidence(_: Any, output: str, scheme: Scheme | None, run: str) -> tuple[Any, ...]:
        if scheme is None:
            return (no_update,) * 4
        rows = current_store().epoch_rows(run, output=output or None)
        drawings = confidence_figures(rows, scheme)
        for figure in drawings:
            figure.update_layout(uirevision=f"{run}/{output}")
        return *drawings, "grid" if has_confidence(rows) else "none"

    keep_view(app, "run-history", "run-right-and-wrong", "run-calibration", "run-reliability")
    app.clientside_callback(
        ClientsideFunction("lossmon", "shownSpan"),
        Output("run-span", "data"),
        Input("run-history", "relayoutData"),
        State("run-span", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("lossmon", "nameTab"), Input("run-header", "children")
    )
    app.clientside_callback(
        ClientsideFunction("lossmon", "rememberRun"),
        Input("run-detail", "value"),
        Input("run-value", "value"),
        Input("run-log", "checked"),
        Input("run-output", "value"),
    )


def described(run: str) -> tuple[Any, ...]:
    """What fills the panels of a run of the database."""
    return description(current_store().run_document(run), explained(run))


def description(document: Row, episodes: Sequence[Divergence] = ()) -> tuple[Any, ...]:
    """What fills the panels of a run, the charts apart, in the order of their outputs.

    Args:
        document: the run.
        episodes: where its loss and accuracy part ways.
    """
    return (
        [run_header(document, viewer_zone()), run_summary(document)],
        finding_panel(document["findings"], document["rules"]),
        accuracy_panel(accuracy_meanings(document)),
        divergence_panel(episodes, explain_splits(document["epochs"], document["outputs"])),
        printed_and_meant(document["epochs"]),
        verification_rows(document["epochs"]),
        verification_summary(document["epochs"]),
        run_settings(document),
        *output_choices(document["outputs"]),
    )


def chosen_view(chosen: Mapping[str, str], log: bool) -> HistoryView:
    """The view that the controls stand at."""
    query = {key: value for key, value in chosen.items() if value}
    return HistoryView.from_query(query | ({"scale": "log"} if log else {}))


def history_figure(
    run: str, view: HistoryView, scheme: Scheme, span: Sequence[float] | None = None
) -> Any:
    """The chart of loss and accuracy; zoom is kept while the run and its output stay the same.

    Args:
        run: the run.
        view: what to show of it.
        scheme: the colour scheme to draw for.
        span: the first and last step that the reader has zoomed to: only what is near is then
            drawn, and more finely; None for the whole run.
    """
    store = current_store()
    columns = sorted(
        {batch_column("loss", view), batch_column("accuracy", view), "loss", "accuracy"}
    )
    steps = steps_around(span)
    batches = store.batch_series(run, columns, split="train", output=view.output, step_range=steps)
    epochs = store.epoch_rows(
        run, output=view.output, columns=figures.HISTORY_COLUMNS, step_range=steps
    )
    figure = figures.plot_history(epochs, batches, view, scheme, diverging_steps(run, view.output))
    return figure.update_layout(uirevision=f"{run}/{view.output}/{view.log}")


def diverging_steps(run: str, output: str | None) -> list[tuple[int, int]]:
    """The first and last step of each span in which loss and accuracy of an output part ways."""
    rows = current_store().epoch_rows(run, output=output, columns=("epoch", "split", "step"))
    ends = {row["epoch"]: row["step"] for row in rows}
    spans = [(e.first_epoch, e.last_epoch) for e in explained(run) if e.output == output]
    return [(ends[first], ends[last]) for first, last in spans if first in ends and last in ends]


def explained(run: str) -> tuple[Divergence, ...]:
    """Where loss and accuracy of a run of the database part ways, found anew with each epoch."""
    store = current_store()
    times = [row["time"] for row in store.epoch_rows(run, columns=("epoch", "split", "time"))]
    return _explained(store, run, len(times), max(times, default=0.0))


@lru_cache(maxsize=32)
def _explained(store: Store, run: str, _rows: int, _newest: float) -> tuple[Divergence, ...]:
    """Kept, because the samples of all epochs are read for it and zooming changes nothing."""
    epochs, outputs = store.epoch_rows(run), store.output_rows(run)
    return tuple(explain_divergence(epochs, outputs, store.sample_reader(run)))


def steps_around(span: Sequence[float] | None) -> tuple[int, int] | None:
    """The steps of a span, and half as many on both sides, so that lines go on beyond the edge."""
    if span is None:
        return None
    first, last = sorted(span)
    room = (last - first) / 2
    return max(0, math.floor(first - room)), max(0, math.ceil(last + room))


def confidence_figures(rows: Sequence[Row], scheme: Scheme) -> tuple[Any, Any, Any]:
    """Right and wrong, calibration gap and reliability of one output."""
    val = [row for row in rows if row["split"] == "val"]
    bins = max(val, key=lambda row: row["epoch"])["reliability"] if val else None
    return (
        figures.plot_right_and_wrong(rows, scheme),
        figures.plot_calibration(rows, scheme),
        figures.plot_reliability(bins, scheme),
    )


def has_confidence(rows: Sequence[Row]) -> bool:
    """Whether there is anything to say of confidence, or of right and wrong predictions."""
    measured = ("loss_wrong", "loss_correct", "calibration_gap", "reliability")
    return any(row[name] is not None for row in rows for name in measured)
