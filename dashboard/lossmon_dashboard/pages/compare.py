"""Several runs over one another: which is better, and what was different?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon.analysis import Costs, Need, distinct_names, weigh
from lossmon.errors import InvalidArgument, RunNotFound
from lossmon.records import Split
from lossmon.store import RunQuery
from lossmon_dashboard import figures
from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.comparison import (
    caution,
    difference_table,
    end_table,
)
from lossmon_dashboard.components.comparison_table import comparison_csv
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import back_to_runs
from lossmon_dashboard.components.panel import chart, drawn, keep_view, panel, scrolled
from lossmon_dashboard.components.weighing import needs_control, weighing_panel
from lossmon_dashboard.figures.alignment import Axis
from lossmon_dashboard.figures.overlay import Measure
from lossmon_dashboard.figures.panes import PAIR_HEIGHT
from lossmon_dashboard.links import COMPARE, MOST_COMPARED
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH, Scheme

PATH = COMPARE
NAME = "Compare"

NEEDS: tuple[str, ...] = get_args(Need)
AXES = {"epoch": "Epoch", "step": "Step", "time": "Time", "samples": "Samples"}
VIEWS = {"overlaid": "Overlaid", "apart": "Apart"}
MEASURES = {"loss": "Loss", "accuracy": "Accuracy"}
MOST_OVERLAID = 6
"""More runs are drawn apart unless the reader says otherwise."""

_OFFERED = 50
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
                _controls(chosen, split if split == "train" else "val"),
                html.Div(id="compare-caution"),
                *_panels(
                    needs_control(need if need in NEEDS else "", fp, fn, threshold, by),
                    _drawing(axis, view, measure, many=len(chosen) > MOST_OVERLAID),
                    every=all == "1",
                ),
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


def options(chosen: Sequence[str], words: str = "") -> list[dict[str, str]]:
    """Runs to choose from: those that are chosen, and the newest that answer to some words."""
    listed = current_store().listed_runs(RunQuery(archived=True))
    named = [(run["id"], f"{run['name']} ({run['id'][:6]})", run["archived"]) for run in listed]
    parts = words.casefold().split()
    found = [
        (identity, label)
        for identity, label, hidden in named
        if hidden is None and all(part in label.casefold() for part in parts)
    ]
    labels = {identity: label for identity, label, _ in named if identity in set(chosen)}
    kept = [(identity, labels[identity]) for identity in chosen if identity in labels]
    offered = dict([*kept, *found[:_OFFERED]])
    return [{"value": identity, "label": label} for identity, label in offered.items()]


def _drawing(axis: str, view: str, measure: str, *, many: bool) -> dmc.Group:
    """How the curves are drawn."""
    return dmc.Group(
        [
            _choice("compare-axis", "Along", AXES, axis, "epoch"),
            _choice("compare-view", "Runs", VIEWS, view, "apart" if many else "overlaid"),
            _choice("compare-measure", "Value", MEASURES, measure, "loss"),
            dmc.Button("CSV", id="compare-csv", variant="default", size="sm"),
            dcc.Download(id="compare-download"),
            dcc.Store(id="compare-narrow"),
        ],
        gap="md",
        align="end",
        mb="sm",
    )


def _choice(
    identity: str, label: str, words: Mapping[str, str], value: str, usual: str
) -> html.Div:
    data = [{"value": key, "label": word} for key, word in words.items()]
    control = dmc.SegmentedControl(
        id=identity, value=value if value in words else usual, data=data, size="sm"
    )
    heading = dmc.Text(label, size="sm", fw=500, mb=3)
    return html.Div(
        [heading, control],
        id=f"{identity}-choice",
        role="group",
        className="lossmon-choice",
        **spoken(label),
    )


def _controls(chosen: Sequence[str], split: str) -> dmc.Group:
    return dmc.Group(
        [
            dmc.MultiSelect(
                id="compare-runs",
                data=options(chosen),
                searchValue="",
                nothingFoundMessage="No run matches.",
                value=list(chosen),
                searchable=True,
                maxValues=MOST_COMPARED,
                clearable=True,
                placeholder="Add a run",
                className="lossmon-several",
                **spoken("Runs to compare"),
            ),
            dmc.SegmentedControl(id="compare-split", data=_SPLITS, value=split),
        ],
        align="start",
    )


def _panels(questions: dmc.Group, drawing: dmc.Group, *, every: bool) -> list[Any]:
    return [
        panel(
            "Loss and accuracy",
            "A run has its colour and line style here and in the list; of two with the same, the "
            "second takes another. Click a name to hide it.",
            drawing,
            chart("compare-overlay", "Loss and accuracy of the runs", PAIR_HEIGHT),
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
            scrolled("Values of the last epoch", id="compare-ends"),
        ),
        panel(
            "Loss against accuracy",
            "Left is a smaller loss, up a higher accuracy. Large dots are last epochs, "
            "small ones those before; the dotted line joins what nothing beats on both.",
            chart("compare-pareto", "Validation loss against validation accuracy"),
        ),
        panel(
            "What was different",
            "The settings in which these runs differ.",
            dmc.Switch(
                id="compare-all",
                label="Also what is the same in all",
                checked=every,
                size="sm",
                mb="sm",
            ),
            scrolled("Settings of each run", id="compare-differences"),
        ),
    ]


def register(app: dash.Dash) -> None:
    """Connect the panels to the choice of runs."""

    @app.callback(
        Output(drawn("compare-overlay"), "data"),
        Output("compare-measure-choice", "hidden"),
        inputs={
            "revision": Input("revision", "data"),
            "runs": Input("compare-runs", "value"),
            "split": Input("compare-split", "value"),
            "axis": Input("compare-axis", "value"),
            "view": Input("compare-view", "value"),
            "measure": Input("compare-measure", "value"),
            "narrow": Input("compare-narrow", "data"),
            "scheme": Input("scheme", "data"),
        },
    )
    def draw(
        revision: Any,
        runs: list[str] | None,
        scheme: Scheme | None,
        view: str,
        **how: Any,
    ) -> tuple[Any, bool]:
        del revision
        if scheme is None:
            return no_update, no_update  # pyright: ignore[reportReturnType]
        return curves(_documents(runs), scheme, apart=view == "apart", **how), view != "apart"

    @app.callback(
        Output(drawn("compare-pareto"), "data"),
        Output("compare-ends", "children"),
        Output("compare-differences", "children"),
        Output("compare-caution", "children"),
        Input("revision", "data"),
        Input("compare-runs", "value"),
        Input("compare-all", "checked"),
        Input("scheme", "data"),
    )
    def compare(
        _: Any, runs: list[str] | None, every: bool | None, scheme: Scheme | None
    ) -> tuple[Any, ...]:
        if scheme is None:
            return (no_update,) * 4
        return comparison(_documents(runs), scheme, every=bool(every))

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
        return verdict(_documents(runs), need or None, (fp, fn, threshold), by)

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
        text = comparison_csv(_documents(runs), split)
        return {"content": text, "filename": "lossmon-comparison.csv", "type": "text/csv"}

    app.clientside_callback(
        ClientsideFunction("lossmon_runs", "isNarrow"),
        Output("compare-narrow", "data"),
        Input("compare-view", "value"),
    )
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
        Input("compare-axis", "value"),
        Input("compare-view", "value"),
        Input("compare-measure", "value"),
        Input("compare-all", "checked"),
    )


def _documents(runs: Sequence[str] | None) -> list[dict[str, Any]]:
    store = current_store()
    return [store.run_document(run) for run in runs or ()]


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


def curves(
    documents: Sequence[Mapping[str, Any]],
    scheme: Scheme,
    *,
    split: Split,
    axis: Axis,
    measure: Measure,
    apart: bool,
    narrow: bool | None = False,
) -> Any:
    """The curves of some runs, over one another or apart; zoom is kept while both stay the same."""
    if apart:
        columns = 1 if narrow else 3
        figure = figures.plot_multiples(
            documents, split, measure, scheme, axis=axis, columns=columns
        )
    else:
        figure = figures.plot_overlay(documents, split, scheme, axis=axis)
    identity = ",".join(document["id"] for document in documents)
    return figure.update_layout(uirevision=f"{identity}/{split}/{axis}/{apart}/{apart and measure}")


def comparison(
    documents: Sequence[Mapping[str, Any]], scheme: Scheme, *, every: bool = False
) -> tuple[Any, ...]:
    """Pareto view, end values, differences and caution for some runs."""
    identity = ",".join(document["id"] for document in documents)
    return (
        figures.plot_pareto(documents, scheme).update_layout(uirevision=identity),
        end_table(documents, scheme),
        difference_table(documents, every=every),
        caution(documents),
    )
