"""Several runs over one another: which is better, and what was different?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, html, no_update

from lossmon.analysis import Costs, Need, distinct_names, weigh
from lossmon.errors import InvalidArgument, RunNotFound
from lossmon.records import Split
from lossmon_dashboard import figures
from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.comparison import (
    caution,
    difference_table,
    end_table,
)
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import back_to_runs
from lossmon_dashboard.components.panel import chart, drawn, keep_view, panel
from lossmon_dashboard.components.weighing import needs_control, weighing_panel
from lossmon_dashboard.figures.panes import PAIR_HEIGHT
from lossmon_dashboard.links import COMPARE, MOST_COMPARED
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH, Scheme

PATH = COMPARE
NAME = "Compare"

NEEDS: tuple[str, ...] = get_args(Need)
_SPLITS = [{"value": "val", "label": "Validation"}, {"value": "train", "label": "Training"}]


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

    Raises:
        StoreError: the database cannot be read.
    """
    del argument
    known = current_store().run_rows()
    options = [{"value": row["id"], "label": f"{row['name']} ({row['id'][:6]})"} for row in known]
    chosen = _resolve([part for part in runs.split(",") if part][:MOST_COMPARED])
    return dmc.Container(
        dmc.Stack(
            [
                html.Div(
                    [
                        back_to_runs(),
                        dmc.Title("Compare runs", order=1, size="h2", className="lossmon-title"),
                    ]
                ),
                _controls(options, chosen, split if split == "train" else "val"),
                html.Div(id="compare-caution"),
                *_panels(needs_control(need if need in NEEDS else "", fp, fn, threshold, by)),
            ],
            gap="md",
        ),
        size=PAGE_WIDTH,
        px=0,
    )


def _resolve(names: Sequence[str]) -> list[str]:
    """The ids of the runs that are there; those that are not are left out."""
    store = current_store()
    found: list[str] = []
    for name in names:
        try:
            found.append(store.resolve(name))
        except RunNotFound:
            continue
    return list(dict.fromkeys(found))


def _controls(options: Sequence[Any], chosen: Sequence[str], split: str) -> dmc.Group:
    return dmc.Group(
        [
            dmc.MultiSelect(
                id="compare-runs",
                data=list(options),
                value=list(chosen),
                searchable=True,
                maxValues=MOST_COMPARED,
                clearable=True,
                placeholder="Add a run",
                style={"flex": "1 1 320px"},
                **spoken("Runs to compare"),
            ),
            dmc.SegmentedControl(id="compare-split", data=_SPLITS, value=split),
        ],
        align="start",
    )


def _panels(questions: dmc.Group) -> list[Any]:
    return [
        panel(
            "Loss and accuracy by epoch",
            "Each run keeps its colour and line style on this page. Click a name to hide it.",
            chart("compare-overlay", "Loss and accuracy of the runs by epoch", PAIR_HEIGHT),
        ),
        panel(
            "Which one to take",
            "What is more than noise, several comparisons corrected together (Holm). Probabilities "
            "are judged by the loss, decisions by the accuracy or by what mistakes cost, ranking "
            "by the area under the ROC curve. Runs that differ in their seed alone are repeats.",
            questions,
            html.Div(id="compare-weighed"),
        ),
        panel(
            "Where they ended",
            "Values of the last epoch; the best of each column among comparable runs is bold.",
            html.Div(id="compare-ends", className="lossmon-scroll"),
        ),
        dmc.SimpleGrid(
            [
                panel(
                    "Loss against accuracy",
                    "Left is a smaller loss, up a higher accuracy. Large dots are last epochs, "
                    "small ones those before; the dotted line joins what nothing beats on both.",
                    chart("compare-pareto", "Validation loss against validation accuracy"),
                ),
                panel(
                    "What was different",
                    "Only the settings in which these runs differ.",
                    html.Div(id="compare-differences", className="lossmon-scroll"),
                ),
            ],
            cols={"base": 1, "md": 2},
        ),
    ]


def register(app: dash.Dash) -> None:
    """Connect the panels to the choice of runs."""

    @app.callback(
        Output(drawn("compare-overlay"), "data"),
        Output(drawn("compare-pareto"), "data"),
        Output("compare-ends", "children"),
        Output("compare-differences", "children"),
        Output("compare-caution", "children"),
        Input("revision", "data"),
        Input("compare-runs", "value"),
        Input("compare-split", "value"),
        Input("scheme", "data"),
    )
    def compare(
        _: Any, runs: list[str] | None, split: Split, scheme: Scheme | None
    ) -> tuple[Any, ...]:
        if scheme is None:
            return (no_update,) * 5
        store = current_store()
        documents = [store.run_document(run) for run in runs or []]
        return comparison(documents, split, scheme)

    @app.callback(
        Output("compare-weighed", "children"),
        Input("revision", "data"),
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
    ) -> Any:
        store = current_store()
        documents = [store.run_document(run) for run in runs or []]
        return verdict(documents, need or None, (fp, fn, threshold), by)

    keep_view(app, "compare-overlay", "compare-pareto")
    app.clientside_callback(
        ClientsideFunction("lossmon", "rememberComparison"),
        Input("compare-runs", "value"),
        Input("compare-split", "value"),
        Input("compare-need", "value"),
        Input("compare-fp", "value"),
        Input("compare-fn", "value"),
        Input("compare-threshold", "value"),
        Input("compare-by", "value"),
    )


def verdict(
    documents: Sequence[Mapping[str, Any]],
    need: Need | None,
    costs: tuple[str | None, str | None, str | None],
    by: str | None,
) -> Any:
    """Which run to take, or what is wrong with the question."""
    names = distinct_names(documents)
    try:
        found = weigh(
            documents,
            names,
            lambda run, epoch, output: current_store().samples(run, epoch, output=output),
            need=need,
            costs=_costs(*costs) if need in (None, "decisions") else None,
            group_by=(by or "").strip() or None,
        )
    except InvalidArgument as error:
        return callout("warning", "Mind this", dmc.Text(str(error)))
    return weighing_panel(found)


def _costs(fp: str | None, fn: str | None, threshold: str | None) -> Costs | None:
    """What was typed; None where nothing was."""
    given = [(text or "").strip().replace(",", ".") for text in (fp, fn, threshold)]
    if not any(given):
        return None
    try:
        one, two, cut = (float(text) if text else None for text in given)
    except ValueError as error:
        raise InvalidArgument(
            f"expected numbers. Received: {', '.join(filter(None, given))}. Fix: such as 1 and 10"
        ) from error
    return Costs(1.0 if one is None else one, 1.0 if two is None else two, cut).checked()


def comparison(
    documents: Sequence[Mapping[str, Any]], split: Split, scheme: Scheme
) -> tuple[Any, ...]:
    """Overlay, Pareto view, end values, differences and caution for some runs."""
    overlay = figures.plot_overlay(documents, split, scheme)
    identity = ",".join(document["id"] for document in documents)
    return (
        overlay.update_layout(uirevision=f"{identity}/{split}"),
        figures.plot_pareto(documents, scheme).update_layout(uirevision=identity),
        end_table(documents, scheme),
        difference_table(documents),
        caution(documents),
    )
