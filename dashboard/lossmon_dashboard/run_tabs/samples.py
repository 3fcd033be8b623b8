"""The validation samples: which are mistaken, which cost most, which turned between two epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, html, no_update

from lossmon.analysis import class_levels, confusion
from lossmon.records import SampleRecord
from lossmon_dashboard import figures
from lossmon_dashboard.components.choice import choice
from lossmon_dashboard.components.epochs import epoch_pair, pair_followed
from lossmon_dashboard.components.panel import chart, drawn, keep_view, panel, scrolled
from lossmon_dashboard.components.samples import (
    KINDS,
    has_classes,
    is_judged,
    sample_columns,
    sample_grid,
    sample_rows,
    turned_table,
)
from lossmon_dashboard.export import export_link
from lossmon_dashboard.run_tabs.absence import Absence, absent_panel, no_samples, read_rows
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme

KEY = "samples"
TITLE = "Samples"

NONE = "No validation samples of this output are recorded yet."
CHOOSE = "Samples belong to an output: choose one above."
UNJUDGED = "They are not predicted right or wrong: told is the loss of each, and how it changed."


def content(run: OpenedRun) -> list[Any]:
    """The panels, to be filled by callbacks; a sentence where there are no samples."""
    absence = _absence(run)
    if absence is not None:
        return [absent_panel(absence)]
    full = export_link(run.id, "samples", output=run.output)
    known = current_store().sample_epochs(run.id, output=run.output)
    kind = run.query.get("kind", "worst")
    records = chosen_records(run.id, run.output, None)
    known_of = records[-1] if records else None
    return [
        panel(
            "Two epochs",
            "Everything below is of the later epoch, and of what changed since the earlier one: "
            "the one of the least loss unless it is the last, then the first.",
            epoch_pair("run-pair", known, run.query.get("epochs"), earlier=_least(run, known) or 1),
            dmc.Text(id="run-samples-said", size="sm"),
            scrolled("What became of the samples", id="run-turned"),
        ),
        panel(
            "Samples",
            "At most 100 of a kind, the worst first. Samples are numbered from 0, as in the "
            "arrays that were given as validation data.",
            html.Div(
                choice("run-kind", "Which samples", kind if kind in KINDS else "worst", _kinds()),
                id="run-kinds",
                hidden=not _judged(known_of),
            ),
            sample_grid("run-samples", known_of),
        ),
        html.Div(_class_panels(full), id="run-classes", hidden=not _classed(known_of)),
    ]


def _least(run: OpenedRun, known: Sequence[int]) -> int | None:
    """The recorded epoch of the least validation loss, from 1, unless that is the last one."""
    rows = current_store().epoch_rows(
        run.id, "val", run.output, columns=["epoch", "split", "output", "recomputed_loss"]
    )
    losses = {row["epoch"]: row["recomputed_loss"] for row in rows}
    judged = [(losses[e], e) for e in known if losses.get(e) is not None and losses[e] == losses[e]]
    best = min(judged)[1] if judged else None
    return None if best is None or best == known[-1] else best + 1


def _class_panels(full: str) -> dmc.SimpleGrid:
    return dmc.SimpleGrid(
        [
            panel(
                "What is mistaken for what",
                "Rows are true classes, columns predictions. Off the diagonal, the darker the "
                "cell, the larger the share of its class.",
                chart("run-mistaken", "Samples by true and by predicted class", full=full),
            ),
            panel(
                "Class by class",
                "Which classes the loss comes from, the costliest on top, and how many of "
                "each are predicted right.",
                chart("run-by-class", "Mean loss and share right of each class", full=full),
            ),
        ],
        cols={"base": 1, "md": 2},
        spacing="md",
    )


def _judged(record: SampleRecord | None) -> bool:
    """Whether it may be asked which samples turned wrong: what is not known may be asked."""
    return record is None or is_judged(record)


def _classed(record: SampleRecord | None) -> bool:
    return record is None or has_classes(record)


def _absence(run: OpenedRun) -> Absence | None:
    store = current_store()
    names = {None, *(output["name"] for output in run.outputs)}
    if any(store.sample_epochs(run.id, output=name) for name in names):
        return None
    rows, ended = read_rows(run)
    return no_samples(rows, ended=ended)


def _kinds() -> list[dict[str, str]]:
    return [{"value": key, "label": label} for key, label in KINDS.items()]


def register(app: dash.Dash) -> None:
    """Connect the panels to the run, its output, the epochs and the colour scheme."""

    @app.callback(
        Output("run-pair", "max"),
        Output("run-pair", "marks"),
        Output("run-pair", "value"),
        Output("run-pair", "disabled"),
        Input("run-news", "data"),
        Input("run-output", "value"),
        State("run-pair", "max"),
        State("run-pair", "value"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    def follow(_: Any, output: str, last: int, at: Any, run: str) -> tuple[Any, ...]:
        known = current_store().sample_epochs(run, output=output or None)
        return pair_followed(known, last, at)

    @app.callback(
        Output("run-samples-said", "children"),
        Output("run-turned", "children"),
        Output("run-samples", "rowData"),
        Output("run-samples", "columnDefs"),
        Output("run-kinds", "hidden"),
        Output("run-classes", "hidden"),
        Input("run-pair", "value"),
        Input("run-output", "value"),
        Input("run-kind", "value"),
        State("run-id", "data"),
    )
    def tell(pair: Any, output: str, kind: str, run: str) -> tuple[Any, ...]:
        return told_samples(run, output or None, pair, kind)

    @app.callback(
        Output(drawn("run-mistaken"), "data"),
        Output(drawn("run-by-class"), "data"),
        Input("run-pair", "value"),
        Input("run-output", "value"),
        Input("scheme", "data"),
        State("run-id", "data"),
    )
    def draw(pair: Any, output: str, scheme: Scheme | None, run: str) -> tuple[Any, Any]:
        if scheme is None:
            return no_update, no_update
        return class_figures(chosen_records(run, output or None, pair)[-1:], scheme)

    keep_view(app, "run-mistaken", "run-by-class")
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "rememberSamples"),
        Input("run-pair", "value"),
        Input("run-kind", "value"),
    )


def chosen_records(run: str, output: str | None, pair: Sequence[int] | None) -> list[SampleRecord]:
    """The samples of the two epochs, or of those next to them that were recorded."""
    store = current_store()
    known = store.sample_epochs(run, output=output)
    if not known:
        return []
    wanted = pair or (1, known[-1] + 1)
    epochs = {min(known, key=lambda one, at=at: abs(one - (at - 1))) for at in wanted}
    return store.sample_records(run, sorted(epochs), output=output)


def told_samples(
    run: str, output: str | None, pair: Sequence[int] | None, kind: str
) -> tuple[Any, ...]:
    """What fills the panels of samples, and which of them have nothing to show."""
    records = chosen_records(run, output, pair)
    if not records:
        return _why_none(run, output), None, [], sample_columns(None), False, False
    before, after = records[0], records[-1]
    return (
        _said(before, after),
        turned_table(before, after),
        sample_rows(before, after, kind),
        sample_columns(after),
        not _judged(after),
        not _classed(after),
    )


def class_figures(records: Sequence[SampleRecord], scheme: Scheme) -> tuple[Any, Any]:
    """Confusion and classes of the samples of one epoch; of none where there are no samples."""
    return (
        figures.plot_mistaken(confusion(records[0]) if records else None, scheme),
        figures.plot_by_class(class_levels(records[0]) if records else [], scheme),
    )


def _said(before: SampleRecord, after: SampleRecord) -> str:
    of = f"{len(after.loss):,} validation samples, epoch {after.epoch + 1}"
    said = of if before is after else f"{of} against epoch {before.epoch + 1}"
    return said if is_judged(after) else f"{said}. {UNJUDGED}"


def _why_none(run: str, output: str | None) -> str:
    several = len(current_store().output_rows(run)) > 1
    return CHOOSE if several and output is None else NONE
