"""What a comparison comes to: end values, differences, and which run to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc

from lossmon.analysis import Costs, Need, distinct_names, grouping_keys, left_out_sentences, weigh
from lossmon.errors import InvalidArgument, RunNotFound
from lossmon.store import RunQuery
from lossmon_dashboard import figures
from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.comparison import caution, comparable, difference_table
from lossmon_dashboard.components.comparison_ends import end_columns, end_rows, ends_height
from lossmon_dashboard.components.weighing import short_verdict, weighing_panel
from lossmon_dashboard.links import MOST_COMPARED
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme
from lossmon_dashboard.wording import count, listing

_OFFERED, _NAMED = 50, 10


def known_runs(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The ids of the runs that are there, and the names of those that are not."""
    store = current_store()
    found: dict[str, None] = {}
    missing: list[str] = []
    for name in names:
        try:
            found[store.resolve(name)] = None
        except RunNotFound:
            missing.append(name)
    return list(found), missing


def left_out(missing: list[str], beyond: int) -> dmc.Paper | None:
    """Says which runs of an address are not compared; nothing where all are.

    Args:
        missing: those that are not there.
        beyond: how many are too many.
    """
    sentences: list[str] = []
    if missing:
        sentences.append(f"Not there, or not any more: {listing(missing[:_NAMED])}.")
    if beyond:
        sentences.append(f"{count(beyond, 'run')} beyond the first {MOST_COMPARED} left out.")
    return callout("warning", "Not compared", dmc.Text(" ".join(sentences))) if sentences else None


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


def comparison(
    documents: Sequence[Mapping[str, Any]], scheme: Scheme, *, every: bool = False
) -> tuple[Any, ...]:
    """Pareto view, end values with their columns and height, differences and caution."""
    identity = ",".join(document["id"] for document in documents)
    alike = all(comparable(documents, measure) for measure in ("val_loss", "val_accuracy"))
    pareto = figures.plot_pareto(documents, scheme, comparable=alike)
    return (
        pareto.update_layout(uirevision=identity),
        end_rows(documents),
        end_columns(documents),
        ends_height(len(documents)),
        difference_table(documents, every=every),
        caution(documents),
    )


def verdict(
    documents: Sequence[Mapping[str, Any]],
    need: Need | None,
    costs: tuple[str | None, str | None, str | None],
    by: str | None,
) -> tuple[Any, Any]:
    """Which run to take, in short and with all it rests on, or what is wrong with the question."""
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
        return None, callout("warning", "Mind this", dmc.Text(str(error)))
    left_out = left_out_sentences(documents, names)
    return short_verdict(found, left_out, runs=len(documents)), weighing_panel(found, left_out)


def groupings(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """What repeats of one setting may share: what all runs say, and not all the same."""
    known = [key for key in ("project", "tags") if documents and all(d[key] for d in documents)]
    return [*grouping_keys(documents), *known]


def of_two_classes(documents: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some output may tell two classes apart, so that mistakes may cost differently."""
    shapes = [output["shape"] or (None,) for run in documents for output in run["outputs"]]
    return any((shape[-1] or 2) <= 2 for shape in shapes)


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
