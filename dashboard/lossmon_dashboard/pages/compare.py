"""Several runs over one another: which is better, and what was different?"""

from __future__ import annotations

from typing import Any, Literal, get_args

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon.analysis import Need
from lossmon.records import Split
from lossmon_dashboard.comparing import (
    comparison,
    groupings,
    known_runs,
    left_out,
    of_two_classes,
    options,
    verdict,
)
from lossmon_dashboard.comparison_chart import Compared, draw_comparison
from lossmon_dashboard.components.comparison_controls import drawing_control, run_picker
from lossmon_dashboard.components.comparison_panels import comparison_panels
from lossmon_dashboard.components.comparison_table import comparison_csv
from lossmon_dashboard.components.notice import back_to_runs
from lossmon_dashboard.components.panel import drawn, keep_view
from lossmon_dashboard.components.weighing import needs_control
from lossmon_dashboard.documents import news_of, read_documents
from lossmon_dashboard.links import COMPARE, MOST_COMPARED
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH, Scheme

PATH = COMPARE
NAME = "Compare"

NEEDS: tuple[str, ...] = get_args(Need)


def layout(
    argument: str | None = None,
    *,
    runs: str = "",
    split: str = "val",
    need: str = "",
    fp: str = "",
    fn: str = "",
    threshold: str = "",
    by: str = "",
    axis: str = "epoch",
    view: str = "",
    measure: str = "loss",
    all: str = "",  # noqa: A002 - the word that stands in the address
    **_: str,
) -> dmc.Container:
    """The page.

    Args:
        argument: not used; the runs stand in the query.
        runs: ids of the runs, separated by commas.
        split: `val` or `train`.
        need: what the model is for; none for all needs.
        fp: cost of a false 1.
        fn: cost of a missed 1.
        threshold: probability from which on 1 is decided for.
        by: what repeats of one setting share.
        axis: what epochs are laid beside one another by.
        view: `overlaid` or `apart`; by the number of runs where it says neither.
        measure: `loss` or `accuracy`, where the runs are drawn apart.
        all: `1` where settings are shown that are the same in all runs.

    Raises:
        StoreError: the database cannot be read.
    """
    del argument
    names = [part for part in runs.split(",") if part]
    chosen, missing = known_runs(names[:MOST_COMPARED])
    return dmc.Container(
        dmc.Stack(
            [
                # What trains elsewhere makes nothing anew here.
                dcc.Store(id="compare-news"),
                html.Div(
                    [
                        back_to_runs(),
                        dmc.Title("Compare runs", order=1, size="h2", className="lossmon-title"),
                    ]
                ),
                run_picker(chosen, options(chosen), split if split == "train" else "val"),
                left_out(missing, max(len(names) - MOST_COMPARED, 0)),
                html.Div(id="compare-caution"),
                html.Div(id="compare-short", role="status"),
                *comparison_panels(
                    needs_control(need if need in NEEDS else "", fp, fn, threshold, by),
                    drawing_control(axis, view, measure, runs=len(chosen)),
                    every=all == "1",
                ),
            ],
            gap="md",
        ),
        size=PAGE_WIDTH,
        px=0,
    )


def register(app: dash.Dash) -> None:
    """Connect the panels to the choice of runs."""

    @app.callback(
        Output("compare-news", "data"),
        Input("revision", "data"),
        Input("compare-runs", "value"),
        State("compare-news", "data"),
    )
    def look(_: Any, runs: list[str] | None, known: str | None) -> Any:
        told = news_of(runs)
        return no_update if told == known else told

    @app.callback(
        Output(drawn("compare-overlay"), "data"),
        Output("compare-measure-choice", "hidden"),
        inputs={
            "runs": Input("compare-runs", "value"),
            "split": Input("compare-split", "value"),
            "axis": Input("compare-axis", "value"),
            "view": Input("compare-view", "value"),
            "measure": Input("compare-measure", "value"),
            "columns": Input("compare-columns", "data"),
            "scheme": Input("scheme", "data"),
        },
    )
    def draw(
        runs: list[str] | None,
        scheme: Scheme | None,
        view: str,
        columns: int | None,
        **how: Any,
    ) -> tuple[Any, bool]:
        if scheme is None:
            return no_update, no_update  # pyright: ignore[reportReturnType]
        apart = view == "apart"
        compared = Compared(tuple(runs or ()), apart=apart, columns=columns or 3, **how)
        return draw_comparison(current_store(), compared, scheme), not apart

    @app.callback(
        Output(drawn("compare-pareto"), "data"),
        Output("compare-ends", "rowData"),
        Output("compare-ends", "columnDefs"),
        Output("compare-ends", "style"),
        Output("compare-differences", "children"),
        Output("compare-caution", "children"),
        Input("compare-news", "data"),
        Input("compare-runs", "value"),
        Input("compare-all", "checked"),
        Input("scheme", "data"),
    )
    def compare(
        _: Any, runs: list[str] | None, every: bool | None, scheme: Scheme | None
    ) -> tuple[Any, ...]:
        if scheme is None:
            return (no_update,) * 6
        return comparison(read_documents(runs), scheme, every=bool(every))

    @app.callback(
        Output("compare-short", "children"),
        Output("compare-weighed", "children"),
        Output("compare-costs", "display"),
        Output("compare-by", "data"),
        Input("compare-news", "data"),
        Input("compare-runs", "value"),
        Input("compare-need", "value"),
        Input("compare-fp", "value"),
        Input("compare-fn", "value"),
        Input("compare-threshold", "value"),
        Input("compare-by", "value"),
    )
    def weighed(  # noqa: PLR0917 - Dash gives them so
        _: Any,
        runs: list[str] | None,
        need: Need | Literal[""],
        fp: str | None,
        fn: str | None,
        threshold: str | None,
        by: str | None,
    ) -> tuple[Any, Any, str, list[str]]:
        documents = read_documents(runs)
        asked = any((fp, fn, threshold)) or of_two_classes(documents)
        told = verdict(documents, need or None, (fp, fn, threshold), by)
        return *told, "flex" if asked else "none", groupings(documents)

    @app.callback(
        Output("compare-runs", "data"),
        Input("compare-runs", "searchValue"),
        State("compare-runs", "value"),
        prevent_initial_call=True,
    )
    def offer(words: str | None, runs: list[str] | None) -> Any:
        return options(runs or [], words or "")

    @app.callback(
        Output("compare-download", "data"),
        Input("compare-csv", "n_clicks"),
        State("compare-runs", "value"),
        State("compare-split", "value"),
        prevent_initial_call=True,
    )
    def download(clicks: int | None, runs: list[str] | None, split: Split) -> Any:
        if not clicks:
            return no_update
        text = comparison_csv(read_documents(runs), split)
        return {"content": text, "filename": "lossmon-comparison.csv", "type": "text/csv"}

    app.clientside_callback(
        ClientsideFunction("lossmon_runs", "columns"),
        Output("compare-columns", "data"),
        Input("compare-view", "value"),
    )
    # From then on it asks itself what is new of its runs.
    app.clientside_callback(
        ClientsideFunction("lossmon_follow", "draw"),
        Output("compare-overlay", "figure"),
        Output("compare-overlay", "style"),
        Input(drawn("compare-overlay"), "data"),
        State("compare-overlay", "id"),
        State("compare-overlay", "figure"),
        State("scheme", "data"),
    )
    keep_view(app, "compare-pareto")
    app.clientside_callback(
        ClientsideFunction("lossmon", "rememberComparison"),
        Input("compare-runs", "value"),
        Input("compare-split", "value"),
        Input("compare-need", "value"),
        Input("compare-fp", "value"),
        Input("compare-fn", "value"),
        Input("compare-threshold", "value"),
        Input("compare-by", "value"),
        Input("compare-axis", "value"),
        Input("compare-view", "value"),
        Input("compare-measure", "value"),
        Input("compare-all", "checked"),
    )
